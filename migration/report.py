"""What an import understood, what it skipped and why, as a person reads it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

EXAMPLES = 3


@dataclass(slots=True)
class Tally:
    """How often something was met, by reason, and where first. `where` is `file:line`."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, where: str) -> None:
        count = self.counts.get(reason, 0)
        self.counts[reason] = count + 1
        if count < EXAMPLES:
            self.examples.setdefault(reason, []).append(where)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(reason, count, examples), the most frequent first."""
        for reason, count in sorted(self.counts.items(), key=lambda entry: -entry[1]):
            more = ", ..." if count > EXAMPLES else ""
            yield reason, f"{count:,}", ", ".join(self.examples[reason]) + more


@dataclass(slots=True)
class Section:
    """One thing that was to be imported. `failed`: nothing of it was; rows are (what, value, remark), in columns."""

    title: str
    outcome: str = ""
    failed: bool = False
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        yield f"{self.title}: {self.outcome}"
        widths = [max((len(row[column]) for row in self.rows), default=0) for column in (0, 1)]
        for what, value, remark in self.rows:
            yield f"  {what:<{widths[0]}}  {value:>{widths[1]}}  {remark}".rstrip()
        for advice in self.advice:
            yield f"  advice: {advice}"


def show(sections: list[Section]) -> None:
    """Prints the report."""
    for section in sections:
        print("\n".join(section.lines()), end="\n\n")

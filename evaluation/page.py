"""The report as one page of HTML that needs no other file, no script and no network."""

from collections.abc import Iterable
from html import escape

from evaluation import charts, report
from evaluation.figures import figure
from shared.evaluation.estimate import Estimate
from shared.evaluation.part import BASELINE, ONLINE
from shared.evaluation.result import Result

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; vertical-align: top; }
code { overflow-wrap: anywhere; font-size: 13px; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: currentColor; margin: 1rem 0; }
.grid { stroke: #8883; } .served { stroke: #888; stroke-dasharray: 4 3; } .interval { stroke: currentColor; }
.interval { stroke-width: 2; } .doubtful { opacity: .5; } .failed { color: #c00; font-weight: bold; }
"""
_COLUMNS = (
    "policy", "average reward", "95 % interval", "more than Online", "more than Baseline1",
    "expected effective events", "",
)  # fmt: skip
_SLOTS = ("slot", "policy", "average reward", "95 % interval", "")


def made(found: Result) -> str:
    """The page of a result."""
    period = f"{report.moment(found.since)} to {report.moment(found.until)} UTC"
    begins = {point.at for points in found.series.values() for point in points}
    times = (report.moment(min(begins)), report.moment(max(begins))) if begins else ("", "")
    check, verdict = found.self_check, f"{report.checked(found)}."
    if found.decisions and not check.passed:
        verdict = f'<span class="failed">{verdict}</span>'
    seen = f"{found.decisions:,.0f} decisions, {period}; {escape(report.rewards(found))}."
    sections = [
        f"<h1>Policies compared</h1><p>{seen}</p>",
        charts.forest(found.policies),
        _table(_COLUMNS, map(_row, found.policies)),
        *(
            [f"<h2>By slot</h2><p>{report.SLOTS}</p>", _table(_SLOTS, map(report.slot_row, found.slots))]
            if found.slots
            else []
        ),
        f"<h2>Over time</h2>{charts.series(found.series, times)}",
        f"<h2>What was seen</h2>{''.join(map(_policy, found.policies))}",
        _listed("", [f"{reason} It is left out." for reason in found.failed.values()] + found.notes),
        f"<h2>Can these figures be trusted?</h2><p>Self-check {verdict}</p>{_listed('', check.told)}",
        _listed("<h2>Not judged</h2>", [f"{count:,} events: {reason}" for reason, count in found.skipped.items()]),
        "<h2>What the figures answer</h2>" + _table(("policy", "question"), map(_question, found.policies)),
    ]
    head = f'<meta charset="utf-8"><title>Policies compared, {period}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(sections)}</body></html>\n'


def _policy(one: Estimate) -> str:
    said = report.sentences(one)
    if not said:
        return ""
    arguments = f"<p><code>{escape(one.arguments)}</code></p>" if one.arguments else ""
    return f"<h3>{escape(one.name)}</h3>{arguments}{_listed('', said)}"


def _row(one: Estimate) -> tuple[str, ...]:
    online, baseline = (report.difference(report.compared(one, other)) for other in (ONLINE, BASELINE))
    interval, expected = report.interval(one.lower, one.upper), "" if one.expected is None else f"{one.expected:,.0f}"
    return one.name, figure(one.value), interval, online, baseline, expected, report.flag(one)


def _question(one: Estimate) -> tuple[str, str]:
    return one.name, one.question


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _listed(heading: str, sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"{heading}<ul>{items}</ul>" if items else ""

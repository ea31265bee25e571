"""What became of decisions, how their rewards are spread, and how long they took."""

from shared.dashboard import drawings, figures, parts
from shared.dashboard.fates import Bin
from shared.dashboard.history import History
from shared.dashboard.markup import Html, h3, join
from shared.dashboard.pages.overview.data import Overview


def fates(past: History) -> Html:
    """The funnel of decisions, and the spread of their rewards."""
    funnel = past.funnel
    rows = [
        ("ranked", funnel.ranked, "online"),
        ("shown", funnel.shown, "online"),
        ("rewarded", funnel.rewarded, "online"),
        ("default reward", funnel.defaulted, "random"),
        ("not shown", funnel.skipped, "random"),
        ("rewards late", funnel.late, "random"),
        ("of no decision", funnel.orphans, "random"),
    ]
    label = ", ".join(f"{name} {figures.count(number)}" for name, number, _ in rows)
    notes = [f"{figures.plural(past.missing, 'hour')} of this period have no summary."] if past.missing else []
    notes += ["A summary is damaged; its hours are missing."] if past.damaged else []
    return parts.card(
        drawings.bars(rows, label),
        _reward_spread(past.rewards),
        parts.hint("A decision without a reward in time is learned with the default reward."),
        [parts.hint(note) for note in notes],
        width=4,
        name="What became of decisions",
        more="stretch",
    )


def _reward_spread(found: list[Bin]) -> Html | None:
    if not found:
        return None
    spread = drawings.histogram([one.decisions for one in found], _ends(found), _spread_in_words(found))
    return join(h3("Rewards of decisions"), spread)


def _ends(found: list[Bin]) -> tuple[str, str, str]:
    if not found:
        return "", "", ""
    low, high = found[0].low, found[-1].high
    middle = "" if low is None or high is None or len(found) < 3 else f"{(low + high) / 2:g}"
    return ("below −1" if low is None else f"{low:g}"), middle, ("1 and more" if high is None else f"{high:g}")


def _spread_in_words(found: list[Bin]) -> str:
    most = sorted(found, key=lambda one: -one.decisions)[:2]
    said = [f"{figures.count(one.decisions)} from {'below' if one.low is None else f'{one.low:g}'}" for one in most]
    return f"Decisions by their reward, most of them: {', '.join(said)}"


def delays(data: Overview) -> Html:
    """Rewards in time by how long they took."""
    known = [(_delay(end), count, "online") for end, count in data.delays if count]
    drawn = drawings.bars(known, ", ".join(f"{name} {figures.count(number)}" for name, number, _ in known))
    shown = drawn if known else parts.empty("No reward was in time yet.")
    note = parts.hint("All rewards in time since the loop began.")
    return parts.card(shown, note, width=5, name="How long rewards took")


def _delay(end: float | None) -> str:
    return "longer" if end is None else f"up to {figures.duration(end)}"

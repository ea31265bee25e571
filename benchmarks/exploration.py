"""Draws how much policies explore: docs/exploration.svg, of a travel agency whose visitors change half-way."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from shared.vw.policy import DEFAULT_ARGUMENTS, EARLIER_ARGUMENTS
from simulator.offline import play
from simulator.scenario import Scenario, Visit
from simulator.travel import TRAVEL

EVENTS, STEP, SEEDS = 10_000, 100, 5
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 260, 52, 34, 40
MOST = 0.25  # of the share that is shown
# Legible on light and on dark pages.
LINES = {"default": (DEFAULT_ARGUMENTS, "#2f7ed8"), "default until 0.2": (EARLIER_ARGUMENTS, "#e07b39")}
_TEXT = 'font-family="system-ui,sans-serif" font-size="12" fill="#808080"'


def shares(scenario: Scenario, arguments: str, seeds: int, events: int) -> list[float]:
    """The probability that is not on the most probable action, averaged over STEP visits and the seeds."""
    found: list[list[float]] = [[] for _ in range(events // STEP)]
    for seed in range(seeds):
        served: list[float] = []

        def watch(_: Visit, pmf: list[float], served: list[float] = served) -> None:
            served.append(1 - max(pmf))

        play(scenario, arguments, seed, events, watch=watch)
        for place, each in enumerate(found):
            each += served[place * STEP : (place + 1) * STEP]
    return [mean(each) for each in found]


def drawn(lines: dict[str, tuple[list[float], str]]) -> str:
    """The picture. lines: shares and colour by name."""
    plot_width, plot_height = WIDTH - LEFT - 12, HEIGHT - TOP - BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    parts.append("<title>Share of visits that explore, over 10,000 visits</title>")
    for share in (0, 0.05, 0.1, 0.15, 0.2, 0.25):
        y = TOP + plot_height * (1 - share / MOST)
        parts.append(f'<path d="M{LEFT} {y:.0f}h{plot_width}" stroke="#808080" stroke-opacity=".3"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end" {_TEXT}>{share:.0%}</text>')
    for number, (name, (values, colour)) in enumerate(lines.items()):
        step = plot_width / (len(values) - 1)
        points = " ".join(
            f"{LEFT + place * step:.1f},{TOP + plot_height * (1 - min(value, MOST) / MOST):.1f}"
            for place, value in enumerate(values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{LEFT + 150 * number}" y="16" {_TEXT}><tspan fill="{colour}">━</tspan> {name}</text>')
    for visits in range(0, EVENTS + 1, 2_000):
        x = LEFT + plot_width * visits / EVENTS
        parts.append(f'<text x="{x:.0f}" y="{HEIGHT - 22}" text-anchor="middle" {_TEXT}>{visits:,}</text>')
    parts.append(f'<text x="{LEFT + plot_width / 2:.0f}" y="{HEIGHT - 5}" text-anchor="middle" {_TEXT}>visits</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exploration", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs that are averaged (%(default)s)")
    parser.add_argument("file", nargs="?", type=Path, default=Path("docs/exploration.svg"), help="%(default)s")
    given = parser.parse_args(arguments)
    lines = {name: (shares(TRAVEL, policy, given.seeds, EVENTS), colour) for name, (policy, colour) in LINES.items()}
    given.file.write_text(drawn(lines))
    print(f"drawn: {given.file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

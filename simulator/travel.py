"""Preferences that change half-way: what travellers want in summer is not what they want in winter."""

from __future__ import annotations

from random import Random

from simulator.scenario import Action, Scenario, Visit

TRIPS = [
    Action("beach", [{"setting": "coast", "days": 7}]),
    Action("city", [{"setting": "town", "days": 3}]),
    Action("hiking", [{"setting": "mountain", "days": 5}]),
    Action("skiing", [{"setting": "mountain", "days": 7}]),
    Action("spa", [{"setting": "town", "days": 2}]),
    Action("cruise", [{"setting": "coast", "days": 10}]),
]

# Booking rates in the order of TRIPS.
SUMMER = {
    "family": (0.70, 0.15, 0.35, 0.05, 0.10, 0.30),
    "couple": (0.35, 0.40, 0.20, 0.05, 0.25, 0.65),
    "student": (0.30, 0.65, 0.35, 0.05, 0.05, 0.10),
    "retired": (0.20, 0.25, 0.60, 0.00, 0.30, 0.35),
}
WINTER = {
    "family": (0.10, 0.20, 0.10, 0.70, 0.25, 0.15),
    "couple": (0.15, 0.35, 0.05, 0.30, 0.65, 0.20),
    "student": (0.10, 0.25, 0.10, 0.60, 0.10, 0.05),
    "retired": (0.15, 0.25, 0.05, 0.05, 0.40, 0.65),
}


def visit(rng: Random, progress: float) -> Visit:
    rates = SUMMER if progress < 0.5 else WINTER
    party = rng.choice(tuple(rates))
    return Visit(
        context=[
            {"party": party, "device": rng.choice(("phone", "laptop", "tablet"))},
            {"returning": rng.random() < 0.3},
        ],
        actions=TRIPS,
        expected=list(rates[party]),
    )


TRAVEL = Scenario(
    "travel", "A travel agency shows one of 6 trips; half-way through the run, summer turns to winter.", visit
)

"""The candidates of an optimisation: exploration, cost type and learning rate, times crossings of what the log has."""

from itertools import product

from shared.evaluation.plan import Candidate
from shared.vw.schema import IDENTITY, Schema

AUTO = "--interactions auto"
# The epsilon of those that explore by it is explorationPercentage.
EXPLORATIONS = (
    "--cb_type mtr --squarecb --gamma_scale 30 --unweighted --explore_first",
    "--cb_type mtr --squarecb --gamma_scale 10",
    "--cb_type mtr --epsilon {share:g}",
    "--cb_type ips --epsilon {share:g}",
    "--cb_type dr --epsilon {share:g}",
)
RATES = ("", "-l 0.05", "-l 2")  # VW's own, a tenth and four times of it


def crossings(schema: Schema) -> list[str]:
    """As VW's arguments: all that `--interactions auto` makes, fewer of them, and none.

    Context with the identity of actions tells for whom each action is good; with their features, which kinds are.
    """
    identity = " ".join(f"-q {one}{IDENTITY}" for one in schema.context)
    features = " ".join(f"-q {one}{other}" for one, other in product(schema.context, schema.action) if one != other)
    both = f"{identity} {features}".strip()
    return list(dict.fromkeys([AUTO, both, features or identity, ""]))


def candidates(schema: Schema, share: float) -> list[Candidate]:
    """All of them. Hyper#: with the crossings of a new loop; Inter-len#: with others. share: explorationPercentage."""
    found: list[Candidate] = []
    numbers = {"Hyper": 0, "Inter-len": 0}
    for crossing, exploration, rate in product(crossings(schema), EXPLORATIONS, RATES):
        kind = "Hyper" if crossing == AUTO else "Inter-len"
        numbers[kind] += 1
        words = ("--cb_explore_adf", exploration.format(share=share), rate, crossing)
        found.append(Candidate(f"{kind}{numbers[kind]}", " ".join(word for word in words if word), share))
    return found

"""Why the model scores an action as it does: the share of each feature, and of features that occur together.

The score is the reward that the model expects of the action (minus VW's cost): a positive share speaks for it. VW
sums the weights of an action's features, of the context's, and of their crossings that the policy asks for; each of
these is counted to the names of the features in it, `user.age` for a nested one, `user.age^topic` for two together.
The id of the action is `id`. A constant changes no name, so that `age` holds its crossings with the constant as well,
and `constant` is what every action starts with. A name that is in the context too is `action.name` in an action.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import pylibvw

from shared.rank.ranking import Decision
from shared.rank.wire import ActionExplanation, FeatureScore
from shared.vw import crossings
from shared.vw.crossings import Crossing
from shared.vw.model import Model

# An action's largest shares are told by name; at most so many crossings are looked up for all actions of a request,
# which takes about a third of a second. What is left of the score is one entry, `other`.
TOLD, LOOKED_UP = 100, 200_000
# The names of a request take memory in proportion to the square of their number: 12 MB for so many.
NAMED = 10_000
OTHER, CONSTANT = "other", "constant"
# VW computes in float32. A policy of several models (--bag, --cover) differs by more, and is not explained.
TOLERANCE = 1e-4

_CONSTANT_NAMESPACE = 128
_PRIME, _MASK = 16777619, 0xFFFFFFFF  # FNV-1, of which VW's weights need no more than 32 bits

_encode = msgspec.json.Encoder().encode


class _Feature(NamedTuple):
    """One feature of an example: the index of its weight, its value, and a bit for its name (0 for constants)."""

    weight: int
    value: float
    name: int


class _Crossed(NamedTuple):
    """Several features as one, with the bits of their names, and the position of the last in its namespace."""

    last: int
    weight: int
    value: float
    names: int


class _Leaf(NamedTuple):
    """One feature of a request: the namespace it stands in, where in its object it is, and the value as it came."""

    namespace: str
    path: tuple[str, ...]
    value: Any


Groups = dict[int, list[_Feature]]


def explain(decision: Decision, found: Sequence[list[FeatureScore]] | None) -> list[ActionExplanation]:
    """The explanations of all actions, in the order of the ranking that the model drew.

    found: what `shares` says of the candidates in that order, None without a model. Excluded actions stand where they
    do in the request; they have no features, nor has any action without a model.
    """
    order = [decision.candidates[index] for index in decision.ranking.order]
    of_each = dict(zip(order, found, strict=True)) if found is not None else {}
    for place, name in decision.excluded.items():
        order.insert(place, name)
    return [ActionExplanation(name, of_each.get(name, [])) for name in order]


def shares(model: Model, context: bytes, order: Sequence[int]) -> list[list[FeatureScore]]:
    """The shares in the scores of the actions of a context, which stand at these places in it."""
    return list(_Explainer(model, context).shares(order))


class _Explainer:
    def __init__(self, model: Model, context: bytes) -> None:
        self._workspace, self._context = model.workspace, context
        self._specifications = crossings.specified(self._workspace.get_arguments())
        self._stride = self._workspace.get_stride()
        self._names: list[str] = []
        leaves = list(_leaves(context))
        self._bits = self._read_names(leaves) if len(leaves) <= NAMED else {}
        self._left = LOOKED_UP if self._bits else -1

    def shares(self, order: Sequence[int]) -> Iterator[list[FeatureScore]]:
        """Of each action, in this order."""
        examples = self._workspace._parse(self._context.decode())
        try:
            pylibvw.vw.predict_multi(self._workspace, examples)
            shared = self._groups(examples[0])
            shared.pop(_CONSTANT_NAMESPACE, None)
            for index in order:
                groups = self._groups(examples[index + 1])
                for namespace, features in shared.items():
                    groups[namespace] = groups.get(namespace, []) + features
                yield self._told(groups, 0.0 - examples[index + 1].get_partial_prediction())
        finally:
            pylibvw.vw._finish_example_multi_ex(self._workspace, examples)

    def _told(self, groups: Groups, score: float) -> list[FeatureScore]:
        """The largest shares of one action's score, and the rest of it."""
        namespaces = groups.keys() - {_CONSTANT_NAMESPACE}
        crossed: list[Crossing] = []
        if crossings.most(self._specifications, len(namespaces)) > self._left:
            self._left = -1
        else:
            crossed = crossings.expanded(self._specifications, namespaces)
            self._left -= sum(_size(groups, crossing) for crossing in crossed)
        sums = self._sums(groups, crossed) if self._left >= 0 else {}
        if abs(sum(sums.values()) - score) > TOLERANCE * (1 + sum(map(abs, sums.values()))):
            sums = {}
        shares = sorted(((share, names) for names, share in sums.items() if share), key=lambda one: -abs(one[0]))
        told = [FeatureScore(self._name(names), share) for share, names in shares[:TOLD]]
        if not sums or len(shares) > TOLD:
            rest = score - sum(feature.score for feature in told)
            told += [FeatureScore(OTHER, rest)] if rest else []
        return told

    def _sums(self, groups: Groups, crossed: Iterable[Crossing]) -> dict[int, float]:
        """The shares of an action's score by the bits of their names."""
        sums: dict[int, float] = {}
        weight = self._workspace.get_weight
        for crossing in (*((namespace,) for namespace in groups), *crossed):
            for _, index, value, names in _crossed_features(groups, crossing):
                sums[names] = sums.get(names, 0.0) - weight(index, 0) * value
        return sums

    def _groups(self, example: Any) -> Groups:
        """The features of an example by namespace."""
        return {
            namespace: [
                _Feature(index, value, self._bits.get((namespace, index), 0))
                for index, value in _features(example, namespace, self._stride)
            ]
            for namespace in map(example.namespace, range(example.num_namespaces()))
        }

    def _read_names(self, leaves: Sequence[_Leaf]) -> dict[tuple[int, int], int]:
        """The bits of names by namespace and index. VW tells the index of a feature when it reads it alone."""
        body = _encode({"_multi": [{leaf.namespace: [_nested(leaf.path, leaf.value)]} for leaf in leaves]})
        of_context = {leaf.path for leaf in leaves if leaf.namespace == "FromUrl"}
        bits: dict[tuple[int, int], int] = {}
        names: dict[str, int] = {}
        examples = self._workspace._parse(body.decode())
        try:
            for leaf, example in zip(leaves, examples[1:], strict=True):
                name = ".".join(leaf.path)
                if leaf.namespace != "FromUrl" and leaf.path in of_context:
                    name = f"action.{name}"
                bit = names.setdefault(name, 1 << len(names))
                for namespace in map(example.namespace, range(example.num_namespaces())):
                    if namespace != _CONSTANT_NAMESPACE:
                        for index, _ in _features(example, namespace, self._stride):
                            bits.setdefault((namespace, index), bit)
        finally:
            pylibvw.vw._finish_example_multi_ex(self._workspace, examples)
        self._names = list(names)
        return bits

    def _name(self, names: int) -> str:
        return "^".join(name for bit, name in enumerate(self._names) if names >> bit & 1) or CONSTANT


def _leaves(logged: bytes) -> dict[_Leaf, None]:
    """Every distinct feature of the decision's request."""
    context = msgspec.json.decode(logged)
    found = [leaf for features in context["FromUrl"] for leaf in _walk("FromUrl", (), features)]
    for action in context["_multi"]:
        found += [leaf for features in action["j"] for leaf in _walk("j", (), features)]
        found.append(_Leaf("i", ("id",), action["i"]["id"]))
    return dict.fromkeys(found)


def _walk(namespace: str, path: tuple[str, ...], value: Any) -> Iterator[_Leaf]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(namespace, (*path, name), inner)
    else:
        yield _Leaf(namespace, path, tuple(value) if isinstance(value, list) else value)


def _nested(path: Sequence[str], value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


def _features(example: Any, namespace: int, stride: int) -> Iterator[tuple[int, float]]:
    for position in range(example.num_features_in(namespace)):
        index = example.feature(namespace, position) // stride & _MASK
        yield index, example.feature_weight(namespace, position)


def _size(groups: Mapping[int, Sequence[_Feature]], crossing: Crossing) -> int:
    size = 1
    for namespace in crossing:
        size *= len(groups.get(namespace, ()))
    return size


def _crossed_features(groups: Groups, crossing: Crossing) -> list[_Crossed]:
    """The crossed features of a crossing; within one namespace every combination once, in order."""
    found, previous = [_Crossed(0, 0, 1.0, 0)], None
    for namespace in crossing:
        group = list(enumerate(groups.get(namespace, ())))
        found = [
            _Crossed(position, (index * _PRIME & _MASK) ^ feature.weight, value * feature.value, names | feature.name)
            for last, index, value, names in found
            for position, feature in (group[last:] if namespace == previous else group)
        ]
        previous = namespace
    return found

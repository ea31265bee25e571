"""Simulated language models: how good and how dear the answers are, by task and prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """cents: price of a short, plain answer. skill: mean quality by task, 0 to 1."""

    size: str
    cents: float
    skill: Mapping[str, float]


@dataclass(frozen=True)
class Completion:
    """quality: its mean, which only a simulated model can tell."""

    text: str
    quality: float
    cents: float


MODELS = {
    "atlas": Model("large", 1.0, {"translate": 0.9, "summarise": 0.85, "calculate": 0.7, "code": 0.85, "other": 0.85}),
    "birch": Model("middle", 0.3, {"translate": 0.8, "summarise": 0.8, "calculate": 0.5, "code": 0.6, "other": 0.75}),
    "cub": Model("small", 0.05, {"translate": 0.75, "summarise": 0.55, "calculate": 0.3, "code": 0.2, "other": 0.6}),
}
# How a prompt changes quality by task, and the tokens that are paid.
PROMPTS = ("plain", "think first", "with examples")
LONGER = {"plain": 1.0, "think first": 2.0, "with examples": 1.4}
HELPS = {
    ("think first", "calculate"): 0.25,
    ("think first", "code"): 0.1,
    ("with examples", "translate"): 0.1,
    ("with examples", "summarise"): 0.1,
    ("think first", "other"): -0.1,
}


def complete(model: str, prompt: str, features: Mapping[str, str]) -> Completion:
    """Answers a request of these features. Long ones cost twice, and the small model loses the thread."""
    made, task, is_long = MODELS[model], features["task"], features["length"] == "long"
    quality = made.skill[task] + HELPS.get((prompt, task), 0.0) - 0.3 * (is_long and made.size == "small")
    cents = made.cents * LONGER[prompt] * (1 + is_long)
    return Completion(f"{model} answers with the prompt '{prompt}'", max(0.0, min(1.0, quality)), cents)

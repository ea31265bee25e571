"""The operations guide: its arithmetic is right, and what it names exists."""

import ast
import operator
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shared import settings

PROJECT = Path(__file__).parents[2]
GUIDE = (PROJECT / "docs/operate.md").read_text()
SUMS = re.findall(r"`([\d.,×+/() ]+) = ([\d.,]+)`", GUIDE)
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Add: operator.add,
}


def value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](value(node.left), value(node.right))
    assert isinstance(node, ast.Constant)
    return float(node.value)


def computed(text: str) -> float:
    return value(ast.parse(text.replace(",", "").replace("×", "*"), mode="eval").body)


def test_there_is_arithmetic() -> None:
    assert len(SUMS) == GUIDE.count(" = ") >= 15


@pytest.mark.parametrize(("formula", "result"), SUMS)
def test_the_arithmetic_is_right(formula: str, result: str) -> None:
    digits = len(result.partition(".")[2])
    assert round(computed(formula), digits) == computed(result)


def test_each_alert_is_explained() -> None:
    rules = re.findall(r"^    name: '([a-z-]+)'$", (PROJECT / "infra/app/alerts.bicep").read_text(), re.MULTILINE)
    section = GUIDE.partition("## Alerts")[2].partition("## ")[0]
    assert rules
    assert re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE) == rules


def test_parameters_and_settings_that_are_named_exist() -> None:
    parameters = re.findall(r"^param (\w+)", (PROJECT / "infra/main.bicep").read_text(), re.MULTILINE)
    named = {"httpConcurrency", "maximumInstanceCount", "instanceMemoryMB", "eventHubsCapacity", "eventHubsPartitions"}
    named |= {"alwaysReadyInstances", "softDeleteDays", "eventHubsRetentionHours", "alertEmail", "privateNetworking"}
    assert all(f"`{name}`" in GUIDE for name in named)
    assert named <= set(parameters)
    upper = set(re.findall(r"`([A-Z][A-Z_]+_[A-Z_]+)`", GUIDE))
    assert upper
    assert upper - {"AZCOPY_AUTO_LOGIN_TYPE"} <= {setting.name for setting in settings.declared()}

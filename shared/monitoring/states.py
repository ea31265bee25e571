"""The words in which alarms are told."""

from typing import Literal

Grade = Literal["ok", "warning", "critical"]
# unknown: there is not enough data to judge.
State = Literal["ok", "warning", "critical", "unknown"]

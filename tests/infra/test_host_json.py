"""What the Functions host tells Application Insights, which bills by the byte."""

import json
from pathlib import Path

from harness import functions

LOGGING = json.loads((Path(__file__).parents[2] / "host.json").read_text())["logging"]


def test_busy_functions_write_no_line_per_call_but_their_own() -> None:
    """The host writes two lines a call under the name of the function; what the app logs is under `.User`."""
    busy = [name for name, one in functions.declared().items() if one.get_trigger().type == "httpTrigger"]
    levels = {name: level for name, level in LOGGING["logLevel"].items() if name.startswith("Function.")}
    assert busy
    assert levels == {f"Function.{name}": "Warning" for name in busy} | {
        f"Function.{name}.User": "Information" for name in busy
    }


def test_requests_are_sampled_and_lines_are_not() -> None:
    """Alerts and metrics are about lines; the app samples those of requests itself, by REQUEST_LOG_SHARE."""
    sampling = LOGGING["applicationInsights"]["samplingSettings"]
    assert sampling["isEnabled"]
    assert sampling["maxTelemetryItemsPerSecond"] == 5
    assert set(sampling["excludedTypes"].split(";")) == {"Trace", "Exception"}

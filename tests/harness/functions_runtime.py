"""Microsoft's own binding, azure-functions-runtime, for the tests that have it run the app."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.system import APP_KEY, PROJECT
from local.azurite import python_package

SCRIPT = PROJECT / "tests/contract/clients/functions_runtime.py"


def installed() -> Path:
    """The folder it is in, installed on first use; the test is skipped where the index does not have it."""
    try:
        return python_package("azure-functions-runtime==1.3.0")
    except RuntimeError as error:
        pytest.skip(f"azure-functions-runtime cannot be installed: {error}")


def http(method: str, path: str, body: Any = None, key: str = APP_KEY, **params: str) -> dict[str, Any]:
    """A request of v1.0 as SCRIPT takes it."""
    return request(method, f"personalizer/v1.0/{path}", body, key, params={"version": "v1.0"} | params)


def request(
    method: str,
    path: str,
    body: Any = None,
    key: str = APP_KEY,
    params: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A request as SCRIPT takes it. params: of its function's route, by default those of the function `other`."""
    return {
        "method": method,
        "path": path,
        "headers": {"ocp-apim-subscription-key": key, "content-type": "application/json"},
        "params": {"path": path} if params is None else params,
        "query": query or {},
        "body": "" if body is None else json.dumps(body),
    }

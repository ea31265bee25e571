"""Clients of the running system, and the contract's own schemas for what it answers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from harness.system import ADMIN_KEY, System

# Operations and definitions of azure-rest-api-specs, cognitiveservices Personalizer v1.0, without their texts.
SWAGGER: dict[str, Any] = json.loads((Path(__file__).parent / "swagger" / "v1.0.json").read_text())


@pytest.fixture(scope="session")
def app(system: System) -> Iterator[httpx.Client]:
    with system.client() as client:
        yield client


@pytest.fixture(scope="session")
def admin(system: System) -> Iterator[httpx.Client]:
    with system.client(ADMIN_KEY) as client:
        yield client


@pytest.fixture
def configured(system: System) -> Iterator[System]:
    """The system, for a test that changes its configuration: it gets its own back."""
    yield system
    system.configure()


@pytest.fixture(scope="session")
def conforms() -> Callable[[str, httpx.Response], None]:
    """Checks an answer against the schema of its operation, for instance `conforms("POST /rank", answer)`."""

    def check(operation: str, answer: httpx.Response) -> None:
        responses = SWAGGER["operations"][operation]["responses"]
        schema = responses.get(str(answer.status_code), responses.get("default"))
        if schema is None:
            assert answer.content == b""
            return
        assert answer.headers["content-type"] == "application/json"
        jsonschema.validate(answer.json(), schema | {"definitions": SWAGGER["definitions"]})

    return check

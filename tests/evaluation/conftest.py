"""A loop that only one test has."""

import pytest
from harness.migration import Aside
from harness.system import System


@pytest.fixture
def aside(system: System) -> Aside:
    return Aside(system)

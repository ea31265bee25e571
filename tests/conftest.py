"""What all tests share: Hypothesis without deadlines, many more examples in `make soak`, and a running system."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from local import services

if TYPE_CHECKING:
    from harness.system import System

settings.register_profile("test", deadline=None)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


def pytest_configure() -> None:
    """Tests that run beside each other take ports of their own: what one was given it opens a little later."""
    number, workers = os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:], os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    services.unused = services.in_any_order(services.PORTS[int(number) :: int(workers)])


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator["System"]:
    """The whole service, running, for tests that leave it as it was; others start their own: `harness.system`."""
    from harness.system import running

    with running(tmp_path_factory.mktemp("system")) as system:
        system.configure()
        yield system

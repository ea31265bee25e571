"""A running service with readers, for tests that leave it as it was."""

from collections.abc import Iterator

import pytest
from harness.pages import READER_KEY
from harness.system import System, running


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("dashboard"), READER_KEYS=READER_KEY) as system:
        system.configure()
        yield system

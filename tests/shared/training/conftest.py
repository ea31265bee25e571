"""A trainer's learning processes."""

from collections.abc import AsyncIterator

import pytest

from shared.vw.learners import Learners
from shared.vw.zygote import Zygote


@pytest.fixture
async def learners() -> AsyncIterator[Learners]:
    """One at once."""
    async with Zygote() as zygote:
        yield Learners(1, zygote)

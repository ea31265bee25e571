"""Asking for the next item while one is in use: a download beside unzipping, an upload beside both."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

_Item = TypeVar("_Item")


async def ahead(source: AsyncGenerator[_Item, None]) -> AsyncGenerator[_Item, None]:
    """The items of a generator, each asked for while the one before it is in use. At the end the source is closed."""
    following = asyncio.ensure_future(anext(source, None))
    try:
        while (item := await following) is not None:
            following = asyncio.ensure_future(anext(source, None))
            yield item
    finally:
        following.cancel()
        await asyncio.wait([following])
        await source.aclose()

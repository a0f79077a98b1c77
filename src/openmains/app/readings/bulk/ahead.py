# SPDX-License-Identifier: Apache-2.0
"""Pages of a long answer, the next one asked for while this one is written: the engines work while lines are made of their answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

_Page = TypeVar("_Page")


async def one_ahead(source: AsyncGenerator[_Page, None]) -> AsyncGenerator[_Page, None]:
    """What ``source`` yields, in order, at most one more than was taken held in memory. What it raises is raised in its place;
    who stops taking stops what was under way."""
    following = asyncio.ensure_future(anext(source, None))
    try:
        while (item := await following) is not None:
            following = asyncio.ensure_future(anext(source, None))
            yield item
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, Exception):  # of a page that nobody will see
            await following
        await source.aclose()

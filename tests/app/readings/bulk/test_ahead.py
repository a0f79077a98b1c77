# SPDX-License-Identifier: Apache-2.0
"""A long answer whose next page is asked for while one is written: all pages in order, and nothing goes on unseen."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from openmains.app.readings.bulk.ahead import one_ahead


async def test_all_come_in_order_and_the_next_is_under_way_while_one_is_used() -> None:
    begun: list[int] = []

    async def pages() -> AsyncGenerator[int, None]:
        for number in range(4):
            begun.append(number)
            await asyncio.sleep(0)
            yield number

    seen = []
    async for number in one_ahead(pages()):
        seen.append(number)
        await asyncio.sleep(0)
        assert begun[-1] == min(number + 1, 3)
    assert seen == [0, 1, 2, 3]


async def test_a_fault_comes_in_its_place() -> None:
    async def pages() -> AsyncGenerator[int, None]:
        yield 0
        raise ValueError("the second page")

    seen = []
    with pytest.raises(ValueError, match="the second page"):
        async for number in one_ahead(pages()):
            seen.append(number)
    assert seen == [0]


async def test_who_stops_taking_stops_what_was_under_way() -> None:
    ended = asyncio.Event()

    async def pages() -> AsyncGenerator[int, None]:
        try:
            yield 0
            await asyncio.Event().wait()
            yield 1
        finally:
            ended.set()

    taken = one_ahead(pages())
    assert await anext(taken) == 0
    await asyncio.sleep(0)
    await taken.aclose()
    assert ended.is_set()

# SPDX-License-Identifier: Apache-2.0
"""The gate between two batches."""

import asyncio

from openmains.app.ingest.pipeline.gate import PipelineGate


async def test_it_closes_when_the_last_batch_is_done_and_lets_none_in() -> None:
    gate = PipelineGate()
    done = asyncio.Event()
    order: list[str] = []

    async def batch(name: str) -> None:
        async with gate.batch():
            order.append(f"{name} in")
            await done.wait()
            order.append(f"{name} out")

    first = asyncio.create_task(batch("first"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(gate.close())
    await asyncio.sleep(0)
    second = asyncio.create_task(batch("second"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not closing.done()
    assert order == ["first in"]
    done.set()
    await closing
    await first
    for _ in range(10):
        await asyncio.sleep(0)
    assert order == ["first in", "first out"]
    await gate.open()
    await second
    assert order[-1] == "second out"


async def test_a_batch_that_fails_leaves_the_gate() -> None:
    gate = PipelineGate()
    try:
        async with gate.batch():
            raise ValueError
    except ValueError:
        pass
    await gate.close()

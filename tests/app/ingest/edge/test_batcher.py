# SPDX-License-Identifier: Apache-2.0
import asyncio

from openmains.app.ingest.edge.batcher import FEW, IN_FLIGHT, OVERDUE_S, Batcher
from openmains.app.ingest.uplink import Uplink, decode_batch, encode_batch, shard_of


def uplink(meter_id: int) -> Uplink:
    return Uplink(meter_id, 1, 1, "coap", "r", 1_700_000_000_000_000 + meter_id, b"\x01\x02")


class Disk:
    """A stream's writing side that can be told to fail or to wait."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[Uplink]]] = []
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, shard: int, data: bytes) -> int:
        await self.gate.wait()
        if self.broken:
            raise OSError("no space left on device")
        self.batches.append((shard, decode_batch(data)))
        return len(self.batches)


async def test_nobody_is_answered_before_the_batch_is_on_disk() -> None:
    disk = Disk()
    disk.gate.clear()
    batcher = Batcher(disk, 1, linger_s=0.001)
    answers: list[bool] = []
    batcher.add(uplink(1), answers.append)
    batcher.add(uplink(2), answers.append)
    drained = asyncio.create_task(batcher.drain())
    for _ in range(5):
        await asyncio.sleep(0)
    assert answers == []
    disk.gate.set()
    await drained
    assert answers == [True, True]
    assert [[item.meter_id for item in batch] for _, batch in disk.batches] == [[1, 2]]


async def test_a_full_disk_is_told_to_every_device_and_then_works_again() -> None:
    disk = Disk()
    disk.broken = True
    batcher = Batcher(disk, 1, linger_s=0.001)
    answers: list[bool] = []
    batcher.add(uplink(1), answers.append)
    await batcher.drain()
    disk.broken = False
    batcher.add(uplink(1), answers.append)
    await batcher.drain()
    assert answers == [False, True]
    assert (batcher.failed, batcher.published, batcher.waiting) == (1, 1, 0)


async def test_a_full_batch_goes_at_once_and_a_meter_always_to_the_same_shard() -> None:
    disk = Disk()
    batcher = Batcher(disk, 4, linger_s=60, batch=10)
    for number in range(200):
        batcher.add(uplink(number % 50), lambda _: None)
    await batcher.drain()
    assert sum(len(batch) for _, batch in disk.batches) == 200
    for shard, batch in disk.batches:
        assert {shard_of(item.meter_id, 4) for item in batch} == {shard}


async def test_refuses_when_too_many_wait() -> None:
    disk = Disk()
    disk.gate.clear()
    batcher = Batcher(disk, 1, batch=2, waiting=4)
    for number in range(4):
        assert not batcher.is_full(0.0)
        batcher.add(uplink(number), lambda _: None)
    assert batcher.is_full(0.0)
    disk.gate.set()
    await batcher.drain()
    assert not batcher.is_full(0.0)


def test_bytes_of_a_batch_come_back_the_same() -> None:
    batch = [uplink(1), Uplink(2, 3, 4, "tcp", "", 5, bytes(range(256)), "crc")]
    assert decode_batch(encode_batch(batch)) == batch


async def test_no_batch_is_larger_than_the_stream_takes() -> None:
    disk = Disk()
    batcher = Batcher(disk, 1, linger_s=60, batch=10_000)
    answers: list[bool] = []
    for meter_id in range(5000):
        batcher.add(Uplink(meter_id, 2**31 - 1, 2**31 - 1, "coap", "r", 2**62, bytes(512)), answers.append)
    await batcher.drain()
    assert len(answers) == 5000 and len(disk.batches) > 1
    assert max(len(encode_batch(batch)) for _, batch in disk.batches) < 1_000_000


async def test_while_the_disk_is_slow_batches_grow_instead_of_becoming_more() -> None:
    disk = Disk()
    disk.gate.clear()
    batcher = Batcher(disk, 1, linger_s=60, batch=10, waiting=1000)
    answers: list[bool] = []
    for meter_id in range(200):
        batcher.add(uplink(meter_id), answers.append)
        if meter_id % 3 == 0:
            await asyncio.sleep(0)
    assert len(batcher._tasks) == IN_FLIGHT
    disk.gate.set()
    await batcher.drain()
    assert len(answers) == 200
    assert [item.meter_id for _, batch in disk.batches for item in batch] == list(range(200))
    assert [len(batch) for _, batch in disk.batches] == [10] * 20


async def test_what_would_be_answered_too_late_is_refused_and_the_stream_is_tried_all_the_same() -> None:
    disk = Disk()
    disk.gate.clear()
    batcher = Batcher(disk, 1, linger_s=60, batch=2)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for meter_id in range(FEW):
        batcher.add(uplink(meter_id), lambda _: None)
    await asyncio.sleep(0)
    assert not batcher.is_full(loop.time() + OVERDUE_S + 0.1)  # few: a disk that stands still for a moment
    batcher.add(uplink(FEW), lambda _: None)
    assert not batcher.is_full(began)  # whatever time this machine took since
    assert batcher.is_full(loop.time() + OVERDUE_S + 0.1)  # it waits behind two batches that nobody confirms
    disk.gate.set()
    await batcher.drain()
    assert not batcher.is_full(loop.time() + OVERDUE_S + 0.1)


async def test_it_tells_which_batch_is_where() -> None:
    disk, told = Disk(), list[tuple[int, int, int]]()
    batcher = Batcher(disk, 2, linger_s=60, batch=10)
    batcher.on_stored = lambda uplinks, shard, sequence: told.append((len(uplinks), shard, sequence))
    for meter_id in range(40):
        batcher.add(uplink(meter_id), lambda _: None)
    await batcher.drain()
    assert [(len(batch), shard, place + 1) for place, (shard, batch) in enumerate(disk.batches)] == sorted(
        told, key=lambda each: each[2]
    )

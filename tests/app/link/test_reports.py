# SPDX-License-Identifier: Apache-2.0
"""A report is one uplink, and its meter hears of it only when the stream has spoken."""

from openmains.app.ingest.edge.admission import NOT_STATED, Refusal
from openmains.app.link.reports import Receipt
from openmains.drivers import catalog
from tests.support.link import EPOCH_US, IMEI, Seat
from tests.support.link_meter import METER, NODE, PRODUCT, TENANT, World

FRAME = catalog.load().driver("openmains/water-1").vectors[0].frame


def admit(world: World, payload: bytes, heard: list[Receipt], seat: Seat | None = None) -> Refusal | None:
    return world.reports.admit(seat or world.seat, payload, "tcp", "r", NOT_STATED, heard.append)


async def test_a_report_is_one_uplink_with_meter_place_and_node() -> None:
    world, heard = World(), list[Receipt]()
    assert admit(world, FRAME, heard) is None
    assert heard == []
    await world.batcher.drain()
    (uplink,) = world.disk.uplinks
    assert (uplink.meter_id, uplink.tenant_id, uplink.product_id, uplink.node) == (METER, TENANT, PRODUCT, NODE)
    assert (uplink.channel, uplink.path, uplink.payload) == ("tcp", "r", FRAME)
    assert uplink.received_us == EPOCH_US + 1_000_000_000
    (receipt,) = heard
    assert receipt.confirmed
    assert receipt.fault == ""
    assert receipt.answer  # the platform's time, as the driver has it


async def test_what_the_stream_does_not_confirm_is_not_acknowledged() -> None:
    world, heard = World(), list[Receipt]()
    world.disk.broken = True
    assert admit(world, FRAME, heard) is None
    await world.batcher.drain()
    assert heard == [Receipt(False)]


async def test_a_malformed_report_is_kept_and_said_to_be_so() -> None:
    world, heard = World(), list[Receipt]()
    assert admit(world, b"\xff", heard) is None
    await world.batcher.drain()
    assert [receipt.confirmed and bool(receipt.fault) and not receipt.answer for receipt in heard] == [True]
    assert len(world.disk.uplinks) == 1


async def test_a_session_whose_module_no_meter_has_is_told_with_its_address() -> None:
    world, heard = World(), list[Receipt]()
    stranger = Seat(imei=IMEI + 1, host="198.51.100.9")
    assert admit(world, FRAME, heard, stranger) is Refusal.UNKNOWN_METER
    assert world.unknown == [(str(IMEI + 1), "198.51.100.9")]
    assert admit(world, b"", heard) is Refusal.EMPTY
    assert (world.unknown[1:], heard) == ([], [])


async def test_when_too_many_wait_a_new_one_is_refused_at_once() -> None:
    world, heard = World(waiting=1), list[Receipt]()
    assert admit(world, FRAME, heard) is None
    assert admit(world, FRAME, heard) is Refusal.BUSY
    await world.batcher.drain()
    assert len(heard) == 1
    assert admit(world, FRAME, heard) is None
    await world.batcher.drain()

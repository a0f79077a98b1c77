# SPDX-License-Identifier: Apache-2.0
"""Registrations on a session: whose name, when, what of it outlives the process; and what is observed after it."""

from decimal import Decimal

import pytest

from openmains.app.link.lwm2m.pipe import OPAQUE_UPLINK
from openmains.wire.coap.message import Code
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import Observed, Registered, Trouble
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.registration import Registration, parse_offer
from openmains.wire.lwm2m.tree import Tree
from openmains.wire.lwm2m.value import Item
from tests.support.link import IMEI
from tests.support.link_meter import World
from tests.support.lwm2m_pair import SERVER, meter_tree


def kept(world: World) -> Registration:
    dump = world.store.kept[world.seat.cid]
    assert dump is not None
    return Registration.load(dump)


@pytest.mark.parametrize(
    "endpoint",
    [
        f"urn:imei:{IMEI}",
        f"urn:imei-imsi:{IMEI}-460001234567890",
        f"URN:IMEI:{IMEI}",
        f"{IMEI};460001234567890",
        f"urn:imei:{IMEI}\0",
        f" {IMEI} ",
    ],
)
async def test_a_meter_registers_by_its_own_name_and_is_observed(endpoint: str) -> None:
    world = World(endpoint=endpoint).registered()
    assert [type(event) for event in world.link.felt if isinstance(event, Registered)] == [Registered]
    assert [event.paths for event in world.link.felt if isinstance(event, Observed)] == [(OPAQUE_UPLINK,)]
    assert world.traffic.counters["lwm2m.registered"] == 1
    assert (OPAQUE_UPLINK,) in kept(world).observations  # kept: another process goes on with it
    assert [name.imei for name in world.gate.names] == [str(IMEI)]
    assert kept(world).endpoint == f"urn:imei:{IMEI}", "one name for one meter, however it writes it"


async def test_a_name_that_is_not_the_sessions_is_refused() -> None:
    world = World(endpoint=f"urn:imei:{IMEI + 1}").registered()
    assert [event for event in world.link.felt if isinstance(event, Registered)] == []
    assert world.traffic.counters["lwm2m.refused.endpoint"] == 1
    text = f"ep=urn:imei:{IMEI + 1}: endpoint must name the IMEI {IMEI}"
    assert world.gate.refusals == [(IMEI, "registration", "endpoint_other", text)]
    assert (world.store.kept, world.gate.names) == ({}, [])


async def test_a_name_in_no_known_form_is_refused_apart() -> None:
    world = World(endpoint=f"meter {IMEI}").registered()
    assert [event for event in world.link.felt if isinstance(event, Registered)] == []
    assert world.traffic.counters["lwm2m.refused.endpoint_form"] == 1
    assert (world.store.kept, world.gate.names) == ({}, [])


async def test_in_a_storm_it_hears_when_to_come_again() -> None:
    world = World()
    world.gate.wait_s = 120
    world.registered()
    assert world.traffic.counters["lwm2m.refused.busy"] == 1
    assert [event for event in world.link.felt if isinstance(event, Trouble)] == [
        Trouble(Code.SERVICE_UNAVAILABLE, 120)
    ]
    assert world.store.kept == {}


async def test_a_registration_goes_on_when_the_session_comes_back() -> None:
    world = World().registered()
    dump = world.store.kept[world.seat.cid]
    world.link.disconnect(world.seat)
    assert world.server.registration(world.seat.cid) is None
    world.link.connect(world.seat, world.device, dump)
    world.device.update(world.clock.now)
    world.link.run()
    assert world.traffic.counters["lwm2m.registered"] == 1  # an update was enough
    registration = world.server.registration(world.seat.cid)
    assert registration is not None
    assert registration.endpoint == f"urn:imei:{IMEI}"


async def test_what_cannot_be_read_of_it_costs_a_registration_and_no_more() -> None:
    world = World()
    world.link.connect(world.seat, world.device, b"\xff\xff")
    assert world.traffic.counters["lwm2m.registration_unreadable"] == 1
    world.device.register(SERVER, world.clock.now)
    world.link.run()
    assert world.traffic.counters["lwm2m.registered"] == 1


async def test_a_meter_that_leaves_has_no_registration_any_more() -> None:
    world = World().registered()
    world.device.deregister(world.clock.now)
    world.link.run()
    assert world.store.kept == {world.seat.cid: None}


def observed(world: World) -> set[Path]:
    return {path for paths in kept(world).observations for path in paths}


async def test_an_object_that_comes_with_an_update_is_observed() -> None:
    world = World(driver="lwm2m/water-1")
    world.device = Client(Tree(definitions(), {(3, 0, 9): 87}), endpoint=f"urn:imei:{IMEI}", seed=11)
    world.registered()
    assert observed(world) == set()
    world.device.tree.create(3424, 0, [Item((3424, 0, 1), Decimal("12.5"))])
    world.device.update(world.clock.now, objects=True)
    world.link.run()
    assert observed(world) == {(3424, 0)}
    world.device.update(world.clock.now, objects=True)
    world.link.run()
    assert [event.paths for event in world.link.felt if isinstance(event, Observed)] == [((3424, 0),)], "once"


def test_an_object_announced_without_an_instance_is_observed() -> None:
    registration = Registration("a", "urn:imei:1", offer=parse_offer(b"</3424>,</19>,</4/1>", 64))
    assert registration.has((3424, 0))
    assert registration.has(OPAQUE_UPLINK)
    assert not registration.has((4, 0)), "one that counts its instances has no others"
    assert not registration.has((5, 0))


async def test_a_device_of_1_0_is_asked_for_tlv() -> None:
    world = World(driver="lwm2m/water-1")
    world.device = Client(meter_tree(), endpoint=f"urn:imei:{IMEI}", seed=11, version="1.0")
    world.registered()
    observations = kept(world).observations
    assert {one.accept for path, one in observations.items() if path != (OPAQUE_UPLINK,)} == {content.TLV}
    assert observations[(OPAQUE_UPLINK,)].accept == content.OPAQUE

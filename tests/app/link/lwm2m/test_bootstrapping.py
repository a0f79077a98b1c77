# SPDX-License-Identifier: Apache-2.0
"""A new key: who is asked to come for it, who is refused, and what is in the meter afterwards."""

import asyncio

from openmains.app.link.lwm2m.bootstrapping import BUSY_S
from openmains.app.link.proofs import PROOF_S
from openmains.wire.coap.message import Code
from openmains.wire.lwm2m.client_events import BootstrapDone, Executed, Trouble
from tests.support.link import IMEI
from tests.support.link_meter import URI, World
from tests.support.lwm2m_pair import SERVER

KEY = bytes(range(16))
TRIGGER = (1, 0, 9)


async def asked(world: World) -> list[Executed]:
    """What the meter was told to do, when everything that was begun is over."""
    for _ in range(5):
        await asyncio.sleep(0)
        world.link.run()
    return [event for event in world.link.felt if isinstance(event, Executed) and event.path == TRIGGER]


def meter(*, unused: bool = True) -> World:
    world = World()
    world.keys.keys[IMEI] = KEY
    world.keys.unused = {IMEI} if unused else set()
    return world


async def bootstrapped(world: World) -> None:
    world.device.bootstrap(SERVER, world.clock.now)
    world.link.run()
    await asked(world)


async def test_a_meter_whose_key_waits_is_asked_to_come_when_it_registers() -> None:
    world = meter()
    assert [event.path for event in await asked(world.registered())] == [TRIGGER]
    assert world.traffic.counters["bootstrap.triggered"] == 1
    assert world.traffic.counters["bootstrap.trigger_taken"] == 1


async def test_one_without_a_new_key_is_left_alone() -> None:
    world = meter(unused=False)
    assert await asked(world.registered()) == []
    assert "bootstrap.triggered" not in world.traffic.counters


async def test_one_that_is_held_is_left_alone_and_refused() -> None:
    world = meter()
    world.allowed = False
    assert await asked(world.registered()) == []
    await bootstrapped(world)
    assert world.traffic.counters["bootstrap.refused.held"] == 1
    assert world.gate.refusals == [(IMEI, "bootstrap", "held", "not for this terminal now")]


async def test_it_comes_and_has_its_account_with_the_new_key() -> None:
    world = meter().registered()
    await bootstrapped(world)
    assert world.traffic.counters["bootstrap.begun"] == 1
    assert world.traffic.counters["bootstrap.done"] == 1
    assert [type(event) for event in world.link.felt if isinstance(event, BootstrapDone)] == [BootstrapDone]
    account = {resource: world.device.tree.get((0, 1, resource)) for resource in (0, 3, 5)}
    assert account == {0: URI, 3: str(IMEI).encode(), 5: KEY}


async def test_another_meters_name_is_refused() -> None:
    world = World(endpoint=f"urn:imei:{IMEI + 1}")
    world.keys.keys[IMEI] = KEY
    world.link.connect(world.seat, world.device)
    await bootstrapped(world)
    assert world.traffic.counters["bootstrap.refused.endpoint"] == 1
    [(imei, stage, reason, detail)] = world.gate.refusals
    assert (imei, stage, reason) == (IMEI, "bootstrap", "endpoint_other") and str(IMEI + 1) in detail
    assert world.device.tree.get((0, 1, 5)) is None


async def test_while_keys_cannot_be_read_it_hears_when_to_come_again() -> None:
    world = meter().registered()
    await asked(world)
    world.keys.down = True
    await bootstrapped(world)
    assert world.traffic.counters["bootstrap.refused.busy"] == 1
    assert Trouble(Code.SERVICE_UNAVAILABLE, BUSY_S) in world.link.felt


async def test_no_key_goes_to_an_address_that_is_not_shown_to_be_the_meters() -> None:
    world = meter(unused=False).registered()
    world.seat.proven, world.seat.address = False, ("203.0.113.5", 1)
    world.device.bootstrap(SERVER, world.clock.now)
    for _, message in world.device.datagrams():
        world.traffic.message_received(world.seat, message, world.clock.now)
    for _ in range(5):
        await asyncio.sleep(0)
    sent = len(world.link.sent)
    world.traffic.transmit(world.clock.now)
    assert KEY not in b"".join(message for _, message in world.link.sent)
    assert 4 in [len(message) for _, message in world.link.sent[sent:]]  # a ping
    world.clock.run(PROOF_S)
    assert world.traffic.counters["bootstrap.refused.busy"] == 1

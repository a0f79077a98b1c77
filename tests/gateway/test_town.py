# SPDX-License-Identifier: Apache-2.0
"""Gateways, relays and meters of a town on a virtual clock (issue 14): what meters say arrives once, slices are nobody else's, clocks agree,
commands act once – with frames that fade and collide, with kills, a platform that is away, wrong clocks and a gateway that there is twice."""

from collections import Counter
from pathlib import Path

import pytest

from openmains.app.network.cache import EventReport, GatewayReport, NetworkCache, relay_of
from openmains.domain.period import DAY_S
from openmains.edges.sqlite.gateway_store import SqliteGatewayStore
from openmains.emulator.gateway.body import PlainBody
from openmains.wire.gateway.messages import GatewayCommand
from openmains.wire.gbt36330.content import Control, TopUp, encode
from tests.support.radio_town import FIRST_DAY, START_MS, RadioTown

CLOSE = 0


def give(town: RadioTown, number: str, serial: int, content: type[Control] | type[TopUp], twice: bool = False) -> str:
    """A command for a meter, as the platform would say it; its name."""
    box = town.gateways[int(number[:8]) - 1]
    until_s = town.air.now_ms // 1000 + 3 * DAY_S
    told = Control(serial, until_s, CLOSE, 1) if content is Control else TopUp(serial, until_s, 0, 5_000)
    name = f"{number}-{serial}"
    for _ in range(2 if twice else 1):
        box.give(GatewayCommand(name, number, content.TYPE[0], encode(told), until_s))
    return name


def check_commands(town: RadioTown, given: dict[str, tuple[str, int]]) -> None:
    """Each acted once, at its meter, and its end was told."""
    effects = dict.fromkeys(given.values(), 1)
    found: Counter[tuple[str, int]] = Counter()
    for number, meter in town.meters.items():
        assert isinstance(meter.body, PlainBody)
        found.update({(number, serial): times for serial, times in meter.body.effects.items()})
    assert found == effects
    assert {name for name, state in town.platform.words if state == "delivered"} == set(given)
    assert {state for _, state in town.platform.words} == {"delivered"}


def check_air(town: RadioTown) -> None:
    """No two ever sent in one slice, and no logical id is two meters'."""
    assert {channel: count for channel, count in town.air.collisions.items() if channel} == {}
    for box in town.gateways:
        assert box.program is not None
        members = [member.kept for member in box.program.members]
        assert len({kept.logical for kept in members}) == len({(kept.slice_index, kept.channel) for kept in members})
        assert len({kept.logical for kept in members}) == len({kept.number for kept in members}) == len(members)


def check_town(gateways: int, meters: int, days: int, seed: int) -> RadioTown:
    town = RadioTown(seed, gateways, meters)
    given: dict[str, tuple[str, int]] = {}
    numbers = sorted(town.meters)
    for day in range(days):
        for place, number in enumerate(numbers[day :: max(3, len(numbers) // 20)]):
            serial = 100 + day
            name = give(town, number, serial, Control if place % 2 else TopUp, twice=place % 3 == 0)
            given[name] = number, serial
        town.run(1)
        assert town.clock_faults() == {}
    town.run(1)  # what was given on the last day has its window
    check_air(town)
    check_commands(town, given)
    assert town.delivered(FIRST_DAY + days - 1) >= 0.999
    assert max(town.platform.messages.values()) == 1
    assert town.air.collisions[0] > 0 and town.air.counters["faded"] > 0  # it was no easy air
    return town


def test_five_gateways_of_fifty_meters() -> None:
    town = check_town(5, 50, 3, seed=1)
    assert {event.event for _, event in town.platform.events} == {"started", "joined"}
    relayed = [member.kept.via for box in town.gateways if box.program is not None for member in box.program.members]
    assert sum(via > 0 for via in relayed) > 30 and relayed.count(0) > 100


@pytest.mark.usefixtures("takes_minutes")
@pytest.mark.parametrize(("gateways", "meters", "days"), [(100, 500, 2), (10, 50, 31)])
def test_a_hundred_gateways(gateways: int, meters: int, days: int) -> None:
    check_town(gateways, meters, days, seed=14)


def test_kills_a_week_without_platform_and_wrong_clocks(tmp_path: Path) -> None:
    town = RadioTown(7, 1, 24)
    box = town.gateways[0]
    number = sorted(town.meters)[1]
    away = range(START_MS + 2 * DAY_S * 1000, START_MS + 9 * DAY_S * 1000)
    town.platform.is_reachable = lambda gateway, now_ms: now_ms not in away
    for _ in range(40):  # within the first two days, at any instant, often while frames are in the air
        town.run(0.04 + town.random.random() / 100)
        box.kill()
        box.box_off_ms = town.random.randrange(-(10**7), 10**7)  # somebody sets the box's clock; it is no new boot
        box.begin()
    name = give(town, number, 5, TopUp, twice=True)
    town.run(4)  # the platform is away meanwhile
    assert town.clock_faults() == {}
    box.cut_power("second")
    box.box_off_ms = 3 * 3_600_000
    town.run(0.01)
    box.begin()
    town.run(3)  # meters go on by their own clocks: nobody gives them a wrong one
    assert not town.platform.named("clock_fault")
    town.run(3.5)
    assert town.clock_faults() == {}
    check_air(town)
    assert town.delivered(FIRST_DAY + 10) == 1
    assert max(town.platform.messages.values()) == 1
    give(town, number, 5, TopUp)
    town.run(1)
    check_commands(town, {name: (number, 5)})
    ((_, fault),) = town.platform.named("clock_fault")
    assert fault.detail.startswith("box was off by 108")
    assert len(town.platform.named("started")) == 42
    assert box.store.waiting() == 0


def test_a_gateway_that_there_is_twice(tmp_path: Path) -> None:
    town = RadioTown(9, 1, 12)
    box = town.gateways[0]
    town.run(1)
    copy = SqliteGatewayStore(tmp_path / "copy.sqlite", box.config.number)
    box.store._database.backup(copy._database)
    copy.close()
    copy = SqliteGatewayStore(tmp_path / "copy.sqlite", box.config.number)
    copy._database.execute("PRAGMA synchronous=OFF")  # nobody is killed here
    assert copy.name == box.store.name
    double = town.add_double(box, copy)
    town.run(3)
    told = {event.detail.partition(": ")[2] for _, event in town.platform.named("duplicate_gateway")}
    assert "this one is silent on the radio" in told  # the other one hears nothing of it any more
    assert box.program is not None and double.program is not None
    assert sum(each.program._neighbours.yields for each in (box, double) if each.program is not None) == 1
    assert town.delivered(FIRST_DAY + 2) == 1
    assert (
        max(town.platform.messages.values()) <= 2
    )  # both heard it before one was silent: a meter's message is known by its instant
    double.store.close()


def test_a_relay_that_breaks_is_told_and_its_meters_find_another_way() -> None:
    town = RadioTown(11, 1, 24)
    town.run(1)
    box = town.gateways[0]
    assert box.program is not None
    vias = {member.kept.number: member.kept.via for member in box.program.members if member.kept.via}
    relay = town.relays[max(vias.values(), key=list(vias.values()).count) - 1]
    behind = [number for number, via in vias.items() if via == relay.number]
    relay.is_broken = True
    town.run(0.02)
    assert [event.detail for _, event in town.platform.named("relay_lost")] == [
        f"relay {relay.number}, {len(behind)} meters"
    ]
    town.run(6)
    relay.is_broken = False
    town.run(1)
    assert len(town.platform.named("relay_back")) == 1
    silent = {event.meter for _, event in town.platform.named("silent")}
    back = {event.meter for _, event in town.platform.named("heard_again")}
    assert back <= silent <= set(behind)


def test_what_a_gateway_says_of_its_network_is_so_and_a_relay_that_fails_is_told_within_a_minute() -> None:
    """With the network's book of the platform: the whole tree by what was said, a relay lost and the meters behind it 60 s later at most."""
    town = RadioTown(11, 1, 24, probe_s=30)
    town.north_ms = 10_000
    town.run(2)
    box = town.gateways[0]
    assert box.program is not None
    said = {node.number: node for _, state in town.platform.states for node in state.net.nodes}
    assert {number: (node.logical, node.via, node.channel, node.slice_index, node.is_active) for number, node in said.items()} == {
        each.kept.number: (each.kept.logical, each.kept.via, each.kept.channel, each.kept.slice_index, each.kept.is_active)
        for each in box.program.members
    }  # fmt: skip
    assert all(
        1 <= node.messages <= 3 and node.heard >= 1 and node.missed == 0 and not node.is_silent
        for node in said.values()
    )
    lates = [node.late_ms for node in said.values() if node.is_active and node.late_ms is not None]
    assert len(lates) > 10 and all(0 < late < 30_000 for late in lates)
    newest = town.platform.states[-1][1].net
    assert (newest.slots_used, newest.slots, newest.network) == (24, 2 * (2880 - 360), box.config.network)
    assert newest.counters["messages"] == sum(town.platform.messages.values())
    assert all(not relay.is_lost and 0.8 < relay.answered / relay.asked <= 1 for relay in newest.relays)
    vias = [node.via for node in said.values() if node.via]
    relay = town.relays[max(vias, key=vias.count) - 1]
    town.platform.events.clear()
    relay.is_broken = True
    town.run(60 / DAY_S)
    ((number, event),) = town.platform.named("relay_lost")
    book, state = NetworkCache(), town.platform.states[-1][1]
    book.event(
        EventReport(number, "s", 1, 1, 1, event.event, relay_of(event.detail), "", None, event.detail), lambda: None
    )
    book.state(GatewayReport(number, 2, 1, 0, state), lambda number: None)
    taken = book.take()
    assert taken is not None and taken.events[0].fails and taken.events[0].relay == relay.number
    lost = [node.word for node in taken.nodes if getattr(node.word, "is_lost", False)]
    assert [word.number for word in lost] == [relay.number]
    assert sum(node.via == relay.number for node in said.values()) == vias.count(relay.number) > 0

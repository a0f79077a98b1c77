# SPDX-License-Identifier: Apache-2.0
"""Meters over DTLS with Connection ID on a running system: kills, changed addresses, a second node, thieves."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from enum import IntEnum, auto
from typing import Any

import pytest

from openmains.domain.fleet.identifiers import imei_of
from openmains.drivers.model import Kind
from openmains.run.preflight import udp_bound
from openmains.wire.coap.message import Code
from tests.support.chaos import pids
from tests.support.daily import DRIVER, Daily, heartbeat
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.secure import SecureMeter, import_keys
from tests.support.system import System, Systems, add_product, found_utility, import_meters, until, until_async

FIRST_NUMBER = 330_000_000_000
FIRST_IMEI = 86_330_000_000_000
METERS = 40
CHANGED = int(Code.CHANGED)


class Place(IntEnum):
    """After ``METERS`` ordinary ones those of which something is to be found."""

    CLONE = METERS
    THIEF = auto()
    FLOODER = auto()
    REVERSER = auto()
    STRANGER = auto()
    ONBOARDED = auto()


def imei(index: int) -> int:
    return int(imei_of(FIRST_IMEI + index))


def number(index: int) -> int:
    return FIRST_NUMBER + index


class Fleet:
    """The keys, and the meters that were made."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.keys = {index: secrets.token_bytes(16) for index in range(METERS + len(Place))}
        self.meters: list[SecureMeter] = []
        self._seq = 0

    def meter(self, index: int, *, port: int = 0, key: bytes | None = None) -> SecureMeter:
        made = SecureMeter(imei(index), key or self.keys[index], port or self.system.dtls, seed=len(self.meters) + 1)
        self.meters.append(made)
        return made

    def beat(self, index: int) -> tuple[int, bytes]:
        """A heartbeat that no other is equal to."""
        self._seq = self._seq % 60_000 + 1
        return self._seq, heartbeat(number(index), self._seq)

    def id_of(self, index: int) -> int:
        return self.system.meter_ids()[str(number(index))]

    def security(self, index: int) -> Any:
        return self.system.get(f"/meters/{self.id_of(index)}/security")

    def findings(self, index: int) -> Counter[str]:
        return Counter(self.security(index)["reasons"])


@pytest.fixture(scope="module")
async def fleet(systems: Systems) -> AsyncIterator[Fleet]:
    with systems(meter_rate_per_min=10_000) as system:
        await found_utility(system)
        add_product(system, "water", "openmains/water-1")
        made = Fleet(system)
        known = [index for index in made.keys if index not in (Place.STRANGER, Place.ONBOARDED)]
        await import_meters(system, [(number(index), str(imei(index)), "water") for index in known])
        import_keys(system, {imei(index): key for index, key in made.keys.items() if index != Place.STRANGER})
        yield made
        for meter in made.meters:
            meter.close()


async def test_a_killed_edge_costs_no_handshake_no_report_and_no_nonce(fleet: Fleet) -> None:
    """Issue 4, 'to show' 6."""
    meters = [fleet.meter(index) for index in range(METERS)]
    assert await asyncio.gather(*(meter.connect() for meter in meters)) == [True] * METERS
    acknowledged: dict[int, list[int]] = {index: [] for index in range(METERS)}
    stop = asyncio.Event()

    async def report(index: int) -> None:
        while not stop.is_set():
            seq, frame = fleet.beat(index)
            code, _ = await meters[index].report(frame)
            if code == CHANGED:
                acknowledged[index].append(seq)
            await asyncio.sleep(0.05)  # a pace, not a wait for anything

    tasks = [asyncio.create_task(report(index)) for index in range(METERS)]

    async def going_on() -> None:
        """Every meter has been acknowledged twice since."""
        goal = {index: len(seqs) + 2 for index, seqs in acknowledged.items()}

        async def reached() -> bool:
            return all(len(acknowledged[index]) >= least for index, least in goal.items())

        await until_async(reached)

    await going_on()
    for _ in range(3):
        (victim,) = pids(fleet.system, "edge")
        os.kill(victim, signal.SIGKILL)
        await until(lambda victim=victim: pids(fleet.system, "edge") not in ([], [victim]))  # type: ignore[misc]
        await going_on()
    for meter in meters:  # the network gives every meter another address, all at once
        await meter.open()
    await going_on()
    stop.set()
    await asyncio.gather(*tasks)

    assert [meter.handshakes for meter in meters] == [1] * METERS
    assert [meter.reused for meter in meters] == [[]] * METERS
    assert sum(len(nonces) for meter in meters for nonces in meter.seen.values()) > 10 * METERS
    for index in (0, METERS // 2, METERS - 1):
        expected = set(acknowledged[index])

        def stored(index: int = index, expected: set[int] = expected) -> bool:
            frames = fleet.system.pages(f"/meters/{fleet.id_of(index)}/frames", limit=200, direction="up")
            counted = Counter(frame_seq(frame) for frame in frames if frame["outcome"] == "ok")
            assert max(counted.values(), default=1) == 1, counted  # applied once
            return expected <= set(counted)

        await until(stored)


def frame_seq(frame: Any) -> int:
    """Field of the reference protocol's header."""
    return int.from_bytes(bytes.fromhex(frame["payload_hex"])[4:6], "big")


async def test_a_registered_meter_comes_in_by_itself_and_reads_within_one_session(fleet: Fleet) -> None:
    """LwM2M: register, be observed, report through object 19; the platform's time comes down on /19/1/0."""
    index = 1
    meter = fleet.meter(index)
    assert await meter.connect()
    query = (f"ep=urn:imei:{imei(index)}", "lt=86400", "lwm2m=1.1", "b=U", "Q")
    code, _ = await meter.request(("rd",), b"</3/0>,</19/0>,</19/1>", query=query)
    assert code == int(Code.CREATED)
    await until(lambda: any(request.path == ("19", "0", "0") for request in meter.asked))
    daily = Daily(number(index), seq=40_000, base=500_000)
    code, answer = await meter.request(("19", "0", "0"), daily.frame())
    assert code == CHANGED
    assert answer  # the driver's answer: the platform's time (R1.13)
    await until(lambda: fleet.system.series(fleet.id_of(index), daily.start, daily.midnight)["total"] or None)
    assert fleet.security(index)["online_since"]


async def test_an_unknown_meter_with_a_key_is_listed_and_can_be_taken_in(fleet: Fleet) -> None:
    meter = fleet.meter(Place.ONBOARDED)
    assert await meter.connect()
    code, _ = await meter.report(fleet.beat(Place.ONBOARDED)[1])
    assert code == int(Code.NOT_FOUND)

    def listed() -> Any:
        return [
            one for one in fleet.system.get("/onboarding")["items"] if one["imei"] == f"{imei(Place.ONBOARDED):015d}"
        ]

    found = await until(listed)
    assert found[0]["proven"]


async def test_a_name_that_is_not_the_sessions_is_refused(fleet: Fleet) -> None:
    meter = fleet.meter(2)
    assert await meter.connect()
    code, text = await meter.request(("r", str(imei(3))), fleet.beat(3)[1])
    assert code == int(Code.FORBIDDEN), text
    query = (f"ep=urn:imei:{imei(3)}", "lt=86400", "lwm2m=1.1", "b=U")
    code, text = await meter.request(("rd",), b"</3/0>", query=query)
    assert code == int(Code.BAD_REQUEST), text


async def test_wrong_key_and_unknown_identity_look_the_same(fleet: Fleet) -> None:
    wrong = fleet.meter(4, key=secrets.token_bytes(16))
    unknown = fleet.meter(Place.STRANGER)
    tries = [asyncio.create_task(each.connect()) for each in (wrong, unknown)]
    done, waiting = await asyncio.wait(tries, timeout=3.0)
    assert all(not task.result() for task in done)
    assert len(done) in (0, 2)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_another_sim_is_found(fleet: Fleet) -> None:
    """R13.3: the IMSI that the meter names is not the registered one."""
    place = f"/meters/{fleet.id_of(Place.THIEF)}"
    etag = fleet.system.api.get(place).headers["ETag"]
    changed = fleet.system.api.patch(place, json={"imsi": "460001234567890"}, headers={"If-Match": etag})
    assert changed.is_success, changed.text
    meter = fleet.meter(Place.THIEF)
    assert await meter.connect()
    query = (f"ep=urn:imei-imsi:{imei(Place.THIEF)}-460009999999999", "lt=86400", "lwm2m=1.1", "b=U")
    code, _ = await meter.request(("rd",), b"</3/0>", query=query)
    assert code == int(Code.CREATED)
    await until(lambda: fleet.findings(Place.THIEF)["sim_separated"])
    alarms = list(fleet.system.pages("/alarms", meter_id=fleet.id_of(Place.THIEF)))
    assert "sim_separated" in {alarm["event"] for alarm in alarms}


async def test_a_register_that_goes_back_is_found(fleet: Fleet) -> None:
    meter = fleet.meter(Place.REVERSER)
    assert await meter.connect()
    now = int(time.time())
    values = {"frame_seq": 1, "device_at": now, "meter_number": number(Place.REVERSER)}
    values |= {"register_instants": [now - 7200, now - 60], "register_values": [900_000, 100_000]}
    code, _ = await meter.report(DRIVER.encode(Kind.REGISTERS, values))
    assert code == CHANGED
    await until(lambda: fleet.findings(Place.REVERSER)["register_back"])


@pytest.mark.usefixtures("takes_minutes")
async def test_a_flood_and_a_clone_are_found_and_nobody_else_is_accused(fleet: Fleet) -> None:
    """Some minutes long: a flood is three loud minutes in a row, a clone's turn counts once a minute. On a clock that a test turns:
    ``tests/app/security/test_watch.py``; that what an edge tells comes through: the SIM and the register above."""
    flooder = fleet.meter(Place.FLOODER)
    pair = [fleet.meter(Place.CLONE), fleet.meter(Place.CLONE)]
    for meter in (flooder, *pair):
        assert await meter.connect()

    async def flooding() -> bool:
        await asyncio.gather(*(flooder.report(fleet.beat(Place.FLOODER)[1]) for _ in range(20)))
        return bool(fleet.findings(Place.FLOODER)["message_flood"])

    async def turns() -> bool:
        for meter in pair:
            await meter.report(fleet.beat(Place.CLONE)[1])
        return bool(fleet.findings(Place.CLONE)["cloned"])

    began = asyncio.get_running_loop().time()
    await asyncio.gather(until_async(flooding, limit_s=2 * PATIENCE_S), until_async(turns, limit_s=2 * PATIENCE_S))
    assert asyncio.get_running_loop().time() - began > 100  # a burst is no flood, one turn no clone
    accused = {index: found for index in range(METERS) if (found := fleet.findings(index))}
    accused.pop(4, None)  # somebody tried its name with a wrong key
    assert accused == {}


@contextmanager
def second_edge(system: System) -> Iterator[int]:
    """Node 2 on the same machine; its port."""
    port = free_port(socket.SOCK_DGRAM)
    env = os.environ | {
        "OPENMAINS_VAR": str(system.var),
        "OPENMAINS_NODE": "2",
        "OPENMAINS_DTLS_PORT": str(port),
        "OPENMAINS_COAP_PORT": "0",
        "OPENMAINS_COAP_HOST": "127.0.0.1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "openmains.run.roles.main", "edge"], env=env, stdout=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


class AddressMap(asyncio.DatagramProtocol):
    """One address in front of two edges. ``target`` says which of them gets a meter's next datagram."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._front: asyncio.DatagramTransport | None = None
        self._backs: dict[tuple[Any, int], asyncio.DatagramTransport] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._front.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._give(data, addr, self.target))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give(self, data: bytes, client: Any, port: int) -> None:
        back = self._backs.get((client, port))
        if back is None:
            loop = asyncio.get_running_loop()
            back, _ = await loop.create_datagram_endpoint(lambda: Back(self, client), remote_addr=("127.0.0.1", port))
            self._backs[client, port] = back
        back.sendto(data)

    def answer(self, data: bytes, client: Any) -> None:
        assert self._front is not None
        self._front.sendto(data, client)

    def close(self) -> None:
        for transport in (self._front, *self._backs.values()):
            if transport is not None:
                transport.close()


class Back(asyncio.DatagramProtocol):
    """A socket of the map towards one edge, for one meter."""

    def __init__(self, front: AddressMap, client: Any) -> None:
        self._front, self._client = front, client

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._front.answer(data, self._client)


async def test_a_record_that_lands_on_another_node_is_served(fleet: Fleet) -> None:
    """Issue 4, 'to show' 7: sessions made at either node, records then given to the other one."""
    with second_edge(fleet.system) as port:
        await until(lambda: udp_bound(port) or None)
        front = AddressMap(fleet.system.dtls)
        await front.open()
        meters = [fleet.meter(index, port=front.port) for index in range(20, 30)]
        for index, meter in enumerate(meters):
            front.target = (fleet.system.dtls, port)[index % 2]
            assert await meter.connect()
        for target in (port, fleet.system.dtls, port):
            front.target = target
            for index, meter in enumerate(meters, 20):
                code, answer = await meter.report(fleet.beat(index)[1])
                assert code == CHANGED
                assert answer
        front.close()
        assert [meter.handshakes for meter in meters] == [1] * len(meters)
        await until(lambda: fleet.system.counters().get("edge.node.forwarded"))

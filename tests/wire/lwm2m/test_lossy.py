# SPDX-License-Identifier: Apache-2.0
"""Server and device over a network that loses, delays, reorders and duplicates: registration, reports of every kind and
operations, 1,000 seeds. What the device was told is stored is stored; nothing is delivered twice within one message."""

from collections import Counter
from typing import Any

import pytest

from openmains.wire.coap.message import Code
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.bootstrap import account
from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import BootstrapDone, Notified, Registered, Sent, Trouble
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Bootstrapped, BootstrapWanted, Done, Failed, RegisterWanted, Report
from openmains.wire.lwm2m.server import Server
from openmains.wire.lwm2m.tree import Tree
from openmains.wire.lwm2m.value import Item
from tests.support.lossy import Conditions, LossyNetwork
from tests.support.lwm2m_pair import meter_tree

FEW, SEEDS = range(100), range(1000)
BAD = Conditions(drop=0.2, duplicate=0.2, min_delay_s=0.02, max_delay_s=2.0)


class Night:
    """One device, one server, one bad network: register, five reports, two observed frames, two operations."""

    def __init__(self, seed: int) -> None:
        self.server = Server(seed=seed * 7 + 1)
        self.client = Client(meter_tree(), endpoint="urn:imei:861234567890123", seed=seed, renew=False)
        self.network = LossyNetwork(seed, BAD, on_event=self.on_event)
        self.network.attach("server", self.server)
        self.network.attach("meter", self.client)
        self.stored: Counter[bytes] = Counter()
        self.acknowledged: list[bytes] = []
        self.outcomes: list[Any] = []
        self.frames = [b"observed 1", b"observed 2"]
        self.told: list[bytes] = []
        self.registered = False
        self.network.at(0.0, lambda: self.client.register("server", self.network.now))

    def on_event(self, address: Any, event: Any, now: float) -> None:
        if address == "server":
            self.server_event(event, now)
        else:
            self.meter_event(event, now)

    def server_event(self, event: Any, now: float) -> None:
        if isinstance(event, RegisterWanted):
            self.server.accept(event, now)
            for asked in (
                operation.observe((19, 0, 0)),
                operation.write((19, 1, 0), b"command", content.OPAQUE),
                operation.read((3424, 0, 1), content.SENML_CBOR),
            ):
                self.server.submit("meter", asked, now)
        elif isinstance(event, Report):
            # The stream is slow: half a second until it is on disk.
            self.network.at(now + 0.5, lambda: self.store(event))
        elif isinstance(event, Done | Failed):
            self.outcomes.append(event)

    def store(self, report: Report) -> None:
        self.stored[report.payload] += 1
        self.server.respond(report, Code.CHANGED, now=self.network.now)

    def meter_event(self, event: Any, now: float) -> None:
        if isinstance(event, Trouble):
            self.client.register("server", now)
        elif isinstance(event, Registered):
            if not self.registered:
                self.registered = True
                for number in range(3):
                    self.client.post((19, 0, 0), b"posted %d" % number, now)
                self.client.send([Item((3, 0, 9), 87)], now)
                self.client.post((3424, 0, 1), b"not confirmed", now, content.TEXT, confirmable=False)
                self.network.at(now + 40, self.observe_next)
        elif isinstance(event, Sent) and event.code == Code.CHANGED:
            self.acknowledged.append(event.sending.payload)
        elif isinstance(event, Notified):
            self.acknowledged.append(self.told[-1])
            self.observe_next()

    def observe_next(self) -> None:
        if self.frames:
            self.told.append(self.frames.pop(0))
            self.client.set((19, 0, 0), self.told[-1], self.network.now, tell=True)


def test_a_hundred_bad_nights() -> None:
    bad_nights(FEW)


@pytest.mark.usefixtures("all_seeds")
def test_a_thousand_bad_nights() -> None:
    bad_nights(SEEDS)


def bad_nights(seeds: range) -> None:
    arrived = delivered = 0
    for seed in seeds:
        night = Night(seed)
        night.network.run(until=2000.0)
        assert night.registered, seed
        assert night.client.server == "server" and not night.client.busy
        registration = night.server.registration("meter")
        assert registration is not None and registration.location == night.client.location, seed
        # Acknowledged means durable.
        assert all(night.stored[payload] for payload in night.acknowledged), seed
        # Each operation had one outcome.
        assert len({id(event.operation) for event in night.outcomes}) == len(night.outcomes), seed
        # One message is one report: only what the device itself said twice may be there twice.
        assert all(count == 1 for payload, count in night.stored.items() if payload.startswith(b"posted")), seed
        delivered += len(night.acknowledged)
        arrived += sum(night.stored.values())
        written = any(
            isinstance(one, Done) and one.operation.content_format == content.OPAQUE and one.code == Code.CHANGED
            for one in night.outcomes
        )
        assert not written or night.client.tree.get((19, 1, 0)) == b"command"
        sizes = night.server.sizes()
        assert (sizes["open"], sizes["asking_retransmissions"], sizes["links"]) == (0, 0, 1), seed
    assert delivered > 0.85 * len(seeds) * 6 and arrived >= delivered


def test_bootstraps_on_a_bad_network_never_leave_half_an_account() -> None:
    """What the server calls a success is complete on the device; a device that calls it done has everything."""
    succeeded = 0
    for seed in range(200):
        server = Server(seed=seed * 3 + 2)
        client = Client(Tree(definitions(), {(0, 0, 1): True, (0, 0, 0): "coaps://b"}), endpoint="m", seed=seed)
        ends: list[Any] = []
        done: list[Any] = []

        def on_event(
            address: Any,
            event: Any,
            now: float,
            server: Server = server,
            ends: list[Any] = ends,
            done: list[Any] = done,
        ) -> None:
            if isinstance(event, BootstrapWanted):
                server.bootstrap(event, account(uri="coaps://m", identity=b"m", key=b"k" * 16), now)
            elif isinstance(event, Bootstrapped):
                ends.append(event)
            elif isinstance(event, BootstrapDone | Trouble):
                done.append(event)

        network = LossyNetwork(seed, BAD, on_event=on_event)
        network.attach("server", server)
        network.attach("meter", client)
        client.bootstrap("server", 0.0)
        network.run(until=2000.0)
        assert len(done) == 1, seed
        complete = client.tree.get((0, 1, 5)) == b"k" * 16 and client.tree.get((1, 0, 0)) == 101
        if done == [BootstrapDone()]:
            assert complete, seed
        if ends and ends[0].reason == "":
            assert done == [BootstrapDone()], seed
            succeeded += 1
        assert server.sizes()["links"] == 0
    assert succeeded > 150

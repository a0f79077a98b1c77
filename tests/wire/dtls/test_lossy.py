# SPDX-License-Identifier: Apache-2.0
"""Meters and a server over a network that loses, delays, reorders and duplicates: 1,000 seeds under a virtual clock.

What must hold whatever the network does: every meter connects; no record is delivered twice; every message arrives,
as the meters say it again until it is answered; a meter that changes its address, a server that is killed and comes
back, a meter that is stored and loaded again cost no handshake. Nothing is left behind in the end.
"""

from ast import literal_eval
from functools import partial
from random import Random
from typing import Any

import pytest

from openmains.wire.dtls.client import Client
from openmains.wire.dtls.events import Connected, Failed, Probe, Received
from openmains.wire.dtls.session import Session
from tests.support.dtls import IDENTITY, PSK, SERVER, Site
from tests.support.lossy import Conditions, LossyNetwork

FEW, SEEDS = range(100), range(1000)
MESSAGES = 4
RETRY_S = 20.0
CONDITIONS = Conditions(drop=0.2, duplicate=0.2, min_delay_s=0.02, max_delay_s=3.0)


class Meter:
    """One client and its application: connects, says its messages one by one until each is answered."""

    def __init__(self, town: "Town", number: int, cid: bytes | None) -> None:
        self.town = town
        self.number = number
        self.cid = cid
        self.address = (f"10.0.0.{number}", 1000)
        self.tries = 0
        self.next = 0  # message that is said now
        self.said = 0
        self.client = self.new_client()

    def new_client(self) -> Client:
        self.tries += 1
        return Client(
            SERVER,
            psk=PSK,
            identity=IDENTITY,
            random=self.town.random.randbytes,
            cid=self.cid,
            tickets=self.number == 2,
        )

    def start(self) -> None:
        self.town.network.attach(self.address, self.client)
        self.client.start(self.town.network.now)

    def on_event(self, event: Any) -> None:
        if isinstance(event, Failed):  # as a meter does: begin again
            self.client = self.new_client()
            self.start()
        elif isinstance(event, Connected):
            self.say()
        elif isinstance(event, Received):
            what, _, which = event.data.partition(b" ")
            if what == b"prove":
                self.client.send(b"proof " + which, self.town.network.now)
            elif int(which) == self.next:
                self.next += 1
                self.disturb()
                if self.next < MESSAGES:
                    self.say()

    def say(self) -> None:
        message = self.next
        if message >= MESSAGES:
            return
        self.said += 1
        self.client.send(b"%d %d %d" % (self.number, message, self.said), self.town.network.now)
        self.town.network.at(self.town.network.now + RETRY_S, partial(self.say_again, message))

    def say_again(self, message: int) -> None:
        if self.next == message:
            self.say()

    def disturb(self) -> None:
        """Between two messages: another address, or a reboot that keeps the session."""
        chance = self.town.random.random()
        if chance < 0.3:
            raw = self.client.dump()
            pending = self.client.datagrams()
            self.client = Client.load(raw, psk=PSK, random=self.town.random.randbytes)
            self.town.network.attach(self.address, self.client)
            assert not pending
        elif chance < 0.7 and self.cid is not None:
            self.town.network.detach(self.address)
            self.address = (self.address[0], self.address[1] + 1)
            self.town.network.attach(self.address, self.client)


class Town:
    """Three meters and the site; meters without connection ids in towns whose server is never killed."""

    def __init__(self, seed: int, conditions: Conditions = CONDITIONS) -> None:
        self.random = Random(seed)  # noqa: S311 – repeatable is the point
        self.network = LossyNetwork(seed, conditions, on_event=self.on_event)
        self.site = Site(seed=seed, answer=self.answer, store_each=True)
        self.network.attach(SERVER, self.site)
        kinds = (b"", b"\x01\x02\x03", b"") if seed % 2 else (None, b"\x07", None)
        self.meters = [Meter(self, number, cid) for number, cid in enumerate(kinds)]
        self.moved = self.kills = 0
        for meter in self.meters:
            self.network.at(self.random.uniform(0, 10), meter.start)
        if seed % 2:
            for _ in range(2):
                self.network.at(self.random.uniform(5, 150), self.kill)

    def kill(self) -> None:
        self.kills += 1
        self.site.datagrams()  # what was about to be sent dies with it
        self.site.restart()

    def answer(self, data: bytes) -> bytes | None:
        if data.startswith(b"proof"):
            return None
        _, message, _ = data.split(b" ")
        return b"ok " + message

    def on_event(self, address: Any, event: Any, now: float) -> None:
        if address != SERVER:
            meter = next(meter for meter in self.meters if meter.address == address)
            meter.on_event(event)
        elif isinstance(event, Probe):
            self.site.send(event.session, b"prove " + str(event.peer).replace(" ", "").encode(), now)
        elif isinstance(event, Received) and event.data.startswith(b"proof"):
            self.prove(event.session, event.data)

    def prove(self, session: Session, data: bytes) -> None:
        address = literal_eval(data.removeprefix(b"proof ").decode())
        self.moved += len(self.site.server.confirm_address(session, self.network.now, address))

    def run(self) -> None:
        self.network.run()


def test_a_hundred_bad_networks() -> None:
    bad_networks(FEW)


@pytest.mark.usefixtures("all_seeds")
def test_thousand_bad_networks() -> None:
    bad_networks(SEEDS)


def bad_networks(seeds: range) -> None:
    meters = first_try = moved = kills = 0
    for seed in seeds:
        town = Town(seed)
        town.run()
        delivered = [data for data in town.site.delivered if not data.startswith(b"proof")]
        assert len(set(delivered)) == len(delivered), "a record was delivered twice"
        for meter in town.meters:
            assert meter.next == MESSAGES, (seed, meter.number)
            messages = [data.split(b" ")[1] for data in delivered if data.startswith(b"%d " % meter.number)]
            assert list(dict.fromkeys(messages)) == [b"%d" % n for n in range(MESSAGES)]
            first_try += meter.tries == 1
        meters += len(town.meters)
        moved += town.moved
        kills += town.kills
        assert town.site.server.sizes()["handshakes"] == 0
        assert town.site.next_timer() is None
    assert first_try > 0.93 * meters, "retransmission is what connects them, not starting again"
    assert moved > len(seeds) and kills == len(seeds)


def test_a_perfect_network_needs_one_try_and_no_retransmission() -> None:
    for seed in range(50):
        town = Town(seed, Conditions.perfect())
        town.run()
        assert [meter.tries for meter in town.meters] == [1, 1, 1]
        assert [meter.next for meter in town.meters] == [MESSAGES] * 3
        assert [meter.said for meter in town.meters] == [MESSAGES] * 3

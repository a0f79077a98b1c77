# SPDX-License-Identifier: Apache-2.0
"""Meter, CoAP client and CoAP server together on the lossy network, under one virtual clock: CoAP's own patience and
R1.7's come on top of each other."""

from typing import Any

import pytest

from openmains.drivers import catalog
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.meter import Action, Attach, Meter, Profile, Send
from openmains.emulator.meter.spreading import Period, Scheme
from openmains.wire.coap.call import ResponseReceived
from openmains.wire.coap.client import Client
from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Code, Method
from openmains.wire.coap.reliability import RFC7252
from openmains.wire.coap.server import Server
from tests.emulator.plain_frames import litre_a_minute
from tests.support.lossy import Conditions, LossyNetwork

_MIDNIGHT = 20_454 * 86_400 - 8 * 3600
_H = 3600
_DRIVER = catalog.load().driver("openmains/water-1")
_PATIENCE_S = RFC7252.ack_timeout_s * 31  # with chance 0: 2 + 4 + 8 + 16 + 32 s


class World:
    """One meter and the platform; the network's clock starts at midnight minus ``lead_s``."""

    def __init__(
        self, seed: int, profile: Profile, conditions: Conditions, *, lead_s: int = 0, number: int = 0
    ) -> None:
        self.network = LossyNetwork(seed, conditions, on_event=self._on_event)
        self.client = Client(mid_seed=seed, token_seed=seed)
        self.server = Server(mid_seed=seed)
        self.network.attach("meter", self.client)
        self.network.attach("platform", self.server)
        self.network.attach("meter's clock", self)
        self.meter = Meter(number, profile, litre_a_minute, DriverFrames(_DRIVER.name, number))
        self.origin = _MIDNIGHT - lead_s
        self.up = True
        self.received: list[bytes] = []
        self.first_sent: list[tuple[int, str]] = []  # (seconds since midnight, kind)
        self._do(self.meter.switch_on(self.origin, attach_after_s=0))

    @property
    def now(self) -> int:
        return self.origin + int(self.network.now)

    def run(self, until_s: int) -> None:
        """Until so many seconds after midnight."""
        self.network.run(until=until_s + _MIDNIGHT - self.origin)

    # the meter's own timers take part in the network's time

    def receive(self, datagram: bytes, peer: Any, now: float) -> list[Any]:
        return []

    def datagrams(self) -> list[tuple[Any, bytes]]:
        return []

    def next_timer(self) -> float | None:
        timer = self.meter.next_timer()
        return None if timer is None else timer - self.origin

    def handle_timer(self, now: float) -> list[Any]:
        self._do(self.meter.handle(self.now))
        return []

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Attach):
                self._do(self.meter.on_attach(True, self.now))
            elif isinstance(action, Send):
                self.first_sent.append((self.now - _MIDNIGHT, action.kind))
                call = self.client.request(
                    "platform", Method.POST, ("r", "1" * 15), action.payload, chance=0.0, now=self.network.now
                )
                call.tag = action.message

    def _on_event(self, address: object, event: Any, now: float) -> None:
        if isinstance(event, Request):
            if self.up:
                self.received.append(event.payload)
                answer = _DRIVER.answer(event.payload, self.now, 480)
                self.server.respond(event.exchange, Code.CHANGED, answer, now=now)
        elif isinstance(event, ResponseReceived):
            self._do(self.meter.on_answer(event.call.tag, event.payload, self.now))
        elif address == "meter":
            self._do(self.meter.on_failure(event.call.tag, self.now))


def _reports(world: World) -> list[bytes]:
    return [payload for payload in world.received if payload[3] == 1]


def test_platform_down_for_a_night() -> None:
    """Every attempt of R1.7 is a whole CoAP exchange of 62 s; the reset comes 8 h after the third failed."""
    world = World(1, Profile(scheme=Scheme.NONE), Conditions.perfect(), lead_s=12 * _H)
    world.run(-1)
    world.network.conditions = Conditions(drop=1.0)
    world.run(11 * _H)
    first = [at for at, kind in world.first_sent if kind == "report" and at >= 0]
    patience = int(_PATIENCE_S)
    third = 2 * patience + 300 + 3600
    assert first[:3] == [0, patience + 300, third]
    assert first[3] == third + patience + 8 * _H


@pytest.mark.parametrize("seed", range(100))
def test_every_report_arrives_over_a_lossy_network(seed: int) -> None:
    profile = Profile(period=Period.EVERY, every_s=6 * _H, scheme=Scheme.NONE, log_days=10)
    world = World(seed, profile, Conditions(drop=0.3, duplicate=0.3), lead_s=_H, number=seed)
    world.run(48 * _H)
    reports = _reports(world)
    columns, rejected = _DRIVER.decode(list(dict.fromkeys(reports)), [0] * len(set(reports)))
    assert not rejected
    starts = {int(start) for group in columns for start in group.points["start_at"]}
    assert starts >= {_MIDNIGHT + 6 * _H * k for k in range(-1, 7)}
    for group in columns:
        sums = group.points["base"] + group.series["increments"].sum(axis=1)
        assert (sums == (group.points["start_at"] + 6 * _H) // 60).all()
    assert abs(world.meter.device_at(world.now) - world.now) < 120, "the clock follows the platform's answers"

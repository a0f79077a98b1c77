# SPDX-License-Identifier: Apache-2.0
"""Meters around one gateway in an air of their own, for ``openmains gateway --south emulated`` and for tests: the gateway is outside."""

from collections.abc import Callable, Iterable, Sequence
from math import cos, sin
from random import Random
from typing import Final

from openmains.emulator.device.terminal import Terminal
from openmains.emulator.gateway.air import Air, Node
from openmains.emulator.gateway.radio_meter import RadioMeter
from openmains.emulator.gateway.relay import Relay
from openmains.emulator.gateway.terminal_body import TerminalBody
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import NONE, Account, PriceSet
from openmains.emulator.meter.profile import Profile
from openmains.emulator.meter.store import Held, Store
from openmains.wire.gbt36330.air import AirFrame, meter_key

DRIVER: Final = "openmains/gas-1"
FIRST_NUMBER: Final = 460_000_000_001
FAR_M: Final = 150.0
RELAY_M: Final = 260.0
SUPPLY_SINCE_S: Final = 1_767_225_600
START_MS: Final = 2_000  # within which they are switched on


class Place:
    """``heard(frame)`` is told of what reaches the gateway, which stands in the middle. ``relays``: numbered from 1; every other meter stands
    around one. Times are ms since 1970 UTC."""

    x = y = 0.0

    def __init__(
        self,
        network: int,
        key: bytes,
        meters: int,
        seed: int,
        heard: Callable[[AirFrame], None],
        *,
        terminals: Sequence[Terminal] = (),
        driver: str = DRIVER,
        loss: float = 0.02,
        relays: int = 0,
    ) -> None:
        self._random = Random(seed)  # noqa: S311 - a place that is the same again
        self._heard = heard
        self.air = Air(self._random, self._near, loss=loss)
        bodies = list(terminals) or [_terminal(FIRST_NUMBER + index, driver) for index in range(meters)]
        self.relays = [
            Relay(network, number, *_spot(number), self.air, self._random) for number in range(1, relays + 1)
        ]
        self.meters = [self._meter(body, network, key, index, driver) for index, body in enumerate(bodies)]
        self._by_number = {meter.number: meter for meter in self.meters}

    def begin(self, now_ms: int) -> None:
        """The meters are switched on."""
        self.air.now_ms = now_ms
        for meter in self.meters:
            meter.start(self._random.randrange(START_MS))

    def run(self, now_ms: int) -> None:
        """All that happens until now."""
        self.air.run(now_ms)

    def send(self, frame: AirFrame) -> None:
        """By the gateway."""
        self.air.send(self, frame)

    def listens(self, frame: AirFrame, now_ms: int) -> bool:
        return True

    def hears(self, frame: AirFrame, now_ms: int) -> None:
        self._heard(frame)

    def _near(self, frame: AirFrame, sender: Node) -> Iterable[Node]:
        if not frame.down:
            return (self,) if frame.relayed else (self, *self.relays)
        return self.relays if frame.via and not frame.relayed else self.meters

    def _meter(self, terminal: Terminal, network: int, key: bytes, index: int, driver: str) -> RadioMeter:
        number, random = f"{terminal.meter.number:016d}", self._random
        x, y = _behind(1 + index // 2 % len(self.relays)) if self.relays and index % 2 else (0.0, 0.0)
        return RadioMeter(
            number, network, meter_key(key, number), TerminalBody(terminal, driver), self.air, random,
            x + random.uniform(-FAR_M, FAR_M), y + random.uniform(-FAR_M, FAR_M), is_active=index % 4 != 3, drift_ppm=random.randint(-8, 8),
        )  # fmt: skip


def _spot(relay: int) -> tuple[float, float]:
    """Where a relay stands: beyond what the gateway hears well."""
    angle = relay * 2.4
    return RELAY_M * cos(angle), RELAY_M * sin(angle)


def _behind(relay: int) -> tuple[float, float]:
    """In the middle of the meters that are to go over it: beyond what the gateway hears."""
    x, y = _spot(relay)
    return 1.9 * x, 1.9 * y


def _terminal(number: int, driver: str) -> Terminal:
    account = Account(NONE, 0, price=PriceSet(1, 0, 1, 12, False, (0,), (25_000,)))

    def supply(instants_s: Sequence[int]) -> list[int]:
        return [(at - SUPPLY_SINCE_S) // 36 for at in instants_s]

    return Terminal(
        number, Profile(), supply, DriverFrames(driver, number), key=bytes(16), store=Store(Held(account=account))
    )

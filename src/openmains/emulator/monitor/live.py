# SPDX-License-Identifier: Apache-2.0
"""Monitors on real sockets: each reports what it felt since its last report, over a DTLS session like any terminal."""

import asyncio
import random
import secrets
import time
from collections.abc import Mapping, Sequence

from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.period import MINUTE_S
from openmains.emulator.device.endpoint import Outcome
from openmains.emulator.device.secure_device import SecureDevice
from openmains.emulator.device.secure_net import SecureNet
from openmains.emulator.monitor.monitor import MOST, Monitor
from openmains.wire.coap.reliability import RFC7252


class LiveMonitors:
    """``psks``, ``imsis``: by IMEI. Reports each about once in ``every_s``, spread over it."""

    def __init__(
        self,
        monitors: Sequence[Monitor],
        target: tuple[str, int],
        psks: Mapping[int, bytes],
        imsis: Mapping[int, str],
        *,
        every_s: int,
        seed: int = 1,
    ) -> None:
        self._monitors, self._target, self._every_s = monitors, target, max(1, every_s)
        self._psks, self._imsis = psks, imsis
        self._rng = random.Random(seed)  # noqa: S311 - spreading only
        self._told = [0] * len(monitors)  # newest minute that the platform has confirmed
        self.acknowledged = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; raises ``OSError`` where no socket can be opened."""
        devices = [
            SecureDevice(
                place, imei_text(each.spec.imei), self._psks[each.spec.imei], imsi=self._imsis.get(each.spec.imei, ""),
                random=secrets.token_bytes, timing=RFC7252,
                down=self._down,
            )
            for place, each in enumerate(self._monitors)
        ]  # fmt: skip
        self._net = SecureNet(devices, rng=self._rng)
        await self._net.open(self._target, min(4, len(devices)))
        loop = asyncio.get_running_loop()
        due = [loop.time() + place * self._every_s / len(devices) for place in range(len(devices))]
        try:
            while not stop.is_set():
                for place, at in enumerate(due):
                    if at <= loop.time():
                        due[place] = at + self._every_s
                        self._report(place)
                try:
                    await asyncio.wait_for(stop.wait(), 0.25)
                except TimeoutError:
                    continue
        finally:
            self._net.close()

    def _report(self, place: int) -> None:
        now = int(time.time())
        last = now // MINUTE_S * MINUTE_S
        first = max(self._told[place] + MINUTE_S, last - (MOST - 1) * MINUTE_S)
        if first > last:
            first = last
        payload = self._monitors[place].report(now, first, MINUTE_S, (last - first) // MINUTE_S + 1)
        self._net.report(place, payload, lambda outcome: self._done(place, last, outcome))

    def _done(self, place: int, last: int, outcome: Outcome) -> None:
        if outcome.ok:
            self.acknowledged += 1
            self._told[place] = max(self._told[place], last)

    def _down(self, place: int, frame: bytes) -> None:
        for payload in self._monitors[place].answers(frame, int(time.time())):
            self._net.report(place, payload, lambda outcome: None)

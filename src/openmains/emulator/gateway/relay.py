# SPDX-License-Identifier: Apache-2.0
"""A relay (R5.1): sends on what names it, once, and joins of whoever it hears. It knows no meters and no keys."""

from dataclasses import replace
from random import Random
from typing import Final

from openmains.emulator.gateway.air import Air
from openmains.wire.gbt36330.air import AirFrame, AirKind

TURN_MS: Final = 80
JOIN_TURN_MS: Final = 300  # a join that the gateway hears by itself is to be there first
JOIN_SPREAD_MS: Final = 900


class Relay:
    """``number``: within its network. ``is_broken``: it does nothing any more."""

    def __init__(self, network: int, number: int, x: float, y: float, air: Air, random: Random) -> None:
        self.network, self.number, self.x, self.y = network, number, x, y
        self.is_broken = False
        self._air, self._random = air, random

    def listens(self, frame: AirFrame, now_ms: int) -> bool:
        """Always on."""
        if self.is_broken or frame.network != self.network or frame.relayed:
            return False
        return frame.via == self.number or (frame.kind is AirKind.JOIN and not frame.via)

    def hears(self, frame: AirFrame, now_ms: int) -> None:
        """One frame that is its business."""
        if frame.kind is AirKind.PROBE:
            answer = AirFrame(self.network, frame.channel, AirKind.PROBE, False, via=self.number, relayed=True)
            self._air.send(self, answer, TURN_MS)
        elif frame.kind is AirKind.JOIN:
            after_ms = JOIN_TURN_MS + self._random.randrange(JOIN_SPREAD_MS)
            self._air.send(self, replace(frame, via=self.number, relayed=True), after_ms)
        else:
            self._air.send(self, replace(frame, relayed=True), TURN_MS)

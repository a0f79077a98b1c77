# SPDX-License-Identifier: Apache-2.0
"""A maker's format for tests that look at behaviour, not at bytes: JSON, and answers that are the time in decimal."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from openmains.emulator.meter.meter import Snapshot


class PlainFrames:
    enhanced = False

    def report(self, snapshot: Snapshot) -> bytes:
        return self._json(snapshot)

    def alarm(self, snapshot: Snapshot) -> bytes:
        return self._json(snapshot)

    def heartbeat(self, snapshot: Snapshot) -> bytes:
        return self._json(snapshot)

    def time_of(self, answer: bytes) -> int | None:
        return int(answer) if answer else None

    @staticmethod
    def _json(snapshot: Snapshot) -> bytes:
        return json.dumps({**asdict(snapshot), "active": sorted(snapshot.active)}).encode()


def litre_a_minute(instants_s: Sequence[int]) -> list[int]:
    """A supply whose register tells the time: one unit a minute since 1970."""
    return [instant // 60 for instant in instants_s]

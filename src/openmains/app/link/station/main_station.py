# SPDX-License-Identifier: Apache-2.0
"""What the connections of one TCP edge share: who is known, who is connected, and how a message is taken in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.edge.admission import Accepted, Admission, Refusal
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.shedding import SMALL, Shedding
from openmains.app.link.ports import Clock
from openmains.app.link.station.directory import Directory
from openmains.domain.ids import MeterId

CHANNEL = "tcp"


class Connected(Protocol):
    """A connection that has registered."""

    terminal: str

    def replace(self, now: float) -> None: ...


class MainStation:
    """One for each edge. ``note(name, reason, host)`` is told of whoever is refused: an operator is to see why."""

    def __init__(
        self,
        *,
        node: int,
        directory: Directory,
        admission: Admission,
        batcher: Batcher,
        shedding: Shedding,
        clock: Clock,
        note: Callable[[str, str, str], None],
        is_blocked: Callable[[MeterId], bool] = lambda meter_id: False,
        always_on_s: float = 600.0,
        line_timeout_ms: int = 5_000,
    ) -> None:
        self.directory, self.admission, self.clock = directory, admission, clock
        self.always_on_s, self.line_timeout_ms = always_on_s, line_timeout_ms
        self.counters: Counter[str] = Counter()
        self._node, self._batcher, self._shedding, self._note = node, batcher, shedding, note
        self._is_blocked = is_blocked  # the meter's own terminal is: it is not heard by another way either
        self._connected: dict[str, Connected] = {}

    def __len__(self) -> int:
        return len(self._connected)

    def registered(self, session: Connected, now: float) -> None:
        """A terminal is on this connection from now on, and on no other: an older one is a socket that nobody closed."""
        older = self._connected.get(session.terminal)
        if older is not None and older is not session:
            older.replace(now)
        self._connected[session.terminal] = session

    def left(self, session: Connected) -> None:
        """Its socket is gone."""
        if self._connected.get(session.terminal) is session:
            del self._connected[session.terminal]

    def refused(self, name: str, reason: str, host: str) -> None:
        """Somebody was not let in, or spoke for a meter that is not its."""
        self.counters["station.refused"] += 1
        self._note(name, reason, host)

    def admit(
        self,
        identity: Identity,
        payload: bytes,
        path: str,
        done: Callable[[Accepted, bool], None],
        *,
        urgent: bool = False,
    ) -> Refusal | None:
        """Take a message about this meter in: ``done`` is called once, later, with whether it is on disk. Or say why not.

        ``urgent``: goes before readings where the pipeline is behind. It is known here what a message is, so its size tells nothing."""
        now = self.clock.time()
        if self._batcher.is_full(now) or self._shedding.is_crowded(len(payload) if urgent else SMALL + 1, now):
            self._shedding.refused()
            return Refusal.BUSY
        if self._is_blocked(identity.meter_id):
            self.admission.counters["blocked"] += 1
            return Refusal.UNKNOWN_METER  # it hears what a stranger hears
        found = self.admission.admit_meter(identity, payload, CHANNEL, path, self.clock.unix_us())
        if isinstance(found, Refusal):
            return found
        self._shedding.taken()
        self._batcher.add(found.uplink, lambda confirmed: done(found, confirmed))
        return None

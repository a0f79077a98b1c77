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
from openmains.app.link.station.directory import Directory, LinePlace
from openmains.app.link.station.line_acts import Act, Result
from openmains.app.link.station.standing import StandingCache
from openmains.domain.ids import CommandId, MeterId, TenantId

CHANNEL = "tcp"


class Connected(Protocol):
    """A connection that has registered."""

    terminal: str

    @property
    def is_proven(self) -> bool:
        """Its certificate says who it is."""
        ...

    def replace(self, now: float) -> None: ...
    def follow(self, now: float) -> None:
        """What the registry says has changed."""
        ...

    def speaks_to(self, place: LinePlace) -> bool:
        """Its meters are asked by us, and in this one's protocol."""
        ...

    def command(
        self, command_id: CommandId, place: LinePlace, act: Act, ended: Callable[[Result | None], None], now: float
    ) -> None:
        """Run an act on its line; ``ended`` is called once, with None where nobody knows what came of it."""
        ...


class MainStation:
    """One for each edge. ``note`` is told of whoever is refused, for an operator of the utility is to see why: name, reason, host, the utility
    (None: nobody's), and what more there is to say."""

    def __init__(
        self,
        *,
        node: int,
        directory: Directory,
        admission: Admission,
        batcher: Batcher,
        shedding: Shedding,
        clock: Clock,
        note: Callable[[str, str, str, TenantId | None, str], None],
        is_blocked: Callable[[MeterId], bool] = lambda meter_id: False,
        always_on_s: float = 600.0,
        line_timeout_ms: int = 5_000,
    ) -> None:
        self.directory, self.admission, self.clock = directory, admission, clock
        self.always_on_s, self.line_timeout_ms = always_on_s, line_timeout_ms
        self.counters: Counter[str] = Counter()
        self.standing = StandingCache(clock.unix_us)
        self._node, self._batcher, self._shedding, self._note = node, batcher, shedding, note
        self.is_blocked = is_blocked  # the meter's own terminal is: it is not heard by another way either
        self._connected: dict[str, Connected] = {}

    def __len__(self) -> int:
        return len(self._connected)

    def registered(self, session: Connected, now: float) -> None:
        """A terminal is on this connection from now on, and on no other: an older one is a socket that nobody closed."""
        older = self._connected.get(session.terminal)
        if older is not None and older is not session:
            older.replace(now)
        self._connected[session.terminal] = session

    def left(self, session: Connected, why: str) -> None:
        """Its socket is gone."""
        if self._connected.get(session.terminal) is session:
            del self._connected[session.terminal]
            self.standing.left(session.terminal, why)

    def connected(self, terminal: str) -> Connected | None:
        """The connection that a terminal is on, at this edge."""
        return self._connected.get(terminal)

    def directory_changed(self) -> None:
        """What the registry says now holds on open connections: another line is asked, and whoever was taken away is gone."""
        now = self.clock.time()
        for session in list(self._connected.values()):
            session.follow(now)

    def refused(self, name: str, reason: str, host: str, tenant_id: TenantId | None = None, detail: str = "") -> None:
        """Somebody was not let in, or spoke for a meter that is not its."""
        self.counters["station.refused"] += 1
        self._note(name, reason, host, tenant_id, detail)

    def admit(
        self,
        identity: Identity,
        payload: bytes,
        path: str,
        done: Callable[[Accepted, bool], None],
        *,
        urgent: bool = False,
        is_asked: bool = False,
    ) -> Refusal | None:
        """Take a message about this meter in: ``done`` is called once, later, with whether it is on disk. Or say why not.

        ``is_asked``: it answers a question of ours, so its meter listens now, and what waits for it may be sent. ``urgent``: goes before
        readings where the pipeline is behind. It is known here what a message is, so its size tells nothing."""
        now = self.clock.time()
        if self._batcher.is_full(now) or self._shedding.is_crowded(len(payload) if urgent else SMALL + 1, now):
            self._shedding.refused()
            return Refusal.BUSY
        if self.is_blocked(identity.meter_id):
            self.admission.counters["blocked"] += 1
            return Refusal.UNKNOWN_METER  # it hears what a stranger hears
        found = self.admission.admit_meter(
            identity, payload, CHANNEL, path, self.clock.unix_us(), self._node if is_asked else 0
        )
        if isinstance(found, Refusal):
            return found
        self._shedding.taken()
        self._batcher.add(found.uplink, lambda confirmed: done(found, confirmed))
        return None

# SPDX-License-Identifier: Apache-2.0
"""What becomes of pushes: from the spool to the stream, one message each, by the one edge that has the turn.

    spool → whose → Admission → Batcher → (durable) → done in the spool

A row is done when its message, or its dead letter, is on disk in the stream; after our end it is taken again from the beginning, and what came
twice by that is known by the frame's own sequence number, as everywhere (R1.7). What a platform says twice is one row (``hear_push.mark_of``).

A push of a device that is no meter of the connection's products, or whose terminal is blocked, is a dead letter, one an hour and device;
each is counted and stands among the refusals.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.edge.admission import Admission, Refusal
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.link_reports import until_stored
from openmains.app.link.operators.ports import NamedDevice, OperatorWork, Spooled
from openmains.app.link.ports import Clock
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.wire.operators.model import PushKind

CHANNEL = "operator"
MOST_IN_FLIGHT = 1_000
BATCH = 500
MOST_UNKNOWN = 10_000
UNKNOWN_S = 3600.0
OLDEST_US = 30 * 86_400 * 1_000_000  # what a platform says of a time before is not believed
NOBODY = (MeterId(0), ProductId(0))
KEPT_US = 8 * 86_400 * 1_000_000  # a push is known again for so long
TRIES_KEPT_US = 90 * 86_400 * 1_000_000


class CommandWords(Protocol):
    """Who is told how commands stand (``commands.py``)."""

    async def told(self, rows: Sequence[Spooled], done: Callable[[int], None]) -> None:
        """``done`` with the number of each push that is dealt with, once it is on disk."""
        ...


class OperatorReceiver:
    """One for an edge. ``note(tenant, name, reason, detail)`` is told of unknown devices, for an operator to see."""

    def __init__(
        self,
        *,
        node: int,
        work: OperatorWork,
        admission: Admission,
        batcher: Batcher,
        shedding: Shedding,
        clock: Clock,
        words: CommandWords,
        note: Callable[[TenantId, str, str, str], None],
        is_blocked: Callable[[int], bool],
    ) -> None:
        self._node, self._work, self._admission, self._batcher = node, work, admission, batcher
        self._shedding, self._clock, self._words = shedding, clock, words
        self._note, self._is_blocked = note, is_blocked
        self._under_way: set[int] = set()
        self._done: list[int] = []
        self._unknown: OrderedDict[tuple[int, str], float] = OrderedDict()
        self.counters: Counter[str] = Counter()

    async def turn(self) -> bool:
        """What is done is written down, and the next pushes are begun. Whether there may be more at once."""
        await self._write_done()
        now = self._clock.time()
        if len(self._under_way) >= MOST_IN_FLIGHT or self._batcher.is_full(now) or self._shedding.is_crowded(0, now):
            return False
        rows = await self._work.waiting(sorted(self._under_way), BATCH)
        await self._take(rows)
        return len(rows) == BATCH

    async def forget(self) -> None:
        """What no platform says again."""
        now_us = self._clock.unix_us()
        await self._work.forget(now_us - KEPT_US, now_us - TRIES_KEPT_US, 10_000)

    async def _write_done(self) -> None:
        done, self._done = self._done, []
        if not done:
            return
        try:
            await self._work.done(done, self._clock.unix_us())
        except BaseException:
            self._done += done
            raise
        self._under_way.difference_update(done)

    async def _take(self, rows: Sequence[Spooled]) -> None:
        self._under_way.update(row.push_id for row in rows)
        named = [row for row in rows if row.meter_id is not None and row.device_id]
        await self._work.learn(
            [
                NamedDevice(row.meter_id, row.tenant_id, row.platform_id, row.meter_imei, row.device_id)
                for row in {row.meter_id: row for row in named}.values()
                if row.meter_id is not None
            ]
        )
        await self._work.note_online(
            [
                (row.meter_id, row.kind is not PushKind.OFFLINE, row.at_ms * 1000 or row.received_us)
                for row in {row.meter_id: row for row in rows if row.kind in _PRESENCE}.values()
                if row.meter_id is not None
            ]
        )
        commands = []
        for row in rows:
            self.counters[f"operators.push_{row.kind.value if row.kind else 'fault'}"] += 1
            if row.kind is None:
                self._bury(row, NOBODY, row.fault)
            elif row.kind is PushKind.COMMAND:
                commands.append(row)
            elif row.kind is PushKind.OTHER:
                self._ready(row.push_id)
            elif row.meter_id is None or row.product_id is None or self._is_blocked(row.meter_imei):
                self._from_unknown(row)
            elif row.kind is PushKind.UP:
                self._up(row, Identity(row.meter_id, row.tenant_id, row.product_id))
            else:
                self._ready(row.push_id)
        if commands:
            await self._words.told(commands, self._ready)

    def _up(self, row: Spooled, identity: Identity) -> None:
        now_us, said_us = self._clock.unix_us(), row.at_ms * 1000
        heard_us = said_us if row.received_us - OLDEST_US <= said_us <= row.received_us else row.received_us
        path = _path(row)
        found = self._admission.admit_meter(
            identity, row.payload, CHANNEL, path, now_us, self._node, heard_us=heard_us, may_have_waited=True
        )
        if isinstance(found, Refusal):
            self._bury(row, (identity.meter_id, identity.product_id), found.name.lower())
            return
        self._shedding.taken()
        self._keep(found.uplink, row.push_id)

    def _from_unknown(self, row: Spooled) -> None:
        """A meter that is not known here, or shut out: its messages wait for nobody."""
        name = str(row.imei or row.device_id)
        self.counters["operators.unknown_device"] += 1
        if row.kind is PushKind.UP:
            self._note(row.tenant_id, name, "unknown device", _path(row))
        now, key = self._clock.time(), (row.platform_id, name)
        if row.kind is not PushKind.UP or now - self._unknown.get(key, float("-inf")) < UNKNOWN_S:
            self._ready(row.push_id)
            return
        self._unknown[key] = now
        self._unknown.move_to_end(key)
        if len(self._unknown) > MOST_UNKNOWN:
            self._unknown.popitem(last=False)
        self._bury(row, NOBODY, "unknown_device")

    def _bury(self, row: Spooled, whose: tuple[MeterId, ProductId], fault: str) -> None:
        self.counters["operators.dead_letters"] += 1
        meter_id, product_id = whose
        uplink = Uplink(
            meter_id, row.tenant_id, product_id, CHANNEL, _path(row), row.received_us, row.payload or row.item.encode(), fault
        )  # fmt: skip
        self._keep(uplink, row.push_id)

    def _keep(self, uplink: Uplink, push_id: int) -> None:
        def refused() -> None:
            self.counters["operators.kept_waiting"] += 1

        until_stored(self._batcher.add, self._clock, uplink, lambda: self._ready(push_id), refused=refused)

    def _ready(self, push_id: int) -> None:
        self._done.append(push_id)

    def left(self, push_id: int) -> None:
        """It is too early for this one: it is taken again at a later turn."""
        self._under_way.discard(push_id)


_PRESENCE = frozenset({PushKind.UP, PushKind.ONLINE, PushKind.OFFLINE})


def _path(row: Spooled) -> str:
    name = row.device_id or (str(row.imei) if row.imei else "push")
    return f"{row.platform_kind}/{name}/{row.kind.value if row.kind else row.item or 'fault'}"[:200]

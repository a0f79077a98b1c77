# SPDX-License-Identifier: Apache-2.0
"""One shard of the pipeline: read, process, write, commit, again – for ever, whatever fails.

Order of writing: ClickHouse first (its rows are idempotent by version), then PostgreSQL with the stream position in the
same transaction. Whatever happens in between, the next round starts from the committed position with the committed
state. An uplink that makes our own code fail goes to the dead letters alone; the rest of its batch goes on.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from openmains.app.command.results import LINK_CHANNEL
from openmains.app.command.sent_frames import SENT_PATH
from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.alarms import alarms_for_screens
from openmains.app.ingest.pipeline.bounds import fit_days
from openmains.app.ingest.pipeline.fast_lane import SMALL
from openmains.app.ingest.pipeline.gate import PipelineGate
from openmains.app.ingest.pipeline.manual import compare_late, not_yet_applied
from openmains.app.ingest.pipeline.ports import (
    DeadLetter,
    Effects,
    MeterRecord,
    PipelineStore,
    PositionConflictError,
    Product,
    ReadingSink,
)
from openmains.app.ingest.pipeline.process import EDGE_CHANNELS, PERSONS_CHANNELS, Batch, Processor
from openmains.app.ingest.pipeline.rows import day_tables
from openmains.app.ingest.uplink import Uplink, UplinkBatch, decode_batch
from openmains.app.rule.watch import NO_RULES, RuleSet
from openmains.domain.alarm.limits import NO_LIMITS, WatchedLimits
from openmains.domain.ids import MeterId
from openmains.domain.period import zone
from openmains.drivers.catalog import Catalog

log = logging.getLogger("openmains.pipeline")
MAX_UPLINKS = 6000  # of one transaction: a store takes 3,000 rows in little more time than 300
PART = 1000  # of them are worked through before others in this process have a turn
LINGER_S = 1.0  # small against the 20 s an alarm may take (R7.1), large against the cost of a tiny batch
CALM_S = 4.0  # where reports alone come, a few each second: an insert and the parts it makes cost as much for ten rows as for forty
STEADY_PER_S = 1.0  # uplinks of a shard; fewer make no more batches if each goes by itself
WORTH = 500  # uplinks are worth a batch, however calm it is (``shared_inserts.ALONE_ROWS``)
TRANSIT_S = 0.2  # what the stream has ready is here by then
STUCK_S = 10.0  # no batch takes so long while the stores answer
FETCH = 64  # messages taken at a time
PURGE_EVERY_S = 5.0
LEARN_EVERY_S = 1.0  # products and zones are read anew: who mends a driver replays its dead letters at once
RETRY_S = (0.2, 0.5, 1.0, 2.0)
HURRIED = PERSONS_CHANNELS | EDGE_CHANNELS


class Reader(Protocol):
    """A shard's messages after a position."""

    async def fetch(self, limit: int, wait_s: float) -> list[tuple[int, bytes]]:
        """Messages as (sequence, data)."""
        ...

    @property
    def waiting(self) -> int:
        """Messages that are known to be there and were not given yet."""
        ...

    async def close(self) -> None:
        """Stop reading."""
        ...


class Stream(Protocol):
    """The uplink stream."""

    async def reader(self, shard: int, after: int) -> Reader:
        """Read after a position."""
        ...

    async def purge(self, shard: int, up_to: int) -> bool:
        """Forget what is committed; whether it was done."""
        ...


@dataclass(slots=True)
class PipelineCounters:
    """What a shard did, for screens and the bench. Times are seconds of wall clock spent in each step."""

    uplinks: int = 0
    batches: int = 0
    restarts: int = 0
    position: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def spent(self, step: str, seconds: float) -> None:
        """Add to a step's time."""
        self.seconds[step] = self.seconds.get(step, 0.0) + seconds


class ShardWorker:
    """Runs one shard until ``stop`` is set."""

    def __init__(
        self,
        shard: int,
        stream: Stream,
        store: PipelineStore,
        sink: ReadingSink,
        catalog: Catalog,
        *,
        tell: Callable[[str, bytes], Awaitable[None]],
        now_us: Callable[[], int],
        committed: Callable[[Effects], None] = lambda effects: None,
        gate: PipelineGate | None = None,
    ) -> None:
        self._shard = shard
        self._gate = gate or PipelineGate()
        self._stream = stream
        self._store = store
        self._sink = sink
        self._catalog = catalog
        self._tell = tell
        self._now_us = now_us
        self._committed = committed
        self._processor = Processor(catalog, {}, {})
        self._began_at: float | None = None  # a batch is in work since then
        self._is_well = False
        self._is_calm = False  # reports come steadily: it is known who comes next
        self._learned_at = float("-inf")
        self._learned: tuple[Mapping[int, Product], Mapping[int, str], WatchedLimits, RuleSet] = (
            {}, {}, NO_LIMITS, NO_RULES,
        )  # fmt: skip
        self.counters = PipelineCounters()

    @property
    def pace(self) -> int | None:
        """Position up to which all is applied; None while the shard does not get on: then its backlog tells nothing of its speed."""
        began = self._began_at
        stuck = began is not None and time.monotonic() - began > STUCK_S
        return self.counters.position if self._is_well and not stuck else None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``; every failure is logged once and tried again from the committed position."""
        failures = 0
        while not stop.is_set():
            try:
                await self._run_reader(stop)
                failures = 0
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self._is_well, self._began_at = False, None
                self.counters.restarts += 1
                pause = RETRY_S[min(failures, len(RETRY_S) - 1)]
                failures += 1
                log.warning("shard %d starts anew in %.1f s: %s: %s", self._shard, pause, type(error).__name__, error)
                await _pause(stop, pause)

    def position(self) -> int:
        """Up to which all is applied."""
        return self.counters.position

    async def raise_early(self, late: Sequence[tuple[int, Uplink]]) -> Sequence[AlarmChange]:
        """Alarms that these, with their positions, would raise if it were their turn, written and told; see ``fast_lane.py``. All else waits
        for its turn."""
        processor = self._processor
        sequences: dict[MeterId, int] = {}
        for sequence, uplink in late:
            sequences[uplink.meter_id] = min(sequence, sequences.get(uplink.meter_id, sequence))
        records = await self._store.load(_speakers([uplink for _, uplink in late]))
        uplinks = [uplink for _, uplink in late if uplink.meter_id in records]
        if not uplinks or not processor.knows(uplinks) or not processor.knows(records.values()):
            return ()
        raised = [change for change in processor.run(uplinks, records).alarms if change.action == "raised"]
        if not raised:
            return ()
        written = await self._store.raise_early(self._shard, raised, sequences, self._now_us())
        for topic, changed in alarms_for_screens(written):
            await self._tell(topic, changed)
        return written

    async def _run_reader(self, stop: asyncio.Event) -> None:
        self._sink.forget()
        position = await self._store.position(self._shard)
        self.counters.position = position
        reader = await self._stream.reader(self._shard, position)
        purged_at, purged, gathered_at = 0.0, -1, float("-inf")
        held: list[tuple[int, UplinkBatch]] = []
        try:
            while not stop.is_set():
                await self._gather(reader, held)
                if held:
                    batch, last = _cut(held)
                    now = time.monotonic()
                    self._is_calm, gathered_at = len(batch) >= STEADY_PER_S * (now - gathered_at), now
                    self._is_well = False  # nobody is refused because a backup holds the gate
                    async with self._gate.batch():
                        self._is_well, self._began_at = True, time.monotonic()
                        await self._apply(batch, position, last)
                    position, self._began_at = last, None
                    self.counters.position = position
                self._is_well = True
                # Also when nothing comes: a full stream gives nothing more until it is purged.
                due = position != purged and time.monotonic() - purged_at > PURGE_EVERY_S
                if due and self._gate.forgets:
                    purged_at = time.monotonic()
                    if await self._stream.purge(self._shard, position):
                        purged = position
        finally:
            await reader.close()

    async def _gather(self, reader: Reader, held: list[tuple[int, UplinkBatch]]) -> None:
        """Wait for messages, then for more, to the end of this second: a store takes a full batch as fast as a small one, and
        where all shards of a process end their waiting together, it takes their small batches as one.

        What is there already is taken whatever the clock says: a process that gets little of a processor has no time to linger, and
        small batches would then cost it what it lacks. Where reports come one after the other, and nothing that somebody waits for, they
        wait for four seconds: then a box on which little happens writes a quarter of the batches.
        """
        if not held:
            held += self._open(await reader.fetch(FETCH, 0.5))
        began = time.monotonic()
        soon, calm = ((began // span + 1) * span for span in (LINGER_S, CALM_S))
        may_be_calm, seen = self._is_calm, 0
        while held and (count := sum(len(batch) for _, batch in held)) < MAX_UPLINKS:
            if may_be_calm and (count >= WORTH or not all(can_wait(batch) for _, batch in held[seen:])):
                may_be_calm = False
            seen = len(held)
            left = (calm if may_be_calm else soon) - time.monotonic()
            if left <= 0 and not reader.waiting:
                return
            more = await reader.fetch(FETCH, max(left, TRANSIT_S))
            if left <= 0 and not more:
                return
            held += self._open(more)

    def _open(self, messages: list[tuple[int, bytes]]) -> list[tuple[int, UplinkBatch]]:
        opened = []
        for sequence, data in messages:
            try:
                opened.append((sequence, decode_batch(data)))
            except msgspec.DecodeError as error:
                # Not written by an edge of ours: there is no meter to book it to. Count it, say it, go on.
                self.counters.by_reason["foreign_message"] += 1
                log.error("stream message %d is not a batch of uplinks: %s", sequence, error)
                opened.append((sequence, []))
        return opened

    async def _apply(self, batch: UplinkBatch, before: int, after: int) -> None:
        started = time.perf_counter()
        batch = await not_yet_applied(batch, self._store)
        records = await self._store.load(_speakers(batch))
        # A commit whose answer was lost may take effect late. State and position change together, so the state just
        # read belongs to ``before`` if the position still does; else rows would be written on top of themselves.
        if await self._store.position(self._shard) != before:
            raise PositionConflictError(f"shard {self._shard} is no longer at {before}")
        known = self._processor.knows(batch) and self._processor.knows(records.values())
        if not known or time.monotonic() - self._learned_at > LEARN_EVERY_S:
            self._learned_at = time.monotonic()
            products, zones, book = await self._store.products(), await self._store.zones(), await self._store.limits()
            rules = await self._store.rules(self._now_us())
            if (products, zones, book, rules) != self._learned:
                self._learned = products, zones, book, rules
                places = {key: zone(name) for key, name in zones.items()}
                self._processor = Processor(self._catalog, products, places, book, rules)
        loaded = time.perf_counter()
        effects = await self._process(batch, records)
        keys = {
            (item.record.tenant_id, item.record.meter_id, item.row.day) for item in effects.days if item.row.partial
        }
        processed = time.perf_counter()
        stored = await self._sink.stored_days(list(keys)) if keys else {}
        days = day_tables(effects.days, stored)._replace(begun=(self._shard, before))
        compare_late(effects, days, self._processor.zones)
        if cut := fit_days(days.days, days.computed):
            self.counters.by_reason["increment_cut"] += cut
        fit_days(days.versions)
        merged = time.perf_counter()
        await self._sink.write(days, effects.registers, effects.frames, effects.signals, effects.series)
        written = time.perf_counter()
        alarms = await self._store.commit(self._shard, before, after, effects, self._now_us())
        committed = time.perf_counter()
        counters = self.counters
        counters.uplinks += len(batch)
        counters.batches += 1
        counters.spent("load state", loaded - started)
        counters.spent("decode and validate", processed - loaded)
        counters.spent("merge", merged - processed)
        counters.spent("write clickhouse", written - merged)
        counters.spent("commit postgresql", committed - written)
        counters.by_reason.update(effects.counters)
        counters.by_reason.update(f"dead:{letter.reason}" for letter in effects.dead_letters)
        self._committed(effects)
        await self._announce(batch, alarms)

    async def _process(self, batch: UplinkBatch, records: dict[int, MeterRecord]) -> Effects:
        try:
            parts = Batch(self._processor, records)
            for first in range(0, len(batch), PART):
                parts.add(batch[first : first + PART])
                await asyncio.sleep(0)
            return parts.finish()
        except Exception as error:
            log.exception("shard %d: a batch of %d failed, taking it one by one", self._shard, len(batch))
            reason = f"{type(error).__name__}: {error}"
        return await self._one_by_one(batch, reason)

    async def _one_by_one(self, batch: UplinkBatch, reason: str) -> Effects:
        """Find the uplinks our code fails on; they become dead letters, the others are processed as one batch."""
        poison: list[DeadLetter] = []
        good: list[Uplink] = []
        trial = await self._store.load(_speakers(batch))
        for uplink in batch:
            try:
                self._processor.run([uplink], trial)
                good.append(uplink)
            except Exception as error:
                poison.append(DeadLetter(uplink, "internal_error", 0, f"{type(error).__name__}: {error}"))
                trial.update(await self._store.load([uplink.meter_id]))
        if not poison:
            poison = [DeadLetter(item, "internal_error", 0, reason) for item in batch]
            good = []
        fresh = await self._store.load(_speakers(batch))
        marked = good + [
            msgspec.structs.replace(letter.uplink, fault="internal_error") for letter in poison
        ]  # their frames are logged with the reason
        try:
            effects = self._processor.run(marked, fresh)
        except Exception:  # they fail only together: none of them may hold up the shard
            log.exception("shard %d: %d uplinks fail together, all go to the dead letters", self._shard, len(batch))
            poison = [DeadLetter(item, "internal_error", 0, reason) for item in batch]
            marked = [msgspec.structs.replace(item, fault="internal_error") for item in batch]
            effects = self._processor.run(marked, await self._store.load(_speakers(batch)))
        details = {id(letter.uplink): letter for letter in poison}
        effects.dead_letters = [item for item in effects.dead_letters if item.reason != "internal_error"] + list(
            details.values()
        )
        return effects

    async def _announce(self, batch: UplinkBatch, alarms: Sequence[AlarmChange]) -> None:
        """Tell screens what is new; they read the facts from the stores."""
        for tenant_id, count in Counter(item.tenant_id for item in batch if item.path != SENT_PATH).items():
            await self._tell(f"applied.{tenant_id}", b"%d" % count)
        for topic, changed in alarms_for_screens(alarms):
            await self._tell(topic, changed)


def _speakers(batch: UplinkBatch) -> list[MeterId]:
    """Meters that said something themselves: only theirs is a state to go on from."""
    return list({item.meter_id for item in batch if item.channel not in EDGE_CHANNELS})


def can_wait(batch: UplinkBatch) -> bool:
    """Whether nobody waits for any of these: reports, and what went down. What is small may be an alarm or the answer to a command, what
    persons said is looked for on their screens, and an edge's findings may end a terminal's access."""
    return all(
        item.path == SENT_PATH
        if item.channel == LINK_CHANNEL
        else item.channel not in HURRIED and len(item.payload) > SMALL
        for item in batch
    )


def _cut(held: list[tuple[int, UplinkBatch]]) -> tuple[UplinkBatch, int]:
    """Take whole stream messages from the front until the batch is full; returns it and its last sequence."""
    batch: UplinkBatch = []
    last = 0
    while held and (not batch or len(batch) + len(held[0][1]) <= MAX_UPLINKS):
        sequence, uplinks = held.pop(0)
        batch.extend(uplinks)
        last = sequence
    return batch, last


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return

# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL side of the pipeline: load the hot state of a batch, commit everything it means in one transaction.

Role ``openmains_pipeline``. All writes are set-based: one statement a table and batch, arrays as arguments. The state table
has a column for each state point; which they are is told in ``drivers/points.toml`` only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import itemgetter
from typing import Any

from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.alarms import Raised, alarm_waves
from openmains.app.ingest.pipeline.exceptions import waves
from openmains.app.ingest.pipeline.ports import (
    DeadLetter,
    Effects,
    Entry,
    ExceptionRow,
    MeterRecord,
    PositionConflictError,
    Product,
)
from openmains.app.rule.watch import NO_RULES, RuleSet
from openmains.app.security.score import AccessJudge, default_judge
from openmains.domain.alarm.limits import NO_LIMITS, Limit, Side, Standing, WatchedLimits
from openmains.domain.fleet.meter_number import plain_number
from openmains.domain.ids import MeterId
from openmains.domain.readings.model import MeterState
from openmains.domain.readings.quality import Rule
from openmains.drivers.points import StatePoint
from openmains.edges.postgres.command.flow import apply_responses
from openmains.edges.postgres.db import Connection, Pool, Row, rows_of
from openmains.edges.postgres.rule.standings import ActiveRules, keep_standings, load_standings
from openmains.edges.postgres.security import reports
from openmains.edges.postgres.state_points import load_with_points, state_points

Columns = dict[str, list[object]]  # of a set to write, by the names of its query's values


def _closes(values: list[int | None]) -> str:
    """A PostgreSQL array literal."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


class PostgresPipelineStore:
    """``app.ingest.pipeline.ports.PipelineStore`` over a pool of role openmains_pipeline."""

    def __init__(
        self, pool: Pool, access: AccessJudge | None = None, points: Sequence[StatePoint] | None = None
    ) -> None:
        """``points``: the state points whose columns the table has; those of the vocabulary unless given."""
        self._pool = pool
        self._access = access or default_judge()
        kept = state_points() if points is None else points
        self._queries = load_with_points(__package__, kept)
        self._latest = tuple(point.name for point in kept)
        self._latest_of = itemgetter(*self._latest, "meter_id")  # two names at least, so that it gives a tuple
        self._book = NO_LIMITS
        self._active, self._rules = ActiveRules(pool), NO_RULES

    async def position(self, shard: int) -> int:
        """Last committed stream sequence; 0 when new."""
        found = await self._queries["position"].fetchval(self._pool, shard=shard)
        return int(found or 0)

    async def products(self) -> dict[int, Product]:
        """All products of all tenants."""
        rows = await self._queries["products"].fetch(self._pool)
        return {row["product_id"]: Product(**dict(row)) for row in rows}

    async def zones(self) -> dict[int, str]:
        """Time zone by tenant."""
        return {row["tenant_id"]: row["zone"] for row in await self._queries["zones"].fetch(self._pool)}

    async def chosen_before(self, name: str) -> str:
        """What was chosen; empty where nothing was."""
        return str(await self._queries["chosen"].fetchval(self._pool, name=name) or "")

    async def chosen(self, name: str, value: str) -> str:
        """What was chosen at the first start; ``value`` where nothing was."""
        await self._queries["choose"].execute(self._pool, name=name, value=value)
        return str(await self._queries["chosen"].fetchval(self._pool, name=name))

    async def load(self, meter_ids: Sequence[MeterId]) -> dict[int, MeterRecord]:
        """Registry facts and hot state of these meters."""
        rows = await self._queries["load_meters"].fetch(self._pool, meter_ids=meter_ids)
        records = {row["meter_id"]: _record(row, self._latest, self._latest_of) for row in rows}
        if self._book:
            watched = [meter_id for meter_id, record in records.items() if self._book.of(record.product_id, meter_id)]
            for row in await self._queries["standings"].fetch(self._pool, meter_ids=watched) if watched else ():
                records[row["meter_id"]].standings[row["quantity"]] = Standing(row["at_s"], Side(row["side"]))
        if self._rules:
            for meter_id, ruled in (await load_standings(self._pool, self._rules, list(records))).items():
                records[meter_id].ruled = ruled
        return records

    async def limits(self) -> WatchedLimits:
        """All limits of quantities; ``load`` reads the standings of the devices they are of."""
        of_products: dict[int, dict[str, Limit]] = {}
        of_devices: dict[int, dict[str, Limit | None]] = {}
        for row in await self._queries["limits"].fetch(self._pool):
            limit = Limit(row["low"], row["high"], row["hysteresis"], row["severity"])
            if row["meter_id"] is None:
                of_products.setdefault(row["product_id"], {})[row["quantity"]] = limit
            else:
                is_watched = limit.low is not None or limit.high is not None
                of_devices.setdefault(row["meter_id"], {})[row["quantity"]] = limit if is_watched else None
        self._book = WatchedLimits(of_products, of_devices)
        return self._book

    async def rules(self, now_us: int) -> RuleSet:
        """Rules in force; ``load`` reads what they know of the meters."""
        self._rules = await self._active.current(now_us)
        return self._rules

    async def applied_manual(self, reading_ids: Sequence[int]) -> set[int]:
        """Of a person's readings those that were applied."""
        rows = await self._queries["applied_manual"].fetch(self._pool, reading_ids=list(reading_ids))
        return {row["reading_id"] for row in rows}

    async def commit(self, shard: int, before: int, after: int, effects: Effects, now_us: int) -> Sequence[AlarmChange]:
        """Everything or nothing, see the port; raises ``PositionConflictError`` when another pipeline was faster."""
        alarms = effects.alarms
        async with self._pool.acquire() as connection, connection.transaction():
            move = self._queries["first_position"] if before == 0 else self._queries["advance"]
            status = await move.execute(connection, shard=shard, before=before, after=after)
            if rows_of(status) != 1:
                raise PositionConflictError(f"shard {shard} is no longer at {before}")
            if effects.meters:
                await self._queries["update_meters"].execute(connection, **_state_columns(effects.meters, self._latest))
            await self._write_exceptions(connection, effects)
            if effects.dead_letters:
                await self._queries["add_dead_letters"].execute(
                    connection, **_dead_letter_columns(effects.dead_letters)
                )
            if effects.access:
                registered, terminals = await reports.load(connection, effects.access)
                outcome = self._access.run(effects.access, registered, terminals)
                await reports.write(connection, outcome)
                alarms = [*alarms, *outcome.alarms]
            if effects.rules or effects.remembered:
                await keep_standings(connection, effects.rules, effects.remembered)
            await self._write_alarms(connection, alarms, now_us)
            if effects.standings:
                kept = effects.standings
                await self._queries["keep_standings"].execute(
                    connection,
                    meter_id=[meter_id for meter_id, _ in kept],
                    quantity=[name for _, name in kept],
                    tenant_id=[tenant_id for tenant_id, _ in kept.values()],
                    at_s=[standing.at for _, standing in kept.values()],
                    side=[standing.side.value for _, standing in kept.values()],
                )
            if effects.manual:
                await self._queries["note_manual"].execute(
                    connection,
                    reading_id=[outcome.reading_id for outcome in effects.manual],
                    version=[outcome.version for outcome in effects.manual],
                    flags=[outcome.flags for outcome in effects.manual],
                )
            denied = [row for row in effects.exceptions if row.rule == Rule.MANUAL_DIFFERS]
            if denied:
                await self._queries["deny_manual"].execute(
                    connection,
                    denied=1 << Rule.MANUAL_DIFFERS,
                    meter_id=[row.meter_id for row in denied],
                    at_s=[row.at for row in denied],
                )
            closings = await apply_responses(connection, effects.responses)
        return [*alarms, *closings]

    async def raise_early(
        self, shard: int, raised: Sequence[AlarmChange], sequences: Mapping[MeterId, int], now_us: int
    ) -> Sequence[AlarmChange]:
        """Where none is open; see the port."""
        first: dict[tuple[int, str, str], AlarmChange] = {}
        for change in raised:
            first.setdefault((change.meter_id, change.event, change.quantity), change)
        columns = _raised_columns([Raised(change, 1, change.received_us) for change in first.values()])
        del columns["occurrences"]
        rows = await self._queries["raise_early"].fetch(
            self._pool,
            shard=shard,
            shown_us=now_us,
            sequence=[sequences[MeterId(change.meter_id)] for change in first.values()],
            **columns,
        )
        return [first[row["meter_id"], row["event"], row["quantity"]] for row in rows]

    async def _write_exceptions(self, connection: Connection, effects: Effects) -> None:
        for wave in waves(effects.ended):
            await self._queries["end_exceptions"].execute(
                connection,
                meter_id=[item.meter_id for item in wave],
                rule=[item.rule for item in wave],
                start=[item.start for item in wave],
                finish=[item.end for item in wave],
            )
        once = [row for row in effects.exceptions if row.entry is Entry.ONCE]
        if once:
            status = [row.status for row in once]
            await self._queries["add_exceptions"].execute(connection, **_exception_columns(once), status=status)
        lasting = [row for row in effects.exceptions if row.entry is not Entry.ONCE]
        if lasting:
            goes_on = [row.entry is Entry.GOES_ON for row in lasting]
            await self._queries["join_exceptions"].execute(connection, **_exception_columns(lasting), goes_on=goes_on)

    async def _write_alarms(self, connection: Connection, changes: Sequence[AlarmChange], now_us: int) -> None:
        if changes:
            keys = sorted({(change.meter_id, change.event, change.quantity) for change in changes})
            await self._queries["lock_alarms"].execute(
                connection,
                meter_id=[meter_id for meter_id, _, _ in keys],
                event=[event for _, event, _ in keys],
                quantity=[quantity for _, _, quantity in keys],
            )
        for wave in alarm_waves(changes):
            if wave.raised:
                await self._queries["raise_alarms"].execute(connection, shown_us=now_us, **_raised_columns(wave.raised))
            if wave.cleared:
                await self._queries["clear_alarms"].execute(
                    connection,
                    meter_id=[change.meter_id for change in wave.cleared],
                    event=[change.event for change in wave.cleared],
                    quantity=[change.quantity for change in wave.cleared],
                    at_us=[change.received_us for change in wave.cleared],
                )


_STATE = (  # columns of ``meter_state`` in the order of ``MeterState``'s fields
    "version", "register", "register_at", "close_day", "closes", "frame_seq", "frame_hash", "candidate", "candidate_at",
    "candidate_count", "habit", "grid_at", "grid_register", "left_register", "left_at", "left_for", "left_habit", "measured_at",
    "read_digit",
)  # fmt: skip
_FACTS = (
    "meter_id", "tenant_id", "product_id", "area_id", "qmax_l_h", "installed_day", "event_mask", "last_seen_us", "events_at",
    "imei", "is_held_back", "number", "bar_code", "strange_number", "accepted_number", "runs", "report_mode",
    "frames_before", "dn",
)  # fmt: skip
# By name, but all names of a row in one call: a look-up for each costs as much as all else that is done here.
_state_of, _facts_of = itemgetter(*_STATE), itemgetter(*_FACTS)


def _record(row: Row, latest: Sequence[str], latest_of: Callable[[Row], tuple[Any, ...]]) -> MeterRecord:
    (meter_id, tenant_id, product_id, area_id, qmax_per_h, installed_day, event_mask, last_seen_us, device_at, imei,
     is_held_back, number, bar_code, strange_number, accepted_number, runs, report_mode,
     frames_before, dn) = _facts_of(row)  # fmt: skip
    said = {name: value for name, value in zip(latest, latest_of(row), strict=False) if value is not None}
    return MeterRecord(
        meter_id, tenant_id, product_id, area_id, qmax_per_h, installed_day, MeterState(*_state_of(row)), event_mask,
        last_seen_us or 0, device_at, said, imei=imei,
        is_held_back=is_held_back, number=number, bar_code=bar_code, plain_number=plain_number(number),
        strange_number=strange_number, accepted_number=accepted_number, runs=runs, report_mode=report_mode,
        frames_before=frames_before, dn=dn,
    )  # fmt: skip


def _state_columns(meters: list[MeterRecord], latest: Sequence[str]) -> Columns:
    states = [meter.state for meter in meters]
    return {
        "meter_id": [meter.meter_id for meter in meters],
        "version": [state.version for state in states],
        "register": [state.register for state in states],
        "register_at": [state.register_at for state in states],
        "close_day": [state.midnight_day for state in states],
        "closes": [_closes(state.midnights) for state in states],
        "frame_seq": [state.frame_seq for state in states],
        "frame_hash": [state.frame_hash for state in states],
        "frames_before": [meter.frames_before for meter in meters],
        "candidate": [state.candidate for state in states],
        "candidate_at": [state.candidate_at for state in states],
        "candidate_count": [state.candidate_count for state in states],
        "habit": [state.average_use for state in states],
        "grid_at": [state.grid_at for state in states],
        "grid_register": [state.grid_register for state in states],
        "left_register": [state.left for state in states],
        "left_at": [state.left_at for state in states],
        "left_for": [state.left_for for state in states],
        "left_habit": [state.left_use for state in states],
        "measured_at": [state.measured_at for state in states],
        "read_digit": [state.read_digit for state in states],
        "strange_number": [meter.strange_number for meter in meters],
        "accepted_number": [meter.accepted_number for meter in meters],
        "runs": [meter.runs for meter in meters],
        "event_mask": [meter.event_mask for meter in meters],
        "events_at": [meter.device_at for meter in meters],
        "last_seen_us": [meter.last_seen_us for meter in meters],
        **{name: [meter.latest.get(name) for meter in meters] for name in latest},
    }


def _exception_columns(rows: list[ExceptionRow]) -> Columns:
    names = [field.name for field in fields(ExceptionRow) if field.name not in ("entry", "status")]
    return {name: [getattr(row, name) for row in rows] for name in names}


def _dead_letter_columns(letters: list[DeadLetter]) -> Columns:
    uplinks = [letter.uplink for letter in letters]
    return {
        "tenant_id": [uplink.tenant_id for uplink in uplinks],
        "meter_id": [uplink.meter_id for uplink in uplinks],
        "product_id": [uplink.product_id for uplink in uplinks],
        "channel": [uplink.channel for uplink in uplinks],
        "path": [uplink.path for uplink in uplinks],
        "received_us": [uplink.received_us for uplink in uplinks],
        "payload": [uplink.payload for uplink in uplinks],
        "reason": [letter.reason for letter in letters],
        "byte_offset": [letter.offset for letter in letters],
        "detail": [_text(letter.detail) for letter in letters],
        "number": [letter.number for letter in letters],
    }


def _raised_columns(raised: Sequence[Raised]) -> Columns:
    changes = [entry.first for entry in raised]
    return {
        "tenant_id": [change.tenant_id for change in changes],
        "meter_id": [change.meter_id for change in changes],
        "event": [change.event for change in changes],
        "severity": [change.severity for change in changes],
        "raised_at": [change.raised_at for change in changes],
        "received_us": [change.received_us for change in changes],
        "last_us": [entry.last_us for entry in raised],
        "occurrences": [entry.count for entry in raised],
        "quantity": [change.quantity for change in changes],
        "value": [change.value for change in changes],
        "bound": [change.bound for change in changes],
        "unit": [change.unit for change in changes],
        "exponent": [change.exponent for change in changes],
    }


def _text(detail: str) -> str:
    """Text that PostgreSQL takes whatever an error message quoted: no NUL, no half characters, not endless."""
    return detail[:1000].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")

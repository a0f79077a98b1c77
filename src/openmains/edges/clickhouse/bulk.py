# SPDX-License-Identifier: Apache-2.0
"""``BulkStore`` on ClickHouse: ``bulk.sql``. Files of values are made by the engine itself and only handed on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from itertools import pairwise
from typing import Any

from openmains.app.readings.bulk.insert.days import StoredRow
from openmains.app.readings.bulk.insert.plan import KnownValue
from openmains.app.readings.bulk.ports import BulkMeter, Expected, Form, SlotAround, StepSum, SumsWanted, Wanted
from openmains.app.readings.quantities import REGISTER, VOLUME
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import date_to_day, day_to_date, zone
from openmains.domain.readings.at_instant import REFUSED
from openmains.domain.readings.expected import MODES
from openmains.domain.readings.model import DayRow, RegisterRow
from openmains.domain.readings.quality import slot_names
from openmains.domain.readings.quantities import MOST_SPAN_S
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import MODE_CODES
from openmains.edges.clickhouse.queries import QUERIES
from openmains.edges.clickhouse.report import modes_of_tasks

FORMATS: Mapping[Form, str] = {"arrow": "ArrowStream", "parquet": "Parquet", "csv": "CSVWithNames"}
_MARKS = [" ".join(slot_names(flags)) for flags in range(256)]
_FLAGS = {mark: flags for flags, mark in enumerate(_MARKS)}
_KEYS = 5_000  # days with all their slots
_LAST_DAY = 65_535
_LAST_S = 4_102_444_800  # 2100-01-01, as elsewhere


class ClickHouseBulk:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def midnight_registers(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], day: int
    ) -> dict[int, tuple[int, int]]:
        columns = await self._clickhouse.query_columns(
            *QUERIES["midnight_registers"](tenant=tenant_id, day=_date(day), ids=steps(meter_ids))
        )
        return dict(zip(columns[0], zip(columns[1], columns[2], strict=True), strict=True)) if columns else {}

    async def day_end_registers(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], day: int
    ) -> dict[int, tuple[int, int, bool]]:
        rows = await self._clickhouse.query(
            *QUERIES["day_end_registers"](tenant=tenant_id, day=_date(day), ids=steps(meter_ids))
        )
        return {meter_id: (register, flags, bool(known)) for meter_id, register, flags, known in rows}

    async def slots_around(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], day: int, offset_s: int
    ) -> dict[int, SlotAround]:
        rows = await self._clickhouse.query(
            *QUERIES["registers_within_day"](tenant=tenant_id, day=_date(day), offset=offset_s, ids=steps(meter_ids))
        )
        return {meter_id: SlotAround._make((*slot, bool(edited))) for meter_id, *slot, edited in rows}

    async def received(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], left_s: int, right_s: int
    ) -> dict[int, list[RegisterRow]]:
        rows = await self._clickhouse.query(
            *QUERIES["registers_near"](
                tenant=tenant_id,
                refused=REFUSED,
                left=max(0, left_s),
                right=min(right_s, _LAST_S),
                ids=steps(meter_ids),
            )
        )
        return _by_meter(rows)

    async def neighbours(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], at_s: int, day: int, days: int
    ) -> tuple[dict[int, list[DayRow]], dict[int, list[RegisterRow]]]:
        ids = steps(meter_ids)
        found: dict[int, list[DayRow]] = {}
        for meter_id, number, base, interval_s, increments, quality, flags in await self._clickhouse.query(
            *QUERIES["neighbour_days"](
                tenant=tenant_id, first=_date(day - days), day=_date(day), last=_date(day + days), ids=ids
            )
        ):
            found.setdefault(meter_id, []).append(
                DayRow(date_to_day(number), base, interval_s, list(increments), list(quality), flags)
            )
        span = days * 86_400
        rows = await self._clickhouse.query(
            *QUERIES["neighbour_registers"](
                tenant=tenant_id,
                refused=REFUSED,
                left=max(0, at_s - span),
                at=at_s,
                right=min(at_s + span, _LAST_S),
                ids=ids,
            )
        )
        return found, _by_meter(rows)

    async def value_counts(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], wanted: Wanted) -> dict[int, int]:
        asked = _of_tables(wanted)
        place = zone(wanted.zone)
        rows = await self._clickhouse.query(
            *QUERIES["value_counts"](
                tenant=tenant_id,
                meters=list(meter_ids),
                points=list(asked.codes),
                of_day=len(asked.of_day),
                of_log=len(asked.of_log),
                first=max(0, wanted.left_s - MOST_SPAN_S),
                left=wanted.left_s,
                right=wanted.right_s,
                first_day=_date(place.day_of(wanted.left_s)),
                last_day=_date(place.day_of(wanted.right_s - 1)),
            )
        )
        return dict(rows)

    async def values(self, tenant_id: TenantId, meters: Sequence[BulkMeter], wanted: Wanted, form: Form) -> bytes:
        return await self._clickhouse.query_file(*self._values(tenant_id, meters, wanted), FORMATS[form])

    @staticmethod
    def _values(tenant_id: TenantId, meters: Sequence[BulkMeter], wanted: Wanted) -> tuple[str, dict[str, Any]]:
        asked, points = _of_tables(wanted), vocabulary().points
        place = zone(wanted.zone)
        values: dict[str, Any] = {
            "tenant": tenant_id,
            "meters": [meter.meter_id for meter in meters],
            "numbers": [meter.number for meter in meters],
            "meter_exponents": [meter.exponent for meter in meters],
            "dials": [meter.dial for meter in meters],
            "names": list(wanted.names),
            "units": [wanted.units[name][0] for name in wanted.names],
            "exponents": [wanted.units[name][1] for name in wanted.names],
            "volumes": [name for name in wanted.names if points[name].unit.startswith("volume")],
            "codes": list(asked.codes),
            "code_names": list(asked.codes.values()),
            "of_day": asked.of_day,
            "of_log": asked.of_log,
            "marks": _MARKS,
            "first": max(0, wanted.left_s - MOST_SPAN_S),
            "left": wanted.left_s,
            "right": wanted.right_s,
            "first_day": _date(place.day_of(wanted.left_s)),
            "last_day": _date(place.day_of(wanted.right_s - 1)),
            "zone": wanted.zone,
        }
        query = QUERIES["values_in_bulk"].over(asked.parts)
        return query(**{name: value for name, value in values.items() if name in query.params})

    async def known(
        self, tenant_id: TenantId, meters: Sequence[BulkMeter], wanted: Wanted
    ) -> dict[int, dict[tuple[str, int], KnownValue]]:
        sql, values = self._values(tenant_id, meters, wanted)
        columns = await self._clickhouse.query_columns(sql, values)
        found: dict[int, dict[tuple[str, int], KnownValue]] = {}
        if not columns:
            return found
        meter_ids, _, points, instants, said, _, _, intervals, marks = columns
        for meter_id, point, at, value, interval_s, mark in zip(
            meter_ids, points, instants, said, intervals, marks, strict=True
        ):
            instant = int(at.replace(tzinfo=UTC).timestamp()) if at.tzinfo is None else int(at.timestamp())
            found.setdefault(meter_id, {})[point, instant] = KnownValue(value, _FLAGS[mark], interval_s)
        return found

    async def stored_rows(
        self, tenant_id: TenantId, days: Sequence[tuple[MeterId, int]]
    ) -> dict[int, dict[int, StoredRow]]:
        keys = [(tenant_id, meter_id, day) for meter_id, day in days if 0 <= day <= _LAST_DAY]
        found: dict[int, dict[int, StoredRow]] = {}
        for first in range(0, len(keys), _KEYS):
            part = keys[first : first + _KEYS]
            rows = await self._clickhouse.query(
                *QUERIES["stored_days"](keys=part, days=sorted({_date(day) for _, _, day in part}))
            )
            for meter_id, day, _, base, interval_s, increments, quality, flags, received_s in rows:
                row = DayRow(day, base, interval_s, list(increments), list(quality), flags)
                found.setdefault(meter_id, {})[day] = StoredRow(row, received_s)
        return found

    async def applied(self, tenant_id: TenantId, sent: Sequence[tuple[MeterId, int]]) -> int:
        rows = await self._clickhouse.query(*QUERIES["inserted_frames"](tenant=tenant_id, sent=list(sent)))
        return int(rows[0][0])

    async def expected(
        self, tenant_id: TenantId, groups: Sequence[tuple[MeterId, int]], wanted: SumsWanted
    ) -> list[Expected]:
        rows = await self._clickhouse.query(*QUERIES["expected_in_bulk"](**_due(tenant_id, groups, wanted)))
        return [
            Expected(int(group), ProductId(product_id), int(meters), int(due))
            for group, product_id, meters, due in rows
        ]

    async def sums(
        self, tenant_id: TenantId, groups: Sequence[tuple[MeterId, int]], wanted: SumsWanted
    ) -> list[StepSum]:
        rows = await self._clickhouse.query(
            *QUERIES["sums_in_bulk"](
                **_due(tenant_id, groups, wanted),
                intervals=list(wanted.intervals.values()) or [0],
                odd_days=[_date(day) for day in wanted.odd_days] or [_date(0)],
                odd_seconds=list(wanted.odd_days.values()) or [86_400],
                monthly=int(wanted.is_monthly),
            )
        )
        return [
            StepSum(int(group), ProductId(product_id), date_to_day(step), *map(int, sums))
            for group, product_id, step, *sums in rows
        ]


class _Tables:
    """Where the quantities lie: in ``series`` by number, in ``meter_day``, in ``signal``."""

    def __init__(self, names: Sequence[str]) -> None:
        kept = vocabulary().quantities
        self.codes = {kept[name].number: name for name in names if name in kept and not kept[name].logged}
        self.of_day = [name for name in (VOLUME, REGISTER) if name in names]
        self.of_log = [name for name in names if name in kept and kept[name].logged]
        parts = (
            (self.codes, QUERIES["values_of_series"]),
            (self.of_day, QUERIES["values_of_days"]),
            (self.of_log, QUERIES["values_of_log"]),
        )
        self.parts = [query for asked, query in parts if asked]


def _of_tables(wanted: Wanted) -> _Tables:
    return _Tables(wanted.names)


def steps(meter_ids: Sequence[MeterId]) -> str:
    """Numbers in rising order as ``bulk.sql`` takes them: the first, and then by how much each is above the one before."""
    return ",".join(map(str, [*meter_ids[:1], *(right - left for left, right in pairwise(meter_ids))]))


def _date(day: int) -> date:
    return day_to_date(min(_LAST_DAY, max(0, day)))


def _by_meter(rows: Sequence[tuple[Any, ...]]) -> dict[int, list[RegisterRow]]:
    found: dict[int, list[RegisterRow]] = {}
    for meter_id, at_s, register in rows:
        found.setdefault(meter_id, []).append(RegisterRow(at_s, register))
    return found


def _due(tenant_id: TenantId, groups: Sequence[tuple[MeterId, int]], wanted: SumsWanted) -> dict[str, Any]:
    products = list(wanted.intervals) or [ProductId(0)]
    return {
        "tenant": tenant_id,
        "ids": steps([meter_id for meter_id, _ in groups]),
        "keys": ",".join(str(group) for _, group in groups),
        "first": _date(wanted.first),
        "last": _date(wanted.last),
        "products": products,
        "modes": [MODE_CODES[wanted.modes[product]] if product in wanted.modes else 1 for product in products],
        "dues": [_date(wanted.dues[mode]) for mode in MODES],
        **modes_of_tasks(wanted.tasks),
    }

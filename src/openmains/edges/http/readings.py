# SPDX-License-Identifier: Apache-2.0
"""Readings and registers of one meter."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter
from msgspec import Struct

from openmains.app.fleet.model import MeterDetail
from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.model import Actor
from openmains.app.paging import decode_cursor
from openmains.app.problems import Problem
from openmains.app.readings.model import StoredDay
from openmains.app.readings.ports import ReadingStore
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.period import DAY_S, HOUR_S, Zone, utc, utc_of_us, zone
from openmains.domain.quantity import LITRE_EXPONENT, to_m3
from openmains.domain.readings.at_instant import known_boundaries
from openmains.domain.readings.expected import Expectation
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import rule_names
from openmains.domain.readings.series import Bucket, series, set_apart
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Key, Limit, Page, page, seconds
from openmains.edges.http.permissions import may

MOST_DAYS = 11_000  # thirty years
MOST_POINTS = 20_000
_NAMED = ("hour", "day", "week", "month", "quarter", "year")

From = Annotated[datetime, QueryParameter(name="from", description="Start, included: RFC 3339 with offset.")]
To = Annotated[datetime, QueryParameter(name="to", description="End, excluded: RFC 3339 with offset.")]
OptionalFrom = Annotated[datetime | None, QueryParameter(name="from", description="Start, included.")]
OptionalTo = Annotated[datetime | None, QueryParameter(name="to", description="End, excluded.")]
Step = Annotated[
    str,
    QueryParameter(
        pattern=r"^(slot|hour|day|week|month|quarter|year|[1-9][0-9]{0,8})$",
        description="slot (the meter's own grid), hour, day, week, month, quarter, year or seconds.",
    ),
]


class EdgeRegister(Struct, frozen=True):
    """The register at an end of a step, in m³. ``is_estimated``: read off a line and measured by nobody."""

    register_m3: str
    is_estimated: bool


class SeriesPoint(Struct, frozen=True):
    """Volume of one step. The seconds say what it rests on; ``missing_s`` of it are unknown and count as 0. Unknown too, and
    missed by nobody, are ``not_due_s`` of days that are not due yet, and ``not_expected_s`` of days before the meter was there or
    after. ``partial``: the step begins
    before the period, ends after it or is not over, so its volume compares with no whole step. ``start_register``, ``end_register``:
    the register at its two ends where it is known there."""

    start: datetime
    end: datetime
    volume: int
    volume_m3: str
    measured_s: int
    estimated_s: int
    suspect_s: int
    edited_s: int
    missing_s: int
    not_due_s: int
    not_expected_s: int
    rules: list[str]
    partial: bool
    start_register: EdgeRegister | None
    end_register: EdgeRegister | None


class QualitySummary(Struct, frozen=True):
    """The whole period: seconds by what the values rest on."""

    measured_s: int
    estimated_s: int
    suspect_s: int
    edited_s: int
    missing_s: int
    not_due_s: int
    not_expected_s: int


class Series(Struct, frozen=True):
    """Volumes of a period, in the product's unit 10^``unit_exponent`` m³ and in m³."""

    meter_id: int
    step: str
    zone: str
    unit_exponent: int
    total: int
    total_m3: str
    quality: QualitySummary
    points: list[SeriesPoint]


class Register(Struct, frozen=True):
    """A register as received."""

    at: datetime
    register: int
    register_m3: str
    rules: list[str]
    received_at: datetime


def store_of(deps: ApiDeps) -> ReadingStore:
    """Raises ``not-offered`` where the deployment keeps no readings."""
    if deps.readings is None:
        raise Problem("not-offered")
    return deps.readings


async def meter_of(deps: ApiDeps, actor: Actor, meter_id: int) -> MeterDetail:
    """The meter as its tenant sees it: what is not the tenant's is not found, in any engine."""
    async with deps.store.tenant(actor.tenant_id) as work:
        found = await work[MeterStore].get(MeterId(meter_id))
    if found is None:
        raise Problem("not-found")
    return found


async def metered_of(deps: ApiDeps, actor: Actor, meter_id: int) -> MeterDetail:
    """The same of a device with registers; raises ``no-registers`` for a monitor: an empty answer would say that it used nothing."""
    found = await meter_of(deps, actor, meter_id)
    if found.kind != DeviceKind.METER:
        raise Problem("no-registers")
    return found


async def _expectation(deps: ApiDeps, actor: Actor, meter_id: int) -> Expectation:
    async with deps.store.tenant(actor.tenant_id) as work:
        found = await work[MeterStore].expectation(MeterId(meter_id))
    if found is None:
        raise Problem("not-found")
    return found


def exponent_of(deps: ApiDeps, driver: str) -> int:
    """Of the driver's unit, 10^exponent m³."""
    return next((p.unit_exponent for p in deps.drivers.pages() if p.name == driver), LITRE_EXPONENT)


def exponents_of(deps: ApiDeps) -> Callable[[str], int]:
    """The same for many drivers, by what is loaded now."""
    exponents = {page.name: page.unit_exponent for page in deps.drivers.pages()}
    return lambda driver: exponents.get(driver, LITRE_EXPONENT)


def period_of(start: datetime, end: datetime) -> tuple[int, int]:
    """[first, end) in s UTC; raises ``bad-range``."""
    left, right = seconds(start, "from"), seconds(end, "to")
    if left >= right or right - left > MOST_DAYS * DAY_S:
        raise Problem("bad-range", fields=(("/to", "out-of-range"),), limit=f"{MOST_DAYS} d")
    return left, right


def optional_period(start: datetime | None, end: datetime | None) -> tuple[int, int]:
    """(first, end) in s UTC, open where it is not given; raises ``bad-range``."""
    left = 0 if start is None else seconds(start, "from")
    right = 2**32 - 1 if end is None else seconds(end, "to")
    if left >= right:
        raise Problem("bad-range", fields=(("/to", "out-of-range"),), limit=f"{MOST_DAYS} d")
    return left, right


def _row(day: StoredDay) -> DayRow:
    return DayRow(day.day, day.base, day.interval_s, day.increments, day.quality, day.flags)


def _buckets(days: list[StoredDay], left: int, right: int, step: str, place: Zone) -> list[Bucket]:
    wanted: str | int = step
    if step == "slot":
        wanted = min((day.interval_s for day in days if day.interval_s), default=1800)
    elif step not in _NAMED:
        wanted = int(step)
    shortest = wanted if isinstance(wanted, int) else {"hour": HOUR_S}.get(wanted, DAY_S)
    if (right - left) // shortest > MOST_POINTS:
        raise Problem("too-many-points", fields=(("/step", "out-of-range"),), limit=MOST_POINTS)
    return series((_row(day) for day in days), left, right, wanted, place)


@get("/meters/{meter_id:int}/readings", operation_id="read_series", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def read_series(
    request: Request[Any, Any, Any], meter_id: Id, start: From, end: To, step: Step = "day"
) -> Series:
    """Volumes of a meter over a period, exact, with what they rest on. Days and longer are the tenant's own."""
    deps, actor = deps_of(request), actor_of(request)
    left, right = period_of(start, end)
    meter = await metered_of(deps, actor, meter_id)
    place = zone(actor.zone)
    days = await store_of(deps).days(actor.tenant_id, MeterId(meter_id), place.day_of(left), place.day_of(right - 1))
    exponent = exponent_of(deps, meter.driver)
    buckets = _buckets(days, left, right, step, place)
    asked, now_s = await _expectation(deps, actor, meter_id), deps.now_s()
    set_apart(buckets, map(_row, days), place, lambda day: asked.standing(day, now_s, place))
    total = sum(bucket.volume for bucket in buckets)
    known = known_boundaries(map(_row, days), place)

    def register_of(at: int) -> EdgeRegister | None:
        found = known.get(at)
        return None if found is None else EdgeRegister(f"{to_m3(found.register, exponent):f}", found.is_estimated)

    return Series(
        meter_id=meter_id,
        step=step,
        zone=actor.zone,
        unit_exponent=exponent,
        total=total,
        total_m3=f"{to_m3(total, exponent):f}",
        quality=QualitySummary(
            measured_s=sum(b.measured_s for b in buckets),
            estimated_s=sum(b.estimated_s for b in buckets),
            suspect_s=sum(b.suspect_s for b in buckets),
            edited_s=sum(b.edited_s for b in buckets),
            missing_s=sum(b.missing_s for b in buckets),
            not_due_s=sum(b.not_due_s for b in buckets),
            not_expected_s=sum(b.not_expected_s for b in buckets),
        ),
        points=[
            SeriesPoint(
                start=utc(b.start),
                end=utc(b.end),
                volume=b.volume,
                volume_m3=f"{to_m3(b.volume, exponent):f}",
                measured_s=b.measured_s,
                estimated_s=b.estimated_s,
                suspect_s=b.suspect_s,
                edited_s=b.edited_s,
                missing_s=b.missing_s,
                not_due_s=b.not_due_s,
                not_expected_s=b.not_expected_s,
                rules=rule_names(b.flags),
                partial=b.cut or b.end > now_s,
                start_register=register_of(b.start),
                end_register=register_of(b.end),
            )
            for b in buckets
        ],
    )


@get(
    "/meters/{meter_id:int}/registers",
    operation_id="list_registers",
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def list_registers(
    request: Request[Any, Any, Any],
    meter_id: Id,
    start: OptionalFrom = None,
    end: OptionalTo = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Register]:
    """Registers exactly as they came, newest first."""
    deps, actor = deps_of(request), actor_of(request)
    left, right = optional_period(start, end)
    before = decode_cursor("registers", cursor, tuple[Key, Key, Key])
    meter = await metered_of(deps, actor, meter_id)
    rows = await store_of(deps).registers(actor.tenant_id, MeterId(meter_id), left, right, limit + 1, before)
    exponent = exponent_of(deps, meter.driver)
    shown = page("registers", rows, limit, lambda r: (int(r.at.timestamp()), r.version, r.position))
    return Page(
        items=[
            Register(
                r.at, r.register, f"{to_m3(r.register, exponent):f}", rule_names(r.flags), utc_of_us(r.received_us)
            )
            for r in shown.items
        ],
        next=shown.next,
    )


HANDLERS: list[Any] = [read_series, list_registers]

# SPDX-License-Identifier: Apache-2.0
"""Volume of an account by day and its sum, across exchanges (R8.2): the sum of the differences of its installations' own registers.

At an end of an installation its own register counts; between, the register of the meter at midnight (``registers_of``). So an exchange within
a day counts what the old meter passed until then and the new one after, and nothing is ever computed across two meters' registers. What
hung beside the account's meters to check them (role ``check``) is not in it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

from openmains.app.problems import Problem
from openmains.app.readings.bulk.ports import BulkStore
from openmains.app.readings.ports import ReadingStore
from openmains.app.unit_of_work import Store
from openmains.domain.fleet.hanging import COUNTED, MeterRole
from openmains.domain.ids import AccountId, InstallationId, MeterId, TenantId
from openmains.domain.period import DAY_S, Zone, day_to_date, utc
from openmains.domain.quantity import LITRE_EXPONENT, decimal_of
from openmains.domain.readings.account_days import EndsOf, Piece, Share, days_of, pieces_of, span_sum
from openmains.domain.readings.at_instant import NEIGHBOUR_DAYS, of_day, registers_of
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Slot

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class AccountHanging:
    """An installation at an account: [``from_s``, ``to_s``), its registers in the unit of its driver; ``dial`` 0: not known."""

    installation_id: InstallationId
    meter_id: MeterId
    number: str
    role: MeterRole
    from_s: int
    to_s: int | None
    opening: tuple[int, bool] | None  # with whether it is an estimate
    closing: tuple[int, bool] | None
    driver: str
    dial: int
    newest: tuple[int, int] | None = None  # (s UTC, register) that the meter said last


class AccountRegisters(Protocol):
    async def hangings(self, account_id: AccountId) -> list[AccountHanging] | None:
        """All that ever hung at it, oldest first; None: no such account."""


class AccountDay(Struct, frozen=True):
    """``volume`` null: a register at one of its ends is not known. ``is_estimated``: one was read off a line or is a person's estimate.
    ``meters``: whose volume it is."""

    day: date
    volume: int | None
    volume_m3: str | None
    is_estimated: bool
    meters: list[str]


class AccountPart(Struct, frozen=True):
    """What one installation adds: its registers at the ends of the span or of itself. ``volume`` null: one of them is not known. ``until``:
    when ``last`` was; of a meter that hangs there and has said nothing since, its newest register's instant."""

    installation_id: InstallationId
    number: str
    first: int | None
    last: int | None
    volume: int | None
    until: datetime | None = None


class AccountVolume(Struct, frozen=True):
    """Days of an account and what they add up to, in 10^``unit_exponent`` m³. ``volume`` is the sum of ``parts``; null where a part is not
    known. ``missing_days``: of which the volume is not known. ``until``: where the sum ends before the span, or now; null: it holds all
    of it."""

    account_id: AccountId
    first: date
    last: date
    unit_exponent: int
    days: list[AccountDay]
    parts: list[AccountPart]
    volume: int | None
    volume_m3: str | None
    missing_days: int
    until: datetime | None = None


async def account_volume(
    store: Store,
    readings: ReadingStore,
    bulk: BulkStore,
    tenant_id: TenantId,
    account_id: AccountId,
    first: int,
    last: int,
    zone: Zone,
    now_s: int,
    exponent_of: Callable[[str], int],
) -> AccountVolume:
    """Days ``first`` to ``last``, both included, up to now. ``exponent_of`` a driver: its registers count 10^n m³.

    :raises Problem: ``not-found``; ``invalid-input`` for a span that is backwards or longer than a year.
    """
    if not 0 <= last - first < MOST_DAYS:
        raise Problem("invalid-input", fields=(("/last", "out-of-range"),))
    async with store.tenant(tenant_id) as work:
        found = await work[AccountRegisters].hangings(account_id)
    if found is None:
        raise Problem("not-found")
    counted = [one for one in found if one.role in COUNTED]
    unit = min((exponent_of(one.driver) for one in counted), default=LITRE_EXPONENT)
    scales = {one.meter_id: 10 ** (exponent_of(one.driver) - unit) for one in counted}
    ends = [_ends(one, scales[one.meter_id]) for one in counted]
    pieces = [piece for one in ends for piece in pieces_of(one, first, last, zone, now_s)]
    registers = await _registers(readings, bulk, tenant_id, scales, pieces, zone)
    days = days_of(pieces, registers)
    there = {piece.installation_id for piece in pieces}
    sums = {one.installation_id: span_sum(one, pieces, registers) for one in ends if one.installation_id in there}
    parts = [
        AccountPart(
            one.installation_id,
            one.number,
            told.first,
            told.last,
            told.volume,
            None if told.until_s is None else utc(told.until_s),
        )
        for one in counted
        if (told := sums.get(one.installation_id)) is not None
    ]
    whole_s = min(zone.start_of(last + 1), now_s)
    short = [sums[one.installation_id].until_s for one in ends if one.to_s is None and one.installation_id in there]
    until_s = min((at for at in short if at is not None and at < whole_s), default=None)
    names = {one.installation_id: one.number for one in counted}
    by_day = [_day(day, days.get(day, []), names, unit) for day in range(first, last + 1)]
    volumes = [part.volume for part in parts]
    volume = None if any(one is None for one in volumes) else sum(one for one in volumes if one is not None)
    return AccountVolume(
        account_id, day_to_date(first), day_to_date(last), unit, by_day, parts, volume,
        None if volume is None else f"{decimal_of(volume, unit)}", sum(day.volume is None for day in by_day if day.meters),
        None if until_s is None else utc(until_s),
    )  # fmt: skip


def _ends(one: AccountHanging, scale: int) -> EndsOf:
    opening, closing = (None if end is None else (end[0] * scale, end[1]) for end in (one.opening, one.closing))
    newest = None if one.newest is None else (one.newest[0], one.newest[1] * scale)
    return EndsOf(one.installation_id, one.meter_id, one.from_s, one.to_s, opening, closing, one.dial * scale, newest)


async def _registers(
    readings: ReadingStore,
    bulk: BulkStore,
    tenant_id: TenantId,
    scales: Mapping[MeterId, int],
    pieces: Sequence[Piece],
    zone: Zone,
) -> dict[tuple[int, int], tuple[int, bool]]:
    """(register, is it estimated) by (meter, instant) of all that is no end of an installation: what a meter's days say by themselves, and
    at gaps and within days what ``/bulk/registers`` tells, of all instants of a meter at once."""
    found: dict[tuple[int, int], tuple[int, bool]] = {}
    for meter_id, scale in scales.items():
        asked = {at for piece in pieces if piece.meter_id == meter_id for at in piece.asked}
        if not asked:
            continue
        reach = NEIGHBOUR_DAYS
        stored = await readings.days(
            tenant_id, meter_id, max(0, zone.day_of(min(asked)) - reach), zone.day_of(max(asked)) + reach
        )
        days = [DayRow(day.day, day.base, day.interval_s, day.increments, day.quality) for day in stored]
        measured = _measured(days, zone)
        found.update({(meter_id, at): (measured[at] * scale, False) for at in asked & measured.keys()})
        if left := sorted(asked - measured.keys()):
            span = left[0] - reach * DAY_S, left[-1] + reach * DAY_S
            received = await bulk.received(tenant_id, [meter_id], *span)
            for at, known in registers_of(days, received.get(meter_id, []), left, zone).items():
                found[(meter_id, at)] = (known.register * scale, known.is_estimated)
    return found


def _measured(days: Sequence[DayRow], zone: Zone) -> dict[int, int]:
    """Registers at boundaries of slots that were measured, by instant; a day's own start goes before the end of the day before."""
    found: dict[int, int] = {}
    last, before = int(Slot.MISSING), -1
    for day in days:
        known = of_day(day, last if before == day.day - 1 else int(Slot.MISSING), zone)
        found.update((one.at, one.register) for one in known if not one.is_estimated)
        last, before = (day.quality[-1] if day.quality else 0), day.day
    return found


def _day(day: int, shares: Sequence[Share], names: dict[InstallationId, str], unit: int) -> AccountDay:
    known = [share.volume for share in shares if share.volume is not None]
    volume = sum(known) if shares and len(known) == len(shares) else None
    return AccountDay(
        day_to_date(day), volume, None if volume is None else f"{decimal_of(volume, unit)}",
        any(share.is_estimated for share in shares), [names[InstallationId(share.installation_id)] for share in shares],
    )  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""What each day takes of the balance of an account that is charged at the server (ADR 0062), decided purely.

A day's deduction is what a bill that ends with the day would ask for less what one that ends the day before would: the very function that
decides bills (``decide``), asked for the month up to each day. So the deductions of a month are its bill to the fen, with tiers, persons,
seasons, price changes and the month's least charge, which falls on the last day; no rule of the tariff is written a second time.

A day that is there already is a version (``KeptDay``). Where the same meters' days by the same versions come again nothing follows. Where a
day has a newer version, or what lies before it changed, each day from there on is worked out anew, and its next version holds the
difference: what was deducted is never edited.

A doubt ends the days (``Deducted.why``, the codes of ``decide``): no day behind one that lacks values is deducted, for the tiers of later days
rest on it. A register that went back is no doubt of the days: as long as the month's volume is below 0 the days take nothing, and the
first one that lifts it above pays the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from openmains.app.billing.decide import AccountMonth, Decided, Edges, Plans, Refused, decide
from openmains.domain.period import first_of_month

Cited = tuple[tuple[int, int], ...]
"""(meter, version of its day) each, by meter."""
NEGATIVE, NO_METER = "negative", "no-meter"


class KeptDay(NamedTuple):
    """A day as its newest version has it. ``fen``: deducted for it in all."""

    version: int
    fen: int
    volume_ml: int
    is_estimated: bool
    cited: Cited


class NewVersion(NamedTuple):
    """A version of a day. ``fen``: the difference that it books; ``day_fen``: of the day in all, after it."""

    day: int
    version: int
    fen: int
    day_fen: int
    volume_ml: int
    is_estimated: bool
    cited: Cited


class ToDeduct(NamedTuple):
    """An account as it is looked at. ``month``: the first day of the month in which it begins where it has no bill; days are deducted from
    ``since_day`` to before ``end_day``; ``kept``: what is deducted and not billed, by day."""

    account: AccountMonth
    month: int
    since_day: int
    end_day: int
    kept: Mapping[int, KeptDay]


class Deducted(NamedTuple):
    """What follows. ``open_day``: the first day that is not deducted, or the earlier one of its month that is in doubt; ``why``: the doubt, ''
    none; ``tariff_id``, ``meter_id``: of the last day, None: there is none."""

    account_id: int
    versions: list[NewVersion]
    open_day: int
    why: str
    tariff_id: int | None
    meter_id: int | None


class _Upto(NamedTuple):
    """A bill up to a day."""

    fen: int
    volume_ml: int


def deduct_many(accounts: Sequence[ToDeduct], plans: Plans) -> list[Deducted]:
    """Each account's."""
    known = Edges(plans)
    return [deduct(one, plans, known) for one in accounts]


def deduct(one: ToDeduct, plans: Plans, known: Edges | None = None) -> Deducted:
    """One account's versions, in the order of days."""
    edges, account, versions = known or Edges(plans), one.account, list[NewVersion]()
    open_day, last, why = max(one.since_day, one.month if account.before is None else account.before.until), None, ""
    for first, after in _months(one):
        end = min(after, one.end_day)
        made = _farthest(account, plans, first, end, edges)
        if isinstance(made, Refused):
            return Deducted(
                account.account_id,
                versions,
                open_day if made.code == NEGATIVE else made.day,
                made.code,
                _tariff(last),
                None if last is None else last.meter_id,
            )
        if made is None:
            continue  # no meter hung there yet, or these days are billed
        whole, doubt = made
        last = whole
        versions += _versions(one, account, plans, first, whole, edges)
        open_day = whole.counted.until if doubt else max(open_day, whole.counted.until)
        why = doubt
        if doubt or end < after:
            break
        account = account._replace(before=whole.counted)
    return Deducted(
        one.account.account_id,
        versions,
        open_day,
        why or (NO_METER if last is None and open_day < one.end_day else ""),
        _tariff(last),
        None if last is None else last.meter_id,
    )


def _tariff(last: Decided | None) -> int | None:
    return None if last is None else last.tariff_id


def _months(one: ToDeduct) -> Iterator[tuple[int, int]]:
    """Calendar months to look at, as bills are of months: (first day, day after the last)."""
    start = one.month if one.account.before is None else one.account.before.until
    while start < one.end_day:
        after = first_of_month(start, 1)
        yield start, after
        start = after


def _farthest(
    account: AccountMonth, plans: Plans, first: int, end: int, known: Edges
) -> tuple[Decided, str] | Refused | None:
    """The bill up to ``end`` or to the first day of doubt, and the doubt. ``Refused``: the first day is in doubt; None: nothing to bill."""
    doubt = ""
    while True:
        made = decide(account, plans, first, end, known)
        if made is None or isinstance(made, Decided):
            return None if made is None else (made, doubt)
        if made.code == NEGATIVE:
            return _below_nothing(account, plans, first, end, known) or made
        start = first if account.before is None else account.before.until
        if not start < made.day < end:
            return made
        end, doubt = made.day, made.code


def _below_nothing(
    account: AccountMonth, plans: Plans, first: int, end: int, known: Edges
) -> tuple[Decided, str] | None:
    """The last day before ``end`` up to which the volume is not below 0."""
    start = first if account.before is None else account.before.until
    for day in range(end - 1, start, -1):
        made = decide(account, plans, first, day, known)
        if isinstance(made, Decided):
            return made, NEGATIVE
    return None


def _versions(
    one: ToDeduct, account: AccountMonth, plans: Plans, first: int, whole: Decided, known: Edges
) -> Iterator[NewVersion]:
    """Days of one month that have to be written, up to where ``whole`` ends."""
    until, cited = whole.counted.until, _cited(whole)
    estimated = {day for days in account.days.values() for day in days.estimated}
    begin = max(whole.first_day, one.since_day)
    if begin >= until:
        return
    changed = next(
        (day for day in range(begin, until) if day not in one.kept or one.kept[day].cited != cited.get(day, ())), until
    )
    before = _upto(account, plans, first, changed, whole, known)
    if before.fen - _upto(account, plans, first, begin, whole, known).fen != sum(
        one.kept[day].fen for day in range(begin, changed)
    ):
        changed = begin  # not the days: a tariff, a payer, or a bill before them changed
        before = _upto(account, plans, first, changed, whole, known)
    for day in range(changed, until):
        now = _upto(account, plans, first, day + 1, whole, known, before)
        kept = one.kept.get(day, KeptDay(0, 0, 0, False, ()))
        day_fen, volume = now.fen - before.fen, now.volume_ml - before.volume_ml
        made = NewVersion(
            day, kept.version + 1, day_fen - kept.fen, day_fen, volume, day in estimated, cited.get(day, ())
        )
        if kept[1:] != made[3:] or not kept.version:
            yield made
        before = now


def _upto(
    account: AccountMonth, plans: Plans, first: int, day: int, whole: Decided, known: Edges, before: _Upto | None = None
) -> _Upto:
    """What is asked for up to ``day``. Where the volume up to it is below 0 nothing more is than ``before``."""
    if day <= whole.first_day:
        return _Upto(0, 0)
    if day == whole.counted.until:
        return _Upto(whole.total_fen, whole.volume_ml)
    made = decide(account, plans, first, day, known)
    if isinstance(made, Decided):
        return _Upto(made.total_fen, made.volume_ml)
    return before or _Upto(0, 0)


def _cited(whole: Decided) -> dict[int, Cited]:
    """Meters' versions by day."""
    found: dict[int, list[tuple[int, int]]] = {}
    for of in whole.inputs.cited:
        for day, version in enumerate(of.versions(), of.first_day):
            found.setdefault(day, []).append((of.meter_id, version))
    return {day: tuple(sorted(each)) for day, each in found.items()}

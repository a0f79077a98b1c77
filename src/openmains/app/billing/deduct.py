# SPDX-License-Identifier: Apache-2.0
"""Deduct what was read from the balances of accounts that are charged at the server (ADR 0062). The worker's turn, for each utility:

1. days that changed since the last turn make their accounts due (``follow_changes``); once a day all are, so that what no day tells –
   a tariff, a payer, a bill that was corrected – is met too
2. due accounts are looked at, some hundreds at a time: days and versions are read, deductions decided purely (``deductions.py``), and
   written in one transaction with their entries, how far each account came, and where its balance stands
3. balances that were low are looked at again: somebody paid

One process at a time deducts for a utility: a lock is held from reading to writing, so no older look is written over a newer one. Killed
before the commit nothing happened; after it the accounts are due no more. A bill that is made beside it holds the same accounts' locks
(``release.py``): whoever comes second sees what the first one wrote, and leaves an account whose bill has changed to the next turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from openmains.app.billing.changed_days import ChangedDays, follow_changes
from openmains.app.billing.decide import AccountMonth, MeterLink
from openmains.app.billing.deductions import Deducted, KeptDay, NewVersion, ToDeduct
from openmains.app.billing.ports import BillStore, Counted, DayVolumes
from openmains.app.billing.rows import CountRow
from openmains.app.billing.run import known_plans, links_in_units, with_days
from openmains.app.billing.server_ports import (
    BookedVersion,
    ChargedAccount,
    Deduct,
    ServerAccountStore,
    Standing,
)
from openmains.app.ledger.booking import book_many
from openmains.app.ledger.ports import LedgerStore
from openmains.app.tariff.simulate import UnitOf
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import TenantId, UserId
from openmains.domain.ledger.entries import Entry, deduction
from openmains.domain.ledger.prepaid import BalanceStage, stage_of
from openmains.domain.period import day_text, first_of_month, zone
from openmains.domain.tariff.plan import Plan

ACCOUNTS = 200  # looked at in one transaction
METERS = 20_000  # whose days changed, asked for at a time
US = 1_000_000


@dataclass(frozen=True, slots=True)
class DeductSources:
    """Whom days, changes and units are asked of, and where deductions are decided."""

    volumes: DayVolumes
    changes: ChangedDays
    unit_of: UnitOf
    deduct: Deduct


@dataclass(slots=True)
class TurnMade:
    """What a turn did. ``fen``: deducted, what was given back taken off."""

    accounts: int = 0
    versions: int = 0
    fen: int = 0
    plans: dict[int, Sequence[Plan]] = field(default_factory=dict)


async def deduct_turn(
    store: Store, sources: DeductSources, tenants: Sequence[tuple[TenantId, str]], now_us: int
) -> TurnMade:
    """All utilities'."""
    done = TurnMade()
    for tenant_id, zone_key in tenants:
        today = zone(zone_key).day_of(now_us // US)
        await follow_changes(store, sources.changes, tenant_id, ServerAccountStore, METERS)
        async with store.tenant(tenant_id) as work:
            await work[ServerAccountStore].hold()
            await work[ServerAccountStore].begin_day(today)
        after, done.plans = 0, {}
        while (last := await deduct_part(store, sources, tenant_id, today, after, now_us, done)) is not None:
            after = last
        await see_to_balances(store, tenant_id, today)
    return done


async def deduct_part(
    store: Store, sources: DeductSources, tenant_id: TenantId, today: int, after: int, now_us: int, done: TurnMade
) -> int | None:
    """The next due accounts; the last of them, None: there are none."""
    async with store.tenant(tenant_id) as work:
        accounts = work[ServerAccountStore]
        await accounts.hold()
        due = await accounts.due(after, ACCOUNTS)
        if not due:
            return None
        ids = [one.account_id for one in due]
        links = await links_in_units(work, sources.unit_of, 0, len(ids), ids)
        await known_plans(work, {link.tariff_id for link in links}, done.plans)
        counted = await work[BillStore].counted(ids)
        kept = await accounts.kept(ids)
        asked = await _asked(sources.volumes, tenant_id, due, links, counted, kept, today)
        found = await sources.deduct(asked, done.plans)
        for one in ids:
            await work[LedgerStore].lock_customer(one)
        now = await work[BillStore].counted(ids)
        found = [one for one in found if now.get(one.account_id) == counted.get(one.account_id)]
        booked = await _book(work, {one.account_id: one.made_by for one in due}, found, today, now_us)
        await accounts.add(booked, now_us)
        await accounts.looked_at(found)
        await _stand(work, due, today)
        done.accounts += len(due)
        done.versions += len(booked)
        done.fen += sum(one.of.fen for one in booked)
    return ids[-1]


async def _asked(
    volumes: DayVolumes,
    tenant_id: TenantId,
    due: Sequence[ChargedAccount],
    links: Sequence[MeterLink],
    counted: Mapping[int, Counted],
    kept: Mapping[int, Mapping[int, KeptDay]],
    today: int,
) -> list[ToDeduct]:
    rows = {account_id: msgspec.json.decode(one.text, type=CountRow) for account_id, one in counted.items()}
    months = {one.account_id: first_of_month(one.since_day) for one in due}
    read = await with_days(volumes, tenant_id, links, rows, min(months.values()), today)
    known = {one.account_id: one for one in read}
    return [
        ToDeduct(
            known.get(one.account_id, AccountMonth(one.account_id, (), rows.get(one.account_id), {})),
            months[one.account_id],
            one.since_day,
            today if one.until_day is None else min(today, one.until_day),
            kept.get(one.account_id, {}),
        )
        for one in due
    ]


async def _book(
    work: Work, made_by: Mapping[int, UserId], found: Sequence[Deducted], today: int, now_us: int
) -> list[BookedVersion]:
    """Each version with an entry of its own, on its day; today where that month is closed."""
    closed = await work[LedgerStore].closed_until()
    by_maker: dict[UserId, list[Entry]] = {}
    for one in found:
        for version in one.versions:
            if version.fen:
                day = version.day if closed is None or version.day > closed else today
                date = day_text(version.day)
                entry = deduction(_key(one.account_id, version), day, one.account_id, version.fen, date)
                by_maker.setdefault(made_by[one.account_id], []).append(entry)
    ids: dict[str, int] = {}
    for maker, entries in by_maker.items():
        made = await book_many(work, entries, maker, None, now_us)
        ids |= zip((entry.key for entry in entries), made, strict=True)
    return [
        BookedVersion(one.account_id, version, ids.get(_key(one.account_id, version)))
        for one in found
        for version in one.versions
    ]


def _key(account_id: int, version: NewVersion) -> str:
    """Under which the difference of a version is booked, once."""
    return f"deduct:{account_id}:{day_text(version.day)}:v{version.version}"


async def _stand(work: Work, accounts: Sequence[ChargedAccount], today: int) -> None:
    """Where their balances stand now; what did not change is not written."""
    held = {one.account_id: one for one in await work[LedgerStore].balances([one.account_id for one in accounts])}
    changed = list[Standing]()
    for one in accounts:
        has = held.get(one.account_id)
        balance = 0 if has is None else has.credit_fen - has.owed_fen
        stage = (
            stage_of(balance, one.warn_fen, one.limit_fen)
            if one.until_day is None or one.until_day > today
            else BalanceStage.ENOUGH
        )
        below = (one.below_day or today) if stage is BalanceStage.BELOW else None
        if (stage, below) != (one.stage, one.below_day):
            changed.append(Standing(one.account_id, stage, below))
    await work[ServerAccountStore].stand(changed)
    await work[ServerAccountStore].seen([one.account_id for one in accounts])


async def see_to_balances(store: Store, tenant_id: TenantId, today: int) -> None:
    """Of accounts whose balance was low: somebody paid, or the levels are others."""
    async with store.tenant(tenant_id) as work:
        await work[ServerAccountStore].hold()
        low = await work[ServerAccountStore].not_well()
        if low:
            await _stand(work, low, today)

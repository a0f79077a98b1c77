# SPDX-License-Identifier: Apache-2.0
"""A bill run: all accounts of a utility, in order, some thousands at a time. Each part is read, decided purely, and written in one
transaction together with how far the run has come; so who is killed goes on behind the last part, and nothing is billed twice.

Run again it finds all days billed and makes nothing: an account's bill begins where its last one ended. While a run is at work no other
one begins and nothing is corrected, so what is read ahead stays true until it is written.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from openmains.app.billing.decide import AccountMonth, MeterLink, Refused
from openmains.app.billing.decide_many import PlainMonth, Rates, is_plain, plain_months
from openmains.app.billing.model import BillRun
from openmains.app.billing.ports import BillsOf, BillStore, Counted, DayVolumes, Decide, LinkStore, RunPlace, RunStore
from openmains.app.billing.release import give_back_deducted, lock_deducted
from openmains.app.billing.rows import BillRow, CountRow
from openmains.app.billing.settling import settle
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.job.ports import Handler, JobCancelled, JobContext, JobStore
from openmains.app.ledger.booking import book_bills
from openmains.app.ledger.ports import BilledSums, LedgerStore
from openmains.app.problems import Problem
from openmains.app.readings.bulk.ahead import one_ahead
from openmains.app.tariff.plans import approved, exact_plan, tariff_of
from openmains.app.tariff.ports import TariffStore
from openmains.app.tariff.simulate import UnitOf, unit_in_ml
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.period import date_to_day, month_span, month_text
from openmains.domain.tariff.plan import Plan

BILL_RUN = "bill_run"
ACCOUNTS = 2_000  # a part: as many locks of accounts as one transaction may hold
MOST_DUE_DAYS = 92


async def start_run(
    store: Store, actor: Actor, month: str, due_days: int, reason: str, today: int, now_us: int
) -> BillRun:
    """The run, queued as a job. It books on the month's last day, or today where that month is closed.

    :raises Problem: ``reason-needed``, ``invalid-input``, ``month-running``, ``run-in-progress``.
    """
    why = stated(reason)
    first, end = month_span(month)
    if end > today:
        raise Problem("month-running", month=month)
    async with store.tenant(actor.tenant_id) as work:
        closed = await work[LedgerStore].closed_until()
        book_day = end - 1 if closed is None or closed < end - 1 else today
        run_id = await work[RunStore].add(
            first, end, book_day, max(book_day, end - 1) + due_days, actor.user_id, now_us
        )
        if run_id is None:
            raise Problem("run-in-progress")
        await _queue(work, actor, run_id)
        made = await work[RunStore].get(run_id)
        assert made is not None  # noqa: S101 added above
        await work[AuditTrail].record(actor, "start_bill_run", "bill_run", run_id, None, made, reason=why)
    return made


async def resume_run(store: Store, actor: Actor, run_id: int, reason: str) -> BillRun:
    """A run that stopped goes on behind its last part. Raises ``reason-needed``, ``not-found``, ``already-done``, ``run-in-progress``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        if await work[RunStore].running() is not None:
            raise Problem("run-in-progress")
        place = await work[RunStore].place(run_id, lock=True)
        if place is None:
            raise Problem("not-found")
        if place.state != "stopped":
            raise Problem("already-done", state=place.state)
        await work[RunStore].resume(run_id)
        await _queue(work, actor, run_id)
        made = await work[RunStore].get(run_id)
        assert made is not None  # noqa: S101 locked above
        await work[AuditTrail].record(
            actor, "resume_bill_run", "bill_run", run_id, {"state": "stopped"}, made, reason=why
        )
    return made


async def _queue(work: Work, actor: Actor, run_id: int) -> None:
    key = f"{BILL_RUN}:{run_id}"
    await work[JobStore].release_key(key)
    await work[JobStore].add(BILL_RUN, {"run_id": run_id}, file_path="", unique_key=key, user_id=actor.user_id)


def run_handlers(
    store: Store, volumes: DayVolumes, decide: Decide, unit_of: UnitOf, now_us: Callable[[], int]
) -> dict[str, Handler]:
    """Handler by job kind."""

    async def bill_run(context: JobContext) -> Mapping[str, Any]:
        tenant_id, run_id = context.job.tenant_id, int(context.job.params["run_id"])
        return await Running(store, volumes, decide, unit_of, now_us, tenant_id, run_id).run(context)

    return {BILL_RUN: bill_run}


@dataclass(frozen=True, slots=True)
class _Accounts:
    """Accounts after one and up to another, with their meters and what was counted of them."""

    after: int
    last: int
    links: Mapping[int, Sequence[MeterLink]]
    counted: Mapping[int, Counted]


@dataclass(frozen=True, slots=True)
class _Part:
    """Accounts after one and up to another, decided."""

    after: int
    last: int
    accounts: int
    found: Sequence[BillRow | Refused | None]


class Running:
    """One run at work."""

    def __init__(
        self,
        store: Store,
        volumes: DayVolumes,
        decide: Decide,
        unit_of: UnitOf,
        now_us: Callable[[], int],
        tenant_id: TenantId,
        run_id: int,
        accounts: int = ACCOUNTS,
    ) -> None:
        self._store, self._volumes, self._decide, self._now_us = store, volumes, decide, now_us
        self._unit_of = unit_of
        self._tenant_id, self._run_id, self._accounts = tenant_id, run_id, accounts
        self._plans: dict[int, Sequence[Plan]] = {}
        self._rates = Rates(self._plans)

    async def run(self, context: JobContext) -> Mapping[str, Any]:
        """To the end. A failure stops the run where it is; it can be resumed. What is killed goes on when the job is taken up again."""
        try:
            return await self._parts(context)
        except JobCancelled:
            raise
        except Exception:
            await self._end("stopped")
            raise

    async def _parts(self, context: JobContext) -> Mapping[str, Any]:
        async with self._store.tenant(self._tenant_id) as work:
            place = await work[RunStore].place(self._run_id)
            total = await work[LinkStore].accounts()
        if place is None or place.state != "running":
            raise JobCancelled
        done = 0
        # One is decided while another is written: each of the three steps keeps another process busy.
        async with aclosing(one_ahead(self._decided(place))) as parts:
            async for part in parts:
                if context.should_stop():
                    await self._called_off(context)
                await self._write(place, part)
                done += part.accounts
                context.progress(min(done, total), total)
        await self._end("done")
        async with self._store.tenant(self._tenant_id) as work:
            told = await work[RunStore].get(self._run_id)
        assert told is not None  # noqa: S101 read above
        return {"run_id": told.run_id, "bills": told.bills, "refused": told.refused, "total_fen": told.total_fen}

    async def _called_off(self, context: JobContext) -> None:
        """By a person: the run stops, and can be resumed. By the program's end: it goes on when the job is taken up again."""
        if getattr(context, "lost", False):
            await self._end("stopped")
        raise JobCancelled

    async def _end(self, state: str) -> None:
        async with self._store.tenant(self._tenant_id) as work:
            await work[RunStore].end(self._run_id, state, self._now_us())

    async def _read(self, after: int) -> _Accounts | None:
        async with self._store.tenant(self._tenant_id) as work:
            links = await links_in_units(work, self._unit_of, after, self._accounts)
            by_account = grouped(links)
            if not by_account:
                return None
            counted = await work[BillStore].counted(list(by_account))
            await known_plans(work, {link.tariff_id for link in links}, self._plans)
        return _Accounts(after, max(by_account), by_account, counted)

    async def _prepare(self, place: RunPlace, of: _Accounts) -> _Part:
        months = await self._months(place, of.links, of.counted)
        plans = dict(self._plans)  # another thread writes them down while the part behind is read
        found = await self._decide(months, plans, place.month, place.end_day)
        return _Part(of.after, of.last, len(of.links), found)

    async def _read_on(self, after: int) -> AsyncGenerator[_Accounts, None]:
        """All behind one, a part at a time."""
        while (of := await self._read(after)) is not None:
            yield of
            after = of.last

    async def _decided(self, place: RunPlace) -> AsyncGenerator[_Part, None]:
        """Parts in order; while one is decided the one behind it is read."""
        async with aclosing(one_ahead(self._read_on(place.after_account))) as found:
            async for of in found:
                yield await self._prepare(place, of)

    async def _months(
        self, place: RunPlace, by_account: Mapping[int, Sequence[MeterLink]], counted: Mapping[int, Counted]
    ) -> Sequence[AccountMonth | PlainMonth]:
        """Accounts with their meters' days: of plain ones the sum, of the others each day."""
        month, end_day, nothing = place.month, place.end_day, Counted(place.month, "")
        plain = {
            account_id: link
            for account_id, of in by_account.items()
            if counted.get(account_id, nothing).until == month
            and (link := is_plain(of, month, end_day, self._rates)) is not None
        }
        texts = {account_id: counted[account_id].text for account_id in plain if account_id in counted}
        meters = [MeterId(link.meter_id) for link in plain.values()]
        sums = await self._volumes.sums(self._tenant_id, meters, month, end_day) if meters else {}
        whole = plain_months(plain, texts, sums, month, end_day)
        done = {one.account_id for one in whole}
        others = [link for account_id, of in by_account.items() if account_id not in done for link in of]
        rows = {
            account_id: msgspec.json.decode(one.text, type=CountRow)
            for account_id, one in counted.items()
            if account_id not in done
        }
        return [*whole, *await with_days(self._volumes, self._tenant_id, others, rows, month, end_day)]

    async def _write(self, place: RunPlace, part: _Part) -> None:
        now_us = self._now_us()
        async with self._store.tenant(self._tenant_id) as work:
            now = await work[RunStore].place(self._run_id, lock=True)
            if now is None or now.state != "running" or now.after_account != part.after:
                raise JobCancelled  # another runner has it
            made = [one for one in part.found if isinstance(one, BillRow)]
            refused = [one for one in part.found if isinstance(one, Refused)]
            versions = await work[BillStore].versions([one.account_id for one in made], place.month)
            numbers = [versions.get(one.account_id, 0) + 1 for one in made]
            of = BillsOf(place.month, place.due_day, run_id=self._run_id)
            charged = await lock_deducted(work, [one.account_id for one in made])
            await write_bills(work, of, made, numbers, place.asked_by, None, place.book_day, now_us)
            await work[RunStore].add_refusals(self._run_id, refused)
            ends = {one.account_id: one.end_day for one in made if one.account_id in charged}
            await give_back_deducted(work, ends, place.book_day, place.asked_by, now_us)
            owing = [one.account_id for one in made if one.total_fen]
            paid = await settle(work, owing, f"run:{self._run_id}", place.asked_by, place.book_day, now_us)
            await work[RunStore].advance(
                self._run_id, part.last, part.accounts, len(made), len(refused), part.accounts - len(made) - len(refused),
                sum(one.total_fen for one in made), sum(one.fen for one in paid),
            )  # fmt: skip


async def write_bills(
    work: Work,
    of: BillsOf,
    bills: Sequence[BillRow],
    versions: Sequence[int],
    made_by: UserId,
    agreed_by: UserId | None,
    book_day: int,
    now_us: int,
) -> None:
    """Bills with an entry each, once for account, month and version; a bill of 0 fen has none."""
    month = month_text(of.month)
    asking = [(one, version) for one, version in zip(bills, versions, strict=True) if one.total_fen]
    sums = BilledSums(
        [f"bill:{one.account_id}:{month}:v{version}" for one, version in asking],
        [one.account_id for one, _ in asking],
        [one.components for one, _ in asking],
    )
    ids = iter(await book_bills(work, sums, book_day, month, made_by, agreed_by, now_us))
    entries = [next(ids) if one.total_fen else None for one in bills]
    await work[BillStore].add(of, bills, versions, entries, now_us)


async def links_in_units(
    work: Work, unit_of: UnitOf, after: int, limit: int, account_ids: Sequence[int] | None = None
) -> list[MeterLink]:
    """Links of accounts (``LinkStore.links``) with the unit of each meter."""
    units: dict[str, int] = {}
    found = await work[LinkStore].links(after, limit, account_ids)
    for link in found:
        if link.driver not in units:
            units[link.driver] = _unit_ml(unit_of, link.driver)
    return [link._replace(unit_ml=units[link.driver]) for link in found]


def grouped(links: Sequence[MeterLink]) -> dict[int, list[MeterLink]]:
    """By account."""
    found: dict[int, list[MeterLink]] = {}
    for link in links:
        found.setdefault(link.account_id, []).append(link)
    return found


def _unit_ml(unit_of: UnitOf, driver: str) -> int:
    try:
        return unit_in_ml(unit_of(driver))
    except KeyError:  # of a driver that is not installed: its accounts are refused, the others billed
        return 0


async def known_plans(work: Work, tariff_ids: set[int], known: dict[int, Sequence[Plan]]) -> None:
    """The approved plans of tariffs, kept in ``known``: what was approved is never changed."""
    for tariff_id in sorted(tariff_ids - known.keys() - {0}):
        tariff = await tariff_of(work, tariff_id, 0)
        known[tariff_id] = [exact_plan(tariff, plan) for plan in approved(await work[TariffStore].plans(tariff_id))]


async def with_days(
    volumes: DayVolumes,
    tenant_id: TenantId,
    links: Sequence[MeterLink],
    counted: Mapping[int, Any],
    month: int,
    end_day: int,
) -> list[AccountMonth]:
    """Accounts with their meters' days of all that is not billed yet, and the day before and after, for the midnights between."""
    by_account = grouped(links)
    starts = {one: counted[one].until if one in counted else month for one in by_account}
    needed = [link for link in links if link.first_day < end_day and link.end_day > starts[link.account_id]]
    meters = sorted({link.meter_id for link in needed})
    first = min((starts[link.account_id] for link in needed), default=month)
    days = await volumes.days(tenant_id, [MeterId(one) for one in meters], first - 1, end_day + 1) if meters else {}
    return [
        AccountMonth(
            account_id, tuple(of), counted.get(account_id), {link.meter_id: days[link.meter_id] for link in of if link.meter_id in days}
        )
        for account_id, of in sorted(by_account.items())
    ]  # fmt: skip


def day_number(text: str) -> int:
    """A day written YYYY-MM-DD."""
    return date_to_day(date.fromisoformat(text))

# SPDX-License-Identifier: Apache-2.0
"""A town under random operations over the real engines, and what its books must be: ``test_books_model.py`` walks it."""

import asyncio
import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.billing.decide import Plans
from openmains.app.billing.deductions import Deducted, ToDeduct, deduct_many
from openmains.app.job.ports import JobCancelled
from openmains.app.payment.booking import machine
from openmains.app.payment.take import NewReceipt, take_payment
from openmains.app.payment.take_many import ChannelPayment, take_many
from openmains.app.problems import Problem
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import date_to_day, day_to_date, first_of_month
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.db import API_ROLE, create_pool
from openmains.edges.postgres.unit_of_work import PostgresStore
from tests.edges.http.test_billing import Context, Town, done_
from tests.edges.http.test_server_accounts import REASON, ZONE, Charged
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import World, new_meter
from tests.support.past_plans import past_plan
from tests.support.plain_books import PlainAccount, PlainTown, Seen, faults
from tests.support.system import until_async

SPAWN = multiprocessing.get_context("spawn")
CHILD = "books walk"
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
    " AND datname = current_database()"
)
GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.InternalClientError,
    ConnectionError,
)
SUMS = """SELECT CASE WHEN account IN ('credit', 'receivable') THEN 'customers' ELSE account END AS name, account_id, sum(fen)::bigint AS fen
            FROM ledger_line WHERE tenant_id = $1 AND entry_id > $2 GROUP BY 1, 2"""
UNBALANCED = "SELECT count(*) FROM (SELECT FROM ledger_line WHERE tenant_id = $1 AND entry_id > $2 GROUP BY entry_id HAVING sum(fen) <> 0) x"
RECEIPTS = """SELECT r.key, r.account_id, l.fen FROM receipt r JOIN ledger_line l ON l.entry_id = r.entry_id AND l.account = 'clearing'
               WHERE r.tenant_id = $1 AND r.key = ANY ($2)"""
DAYS = """SELECT account_id, day, sum(fen)::bigint AS fen, (array_agg(day_fen ORDER BY version DESC))[1] AS day_fen,
                 (array_agg(volume_ml ORDER BY version DESC))[1] / 1000 AS litres, max(version) AS newest, count(*) AS versions
            FROM deduction WHERE tenant_id = $1 AND day >= $2 GROUP BY 1, 2"""


def document(low: int, high: int) -> dict[str, Any]:
    """Prices in 10^-4 CNY/m³."""
    prices = [f"{one // 10_000}.{one % 10_000:04d}" for one in (low, high)]
    return {
        "bounds_m3": ["10"],
        "components": [{"name": "water", "prices": prices}],
        "cycle_months": 1,
        "at_change": "carried",
    }


def pay_until_killed(
    pipe: Any, dsn: str, tenant: int, user: int, day: int, batches: list[list[ChannelPayment]]
) -> None:
    """The process that is killed: it says which batch is committed."""

    async def pays() -> None:
        pool = await create_pool(dsn, role=API_ROLE, max_size=2, application=CHILD)
        store = PostgresStore(pool)
        for number, batch in enumerate(batches):
            async with store.tenant(TenantId(tenant)) as work:
                await take_many(work, "bank", batch, f"kill:{batch[0].key}", UserId(user), day, 1)
            pipe.send(number)

    asyncio.run(pays())


class Walk(Charged):
    """A town under random operations, and what its books must be."""

    def __init__(
        self, place: Town, clerk: httpx.AsyncClient, chief: httpx.AsyncClient, first: date, accounts: int, seed: int
    ) -> None:
        super().__init__(place, clerk, chief)
        self.rng = random.Random(seed)  # noqa: S311 - the same walk each time
        self.first, self.count = first, accounts
        self.prices = (self.rng.randint(10_000, 40_000), self.rng.randint(40_001, 90_000))
        self.town = PlainTown(date_to_day(first), [(0, *self.prices)], date_to_day(first))
        self.versions: dict[tuple[int, int], int] = {}
        self.swapped: dict[int, int] = {}
        self.taken = list[ChannelPayment]()
        self.done = Counter[str]()
        self.looked = 0  # the last entry that was looked at: none is ever changed
        self.sums, self.of_accounts = Counter[str](), dict[int, Counter[str]]()
        self.user, self.today = 0, 0
        self.killer: Any = None

    @property
    def store(self) -> Any:
        return self.place.world.deps.store

    async def built(self) -> None:
        body = {"code": "W", "name": "W", "medium": "gas", "customer_class": "resident"}
        self.tariff = (await made(self.clerk, "/tariffs", body))["tariff_id"]
        plan = {"from_day": "2020-01-01", "document": document(*self.prices), "reason": "notice"}
        drafted = await made(self.clerk, f"/tariffs/{self.tariff}/plans", plan)
        await made(self.chief, f"/tariff-plans/{drafted['plan_id']}/approve", {"reason": "as decided"})
        for number in range(1, self.count + 1):
            meter = await made(self.clerk, "/meters", new_meter(self.place.utility))
            self.place.meters.append(meter["meter_id"])
            self.town.accounts[number] = PlainAccount([(0, meter["meter_id"])])
            self.town.litres[meter["meter_id"]] = {}
        pages = {page.name: page.unit_exponent for page in self.place.world.deps.drivers.pages()}
        self.place.unit = 10 ** -pages[meter["driver"]]
        await self.members([(number, one.meters[0][1]) for number, one in self.town.accounts.items()], self.first)
        for start in range(1, self.count + 1, 100):
            await self.charge(*range(start, min(start + 100, self.count + 1)), since=self.first)

    async def members(self, of: Sequence[tuple[int, int]], since: date) -> None:
        for start in range(0, len(of), 500):
            members = [
                {"account_id": account, "meter_id": meter, "began": "2024-01-02"}
                for account, meter in of[start : start + 500]
            ]
            body = {"members": members, "from_day": since.isoformat(), "reason": "so agreed"}
            answer = await self.clerk.post(f"/tariffs/{self.tariff}/members", json=body)
            assert answer.status_code == 204, answer.text

    # operations ------------------------------------------------------------------------------------------------------------

    async def read(self, end: int) -> None:
        """All meters' days up to before ``end``."""
        rows = [
            (meter, day, self.rng.randint(0, 900)) for meter in self.town.litres for day in range(self.town.until, end)
        ]
        await self.insert(rows)
        self.town.until = end
        self.done["readings"] += len(rows)

    async def correct(self, count: int) -> None:
        if self.town.until == self.town.open_day:
            return
        places = {
            (self.rng.choice(list(self.town.litres)), self.rng.randrange(self.town.open_day, self.town.until))
            for _ in range(count)
        }
        await self.insert([(meter, day, self.rng.randint(0, 900)) for meter, day in sorted(places)])
        self.done["corrections"] += len(places)

    async def insert(self, rows: Sequence[tuple[int, int, int]]) -> None:
        many = len(rows)
        totals = [litres * self.place.unit // 1000 for _, _, litres in rows]
        for meter, day, litres in rows:
            self.versions[meter, day] = self.versions.get((meter, day), 0) + 1
            self.town.litres[meter][day] = litres
        await self.place.clickhouse.insert(
            "meter_day",
            {
                "tenant_id": [self.tenant] * many, "meter_id": [meter for meter, _, _ in rows],
                "day": [day_to_date(day) for _, day, _ in rows], "area_id": [1] * many, "product_id": [1] * many, "base": [0] * many,
                "interval_s": [86400] * many, "increments": [[one] for one in totals], "quality": [[0]] * many, "total": totals,
                "flags": [0] * many, "slots": [1] * many, "measured": [1] * many, "received_s": [1_700_000_000] * many,
                "version": [self.versions[meter, day] for meter, day, _ in rows],
            },
        )  # fmt: skip

    def payments(self) -> list[ChannelPayment]:
        """Of some accounts, each with a number of its own."""
        some = sorted(self.rng.sample(sorted(self.town.accounts), max(1, self.count * 2 // 3)))
        return [ChannelPayment(one, f"{self.rng.getrandbits(80):020x}", self.rng.randint(1, 9_000)) for one in some]

    async def take(self, batch: Sequence[ChannelPayment], *, killed: bool = False) -> bool:
        """False: their numbers are taken."""
        try:
            async with self.store.tenant(self.tenant) as work:
                await take_many(work, "bank", batch, f"pay:{batch[0].key}", UserId(self.user), self.today, 1)
                if killed:
                    await self.kill()
        except Problem as told:
            assert told.code == "receipt-key-used", told.code
            return False
        return True

    def paid(self, batch: Sequence[ChannelPayment]) -> None:
        for one in batch:
            self.town.accounts[one.account_id].paid += one.fen
            self.town.receipts[one.key] = (one.account_id, one.fen)
        self.taken += batch

    async def pay(self) -> None:
        """The same word of the bank twice at once, and later again."""
        batch = self.payments()
        assert sorted(await asyncio.gather(self.take(batch), self.take(batch))) == [False, True]
        self.paid(batch)
        assert not await self.take(batch[: self.rng.randint(1, len(batch))])
        self.done["payments"] += len(batch)
        self.done["duplicates"] += 2 * len(batch)
        one, actor = self.rng.choice(batch), machine(self.tenant, self.user, ZONE)
        again = NewReceipt(one.key, one.account_id, "bank", one.fen, at_counter=False)
        assert (await take_payment(self.store, actor, again, self.today, 1)).key == one.key
        with pytest.raises(Problem, match="receipt-key-used"):
            other = NewReceipt(one.key, one.account_id, "bank", one.fen + 1, at_counter=False)
            await take_payment(self.store, actor, other, self.today, 1)

    async def give_back(self) -> None:
        """By two persons, who agree twice at once."""
        if not self.taken:
            return
        one = self.taken.pop(self.rng.randrange(len(self.taken)))
        receipt = await self.place.world.owner.fetchval(
            "SELECT receipt_id FROM receipt WHERE tenant_id = $1 AND key = $2", self.tenant, one.key
        )
        asked = await made(self.clerk, f"/receipts/{receipt}/return", REASON)
        path = f"/payment-returns/{asked['return_id']}/approve"
        answers = await asyncio.gather(*(self.chief.post(path, json=REASON) for _ in range(2)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes[1] == 409 and codes[0] in (200, 409), [answer.text for answer in answers]
        if codes[0] == 200:
            self.town.accounts[one.account_id].paid -= one.fen
        else:
            assert "not-so-much" in {problem(answer) for answer in answers}
        self.done["reversals"] += 1

    async def change_price(self) -> None:
        """From a day on that is not billed."""
        since = self.town.prices[-1][0]
        days = [day for day in range(self.town.open_day, self.town.until + 5) if day > since]
        if not days:
            return
        day, prices = self.rng.choice(days), (self.rng.randint(10_000, 40_000), self.rng.randint(40_001, 90_000))
        await past_plan(
            self.place.world.owner,
            self.tenant,
            self.tariff,
            len(self.town.prices) + 1,
            day_to_date(day),
            document(*prices),
        )
        self.town.prices.append((day, *prices))
        self.done["price changes"] += 1

    async def exchange(self) -> None:
        """Two accounts have each other's meter from a day on."""
        one, two = self.rng.sample(sorted(self.town.accounts), 2)
        since = max([self.town.open_day, *(self.swapped.get(each, 0) + 1 for each in (one, two))])
        if since > self.town.until:
            return
        day = self.rng.randint(since, self.town.until)
        left, right = self.town.accounts[one], self.town.accounts[two]
        mine, other = left.meters[-1][1], right.meters[-1][1]
        await self.members([(one, other), (two, mine)], day_to_date(day))
        left.meters.append((day, other))
        right.meters.append((day, mine))
        self.swapped[one] = self.swapped[two] = day
        self.done["exchanges"] += 1

    async def deducted(self) -> None:
        """Two turns at once."""
        await self.due()
        await asyncio.gather(self.turn(), self.turn())

    async def due(self) -> None:
        await self.place.world.owner.execute(
            "UPDATE server_account SET is_due = true WHERE tenant_id = $1", self.tenant
        )

    async def bill(self) -> None:
        """A month, whose run is killed after its first part and taken up again."""
        end = first_of_month(self.town.open_day, 1)
        month = day_to_date(self.town.open_day)
        started = await made(
            self.chief, "/bill-runs", {"month": month.isoformat()[:7], "due_days": 0, "reason": "month end"}
        )
        part = max(1, self.count // 3)
        with pytest.raises(JobCancelled):
            await self.place.running(started["run_id"], part).run(Context(self.tenant, started["run_id"], parts=1))
        await self.place.running(started["run_id"], 500).run(Context(self.tenant, started["run_id"]))
        told = await done_(self.chief, f"/bill-runs/{started['run_id']}")
        assert (told["bills"], told["refused"]) == (self.count, 0)
        self.town.bill(end)
        self.done["bills"] += self.count
        self.done["kills"] += 1

    # kills ------------------------------------------------------------------------------------------------------------------

    async def kill(self) -> None:
        """PostgreSQL ends whoever is in the middle of a transaction."""
        assert [row[0] for row in await self.killer.fetch(KILL)] == [True]

    async def killed_paying(self) -> None:
        batch = self.payments()
        with pytest.raises(GONE):
            await self.take(batch, killed=True)
        await self.check("killed paying")
        assert await self.take(batch)
        self.paid(batch)
        self.done["payments"] += len(batch)
        self.done["kills"] += 1

    async def killed_deducting(self) -> None:
        await self.due()
        alive = self.decide

        async def dies(accounts: Sequence[ToDeduct], plans: Plans) -> list[Deducted]:
            found = deduct_many(accounts, plans)
            await self.kill()
            return found

        self.decide = dies  # type: ignore[method-assign]
        try:
            with pytest.raises(GONE):
                await self.turn()
        finally:
            self.decide = alive  # type: ignore[method-assign]
        self.done["kills"] += 1

    async def killed_process(self) -> None:
        """SIGKILL, at some moment of some batch."""
        batches = [self.payments() for _ in range(12)]
        ours, theirs = SPAWN.Pipe()
        child = SPAWN.Process(
            target=pay_until_killed, daemon=True,
            args=(theirs, self.place.world.urls.postgres_api, self.tenant, self.user, self.today, batches),
        )  # fmt: skip
        child.start()
        theirs.close()
        for said in range(wanted := self.rng.randint(1, 6)):
            assert await asyncio.to_thread(ours.recv) == said
        child.kill()
        await asyncio.to_thread(child.join)
        await until_async(self.left_alone)
        there = 0
        for number, batch in enumerate(batches):
            keys = [one.key for one in batch]
            count = await self.place.world.owner.fetchval(
                "SELECT count(*) FROM receipt WHERE tenant_id = $1 AND key = ANY ($2)", self.tenant, keys
            )
            assert count in (0, len(batch)), "whole or not at all"
            assert count or number >= wanted, "what was said to be done is done"
            there += bool(count)
            assert await self.take(batch) is (count == 0)
            self.paid(batch)
        ours.close()
        self.done["payments"] += sum(map(len, batches))
        self.done["duplicates"] += there * len(batches[0])
        self.done["process kills"] += 1

    async def left_alone(self) -> bool:
        """What the killed process was at is done, or is not."""
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
        return int(await self.killer.fetchval(asked, CHILD)) == 0

    # the books --------------------------------------------------------------------------------------------------------------

    async def seen(self) -> Seen:
        owner = self.place.world.owner
        unbalanced = await owner.fetchval(UNBALANCED, self.tenant, self.looked)
        for row in await owner.fetch(SUMS, self.tenant, self.looked):
            self.sums[row["name"]] += row["fen"]
            if row["account_id"] is not None:
                name = {"customers": "balance"}.get(row["name"], row["name"])
                self.of_accounts.setdefault(row["account_id"], Counter())[name] -= row["fen"]
        self.looked = await owner.fetchval(
            "SELECT coalesce(max(entry_id), 0) FROM ledger_entry WHERE tenant_id = $1", self.tenant
        )
        receipts = dict[str, list[tuple[int, int]]]()
        for row in await owner.fetch(RECEIPTS, self.tenant, list(self.town.receipts)):
            receipts.setdefault(row["key"], []).append((row["account_id"], row["fen"]))
        days = dict[tuple[int, int], tuple[int, int, int]]()
        for row in await owner.fetch(DAYS, self.tenant, self.town.open_day):
            assert row["newest"] == row["versions"], "versions follow each other"
            days[row["account_id"], row["day"]] = (row["fen"], row["day_fen"], row["litres"])
        return Seen(unbalanced, self.sums, self.of_accounts, receipts, days)

    async def check(self, what: str) -> None:
        """All of it, after all that was read is deducted."""
        await self.deducted()
        assert not (told := faults(self.town.expected(), await self.seen())), (what, told[:5])
        self.town.receipts.clear()

    async def month(self) -> None:
        """A month of operations, in an order by chance, and its bills."""
        end = first_of_month(self.town.open_day, 1)
        acts: list[Callable[[], Any]] = [
            lambda: self.correct(max(1, self.count // 10)), lambda: self.correct(max(1, self.count // 10)), self.pay, self.pay,
            self.pay, self.give_back, self.change_price, self.exchange, self.exchange, self.killed_paying, self.killed_deducting,
        ]  # fmt: skip
        self.rng.shuffle(acts)
        for number, act in enumerate(acts):
            if number in (0, 4, 8):
                await self.read(end if number == 8 else min(end, self.town.until + self.rng.randint(1, 12)))
            await act()
            await self.check(getattr(act, "__name__", "correct"))
        await self.bill()
        self.looked, self.sums, self.of_accounts = 0, Counter(), {}  # all of it anew
        await self.check("bill")


@asynccontextmanager
async def walking(world: World, clickhouse: ClickHouse, first: date | None, accounts: int, seed: int) -> Any:
    utility = await world.utility()
    async with world.client(await world.user(utility, "operator")) as clerk, world.client(utility.token) as chief:
        place = Town(world, clickhouse, utility)
        walk = Walk(place, clerk, chief, first or place.before, accounts, seed)
        walk.user, walk.today = utility.ids["user_id"], date_to_day(place.today)
        walk.killer = await asyncpg.connect(world.urls.postgres_api)  # one may end what is one's own
        try:
            await walk.built()
            yield walk
        finally:
            await walk.killer.close()

# SPDX-License-Identifier: Apache-2.0
"""Bill runs, corrections, the counter and arrears through the API, over real engines: once for each day, whoever is killed or asks twice."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.billing.decide import AccountMonth, Plans, Refused
from openmains.app.billing.decide_many import PlainMonth, decide_many
from openmains.app.billing.rows import BillRow
from openmains.app.billing.run import Running
from openmains.app.job.ports import ClaimedJob, JobCancelled
from openmains.domain.ids import TenantId
from openmains.domain.period import date_to_day, day_to_date, zone
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.test_ledger import balanced
from tests.edges.http.test_tariffs import days, made, problem
from tests.edges.http.world import Utility, World, new_meter

TIERS = {
    "bounds_m3": ["10"],
    "components": [{"name": "water", "prices": ["1", "2"]}, {"name": "sewage", "prices": ["0.5", "0.5"]}],
    "late_fee": {"per_day": "0.01", "grace_days": 0, "cap": "0.2"},
}


class Context:
    """``JobContext`` of a test: stops after so many parts."""

    def __init__(self, tenant_id: int, run_id: int, parts: int = 10**6) -> None:
        self.job = ClaimedJob(1, TenantId(tenant_id), "bill_run", {"run_id": run_id}, "", 0.0)
        self.parts = parts
        self.done = (0, 0)

    def progress(self, done: int, total: int) -> None:
        self.done = (done, total)

    def should_stop(self) -> bool:
        self.parts -= 1
        return self.parts < 0


class Town:
    """A utility whose accounts 1 to N pay by one tariff, each with a meter and days of two months."""

    def __init__(self, world: World, clickhouse: ClickHouse, utility: Utility) -> None:
        self.world, self.clickhouse, self.utility = world, clickhouse, utility
        self.today = day_to_date(zone("Asia/Shanghai").day_of(world.deps.now_s()))
        self.month = (self.today.replace(day=1) - timedelta(days=1)).replace(day=1)
        self.before = (self.month - timedelta(days=1)).replace(day=1)
        self.meters: list[int] = []

    async def built(self, clerk: httpx.AsyncClient, chief: httpx.AsyncClient, accounts: int) -> "Town":
        body = {"code": "W1", "name": "household", "medium": "gas", "customer_class": "resident"}
        self.tariff = (await made(clerk, "/tariffs", body))["tariff_id"]
        plan = {"from_day": "2020-01-01", "document": {**TIERS, "cycle_months": 1}, "reason": "notice of 2020"}
        drafted = await made(clerk, f"/tariffs/{self.tariff}/plans", plan)
        await made(chief, f"/tariff-plans/{drafted['plan_id']}/approve", {"reason": "as decided"})
        for _ in range(accounts):
            meter = await made(clerk, "/meters", new_meter(self.utility))
            self.driver = meter["driver"]
            self.meters.append(meter["meter_id"])
        pages = self.world.deps.drivers.pages()
        self.unit = 10 ** -next(page.unit_exponent for page in pages if page.name == self.driver)
        members = [
            {"account_id": number, "meter_id": meter, "began": "2024-01-02"}
            for number, meter in enumerate(self.meters, 1)
        ]
        entries = {"members": members, "from_day": "2024-01-02", "reason": "all of them"}
        answer = await clerk.post(f"/tariffs/{self.tariff}/members", json=entries)
        assert answer.status_code == 204, answer.text
        return self

    async def days(self, account: int, first: date, count: int, litres: int, **more: Any) -> None:
        await days(self.clickhouse, self.utility, self.meters[account - 1], first, count, litres * self.unit // 1000)

    async def whole_months(self, account: int, litres: int) -> None:
        await self.days(account, self.before, (self.today.replace(day=1) - self.before).days, litres)

    async def decide(
        self, accounts: Sequence[AccountMonth | PlainMonth], plans: Plans, month: int, end_day: int
    ) -> list[BillRow | Refused | None]:
        return decide_many(accounts, plans, month, end_day)

    def running(self, run_id: int, accounts: int = 2) -> Running:
        deps = self.world.deps
        assert deps.billed_days is not None
        units = {page.name: page.unit_exponent for page in deps.drivers.pages()}
        return Running(
            deps.store, deps.billed_days, self.decide, units.__getitem__, deps.now_us, TenantId(self.utility.tenant_id),
            run_id, accounts,
        )  # fmt: skip

    async def run(self, chief: httpx.AsyncClient, month: date, **more: Any) -> dict[str, Any]:
        body = {"month": month.isoformat()[:7], "due_days": 0, "reason": "month end"} | more
        started = await made(chief, "/bill-runs", body)
        context = Context(self.utility.tenant_id, started["run_id"])
        await self.running(started["run_id"]).run(context)
        return await done_(chief, f"/bill-runs/{started['run_id']}")


async def done_(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@asynccontextmanager
async def town(
    world: World, clickhouse: ClickHouse, accounts: int
) -> AsyncIterator[tuple[Town, httpx.AsyncClient, httpx.AsyncClient]]:
    """It, a clerk (operator) and their chief (administrator)."""
    utility = await world.utility()
    async with world.client(await world.user(utility, "operator")) as clerk, world.client(utility.token) as chief:
        yield await Town(world, clickhouse, utility).built(clerk, chief, accounts), clerk, chief


async def test_a_month_is_billed_once_whoever_is_killed(world: World, clickhouse: ClickHouse) -> None:
    async with town(world, clickhouse, 6) as (place, clerk, chief):
        length = (place.today.replace(day=1) - place.month).days
        for account in range(1, 6):
            await place.whole_months(account, 100 * account)
        await place.days(6, place.month, length - 1, 100)
        month = place.month.isoformat()[:7]
        body = {"month": month, "due_days": 10, "reason": "month end"}
        assert problem(await clerk.post("/bill-runs", json=body)) == "not-allowed"
        assert problem(await chief.post("/bill-runs", json={**body, "reason": ""})) == "reason-needed"
        running = {**body, "month": place.today.isoformat()[:7]}
        assert problem(await chief.post("/bill-runs", json=running)) == "month-running"
        assert (await chief.post("/bill-runs", json={**body, "month": "2026-13"})).status_code == 400
        started = await made(chief, "/bill-runs", body)
        run_id = started["run_id"]
        assert problem(await chief.post("/bill-runs", json=body)) == "run-in-progress"

        # killed in the middle: what was written stays, and the next runner goes on behind it
        with pytest.raises(JobCancelled):
            await place.running(run_id).run(Context(place.utility.tenant_id, run_id, parts=1))
        assert (await done_(chief, f"/bill-runs/{run_id}"))["bills"] == 2
        two = [place.running(run_id), place.running(run_id)]  # and where two take it up, one of them gives way
        contexts = [Context(place.utility.tenant_id, run_id) for _ in two]
        outcomes = await asyncio.gather(
            *(one.run(context) for one, context in zip(two, contexts, strict=True)), return_exceptions=True
        )
        assert {type(one) for one in outcomes} <= {dict, JobCancelled} and any(
            isinstance(one, dict) for one in outcomes
        )
        told = await done_(chief, f"/bill-runs/{run_id}")
        assert (told["state"], told["accounts"], told["bills"], told["refused"]) == ("done", 6, 5, 1)
        refused = (await done_(clerk, f"/bill-runs/{run_id}/refused"))["items"]
        last = (place.today.replace(day=1) - timedelta(days=1)).isoformat()
        assert [(one["account_id"], one["code"], one["day"], one["days"]) for one in refused] == [
            (6, "missing-days", last, 1)
        ]

        # the sums, in an account of plain arithmetic: 10 m3 at 1.50, what is above at 2.50
        bills = (await done_(clerk, "/bills", run_id=run_id))["items"]
        wanted = {
            account: min(length * account * 100, 10_000) * 150 + max(0, length * account * 100 - 10_000) * 250
            for account in range(1, 6)
        }
        assert {one["account_id"]: one["total_fen"] * 1000 for one in bills} == wanted
        assert told["total_fen"] * 1000 == sum(wanted.values())
        sums = await balanced(world, place.utility)
        assert sums == {"receivable": told["total_fen"], "revenue": -told["total_fen"]}
        days_ = {"from": place.month.isoformat(), "to": last}
        assert (await done_(clerk, "/ledger/trial-balance", **days_))["debit"] == told["total_fen"]  # in its own month

        # one is told line by line, and is the same again
        bill = await done_(clerk, f"/bills/{bills[0]['bill_id']}")
        assert (
            sum(line["fen"] for line in bill["lines"]) == bill["head"]["total_fen"] == sum(bill["components"].values())
        )
        assert bill["cited"][0]["versions"] == [1] * length
        again = await done_(clerk, f"/bills/{bills[0]['bill_id']}/recomputed")
        assert (again["same"], again["newer"], again["recomputed_fen"]) == (True, [], bill["head"]["total_fen"])

        # run again: nothing twice; the account whose day came is billed
        again_run = await place.run(chief, place.month, due_days=10)
        assert (again_run["bills"], again_run["billed_before"], again_run["refused"]) == (0, 5, 1)
        await place.days(6, place.month, length, 100)
        third = await place.run(chief, place.month, due_days=10)
        assert (third["bills"], third["refused"]) == (1, 0)
        assert (await balanced(world, place.utility))["receivable"] == told["total_fen"] + wanted[1] // 1000
        trail = {entry["action"] for entry in (await done_(chief, "/audit", limit=100))["items"]}
        assert "start_bill_run" in trail
    async with world.client(world.b.token) as stranger:
        for path in (f"/bill-runs/{run_id}", f"/bill-runs/{run_id}/refused", f"/bills/{bills[0]['bill_id']}"):
            assert problem(await stranger.get(path)) == "not-found"


async def test_a_failure_stops_a_run_which_is_resumed(world: World, clickhouse: ClickHouse) -> None:
    async with town(world, clickhouse, 3) as (place, _, chief):
        for account in (1, 2, 3):
            await place.whole_months(account, 100)
        body = {"month": place.month.isoformat()[:7], "reason": "month end"}
        run_id = (await made(chief, "/bill-runs", body))["run_id"]
        broken = place.running(run_id, 2)
        whole = place.decide

        async def fails(accounts: Sequence[AccountMonth | PlainMonth], *more: Any) -> list[BillRow | Refused | None]:
            if accounts[0].account_id == 3:
                raise OSError("no memory")
            return await whole(accounts, *more)

        broken._decide = fails
        with pytest.raises(OSError, match="no memory"):
            await broken.run(Context(place.utility.tenant_id, run_id))
        assert (await done_(chief, f"/bill-runs/{run_id}"))["state"] == "stopped"
        assert problem(await chief.post(f"/bill-runs/{run_id}/resume", json={})) == "reason-needed"
        await made(chief, f"/bill-runs/{run_id}/resume", {"reason": "more memory"})
        await place.running(run_id).run(Context(place.utility.tenant_id, run_id))
        told = await done_(chief, f"/bill-runs/{run_id}")
        assert (told["state"], told["bills"]) == ("done", 3)
        assert problem(await chief.post(f"/bill-runs/{run_id}/resume", json={"reason": "again"})) == "already-done"
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await world.owner.execute("UPDATE bill SET total_fen = 1 WHERE run_id = $1", run_id)
        # a bill past the program: its entry must ask this account for this sum, and all it leads to must be there
        columns = [
            row[0]
            for row in await world.owner.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = 'bill' AND column_name NOT IN ('bill_id', 'version')"
            )
        ]
        for wrong in (
            "total_fen = total_fen + 1",
            "account_id = 2",
            "entry_id = 1",
            "tariff_id = 2147483647",
            "run_id = 9007199254740991",
        ):
            name, _, value = wrong.partition(" = ")
            put = ", ".join(value if column == name else column for column in columns)
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await world.owner.execute(
                    f"INSERT INTO bill ({', '.join(columns)}, version) SELECT {put}, 9 FROM bill WHERE run_id = $1 AND account_id = 1",  # noqa: S608 - names of columns
                    run_id,
                )


async def test_a_day_read_later_corrects_the_bills_after_it(world: World, clickhouse: ClickHouse) -> None:
    async with town(world, clickhouse, 1) as (place, clerk, chief):
        await place.whole_months(1, 500)
        await place.run(chief, place.before)
        await made(clerk, "/shifts", {"float_fen": 0})
        paid = await take(clerk, 1, 100_000)
        await place.run(chief, place.month)
        heads = (await done_(clerk, "/bills", account_id=1))["items"]
        assert [head["open_fen"] for head in heads] == [0, 0]
        before = await balanced(world, place.utility)
        month = place.before.isoformat()[:7]
        ask = {"account_id": 1, "month": month, "reason": "the meter was read after all"}
        assert await done_(clerk, f"/accounts/1/corrections/{month}") == []
        assert problem(await clerk.post("/bill-corrections", json=ask)) == "nothing-to-correct"

        await later_version(place, place.before + timedelta(days=3), 2)
        again = await done_(clerk, f"/bills/{heads[1]['bill_id']}/recomputed")
        assert again["same"] and again["newer"] == [[place.meters[0], (place.before + timedelta(days=3)).isoformat()]]
        shown = await done_(clerk, f"/accounts/1/corrections/{month}")
        assert [(one["month"], one["version"], one["after_fen"] - one["before_fen"]) for one in shown] == [
            (month, 2, 1500 * 250 // 1000)
        ]
        asked = await made(clerk, "/bill-corrections", ask)
        assert problem(await clerk.post("/bill-corrections", json=ask)) == "correction-waits"
        path = f"/bill-corrections/{asked['correction_id']}"
        assert problem(await clerk.post(f"{path}/approve", json={"reason": "mine"})) == "not-allowed"
        done_now = await made(chief, f"{path}/approve", {"reason": "seen the photo"})
        assert (done_now["state"], done_now["bills"]) == ("approved", shown)
        assert problem(await chief.post(f"{path}/approve", json={"reason": "again"})) == "already-done"

        heads = (await done_(clerk, "/bills", account_id=1))["items"]
        assert [(head["month"], head["version"], head["superseded"], head["open_fen"]) for head in heads] == [
            (month, 2, False, 0), (place.month.isoformat()[:7], 1, False, 0), (month, 1, True, 0),
        ]  # fmt: skip
        assert (await done_(clerk, f"/bills/{heads[0]['bill_id']}"))["reason"] == ask["reason"]
        after = await balanced(world, place.utility)
        more = 375 + 75  # and the late fee that was paid with it is a share of the bill: 20 % at the most
        assert after["credit"] - before["credit"] == more and after.get("receivable", 0) == 0
        assert after["cash"] == paid["fen"]
        own = await made(chief, "/shifts", {"float_fen": 0})
        assert own["expected_fen"] == 0
        entry = (await done_(clerk, "/ledger/entries", kind="bill"))["items"][0]
        reverse = {"key": "r-1-1", "kind": "reversal", "reverses": entry["entry_id"], "reason": "past the bill"}
        assert problem(await clerk.post("/ledger/acts", json=reverse)) == "reversed-elsewhere"


async def later_version(place: Town, day: date, cubic_metres: int) -> None:
    await place.clickhouse.insert(
        "meter_day",
        {
            "tenant_id": [place.utility.tenant_id], "meter_id": [place.meters[0]], "day": [day], "area_id": [1], "product_id": [1],
            "base": [0], "interval_s": [86400], "increments": [[cubic_metres * place.unit]], "quality": [[0]],
            "total": [cubic_metres * place.unit], "flags": [0], "slots": [1], "measured": [1], "received_s": [1_700_000_001],
            "version": [2],
        },
    )  # fmt: skip


async def take(clerk: httpx.AsyncClient, account: int, fen: int, **more: Any) -> dict[str, Any]:
    body = {"key": secrets.token_hex(8), "account_id": account, "channel": "cash", "fen": fen} | more
    return await made(clerk, "/receipts", body)


async def test_the_counter_takes_once_and_gives_back_by_two_persons(world: World, clickhouse: ClickHouse) -> None:
    async with (
        town(world, clickhouse, 2) as (place, clerk, chief),
        world.client(await world.user(place.utility, "operator")) as other,
    ):
        await place.whole_months(1, 500)
        await place.whole_months(2, 100)
        run = await place.run(chief, place.before)
        bills = {one["account_id"]: one for one in (await done_(clerk, "/bills", run_id=run["run_id"]))["items"]}
        owed = bills[1]["total_fen"]

        # arrears: by age, class and area, with the late fee as of today
        late = (place.today - date.fromisoformat(bills[1]["due_day"])).days
        rows = (await done_(clerk, "/arrears"))["items"]
        assert [(row["account_id"], row["open_fen"], row["bills"]) for row in rows] == [
            (1, owed, 1), (2, bills[2]["total_fen"], 1),
        ]  # fmt: skip
        fee = min(round(owed * (late - 1) * 0.01), round(owed * 0.2))
        assert (rows[0]["age_days"], rows[0]["fee_fen"]) == (late, fee)
        assert [row["area"] for row in rows] == ["North", "North"]
        first = await done_(clerk, "/arrears", limit=1)
        assert [
            row["account_id"] for row in (await done_(clerk, "/arrears", limit=1, cursor=first["next"]))["items"]
        ] == [2]
        for nothing in ({"least_days": late + 1}, {"customer_class": "special"}, {"area_id": 2**31 - 1}):
            assert (await done_(clerk, "/arrears", **nothing))["items"] == []

        assert (
            problem(await clerk.post("/receipts", json={"key": "none", "account_id": 1, "channel": "cash", "fen": 1}))
            == "shift-needed"
        )
        shift = await made(clerk, "/shifts", {"float_fen": 20_000})
        assert problem(await clerk.post("/shifts", json={"float_fen": 0})) == "shift-open"
        await made(other, "/shifts", {"float_fen": 0})

        # two clerks, the same account, the same second: one wins, the other is told, and takes nothing
        seen = {"seen_owed_fen": owed, "seen_credit_fen": 0}
        bodies = [{"key": f"till-{n}", "account_id": 1, "channel": "cash", "fen": owed + fee, **seen} for n in (1, 2)]
        answers = await asyncio.gather(clerk.post("/receipts", json=bodies[0]), other.post("/receipts", json=bodies[1]))
        assert sorted(one.status_code for one in answers) == [201, 409]
        loser = next(one for one in answers if one.status_code == 409)
        assert problem(loser) == "account-changed"
        receipt = next(one for one in answers if one.status_code == 201).json()
        assert [(item["of_fee"], item["fen"]) for item in receipt["paid"]] == [(False, owed), (True, fee)]
        assert (receipt["owed_fen"], receipt["credit_fen"]) == (0, 0)
        winner, body = (clerk, bodies[0]) if answers[0].status_code == 201 else (other, bodies[1])
        assert await made(winner, "/receipts", body) == receipt  # the same number again
        assert problem(await winner.post("/receipts", json={**body, "fen": 1})) == "receipt-key-used"
        sums = await balanced(world, place.utility)
        assert (sums["cash"], sums["late_fee"]) == (owed + fee, -fee)
        text = (await winner.get(f"/receipts/{receipt['receipt_id']}/text", headers={"Accept-Language": "zh"})).text
        assert "收款收据" in text and f"{owed // 100}.{owed % 100:02d}" in text

        # given back: asked for by one, agreed to by another, out of the open till
        path = f"/receipts/{receipt['receipt_id']}/return"
        assert problem(await winner.post(path, json={})) == "reason-needed"
        asked = await made(winner, path, {"reason": "another account was meant"})
        assert problem(await winner.post(path, json={"reason": "twice"})) == "return-waits"
        decide = f"/payment-returns/{asked['return_id']}"
        assert problem(await other.post(f"{decide}/approve", json={"reason": "mine"})) == "not-allowed"
        back = await made(chief, f"{decide}/approve", {"reason": "seen"})
        assert back["state"] == "approved"
        assert problem(await chief.post(f"{decide}/approve", json={"reason": "seen"})) == "already-done"
        assert (await done_(clerk, f"/receipts/{receipt['receipt_id']}"))["returned"] is True
        held = await done_(clerk, "/ledger/customers/1")
        assert (held["owed_fen"], held["credit_fen"]) == (owed + fee, 0)
        mine = await done_(winner, "/shifts/mine")
        assert (mine["cash_in_fen"], mine["cash_out_fen"]) == (owed + fee, owed + fee)

        # credit that paid a later bill comes back out of it
        ahead = await take(clerk, 2, 50_000, channel="bank")
        await place.run(chief, place.month)
        assert (await done_(clerk, "/ledger/customers/2"))["owed_fen"] == 0
        asked = await made(clerk, f"/receipts/{ahead['receipt_id']}/return", {"reason": "bank called it back"})
        await made(chief, f"/payment-returns/{asked['return_id']}/approve", {"reason": "seen"})
        owing = await done_(clerk, "/ledger/customers/2")
        assert owing["credit_fen"] == 0 and owing["owed_fen"] > bills[2]["total_fen"]
        await balanced(world, place.utility)

        # the shift is closed with what was counted, and a difference is said why
        expected = (await done_(clerk, "/shifts/mine"))["expected_fen"]
        assert (
            problem(await clerk.post("/shifts/mine/close", json={"counted_fen": expected - 5}))
            == "difference-unexplained"
        )
        closed = await made(clerk, "/shifts/mine/close", {"counted_fen": expected - 5, "note": "a coin was lost"})
        assert (closed["shift_id"], closed["difference_fen"]) == (shift["shift_id"], -5)
        assert await done_(clerk, "/shifts/mine") is None
        assert problem(await clerk.post("/shifts/mine/close", json={"counted_fen": 0})) == "shift-needed"
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await world.owner.execute("UPDATE till_shift SET note = 'x' WHERE shift_id = $1", shift["shift_id"])
        assert date_to_day(place.today) > 0

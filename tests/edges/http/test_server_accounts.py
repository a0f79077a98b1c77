# SPDX-License-Identifier: Apache-2.0
"""Charging at the server over real engines: the balance falls with what is read, once for each version of a day whoever is killed or asks
twice; the bill takes the deductions' place; who is below the limit is in arrears by the balance, and out of them by paying."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import httpx
import pytest

from openmains.app.billing.changed_days import follow_changes
from openmains.app.billing.decide import Plans
from openmains.app.billing.deduct import METERS, DeductSources, TurnMade, deduct_part, deduct_turn
from openmains.app.billing.deductions import Deducted, ToDeduct, deduct_many
from openmains.app.billing.server_ports import ServerAccountStore
from openmains.domain.ids import TenantId
from openmains.domain.period import date_to_day
from openmains.edges.clickhouse.changes import ClickHouseChanges
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.billing.server import PostgresServerWork
from tests.edges.http.test_billing import Town, done_, town
from tests.edges.http.test_command import key
from tests.edges.http.test_ledger import balanced
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import World

ZONE = "Asia/Shanghai"
REASON = {"reason": "as agreed with the customer"}


class Charged:
    """A town whose accounts are charged at the server, and its turns."""

    def __init__(self, place: Town, clerk: httpx.AsyncClient, chief: httpx.AsyncClient) -> None:
        self.place, self.clerk, self.chief = place, clerk, chief
        self.tenant = TenantId(place.utility.tenant_id)
        self.killed = False

    async def decide(self, accounts: Sequence[ToDeduct], plans: Plans) -> list[Deducted]:
        return deduct_many(accounts, plans)

    async def turn(self) -> TurnMade:
        deps = self.place.world.deps
        assert deps.billed_days is not None
        units = {page.name: page.unit_exponent for page in deps.drivers.pages()}
        changes = ClickHouseChanges(self.place.clickhouse)
        sources = DeductSources(deps.billed_days, changes, units.__getitem__, self.decide)
        return await deduct_turn(deps.store, sources, [(self.tenant, ZONE)], deps.now_us())

    async def charge(self, *accounts: int, since: date | None = None, **more: Any) -> None:
        """From a day on; one that is longer ago than may be asked for as if it had been asked for then."""
        body = {"account_ids": accounts, "since_day": self.place.today.isoformat(), "warn_fen": 1000, **REASON} | more
        assert (await made_(self.chief, "/server-accounts", body))["accounts"] == len(accounts)
        if since is not None:
            await self.place.world.owner.execute(
                "UPDATE server_account SET since_day = $3, open_day = $3 WHERE tenant_id = $1 AND account_id = ANY ($2)",
                self.tenant,
                accounts,
                date_to_day(since),
            )

    async def pay(self, account: int, fen: int) -> dict[str, Any]:
        return await made(self.clerk, "/receipts", {"key": key(), "account_id": account, "channel": "bank", "fen": fen})

    async def account(self, account: int) -> dict[str, Any]:
        (found,) = (await done_(self.clerk, "/server-accounts", account_id=account))["items"]
        return found  # type: ignore[no-any-return]

    async def days(self, account: int) -> list[dict[str, Any]]:
        return (await done_(self.clerk, f"/accounts/{account}/deductions", limit=500))["items"]  # type: ignore[no-any-return]

    async def held(self, account: int) -> tuple[int, int]:
        found = await done_(self.clerk, f"/ledger/customers/{account}")
        return found["credit_fen"], found["owed_fen"]

    async def corrected(self, account: int, day: date, litres: int, version: int) -> None:
        """A newer version of a day, told as the pipeline would tell it."""
        meter, total = self.place.meters[account - 1], litres * self.place.unit // 1000
        row = {
            "tenant_id": [self.tenant], "meter_id": [meter], "day": [day], "area_id": [1], "product_id": [1], "base": [0],
            "interval_s": [86400], "increments": [[total]], "quality": [[0]], "total": [total], "flags": [0], "slots": [1], "measured": [1],
            "received_s": [1_700_000_000], "version": [version],
        }  # fmt: skip
        await self.place.clickhouse.insert("meter_day", row)
        deps = self.place.world.deps

        class Told:
            async def meters(self, *_: Any) -> list[int]:
                after = _[4]
                return [meter] if after < meter else []

        owner = self.place.world.owner
        await owner.execute(
            "INSERT INTO pipeline_position (shard, stream, position) VALUES (977, 'x', 1) ON CONFLICT DO NOTHING"
        )
        await owner.execute(
            "INSERT INTO deduction_place VALUES ($1, 977, -1) ON CONFLICT (tenant_id, shard) DO UPDATE SET position = -1",
            self.tenant,
        )
        await follow_changes(deps.store, Told(), self.tenant, ServerAccountStore, METERS)  # type: ignore[arg-type]


async def made_(client: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@asynccontextmanager
async def charged(world: World, clickhouse: ClickHouse, accounts: int) -> AsyncIterator[Charged]:
    async with town(world, clickhouse, accounts) as (place, clerk, chief):
        yield Charged(place, clerk, chief)


async def test_what_is_read_is_deducted_once_and_the_bill_takes_its_place(world: World, clickhouse: ClickHouse) -> None:
    async with charged(world, clickhouse, 2) as one:
        place = one.place
        month, now = place.month, place.today.replace(day=1)
        await place.days(1, month, (place.today - month).days, 400)
        await place.days(2, month, (now - month).days - 1, 400)
        await one.pay(1, 50_000)
        await _asked_for(one)
        await one.charge(1, 2, since=month)
        done = await one.turn()
        assert done.accounts == 2 and done.versions == (place.today - month).days + (now - month).days - 1
        first = await one.account(1)
        taken = first["deducted_fen"]
        assert first["balance_fen"] == 50_000 - taken and taken > 0 and first["why"] == ""
        assert (
            first["open_day"] == place.today.isoformat()
            and first["last_day"] == (place.today - timedelta(days=1)).isoformat()
        )
        assert await one.held(1) == (50_000 - taken, 0)
        second = await one.account(2)
        assert (second["why"], second["open_day"]) == ("missing-days", (now - timedelta(days=1)).isoformat())
        doubts = (await done_(one.clerk, "/server-accounts", in_doubt=True))["items"]
        assert [row["account_id"] for row in doubts] == [2]
        assert (await one.turn()).versions == 0, "nothing twice"
        await place.world.owner.execute("UPDATE server_account SET is_due = true WHERE tenant_id = $1", one.tenant)
        assert (await one.turn()).versions == 0, "read again: nothing twice"

        await _corrected(one, month)
        await _billed(one, month, now)


async def _asked_for(one: Charged) -> None:
    body = {"account_ids": [1], "since_day": one.place.today.isoformat(), "warn_fen": 0, **REASON}
    assert problem(await one.clerk.post("/server-accounts", json=body)) == "not-allowed"
    assert problem(await one.chief.post("/server-accounts", json={**body, "reason": ""})) == "reason-needed"
    for wrong in ({"account_ids": [1, 987_654]}, {"since_day": "2020-01-01"}, {"warn_fen": -1}):
        assert problem(await one.chief.post("/server-accounts", json={**body, **wrong})) == "invalid-input"


async def _corrected(one: Charged, month: date) -> None:
    """Whoever is killed before the commit has done nothing, and of two at once one does it."""
    before, day = await one.account(1), month + timedelta(days=2)
    await one.corrected(1, day, 900, 2)

    async def killed(accounts: Sequence[ToDeduct], plans: Plans) -> list[Deducted]:
        raise RuntimeError("killed")

    one.decide, alive = killed, one.decide  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        await one.turn()
    one.decide = alive  # type: ignore[method-assign]
    assert await one.account(1) == before
    two = await asyncio.gather(one.turn(), one.turn())
    after = await one.account(1)
    assert sum(done.fen for done in two) == after["deducted_fen"] - before["deducted_fen"] > 0
    versions = [row for row in await one.days(1) if row["day"] == day.isoformat()]
    assert [(row["version"], row["superseded"]) for row in versions] == [(2, False), (1, True)]
    assert versions[0]["fen"] == versions[0]["day_fen"] - versions[1]["day_fen"] and versions[0]["volume_m3"] == "0.9"
    for statement in ("UPDATE deduction SET fen = 0", "DELETE FROM deduction"):
        with pytest.raises(Exception, match="never"):
            await one.place.world.owner.execute(f"{statement} WHERE tenant_id = $1", one.tenant)


async def _billed(one: Charged, month: date, now: date) -> None:
    place, before = one.place, await one.account(1)
    deducted = sum(row["fen"] for row in await one.days(1) if row["day"] < now.isoformat())
    run = await place.run(one.chief, month)
    assert (run["bills"], run["refused"]) == (1, 1)
    (bill,) = (await done_(one.clerk, "/bills", run_id=run["run_id"]))["items"]
    assert bill["total_fen"] == deducted, "the deductions of a month are its bill to the fen"
    assert bill["open_fen"] == 0 and run["settled_fen"] == deducted
    after = await one.account(1)
    assert after["balance_fen"] == before["balance_fen"], "the bill moves no balance"
    assert after["deducted_fen"] == before["deducted_fen"] - deducted
    assert (await place.run(one.chief, month))["bills"] == 0
    assert (await one.turn()).versions == 0 and await one.account(1) == after
    sums = await balanced(place.world, place.utility)
    second = await one.account(2)
    assert sums["revenue"] == -bill["total_fen"] and sums["deducted"] == -after["deducted_fen"] - second["deducted_fen"]
    assert {row["is_billed"] for row in await one.days(1) if row["day"] < now.isoformat()} == {True}
    # the day that lacked is filled: deducted, and billed by the next run
    await place.days(2, now - timedelta(days=1), 1, 400)
    await place.world.owner.execute("UPDATE server_account SET is_due = true WHERE tenant_id = $1", one.tenant)
    assert (await one.turn()).versions == 1
    run = await place.run(one.chief, month)
    assert run["bills"] == 1
    third = await one.account(2)
    assert third["deducted_fen"] == 0 and await one.held(2) == (0, -third["balance_fen"]), "what was not paid is owed"


async def test_a_balance_below_the_limit_is_a_debt_until_it_is_paid(world: World, clickhouse: ClickHouse) -> None:
    async with charged(world, clickhouse, 3) as one:
        place, first = one.place, one.place.month
        for account in (1, 2, 3):
            await place.days(account, first, (place.today - first).days, 1000)
        await one.pay(1, 500_000)
        await one.charge(1, 2, since=first)
        await one.charge(3, since=first, limit_fen=1_000_000, warn_fen=0)
        await one.turn()
        stages = {row["account_id"]: row["stage"] for row in (await done_(one.clerk, "/server-accounts"))["items"]}
        assert stages == {1: "enough", 2: "below", 3: "low"}
        assert await PostgresServerWork(world.pipeline).charging() != []
        assert (await done_(one.clerk, "/arrears"))["items"] == [], "not before the day after"
        owed = -(await one.account(2))["balance_fen"]
        await world.owner.execute(
            "UPDATE server_account SET below_day = below_day - 3 WHERE account_id = 2 AND tenant_id = $1", one.tenant
        )
        (row,) = (await done_(one.clerk, "/arrears"))["items"]
        assert (row["account_id"], row["open_fen"], row["age_days"], row["customer_class"]) == (2, owed, 3, "resident")
        seen = await made(one.chief, "/arrears/simulation", {})
        assert [(count["reason"], count["owed_fen"]) for count in seen["counts"]] == [("no-rule", owed)]
        await one.pay(2, owed)
        assert (await done_(one.clerk, "/arrears"))["items"] == [], "paid: no debt from this moment on"
        await one.turn()
        assert (await one.account(2))["stage"] == "low" and (await one.account(2))["balance_fen"] == 0
        await one.pay(2, 1000)
        await one.turn()
        assert (await one.account(2))["stage"] == "enough", "exactly the warning level is enough"

        # a payment that was none is taken back whole, though a day of it was used: the balance is below 0
        wrong, before = await one.pay(1, 700_000), await one.account(1)
        await one.corrected(1, first, 5_000_000, 2)
        await one.turn()
        assert (await one.held(1))[0] < 700_000
        asked = await made(one.clerk, f"/receipts/{wrong['receipt_id']}/return", REASON)
        await made(one.chief, f"/payment-returns/{asked['return_id']}/approve", REASON)
        taken = (await one.account(1))["deducted_fen"] - before["deducted_fen"]
        assert (await one.account(1))["balance_fen"] == before["balance_fen"] - 700_000 - taken < 0
        entry = (await one.days(1))[0]["entry_id"]
        act = {"key": key(), "kind": "reversal", "reverses": entry, **REASON}
        assert problem(await one.clerk.post("/ledger/acts", json=act)) == "reversed-elsewhere"
        await balanced(world, place.utility)

        # ended: what was deducted stays, no day more is taken, and nothing is said of the balance
        ended = await made_(one.chief, "/server-accounts/end", {"account_ids": [3], **REASON})
        assert ended == {"accounts": 1}
        await one.corrected(3, place.today - timedelta(days=2), 2000, 2)
        await one.turn()
        after = await one.account(3)
        assert (after["until_day"], after["stage"]) == (place.today.isoformat(), "enough")
        assert (await one.days(3))[1]["version"] == 2, "a day before the end is corrected still"
        trail = {entry["action"] for entry in (await done_(one.chief, "/audit", limit=100))["items"]}
        assert {"charge_at_server", "end_server_charging"} <= trail
    async with world.client(world.b.token) as stranger:
        assert (await done_(stranger, "/server-accounts"))["items"] == []
        assert (await done_(stranger, "/accounts/1/deductions"))["items"] == []


class Counted:
    """What an account should have paid, in plain arithmetic: 10 m3 of a month at 1.50, what is above at 2.50, rounded once over all."""

    def __init__(self, month: date, now: date) -> None:
        self.month, self.now = month, now
        self.litres: dict[date, int] = {}
        self.paid = 0

    def used_fen(self) -> int:
        exact = Fraction(0)
        for first, end in ((self.month, self.now), (self.now, date.max)):
            whole = sum(litres for day, litres in self.litres.items() if first <= day < end)
            exact += Fraction(min(whole, 10_000) * 150 + max(0, whole - 10_000) * 250, 1000)
        return (exact + Fraction(1, 2)).__floor__()


async def test_whatever_comes_in_whatever_order_nothing_is_lost_or_doubled(
    world: World, clickhouse: ClickHouse
) -> None:
    """Days that come, are corrected, deducted, billed and paid at random, with turns that are killed: the balance is what was paid less what
    was used, to the fen, and the books add up after each."""
    chance = random.Random(16)  # noqa: S311 - the same walk each time
    async with charged(world, clickhouse, 2) as one:
        place = one.place
        month, now = place.month, place.today.replace(day=1)
        length, ended = (place.today - month).days, (now - month).days
        accounts = {number: Counted(month, now) for number in (1, 2)}
        await one.charge(*accounts, since=month)
        is_billed, version = False, 2
        for step in range(22):
            account = chance.choice(list(accounts))
            known = accounts[account].litres
            act = chance.choice(["read", "read", "correct", "correct", "pay", "turn", "killed"])
            if step == 12:  # whoever lags behind has the whole month, which is billed then
                act = "bill"
                for number, each in accounts.items():
                    for day in [month + timedelta(days=n) for n in range(len(each.litres), ended)]:
                        await place.days(number, day, 1, 300)
                        each.litres[day] = 300
            if act == "read":
                for _ in range(min(length - len(known), chance.randint(1, 15))):
                    day, litres = month + timedelta(days=len(known)), chance.randint(0, 1500)
                    await place.days(account, day, 1, litres)
                    known[day] = litres
            elif act == "correct":
                open_days = [day for day in known if not is_billed or day >= now]
                if open_days:
                    day, version = chance.choice(open_days), version + 1
                    known[day] = chance.randint(0, 1500)
                    await one.corrected(account, day, known[day], version)
            elif act == "pay":
                fen = chance.randint(1, 5000)
                await one.pay(account, fen)
                accounts[account].paid += fen
            elif act == "killed":
                await _killed(one)
            elif act == "bill":
                await _due(one)
                await one.turn()
                assert (await place.run(one.chief, month))["bills"] == len(accounts)
                is_billed = True
            await _due(one)
            await one.turn()
            for number, each in accounts.items():
                told = await one.account(number)
                assert told["balance_fen"] == each.paid - each.used_fen(), (step, act, number)
            sums = await balanced(world, place.utility)
            held = sum([(await one.account(number))["deducted_fen"] for number in accounts])
            assert -sums.get("revenue", 0) + held == sum(each.used_fen() for each in accounts.values()), (step, act)


async def _due(one: Charged) -> None:
    await one.place.world.owner.execute("UPDATE server_account SET is_due = true WHERE tenant_id = $1", one.tenant)


async def _killed(one: Charged) -> None:
    """A turn that ends when all is written and nothing is committed."""

    class KilledStore:
        def __init__(self, store: Any) -> None:
            self.store = store

        @asynccontextmanager
        async def tenant(self, tenant_id: TenantId) -> AsyncIterator[Any]:
            async with self.store.tenant(tenant_id) as work:
                yield work
                raise ConnectionError("killed")

    deps, units = one.place.world.deps, {page.name: page.unit_exponent for page in one.place.world.deps.drivers.pages()}
    assert deps.billed_days is not None
    sources = DeductSources(deps.billed_days, ClickHouseChanges(one.place.clickhouse), units.__getitem__, one.decide)
    await _due(one)
    with pytest.raises(ConnectionError):
        await deduct_part(
            KilledStore(deps.store), sources, one.tenant, date_to_day(one.place.today), 0, deps.now_us(), TurnMade()
        )

# SPDX-License-Identifier: Apache-2.0
"""Arrears through the API and the worker's day, over real engines: looked at before it is switched on, warned once, closed by nobody but a
person, and over with the debt."""

from datetime import date, timedelta
from typing import Any

import httpx

from openmains.app.arrears.jobs import arrears_handlers, follow_payments, queue_arrears
from openmains.app.arrears.nightly import DayMade, run_day
from openmains.domain.ids import TenantId
from openmains.domain.period import date_to_day, day_to_date, zone
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.test_billing import Town, done_, town
from tests.edges.http.test_command import key
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import World

RULE = {
    "warn_days": [1, 2],
    "close_days": 3,
    "grace_days": 1,
    "least_fen": 1,
    "most_closings": 1,
    "reason": "as decided",
}
REASON = {"reason": "as decided"}


class Arrears:
    """A town whose month is billed and not paid; ``monday`` is the first one after today."""

    def __init__(self, place: Town, chief: httpx.AsyncClient) -> None:
        self.place, self.chief = place, chief
        self.tenant = TenantId(place.utility.tenant_id)
        today = place.today
        self.monday = date_to_day(today + timedelta(days=7 - today.weekday()))

    async def day(self, after_monday: int) -> DayMade:
        deps = self.place.world.deps
        assert deps.command_drivers is not None
        return await run_day(deps.store, deps.command_drivers, self.tenant, self.monday + after_monday, deps.now_us())

    async def calendar(self, *off: int) -> None:
        """Both years that the week touches, with these days after Monday off."""
        days = [day_to_date(self.monday + one) for one in off]
        for year in {day_to_date(self.monday + add).year for add in (0, 10)}:
            entry = [{"day": one.isoformat(), "is_off": True, "name": "feast"} for one in days if one.year == year]
            answer = await self.chief.put(f"/days-off/{year}", json={"days": entry, **REASON})
            assert answer.status_code == 200, answer.text

    async def steps(self, **query: Any) -> list[dict[str, Any]]:
        return (await done_(self.chief, "/arrears-steps", **query))["items"]  # type: ignore[no-any-return]

    async def follow(self) -> int:
        deps = self.place.world.deps
        now_us = zone("Asia/Shanghai").at(self.monday + 3, 12) * 1_000_000
        return await follow_payments(deps.store, [(self.tenant, "Asia/Shanghai")], now_us)

    async def pay(self, clerk: httpx.AsyncClient, account: int) -> None:
        owed = (await done_(self.chief, f"/ledger/customers/{account}"))["owed_fen"]
        body = {"key": key(), "account_id": account, "channel": "bank", "fen": owed + 10_000}
        await made(clerk, "/receipts", body)


async def test_arrears_from_the_simulation_to_the_reopening(world: World, clickhouse: ClickHouse) -> None:
    async with town(world, clickhouse, 3) as (place, clerk, chief):
        for account in (1, 2, 3):
            await place.whole_months(account, 500)
        await place.run(chief, place.before)
        owing = Arrears(place, chief)
        await world.owner.execute(
            "WITH c AS (INSERT INTO customer (tenant_id, code, name, is_protected) VALUES ($1, 'P', 'P', true) RETURNING customer_id)"
            " UPDATE meter SET customer_id = c.customer_id FROM c WHERE meter_id = $2",
            place.utility.tenant_id,
            place.meters[2],
        )
        await _switched_on(clerk, chief)
        await _warned_and_proposed(owing)
        await _decided(owing, clerk)


async def _switched_on(clerk: httpx.AsyncClient, chief: httpx.AsyncClient) -> None:
    before = await made(chief, "/arrears/simulation", {})
    assert {(one["reason"], one["accounts"]) for one in before["counts"]} == {("no-rule", 3)}
    path = "/arrears-rules/resident"
    assert problem(await clerk.put(path, json=RULE)) == "not-allowed"
    assert problem(await chief.put(path, json={**RULE, "warn_days": []})) == "invalid-input"
    assert (await chief.put(path, json=RULE)).status_code == 200
    assert problem(await chief.post(f"{path}/switch", json={"is_on": True, **REASON})) == "not-simulated"
    seen = await made(chief, "/arrears/simulation", {})
    assert seen["is_whole"] and {one["reason"] for one in seen["accounts"]} == {"warning-due"}
    assert not any(one["is_on"] for one in seen["accounts"]) and [one["warning"] for one in seen["accounts"]] == [1] * 3
    on = await made(chief, f"{path}/switch", {"is_on": True, **REASON})
    assert on["is_on"] and on["is_simulated"]
    assert (await chief.put(path, json={**RULE, "most_closings": 1})).json()["is_on"] is False, "changed: off, and anew"
    assert problem(await chief.post(f"{path}/switch", json={"is_on": True, **REASON})) == "not-simulated"
    await made(chief, "/arrears/simulation", {})
    await made(chief, f"{path}/switch", {"is_on": True, **REASON})


async def _warned_and_proposed(owing: Arrears) -> None:
    assert await owing.day(0) == DayMade(3, 0), "the protected are warned too"
    assert await owing.day(0) == DayMade(0, 0), "run twice: nothing new"
    assert await owing.day(1) == DayMade(3, 0)
    assert await owing.day(2) == DayMade(0, 0), "grace"
    year = day_to_date(owing.monday).year
    assert problem(await owing.chief.get(f"/days-off/{year}")) == "not-found"
    assert await owing.day(3) == DayMade(0, 0), "the year's days off are not known"
    await owing.calendar(4)
    assert await owing.day(3) == DayMade(0, 0), "the eve of a day off"
    assert await owing.day(4) == DayMade(0, 0), "a day off"
    await owing.calendar()
    assert await owing.day(3) == DayMade(0, 1), "one a day, and the protected never"
    assert await owing.day(3) == DayMade(0, 0)
    (step,) = await owing.steps(kind="closing")
    assert (step["account_id"], step["state"], step["command_id"]) == (1, "open", None)
    assert step["meter_id"] == owing.place.meters[0]
    assert len(await owing.steps(kind="warning")) == 6
    wrong = {"days": [{"day": f"{year}-13-01", "is_off": True}], **REASON}
    assert problem(await owing.chief.put(f"/days-off/{year}", json=wrong)) == "invalid-input"


async def _decided(owing: Arrears, clerk: httpx.AsyncClient) -> None:
    chief, world, place = owing.chief, owing.place.world, owing.place
    (step,) = await owing.steps(kind="closing")
    path = f"/arrears-steps/{step['step_id']}"
    login = {"signer": {"login": "ann", "password": "x"}}
    assert problem(await chief.post(f"{path}/give", json={**login, "reason": ""})) == "reason-needed"
    answer = await chief.post(f"{path}/give", json={**login, **REASON})
    assert answer.status_code >= 400, "there is no signer that knows anybody here"
    assert (await owing.steps(kind="closing"))[0]["state"] == "open", "what was refused is open again"
    # held back: the day after nothing follows from account 2, and a person may end that again
    until = place.today + timedelta(days=60)
    hold = {"until": until.isoformat(), "reason": "promised to pay"}
    assert (await clerk.put("/accounts/2/arrears-hold", json=hold)).status_code == 204
    assert problem(await clerk.put("/accounts/2/arrears-hold", json={**hold, "until": "2020-01-01"})) == "invalid-input"
    seen = await made(chief, "/arrears/simulation", {})
    assert {one["account_id"]: one["reason"] for one in seen["accounts"]}[2] == "held"
    assert (await clerk.put("/accounts/2/arrears-hold", json={"until": None, **REASON})).status_code == 204
    assert problem(await clerk.put("/accounts/2/arrears-hold", json={"until": None, **REASON})) == "not-found"
    assert await owing.day(9) == DayMade(0, 1), "the other one, on the next Wednesday"
    second = next(one for one in await owing.steps(kind="closing") if one["account_id"] == 2)
    assert (await chief.post(f"/arrears-steps/{second['step_id']}/decline", json=REASON)).status_code == 204
    assert problem(await chief.post(f"/arrears-steps/{second['step_id']}/decline", json=REASON)) == "already-done"
    assert await owing.day(10) == DayMade(0, 0), "declined: not asked again for a week"

    command = await made(clerk, f"/meters/{place.meters[0]}/commands", {"kind": "read_now", "unique_key": key()})
    assert await owing.follow() == 0, "it is owed still"
    await world.owner.execute(
        "UPDATE arrears_step SET state = 'given', command_id = $2, decided_by = 1, decided_us = 1 WHERE step_id = $1",
        step["step_id"],
        command["command"]["command_id"],
    )
    await owing.pay(clerk, 1)
    assert await owing.follow() == 1 and await owing.follow() == 0
    (opening,) = await owing.steps(kind="reopening")
    assert (opening["account_id"], opening["state"]) == (1, "open")


async def test_the_day_is_queued_once(world: World, clickhouse: ClickHouse) -> None:
    class Queue:
        def __init__(self) -> None:
            self.keys: list[str] = []

        async def enqueue(self, tenant_id: int, kind: str, params: Any, *, now: float, unique_key: str) -> int | None:
            if unique_key in self.keys:
                return None
            self.keys.append(unique_key)
            return 1

    queue: Any = Queue()
    place = zone("Asia/Shanghai")
    day = date_to_day(date(2026, 11, 30))
    tenants = [(TenantId(1), "Asia/Shanghai")]
    assert await queue_arrears(queue, tenants, place.at(day, 7)) == 0, "not before people are there"
    assert [await queue_arrears(queue, tenants, place.at(day, hour)) for hour in (8, 12, 23)] == [1, 0, 0]
    assert await queue_arrears(queue, tenants, place.at(day + 1, 8)) == 1 and len(queue.keys) == 2
    assert set(arrears_handlers(world.deps.store, world.deps.command_drivers, world.deps.now_us)) == {"arrears"}  # type: ignore[arg-type]

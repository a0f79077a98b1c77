# SPDX-License-Identifier: Apache-2.0
"""Lives, installations and exchanges over real engines: one meter at one place, registers of an account whole, wrong pairs shown at once."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.fleet.imports.import_meters import import_meters
from openmains.app.identity.model import Actor
from openmains.app.party.change_accounts import change_account
from openmains.app.party.model import WantedAct
from openmains.app.problems import Problem
from openmains.domain.identity.role import Role
from openmains.domain.ids import AccountId, TenantId, UserId
from openmains.domain.party.accounts import ActKind
from openmains.edges.postgres.db import PIPELINE_ROLE, Pool, create_pool
from openmains.edges.postgres.fleet.imports import PostgresImport
from openmains.edges.postgres.fleet.search import renew_outdated
from tests.edges.http.world import Utility, World, new_meter
from tests.support.hanging import hang_all
from tests.support.personal import personal_vault

WHY = "work order 17"
DRIVER = "openmains/water-1"
ACCEPTED, OFF, BETWEEN = "2026-01-02T08:00:00+08:00", "2026-06-01T08:00:00+08:00", "2026-03-01T08:00:00+08:00"
ISSUED, HUNG, SWAPPED = "2025-12-02T08:00:00+08:00", "2026-01-01T08:00:00+08:00", "2026-03-01T09:30:00+08:00"


class Town:
    """A utility with a warehouse, premises and accounts, and two persons who act."""

    def __init__(self, world: World, utility: Utility, client: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
        self.world, self.utility, self.client, self.other = world, utility, client, other
        self.product = 0
        self.made = 0

    async def post(
        self, path: str, body: dict[str, Any], status: int = 200, by: httpx.AsyncClient | None = None
    ) -> Any:
        answer = await (by or self.client).post(path, json=body)
        assert answer.status_code in ({200, 201} if status == 200 else {status}), answer.text
        return answer.json()

    async def refused(self, path: str, body: dict[str, Any], by: httpx.AsyncClient | None = None) -> tuple[str, str]:
        answer = await (by or self.client).post(path, json=body)
        assert 400 <= answer.status_code < 500, answer.text
        told = answer.json()
        return told["type"].rsplit("/", 1)[-1], told["detail"]

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def account(self, medium: str = "water", opened: datetime = datetime(2015, 1, 1, tzinfo=UTC)) -> int:
        """An account of a new place, as the party's acts make it."""
        self.made += 1
        code = f"{self.utility.code}-{self.made}"
        place = await self.post(
            "/premises", {"code": code, "area_id": self.utility.ids["area_id"], "address": f"{code} 号"}, 201
        )
        tenant = self.utility.tenant_id
        async with self.world.owner.transaction():
            account_id = await self.world.owner.fetchval(
                "INSERT INTO account (tenant_id, number, premises_id, medium, opened_at) VALUES ($1, $2, $3, $4, $5) RETURNING account_id",
                tenant, code, place["premises_id"], medium, opened,
            )  # fmt: skip
            await self.world.owner.execute(
                "INSERT INTO account_act (tenant_id, account_id, kind, at, key) VALUES ($1, $2, 'open', $3, $4)",
                tenant, account_id, opened, code,
            )  # fmt: skip
        return int(account_id)

    async def stock(self, count: int = 1, **values: Any) -> list[str]:
        first = secrets.randbelow(10**9) * 100
        numbers = [f"{first + place:011d}" for place in range(count)]
        meters = [
            {"number": number, "bar_code": f"BC{number}", "product_id": self.product, "area_id": self.utility.ids["area_id"], **values}
            for number in numbers
        ]  # fmt: skip
        assert (await self.post("/stock", {"key": f"d{first}", "meters": meters, "at": "2025-12-01T08:00:00+08:00"}))[
            "meters"
        ] == count
        return numbers

    def issue_of(self, number: str, quantity: int = 1, **values: Any) -> dict[str, Any]:
        line = {"product": "w", "number": number, "quantity": quantity}
        return {
            "key": f"i{number}",
            "lines": [line],
            "person": "王师傅",
            "contractor": "安装队",
            "at": ISSUED,
            "reason": WHY,
        } | values

    async def issued(self, count: int = 1, **values: Any) -> list[str]:
        numbers = await self.stock(count, **values)
        assert (await self.post("/stock/issue", self.issue_of(numbers[0], count)))["meters"] == count
        return numbers

    def body(self, number: str, key: str = "", **values: Any) -> dict[str, Any]:
        return {"key": key or secrets.token_hex(8), "meter": {"number": number}, "reason": WHY} | values

    async def install(self, number: str, account_id: int, m3: str = "0", **values: Any) -> Any:
        opening = {"m3": m3, "source": "read"}
        return await self.post(
            "/installations", self.body(number, account_id=account_id, opening=opening, **values), 201
        )

    async def life(self, meter_id: int) -> Any:
        return await self.get(f"/meters/{meter_id}/life")


@pytest.fixture
async def pipeline_pool(world: World) -> AsyncIterator[Pool]:
    pool = await create_pool(world.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=1)
    yield pool
    await pool.close()


@asynccontextmanager
async def town_of(world: World) -> AsyncIterator[Town]:
    """Of a utility of its own, with a product."""
    utility = await world.utility()
    second = await world.user(utility, "operator")
    async with world.client(utility.token) as client, world.client(second) as other:
        made = Town(world, utility, client, other)
        product = {"code": "w", "name": "W", "maker": "M", "model": "1", "driver": DRIVER, "dial": 100_000_000}
        made.product = (await made.post("/products", product, 201))["product_id"]
        yield made


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    async with town_of(world) as made:
        yield made


async def test_a_meter_goes_from_the_warehouse_to_an_account_and_back(town: Town) -> None:
    number, spare = await town.stock(2, dn=15)
    account = await town.account()
    opening = {"m3": "0.5", "source": "read"}
    asked = town.body(number, account_id=account, opening=opening, at=HUNG)
    code, text = await town.refused("/installations", asked)
    assert code == "wrong-order" and number in text and "in stock" in text
    assert (await town.refused("/stock/issue", town.issue_of(number, 3)))[0] == "not-to-issue"
    stocked = {row["number"] for row in (await town.get("/stock"))["items"]}
    assert {number, spare} <= stocked and not stocked & {row["number"] for row in (await town.get("/meters"))["items"]}
    issue = town.issue_of(number, 2)
    assert (await town.post("/stock/issue", issue))["meters"] == 2
    assert (await town.post("/stock/issue", issue))["meters"] == 2  # the same key: the same act
    assert (await town.refused("/stock/issue", issue | {"person": "李师傅"}))[0] == "act-key-used"
    assert (await town.refused("/installations", asked | {"reason": "-"}))[0] == "reason-needed"
    made = await town.post("/installations", asked, 201)
    assert made["life"] == "installed" and (await town.post("/installations", asked, 201)) == made
    hung = made["installations"][0]
    assert (hung["opening"], hung["opening_m3"], hung["account_id"], hung["ends"]) == (500, "0.500", account, None)
    meter = await town.get(f"/meters/{made['meter_id']}")
    assert meter["removed_on"] is None and meter["address"].endswith("号")
    own = await town.refused(f"/installations/{hung['installation_id']}/accept", {"key": "a1"})
    assert own[0] == "own-installation"
    waiting = await town.get("/installations", to_accept=True)
    assert [row["installation_id"] for row in waiting["items"]] == [hung["installation_id"]]
    accepted = await town.post(
        f"/installations/{hung['installation_id']}/accept", {"key": "a2", "at": ACCEPTED}, by=town.other
    )
    assert accepted["life"] == "in_use" and (await town.get("/installations", to_accept=True))["items"] == []
    assert (await town.refused("/stock/acts", town.body(number, kind="scrap")))[0] == "wrong-order"
    off = town.body(number, closing={"m3": "7.25", "source": "photographed"}, at=OFF)
    gone = await town.post("/installations/remove", off)
    assert gone["life"] == "removed" and gone["installations"][0]["closing"] == 7250
    assert datetime.fromisoformat(gone["life_at"]) == datetime.fromisoformat(OFF)
    early = town.body(number, kind="restock", at=BETWEEN)  # after its installation and before it was taken off
    assert (await town.refused("/stock/acts", early))[0] == "act-before-last"
    for kind, life in (("repair", "repair"), ("restock", "stock"), ("scrap", "scrap")):
        assert (await town.post("/stock/acts", town.body(number, kind=kind)))["life"] == life
    ended = await town.life(made["meter_id"])
    assert [act["kind"] for act in reversed(ended["acts"])] == [
        "receive", "issue", "install", "accept", "remove", "repair", "restock", "scrap",
    ]  # fmt: skip
    assert ended["may"] == [] and ended["acts"][-2]["person"] == "王师傅"
    again = {
        "number": "9" * 11,
        "bar_code": f"BC{number}",
        "product_id": town.product,
        "area_id": town.utility.ids["area_id"],
    }
    assert (await town.refused("/stock", {"key": "again", "meters": [again]}))[0] == "number-taken"
    trail = await town.get("/audit", object_type="meter", object_id=str(made["meter_id"]))
    assert {line["action"] for line in trail["items"]} >= {
        "install_meter",
        "accept_meter",
        "take_off_meter",
        "act_on_stock",
    }
    assert [(row["number"], row["person"]) for row in (await town.get("/stock", life="issued"))["items"]] == [
        (spare, "王师傅")
    ]
    assert number in {row["number"] for row in (await town.get("/meters", status="removed"))["items"]}


async def test_an_exchange_is_one_act_and_wrong_pairs_are_shown(town: Town) -> None:
    old, new, third = await town.issued(3)
    account = await town.account()
    first = await town.install(old, account, "1", at=HUNG)
    assert (
        await town.refused("/installations", town.body(new, account_id=account, opening={"m3": "0", "source": "read"}))
    )[0] == "account-has-meter"
    swap = {
        "key": "x1", "old": {"number": old}, "new": {"number": new, "bar_code": f"BC{third}"}, "reason": WHY, "at": SWAPPED,
        "closing": {"m3": "123", "source": "estimated"}, "opening": {"m3": "2", "source": "read"},
    }  # fmt: skip
    code, text = await town.refused("/installations/exchange", swap)
    assert code == "pair-differs" and f"BC{new}" in text and f"BC{third}" in text
    for frame in ("77", third[-9:]):
        swap["new"] = {"number": new, "frame_number": frame}
        code, text = await town.refused("/installations/exchange", swap)
        assert code == "pair-differs" and new in text and frame.lstrip("0") in text
    swap["new"] = {"number": new}
    await town.world.owner.execute(
        "UPDATE meter_state SET register = 200000, register_at = 1767000000 WHERE meter_id = $1", first["meter_id"]
    )
    code, text = await town.refused("/installations/exchange", swap)
    assert code == "register-impossible" and "200000" in text and "123000" in text
    swap["closing"] = {"m3": "200", "source": "read"}
    made = await town.post("/installations/exchange", swap, 201)
    assert made["number"] == new and (await town.post("/installations/exchange", swap, 201)) == made
    rows = (await town.get("/installations", account_id=account))["items"]
    assert [(row["number"], row["opening"], row["closing"], row["closing_by"], row["exchanged_for"]) for row in rows] == [
        (new, 2000, None, None, None), (old, 1000, 200_000, "read", new),
    ]  # fmt: skip
    assert rows[0]["begins"] == rows[1]["ends"]
    assert (await town.life(first["meter_id"]))["acts"][0]["other_number"] == new
    other = await town.account()
    move = town.body(new, account_id=other, register={"m3": "3", "source": "read"}, at=SWAPPED)
    assert (await town.refused("/installations/move", move))[0] == "act-before-last"  # its installation begins then
    gas = await town.account("gas")
    assert (
        await town.refused("/installations", town.body(third, account_id=gas, opening={"m3": "0", "source": "read"}))
    )[0] == "other-medium-account"
    await town.world.owner.execute(
        "UPDATE meter_state SET strange_number = 12345 WHERE meter_id = $1", made["meter_id"]
    )
    code, text = await town.refused(f"/installations/{rows[0]['installation_id']}/accept", {"key": "a9"}, by=town.other)
    assert code == "pair-differs" and "12345" in text and new in text
    await town.world.owner.execute("UPDATE meter_state SET strange_number = NULL WHERE meter_id = $1", made["meter_id"])
    moved = await town.post("/installations/move", move | {"key": "mv", "at": "2026-04-01T00:00:00+08:00"})
    here, before = moved["installations"][:2]
    assert (here["account_id"], here["opening"], here["begins"]) == (other, 3000, before["ends"])
    assert (before["account_id"], before["closing"], moved["life"]) == (account, 3000, "installed")


async def test_a_holder_is_copied_and_an_account_with_a_meter_is_not_closed(town: Town) -> None:
    owner, tenant = town.world.owner, town.utility.tenant_id
    (number,) = await town.issued()
    account = await town.account()
    made = await town.install(number, account, at=HUNG)
    customer = await owner.fetchval(
        "INSERT INTO customer (tenant_id, code, name) VALUES ($1, 'K1', '张三') RETURNING customer_id", tenant
    )
    await owner.execute(
        "INSERT INTO account_holder (account_id, tenant_id, customer_id, during) VALUES ($1, $2, $3, tstzrange('2026-02-01', NULL))",
        account, tenant, customer,
    )  # fmt: skip
    assert (await town.get(f"/meters/{made['meter_id']}"))["customer_code"] == "K1"
    async with owner.transaction():  # the worker's turn: the meter is found by who holds its account
        assert await renew_outdated(owner) >= 1
    assert [row["number"] for row in (await town.get("/meters", q="K1"))["items"]] == [number]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute(
            "UPDATE account_holder SET during = tstzrange('2026-02-01', '2026-02-02') WHERE account_id = $1", account
        )
        await owner.execute("UPDATE account SET closed_at = '2026-03-01' WHERE account_id = $1", account)
    user = UserId(town.utility.ids["user_id"])
    actor = Actor(TenantId(tenant), user, "admin", "A", Role.ADMINISTRATOR, "en", "Asia/Shanghai", "token")
    with pytest.raises(Problem) as caught:
        act = WantedAct(key="close", kind=ActKind.CLOSE, reason=WHY)
        await change_account(town.world.deps.store, actor, AccountId(account), act, town.world.deps.now_us())
    assert caught.value.code == "meter-hangs-there" and caught.value.values["meter"] == number
    async with owner.transaction():
        await renew_outdated(owner)


async def test_two_at_once_and_other_doors_leave_one_meter_at_one_place(town: Town, pipeline_pool: Pool) -> None:
    numbers = await town.issued(6)
    account = await town.account()
    opening = {"m3": "0", "source": "read"}
    bodies = [town.body(number, account_id=account, opening=opening) for number in numbers[:3]]
    bodies += [town.body(numbers[3], account_id=await town.account(), opening=opening) for _ in range(3)]
    answers = await asyncio.gather(*(town.client.post("/installations", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    tenant = town.utility.tenant_id
    assert await town.world.owner.fetchval("SELECT count(*) FROM installation WHERE tenant_id = $1", tenant) == 2
    # what comes by the doors that know no lives
    made = await town.post("/meters", new_meter(town.utility, product_id=town.product, bar_code="OLD-1"), 201)
    twice = await town.client.post("/meters", json=new_meter(town.utility, product_id=town.product, bar_code="OLD-1"))
    assert twice.status_code == 409
    await hang_all(pipeline_pool)
    customer = await town.world.owner.fetchval(
        "INSERT INTO customer (tenant_id, code, name) VALUES ($1, 'K7', '物业') RETURNING customer_id", tenant
    )
    for place in range(7):  # of one customer: five of no address, two of one
        values = {"customer_id": customer, "address": "桂花路 9 号" if place > 4 else ""}
        await town.post("/meters", new_meter(town.utility, product_id=town.product, **values), 201)
    await hang_all(pipeline_pool)
    hung = await town.world.owner.fetchval("SELECT meter_id FROM meter WHERE customer_id = $1 LIMIT 1", customer)
    before = await town.client.get(f"/meters/{hung}")
    for wanted in (
        None,
        await town.world.owner.fetchval("SELECT min(customer_id) FROM customer WHERE tenant_id = $1", tenant),
    ):
        if wanted == customer:
            continue
        refused = await town.client.patch(
            f"/meters/{hung}", json={"customer_id": wanted}, headers={"If-Match": before.headers["ETag"]}
        )
        assert refused.status_code == 400, refused.text
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
            ("/customer_id", "held-by-account")
        ]
    at = await town.world.owner.fetch(
        "SELECT a.number, p.code FROM account a JOIN premises p USING (premises_id) WHERE a.tenant_id = $1 AND a.number LIKE 'K7%'", tenant
    )  # fmt: skip
    codes = ["K7", *(f"K7-{place}" for place in range(2, 8))]
    assert sorted(row["number"] for row in at) == codes and {row["code"] for row in at} == set(codes[:6])
    life = await town.life(made["meter_id"])
    assert life["life"] == "in_use" and life["installations"][0]["opening_by"] == "unknown"
    assert life["installations"][0]["account_number"] == f"M-{made['number']}"
    revision = (await town.client.get(f"/meters/{made['meter_id']}")).headers["ETag"]
    gone = await town.client.delete(
        f"/meters/{made['meter_id']}", params={"reason": WHY}, headers={"If-Match": revision}
    )
    assert gone.status_code == 200, gone.text
    life = await town.life(made["meter_id"])
    assert (life["life"], life["installations"][0]["closing_by"]) == ("removed", "unknown")
    assert life["installations"][0]["ends"] is not None


async def test_an_act_waits_for_an_account_before_it_holds_a_meter(town: Town) -> None:
    """As acts on accounts do, which write the holder into the meters there: the other way round two of them wait for each other."""
    old, new, third = await town.issued(3)
    account, other = await town.account(), await town.account()
    await town.install(old, account, "1", at=HUNG)
    register = {"m3": "5", "source": "read"}
    swap = {"key": "x", "old": {"number": old}, "new": {"number": new}, "closing": register, "opening": register}
    owner, now = town.world.owner, datetime.now(UTC)
    young = await town.account(opened=now)  # within this second: a meter hangs there from its beginning on
    for path, body, held, meters in (
        ("/installations/exchange", swap | {"reason": WHY, "at": SWAPPED}, account, [old, new]),
        ("/installations/move", town.body(new, account_id=other, register=register, at=OFF), other, [new]),
        ("/installations", town.body(third, account_id=young, opening=register, at=now.isoformat()), young, [third]),
    ):
        async with owner.transaction():
            await owner.fetchval("SELECT account_id FROM account WHERE account_id = $1 FOR UPDATE", held)
            acting = asyncio.create_task(town.client.post(path, json=body))
            while not await owner.fetchval(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
            ):
                assert not acting.done(), (await acting).text
            locked = await owner.fetch("SELECT meter_id FROM meter WHERE number = ANY ($1) FOR UPDATE NOWAIT", meters)
            assert len(locked) == len(meters)
        assert (await acting).status_code in {200, 201}, (await acting).text


async def test_an_issue_list_is_taken_whole_or_refused_by_row_and_cell(town: Town) -> None:
    numbers = await town.stock(6)
    head = "型号,表号,数量,领用人,施工单位,领用日期\n"

    async def send(text: str, reason: str = WHY) -> Any:
        files = {"data": ("领用.csv", text.encode(), "text/csv")}
        return await town.client.post("/stock/issue/file", files=files, params={"reason": reason})

    bad = (
        f"{head}w,{numbers[0]},2,王,队,2025-12-03\nw,{numbers[1]},1,王,队,2025-12-03\nx,{numbers[2]},1,王,队,2025-12-03\n"
        f"w,{numbers[2]},0,王,队,2025-12-03\nw,999,1,王,队,2025-12-03\nw,{numbers[3]},1,,队,2025-12-03\nw,{numbers[4]},1,王,队,2025-11-01\n"
        f"w,{numbers[5]},1,王,队,2099-01-01\n"
    )
    told = (await send(bad)).json()
    assert (told["rows"], told["meters"], told["fault_count"]) == (8, 0, 7)
    assert [(fault["row"], fault["column"]) for fault in told["faults"]] == [
        (3, "表号"), (4, "型号"), (5, "数量"), (6, "表号"), (7, "领用人"), (8, "表号"), (9, "领用日期"),
    ]  # fmt: skip
    good = f"{head}w,{numbers[0]},4,王,队,2025-12-03\nw,BC{numbers[4]},,李,,\n"
    assert (await send(good, "")).status_code == 400
    told = (await send(good)).json()
    assert (told["meters"], told["faults"]) == (5, [])
    again = (await send(good)).json()
    assert again["meters"] == 5 and again["already"] is not None and told["already"] is None
    for name in (numbers[0], numbers[1]):
        await town.post("/stock/acts", town.body(name, kind="bring_back"))
    told = (await send(good)).json()  # some of it was undone: neither the same act nor one that can be done whole
    assert (told["meters"], [(fault["row"], fault["value"]) for fault in told["faults"]]) == (
        0,
        [(2, numbers[0]), (3, f"BC{numbers[4]}")],
    )
    for name in numbers[2:5]:
        await town.post("/stock/acts", town.body(name, kind="bring_back"))
    undone = head + "".join(f"w,{name},1,王,队,\n" for name in numbers[:5])
    told = (await send(undone)).json()
    assert (told["meters"], told["already"]) == (5, None)
    for name in numbers[:5]:
        await town.post("/stock/acts", town.body(name, kind="bring_back"))
    told, again = (await send(undone)).json(), (await send(undone)).json()
    assert (told["meters"], told["already"], again["meters"]) == (5, None, 5) and again["already"] is not None
    wide = head + "".join(f"w,{number},9999,王,队,\n" for number in range(1000, 1400))
    told = (await send(wide)).json()
    assert [(fault["row"], fault["column"], fault["value"]) for fault in told["faults"]] == [(3, "数量", "9999")]
    for text in ("a,b\n1,2\n", head):
        assert (await send(text)).status_code == 400
    life = await town.world.owner.fetch("SELECT life FROM meter WHERE number = ANY ($1) ORDER BY number", numbers)
    assert [row["life"] for row in life] == ["issued"] * 5 + ["stock"]


async def test_what_is_due_by_area_and_month(town: Town, pipeline_pool: Pool, tmp_path: Path) -> None:
    small, large = (
        (await town.issued(1, dn=25, verified_on="2020-03-15"))[0],
        (await town.issued(1, dn=80, verified_on="2025-01-31"))[0],
    )
    unsaid = (await town.issued(1))[0]
    for number in (small, large, unsaid):
        await town.install(number, await town.account(), at=HUNG)
    rows = {row["number"]: row for row in (await town.get("/meters/due"))["items"]}
    assert (rows[small]["due_on"], rows[small]["action"]) == ("2026-03-15", "replace")
    assert (rows[large]["due_on"], rows[large]["action"]) == ("2027-01-31", "verify")
    unknown = {row["number"] for row in (await town.get("/meters/due", unknown=True))["items"]}
    assert unsaid in unknown and not unknown & {small, large}
    area = town.utility.ids["area_id"]
    counts = {
        (row["month"], row["action"]): row["meters"] for row in await town.get("/meters/due/counts", area_id=area)
    }
    assert counts[("2026-03-01", "replace")] == counts[("2027-01-01", "verify")] == 1 and counts[(None, None)] >= 1
    march = await town.get("/meters/due", first="2026-03-01", last="2026-03-31", action="replace", area_id=area)
    assert [row["number"] for row in march["items"]] == [small]
    page = await town.get("/meters/due", limit=1)
    assert [row["number"] for row in (await town.get("/meters/due", limit=1, cursor=page["next"]))["items"]] == [large]
    for kind in ("csv", "xlsx"):
        answer = await town.client.get("/meters/due/file", params={"kind": kind})
        assert answer.status_code == 200 and len(answer.content) > 50
        if kind == "csv":
            assert answer.text.count("\r\n") == 3 and small in answer.text
    rules = (await town.get("/lifetime-rules"))["rules"]
    assert {(rule["gas_kind"], rule["months"]) for rule in rules if rule["action"] == "replace" and rule["medium"] == "gas"} == {
        ("natural", 120), ("town", 72), ("lpg", 72),
    }  # fmt: skip
    longer = [rule | {"months": 84} if rule["dn_to"] == 25 else rule for rule in rules]
    assert (await town.client.put("/lifetime-rules", json={"rules": longer})).status_code == 400
    done = await town.client.put("/lifetime-rules", json={"rules": longer}, params={"reason": WHY})
    assert done.status_code == 200, done.text
    rows = {row["number"]: row for row in (await town.get("/meters/due"))["items"]}
    assert rows[small]["due_on"] == "2027-03-15"

    async def change(number: str, path: str = "/life", **values: Any) -> Any:
        meter_id = rows[number]["meter_id"]
        etag = str((await town.life(meter_id))["revision"])
        return await town.client.patch(f"/meters/{meter_id}{path}", json=values, headers={"If-Match": etag})

    assert (await change(small, q3_l_h=4000, parent_id=rows[large]["meter_id"])).json()["errors"][0][
        "code"
    ] == "not-accepted"
    hangs = await change(small, role="additional")  # it counts at its account by the role it was hung with
    assert [(error["pointer"], error["code"]) for error in hangs.json()["errors"]] == [("/role", "hangs-now")]
    await town.post("/installations/remove", town.body(small, closing={"m3": "0", "source": "read"}))
    alone = await change(small, role="check")
    assert [(error["pointer"], error["code"]) for error in alone.json()["errors"]] == [("/parent_id", "required")]
    changed = await change(small, role="check", parent_id=rows[large]["meter_id"], pulse_ml=10_000, start_ml=5)
    assert changed.status_code == 200 and changed.json()["facts"]["parent_number"] == large, changed.text
    looped = await change(large, parent_id=rows[small]["meter_id"])
    assert looped.status_code == 400 and looped.json()["errors"][0]["code"] == "would-loop"
    # registers of installations stay in the unit they were read in: by each door that gives a meter another product
    others = [
        (await town.post("/products", {"code": code, "name": "W", "maker": "M", "model": "1", "driver": driver}, 201))[
            "product_id"
        ]
        for code, driver in (("g", "openmains/gas-1"), ("v", DRIVER), ("x", "lwm2m/water-1"))
    ]
    answer = await change(large, path="", product_id=others[0])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "other-unit")
    assert (await change(large, path="", product_id=others[1])).status_code == 200
    area = (await town.get("/areas"))["items"][0]["code"]
    path = tmp_path / "meters.csv"
    path.write_text(
        f"number,product,area,installed_on\n{large},x,{area},2026-01-01\n{unsaid},v,{area},2026-01-01\n", "utf-8"
    )
    units = {DRIVER: -3, "lwm2m/water-1": -2}  # as a driver of another unit would have it
    async with PostgresImport(pipeline_pool, personal_vault(pipeline_pool), units) as store:
        done = await import_meters(path, TenantId(town.utility.tenant_id), store, today=date(2026, 11, 1), partial=True)
    assert [(error.row, error.reason) for error in done.errors] == [(2, "other_unit")]

# SPDX-License-Identifier: Apache-2.0
"""Customers and accounts: opened once, held by one at a time, nothing of the past rewritten – through use cases, and in the database itself."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.identity.model import Actor
from openmains.app.party.act_on_accounts import open_account
from openmains.app.party.change_accounts import change_account
from openmains.app.party.model import Account, AccountFilter, NewAccount, WantedAct
from openmains.app.party.ports import AccountStore
from openmains.app.problems import Problem
from openmains.domain.identity.role import Role
from openmains.domain.ids import AccountId, CustomerId, PremisesId, TenantId, UserId
from openmains.domain.party.accounts import ActKind
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.postgres.party.customers import settle_customers
from tests.edges.http.world import Utility, World
from tests.support.personal import personal_vault

T0 = datetime(2026, 1, 1, tzinfo=UTC)
BAD = asyncpg.IntegrityConstraintViolationError


def day(n: int) -> datetime:
    return T0 + timedelta(days=n)


class Book:
    """One utility's accounts, as the use cases see them."""

    def __init__(self, world: World, utility: Utility, actor: Actor) -> None:
        self.world, self.utility, self.actor = world, utility, actor
        self.tenant_id = TenantId(utility.tenant_id)
        self.store = world.deps.store

    async def customer(self, name: str = "张三") -> CustomerId:
        made = await self.world.owner.fetchval(
            "INSERT INTO customer (tenant_id, code, name) VALUES ($1, $2, $3) RETURNING customer_id",
            self.tenant_id, secrets.token_hex(6), name,
        )  # fmt: skip
        return CustomerId(made)

    async def premises(self) -> PremisesId:
        async with self.world.client(self.utility.token) as client:
            body = {
                "code": secrets.token_hex(5),
                "area_id": self.utility.ids["area_id"],
                "street": "桂花路",
                "house_number": "3",
            }
            made = await client.post("/premises", json=body)
        assert made.status_code == 201, made.text
        return PremisesId(made.json()["premises_id"])

    async def opened(self, **values: Any) -> Account:
        wanted: dict[str, Any] = {
            "key": secrets.token_hex(8),
            "number": secrets.token_hex(6),
            "medium": "water",
            "opened_at": T0,
        }
        wanted["premises_id"] = values.pop("premises_id", None) or await self.premises()
        return await open_account(self.store, self.actor, NewAccount(**(wanted | values)), self.world.deps.now_us())

    async def holder_at(self, account_id: AccountId, at: datetime) -> CustomerId | None:
        async with self.store.tenant(self.tenant_id) as work:
            return await work[AccountStore].holder_at(account_id, at)

    async def act(self, account_id: AccountId, kind: str, at: datetime | None, **values: Any) -> list[Account]:
        wanted = {"key": secrets.token_hex(8), "kind": ActKind(kind), "at": at, "reason": "as they asked"} | values
        return await change_account(self.store, self.actor, account_id, WantedAct(**wanted), self.world.deps.now_us())

    async def refused(self, code: str, account_id: AccountId, kind: str, at: datetime | None, **values: Any) -> None:
        with pytest.raises(Problem) as told:
            await self.act(account_id, kind, at, **values)
        assert told.value.code == code, told.value.values

    async def spans(self, account_id: AccountId) -> list[tuple[CustomerId, datetime, datetime | None]]:
        async with self.store.tenant(self.tenant_id) as work:
            found = await work[AccountStore].holders(account_id)
        return [(one.customer_id, one.begins, one.ends) for one in found]


async def make_book(world: World) -> Book:
    utility = await world.utility()
    user_id = await world.owner.fetchval("SELECT user_id FROM app_user WHERE tenant_id = $1", utility.tenant_id)
    tenant_id = TenantId(utility.tenant_id)
    actor = Actor(tenant_id, UserId(user_id), "a", "A", Role.ADMINISTRATOR, "zh", "Asia/Shanghai", "token")
    return Book(world, utility, actor)


async def test_an_account_is_opened_once_and_found(world: World) -> None:
    book = await make_book(world)
    first, second = await book.customer(), await book.customer("李四")
    at = await book.premises()
    made = await book.opened(key="k1", number="W-1", premises_id=at, customer_id=first)
    assert (made.customer_id, made.held_since, made.closed_at, made.area_id) == (
        first,
        T0,
        None,
        book.utility.ids["area_id"],
    )
    assert await book.opened(key="k1", number="W-1", premises_id=at, customer_id=first) == made
    for other in ({"customer_id": second}, {"number": "W-2"}, {"medium": "gas"}, {"opened_at": day(1)}):
        with pytest.raises(Problem) as used:
            await book.opened(**({"key": "k1", "number": "W-1", "premises_id": at, "customer_id": first} | other))
        assert used.value.code == "act-key-used", other
    with pytest.raises(Problem) as taken:
        await book.opened(key="k2", number="W-1")
    assert taken.value.code == "account-number-taken"
    stranger = await (await make_book(world)).customer()
    for wrong in (
        {"customer_id": stranger},
        {"premises_id": PremisesId(1 << 60)},
        {"opened_at": datetime(2190, 1, 1, tzinfo=UTC)},
    ):
        with pytest.raises(Problem) as bad:
            await book.opened(**wrong)
        assert bad.value.code == "invalid-input", wrong
    gas = await book.opened(number="G-1", premises_id=at, medium="gas")
    await book.act(made.account_id, "transfer", day(30), customer_id=second)
    async with book.store.tenant(book.tenant_id) as work:
        table = work[AccountStore]
        assert (await table.of_number("W-1")) == await table.get(made.account_id)
        for chosen, found in (
            (AccountFilter(premises_id=at), [made, gas]), (AccountFilter(area_id=made.area_id), [made, gas]),
            (AccountFilter(customer_id=second), [made]), (AccountFilter(customer_id=first), []),
            (AccountFilter(customer_id=first, is_past=True), [made]), (AccountFilter(number="G"), [gas]),
            (AccountFilter(after=made.account_id), [gas]), (AccountFilter(limit=1), [made]),
        ):  # fmt: skip
            assert [one.account_id for one in await table.page(chosen)] == [one.account_id for one in found], chosen
        assert [(one.customer_id, one.begins, one.ends) for one in await table.holders(made.account_id)] == [
            (first, T0, day(30)),
            (second, day(30), None),
        ]
        history = await table.history(made.account_id)
        assert [(one.kind, one.customer_name, one.former_name) for one in history] == [
            ("open", None, None),
            ("move_in", "张三", None),
            ("transfer", "李四", "张三"),
        ]
    asked = {
        T0 - timedelta(microseconds=1): None,
        T0: first,
        day(30) - timedelta(microseconds=1): first,
        day(30): second,
    }
    for at_instant, holder in asked.items():
        assert await book.holder_at(made.account_id, at_instant) == holder
    assert await book.holder_at(gas.account_id, day(1)) is None


async def test_acts_follow_one_another_and_are_done_once(world: World) -> None:
    book = await make_book(world)
    first, second = await book.customer(), await book.customer("李四")
    one = (await book.opened(customer_id=first)).account_id
    await book.refused("account-held", one, "move_in", day(1), customer_id=second)
    await book.refused("same-holder", one, "transfer", day(1), customer_id=first)
    await book.refused("act-too-early", one, "move_out", T0)
    await book.refused("account-held", one, "close", day(1))
    await book.refused("reason-needed", one, "move_out", day(1), reason=" - ")
    for wrong in ({"customer_id": second}, {"other_id": one}, {"number": "X"}):
        await book.refused("invalid-input", one, "move_out", day(1), **wrong)
    await book.refused("invalid-input", one, "move_in", day(1))
    await book.refused("invalid-input", one, "open", day(1))
    await book.refused("not-found", AccountId(1 << 60), "move_out", day(1))
    left = await book.act(one, "move_out", day(10), key="out")
    assert await book.act(one, "move_out", day(10), key="out") == left  # told twice, done once
    assert await book.act(one, "move_out", None, key="out") == left
    for other in ({"kind": "close"}, {"at": day(11)}):
        with pytest.raises(Problem, match="act-key-used"):
            await book.act(one, **({"kind": "move_out", "at": day(10), "key": "out"} | other))
    await book.refused("account-empty", one, "move_out", day(11))
    await book.refused("act-too-early", one, "move_in", day(9), customer_id=second)
    await book.act(one, "move_in", day(10), customer_id=second)  # at the instant at which the first left
    [source, new] = await book.act(one, "split", day(20), number="S-1", key="split")
    assert (new.customer_id, new.premises_id, new.medium, new.opened_at) == (
        second,
        source.premises_id,
        "water",
        day(20),
    )
    assert await book.act(one, "split", day(20), number="S-1", key="split") == [source, new]
    await book.refused("account-number-taken", one, "split", day(20), number="S-1")
    [kept, ended] = await book.act(one, "merge", day(30), other_id=new.account_id)
    assert (kept.closed_at, ended.closed_at, ended.customer_id) == (None, day(30), None)
    for kind, more in (("move_in", {"customer_id": first}), ("close", {}), ("move_out", {})):
        await book.refused("account-closed", new.account_id, kind, day(31), **more)
    await book.refused("account-closed", one, "merge", day(31), other_id=new.account_id)
    gas = await book.opened(medium="gas")
    await book.refused("account-other-medium", one, "merge", day(31), other_id=gas.account_id)
    await book.refused("same-account", one, "merge", day(31), other_id=one)
    assert await book.spans(one) == [(first, T0, day(10)), (second, day(10), None)]
    assert await book.spans(new.account_id) == [(second, day(20), day(30))]
    actions = await world.owner.fetch(
        "SELECT reason FROM audit WHERE tenant_id = $1 AND action = 'act_on_account'", book.tenant_id
    )
    assert [row["reason"] for row in actions] == ["as they asked"] * 4


async def test_of_two_acts_at_once_the_second_finds_what_the_first_left(world: World) -> None:
    book = await make_book(world)
    first, second, third = [await book.customer(name) for name in ("张三", "李四", "王五")]
    one = (await book.opened(customer_id=first)).account_id
    both = await asyncio.gather(
        *(book.act(one, "transfer", day(5), customer_id=who) for who in (second, third)), return_exceptions=True
    )
    assert sorted(isinstance(found, Problem) for found in both) == [False, True]
    assert len(await book.spans(one)) == 2
    same = await asyncio.gather(*(book.act(one, "move_out", day(9), key="once") for _ in range(4)))
    assert all(found == same[0] for found in same)
    two = [(await book.opened(customer_id=first)).account_id for _ in range(2)]
    crossed = await asyncio.gather(
        book.act(two[0], "merge", day(3), other_id=two[1]),
        book.act(two[1], "merge", day(3), other_id=two[0]),
        return_exceptions=True,
    )
    assert sorted(isinstance(found, Problem) for found in crossed) == [False, True]


async def test_the_database_refuses_what_rewrites_the_past(world: World) -> None:
    book = await make_book(world)
    first, second = await book.customer(), await book.customer("李四")
    made = await book.opened(customer_id=first)
    await book.act(made.account_id, "transfer", day(30), customer_id=second)
    empty = await book.opened()
    mine = (book.tenant_id, made.account_id)
    holding = (
        "INSERT INTO account_holder (tenant_id, account_id, customer_id, during) VALUES ($1, $2, $3, tstzrange($4, $5))"
    )
    act = "INSERT INTO account_act (tenant_id, account_id, kind, at, key) VALUES ($1, $2, $3, $4, 'x')"
    for statement, values in (
        (holding, (*mine, first, day(3), day(4))),  # two at one instant
        (holding, (book.tenant_id, empty.account_id, first, T0 - timedelta(days=1), None)),  # before it was
        (holding, (book.tenant_id, empty.account_id, first, day(1), day(1))),  # for no time
        ("UPDATE account_holder SET during = tstzrange($3, upper(during)) WHERE tenant_id = $1 AND account_id = $2", (*mine, day(-1))),
        ("UPDATE account_holder SET during = tstzrange(lower(during), $3) WHERE tenant_id = $1 AND account_id = $2", (*mine, day(9))),
        ("DELETE FROM account_holder WHERE tenant_id = $1 AND account_id = $2", mine),
        ("UPDATE account_act SET reason = 'better' WHERE tenant_id = $1 AND account_id = $2", mine),
        ("DELETE FROM account_act WHERE tenant_id = $1 AND account_id = $2", mine),
        (act, (*mine, "close", day(29))),  # before the newest
        (act, (*mine, "open", day(31))),  # opened twice
        (act, (book.tenant_id + 1, made.account_id, "close", day(31))),  # another tenant's
        ("UPDATE account SET number = 'X' WHERE tenant_id = $1 AND account_id = $2", mine),
        ("UPDATE account SET closed_at = $3 WHERE tenant_id = $1 AND account_id = $2", (*mine, day(31))),  # held
        ("DELETE FROM account WHERE tenant_id = $1 AND account_id = $2", mine),
        ("INSERT INTO account (tenant_id, number, premises_id, medium, opened_at) VALUES ($1, 'bare', $2, 'gas', $3)",
         (book.tenant_id, made.premises_id, T0)),  # without history
    ):  # fmt: skip
        with pytest.raises(BAD):
            await world.owner.execute(statement, *values)
    other = await make_book(world)
    async with other.store.tenant(other.tenant_id) as work:
        assert await work[AccountStore].get(made.account_id) is None
        assert await work[AccountStore].holder_at(made.account_id, day(1)) is None
        assert await work[AccountStore].lock([made.account_id]) == {}
        assert await work[AccountStore].of_number(made.number) is None


CITIZEN, BANK = "11010519491231002X", "6222020200001234567"  # GB 11643-1999 annex A; synthetic


async def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_personal_data_is_sealed_masked_found_whole_and_seen_for_a_reason(world: World) -> None:
    utility = await world.utility()
    body = {
        "code": "U1",
        "name": "张三丰",
        "phone": "138 0013 8000",
        "identity_number": CITIZEN,
        "bank_account": BANK,
        "note": "狗",
    }
    async with world.client(utility.token) as client:
        made = await told(await client.post("/customers", json=body))
        whose = made["customer_id"]
        assert (made["phone"], made["identity_number"], made["bank_account"]) == ("138****00", "110****2X", "****4567")
        made = await told(
            await client.post(
                f"/customers/{whose}/contacts", json={"name": "李四", "relation": "租户", "phone": "021-68888888"}
            )
        )
        assert [(one["name"], one["phone"]) for one in made["contacts"]] == [("李四", "021****88")]
        for wrong, code in (
            ({"phone": "138****00"}, "masked"),
            ({"phone": "x"}, "bad-phone"),
            ({"identity_number": "110105194912310021"}, "bad-identity-number"),
        ):
            answer = await client.patch(
                f"/customers/{whose}",
                json={**wrong, "reason": "they said so"},
                headers={"If-Match": str(made["revision"])},
            )
            assert answer.json()["errors"][0]["code"] == code, answer.text
        quiet = await client.patch(
            f"/customers/{whose}", json={"phone": "13900139000"}, headers={"If-Match": str(made["revision"])}
        )
        assert quiet.json()["type"].endswith("/reason-needed")
        for q in (
            "13800138000",
            "+86-138-0013-8000",
            CITIZEN,
            CITIZEN.lower(),
            BANK,
            "02168888888",
            "三丰",
            "U1",
            "李四",
        ):
            found = (await told(await client.get("/customers", params={"q": q})))["items"]
            assert [(row["customer_id"], row["phone"]) for row in found] == [(whose, "138****00")], q
        for q in ("1380013800", "0013", "3800138000", CITIZEN[:-1]):
            assert (await told(await client.get("/customers", params={"q": q})))["items"] == [], q
        look = f"/customers/{whose}/personal"
        assert (await client.post(look, json={"field": "phone"})).json()["type"].endswith("/reason-needed")
        assert await told(await client.post(look, json={"field": "phone", "reason": "leak at the house"})) == {
            "field": "phone",
            "value": "13800138000",
        }
        contact = made["contacts"][0]["contact_id"]
        seen = await told(await client.post(look, json={"field": "phone", "contact_id": contact, "reason": "leak"}))
        assert seen["value"] == "02168888888"
        assert (
            await client.post(look, json={"field": "bank_account", "contact_id": contact, "reason": "leak"})
        ).status_code == 404
        changed = {"phone": "139 0013 9000", "identity_number": "", "reason": "new number"}
        made = await told(
            await client.patch(f"/customers/{whose}", json=changed, headers={"If-Match": str(made["revision"])})
        )
        assert (made["phone"], made["identity_number"], made["note"]) == ("139****00", "", "狗")
        assert (await told(await client.get("/customers", params={"q": "13800138000"})))["items"] == []
        gone = await client.delete(f"/customers/{whose}/contacts/{contact}", params={"reason": "moved away"})
        assert (await told(gone))["contacts"] == []
        lines = (await told(await client.get("/audit", params={"object_type": "customer", "object_id": str(whose)})))[
            "items"
        ]
    assert [line["action"] for line in lines].count("see_personal") == 2
    assert {line["reason"] for line in lines if line["action"] == "see_personal"} == {"leak at the house", "leak"}
    async with world.client(await world.user(utility, "viewer")) as viewer:
        assert (await viewer.post(look, json={"field": "phone", "reason": "curious"})).status_code == 403
    async with world.client((await world.utility()).token) as stranger:
        assert (await stranger.get(f"/customers/{whose}")).status_code == 404
        assert (await told(await stranger.get("/customers", params={"q": "13900139000"})))["items"] == []
    secret = ("13800138000", "13900139000", CITIZEN, BANK, "68888888")
    for table in ("customer", "contact", "personal", "customer_search", "audit", "meter_search"):
        for row in await world.owner.fetch(
            f"SELECT t::text AS all FROM {table} t WHERE tenant_id = $1",  # noqa: S608 - names above
            utility.tenant_id,
        ):
            assert not any(value in row["all"] or value.encode().hex() in row["all"] for value in secret), (table, row)
    # a row that is moved to another customer does not open
    other = await world.owner.fetchval(
        "INSERT INTO customer (tenant_id, code, name) VALUES ($1, 'U2', 'x') RETURNING customer_id", utility.tenant_id
    )
    await world.owner.execute(
        "UPDATE personal SET customer_id = $1 WHERE customer_id = $2 AND contact_id IS NULL", other, whose
    )
    async with world.client(utility.token) as client:
        assert (await client.get(f"/customers/{other}")).status_code == 500


async def test_phones_of_before_are_sealed_and_who_looks_at_many_is_in_the_trail(world: World) -> None:
    utility = await world.utility()
    await world.owner.execute(
        "INSERT INTO customer (tenant_id, code, name, phone) SELECT $1, 'old' || n, '王' || n, '1370000' || lpad(n::text, 4, '0')"
        " FROM generate_series(1, 150) n", utility.tenant_id,
    )  # fmt: skip
    pool = await create_pool(world.urls.postgres_owner, role=PIPELINE_ROLE)
    while await settle_customers(pool, world.deps.personal or personal_vault(pool)):
        pass
    await pool.close()
    clear = "SELECT count(*) FROM customer WHERE tenant_id = $1 AND (phone <> '' OR NOT is_indexed)"
    assert await world.owner.fetchval(clear, utility.tenant_id) == 0
    seen = (
        "SELECT after->>'rows' AS rows FROM audit WHERE tenant_id = $1 AND action = 'view_customers' ORDER BY audit_id"
    )
    async with world.client(utility.token) as client:
        found = (await told(await client.get("/customers", params={"q": "13700000042"})))["items"]
        assert [(row["code"], row["phone"]) for row in found] == [("old42", "137****42")]
        page = await told(await client.get("/customers", params={"limit": 80}))
        assert [row["rows"] for row in await world.owner.fetch(seen, utility.tenant_id)] == []
        await told(await client.get("/customers", params={"limit": 80, "cursor": page["next"]}))
        await told(await client.get("/customers", params={"limit": 500}))
    assert [row["rows"] for row in await world.owner.fetch(seen, utility.tenant_id)] == ["150", "150"]
    await world.owner.execute(
        "INSERT INTO meter (tenant_id, number, product_id, area_id, customer_id, installed_on)"
        " SELECT $1, 'seen' || code, $2, $3, customer_id, '2024-01-01' FROM customer WHERE tenant_id = $1",
        utility.tenant_id, utility.ids["product_id"], utility.ids["area_id"],
    )  # fmt: skip
    maker = await world.user(utility, "maker", products=[utility.ids["product_id"]])  # sees not whose a meter is
    for token in (utility.token, maker):
        async with world.client(token) as client:
            page = await told(await client.get("/meters", params={"limit": 60}))
            await told(await client.get("/meters", params={"limit": 60, "cursor": page["next"]}))
    rows = [int(row["rows"]) for row in await world.owner.fetch(seen, utility.tenant_id)]
    assert rows[:2] == [150, 150] and len(rows) == 3 and 118 <= rows[2] <= 120, rows


async def test_accounts_through_the_api(world: World) -> None:
    book = await make_book(world)
    first, second, at = await book.customer(), await book.customer("李四"), await book.premises()
    async with world.client(await world.user(book.utility, "operator")) as clerk:
        new = {
            "key": "o-1",
            "number": "A-1",
            "premises_id": at,
            "medium": "water",
            "customer_id": first,
            "opened_at": T0.isoformat(),
        }
        made = await told(await clerk.post("/accounts", json=new))
        assert await told(await clerk.post("/accounts", json=new)) == made
        acts = f"/accounts/{made['account_id']}/acts"
        over = {"key": "t-1", "kind": "transfer", "customer_id": second, "at": day(3).isoformat(), "reason": "sold"}
        assert (await clerk.post(acts, json=over | {"reason": ""})).json()["type"].endswith("/reason-needed")
        [after] = (await told(await clerk.post(acts, json=over)))["items"]
        assert after["customer_name"] == "李四"
        refused = await clerk.post(acts, json=over | {"key": "t-2"})
        assert refused.status_code == 409
        assert "A-1" in refused.json()["detail"]
        detail = await told(await clerk.get(f"/accounts/{made['account_id']}"))
        assert [one["kind"] for one in detail["history"]] == ["open", "move_in", "transfer"]
        assert [one["customer_name"] for one in detail["holders"]] == ["张三", "李四"]
        assert [
            one["number"]
            for one in (await told(await clerk.get("/accounts", params={"area_id": after["area_id"]})))["items"]
        ] == ["A-1"]
        assert [one["number"] for one in (await told(await clerk.get(f"/customers/{first}")))["held"]] == ["A-1"]
        assert [
            one["customer_id"] for one in (await told(await clerk.get("/customers", params={"q": "A-1"})))["items"]
        ] == [first, second]
    async with world.client(await world.user(book.utility, "viewer")) as viewer:
        assert (await viewer.post(acts, json=over)).status_code == 403

# SPDX-License-Identifier: Apache-2.0
"""Customers and accounts: opened once, held by one at a time, nothing of the past rewritten – through use cases, and in the database itself."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
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
from tests.edges.http.world import Utility, World

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

# SPDX-License-Identifier: Apache-2.0
"""The ledger through the API and in the database: once for a key, balanced, append-only, closed months, two persons, two at once."""

import asyncio
import csv
import io
import random
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.ledger.booking import book
from openmains.app.ledger.ports import LedgerStore
from openmains.app.problems import Problem
from openmains.domain.ids import TenantId, UserId
from openmains.domain.ledger.entries import bill_entry, late_fee_entry, payment, settlement
from openmains.domain.period import date_to_day, day_to_date, zone
from tests.edges.http.world import Utility, World
from tests.support.examples import example, outside

BAD = asyncpg.IntegrityConstraintViolationError
LINE = "INSERT INTO ledger_line (entry_id, place, tenant_id, day, account, account_id, detail, fen)"


def problem(answer: httpx.Response) -> str:
    assert answer.status_code >= 400, answer.text
    return str(answer.json()["type"]).rpartition("/")[2]


async def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def a_payment(fen: int, key: str = "", account: int = 7, channel: str = "cash") -> dict[str, Any]:
    return {"key": key or secrets.token_hex(8), "account_id": account, "channel": channel, "fen": fen}


def today_of(world: World) -> int:
    return zone("Asia/Shanghai").day_of(world.deps.now_s())


async def balanced(world: World, utility: Utility) -> dict[str, Any]:
    """The trial balance of all time, without faults; and in the database itself every entry is 0."""
    async with world.client(utility.token) as client:
        found = await done(await client.get("/ledger/trial-balance", params={"from": "2020-01-01", "to": "2099-12-31"}))
    assert found["faults"] == []
    assert found["debit"] == found["credit"]
    sums = "SELECT coalesce(max(abs(s)), 0) FROM (SELECT sum(fen) AS s FROM ledger_line WHERE tenant_id = $1 GROUP BY entry_id) x"
    assert await world.owner.fetchval(sums, utility.tenant_id) == 0
    return {row["account"]: row["closing"] for row in found["rows"]}


class OneDayLess:
    """The API whose journal of one day does not come."""

    def __init__(self, api: httpx.AsyncClient, day: str) -> None:
        self._api = api
        self._day = day

    async def get(self, path: str, **asked: Any) -> httpx.Response:
        if path.endswith("journal.csv") and asked["params"]["from"] == self._day:
            asked["params"] = {"from": "2020-01-01", "to": "2020-01-01"}
        return await self._api.get(path, **asked)


async def test_money_comes_in_once_and_goes_out_by_two_persons(world: World, tmp_path: Path) -> None:
    utility = await world.utility()
    today = day_to_date(today_of(world))
    async with world.client(await world.user(utility, "operator")) as clerk, world.client(utility.token) as chief:
        paid = await done(await clerk.post("/ledger/payments", json=a_payment(5000, "till-1")))
        assert [(line["account"], line["fen"]) for line in paid["lines"]] == [("cash", 5000), ("credit", -5000)]
        assert await done(await clerk.post("/ledger/payments", json=a_payment(5000, "till-1"))) == paid
        assert problem(await clerk.post("/ledger/payments", json=a_payment(5001, "till-1"))) == "booking-key-used"
        assert (
            problem(await clerk.post("/ledger/payments", json=a_payment(5000, "till-1", channel="bank")))
            == "booking-key-used"
        )
        for wrong in ({"fen": 0}, {"fen": -5}, {"fen": 1.5}, {"channel": "gold"}, {"key": "a b c d"}, {"day": "2019-01-01"},
                      {"day": (today + timedelta(days=1)).isoformat()}):  # fmt: skip
            assert (await clerk.post("/ledger/payments", json=a_payment(1) | wrong)).status_code == 400, wrong
        assert await balanced(world, utility) == {"cash": 5000, "credit": -5000}

        # a refund waits for another person, and is looked at again then
        ask = {
            "key": "r-1-1",
            "kind": "refund",
            "account_id": 7,
            "fen": 4000,
            "channel": "cash",
            "reason": "moved away",
        }
        for lacking, place in (
            ({"channel": None}, "/channel"),
            ({"fen": None}, "/fen"),
            ({"fen": -1}, "/fen"),
            ({"reverses": 1}, "/reverses"),
        ):
            refused = await clerk.post("/ledger/acts", json=ask | lacking)
            assert place in [error["pointer"] for error in refused.json()["errors"]], refused.text
        assert problem(await clerk.post("/ledger/acts", json=ask | {"fen": 5001})) == "not-so-much"
        assert problem(await clerk.post("/ledger/acts", json=ask | {"reason": "-"})) == "reason-needed"
        act = await done(await clerk.post("/ledger/acts", json=ask))
        assert (await done(await clerk.post("/ledger/acts", json=ask)))["act_id"] == act["act_id"]
        assert problem(await clerk.post("/ledger/acts", json=ask | {"fen": 3000})) == "booking-key-used"
        assert (
            problem(await clerk.post(f"/ledger/acts/{act['act_id']}/approve", json={"reason": "mine"})) == "not-allowed"
        )
        own = await done(await chief.post("/ledger/acts", json=ask | {"key": "r-2-2"}))
        assert problem(await chief.post(f"/ledger/acts/{own['act_id']}/approve", json={"reason": "mine"})) == "own-act"
        assert (await done(await chief.post(f"/ledger/acts/{act['act_id']}/approve", json={"reason": "seen"})))[
            "state"
        ] == "approved"
        assert (
            problem(await chief.post(f"/ledger/acts/{act['act_id']}/approve", json={"reason": "seen"}))
            == "already-done"
        )
        assert (await done(await clerk.get("/ledger/customers/7")))["credit_fen"] == 1000
        other = await done(await chief.post("/ledger/acts", json=ask | {"key": "r-3-3", "fen": 1000}))
        assert (await done(await clerk.post(f"/ledger/acts/{other['act_id']}/reject", json={"reason": "not now"})))[
            "state"
        ] == "rejected"
        assert problem(await clerk.post("/ledger/acts", json=ask | {"key": "r-4-4"})) == "not-so-much"

        # reversal: once, whole, and not of what was spent meanwhile
        reverse = {"key": "v-1-1", "kind": "reversal", "reverses": paid["entry_id"], "reason": "typed wrongly"}
        assert problem(await clerk.post("/ledger/acts", json=reverse)) == "not-so-much"
        second = await done(await clerk.post("/ledger/payments", json=a_payment(250, "till-2")))
        act = await done(await clerk.post("/ledger/acts", json=reverse | {"reverses": second["entry_id"]}))
        back = await done(await chief.post(f"/ledger/acts/{act['act_id']}/approve", json={"reason": "seen"}))
        assert (await done(await clerk.get(f"/ledger/entries/{second['entry_id']}")))["reversed_by"] == back["entry_id"]
        assert (
            problem(await clerk.post("/ledger/acts", json=reverse | {"key": "v-2-2", "reverses": second["entry_id"]}))
            == "not-reversible"
        )
        assert (
            problem(await clerk.post("/ledger/acts", json=reverse | {"key": "v-3-3", "reverses": back["entry_id"]}))
            == "not-reversible"
        )
        assert (await clerk.post("/ledger/acts", json=reverse | {"key": "v-4-4", "reverses": 2**40})).status_code == 400
        assert await balanced(world, utility) == {"cash": 1000, "credit": -1000}
        third = await done(await clerk.post("/ledger/payments", json=a_payment(40, "till-3")))
        twice = [
            await done(
                await clerk.post("/ledger/acts", json=reverse | {"key": f"x-{n}-x", "reverses": third["entry_id"]})
            )
            for n in range(2)
        ]
        at_once = [chief.post(f"/ledger/acts/{one['act_id']}/approve", json={"reason": "seen"}) for one in twice]
        answers = await asyncio.gather(*at_once)
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert await balanced(world, utility) == {"cash": 1000, "credit": -1000}

        # an adjustment gives and takes; a write-off ends what is owed
        for fen, code in ((300, ""), (-1301, "not-so-much"), (-1300, "")):
            answer = await clerk.post(
                "/ledger/acts",
                json={"key": f"a-{fen}", "kind": "adjustment", "account_id": 7, "fen": fen, "reason": "leak"},
            )
            if code:
                assert problem(answer) == code
            else:
                act = await done(answer)
                await done(await chief.post(f"/ledger/acts/{act['act_id']}/approve", json={"reason": "seen"}))
        assert (
            problem(
                await clerk.post(
                    "/ledger/acts",
                    json={"key": "w-1-1", "kind": "write_off", "account_id": 7, "fen": 1, "reason": "gone"},
                )
            )
            == "not-so-much"
        )

        # the journal, as vouchers
        days = {"from": today.isoformat(), "to": today.isoformat()}
        file = await clerk.get("/ledger/journal.csv", params=days, headers={"Accept-Language": "zh"})
        rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
        assert rows[0] | {"制单人": ""} == {
            "凭证日期": today.isoformat(), "凭证字": "记", "凭证号": str(paid["entry_id"]), "附单据数": "0", "分录号": "1", "摘要": "收款",
            "科目编码": "1001", "科目名称": "库存现金", "借方金额": "50.00", "贷方金额": "", "辅助核算-客户": "", "辅助核算-项目": "cash",
            "币别": "CNY", "制单人": "", "审核人": "",
        }  # fmt: skip
        chief_name = (await done(await chief.get("/session")))["name"]
        agreed = {row["审核人"] for row in rows if row["摘要"].startswith("退款")}
        assert agreed == {chief_name}, agreed  # a name, not a number that nobody knows
        assert sum(float(row["借方金额"] or 0) for row in rows) == sum(float(row["贷方金额"] or 0) for row in rows)
        book_file = await clerk.get("/ledger/journal.xlsx", params=days)
        assert book_file.content[:2] == b"PK"
        assert (
            await clerk.get("/ledger/trial-balance", params={"from": "2026-02-01", "to": "2026-01-01"})
        ).status_code == 400
        # docs/examples/finance.py: the month's file agrees with the trial balance, or is not written
        finance, month = example("finance"), today.isoformat()[:7]
        async with outside(world, utility.token) as api:
            vouchers = await finance(api, month, tmp_path)
            assert sum(1 for _ in csv.DictReader(io.StringIO(vouchers.read_text("utf-8-sig")))) == len(rows)
            cut = OneDayLess(api, today.isoformat())
            with pytest.raises(SystemExit, match="account 1001"):
                await finance(cut, month, tmp_path / "nowhere")
        trail = {entry["action"] for entry in (await chief.get("/audit?limit=100")).json()["items"]}
        assert {"book_payment", "ask_for_act", "approve_act", "reject_act"} <= trail
    async with world.client(world.b.token) as stranger:
        assert problem(await stranger.get(f"/ledger/entries/{paid['entry_id']}")) == "not-found"
        assert (
            problem(await stranger.post(f"/ledger/acts/{other['act_id']}/approve", json={"reason": "theirs"}))
            == "not-found"
        )
        assert (await stranger.get("/ledger/customers/7")).json()["credit_fen"] == 0


async def test_nothing_comes_into_a_closed_month(world: World) -> None:
    utility = await world.utility()
    today = day_to_date(today_of(world))
    last = today.replace(day=1) - timedelta(days=1)
    month = last.isoformat()[:7]
    async with world.client(await world.user(utility, "operator")) as clerk, world.client(utility.token) as chief:
        await done(await clerk.post("/ledger/payments", json=a_payment(100) | {"day": last.isoformat()}))
        assert problem(await clerk.post(f"/ledger/months/{month}/close", json={"reason": "month end"})) == "not-allowed"
        assert problem(await chief.post(f"/ledger/months/{month}/close", json={})) == "reason-needed"
        assert (
            problem(await chief.post(f"/ledger/months/{today.isoformat()[:7]}/close", json={"reason": "month end"}))
            == "month-running"
        )
        assert (await chief.post("/ledger/months/2026-13/close", json={"reason": "month end"})).status_code == 400
        closed = await chief.post(f"/ledger/months/{month}/close", json={"reason": "month end"})
        assert [one["month"] for one in closed.json()] == [month]
        assert (
            problem(await chief.post(f"/ledger/months/{month}/close", json={"reason": "month end"})) == "already-done"
        )
        assert (
            problem(await clerk.post("/ledger/payments", json=a_payment(100) | {"day": last.isoformat()}))
            == "day-closed"
        )
        await done(await clerk.post("/ledger/payments", json=a_payment(100)))
    with pytest.raises(BAD, match="closed month"):
        await entry(world, utility, [("cash", None, "cash", 5), ("credit", 7, "", -5)], day=date_to_day(last))


async def entry(
    world: World, utility: Utility, lines: list[tuple[str, int | None, str, int]], day: int = 20_000, tenant: int = 0
) -> int:
    """An entry written past the program, as the owner of all tables."""
    async with world.owner.transaction():
        made: int = await world.owner.fetchval(
            "INSERT INTO ledger_entry (tenant_id, key, day, kind, made_by, made_us)"
            " VALUES ($1, $2, $3, 'payment', 1, 1) RETURNING entry_id",
            utility.tenant_id, secrets.token_hex(8), day,
        )  # fmt: skip
        for place, (account, whose, detail, fen) in enumerate(lines):
            await world.owner.execute(
                f"{LINE} VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                made, place, tenant or utility.tenant_id, day, account, whose, detail, fen,
            )  # fmt: skip
        return made


async def test_the_database_itself_keeps_the_ledger(world: World) -> None:
    """Whoever writes, with every right there is: unbalanced, one-sided, added to later, changed, removed – refused."""
    utility = await world.utility()
    good = [("cash", None, "cash", 5), ("credit", 7, "", -5)]
    made = await entry(world, utility, good)
    for lines in ([], [("cash", None, "cash", 5)], [("cash", None, "cash", 5), ("credit", 7, "", -4)]):
        with pytest.raises(BAD, match="not balanced"):
            await entry(world, utility, lines)
    for lines in ([("cash", 7, "cash", 5), ("credit", 7, "", -5)], [("cash", None, "cash", 5), ("credit", None, "", -5)],
                  [("cash", None, "", 5), ("credit", 7, "", -5)], [("cash", None, "cash", 0), ("credit", 7, "", 0)]):  # fmt: skip
        with pytest.raises(BAD):
            await entry(world, utility, lines)
    with pytest.raises(BAD):
        await entry(world, utility, good, tenant=world.b.tenant_id)
    line = f"{LINE} VALUES ($1, $2, $3, 20000, 'credit', 7, '', $4)"
    with pytest.raises(BAD, match="no more lines"):
        async with world.owner.transaction():
            await world.owner.execute(line, made, 8, utility.tenant_id, 5)
            await world.owner.execute(line, made, 9, utility.tenant_id, -5)
    for sql in ("UPDATE ledger_line SET fen = 6 WHERE entry_id = $1", "DELETE FROM ledger_line WHERE entry_id = $1",
                "UPDATE ledger_entry SET memo = 'x' WHERE entry_id = $1", "DELETE FROM ledger_entry WHERE entry_id = $1"):  # fmt: skip
        with pytest.raises(BAD):
            await world.owner.execute(sql, made)
    with pytest.raises(BAD):
        await world.owner.execute("TRUNCATE ledger_line, ledger_entry, ledger_act CASCADE")
    rights = "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = 'openmains_api' AND table_name = ANY ($1)"
    tables = ["ledger_entry", "ledger_line", "ledger_month"]
    assert {row[0] for row in await world.owner.fetch(rights, tables)} == {"SELECT", "INSERT"}
    await balanced(world, utility)


async def test_no_way_of_writing_by_thousands_leaves_the_ledger_unbalanced(world: World) -> None:
    """A run's laws are asked of statements and at commit: whatever order, statement, deferral or removal is tried, nothing stays that is
    not balanced – for the program's role, too, and for a bill that says another sum than its entry."""
    utility = await world.utility()
    day, tenant = 20_000, utility.tenant_id
    add = (
        "INSERT INTO ledger_entry (tenant_id, key, day, kind, made_by, made_us)"
        " SELECT $1, $2 || n, $3, 'payment', 1, 1 FROM generate_series(1, $4) n RETURNING entry_id"
    )
    line = f"{LINE} SELECT entry, $3, $2, 20000, $4, $5, $6, $7 FROM unnest($1::bigint[]) entry"  # noqa: S608 - no values

    async def entries(count: int) -> list[int]:
        return [row[0] for row in await world.owner.fetch(add, tenant, secrets.token_hex(8), day, count)]

    async def lines(entry_ids: list[int], place: int, fen: int) -> None:
        side = ("cash", None, "cash") if fen > 0 else ("credit", 7, "")
        await world.owner.execute(line, entry_ids, tenant, place, *side, fen)

    async def whole(count: int) -> list[int]:
        made = await entries(count)
        await lines(made, 1, 5)
        await lines(made, 2, -5)
        return made

    async with world.owner.transaction():
        await whole(500)
    before = await balanced(world, utility)

    async def one_of_many_is_not() -> None:
        made = await whole(500)
        await lines(made[250:251], 3, 1)

    async def one_of_many_has_no_lines() -> None:
        made = await entries(500)
        for place, fen in ((1, 5), (2, -5)):
            await lines(made[:499], place, fen)

    async def written_after_the_law_was_asked() -> None:
        made = await whole(3)
        await world.owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        await world.owner.execute("SET CONSTRAINTS ALL DEFERRED")
        await lines(made[:1], 3, 1)

    async def what_is_to_be_looked_at_is_removed() -> None:
        await lines(await entries(3), 1, 5)
        await world.owner.execute("DELETE FROM ledger_open")

    async def undone_in_part() -> None:
        made = await entries(2)
        await lines(made, 1, 5)
        with pytest.raises(ZeroDivisionError):
            async with world.owner.transaction():
                await lines(made, 2, -5)
                raise ZeroDivisionError

    async def by_the_programs_own_role() -> None:
        await world.owner.execute("SELECT set_config('openmains.tenant', $1, true)", str(tenant))
        await world.owner.execute("SET LOCAL ROLE openmains_api")
        await lines(await entries(2), 1, 5)
        await world.owner.execute("DELETE FROM ledger_open")

    async def in_another_tenants_name_at_the_end() -> None:
        await by_the_programs_own_role()
        await world.owner.execute("SELECT set_config('openmains.tenant', $1, true)", str(world.b.tenant_id))

    for way in (
        in_another_tenants_name_at_the_end,
        one_of_many_is_not, one_of_many_has_no_lines, written_after_the_law_was_asked, what_is_to_be_looked_at_is_removed,
        undone_in_part, by_the_programs_own_role,
    ):  # fmt: skip
        with pytest.raises(BAD, match="not balanced"):
            async with world.owner.transaction():
                await way()
    with pytest.raises(BAD, match="another transaction"):  # so that lines could be added later
        await world.owner.execute(
            "INSERT INTO ledger_entry (tenant_id, key, day, kind, made_by, made_us, xact) VALUES ($1, 'f', $2, 'payment', 1, 1, '1')",
            tenant, day,
        )  # fmt: skip
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with world.owner.transaction():
            await world.owner.execute(add, 2**31 - 1, "nobody's", day, 1)
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="has books"):
        await world.owner.execute("DELETE FROM tenant WHERE tenant_id = $1", tenant)
    assert await balanced(world, utility) == before == {"cash": 2500, "credit": -2500}
    assert await world.owner.fetchval("SELECT count(*) FROM ledger_open") == 0


async def test_two_at_once_spend_credit_once(world: World) -> None:
    """The same second, the same account: one wins, the other is told. Six payments with one key are one."""
    utility = await world.utility()
    key, day = f"pay:{secrets.token_hex(6)}", today_of(world)
    store, user = world.deps.store, UserId(utility.ids["user_id"])

    async def pay() -> int:
        async with store.tenant(TenantId(utility.tenant_id)) as work:
            return (await book(work, payment(key, day, 9, 1000, "wechat"), user, None, 1))[0].entry_id

    assert len(set(await asyncio.gather(*(pay() for _ in range(6))))) == 1

    async def settle(number: int) -> str:
        try:
            async with store.tenant(TenantId(utility.tenant_id)) as work:
                await book(work, settlement(f"s:{key}:{number}", day, 9, 700), user, None, 1)
        except Problem as told:
            return told.code
        return "booked"

    async with store.tenant(TenantId(utility.tenant_id)) as work:
        await book(work, bill_entry(f"b:{key}", day, 9, {"water": 900, "sewage": 1100}), user, None, 1)
    assert sorted(await asyncio.gather(*(settle(n) for n in range(4)))) == ["booked"] + ["not-so-much"] * 3
    assert await balanced(world, utility) == {"clearing": 1000, "credit": -300, "receivable": 1300, "revenue": -2000}


async def random_acts(world: World, count: int, seed: int) -> None:
    """Random payments, bills, settlements, late fees, each sometimes told twice and several at once, against a plain model."""
    utility = await world.utility()
    rng = random.Random(seed)  # noqa: S311 the same acts at every run
    day = today_of(world)
    store, user = world.deps.store, UserId(utility.ids["user_id"])
    credit, owed, keys = dict.fromkeys(range(1, 5), 0), dict.fromkeys(range(1, 5), 0), dict[str, bool]()

    async def act(made: Any) -> str:
        try:
            async with store.tenant(TenantId(utility.tenant_id)) as work:
                return "new" if (await book(work, made, user, None, 1))[1] else "there"
        except Problem as told:
            return told.code

    for number in range(count):
        account, fen, key = rng.randint(1, 4), rng.randint(1, 500), f"{seed}:{number}"
        kind = rng.choice(["pay", "bill", "settle", "fee", "again"])
        if kind == "again" and keys:
            key = rng.choice(list(keys))
            assert await act(payment(key, day, 1, 10**11, "bank")) == "booking-key-used"
            continue
        made = {
            "pay": payment(key, day, account, fen, "bank"),
            "bill": bill_entry(key, day, account, {"water": fen, "sewage": fen // 3}),
            "settle": settlement(key, day, account, fen),
        }.get(kind, late_fee_entry(key, day, account, fen))
        answers = await asyncio.gather(*(act(made) for _ in range(rng.randint(1, 3))))
        possible = kind != "settle" or fen <= min(credit[account], owed[account])
        assert answers.count("new") == possible, (kind, answers)
        assert set(answers) <= ({"new", "there"} if possible else {"not-so-much"})
        if not possible:
            continue
        keys[key] = True
        credit[account] += {"pay": fen, "settle": -fen}.get(kind, 0)
        owed[account] += {"bill": fen + fen // 3, "settle": -fen, "pay": 0}.get(kind, fen)
        assert (
            await world.owner.fetchval("SELECT sum(fen) FROM ledger_line WHERE tenant_id = $1", utility.tenant_id) == 0
        )
        if number % 25 == 0:
            await balanced(world, utility)
    closing = await balanced(world, utility)
    assert -closing.get("credit", 0) == sum(credit.values())
    assert closing.get("receivable", 0) == sum(owed.values())
    async with store.tenant(TenantId(utility.tenant_id)) as work:
        for account in credit:
            held = await work[LedgerStore].balance(account)
            assert (held.credit_fen, held.owed_fen) == (credit[account], owed[account])


async def test_random_acts_sum_to_zero_after_each(world: World) -> None:
    await random_acts(world, 120, 1)


@pytest.mark.usefixtures("takes_minutes")
@pytest.mark.parametrize("seed", range(5))
async def test_many_random_acts_sum_to_zero_after_each(world: World, seed: int) -> None:
    await random_acts(world, 4_000, 100 + seed)

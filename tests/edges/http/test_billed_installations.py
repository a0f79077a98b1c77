# SPDX-License-Identifier: Apache-2.0
"""A bill follows what hung at its account: over an exchange in the middle, up to the register read at moving out, from the one read at
moving in; an account whose meter nobody gave a tariff is refused by name."""

import secrets
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.test_billing import Town as Bills
from tests.edges.http.test_billing import balanced, done_, made
from tests.edges.http.test_meter_lives import HUNG, WHY
from tests.edges.http.test_meter_lives import Town as Warehouse
from tests.edges.http.world import World

FLAT = {"bounds_m3": ["2"], "components": [{"name": "water", "prices": ["2", "3"]}], "cycle_months": 1}


async def registers(
    clickhouse: ClickHouse, tenant: int, meter: int, first: date, ends: list[int], *, whole: bool = True
) -> None:
    """Days of a meter from ``first`` on: registers (L) as they begin and as each ends; not whole: days that lack values."""
    count = len(ends) - 1
    grid = 1 if whole else 2
    used = [after - before for before, after in pairwise(ends)]
    await clickhouse.insert(
        "meter_day",
        {
            "tenant_id": [tenant] * count, "meter_id": [meter] * count, "day": [first + timedelta(days=n) for n in range(count)],
            "area_id": [1] * count, "product_id": [1] * count, "base": ends[:-1], "interval_s": [86400] * count,
            "increments": [[one] + [0] * (grid - 1) for one in used], "quality": [[0] * grid for _ in used], "total": used,
            "flags": [0] * count, "slots": [1] * count, "measured": [1] * count, "received_s": [1_700_000_000] * count,
            "version": [7 + n for n in range(count)],
        },
    )  # fmt: skip


async def test_bills_follow_exchange_and_moving(world: World, clickhouse: ClickHouse) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as chief, world.client(await world.user(utility, "operator")) as clerk:
        store, bills = Warehouse(world, utility, chief, clerk), Bills(world, clickhouse, utility)
        product = {
            "code": "w",
            "name": "W",
            "maker": "M",
            "model": "1",
            "driver": "openmains/water-1",
            "dial": 100_000_000,
        }
        store.product = (await store.post("/products", product, 201))["product_id"]
        month, tenant = bills.month, utility.tenant_id
        after = bills.today.replace(day=1)
        length = (after - month).days

        def at(day: int, clock: str = "09:30") -> str:
            return f"{month.replace(day=day).isoformat()}T{clock}:00+08:00"

        old, new, left, came, free = await store.issued(5)
        accounts = [await store.account() for _ in range(4)]
        exchanged, moved_out, moved_in, without = accounts
        ids = {}
        for number, account in ((old, exchanged), (left, moved_out), (free, without)):
            ids[number] = (await store.install(number, account, "5", at=HUNG))["meter_id"]
        swap: dict[str, Any] = {
            "key": secrets.token_hex(8), "old": {"number": old}, "new": {"number": new}, "reason": WHY, "at": at(10),
            "closing": {"m3": "5.940", "source": "read"}, "opening": {"m3": "0.003", "source": "read"},
        }  # fmt: skip
        ids[new] = (await store.post("/installations/exchange", swap, 201))["meter_id"]
        off = store.body(left, closing={"m3": "6.450", "source": "read"}, at=at(15))
        await store.post("/installations/remove", off)
        ids[came] = (await store.install(came, moved_in, "0.5", at=at(20)))["meter_id"]

        tariff = (
            await made(clerk, "/tariffs", {"code": "W", "name": "w", "medium": "water", "customer_class": "resident"})
        )["tariff_id"]
        plan = {"from_day": "2020-01-01", "document": FLAT, "reason": "notice of 2020"}
        drafted = await made(clerk, f"/tariffs/{tariff}/plans", plan)
        await made(chief, f"/tariff-plans/{drafted['plan_id']}/approve", {"reason": "as decided"})
        members = [
            {"account_id": account, "meter_id": ids[number], "began": "2026-01-01"}
            for account, number in ((exchanged, old), (moved_out, left), (moved_in, came))
        ]
        entries = {"members": members, "from_day": "2026-01-01", "reason": "all of them"}
        answer = await clerk.post(f"/tariffs/{tariff}/members", json=entries)
        assert answer.status_code == 204, answer.text

        # 100 L a day; on the day of an act the meter's day is not whole, or not there at all
        steps = [100 * n for n in range(length + 1)]
        await registers(clickhouse, tenant, ids[old], month, [5000 + n for n in steps[:10]])
        await registers(clickhouse, tenant, ids[new], month.replace(day=10), [3, 33], whole=False)
        await registers(clickhouse, tenant, ids[new], month.replace(day=11), [33 + n for n in steps[: length - 9]])
        await registers(clickhouse, tenant, ids[left], month, [5000 + n for n in steps[:15]])
        await registers(clickhouse, tenant, ids[came], month.replace(day=20), [500, 560], whole=False)
        await registers(clickhouse, tenant, ids[came], month.replace(day=21), [560 + n for n in steps[: length - 19]])
        await registers(clickhouse, tenant, ids[free], month, steps)

        told = await bills.run(chief, month, due_days=10)
        assert (told["accounts"], told["bills"], told["refused"]) == (4, 3, 1)
        refused = (await done_(clerk, f"/bill-runs/{told['run_id']}/refused"))["items"]
        assert [(one["account_id"], one["code"], one["meter_id"]) for one in refused] == [
            (without, "no-tariff", ids[free])
        ]

        litres = {
            exchanged: 900 + 40 + 30 + 100 * (length - 10),
            moved_out: 1400 + 50,
            moved_in: 60 + 100 * (length - 20),
        }
        found = {one["account_id"]: one for one in (await done_(clerk, "/bills", run_id=told["run_id"]))["items"]}
        wanted = {account: min(used, 2000) * 2 + max(0, used - 2000) * 3 for account, used in litres.items()}
        assert {account: one["total_fen"] * 10 for account, one in found.items()} == wanted
        assert {account: float(one["volume_m3"]) * 1000 for account, one in found.items()} == litres
        spans = {account: (one["first_day"], one["last_day"]) for account, one in found.items()}
        last = (after - timedelta(days=1)).isoformat()
        assert spans == {
            exchanged: (month.isoformat(), last), moved_out: (month.isoformat(), at(15)[:10]), moved_in: (at(20)[:10], last),
        }  # fmt: skip

        # told of both meters by version, and the same again out of what it keeps
        bill = await done_(clerk, f"/bills/{found[exchanged]['bill_id']}")
        assert [(one["meter_id"], one["first_day"], len(one["versions"])) for one in bill["cited"]] == [
            (ids[old], month.isoformat(), 10), (ids[new], at(10)[:10], length - 9),
        ]  # fmt: skip
        assert (await done_(clerk, f"/bills/{found[exchanged]['bill_id']}/recomputed"))["same"]
        assert (await balanced(world, utility))["receivable"] == sum(one["total_fen"] for one in found.values())

        # run again, nobody is billed twice, and who moved out has nothing more to come
        again = await bills.run(chief, month, due_days=10)
        assert (again["bills"], again["billed_before"], again["refused"]) == (0, 3, 1)


async def test_no_day_is_billed_twice_or_to_nobody(world: World, clickhouse: ClickHouse) -> None:
    """New terms of a meter that came by exchange, a member that hangs elsewhere, days before anybody said a tariff."""
    utility = await world.utility()
    async with world.client(utility.token) as chief, world.client(await world.user(utility, "operator")) as clerk:
        store, bills = Warehouse(world, utility, chief, clerk), Bills(world, clickhouse, utility)
        product = {
            "code": "w",
            "name": "W",
            "maker": "M",
            "model": "1",
            "driver": "openmains/water-1",
            "dial": 100_000_000,
        }
        store.product = (await store.post("/products", product, 201))["product_id"]
        month, tenant = bills.month, utility.tenant_id
        after = bills.today.replace(day=1)
        length = (after - month).days

        def day(number: int) -> str:
            return month.replace(day=number).isoformat()

        old, new, late = await store.issued(3)
        exchanged, empty, untold = [await store.account() for _ in range(3)]
        ids = {old: (await store.install(old, exchanged, "5", at=HUNG))["meter_id"]}
        swap: dict[str, Any] = {
            "key": secrets.token_hex(8), "old": {"number": old}, "new": {"number": new}, "reason": WHY,
            "at": f"{day(5)}T00:00:00+08:00", "closing": {"m3": "5.400", "source": "read"}, "opening": {"m3": "0", "source": "read"},
        }  # fmt: skip
        ids[new] = (await store.post("/installations/exchange", swap, 201))["meter_id"]
        ids[late] = (await store.install(late, untold, "0", at=HUNG))["meter_id"]

        body = {"code": "W", "name": "w", "medium": "water", "customer_class": "resident"}
        tariff = (await made(clerk, "/tariffs", body))["tariff_id"]
        plan = {"from_day": "2020-01-01", "document": FLAT, "reason": "notice of 2020"}
        drafted = await made(clerk, f"/tariffs/{tariff}/plans", plan)
        await made(chief, f"/tariff-plans/{drafted['plan_id']}/approve", {"reason": "as decided"})

        async def pays(account: int, number: str, since: str, persons: int = 0) -> Any:
            member = {"account_id": account, "meter_id": ids[number], "began": "2026-01-01", "persons": persons}
            entries = {"members": [member], "from_day": since, "reason": "as agreed"}
            return await clerk.post(f"/tariffs/{tariff}/members", json=entries)

        assert (await pays(exchanged, old, "2026-01-01")).status_code == 204
        # a clerk says five persons of the meter that came by exchange, from the 15th on
        assert (await pays(exchanged, new, day(15), persons=5)).status_code == 204
        assert (await pays(untold, late, day(15))).status_code == 204
        refused = await pays(empty, new, day(1))
        assert refused.status_code == 400, refused.text
        assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
            ("/members/0/account_id", "hangs-elsewhere")
        ]
        # as entries were taken before that was asked
        await world.owner.execute(
            "INSERT INTO tariff_member (tenant_id, tariff_id, account_id, meter_id, persons, households, began, from_day, added_by, added_us)"
            " SELECT tenant_id, tariff_id, $2, $1, 0, 1, began, 14610, added_by, 1 FROM tariff_member WHERE meter_id = $1",
            ids[new], empty,
        )  # fmt: skip

        steps = [100 * n for n in range(length + 1)]
        await registers(clickhouse, tenant, ids[old], month, [5000 + n for n in steps[:5]])
        await registers(clickhouse, tenant, ids[new], month.replace(day=5), steps[: length - 3])
        await registers(clickhouse, tenant, ids[late], month, steps)

        told = await bills.run(chief, month, due_days=10)
        found = (await done_(clerk, "/bills", run_id=told["run_id"]))["items"]
        assert {one["account_id"]: float(one["volume_m3"]) * 1000 for one in found} == {exchanged: 100 * length}
        assert [(found[0]["first_day"], found[0]["last_day"])] == [(day(1), day(length))]
        refusals = (await done_(clerk, f"/bill-runs/{told['run_id']}/refused"))["items"]
        assert [(one["account_id"], one["code"], one["meter_id"], one["day"], one["days"]) for one in refusals] == [
            (untold, "no-tariff", ids[late], day(1), 14)
        ]
        # said from the month's beginning, it is billed whole
        assert (await pays(untold, late, day(1))).status_code == 204
        again = await bills.run(chief, month, due_days=10)
        assert (again["bills"], again["refused"]) == (1, 0)
        found = (await done_(clerk, "/bills", run_id=again["run_id"]))["items"]
        assert [(one["account_id"], float(one["volume_m3"]) * 1000) for one in found] == [(untold, 100 * length)]

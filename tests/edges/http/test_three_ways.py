# SPDX-License-Identifier: Apache-2.0
"""Real meters of the real year over the real engines, under two tariffs: bill runs, deductions of the server, and a prepay meter's own frames.

The sums are those of ``tests/support/plain_charges.py``; the whole year by the pure cores is in
``tests/app/billing/test_real_year_three_ways.py``. The year is moved on by nine, so that it has the same dates and is over.
"""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from openmains.domain.period import DAY_S, HOUR_S
from openmains.edges.clickhouse.client import ClickHouse
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account
from openmains.emulator.meter.profile import Profile
from openmains.emulator.meter.store import Held, Store
from tests.app.billing.test_real_year_three_ways import MONTHLY, SEWAGE, YEARLY, Home, levels
from tests.edges.http.test_balance_differences import DRIVER, Lived, instant, placed
from tests.edges.http.test_billing import Town, done_
from tests.edges.http.test_ledger import balanced
from tests.edges.http.test_server_accounts import Charged
from tests.edges.http.test_tariffs import made
from tests.edges.http.world import World, new_meter
from tests.emulator.device.terminals import KEY, NUMBER, T0
from tests.support.past_plans import past_plan
from tests.support.plain_charges import UNITS, Charges, Era, Notice, midnight
from tests.support.real_water import readings, source

LATER = timedelta(days=3287)  # 2016-03 becomes 2025-03
PAID_FEN = 40_000
FEW = 2
AROUND = (date(2025, 8, 20), date(2025, 11, 5))
MOVED = [replace(notice, changed=notice.changed + LATER) for notice in (MONTHLY, YEARLY)]


def homes(most: int) -> list[Home]:
    """Those that were read long enough for a month to be billed."""
    found = [
        Home([(at + LATER.days * DAY_S, litres) for at, litres in levels(entries)])
        for entries in readings(source()[0]).values()
    ]
    return [home for home in found if len(months_of(home)) > 1 or len(home.days()) > 20][:most]


def months_of(home: Home) -> list[date]:
    """First days of the months that end while the meter is read."""
    days = [*home.days(), home.end]
    return [(day - timedelta(days=1)).replace(day=1) for day in days[1:] if day.day == 1]


async def tariff(year: "Year", notice: Notice, code: str) -> int:
    body = {"code": code, "name": code, "medium": "gas", "customer_class": "resident"}
    tariff_id: int = (await made(year.clerk, "/tariffs", body))["tariff_id"]
    documents = list[dict[str, Any]]()
    for prices in (notice.prices, notice.later):
        parts = {"water": [price - SEWAGE for price in prices], "sewage": [SEWAGE for _ in prices]}
        documents.append(
            {
                "bounds_m3": [str(bound) for bound in notice.bounds_m3], "cycle_months": 12 if notice.is_yearly else 1,
                "components": [
                    {"name": name, "prices": [f"{one // 10_000}.{one % 10_000:04d}" for one in each]} for name, each in parts.items()
                ],
                "at_change": "cleared" if notice.is_cleared else "carried",
            }
        )  # fmt: skip
    plan = {"from_day": "2020-01-01", "document": documents[0], "reason": "notice"}
    drafted = await made(year.clerk, f"/tariffs/{tariff_id}/plans", plan)
    await made(year.chief, f"/tariff-plans/{drafted['plan_id']}/approve", {"reason": "as decided"})
    await past_plan(year.place.world.owner, year.tenant, tariff_id, 2, notice.changed, documents[1])
    return tariff_id


class Year(Charged):
    """A town in which each home stands four times: two tariffs, by bills and at the server."""

    def __init__(self, place: Town, clerk: httpx.AsyncClient, chief: httpx.AsyncClient) -> None:
        super().__init__(place, clerk, chief)
        self.of: dict[int, tuple[Home, Notice, bool]] = {}

    async def built(self, real: list[Home]) -> None:
        pages = {page.name: page.unit_exponent for page in self.place.world.deps.drivers.pages()}
        for notice, code in zip(MOVED, "MY", strict=True):
            tariff_id = await tariff(self, notice, code)
            for home in real:
                for is_server in (False, True):
                    await self.home(home, notice, tariff_id, is_server, pages)
        for account, (home, _, is_server) in self.of.items():
            if is_server:
                await self.charge(account, since=home.first)
                await self.pay(account, PAID_FEN)

    async def home(self, home: Home, notice: Notice, tariff_id: int, is_server: bool, pages: dict[str, int]) -> None:
        meter = await made(self.clerk, "/meters", new_meter(self.place.utility))
        account, unit = len(self.of) + 1, 10 ** -pages[meter["driver"]]
        self.of[account] = (home, notice, is_server)
        self.place.meters.append(meter["meter_id"])
        self.place.unit = unit
        body = {
            "members": [{"account_id": account, "meter_id": meter["meter_id"], "began": home.first.isoformat()}],
            "from_day": home.first.isoformat(), "reason": "all of them",
        }  # fmt: skip
        assert (await self.clerk.post(f"/tariffs/{tariff_id}/members", json=body)).status_code == 204
        bases = [home.register(midnight(day)) * unit // 1000 for day in (*home.days(), home.end)]
        many, used = len(home.days()), [b - a for a, b in pairwise(bases)]
        rows = {
            "tenant_id": [self.tenant] * many, "meter_id": [meter["meter_id"]] * many, "day": home.days(), "area_id": [1] * many,
            "product_id": [1] * many, "base": bases[:-1], "interval_s": [86400] * many, "increments": [[one] for one in used],
            "quality": [[0]] * many, "total": used, "flags": [0] * many, "slots": [1] * many, "measured": [1] * many,
            "received_s": [1_700_000_000] * many, "version": [1] * many,
        }  # fmt: skip
        await self.place.clickhouse.insert("meter_day", rows)

    async def deducted(self) -> None:
        while (await self.turn()).accounts:
            pass


async def check_year(world: World, clickhouse: ClickHouse, real: list[Home]) -> None:
    utility = await world.utility()
    async with world.client(await world.user(utility, "operator")) as clerk, world.client(utility.token) as chief:
        year = Year(Town(world, clickhouse, utility), clerk, chief)
        await year.built(real)
        await year.deducted()
        wanted = {
            number: Charges(notice, home.register, home.first, home.end)
            for number, (home, notice, _) in year.of.items()
        }
        for number, (home, _, is_server) in year.of.items():
            if is_server:
                days = await year.days(number)
                assert {row["day"]: row["day_fen"] for row in days} == {
                    day.isoformat(): wanted[number].until(day + timedelta(days=1)) - wanted[number].until(day)
                    for day in home.days()
                }
                assert (await year.account(number))["balance_fen"] == PAID_FEN - wanted[number].until(home.end)
        billed = 0
        for month in sorted({month for home, _, _ in year.of.values() for month in months_of(home)}):
            run = await year.place.run(chief, month)
            bills = (await done_(clerk, "/bills", run_id=run["run_id"], limit=500))["items"]
            for bill in bills:
                first, last = (date.fromisoformat(bill[name]) for name in ("first_day", "last_day"))
                of = wanted[bill["account_id"]]
                assert bill["total_fen"] == of.until(last + timedelta(days=1)) - of.until(first)
            billed += len(bills)
        assert billed == sum(len(months_of(home)) for home, _, _ in year.of.values())
        for number, (home, _, is_server) in year.of.items():
            after = months_of(home)[-1:] and home.end.replace(day=1)
            if is_server:  # the bills took the deductions' place, and moved no balance
                assert (await year.account(number))["balance_fen"] == PAID_FEN - wanted[number].until(home.end)
            elif after:
                assert await year.held(number) == (0, wanted[number].until(after))
        await balanced(world, utility)
        print(f"{len(year.of)} accounts, {billed} bills")


async def test_real_homes_are_billed_and_deducted_from_to_the_fen(world: World, clickhouse: ClickHouse) -> None:
    """A few of them, over the months about the change of price."""
    few = homes(62)[:: 62 // FEW][:FEW]
    for home in few:
        home.first, home.end = max(home.first, AROUND[0]), min(home.end, AROUND[1])
    await check_year(world, clickhouse, [home for home in few if home.first < home.end] or homes(FEW))


@pytest.mark.usefixtures("takes_minutes")
async def test_all_real_homes_are_billed_and_deducted_from_to_the_fen(world: World, clickhouse: ClickHouse) -> None:
    await check_year(world, clickhouse, homes(62))


async def test_a_real_homes_prepay_meter_is_explained_by_its_own_frames(world: World, clickhouse: ClickHouse) -> None:
    """Thirty days of real use, a billing period that begins, a top-up that the meter confirms and forgets."""
    home = max(homes(62), key=lambda one: len(one.valid))
    moved, days = midnight(home.first) - T0, 30
    begins, priced, paid, fen = T0 + 12 * DAY_S, T0 + 10 * HOUR_S, T0 + 20 * DAY_S + 9 * HOUR_S, 4_321
    notice = replace(MONTHLY, bounds_m3=(1, 3))

    def register(at: int) -> int:
        return home.register(at + moved)

    def flow(instants: Any) -> list[int]:
        return [register(max(at, T0)) for at in instants]

    account = Account(MONEY, 20_000 * UNITS_A_FEN, forgets_top_ups=True)
    meter = Lived(
        Terminal(NUMBER, Profile(), flow, DriverFrames(DRIVER, NUMBER), key=KEY, store=Store(Held(account=account)))
    )
    meter.do(meter.terminal.switch_on(T0, attach_after_s=0))
    price = {
        "version": 6, "effective_at": 0, "period_start": begins, "cycle_months": 1, "clear_total": 1, "tiers": 3,
        "tier_from": [0, *notice.bounds_m3], "prices": list(notice.prices),
    }  # fmt: skip
    meter.give(priced, "set_price", price)
    meter.give(paid, "top_up", {"amount": fen, "balance_kind": MONEY})
    meter.until(T0 + days * DAY_S)
    wanted = Charges(notice, home.register, home.first, home.end)
    wanted.register = register
    wanted.eras = [Era(at, register(at), register(at), notice.prices) for at in (priced, begins)]
    async with placed(world, clickhouse) as (place, clerk, chief):
        place.now_us = (T0 + days * DAY_S) * 1_000_000
        meter_id = await place.heard(chief, meter)
        await place.turn()
        told = await place.days(clerk, meter_id)
        assert len(told) >= days - 1 and {day["doubt"] for day in told} == {""}
        found = [day for day in told if day["explanations"]]
        assert [(day["explanations"][0][0]["cause"], len(day["explanations"])) for day in found] == [("lost_top_up", 1)]
        for day in told:
            span = instant(day["from_at"]), instant(day["until_at"])
            is_paid = span[0] < paid <= span[1]
            cost = wanted.units(*span, *(wanted.settled(max(at, priced), 10) for at in span))
            assert day["expected"] == ((day["before"] + fen * is_paid) * UNITS - cost) // UNITS
            assert -1 <= day["difference"] + fen * is_paid <= 1 and day["credited"] == fen * is_paid

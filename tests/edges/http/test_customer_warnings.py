# SPDX-License-Identifier: Apache-2.0
"""Warnings reach the customer's phone, over real engines: once for each step and each stage, by day, called back when it is paid; what
cannot be sent is in the log with its reason."""

from typing import Any

from openmains.app.arrears.jobs import follow_payments
from openmains.app.arrears.nightly import DayMade, run_day
from openmains.app.arrears.warn import tell_balances
from openmains.domain.period import date_to_day
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.test_announcements import HOUR_US, TAKEN, noon, sms
from tests.edges.http.test_arrears import REASON, RULE
from tests.edges.http.test_billing import done_
from tests.edges.http.test_notices import Clock, desk_of, log, turn
from tests.edges.http.test_server_accounts import ZONE, Charged, charged
from tests.edges.http.test_tariffs import made
from tests.edges.http.world import World
from tests.support.receiver import receiver


async def _with_phone(one: Charged, account: int, phone: str) -> None:
    customer = (await made(one.chief, "/customers", {"code": f"P{account}", "name": "张三", "phone": phone}))[
        "customer_id"
    ]
    await one.place.world.owner.execute(
        "UPDATE meter SET customer_id = $1 WHERE meter_id = $2", customer, one.place.meters[account - 1]
    )


async def _below(one: Charged) -> None:
    place = one.place
    for account in (1, 2, 3):
        await place.days(account, place.month, (place.today - place.month).days, 1000)
    await _with_phone(one, 1, "13800138021")
    await _with_phone(one, 2, "")
    await one.charge(1, 2, 3, since=place.month)
    await one.turn()


async def test_a_balance_that_fell_is_told_once_by_day(world: World, clickhouse: ClickHouse) -> None:
    clock = Clock()
    clock.us = noon() + 14 * HOUR_US  # two at night
    async with charged(world, clickhouse, 3) as one, receiver(lambda got: (200, TAKEN)) as receiving:
        await _below(one)
        store, now_us, tenants = world.deps.store, world.deps.now_us(), [(one.tenant, ZONE)]
        await sms(one.chief, receiving, fields="text")
        await sms(one.chief, receiving, fields="account,amount")  # it carries the amount: rather by this one
        await sms(one.chief, receiving, fields="code")
        assert await tell_balances(store, tenants, now_us) == 3
        assert await tell_balances(store, tenants, now_us) == 0, "once for a stage"
        async with desk_of(world, clock) as desk:
            desk.personal = world.deps.personal
            await turn(desk)
            assert receiving.got == [], "at night nobody is told"
            clock.us += 8 * HOUR_US
            await turn(desk)
            await turn(desk)
        balance = (await one.account(1))["balance_fen"]
        (got,) = receiving.got
        assert got.query["PhoneNumbers"] == "13800138021"
        assert got.query["TemplateParam"] == f'{{"account":"1","amount":"{balance / 100:.2f}"}}'
        lines = {(line["kind"], line["state"], line["reason"]) for line in await log(one.chief)}
        assert {told[2] for told in lines if told[1] == "failed"} == {"no-contact", "no-customer"}
        assert {told[:2] for told in lines} == {("balance_low", "accepted"), ("balance_low", "failed")}

        # paid, and below again: another crossing is told anew
        await one.pay(1, -balance + 2000)
        await one.turn()
        assert await tell_balances(store, tenants, now_us) == 0
        await one.corrected(1, one.place.month, 40_000, 2)
        await one.turn()
        assert await tell_balances(store, tenants, now_us) == 1


async def test_a_warning_of_arrears_is_told_and_called_back_when_it_is_paid(
    world: World, clickhouse: ClickHouse
) -> None:
    async with charged(world, clickhouse, 3) as one:
        await _below(one)
        deps, today = world.deps, date_to_day(one.place.today)
        assert deps.command_drivers is not None
        assert (await one.chief.put("/arrears-rules/resident", json=RULE)).status_code == 200
        await made(one.chief, "/arrears/simulation", {})
        await made(one.chief, "/arrears-rules/resident/switch", {"is_on": True, **REASON})
        assert await run_day(deps.store, deps.command_drivers, one.tenant, today + 1, deps.now_us()) == DayMade(3, 0)
        assert await run_day(deps.store, deps.command_drivers, one.tenant, today + 1, deps.now_us()) == DayMade(0, 0)
        assert await _delivered(one) == {
            1: ("failed", "no-channel"),
            2: ("failed", "no-contact"),
            3: ("failed", "no-customer"),
        }
        async with receiver(lambda got: (200, TAKEN)) as receiving:
            await sms(one.chief, receiving, fields="text")
            assert await run_day(deps.store, deps.command_drivers, one.tenant, today + 2, deps.now_us()) == DayMade(
                3, 0
            )
            assert (await _delivered(one))[1] == ("waiting", "")
            await one.pay(1, -(await one.account(1))["balance_fen"])
            await follow_payments(deps.store, [(one.tenant, ZONE)], deps.now_us() + 86_400_000_000)
            assert (await _delivered(one))[1] == ("failed", "settled"), "it is true no more"
            clock = Clock()
            clock.us = noon() + 2 * 24 * HOUR_US
            async with desk_of(world, clock) as desk:
                desk.personal = world.deps.personal
                await turn(desk)
            assert receiving.got == []


async def _delivered(one: Charged) -> dict[int, Any]:
    """By account, of its newest warning."""
    steps = (await done_(one.chief, "/arrears-steps", kind="warning"))["items"]
    return {row["account_id"]: (row["delivery"], row["delivery_reason"]) for row in reversed(steps)}

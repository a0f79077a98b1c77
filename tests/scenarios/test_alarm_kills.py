# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every process during a storm of alarms: each acknowledged alarm is stored, each notice goes to each recipient once, what waits for
its time still does (issue 17, 'to show' 2).

Three hundred meters raise one alarm together, a hundred more raise others by the dozen, which are told one by one. Meters ask again until
they are answered, as meters do. The receiver is a webhook of ours: what it hears twice after a kill has the key that it had, and is the same.
"""

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import asyncpg
import psutil
import pytest

from openmains.bench.system import engine_urls
from tests.support.chaos import Crowd, ended, pids, settle
from tests.support.daily import alarm
from tests.support.receiver import Receiver, receiver
from tests.support.system import System, Systems, post, until_async

VICTIMS = ("edge", "core", "dispatch", "postmaster", "backend", "jetstream")
TOGETHER, HOW_MANY = "magnetic", 300
DOZENS = ("reverse_flow", "over_flow", "low_battery", "burst", "micro_leak", "seal_broken", "valve_fault", "movement")
DOZEN = 12  # fewer than make a group
STORM_S = 45.0  # over which the alarms are spread; the kills fall into it
BETWEEN = 50  # alarms that are answered between two kills: each falls on a system at work

UNTOLD = """
SELECT count(*) FROM alarm a WHERE a.tenant_id = $1 AND NOT EXISTS (
  SELECT FROM notice n WHERE n.tenant_id = a.tenant_id AND n.channel_id = $2 AND n.state = 'accepted' AND n.kind = 'raised'
     AND (n.subject = 'alarm:' || a.alarm_id OR n.subject = 'group:' || a.group_id))
"""
TWICE = """
SELECT count(*) FROM (SELECT FROM notice WHERE tenant_id = $1
 GROUP BY subject, kind, level, policy_id, user_id, channel_id HAVING count(*) > 1) AS twice
"""
MESSAGES = "SELECT count(DISTINCT coalesce(bundle, notice_id)) FROM notice WHERE channel_id = $1 AND state = 'accepted'"
TIMERS = "SELECT count(*) FROM notice_timer WHERE tenant_id = $1"


async def asked(system: System, sql: str, *values: Any) -> Any:
    """One value, over a connection of its own; None while PostgreSQL is away."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(engine_urls(system.var)["postgres_owner"], timeout=5)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()
    return None


def named(crowd: Crowd) -> dict[int, str]:
    """Which meter raises what."""
    dozens = [event for event in DOZENS for _ in range(DOZEN)]
    return dict(enumerate([TOGETHER] * HOW_MANY + dozens))


async def raise_alarm(
    system: System, crowd: Crowd, meter: int, event: str, after_s: float, answered: list[int]
) -> None:
    """One meter: it asks again until it is answered."""
    await asyncio.sleep(after_s)  # a storm is spread over time
    payload = alarm(meter, 1, [event], 100_000)
    while True:
        with suppress(TimeoutError, OSError):
            if (await post(system, str(crowd.registry.first_imei + meter), payload)).ok:
                answered.append(meter)
                return
        await asyncio.sleep(1.0)  # it may ask 60 times a minute


async def tell_all(system: System, receiving: Receiver) -> int:
    """A policy that tells the administrator and a webhook, and escalates to the webhook in ten hours; the webhook's channel."""
    me = system.get("/session")["user_id"]
    body = {
        "kind": "webhook",
        "name": "hook",
        "settings": {"url": f"{receiving.url}/hook"},
        "per_minute": 6000,
        "reason": "test",
    }
    hook = int(system.send("POST", "/notice-channels", body)["channel_id"])
    inbox = next(one["channel_id"] for one in system.get("/notice-channels") if one["kind"] == "inbox")
    levels = [{"after_min": 0, "users": [me], "channels": [hook, inbox]}, {"after_min": 600, "channels": [hook]}]
    system.send("POST", "/notice-policies?reason=test", {"name": "all", "least": "info", "levels": levels})
    return hook


@pytest.mark.usefixtures("takes_minutes")
async def test_no_alarm_is_lost_and_no_notice_goes_out_twice_whatever_is_killed(systems: Systems) -> None:
    seed = int(os.environ.get("OPENMAINS_TEST_SEED", random.SystemRandom().randrange(10**6)))
    rng = random.Random(seed)  # noqa: S311 - a test's order
    print(f"\nseed {seed}")
    async with receiver(lambda got: (200, b"")) as receiving:
        with systems(notify_networks="127.0.0.0/8") as system:
            crowd = await settle(system, 1_000)
            tenant, events = crowd.registry.tenant_id, named(crowd)
            hook = await tell_all(system, receiving)
            answered: list[int] = []
            began = time.monotonic()
            storm = [
                asyncio.create_task(raise_alarm(system, crowd, meter, event, rng.uniform(0, STORM_S), answered))
                for meter, event in events.items()
            ]
            order = list(VICTIMS)
            rng.shuffle(order)
            for victim in order:
                await at_work(answered, len(events))
                process = psutil.Process(rng.choice(pids(system, victim)))
                process.kill()
                print(
                    f"{time.monotonic() - began:5.1f} s: kill -9 {victim:<10} after {len(answered)} of {len(events)} alarms"
                )
                await until_async(lambda process=process: _over(process))  # type: ignore[misc]
            await asyncio.gather(*storm)
            print(f"{time.monotonic() - began:5.1f} s: {len(answered)} alarms answered")

            async def all_told() -> bool:
                return await asked(system, UNTOLD, tenant, hook) == 0

            stored = "SELECT count(*) FROM alarm WHERE tenant_id = $1"
            await until_async(lambda: _is(asked(system, stored, tenant), len(events)), 120)
            await until_async(all_told, 180)
            print(f"{time.monotonic() - began:5.1f} s: all told")
            distinct = "SELECT count(DISTINCT (meter_id, event)) FROM alarm WHERE tenant_id = $1"
            assert await asked(system, distinct, tenant) == len(events)
            await once_each(system, receiving, tenant, hook)

            timers = await asked(system, TIMERS, tenant)
            told = "SELECT count(DISTINCT subject) FROM notice WHERE tenant_id = $1 AND kind = 'raised'"
            assert timers == await asked(system, told, tenant) > len(DOZENS) * DOZEN
            await asked(system, "UPDATE notice_timer SET due_us = 1 WHERE tenant_id = $1", tenant)  # ten hours later
            psutil.Process(pids(system, "core")[0]).kill()
            escalated = (
                "SELECT count(*) FROM notice WHERE channel_id = $1 AND kind = 'escalated' AND state = 'accepted'"
            )
            await until_async(lambda: _is(asked(system, escalated, hook), timers), 180)
            assert await asked(system, TIMERS, tenant) == 0
            await once_each(system, receiving, tenant, hook)
            print(f"{time.monotonic() - began:5.1f} s: {timers} timers rang after another kill")


async def at_work(answered: list[int], most: int) -> None:
    """Until some more alarms have been answered, or all were."""
    enough = min(len(answered) + BETWEEN, most)

    async def moved() -> bool:
        return len(answered) >= enough

    await until_async(moved, 120)


async def once_each(system: System, receiving: Receiver, tenant: int, hook: int) -> None:
    """No notice is there twice, and the receiver heard each message under one key, whatever was said again."""
    assert await asked(system, TWICE, tenant) == 0
    keys = Counter(got.headers["idempotency-key"] for got in receiving.got)
    assert len(keys) == await asked(system, MESSAGES, hook)
    said = {got.headers["idempotency-key"]: got.json for got in receiving.got}
    assert all(got.json == said[got.headers["idempotency-key"]] for got in receiving.got)
    print(f"{len(keys)} messages by webhook, {sum(keys.values()) - len(keys)} said again under their key")


async def _over(process: psutil.Process) -> bool:
    return ended(process)


async def _is(asking: Any, wanted: int) -> bool:
    return bool(await asking == wanted)

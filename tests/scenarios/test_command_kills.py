# SPDX-License-Identifier: Apache-2.0
"""Kill any process at any step of a top-up: the credit at the meter rises exactly once (issue 5, 'to show' 5).

Six kills in `make test`, 25 in `make test-slow`; there ``OPENMAINS_KILLS`` says how many, ``OPENMAINS_KILL_MINUTES`` how long at most
(10). ``OPENMAINS_TEST_SEED`` repeats an order.
"""

import asyncio
import os
import random
import time

import pytest

from tests.support.commanded import commanded_town, enrol
from tests.support.soak import Soak, fill
from tests.support.system import Systems

FEW, MANY = 6, int(os.environ.get("OPENMAINS_KILLS", "25"))
MINUTES = float(os.environ.get("OPENMAINS_KILL_MINUTES", "10"))
PAUSE_S = (0.5, 5.0)  # between two kills: most top-ups meet one on their way, and the API has time to take them in


async def test_top_ups_happen_once_whatever_is_killed(systems: Systems) -> None:
    await killed(systems, FEW, meters=16)


@pytest.mark.usefixtures("takes_minutes")
async def test_top_ups_happen_once_through_many_kills(systems: Systems) -> None:
    await killed(systems, MANY, meters=40)


async def killed(systems: Systems, kills: int, *, meters: int) -> None:
    """Top-ups under so many kills; then every one of them is confirmed, once."""
    people = max(2, min(16, kills // 40))
    fillers = 200 * people * 50  # 2 % of them are what the cashiers may top up in an hour
    seed = int(os.environ.get("OPENMAINS_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}")
    with systems(meter_rate_per_min=100_000, access_messages_per_min=1_000_000) as system:

        async def also(tenant_id: int) -> None:
            await fill(system.var, tenant_id, fillers)

        async with commanded_town(system, meters, also=also) as town:
            cashiers = [{"login": f"cashier-{k}", "password": f"a long word of cashier {k}"} for k in range(people)]
            for person in cashiers:
                enrol(system, town.tenant_id, person)
            await asyncio.gather(*(town.meter(index).wake() for index in range(meters)))
            soak = Soak(town, cashiers, random.Random(seed))  # noqa: S311 - an order that can be repeated
            began = time.monotonic()
            await soak.run(kills, pause_s=PAUSE_S, limit_s=MINUTES * 60)
            states, (sent, repeats), different = await soak.states(), await soak.frames(), await soak.differences()
            print(
                f"{soak.kills.total()} kills in {time.monotonic() - began:.0f} s: {dict(soak.kills)}\n"
                f"{len(soak.asked)} top-ups asked for, {dict(states)}; {sent} frames reached the meters, {repeats} of them repeats\n"
                f"{sum(fen for _, fen in soak.asked.values()) / 100:.2f} CNY asked for,"
                f" {sum(meter.credit for meter in town.meters) // 100_000 / 100:.2f} CNY at the meters;"
                f" handshakes {sum(meter.handshakes for meter in town.meters)}; answers {dict(soak.answers)}"
            )
            assert different == []
            assert states == {"confirmed": len(soak.asked)}

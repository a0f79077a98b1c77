# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every process under load: nothing acknowledged is lost, nothing is stored twice, recovery is automatic.

Each process once in `make test`, twenty kills and a larger town in `make test-slow`.
"""

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from openmains.bench.system import engine_urls
from tests.support.chaos import Probe, caught_up, count, ended, flowing, left_over, pids, settle
from tests.support.engines import new_var, remove_var
from tests.support.system import Systems, until

VICTIMS = ("edge", "core", "dispatch", "postmaster", "backend", "jetstream")
METERS_A_RATE = 120  # one round of all meters takes longer than a CoAP request can last (93 s)


@pytest.fixture
def var() -> Iterator[Path]:
    """A place that outlives one run of the system."""
    place = new_var()
    yield place
    remove_var(place)


async def test_each_process_killed_then_the_supervisor(systems: Systems, var: Path) -> None:
    await killed(systems, var, rounds=len(VICTIMS), rate=200.0)


@pytest.mark.usefixtures("takes_minutes")
async def test_twenty_kills_then_the_supervisor(systems: Systems, var: Path) -> None:
    await killed(systems, var, rounds=20, rate=500.0)


async def killed(systems: Systems, var: Path, *, rounds: int, rate: float) -> None:
    """The order of the victims comes from a seed, which is printed (OPENMAINS_TEST_SEED repeats it)."""
    seed = int(os.environ.get("OPENMAINS_TEST_SEED", random.SystemRandom().randrange(10**6)))
    rng = random.Random(seed)  # noqa: S311 - a test's order
    order = (list(VICTIMS) * (1 + rounds // len(VICTIMS)))[:rounds]
    rng.shuffle(order)
    print(f"\nseed {seed}")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in VICTIMS}
    with ExitStack() as running:
        system = running.enter_context(systems(var))
        crowd = await settle(system, int(rate * METERS_A_RATE))
        probe = Probe(system, crowd)
        with crowd.reporting(system, rate):
            await flowing(system, crowd)
            for number, victim in enumerate(order, 1):
                process = psutil.Process(rng.choice(pids(system, victim)))
                began = time.monotonic()
                process.kill()
                acked, visible = await probe.recovery(began)
                times[victim].append((acked, visible))
                print(f"round {number:2}: kill -9 {victim:<10} acknowledged {acked:5.2f} s, visible {visible:5.2f} s")
                assert ended(process)
                await flowing(system, crowd)
        print(f"load: {crowd.summary}")
        print("process      rounds  acknowledged (median, most)  visible (median, most)")
        for name, pairs in times.items():
            (ack, ack_most), (seen, seen_most) = (_middle([pair[side] for pair in pairs]) for side in (0, 1))
            print(f"{name:<12} {len(pairs):6}  {ack:8.2f} s {ack_most:8.2f} s        {seen:8.2f} s {seen_most:8.2f} s")

        with crowd.reporting(system, rate, day=crowd.first_day + 5):
            await flowing(system, crowd)
            below = psutil.Process(system.process.pid).children(recursive=True)
            began = time.monotonic()
            system.process.kill()
            system.process.wait()
            await until(lambda: all(ended(process) for process in below) and not left_over(var))
            print(f"supervisor: nothing runs {time.monotonic() - began:.1f} s after its kill -9")
            began = time.monotonic()
            again = running.enter_context(systems(var, coap_port=system.coap, http_port=system.http))
            again.api.headers = system.api.headers
            probe.move_to(again)
            acked, visible = await probe.recovery(began)
            print(f"start on the same data: acknowledged {acked:.1f} s, visible {visible:.1f} s")
            await flowing(again, crowd)
        versions = await caught_up(again, crowd)
        urls = engine_urls(var)
    found = count(urls, crowd, versions)
    print(found)
    assert found.acknowledged > 1000
    assert found.exact, found


def _middle(values: list[float]) -> tuple[float, float]:
    """(median, most)."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[-1]

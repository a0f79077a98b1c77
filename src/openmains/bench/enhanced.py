# SPDX-License-Identifier: Apache-2.0
"""``openmains bench ingest --enhanced --pairs N``: what reports with 48 pressures, temperatures and vibrations cost beside plain ones.

One system, runs of both kinds in turns: plain, enhanced, enhanced, plain … Each meter sends one report a run, as fast as
``--window`` unanswered ones allow, and a run is over when the last is visible. The first two warm up and do not count. So what a
machine that others use does from minute to minute falls on both, and a ratio can be told where a rate cannot: ``ratio_rate`` is
enhanced by plain reports a second, ``ratio_cpu`` plain by enhanced processor time a report – each the middle of the pairs of
neighbours. 1: it costs nothing; asked for is 0.8.
"""

import argparse
import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import msgspec
import numpy as np

from openmains.bench.load.child import Offer, load_in_child
from openmains.bench.machine import processor_seconds
from openmains.bench.outcome import verify, wait_applied, wait_idle, wait_known
from openmains.bench.registry import register, remember
from openmains.bench.system import engine_urls, free_port, system, temporary_var
from openmains.domain.period import DAY_S

WINDOW = 4_000  # where none is named: below what an edge may hold unanswered
MOST_S = 120.0  # of one run
KEYS = ("pairs", "meters", "ratio_rate", "ratio_cpu", "plain", "enhanced", "lost", "duplicated")


class Run(msgspec.Struct, frozen=True):
    """One run; ``us``: processor time of all processes for one report, in microseconds."""

    enhanced: bool
    acked: int
    per_s: float
    us: float


def order(pairs: int) -> list[bool]:
    """Which runs are enhanced: neighbours make a pair, and each pair begins with what the one before ended with."""
    return [bool((place + 1) // 2 % 2) for place in range(2 * pairs)]


def ratios(runs: Sequence[Run]) -> tuple[float, float]:
    """(rate, processor time) of the middle pair."""
    rates, prices = [], []
    for first, second in zip(runs[::2], runs[1::2], strict=True):
        plain, enhanced = (second, first) if first.enhanced else (first, second)
        rates.append(enhanced.per_s / plain.per_s)
        prices.append(plain.us / enhanced.us)
    return round(median(rates), 3), round(median(prices), 3)


def report(figures: dict[str, Any]) -> Iterator[str]:
    """Human lines."""
    for kind in ("plain", "enhanced"):
        yield f"{kind}: " + ", ".join(f"{run.per_s:,.0f}/s at {run.us:.0f} µs" for run in figures["runs"][kind])
    yield (
        f"enhanced by plain, the middle of {figures['pairs']} pairs: {figures['ratio_rate']:.3f} of the rate,"
        f" {figures['ratio_cpu']:.3f} by processor time"
    )
    yield f"lost {figures['lost']}, duplicated {figures['duplicated']}"


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, run in turns, verify all of it."""
    with temporary_var() as fresh:
        var = args.keep or fresh
        with system(var, dtls=free_port(socket.SOCK_DGRAM)) as (supervisor, coap, _):
            print(f"registering {args.meters:,} meters …", flush=True)
            urls = engine_urls(var)
            registry = await register(urls["postgres_owner"], args.meters)
            kinds = [False, True, *order(args.pairs)]
            first_day = int(time.time()) // DAY_S - 1 - len(kinds)
            await remember(urls["postgres_owner"], registry, first_day)
            await wait_known(coap, registry)
            runs, sent = [], []
            for turn, enhanced in enumerate(kinds):
                await wait_idle(supervisor.pid)
                before, began = processor_seconds(supervisor.pid), time.time()
                offer = Offer(0.0, MOST_S, args.window or WINDOW, enhanced, registry.count)
                sent.append(
                    await asyncio.to_thread(load_in_child, ("127.0.0.1", coap), registry, first_day + turn, offer)
                )
                acked = len(sent[-1]["meters"])
                visible_at = await wait_applied(
                    urls["postgres_pipeline"], registry, sum(len(one["meters"]) for one in sent)
                )
                after = processor_seconds(supervisor.pid)
                spent = sum(after.values()) - sum(before.get(name, 0.0) for name in after)
                runs.append(
                    Run(enhanced, acked, round(acked / (visible_at - began), 1), round(spent / max(1, acked) * 1e6, 1))
                )
                print(f"{'enhanced' if enhanced else 'plain'}: {runs[-1].per_s:,.0f}/s", flush=True)
        meters, days = (np.concatenate([one[name] for one in sent]) for name in ("meters", "days"))
        verified = verify(urls["clickhouse"], registry, meters, days)
    counted = runs[2:]
    by_kind = {kind: [one for one in counted if one.enhanced == (kind == "enhanced")] for kind in ("plain", "enhanced")}
    ratio_rate, ratio_cpu = ratios(counted)
    return {
        "pairs": args.pairs,
        "meters": args.meters,
        "ratio_rate": ratio_rate,
        "ratio_cpu": ratio_cpu,
        "runs": by_kind,
        **{kind: [one.per_s for one in some] for kind, some in by_kind.items()},
        **verified,
    }

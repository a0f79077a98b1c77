# SPDX-License-Identifier: Apache-2.0
"""``openmains bench rules``: what rules that people made cost the taking in of reports (R7.2).

One system, two utilities of half the meters each: one without a rule, one with ``--rules`` of every kind that the form makes – bounds, events,
changes, trees, conditions that hold, so many of a place, silence –, of which most are fulfilled by no report and one in fifty by each. Loads
of the same size go to them in turns: without, with, with, without … The first load of each is not counted: in it every meter of the
second one fires what it fulfils, which is a storm and not the rule; ``us_per_report_firing`` tells what that costs. What the storm
leaves for the database to tidy up is tidied before the first load that counts.

``ratio``      how much more processor time a report takes with rules, all processes together but for the generator: the middle of ``--pairs``
               pairs of neighbours, ``ratios`` each of them
``pure_us``    processor time of judging alone (``app/rule/watch.py``) for a report, the rules standing as they do in the loads; in this process
``fired``      alarms of rules. Silence is the clock's: it is worked meanwhile, and its first look at all meters is in the first load.
"""

import argparse
import asyncio
import json
import socket
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import asyncpg
import msgspec
import numpy as np

from openmains.app.rule.conditions import condition_of
from openmains.app.rule.model import ActiveRule, RuleDraft
from openmains.app.rule.watch import RuledMessage, RuledMeter, RuleSet
from openmains.bench import calibration
from openmains.bench.enhanced import order
from openmains.bench.figures import tell_keys
from openmains.bench.load.child import Offer, load_in_child
from openmains.bench.load.frames import DailyReports
from openmains.bench.machine import processor_seconds
from openmains.bench.outcome import verify, wait_applied, wait_idle, wait_known
from openmains.bench.registry import FIRST_IMEI, BenchRegistry, register, remember
from openmains.bench.system import engine_urls, free_port, system, temporary_var
from openmains.domain.ids import AreaId, MeterId, ProductId, RuleId, TenantId
from openmains.domain.period import DAY_S
from openmains.drivers import catalog
from openmains.run import messages
from openmains.run.settings import Loaded

KEYS = ("rules", "meters", "pairs", "reports", "us_per_report_without", "us_per_report_with", "us_per_report_firing", "ratio", "ratios",
        "pure_us", "fired", "lost", "duplicated")  # fmt: skip
PURE_REPORTS = 1_000  # of a part of a batch
PURE_TURNS = 20
WEEK_S = 7 * DAY_S
UNCOUNTED = 2  # loads at the beginning
LEARN_S = 15.0  # a pipeline keeps to rules that changed for a moment longer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench rules``."""
    text = messages.text
    parser.add_argument("--meters", type=int, default=1_000_000, help=text("注册表数", "registered meters"))
    parser.add_argument("--rules", type=int, default=500, help=text("规则数", "rules"))
    parser.add_argument("--pairs", type=int, default=5, help=text("对照轮数", "pairs of loads, without and with rules"))
    parser.add_argument("--seconds", type=float, default=30.0, help=text("每次持续秒数", "seconds of each load"))
    parser.add_argument("--rate", type=float, default=3_000.0, help=text("每秒上报数", "reports a second"))
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when something was lost or doubled."""
    del loaded
    machine = calibration.say()
    figures = asyncio.run(run(args))
    tell_keys(figures, KEYS, machine, as_json=args.json)
    return 0 if figures["lost"] == 0 and figures["duplicated"] == 0 else 1


def drafts(count: int) -> Iterator[dict[str, Any]]:
    """Conditions as the form makes them; one in fifty is fulfilled by every report: the first of them fires, the others must hold for a week,
    so that ten stand at each meter and the load is no storm of ten alarms a report."""
    kinds: tuple[dict[str, Any], ...] = (
        {"value": "battery_mv", "below": 2_000},
        {"value": "rsrp_ddbm", "below": -1_350},
        {"event": "magnetic"},
        {"change": "battery_mv", "falls": 400},
        {"all": [{"value": "battery_pct", "below": 5}, {"not": {"event": "low_battery"}}]},
        {"any": [{"event": "burst"}, {"value": "sinr_ddb", "below": -190}]},
        {"meters": 50, "within": "area", "of": {"event": "reverse_flow"}},
        {"silent_h": 240},
        {"value": "battery_mv", "outside": [1_900, 5_000]},
        {"event": "pressure_low"},
    )
    for number in range(count):
        held_s = 600 if number % 10 == 8 else WEEK_S if number % 50 == 49 and number > 49 else 0
        condition = {"value": "battery_mv", "above": 3_000} if number % 50 == 49 else kinds[number % len(kinds)]
        yield {
            "condition": condition, "severity": "minor", "product_id": None, "area_id": None, "customer_classes": [],
            "dn_from": None, "dn_to": None, "held_s": held_s, "command": None, "work_order": None, "cases": [],
        }  # fmt: skip


async def make_rules(owner: str, tenant_id: int, count: int) -> None:
    """On, in force at once; past the door that asks for trials, since the load is none."""
    connection = await asyncpg.connect(owner)
    try:
        for number, draft in enumerate(drafts(count)):
            rule_id = await connection.fetchval(
                "INSERT INTO rule (tenant_id, name, is_on, made_by) VALUES ($1, $2, true, 1) RETURNING rule_id", tenant_id, f"bench {number}"
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO rule_version (rule_id, version, line, tenant_id, draft, zh, en, effective_us, made_by, made_us)"
                " VALUES ($1, 1, 1, $2, $3::text::jsonb, '', '', 0, 1, 0)",
                rule_id, tenant_id, json.dumps(draft),
            )  # fmt: skip
    finally:
        await connection.close()


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, load both utilities in turns, verify."""
    with temporary_var() as var:
        half = args.meters // 2
        with system(var, dtls=free_port(socket.SOCK_DGRAM)) as (supervisor, coap, _):
            urls = engine_urls(var)
            print(f"registering {2 * half:,} meters …", flush=True)
            plain = await register(urls["postgres_owner"], half)
            ruled = await register(urls["postgres_owner"], half, first_imei=FIRST_IMEI + half, code="ruled")
            rounds = int(args.rate * args.seconds // half) + 1
            first_day = int(time.time()) // DAY_S - 1 - (args.pairs + 1) * rounds
            for registry in (plain, ruled):
                await remember(urls["postgres_owner"], registry, first_day)
                await wait_known(coap, registry)
            await make_rules(urls["postgres_owner"], ruled.tenant_id, args.rules)
            await asyncio.sleep(LEARN_S)
            prices: list[tuple[bool, float]] = []
            sent: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
            for place, with_rules in enumerate([False, True, *order(args.pairs)]):
                await wait_idle(supervisor.pid)
                if place == UNCOUNTED:
                    await _tidied(urls["postgres_owner"])
                registry, mine = (ruled if with_rules else plain), sent[with_rules]
                before = processor_seconds(supervisor.pid)
                mine.append(await _load(args, coap, registry, first_day + len(mine) * rounds))
                await wait_applied(urls["postgres_pipeline"], registry, sum(len(one["meters"]) for one in mine))
                after = processor_seconds(supervisor.pid)
                count = max(1, len(mine[-1]["meters"]))
                spent = {name: (after[name] - before.get(name, 0.0)) / count * 1e6 for name in after}
                prices.append((with_rules, sum(spent.values())))
                parts = ", ".join(f"{name} {price:,.0f}" for name, price in sorted(spent.items()))
                print(f"{'with' if with_rules else 'without'}: {prices[-1][1]:,.0f} µs a report ({parts})", flush=True)
            fired = await _fired(urls["postgres_owner"], ruled.tenant_id)
        found = {"lost": 0, "duplicated": 0}
        for with_rules, registry in ((False, plain), (True, ruled)):
            meters, days = (np.concatenate([one[name] for one in sent[with_rules]]) for name in ("meters", "days"))
            for name, count in verify(urls["clickhouse"], registry, meters, days).items():
                found[name] += count
    counted = prices[UNCOUNTED:]
    ratios = pair_ratios(counted)
    return {
        "rules": args.rules,
        "meters": 2 * half,
        "pairs": args.pairs,
        "reports": sum(len(one["meters"]) for some in sent.values() for one in some),
        "us_per_report_without": round(median(price for is_ruled, price in counted if not is_ruled), 1),
        "us_per_report_with": round(median(price for is_ruled, price in counted if is_ruled), 1),
        "us_per_report_firing": round(prices[1][1], 1),
        "ratio": round(median(ratios), 4),
        "ratios": ratios,
        "pure_us": round(pure_us(args.rules), 2),
        "fired": fired,
        **found,
    }


def pair_ratios(prices: Sequence[tuple[bool, float]]) -> list[float]:
    """How much more the load with rules cost than its neighbour without."""
    found = []
    for first, second in zip(prices[::2], prices[1::2], strict=True):
        without, beside = (second[1], first[1]) if first[0] else (first[1], second[1])
        found.append(round(beside / without - 1, 4))
    return found


def pure_us(count: int) -> float:
    """Processor time that judging takes for a report, in µs: parts of a batch of one product, the middle of the turns."""
    driver = catalog.load().driver(DailyReports.driver_name)
    rules = RuleSet(
        ActiveRule(
            RuleId(number),
            1,
            TenantId(1),
            condition_of(msgspec.convert(draft, RuleDraft), driver.unit_exponent),
            "minor",
            held_s=draft["held_s"],
        )
        for number, draft in enumerate(drafts(count), 1)
    )
    meters = [RuledMeter() for _ in range(PURE_REPORTS)]
    index, spent = np.arange(PURE_REPORTS), []
    reports = DailyReports()
    for turn in range(PURE_TURNS + 1):
        at_s = (20_300 + turn) * DAY_S
        frames = reports(index, np.full(PURE_REPORTS, 20_300 + turn), at_s)
        columns, _ = driver.decode([frame.tobytes() for frame in frames], [at_s] * PURE_REPORTS)
        messages = [
            RuledMessage(
                part,
                row,
                TenantId(1),
                ProductId(1),
                MeterId(number),
                AreaId(1),
                15,
                meters[number],
                at_s,
                at_s * 1_000_000,
            )
            for part in columns
            for row, number in enumerate(part.rows)
        ]
        began = time.process_time()
        rules.watch(messages)
        spent.append((time.process_time() - began) / len(messages) * 1e6)
    return median(spent[1:])  # in the first one they fire


async def _load(args: argparse.Namespace, coap: int, registry: BenchRegistry, day: int) -> dict[str, Any]:
    return await asyncio.to_thread(load_in_child, ("127.0.0.1", coap), registry, day, Offer(args.rate, args.seconds))


async def _tidied(owner: str) -> None:
    connection = await asyncpg.connect(owner)
    try:
        await connection.execute("VACUUM (ANALYZE)", timeout=600)
    finally:
        await connection.close()


async def _fired(owner: str, tenant_id: int) -> int:
    connection = await asyncpg.connect(owner)
    try:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM alarm WHERE tenant_id = $1 AND event = 'rule_fired'", tenant_id
            )
        )
    finally:
        await connection.close()

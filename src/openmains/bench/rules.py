# SPDX-License-Identifier: Apache-2.0
"""``openmains bench rules``: what rules that people made cost the taking in of reports (R7.2).

A whole system of its own, N registered meters, the same load twice: without a rule, then with ``--rules`` of every kind that the form makes –
bounds, events, changes, trees, conditions that hold, so many of a place, silence – of which most are fulfilled by no report and some by
each. ``ratio``: how much more processor time a report takes with them, all processes together but for the generator; ``fired``: alarms of
rules. Silence is the clock's: it is worked meanwhile, and its first look at all meters is within the measure.
"""

import argparse
import asyncio
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np

from openmains.bench import calibration
from openmains.bench.load.child import Offer, load_in_child
from openmains.bench.machine import processor_seconds
from openmains.bench.outcome import verify, wait_applied, wait_idle, wait_known
from openmains.bench.registry import BenchRegistry, register, remember
from openmains.bench.system import engine_urls, free_port, system
from openmains.domain.period import DAY_S
from openmains.run import messages
from openmains.run.settings import Loaded

KEYS = (
    "rules",
    "meters",
    "reports",
    "us_per_report_without",
    "us_per_report_with",
    "ratio",
    "fired",
    "lost",
    "duplicated",
)
LEARN_S = 15.0  # a pipeline keeps to rules that changed for a moment longer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench rules``."""
    text = messages.text
    parser.add_argument("--meters", type=int, default=1_000_000, help=text("注册表数", "registered meters"))
    parser.add_argument("--rules", type=int, default=500, help=text("规则数", "rules"))
    parser.add_argument("--seconds", type=float, default=60.0, help=text("每次持续秒数", "seconds of each load"))
    parser.add_argument("--rate", type=float, default=3_000.0, help=text("每秒上报数", "reports a second"))
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when something was lost or doubled."""
    del loaded
    machine = calibration.say()
    figures = asyncio.run(run(args))
    print(", ".join(f"{key} {figures[key]}" for key in KEYS), flush=True)
    if args.json:
        print(json.dumps({key: figures[key] for key in KEYS} | {"machine": machine}), flush=True)
    return 0 if figures["lost"] == 0 and figures["duplicated"] == 0 else 1


def drafts(count: int) -> Iterator[dict[str, Any]]:
    """Conditions as the form makes them; one in fifty is fulfilled by every report."""
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
        held_s = 600 if number % 10 == 8 else 0
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
    """Build, load without rules and with them, verify."""
    with tempfile.TemporaryDirectory(prefix="openmains-bench-") as temporary:
        os.chmod(temporary, 0o711)  # noqa: PTH101, S103 - the database's account must enter, and nothing runs yet
        var = Path(temporary) / "var"
        with system(var, dtls=free_port(socket.SOCK_DGRAM)) as (supervisor, coap, _):
            urls = engine_urls(var)
            print(f"registering {args.meters:,} meters …", flush=True)
            registry = await register(urls["postgres_owner"], args.meters)
            rounds = int(args.rate * args.seconds // args.meters) + 1
            first_day = int(time.time()) // DAY_S - 1 - 2 * rounds
            await remember(urls["postgres_owner"], registry, first_day)
            await wait_known(coap, registry)
            prices, sent = [], []
            for turn in range(2):
                if turn:
                    print(f"{args.rules} rules …", flush=True)
                    await make_rules(urls["postgres_owner"], registry.tenant_id, args.rules)
                    await asyncio.sleep(LEARN_S)
                else:
                    await wait_idle(supervisor.pid)
                before = processor_seconds(supervisor.pid)
                sent.append(await _load(args, coap, registry, first_day + turn * rounds))
                await wait_applied(urls["postgres_pipeline"], registry, sum(len(one["meters"]) for one in sent))
                after = processor_seconds(supervisor.pid)
                spent = sum(after.values()) - sum(before.get(name, 0.0) for name in after)
                prices.append(spent / max(1, len(sent[-1]["meters"])) * 1e6)
            fired = await _fired(urls["postgres_owner"], registry.tenant_id)
        meters, days = (np.concatenate([one[name] for one in sent]) for name in ("meters", "days"))
        found = verify(urls["clickhouse"], registry, meters, days)
    without, beside = prices
    return {
        "rules": args.rules,
        "meters": args.meters,
        "reports": sum(len(one["meters"]) for one in sent),
        "us_per_report_without": round(without, 1),
        "us_per_report_with": round(beside, 1),
        "ratio": round(beside / without - 1, 4),
        "fired": fired,
        **found,
    }


async def _load(args: argparse.Namespace, coap: int, registry: BenchRegistry, day: int) -> dict[str, Any]:
    return await asyncio.to_thread(load_in_child, ("127.0.0.1", coap), registry, day, Offer(args.rate, args.seconds))


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

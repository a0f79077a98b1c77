# SPDX-License-Identifier: Apache-2.0
"""``openmains bench ingest``: reports a second from the socket to both stores, nothing lost, nothing twice.

A whole system of its own (engines, core, edge under the supervisor) in a temporary directory, N registered meters, and
the load generator as a process beside it on the same cores. Each request is one meter's daily report (48 half hours,
7-day history). Afterwards every acknowledged (meter, day) is looked for in ClickHouse, and every row is counted.

``cpu_us_per_report`` is the processor time of all processes for one acknowledged report, the load generator's not counted; beside it
stand the machine's AES-CCM opens a second and what libcoap's server spends on the same requests (``libcoap.py``), so that machines
compare.
"""

import argparse
import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openmains.bench import calibration, enhanced, libcoap
from openmains.bench.load.child import Offer, load_in_child
from openmains.bench.machine import may_profile, memory_mb, processor_seconds, start_profilers
from openmains.bench.outcome import pipeline_steps, verify, wait_applied, wait_idle, wait_known
from openmains.bench.registry import register, remember
from openmains.bench.secure import prepare_secure
from openmains.bench.system import engine_urls, free_port, system, temporary_var
from openmains.domain.period import DAY_S
from openmains.run import messages
from openmains.run.settings import Loaded

KEYS = (
    "reports_per_s", "lost", "duplicated", "p99_ack_ms", "rss_mb", "seconds", "cpu_us_per_report", "libcoap_us_per_answer",
    "ratio_libcoap",
)  # fmt: skip
SECURE_KEYS = {False: (), True: ("handshakes_per_s", "bad_answers")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench ingest``."""
    text = messages.text
    parser.add_argument("--meters", type=int, default=1_000_000, help=text("注册表数", "registered meters"))
    parser.add_argument("--seconds", type=float, default=60.0, help=text("持续秒数", "seconds of load"))
    parser.add_argument("--rate", type=float, default=11_000.0, help=text("每秒上报数", "reports a second"))
    parser.add_argument(
        "--window", type=int, default=0, help=text("最多未应答数(0 不限)", "most unanswered, 0: open loop")
    )
    parser.add_argument(
        "--dtls",
        action="store_true",
        help=text("经 DTLS(每只表先建立会话)", "over DTLS, a session for each meter first"),
    )
    parser.add_argument(
        "--enhanced",
        action="store_true",
        help=text(
            "增强上报(另含 48 个压力、温度、振动)", "enhanced reports: 48 pressures, temperatures, vibrations too"
        ),
    )
    parser.add_argument(
        "--pairs",
        type=int,
        default=0,
        help=text(
            "与 --enhanced 连用:普通与增强轮流各上报一遍的对数",
            "with --enhanced: pairs of runs in turns, plain and enhanced, each meter once a run",
        ),
    )
    parser.add_argument("--profile", type=Path, help=text("py-spy 火焰图目录", "directory for py-spy profiles"))
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))
    parser.add_argument("--keep", type=Path, help=text("保留数据于此目录", "keep the data in this directory"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when something was lost or doubled."""
    del loaded
    if args.enhanced and args.dtls:
        print("--enhanced is measured without --dtls: leave one of them out")
        return 2
    if args.pairs and not args.enhanced:
        print("--pairs compares enhanced reports with plain ones: add --enhanced")
        return 2
    if not may_profile(args.profile):
        return 2
    machine = calibration.say()
    if args.pairs:
        return _compared(args, machine)
    figures = asyncio.run(run(args))
    for line in report(figures):
        print(line, flush=True)
    if args.json:
        said = {key: figures[key] for key in (*KEYS, *SECURE_KEYS[args.dtls])}
        said |= {"aesccm_opens_per_s": machine["aesccm_opens_per_s"], "cpu": figures["cpu"], "machine": machine}
        print(json.dumps(said), flush=True)
    return 0 if figures["lost"] == 0 and figures["duplicated"] == 0 else 1


def _compared(args: argparse.Namespace, machine: dict[str, Any]) -> int:
    figures = asyncio.run(enhanced.run(args))
    for line in enhanced.report(figures):
        print(line, flush=True)
    if args.json:
        print(json.dumps({key: figures[key] for key in enhanced.KEYS} | {"machine": machine}), flush=True)
    return 0 if figures["lost"] == 0 and figures["duplicated"] == 0 else 1


def report(figures: dict[str, Any]) -> Iterator[str]:
    """Human lines."""
    yield (
        f"{figures['reports_per_s']:,.0f} reports/s over {figures['seconds']:.1f} s until visible"
        f" (acknowledged {figures['acked']:,} at {figures['acked_per_s']:,.0f}/s; the last visible"
        f" {figures['lag_s']:.1f} s after the last was sent)"
    )
    yield f"lost {figures['lost']}, duplicated {figures['duplicated']}, retransmitted {figures['retransmitted']}"
    if "handshakes_per_s" in figures:
        yield (
            f"before that {figures['handshakes']:,} handshakes at {figures['handshakes_per_s']:,.0f}/s;"
            f" records that did not open: {figures['bad_answers']}"
        )
    yield f"acknowledgement p50 {figures['p50_ack_ms']:.0f} ms, p99 {figures['p99_ack_ms']:.0f} ms"
    yield f"memory of all processes {figures['rss_mb']} MB (proportional set size; load generator not counted)"
    yield "where the time goes (processor seconds per process): " + ", ".join(
        f"{name} {value:.1f}" for name, value in figures["cpu"].items()
    )
    yield f"a report costs {figures['cpu_us_per_report']:.0f} µs of processor: " + ", ".join(
        f"{name} {value / figures['acked'] * 1e6:.0f}" for name, value in figures["cpu"].items() if value
    )
    if figures["ratio_libcoap"] is None:
        yield libcoap.MISSING
    else:
        yield (
            f"libcoap's server answers the same requests, plain, for {figures['libcoap_us_per_answer']:.1f} µs each:"
            f" {figures['ratio_libcoap']:.3f} of a report's price"
        )
    yield "pipeline, wall seconds per step: " + ", ".join(f"{k} {v:.1f}" for k, v in figures["steps"].items())


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, load, wait until visible, verify."""
    with temporary_var() as fresh:
        var = args.keep or fresh
        dtls = free_port(socket.SOCK_DGRAM)
        with system(var, dtls=dtls) as (supervisor, coap, _):
            print(f"registering {args.meters:,} meters …", flush=True)
            urls = engine_urls(var)
            registry = await register(urls["postgres_owner"], args.meters)
            today = int(time.time()) // DAY_S
            rounds = int(args.rate * args.seconds // args.meters) + 1
            first_day = today - 1 - rounds
            await remember(urls["postgres_owner"], registry, first_day)
            await wait_known(coap, registry)
            if args.dtls:
                secure = await prepare_secure(urls, var, registry, dtls, int(args.rate * args.seconds))
            await wait_idle(supervisor.pid)
            before = processor_seconds(supervisor.pid)
            profilers = start_profilers(args.profile, supervisor.pid, args.seconds)
            print(f"load: {args.rate:,.0f} reports/s for {args.seconds:.0f} s …", flush=True)
            began = time.time()
            if args.dtls:
                sent = await asyncio.to_thread(secure.load, first_day, args.rate, args.seconds, args.window)
                secure.end()
            else:
                offer = Offer(args.rate, args.seconds, args.window, args.enhanced)
                sent = await asyncio.to_thread(load_in_child, ("127.0.0.1", coap), registry, first_day, offer)
            memory = memory_mb(supervisor.pid)
            visible_at = await wait_applied(urls["postgres_pipeline"], registry, len(sent["meters"]))
            after = processor_seconds(supervisor.pid)
            for profiler in profilers:
                profiler.wait()
            steps = await pipeline_steps(urls["nats"])
        limit = await asyncio.to_thread(
            libcoap.microseconds_per_answer,
            lambda target: load_in_child(
                target, registry, first_day, Offer(args.rate, libcoap.SECONDS, args.window, args.enhanced)
            )["summary"],
        )
        verified = verify(urls["clickhouse"], registry, sent["meters"], sent["days"])
    seconds = visible_at - began
    cpu = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in after}
    price = sum(cpu.values()) / max(1, len(sent["meters"])) * 1e6
    return {
        "cpu_us_per_report": round(price, 1),
        "libcoap_us_per_answer": None if limit is None else round(limit, 2),
        "ratio_libcoap": None if limit is None else round(limit / price, 4),
        "reports_per_s": round(len(sent["meters"]) / seconds, 1),
        "acked": len(sent["meters"]),
        "acked_per_s": sent["summary"]["per_second"],
        "retransmitted": sent["summary"]["retransmitted"],
        "codes": sent["summary"]["codes"],
        "p50_ack_ms": sent["summary"]["p50_ack_ms"],
        "p99_ack_ms": sent["summary"]["p99_ack_ms"],
        "rss_mb": memory,
        "seconds": round(seconds, 2),
        **(
            {"handshakes": secure.handshakes, "handshakes_per_s": secure.per_second, "bad_answers": sent["bad_answers"]}
            if args.dtls
            else {}
        ),
        "lag_s": seconds - sent["summary"]["seconds"],
        "cpu": cpu,
        "steps": steps,
        **verified,
    }

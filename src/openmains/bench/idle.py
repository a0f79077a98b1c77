# SPDX-License-Identifier: Apache-2.0
"""``openmains bench idle``: what a box costs on which little happens – processor, memory, threads.

Two such boxes. The demo: a thousand emulated meters that report each minute over DTLS (they are processes of the demo and counted, and
named apart). ``--daily N``: N registered meters that report once a day, within the five hours of the night (R1.3), by plain CoAP; the
sender is not counted. Processor time is what the kernel booked on the processes, so other users of the machine disturb it little; it
is given in percent of one core. Alarms that came meanwhile are timed from the edge to the screens.
"""

import argparse
import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from openmains.bench import calibration
from openmains.bench.load.child import Offer, load_in_child
from openmains.bench.machine import memory_mb, processor_seconds, threads
from openmains.bench.outcome import wait_known
from openmains.bench.registry import register, remember
from openmains.bench.system import engine_urls, system, temporary_var
from openmains.domain.period import DAY_S, HOUR_S
from openmains.edges.nats.stream import Bus, connect
from openmains.run.messages import text
from openmains.run.settings import Loaded

NIGHT_S = 5 * HOUR_S
DEMO_LIMIT_S = 600.0
EMULATED = "demo"


@dataclass(slots=True)
class Idle:
    """What was measured. ``percent``: of one core, by process; ``alarms_s``: from the edge to the screens."""

    percent: dict[str, float]
    threads: dict[str, int]
    rss_mb: int
    alarms_s: list[float] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Percent of one core, all processes."""
        return round(sum(self.percent.values()), 2)

    def figures(self) -> dict[str, object]:
        """For the JSON line."""
        return {
            "idle_core_percent": self.total,
            "emulated_core_percent": round(self.percent.get(EMULATED, 0.0), 2),
            "rss_mb": self.rss_mb,
            "threads": sum(self.threads.values()),
            "alarm_max_s": round(max(self.alarms_s), 2) if self.alarms_s else None,
            "cpu_percent": {name: round(value, 2) for name, value in self.percent.items()},
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        for name, value in sorted(self.percent.items(), key=lambda item: -item[1]):
            yield f"{name:<12} {value:6.2f} % of a core, {self.threads.get(name, 0)} threads"
        yield f"all          {self.total:6.2f} % of a core, {sum(self.threads.values())} threads, {self.rss_mb} MB"
        emulated = self.percent.get(EMULATED, 0.0)
        if emulated:
            yield f"without the emulated meters {self.total - emulated:.2f} %"
        if self.alarms_s:
            yield f"{len(self.alarms_s)} alarms, the slowest on the screens {max(self.alarms_s):.2f} s after its message"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench idle``."""
    parser.add_argument("--seconds", type=float, default=120.0, help=text("测量秒数", "seconds that are measured"))
    parser.add_argument("--settle", type=float, default=120.0, help=text("测量前等待秒数", "seconds before that"))
    parser.add_argument(
        "--daily",
        type=int,
        default=0,
        help=text("不用演示,而是登记这么多每日上报的表", "so many meters that report daily, in place of the demo"),
    )
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it."""
    del loaded
    machine = calibration.say()
    with temporary_var() as var:
        found = asyncio.run(daily(args, var) if args.daily else demo(args, var))
    for line in found.lines():
        print(line, flush=True)
    if args.json:
        said = found.figures() | {"seconds": args.seconds, "daily_meters": args.daily, "machine": machine}
        print(json.dumps(said), flush=True)
    return 0


async def demo(args: argparse.Namespace, var: Path) -> Idle:
    """The demo, once its history is stored and its meters have attached."""
    with system(var, command="demo") as (supervisor, _, _):
        print("the demo's history …", flush=True)
        await _until_live(supervisor, var)
        return await measure(supervisor.pid, engine_urls(var)["nats"], args.settle, args.seconds)


async def daily(args: argparse.Namespace, var: Path) -> Idle:
    """``args.daily`` meters of a night, spread evenly over its five hours."""
    with system(var) as (supervisor, coap, _):
        print(f"registering {args.daily:,} meters …", flush=True)
        urls = engine_urls(var)
        registry = await register(urls["postgres_owner"], args.daily)
        day = int(time.time()) // DAY_S - 2
        await remember(urls["postgres_owner"], registry, day)
        await wait_known(coap, registry)
        rate = args.daily / NIGHT_S
        seconds = args.settle + args.seconds
        print(f"{rate:.1f} reports/s …", flush=True)
        sending = asyncio.create_task(
            asyncio.to_thread(load_in_child, ("127.0.0.1", coap), registry, day, Offer(rate, seconds))
        )
        found = await measure(supervisor.pid, urls["nats"], args.settle, args.seconds)
        sent = await sending
        if len(sent["meters"]) < rate * seconds * 0.9:
            raise RuntimeError(f"only {len(sent['meters'])} of {rate * seconds:.0f} reports were acknowledged")
        return found


async def measure(root: int, nats_url: str, settle_s: float, seconds: float) -> Idle:
    """Of the processes below ``root``."""
    await asyncio.sleep(settle_s)
    async with heard_alarms(nats_url) as alarms_s:
        before, began = processor_seconds(root), time.monotonic()
        await asyncio.sleep(seconds)
        spent, passed = _between(before, processor_seconds(root)), time.monotonic() - began
    percent = {name: value / passed * 100 for name, value in spent.items()}
    return Idle(percent, threads(root), memory_mb(root), alarms_s)


def _between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: max(0.0, value - before.get(name, 0.0)) for name, value in after.items()}


@asynccontextmanager
async def heard_alarms(nats_url: str) -> AsyncIterator[list[float]]:
    """Seconds from an alarm's message at the edge to its word on the bus that the screens listen to."""
    client = await connect(nats_url, name="bench")
    found: list[float] = []

    async def on_alarm(topic: str, data: bytes) -> None:
        del topic
        now = time.time()
        found.extend(now - alarm["received_us"] / 1e6 for alarm in json.loads(data) if alarm["action"] != "cleared")

    try:
        await Bus(client).listen("alarm.*", on_alarm)
        yield found
    finally:
        await client.close()


async def _until_live(supervisor: "subprocess.Popen[bytes]", var: Path) -> None:
    deadline = time.monotonic() + DEMO_LIMIT_S
    log = var / "supervisor.log"
    while time.monotonic() < deadline and supervisor.poll() is None:
        if b"emulated meters now report live" in log.read_bytes():
            return
        await asyncio.sleep(0.5)
    raise RuntimeError("the demo did not start:\n" + log.read_text("utf-8")[-2000:])

# SPDX-License-Identifier: Apache-2.0
"""``openmains bench overload``: what becomes of a system that is offered one, two and four times what it can take, over DTLS.

    capacity   a window of unanswered reports, so that the generator offers what is answered
    1x 2x 4x   open loop at multiples of it: meters come whether they are answered or not, and repeat as RFC 7252 tells them
    busy       capacity and twice of it once more, while two loops without an end take the processors

``goodput``: reports that became visible in a second of the load, from its ``SETTLED_S``-th second (queues are at their bound by then) to its
end; what the load left behind is ``drain_s``.
``drain_s``: from the last that was sent to the last that became visible. ``p99_ack_ms``: of the acknowledged, from the sending that
was answered, ``p99_first_ms`` from the first; between them lie the meter's own waits. Each load begins with meters that reported the
day before, so that what one load did not get through is not late in the next. Beside each load some meters send alarms and wait for
their answers.

Generator and system share the processors. What the generator spent is counted; ``own_ratio`` is goodput for each core that it left to
the system, at a multiple against at the capacity: what of the loss is the system's.
"""

import argparse
import asyncio
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from openmains.bench import calibration
from openmains.bench.figures import tell_keys
from openmains.bench.load.frames import DailyReports
from openmains.bench.load.plain import Ints
from openmains.bench.load.secure import RUN
from openmains.bench.machine import may_profile, memory_mb, processor_seconds, start_profilers
from openmains.bench.outcome import counters_of, verify, wait_applied, wait_known
from openmains.bench.registry import BenchRegistry, register, remember
from openmains.bench.secure import SecureGenerator, add_keys, connect_meters
from openmains.bench.system import engine_urls, free_port, system, temporary_var
from openmains.domain.period import DAY_S
from openmains.drivers import catalog
from openmains.drivers.model import Kind
from openmains.run import messages
from openmains.run.settings import Loaded

KEYS = ("capacity_per_s", "goodput_1x", "goodput_2x", "goodput_4x", "goodput_2x_ratio", "goodput_4x_ratio", "own_ratio_4x",
        "busy_goodput_2x_ratio", "drain_s", "p99_ack_ms", "p99_first_ms", "alarm_p99_ms", "alarms_unanswered", "fairness", "lost",
        "duplicated")  # fmt: skip
WINDOW = 1_500
STEP = 16 * RUN  # counts of meters are multiples of it: at least so many handshakes at a time
FASTEST = 60_000.0  # reports a second: more than any system here answers
ALARMS_PER_S = 20.0
SETTLED_S = 5.0
ROUNDS = 4  # a meter sends at most so many reports in a load, of a day each
TAIL_S = 3.0  # meters that were not answered go on repeating for so long after the last report
GROUPS = 16  # of meters, for fairness


class Alarms:
    """``Frames`` of alarms. ``first``: place of the first meter in the registry."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._driver = catalog.load().driver(DailyReports.driver_name)
        self._reports = DailyReports()

    def __call__(self, index: Ints, days: Ints, device_at: int) -> NDArray[np.uint8]:
        places = index + self._first
        told = zip(places.tolist(), days.tolist(), self._reports.base(places, days).tolist(), strict=True)
        frames = [
            self._driver.encode(
                Kind.ALARM,
                {
                    "frame_seq": day & 0xFFFF,
                    "device_at": device_at,
                    "raised_at": device_at,
                    "meter_number": number,
                    "register": register,
                    "battery_mv": 3600,
                    "rsrp_ddbm": -950,
                },
            )
            for number, day, register in told
        ]
        return np.frombuffer(b"".join(frames), dtype=np.uint8).reshape(len(frames), -1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench overload``."""
    text = messages.text
    parser.add_argument(
        "--meters", type=int, default=262_144, help=text("有会话的表数", f"meters with sessions, in {STEP}s")
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, help=text("每次加载的秒数上限", "seconds of each load, at most")
    )
    parser.add_argument(
        "--capacity", type=float, default=0.0, help=text("已知处理能力(0 测量)", "capacity a second where it is known")
    )
    parser.add_argument("--times", default="1,2,4", help=text("倍数", "multiples of the capacity"))
    parser.add_argument("--no-busy", action="store_true", help=text("不测试处理器繁忙时", "leave out the busy part"))
    parser.add_argument("--profile", type=Path, help=text("py-spy 火焰图目录", "directory for py-spy profiles"))
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when something acknowledged was lost or doubled."""
    del loaded
    if not may_profile(args.profile):
        return 2
    machine = calibration.say()
    figures = asyncio.run(run(args))
    print(f"lost {figures['lost']}, duplicated {figures['duplicated']}; memory {figures['rss_mb']} MB", flush=True)
    tell_keys(figures, KEYS, machine, as_json=args.json)
    return 0 if figures["lost"] == 0 and figures["duplicated"] == 0 else 1


def lines_of(name: str, found: dict[str, Any]) -> Iterator[str]:
    """For people, of one load."""
    yield (
        f"{name}: offered {found['offered_per_s']:,.0f}/s for {found['seconds']:.1f} s, goodput {found['goodput']:,.0f}/s;"
        f" acknowledged {found['acked']:,}, refused {found['refused']:,}, unanswered {found['unanswered']:,},"
        f" repeated {found['repeated']:,}; p50 {found['p50_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms from the"
        f" last sending, {found['p99_first_ms']:.0f} ms from the first; all visible {found['drain_s']:.1f} s after the load"
    )
    yield (
        f"    {found['us_per_report']:.0f} us of processor a visible report ("
        + ", ".join(f"{key} {value:.0f}" for key, value in sorted(found["us"].items()) if value >= 1)
        + "); cores: "
        + ", ".join(f"{key} {value:.2f}" for key, value in sorted(found["cores"].items()) if value >= 0.01)
    )
    yield (
        f"    alarms: {found['alarms']} answered, {found['alarms_unanswered']} not, p99 {found['alarm_p99_ms']:.0f} ms;"
        f" the worst of {GROUPS} groups of meters has {found['fairness']:.2f} of the mean;"
        + "".join(f" {key} {value:,}" for key, value in sorted(found["shed"].items()))
    )


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, load, wait until visible, verify."""
    with temporary_var() as var:
        dtls = free_port(socket.SOCK_DGRAM)
        count = max(1, args.meters // STEP) * STEP
        with system(var, dtls=dtls) as (supervisor, coap, _):
            urls = engine_urls(var)
            registry = await register(urls["postgres_owner"], count + RUN)
            await remember(urls["postgres_owner"], registry, int(time.time()) // DAY_S - 30)
            await wait_known(coap, registry)
            await add_keys(urls, var, registry)
            print(f"{count:,} handshakes …", flush=True)
            reports = await asyncio.to_thread(connect_meters, registry, dtls, count)
            alarms = await asyncio.to_thread(connect_meters, registry, dtls, RUN, count)
            bench = Overload(args, urls, registry, supervisor.pid, reports, alarms)
            try:
                await bench.all()
            finally:
                reports.end()
                alarms.end()
            memory = memory_mb(supervisor.pid)
        meters = np.concatenate([found["meters"] for found in bench.sent])
        days = np.concatenate([found["days"] for found in bench.sent])
        verified = verify(urls["clickhouse"], registry, meters, days)
    return summary(bench.loads) | verified | {"loads": bench.loads, "rss_mb": memory}


def summary(loads: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The keys of the JSON line: ratios are against the best of the loads of the same kind."""
    idle = {name: found for name, found in loads.items() if not name.startswith("busy")}
    busy = {name: found for name, found in loads.items() if name.startswith("busy")}
    best = max(found["goodput"] for found in idle.values())
    found: dict[str, Any] = {"capacity_per_s": round(loads["capacity"]["goodput"], 1)} if "capacity" in loads else {}
    for name in idle:
        if name != "capacity":
            found[f"goodput_{name}"] = round(loads[name]["goodput"], 1)
            found[f"goodput_{name}_ratio"] = round(loads[name]["goodput"] / best, 3)
            found[f"own_ratio_{name}"] = round(loads[name]["own"] / max(each["own"] for each in idle.values()), 3)
    if busy:
        ratio = loads["busy 2x"]["goodput"] / max(each["goodput"] for each in busy.values())
        found["busy_goodput_2x_ratio"] = round(ratio, 3)
    over = [each for name, each in loads.items() if name.endswith("x")]
    return found | {
        "drain_s": round(max(each["drain_s"] for each in over), 2),
        "p99_ack_ms": round(max(each["p99_ms"] for each in over), 1),
        "p99_first_ms": round(max(each["p99_first_ms"] for each in over), 1),
        "alarm_p99_ms": round(max(each["alarm_p99_ms"] for each in over), 1),
        "alarms_unanswered": sum(each["alarms_unanswered"] for each in over),
        "fairness": round(min(each["fairness"] for each in over), 3),
    }


class Overload:
    """The loads, one after the other, on one running system."""

    def __init__(
        self,
        args: argparse.Namespace,
        urls: dict[str, str],
        registry: BenchRegistry,
        root: int,
        reports: SecureGenerator,
        alarms: SecureGenerator,
    ) -> None:
        self._args, self._urls, self._registry, self._root = args, urls, registry, root
        self._reports, self._alarms = reports, alarms
        self._meters = registry.count - RUN
        self._day = int(time.time()) // DAY_S - 28
        self.loads: dict[str, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []

    async def all(self) -> None:
        """Every load that was asked for."""
        capacity = self._args.capacity or (await self._load("capacity", 0.0))["goodput"]
        for times in self._args.times.split(","):
            await self._load(f"{times}x", float(times) * capacity)
        if not self._args.no_busy:
            with busy_loops(len(os.sched_getaffinity(0))):
                capacity = (await self._load("busy capacity", 0.0))["goodput"]
                await self._load("busy 2x", 2 * capacity)

    async def _load(self, name: str, rate: float) -> dict[str, Any]:
        """``rate`` 0: as many as are answered."""
        owner = self._urls["postgres_owner"]
        await forget_states(owner, self._registry)
        await remember(owner, self._registry, self._day)
        seconds = min(self._args.seconds, ROUNDS * self._meters / rate) if rate else self._args.seconds
        window = 0 if rate else WINDOW
        print(
            f"{name}: "
            + (f"{rate:,.0f} reports/s" if rate else f"at most {window} unanswered")
            + f", {seconds:.1f} s …",
            flush=True,
        )
        await asyncio.to_thread(
            self._reports.prepare,
            self._day,
            rate or FASTEST,
            seconds,
            window,
            int(rate * seconds) or ROUNDS * self._meters,
            None,
            TAIL_S,
        )
        await asyncio.to_thread(
            self._alarms.prepare, self._day, ALARMS_PER_S, seconds, 0, 0, Alarms(self._meters), TAIL_S
        )
        folder = self._args.profile and self._args.profile / name.replace(" ", "-")
        profilers = start_profilers(folder, self._root, seconds)
        shed, cpu, began = await counters_of(self._urls["nats"], "edge"), processor_seconds(self._root), time.time()
        alarms = asyncio.create_task(asyncio.to_thread(self._alarms.go))
        goodput = asyncio.create_task(applied_per_s(self._urls["postgres_pipeline"], self._registry, seconds))
        sent = await asyncio.to_thread(self._reports.go)
        ended = time.time()
        visible_at = await wait_applied(self._urls["postgres_pipeline"], self._registry, len(sent["meters"]))
        told = await alarms
        after, shed_after = processor_seconds(self._root), await counters_of(self._urls["nats"], "edge")
        for profiler in profilers:
            profiler.wait()
        lasted, said, heard = visible_at - began, sent["summary"], told["summary"]
        useful = await goodput
        spent = {key: (value - cpu.get(key, 0.0)) / lasted for key, value in after.items()}
        generator = (said["cpu_seconds"] + heard["cpu_seconds"]) / lasted
        acked = len(sent["meters"])
        self.sent.append(sent)
        self._day += ROUNDS
        found = self.loads[name] = {
            "offered_per_s": said["sent"] / said["seconds"],
            "seconds": said["seconds"],
            "goodput": useful,
            "own": useful / (len(os.sched_getaffinity(0)) - generator),
            "acked": acked,
            "refused": said["codes"].get("5.03", 0),
            "unanswered": said["sent"] - sum(said["codes"].values()),
            "repeated": said["retransmitted"],
            "p50_ms": said["p50_ack_ms"],
            "p99_ms": said["p99_last_ms"],
            "p99_first_ms": said["p99_ack_ms"],
            "drain_s": max(0.0, visible_at - ended),
            "us_per_report": sum(spent.values()) * lasted * 1e6 / max(acked, 1),
            "us": {key: value * lasted * 1e6 / max(acked, 1) for key, value in spent.items()},
            "cores": spent | {"generator": generator},
            "alarms": heard["acknowledged"],
            "alarms_unanswered": heard["sent"] - heard["acknowledged"],
            "alarm_p99_ms": heard["p99_ack_ms"],
            "fairness": fairness(sent["meters"], self._meters, said["sent"]),
            "shed": {key: value - shed.get(key, 0) for key, value in shed_after.items() if key.startswith("shed.")},
        }
        for line in lines_of(name, found):
            print(line, flush=True)
        return found


def fairness(acked: Ints, meters: int, sent: int) -> float:
    """The worst of ``GROUPS`` groups of the meters that sent: acknowledged ones against the mean of all groups; 1: all alike."""
    spoke = min(meters, sent)
    of = np.bincount(acked[acked < spoke] % GROUPS, minlength=GROUPS)
    return float(of.min() / of.mean()) if len(acked) else 0.0


async def applied_per_s(dsn: str, registry: BenchRegistry, seconds: float) -> float:
    """Reports that the pipeline commits in a second, between ``SETTLED_S`` from now and ``seconds`` from now."""
    began, counted = time.monotonic(), []
    connection = await asyncpg.connect(dsn)
    try:
        for due in (min(SETTLED_S, seconds / 3), seconds):
            await asyncio.sleep(began + due - time.monotonic())
            applied = await connection.fetchval(
                "SELECT sum(version) FROM meter_state WHERE tenant_id = $1", registry.tenant_id
            )
            counted.append((time.monotonic(), int(applied)))
    finally:
        await connection.close()
    (since, before), (until, after) = counted
    return (after - before) / (until - since)


async def forget_states(dsn: str, registry: BenchRegistry) -> None:
    """As if no meter of the bench had ever reported."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("DELETE FROM meter_state WHERE tenant_id = $1", registry.tenant_id, timeout=300)
        await connection.execute("VACUUM meter_state", timeout=300)
    finally:
        await connection.close()


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """So many processes that never rest, until the block ends."""
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_spin, daemon=True) for _ in range(count)]
    for child in children:
        child.start()
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.join()


def _spin() -> None:
    while True:
        pass

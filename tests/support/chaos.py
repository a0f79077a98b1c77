# SPDX-License-Identifier: Apache-2.0
"""Breaking a running system on purpose: background load, probes, process ids, and the count of what is stored.

The load and the count run in processes of their own: the first must not share our loop, the second opens the embedded
ClickHouse, of which a process can have one only.
"""

import asyncio
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import numpy as np
import psutil
from numpy.typing import NDArray

from openmains.bench.load.frames import DailyReports
from openmains.bench.load.plain import Load
from openmains.bench.outcome import key_of, wait_known
from openmains.bench.registry import BenchRegistry, register, remember
from openmains.bench.system import engine_urls
from openmains.domain.period import DAY_S
from openmains.edges.clickhouse.client import ClickHouse
from openmains.run.settings import Settings
from openmains.wire.coap.message import is_success
from tests.support.child import found_by_child
from tests.support.patience import PATIENCE_S
from tests.support.system import System, found_utility, rfc3339, until, until_async

Ints = NDArray[np.int64]
PROBES = 64  # meters kept out of the load
TENANT = "test"
BUSY = 0xA3  # 5.03


class _Stoppable(Load):
    """A load that ends when told: no new reports, then up to ``drain`` seconds for the answers."""

    def __init__(self, *args: Any, told: Any, drain: float, **more: Any) -> None:
        super().__init__(*args, **more)
        self._told, self._drain, self._told_at = told, drain, 0.0

    def _send_due(self, now: float, elapsed: float) -> None:
        if self._told.is_set():
            self._limit, self._told_at = max(self._next, 1), now
        else:
            super()._send_due(now, elapsed)

    def _retransmit(self, now: float) -> None:
        super()._retransmit(now)
        if self._told_at and now > self._told_at + self._drain:
            self._open = 0


def _load(connection: Any, told: Any, drain: float, *how: Any) -> None:
    result = _Stoppable(*how, told=told, drain=drain).run(3600)
    meters, days = result.acked_pairs()
    connection.send((result.summary(), meters, days))
    connection.close()


@dataclass(slots=True)
class Crowd:
    """Meters that report while things break. ``acked`` is known after the load has ended."""

    registry: BenchRegistry
    first_day: int
    summary: dict[str, Any] = field(default_factory=dict)
    meters: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    days: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @contextmanager
    def reporting(self, system: System, rate: float, *, day: int = 0, drain_s: float = 5.0) -> Iterator[None]:
        """``rate`` reports a second within this block, CoAP retransmission included; may be used again."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        told = context.Event()
        how = (("127.0.0.1", system.coap), self.registry.first_imei, self.registry.count - PROBES)
        child = context.Process(
            target=_load, args=(theirs, told, drain_s, *how, day or self.first_day, rate), daemon=True
        )
        child.start()
        theirs.close()
        try:
            yield
            told.set()
            summary, meters, days = ours.recv()
            self.summary = summary
            self.meters, self.days = np.concatenate([self.meters, meters]), np.concatenate([self.days, days])
        finally:
            child.kill() if not told.is_set() else None
            child.join()
            ours.close()


async def settle(system: System, meters: int) -> Crowd:
    """Register meters of the tenant the API is signed in to, with a past, and wait until the edge knows them."""
    await found_utility(system, code=TENANT)
    owner = engine_urls(system.var)["postgres_owner"]
    registry = await register(owner, meters, code=TENANT)
    first_day = int(time.time()) // DAY_S - 12
    await remember(owner, registry, first_day)
    await wait_known(system.coap, registry)
    return Crowd(registry, first_day)


@dataclass(slots=True)
class Heard:
    """How a probe went: seconds until acknowledged (-1: not), codes of all answers."""

    seconds: float
    codes: list[int]


class Probe:
    """Reports of meters that do not take part in the load, one meter a probe; asked until acknowledged and visible."""

    def __init__(self, system: System, crowd: Crowd) -> None:
        self._system, self._crowd = system, crowd
        self._reports = DailyReports()
        self._used = 0
        self._index = 0

    def move_to(self, system: System) -> None:
        """Go on with another run of the system."""
        self._system = system

    def fresh(self) -> None:
        """Take the next meter."""
        self._used += 1
        assert self._used <= PROBES, "more probes than meters"
        self._index = self._crowd.registry.count - self._used

    def send(self, limit_s: float, enough: Callable[[int], bool] = is_success) -> Heard:
        """Send the report again and again (a new request each half second) until an answer is ``enough``."""
        crowd = self._crowd
        index, day = np.array([self._index]), np.array([crowd.first_day])
        payload = self._reports(index, day, int(time.time()))[0].tobytes()
        path = b"\xb1r\x0d\x02" + str(crowd.registry.first_imei + self._index).encode()
        codes: list[int] = []
        began = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", self._system.coap))
            for mid in range(1, 60_000):
                with suppress(OSError):
                    sock.send(
                        bytes([0x44, 0x02, mid >> 8, mid & 255]) + mid.to_bytes(4, "big") + path + b"\xff" + payload
                    )
                next_at = time.monotonic() + 1.1  # a meter may send 60 a minute
                while (left := next_at - time.monotonic()) > 0:
                    sock.settimeout(left)
                    try:
                        answer = sock.recv(2048)
                    except TimeoutError:
                        break
                    except OSError:  # nobody listens at the moment: ask again soon
                        next_at = min(next_at, time.monotonic() + 0.3)
                        continue
                    if len(answer) < 4 or answer[1] == 0:
                        continue
                    if answer[0] >> 4 == 4:  # a separate answer wants an acknowledgement
                        sock.send(bytes((0x60, 0, answer[2], answer[3])))
                    codes.append(answer[1])
                    if enough(answer[1]):
                        return Heard(time.monotonic() - began, codes)
                if time.monotonic() - began > limit_s:
                    return Heard(-1.0, codes)
        raise AssertionError

    def visible(self) -> bool:
        """Whether the API shows the whole day of this probe's meter."""
        crowd = self._crowd
        start = self._reports.start_of(crowd.first_day)
        try:
            found = self._system.api.get(
                f"/meters/{crowd.registry.first_meter_id + self._index}/readings",
                params={"from": rfc3339(start), "to": rfc3339(start + DAY_S)},
                timeout=3,
            )
        except httpx.HTTPError:
            return False
        return found.is_success and found.json()["quality"]["measured_s"] == DAY_S

    async def recovery(self, since: float) -> tuple[float, float]:
        """Seconds from ``since`` until a new report is acknowledged, and until it is visible."""
        self.fresh()
        heard = await asyncio.to_thread(self.send, PATIENCE_S)
        assert heard.seconds >= 0, f"no acknowledgement within {PATIENCE_S:g} s: {heard.codes}\n{self._system.log}"
        acked = time.monotonic() - since
        await until(self.visible)
        return acked, time.monotonic() - since


def pids(system: System, what: str) -> list[int]:
    """Processes of the system by name: supervisor, edge, core, jetstream, postmaster, backend (of the pipeline)."""
    if what == "supervisor":
        return [system.process.pid]
    found: dict[str, list[int]] = {}
    for process in psutil.Process(system.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            words = process.cmdline()
            text = " ".join(words)
            if "openmains.run.roles.main" in text:
                found.setdefault(words[-1], []).append(process.pid)
            elif words and words[0].endswith("/nats-server"):
                found.setdefault("jetstream", []).append(process.pid)
            elif words and words[0].endswith("/postgres"):
                found.setdefault("postmaster", []).append(process.pid)
            elif text.startswith("postgres: openmains_pipeline"):
                found.setdefault("backend", []).append(process.pid)
            elif text.startswith("postgres:"):
                found.setdefault("postgres other", []).append(process.pid)
    if what == "postgresql":
        return [pid for name in ("postmaster", "backend", "postgres other") for pid in found.get(name, [])]
    return found.get(what, [])


def ended(process: psutil.Process) -> bool:
    """Whether it runs no more; one that nobody has waited for yet counts as ended."""
    try:
        return bool(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def left_over(var: Path) -> list[str]:
    """Command lines of living processes that belong to that ``var``, whoever their parent is."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            ours = any(str(var) in word for word in words) or process.environ().get("OPENMAINS_VAR") == str(var)
            if ours and not ended(process):
                found.append(" ".join(words))
    return found


def _stands_still(pid: int) -> bool:
    """Whether each thread of a process is stopped, or gone."""
    try:
        told = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # a thread went while it was looked at: once more, unless it was the last
        return not psutil.pid_exists(pid)
    return all(text.rpartition(")")[2].split()[0] in "TZX" for text in told)


@contextmanager
def halted(system: System, what: str) -> Iterator[None]:
    """SIGSTOP these processes within the block, which is entered when each of their threads stands: where processors are short the signal
    waits for a thread's turn, and the others work on until then."""
    chosen = [psutil.Process(pid) for pid in pids(system, what)]
    assert chosen, what
    for process in chosen:
        process.send_signal(signal.SIGSTOP)
    latest = time.monotonic() + PATIENCE_S
    while not all(_stands_still(process.pid) for process in chosen):
        assert time.monotonic() < latest, f"{what} goes on"
        time.sleep(0.01)
    try:
        yield
    finally:
        for process in chosen:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


async def applied(system: System, crowd: Crowd) -> int:
    """Messages applied so far; -1 while PostgreSQL is away."""
    try:
        connection = await asyncpg.connect(engine_urls(system.var)["postgres_pipeline"], timeout=5)
    except (OSError, asyncpg.PostgresError):
        return -1
    try:
        tenant = crowd.registry.tenant_id
        return int(await connection.fetchval("SELECT sum(version) FROM meter_state WHERE tenant_id = $1", tenant))
    finally:
        await connection.close()


async def flowing(system: System, crowd: Crowd, more: int = 100) -> None:
    """Until that many more messages have been applied: the next blow falls on a system at work."""
    before = await applied(system, crowd)

    async def moved() -> bool:
        return await applied(system, crowd) >= before + more

    await until_async(moved)


async def caught_up(system: System, crowd: Crowd) -> dict[int, int]:
    """Until the pipeline has committed the whole stream; version by meter."""
    from openmains.edges.nats.stream import UplinkStream, connect

    urls = engine_urls(system.var)
    client = await connect(urls["nats"], name="test")
    connection = await asyncpg.connect(urls["postgres_pipeline"])
    try:
        stream = UplinkStream(client, max_bytes=1)

        async def done() -> bool:
            rows = await connection.fetch("SELECT shard, position FROM pipeline_position")
            positions = {row["shard"]: row["position"] for row in rows}
            for shard in range(
                Settings().shards
            ):  # each by its own newest: that of all may be committed while others wait
                if positions.get(shard, 0) < await stream.newest(shard):
                    return False
            return await applied(system, crowd) > 0

        await until_async(done, 120)
        rows = await connection.fetch(
            "SELECT meter_id, version FROM meter_state WHERE tenant_id = $1 AND version > 0", crowd.registry.tenant_id
        )
        return {row[0]: row[1] for row in rows}
    finally:
        await connection.close()
        await client.close()


@dataclass(slots=True)
class Count:
    """What the stores hold against what was acknowledged. All but the first two must be 0."""

    acknowledged: int
    stored: int
    lost: int
    days_twice: int
    frames_twice: int
    totals_differ: int  # meter-days whose narrow copy is missing or says something else
    versions_differ: int  # meters whose version is not the number of their distinct messages

    @property
    def exact(self) -> bool:
        """Every acknowledged report exactly once."""
        wrong = self.lost, self.days_twice, self.frames_twice, self.totals_differ, self.versions_differ
        return not any(wrong)


def _count(connection: Any, dsn: str, crowd: Crowd, versions: dict[int, int]) -> None:
    clickhouse = ClickHouse(dsn)
    tenant = {"t": crowd.registry.tenant_id}

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return clickhouse.query_now(sql, tenant)

    days = ask("SELECT meter_id, toUInt16(day) FROM meter_day FINAL WHERE tenant_id = {t:UInt32} AND measured = slots")
    twice = ask("SELECT count() - uniqExact(meter_id, day) FROM meter_day FINAL WHERE tenant_id = {t:UInt32}")[0][0]
    frames = ask(
        "SELECT count() - uniqExact(meter_id, payload) FROM frame FINAL WHERE tenant_id = {t:UInt32} AND outcome = 'ok'"
    )[0][0]
    totals = ask(
        "SELECT count() FROM (SELECT meter_id, day, total, version FROM meter_day FINAL WHERE tenant_id = {t:UInt32})"
        " AS a FULL JOIN (SELECT meter_id, day, total, version FROM day_total FINAL WHERE tenant_id = {t:UInt32}) AS b"
        " USING (meter_id, day) WHERE a.total != b.total OR a.version != b.version"
    )[0][0]
    messages = dict(
        ask(
            "SELECT meter_id, uniqExact(payload) FROM frame FINAL WHERE tenant_id = {t:UInt32} AND outcome = 'ok'"
            " GROUP BY meter_id"
        )
    )
    clickhouse.close()
    have = np.array(days, dtype=np.int64).reshape(-1, 2)
    stored = key_of(have[:, 0] - crowd.registry.first_meter_id, have[:, 1])
    acked = key_of(crowd.meters, crowd.days)
    differ = sum(messages.get(meter, 0) != versions.get(meter, 0) for meter in messages.keys() | versions.keys())
    lost = len(np.setdiff1d(acked, stored))
    connection.send(Count(len(acked), len(stored), lost, int(twice), int(frames), int(totals), differ))
    connection.close()


def count(urls: dict[str, str], crowd: Crowd, versions: dict[int, int]) -> Count:
    """Count what ClickHouse holds; the system must have ended."""
    found: Count = found_by_child(_count, urls["clickhouse"], crowd, versions)
    return found

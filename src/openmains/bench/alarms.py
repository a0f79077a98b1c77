# SPDX-License-Identifier: Apache-2.0
"""``openmains bench alarms``: a district raises the same alarm within a minute while the night's reports run at full speed (R7.1, R3.6).

    quiet   reports alone, as many as are answered (a window of unanswered ones)
    storm   the same, and beside it ``--alarms`` meters of which each raises one alarm within ``--storm-seconds``

A browser's part is played over HTTP: it is signed in, hears ``/api/v1/live``, and says of what it heard that it is shown
(``POST /alarms/shown``). ``p99_shown_s`` is from the meter's message at the edge to that word as the platform keeps it, over every alarm;
``notices`` are the words that notices would be made of: news of alarms alone or of groups. ``reports_slowdown``: 1 - reports applied in a
second of the storm against those of the quiet before it. Generators and system share the processors.
"""

import argparse
import asyncio
import json
import socket
import time
from typing import Any

import asyncpg
import httpx
import numpy as np
import websockets
from numpy.typing import NDArray

from openmains.bench import calibration
from openmains.bench.figures import tell_keys
from openmains.bench.load.frames import DailyReports
from openmains.bench.load.plain import Ints
from openmains.bench.load.secure import RUN
from openmains.bench.outcome import verify, wait_applied, wait_known
from openmains.bench.overload import FASTEST, ROUNDS, STEP, applied_per_s, forget_states
from openmains.bench.registry import BenchRegistry, register, remember
from openmains.bench.secure import SecureGenerator, add_keys, connect_meters
from openmains.bench.system import engine_urls, free_port, system, temporary_var
from openmains.domain.period import DAY_S
from openmains.drivers import catalog
from openmains.drivers.model import Kind
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.run import messages
from openmains.run.settings import Loaded

KEYS = ("alarms", "alarms_stored", "groups", "p99_shown_s", "first_notice_s", "missed", "notices", "reports_slowdown",
        "reports_per_s", "lost", "duplicated")  # fmt: skip
WINDOW = 1_500
EVENT = "magnetic"
SHOWN_LIMIT_S = 120.0
TAIL_S = 8.0


class StormFrames:
    """``Frames`` of alarms that are active. ``first``: place of the first meter in the registry."""

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
                    "events": [EVENT],
                    "register": register,
                    "battery_mv": 3600,
                    "rsrp_ddbm": -950,
                },
            )
            for number, day, register in told
        ]
        return np.frombuffer(b"".join(frames), dtype=np.uint8).reshape(len(frames), -1)


class Screen:
    """A signed-in browser: hears the news and says what is before its person's eyes."""

    def __init__(self, http: int, token: str) -> None:
        self._url, self._http, self._token = f"ws://127.0.0.1:{http}/api/v1/live", http, token
        self.words = 0
        self.first_at: float | None = None

    async def watch(self, stop: asyncio.Event) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        base = f"http://127.0.0.1:{self._http}/api/v1"
        async with (
            httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client,
            websockets.connect(self._url, additional_headers=headers, max_size=None) as live,
        ):
            while not stop.is_set():
                try:
                    message = json.loads(await asyncio.wait_for(live.recv(), 0.5))
                except TimeoutError:
                    continue
                if message["kind"] != "alarm_news":
                    continue
                items = message["data"]["items"]
                self.first_at = self.first_at or time.time()
                shown = {
                    "alarms": [item["alarm_id"] for item in items if item["alarm_id"] is not None][:500],
                    "groups": [
                        {"group_id": item["group_id"], "version": item["version"]}
                        for item in items
                        if item["group_id"] is not None
                    ][:500],
                }
                self.words += 1
                (await client.post("/alarms/shown", json=shown)).raise_for_status()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench alarms``."""
    text = messages.text
    parser.add_argument(
        "--meters", type=int, default=65_536, help=text("上报的表数", f"meters that report, in {STEP}s")
    )
    parser.add_argument("--alarms", type=int, default=10_240, help=text("告警的表数", f"meters that raise, in {RUN}s"))
    parser.add_argument(
        "--storm-seconds", type=float, default=60.0, help=text("告警在多少秒内", "within so many seconds")
    )
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when an alarm was lost, or something acknowledged was lost or doubled."""
    del loaded
    machine = calibration.say()
    figures = asyncio.run(run(args))
    tell_keys(figures, KEYS, machine, as_json=args.json)
    whole = figures["alarms_stored"] >= figures["alarms"] and figures["lost"] == 0 and figures["duplicated"] == 0
    return 0 if whole else 1


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, load twice, wait until every alarm was shown, count."""
    with temporary_var() as var:
        dtls = free_port(socket.SOCK_DGRAM)
        count, raising = max(1, args.meters // STEP) * STEP, max(1, args.alarms // RUN) * RUN
        with system(var, dtls=dtls) as (_, coap, http):
            urls = engine_urls(var)
            registry = await register(urls["postgres_owner"], count + raising)
            day = int(time.time()) // DAY_S - 28
            await remember(urls["postgres_owner"], registry, day)
            await wait_known(coap, registry)
            await add_keys(urls, var, registry)
            token = await sign_in(urls["postgres_owner"], http)
            print(f"{count + raising:,} handshakes …", flush=True)
            reports = await asyncio.to_thread(connect_meters, registry, dtls, count)
            alarms = await asyncio.to_thread(connect_meters, registry, dtls, raising, count)
            try:
                found = await loads(args, urls, registry, day, reports, alarms, Screen(http, token), raising)
            finally:
                reports.end()
                alarms.end()
        sent = found.pop("sent")
        meters = np.concatenate([each["meters"] for each in sent])
        days = np.concatenate([each["days"] for each in sent])
        return found | verify(urls["clickhouse"], registry, meters, days)


async def sign_in(owner: str, http: int) -> str:
    """An administrator of the bench's tenant; a token of theirs."""
    _, _, password = await create_tenant_admin(owner, tenant_code="bench", tenant_name="bench", must_change=False)
    own = {"X-OpenMains-Request": "1"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http}/api/v1", headers=own, timeout=30) as client:
        body = {"tenant": "bench", "login": "admin", "password": password}
        (await client.post("/session", json=body)).raise_for_status()
        made = await client.post("/tokens", json={"name": "bench", "role": "administrator", "reason": "bench"})
        made.raise_for_status()
        return str(made.json()["secret"])


async def loads(
    args: argparse.Namespace,
    urls: dict[str, str],
    registry: BenchRegistry,
    day: int,
    reports: SecureGenerator,
    alarms: SecureGenerator,
    screen: Screen,
    raising: int,
) -> dict[str, Any]:
    """The quiet load, then the storm."""
    count, seconds = registry.count - raising, args.storm_seconds
    stop = asyncio.Event()
    watching = asyncio.create_task(screen.watch(stop))
    rates, sent = [], []
    began_us = 0
    for name in ("quiet", "storm"):
        await forget_states(urls["postgres_owner"], registry)
        await remember(urls["postgres_owner"], registry, day)
        await asyncio.to_thread(reports.prepare, day, FASTEST, seconds, WINDOW, ROUNDS * count, None, TAIL_S)
        beside = None
        if name == "storm":
            await asyncio.to_thread(
                alarms.prepare, day, raising / seconds, seconds, 0, raising, StormFrames(count), TAIL_S
            )
            began_us = time.time_ns() // 1000
            beside = asyncio.create_task(asyncio.to_thread(alarms.go))
        goodput = asyncio.create_task(applied_per_s(urls["postgres_pipeline"], registry, seconds))
        told = await asyncio.to_thread(reports.go)
        sent.append(told)
        rates.append(await goodput)
        answered = 0 if beside is None else (await beside)["summary"]["acknowledged"]
        print(f"{name}: {rates[-1]:,.0f} reports applied a second, {answered:,} alarms answered", flush=True)
        await wait_applied(urls["postgres_pipeline"], registry, len(told["meters"]) + answered)
        day += ROUNDS
    figures = await shown(urls["postgres_owner"], registry, answered, began_us)
    stop.set()
    await watching
    slowdown = round(1 - (rates[1] - figures["alarms_stored"] / seconds) / rates[0], 3)
    return figures | {"reports_slowdown": slowdown, "reports_per_s": round(rates[0], 1), "sent": sent}


async def shown(dsn: str, registry: BenchRegistry, answered: int, began_us: int) -> dict[str, Any]:
    """Once every alarm was shown to somebody, or the patience is over."""
    connection = await asyncpg.connect(dsn)
    mine = registry.tenant_id
    try:
        deadline = time.monotonic() + SHOWN_LIMIT_S
        while time.monotonic() < deadline:
            left = await connection.fetchval(
                "SELECT count(*) FROM alarm WHERE tenant_id = $1 AND event = $2 AND seen_us IS NULL", mine, EVENT
            )
            if left == 0:
                break
            await asyncio.sleep(0.5)
        row = await connection.fetchrow(
            "SELECT count(*) AS stored, count(*) FILTER (WHERE missed OR seen_us - received_us > 20000000 OR seen_us IS NULL) AS missed,"
            " percentile_cont(0.99) WITHIN GROUP (ORDER BY (seen_us - received_us) / 1e6) AS p99, min(seen_us) AS first"
            " FROM alarm WHERE tenant_id = $1 AND event = $2",
            mine,
            EVENT,
        )
        assert row is not None  # noqa: S101 an aggregate has its row
        groups = await connection.fetchval("SELECT count(*) FROM alarm_group WHERE tenant_id = $1", mine)
        notices = await connection.fetchval(
            "SELECT count(*) FROM alarm_event WHERE tenant_id = $1 AND news IN ('raised', 'grouped', 'missed')", mine
        )
    finally:
        await connection.close()
    return {
        "alarms": answered,
        "alarms_stored": row["stored"],
        "groups": groups,
        "p99_shown_s": None if row["p99"] is None else round(float(row["p99"]), 2),
        "first_notice_s": None if row["first"] is None else round((row["first"] - began_us) / 1e6, 2),
        "missed": row["missed"],
        "notices": notices,
    }

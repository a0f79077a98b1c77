# SPDX-License-Identifier: Apache-2.0
"""A whole system for tests, as a person runs it: supervisor, engines, core and edge, spoken to over its sockets only."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil  # type: ignore[import-untyped]

from openmains.bench.system import engine_urls, wait_ready
from openmains.drivers import catalog
from openmains.drivers.model import Kind
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.emulator.device.endpoint import Endpoint, Outcome
from tests.support.engines import new_var, remove_var
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port

T = TypeVar("T")
Systems = Callable[..., AbstractContextManager["System"]]  # the fixture of tests/conftest.py


@dataclass(slots=True)
class System:
    """Where it listens; ``api`` is signed in as administrator by a token once ``found_utility`` was called."""

    var: Path
    process: subprocess.Popen[bytes]
    coap: int
    http: int
    api: httpx.Client
    dtls: int = 0
    products: dict[str, int] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """What the supervisor said, for a failing test."""
        return (self.var / "supervisor.log").read_text("utf-8")[-3000:]

    def get(self, path: str, **query: Any) -> Any:
        """JSON of an answer; an error status fails the test with its text."""
        chosen = {key: value for key, value in query.items() if value is not None}
        answer = self.api.get(path, params=chosen)
        latest = time.monotonic() + PATIENCE_S
        # A test reads a year page by page, and its machine may starve an engine for a second: it waits as a client should.
        while answer.status_code in (429, 503) and "Retry-After" in answer.headers and time.monotonic() < latest:
            time.sleep(float(answer.headers["Retry-After"]))
            answer = self.api.get(path, params=chosen)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    def send(self, method: str, path: str, body: Any) -> Any:
        """The same with a body."""
        answer = self.api.request(method, path, json=body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """All items of a list, page by page."""
        cursor = None
        while True:
            found = self.get(path, cursor=cursor, **query)
            yield from found["items"]
            cursor = found["next"]
            if cursor is None:
                return

    def meter_ids(self) -> dict[str, int]:
        """Meter number → id."""
        return {meter["number"]: meter["meter_id"] for meter in self.pages("/meters", limit=200)}

    def series(self, meter_id: int, start: int, end: int, step: str = "slot") -> Any:
        """The readings of a period (s UTC)."""
        return self.get(f"/meters/{meter_id}/readings", **{"from": rfc3339(start), "to": rfc3339(end), "step": step})

    def counters(self) -> dict[str, int]:
        """Of all processes, as they said them within the last second."""
        found: dict[str, int] = self.get("/system")["counters"]
        return found


def rfc3339(instant: int) -> str:
    """UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


def instant_of(text: str) -> int:
    """s UTC of an RFC 3339 text."""
    return int(datetime.fromisoformat(text).timestamp())


@contextmanager
def running_system(var: Path | None = None, **settings: object) -> Iterator[System]:
    """A supervised system on free ports, ended in order. ``settings``: by their names in run/settings.py, ports too."""
    place = new_var() if var is None else var
    coap = int(str(settings.pop("coap_port", 0))) or free_port(socket.SOCK_DGRAM)
    dtls = int(str(settings.pop("dtls_port", 0))) or free_port(socket.SOCK_DGRAM)
    http = int(str(settings.pop("http_port", 0))) or free_port(socket.SOCK_STREAM)
    environment = os.environ | {
        "LANG": "C.UTF-8",
        "OPENMAINS_VAR": str(place),
        "OPENMAINS_COAP_HOST": "127.0.0.1",
        "OPENMAINS_COAP_PORT": str(coap),
        "OPENMAINS_DTLS_PORT": str(dtls),
        "OPENMAINS_HTTP_PORT": str(http),
        **{f"OPENMAINS_{name.upper()}": str(value) for name, value in settings.items()},
    }
    with (place / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "openmains.run.cli", "serve"], env=environment, stdout=log, stderr=log
        )
    try:
        wait_ready(process, http, place)
        with httpx.Client(base_url=f"http://127.0.0.1:{http}/api/v1", timeout=PATIENCE_S) as api:
            yield System(place, process, coap, http, api, dtls)
    finally:
        stop(process)
        if var is None:
            remove_var(place)


def stop(process: subprocess.Popen[bytes], how: int = signal.SIGTERM) -> None:
    """End a supervisor in order; what does not end is killed with its children."""
    if process.poll() is not None:
        return
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(how)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        for each in [process, *below]:
            each.kill()
        process.wait()
        raise


async def found_utility(system: System, *, zone: str = "Asia/Shanghai", code: str = "test") -> None:
    """A tenant with its administrator, who signs in over the API and takes a token."""
    _, _, password = await create_tenant_admin(
        engine_urls(system.var)["postgres_owner"], tenant_code=code, tenant_name=code, zone=zone, must_change=False
    )
    signed = system.api.post("/session", json={"login": "admin", "password": password, "tenant": code})
    assert signed.status_code == 201, signed.text
    own = {"X-OpenMains-Request": "1"}
    made = system.api.post(
        "/tokens", json={"name": "test", "role": "administrator", "valid_days": 1, "reason": "test"}, headers=own
    )
    assert made.is_success, made.text
    system.api.cookies.clear()
    system.api.headers["Authorization"] = f"Bearer {made.json()['secret']}"


def add_product(system: System, code: str, driver: str, **more: Any) -> int:
    """A product; its id."""
    body = {"code": code, "name": code, "maker": "OpenMains", "model": code, "driver": driver, **more}
    system.products[code] = system.send("POST", "/products", body)["product_id"]
    return system.products[code]


async def import_meters(system: System, rows: Sequence[tuple[int, str, str]], installed_on: str = "2015-01-01") -> None:
    """Import (number, IMEI, product code) as a CSV through the API, and wait until the edge knows the last one.

    The last row's product must speak the reference driver: a heartbeat of that meter is what the edge is asked with.
    """
    text = "表号,IMEI,产品代码,区域代码,安装日期\n" + "".join(
        f"{number},{imei},{product},all,{installed_on}\n" for number, imei, product in rows
    )
    queued = system.api.post("/imports", files={"data": ("meters.csv", text.encode("utf-8"), "text/csv")})
    assert queued.is_success, queued.text
    job_id = queued.json()["job_id"]

    def finished() -> Any:
        job = system.get(f"/jobs/{job_id}")
        return job if job["status"] not in ("queued", "running") else None

    job = await until(finished)
    assert job["status"] == "done", job
    number, imei, _ = rows[-1]

    async def known() -> bool:
        beat = {"frame_seq": 0, "device_at": int(time.time()), "meter_number": number, "events": [], "valve": 0}
        payload = catalog.load().driver("openmains/water-1").encode(Kind.HEARTBEAT, beat | {"balance_kind": 2})
        outcome = await post(system, imei, payload)
        return outcome.ok and len(outcome.payload) > 0

    await until_async(known)


async def post(system: System, imei: str, payload: bytes) -> Outcome:
    """One confirmable ``POST /r/<IMEI>`` from a socket of its own."""
    return (await post_all(system, imei, [payload]))[0]


async def post_all(system: System, imei: str, payloads: Sequence[bytes]) -> list[Outcome]:
    """The same for several, all at once from one socket."""
    endpoint = await Endpoint.connect(("127.0.0.1", system.coap), random.Random(0))  # noqa: S311 - message ids
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in payloads]
    try:
        for payload, future in zip(payloads, waiting, strict=True):
            endpoint.post(imei, payload, future.set_result)
        return await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_S)
    finally:
        endpoint.close()


async def until(true: Callable[[], T], limit_s: float = PATIENCE_S) -> T:
    """Ask again and again until the answer is neither empty nor false; the answer."""

    async def ask() -> T:
        return true()

    return await until_async(ask, limit_s)


async def until_async(true: Callable[[], Awaitable[T]], limit_s: float = PATIENCE_S, every_s: float = 0.1) -> T:
    """The same for a coroutine function; ``every_s``: how often it is asked."""
    deadline = time.monotonic() + limit_s
    while not (found := await true()):
        assert time.monotonic() < deadline, f"still {found!r} after {limit_s:g} s"
        await asyncio.sleep(every_s)
    return found


def clock_of(answer: bytes) -> tuple[int, int]:
    """(platform's clock, s UTC; minutes of local time ahead of UTC) of a reference driver's answer."""
    assert len(answer) == 16, answer.hex()
    assert answer[:4] == bytes.fromhex("4f570180"), answer.hex()
    return int.from_bytes(answer[7:11], "big"), int.from_bytes(answer[11:13], "big", signed=True)

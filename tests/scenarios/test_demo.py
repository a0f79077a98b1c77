# SPDX-License-Identifier: Apache-2.0
"""``openmains demo`` as a visitor meets it: an empty folder, one command, a town that lives; stopped and started again."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from openmains.domain.period import zone
from openmains.run.bench_ingest import free_port
from tests.support.engines import new_var, remove_var
from tests.support.system import System, instant_of, stop, until

pytestmark = [pytest.mark.engines, pytest.mark.slow]
ZONE = "Asia/Shanghai"
HISTORY_DAYS = 60
METERS = 1000
SAMPLE = 100  # every how many meters one is looked at
WARM_LIMIT_S = 15.0
PASSWORD = re.compile(r"(http://\S+)\s+tenant (\S+)\s+user (\S+)\s+password (\S+)")


class Demo:
    """The command and its terminal."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.http = free_port(socket.SOCK_STREAM)
        self.dtls = free_port(socket.SOCK_DGRAM)
        self.terminal = var / "terminal"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {"HTTP_PORT": self.http, "DTLS_PORT": self.dtls, "COAP_HOST": "127.0.0.1"}
        env = os.environ | {"LANG": "C.UTF-8"} | {f"OPENMAINS_{key}": str(value) for key, value in settings.items()}
        command = [sys.executable, "-m", "openmains.run.cli", "demo", "--var", str(self.var)]
        with self.terminal.open("wb") as out:
            self.process = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)

    @property
    def said(self) -> str:
        assert self.process is not None
        text = self.terminal.read_text("utf-8")
        assert self.process.poll() is None, text
        return text

    def interrupt(self) -> None:
        """Ctrl-C; everything must be gone when the command ends."""
        assert self.process is not None
        below = psutil.Process(self.process.pid).children(recursive=True)
        assert len(below) > 4
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.terminal.read_text("utf-8")
        assert psutil.wait_procs(below, timeout=2)[1] == []


@pytest.fixture
def demo() -> Iterator[Demo]:
    made = Demo(new_var())
    try:
        yield made
    finally:
        if made.process is not None:
            stop(made.process)
        remove_var(made.var)


def signed_in(demo: Demo, tenant: str, user: str, password: str) -> httpx.Client:
    api = httpx.Client(base_url=f"http://127.0.0.1:{demo.http}/api/v1", timeout=30)
    answer = api.post("/session", json={"login": user, "password": password, "tenant": tenant})
    assert answer.status_code == 201, answer.text
    assert answer.json()["must_change"] is False
    return api


def days_known(system: System, meter_id: int) -> int:
    """Of the last 60 whole days, how many are known in full: measured, or estimated where the town lost a night."""
    here = zone(ZONE)
    today = here.day_of(int(time.time()))
    found = system.series(meter_id, here.start_of(today - HISTORY_DAYS), here.start_of(today), "day")
    return sum(point["missing_s"] == 0 for point in found["points"])


async def test_demo(demo: Demo) -> None:
    began = time.monotonic()
    demo.start()
    assert demo.process is not None
    found = await until(lambda: PASSWORD.search(demo.said), 120)
    assert found is not None
    url, tenant, user, password = found.groups()
    assert url == f"http://127.0.0.1:{demo.http}"
    password_s = time.monotonic() - began
    with closing(signed_in(demo, tenant, user, password)) as api:
        system = System(demo.var, demo.process, 0, demo.http, api, demo.dtls)
        await until(lambda: len(list(system.pages("/meters", limit=200))) == METERS, 120)
        ids = list(system.meter_ids().values())[::SAMPLE]
        await until(lambda: "now report live" in demo.said, 300)
        live_from = time.time()
        await until(lambda: all(days_known(system, meter_id) >= HISTORY_DAYS - 1 for meter_id in ids), 300)
        history_s = time.monotonic() - began

        def newest(meter_id: int) -> Any:
            items = system.get(f"/meters/{meter_id}/frames", limit=1)["items"]
            return items[0] if items else None

        def all_live() -> bool:
            frames = [newest(meter_id) for meter_id in ids]
            return all(f and f["outcome"] == "ok" and instant_of(f["received_at"]) > live_from for f in frames)

        await until(all_live, 120)
        live_s = time.time() - live_from
        counters = system.counters()
        assert not [name for name in counters if ".dead:" in name], counters
        before = [days_known(system, meter_id) for meter_id in ids]
    assert demo.said.count(password) == 1
    for file in [*demo.var.glob("logs/*"), *demo.var.glob("log/*")]:
        assert password.encode() not in file.read_bytes(), file
    demo.interrupt()

    began = time.monotonic()
    demo.start()
    await until(lambda: "ready (" in demo.said, 60)
    warm_s = time.monotonic() - began
    assert warm_s < WARM_LIMIT_S
    await until(lambda: "now report live" in demo.said, 60)
    assert "password" not in demo.said
    with closing(signed_in(demo, tenant, user, password)) as api:
        system = System(demo.var, demo.process, 0, demo.http, api, demo.dtls)
        assert len(system.meter_ids()) == METERS
        assert [days_known(system, meter_id) for meter_id in ids] == before
    demo.interrupt()
    print(
        f"demo: password after {password_s:.0f} s, {METERS} meters and {HISTORY_DAYS} days after {history_s:.0f} s,"
        f" every sampled meter live {live_s:.0f} s later, warm start {warm_s:.1f} s"
    )

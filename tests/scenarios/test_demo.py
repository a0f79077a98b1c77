# SPDX-License-Identifier: Apache-2.0
"""``openmains demo`` as a visitor meets it: an empty folder, one command, a town that lives; stopped and started again."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from openmains.domain.period import date_to_day, zone
from tests.support.engines import new_var, remove_var
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.system import System, instant_of, stop, until

pytestmark = pytest.mark.usefixtures("starts_engines")
ZONE = "Asia/Shanghai"
HISTORY_DAYS = 60
CELLULAR = 1000  # with a module of their own
LINE = 8  # behind the DTU
RADIO, GATEWAYS, RELAYS = 36, 3, 6  # on the radio of gateways
METERS = CELLULAR + LINE + RADIO
MONITORS = 24
REPORT_S = 15  # a minute for people; here whoever waits for a meter waits for a quarter of it
SAMPLE = 100  # every how many meters one is looked at
BEHIND, ON_RADIO = "110088", "110036"
WATER, GAS = "110026000003", "310026000003"
PAID = 5000  # fen
SIGNERS = {"admin": "the first person's own long words", "second": "the second person's own long words"}
OVER = ("confirmed", "failed", "expired", "cancelled")
PASSWORD = re.compile(r"(http://\S+)\s+tenant (\S+)\s+user (\S+)\s+password (\S+)")


class Demo:
    """The command and its terminal."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.http = free_port(socket.SOCK_STREAM)
        self.dtls = free_port(socket.SOCK_DGRAM)
        self.tcp = free_port(socket.SOCK_STREAM)
        self.terminal = var / "terminal"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {"HTTP_PORT": self.http, "DTLS_PORT": self.dtls, "COAP_HOST": "127.0.0.1"}
        settings |= {"DEMO_REPORT_S": REPORT_S, "TCP_PORT": self.tcp}
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
        assert self.process.wait(PATIENCE_S) == 0, self.terminal.read_text("utf-8")
        assert psutil.wait_procs(below, timeout=PATIENCE_S)[1] == []


@pytest.fixture
def demo() -> Iterator[Demo]:
    made = Demo(new_var())
    try:
        yield made
    finally:
        if made.process is not None:
            stop(made.process)
        remove_var(made.var)


def signed_in(demo: Demo, tenant: str, user: str, password: str, fresh: str | None = None) -> httpx.Client:
    """``fresh``: the password that is printed once opens nothing but its own change."""
    api = httpx.Client(base_url=f"http://127.0.0.1:{demo.http}/api/v1", timeout=PATIENCE_S)
    answer = api.post("/session", json={"login": user, "password": password, "tenant": tenant})
    assert answer.status_code == 201, answer.text
    assert answer.json()["must_change"] is (fresh is not None)
    api.headers["X-OpenMains-Request"] = "1"
    if fresh is not None:
        assert api.get("/meters").status_code == 403
        changed = api.post("/session/password", json={"current": password, "new": fresh})
        assert changed.status_code == 204, changed.text
    return api


def days_known(system: System, meter_id: int) -> int:
    """Of the last 60 whole days, how many are known in full: measured, or estimated where the town lost a night."""
    here = zone(ZONE)
    today = here.day_of(int(time.time()))
    found = system.series(meter_id, here.start_of(today - HISTORY_DAYS), here.start_of(today), "day")
    return sum(point["missing_s"] == 0 for point in found["points"])


def enrol(demo: Demo) -> None:
    """Two people at the signer, as at the machine itself; the demo's tenant is the first of its installation."""
    for login, password in SIGNERS.items():
        command = [sys.executable, "-m", "openmains.run.cli", "signer", "enrol", "1", login, "--password-stdin"]
        command += ["--var", str(demo.var), "--approver" if login == "second" else "--administrator"]
        subprocess.run(command, input=password + "\n", text=True, check=True, capture_output=True)


def give(system: System, meter_id: int, kind: str, **params: Any) -> int:
    """A command, approved by the second person where the signer asks for one (a valve at night); its id."""
    signer = {"login": "admin", "password": SIGNERS["admin"]}
    body = {"kind": kind, "unique_key": f"demo-{kind}-{meter_id}", "params": params}
    given = system.send("POST", f"/meters/{meter_id}/commands", body | {"signer": signer})
    command_id: int = given["command"]["command_id"]
    if given["verdict"] in ("needs_approval", "quarantined"):
        second = {"login": "second", "password": SIGNERS["second"]}
        verdict = system.send("POST", f"/commands/{command_id}/approve", {"signer": second})
        assert verdict["state"] == "authorised", verdict
    return command_id


async def obeyed(system: System, commands: list[int]) -> None:
    """Every command was confirmed by its meter."""

    def all_over() -> Any:
        found = [system.get(f"/commands/{command_id}") for command_id in commands]
        return found if all(command["state"] in OVER for command in found) else None

    for command in await until(all_over, 180):
        assert command["state"] == "confirmed", command


def of(system: System, meter_id: int, point: str) -> Any:
    return system.get(f"/meters/{meter_id}")["state"][point]


def calm(system: System) -> None:
    """Nobody is suspected: no finding at any terminal, no alarm of one, nothing that did not open."""
    assert system.get("/terminals", limit=50)["items"] == []
    assert [
        alarm for alarm in system.pages("/alarms") if alarm["event"].startswith(("terminal_", "sim_", "key_"))
    ] == []
    counters = system.counters()
    assert not [name for name in counters if ".dead:" in name], counters
    troubles = ("dtls.wrong_key", "dtls.bad_mac", "dtls.handshakes_failed", "keys.unknown", "sessions.failed")
    assert {name: counters.get(f"edge.{name}", 0) for name in troubles} == dict.fromkeys(troubles, 0)


def radio_lives(system: System, on_radio: list[int], since: float) -> bool:
    """Gateways and relays are in the topology, and half of the meters on their radio at least have spoken by themselves since: who wakes only
    for a command or once a night may not have."""
    told = system.get("/network/topology")
    kinds = [told["kinds"][kind] for kind in told["kind"]]
    if (kinds.count("gateway"), kinds.count("relay"), kinds.count("meter")) != (GATEWAYS, RELAYS, LINE + RADIO):
        return False
    frames = [newest_frame(system, meter_id) for meter_id in on_radio]
    return sum(bool(each) and instant_of(each["received_at"]) > since for each in frames) >= RADIO // 2


def newest_frame(system: System, meter_id: int) -> Any:
    items = system.get(f"/meters/{meter_id}/frames", limit=1, direction="up")["items"]
    return items[0] if items else None


async def test_demo(demo: Demo) -> None:
    began = time.monotonic()
    demo.start()
    assert demo.process is not None
    found = await until(lambda: PASSWORD.search(demo.said))
    assert found is not None
    url, tenant, user, password = found.groups()
    assert url == f"http://127.0.0.1:{demo.http}"
    password_s = time.monotonic() - began
    own = secrets.token_urlsafe(12)
    with closing(signed_in(demo, tenant, user, password, own)) as api:
        system = System(demo.var, demo.process, 0, demo.http, api, demo.dtls)
        await until(lambda: len(list(system.pages("/meters", limit=200))) == METERS)
        behind = [meter_id for number, meter_id in system.meter_ids().items() if number.startswith(BEHIND)]
        assert len(behind) == LINE
        on_radio = [meter_id for number, meter_id in system.meter_ids().items() if number.startswith(ON_RADIO)]
        assert len(on_radio) == RADIO
        apart = {*behind, *on_radio}
        ids = [meter_id for meter_id in system.meter_ids().values() if meter_id not in apart][::SAMPLE]
        await until(lambda: "now report live" in demo.said)
        live_from = time.time()
        await until(lambda: all(days_known(system, meter_id) >= HISTORY_DAYS - 1 for meter_id in ids))
        history_s = time.monotonic() - began

        def all_live() -> bool:
            frames = [newest_frame(system, meter_id) for meter_id in ids]
            return all(f and f["outcome"] == "ok" and instant_of(f["received_at"]) > live_from for f in frames)

        await until(all_live)
        (dtu,) = [each for each in system.get("/concentrators")["items"] if each["meters"] == LINE]
        assert (dtu["is_connected"], dtu["is_proven"], dtu["meters"]) == (True, True, LINE)
        ids += behind
        await until(all_live)
        assert all(float(of(system, meter_id, "register")) > 0 for meter_id in behind)
        await until(lambda: radio_lives(system, on_radio, live_from))
        assert all(days_known(system, meter_id) >= HISTORY_DAYS - 1 for meter_id in on_radio[:: RADIO // 4])
        await until(lambda: all(row["values"] for row in system.pages("/monitors", limit=50)))
        passed = {(alarm["event"], alarm["quantity"]) for alarm in system.pages("/alarms", event="below_limit")}
        assert ("below_limit", "pumps_running") in passed, "a pump that stopped in the last sixty days"
        live_s = time.time() - live_from
        await until(lambda: " bills of " in demo.said or "was not billed" in demo.said)
        assert "was not billed" not in demo.said
        [run] = system.pages("/bill-runs", limit=50)
        assert (
            run["bills"] > 450 and run["bills"] + run["refused"] == run["accounts"] == CELLULAR // 2 + LINE + RADIO
        ), "gas is paid at the meter"
        bills = list(system.pages("/bills", run_id=run["run_id"], limit=200))
        settled = {bill["open_fen"] == 0 for bill in bills if not bill["superseded"]}
        assert len(bills) == run["bills"] and settled == {True, False}
        [corrected] = system.pages("/bill-corrections", limit=50)
        assert corrected["state"] == "approved" and corrected["author_id"] != corrected["decided_by"]
        assert [one["before_fen"] > one["after_fen"] for one in corrected["bills"]] == [True]
        at_server = list(system.pages("/server-accounts", limit=50))
        assert len(at_server) == 12 and {one["why"] for one in at_server} <= {"", "missing-days"}
        if zone(ZONE).day_of(int(time.time())) > date_to_day(date.fromisoformat(at_server[0]["since_day"])):
            await until(lambda: [one for one in system.pages("/server-accounts", limit=50) if one["deducted_fen"] > 0])
        owing = list(system.pages("/arrears", limit=200))
        assert 100 < len(owing) < 300
        calm(system)
        enrol(demo)
        water, gas = (system.meter_ids()[number] for number in (WATER, GAS))
        credit = of(system, gas, "balance")
        orders = [give(system, behind[0], "valve_close")]  # of a line: proven by the DTU's certificate
        orders += [give(system, water, "read_now"), give(system, water, "valve_close")]
        orders.append(give(system, gas, "set_signed_parameters", values={"balance_warning": 3000}))
        orders.append(give(system, gas, "top_up", amount=PAID, balance_kind=0))
        watching = list(system.pages("/monitors", limit=50))
        assert len(watching) == MONITORS
        orders.append(give(system, watching[0]["meter"]["meter_id"], "read_status"))
        await obeyed(system, orders)
        await until(lambda: of(system, water, "valve") == of(system, behind[0], "valve") == 1)
        await until(lambda: of(system, gas, "balance") > credit + PAID / 2)
        shut_at, paid = of(system, water, "register"), of(system, gas, "balance")
        calm(system)
        before = [days_known(system, meter_id) for meter_id in ids]
    assert demo.said.count(password) == 1
    for file in [*demo.var.glob("logs/*"), *demo.var.glob("log/*")]:
        assert password.encode() not in file.read_bytes(), file
    demo.interrupt()

    began = time.monotonic()
    demo.start()
    await until(lambda: "ready (" in demo.said)
    warm_s = time.monotonic() - began
    await until(lambda: "now report live" in demo.said)
    assert "password" not in demo.said
    with closing(signed_in(demo, tenant, user, own)) as api:
        system = System(demo.var, demo.process, 0, demo.http, api, demo.dtls)
        assert len(system.meter_ids()) == METERS
        assert [days_known(system, meter_id) for meter_id in ids] == before
        began = time.monotonic()
        await until(lambda: system.counters().get("edge.dtls.handshakes_done", 0) >= CELLULAR)
        back_s = time.monotonic() - began
        again = time.time()

        def seen(meter_id: int) -> bool:
            frame = newest_frame(system, meter_id)
            return bool(frame and instant_of(frame["received_at"]) > again)

        await until(lambda: seen(water) and seen(gas) and seen(behind[0]))
        calm(system)
        assert of(system, behind[0], "valve") == 1, "it stays closed over a restart"
        assert (of(system, water, "valve"), of(system, water, "register")) == (1, shut_at)
        assert of(system, gas, "balance") > paid - PAID / 2
    demo.interrupt()
    print(
        f"demo: password after {password_s:.0f} s, {METERS} meters and {HISTORY_DAYS} days after {history_s:.0f} s,"
        f" every sampled meter live {live_s:.0f} s later, warm start {warm_s:.1f} s,"
        f" all meters back {back_s:.0f} s after it"
    )

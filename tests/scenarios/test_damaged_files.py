# SPDX-License-Identifier: Apache-2.0
"""Each file of an installation broken in five ways: what is said, whether the system is ready, what is made anew, what is refused.

One installation with a meter's readings is made and ended in order; each case is a copy of it with one file broken, started once more.
The table that comes of it stands in docs/runbooks/damaged-files.md; ``DAMAGE_TABLE=<file>`` writes it.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from openmains.run.care.faults import FaultFolder
from tests.support.daily import SLOTS, Daily
from tests.support.damage import WAYS, break_file
from tests.support.engines import new_var, remove_var
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.secure import import_keys
from tests.support.system import (
    System,
    Systems,
    add_product,
    found_utility,
    import_meters,
    post,
    stop,
    until,
)

IMEI, NUMBER = "867000000000010", 202611290017


@dataclass(slots=True)
class Outcome:
    """Of one start on a broken file."""

    ready: str  # 'ready', 'not ready' or 'refused'
    said: str  # the one line
    slots: int = -1  # measured half hours that are readable, of 48; -1: not asked


@dataclass(frozen=True, slots=True)
class Place:
    """A file to break. ``pattern``: below var, or of a table of ClickHouse (``table: part/file``); the largest match is taken. ``ends``:
    what may come of it."""

    name: str
    pattern: str
    ends: frozenset[str]
    ways: tuple[str, ...] = tuple(WAYS)


REFUSED, READY, SAID = frozenset({"refused"}), frozenset({"ready"}), frozenset({"ready", "refused"})
PLACES = (
    Place("master key", "secrets/master-key", REFUSED, ("missing", "empty", "truncated", "garbage")),
    Place("command key", "secrets/signer/command-key", REFUSED),
    Place("signer's ledger", "secrets/signer/ledger.sqlite", REFUSED),
    Place("edge's key of sessions", "secrets/edge-sessions", READY),
    Place("password of the database", "secrets/postgres-postgres", READY),
    Place("password of the stream", "secrets/nats", READY),
    Place("sessions of meters", "edge/node-1.sqlite", READY),
    Place("PostgreSQL: version", "postgres/PG_VERSION", READY),
    Place("PostgreSQL: control file", "postgres/global/pg_control", REFUSED),
    Place("PostgreSQL: a table", "postgres/base/*/[0-9]*", REFUSED),
    Place("PostgreSQL: transactions", "postgres/pg_xact/0000", REFUSED),
    Place("PostgreSQL: settings", "postgres/openmains.conf", READY),
    Place("PostgreSQL: access rules", "postgres/openmains_hba.conf", READY),
    Place("stream: definition", "nats/store/jetstream/*/streams/UPLINK/meta.inf", READY),
    Place("stream: messages", "nats/store/jetstream/*/streams/UPLINK/msgs/*.blk", READY),
    Place("stream: settings", "nats/nats.conf", READY),
    Place("stream: port", "nats/port", READY),
    Place("readings: days", "meter_day: 2*/data.bin", READY),
    Place("readings: a table's definition", "clickhouse/store/*/*/meter_day.sql", READY),
    Place("readings: days, checksums", "meter_day: 2*/checksums.txt", READY),
    Place("readings: days, columns", "meter_day: 2*/columns.txt", READY),
    Place("readings: days, index", "meter_day: 2*/primary.cidx", READY),
    Place("readings: days, count of rows", "meter_day: 2*/count.txt", READY),
    Place("readings: copies of the registry", "meter_dim: all*/data.bin", READY),
    Place("readings: its name", "about: all*/data.bin", SAID),
    Place("readings: raw frames", "frame: 2*/data.bin", READY),
    Place("readings: format of a table", "clickhouse/store/*/*/format_version.txt", READY),
    Place("readings: definition of the database", "clickhouse/metadata/openmains.sql", READY),
    Place("copies of definitions", "definitions/clickhouse/store/*/*/meter_day.sql", READY),
    Place("PostgreSQL: log", "postgres/pg_wal/0*", SAID),
    Place("PostgreSQL: map of files", "postgres/base/1[0-9]*/pg_filenode.map", REFUSED),
    Place("PostgreSQL: version of a database", "postgres/base/1[0-9]*/PG_VERSION", REFUSED),
    Place("addresses of the engines", "run/engines.json", READY),
    Place("lock of a role", "run/core.lock", READY),
    Place("end of the stream", "run/stream-end", READY),
)


@pytest.fixture(scope="module")
def whole(systems: Systems) -> Iterator[Path]:
    """An installation after an orderly end, with a meter that reported."""
    var = new_var()
    with systems(var) as system:
        asyncio.run(_filled(system))
    yield var
    remove_var(var)


async def _filled(system: System) -> None:
    await found_utility(system)
    add_product(system, "w", "openmains/water-1")
    await import_meters(system, [(NUMBER, IMEI, "w")])
    import_keys(system, {int(IMEI): bytes(range(16))})  # something is sealed under the master key
    (system.var / "token").write_text(system.api.headers["Authorization"])
    outcome = await post(system, IMEI, Daily(NUMBER).frame())
    assert outcome.ok, outcome
    assert await until_slots(system.http, system.api.headers["Authorization"], SLOTS) == SLOTS


async def until_slots(http: int, token: str, wanted: int) -> int:
    """Measured half hours of the meter, once they are as many; else how many there are in the end."""
    found = 0
    deadline = time.monotonic() + 30
    while found < wanted and time.monotonic() < deadline:
        found = await asyncio.to_thread(slots_of, http, token)
        await asyncio.sleep(0.2)
    return found


def slots_of(http: int, token: str) -> int:
    with httpx.Client(
        base_url=f"http://127.0.0.1:{http}/api/v1", headers={"Authorization": token}, timeout=PATIENCE_S
    ) as api:
        meter = api.get("/meters", params={"limit": 1}).json()["items"][0]["meter_id"]
        day = 86_400
        span = {"from": _text(time.time() - 5 * day), "to": _text(time.time() + day), "step": "slot"}
        answer = api.get(f"/meters/{meter}/readings", params=span)
        if not answer.is_success:
            return 0
        return sum(point["measured_s"] for point in answer.json()["points"]) // 1800


def _text(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


@contextmanager
def copied(whole: Path) -> Iterator[Path]:
    var = new_var()
    subprocess.run(["cp", "-a", f"{whole}/.", str(var)], check=True)
    try:
        yield var
    finally:
        remove_var(var)


def started(var: Path, *, ask: bool = False) -> Outcome:
    """Start on it, look, end in order."""
    http, dtls = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    env = {**os.environ, "LANG": "C.UTF-8", "OPENMAINS_HTTP_PORT": str(http), "OPENMAINS_DTLS_PORT": str(dtls)}
    output = var / "supervisor.log"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "openmains.run.cli", "serve", "--var", str(var)], env=env, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and "ready (" not in output.read_text("utf-8"):
            assert time.monotonic() < deadline, output.read_text("utf-8")
            time.sleep(0.1)
        if process.poll() is not None:
            (line,) = [line for line in output.read_text("utf-8").splitlines() if line.startswith("openmains: ")]
            assert process.returncode == 1
            return Outcome("refused", line.removeprefix("openmains: ").split(" / ")[0])
        found = -1
        if ask:
            settled(var)
            found = asyncio.run(until_slots(http, (var / "token").read_text(), SLOTS))
        is_ready = waited(lambda: httpx.get(f"http://127.0.0.1:{http}/api/v1/ready", timeout=30).status_code == 200)
        told = [fault.en for fault in FaultFolder(var).all()]
        return Outcome("ready" if is_ready else "not ready", " ; ".join(told), found)
    finally:
        stop(process)


def settled(var: Path) -> None:
    """The parts of the readings are looked at beside the start: wait until something was told and nothing is being mended."""
    book = FaultFolder(var)
    waited(lambda: bool(faults := book.all()) and all(fault.state != "mending" for fault in faults))


def waited(true: Callable[[], bool], limit_s: float = 20) -> bool:
    """Whether it became true."""
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def doctor(var: Path) -> str:
    """What ``openmains doctor --deep`` prints."""
    command = [sys.executable, "-m", "openmains.run.cli", "doctor", "--deep", "--var", str(var), "--lang", "en"]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False).stdout


def largest(var: Path, pattern: str) -> Path:
    table, _, below = pattern.partition(": ")
    if below:
        (definition,) = var.glob(f"clickhouse/store/*/*/{table}.sql")
        (uuid,) = re.findall(r"UUID '([0-9a-f-]{36})'", definition.read_text("utf-8"))
        pattern = f"clickhouse/store/{uuid[:3]}/{uuid}/{below}"
    found = [path for path in var.glob(pattern) if path.is_file()]
    assert found, pattern
    return max(found, key=lambda path: path.stat().st_size)


@pytest.mark.usefixtures("takes_minutes")
@pytest.mark.parametrize("place", PLACES, ids=[place.name for place in PLACES])
def test_each_file_broken_in_five_ways(whole: Path, place: Place) -> None:
    wrong = []
    for way in place.ways:
        with copied(whole) as var:
            break_file(largest(var, place.pattern), way)
            outcome = started(var, ask="readings" in place.name or "stream:" in place.name)
            row = row_of(place.name, way, outcome, var)
            print(row)
            if table := os.environ.get("DAMAGE_TABLE"):
                with Path(table).open("a") as file:
                    file.write(f"{row}\n")
            if outcome.ready not in place.ends or outcome.slots not in (-1, SLOTS):
                wrong.append(row)
    assert wrong == []


def row_of(name: str, way: str, outcome: Outcome, var: Path) -> str:
    """A line of the table."""
    said = outcome.said.replace(f"{var}/", "var/").replace("|", ";") or "–"
    slots = "–" if outcome.slots < 0 else str(outcome.slots)
    return f"| {name} | {way} | {outcome.ready} | {slots} | {said} |"


@pytest.mark.parametrize(
    ("pattern", "way", "ready", "words"),
    [
        ("secrets/master-key", "missing", "refused", "no new one is made in its place"),
        ("secrets/signer/ledger.sqlite", "missing", "refused", "no empty one takes its place"),
        ("postgres/base/*/[0-9]*", "truncated", "refused", "Restore the whole directory"),
        ("edge/node-1.sqlite", "garbage", "ready", "Meters handshake again"),
        ("meter_day: 2*/data.bin", "bit flipped", "ready", "built anew from"),
    ],
)
def test_the_most_important(whole: Path, pattern: str, way: str, ready: str, words: str) -> None:
    with copied(whole) as var:
        break_file(largest(var, pattern), way)
        outcome = started(var, ask=ready == "ready")
        assert outcome.ready == ready, outcome
        assert words in outcome.said, outcome
        assert outcome.slots in (-1, SLOTS), outcome


async def test_what_breaks_while_it_runs(whole: Path, systems: Systems) -> None:
    """The keys go: the page says so; the signer gives up and is not started again; meters are served all the same."""
    with copied(whole) as var, systems(var) as system:
        system.api.headers["Authorization"] = (var / "token").read_text()
        (var / "secrets" / "master-key").unlink()
        (var / "secrets" / "signer" / "command-key").write_text("0" * 64 + "\n")

        def told() -> set[str]:
            return {fault["name"] for fault in system.get("/system")["faults"] if fault["state"] == "stands"}

        await until(lambda: {"keys.master", "role.signer"} <= told())
        answer = system.api.get("/ready")
        assert answer.status_code == 503, answer.text
        assert "signer" in answer.text
        assert "given up" in system.log or "given up" in (var / "log" / "signer.log").read_text("utf-8")
        outcome = await post(system, IMEI, Daily(NUMBER, seq=2).frame())
        assert outcome.ok, outcome
        deep = await asyncio.to_thread(doctor, var)
        assert "PostgreSQL and ClickHouse (numbers of messages)" in deep, deep
        assert "is missing, and the device keys" in deep, deep

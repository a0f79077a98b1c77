# SPDX-License-Identifier: Apache-2.0
"""Keys and terminals through the whole system: over its API, its command line and its sockets only."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from openmains.domain.fleet.identifiers import imei_of
from openmains.drivers import catalog
from openmains.drivers.model import Kind
from tests.support.system import (
    System,
    Systems,
    add_product,
    found_utility,
    import_meters,
    post,
    until,
    until_async,
)

IMEIS = [imei_of(86_5000_0000_0000 + i) for i in range(6)]


def cli(system: System, *words: str) -> subprocess.CompletedProcess[str]:
    """``openmains …`` against the running system."""
    environment = os.environ | {"OPENMAINS_VAR": str(system.var), "LANG": "C.UTF-8", "OPENMAINS_LANGUAGE": "en"}
    return subprocess.run(
        [sys.executable, "-m", "openmains.run.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def beat(number: int, seq: int) -> bytes:
    """A heartbeat of the reference driver."""
    values = {"frame_seq": seq, "device_at": int(time.time()), "meter_number": number, "events": [], "valve": 0}
    return catalog.load().driver("openmains/water-1").encode(Kind.HEARTBEAT, values | {"balance_kind": 2})


async def finished(system: System, job_id: int) -> Any:
    job = await until(
        lambda: (found := system.get(f"/jobs/{job_id}")) and found["status"] in ("done", "failed") and found
    )
    assert job["status"] == "done", job
    return job["result"]


async def test_keys_and_terminals_over_api_command_line_and_sockets(systems: Systems, tmp_path: Path) -> None:
    with systems() as system:
        await found_utility(system)
        add_product(system, "W", "openmains/water-1")
        await import_meters(system, [(i, f"{imei:015d}", "W") for i, imei in enumerate(IMEIS)])
        ids = [system.meter_ids()[str(i)] for i in range(len(IMEIS))]

        # Keys come in over the API, a part is made on the command line, the rest by a job whose file is taken once.
        psk = os.urandom(16).hex()
        file = f"imei,psk\n{IMEIS[0]:015d},{psk}\n"
        queued = system.api.post("/keys/import?reason=test", files={"data": ("k.csv", file.encode(), "text/csv")})
        assert queued.is_success, queued.text
        assert (await finished(system, queued.json()["job_id"]))["inserted"] == 1
        out = tmp_path / "maker.csv"
        made = cli(system, "keys", "generate", "--imei", f"{IMEIS[1]:015d}", f"{IMEIS[2]:015d}", "--out", str(out))
        assert made.returncode == 0, made.stderr
        assert len(out.read_text("utf-8").splitlines()) == 3
        assert out.stat().st_mode & 0o777 == 0o600
        job_id = system.send("POST", "/keys/generate", {"reason": "test"})["job_id"]
        assert (await finished(system, job_id)) == {"made": 3}
        taken = system.api.post(f"/keys/files/{job_id}/take", json={"reason": "test"})
        assert len(taken.text.splitlines()) == 4
        assert system.api.post(f"/keys/files/{job_id}/take", json={"reason": "test"}).status_code == 410
        assert system.get("/keys") == {"with_key": 6, "without_key": 0, "rotating": 0, "waiting": 0}

        # The master key changes under the running system; its processes go on.
        before = (system.var / "secrets" / "master-key").read_text("ascii")
        rotated = cli(system, "keys", "rotate-master")
        assert rotated.returncode == 0, rotated.stderr
        assert (system.var / "secrets" / "master-key").read_text("ascii") != before
        assert not (system.var / "secrets" / "master-key.previous").exists()
        again = system.api.post("/keys/import?reason=test", files={"data": ("k.csv", file.encode(), "text/csv")})
        assert (await finished(system, again.json()["job_id"]))["unchanged"] == 1
        assert (
            await finished(system, system.send("POST", "/keys/generate", {"rotate": True, "reason": "test"})["job_id"])
        ) == {"made": 6}
        assert system.get("/keys")["rotating"] == 6
        refused = cli(system, "keys", "destroy", "--imei", f"{IMEIS[0]:015d}")
        assert refused.returncode != 0
        assert cli(system, "keys", "destroy", "--imei", f"{IMEIS[0]:015d}", "--yes").returncode == 0
        assert system.get(f"/meters/{ids[0]}/security")["key"] is None

        # A blocked terminal is refused by the edge within seconds, and heard again when it is released.
        imei = f"{IMEIS[3]:015d}"
        assert (await post(system, imei, beat(3, 1))).ok
        system.send("POST", f"/meters/{ids[3]}/security/hold", {"state": "blocked", "note": "test"})
        seq = iter(range(2, 1000))

        async def is_refused() -> bool:
            return not (await post(system, imei, beat(3, next(seq)))).ok

        async def is_heard() -> bool:
            return (await post(system, imei, beat(3, next(seq)))).ok

        await until_async(is_refused)
        assert (await post(system, f"{IMEIS[4]:015d}", beat(4, 1))).ok
        system.send("POST", f"/meters/{ids[3]}/security/release", {"note": "over"})
        await until_async(is_heard)

        # No key is anywhere but where it belongs.
        secrets = [psk, *(line.split(",")[2] for line in taken.text.splitlines()[1:])]
        for log in (system.var / "log").glob("*"):
            text = log.read_text("utf-8", "replace")
            assert not any(secret in text for secret in secrets), log
        audit = str(list(system.pages("/audit", limit=200)))
        assert not any(secret in audit for secret in secrets)
        assert list((system.var / "keyfiles").glob("*")) != []  # the rotated keys' file waits, sealed
        for path in (system.var / "keyfiles").glob("*"):
            assert b"imei" not in path.read_bytes()

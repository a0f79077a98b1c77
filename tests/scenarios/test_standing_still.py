# SPDX-License-Identifier: Apache-2.0
"""A whole system whose engines are stopped, and whose disk is full: who asks is told so within seconds and never left waiting."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from openmains.edges.http.system import ENDED, TRY_LATER
from tests.support.chaos import halted
from tests.support.engines import small_disk as a_small_disk
from tests.support.patience import PATIENCE_S
from tests.support.system import System, Systems, found_utility, until

BOUND_S = 30.0  # ends what hangs: a request has 3 s, and an engine 3 s until it stands still
DISK_MB = 700
READS = ("/meters", "/session", "/alarms", "/jobs", "/system", "/reports/collection", "/audit")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with a_small_disk(DISK_MB) as place:
        yield place


def ask(system: System, path: str) -> httpx.Response:
    return system.api.get(path, timeout=BOUND_S)


def is_away(answer: httpx.Response, kind: str) -> bool:
    return (
        answer.status_code == 503
        and answer.json()["type"].endswith(f"/{kind}")
        and int(answer.headers["retry-after"]) > 0
    )


async def test_engines_that_stand_still_are_said_and_nobody_waits(systems: Systems) -> None:
    with systems() as system:
        await found_utility(system)
        assert ask(system, "/ready").status_code == 200
        live = await websockets.connect(
            f"ws://127.0.0.1:{system.http}/api/v1/live",
            additional_headers={"Authorization": system.api.headers["Authorization"]},
        )
        with halted(system, "postgresql"):
            began = time.monotonic()
            ready = ask(system, "/ready")
            assert is_away(ready, "not-ready") and "业务数据库" in ready.json()["detail"]
            for _ in range(3):  # more than the pool has connections, in all
                answers = await asyncio.gather(*(asyncio.to_thread(ask, system, path) for path in READS))
                for path, answer in zip(READS, answers, strict=True):
                    assert is_away(answer, "engine-away"), (path, answer.text)
            assert ask(system, "/health").status_code == 200
            assert is_away(ask(system, "/ready"), "not-ready")
            print(f"PostgreSQL stopped: {3 * len(READS)} reads answered within {time.monotonic() - began:.1f} s")
            with pytest.raises(ConnectionClosed):
                while True:
                    await asyncio.wait_for(live.recv(), PATIENCE_S)
            assert live.close_code == TRY_LATER
        await until(lambda: ask(system, "/ready").status_code == 200)
        assert ask(system, "/meters").status_code == 200
        with halted(system, "jetstream"):
            ready = ask(system, "/ready")
            assert is_away(ready, "not-ready") and "报文队列" in ready.json()["detail"]
            assert ask(system, "/meters").status_code == 200, "what needs no stream goes on"
            assert ask(system, "/system").status_code in (200, 503)
        await until(lambda: ask(system, "/ready").status_code == 200)


async def test_who_comes_in_at_a_running_system(systems: Systems) -> None:
    """Over sockets: two forwarded lines, metrics from this machine, the live view after the token is revoked."""
    with systems(trust_forwarded="true") as system:
        plain = httpx.AsyncClient(timeout=PATIENCE_S)
        await found_utility(system)
        metrics = f"http://127.0.0.1:{system.http}/metrics"
        assert (await plain.get(metrics)).status_code == 401, "to be on this machine is no privilege"
        assert "openmains_events_total" in (await plain.get(metrics, headers=dict(system.api.headers))).text
        lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "198.51.100.9")]
        wrong = {"login": "admin", "password": "guess", "tenant": "test"}
        for _ in range(5):
            assert (await plain.post(f"{system.api.base_url}session", json=wrong, headers=lines)).status_code == 401
        locked = await plain.post(f"{system.api.base_url}session", json=wrong, headers=lines)
        assert locked.status_code == 429 and int(locked.headers["retry-after"]) > 0
        await plain.aclose()
        addresses = {line["address"] for line in system.get("/audit")["items"] if line["action"] == "sign_in_refused"}
        assert addresses == {"198.51.100.9"}
        headers = {"Authorization": system.api.headers["Authorization"]}
        async with websockets.connect(f"ws://127.0.0.1:{system.http}/api/v1/live", additional_headers=headers) as live:
            (token,) = system.get("/tokens")["items"]
            assert system.api.delete(f"/tokens/{token['token_id']}?reason=lost").is_success
            began = time.monotonic()
            with pytest.raises(ConnectionClosed):
                while True:
                    await asyncio.wait_for(live.recv(), PATIENCE_S)
            print(f"live view closed {time.monotonic() - began:.1f} s after its token was revoked")
            assert live.close_code == ENDED


async def test_a_full_disk_is_said(systems: Systems, small_disk: Path) -> None:
    with systems(small_disk, stream_max_mb=64, min_free_mb=16, ready_free_mb=16) as system:
        assert ask(system, "/ready").status_code == 200
        filler = small_disk / "filler"
        with filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 20))
            except OSError:
                pass
        ready = await until(lambda: answer if (answer := ask(system, "/ready")).status_code != 200 else None)
        assert is_away(ready, "not-ready") and "disk full (var: 0 MB left)" in ready.json()["detail"], ready.text
        filler.unlink()
        await until(lambda: ask(system, "/ready").status_code == 200)

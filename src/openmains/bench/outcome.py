# SPDX-License-Identifier: Apache-2.0
"""What benches wait for before and after a load, and whether what was acknowledged is stored: each report, once."""

import asyncio
import json
import socket
import time
from contextlib import closing, suppress

import asyncpg
import numpy as np
from numpy.typing import NDArray

from openmains.bench.machine import processor_seconds
from openmains.bench.registry import BenchRegistry
from openmains.domain.fleet.identifiers import imei_text
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.nats.stream import Bus, connect

Ints = NDArray[np.int64]
CATCH_UP_LIMIT_S = 180
IDLE_LIMIT_S = 120
IDLE_SHARE = 0.3  # of a core, all processes together


async def wait_known(coap: int, registry: BenchRegistry) -> None:
    """Until the edge knows the last meter: it answers something else than 4.04."""
    address = ("127.0.0.1", coap)
    imei = imei_text(registry.first_imei + registry.count - 1).encode()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.settimeout(1.0)
        for mid in range(600):
            # An empty payload: a known and an unknown meter both refuse it, and only 4.00 or 4.04 tells nothing; so a
            # frame that is no report is sent, which a known meter's driver calls malformed (4.00).
            request = bytes([0x40, 0x02, mid >> 8, mid & 255]) + b"\xb1r\x0d\x02" + imei + b"\xff?"
            probe.sendto(request, address)
            with suppress(TimeoutError):
                if probe.recv(100)[1] == 0x80:
                    return
            await asyncio.sleep(0.2)
    raise RuntimeError("the edge does not know the registered meters")


async def wait_idle(root: int) -> None:
    """Until what registering set off is over – copies of the new meters, statistics of tables – for it is no price of a report.

    What the registry's copy costs would else fall into the load of one run and not of the next.
    """
    deadline = time.monotonic() + IDLE_LIMIT_S
    calm, spent, at = 0, sum(processor_seconds(root).values()), time.monotonic()
    while calm < 4 and time.monotonic() < deadline:  # in a row: the copy begins every five seconds
        await asyncio.sleep(1.5)
        now, used = time.monotonic(), sum(processor_seconds(root).values())
        calm = calm + 1 if (used - spent) / (now - at) < IDLE_SHARE else 0
        spent, at = used, now


async def wait_applied(dsn: str, registry: BenchRegistry, expected: int) -> float:
    """When the pipeline has committed as many messages as were acknowledged (± the probe); wall clock seconds."""
    connection = await asyncpg.connect(dsn)
    try:
        deadline = time.monotonic() + CATCH_UP_LIMIT_S
        applied, seen_at, last = -1, time.time(), time.monotonic()
        while time.monotonic() < deadline:
            now = await connection.fetchval(
                "SELECT sum(version) FROM meter_state WHERE tenant_id = $1", registry.tenant_id
            )
            if now != applied:
                applied, seen_at, last = now, time.time(), time.monotonic()
            if applied >= expected and time.monotonic() - last > 1.0:
                return seen_at
            await asyncio.sleep(0.25)
    finally:
        await connection.close()
    raise RuntimeError(f"only {applied:,} of {expected:,} acknowledged reports became visible")


def verify(dsn: str, registry: BenchRegistry, meters: Ints, days: Ints) -> dict[str, int]:
    """Compare what was acknowledged with what is stored: each (meter, day) once, each frame once."""
    clickhouse = ClickHouse(dsn)
    tenant = {"t": registry.tenant_id}
    try:
        stored = clickhouse.query_now(
            "SELECT groupArray(meter_id), groupArray(toUInt16(day)) FROM meter_day FINAL"
            " WHERE tenant_id = {t:UInt32} AND measured = slots",
            tenant,
        )
        twice = clickhouse.query_now(
            "SELECT count() - uniqExact(meter_id, day) FROM meter_day FINAL WHERE tenant_id = {t:UInt32}", tenant
        )[0][0]
        frames = clickhouse.query_now(
            "SELECT count() - uniqExact(meter_id, payload) FROM frame FINAL"
            " WHERE tenant_id = {t:UInt32} AND outcome = 'ok'",
            tenant,
        )[0][0]
    finally:
        clickhouse.close()
    have = key_of(np.asarray(stored[0][0], np.int64) - registry.first_meter_id, np.asarray(stored[0][1], np.int64))
    lost = np.setdiff1d(key_of(meters, days), have)
    return {"lost": len(lost), "duplicated": int(twice) + int(frames)}


def key_of(meters: Ints, days: Ints) -> Ints:
    """One number for each (meter index, day)."""
    keys: Ints = meters.astype(np.int64) * 100_000 + days.astype(np.int64)
    return keys


async def pipeline_steps(nats_url: str) -> dict[str, float]:
    """Wall seconds the pipeline spent in each step so far, from its own counters."""
    counters = await counters_of(nats_url, "pipeline")
    return {name[3:]: value / 1000 for name, value in counters.items() if name.startswith("ms.")}


async def counters_of(nats_url: str, role: str) -> dict[str, int]:
    """What a role counted so far, by its own word."""
    client = await connect(nats_url, name="bench")
    heard: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()

    async def on_counters(topic: str, data: bytes) -> None:
        if topic.startswith(f"counters.{role}") and not heard.done():
            heard.set_result(json.loads(data)["counters"])

    try:
        await Bus(client).listen("counters.*", on_counters)
        return await asyncio.wait_for(heard, 10)
    finally:
        await client.close()

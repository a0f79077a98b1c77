# SPDX-License-Identifier: Apache-2.0
"""What the benches over DTLS need: keys of the registered meters, and load generators that live in a process of their own.

The generator makes its sessions by handshakes with the real edge and keeps them; then it waits for the word to send.
"""

import asyncio
import hashlib
import multiprocessing
import secrets
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np

from openmains.app.security.keys.vault import Vault
from openmains.bench.load.plain import Frames
from openmains.bench.load.secure import RUN, Handshakes, SecureLoad, open_sockets, sockets_for
from openmains.bench.registry import BenchRegistry
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.run.master_key import masters_of

SOCKETS = 256  # one handshake at a time on each: records have no Connection ID yet
STEP = RUN * SOCKETS  # counts of meters are multiples of it, so that no meter changes its socket
CHUNK = 50_000


def key_of(imei: int) -> bytes:
    """A bench meter's key: anything that both sides can work out. Of no use outside the bench's own tenant."""
    return hashlib.blake2b(imei.to_bytes(8, "big"), digest_size=16, person=b"openmains bench").digest()


async def add_keys(urls: dict[str, str], var: Path, registry: BenchRegistry) -> None:
    """Sealed keys of all registered meters."""
    pool = await create_pool(urls["postgres_pipeline"], max_size=2)
    vault = Vault(PostgresKeys(pool), masters_of(var), secrets.token_bytes)
    owner = await asyncpg.connect(urls["postgres_owner"])
    try:
        data_key = await vault.current(registry.tenant_id)
        for first in range(0, registry.count, CHUNK):
            rows = []
            for place in range(first, min(first + CHUNK, registry.count)):
                imei = registry.first_imei + place
                sealed = data_key.seal(imei, key_of(imei), vault.nonce())
                rows.append((imei, registry.tenant_id, sealed.key_id, sealed.nonce, sealed.sealed))
            await owner.copy_records_to_table(
                "device_key", records=rows, columns=("imei", "tenant_id", "key_id", "nonce", "sealed"), timeout=300
            )
        await owner.execute("ANALYZE device_key", timeout=300)
    finally:
        await owner.close()
        await pool.close()


def _child(connection: Connection, target: tuple[str, int], first_imei: int, count: int) -> None:
    """Handshakes, a report of them, then each load that is asked for."""
    opened = open_sockets(target, sockets_for(count, SOCKETS))
    made = Handshakes(opened, first_imei, count, key_of).run()
    connection.send({"done": made.done, "failed": made.failed, "seconds": made.seconds, "share": made.cpu_share})
    sessions = [session for session in made.sessions if session is not None]
    seed = 0
    while (order := connection.recv()) is not None:
        seed += 1
        day, rate, seconds, window, limit, frames, tail_s = order
        load = SecureLoad(
            target, first_imei, sessions, day, rate, opened=opened, window=window, limit=limit, frames=frames, seed=seed,
            sealed_ahead=min(limit or count, int(rate * seconds) + 4096) if rate else 0,
        )  # fmt: skip
        load.keeps_sockets = True
        connection.send("ready")
        connection.recv()
        result = load.run(seconds, tail_s)
        meters, days = result.acked_pairs()
        connection.send(
            {
                "summary": result.summary(),
                "meters": np.asarray(meters),
                "days": np.asarray(days),
                "bad_answers": load.bad_answers,
            }
        )
    for one in opened:
        one.close()
    connection.close()


@dataclass(slots=True)
class SecureGenerator:
    """A generator process whose meters are connected."""

    connection: Connection
    process: Any
    handshakes: int
    failed: int
    seconds: float
    share: float

    @property
    def per_second(self) -> float:
        """Handshakes a second."""
        return self.handshakes / self.seconds if self.seconds else 0.0

    def load(self, day: int, rate: float, seconds: float, window: int) -> dict[str, Any]:
        """``prepare`` and ``go``."""
        self.prepare(day, rate, seconds, window)
        return self.go()

    def prepare(
        self,
        day: int,
        rate: float,
        seconds: float,
        window: int = 0,
        limit: int = 0,
        frames: Frames | None = None,
        tail_s: float = 10.0,
    ) -> None:
        """Seal ahead what is to be sent for ``seconds``: at most ``limit`` reports, and for ``tail_s`` repeats of what is unanswered.
        Again as often as wanted, until ``end``."""
        self.connection.send((day, rate, seconds, window, limit, frames, tail_s))
        self.connection.recv()

    def go(self) -> dict[str, Any]:
        """Send; what was acknowledged."""
        self.connection.send("go")
        found: dict[str, Any] = self.connection.recv()
        return found

    def end(self) -> None:
        """No more loads."""
        self.connection.send(None)
        self.process.join()


def connect_meters(registry: BenchRegistry, port: int, count: int, first: int = 0) -> SecureGenerator:
    """A generator whose ``count`` meters (a multiple of ``RUN``) from the ``first`` on made their handshakes."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_child, args=(theirs, ("127.0.0.1", port), registry.first_imei + first, count))
    child.start()
    theirs.close()
    said = ours.recv()
    return SecureGenerator(ours, child, said["done"], said["failed"], said["seconds"], said["share"])


async def prepare_secure(
    urls: dict[str, str], var: Path, registry: BenchRegistry, port: int, reports: int
) -> SecureGenerator:
    """Keys for all, sessions for as many meters as the load has reports (at most all)."""
    print("keys …", flush=True)
    await add_keys(urls, var, registry)
    count = max(STEP, min(-(-reports // STEP) * STEP, registry.count // STEP * STEP))
    print(f"{count:,} handshakes …", flush=True)
    made = await asyncio.to_thread(connect_meters, registry, port, count)
    if made.failed:
        raise RuntimeError(f"{made.failed} of {count} handshakes failed")
    print(f"{made.per_second:,.0f} handshakes/s", flush=True)
    return made

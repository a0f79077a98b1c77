# SPDX-License-Identifier: Apache-2.0
"""What runs and how far behind it is (``SystemView``): heard from the processes, asked of the engines."""

from pathlib import Path

import asyncpg

from openmains import __version__
from openmains.app.system.model import Metric, ProcessInfo, StorageSample, SystemSnapshot
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.running import RunningClickHouse
from openmains.edges.nats.live import LiveHub
from openmains.edges.nats.stream import StreamUnavailableError, UplinkStream
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.edges.postgres.system.storage import StorageHistory
from openmains.run.engines.nats_server import server_version


def role_of(node: str) -> str:
    """``core`` of ``core-1234``."""
    return node.partition("-")[0]


class RunningSystem:
    """For one core process."""

    def __init__(
        self, var: Path, hub: LiveHub, stream: UplinkStream, pool: asyncpg.Pool, clickhouse: ClickHouse, shards: int
    ) -> None:
        self._var = var
        self._hub = hub
        self._stream = stream
        self._database = RunningDatabase(pool)
        self._storage = StorageHistory(pool)
        self._readings = RunningClickHouse(clickhouse)
        self._shards = shards
        self._host: int | None = None

    async def runs_platform(self, tenant_id: TenantId) -> bool:
        """True for the tenant made first. With the database away nobody can sign in; who did so before stays who it was."""
        if self._host is None:
            try:
                self._host = await self._database.host()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                return False
        return self._host in (None, tenant_id)

    async def snapshot(self, tenant_id: TenantId) -> SystemSnapshot:
        """Everything the system page shows; a guest tenant sees no figure that other tenants have a part in."""
        if not await self.runs_platform(tenant_id):
            own = await self._database.waiting_for(tenant_id)
            return SystemSnapshot(__version__, "tenant", [], {}, own, {}, {})
        engines, storage = await self._engines()
        counters = self._counters()
        return SystemSnapshot(
            version=__version__,
            scope="platform",
            processes=[
                ProcessInfo(
                    name=node.process,
                    pid=node.pid,
                    started_at=utc_of_us(node.started_us),
                    rss_bytes=node.rss_bytes,
                    state="running",
                )
                for node in self._hub.living()
            ],
            stream_lag=await self._lag(),
            counters=counters,
            engines=engines,
            storage=storage,
            growth=await self._growth(),
        )

    async def _growth(self) -> list[StorageSample]:
        try:
            return await self._storage.history()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return []

    async def sample_storage(self) -> None:
        """Note what the stores hold; at most one sample an hour is kept. An hour with an engine away is left out."""
        engines, storage = await self._engines()
        if not any(said.startswith("unreachable") for said in engines.values()):
            await self._storage.keep(storage)

    def _counters(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for node in self._hub.living():
            role = role_of(node.node)
            for name, value in node.counters.items():
                key = f"{role}.{name}"
                total[key] = total.get(key, 0) + value
        return total

    async def _lag(self) -> dict[str, int]:
        """Messages (batches of uplinks) that no transaction has applied yet, by shard."""
        try:
            known = dict.fromkeys(range(self._shards), 0)
            known |= await self._database.positions()
            return {str(shard): await self._stream.waiting(shard, position) for shard, position in known.items()}
        except (StreamUnavailableError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return {}

    async def _engines(self) -> tuple[dict[str, str], dict[str, int]]:
        engines: dict[str, str] = {}
        storage: dict[str, int] = {}
        try:
            engines["postgresql"] = await self._database.version()
            storage["postgresql"] = await self._database.size()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            engines["postgresql"] = f"unreachable: {type(error).__name__}"
        try:
            state = await self._stream.state()
            engines["jetstream"] = server_version(self._stream.client)
            storage["stream"] = state.bytes
        except StreamUnavailableError as error:
            engines["jetstream"] = f"unreachable: {error}"
        try:
            engines["clickhouse"] = await self._readings.version()
            for table, size in (await self._readings.held_bytes()).items():
                storage[f"clickhouse.{table}"] = size
        except Exception as error:  # the engine's client raises many kinds; all mean the same here
            engines["clickhouse"] = f"unreachable: {type(error).__name__}"
        return engines, storage

    async def not_ready(self) -> list[str]:
        """What keeps this process from serving."""
        engines, _ = await self._engines()
        faults = [name for name, said in engines.items() if said.startswith("unreachable")]
        roles = {role_of(node.node) for node in self._hub.living()}
        return faults + [role for role in ("edge", "pipeline", "dispatch") if role not in roles]

    async def metrics(self) -> list[Metric]:
        """For Prometheus."""
        found = [
            Metric("openmains_events_total", "counter", "What happened, by role and reason", value, {"name": name})
            for name, value in self._counters().items()
        ]
        found += [
            Metric(
                "openmains_resident_bytes", "gauge", "Memory of a process", node.rss_bytes, {"process": node.process}
            )
            for node in self._hub.living()
        ]
        for shard, lag in (await self._lag()).items():
            found.append(
                Metric("openmains_stream_lag", "gauge", "Stream messages not yet applied", lag, {"shard": shard})
            )
        return found

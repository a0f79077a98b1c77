# SPDX-License-Identifier: Apache-2.0
"""What runs and how far behind it is (``SystemView``): heard from the processes, asked of the engines."""

import asyncio
from collections.abc import Sequence

import asyncpg

from openmains import __version__
from openmains.app.system.model import Metric, ProcessInfo, StorageSample, SystemSnapshot
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.running import RunningClickHouse
from openmains.edges.http.deadline import answered
from openmains.edges.nats.live import LiveHub
from openmains.edges.nats.stream import StreamUnavailableError, UplinkStream
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.edges.postgres.system.storage import StorageHistory
from openmains.run.engines.nats_server import server_version
from openmains.run.roles.engine_watch import DiskWatch, EngineWatch
from openmains.run.roles.file_watch import FileWatch

ASK_S = 3.0


def role_of(node: str) -> str:
    """``core`` of ``core-1234``."""
    return node.partition("-")[0]


class RunningSystem:
    """For one core process. ``watch``, ``disks`` and ``files`` tell what does not answer; no question here waits longer than ``ASK_S``."""

    def __init__(
        self,
        hub: LiveHub,
        stream: UplinkStream,
        pool: asyncpg.Pool,
        clickhouse: ClickHouse,
        shards: int,
        watch: EngineWatch,
        disks: DiskWatch,
        files: FileWatch,
    ) -> None:
        self._files = files
        self._hub = hub
        self._stream = stream
        self._database = RunningDatabase(pool)
        self._storage = StorageHistory(pool)
        self._readings = RunningClickHouse(clickhouse)
        self._shards = shards
        self._watch = watch
        self._disks = disks
        self._host: TenantId | None = None

    async def runs_platform(self, tenant_id: TenantId) -> bool:
        """True for the tenant made first. With the database away nobody can sign in; who did so before stays who it was."""
        if self._host is None:
            try:
                self._host = await answered(self._database.host(), ASK_S)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                return False
        return self._host in (None, tenant_id)

    def standing_still(self) -> Sequence[str]:
        """Engines that have not answered for a while."""
        return self._watch.standing_still()

    async def snapshot(self, tenant_id: TenantId) -> SystemSnapshot:
        """Everything the system page shows; a guest tenant sees no figure that other tenants have a part in."""
        if not await self.runs_platform(tenant_id):
            own = await answered(self._database.waiting_for(tenant_id), ASK_S)
            return SystemSnapshot(__version__, "tenant", [], {}, own, {}, {})
        engines, storage = await self._engines()
        counters = self._counters()
        if "edge.mqtt.connected" in counters:
            engines["mqtt"] = "connected" if counters["edge.mqtt.connected"] else "unreachable: see the edge's log"
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
            faults=self._files.told(),
        )

    async def _growth(self) -> list[StorageSample]:
        try:
            return await answered(self._storage.history(), ASK_S)
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
            known |= await answered(self._database.positions(), ASK_S)
            asked = (answered(self._stream.waiting(shard, position), ASK_S) for shard, position in known.items())
            return dict(zip(map(str, known), await asyncio.gather(*asked), strict=True))
        except (StreamUnavailableError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return {}

    async def _engines(self) -> tuple[dict[str, str], dict[str, int]]:
        engines: dict[str, str] = {}
        storage: dict[str, int] = {}
        asked = {"postgresql": self._of_database(), "jetstream": self._of_stream(), "clickhouse": self._of_readings()}
        heard = await asyncio.gather(*(answered(each, ASK_S) for each in asked.values()), return_exceptions=True)
        for name, said in zip(asked, heard, strict=True):
            if isinstance(said, BaseException):  # the engines' clients raise many kinds; all mean the same here
                engines[name] = f"unreachable: {type(said).__name__}"
            else:
                engines[name] = said[0]
                storage |= said[1]
        return engines, storage

    async def _of_database(self) -> tuple[str, dict[str, int]]:
        return await self._database.version(), {"postgresql": await self._database.size()}

    async def _of_stream(self) -> tuple[str, dict[str, int]]:
        state = await self._stream.state()
        return server_version(self._stream.client), {"stream": state.bytes}

    async def _of_readings(self) -> tuple[str, dict[str, int]]:
        held = await self._readings.held_bytes()
        return await self._readings.version(), {f"clickhouse.{table}": size for table, size in held.items()}

    async def not_ready(self) -> list[str]:
        """What keeps this process from serving: engines that do not answer, full disks, broken files, roles that are not heard of."""
        silent, disks, files = await asyncio.gather(self._watch.silent(), self._disks.faults(), self._files.faults())
        roles = {role_of(node.node) for node in self._hub.living()}
        return silent + disks + files + [role for role in ("edge", "pipeline", "dispatch") if role not in roles]

    async def metrics(self, tenant_id: TenantId | None) -> list[Metric]:
        """For Prometheus: of the platform, for who runs it (None: who asks at the machine itself); else of the tenant alone."""
        if tenant_id is not None and not await self.runs_platform(tenant_id):
            own = await answered(self._database.waiting_for(tenant_id), ASK_S)
            return [
                Metric(
                    "openmains_tenant",
                    "gauge",
                    "What the tenant has, and what waits for its people",
                    value,
                    {"name": name},
                )
                for name, value in own.items()
            ]
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

# SPDX-License-Identifier: Apache-2.0
"""Composition of the API: adapters put together for ``edges/http``."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

from openmains.app.command.driver import CatalogCommands
from openmains.app.fleet.drivers import LoadedDriverCatalog, wording
from openmains.app.readings.report.answers import Reports
from openmains.app.security.model import OnSimSeparated
from openmains.drivers import catalog as driver_catalog
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.network import ClickHouseCellLoads
from openmains.edges.clickhouse.quantities import ClickHouseQuantities
from openmains.edges.clickhouse.readings import ClickHouseReadings
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.http.app import build_app
from openmains.edges.http.deps import ApiDeps, ApiSettings
from openmains.edges.http.serve import serve
from openmains.edges.nats.operate import OperateBus
from openmains.edges.nats.stream import StreamReplay, UplinkStream
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.identity.tables import SignIn
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.switch import FileSwitch
from openmains.run.roles.access import sealed_files, thresholds_of
from openmains.run.roles.process import Core, every, now_us
from openmains.run.roles.system_view import RunningSystem
from openmains.run.settings import Settings

STORAGE_EVERY_S = 600.0  # the first in an hour is kept


async def run_api(settings: Settings, stop: asyncio.Event, core: Core) -> None:
    """Serve REST, WebSocket and the console until ``stop``."""
    async with AsyncExitStack() as stack:
        api_pool = await create_pool(settings.urls().postgres_api, max_size=12)
        stack.push_async_callback(api_pool.close)
        stream = UplinkStream(core.client, max_bytes=settings.stream_max_mb << 20)
        drivers = driver_catalog.load()
        uploads = settings.var_path / "uploads"
        uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
        readings = ClickHouseReadings(core.clickhouse)
        signer = SocketSigner(settings.signer_path)
        stack.push_async_callback(signer.close)
        system = RunningSystem(settings.var_path, core.hub, stream, core.pool, core.clickhouse, settings.shards)
        sampling = asyncio.create_task(every(STORAGE_EVERY_S, "storage sample", system.sample_storage, stop))
        stack.callback(sampling.cancel)
        app = build_app(
            ApiDeps(
                store=PostgresStore(api_pool, wording(drivers, vocabulary())),
                sign_in_store=SignIn(api_pool),
                settings=api_settings(settings, uploads),
                now_us=now_us,
                drivers=LoadedDriverCatalog(drivers),
                system=system,
                live=core.hub,
                readings=readings,
                quantities=ClickHouseQuantities(core.clickhouse),
                dimensions=readings,
                replay=StreamReplay(stream, settings.shards),
                reports=Reports(DayReports(core.clickhouse), ReportLabels(core.pool), KeptReports(core.pool)),
                key_files=sealed_files(settings),
                thresholds=thresholds_of(settings),
                on_sim_separated=cast(OnSimSeparated, settings.on_sim_separated),  # one of the setting's choices
                signer=signer,
                stop_switch=FileSwitch(settings.stop_folder),
                command_drivers=CatalogCommands(drivers),
                cell_loads=ClickHouseCellLoads(core.clickhouse),
                meter_link=OperateBus(core.client),
            )
        )
        await serve(app, settings.http_host, settings.http_port, stop)


def api_settings(settings: Settings, uploads: Path) -> ApiSettings:
    """The API's part of the settings."""
    origins = [origin.strip().rstrip("/") for origin in settings.allowed_origins.split(",")]
    return ApiSettings(
        upload_dir=uploads,
        session_hours=settings.session_hours,
        secure_cookies=settings.cookie_secure,
        trust_forwarded=settings.trust_forwarded,
        allowed_origins=tuple(origin for origin in origins if origin),
    )

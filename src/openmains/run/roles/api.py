# SPDX-License-Identifier: Apache-2.0
"""Composition of the API: adapters put together for ``edges/http``."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import cast

from clickhouse_connect.driver.exceptions import ClickHouseError
from nats.errors import Error as NatsError

from openmains.app.command.driver import CatalogCommands
from openmains.app.fleet.drivers import LoadedDriverCatalog, wording
from openmains.app.ingest.uplink import encode_batch
from openmains.app.readings.report.answers import Reports
from openmains.app.security.model import OnSimSeparated
from openmains.drivers import catalog as driver_catalog
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.billed_days import BilledDays
from openmains.edges.clickhouse.bulk import ClickHouseBulk
from openmains.edges.clickhouse.changes import ClickHouseChanges
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.network import ClickHouseCellLoads
from openmains.edges.clickhouse.parts import Parts
from openmains.edges.clickhouse.quantities import ClickHouseQuantities
from openmains.edges.clickhouse.readings import ClickHouseReadings
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.clickhouse.rule_history import ClickHouseRuleHistory
from openmains.edges.clickhouse.volumes import ClickHouseVolumes
from openmains.edges.http.app import build_app
from openmains.edges.http.deadline import answered
from openmains.edges.http.deps import ApiDeps, ApiSettings
from openmains.edges.http.proxies import Header, Proxies, networks_of
from openmains.edges.http.serve import serve
from openmains.edges.nats.operate import OperateBus
from openmains.edges.nats.stream import StreamReplay, StreamUnavailableError, UplinkStream
from openmains.edges.notify.web_push import PushAddresses
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.identity.tables import SignIn
from openmains.edges.postgres.portal.tables import Lookups as CustomerLookups
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.switch import FileSwitch
from openmains.edges.tax.simulator import EmulatedTax
from openmains.edges.typeset.bills import TypstBills
from openmains.run.care.faults import FaultFolder
from openmains.run.engines.child import StartError
from openmains.run.personal import personal_vault, photos_of
from openmains.run.roles.access import sealed_files, thresholds_of
from openmains.run.roles.engine_watch import EVERY_S, WAIT_S, DiskWatch, EngineWatch, Question, data_places
from openmains.run.roles.file_watch import FileWatch, Trial
from openmains.run.roles.notify import guard_of, sealer_of
from openmains.run.roles.payments import ProviderCalls
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
        guard = guard_of(settings)
        provider_calls = ProviderCalls(guard)
        stack.push_async_callback(provider_calls.close)
        disks = DiskWatch(data_places(settings.var_path), settings.ready_free_mb)
        stack.callback(disks.close)
        watch = await engine_watch(settings, stack, stream, core.clickhouse)
        files = file_watch(settings, stack, stream, core)
        system = RunningSystem(core.hub, stream, core.pool, core.clickhouse, settings.shards, watch, disks, files)
        looking = asyncio.create_task(every(EVERY_S, "engine watch", watch.look, stop))
        stack.callback(looking.cancel)
        sampling = asyncio.create_task(every(STORAGE_EVERY_S, "storage sample", system.sample_storage, stop))
        stack.callback(sampling.cancel)
        typeset = TypstBills()
        stack.callback(typeset.close)
        app = build_app(
            ApiDeps(
                store=PostgresStore(api_pool, wording(drivers, vocabulary())),
                sign_in_store=SignIn(api_pool),
                settings=api_settings(settings, uploads),
                now_us=now_us,
                drivers=LoadedDriverCatalog(drivers, (lambda name: None) if core.pages is None else core.pages.owner),
                system=system,
                live=core.hub,
                readings=readings,
                quantities=ClickHouseQuantities(core.clickhouse),
                rule_history=ClickHouseRuleHistory(core.clickhouse),
                changes=ClickHouseChanges(core.clickhouse),
                volumes=ClickHouseVolumes(core.clickhouse),
                billed_days=BilledDays(core.clickhouse),
                typeset=typeset,
                bulk=ClickHouseBulk(core.clickhouse),
                dimensions=readings,
                replay=StreamReplay(stream, settings.shards),
                reports=Reports(DayReports(core.clickhouse), ReportLabels(core.pool), KeptReports(core.pool)),
                key_files=sealed_files(settings),
                personal=personal_vault(settings.var_path, api_pool),
                photos=photos_of(settings.var_path, api_pool),
                thresholds=thresholds_of(settings),
                on_sim_separated=cast(OnSimSeparated, settings.on_sim_separated),  # one of the setting's choices
                signer=signer,
                stop_switch=FileSwitch(settings.stop_folder),
                command_drivers=CatalogCommands(drivers),
                cell_loads=ClickHouseCellLoads(core.clickhouse),
                meter_link=OperateBus(core.client),
                sealer=sealer_of(settings, core.pool),
                push_addresses=PushAddresses(guard),
                customer_lookups=CustomerLookups(api_pool),
                provider_call=provider_calls,
                tax=EmulatedTax() if settings.tax_adapter == "simulator" else None,
                away=(ClickHouseError, StreamUnavailableError, NatsError),
            )
        )
        await serve(app, settings.http_host, settings.http_port, stop)


def file_watch(settings: Settings, stack: AsyncExitStack, stream: UplinkStream, core: Core) -> FileWatch:
    """Asks the signer over a connection of its own (a long authorisation must not look like silence), and tries what a report does."""
    signer = SocketSigner(settings.signer_path)
    stack.push_async_callback(signer.close)
    trial = Trial(
        {
            "stream": lambda _number: stream.publish(
                0, encode_batch([]), wait_s=2
            ),  # a batch without reports changes nothing
            "postgresql": RunningDatabase(core.pool).try_out,
            "clickhouse": Parts(core.clickhouse).try_out,
        }
    )
    return FileWatch(FaultFolder(settings.var_path), signer.key_name, trial)


async def engine_watch(
    settings: Settings, stack: AsyncExitStack, stream: UplinkStream, clickhouse: ClickHouse
) -> EngineWatch:
    """Asks each engine over a connection that nothing else uses; JetStream's is shared, it has no queue to wait in."""
    pool = await create_pool(settings.urls().postgres_api, min_size=0, max_size=1, application="openmains watch")
    stack.callback(pool.terminate)  # a stopped server would not be done with it
    asking = ThreadPoolExecutor(1, thread_name_prefix="watch")
    stack.callback(asking.shutdown, wait=False, cancel_futures=True)

    async def ask_clickhouse() -> None:
        if clickhouse.embedded:
            with suppress(
                TimeoutError
            ):  # busy with reports, as far as can be told: it stands still only together with us
                await answered(clickhouse.query("SELECT 1"), WAIT_S / 2)
            return
        await asyncio.get_running_loop().run_in_executor(asking, clickhouse.ping_now, WAIT_S)

    questions: dict[str, Question] = {
        "postgresql": lambda: pool.fetchval("SELECT 1"),
        "jetstream": stream.state,
        "clickhouse": ask_clickhouse,
    }
    return EngineWatch(questions)


def api_settings(settings: Settings, uploads: Path) -> ApiSettings:
    """The API's part of the settings."""
    origins = [origin.strip().rstrip("/") for origin in settings.allowed_origins.split(",")]
    return ApiSettings(
        upload_dir=uploads,
        session_hours=settings.session_hours,
        secure_cookies=settings.cookie_secure,
        proxies=proxies_of(settings),
        open_metrics=settings.open_metrics,
        allowed_origins=tuple(origin for origin in origins if origin),
    )


def proxies_of(settings: Settings) -> Proxies:
    """Whom to believe on where a request comes from: nobody, unless ``trust_forwarded``."""
    try:
        networks = networks_of(settings.trusted_proxies)
    except ValueError as error:
        raise StartError(
            f"trusted_proxies:不是网段:{error}。请填写如 127.0.0.1/32, 10.0.0.0/8。",
            f"trusted_proxies: no network: {error}. Write it like 127.0.0.1/32, 10.0.0.0/8.",
        ) from error
    header: Header = "forwarded" if settings.forwarded_header == "forwarded" else "x-forwarded-for"
    return Proxies(networks if settings.trust_forwarded else (), header)

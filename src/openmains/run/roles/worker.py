# SPDX-License-Identifier: Apache-2.0
"""Composition of the worker: long jobs and timed work."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path

from openmains.app.alarm.loop import forget_news, news_for_screens, work_turn
from openmains.app.arrears.jobs import arrears_handlers, follow_payments, queue_arrears
from openmains.app.billing.bill_files import bill_file_handlers
from openmains.app.billing.decide import AccountMonth, Plans, Refused
from openmains.app.billing.decide_many import PlainMonth, decide_many
from openmains.app.billing.rows import BillRow
from openmains.app.billing.run import run_handlers
from openmains.app.command.driver import CatalogCommands
from openmains.app.command.rereads import find_gaps, step_gaps
from openmains.app.fleet.imports.jobs import import_handlers
from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.ingest.pipeline.replay import replay_handlers
from openmains.app.readings.bulk.insert.jobs import insert_handlers
from openmains.app.readings.manual.jobs import reading_handlers
from openmains.app.readings.report.due import keep_due
from openmains.app.readings.report.jobs import report_handlers
from openmains.app.readings.report.schedule import queue_due_reports
from openmains.app.rule.clock import RuleClock
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import TenantId
from openmains.domain.period import HOUR_S, Zone
from openmains.drivers import catalog as driver_catalog
from openmains.edges.clickhouse.billed_days import BilledDays
from openmains.edges.clickhouse.bulk import ClickHouseBulk
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.clickhouse.frame_log import ClickHouseFrameLog
from openmains.edges.clickhouse.gaps import DaySlots
from openmains.edges.clickhouse.readings import ClickHouseReadings
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.jobs.processes import Elsewhere
from openmains.edges.jobs.runner import Runner
from openmains.edges.nats.stream import Bus, StreamReplay, UplinkStream
from openmains.edges.postgres.alarm.loop import PostgresAlarmLoop
from openmains.edges.postgres.alarm.nodes import PostgresNodeFaults
from openmains.edges.postgres.arrears.tables import PostgresArrearsWork
from openmains.edges.postgres.command.gateways import GatewayCommandWork
from openmains.edges.postgres.command.rereads import Rereads
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.fleet.hang import hang_brought, hang_meters
from openmains.edges.postgres.fleet.imports import ChangedMeters, PostgresImport
from openmains.edges.postgres.fleet.places import fold_tallies
from openmains.edges.postgres.fleet.search import renew_outdated
from openmains.edges.postgres.fleet.tree_import import open_tree
from openmains.edges.postgres.fleet.undo import PostgresImportUndo
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.job.queue import PostgresJobs
from openmains.edges.postgres.party.customers import settle_customers
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.insert_meters import PostgresInsertMeters
from openmains.edges.postgres.readings.manual import PostgresManualImport
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.edges.postgres.rule.clock import PostgresRuleTimers
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.typeset.bills import TypstBills
from openmains.run.personal import personal_vault
from openmains.run.roles.access import worker_care, worker_keys
from openmains.run.roles.charging import run_charging
from openmains.run.roles.notify import guard_of, run_notify
from openmains.run.roles.orders import run_orders
from openmains.run.roles.payments import run_payments
from openmains.run.roles.process import Core, every, now_us
from openmains.run.settings import Settings

DIMS_EVERY_S = 5.0
REPORTS_EVERY_S = 20.0
ARREARS_EVERY_S = 20.0  # who has paid is to be opened again at once
NODES_EVERY_S = 2.0  # what is wrong with gateways and relays: of the same 20 s
ALARMS_EVERY_S = 1.0  # alarms wait for it, and have 20 s (R7.1)
REREADS_EVERY_S = 10.0  # so that a meter that has just spoken is asked within the time it listens (R1.9)
BILLS_WITHIN_S = 600.0  # a part of a bill run waits for a disk that is busy
RULES_EVERY_S = 5.0  # a condition that must hold is measured in minutes
UPLOADS_EVERY_S = 3600.0
HANG_EVERY_S = 5.0  # meters that came by a door that knows no accounts are given one
TALLIES_EVERY_S = 60.0  # rows that count the meters of areas become one an area
UPLOAD_DAYS = 30  # an uploaded file, and what was wrong with it, can be looked at for so long
CUSTOMERS_EVERY_S = 5.0  # those that a file brought or changed are found by a search so soon
TYPESET_THREADS = 2  # bills are set beside the rest of the core, without the interpreter's lock
TEXTS_EVERY_S = 1.0  # of search texts made by an earlier rule: 2,000 each time, ten million within two hours


async def run_worker(settings: Settings, stop: asyncio.Event, core: Core) -> None:
    """Run jobs and timed work until ``stop``."""
    pool, clickhouse = core.pool, core.clickhouse
    names, days = ReportLabels(pool), DayReports(clickhouse)
    changes, dims = ChangedMeters(pool), MeterDims(clickhouse)
    kept = KeptReports(pool)
    store = PostgresJobs(pool)
    due = Schedule()
    texts_every_s: list[float] = [TEXTS_EVERY_S]
    personal = personal_vault(settings.var_path, pool)

    copying = asyncio.Lock()  # two at a time would both copy the same meters

    async def copy_dims(now: float) -> None:
        if due.take("dims", now, DIMS_EVERY_S):
            async with copying:
                await sync_dims(changes, dims)

    async def zone_of(tenant_id: TenantId) -> Zone:
        return (await names.labels(tenant_id)).zone

    async def forget_uploads(now: float) -> None:
        if due.take("uploads", now, UPLOADS_EVERY_S):
            await asyncio.to_thread(forget_old_files, settings.var_path / "uploads", now - UPLOAD_DAYS * 86_400)

    async def queue_reports(now: float) -> None:
        if due.take("reports", now, REPORTS_EVERY_S):
            await queue_due_reports(store, await names.tenants(), now)

    async def renew_texts(now: float) -> None:
        if not due.take("texts", now, texts_every_s[0]):
            return
        async with pool.acquire() as connection, connection.transaction():
            renewed = await renew_outdated(connection)
        texts_every_s[0] = TEXTS_EVERY_S if renewed else HOUR_S

    guard = guard_of(settings)  # what is no network is said at the start, not by a task that nobody waits for
    drivers = driver_catalog.load()
    exponents = drivers.exponents
    billing_pool = await create_pool(settings.urls().postgres_api, max_size=3, command_timeout_s=BILLS_WITHIN_S)
    elsewhere, typeset = Elsewhere(), TypstBills(TYPESET_THREADS)

    def decide(
        accounts: Sequence[AccountMonth | PlainMonth], plans: Plans, month: int, end_day: int
    ) -> Awaitable[list[BillRow | Refused | None]]:
        return elsewhere.call(decide_many, accounts, plans, month, end_day)

    async def fold(now: float) -> None:
        if due.take("tallies", now, TALLIES_EVERY_S):
            await fold_tallies(pool)

    handlers = {
        **import_handlers(
            lambda: PostgresImport(pool, personal, exponents),
            changes,
            dims,
            zone_of,
            lambda tenant: open_tree(pool, tenant),
            lambda: PostgresImportUndo(pool),
            lambda tenant, should_stop: hang_brought(pool, tenant, should_stop),
        ),
        **report_handlers(changes, dims, days, names, kept),
        **replay_handlers(PostgresPipelineStore(pool), ClickHouseFrameLog(clickhouse), drivers),
        **reading_handlers(
            lambda: PostgresManualImport(pool),
            ClickHouseReadings(clickhouse),
            StreamReplay(UplinkStream(core.client, max_bytes=settings.stream_max_mb << 20), settings.shards),
            exponents,
            zone_of,
            now_us,
        ),
        **insert_handlers(
            PostgresInsertMeters(pool),
            ClickHouseBulk(clickhouse),
            StreamReplay(UplinkStream(core.client, max_bytes=settings.stream_max_mb << 20), settings.shards),
            exponents,
            zone_of,
            now_us,
        ),
        **bill_file_handlers(
            PostgresStore(billing_pool),
            BilledDays(clickhouse),
            typeset,
            zone_of,
            lambda zone: zone.day_of(now_us() // 1_000_000),
        ),
        **arrears_handlers(PostgresStore(billing_pool), CatalogCommands(drivers), now_us),
        **run_handlers(PostgresStore(billing_pool), BilledDays(clickhouse), decide, exponents.__getitem__, now_us),
        **worker_keys(settings, pool),
    }
    loop, bus, nodes = PostgresAlarmLoop(pool), Bus(core.client), PostgresNodeFaults(pool)

    debts = PostgresArrearsWork(pool)

    async def see_to_arrears(now: float) -> None:
        if due.take("arrears", now, ARREARS_EVERY_S):
            tenants = await debts.switched_on()
            await queue_arrears(store, tenants, now)
            await follow_payments(PostgresStore(billing_pool), tenants, now_us())

    async def forget_alarm_news(now: float) -> None:
        if due.take("alarm news", now, UPLOADS_EVERY_S):
            await forget_news(loop, now_us())

    timed = (
        copy_dims,
        queue_reports,
        renew_texts,
        fold,
        worker_care(settings, pool),
        forget_uploads,
        forget_alarm_news,
        see_to_arrears,
    )
    # the second has no timed work: it keeps a long file of one tenant from holding up the others
    runners = [Runner(store, handlers, clock=time.time, tasks=tasks) for tasks in (timed, ())]
    for runner in runners:
        runner.stopping = stop

    async def hang() -> None:
        while await hang_meters(pool) and not stop.is_set():
            pass

    async def settle() -> None:
        while await settle_customers(pool, personal) and not stop.is_set():
            pass

    rules = RuleClock(PostgresRuleTimers(pool))

    async def time_rules() -> None:
        while await rules.turn(now_us()) and not stop.is_set():
            pass

    async def keep_reports() -> None:
        async with copying:
            await sync_dims(changes, dims)
        await keep_due(await names.tenants(), days, names, kept, time.time())

    rereads, commands = Rereads(pool), CatalogCommands(drivers)

    def may_be_asked(driver_name: str) -> bool:
        driver = commands.command_driver(driver_name)
        return driver is not None and Kind.READ_INTERVALS in driver.command_kinds

    async def ask_for_gaps() -> None:
        await find_gaps(await names.tenants(), days, names, rereads, int(time.time()))
        await step_gaps(names, DaySlots(clickhouse), rereads, rereads, may_be_asked, now_us())

    async def tell_alarms() -> None:
        more = True
        while more and not stop.is_set():
            work = await work_turn(loop, now_us())
            for topic, told in news_for_screens(work):
                await bus.publish(topic, told)
            more = work.more

    gateway_commands = GatewayCommandWork(pool)

    async def look_at_nodes() -> None:
        await nodes.look(now_us())

    async def sweep_gateway_commands() -> None:
        await gateway_commands.sweep(now_us())

    looking = asyncio.create_task(every(NODES_EVERY_S, "faults of the network", look_at_nodes, stop))
    sweeping = asyncio.create_task(every(NODES_EVERY_S, "commands to gateways", sweep_gateway_commands, stop))
    timing = asyncio.create_task(every(RULES_EVERY_S, "clock of rules", time_rules, stop))
    telling = asyncio.create_task(every(ALARMS_EVERY_S, "alarm loop", tell_alarms, stop))
    # Beside the jobs, not among them: an import of an hour must not keep a report from being as due, nor what another file brought from its
    # accounts. A million meters are hung in one go, a batch at a time: nothing waits for them but the next batch.
    hanging = asyncio.create_task(every(HANG_EVERY_S, "meters to hang", hang, stop))
    settling = asyncio.create_task(every(CUSTOMERS_EVERY_S, "customers to find", settle, stop))
    keeping = asyncio.create_task(every(REPORTS_EVERY_S, "reports as due", keep_reports, stop))
    asking = asyncio.create_task(every(REREADS_EVERY_S, "re-reads of gaps", ask_for_gaps, stop))
    notifying = asyncio.create_task(run_notify(settings, core, guard, exponents, stop))
    ordering = asyncio.create_task(run_orders(core, stop))
    paying = asyncio.create_task(run_payments(settings, core, guard, commands, stop))
    charging = asyncio.create_task(run_charging(settings, core, drivers, elsewhere, stop))
    try:
        await asyncio.gather(*(runner.run() for runner in runners))
    finally:
        tasks = (
            looking,
            sweeping,
            hanging,
            settling,
            keeping,
            asking,
            telling,
            timing,
            notifying,
            ordering,
            paying,
            charging,
        )
        for beside in tasks:
            beside.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        elsewhere.close()
        typeset.close()
        await billing_pool.close()


def forget_old_files(folder: Path, before_s: float) -> int:
    """Delete the files below ``folder`` last written before an instant (s); how many. What vanishes meanwhile is nobody's fault."""
    gone = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < before_s:
                path.unlink()
                gone += 1
    return gone


class Schedule:
    """When each repeated piece of work was last begun."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def take(self, what: str, now: float, every_s: float) -> bool:
        """True when it is time again; a clock that went back counts as time."""
        last = self._last.get(what)
        if last is not None and 0 <= now - last < every_s:
            return False
        self._last[what] = now
        return True

# SPDX-License-Identifier: Apache-2.0
"""Composition of the worker: long jobs and timed work."""

import asyncio
import time

from openmains.app.fleet.imports.jobs import import_handlers
from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.readings.report.jobs import report_handlers
from openmains.app.readings.report.schedule import queue_due_reports
from openmains.domain.ids import TenantId
from openmains.domain.period import Zone
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.jobs.runner import Runner
from openmains.edges.postgres.fleet.imports import ChangedMeters, PostgresImport
from openmains.edges.postgres.job.queue import PostgresJobs
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.run.roles.access import worker_care, worker_keys
from openmains.run.roles.process import Core
from openmains.run.settings import Settings

DIMS_EVERY_S = 5.0
REPORTS_EVERY_S = 20.0


async def run_worker(settings: Settings, stop: asyncio.Event, core: Core) -> None:
    """Run jobs and timed work until ``stop``."""
    pool, clickhouse = core.pool, core.clickhouse
    names, days = ReportLabels(pool), DayReports(clickhouse)
    changes, dims = ChangedMeters(pool), MeterDims(clickhouse)
    store = PostgresJobs(pool)
    due = Schedule()

    async def copy_dims(now: float) -> None:
        if due.take("dims", now, DIMS_EVERY_S):
            await sync_dims(changes, dims)

    async def zone_of(tenant_id: TenantId) -> Zone:
        return (await names.labels(tenant_id)).zone

    async def queue_reports(now: float) -> None:
        if due.take("reports", now, REPORTS_EVERY_S):
            await queue_due_reports(store, await names.tenants(), now)

    runner = Runner(
        store,
        {
            **import_handlers(lambda: PostgresImport(pool), changes, dims, zone_of),
            **report_handlers(changes, dims, days, names),
            **worker_keys(settings, pool),
        },
        clock=time.time,
        tasks=(copy_dims, queue_reports, worker_care(settings, pool)),
    )
    runner.stopping = stop
    await runner.run()


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

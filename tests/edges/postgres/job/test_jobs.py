# SPDX-License-Identifier: Apache-2.0
"""Jobs: one runner at a time, taken over after a death, cancelled, and reports exactly once a tenant and day."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from openmains.app.job.ports import LEASE_S, JobCancelled, JobContext
from openmains.app.readings.report.schedule import queue_due_reports, report_days_due
from openmains.domain.period import date_to_day
from openmains.edges.jobs.runner import Runner
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.job.queue import PostgresJobs

NOW = 1_780_000_000.0


@pytest.fixture
async def tenant(owner: Pool, request: pytest.FixtureRequest) -> int:
    code = request.node.name
    return int(await owner.fetchval("INSERT INTO tenant (code, name) VALUES ($1, $1) RETURNING tenant_id", code))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_report_is_due_at_eight_in_the_tenants_zone() -> None:
    since = int(at("2026-01-01"))
    may_10 = date_to_day(datetime(2026, 5, 10, tzinfo=UTC).date())
    assert report_days_due("Asia/Shanghai", since, at("2026-05-10T23:59:59"))[-1] == may_10 - 1
    assert report_days_due("Asia/Shanghai", since, at("2026-05-11T00:00:00"))[-1] == may_10
    assert report_days_due("Asia/Shanghai", int(at("2026-05-10T20:00:00")), at("2026-05-12T00:00:00")) == [may_10 + 1]
    assert len(report_days_due("Asia/Shanghai", since, at("2026-05-11T00:00:00"))) == 3


async def test_reports_are_queued_exactly_once(pipeline: Pool, tenant: int) -> None:
    store = PostgresJobs(pipeline)
    tenants = [(tenant, "Asia/Shanghai", int(at("2026-05-10")))]
    assert await queue_due_reports(store, tenants, at("2026-05-10T23:59:59")) == 0
    asked = [queue_due_reports(store, tenants, at("2026-05-11T00:00:01")) for _ in range(4)]
    assert sum(await asyncio.gather(*asked)) == 1
    assert await queue_due_reports(store, tenants, at("2026-05-11T09:00:00")) == 0
    assert await pipeline.fetchval("SELECT params->>'day' FROM job WHERE tenant_id = $1", tenant) == "2026-05-10"


async def test_run_to_the_end_and_fail(pipeline: Pool, tenant: int) -> None:
    store = PostgresJobs(pipeline)

    async def good(context: JobContext) -> Mapping[str, Any]:
        context.progress(3, 7)
        return {"said": context.job.params["say"]}

    async def bad(context: JobContext) -> Mapping[str, Any]:
        raise ValueError("no such thing")

    runner = Runner(store, {"t-good": good, "t-bad": bad}, clock=lambda: NOW)
    first = await store.enqueue(tenant, "t-good", {"say": "好"}, now=NOW)
    second = await store.enqueue(tenant, "t-bad", {}, now=NOW)
    assert first is not None and second is not None
    assert [await runner.run_one() for _ in range(3)] == [True, True, False]
    assert await store.status(first) == ("done", 7, 7, {"said": "好"}, "")
    assert (await store.status(second))[0::4] == ("failed", "ValueError: no such thing")


async def test_a_dead_runners_job_is_taken_over_and_the_dead_one_is_shut_out(pipeline: Pool, tenant: int) -> None:
    store = PostgresJobs(pipeline)
    job_id = await store.enqueue(tenant, "t-lease", {}, now=NOW)
    assert job_id is not None
    first = await store.claim(["t-lease"], NOW)
    assert first is not None and first.job_id == job_id
    assert await store.claim(["t-lease"], NOW + LEASE_S - 1) is None
    assert await store.beat(first, 1, 2, NOW + 5)
    assert await store.claim(["t-lease"], NOW + LEASE_S + 4) is None
    second = await store.claim(["t-lease"], NOW + LEASE_S + 6)
    assert second is not None
    assert not await store.beat(first, 2, 2, NOW + LEASE_S + 7)
    assert not await store.finish(first, "done", {}, "", NOW + LEASE_S + 7)
    assert await store.finish(second, "done", {}, "", NOW + LEASE_S + 8)


async def test_tenants_take_turns(owner: Pool, pipeline: Pool, tenant: int) -> None:
    """A tenant with many files does not hold up one with a single file, neither before nor while one of them runs."""
    store = PostgresJobs(pipeline)
    other = int(await owner.fetchval("INSERT INTO tenant (code, name) VALUES ('turns-b', 'b') RETURNING tenant_id"))
    kinds = ["t-turns"]
    mine = [await store.enqueue(tenant, "t-turns", {}, now=NOW) for _ in range(3)]
    theirs = await store.enqueue(other, "t-turns", {}, now=NOW)
    first = await store.claim(kinds, NOW)
    assert first is not None and first.job_id == mine[0]
    second = await store.claim(kinds, NOW + 1)
    assert second is not None and second.job_id == theirs, "one that is being served waits"
    assert await store.claim(kinds, NOW + 2) is None
    for job in (first, second):
        assert await store.finish(job, "done", {}, "", NOW + 3)
    late = await store.enqueue(other, "t-turns", {}, now=NOW)
    third = await store.claim(kinds, NOW + 4)
    assert third is not None and third.job_id == mine[1], "its turn: the other was served after it"
    assert await store.finish(third, "done", {}, "", NOW + 5)
    fourth = await store.claim(kinds, NOW + 6)
    assert fourth is not None and fourth.job_id == late


async def test_cancelled(pipeline: Pool, tenant: int) -> None:
    store = PostgresJobs(pipeline)
    job_id = await store.enqueue(tenant, "t-cancel", {}, now=NOW)
    assert job_id is not None

    async def handler(context: JobContext) -> Mapping[str, Any]:
        assert await store.cancel(tenant, job_id)
        assert not await store.beat(context.job, 0, 1, NOW + 1)
        context.lost = True  # type: ignore[attr-defined] # what the heartbeat does then
        raise JobCancelled

    await Runner(store, {"t-cancel": handler}, clock=lambda: NOW).run_one()
    assert (await store.status(job_id))[0] == "cancelled"
    assert not await store.cancel(tenant, job_id)


async def test_a_task_that_fails_keeps_no_other_from_its_turn(pipeline: Pool, tenant: int) -> None:
    """A copy that could not go on kept everybody's reports and imports waiting."""
    store = PostgresJobs(pipeline)
    job_id = await store.enqueue(tenant, "t-beside", {}, now=NOW)
    turns: list[str] = []

    async def fails(now: float) -> None:
        raise ValueError("one bad row")

    async def works(now: float) -> None:
        turns.append("task")

    async def handler(context: JobContext) -> Mapping[str, Any]:
        runner.stopping.set()
        return {}

    runner = Runner(store, {"t-beside": handler}, clock=lambda: NOW, tasks=(fails, works))
    await runner.run()
    assert job_id is not None
    assert turns == ["task"]
    assert (await store.status(job_id))[0] == "done"

# SPDX-License-Identifier: Apache-2.0
"""Asking for long work and calling it off."""

import pytest

from openmains.app.job.ports import JobStore
from openmains.app.job.request import ask_for_job, cancel_job
from tests.support.doubles import Jobs, job
from tests.support.work import ACTOR, GivenStore, refused


async def test_a_job_is_queued_in_the_name_of_who_asks() -> None:
    jobs = Jobs()
    store = GivenStore({JobStore: jobs})
    made = await ask_for_job(store, ACTOR, "meter_import", {"partial": True}, file_path="f.csv")
    assert made.status == "queued"
    assert jobs.asked == [("meter_import", {"partial": True}, "f.csv", None, ACTOR.user_id)]
    assert jobs.released == []
    (line,) = store.trail
    assert line.after == {"kind": "meter_import", "params": {"partial": True}}


async def test_work_with_a_key_may_be_asked_for_again_when_it_has_ended() -> None:
    jobs = Jobs(job(1, status="done"))
    store = GivenStore({JobStore: jobs})
    await ask_for_job(store, ACTOR, "collection_report", {}, unique_key="collection_report:2026-09-01")
    assert jobs.released == ["collection_report:2026-09-01"]
    assert jobs.asked[0][3] == "collection_report:2026-09-01"


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_work_that_has_not_ended_is_called_off(status: str) -> None:
    store = GivenStore({JobStore: Jobs(job(1, status=status))})
    assert (await cancel_job(store, ACTOR, 1)).status == "cancelled"
    (line,) = store.trail
    assert (line.before, line.after) == ({"status": status}, {"status": "cancelled"})


@pytest.mark.parametrize("status", ["done", "failed", "cancelled"])
async def test_what_has_ended_is_not_called_off(status: str) -> None:
    store = GivenStore({JobStore: Jobs(job(1, status=status))})
    told = await refused(cancel_job(store, ACTOR, 1), store)
    assert (told.code, told.values) == ("already-done", {"state": status})


async def test_a_job_of_nobody() -> None:
    store = GivenStore({JobStore: Jobs()})
    assert (await refused(cancel_job(store, ACTOR, 1), store)).code == "not-found"

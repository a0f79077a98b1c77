# SPDX-License-Identifier: Apache-2.0
"""One exception for as long as its cause lasts, over a real PostgreSQL; held messages keep their number."""

from typing import Any

import pytest

from openmains.app.ingest.pipeline.ports import DeadLetter, Effects, EndedException, Entry, ExceptionRow
from openmains.app.ingest.uplink import Uplink
from openmains.domain.readings.quality import Rule
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from tests.edges.postgres.ingest.test_pipeline_store import commit, meter_id

__all__ = ["meter_id"]  # a fixture


class House:
    """One meter's exceptions."""

    def __init__(self, pipeline: Pool, owner: Pool, meter: int, tenant: int) -> None:
        self.store = PostgresPipelineStore(pipeline)
        self.owner, self.meter, self.tenant = owner, meter, tenant

    def row(self, rule: Rule, at: int, value: int, entry: Entry = Entry.ONCE, **more: Any) -> ExceptionRow:
        return ExceptionRow(self.tenant, self.meter, 1, int(rule), at, 0, value, None, entry, **more)

    async def say(self, *rows: ExceptionRow, ended: tuple[EndedException, ...] = ()) -> None:
        await commit(self.store, Effects(exceptions=list(rows), ended=list(ended)))

    async def filled(self, start: int, end: int) -> None:
        await self.say(ended=(EndedException(self.meter, int(Rule.GAP), start, end),))

    async def listed(self) -> list[tuple[str, int, int, int, str]]:
        rows = await self.owner.fetch(
            "SELECT rule, at, value, occurrences, status FROM reading_exception WHERE meter_id = $1 ORDER BY exception_id",
            self.meter,
        )
        return [(Rule(row["rule"]).name, row["at"], row["value"], row["occurrences"], row["status"]) for row in rows]


@pytest.fixture
async def house(pipeline: Pool, owner: Pool, meter_id: int) -> House:
    tenant = (await PostgresPipelineStore(pipeline).load([meter_id]))[meter_id].tenant_id
    return House(pipeline, owner, meter_id, tenant)


async def test_the_same_said_again_is_one_exception(house: House) -> None:
    await house.say(house.row(Rule.HISTORY_MISMATCH, 10, 5))
    await house.say(house.row(Rule.HISTORY_MISMATCH, 10, 5), house.row(Rule.HISTORY_MISMATCH, 10, 6))
    assert await house.listed() == [("HISTORY_MISMATCH", 10, 5, 1, "open"), ("HISTORY_MISMATCH", 10, 6, 1, "open")]


async def test_gaps_that_touch_are_one_and_others_are_their_own(house: House) -> None:
    for start, end in ((100, 200), (200, 300), (400, 500)):
        await house.say(house.row(Rule.GAP, start, end, Entry.GAP))
    assert await house.listed() == [("GAP", 100, 300, 2, "open"), ("GAP", 400, 500, 1, "open")]


async def test_a_gap_is_cut_by_what_comes_and_closed_by_the_last_of_it(house: House) -> None:
    await house.say(house.row(Rule.GAP, 100, 400, Entry.GAP))
    await house.filled(100, 200)
    assert await house.listed() == [("GAP", 200, 400, 1, "open")]
    await house.filled(300, 400)
    assert await house.listed() == [("GAP", 200, 300, 1, "open")]
    await house.filled(500, 600)
    await house.filled(150, 300)
    assert await house.listed() == [("GAP", 200, 300, 1, "closed")]
    await house.say(house.row(Rule.GAP, 300, 400, Entry.GAP))
    assert (await house.listed())[1] == ("GAP", 300, 400, 1, "open"), "what is over is not taken up again"


async def test_days_that_come_in_one_batch_close_a_gap_of_them(house: House) -> None:
    await house.say(house.row(Rule.GAP, 100, 400, Entry.GAP))
    days = tuple(EndedException(house.meter, int(Rule.GAP), at, at + 100) for at in (300, 100, 200))
    await house.say(ended=days)
    assert await house.listed() == [("GAP", 100, 400, 1, "closed")]


async def test_a_cause_that_lasts_is_one_until_it_is_over(house: House) -> None:
    await house.say(house.row(Rule.CLOCK_BEHIND, 10, 5, Entry.LASTS))
    await house.say(house.row(Rule.CLOCK_BEHIND, 20, 6, Entry.GOES_ON))
    assert await house.listed() == [("CLOCK_BEHIND", 10, 5, 2, "open")]
    await house.say(ended=(EndedException(house.meter, int(Rule.CLOCK_BEHIND)),))
    await house.say(house.row(Rule.CLOCK_BEHIND, 30, 7, Entry.LASTS))
    assert await house.listed() == [("CLOCK_BEHIND", 10, 5, 2, "closed"), ("CLOCK_BEHIND", 30, 7, 1, "open")]


async def test_what_was_judged_is_not_asked_again_while_it_goes_on(house: House) -> None:
    await house.say(house.row(Rule.CLOCK_BEHIND, 10, 5, Entry.LASTS))
    await house.owner.execute("UPDATE reading_exception SET status = 'accepted' WHERE meter_id = $1", house.meter)
    await house.say(house.row(Rule.CLOCK_BEHIND, 20, 6, Entry.GOES_ON))
    assert await house.listed() == [("CLOCK_BEHIND", 10, 5, 1, "accepted")]


async def test_each_strange_number_is_its_own_and_held_messages_name_it(house: House) -> None:
    for number, at in ((77, 10), (77, 20), (88, 30)):
        await house.say(house.row(Rule.NUMBER_MISMATCH, at, number, Entry.LASTS))
    assert await house.listed() == [("NUMBER_MISMATCH", 10, 77, 2, "open"), ("NUMBER_MISMATCH", 30, 88, 1, "open")]
    uplink = Uplink(house.meter, house.tenant, 1, "coaps", "r", 5, b"x")
    await commit(house.store, Effects(dead_letters=[DeadLetter(uplink, "number_mismatch", 0, "…", 77)]))
    assert await house.owner.fetchval("SELECT number FROM dead_letter WHERE meter_id = $1", house.meter) == 77

# SPDX-License-Identifier: Apache-2.0
"""A person's judgement of a reading: what it touches, and in which order."""

from datetime import date
from typing import Any

import pytest

from openmains.app.fleet.drivers import LoadedDriverCatalog
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.edits import EDIT_CHANNEL, read_edit
from openmains.app.readings.model import EditFacts, StoredCause, StoredDay
from openmains.app.readings.ports import EditStore, ExceptionStore
from openmains.app.readings.resolve import Correction, edit_reading, judge_exception
from openmains.domain.ids import ExceptionId, ProductId
from openmains.domain.period import date_to_day, zone
from openmains.drivers.catalog import load
from tests.support.doubles import Edits, Exceptions, finding
from tests.support.work import ACTOR, GivenStore, refused

ONE = ExceptionId(1)
DAY = date_to_day(date(2026, 9, 1))
OPENS, ENDS = (zone(ACTOR.zone).start_of(day) for day in (DAY, DAY + 1))
NOW_US = (ENDS + 3600) * 1_000_000
DRIVERS = LoadedDriverCatalog(load())
BOUNDS = EditFacts(3125, 0, "openmains/water-1", ProductId(3), 0)  # 781 L by one person


class Days:
    """``ReadingStore.days`` of one meter."""

    def __init__(self, *rows: StoredDay) -> None:
        self.rows = rows

    async def days(self, tenant_id: int, meter_id: int, first_day: int, last_day: int) -> list[StoredDay]:
        assert (tenant_id, meter_id) == (ACTOR.tenant_id, 5)
        return [row for row in self.rows if first_day <= row.day <= last_day]

    async def causes(self, tenant_id: int, meter_id: int, first_day: int, last_day: int) -> list[StoredCause]:
        return []


class Stream:
    """``UplinkReplay``; ``open_at``: how the finding stood when the edit was on disk."""

    def __init__(self, exceptions: Exceptions) -> None:
        self._exceptions = exceptions
        self.uplinks: list[Uplink] = []
        self.open_at: list[str] = []

    async def replay(self, uplinks: Any) -> None:
        self.uplinks += uplinks
        self.open_at.append(self._exceptions.rows[ONE].status)


def stored(step: int = 2) -> StoredDay:
    return StoredDay(DAY, 1000, 1800, [step] * 48, [0] * 48, 48 * step, 0, ENDS + 60, 3)


def given(
    *rows: Any, settled: int | None = ENDS, days: tuple[StoredDay, ...] = (stored(),), facts: EditFacts | None = BOUNDS
) -> tuple[GivenStore, Exceptions, Days, Stream]:
    exceptions = Exceptions(*rows, settled=settled)
    ports = {ExceptionStore: exceptions, EditStore: Edits(facts)}
    return GivenStore(ports), exceptions, Days(*days), Stream(exceptions)


@pytest.mark.parametrize(("verdict", "status"), [("accept", "accepted"), ("keep_estimate", "estimated")])
async def test_a_judgement_touches_no_reading(verdict: Any, status: str) -> None:
    store, exceptions, _, stream = given(finding())
    after = await judge_exception(store, ACTOR, ONE, verdict, "seen on site")
    assert (after.status, after.judged_by, after.reason) == (status, ACTOR.user_id, "seen on site")
    assert exceptions.rows[ONE] == after
    assert (store.actions, stream.uplinks) == (["judge_exception"], [])


async def test_held_messages_are_no_reading_to_accept_or_edit() -> None:
    store, _, days, stream = given(finding(rule="number_mismatch"))
    told = await refused(judge_exception(store, ACTOR, ONE, "accept", "x"), store)
    assert (told.code, told.fields) == ("invalid-input", (("/verdict", "not-accepted"),))
    asked = edit_reading(store, days, stream, DRIVERS, ACTOR, ONE, Correction(10), "x", NOW_US)  # type: ignore[arg-type]
    assert (await refused(asked, store)).code == "invalid-input"
    assert stream.uplinks == []


@pytest.mark.parametrize(
    ("rows", "code"), [([], "not-found"), ([finding(status="accepted")], "already-done")], ids=["unknown", "judged"]
)
async def test_what_is_not_open_is_not_judged(rows: list[Any], code: str) -> None:
    store, _, days, stream = given(*rows)
    assert (await refused(judge_exception(store, ACTOR, ONE, "accept", "x"), store)).code == code
    asked = edit_reading(store, days, stream, DRIVERS, ACTOR, ONE, Correction(10), "x", NOW_US)  # type: ignore[arg-type]
    assert (await refused(asked, store)).code == code
    assert stream.uplinks == []


async def test_an_edit_of_a_day_is_on_disk_in_the_stream_before_the_finding_is_marked() -> None:
    store, exceptions, days, stream = given(finding())
    after = await edit_reading(store, days, stream, DRIVERS, ACTOR, ONE, Correction(480), "leak mended", NOW_US)  # type: ignore[arg-type]
    assert (after.status, stream.open_at, exceptions.rows[ONE].status) == ("edited", ["open"], "edited")
    (uplink,) = stream.uplinks
    assert (uplink.channel, uplink.meter_id, uplink.tenant_id, uplink.product_id) == (EDIT_CHANNEL, 5, 7, 3)
    read = read_edit(uplink.payload)
    assert not isinstance(read, str)
    edit, row = read
    assert (edit.first, edit.count, edit.slots, edit.base, edit.user_id) == (0, 48, 48, 1000, ACTOR.user_id)
    assert edit.received_s == stored().received_s  # an edit makes no reading late
    assert (edit.edit_id, edit.reason, edit.approved_by) == (1, "leak mended", 0)
    assert sum(row.increments) == 480
    (line,) = store.trail
    assert (line.before["volume"], line.after["volume"]) == (96, 480)


async def test_an_edit_of_some_slots_says_what_stood_there() -> None:
    store, _, days, stream = given(finding())
    part = Correction(7, OPENS + 3600, OPENS + 3 * 1800 + 1800)
    await edit_reading(store, days, stream, DRIVERS, ACTOR, ONE, part, "x", NOW_US)  # type: ignore[arg-type]
    edit, _ = read_edit(stream.uplinks[0].payload)  # type: ignore[misc]
    assert (edit.first, edit.count, edit.volume) == (2, 2, 7)
    assert store.trail[0].before["volume"] == 4


@pytest.mark.parametrize(
    ("correction", "reason", "pointers"),
    [
        (Correction(1), " ", ["/reason"]),
        (Correction(-1), "x", ["/volume"]),
        (Correction(2**31), "x", ["/volume"]),
        (Correction(1, OPENS + 1, ENDS), "x", ["/start", "/end"]),  # no slot's boundary
        (Correction(1, OPENS - 1800, ENDS), "x", ["/start", "/end"]),  # of the day before
        (Correction(1, ENDS, ENDS), "x", ["/start", "/end"]),  # nothing
    ],
)
async def test_an_edit_is_whole_slots_of_the_day_with_a_reason(
    correction: Correction, reason: str, pointers: list[str]
) -> None:
    store, exceptions, days, stream = given(finding())
    told = await refused(edit_reading(store, days, stream, DRIVERS, ACTOR, ONE, correction, reason, NOW_US), store)  # type: ignore[arg-type]
    assert [pointer for pointer, _ in told.fields] == pointers
    assert (stream.uplinks, exceptions.rows[ONE].status) == ([], "open")


@pytest.mark.parametrize(
    ("settled", "days"), [(None, (stored(),)), (ENDS - 1, (stored(),)), (ENDS, ())], ids=["never", "not yet", "no row"]
)
async def test_a_day_that_is_not_complete_is_not_edited(settled: int | None, days: tuple[StoredDay, ...]) -> None:
    store, _, readings, stream = given(finding(), settled=settled, days=days)
    told = await refused(edit_reading(store, readings, stream, DRIVERS, ACTOR, ONE, Correction(1), "x", NOW_US), store)  # type: ignore[arg-type]
    assert (told.code, stream.uplinks) == ("day-open", [])


async def test_a_meter_that_is_gone() -> None:
    store, _, days, stream = given(finding(), facts=None)
    asked = edit_reading(store, days, stream, DRIVERS, ACTOR, ONE, Correction(1), "x", NOW_US)  # type: ignore[arg-type]
    assert (await refused(asked, store)).code == "not-found"

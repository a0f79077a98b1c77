# SPDX-License-Identifier: Apache-2.0
"""Gaps from the report as it was due to the command and back, on the real engines; and modes that tasks want in the same counts."""

from typing import Any

import pytest

from openmains.app.command.rereads import find_gaps, step_gaps
from openmains.app.readings.report.collection import AsOf, Piece
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S, day_to_date
from openmains.domain.readings.expected import Mode
from openmains.domain.readings.quality import Rule
from openmains.domain.readings.rereads import GapState, Visit
from openmains.edges.clickhouse.gaps import DaySlots
from openmains.edges.postgres.command.rereads import Rereads
from tests.edges.postgres.readings.test_due import DAY, DUE, HERE, Utility, utility

__all__ = ["utility"]  # the fixture
SETTLED = DUE + 180


class Desk:
    """The worker's part, worked by hand."""

    def __init__(self, utility: Utility) -> None:
        self.utility, self.store, self.now = utility, Rereads(utility.pipeline), SETTLED
        self.can = True

    async def find(self) -> int:
        tenants = [(self.utility.tenant, HERE.key, 0)]
        return await find_gaps(tenants, self.utility.days, self.utility.names, self.store, self.now)

    async def step(self) -> int:
        slots = DaySlots(self.utility.clickhouse)
        return await step_gaps(
            self.utility.names, slots, self.store, self.store, lambda driver: self.can, self.now * 1_000_000
        )

    async def heard(self, meters: list[int], *, known_s: int) -> None:
        await self.utility.owner.execute(
            "INSERT INTO meter_state AS s (meter_id, tenant_id, last_seen_us, measured_at) SELECT m, $2, $3, $4 FROM unnest($1::bigint[]) m"
            " ON CONFLICT (meter_id) DO UPDATE SET last_seen_us = $3, measured_at = $4",
            meters, self.utility.tenant, self.now * 1_000_000, known_s,
        )  # fmt: skip

    async def gaps(self) -> dict[int, dict[str, Any]]:
        rows = await self.utility.owner.fetch(
            "SELECT meter_id, state, tries, command_id, filled_by, visit FROM reread_gap WHERE tenant_id = $1",
            self.utility.tenant,
        )
        return {row["meter_id"]: dict(row) for row in rows}

    async def commands(self) -> list[dict[str, Any]]:
        rows = await self.utility.owner.fetch(
            "SELECT command_id, meter_id, kind, params, state, reason FROM command WHERE tenant_id = $1 ORDER BY command_id",
            self.utility.tenant,
        )
        return [dict(row) for row in rows]


@pytest.fixture
async def desk(utility: Utility) -> Desk:
    # a step is about all tenants: those of other tests have no gaps
    await utility.owner.execute("DELETE FROM reread_gap WHERE tenant_id <> $1", utility.tenant)
    return Desk(utility)


async def test_a_missing_day_is_waited_for_asked_for_once_and_filled(desk: Desk) -> None:
    town = desk.utility
    here, lost, quiet = [await town.add("W1", 1) for _ in range(3)]
    await town.received(here, DAY, DUE - 3600)
    assert await town.keep_all(SETTLED) > 0
    assert Piece(DAY, Mode.DAY) in await desk.store.unscanned(town.tenant, DAY)
    await town.owner.execute(
        "DELETE FROM meter WHERE tenant_id = $1 AND NOT meter_id = ANY ($2)", town.tenant, [*here, *lost, *quiet]
    )
    # only this day: of the others every meter is missing
    await town.owner.execute(
        "INSERT INTO reread_scan SELECT tenant_id, day, mode, 0 FROM collection_due WHERE tenant_id = $1 AND day <> $2",
        town.tenant, day_to_date(DAY),
    )  # fmt: skip
    assert await desk.find() == 2
    assert await desk.find() == 0  # once
    await desk.heard([*here, *lost, *quiet], known_s=HERE.start_of(DAY))  # nobody told anything newer
    assert await desk.step() == 0
    assert {one["state"] for one in (await desk.gaps()).values()} == {GapState.WAITING}

    desk.now += DAY_S  # the next report of one of them came without it
    await desk.heard(lost, known_s=HERE.start_of(DAY + 2))
    assert await desk.step() == 1
    gaps = await desk.gaps()
    assert (gaps[lost[0]]["state"], gaps[quiet[0]]["state"]) == (GapState.ASKED, GapState.WAITING)
    (command,) = await desk.commands()
    assert (command["meter_id"], command["kind"], command["state"]) == (lost[0], "read_intervals", "drafted")
    assert command["params"] == {"since": HERE.start_of(DAY), "until": HERE.start_of(DAY + 1)}
    assert gaps[lost[0]]["command_id"] == command["command_id"]
    assert await desk.step() == 0  # a worker that begins anew asks nothing twice
    await town.owner.execute("UPDATE reread_gap SET look_s = 0, looked_us = 0 WHERE tenant_id = $1", town.tenant)
    assert await desk.step() == 0
    assert len(await desk.commands()) == 1

    await town.received(lost, DAY, desk.now, version=2)  # it arrives by itself: what was not sent is not asked
    desk.now += 60
    await desk.heard(lost, known_s=HERE.start_of(DAY + 2))
    await desk.step()
    gaps = await desk.gaps()
    assert (gaps[lost[0]]["state"], gaps[lost[0]]["filled_by"]) == (GapState.FILLED, "reread")
    assert [(one["state"]) for one in await desk.commands()] == ["cancelled"]

    desk.now += 3 * DAY_S  # two reports in a row did not come
    await desk.step()
    gap = (await desk.gaps())[quiet[0]]
    assert (gap["state"], gap["visit"]) == (GapState.VISIT, Visit.SILENT)

    desk.now += DAY_S  # the meter is back and keeps 30 days
    await desk.heard(quiet, known_s=HERE.start_of(DAY))
    assert await desk.step() == 1
    gap = (await desk.gaps())[quiet[0]]
    assert (gap["state"], gap["visit"], (await desk.commands())[-1]["meter_id"]) == (GapState.ASKED, None, quiet[0])


async def test_a_visit_ends_with_the_reading_of_who_went_there(desk: Desk) -> None:
    town = desk.utility
    meters = sorted(await town.add("W1", 3))
    await town.owner.execute(
        "INSERT INTO reread_gap (meter_id, day, tenant_id, mode, due_s, changed_s, state, visit)"
        " SELECT m, $3, $2, 'day', $4, $4, 'visit', 'silent' FROM unnest($1::bigint[]) m",
        meters, town.tenant, day_to_date(DAY), DUE,
    )  # fmt: skip
    await town.owner.execute(
        "INSERT INTO meter_state (meter_id, tenant_id, last_seen_us, measured_at) SELECT m, $2, $3, 0 FROM unnest($1::bigint[]) m",
        meters, town.tenant, (DUE - DAY_S) * 1_000_000,
    )  # fmt: skip
    ends, late = HERE.start_of(DAY + 1), 1 << Rule.MANUAL_READING | 1 << Rule.OUT_OF_ORDER
    for meter_id, at, version, flags in (
        (meters[0], ends + 36_000, 2, 1 << Rule.MANUAL_READING),
        (meters[1], ends + 36_000, 2, late),  # was not believed
        (meters[1], ends - 60, 3, 0),  # before the day was over
        (meters[2], ends + 36_000, None, 0),  # waits
    ):
        await town.owner.execute(
            "INSERT INTO manual_reading (tenant_id, meter_id, at_s, register, digit, source, author_id, made_us, version, flags)"
            " VALUES ($1, $2, $3, 1, 1, 'form', 1, 1, $4, $5)",
            town.tenant, meter_id, at, version, flags,
        )  # fmt: skip
    assert await desk.step() == 0
    gaps = await desk.gaps()
    assert [(gaps[one]["state"], gaps[one]["filled_by"]) for one in meters] == [
        ("closed", "person"), ("visit", None), ("visit", None),
    ]  # fmt: skip


async def test_limits_and_meters_that_cannot_be_asked(desk: Desk) -> None:
    town = desk.utility
    meters = await town.add("W1", 25)
    await town.owner.execute("DELETE FROM meter WHERE tenant_id = $1 AND NOT meter_id = ANY ($2)", town.tenant, meters)
    await town.owner.execute(
        "INSERT INTO reread_gap (meter_id, day, tenant_id, mode, due_s, changed_s)"
        " SELECT m, $3, $2, 'day', $4, $4 FROM unnest($1::bigint[]) m",
        meters, town.tenant, day_to_date(DAY), DUE,
    )  # fmt: skip
    await desk.heard(meters, known_s=HERE.start_of(DAY + 2))
    await town.owner.execute("UPDATE meter_state SET cell = $2 WHERE meter_id = ANY ($1)", meters, town.tenant)
    assert await desk.step() == 20  # of one cell in an hour
    assert sorted(one["state"] for one in (await desk.gaps()).values()) == ["asked"] * 20 + ["wanted"] * 5
    desk.now += 600
    await desk.heard(meters, known_s=HERE.start_of(DAY + 2))
    assert await desk.step() == 0
    desk.now += 3_600
    desk.can = False
    await desk.heard(meters, known_s=HERE.start_of(DAY + 2))
    await desk.step()
    assert sum(one["visit"] == Visit.CANNOT_BE_ASKED for one in (await desk.gaps()).values()) == 5


async def test_a_task_that_wants_months_makes_nobody_missing_early(desk: Desk) -> None:
    town = desk.utility
    meter, *_ = sorted(await town.add("W1", 3))
    before = (await town.report(DAY, DUE)).total.collection
    area = await town.owner.fetchval("SELECT area_id FROM meter WHERE meter_id = $1", meter)

    async def task(level: str, frequency: str, **target: Any) -> None:
        await town.owner.execute(
            "INSERT INTO collection_task (tenant_id, level, area_id, meter_id, first_day, frequency, made_by)"
            " VALUES ($1, $2, $3, $4, '2026-01-01', $5, 1)",
            town.tenant, level, target.get("area_id"), target.get("meter_id"), frequency,
        )  # fmt: skip

    await task("company", "week")
    await task("area", "month", area_id=area)
    now = (await town.report(DAY, DUE)).total.collection
    assert (before.missing, now.missing) == (before.expected, 0)
    assert now.not_due == before.expected
    await task("meter", "twice_a_day", meter_id=meter)
    own = (await town.report(DAY, DUE)).total.collection
    assert (own.missing, own.not_due) == (1, before.expected - 1)
    assert [MeterId(one.meter_id) for one in await town.days.missing(
        TenantId(town.tenant), (await town.names.labels(town.tenant)).asked(DAY, AsOf(DUE)), 0, 10
    )] == [meter]  # fmt: skip
    mode = "SELECT task_mode(tenant_id, meter_id, area_id, product_id) FROM meter WHERE meter_id = $1"
    other = await town.owner.fetchval("SELECT max(meter_id) FROM meter WHERE tenant_id = $1", town.tenant)
    assert [await town.owner.fetchval(mode, one) for one in (meter, other)] == ["day", "month"]

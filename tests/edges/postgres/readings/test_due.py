# SPDX-License-Identifier: Apache-2.0
"""What was due is told for ever as it stood then, and nobody misses a day that is not due yet: on the real engines."""

import logging
import secrets
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from openmains.app.fleet.imports.import_meters import import_meters
from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.readings.report.answers import Reports
from openmains.app.readings.report.build import day_report, missing_pages, report_rows
from openmains.app.readings.report.collection import Counts, DayReport, DayRequest, Line
from openmains.app.readings.report.due import LOOK_BACK_DAYS, SETTLE_S, keep_due, pieces_due
from openmains.domain.ids import TenantId
from openmains.domain.period import DAY_S, date_to_day, day_to_date, zone
from openmains.domain.readings.expected import MODES, Mode
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.imports import ChangedMeters, PostgresImport
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from tests.edges.postgres.fleet.registry_files import HEADER_ZH, csv_of, make_tenant, row
from tests.support.personal import personal_vault

HERE = zone("Asia/Shanghai")
FOUNDED = datetime.fromisoformat("2026-03-01T00:00:00+08:00")
DAY = date_to_day(date(2026, 5, 10))  # a Sunday, and the end of a 旬
DUE = HERE.at(DAY + 1, 8)


class Utility:
    """A tenant with 500 daily meters of product W1 in area A1, and its reports."""

    def __init__(self, owner: Pool, pipeline: Pool, clickhouse: ClickHouse, tenant: int) -> None:
        self.owner, self.pipeline, self.clickhouse, self.tenant = owner, pipeline, clickhouse, TenantId(tenant)
        self.days, self.names, self.kept = DayReports(clickhouse), ReportLabels(pipeline), KeptReports(pipeline)

    async def add(self, product: str, count: int, mode: str | None = None) -> list[int]:
        rows = await self.owner.fetch(
            "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on, expected_from, created_at, report_mode)"
            " SELECT $1, $6 || n, product_id, area_id, '2026-03-01', '2026-03-01', $5, $4"
            " FROM product JOIN area USING (tenant_id), generate_series(1, $3::int) n"
            " WHERE tenant_id = $1 AND product.code = $2 RETURNING meter_id",
            self.tenant, product, count, mode, FOUNDED, secrets.token_hex(6),
        )  # fmt: skip
        found = [each[0] for each in rows]
        await self.owner.execute(
            "INSERT INTO identity_change (tenant_id, meter_id) SELECT $1, m FROM unnest($2::bigint[]) m",
            self.tenant,
            found,
        )
        return found

    async def received(self, meters: list[int], day: int, received_s: int, version: int = 1, product: int = 0) -> None:
        columns = {
            "tenant_id": [self.tenant] * len(meters), "meter_id": meters, "day": [day_to_date(day)] * len(meters),
            "area_id": [0] * len(meters), "product_id": [product] * len(meters), "base": [0] * len(meters),
            "interval_s": [1800] * len(meters), "increments": [[1] * 48] * len(meters), "quality": [[]] * len(meters),
            "total": [48] * len(meters), "flags": [0] * len(meters), "slots": [48] * len(meters),
            "measured": [48] * len(meters), "received_s": [received_s] * len(meters), "version": [version] * len(meters),
        }  # fmt: skip
        await self.clickhouse.insert("meter_day", columns)

    async def keep(self, now_s: int) -> int:
        await sync_dims(ChangedMeters(self.pipeline), MeterDims(self.clickhouse))
        founded = int(FOUNDED.timestamp())
        return await keep_due([(self.tenant, HERE.key, founded)], self.days, self.names, self.kept, now_s)

    async def keep_all(self, now_s: int) -> int:
        done = 0
        while more := await self.keep(now_s):
            done += more
        return done

    async def report(self, day: int, now_s: int) -> DayReport:
        await sync_dims(ChangedMeters(self.pipeline), MeterDims(self.clickhouse))
        return await day_report(self.tenant, day, self.days, self.names, self.kept, now_s)

    async def missing(self, day: int, now_s: int) -> int:
        pages = missing_pages(self.tenant, day, self.days, self.names, now_s)
        return sum([len(page) async for page in pages])

    async def bring(self, path: Path, rows: list[list[str]], header: list[str] = HEADER_ZH) -> None:
        path.write_bytes(csv_of(rows, header=header))  # noqa: ASYNC240 - a small file
        async with PostgresImport(self.pipeline, personal_vault(self.pipeline)) as store:
            result = await import_meters(path, self.tenant, store, today=date(2026, 11, 1))
        assert (result.inserted + result.updated, result.errors) == (len(rows), [])


@pytest.fixture
async def utility(owner: Pool, pipeline: Pool, clickhouse: ClickHouse) -> Utility:
    made = Utility(owner, pipeline, clickhouse, await make_tenant(owner, f"due-{secrets.token_hex(6)}"))
    await owner.execute("UPDATE tenant SET created_at = $2 WHERE tenant_id = $1", made.tenant, FOUNDED)
    return made


def figures(line: Line) -> tuple[tuple[int, int, int], tuple[int, int, int] | None]:
    """(expected, received, missing) as of now and as due."""
    now, then = line.collection, line.as_due
    return (
        (now.expected, now.received, now.missing),
        None if then is None else (then.expected, then.received, then.missing),
    )


async def test_an_import_of_older_meters_leaves_what_was_due_and_what_is_now(utility: Utility, tmp_path: Path) -> None:
    """20,000 meters created today with an installation date of weeks ago: yesterday fell from 99.80 % to 4.74 %."""
    meters = await utility.add("W1", 500)
    await utility.received(meters[:499], DAY, DUE - 3600)
    assert await utility.keep_all(DUE + SETTLE_S) > 0
    before = await utility.report(DAY, DUE + 3600)
    assert figures(before.total) == ((500, 499, 1), (500, 499, 1))
    assert before.total.collection.rate_ppm == 998_000

    many = [row(921, place, installed="2026-04-01") for place in range(2_000)]
    await utility.bring(tmp_path / "m.csv", many)
    after = await utility.report(DAY, DUE + 3600)
    assert figures(after.total) == ((500, 499, 1), (500, 499, 1))
    assert await utility.missing(DAY, DUE + 3600) == 1

    # They came from elsewhere with their days: expected from then on, which what was due does not know.
    moved = [[*row(921, place, installed="2026-04-01"), "2026-04-15"] for place in range(2_000)]
    await utility.bring(tmp_path / "moved.csv", moved, [*HEADER_ZH, "应收起始日期"])
    after = await utility.report(DAY, DUE + 3600)
    assert figures(after.total) == ((2_500, 499, 2_001), (500, 499, 1))
    assert figures(after.groups["area"][0]) == ((2_500, 499, 2_001), (500, 499, 1))
    assert await utility.missing(date_to_day(date(2026, 4, 14)), DUE) == 500
    cells = list(report_rows(after, "en"))
    assert cells[0][-4:] == ["expected as due", "received as due", "reading rate % as due", "missing as due"]
    assert [float(cell) for cell in cells[1][-4:]] == [500, 499, 99.8, 1]


async def test_the_day_of_installation_is_no_whole_day(utility: Utility, tmp_path: Path) -> None:
    """Nor is any day before it; both stand in no list."""
    installed = day_to_date(DAY).isoformat()
    rows = [[*row(922, place, installed=installed), "2026-03-01"] for place in range(10)]
    await utility.bring(tmp_path / "m.csv", rows, [*HEADER_ZH, "expected from"])
    counts = {day: (await utility.report(day, DUE + 9 * DAY_S)).total.collection for day in range(DAY - 2, DAY + 3)}
    assert {day - DAY: (each.expected, each.missing) for day, each in counts.items()} == {
        -2: (0, 0), -1: (0, 0), 0: (0, 0), 1: (10, 10), 2: (10, 10)
    }  # fmt: skip
    assert [await utility.missing(day, DUE + 9 * DAY_S) for day in (DAY - 1, DAY, DAY + 1)] == [0, 0, 10]


@pytest.mark.parametrize(
    ("mode", "first_due"),
    [
        ("day", "2026-05-11"),
        ("week", "2026-05-11"),  # 10 May is a Sunday
        ("ten_days", "2026-05-11"),
        ("month", "2026-06-01"),
    ],
)
async def test_a_product_s_meters_are_missed_from_the_day_their_period_is_due(
    utility: Utility, mode: str, first_due: str
) -> None:
    await utility.owner.execute("UPDATE product SET report_mode = $2 WHERE tenant_id = $1", utility.tenant, mode)
    meters = await utility.add("W1", 10)
    await utility.received(meters[:4], DAY, DUE - 3600)
    due = HERE.at(date_to_day(date.fromisoformat(first_due)), 8)
    early, late = (await utility.report(DAY, due - 1)).total, (await utility.report(DAY, due)).total
    assert (*figures(early)[0], early.collection.not_due, early.collection.rate_ppm) == (4, 4, 0, 6, 1_000_000)
    assert (*figures(late)[0], late.collection.not_due, late.collection.rate_ppm) == (10, 4, 6, 0, 400_000)
    assert [await utility.missing(DAY, now) for now in (due - 1, due)] == [0, 6]


async def test_what_a_meter_says_of_its_mode_counts_before_its_product(utility: Utility) -> None:
    monthly, daily = await utility.add("W1", 7, "month"), await utility.add("W1", 3)
    total = (await utility.report(DAY, DUE)).total
    assert (*figures(total)[0], total.collection.not_due) == (3, 0, 3, 7)
    june = HERE.at(date_to_day(date(2026, 6, 1)), 8)
    await utility.received(monthly, DAY, june - 60)
    await utility.received(daily, DAY, june - 60)
    total = (await utility.report(DAY, june)).total.collection
    assert (total.on_time, total.late) == (7, 3)
    # Said on 10 May that it reports daily: from that day on it is asked daily, before by the month.
    await utility.owner.execute(
        "UPDATE meter SET report_mode = 'day', report_mode_since = '2026-05-10', report_mode_before = 'month',"
        " revision = revision + 1 WHERE meter_id = ANY ($1::bigint[])", monthly,
    )  # fmt: skip
    await utility.owner.execute(
        "INSERT INTO identity_change (tenant_id, meter_id) SELECT $1, m FROM unnest($2::bigint[]) m",
        utility.tenant,
        monthly,
    )
    assert (await utility.report(DAY, june)).total.collection.late == 10
    before = (await utility.report(DAY - 1, DUE)).total.collection
    assert (before.missing, before.not_due) == (3, 7)


async def test_nothing_is_due_after_removal(utility: Utility) -> None:
    meters = await utility.add("W1", 4) + await utility.add("W1", 6, "month")
    await utility.owner.execute(
        "UPDATE meter SET removed_on = '2026-05-20', revision = revision + 1 WHERE meter_id = ANY ($1::bigint[])",
        meters,
    )
    july = HERE.at(date_to_day(date(2026, 7, 1)), 8)
    expected = {
        text: (await utility.report(date_to_day(date.fromisoformat(text)), july)).total.collection.expected
        for text in ("2026-04-30", "2026-05-10", "2026-05-19", "2026-05-20", "2026-06-10")
    }
    assert expected == {"2026-04-30": 10, "2026-05-10": 4, "2026-05-19": 4, "2026-05-20": 0, "2026-06-10": 0}


async def test_a_worker_that_was_off_keeps_what_it_missed_as_it_was_due(utility: Utility) -> None:
    """Late data and meters registered since are no part of it; asking again changes nothing."""
    meters = await utility.add("W1", 20)
    for day in range(DAY - 4, DAY + 1):
        await utility.received(meters[:15], day, HERE.at(day + 1, 3))
        await utility.received(meters[15:18], day, HERE.at(day + 1, 9))
    back = DUE + 5 * DAY_S
    founded = date_to_day(date(2026, 3, 1))
    wanted = pieces_due(HERE.key, int(FOUNDED.timestamp()), back, [])
    assert wanted[0].day == max(founded, HERE.day_of(back) - LOOK_BACK_DAYS)
    assert await utility.keep(back) == 40  # a turn's share
    assert 40 + await utility.keep_all(back) == len(wanted)
    assert await utility.keep_all(back) == 0
    for day in range(DAY - 4, DAY + 1):
        total = (await utility.report(day, back)).total
        assert figures(total) == ((20, 18, 2), (20, 15, 5))
    report = await utility.report(DAY, back)
    assert report.frozen_s == back
    # kept once, whatever is counted later
    labels = await utility.names.labels(utility.tenant)
    piece = next(each for each in wanted if each == (DAY, Mode.DAY))
    assert not await utility.kept.keep(utility.tenant, piece, DUE, back, [])
    assert (await utility.report(DAY, back + DAY_S)).total.as_due == report.total.as_due
    assert labels.set_aside == 0


async def test_a_piece_is_kept_when_it_is_due_and_what_came_before_has_been_worked_on(utility: Utility) -> None:
    await utility.add("W1", 5)
    await utility.add("W1", 5, "month")
    assert await utility.keep_all(DUE + SETTLE_S - 1) > 0  # the days before
    assert figures((await utility.report(DAY, DUE)).total)[1] is None
    assert await utility.keep_all(DUE + SETTLE_S) == 1 + 7 + 10  # this day, its week and its 旬
    assert figures((await utility.report(DAY, DUE)).total)[1] == (5, 0, 5)
    june = HERE.at(date_to_day(date(2026, 6, 1)), 8)
    await utility.keep_all(june + SETTLE_S)
    assert figures((await utility.report(DAY, june)).total)[1] == (10, 0, 10)


async def test_a_row_the_readings_store_can_not_hold_is_set_aside_and_said(
    utility: Utility, owner: Pool, pipeline: Pool, clickhouse: ClickHouse, caplog: pytest.LogCaptureFixture
) -> None:
    """The copy goes on for all others; a meter that was corrected is copied like any."""
    (bad,) = await utility.add("W1", 1)
    other = Utility(owner, pipeline, clickhouse, await make_tenant(owner, "beside-a-poisoned-row"))
    await owner.execute("UPDATE meter SET installed_on = '2200-01-01', revision = 2 WHERE meter_id = $1", bad)
    good = await utility.add("W1", 3) + await other.add("W1", 2)

    async def copied() -> set[int]:
        await sync_dims(ChangedMeters(pipeline), MeterDims(clickhouse))
        return {each[0] for each in await clickhouse.query("SELECT meter_id FROM meter_dim FINAL")}

    with caplog.at_level(logging.ERROR):
        assert await copied() >= set(good)
        assert bad not in await copied()
        await owner.execute("INSERT INTO identity_change (tenant_id, meter_id) VALUES ($1, $2)", utility.tenant, bad)
        await copied()
    said = [record.getMessage() for record in caplog.records if f"meter {bad} " in record.getMessage()]
    assert len(said) == 1  # once, not every five seconds
    assert "2200-01-01" in said[0]
    assert [(await each.report(DAY, DUE)).set_aside for each in (utility, other)] == [1, 0]
    kept: list[Any] = await owner.fetch("SELECT field, value FROM dimension_fault WHERE meter_id = $1", bad)
    assert [tuple(each) for each in kept] == [("installed_on", "2200-01-01")]

    await owner.execute("UPDATE meter SET installed_on = '2020-01-01', revision = 3 WHERE meter_id = $1", bad)
    await owner.execute("INSERT INTO identity_change (tenant_id, meter_id) VALUES ($1, $2)", utility.tenant, bad)
    assert bad in await copied()
    assert (await utility.report(DAY, DUE)).set_aside == 0


def test_no_piece_is_from_before_the_utility_or_from_the_future() -> None:
    since = HERE.start_of(DAY - 3) + 3600
    pieces = pieces_due(HERE.key, since, DUE + SETTLE_S, [])
    assert {piece.day for piece in pieces if piece.mode is Mode.DAY} == set(range(DAY - 3, DAY + 1))
    assert {piece.mode for piece in pieces} == set(MODES) - {Mode.MONTH}
    assert pieces_due(HERE.key, since, DUE + SETTLE_S, pieces) == []


async def test_a_span_is_told_at_once_and_what_is_kept_is_not_counted_again(utility: Utility) -> None:
    meters = await utility.add("W1", 10)
    product = await utility.owner.fetchval(
        "SELECT product_id FROM product WHERE tenant_id = $1 AND code = 'W1'", utility.tenant
    )
    for day in (DAY - 1, DAY):
        await utility.received(meters[:9], day, HERE.at(day + 1, 8) - 3600, product=product)
    await utility.keep_all(DUE + SETTLE_S)
    await utility.received(meters[9:], DAY, DUE + 3600, product=product)
    counted: list[int] = []

    class Counting(DayReports):
        async def counts(self, tenant_id: TenantId, asked: DayRequest, *, is_whole: bool = False) -> list[Counts]:
            counted.append(asked.day)
            return await super().counts(tenant_id, asked, is_whole=is_whole)

    reports = Reports(Counting(utility.clickhouse), utility.names, utility.kept)
    now_s = DUE + 2 * 3600
    days = await reports.days(utility.tenant, DAY - 1, DAY + 1, "now", lambda _: -3, now_s)
    assert [day.day for day in days] == [day_to_date(number) for number in (DAY - 1, DAY, DAY + 1)]
    whole = [await reports.collection(utility.tenant, number, "area", now_s) for number in (DAY - 1, DAY, DAY + 1)]
    assert [day.total for day in days] == [report.total for report in whole]
    assert [(day.deadline, day.frozen_at) for day in days] == [(report.deadline, report.frozen_at) for report in whole]
    told = [day.as_due for day in days]
    assert [None if due is None else (due.expected, due.received, due.missing) for due in told] == [
        (10, 9, 1),
        (10, 9, 1),
        None,
    ]
    volumes = [[(one.medium, one.meters, one.volume_m3) for one in day.volumes] for day in days]
    assert volumes == [[("water", 9, "0.432")], [("water", 10, "0.480")], []]
    counted.clear()
    days = await reports.days(utility.tenant, DAY - 1, DAY + 1, "due", lambda _: -3, now_s)
    assert counted == [DAY + 1]  # what is not due yet is kept nowhere
    assert [day.total is None for day in days] == [True, True, False] and [day.as_due for day in days] == told

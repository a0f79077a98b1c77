# SPDX-License-Identifier: Apache-2.0
"""When an order is due by a calendar: nights, week-ends, spans past midnight, days of 23 and 25 hours; whom is sent; cost; pictures; plans."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.ids import UserId
from openmains.domain.period import date_to_day, day_to_date, months_later, utc, zone
from openmains.domain.work_order.assign import Technician, Unfit, best, candidates
from openmains.domain.work_order.clock import OpenSpan, due_at, worked_s
from openmains.domain.work_order.cost import PartUse, cost_fen
from openmains.domain.work_order.inspection import RETRY_DAYS, next_due
from openmains.domain.work_order.picture import media_type_of
from tests.support.properties import counted

SHANGHAI, BERLIN = zone("Asia/Shanghai"), zone("Europe/Berlin")
WEEK = frozenset(range(5))
OFFICE = (OpenSpan(WEEK, 8 * 60, 12 * 60), OpenSpan(WEEK, 13 * 60, 17 * 60))
H = 3600


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("spans", "place", "begins", "hours", "due"),
    [
        ((), SHANGHAI, "2026-11-27T16:00:00+08:00", 4, "2026-11-27T20:00:00+08:00"),
        (OFFICE, SHANGHAI, "2026-11-27T16:00:00+08:00", 4, "2026-11-30T11:00:00+08:00"),  # Friday to Monday
        (OFFICE, SHANGHAI, "2026-11-27T12:30:00+08:00", 1, "2026-11-27T14:00:00+08:00"),  # the lunch hour
        (OFFICE, SHANGHAI, "2026-11-28T09:00:00+08:00", 8, "2026-11-30T17:00:00+08:00"),  # made on a Saturday
        (OFFICE, SHANGHAI, "2026-11-30T08:00:00+08:00", 0, "2026-11-30T08:00:00+08:00"),
        ((OpenSpan(frozenset({4}), 22 * 60, 6 * 60),), SHANGHAI, "2026-11-28T01:00:00+08:00", 6, "2026-12-04T23:00:00+08:00"),
        ((OpenSpan(frozenset(range(7)), 0, 0),), BERLIN, "2026-03-28T12:00:00+01:00", 24, "2026-03-29T13:00:00+02:00"),
        ((OpenSpan(frozenset(range(7)), 60, 240),), BERLIN, "2026-03-29T00:00:00+01:00", 3, "2026-03-30T02:00:00+02:00"),
        ((*OFFICE, *OFFICE), SHANGHAI, "2026-11-27T16:00:00+08:00", 4, "2026-11-30T11:00:00+08:00"),  # overlap counts once
    ],
)  # fmt: skip
def test_due_by_a_calendar(spans: tuple[OpenSpan, ...], place: object, begins: str, hours: int, due: str) -> None:
    found = due_at(spans, place, at(begins), hours * H)  # type: ignore[arg-type]
    assert found is not None and utc(found) == datetime.fromisoformat(due).astimezone(UTC)
    assert worked_s(spans, place, at(begins), found) == hours * H  # type: ignore[arg-type]


def test_a_calendar_that_is_never_open_is_never_due() -> None:
    assert due_at((OpenSpan(frozenset(), 0, 60),), SHANGHAI, 0, 1) is None


@settings(max_examples=counted(60))
@given(
    spans=st.lists(
        st.builds(OpenSpan, st.frozensets(st.integers(0, 6), min_size=1), st.integers(0, 1439), st.integers(0, 1439)), min_size=1, max_size=3
    ),
    begins=st.integers(1_700_000_000, 1_800_000_000),
    work=st.integers(1, 400_000),
)  # fmt: skip
def test_open_time_until_it_is_due_is_the_time_that_was_given(spans: list[OpenSpan], begins: int, work: int) -> None:
    due = due_at(spans, BERLIN, begins, work)
    if due is not None:
        assert due > begins and worked_s(spans, BERLIN, begins, due) == work
        assert worked_s(spans, BERLIN, begins, due - 1) == work - 1


def test_the_nearest_who_has_least_to_do_is_sent() -> None:
    gas = frozenset({"gas"})
    town = [
        Technician(UserId(1), gas, (("0001", "0001g"),), 0),
        Technician(UserId(2), gas, (("00010002", "00010002g"),), 5),
        Technician(UserId(3), gas, (), 0),
        Technician(UserId(4), frozenset(), (), 0),
        Technician(UserId(5), gas, (("0009", "0009g"),), 0),
        Technician(UserId(6), gas, (("00010002", "00010002g"),), 0, is_away=True),
        Technician(UserId(7), gas, (("00010002", "00010002g"),), 4),
    ]
    found = candidates(town, "gas", "0001000200000003")
    assert [one.user_id for one in found] == [7, 2, 1, 3, 6, 4, 5]
    assert {one.user_id: one.unfit for one in found if one.unfit} == {
        6: (Unfit.AWAY,), 4: (Unfit.SKILL,), 5: (Unfit.PLACE,),
    }  # fmt: skip
    assert best(found) == 7 and best(candidates(town[3:5], "gas", "0001")) is None
    assert [one.unfit for one in candidates(town[3:4], "", "0001")] == [()]


def test_cost_is_exact() -> None:
    assert cost_fen([PartUse(1500, 333), PartUse(1000, 1)], 50, 10_001) == 500 + 1 + 8334
    assert cost_fen([], 0, 10**7) == 0


def test_a_picture_is_one_by_its_own_bytes() -> None:
    jpeg = b"\xff\xd8\xff\xe0" + b"x" * 20 + b"\xff\xd9"
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"x" * 17 + b"\0\0\0\0IEND\xaeB`\x82"
    webp = b"RIFF" + (12).to_bytes(4, "little") + b"WEBPVP8 " + b"\0\0\0\0"
    assert [media_type_of(one) for one in (jpeg, png, webp)] == ["image/jpeg", "image/png", "image/webp"]
    broken = (b"", jpeg[:-1], png[:-1], webp + b"\0", b"<svg/>", b"\xff\xd8", b"GIF89a")
    assert [media_type_of(one) for one in broken] == [None] * len(broken)


@settings(max_examples=counted(60))
@given(day=st.integers(15_000, 25_000), months=st.integers(-120, 120))
def test_a_month_later_is_the_same_day_or_the_last_of_its_month(day: int, months: int) -> None:
    before, after = day_to_date(day), day_to_date(months_later(day, months))
    assert after.year * 12 + after.month == before.year * 12 + before.month + months
    assert after.day == before.day or (after.day < before.day and day_to_date(date_to_day(after) + 1).day == 1)


def test_a_place_is_due_a_period_after_it_was_inspected_and_is_tried_again_sooner() -> None:
    assert next_due(None, None, 100, 12) == 100
    day = date_to_day(datetime(2026, 1, 31, tzinfo=UTC).date())
    assert day_to_date(next_due(day, None, 100, 1)).isoformat() == "2026-02-28"
    assert next_due(None, 500, 100, 12) == 500 + RETRY_DAYS
    assert next_due(day, day + 400, 0, 12) == day + 400 + RETRY_DAYS
    assert next_due(day, day - 5, 0, 12) == months_later(day, 12)

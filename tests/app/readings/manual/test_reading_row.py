# SPDX-License-Identifier: Apache-2.0
"""Rows of files of readings: what is written is read back as itself, what could mean two things is refused by name."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.app.readings.manual import export
from openmains.app.readings.manual.model import ManualReading
from openmains.app.readings.manual.reading_row import (
    COLUMNS,
    REASONS,
    SHOWN_ONLY,
    ReadingCheck,
    ReadingError,
    ReadingRow,
    left_out,
)
from openmains.app.spreadsheet import neutral, original
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.ids import MeterId, ProductId, UserId
from openmains.domain.period import zone
from openmains.domain.readings.instants import ClockError, read_instant, time_of_day
from openmains.domain.readings.manual import ReadAs, units_of

SHANGHAI, BERLIN = zone("Asia/Shanghai"), zone("Europe/Berlin")
AT = int(datetime(2026, 11, 29, 2, 5, tzinfo=UTC).timestamp())
HEADER = ["表号", "抄表时间", "读数 (m³)", "备注"]


def check(*cells: str, header: list[str] = HEADER, date_only_s: int | None = None) -> ReadingRow | list[ReadingError]:
    return ReadingCheck(header, SHANGHAI, date_only_s).check(2, list(cells))


def reasons(*cells: str, header: list[str] = HEADER) -> list[str]:
    found = check(*cells, header=header)
    return [error.reason for error in found] if isinstance(found, list) else []


@pytest.mark.parametrize(
    "text",
    ["2026-11-29 10:05", "2026-11-29T10:05:00", "2026/11/29 10:05", "2026.11.29 10:05:00", "2026年11月29日10时05分",
     "2026年11月29日 10:05", "20261129 10:05", "2026-11-29 10:05+08:00", "2026-11-29T02:05:00Z", "2026-11-29 3:05 +0100"],
)  # fmt: skip
def test_an_instant_is_read_in_the_shapes_people_write(text: str) -> None:
    assert read_instant(text, SHANGHAI) == AT


@pytest.mark.parametrize(
    ("text", "reason"),
    [("2026-11-29", "time_needed"), ("2026-11-29+08:00", "time_needed"), ("45321.5", "serial_date"), ("45321", "serial_date"),
     ("2026-02-30 10:00", "bad_instant"), ("2026-11-29 24:00", "bad_instant"), ("2026-11-29 10:60", "bad_instant"),
     ("2026-1-23:30", "bad_instant"), ("29.11.2026 10:05", "bad_instant"), ("11/12/2026 10:05", "bad_instant"),
     ("2026-11-29 10:05 PM", "bad_instant"), ("1899-12-31 10:00", "bad_instant"), ("2026-11-29 10:05+25:00", "bad_instant")],
)  # fmt: skip
def test_what_may_be_another_instant_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ClockError, match=reason):
        read_instant(text, SHANGHAI)


def test_local_times_that_are_twice_or_never() -> None:
    for text, reason in (("2026-10-25 02:30", "time_twice"), ("2026-03-29 02:30", "time_never")):
        with pytest.raises(ClockError, match=reason):
            read_instant(text, BERLIN)
    first, second = (read_instant(f"2026-10-25 02:30+0{offset}:00", BERLIN) for offset in (2, 1))
    assert second - first == 3600
    assert read_instant("2026-11-29", SHANGHAI, time_of_day("10:05")) == AT
    assert time_of_day("24:00") is None


@given(
    at=st.integers(32_000_000, 4_102_000_000),
    place=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns"]),
)
def test_what_files_write_is_read_back_as_the_same_instant(at: int, place: str) -> None:
    assert read_instant(zone(place).iso(at), zone(place)) == at


def test_a_row_and_what_is_wrong_with_one() -> None:
    assert check("0012", "2026-11-29 10:05", "123.400", "门锁") == ReadingRow(2, "0012", "", AT, 123_400, 3, "门锁")
    assert reasons("0012", "", "", "") == ["required", "required"]
    assert reasons("", "2026-11-29 10:05", "1", "") == ["meter_needed"]
    assert reasons("6.6E+15", "2026-11-29 10:05", "1E+3", "") == ["digits_lost", "digits_lost"]
    for text in ("-1", "1,234", "1 234", "123m3", "１２", "1.", ".5", "1234567890123", "0x1"):
        assert reasons("1", "2026-11-29 10:05", text, "") == ["bad_register"], text
    assert reasons("1", "#N/A", "#REF!", "=1+1") == ["sheet_error", "sheet_error", "formula_sign"]
    assert reasons("1", "2026-11-29 10:05", "1", "a\u202eb") == ["control_sign"]
    assert reasons("1", "2026-11-29 10:05", "1", "", "more") == ["too_many_cells"]
    assert check("1", "2026-11-29", "1", "", date_only_s=36_300) == ReadingRow(2, "1", "", AT, 1, 0, "")


def test_headings_in_both_languages_and_those_that_may_mean_two_things() -> None:
    for column, language in ((column, language) for column in COLUMNS.values() for language in ("zh", "en")):
        assert left_out([getattr(column, language)]) == []
    assert left_out([column.en for column in SHOWN_ONLY.values()]) == [column.en for column in SHOWN_ONLY.values()]
    assert not {h for c in SHOWN_ONLY.values() for h in c.headings} & {h for c in COLUMNS.values() for h in c.headings}
    with pytest.raises(HeaderError, match="may mean two things: call it 'read at'"):
        ReadingCheck(["number", "date", "register"], SHANGHAI)
    with pytest.raises(HeaderError, match="missing columns: read at, register"):
        ReadingCheck(["number", "value"], SHANGHAI)
    with pytest.raises(HeaderError, match="missing columns: meter number"):
        ReadingCheck(["read at", "register"], SHANGHAI)
    with pytest.raises(HeaderError, match="more than once"):
        ReadingCheck(["number", "read at", "register", "读数"], SHANGHAI)
    assert all(zh and en for zh, en in REASONS.values())


TEXTS = st.one_of(
    st.sampled_from(["", "=1+1", "-", "'=x", "a;=b", 'a"b', "0012", "欧阳修", "1E5", "2024-01-02", "#1", "TRUE"]),
    st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20).map(str.strip),
)


@given(
    note=TEXTS, code=st.sampled_from(["", "0012", "=5", "B-1"]), at=st.integers(32_000_000, 4_102_000_000), register=st.integers(0, 10**11),
    zeros=st.integers(0, 3), exponent=st.sampled_from([-4, -3, -2, 0]), language=st.sampled_from(["zh", "en"]),
    place=st.sampled_from([SHANGHAI, BERLIN]),
)  # fmt: skip
def test_each_column_of_a_row_is_read_back_as_itself(
    note: str, code: str, at: int, register: int, zeros: int, exponent: int, language: str, place: object
) -> None:
    """Cells as the file has them; what reads and writes whole files is the same as for the registry."""
    digit = 10 ** min(zeros, -exponent)
    register -= register % digit
    reading = ManualReading(
        1, MeterId(2), "0012345", code, "d", ProductId(1), datetime.fromtimestamp(at, UTC), register, digit, note, "form", None, UserId(1),
        "王", datetime.fromtimestamp(at, UTC), "booked", 5, ["spike"],
    )  # fmt: skip
    head = export.head(language)
    cells = [original(neutral(cell)) for cell in export.row(reading, {"d": exponent}, place, language)]  # type: ignore[arg-type]
    found = ReadingCheck(head, place).check(2, cells)  # type: ignore[arg-type]
    if isinstance(found, list):  # a note that no door of ours would have let in
        assert {error.reason for error in found} <= {"mojibake", "control_sign"}
        return
    assert (found.number, found.bar_code, found.at, found.note) == ("0012345", code, at, note)
    assert units_of(found.coefficient, found.decimals, exponent) == ReadAs(register, digit)
    assert set(left_out(head)) == {getattr(column, language) for column in SHOWN_ONLY.values()}

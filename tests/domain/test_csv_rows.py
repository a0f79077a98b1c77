# SPDX-License-Identifier: Apache-2.0
"""Rows of a CSV somebody else wrote: a stray mark or a bad byte costs its own line, and every line is counted."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.csv_rows import Broken, Rows, lines_of

THIRTY = ["number,name,place", *(f"{place},name {place},box" for place in range(30))]


def read(data: bytes) -> list[tuple[int, list[str]] | Broken]:
    return list(Rows(lines_of(data)))


@pytest.mark.parametrize("cell", [0, 1, 2])
@pytest.mark.parametrize("line", [1, 7, 30])
def test_a_mark_that_is_never_closed_costs_one_row(line: int, cell: int) -> None:
    lines = [text.split(",") for text in THIRTY]
    lines[line][cell] = '"' + lines[line][cell]
    found = read("\r\n".join(",".join(cells) for cells in lines).encode())
    assert len(found) == 31
    assert [(item.line, item.reason) for item in found if isinstance(item, Broken)] == [(line + 1, "unclosed_quote")]


def test_two_stray_marks_that_look_like_one_cell_are_two_faults() -> None:
    lines = list(THIRTY)
    lines[4], lines[9] = '3,"name 3,box', '8,name 8",box'
    broken = [item for item in read("\n".join(lines).encode()) if isinstance(item, Broken)]
    assert [(item.line, item.reason) for item in broken] == [(5, "unclosed_quote"), (10, "stray_quote")]


def test_a_cell_may_go_on_over_lines_where_together_they_are_one_row() -> None:
    assert read(b'a,b,c\n1,"x\ny, z",3\n4,5,6\n') == [
        (1, ["a", "b", "c"]),
        (2, ["1", "x\ny, z", "3"]),
        (4, ["4", "5", "6"]),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_one_bad_byte_does_not_change_the_encoding_of_the_others(encoding: str) -> None:
    lines = [f"{place},张三{place},一单元".encode(encoding) for place in range(20)]
    lines[7] = lines[7][:-1] + b"\xff"
    found = read(b"\r\n".join(lines))
    assert [item for item in found if not isinstance(item, Broken)] == [
        (place + 1, [str(place), f"张三{place}", "一单元"]) for place in range(20) if place != 7
    ]
    assert [(item.line, item.reason) for item in found if isinstance(item, Broken)] == [(8, "bad_bytes")]


def test_a_line_of_utf8_pasted_into_gb18030_is_not_read_as_other_letters() -> None:
    lines = [f"{place},李四".encode("gb18030") for place in range(9)] + ["9,张三".encode()]
    assert [item.line for item in read(b"\n".join(lines)) if isinstance(item, Broken)] == [10]


@given(st.lists(st.lists(st.text("ab\",;'\t", max_size=5), min_size=3, max_size=3), min_size=1, max_size=8))
def test_what_a_sound_writer_wrote_is_read_as_it_was(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    reader = Rows(lines_of(out.getvalue().encode()), ",")
    assert [item[1] for item in reader] == [row for row in rows if any(row)]
    assert reader.lines == len(rows) + 1  # what stands after the last end of line is a line too, and empty


@given(st.text('ab,"\n', max_size=60))
def test_every_line_is_a_row_a_fault_or_part_of_a_row(text: str) -> None:
    reader = Rows(lines_of(text.encode()), ",")
    for _ in reader:
        pass
    assert reader.lines == text.count("\n") + 1

# SPDX-License-Identifier: Apache-2.0
"""Headings of other systems' files: read as what a person said, never as something that a heading means here already."""

from datetime import date

import pytest

from openmains.domain.fleet.cells import HeaderError, plain_heading
from openmains.domain.fleet.meter_row import MeterRow, RowCheck, heading_fault, left_out

TODAY = date(2026, 11, 29)
HEAD = ["出厂编号", "产品代码", "区域代码", "装表日", "备注"]
OWN = {plain_heading("出厂编号"): "number", plain_heading("装表日"): "installed_on"}
ROW = ["A-1", "W", "N", "2026-01-02", "x"]


def test_a_heading_that_was_said_is_its_column() -> None:
    with pytest.raises(HeaderError, match="缺少列：表号、安装日期"):
        RowCheck(HEAD, TODAY)
    row = RowCheck(HEAD, TODAY, OWN).check(2, ROW)
    assert isinstance(row, MeterRow) and (row.number, row.installed_on) == ("A-1", date(2026, 1, 2))
    assert left_out(HEAD, OWN) == ["备注"] and left_out(HEAD) == ["出厂编号", "装表日", "备注"]
    spelled = RowCheck(["出厂 编号：", *HEAD[1:]], TODAY, OWN).check(
        2, ROW
    )  # spaces and marks are no matter, as for our own
    assert isinstance(spelled, MeterRow)


def test_twice_the_same_column_is_refused_by_name() -> None:
    with pytest.raises(HeaderError, match=r"表号.*多次"):
        RowCheck([*HEAD, "表号"], TODAY, OWN)


def test_what_a_heading_means_here_stays() -> None:
    assert heading_fault("IMEI", "number") == heading_fault("表 号", "imei") == "known"
    assert heading_fault(" :", "number") == "empty"
    assert heading_fault("出厂编号", "serial") == "unknown-column"
    assert heading_fault("出厂编号", "number") is None
    row = RowCheck(["表号", "产品代码", "区域代码", "安装日期"], TODAY, {plain_heading("表号"): "imei"}).check(
        2, ROW[:4]
    )
    assert isinstance(row, MeterRow) and row.number == "A-1" and row.imei is None


def test_a_heading_of_two_meanings_is_what_a_person_said() -> None:
    head = ["表号", "产品代码", "区域代码", "安装日期", "客户"]
    with pytest.raises(HeaderError, match="含义不明"):
        RowCheck(head, TODAY)
    assert heading_fault("客户", "customer_code") is None
    row = RowCheck(head, TODAY, {plain_heading("客户"): "customer_code"}).check(
        2, ["A-1", "W", "N", "2026-01-02", "C7"]
    )
    assert isinstance(row, MeterRow) and row.customer_code == "C7"

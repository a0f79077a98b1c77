# SPDX-License-Identifier: Apache-2.0
"""What rows of a file mean beside what is stored: only what is not known is new, and every row that is refused says why."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from openmains.app.readings.bulk.insert.days import StoredRow
from openmains.app.readings.bulk.insert.message import Inserted, insert_uplink, read_inserted
from openmains.app.readings.bulk.insert.plan import Known, KnownValue, MeterPlan, plan_meter
from openmains.app.readings.bulk.insert.reader import ValueChunk, ValueOrders, chunks
from openmains.app.readings.bulk.insert.value_row import COLUMNS, REASONS, RowCheck, ValueFault, ValueRow
from openmains.app.readings.manual.model import ReadMeter
from openmains.domain.ids import MeterId, ProductId, TenantId, UserId
from openmains.domain.period import zone
from openmains.domain.readings.model import DayRow, Limits
from openmains.domain.readings.quality import Slot

ZONE = zone("Asia/Shanghai")
DAY = 20_250
START = ZONE.start_of(DAY)
NOW = START + 40 * 86_400
METER = ReadMeter(MeterId(7), "1007", "", "openmains/water-1", "meter", 3125, 100_000, 0, None, ProductId(1))
LIMITS = Limits(3125, dial=100_000, installed_at=START - 10 * 86_400)


def rows_of(
    point: str, at: int, values: Sequence[int | None], every: int = 1_800, first: int = 2, **more: Any
) -> list[ValueRow]:
    exponent = more.get("exponent", {"pressure": -1}.get(point, -3))
    return [
        ValueRow(first + k, point, at + k * every, value, exponent, 0 if point == "register" else every, more.get("quality", 0))
        for k, value in enumerate(values)
    ]  # fmt: skip


def plan(rows: list[ValueRow], known: Known | None = None, *days: DayRow, meter: ReadMeter = METER) -> MeterPlan:
    stored = {row.day: StoredRow(row, 1) for row in days}
    order = sorted(rows, key=lambda row: (row.point, row.at, row.row))
    return plan_meter(meter, -3, LIMITS, order, known or {}, stored, ZONE, NOW)


def reasons(found: MeterPlan) -> list[str]:
    return [fault.reason for fault in found.faults]


def test_a_day_of_volumes_with_one_register_becomes_a_whole_day() -> None:
    found = plan([*rows_of("increments", START, [1] * 48), *rows_of("register", START + 10 * 1_800, [510], first=90)])
    (day,) = found.days
    assert (day.day, day.base, day.increments, day.quality, found.faults) == (DAY, 500, [1] * 48, [0] * 48, [])
    assert (found.taken, found.unchanged, day.received_s) == (49, 0, NOW)


def test_a_days_register_comes_from_the_days_beside_it_too() -> None:
    before, after = DayRow(DAY - 1, 100, 1_800, [1] * 48, [0] * 48), DayRow(DAY + 1, 900, 1_800, [0] * 48, [0] * 48)
    volumes = rows_of("increments", START, [2] * 48)
    assert plan(volumes, None, before).days[0].base == 148
    assert plan(volumes, None, after).days[0].base == 804
    two = plan([*volumes, *rows_of("increments", START + 86_400, [0] * 48, first=90)], None, before)
    assert [day.base for day in two.days] == [148, 244]
    assert reasons(plan(volumes)) == ["register_needed"] * 48 and plan(volumes).is_empty


def test_what_is_known_stays_and_is_said_but_for_what_nobody_measured() -> None:
    known = {
        ("increments", START): KnownValue(5, 0, 1_800),
        ("increments", START + 1_800): KnownValue(5, int(Slot.ESTIMATED), 1_800),
        ("increments", START + 3_600): KnownValue(None, 1, 1_800),
        ("increments", START + 5_400): KnownValue(5, int(Slot.EDITED), 1_800),
        ("increments", START + 7_200): KnownValue(5, 0, 1_800),
    }
    stored = DayRow(DAY, 50, 1_800, [5, 5, 0, 5, 5] + [0] * 43, [0, 2, 1, 16, 0] + [1] * 43)
    found = plan(rows_of("increments", START, [6, 6, 6, 6, 5]), known, stored)
    assert [(fault.reason, fault.row, fault.known) for fault in found.faults] == [
        ("value_differs", 2, "5"),
        ("value_differs", 5, "5"),
    ]
    (day,) = found.days
    assert (found.taken, found.unchanged, day.base, day.received_s) == (2, 1, 50, 1)
    assert day.quality[:5] == [1, 0, 0, 1, 1] and day.increments[1:3] == [6, 6]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (rows_of("increments", START + 60, [1]), "off_grid"),
        (rows_of("increments", START, [1], 1), "off_grid"),
        (rows_of("increments", START, [2**31]), "impossible_value"),
        (rows_of("register", START, [100_000]), "impossible_value"),
        (rows_of("register", START, [1]), "register_alone"),
        (rows_of("pressure", START, [15], exponent=-2), "too_fine"),
        (rows_of("pressure", NOW + 86_400, [15]), "in_the_future"),
        (rows_of("pressure", START - 11 * 86_400, [15]), "before_installation"),
        ([*rows_of("pressure", START, [15]), *rows_of("pressure", START, [16], first=9)], "duplicate_in_file"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(rows: list[ValueRow], reason: str) -> None:
    found = plan(rows)
    assert reasons(found) == [reason] and all(fault.text("zh") and fault.text("en") for fault in found.faults)


def test_registers_of_days_without_volumes_are_judged_as_a_meters_own() -> None:
    found = plan(rows_of("register", START, [1_000 + k for k in range(97)]))
    assert [day.day for day in found.days][:2] == [DAY, DAY + 1] and found.faults == []
    assert sum(found.days[0].increments) == 48 and not any(flags & Slot.MISSING for flags in found.days[0].quality)
    back = plan(rows_of("register", START, [1_000, 1_001, 5, 1_003, 1_004]))
    assert "register_refused" in reasons(back) and back.taken < 5
    measured = DayRow(DAY, 1_000, 1_800, [1] * 48, [0] * 48)
    again = plan(rows_of("register", START + 60, [1_000 + k for k in range(48)]), None, measured)
    assert [day.day for day in again.days] in ([], [DAY + 1])  # nothing that was measured is replaced


def test_registers_beside_volumes_must_fit_them() -> None:
    volumes = rows_of("increments", START, [1] * 48)
    found = plan(
        [*volumes, *rows_of("register", START, [500], first=90), *rows_of("register", START + 3_600, [503], first=91)]
    )
    assert [(fault.reason, fault.known) for fault in found.faults] == [("register_differs", "502")]


def test_values_of_other_quantities_become_runs_and_spot_values() -> None:
    found = plan([
        *rows_of("pressure", START, [30, 31, None, 33, 34]), *rows_of("pressure", START + 86_400, [40], 0, first=20, quality=8),
        *rows_of("battery_mv", START, [3_600], 0, first=30, exponent=0 - 3), *rows_of("balance", START, [-500], 0, first=31, exponent=-2),
    ])  # fmt: skip
    assert found.faults == []
    assert [(run.start_s, run.interval_s, run.values, run.quality) for run in found.runs] == [
        (START, 1_800, [30, 31], []), (START + 5_400, 1_800, [33, 34], []), (START + 86_400, 0, [40], [8]),
    ]  # fmt: skip
    assert [logged.values for logged in found.logged] == [{"balance": -500, "balance_kind": 0, "battery_mv": 3_600}]
    assert (found.taken, found.unchanged) == (7, 1)


def test_two_kinds_of_balance_of_an_instant_are_two_rows_one_after_the_other() -> None:
    found = plan([
        *rows_of("balance", START, [5, 6], exponent=-2), *rows_of("balance_volume", START, [7], first=9),
        *rows_of("battery_pct", START, [80], first=10, exponent=0),
    ])  # fmt: skip
    assert [(logged.at - START, logged.values) for logged in found.logged] == [
        (0, {"balance": 5, "balance_kind": 0, "battery_pct": 80}), (1_800, {"balance": 6, "balance_kind": 0}),
        (0, {"balance": 7, "balance_kind": 1}),
    ]  # fmt: skip


def test_a_monitor_has_no_volume() -> None:
    monitor = ReadMeter(MeterId(7), "1007", "", "d", "monitor", 0, 0, 0, None, ProductId(1))
    assert reasons(plan(rows_of("increments", START, [1]), meter=monitor)) == ["no_volume"]


def test_every_reason_of_the_plan_has_both_texts() -> None:
    assert all(zh and en for zh, en in REASONS.values())


def test_the_message_comes_back_as_it_went() -> None:
    found = plan(
        [*rows_of("increments", START, [1] * 48), *rows_of("register", START, [5]), *rows_of("pressure", START, [3])]
    )
    word = Inserted(UserId(3), 9, "f.csv", found.runs, found.logged, found.days)
    assert read_inserted(insert_uplink(word, MeterId(7), TenantId(1), ProductId(1), 5).payload) == word
    for wrong in (
        b"",
        b"{}",
        b'{"user_id":1,"job_id":1,"days":[[1,2,0,[1],[0],1]]}',
        b'{"user_id":1,"job_id":1,"runs":[[1,2,0,[],[]]]}',
    ):
        assert isinstance(read_inserted(wrong), str)


# files ----------------------------------------------------------------------------------------------------------------

TABLE = {
    "meter_id": [1, 1, 2], "number": ["1007", "1007", "1008"], "point": ["pressure", "increments", "pressure"],
    "at": [datetime.fromtimestamp(START + k, UTC) for k in (1_800, 0, 0)], "value": [31, 5, None], "exponent": [-1, -3, -1],
    "unit": ["kPa", "m3", "kPa"], "interval_s": [1_800, 1_800, 0], "quality": ["", "suspect", "missing"],
}  # fmt: skip


def written(form: str, path: Path) -> Path:
    table = pa.table(TABLE)
    if form == "parquet":
        pq.write_table(table, path)
    elif form == "arrows":
        with pa.OSFile(str(path), "wb") as out, ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    else:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(TABLE)
        for cells in zip(*TABLE.values(), strict=True):
            writer.writerow(
                [cell.isoformat() if isinstance(cell, datetime) else "\\N" if cell is None else cell for cell in cells]
            )
        path.write_text(text.getvalue())
    return path


def read_all(path: Path) -> tuple[ValueChunk, dict[str, list[ValueRow]]]:
    first, *others = chunks(ValueOrders(str(path), ZONE.key))
    return first, {number: rows for chunk in others for number, rows in chunk.meters}


@pytest.mark.parametrize("form", ["arrows", "parquet", "csv"])
def test_each_form_says_the_same(form: str, tmp_path: Path) -> None:
    head, meters = read_all(written(form, tmp_path / f"f.{form}"))
    assert (head.read, head.faults, head.failure) == (3, [], "")
    assert meters == {
        "1007": [
            ValueRow(2, "pressure", START + 1_800, 31, -1, 1_800, 0),
            ValueRow(3, "increments", START, 5, -3, 1_800, int(Slot.SUSPECT)),
        ],
        "1008": [ValueRow(4, "pressure", START, None, -1, 0, 0)],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("number", "", "number_needed"), ("point", "colour", "unknown_point"), ("at", "2026-01-01", "time_needed"),
        ("at", "yesterday", "bad_instant"), ("value", "1.5", "bad_value"), ("value", True, "bad_value"), ("exponent", "x", "bad_exponent"),
        ("unit", "bar", "unit_differs"), ("interval_s", -1, "bad_interval"), ("quality", "good", "bad_quality"),
    ],
)  # fmt: skip
def test_a_cell_that_is_wrong_is_named(column: str, cell: Any, reason: str) -> None:
    cells: dict[str, Any] = dict(
        zip(
            COLUMNS,
            ("1", "pressure", f"{datetime.fromtimestamp(START, UTC).isoformat()}", 5, -1, "kPa", 0, ""),
            strict=True,
        )
    )
    check = RowCheck(COLUMNS, ZONE)
    assert isinstance(check.check(2, list(cells.values())), tuple)
    found = check.check(2, list((cells | {column: cell}).values()))
    assert isinstance(found, ValueFault) and (found.column, found.reason, found.row) == (column, reason, 2)
    assert REASONS[reason]


def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for name, data in (
        ("f.parquet", b"PAR1xxxx"),
        ("f.arrows", b"\xff\xff\xff\xff\x00\x01"),
        ("f.csv", b"a,b\n1,2\n"),
        ("f.csv", b""),
    ):
        (tmp_path / name).write_bytes(data)
        (only,) = chunks(ValueOrders(str(tmp_path / name), ZONE.key))
        assert only.failure, name

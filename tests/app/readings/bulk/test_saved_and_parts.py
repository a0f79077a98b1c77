# SPDX-License-Identifier: Apache-2.0
"""Periods of kept questions, days that are due, and parts of exports put together: what needs no engine."""

import io
from collections.abc import Sequence
from datetime import date
from typing import Any, cast

import pyarrow as pa
import pyarrow.ipc as ipc
import pytest

from openmains.app.identity.model import Actor
from openmains.app.readings.bulk.export import Part, part_bytes
from openmains.app.readings.bulk.ports import BulkMeter, BulkStore, Form, Wanted
from openmains.app.readings.bulk.saved import Period, SavedQuestion, days_of
from openmains.app.readings.bulk.sums import last_due
from openmains.domain.identity.role import Role
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.period import date_to_day, zone
from openmains.domain.readings.expected import Mode
from openmains.edges.http.readings_saved import address_of

TODAY = date(2026, 3, 5)
ZONE = zone("Asia/Shanghai")
ACTOR = Actor(TenantId(1), UserId(1), "a", "A", Role.VIEWER, "zh", "Asia/Shanghai", "token")


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("yesterday", date(2026, 3, 4), date(2026, 3, 4)),
        ("last_7_days", date(2026, 2, 26), date(2026, 3, 4)),
        ("last_30_days", date(2026, 2, 3), date(2026, 3, 4)),
        ("this_month", date(2026, 3, 1), TODAY),
        ("last_month", date(2026, 2, 1), date(2026, 2, 28)),
        ("this_year", date(2026, 1, 1), TODAY),
        ("last_year", date(2025, 1, 1), date(2025, 12, 31)),
    ],
)
def test_a_period_is_that_of_the_day_it_is_asked_on(period: Period, first: date, last: date) -> None:
    assert days_of(SavedQuestion("sums", "page", period), TODAY) == (first, last)


def test_a_kept_question_leads_to_its_answer() -> None:
    asked = SavedQuestion("registers", "csv", "this_month")
    assert address_of(asked, TODAY, "Asia/Shanghai") == (
        "/api/v1/bulk/registers.csv?devices=meter&at=2026-02-28T16%3A00%3A00%2B00%3A00"
    )
    asked = SavedQuestion("values", "arrow", "yesterday", points=("pressure",))
    assert "form=arrow&points=pressure" in address_of(asked, TODAY, "Asia/Shanghai")
    asked = SavedQuestion("sums", "page", "last_month", by="class", every="month")
    assert address_of(asked, TODAY, "UTC").endswith("first=2026-02-01&last=2026-02-28&by=class&every=month")


def test_the_last_day_that_is_due() -> None:
    def due(year: int, month: int, day: int, hour: int, mode: Mode) -> date:
        at = ZONE.at(date_to_day(date(year, month, day)), hour)
        return date.fromordinal(date(1970, 1, 1).toordinal() + last_due(at, mode, ZONE))

    assert due(2026, 3, 5, 9, Mode.DAY) == date(2026, 3, 4)
    assert due(2026, 3, 5, 7, Mode.DAY) == date(2026, 3, 3)
    assert due(2026, 3, 2, 9, Mode.WEEK) == date(2026, 3, 1)
    assert due(2026, 3, 11, 7, Mode.TEN_DAYS) == date(2026, 2, 28)
    assert due(2026, 3, 11, 9, Mode.TEN_DAYS) == date(2026, 3, 10)
    assert due(2026, 3, 31, 9, Mode.MONTH) == date(2026, 2, 28)


class Pieces:
    """A store that makes files as the engine does: one row for each meter."""

    async def values(self, tenant_id: TenantId, meters: Sequence[BulkMeter], wanted: Wanted, form: Form) -> bytes:
        del tenant_id, wanted
        ids = [int(meter.meter_id) for meter in meters]
        if form == "csv":
            return b'"meter_id"\n' + b"".join(b"%d\n" % meter_id for meter_id in ids)
        batch = pa.record_batch({"meter_id": pa.array(ids, pa.uint64())})
        sink = io.BytesIO()
        with ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return sink.getvalue()


@pytest.mark.parametrize("form", ["arrow", "csv"])
async def test_pieces_make_one_file(form: Form) -> None:
    meters = [BulkMeter(MeterId(number), str(number), -3, 0) for number in range(1, 8)]
    part = Part([meters[:3], meters[3:6], meters[6:]], 7, None)
    wanted = Wanted(("pressure",), {"pressure": ("kPa", -1)}, 0, 1, "UTC")
    store = cast(BulkStore, Pieces())
    data = b"".join([piece async for piece in part_bytes(store, ACTOR, wanted, form, part)])
    if form == "csv":
        assert data == b'"meter_id"\n1\n2\n3\n4\n5\n6\n7\n'
    else:
        table: Any = ipc.open_stream(data).read_all()
        assert table.column("meter_id").to_pylist() == [1, 2, 3, 4, 5, 6, 7]
        assert data.endswith(bytes.fromhex("ffffffff00000000"))

# SPDX-License-Identifier: Apache-2.0
"""Values inserted in bulk: what this system exports changes nothing; on another meter it makes the same readings, once."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.ipc as ipc

from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.bulk.insert.insert import BulkInsert, InsertRequest, InsertResult
from openmains.app.readings.manual.take import exponents
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_to_date
from openmains.drivers.model import MISSING_VALUE, Kind
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.bulk import ClickHouseBulk
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.readings.insert_meters import PostgresInsertMeters
from tests.edges.http.test_quantities import HALF_HOUR, ZONE, House, house, house_of, iso, water
from tests.edges.http.world import World

__all__ = ["house", "water"]  # fixtures
POINTS = ["increments", "register", "pressure", "temperature", "battery_mv", "balance"]


class Insert:
    """The job's work by hand; what it puts into the stream is applied at once."""

    def __init__(self, house: House, pipeline: Pool, folder: Path) -> None:
        self.house, self.pipeline, self.folder, self.sent, self.job_id = house, pipeline, folder, 0, 0

    async def replay(self, uplinks: Sequence[Uplink]) -> None:
        self.sent += len(uplinks)
        await self.house.apply(*uplinks)

    async def take(self, data: bytes, kind: str, **more: Any) -> InsertResult:
        self.job_id, self.sent = self.job_id + 1, 0
        path = self.folder / f"{self.house.meter_id}-{self.job_id}.{kind}"
        path.write_bytes(data)
        world, options = self.house.world, {"partial": False, "preview": False} | more
        task = InsertRequest(path, "old.csv", TenantId(world.a.tenant_id), UserId(1), self.job_id, ZONE.key, **options)
        store = ClickHouseBulk(self.house.clickhouse)
        insertion = BulkInsert(
            task, PostgresInsertMeters(self.pipeline), store, self, exponents(world.deps.drivers), world.deps.now_us
        )
        return await insertion.run()


async def number_of(house: House) -> str:
    return str(await house.world.owner.fetchval("SELECT number FROM meter WHERE meter_id = $1", house.meter_id))


async def exported(house: House, form: str, points: Sequence[str] = POINTS) -> bytes:
    asked: dict[str, Any] = {
        "points": list(points), "from": iso(house.midnight - 2 * 86_400), "to": iso(house.midnight + 3 * 86_400), "form": form,
        "numbers": [await number_of(house)], "rows": 1_000_000, "devices": "any",
    }  # fmt: skip
    async with house.world.client(house.world.a.token) as client:
        answer = await client.get("/bulk/values", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.content


def lines(data: bytes) -> list[dict[str, str]]:
    return [
        {name: cell for name, cell in row.items() if name not in ("meter_id", "number")}
        for row in csv.DictReader(io.StringIO(data.decode()))
    ]


async def tells(house: House, start: int, base: int) -> None:
    """An enhanced report of the day that begins at ``start``: volumes, pressures with a hole, battery and balance."""
    values: dict[str, Any] = {
        "frame_seq": house.seq, "device_at": start + 86_700, "meter_number": 0, "start_at": start, "interval_s": HALF_HOUR, "base": base,
        "increments": [5] * 48, "register": base + 240, "battery_mv": 3_600, "balance": 1_250, "balance_kind": 0, "temperature": 155,
        "pressure_interval_s": HALF_HOUR, "pressure": [300 + k % 5 if k != 7 else MISSING_VALUE for k in range(48)],
    }  # fmt: skip
    house.seq += 1
    await house.apply(house.uplink(house.driver.encode(Kind.REPORT, values, "enhanced"), start + 86_705))


async def two_days(house: House) -> None:
    for day, base in ((-1, 5_000), (0, 5_240)):
        await tells(house, house.midnight + (day - 1) * 86_400, base)


async def test_what_is_exported_changes_nothing_in_any_form(water: House, pipeline: Pool, tmp_path: Path) -> None:
    await two_days(water)
    insert = Insert(water, pipeline, tmp_path)
    before = await exported(water, "csv")
    assert len({row["point"] for row in lines(before)}) >= 3
    for form, kind in (("arrow", "arrows"), ("parquet", "parquet"), ("csv", "csv")):
        found = await insert.take(await exported(water, form), kind)
        assert (found.rows, found.unchanged, found.taken, found.rejected, insert.sent) == (
            len(lines(before)), len(lines(before)), 0, 0, 0,
        ), (form, found.faults[:3])  # fmt: skip
    assert await exported(water, "csv") == before


async def test_the_same_values_on_another_meter_are_the_same_readings(
    water: House, world: World, clickhouse: ClickHouse, pipeline: Pool, tmp_path: Path
) -> None:
    await two_days(water)
    other = await house_of("openmains/water-1", world, clickhouse, pipeline)
    insert = Insert(other, pipeline, tmp_path)
    old, given = await number_of(water), await number_of(other)
    table = ipc.open_stream(await exported(water, "arrow")).read_all()
    place = table.schema.names.index("number")
    kept = [given if cell in (old, old.encode()) else cell for cell in table.column(place).to_pylist()]
    out = io.BytesIO()
    changed = table.set_column(place, "number", pa.array(kept, pa.string()))
    with ipc.new_stream(out, changed.schema) as stream:
        stream.write_table(changed)
    seen = await insert.take(out.getvalue(), "arrows", preview=True)
    unknown = table.column("value").null_count  # says nothing, and makes nothing
    assert unknown == 2
    new = table.num_rows - unknown
    assert (seen.taken, seen.rejected, seen.applied, insert.sent) == (new, 0, False, 0), seen.faults[:3]
    found = await insert.take(out.getvalue(), "arrows")
    assert (found.taken, found.unchanged, found.rejected, found.applied) == (new, unknown, 0, True)
    known = [row for row in lines(await exported(water, "csv")) if row["quality"] != "missing"]
    assert lines(await exported(other, "csv")) == known
    again = await insert.take(out.getvalue(), "arrows")
    assert (again.taken, again.unchanged, insert.sent) == (0, table.num_rows, 0)
    day = day_to_date(ZONE.day_of(water.midnight) - 1).isoformat()
    (version,) = (await other.get(f"days/{day}/versions"))["items"]
    assert (version["cause"], version["person_id"], version["reason"]) == ("insert", 1, "old.csv")
    await tells(other, other.midnight, 5_480)  # and the meter itself goes on above it
    assert len(lines(await exported(other, "csv", ["increments"]))) == 3 * 48


async def test_rows_that_differ_are_refused_one_by_one_and_the_rest_is_taken_only_where_asked(
    house: House, pipeline: Pool, tmp_path: Path
) -> None:
    number, at = await number_of(house), house.midnight - 86_400
    await house.say("spots", at, pressure=312)
    insert = Insert(house, pipeline, tmp_path)
    rows = [
        "number,point,at,value,exponent,unit,interval_s,quality",
        f"{number},pressure,{iso(at)},313,-1,kPa,0,", f"{number},pressure,{iso(at + 60)},314,-1,kPa,0,",
        f"nobody,pressure,{iso(at)},1,-1,kPa,0,", f"{number},colour,{iso(at)},1,0,,0,", f"{number},pressure,{iso(at)},31.2,-1,kPa,0,",
        f"{number},temperature,{iso(at + 60)},155,-1,,0,suspect",
    ]  # fmt: skip
    data = "\n".join(rows).encode()
    whole = await insert.take(data, "csv")
    assert (whole.rows, whole.rejected, whole.applied, whole.taken, insert.sent) == (6, 4, False, 0, 0)
    assert [(fault.row, fault.reason) for fault in whole.faults] == [
        (2, "value_differs"), (4, "unknown_meter"), (5, "unknown_point"), (6, "bad_value"),
    ]  # fmt: skip
    part = await insert.take(data, "csv", partial=True)
    assert (part.taken, part.rejected, part.applied, insert.sent) == (2, 4, True, 1)
    assert [(row["value"], row["quality"]) for row in lines(await exported(house, "csv", ["pressure", "temperature"]))] == [
        ("312", ""), ("314", ""), ("155", "suspect"),
    ]  # fmt: skip
    assert (await insert.take(data, "csv", partial=True)).unchanged == 2 and insert.sent == 0


async def test_every_quantity_is_inserted_and_exported(house: House, pipeline: Pool, tmp_path: Path) -> None:
    insert, number, at = Insert(house, pipeline, tmp_path), await number_of(house), house.midnight - 3_600
    wanted: dict[str, tuple[int, int]] = {}
    for place, name in enumerate(vocabulary().quantities):
        point = vocabulary().points[name]
        value = 100 + place if point.most is None or point.most > 100 + place else point.most
        wanted[name] = value, point.exponent + (-3 if point.unit.startswith("volume") else 0)
    # of a balance one kind is said at a time
    rows = [
        f"{number},{name},{iso(at + 60 * place)},{value},{exponent}"
        for place, (name, (value, exponent)) in enumerate(wanted.items())
    ]
    found = await insert.take("\n".join(["number,point,at,value,exponent", *rows]).encode(), "csv")
    assert (found.taken, found.faults, insert.sent) == (len(wanted), [], 1)
    told: dict[str, tuple[int, int]] = {}
    for first in range(0, len(wanted), 20):
        listed = await exported(house, "csv", list(wanted)[first : first + 20])
        told |= {line["point"]: (int(line["value"]), int(line["exponent"])) for line in lines(listed)}
    assert told == wanted
    again = await insert.take(await exported(house, "csv", list(wanted)[:20]), "csv")
    assert (again.unchanged, again.taken, insert.sent) == (20, 0, 0)


async def test_the_job_is_queued_audited_and_a_matter_of_rights(house: House) -> None:
    async def send(token: str, data: bytes, **params: Any) -> httpx.Response:
        async with house.world.client(token) as client:
            return await client.post("/bulk/values", files={"data": ("v.csv", data, "text/csv")}, params=params)

    world = house.world
    answer = await send(world.a.token, b"number,point,at,value,exponent\n", partial=True)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["kind"], job["params"]["partial"], job["params"]["format"]) == ("value_import", True, "csv")
    async with world.client(world.a.token) as client:
        entries = (await client.get("/audit", params={"limit": 50})).json()["items"]
    asked = [
        entry for entry in entries if entry["action"] == "ask_for_job" and entry["object_id"] == str(job["job_id"])
    ]
    assert [entry["after"]["kind"] for entry in asked] == ["value_import"]
    refused = await send(world.a.token, b"PK\x03\x04")
    assert refused.status_code == 400 and refused.json()["errors"][0]["code"] == "not-values"

# SPDX-License-Identifier: Apache-2.0
"""Readings of persons from the form and from files to the days they make (R6.11, R14.7), over real engines."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openmains.app.readings.manual.import_readings import (
    ReadingRequest,
    ReadingResult,
    import_readings,
    send_readings,
)
from openmains.app.readings.manual.take import exponents
from openmains.app.spreadsheet import error_report
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_to_date
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.readings import ClickHouseReadings
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.readings.manual import PostgresManualImport
from tests.edges.http.test_quantities import ZONE, House, house_of, iso
from tests.edges.http.world import World
from tests.support.examples import example, outside


@pytest.fixture
async def house(world: World, clickhouse: ClickHouse, pipeline: Pool) -> AsyncIterator[House]:
    world.stream.uplinks.clear()
    yield await house_of("openmains/water-1", world, clickhouse, pipeline)


async def post(house: House, status: int = 202, **body: Any) -> dict[str, Any]:
    async with house.world.client(house.world.a.token) as client:
        answer = await client.post("/manual-readings", json={"meter_id": house.meter_id} | body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def listed(house: House, **query: Any) -> list[dict[str, Any]]:
    async with house.world.client(house.world.a.token) as client:
        answer = await client.get("/manual-readings", params={"meter_id": house.meter_id, "limit": 500} | query)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["items"]
    return rows


async def pass_on(house: House) -> None:
    """What went into the stream is applied."""
    taken, house.world.stream.uplinks[:] = list(house.world.stream.uplinks), []
    await house.apply(*[uplink for uplink in taken if uplink.meter_id == house.meter_id])


def local(at: int) -> str:
    return ZONE.iso(at)[:16].replace("T", " ")


async def test_a_reading_is_booked_judged_and_told_with_who_and_why(house: House) -> None:
    noon = house.midnight - 10 * 86_400 + 43_200
    first = await post(house, read_at=local(noon), register_m3="100.000", note="门口")
    assert (first["state"], first["register"], first["read_at"]) == ("waits", 100_000, iso(noon).replace("+00:00", "Z"))
    await post(house, read_at=ZONE.iso(noon + 10 * 86_400), register_m3="102.400")
    sent = list(house.world.stream.uplinks)
    await pass_on(house)
    rows = {row["register_m3"]: row for row in await listed(house)}
    assert {row["state"] for row in rows.values()} == {"booked"} and rows["100.000"]["rules"] == []

    again = await post(house, read_at=local(noon), register_m3="100.000")
    assert again["reading_id"] == first["reading_id"] and house.world.stream.uplinks == []
    before = await house.clickhouse.query(f"SELECT count() FROM register WHERE meter_id = {house.meter_id}")  # noqa: S608
    await house.apply(*sent, *sent)  # a crash before the answer: both go once more
    after = await house.clickhouse.query(f"SELECT count() FROM register WHERE meter_id = {house.meter_id}")  # noqa: S608
    assert before == after == [(2,)]

    day = ZONE.day_of(noon) + 5
    name = day_to_date(day).isoformat()
    told = await house.get(f"days/{name}/versions")
    (version,) = told["items"]
    assert (version["cause"], version["total"], version["person_id"]) == ("manual", 240, first["author_id"])
    cited = await house.get(f"days/{name}/versions/{version['version']}")
    assert sum(cited["volumes"]) == 240 and cited["qualities"][0] == ["estimated"] and cited["value"] == version
    await house.get(f"days/{name}/versions/{version['version'] + 5}", status=404)

    differs = await post(house, 409, read_at=local(noon), register_m3="101.000")
    assert differs["type"].endswith("/reading-differs") and "100.000" in differs["detail"]
    await post(house, read_at=local(noon + 3600), register_m3="9")  # far below: kept, and shown
    await pass_on(house)
    (kept,) = await listed(house, state="kept")
    assert kept["rules"] == ["out_of_order"]
    low = await post(house, read_at=local(noon + 10 * 86_400 + 7200), register_m3="9")
    await pass_on(house)
    (newest,) = [row for row in await listed(house, state="kept") if row["reading_id"] == low["reading_id"]]
    assert newest["rules"] == ["impossible_back"]
    async with house.world.client(house.world.a.token) as client:
        found = (await client.get("/exceptions", params={"meter_id": house.meter_id})).json()["items"]
        trail = (await client.get("/audit", params={"limit": 50})).json()["items"]
    assert [row["rule"] for row in found] == ["impossible_back"]
    assert "take_reading" in {row["action"] for row in trail}


async def test_what_cannot_be_is_refused_with_its_field(house: House) -> None:
    at = local(house.midnight)
    for body, pointer, code in (
        ({"read_at": at, "register_m3": "1.2345"}, "/register_m3", "too-many-decimals"),
        ({"read_at": at, "register_m3": "100000"}, "/register_m3", "beyond-dial"),
        ({"read_at": "2023-12-31 10:00", "register_m3": "1"}, "/read_at", "before-installation"),
        ({"read_at": "2099-12-31 10:00", "register_m3": "1"}, "/read_at", "in-the-future"),
        ({"read_at": "2026-01-31", "register_m3": "1"}, "/read_at", "wrong-format"),
        ({"read_at": "2026-01-31Z", "register_m3": "1"}, "/read_at", "time-needed"),
    ):
        told = await post(house, 400, **body)
        assert code in {error["code"] for error in told["errors"]} or pointer == "/read_at", told
    async with house.world.client(house.world.a.token) as client:
        answer = await client.post("/manual-readings", json={"number": "nobody's", "read_at": at, "register_m3": "1"})
        assert answer.status_code == 404 and answer.json()["type"].endswith("/meter-unknown")
        answer = await client.post("/manual-readings", json={"read_at": at, "register_m3": "1"})
        assert answer.status_code == 400
    async with house.world.client(house.world.b.token) as client:
        body = {"meter_id": house.meter_id, "read_at": at, "register_m3": "1"}
        assert (await client.post("/manual-readings", json=body)).status_code == 404
    assert await listed(house) == [] and house.world.stream.uplinks == []


async def report(house: House, start: int, base: int) -> None:
    frame = house.driver.encode(
        "report",
        {"frame_seq": house.seq, "device_at": start + 86_700, "meter_number": 0, "start_at": start, "interval_s": 1800, "base": base,
         "increments": [5] * 48, "register": base + 240},
        None,
    )  # fmt: skip
    house.seq += 1
    await house.apply(house.uplink(frame, start + 86_705))


async def test_what_contradicts_the_meters_own_day_is_shown_and_not_booked(house: House) -> None:
    await report(house, house.midnight, 5_000)
    noon = house.midnight + 43_200
    day = day_to_date(ZONE.day_of(noon)).isoformat()
    before = (await house.get(f"days/{day}/versions"))["items"][0]
    await post(house, read_at=local(noon), register_m3="5.120")
    await post(house, read_at=local(noon + 60), register_m3="6.500")
    await pass_on(house)
    good, wrong = sorted(await listed(house), key=lambda row: row["read_at"])
    assert good["rules"] == ["out_of_order"] and wrong["rules"] == ["out_of_order", "manual_differs"]
    async with house.world.client(house.world.a.token) as client:
        (shown,) = (await client.get("/exceptions", params={"meter_id": house.meter_id})).json()["items"]
    assert (shown["rule"], shown["value"], shown["expected"], shown["status"]) == (
        "manual_differs",
        6_500,
        5_125,
        "open",
    )
    newest = (await house.get(f"days/{day}/versions"))["items"][0]
    assert newest["total"] == before["total"] == 240 and newest["cause"] == "manual"
    cited = await house.get(f"days/{day}/versions/{before['version']}")
    assert cited["volumes"] == [5] * 48 and not any(cited["qualities"])


async def test_a_booked_reading_that_a_later_report_denies_is_booked_no_more(house: House) -> None:
    await report(house, house.midnight - 86_400, 4_760)
    noon = house.midnight + 43_200
    await post(house, read_at=local(noon), register_m3="5.300")
    await pass_on(house)
    (before,) = await listed(house)
    assert before["state"] == "booked" and "manual_differs" not in before["rules"]
    await report(house, house.midnight, 5_000)  # passes over what the person read
    (after,) = await listed(house)
    assert (after["state"], after["version"]) == ("kept", before["version"])
    assert after["rules"] == [*before["rules"], "manual_differs"]
    assert await listed(house, state="booked") == []
    day = day_to_date(ZONE.day_of(noon)).isoformat()
    assert (await house.get(f"days/{day}/versions"))["items"][0]["total"] == 240


# files ----------------------------------------------------------------------------------------------------------------


class FileImport:
    """The job's work by hand."""

    def __init__(self, house: House, pipeline: Pool, folder: Path) -> None:
        self.house, self.pipeline, self.folder, self.job_id = house, pipeline, folder, house.meter_id * 1000

    async def take(
        self, data: bytes, kind: str = "csv", *, partial: bool = False, preview: bool = False
    ) -> ReadingResult:
        self.job_id += 1
        path = self.folder / f"{self.job_id}.{kind}"
        path.write_bytes(data)
        world = self.house.world
        task = ReadingRequest(
            path,
            TenantId(world.a.tenant_id),
            UserId(1),
            self.job_id,
            ZONE.key,
            "",
            world.deps.now_us(),
            partial,
            preview,
        )
        async with PostgresManualImport(self.pipeline) as store:
            registers = ClickHouseReadings(self.house.clickhouse)
            result = await import_readings(task, store, registers, exponents(world.deps.drivers))
            if result.applied:
                await send_readings(self.job_id, store, world.stream, world.deps.now_us)
        await pass_on(self.house)
        return result


async def number_of(house: House) -> str:
    return str(await house.world.owner.fetchval("SELECT number FROM meter WHERE meter_id = $1", house.meter_id))


async def test_a_file_is_taken_row_by_row_and_its_own_export_changes_nothing(
    house: House, pipeline: Pool, tmp_path: Path
) -> None:
    await house.world.owner.execute(
        "UPDATE meter SET bar_code = $2 WHERE meter_id = $1", house.meter_id, f"=B{house.meter_id}"
    )
    number, files = await number_of(house), FileImport(house, pipeline, tmp_path)
    t = house.midnight - 20 * 86_400 + 36_000
    rows = [
        ["表号", "条码", "抄表时间", "读数 (m³)", "备注", "片区"],
        [number, "", local(t + 86_400), "10.5", "后到", "x"],
        [number, "", local(t), "10", "先到", "x"],
        ["", f"'=B{house.meter_id}", local(t + 2 * 86_400), "10.900", "", "x"],
        [number, "", local(t), "11", "", "x"],
        [number, "", local(t), "10.000", "", "x"],
        ["nobody", "", local(t), "1", "", "x"],
        [number, "B-other", local(t + 60), "1", "", "x"],
        [number, "", "2099-01-01 10:00", "1", "", "x"],
        [number, "", local(t + 120), "1,5", "", "x"],
    ]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    data = text.getvalue().encode()
    whole = await files.take(data)
    assert (whole.applied, whole.taken, whole.rejected, whole.rows) == (False, 0, 5, 9)
    assert await listed(house) == []
    seen = await files.take(data, partial=True, preview=True)
    assert (seen.applied, seen.taken, seen.unchanged, seen.rejected) == (False, 3, 1, 5) and await listed(house) == []
    taken = await files.take(data, partial=True)
    assert (taken.applied, taken.taken, taken.unchanged, taken.rejected, taken.ignored) == (True, 3, 1, 5, ["片区"])
    assert [(error.row, error.reason) for error in taken.errors] == [
        (5, "duplicate_in_file"), (7, "unknown_meter"), (8, "bar_code_differs"), (9, "in-the-future"), (10, "bad_register"),
    ]  # fmt: skip
    lines = list(
        csv.reader(io.StringIO(b"".join(error_report(taken.errors, taken.error_count, "en")).decode("utf-8-sig")))
    )
    assert lines[0] == ["row", "column", "value", "reason", "code"] and lines[3][:3] == ["8", "条码", "B-other"]
    assert {row["state"] for row in await listed(house)} == {"booked"}  # in the order of reading, not of the file
    assert {row["source"] for row in await listed(house)} == {"import"}
    twice = await files.take(data, partial=True)
    assert (twice.taken, twice.unchanged, twice.rejected) == (0, 4, 5)

    await post(house, read_at=local(t + 3 * 86_400), register_m3="12", note="=SUM(A1) ")
    await pass_on(house)
    stored = await house.clickhouse.query(
        f"SELECT day, version, total, flags FROM meter_day FINAL WHERE meter_id = {house.meter_id} ORDER BY day"  # noqa: S608
    )
    ledger = await listed(house)
    for kind in ("csv", "xlsx"):
        for language in ("zh", "en"):
            async with house.world.client(house.world.a.token, language) as client:
                params = {"kind": kind, "meter_id": house.meter_id}
                own = await client.get("/manual-readings/file", params=params)
            assert own.status_code == 200
            again = await files.take(own.content, kind)
            assert (again.applied, again.rows, again.unchanged, again.error_count) == (True, 4, 4, 0), again.errors
            assert len(again.ignored) == 5  # what only shows
    assert await listed(house) == ledger
    assert stored == await house.clickhouse.query(
        f"SELECT day, version, total, flags FROM meter_day FINAL WHERE meter_id = {house.meter_id} ORDER BY day"  # noqa: S608
    )


async def test_what_a_stopped_job_committed_and_never_sent_the_same_file_sends(
    house: House, pipeline: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, files = await number_of(house), FileImport(house, pipeline, tmp_path)
    t = house.midnight - 20 * 86_400 + 36_000
    data = f"number,read at,register\n{number},{local(t)},10\n{number},{local(t + 86_400)},10.5\n".encode()

    async def dies(_: object) -> None:
        raise ConnectionError("no stream")

    with monkeypatch.context() as broken, pytest.raises(ConnectionError):
        broken.setattr(house.world.stream, "replay", dies)
        await files.take(data)
    stopped = files.job_id
    assert {(row["job_id"], row["state"]) for row in await listed(house)} == {(stopped, "waits")}
    seen = await files.take(data, preview=True)
    assert (seen.taken, seen.unchanged) == (2, 0)
    assert {row["job_id"] for row in await listed(house)} == {stopped}
    other = await files.take(data.replace(b",10\n", b",11\n"))  # another register does not take it over
    assert (other.applied, other.rejected, other.errors[0].reason) == (False, 1, "reading_differs")
    again = await files.take(data)
    assert (again.taken, again.unchanged) == (2, 0)
    assert {row["state"] for row in await listed(house)} == {"booked"}
    twice = await files.take(data)
    assert (twice.taken, twice.unchanged) == (0, 2) and house.world.stream.uplinks == []


async def test_the_job_is_queued_with_its_file(house: House) -> None:
    async with house.world.client(house.world.a.token) as client:
        files = {"data": ("r.csv", b"number,read at,register\n1,2026-01-01 10:00,5\n", "text/csv")}
        answer = await client.post("/manual-readings/import", files=files, params={"partial": True, "time": "10:30"})
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert (job["kind"], job["params"]["time"], job["params"]["partial"]) == ("reading_import", "10:30", True)
        bad = await client.post("/manual-readings/import", files=files, params={"time": "25:30"})
        assert bad.status_code == 400


# changes --------------------------------------------------------------------------------------------------------------


async def changes(house: House, cursor: str | None, **query: Any) -> tuple[list[dict[str, Any]], str, bool]:
    params = query | ({"cursor": cursor} if cursor else {})
    async with house.world.client(house.world.a.token) as client:
        answer = await client.get("/readings/changes", params=params)
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    mark = lines[-1]
    return [line for line in lines if "cursor" not in line], mark["cursor"], mark["is_over"]


async def test_what_changed_since_a_cursor_is_told_once_and_whole(house: House) -> None:
    async with house.world.client(house.world.a.token) as client:
        cursor = (await client.get("/readings/changes/cursor")).json()["cursor"]
        assert (await client.get("/readings/changes", params={"cursor": "x"})).status_code == 400
    number = await number_of(house)
    for day in range(6):
        await report(house, house.midnight + (day - 6) * 86_400, 1_000 + 240 * day)
    rows, cursor, is_over = await changes(house, cursor)
    own = [row for row in rows if row["meter_id"] == house.meter_id]
    assert [row["version"] for row in own] == [1, 2, 3, 4, 5, 6] and is_over
    assert own[0] | {"received_s": 0} == {
        "meter_id": house.meter_id, "number": number, "day": day_to_date(ZONE.day_of(house.midnight) - 6).isoformat(), "version": 1,
        "base": 1_000, "volume": 240, "unit_exponent": -3, "slots": 48, "known": 48, "measured": 48, "rules": [], "received_s": 0,
    }  # fmt: skip
    assert (await changes(house, cursor))[0] == []

    # Rows of a batch that is not committed are not told; written again after the crash they are told once.
    frame = house.world.stream
    await post(house, read_at=local(house.midnight + 3600), register_m3="2.450")
    taken, frame.uplinks[:] = [one for one in frame.uplinks if one.meter_id == house.meter_id], []
    commit = house.worker._store.commit

    async def dies(*_: object) -> None:
        raise ConnectionError("killed")

    house.worker._store.commit = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        await house.apply(*taken)
    assert (await changes(house, cursor))[0] == []
    house.worker._store.commit = commit  # type: ignore[method-assign]
    await house.apply(*taken)
    rows, after, _ = await changes(house, cursor)
    own = [row for row in rows if row["meter_id"] == house.meter_id]
    assert [row["version"] for row in own] == [7] and "manual_reading" in own[0]["rules"]

    # In pieces it is the same, and so from a cursor in the middle.
    pieces: list[dict[str, Any]] = []
    async with house.world.client(house.world.a.token) as client:
        start = (await client.get("/readings/changes")).text.splitlines()
    everything = [line for line in map(json.loads, start) if "cursor" not in line]
    one: str | None = None
    over = False
    while not over:
        piece, one, over = await changes(house, one, most=5)
        assert len(piece) <= 5
        pieces += piece
    assert pieces == everything and len({(r["meter_id"], r["day"], r["version"]) for r in pieces}) == len(pieces)
    assert cursor != after
    async with house.world.client(house.world.b.token) as client:
        theirs = (await client.get("/readings/changes")).text
    assert f'"meter_id":{house.meter_id},' not in theirs


async def test_another_system_reads_what_changed_into_files(house: House, tmp_path: Path) -> None:
    """docs/examples/cis.py"""
    cis = example("cis")
    async with outside(house.world, house.world.a.token) as api:
        begun = 0
        while await cis(api, tmp_path) is not None:  # the history of whatever ran before
            begun += 1
        number = await number_of(house)
        await report(house, house.midnight - 2 * 86_400, 1_000)
        (tmp_path / f"readings-{begun + 1:06}.part").write_text("what a killed run left")
        first = await cis(api, tmp_path)
        await report(house, house.midnight - 86_400, 1_240)
        second = await cis(api, tmp_path)
        assert await cis(api, tmp_path) is None
    lines = [
        line for name in (first, second) for line in name.read_text("utf-8").splitlines() if line.startswith(number)
    ]
    assert [line.split(",")[3:] for line in lines] == [["1.000", "0.240", "1"], ["1.240", "0.240", "1"]]

# SPDX-License-Identifier: Apache-2.0
"""Edits of a G1.6 meter from the API through the pipeline into both stores: bounds, second person, undo, every version there."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import msgspec
import pytest

from openmains.app.command.driver import CatalogCommands
from openmains.app.ingest.pipeline.ports import Effects
from openmains.app.ingest.pipeline.worker import ShardWorker, Stream
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import day_to_date, utc, zone
from openmains.drivers.catalog import load
from openmains.drivers.model import Kind
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink
from openmains.edges.clickhouse.shared_inserts import SharedInserts, Tables
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from tests.edges.http.world import World, new_meter

DAY = 20_700
ZONE = zone("Asia/Shanghai")
CATALOG = load()
DRIVER = CATALOG.driver("openmains/gas-1")


class KilledError(Exception):
    """Here the process died."""


class DyingStore(PostgresPipelineStore):
    """Dies before it commits, once told."""

    dies = False

    async def commit(self, shard: int, before: int, after: int, effects: Effects, now_us: int) -> Any:
        if self.dies:
            raise KilledError
        return await super().commit(shard, before, after, effects, now_us)


class DyingInserts(SharedInserts):
    """Dies once told between what is superseded and what takes its place."""

    dies = False

    async def _step(self, tables: Tables) -> None:
        if self.dies and "meter_day" in tables:
            raise KilledError
        await super()._step(tables)


async def _tell(topic: str, data: bytes) -> None:
    del topic, data


@dataclass
class Bench:
    """A meter, and the pipeline that is worked by hand: ``flow`` applies what the API put into the stream."""

    world: World
    clickhouse: ClickHouse
    meter_id: int
    product_id: int
    other: str  # token of a second person
    worker: ShardWorker
    store: DyingStore
    inserts: DyingInserts
    sequence: int = 0
    taken: int = 0
    seq: int = 0
    base: int = 5000

    async def report(self, step: int = 2, day: int = DAY, late_s: int = 7200, replayed_by: int = 0) -> None:
        """A day's report of ``step`` a half hour, ``late_s`` after the day's end; replayed five days later, if at all."""
        start, self.seq = ZONE.start_of(day), self.seq + 1
        sent_at = start + 86_400 + late_s
        values = {
            "frame_seq": self.seq, "device_at": sent_at, "meter_number": 0, "start_at": start, "base": self.base,
            "increments": [step] * 48, "register": self.base + 48 * step,
        }  # fmt: skip
        self.base += 48 * step
        sent = self.uplink(DRIVER.encode(Kind.REPORT, values), sent_at)
        if replayed_by:
            again_us = (sent_at + 5 * 86_400) * 1_000_000
            sent = msgspec.structs.replace(sent, replayed_by=replayed_by, replayed_us=again_us)
        await self.apply([sent])

    def uplink(self, payload: bytes, at: int) -> Uplink:
        tenant = TenantId(self.world.a.tenant_id)
        return Uplink(MeterId(self.meter_id), tenant, ProductId(self.product_id), "coap", "r", at * 1_000_000, payload)

    async def apply(self, batch: list[Uplink]) -> None:
        await self.worker._apply(batch, self.sequence, self.sequence + 1)
        self.sequence += 1

    async def flow(self) -> None:
        """What the API put into the stream is applied."""
        batch, self.taken = self.world.stream.uplinks[self.taken :], len(self.world.stream.uplinks)
        if batch:
            await self.apply(batch)

    async def finding(self, day: int = DAY) -> int:
        return cast(int, await self.world.owner.fetchval(
            "INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, expected)"
            " VALUES ($1, $2, 9, 10, $3, $4, 5000, 100) RETURNING exception_id",
            self.world.a.tenant_id, self.meter_id, ZONE.start_of(day) + 1800, day,
        ))  # fmt: skip

    async def post(self, path: str, token: str | None = None, **body: Any) -> httpx.Response:
        async with self.world.client(token or self.world.a.token) as client:
            return await client.post(path, json=body)

    async def edit(self, volume: int, finding: int | None = None, **more: Any) -> httpx.Response:
        finding = finding or await self.finding()
        body = {"verdict": "edit", "volume": volume, "reason": "photo of the dial"} | more
        return await self.post(f"/exceptions/{finding}/judge", **body)

    async def get(self, path: str, **params: Any) -> Any:
        async with self.world.client(self.world.a.token) as client:
            answer = await client.get(path, params=params)
            assert answer.status_code == 200, answer.text
            return answer.json()

    async def newest_edit(self) -> dict[str, Any]:
        return cast("dict[str, Any]", (await self.get("/edits", meter_id=self.meter_id))["items"][0])

    async def versions(self, day: int = DAY) -> list[dict[str, Any]]:
        """From old to new, after what the engine would merge was merged."""
        for table in ("meter_day", "day_version", "day_cause"):
            await self.clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")
        told = await self.get(f"/meters/{self.meter_id}/days/{day_to_date(day)}/versions")
        return list(reversed(told["items"]))

    async def day(self) -> tuple[int, set[int]]:
        """(total, qualities) as stored."""
        rows = await self.clickhouse.query(
            "SELECT total, arrayResize(quality, length(increments)) FROM meter_day FINAL WHERE meter_id = {meter:UInt64}"
            " AND toUInt16(day) = {day:UInt16}",
            {"meter": self.meter_id, "day": DAY},
        )
        return rows[0][0], set(rows[0][1])


@pytest.fixture
async def bench(world: World, clickhouse: ClickHouse, pipeline: Pool) -> AsyncIterator[Bench]:
    async with world.client(world.a.token) as client:
        product = (
            await client.post(
                "/products",
                json={"code": f"g{len(world.stream.uplinks)}-{id(client)}", "name": "G1.6", "maker": "M", "model": "1",
                      "driver": "openmains/gas-1", "qmax_l_h": 2500, "dial": 100_000_000},
            )
        ).json()  # fmt: skip
        meter = await client.post("/meters", json=new_meter(world.a, product_id=product["product_id"]))
        assert meter.status_code == 201, meter.text
    store, inserts = DyingStore(pipeline), DyingInserts(clickhouse, 1)
    sink = ClickHouseReadingSink(clickhouse, inserts)
    shard = 10_000 + meter.json()["meter_id"]
    worker = ShardWorker(shard, cast(Stream, None), store, sink, CATALOG, tell=_tell, now_us=world.deps.now_us)
    other = await world.user(world.a, "operator")
    made = Bench(
        world, clickhouse, meter.json()["meter_id"], product["product_id"], other, worker, store, inserts,
        taken=len(world.stream.uplinks),
    )  # fmt: skip
    await made.report()
    await made.report(day=DAY + 1)  # known until the end of the day after
    yield made


async def test_no_edit_exceeds_what_the_meter_can_pass(bench: Bench) -> None:
    for volume, span in ((999_999_000, {}), (60_001, {}), (1251, {"end": at(ZONE.start_of(DAY) + 1800)})):
        answer = await bench.edit(volume, **span)
        assert (answer.status_code, answer.json()["type"]) == (400, "/api/v1/problems/edit-over-bound"), answer.text
        bound = "60.000 m³" if not span else "1.250 m³"
        assert bound in answer.json()["detail"] and answer.json()["errors"][0]["pointer"] == "/volume"
    assert (
        bench.world.stream.uplinks[bench.taken :] == []
        and (await bench.get("/edits", meter_id=bench.meter_id))["items"] == []
    )


async def test_above_what_one_may_set_another_person_approves(bench: Bench) -> None:
    finding = await bench.finding()
    asked = await bench.edit(2000, finding)  # Qmax for a quarter of an hour is 625
    assert (asked.status_code, asked.json()["status"]) == (200, "open")
    edit = await bench.newest_edit()
    assert (edit["state"], edit["volume"], edit["old_volume"], edit["alone"]) == ("pending", 2000, 96, 625)
    assert asked.json()["pending_edit"] == edit["edit_id"] and (await bench.day())[0] == 96
    assert [row["edit_id"] for row in (await bench.get("/edits", state="pending", meter_id=bench.meter_id))["items"]]

    for again in (bench.edit(50, finding), bench.post(f"/exceptions/{finding}/judge", verdict="accept", reason="x")):
        answer = await again
        assert answer.json()["type"].endswith("/edit-waits"), answer.text
    path = f"/edits/{edit['edit_id']}/approve"
    own = await bench.post(path, reason="I am sure")
    assert (own.status_code, own.json()["type"]) == (403, "/api/v1/problems/own-edit")
    assert (await bench.post(path, bench.other, reason=" ")).status_code == 400
    done = await bench.post(path, bench.other, reason="seen on the photo")
    assert (done.status_code, done.json()["state"], done.json()["decision"]) == (200, "applied", "seen on the photo")
    assert done.json()["decider"] and done.json()["decided_by"] != done.json()["author_id"]
    assert (await bench.post(path, bench.other, reason="again")).json()["type"].endswith("/already-done")
    await bench.flow()
    assert await bench.day() == (2000, {16})
    assert (await bench.get(f"/exceptions/{finding}"))["status"] == "edited"
    last = (await bench.versions())[-1]
    assert (last["cause"], last["reason"], last["approver"] != "", last["old_total"]) == (
        "edit",
        "photo of the dial",
        True,
        96,
    )


async def test_a_rejected_edit_changes_nothing_and_its_author_may_withdraw_it(bench: Bench) -> None:
    for token in (bench.other, bench.world.a.token):
        finding = await bench.finding()
        await bench.edit(2000, finding)
        edit = await bench.newest_edit()
        no = await bench.post(f"/edits/{edit['edit_id']}/reject", token, reason="the photo shows 200")
        assert (no.status_code, no.json()["state"]) == (200, "rejected")
        found = await bench.get(f"/exceptions/{finding}")
        assert (found["status"], found["pending_edit"]) == ("open", None)
    await bench.flow()
    assert await bench.day() == (96, {0})
    trail = (await bench.get("/audit", limit=1))["items"][0]
    assert (trail["action"], trail["object_type"]) == ("reject_edit", "reading_edit")


async def test_small_steps_do_not_go_round_the_second_person(bench: Bench) -> None:
    states = []
    for step in range(4):
        opens = ZONE.start_of(DAY) + step * 3600
        answer = await bench.edit(200, start=at(opens), end=at(opens + 3600))
        assert answer.status_code == 200, answer.text
        states.append((await bench.newest_edit())["state"])
        await bench.flow()
    assert states == ["applied", "applied", "applied", "pending"]  # 3 × 196 changed; 784 would be more than 625


async def test_an_undo_and_the_undo_of_it_are_versions_and_all_are_there_after_merges(bench: Bench) -> None:
    finding = await bench.finding()
    await bench.edit(500, finding)
    early = await bench.newest_edit()
    answer = await bench.post(f"/edits/{early['edit_id']}/undo", reason="wrong meter")
    assert answer.json()["type"].endswith("/edit-on-its-way"), answer.text
    await bench.flow()
    assert (await bench.post(f"/edits/{early['edit_id']}/undo", reason=" ")).status_code == 400
    undo = (await bench.post(f"/edits/{early['edit_id']}/undo", reason="wrong meter")).json()
    assert (undo["undoes"], undo["volume"], undo["old_volume"], undo["state"]) == (early["edit_id"], 96, 500, "applied")
    await bench.flow()
    assert await bench.day() == (96, {0})  # measured, as it was
    assert (await bench.get(f"/exceptions/{finding}"))["status"] == "open"

    old = await bench.post(f"/edits/{early['edit_id']}/undo", reason="once more")
    assert old.json()["type"].endswith("/edit-not-newest") and str(undo["edit_id"]) in old.json()["detail"]
    back = (await bench.post(f"/edits/{undo['edit_id']}/undo", reason="it was the right meter")).json()
    assert (back["volume"], back["old_volume"]) == (500, 96)
    await bench.flow()
    assert await bench.day() == (500, {16})
    assert (await bench.get(f"/exceptions/{finding}"))["status"] == "edited"

    told = await bench.versions()
    assert [(v["cause"], v["total"], v["old_total"]) for v in told] == [
        ("meter", 96, None), ("edit", 500, 96), ("undo", 96, 500), ("undo", 500, 96),
    ]  # fmt: skip
    assert [v["reason"] for v in told] == ["", "photo of the dial", "wrong meter", "it was the right meter"]
    assert [v["is_newest"] for v in told] == [False, False, False, True] and told[1]["person"]
    change = told[1]["changes"][0]
    assert (change["old_volume"], change["volume"], change["old_quality"], change["quality"]) == (
        96,
        500,
        [],
        ["edited"],
    )
    trail = (await bench.get("/audit", limit=1))["items"][0]
    assert (trail["action"], trail["before"]["edit_id"]) == ("undo_edit", undo["edit_id"])
    listed = (await bench.get("/edits", meter_id=bench.meter_id))["items"]
    assert [(row["undone_by"], row["newer"] is None) for row in listed] == [
        (None, True), (back["edit_id"], False), (undo["edit_id"], False),
    ]  # fmt: skip


async def test_an_undo_that_changes_much_needs_a_second_person_too(bench: Bench) -> None:
    await bench.edit(2000)
    edit = await bench.newest_edit()
    await bench.post(f"/edits/{edit['edit_id']}/approve", bench.other, reason="yes")
    await bench.flow()
    undo = (await bench.post(f"/edits/{edit['edit_id']}/undo", reason="no leak")).json()
    assert (undo["state"], undo["volume"], undo["old_volume"]) == ("pending", 96, 2000)
    assert (await bench.post(f"/edits/{undo['edit_id']}/approve", reason="sure")).json()["type"].endswith("/own-edit")
    assert (
        await bench.post(f"/edits/{undo['edit_id']}/approve", bench.other, reason="no leak there")
    ).status_code == 200
    await bench.flow()
    assert await bench.day() == (96, {0})


async def test_versions_survive_late_days_and_a_kill_between_and_within_the_stores(bench: Bench) -> None:
    late = DAY + 3
    bench.base = 6000
    await bench.report(day=late + 1, late_s=60)  # the days before are estimated
    estimated = (await bench.versions(late))[-1]
    assert estimated["cause"] == "estimated"
    bench.base = 5000 + 2 * 96
    finding = await bench.finding(late)
    await bench.edit(300, finding)

    batch, bench.taken = bench.world.stream.uplinks[bench.taken :], len(bench.world.stream.uplinks)
    await killed(bench, bench.inserts, batch)
    await killed(bench, bench.store, batch)
    await bench.apply(batch)
    await bench.report(day=late, late_s=5 * 86_400)  # late: it keeps the edit, and is a version
    told = await bench.versions(late)
    assert [v["cause"] for v in told] == ["estimated", "edit", "late"]
    assert [v["total"] for v in told] == [estimated["total"], 300, 300]
    rows = await bench.clickhouse.query(
        "SELECT count() FROM day_version WHERE meter_id = {meter:UInt64} AND toUInt16(day) = {day:UInt16}",
        {"meter": bench.meter_id, "day": late},
    )
    assert rows == [(2,)], "each once, although the batch was written three times"


async def test_a_replayed_report_keeps_the_edit_and_says_who_replayed_it(bench: Bench) -> None:
    await bench.edit(300)
    await bench.flow()
    bench.base = 5000
    await bench.report(step=3, replayed_by=bench.world.a.ids["user_id"])
    told = await bench.versions()
    assert [(v["cause"], v["total"]) for v in told] == [("meter", 96), ("edit", 300), ("replay", 300)]
    assert told[2]["person_id"] == bench.world.a.ids["user_id"] and told[2]["person"] and told[2]["changes"] == []
    assert told[2]["made_at"].startswith("2026-09-09") and told[2]["received_at"].startswith("2026-09-04")


async def test_quantities_in_commands_are_held_against_the_meter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.world.deps, "command_drivers", CatalogCommands(CATALOG))
    values = {"high_flow_threshold": 999_999}
    for path, body in (
        (f"/meters/{bench.meter_id}/commands", {"kind": "set_parameters", "unique_key": "k-flow-1", "params": {"values": values}}),
        ("/products", {"code": "def", "name": "D", "maker": "M", "model": "1", "driver": "openmains/gas-1", "qmax_l_h": 2500,
                       "settings": {"defaults": values}}),
    ):  # fmt: skip
        answer = await bench.post(path, **body)
        assert answer.json()["type"].endswith("/beyond-meter") and "2500 L/h" in answer.json()["detail"], answer.text
    async with bench.world.client(bench.world.a.token) as client:
        huge = {
            "code": "huge",
            "name": "D",
            "maker": "M",
            "model": "1",
            "driver": "openmains/gas-1",
            "qmax_l_h": 100_000_001,
        }
        assert (await client.post("/products", json=huge)).json()["errors"][0]["code"] == "out-of-range"


async def killed(bench: Bench, what: Any, batch: list[Uplink]) -> None:
    what.dies = True
    with pytest.raises(KilledError):
        await bench.apply(batch)
    what.dies = False


async def test_versions_and_edits_as_files(bench: Bench) -> None:
    await bench.edit(500, reason="=cmd()")
    await bench.flow()
    day = day_to_date(DAY).isoformat()
    async with bench.world.client(bench.world.a.token) as client:
        path = f"/meters/{bench.meter_id}/versions.csv"
        lines = rows_of(await client.get(path, params={"from": day, "to": day}))
        assert [(line["cause"], line["day's use (m³)"], line["value (m³)"]) for line in lines] == [
            ("meter", "0.096", "0.096"), ("edit", "0.500", "0.500"),
        ]  # fmt: skip
        assert (lines[1]["old value (m³)"], lines[1]["reason"], lines[1]["quality"]) == ("0.096", "'=cmd()", "edited")
        assert (await client.get(path, params={"from": "2020-01-01", "to": "2026-01-01"})).status_code == 400
        lines = rows_of(await client.get("/edits.csv", params={"meter_id": bench.meter_id}))
        assert [(line["old value (m³)"], line["value (m³)"], line["state"]) for line in lines] == [
            ("0.096", "0.500", "applied")
        ]
    async with bench.world.client(bench.world.a.token, "zh") as client:
        lines = rows_of(await client.get("/edits.csv", params={"meter_id": bench.meter_id}))
        assert lines[0]["状态"] == "已生效"
    async with bench.world.client(bench.world.b.token) as other:
        assert (await other.get(f"/meters/{bench.meter_id}/days/{day}/versions")).status_code == 404
        assert (await other.get("/edits")).json()["items"] == []
        edit = await bench.newest_edit()
        assert (await other.post(f"/edits/{edit['edit_id']}/undo", json={"reason": "x"})).status_code == 404


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def at(instant: int) -> str:
    return utc(instant).isoformat()

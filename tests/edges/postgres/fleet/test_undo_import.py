# SPDX-License-Identifier: Apache-2.0
"""An import is taken back: the registry is as it was, and the same file goes in again. What was used since stays, and is named."""

from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from openmains.app.fleet.imports.import_meters import ImportResult, import_meters
from openmains.app.fleet.imports.undo import UndoResult, undo_import
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.imports import ChangedMeters, PostgresImport
from openmains.edges.postgres.fleet.undo import PostgresImportUndo
from tests.edges.postgres.fleet.registry_files import HEADER_ZH, csv_of, make_tenant, row
from tests.support.hanging import hang_all
from tests.support.personal import personal_vault

TODAY = date(2026, 6, 1)
TABLES = ("meter", "customer", "meter_search", "account", "account_holder", "account_act", "installation", "premises", "area", "personal",
          "customer_search")  # fmt: skip
# Go with the meter: its own state, and what the platform works out of it again.
OWN = {"meter_state", "meter_search", "meter_to_hang", "dimension_fault", "reread_gap", "reread_ask", "rule_standing", "rule_value",
       "rule_place", "rule_watch", "limit_standing", "meter_tag", "operator_device"}  # fmt: skip


async def bring(pool: Pool, tenant: int, path: Path, data: bytes, job: int, **options: Any) -> ImportResult:
    path.write_bytes(data)  # noqa: ASYNC240 - a small file
    async with PostgresImport(pool, personal_vault(pool)) as store:
        return await import_meters(path, tenant, store, today=TODAY, job_id=job, **options)


async def job_of(owner: Pool, tenant: int) -> int:
    return int(await owner.fetchval(
        "INSERT INTO job (tenant_id, kind, status, result) VALUES ($1, 'meter_import', 'done', '{}') RETURNING job_id", tenant))  # fmt: skip


async def undo(pool: Pool, tenant: int, job: int, **options: Any) -> UndoResult:
    async with PostgresImportUndo(pool) as store:
        given = {"partial": False, "preview": False} | options
        return await undo_import(TenantId(tenant), job, job + 1000, store, now_s=1_780_000_000, **given)


async def book(owner: Pool, tenant: int) -> list[Any]:
    """All that an import writes, without what every change of a row counts up."""
    found = []
    for table in TABLES:
        rows = await owner.fetch(
            f"SELECT to_jsonb(t) - '{{revision,is_indexed,edition}}'::text[] AS row FROM {table} t WHERE tenant_id = $1",  # noqa: S608
            tenant,
        )
        found.append(sorted(str(_unordered(each["row"])) for each in rows))
    return found


def _unordered(row: dict[str, Any]) -> dict[str, Any]:
    """The grams of a search text are a set, whatever order they were written in."""
    return row | {"grams": sorted(set(row["grams"]))} if "grams" in row else row


async def test_the_registry_is_as_it_was_and_the_file_goes_in_again(
    owner: Pool, pipeline: Pool, tmp_path: Path
) -> None:
    tenant = await make_tenant(owner, "undo-all")
    old = [row(301, i) for i in range(4)]
    await bring(pipeline, tenant, tmp_path / "a.csv", csv_of(old), await job_of(owner, tenant))
    await hang_all(pipeline)
    before = await book(owner, tenant)
    changed = [
        row(301, 0, dn="25"),
        row(301, 1, address="新地址1号"),
        row(301, 2, name="改名", phone="13900000000"),
        row(301, 3),
    ]
    data = csv_of([*changed, *(row(301, i, area="N9") for i in range(10, 13))])
    job = await job_of(owner, tenant)
    first = await bring(pipeline, tenant, tmp_path / "b.csv", data, job, create_areas=True)
    assert (first.inserted, first.updated, first.areas_created) == (3, 2, 1)
    await hang_all(pipeline)
    after = await book(owner, tenant)
    told = await undo(pipeline, tenant, job, preview=True)
    assert (told.withdrawn, told.put_back, told.applied) == (3, 2, False) and await book(owner, tenant) == after
    done = await undo(pipeline, tenant, job)
    assert (done.withdrawn, done.put_back, done.rejected, done.areas, done.kept_customers, done.applied) == (
        3,
        2,
        0,
        1,
        0,
        True,
    )
    assert await book(owner, tenant) == before
    assert await undo(pipeline, tenant, job) == UndoResult(applied=True)  # nothing is left of it
    # Who follows the registry learns of the meters that are gone: nobody expects a reading of them.
    gone = [
        each
        for each in await ChangedMeters(pipeline).meters(list(first.meter_ids))
        if each.removed_on == date(1970, 1, 1)
    ]
    assert len(gone) == 3 and all(each.revision > 1 for each in gone)
    again = await bring(pipeline, tenant, tmp_path / "b.csv", data, await job_of(owner, tenant), create_areas=True)
    assert (again.inserted, again.updated, again.error_count) == (3, 2, 0)
    await hang_all(pipeline)
    numbers = await owner.fetch("SELECT number FROM account WHERE tenant_id = $1 ORDER BY number", tenant)
    assert not [each["number"] for each in numbers if each["number"].endswith("-2")]


async def test_what_was_used_since_stays_and_is_named(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "undo-used")
    await bring(pipeline, tenant, tmp_path / "a.csv", csv_of([row(302, 0)]), await job_of(owner, tenant))
    job = await job_of(owner, tenant)
    result = await bring(
        pipeline, tenant, tmp_path / "b.csv", csv_of([row(302, 0, dn="25"), *(row(302, i) for i in range(1, 5))]), job
    )
    assert (result.inserted, result.updated) == (4, 1)
    ids = {
        each["number"][-1]: each["meter_id"]
        for each in await owner.fetch("SELECT number, meter_id FROM meter WHERE tenant_id = $1", tenant)
    }
    await owner.execute("UPDATE meter SET dn = 40, revision = revision + 1 WHERE meter_id = $1", ids["0"])
    await owner.execute("UPDATE meter_state SET last_seen_us = 1 WHERE meter_id = $1", ids["1"])
    await owner.execute("INSERT INTO collection_task (tenant_id, level, meter_id, first_day, frequency, need, made_by) "
                        "VALUES ($1, 'meter', $2, '2026-06-01', 'day', 'slots', 1)", tenant, ids["2"])  # fmt: skip
    before = await book(owner, tenant)
    refused = await undo(pipeline, tenant, job)
    assert not refused.applied and await book(owner, tenant) == before
    assert [(each.row, each.reason) for each in refused.errors] == [
        (2, "changed_since"),
        (3, "heard_since"),
        (4, "settings_since"),
    ]
    assert all(each.text("zh") and each.text("en") for each in refused.errors)
    done = await undo(pipeline, tenant, job, partial=True)
    assert (done.withdrawn, done.put_back, done.rejected, done.applied) == (2, 0, 3, True)
    left = await owner.fetch("SELECT number FROM meter WHERE tenant_id = $1 ORDER BY number", tenant)
    assert [each["number"][-1] for each in left] == ["0", "1", "2"]
    assert await owner.fetchval("SELECT result -> 'undone' ->> 'left' FROM job WHERE job_id = $1", job) == "3"
    assert await owner.fetchval("SELECT dn FROM meter WHERE meter_id = $1", ids["0"]) == 40


async def test_no_table_that_speaks_of_meters_is_forgotten(owner: Pool) -> None:
    """Each either keeps a meter from being withdrawn or goes with it; and the worker sees the rows of those that keep it."""
    asked = (Path(__file__).parents[4] / "src/openmains/edges/postgres/fleet/undo.sql").read_text("utf-8")
    rows = await owner.fetch(
        "SELECT DISTINCT c.conrelid::regclass::text AS name FROM pg_constraint c "
        "WHERE c.contype = 'f' AND c.confrelid = 'meter'::regclass"
    )
    for name in sorted({each["name"] for each in rows} - OWN - {"meter"}):
        assert f"FROM {name} x" in asked or f"JOIN {name} x" in asked, name
    names = {word for line in asked.splitlines() if " x " in line for word in line.replace("(", " ").split()
             if f"FROM {word} x" in line or f"JOIN {word} x" in line}  # fmt: skip
    for name in sorted(names):
        assert await owner.fetchval("SELECT has_table_privilege('openmains_pipeline', $1, 'SELECT')", name), name
        assert not await owner.fetchval("SELECT relrowsecurity FROM pg_class WHERE oid = $1::regclass", name) or await owner.fetchval(
            "SELECT count(*) FROM pg_policies WHERE tablename = $1 AND 'openmains_pipeline' = ANY (roles)", name), name  # fmt: skip


async def test_tags_of_a_file_are_set_and_put_back(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    """A cell says all tags of its meter, an empty one nothing, and a name that is no tag is an error of its row."""
    tenant, stranger = await make_tenant(owner, "undo-tags"), await make_tenant(owner, "undo-tags-of-others")
    for whose, name in ((tenant, "Flood"), (tenant, "Dog"), (stranger, "Theirs")):
        await owner.execute("INSERT INTO tag (tenant_id, name, colour) VALUES ($1, $2, 'red')", whose, name)
    header = [*HEADER_ZH, "标签"]

    async def tagged() -> dict[str, list[str]]:
        rows = await owner.fetch(
            "SELECT m.number, array_agg(g.name ORDER BY g.name) AS names"
            " FROM meter_tag x JOIN meter m USING (meter_id) JOIN tag g USING (tag_id)"
            " WHERE x.tenant_id = $1 GROUP BY 1", tenant)  # fmt: skip
        return {each["number"][-1]: each["names"] for each in rows}

    def file(*cells: str) -> bytes:
        return csv_of([[*row(304, i), cell] for i, cell in enumerate(cells)], header=header)

    await bring(pipeline, tenant, tmp_path / "a.csv", file("Flood", "dog; FLOOD", ""), await job_of(owner, tenant))
    first = {"0": ["Flood"], "1": ["Dog", "Flood"]}
    assert await tagged() == first
    job = await job_of(owner, tenant)
    result = await bring(pipeline, tenant, tmp_path / "b.csv", file("Dog", "", "Flood、Dog"), job)
    assert (result.updated, result.unchanged) == (2, 1)
    assert await tagged() == {"0": ["Dog"], "1": ["Dog", "Flood"], "2": ["Dog", "Flood"]}
    again = await bring(
        pipeline, tenant, tmp_path / "b.csv", file("Dog", "", "Flood、Dog"), await job_of(owner, tenant)
    )
    assert (again.updated, again.unchanged) == (0, 3)
    undone = await undo(pipeline, tenant, job)
    assert (undone.rows, undone.put_back, undone.rejected) == (2, 2, 0) and await tagged() == first
    for cell in ("Flod", "Flood;Theirs", "x" * 41, ";"):
        bad = await bring(pipeline, tenant, tmp_path / "c.csv", file(cell, "Dog"), await job_of(owner, tenant))
        assert bad.rejected == 1 and not bad.applied and bad.errors[0].column == "标签"
    assert await tagged() == first


async def test_the_book_is_let_go_of_by_nobody_else(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "undo-book")
    await bring(pipeline, tenant, tmp_path / "a.csv", csv_of([row(303, 0)]), await job_of(owner, tenant))
    await hang_all(pipeline)
    for table in ("meter", "installation", "account_act", "account_holder", "account", "withdrawn_meter"):
        for role in ("openmains_api", "openmains_pipeline"):
            assert not await owner.fetchval("SELECT has_table_privilege($1, $2, 'DELETE')", role, table), (role, table)
    # Whoever calls the function that takes meters away: it asks for itself.
    job = await job_of(owner, tenant)
    await bring(pipeline, tenant, tmp_path / "b.csv", csv_of([row(303, 1)]), job)
    number = f"{row(303, 1)[0]}"
    meter_id = await owner.fetchval("SELECT meter_id FROM meter WHERE number = $1", number)
    with pytest.raises(asyncpg.CheckViolationError, match="as the import made it"):
        await pipeline.fetchval("SELECT withdraw_meters($1, $2, $3)", tenant, job + 1, [meter_id])
    await owner.execute("UPDATE meter_state SET last_seen_us = 1 WHERE meter_id = $1", meter_id)
    with pytest.raises(asyncpg.CheckViolationError, match="as the import made it"):
        await pipeline.fetchval("SELECT withdraw_meters($1, $2, $3)", tenant, job, [meter_id])
    await owner.execute("UPDATE meter_state SET last_seen_us = NULL WHERE meter_id = $1", meter_id)
    assert (await undo(pipeline, tenant, job)).withdrawn == 1
    with pytest.raises(asyncpg.CheckViolationError, match="does not come back"):
        await owner.execute(
            "INSERT INTO meter (meter_id, tenant_id, number, product_id, area_id, installed_on) OVERRIDING SYSTEM VALUE "
            "SELECT $1, tenant_id, 'other', product_id, area_id, installed_on FROM meter WHERE tenant_id = $2 LIMIT 1",
            meter_id, tenant,
        )  # fmt: skip

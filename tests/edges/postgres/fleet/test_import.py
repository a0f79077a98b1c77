# SPDX-License-Identifier: Apache-2.0
"""Registry import into a real PostgreSQL: what goes in, what does not, and what a killed import leaves."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import xlsxwriter

from openmains.app.fleet.imports import reader
from openmains.app.fleet.imports.import_meters import ImportCancelled, ImportResult, import_meters
from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.spreadsheet import error_report
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import TenantId
from openmains.domain.party.personal import PersonalField
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.postgres.db import API_ROLE, Pool, create_pool, tenant_transaction
from openmains.edges.postgres.fleet.imports import ChangedMeters, PostgresImport
from openmains.edges.postgres.fleet.search import search
from openmains.run.engines.engines import Engines
from tests.edges.postgres.fleet.registry_files import HEADER_ZH, csv_of, make_tenant, row
from tests.support.hanging import hang_all
from tests.support.personal import personal_vault

TODAY = date(2026, 6, 1)


async def bring(pool: Pool, tenant: int, path: Path, data: bytes, **options: Any) -> ImportResult:
    path.write_bytes(data)  # noqa: ASYNC240 - a small file
    async with PostgresImport(pool, personal_vault(pool)) as store:
        return await import_meters(path, tenant, store, today=TODAY, **options)


async def content(owner: Pool, tenant: int) -> list[Any]:
    return [
        await owner.fetch("SELECT * FROM meter WHERE tenant_id = $1 ORDER BY meter_id", tenant),
        await owner.fetch("SELECT * FROM customer WHERE tenant_id = $1 ORDER BY customer_id", tenant),
        await owner.fetch("SELECT * FROM meter_search WHERE tenant_id = $1 ORDER BY meter_id", tenant),
        await owner.fetch("SELECT seq, meter_id FROM identity_change WHERE tenant_id = $1 ORDER BY seq", tenant),
    ]


async def test_the_same_file_twice_changes_nothing(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-twice")
    data = csv_of([row(1, i) for i in range(50)])
    first = await bring(pipeline, tenant, tmp_path / "m.csv", data)
    assert (first.inserted, first.error_count, first.applied) == (50, 0, True)
    assert len(first.meter_ids) == 50
    before = await content(owner, tenant)
    assert [len(part) for part in before] == [50, 50, 50, 50]
    again = await bring(pipeline, tenant, tmp_path / "m.csv", data)
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 50)
    assert await content(owner, tenant) == before
    meter = before[0][7]
    assert (meter["place"], meter["dn"], meter["qmax_l_h"], meter["revision"]) == ("well", 20, 2500, 1)
    assert await owner.fetchval("SELECT count(*) FROM meter_state WHERE tenant_id = $1", tenant) == 50


async def test_a_preview_tells_what_would_happen_and_keeps_nothing(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-preview")
    await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([row(77, i) for i in range(3)]))
    before = await content(owner, tenant)
    data = csv_of([row(77, 0), row(77, 1, dn="25"), row(77, 9), [*row(77, 10)[:2], "1", *row(77, 10)[3:]]])
    told = await bring(pipeline, tenant, tmp_path / "p.csv", data, preview=True)
    assert await content(owner, tenant) == before
    assert (told.inserted, told.updated, told.unchanged, told.rejected, told.applied) == (1, 1, 1, 1, False)
    assert [(each.row, each.outcome) for each in told.first] == [
        (2, "unchanged"), (3, "changed"), (4, "new"), (5, "rejected"),
    ]  # fmt: skip
    assert told.first[2].number == row(77, 9)[0] and told.first[3].value == "1" and told.first[3].reason_en
    assert told.summary()["first"][0]["outcome"] == "unchanged" and len(told.meter_ids) == 0
    # A long file tells of its first ten rows only.
    many = await bring(pipeline, tenant, tmp_path / "l.csv", csv_of([row(78, i) for i in range(40)]), preview=True)
    assert (many.inserted, len(many.first)) == (40, 10)


async def test_changed_rows_update_and_are_searchable(
    engines: Engines, owner: Pool, pipeline: Pool, tmp_path: Path
) -> None:
    tenant = await make_tenant(owner, "import-change")
    await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([row(2, i) for i in range(10)]))
    changed = await bring(
        pipeline, tenant, tmp_path / "m.csv",
        csv_of([row(2, 3, dn="25"), row(2, 4, name="欧阳修"), row(2, 5)]),
    )  # fmt: skip
    assert (changed.inserted, changed.updated, changed.unchanged) == (0, 1, 2)
    assert await owner.fetchval("SELECT revision FROM meter WHERE tenant_id = $1 AND dn = 25", tenant) == 2
    assert await owner.fetchval("SELECT count(*) FROM identity_change WHERE tenant_id = $1", tenant) == 11
    api = await create_pool(engines.urls.postgres_owner, role=API_ROLE)
    try:
        async with tenant_transaction(api, tenant) as connection:
            assert [hit.number for hit in await search(connection, tenant, "欧阳修")] == ["000200000004"]
            assert [hit.number for hit in await search(connection, tenant, "大道7号")] == ["000200000007"]
            assert [hit.number for hit in await search(connection, tenant, "00000006")] == ["000200000006"]
            assert await search(connection, tenant, "138 0000 0005") == []  # sealed, and in no search text
            assert len(await search(connection, tenant, "00")) == 10  # too short for a gram: a prefix
            assert await search(connection, tenant, "张三4") == []
            first = await search(connection, tenant, "高新区", limit=4)
            rest = await search(connection, tenant, "高新区", limit=50, after=first[-1].cursor)
            assert [hit.meter_id for hit in first + rest] == sorted({hit.meter_id for hit in first + rest})
            assert len(first + rest) == 10
        other = await make_tenant(owner, "import-change-other")
        async with tenant_transaction(api, other) as connection:
            assert await search(connection, other, "欧阳修") == []
    finally:
        await api.close()
    rows = await owner.fetch("SELECT phone, customer_id FROM customer WHERE tenant_id = $1", tenant)
    assert {row["phone"] for row in rows} == {""}
    vault = personal_vault(pipeline)
    blind = (await vault.sealer(TenantId(tenant))).blind(PersonalField.PHONE, "138 0000 0005")
    found = await owner.fetch(
        "SELECT c.name FROM personal p JOIN customer c USING (customer_id) WHERE p.blind = $1", blind
    )
    assert [row["name"] for row in found] == ["张三5"]


async def test_who_holds_an_account_is_not_changed_by_a_file_of_meters(
    owner: Pool, pipeline: Pool, tmp_path: Path
) -> None:
    """The meter's copy alone would say another customer than the account, and the next bill the old one."""
    tenant = await make_tenant(owner, "import-holder")
    bare = row(31, 3, code="", name="", phone="", protected="")
    await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([row(31, 1), row(31, 2), bare]))
    await hang_all(pipeline)
    before = await content(owner, tenant)
    other = await bring(
        pipeline,
        tenant,
        tmp_path / "o.csv",
        csv_of([row(31, i, code="C9", name="李四", phone="13900000009") for i in (1, 2)]),
    )
    assert [(error.row, error.column, error.value, error.reason) for error in other.errors] == [
        (2, "户号", "C9", "other_holder"), (3, "户号", "C9", "other_holder"),
    ]  # fmt: skip
    assert not other.applied and await content(owner, tenant) == before
    assert "过户" in other.errors[0].text("zh") and "transfer" in other.errors[0].text("en")
    # Another name is the customer's own record's, and a form that was opened before is stale.
    renamed = await bring(pipeline, tenant, tmp_path / "n.csv", csv_of([row(31, 1, name="王五")]))
    assert (renamed.updated, renamed.unchanged, renamed.applied) == (0, 1, True)
    named = await owner.fetch("SELECT code, name, revision FROM customer WHERE tenant_id = $1 ORDER BY code", tenant)
    assert [tuple(one) for one in named] == [("C1", "王五", 2), ("C2", "张三2", 1)]
    # At an account that nobody holds the customer moves in, by an act as any other; only one can.
    came = await bring(pipeline, tenant, tmp_path / "b.csv", csv_of([row(31, 3, code="C7", name="赵六")]))
    assert (came.updated, came.error_count) == (1, 0)
    held = await owner.fetch(
        "SELECT c.code, m.customer_id = h.customer_id AS same, a.revision, x.kind FROM meter m"
        " JOIN installation i USING (meter_id) JOIN account a USING (account_id)"
        " JOIN account_holder h ON h.account_id = a.account_id AND upper_inf(h.during)"
        " JOIN customer c ON c.customer_id = h.customer_id"
        " JOIN account_act x ON x.account_id = a.account_id AND x.key LIKE 'import:%' WHERE m.tenant_id = $1", tenant,
    )  # fmt: skip
    assert [tuple(one) for one in held] == [("C7", True, 2, "move_in")]
    again = await bring(pipeline, tenant, tmp_path / "b.csv", csv_of([row(31, 3, code="C7", name="赵六")]))
    assert (again.updated, again.unchanged) == (0, 1)


BAD = [
    row(3, 1),
    row(3, 2, imei="860000000000001"),  # wrong check digit
    row(3, 3, product="X9", dn="0"),
    row(3, 1),  # again
    row(3, 5, installed="2027-01-01", imsi="1.2E+14"),
    row(3, 6, area="Z"),
    ["", *row(3, 7)[1:]],
    row(3, 8, name='=HYPERLINK("x")'),
]


async def test_errors_name_row_and_column_and_nothing_goes_in(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-bad")
    result = await bring(pipeline, tenant, tmp_path / "m.csv", csv_of(BAD))
    assert [(e.row, e.column, e.reason) for e in result.errors] == [
        (3, "IMEI", "bad_imei"),
        (4, "口径", "bad_dn"),
        (5, "表号", "duplicate_in_file"),
        (6, "IMSI", "digits_lost"),
        (6, "安装日期", "in-the-future"),
        (7, "区域代码", "unknown_area"),
        (8, "表号", "required"),
        (9, "户名", "formula_sign"),
    ]
    assert (result.applied, result.inserted, result.rejected) == (False, 0, 7)
    assert await content(owner, tenant) == [[], [], [], []]
    report = b"".join(error_report(result.errors, result.error_count, "zh")).decode("utf-8-sig").splitlines()
    assert report[0] == "行,列,值,原因,代码"
    assert report[8].startswith("9,户名,\"'=HYPERLINK"), "in a file it is text"
    assert report[3] == f"5,表号,{row(3, 1)[0]},与文件中另一行重复（第 2 行）,duplicate_in_file"


async def test_partial_takes_the_good_rows(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-partial")
    rows = [row(4, i) for i in range(5)] + [row(4, 6, imei="1"), row(4, 7, area="新区")]
    result = await bring(pipeline, tenant, tmp_path / "m.csv", csv_of(rows), partial=True, create_areas=True)
    assert (result.inserted, result.rejected, result.areas_created, result.applied) == (6, 1, 1, True)
    # an IMEI that belongs to a meter of another tenant is refused without saying whose it is
    other = await make_tenant(owner, "import-partial-other")
    taken = [["N1", *row(4, 0)[1:]], row(4, 90)]
    result = await bring(pipeline, other, tmp_path / "m.csv", csv_of(taken), partial=True)
    assert [(e.row, e.column, e.reason, e.value) for e in result.errors] == [(2, "IMEI", "imei_taken", row(4, 0)[1])]
    assert result.inserted == 1


async def test_gb18030_and_english_headers(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-gb")
    await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([row(5, 1, name="㐀镕")], "gb18030"))
    assert await owner.fetchval("SELECT name FROM customer WHERE tenant_id = $1", tenant) == "㐀镕"
    header = ["Meter number", "note", "Product code", "Area code", "Installation date"]
    short = csv_of([["N2", "w", "W1", "A1", "2024/3/1"]], "utf-8-sig", header)
    result = await bring(pipeline, tenant, tmp_path / "m.csv", short)
    assert result.inserted == 1
    with pytest.raises(HeaderError, match=r"安装日期.*installation date"):
        await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([], header=["表号", "产品代码", "区域代码"]))
    with pytest.raises(HeaderError, match="empty"):
        await bring(pipeline, tenant, tmp_path / "m.csv", b"")


async def test_critical_customers_come_by_import_and_an_empty_cell_keeps_them(
    owner: Pool, pipeline: Pool, tmp_path: Path
) -> None:
    tenant = await make_tenant(owner, "import-critical")
    flags = "SELECT code, is_critical, is_protected FROM customer WHERE tenant_id = $1 ORDER BY code"

    async def brings(header: str, *cells: str) -> list[tuple[Any, ...]]:
        rows = [[*row(12, place), cell] for place, cell in enumerate(cells)]
        await bring(pipeline, tenant, tmp_path / "m.csv", csv_of(rows, header=[*HEADER_ZH, header]))
        return [tuple(found) for found in await owner.fetch(flags, tenant)]

    assert await brings("重要用户", "是", "否", "") == [("C0", True, False), ("C1", False, False), ("C2", False, False)]
    assert await brings("critical", "", "yes") == [("C0", True, False), ("C1", True, False), ("C2", False, False)]
    assert await brings("critical customer", "no", "") == [
        ("C0", False, False), ("C1", True, False), ("C2", False, False),
    ]  # fmt: skip


async def test_xlsx_with_numbers_and_dates(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-xlsx")
    path = tmp_path / "m.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER_ZH)
    for place in (1, 2):
        values = row(6, place)
        sheet.write_row(place, 0, values)
        sheet.write_number(place, 1, float(values[1]))
        sheet.write_datetime(place, 14, date(2024, 3, place), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_number(2, 3, 89860440000000000001.0)  # Excel has eaten the last digits
    book.close()
    async with PostgresImport(pipeline, personal_vault(pipeline)) as store:
        result = await import_meters(path, tenant, store, today=TODAY, partial=True)
    assert [(e.row, e.column, e.reason) for e in result.errors] == [(3, "ICCID", "digits_lost")]
    stored = await owner.fetchrow("SELECT imei, installed_on FROM meter WHERE tenant_id = $1", tenant)
    assert tuple(stored) == (int(row(6, 1)[1]), date(2024, 3, 1))


@pytest.mark.parametrize("how", ["killed", "cancelled"])
async def test_an_import_that_ends_in_the_middle_leaves_nothing(
    owner: Pool, pipeline: Pool, engines: Engines, tmp_path: Path, how: str
) -> None:
    # The planner's statistics know a neighbour's rows and none of this utility's: a plan that compares each row with each takes over a minute.
    neighbour = await make_tenant(owner, f"import-beside-{how}")
    await bring(
        pipeline, neighbour, tmp_path / "n.csv", csv_of([row(5 if how == "killed" else 6, i) for i in range(50)])
    )
    for table in ("meter", "customer"):
        await owner.execute(f"ANALYZE {table}")
    tenant = await make_tenant(owner, f"import-{how}")
    path = tmp_path / "m.csv"
    path.write_bytes(csv_of([row(7 if how == "killed" else 8, i) for i in range(reader.CHUNK_ROWS + 10)]))
    pool = await create_pool(engines.urls.postgres_pipeline, max_size=1, application=f"import-{how}")
    stop = asyncio.Event()
    try:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ImportCancelled)) as ended:
            async with PostgresImport(pool, personal_vault(pipeline)) as store:
                applied = store.apply

                async def apply_then_end() -> Any:
                    done = await applied()
                    if how == "cancelled":
                        stop.set()
                    else:
                        await owner.execute(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                            f"import-{how}",
                        )
                    return done

                store.apply = apply_then_end  # type: ignore[method-assign]
                await import_meters(path, tenant, store, today=TODAY, should_stop=stop.is_set)
    finally:
        await pool.close()
    assert not isinstance(ended.value, TimeoutError), "it ended before its middle"
    assert await content(owner, tenant) == [[], [], [], []]


async def test_dimensions_follow(owner: Pool, pipeline: Pool, clickhouse: ClickHouse, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-dims")
    await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([row(9, i) for i in range(20)]))
    source, dims = ChangedMeters(pipeline), MeterDims(clickhouse)

    async def copied() -> list[tuple[Any, ...]]:
        return await clickhouse.query(
            "SELECT meter_id, area_id, product_id, installed_on, revision FROM meter_dim FINAL "
            "WHERE tenant_id = {t:UInt32} ORDER BY meter_id", {"t": tenant},
        )  # fmt: skip

    async def truth() -> list[tuple[Any, ...]]:
        rows = await owner.fetch(
            "SELECT meter_id, area_id, product_id, installed_on, revision FROM meter WHERE tenant_id = $1 ORDER BY 1",
            tenant,
        )
        return [tuple(each) for each in rows]

    await sync_dims(source, dims)
    assert await copied() == await truth()
    await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([row(9, 3, installed="2024-04-01")]))
    # a transaction that is still open holds the position back: nothing of it may be skipped
    async with owner.acquire() as connection, connection.transaction():
        await connection.execute("INSERT INTO identity_change (tenant_id, meter_id) VALUES ($1, 1)", tenant)
        await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([row(9, 4, installed="2024-05-01")]))
        await sync_dims(source, dims)
    await sync_dims(source, dims)
    assert await copied() == await truth()
    assert await sync_dims(source, dims) == 0


def test_imei_check_digit() -> None:
    assert imei_of(49015420323751) == 490154203237518  # 3GPP TS 23.003 Annex B's scheme on its usual example


async def test_what_a_spreadsheet_did_to_a_cell_is_refused_with_its_cause(
    owner: Pool, pipeline: Pool, tmp_path: Path
) -> None:
    tenant = await make_tenant(owner, "import-damage")
    damage = {
        "code": ("6.60123E+15", "digits_lost"), "number": ("6E+15", "digits_lost"), "imei": ("8.6E+14", "digits_lost"),
        "iccid": ("89860440000000000000", "digits_lost"), "name": ("#N/A", "sheet_error"), "dn": ("#REF!", "sheet_error"),
        "phone": ("138****0001", "masked"), "address": ("一路\u202e2号", "control_sign"),
    }  # fmt: skip
    rows = [row(20, place, **{name: value}) for place, (name, (value, _)) in enumerate(damage.items())]
    more = [row(20, 50, name="张三".encode().decode("gbk")), row(20, 51, name="a\ufffdb"), row(20, 52, name="a\x07b")]
    result = await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([*rows, *more, row(20, 99)]), partial=True)
    assert [(e.row, e.reason) for e in result.errors] == [
        *((place + 2, reason) for place, (_, reason) in enumerate(damage.values())),
        (10, "mojibake"), (11, "mojibake"), (12, "control_sign"),
    ]  # fmt: skip
    assert (result.rows, result.inserted, result.rejected) == (12, 1, 11)


async def test_an_error_or_a_long_number_in_a_workbook_is_refused(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-sheet-damage")
    path = tmp_path / "m.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER_ZH)
    for place in range(1, 5):
        sheet.write_row(place, 0, row(21, place))
    sheet.write_formula(1, 8, "=NA()", None, "#N/A")  # telephone: an empty cell would keep what is stored
    sheet.write_number(2, 6, 6601230000000017)  # customer code of 16 digits: a spreadsheet keeps 15
    sheet.write_formula(3, 0, "=1/0", None, "#DIV/0!")
    book.close()
    async with PostgresImport(pipeline, personal_vault(pipeline)) as store:
        result = await import_meters(path, tenant, store, today=TODAY, partial=True)
    assert [(e.row, e.column, e.reason) for e in result.errors] == [
        (2, "电话", "sheet_error"), (3, "户号", "digits_lost"), (4, "表号", "sheet_error"),
    ]  # fmt: skip
    assert result.inserted == 1


@pytest.mark.parametrize("place", ["number", "code"])
async def test_numbers_that_differ_by_leading_zeros_only_are_asked_about(
    owner: Pool, pipeline: Pool, tmp_path: Path, place: str
) -> None:
    tenant = await make_tenant(owner, f"import-zeros-{place}")
    base = 22 if place == "number" else 23
    header = {"number": "表号", "code": "户号"}[place]
    both = [row(base, 1, **{place: "00012345"}), row(base, 2, **{place: "12345"})]
    result = await bring(pipeline, tenant, tmp_path / "m.csv", csv_of(both), partial=True)
    assert [(e.row, e.column, e.reason) for e in result.errors] == [(3, header, "zeros_differ")]
    result = await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([both[1], row(base, 3)]), partial=True)
    assert [(e.row, e.column, e.reason) for e in result.errors] == [(2, header, "zeros_differ")]
    assert result.inserted == 1
    again = await bring(pipeline, tenant, tmp_path / "m.csv", csv_of([both[0]]))
    assert (again.unchanged, again.error_count) == (1, 0)


async def test_a_stray_mark_costs_its_row_and_is_said(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-quote")
    lines = csv_of([row(24, place) for place in range(30)]).decode().splitlines()
    lines[3] = lines[3].replace("张三2", '"张三2')
    result = await bring(pipeline, tenant, tmp_path / "m.csv", "\r\n".join(lines).encode(), partial=True)
    assert [(e.row, e.reason) for e in result.errors] == [(4, "unclosed_quote")]
    assert (result.rows, result.inserted) == (30, 29)


async def test_rows_of_a_second_sheet_are_not_passed_over(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-sheets")
    path = tmp_path / "m.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for place in range(2):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER_ZH)
        sheet.write_row(1, 0, row(25, place))
    book.close()
    with pytest.raises(HeaderError, match="Sheet2"):
        async with PostgresImport(pipeline, personal_vault(pipeline)) as store:
            await import_meters(path, tenant, store, today=TODAY)


async def test_a_bar_code_is_one_meters_for_life(owner: Pool, pipeline: Pool, tmp_path: Path) -> None:
    tenant = await make_tenant(owner, "import-bar-codes")
    head = [*HEADER_ZH, "条码"]
    rows = [row(771, i, bar_code=f"B{i}") for i in range(4)]
    assert (await bring(pipeline, tenant, tmp_path / "m.csv", csv_of(rows, header=head))).inserted == 4
    # of a meter that was doubled before bar codes were unique: the same file is still no change
    await owner.execute(
        "UPDATE meter SET bar_code = 'B0', bar_code_doubled = true WHERE tenant_id = $1 AND bar_code = 'B3'", tenant
    )
    rows[3] = row(771, 3, bar_code="B0")
    again = await bring(pipeline, tenant, tmp_path / "m.csv", csv_of(rows, header=head))
    assert (again.unchanged, again.error_count) == (4, 0)
    taken = await bring(
        pipeline, tenant, tmp_path / "m.csv",
        csv_of([row(771, 1, bar_code="B2"), row(771, 5, bar_code="new"), row(771, 6, bar_code="new")], header=head), partial=True,
    )  # fmt: skip
    assert [(error.value, error.reason) for error in taken.errors] == [
        ("B2", "bar_code_taken"),
        ("new", "bar_code_taken"),
    ]
    rows[3] = row(771, 3, bar_code="B3")
    assert (await bring(pipeline, tenant, tmp_path / "m.csv", csv_of(rows, header=head))).updated == 1
    assert not await owner.fetchval("SELECT bool_or(bar_code_doubled) FROM meter WHERE tenant_id = $1", tenant)

# SPDX-License-Identifier: Apache-2.0
"""``openmains bench import``: a utility's whole registry from one file, as ``openmains import --partial`` does it, over a real database.

Each row is a meter with its customer, account and premises; every ``FAULTY``-th has an IMEI without its check digit.

``rows``, ``seconds``, ``rows_per_s``     from the first byte of the file until all of it is there: the file, and the longer of what follows
``import_seconds``                        to the commit, with the report of errors
``hang_seconds``, ``seal_seconds``        what the worker does then, both at once: premises, accounts and installations; customers found
``accounts``, ``premises``                that are there afterwards
``errors``                                rows that were refused
``again_seconds``                         the same file once more, which changes nothing
``rss_mb``                                the most memory this process and the one that reads held
"""

import argparse
import asyncio
import resource
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

from openmains.app.fleet.imports.import_meters import ImportResult, import_meters
from openmains.app.spreadsheet import write_error_reports
from openmains.bench import calibration
from openmains.bench.figures import tell_table
from openmains.bench.registry import register
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import TenantId
from openmains.drivers import catalog
from openmains.edges.postgres.db import PIPELINE_ROLE, Pool, create_pool
from openmains.edges.postgres.fleet.hang import hang_meters
from openmains.edges.postgres.fleet.imports import PostgresImport
from openmains.edges.postgres.migrate import migrate
from openmains.edges.postgres.party.customers import settle_customers
from openmains.run.engines.engines import EngineOptions, Engines, EngineUrls
from openmains.run.master_key import make_file
from openmains.run.personal import personal_vault

FAULTY = 1_000
FIRST_IMEI_14 = 86_100_000_000_000
TODAY = date(2026, 11, 30)
HEADINGS = "meter number,IMEI,product code,area code,customer code,customer name,phone,customer address,address,installation date"
_COUNTS = """
SELECT (SELECT count(*) FROM meter WHERE tenant_id = $1), (SELECT count(*) FROM account WHERE tenant_id = $1),
       (SELECT count(*) FROM premises WHERE tenant_id = $1)
"""
_STREETS = ("人民路", "解放街", "中山大道", "Harbour Road", "建设新村")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--json", action="store_true", help="only the JSON line on standard output")


def main(args: argparse.Namespace) -> int:
    """Build, import, print; the last line is JSON."""
    var = Path(args.var or "bench-import-var").absolute()
    var.mkdir(parents=True, exist_ok=True, mode=0o711)
    machine = calibration.say(quiet=args.json)
    figures = asyncio.run(_bench(args.rows, var)) | {"machine": machine}
    tell_table(figures, only_json=args.json)
    return 0


def write_file(path: Path, rows: int) -> None:
    """The file; its meters are in 50 areas that are there."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADINGS + "\n")
        for row in range(rows):
            imei = imei_of(FIRST_IMEI_14 + row)
            if row % FAULTY == FAULTY - 1:
                imei = imei // 10 * 10 + (imei + 1) % 10
            street = f"{_STREETS[row % 5]}{row // 40}号{row % 40 // 2 + 1}室"
            customer = f"K{row:08d},王{row % 977}号{row % 31},139{row:08d},{street}"
            day = f"2024-05-{row % 28 + 1:02d}"
            file.write(f"6{row:011d},{imei},bench-water,A{row % 50:03d},{customer},{street},{day}\n")


async def measure(dsn_owner: str, pool: Pool, var: Path, tenant_id: TenantId, rows: int) -> dict[str, Any]:
    """Figures by key; the tenant has the bench's product and areas (``registry.register``)."""
    path = var / "bench-import.csv"
    write_file(path, rows)

    async def once() -> tuple[float, ImportResult]:
        began = time.perf_counter()
        async with PostgresImport(pool, personal_vault(var, pool), catalog.load().exponents) as store:
            found = await import_meters(path, tenant_id, store, today=TODAY, partial=True, progress=_say)
        write_error_reports(path, found.errors, found.error_count)
        return time.perf_counter() - began, found

    try:
        import_s, first = await once()
        hang_s, seal_s = await _afterwards(pool, var)
        again_s, again = await once()
    finally:
        path.unlink()
    owner = await asyncpg.connect(dsn_owner)
    try:
        counts = await owner.fetchrow(_COUNTS, tenant_id)
    finally:
        await owner.close()
    if (
        again.inserted
        or again.updated
        or first.inserted + first.rejected != rows
        or counts is None
        or counts[0] < first.inserted
    ):
        raise RuntimeError(f"{first.summary()} and then {again.summary()}")
    if counts[1] < first.inserted:
        raise RuntimeError(f"{counts[1]} accounts of {first.inserted} meters")
    seconds = import_s + max(hang_s, seal_s)
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_s": round(rows / seconds),
        "import_seconds": round(import_s, 1),
        "hang_seconds": round(hang_s, 1),
        "seal_seconds": round(seal_s, 1),
        "accounts": counts[1],
        "premises": counts[2],
        "errors": first.error_count,
        "again_seconds": round(again_s, 1),
        "rss_mb": sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024,
    }  # fmt: skip


async def _afterwards(pool: Pool, var: Path) -> tuple[float, float]:
    """What the worker does by the clock, each beside the other; s from the commit until none waits."""
    began, hung = time.perf_counter(), asyncio.Event()

    async def hang() -> float:
        while await hang_meters(pool):
            pass
        hung.set()
        return time.perf_counter() - began

    async def settle() -> float:
        while True:
            last = hung.is_set()  # whoever was hung one by one may want a new text
            while await settle_customers(pool, personal_vault(var, pool)):
                pass
            if last:
                return time.perf_counter() - began
            await hung.wait()

    hang_s, seal_s = await asyncio.gather(hang(), settle())
    return hang_s, seal_s


def _say(done: int, total: int) -> None:
    print(f"{time.strftime('%H:%M:%S')} {done}/{total}", file=sys.stderr, flush=True)


async def _bench(rows: int, var: Path) -> dict[str, Any]:
    engines = Engines(var, EngineOptions(size="large"))
    urls: EngineUrls = await engines.start()
    try:
        await migrate(urls.postgres_owner)
        make_file(var)
        registry = await register(urls.postgres_owner, 50, code="bench-import")
        pool = await create_pool(urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=4, command_timeout_s=None)
        try:
            return await measure(urls.postgres_owner, pool, var, registry.tenant_id, rows)
        finally:
            await pool.close()
    finally:
        await engines.stop()

# SPDX-License-Identifier: Apache-2.0
"""``openmains import FILE``: registry file into a running system's database. The worker copies dimensions afterwards."""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from openmains.app.fleet.imports.import_meters import ImportResult, import_meters
from openmains.app.spreadsheet import error_report
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.ids import TenantId
from openmains.drivers import catalog as driver_catalog
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.postgres.fleet.imports import PostgresImport
from openmains.edges.postgres.identity.machine import Tenants
from openmains.run import messages
from openmains.run.admin.place import the_tenant
from openmains.run.engines.child import StartError
from openmains.run.personal import personal_vault
from openmains.run.settings import Loaded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    text = messages.text
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV (UTF-8, GB18030), XLSX")
    parser.add_argument(
        "--tenant",
        metavar="CODE",
        help=text("租户代码（只有一个时可省略）", "tenant (may be left out if there is one)"),
    )
    parser.add_argument(
        "--partial", action="store_true", help=text("导入正确的行，报告有误的行", "import good rows, report bad ones")
    )
    parser.add_argument("--create-areas", action="store_true", help=text("新建未知区域", "create unknown areas"))
    parser.add_argument("--errors", type=Path, metavar="CSV", help=text("错误报告文件", "where to write the errors"))


def pipeline_dsn(loaded: Loaded) -> str:
    """URL of the running system's database for the pipeline's role; raises StartError."""
    return loaded.settings.urls().postgres_pipeline


def away(error: Exception) -> StartError:
    """The database does not answer."""
    return StartError(
        f"连接不到数据库，请先运行 openmains serve（{error}）。",
        f"the database does not answer: run openmains serve first ({error}).",
    )


async def find_tenant(pool: "asyncpg.Pool", code: str | None) -> tuple[TenantId, str]:
    """(tenant id, zone) by code, or the only one; raises StartError."""
    tenant = the_tenant(await Tenants(pool).all(), code)
    return tenant.tenant_id, tenant.zone


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """0 all rows are in, 1 some or all were refused or the file can not be read."""
    try:
        result = asyncio.run(_import(args, pipeline_dsn(loaded), loaded.settings.var_path))
    except HeaderError as error:
        print(error, file=sys.stderr)
        return 1
    except asyncpg.PostgresError as error:
        raise StartError(
            f"导入失败，未作任何更改：{error}", f"the import failed and changed nothing: {error}"
        ) from error
    if result.ignored:
        names = "、".join(result.ignored)
        print(messages.text(f"以下列不导入：{names}", f"columns that are not imported: {names}"), file=sys.stderr)
    if result.error_count:
        path = args.errors or args.file.with_name(args.file.name + ".errors.csv")
        path.write_bytes(b"".join(error_report(result.errors, result.error_count, messages.text("zh", "en"))))
        print(
            messages.text(f"{result.error_count} 处错误，见 {path}", f"{result.error_count} errors, see {path}"),
            file=sys.stderr,
        )
    print(msgspec.json.encode(result.summary()).decode())
    return 1 if result.error_count else 0


async def _import(args: argparse.Namespace, dsn: str, var: Path) -> ImportResult:
    if not args.file.is_file():
        raise StartError(f"没有文件 {args.file}。", f"there is no file {args.file}.")
    started = time.monotonic()

    def progress(done: int, total: int) -> None:
        rate = done / max(time.monotonic() - started, 0.001)
        print(f"{done}/{total}  {rate:.0f}/s", file=sys.stderr, flush=True)

    try:
        pool = await create_pool(
            dsn, role=PIPELINE_ROLE, max_size=4, command_timeout_s=None, application="openmains-import"
        )
    except (OSError, asyncpg.PostgresError) as error:
        raise away(error) from error
    try:
        tenant_id, zone = await find_tenant(pool, args.tenant)
        units = {driver.name: driver.unit_exponent for driver in driver_catalog.load()}
        async with PostgresImport(pool, personal_vault(var, pool), units) as store:
            return await import_meters(
                args.file, tenant_id, store, today=datetime.now(UTC).astimezone(ZoneInfo(zone)).date(),
                partial=args.partial, create_areas=args.create_areas, progress=progress,
            )  # fmt: skip
    finally:
        await pool.close()

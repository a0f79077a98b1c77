# SPDX-License-Identifier: Apache-2.0
"""``openmains keys``: import, make, destroy device keys and change the master key, against a running database."""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec

from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.sealing.vault import rewrap_all
from openmains.app.security.keys.generate import KeyOrder, generate_keys
from openmains.app.security.keys.import_keys import KeyImport, import_keys
from openmains.app.security.keys.key_file import VALUE
from openmains.app.security.keys.ports import MeterChoice
from openmains.app.security.keys.vault import Vault
from openmains.app.spreadsheet import error_report
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.fleet.identifiers import is_imei
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import PIPELINE_ROLE, Pool, create_pool
from openmains.edges.postgres.fleet.codes import Codes
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.run import messages
from openmains.run.admin.imports import away, find_tenant, pipeline_dsn
from openmains.run.engines.child import StartError
from openmains.run.master_key import begin_rotation, end_rotation, is_from_environment, masters_of
from openmains.run.secret_files import write_private
from openmains.run.settings import Loaded

T = TypeVar("T")


def _add_tenant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tenant",
        metavar="CODE",
        help=messages.text("租户代码（只有一个时可省略）", "tenant (may be left out if there is one)"),
    )


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """``FILE [--partial] [--errors CSV]``."""
    text = messages.text
    parser.add_argument("file", type=Path, metavar="FILE", help=text("CSV:imei, psk(十六进制)", "CSV: imei, psk (hex)"))
    _add_tenant(parser)
    parser.add_argument(
        "--partial", action="store_true", help=text("导入正确的行，报告有误的行", "import good rows, report bad ones")
    )
    parser.add_argument("--errors", type=Path, metavar="CSV", help=text("错误报告文件", "where to write the errors"))


def add_generate_arguments(parser: argparse.ArgumentParser) -> None:
    """``--out FILE [--product CODE] [--area CODE] [--imei …] [--rotate]``."""
    text = messages.text
    _add_tenant(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="CSV", help=text("交给厂家的文件", "for the maker"))
    parser.add_argument("--product", metavar="CODE", help=text("仅此产品", "of this product only"))
    parser.add_argument("--area", metavar="CODE", help=text("仅此区域及下级", "of this area and those below only"))
    parser.add_argument("--imei", nargs="+", metavar="IMEI", help=text("仅这些设备", "of these devices only"))
    parser.add_argument(
        "--rotate",
        action="store_true",
        help=text("已有密钥的也换新,旧密钥在新密钥首次使用前有效", "replace keys too; old ones hold until first use"),
    )


def add_destroy_arguments(parser: argparse.ArgumentParser) -> None:
    """``[--imei IMEI] --yes``."""
    text = messages.text
    _add_tenant(parser)
    parser.add_argument("--imei", metavar="IMEI", help=text("仅此设备;不写则整个租户", "this device; else the tenant"))
    parser.add_argument("--yes", action="store_true", help=text("确认:无法恢复", "confirm: there is no way back"))


def import_file(args: argparse.Namespace, loaded: Loaded) -> int:
    """0 all rows are in, 1 some or all were refused."""
    if not args.file.is_file():
        raise StartError(f"没有文件 {args.file}。", f"there is no file {args.file}.")
    data = args.file.read_bytes()

    async def work(pool: Pool, store: PostgresKeys, vault: Vault) -> KeyImport:
        tenant_id, _ = await find_tenant(pool, args.tenant)
        result = await import_keys(data, tenant_id, store, vault, partial=args.partial, progress=_progress)
        await store.note(tenant_id, "import_keys", "device_key", "", result.summary())
        return result

    try:
        result = _with_store(loaded, work)
    except HeaderError as error:
        print(error, file=sys.stderr)
        return 1
    if result.error_count:
        path = args.errors or args.file.with_name(args.file.name + ".errors.csv")
        path.write_bytes(b"".join(error_report(result.errors, result.error_count, messages.text("zh", "en"), VALUE)))
        print(
            messages.text(f"{result.error_count} 处错误，见 {path}", f"{result.error_count} errors, see {path}"),
            file=sys.stderr,
        )
    print(msgspec.json.encode(result.summary()).decode())
    return 1 if result.error_count else 0


def generate(args: argparse.Namespace, loaded: Loaded) -> int:
    """Make keys and write the file for the maker (0600)."""
    if args.out.exists():
        raise StartError(f"{args.out} 已存在,不会覆盖。", f"{args.out} exists and is not overwritten.")
    for imei in args.imei or ():
        if not is_imei(imei):
            raise StartError(f"{imei} 不是有效的 IMEI。", f"{imei} is not an IMEI.")

    async def work(pool: Pool, store: PostgresKeys, vault: Vault) -> int:
        tenant_id, _ = await find_tenant(pool, args.tenant)
        codes = Codes(pool)
        choice = MeterChoice(
            imeis=[int(imei) for imei in args.imei] if args.imei else None,
            product_id=await _id_of(codes.product, tenant_id, args.product),
            area_id=await _id_of(codes.area, tenant_id, args.area),
            with_key=args.rotate,
        )
        made = await generate_keys(
            KeyOrder(choice, args.rotate), tenant_id, store, vault, secrets.token_bytes,
            lambda data: write_private(args.out, data.decode("utf-8")), progress=_progress,
        )  # fmt: skip
        await store.note(tenant_id, "generate_keys", "device_key", "", {"made": made, "rotate": args.rotate})
        return made

    made = _with_store(loaded, work)
    messages.show(
        f"已生成 {made} 个密钥" + (f",见 {args.out}。请安全交给厂家后删除。" if made else "。"),
        f"{made} keys made" + (f": {args.out}. Hand it to the maker safely, then delete it." if made else "."),
    )
    return 0


def rotate_master(args: argparse.Namespace, loaded: Loaded) -> int:
    """A new master key; every tenant's data key is wrapped anew. Can be repeated when it was interrupted."""
    del args
    var = loaded.settings.var_path
    from_environment = is_from_environment()
    if not from_environment:
        begin_rotation(var)

    async def work(pool: Pool, store: PostgresKeys, vault: Vault) -> int:
        del vault
        changed = await rewrap_all(store, masters_of(var)(), secrets.token_bytes, _progress)
        for tenant_id, _ in {(key.tenant_id, 0) for key in await store.data_keys()}:
            await store.note(tenant_id, "rotate_master_key", "tenant_key", "", {})
        return changed

    changed = _with_store(loaded, work)
    if not from_environment:
        end_rotation(var)
    messages.show(
        f"主密钥已更换,重新封装 {changed} 个。", f"the master key is changed; {changed} data keys wrapped anew."
    )
    return 0


def destroy(args: argparse.Namespace, loaded: Loaded) -> int:
    """Remove keys for good."""
    if not args.yes:
        raise StartError(
            "销毁后无法恢复,这些表将无法接入;确认请加 --yes。",
            "there is no way back and the meters will not get in any more: confirm with --yes.",
        )
    if args.imei and not is_imei(args.imei):
        raise StartError(f"{args.imei} 不是有效的 IMEI。", f"{args.imei} is not an IMEI.")

    async def work(pool: Pool, store: PostgresKeys, vault: Vault) -> int:
        del vault
        tenant_id, _ = await find_tenant(pool, args.tenant)
        if args.imei:
            count = int(await store.destroy_device(tenant_id, int(args.imei)))
        else:
            count = await store.destroy_tenant(tenant_id)
        await store.note(tenant_id, "destroy_keys", "device_key", args.imei or "", {"destroyed": count})
        return count

    count = _with_store(loaded, work)
    messages.show(
        f"已销毁 {count} 个密钥。备份中的副本在更换主密钥(keys rotate-master)后失效。",
        f"{count} keys destroyed. Copies in backups become useless with keys rotate-master.",
    )
    return 0


def _progress(done: int, total: int) -> None:
    print(f"{done}/{total}", file=sys.stderr, flush=True)


async def _id_of(
    find: Callable[[TenantId, str], Awaitable[T | None]], tenant_id: TenantId, code: str | None
) -> T | None:
    """What ``find`` knows by this code; None without a code. Raises StartError for one that is not there."""
    if code is None:
        return None
    found = await find(tenant_id, code)
    if found is None:
        raise StartError(f"没有代码 {code}。", f"there is no code {code}.")
    return found


def _with_store(loaded: Loaded, work: Callable[[Pool, PostgresKeys, Vault], Awaitable[T]]) -> T:
    async def run() -> T:
        try:
            pool = await create_pool(
                pipeline_dsn(loaded),
                role=PIPELINE_ROLE,
                max_size=3,
                command_timeout_s=None,
                application="openmains-keys",
            )
        except (OSError, asyncpg.PostgresError) as error:
            raise away(error) from error
        try:
            store = PostgresKeys(pool)
            return await work(pool, store, Vault(store, masters_of(loaded.settings.var_path), secrets.token_bytes))
        except KeyUnreadableError as error:
            raise StartError(f"密钥无法打开:{error}", f"a key does not open: {error}") from error
        finally:
            await pool.close()

    return asyncio.run(run())

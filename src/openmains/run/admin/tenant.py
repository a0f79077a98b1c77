# SPDX-License-Identifier: Apache-2.0
"""``openmains tenant``: make a utility with its administrator, or list the utilities.

Works as the schema's owner, so it needs a running instance or an outside PostgreSQL. The random password is printed
once and must be changed at the first sign-in.
"""

import argparse
import asyncio
import re
from zoneinfo import available_timezones

from openmains.app.identity.model import Tenant
from openmains.domain.identity import login
from openmains.domain.plain_text import name_fault
from openmains.edges.postgres.identity.machine import Tenants
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.run import messages
from openmains.run.admin.place import connect_as_owner
from openmains.run.engines.child import StartError
from openmains.run.settings import Loaded

CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
LONGEST_NAME = 200
NAME_REFUSED = (
    "名称不能以 = + - @ 开头,也不能含有看不见的字符。",
    "the name may not begin with = + - or @, nor hold signs that nobody sees.",
)


def add_create_arguments(parser: argparse.ArgumentParser) -> None:
    """``CODE NAME [--zone …] [--login …]``."""
    text = messages.text
    parser.add_argument(
        "code", help=text("代码(小写字母、数字、-、_),登录时使用", "code (a-z 0-9 - _) to sign in with")
    )
    parser.add_argument("name", help=text("名称", "name"))
    parser.add_argument(
        "--zone",
        default="Asia/Shanghai",
        help=text("时区,之后不可更改;默认 Asia/Shanghai", "time zone, fixed afterwards; default Asia/Shanghai"),
    )
    parser.add_argument("--login", default="admin", help=text("管理员登录名;默认 admin", "login; default admin"))


def create(args: argparse.Namespace, loaded: Loaded) -> int:
    """Print the password; raises StartError with the reason when it cannot be done."""
    password = asyncio.run(_create(args, loaded))
    messages.show(
        f"已创建租户 {args.code}。管理员 {args.login} 的临时密码(只显示一次,首次登录须更改):{password}",
        f"tenant {args.code} is made. Temporary password of its administrator {args.login}"
        f" (shown once, to be changed at the first sign-in): {password}",
    )
    return 0


def show_all(args: argparse.Namespace, loaded: Loaded) -> int:
    """A line for each tenant: code, name, zone, meters; raises StartError when the database is away."""
    del args
    for tenant, meters in asyncio.run(_list(loaded)):
        line = f"{tenant.code}\t{tenant.name}\t{tenant.zone}\t{meters}"
        messages.show(f"{line} 只表", f"{line} meters")
    return 0


async def _list(loaded: Loaded) -> list[tuple[Tenant, int]]:
    """Each with how many meters it has in use, by code."""
    connection = await connect_as_owner(loaded)
    try:
        tenants = Tenants(connection)
        meters = await tenants.meters()
        return [(tenant, meters.get(tenant.tenant_id, 0)) for tenant in await tenants.all()]
    finally:
        await connection.close()


async def _create(args: argparse.Namespace, loaded: Loaded) -> str:
    if not CODE.fullmatch(args.code):
        raise StartError(
            f"租户代码 {args.code!r} 只能含小写字母、数字、- 与 _,最长 32 个字符。",
            f"the tenant code {args.code!r} may hold a-z, 0-9, - and _ only, at most 32 of them.",
        )
    if not args.name.strip() or len(args.name) > LONGEST_NAME:
        raise StartError(f"名称应为 1…{LONGEST_NAME} 个字符。", f"the name should have 1…{LONGEST_NAME} characters.")
    if name_fault(args.name):
        raise StartError(*NAME_REFUSED)
    if not re.fullmatch(login.WRITTEN, args.login, re.ASCII):
        raise StartError(*login.REFUSED)
    if args.zone not in available_timezones():
        raise StartError(
            f"没有时区 {args.zone};例如 Asia/Shanghai。", f"there is no time zone {args.zone}; one is Asia/Shanghai."
        )
    connection = await connect_as_owner(loaded)
    try:
        if any(tenant.code == args.code for tenant in await Tenants(connection).all()):
            raise StartError(f"租户 {args.code} 已存在。", f"the tenant {args.code} exists already.")
    finally:
        await connection.close()
    _, _, password = await create_tenant_admin(
        loaded.settings.urls().postgres_owner,
        tenant_code=args.code,
        tenant_name=args.name.strip(),
        zone=args.zone,
        login=args.login,
        name=messages.text("管理员", "Administrator"),
        locale=messages.text("zh", "en"),
    )
    if password is None:  # made by somebody else in between
        raise StartError(f"租户 {args.code} 已存在。", f"the tenant {args.code} exists already.")
    return password

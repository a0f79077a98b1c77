# SPDX-License-Identifier: Apache-2.0
"""``openmains user``: make a user or give one a new password, from the machine itself (the first, and the locked out).

Works as the schema's owner, so it needs a running instance or an outside PostgreSQL. The random password is printed
once and must be changed at the first sign-in.
"""

import argparse
import asyncio
import re

from openmains.app.identity.recover import add_first_user, restore_access
from openmains.app.problems import Problem
from openmains.domain.identity import login
from openmains.domain.identity.role import Role
from openmains.domain.plain_text import name_fault
from openmains.edges.postgres.identity.machine import Accounts, Tenants
from openmains.run import messages
from openmains.run.admin.place import connect_as_owner, the_tenant
from openmains.run.admin.tenant import NAME_REFUSED
from openmains.run.engines.child import StartError
from openmains.run.settings import Loaded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``create LOGIN`` and ``reset-password LOGIN``."""
    text = messages.text
    parser.add_argument("action", choices=("create", "reset-password"))
    parser.add_argument("login")
    parser.add_argument(
        "--tenant", help=text("租户代码;只有一个租户时可省略", "tenant code; not needed if there is one")
    )
    parser.add_argument("--role", choices=[role.value for role in Role], default="operator")
    parser.add_argument("--name", default="", help=text("姓名", "name of the person"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Print the password; raises StartError with the reason when it cannot be done."""
    password = asyncio.run(_main(args, loaded))
    messages.show(
        f"{args.login} 的临时密码(只显示一次,首次登录须更改):{password}",
        f"temporary password of {args.login} (shown once, to be changed at the first sign-in): {password}",
    )
    return 0


async def _main(args: argparse.Namespace, loaded: Loaded) -> str:
    if args.action == "create" and not re.fullmatch(login.WRITTEN, args.login, re.ASCII):
        raise StartError(*login.REFUSED)
    if name_fault(args.name):
        raise StartError(*NAME_REFUSED)
    connection = await connect_as_owner(loaded)
    try:
        tenant = the_tenant(await Tenants(connection).all(), args.tenant)
        accounts = Accounts(connection)
        if args.action == "create":
            return await add_first_user(accounts, tenant.tenant_id, args.login, args.name, Role(args.role))
        return await restore_access(accounts, tenant.tenant_id, args.login)
    except Problem as problem:
        if problem.code == "login-taken":
            raise StartError(f"用户 {args.login} 已存在。", f"the user {args.login} exists already.") from problem
        raise StartError(f"没有用户 {args.login}。", f"there is no user {args.login}.") from problem
    finally:
        await connection.close()

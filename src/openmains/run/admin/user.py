# SPDX-License-Identifier: Apache-2.0
"""``openmains user``: make a user or give one a new password, from the machine itself (the first, and the locked out).

Works as the schema's owner, so it needs a running instance or an outside PostgreSQL. The random password is printed
once and must be changed at the first sign-in.
"""

import argparse
import asyncio
import secrets

import asyncpg

from openmains.app.identity.hashing import hash_password
from openmains.run import messages
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
    parser.add_argument("--role", choices=("administrator", "operator", "viewer"), default="operator")
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
    try:
        connection = await asyncpg.connect(loaded.settings.urls().postgres_owner, timeout=5)
    except (OSError, TimeoutError) as error:
        raise StartError(
            "连接不到数据库;请先运行 openmains serve。", "the database does not answer: run openmains serve first."
        ) from error
    try:
        tenants = await connection.fetch("SELECT tenant_id, code FROM tenant ORDER BY code")
        if not tenants:
            raise StartError(
                "尚无租户;请先执行 openmains tenant create。", "no tenant yet: run openmains tenant create."
            )
        found = [row["tenant_id"] for row in tenants if args.tenant in (None, row["code"])]
        if len(found) != 1:
            codes = ", ".join(row["code"] for row in tenants) or "-"
            raise StartError(f"请用 --tenant 指定租户:{codes}", f"name the tenant with --tenant: {codes}")
        password = secrets.token_urlsafe(15)
        hashed = hash_password(password)
        if args.action == "create":
            done = await connection.execute(
                "INSERT INTO app_user (tenant_id, login, name, password_hash, role, must_change)"
                " VALUES ($1, $2, $3, $4, $5, true) ON CONFLICT DO NOTHING",
                found[0], args.login, args.name or args.login, hashed, args.role,
            )  # fmt: skip
            if done == "INSERT 0 0":
                raise StartError(f"用户 {args.login} 已存在。", f"the user {args.login} exists already.")
        else:
            done = await connection.execute(
                "UPDATE app_user SET password_hash = $3, must_change = true, failed_count = 0, locked_until = NULL,"
                " disabled = false WHERE tenant_id = $1 AND login = $2",
                found[0], args.login, hashed,
            )  # fmt: skip
            if done == "UPDATE 0":
                raise StartError(f"没有用户 {args.login}。", f"there is no user {args.login}.")
            await connection.execute(
                "DELETE FROM session s USING app_user u"
                " WHERE u.user_id = s.user_id AND u.tenant_id = $1 AND u.login = $2",
                found[0], args.login,
            )  # fmt: skip
        await connection.execute(
            "INSERT INTO audit (tenant_id, actor, action, object_type, object_id)"
            " VALUES ($1, 'openmains user', $2, 'user', $3)",
            found[0], args.action, args.login,
        )  # fmt: skip
        return password
    finally:
        await connection.close()

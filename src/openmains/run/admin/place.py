# SPDX-License-Identifier: Apache-2.0
"""Where a command of the machine works: the running database, and one of its tenants."""

from collections.abc import Sequence

import asyncpg

from openmains.app.identity.model import Tenant
from openmains.app.identity.recover import chosen_tenant
from openmains.run.engines.child import StartError
from openmains.run.settings import Loaded


async def connect_as_owner(loaded: Loaded) -> "asyncpg.Connection[asyncpg.Record]":
    """To the running system's database as the schema's owner; raises StartError."""
    try:
        return await asyncpg.connect(loaded.settings.urls().postgres_owner, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise StartError(
            "连接不到数据库;请先运行 openmains serve。", "the database does not answer: run openmains serve first."
        ) from error


def the_tenant(tenants: Sequence[Tenant], code: str | None) -> Tenant:
    """The one with this code, or the only one; raises StartError that names those there are."""
    if not tenants:
        raise StartError("尚无租户；请先执行 openmains tenant create。", "no tenant yet: run openmains tenant create.")
    found = chosen_tenant(tenants, code)
    if found is None:
        codes = ", ".join(tenant.code for tenant in tenants)
        raise StartError(f"请用 --tenant 指定租户：{codes}", f"name the tenant with --tenant: {codes}")
    return found

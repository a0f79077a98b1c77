# SPDX-License-Identifier: Apache-2.0
"""Access given from the machine itself: for the first person of a utility, and for one who is locked out.

Whoever may run the program beside its database needs no session, so that nothing here asks for an actor.
"""

import asyncio
import secrets
from collections.abc import Sequence

from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import Tenant
from openmains.app.identity.ports import AccountRecovery
from openmains.app.problems import Problem
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId


def chosen_tenant(tenants: Sequence[Tenant], code: str | None) -> Tenant | None:
    """The one with this code; without a code the only one. None: there is no such one, or a code is needed."""
    found = [tenant for tenant in tenants if code in (None, tenant.code)]
    return found[0] if len(found) == 1 else None


async def add_first_user(accounts: AccountRecovery, tenant_id: TenantId, login: str, name: str, role: Role) -> str:
    """The random password to hand over; without a name the login stands for it. Raises ``login-taken``."""
    password, password_hash = await _password()
    if not await accounts.add(tenant_id, login, name or login, password_hash, role):
        raise Problem("login-taken")
    return password


async def restore_access(accounts: AccountRecovery, tenant_id: TenantId, login: str) -> str:
    """The random password to hand over; a lock and a delay after failures are lifted. Raises ``not-found``."""
    password, password_hash = await _password()
    if not await accounts.restore(tenant_id, login, password_hash):
        raise Problem("not-found")
    return password


async def _password() -> tuple[str, str]:
    password = secrets.token_urlsafe(15)
    return password, await asyncio.to_thread(hash_password, password)

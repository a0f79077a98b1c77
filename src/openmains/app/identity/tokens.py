# SPDX-License-Identifier: Apache-2.0
"""API tokens: made and revoked. The secret is shown once; a token's role is at most its owner's."""

from datetime import datetime, timedelta

from openmains.app.identity.hashing import TOKEN_PREFIX, new_secret
from openmains.app.identity.model import Actor, ApiToken
from openmains.app.identity.ports import AuditTrail, CredentialStore
from openmains.app.identity.reason import stated
from openmains.app.identity.roles import give
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import TokenId, UserId


def whose_tokens(actor: Actor) -> UserId | None:
    """Whose tokens somebody may see: one's own; None: everybody's."""
    return None if actor.may(Permission.MANAGE_USERS) else actor.user_id


async def create_token(
    store: Store, actor: Actor, *, name: str, role: str, valid_days: int | None, now: datetime, reason: str = ""
) -> tuple[ApiToken, str]:
    """The token and its secret; raises ``session-only``, ``invalid-input`` (no such role), ``role-too-high`` and, for a
    token that manages people or one that never ends, ``reason-needed``."""
    if actor.kind != "session":
        raise Problem("session-only")
    async with store.tenant(actor.tenant_id) as work:
        given = await give(work, actor, role, to_oneself=True)
    if Permission.MANAGE_USERS in given.permissions or valid_days is None:
        reason = stated(reason)
    secret, secret_hash = new_secret(TOKEN_PREFIX)
    expires_at = None if valid_days is None else now + timedelta(days=valid_days)
    async with store.tenant(actor.tenant_id) as work:
        token = await work[CredentialStore].add_token(actor.user_id, name, secret_hash, role, expires_at)
        await work[AuditTrail].record(actor, "create_token", "api_token", token.token_id, None, token, reason=reason)
    return token, secret


async def revoke_token(store: Store, actor: Actor, token_id: TokenId, reason: str) -> None:
    """Raises ``not-found`` (also for another's token, unless an administrator asks), ``reason-needed``, ``already-done``."""
    async with store.tenant(actor.tenant_id) as work:
        token = await work[CredentialStore].token(token_id)
        if token is None or (token.user_id != actor.user_id and not actor.may(Permission.MANAGE_USERS)):
            raise Problem("not-found")
        reason = stated(reason)
        if not await work[CredentialStore].revoke_token(token_id):
            raise Problem("already-done", state="revoked")
        await work[AuditTrail].record(actor, "revoke_token", "api_token", token_id, token, None, reason=reason)

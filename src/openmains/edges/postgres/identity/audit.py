# SPDX-License-Identifier: Apache-2.0
"""The trail: written in the transaction of the change it speaks of, never updated (the role has no right to)."""

from typing import Any

import msgspec

from openmains.app.identity.model import Actor, AuditEntry
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.db import Connection

_SECRET_WORDS = ("password", "secret", "token_hash", "session_hash")


def _plain(value: Any) -> Any:
    if value is None:
        return None
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        return {key: item for key, item in plain.items() if not any(word in key for word in _SECRET_WORDS)}
    return plain


class Audit:
    """``AuditTrail`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def record(
        self, actor: Actor, action: str, object_type: str, object_id: int | str, before: Any, after: Any
    ) -> None:
        await self._connection.execute(
            "INSERT INTO audit (tenant_id, user_id, actor, action, object_type, object_id, before, after, address,"
            " request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self._tenant_id,
            actor.user_id or None,
            actor.login if actor.kind == "session" else f"{actor.login} ({actor.kind})",
            action,
            object_type,
            str(object_id),
            _plain(before),
            _plain(after),
            actor.address,
            actor.request_id,
        )

    async def page(
        self, limit: int, after: int | None, object_type: str | None, object_id: str | None, user_id: UserId | None
    ) -> list[AuditEntry]:
        rows = await self._connection.fetch(
            "SELECT audit_id, at, user_id, actor, action, object_type, object_id, before, after, address, request_id"
            " FROM audit WHERE tenant_id = $1 AND ($2::bigint IS NULL OR audit_id < $2)"
            " AND ($3::text IS NULL OR object_type = $3) AND ($4::text IS NULL OR object_id = $4)"
            " AND ($5::bigint IS NULL OR user_id = $5) ORDER BY audit_id DESC LIMIT $6",
            self._tenant_id,
            after,
            object_type,
            object_id,
            user_id,
            limit,
        )
        return [AuditEntry(**dict(row)) for row in rows]

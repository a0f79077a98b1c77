# SPDX-License-Identifier: Apache-2.0
"""The trail: written in the transaction of the change it speaks of, never updated (the role has no right to)."""

from typing import Any

import msgspec

from openmains.app.identity.model import Actor, AuditEntry, TrailFilter
from openmains.domain.ids import TenantId
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_SECRET_WORDS = ("password", "secret", "token_hash", "session_hash")


def _plain(value: Any) -> Any:
    if value is None:
        return None
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict):
        return {key: item for key, item in plain.items() if not any(word in key for word in _SECRET_WORDS)}
    return plain


def _who(actor: Actor) -> str:
    """A person by the login, an application by its name; no login has a space or a bracket, so that none passes for the other."""
    if actor.kind == "session":
        return actor.login
    return f"{actor.name if actor.kind == 'application' else actor.login} ({actor.kind})"


class Audit:
    """``AuditTrail`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def record(
        self,
        actor: Actor,
        action: str,
        object_type: str,
        object_id: int | str,
        before: Any,
        after: Any,
        *,
        reason: str = "",
    ) -> None:
        await _QUERIES["record"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=actor.user_id or None,
            actor=_who(actor),
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            before=_plain(before),
            after=_plain(after),
            reason=reason,
            address=actor.address,
            request_id=actor.request_id,
        )

    async def page(self, limit: int, after: int | None, chosen: TrailFilter) -> list[AuditEntry]:
        # A line is written at its instant: their numbers rise with the time, and have the index.
        order = in_order("audit_id", is_down=chosen.sort == "-at", is_further=after is not None)
        rows = await extended(_QUERIES["trail"], *order).fetch(
            self._connection,
            **({} if after is None else {"after": after}),
            tenant_id=self._tenant_id,
            object_type=chosen.object_type,
            object_id=chosen.object_id,
            user_id=chosen.user_id,
            action=chosen.action,
            since=chosen.since,
            until=chosen.until,
            most=limit,
        )
        return [AuditEntry(**dict(row)) for row in rows]

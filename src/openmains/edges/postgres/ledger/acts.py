# SPDX-License-Identifier: Apache-2.0
"""What one person asks for and another agrees to."""

from openmains.app.ledger.model import ActKind, ActState, LedgerAct
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _act(row: Row) -> LedgerAct:
    values = dict(row)
    made, decided = values.pop("made_us"), values.pop("decided_us")
    return LedgerAct(**values, made_at=utc_of_us(made), decided_at=None if decided is None else utc_of_us(decided))


class Acts:
    """``ActStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int | None, *, state: ActState | None) -> list[LedgerAct]:
        return await self._acts(limit, after=after, state=state)

    async def get(self, act_id: int) -> LedgerAct | None:
        rows = await self._acts(1, act_id=act_id)
        return rows[0] if rows else None

    async def lock(self, act_id: int) -> LedgerAct | None:
        await _QUERIES["lock_act"].execute(self._connection, act_id=act_id)
        return await self.get(act_id)

    async def of_key(self, key: str) -> LedgerAct | None:
        rows = await self._acts(1, key=key)
        return rows[0] if rows else None

    async def _acts(
        self,
        most: int,
        *,
        act_id: int | None = None,
        key: str | None = None,
        after: int | None = None,
        state: ActState | None = None,
    ) -> list[LedgerAct]:
        rows = await _QUERIES["acts"].fetch(
            self._connection, tenant_id=self._tenant_id, act_id=act_id, key=key, after=after, state=state, most=most
        )
        return [_act(row) for row in rows]

    async def add(
        self, key: str, kind: ActKind, account_id: int | None, fen: int | None, channel: str, reverses: int | None,
        reason: str, author: UserId, now_us: int,
    ) -> int | None:  # fmt: skip
        found: int | None = await _QUERIES["add_act"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            key=key,
            kind=kind,
            account_id=account_id,
            fen=fen,
            channel=channel,
            reverses=reverses,
            reason=reason,
            author_id=author,
            now_us=now_us,
        )
        return found

    async def decide(
        self, act_id: int, state: ActState, user_id: UserId, decision: str, entry_id: int | None, now_us: int
    ) -> None:
        await _QUERIES["decide_act"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            act_id=act_id,
            state=state,
            user_id=user_id,
            decision=decision,
            entry_id=entry_id,
            now_us=now_us,
        )

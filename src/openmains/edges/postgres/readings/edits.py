# SPDX-License-Identifier: Apache-2.0
"""What persons set in place of readings, and took back."""

from collections.abc import Mapping, Sequence

from openmains.app.readings.model import EditFacts, EditState, NewEdit, ReadingEdit
from openmains.domain.ids import EditId, MeterId, TenantId, UserId
from openmains.domain.period import day_text, utc, utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
MOST_OF_A_DAY = 10_000


def _edit(row: Row) -> ReadingEdit:
    return ReadingEdit(
        edit_id=row["edit_id"],
        meter_id=row["meter_id"],
        number=row["number"],
        driver=row["driver"],
        day=day_text(row["day"]),
        exception_id=row["exception_id"],
        undoes=row["undoes"],
        start=utc(row["start_s"]),
        end=utc(row["end_s"]),
        volume=row["volume"],
        old_volume=row["old_volume"],
        alone=row["alone"],
        reason=row["reason"],
        state=row["state"],
        author_id=row["author_id"],
        author=row["author"],
        made_at=utc_of_us(row["made_us"]),
        decided_by=row["decided_by"],
        decider=row["decider"],
        decided_at=None if row["decided_us"] is None else utc_of_us(row["decided_us"]),
        decision=row["decision"],
        undone_by=row["undone_by"],
        newer=row["newer"],
    )


class Edits:
    """``EditStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(
        self, limit: int, after: int | None, *, state: EditState | None, meter_id: MeterId | None
    ) -> list[ReadingEdit]:
        return await self._rows(limit, after=after, state=state, meter_id=meter_id)

    async def of_day(self, meter_id: MeterId, day: int) -> list[ReadingEdit]:
        return await self._rows(MOST_OF_A_DAY, meter_id=meter_id, day=day)

    async def get(self, edit_id: EditId) -> ReadingEdit | None:
        rows = await self._rows(1, edit_id=edit_id)
        return rows[0] if rows else None

    async def lock(self, edit_id: EditId) -> ReadingEdit | None:
        await _QUERIES["lock_edit"].execute(self._connection, tenant_id=self._tenant_id, edit_id=edit_id)
        return await self.get(edit_id)

    async def lock_day(self, meter_id: MeterId, day: int) -> None:
        await _QUERIES["lock_edits_of_day"].execute(self._connection, meter_id=meter_id, day=day)

    async def facts(self, meter_id: MeterId) -> EditFacts | None:
        row = await _QUERIES["edit_facts"].fetchrow(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        return None if row is None else EditFacts(**dict(row))

    async def add(self, wanted: NewEdit, state: EditState) -> EditId:
        return EditId(
            await _QUERIES["add_edit"].fetchval(
                self._connection,
                tenant_id=self._tenant_id,
                meter_id=wanted.meter_id,
                day=wanted.day,
                exception_id=wanted.exception_id,
                undoes=wanted.undoes,
                start_s=wanted.start_s,
                end_s=wanted.end_s,
                volume=wanted.volume,
                old_volume=wanted.old_volume,
                alone=wanted.alone,
                reason=wanted.reason,
                state=state,
                author_id=wanted.author_id,
                made_us=wanted.made_us,
            )
        )

    async def decide(self, edit_id: EditId, state: EditState, user_id: UserId, reason: str, now_us: int) -> None:
        await _QUERIES["decide_edit"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            edit_id=edit_id,
            state=state,
            user_id=user_id,
            reason=reason,
            now_us=now_us,
        )

    async def names(self, user_ids: Sequence[int]) -> Mapping[int, str]:
        rows = await _QUERIES["names_of_users"].fetch(
            self._connection, tenant_id=self._tenant_id, user_ids=list(user_ids)
        )
        return {row["user_id"]: row["name"] for row in rows}

    async def _rows(
        self,
        most: int,
        *,
        after: int | None = None,
        state: EditState | None = None,
        meter_id: MeterId | None = None,
        day: int | None = None,
        edit_id: EditId | None = None,
    ) -> list[ReadingEdit]:
        rows = await _QUERIES["edits"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            state=state,
            meter_id=meter_id,
            day=day,
            edit_id=edit_id,
            most=most,
        )
        return [_edit(row) for row in rows]

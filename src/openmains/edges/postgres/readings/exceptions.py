# SPDX-License-Identifier: Apache-2.0
"""Findings of validation that wait for a person's judgement."""

from datetime import UTC, datetime

from openmains.app.readings.model import ExceptionStatus, ReadingException
from openmains.domain.ids import ExceptionId, MeterId, TenantId, UserId
from openmains.domain.period import day_to_date
from openmains.domain.readings.quality import Rule
from openmains.edges.postgres.db import Connection, Row

_COLUMNS = """
  SELECT e.exception_id, e.meter_id, m.number, p.driver, e.rule, e.at, e.day, e.value, e.expected, e.found_at, e.status,
         e.judged_by, e.judged_at, e.reason
    FROM reading_exception e JOIN meter m USING (meter_id) JOIN product p USING (product_id)
"""
_RULES = {rule.value: rule.name.lower() for rule in Rule}


def _exception(row: Row) -> ReadingException:
    return ReadingException(
        exception_id=row["exception_id"],
        meter_id=row["meter_id"],
        number=row["number"],
        driver=row["driver"],
        rule=_RULES.get(row["rule"], str(row["rule"])),
        at=datetime.fromtimestamp(row["at"], UTC),
        day=day_to_date(row["day"]).isoformat(),
        value=row["value"],
        expected=row["expected"],
        found_at=row["found_at"],
        status=row["status"],
        judged_by=row["judged_by"],
        judged_at=row["judged_at"],
        reason=row["reason"],
    )


class Exceptions:
    """``ExceptionStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: ExceptionStatus | None,
        rule: int | None,
        meter_id: MeterId | None,
    ) -> list[ReadingException]:
        rows = await self._connection.fetch(
            f"{_COLUMNS} WHERE e.tenant_id = $1 AND ($2::bigint IS NULL OR e.exception_id < $2)"
            " AND ($3::text IS NULL OR e.status = $3) AND ($4::smallint IS NULL OR e.rule = $4)"
            " AND ($5::bigint IS NULL OR e.meter_id = $5) ORDER BY e.exception_id DESC LIMIT $6",
            self._tenant_id,
            after,
            status,
            rule,
            meter_id,
            limit,
        )
        return [_exception(row) for row in rows]

    async def get(self, exception_id: ExceptionId) -> ReadingException | None:
        row = await self._connection.fetchrow(
            f"{_COLUMNS} WHERE e.tenant_id = $1 AND e.exception_id = $2 FOR UPDATE OF e",
            self._tenant_id,
            exception_id,
        )
        return None if row is None else _exception(row)

    async def judge(self, exception_id: ExceptionId, status: ExceptionStatus, user_id: UserId, reason: str) -> None:
        await self._connection.execute(
            "UPDATE reading_exception SET status = $3, judged_by = $4, judged_at = now(), reason = $5"
            " WHERE tenant_id = $1 AND exception_id = $2",
            self._tenant_id,
            exception_id,
            status,
            user_id,
            reason,
        )

    async def settled_until(self, meter_id: MeterId) -> int | None:
        found = await self._connection.fetchval(
            "SELECT grid_at FROM meter_state WHERE tenant_id = $1 AND meter_id = $2", self._tenant_id, meter_id
        )
        return None if found is None else int(found)

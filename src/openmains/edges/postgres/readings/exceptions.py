# SPDX-License-Identifier: Apache-2.0
"""Findings of validation that wait for a person's judgement."""

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import asdict

from openmains.app.readings.model import (
    ExceptionFilter,
    ExceptionGroup,
    ExceptionStatus,
    GroupBy,
    ReadingException,
    RuleFindings,
)
from openmains.domain.ids import ExceptionId, MeterId, TenantId, UserId
from openmains.domain.period import day_text, utc
from openmains.domain.readings.quality import Rule
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)
_GROUPS: Mapping[GroupBy, Query] = {
    "meter": _QUERIES["exceptions_by_meter"],
    "area": _QUERIES["exceptions_by_area"],
    "day": _QUERIES["exceptions_by_day"],
}
_LOCKED = extended(_QUERIES["exception"], "FOR UPDATE OF e")
_RULES = {rule.value: rule.name.lower() for rule in Rule}


def _exception(row: Row) -> ReadingException:
    return ReadingException(
        exception_id=row["exception_id"],
        meter_id=row["meter_id"],
        number=row["number"],
        customer_name=row["customer_name"],
        driver=row["driver"],
        rule=_RULES.get(row["rule"], str(row["rule"])),
        at=utc(row["at"]),
        day=day_text(row["day"]),
        value=row["value"],
        expected=row["expected"],
        found_at=row["found_at"],
        last_at=row["last_at"],
        occurrences=row["occurrences"],
        status=row["status"],
        judged_by=row["judged_by"],
        judged_at=row["judged_at"],
        reason=row["reason"],
        pending_edit=row["waits"],
    )


def _group(row: Row) -> ExceptionGroup:
    rules = Counter(row["rules"]).most_common()
    day = day_text(row["first_day"])
    return ExceptionGroup(
        findings=row["findings"],
        meters=row["meters"],
        first_day=day,
        last_day=day_text(row["last_day"]),
        rules=[RuleFindings(_RULES.get(rule, str(rule)), findings) for rule, findings in rules],
        meter_id=row["meter_id"],
        number=row["number"],
        area_id=row["area_id"],
        area_name=row["area_name"],
        day=day if row["first_day"] == row["last_day"] else None,
    )


class Exceptions:
    """``ExceptionStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int | None, chosen: ExceptionFilter) -> list[ReadingException]:
        rows = await _QUERIES["exceptions"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, most=limit, **asdict(chosen)
        )
        return [_exception(row) for row in rows]

    async def groups(self, by: GroupBy, rule: int | None, limit: int) -> list[ExceptionGroup]:
        rows = await _GROUPS[by].fetch(self._connection, tenant_id=self._tenant_id, rule=rule, most=limit)
        return [_group(row) for row in rows]

    async def get(self, exception_id: ExceptionId) -> ReadingException | None:
        return await self._one(_QUERIES["exception"], exception_id)

    async def lock(self, exception_id: ExceptionId) -> ReadingException | None:
        return await self._one(_LOCKED, exception_id)

    async def _one(self, query: Query, exception_id: ExceptionId) -> ReadingException | None:
        row = await query.fetchrow(self._connection, tenant_id=self._tenant_id, exception_id=exception_id)
        return None if row is None else _exception(row)

    async def judge(self, exception_id: ExceptionId, status: ExceptionStatus, user_id: UserId, reason: str) -> None:
        await _QUERIES["judge_exception"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            exception_id=exception_id,
            status=status,
            user_id=user_id,
            reason=reason,
        )

    async def reopen(self, exception_id: ExceptionId) -> None:
        await _QUERIES["reopen_exception"].execute(
            self._connection, tenant_id=self._tenant_id, exception_id=exception_id
        )

    async def settled_until(self, meter_id: MeterId) -> int | None:
        found = await _QUERIES["settled_until"].fetchval(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        return None if found is None else int(found)

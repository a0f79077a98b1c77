# SPDX-License-Identifier: Apache-2.0
"""``RuleTimers`` over a pool of role openmains_pipeline: set-based, a statement a rule and turn."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from openmains.app.rule.model import ActiveRule, HeardMeter
from openmains.domain.ids import MeterId, RuleId, TenantId
from openmains.domain.rule.tree import (
    CLOCK,
    GatherCondition,
    MissingCondition,
    SilenceCondition,
    UnansweredCondition,
    meter_part,
)
from openmains.edges.postgres.db import Connection, Pool, Row, rows_of
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.rule.standings import ActiveRules

_QUERIES = load(__package__, "clock.sql")
_LOCK = 0x6F6D_7275  # 'omru': any number that is the project's own
HOUR_US = 3_600_000_000
KEPT_US = 26 * HOUR_US
"""What stood of a version before: until each meter has spoken, and one that reports daily is a little late."""


def scope_of(rule: ActiveRule) -> dict[str, Any]:
    """Whom it is for, as ``ruled_meters`` takes it."""
    return {
        "tenant_id": rule.tenant_id,
        "product_id": rule.product_id,
        "areas": None if rule.areas is None else sorted(rule.areas),
        "classes": None if rule.classes is None else sorted(rule.classes),
        "dn_from": rule.dn_from,
        "dn_to": rule.dn_to,
    }


class _Turn:
    """``ClockTurn`` on a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fire_held(self, now_us: int, most: int) -> int:
        status = await _QUERIES["fire_held"].execute(self._connection, now_us=now_us, most=most)
        return rows_of(status)

    async def fulfilling(self, rule: ActiveRule, now_us: int) -> set[MeterId]:
        condition, scope = meter_part(rule.condition), scope_of(rule)
        if isinstance(condition, MissingCondition):
            rows = await _QUERIES["missing_members"].fetch(self._connection, days=condition.days, **scope)
        else:
            assert isinstance(condition, UnansweredCondition)  # noqa: S101 the caller's choice
            before_us = now_us - condition.hours * HOUR_US
            rows = await _QUERIES["unanswered_members"].fetch(
                self._connection, before_us=before_us, kind=condition.command, **scope
            )
        return {row["meter_id"] for row in rows}

    async def stood(self, rule: ActiveRule) -> set[MeterId]:
        rows = await _QUERIES["stood"].fetch(self._connection, rule_id=rule.rule_id)
        return {row["meter_id"] for row in rows}

    async def begin(self, rules: Sequence[ActiveRule], now_us: int) -> None:
        rows = await _QUERIES["begun_rules"].fetch(
            self._connection, rule_ids=[rule.rule_id for rule in rules], versions=[rule.number for rule in rules]
        )
        if rows:
            tenants = [row["tenant_id"] for row in rows]
            await _QUERIES["watch_all"].execute(self._connection, tenants=tenants, now_us=now_us)

    async def looked(self, now_us: int, most: int) -> list[HeardMeter]:
        due = await _QUERIES["due_looks"].fetch(self._connection, now_us=now_us, most=most)
        if not due:
            return []
        rows = await _QUERIES["looked"].fetch(self._connection, meter_ids=[row["meter_id"] for row in due])
        return [HeardMeter(**row) for row in rows]

    async def standing(self, rules: Sequence[ActiveRule]) -> set[RuleId]:
        rows = await _QUERIES["standing"].fetch(self._connection, rule_ids=[rule.rule_id for rule in rules])
        return {row["rule_id"] for row in rows}

    async def heard_again(self, rule: ActiveRule, now_us: int) -> set[MeterId]:
        condition = meter_part(rule.condition)
        assert isinstance(condition, SilenceCondition)  # noqa: S101 the caller's choice
        rows = await _QUERIES["heard_again"].fetch(
            self._connection, rule_id=rule.rule_id, before_us=now_us - condition.hours * HOUR_US, **scope_of(rule)
        )
        return {row["meter_id"] for row in rows}

    async def look_again(
        self, meter_ids: Sequence[MeterId], hours: Mapping[TenantId, Sequence[int]], now_us: int
    ) -> None:
        pairs = [(tenant, hour) for tenant, listed in hours.items() for hour in listed]
        await _QUERIES["look_again"].execute(
            self._connection,
            meter_ids=list(meter_ids),
            tenants=[tenant for tenant, _ in pairs],
            hours=[hour for _, hour in pairs],
            now_us=now_us,
        )

    async def stand(self, rule: ActiveRule, meter_ids: Sequence[MeterId], now_us: int) -> None:
        await _QUERIES["stand_members"].execute(
            self._connection,
            rule_id=rule.rule_id,
            tenant_id=rule.tenant_id,
            version=rule.version,
            severity=rule.severity,
            gathers=isinstance(rule.condition, GatherCondition),
            meter_ids=list(meter_ids),
            now_us=now_us,
        )

    async def fall(self, rule: ActiveRule, meter_ids: Sequence[MeterId], now_us: int) -> None:
        rows = await _QUERIES["fall_members"].fetch(self._connection, rule_id=rule.rule_id, meter_ids=list(meter_ids))
        if not isinstance(rule.condition, GatherCondition):
            await self._clear(rows, now_us)

    async def places(self, rule: ActiveRule, now_us: int) -> dict[str, tuple[int, int, MeterId]]:
        condition = rule.condition
        assert isinstance(condition, GatherCondition)  # noqa: S101 the caller's choice
        rows = await _QUERIES["places"].fetch(
            self._connection,
            rule_id=rule.rule_id,
            version=rule.version,
            within=condition.within,
            meters=condition.meters,
            with_all=condition.percent is not None,
            before_us=now_us - rule.held_s * 1_000_000,
            **scope_of(rule),
        )
        return {row["place"]: (row["meters"], row["in_all"], row["meter_id"]) for row in rows}

    async def stood_places(self, rule: ActiveRule) -> set[str]:
        rows = await _QUERIES["stood_places"].fetch(
            self._connection,
            rule_id=rule.rule_id,
            version=rule.version,
            any_version=isinstance(meter_part(rule.condition), CLOCK),
        )
        return {row["place"] for row in rows}

    async def stand_places(self, rule: ActiveRule, places: Mapping[str, tuple[int, int, MeterId]], now_us: int) -> None:
        condition = rule.condition
        assert isinstance(condition, GatherCondition)  # noqa: S101 the caller's choice
        await _QUERIES["stand_places"].execute(
            self._connection,
            rule_id=rule.rule_id,
            tenant_id=rule.tenant_id,
            version=rule.version,
            severity=rule.severity,
            least=condition.meters,
            places=list(places),
            counts=[count for count, _, _ in places.values()],
            meter_ids=[meter for _, _, meter in places.values()],
            now_us=now_us,
        )

    async def fall_places(self, rule: ActiveRule, places: Sequence[str], now_us: int) -> None:
        rows = await _QUERIES["fall_places"].fetch(self._connection, rule_id=rule.rule_id, places=list(places))
        await self._clear(rows, now_us)

    async def forget(self, now_us: int, remembered: Sequence[str], watched: Sequence[TenantId]) -> int:
        rows = await _QUERIES["forget"].fetch(self._connection, now_us=now_us, kept_us=now_us - KEPT_US)
        await self._clear(rows, now_us)
        await _QUERIES["forget_values"].execute(self._connection, points=list(remembered))
        await _QUERIES["unwatch"].execute(self._connection, tenants=list(watched))
        return len(rows)

    async def _clear(self, rows: Sequence[Row], now_us: int) -> None:
        if rows:
            await _QUERIES["clear_rule_alarms"].execute(
                self._connection,
                meter_ids=[row["meter_id"] for row in rows],
                rule_ids=[row["rule_id"] for row in rows],
                now_us=now_us,
            )


class PostgresRuleTimers:
    """``RuleTimers``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rules = ActiveRules(pool)

    async def active(self, now_us: int) -> Sequence[ActiveRule]:
        return (await self._rules.current(now_us)).rules

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[_Turn | None]:
        async with self._pool.acquire() as connection, connection.transaction():
            is_mine = await _QUERIES["take_turn"].fetchval(connection, key=_LOCK)
            yield _Turn(connection) if is_mine else None

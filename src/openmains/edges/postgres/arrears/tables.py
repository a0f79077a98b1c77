# SPDX-License-Identifier: Apache-2.0
"""``ArrearsStore`` on one tenant's transaction, and the worker's look at all tenants."""

from collections.abc import Mapping, Sequence
from datetime import date

from openmains.app.arrears.model import ArrearsStep, ClassRule, DayOff, StepKind, StepState
from openmains.app.arrears.ports import HeldStep, KnownAccount, NewStep
from openmains.domain.arrears.decide import ArrearsRule, Calendar
from openmains.domain.ids import CommandId, TenantId, UserId
from openmains.domain.period import date_to_day, day_text, utc_of_us
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)
_WARNINGS = load(__package__, "warnings.sql")


def _rule(row: Row) -> ClassRule:
    return ClassRule(
        customer_class=CustomerClass(row["customer_class"]),
        warn_days=list(row["warn_days"]),
        close_days=row["close_days"],
        grace_days=row["grace_days"],
        least_fen=row["least_fen"],
        most_closings=row["most_closings"],
        is_on=row["is_on"],
        is_simulated=row["is_simulated"],
        revision=row["revision"],
        changed_by=row["changed_by"],
        changed_at=utc_of_us(row["changed_us"]),
    )


def _step(row: Row) -> ArrearsStep:
    return ArrearsStep(
        step_id=row["step_id"],
        account_id=row["account_id"],
        number=row["number"],
        kind=row["kind"],
        warning=row["place"] if row["kind"] == "warning" else 0,
        day=day_text(row["day"]),
        oldest_due=day_text(row["oldest_due"]),
        owed_fen=row["owed_fen"],
        meter_id=row["meter_id"],
        meter=row["meter"],
        state=row["state"],
        command_id=row["command_id"],
        command_state=row["command_state"],
        delivery=row["delivery"],
        delivery_reason=row["delivery_reason"],
        reason=row["reason"],
        decided_by=row["decided_by"],
        decided_at=None if row["decided_us"] is None else utc_of_us(row["decided_us"]),
        made_at=utc_of_us(row["made_us"]),
    )


class ArrearsTables:
    """``ArrearsStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def rules(self) -> list[ClassRule]:
        rows = await _QUERIES["rules"].fetch(self._connection, tenant_id=self._tenant_id)
        return [_rule(row) for row in rows]

    async def set_rule(
        self, customer_class: CustomerClass, rule: ArrearsRule, most_closings: int, user_id: UserId, now_us: int
    ) -> None:
        await _QUERIES["set_rule"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            customer_class=customer_class.value,
            warn_days=list(rule.warn_days),
            close_days=rule.close_days,
            grace_days=rule.grace_days,
            least_fen=rule.least_fen,
            most_closings=most_closings,
            user_id=user_id,
            now_us=now_us,
        )

    async def note_simulated(self, revisions: Mapping[CustomerClass, int]) -> None:
        await _QUERIES["note_simulated"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            classes=[name.value for name in revisions],
            revisions=list(revisions.values()),
        )

    async def switch(self, customer_class: CustomerClass, is_on: bool, user_id: UserId, now_us: int) -> None:
        await _QUERIES["switch_rule"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            customer_class=customer_class.value,
            is_on=is_on,
            user_id=user_id,
            now_us=now_us,
        )

    async def calendar(self) -> Calendar:
        rows = await _QUERIES["calendar"].fetch(self._connection, tenant_id=self._tenant_id)
        days = [(day, is_off) for row in rows for day, is_off, _ in row["days"]]
        return Calendar(
            frozenset(row["year"] for row in rows),
            frozenset(day for day, is_off in days if is_off),
            frozenset(day for day, is_off in days if not is_off),
        )

    async def days_off(self, year: int) -> list[DayOff] | None:
        row = await _QUERIES["days_off"].fetchrow(self._connection, tenant_id=self._tenant_id, year=year)
        return None if row is None else [DayOff(day_text(day), is_off, name) for day, is_off, name in row["days"]]

    async def set_days_off(self, year: int, days: Sequence[DayOff], user_id: UserId, now_us: int) -> None:
        await _QUERIES["set_days_off"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            year=year,
            days=[[date_to_day(date.fromisoformat(one.day)), one.is_off, one.name] for one in days],
            user_id=user_id,
            now_us=now_us,
        )

    async def hold(self, account_id: int, until_day: int, reason: str, user_id: UserId, now_us: int) -> None:
        await _QUERIES["hold"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            account_id=account_id,
            until_day=until_day,
            reason=reason,
            user_id=user_id,
            now_us=now_us,
        )

    async def release(self, account_id: int) -> tuple[int, str] | None:
        row = await _QUERIES["release"].fetchrow(self._connection, tenant_id=self._tenant_id, account_id=account_id)
        return None if row is None else (row["until_day"], row["reason"])

    async def known(
        self, account_ids: Sequence[int], oldest_dues: Sequence[int], today: int
    ) -> Mapping[int, KnownAccount]:
        rows = await _QUERIES["known"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            account_ids=list(account_ids),
            oldest_dues=list(oldest_dues),
            today=today,
        )
        return {row["account_id"]: _known(row) for row in rows}

    async def lock_day(self) -> None:
        await _QUERIES["lock_day"].execute(self._connection, tenant_id=self._tenant_id)

    async def closings_of_day(self, day: int) -> Mapping[CustomerClass, int]:
        rows = await _QUERIES["closings_of_day"].fetch(self._connection, tenant_id=self._tenant_id, day=day)
        return {CustomerClass(row["customer_class"]): row["closings"] for row in rows}

    async def add_steps(self, day: int, steps: Sequence[NewStep], now_us: int) -> int:
        if not steps:
            return 0
        rows = await _QUERIES["add_steps"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            day=day,
            now_us=now_us,
            account_ids=[one.account_id for one in steps],
            oldest_dues=[one.oldest_due for one in steps],
            kinds=[one.kind for one in steps],
            numbers=[one.number for one in steps],
            owed=[one.owed_fen for one in steps],
            meter_ids=[one.meter_id for one in steps],
        )
        return len(rows)

    async def follow_payments(self, today: int, now_us: int) -> int:
        over = await _QUERIES["end_paid"].fetch(self._connection, tenant_id=self._tenant_id, today=today, now_us=now_us)
        reopened = await _QUERIES["reopen_paid"].fetch(
            self._connection, tenant_id=self._tenant_id, today=today, now_us=now_us
        )
        return len(over) + len(reopened)

    async def steps(
        self,
        limit: int,
        after: int | None,
        *,
        kind: StepKind | None = None,
        state: StepState | None = None,
        account_id: int | None = None,
        step_id: int | None = None,
    ) -> list[ArrearsStep]:
        rows = await _QUERIES["steps"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            step_id=step_id,
            kind=kind,
            state=state,
            account_id=account_id,
            after=after,
            most=limit,
        )
        return [_step(row) for row in rows]

    async def lock_step(self, step_id: int) -> HeldStep | None:
        row = await _QUERIES["lock_step"].fetchrow(self._connection, tenant_id=self._tenant_id, step_id=step_id)
        return None if row is None else HeldStep(**row)

    async def take(self, step_id: int, user_id: UserId, reason: str, now_us: int) -> bool:
        return await self._noted(_QUERIES["take_step"], step_id, user_id, reason, now_us)

    async def let_go(self, step_id: int) -> None:
        await _QUERIES["let_go"].execute(self._connection, tenant_id=self._tenant_id, step_id=step_id)

    async def name_command(self, step_id: int, command_id: CommandId) -> bool:
        found = await _QUERIES["name_command"].fetchval(
            self._connection, tenant_id=self._tenant_id, step_id=step_id, command_id=command_id
        )
        return found is not None

    async def decline(self, step_id: int, user_id: UserId, reason: str, now_us: int) -> bool:
        return await self._noted(_QUERIES["decline_step"], step_id, user_id, reason, now_us)

    async def _noted(self, query: Query, step_id: int, user_id: UserId, reason: str, now_us: int) -> bool:
        found = await query.fetchval(
            self._connection, tenant_id=self._tenant_id, step_id=step_id, user_id=user_id, reason=reason, now_us=now_us
        )
        return found is not None


def _known(row: Row) -> KnownAccount:
    return KnownAccount(
        number=row["number"],
        meter_id=row["meter_id"],
        meter=row["meter"],
        driver=row["driver"],
        valve=row["valve"],
        is_protected=row["is_protected"],
        held_until=row["held_until"],
        held_for=row["held_for"],
        warned=tuple(row["warned"]),
        closings=row["closings"],
        is_asked=row["is_asked"],
    )


class Warnings:
    """``WarningStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def channel(self) -> int | None:
        found: int | None = await _WARNINGS["warning_channel"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def tell_warnings(self, channel_id: int | None, day: int, now_us: int) -> int:
        made = await _WARNINGS["warnings_made"].fetch(
            self._connection, tenant_id=self._tenant_id, day=day, now_us=now_us
        )
        return await self._tell("arrears_warning", "major", made, channel_id, now_us)

    async def tell_balances(self, channel_id: int | None, now_us: int) -> int:
        fallen = await _WARNINGS["balances_fallen"].fetch(self._connection, tenant_id=self._tenant_id)
        return await self._tell("balance_low", "minor", fallen, channel_id, now_us)

    async def _tell(self, kind: str, severity: str, of: Sequence[Row], channel_id: int | None, now_us: int) -> int:
        if not of:
            return 0
        told = await _WARNINGS["tell_customers"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            kind=kind,
            severity=severity,
            channel_id=channel_id,
            account_ids=[row["account_id"] for row in of],
            keys=[row["key"] for row in of],
            fens=[row["fen"] for row in of],
            now_us=now_us,
        )
        return len(told)

    async def call_back(self, today: int) -> int:
        return len(await _WARNINGS["call_back"].fetch(self._connection, tenant_id=self._tenant_id, today=today))


class PostgresArrearsWork:
    """``ArrearsWork``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def switched_on(self) -> list[tuple[TenantId, str]]:
        rows = await _QUERIES["switched_on"].fetch(self._pool)
        return [(TenantId(row["tenant_id"]), row["zone"]) for row in rows]

# SPDX-License-Identifier: Apache-2.0
"""Files of channels by day, comparisons and differences, on one tenant's transaction."""

from collections.abc import Sequence
from typing import Any

from openmains.app.payment.channels.port import StatementLine
from openmains.app.payment.compare_model import PaymentComparison, PaymentDifference
from openmains.app.payment.compare_ports import ComparisonSums
from openmains.domain.ids import TenantId, UserId
from openmains.domain.payment.compare import Difference, MoneyKind, MoneyLine
from openmains.domain.period import day_text, utc_of_us, zone
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

_COMPARISON = load(__package__, "comparison.sql")
_COLUMNS = (
    "state", "remedy", "account_id", "reason", "author_id", "decided_by", "decision", "entry_id", "changed_us",
)  # fmt: skip


def _comparison(row: Row) -> PaymentComparison:
    values = dict(row)
    values |= {"day": day_text(row["day"]), "made_at": utc_of_us(values.pop("made_us"))}
    return PaymentComparison(**values)


def _difference(row: Row) -> PaymentDifference:
    values = dict(row)
    values["day"] = day_text(row["day"])
    for name in ("found", "changed"):
        values[f"{name}_at"] = utc_of_us(values.pop(f"{name}_us"))
    return PaymentDifference(**values)


class Comparisons:
    """``ComparisonStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def lock_day(self, channel_id: int, day: int) -> None:
        await _COMPARISON["lock_day"].execute(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id, day=day
        )

    async def put_statement(self, channel_id: int, day: int, lines: Sequence[StatementLine]) -> None:
        where = {"tenant_id": self._tenant_id, "channel_id": channel_id, "day": day}
        await _COMPARISON["forget_statement"].execute(self._connection, **where)
        await _COMPARISON["add_statement"].execute(
            self._connection, kinds=[line.kind.value for line in lines], numbers=[line.number for line in lines],
            transactions=[line.transaction for line in lines], fens=[line.fen for line in lines], **where,
        )  # fmt: skip

    async def here(self, channel_id: int, from_us: int, to_us: int, numbers: Sequence[str]) -> list[MoneyLine]:
        rows = await _COMPARISON["here"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            channel_id=channel_id,
            from_us=from_us,
            to_us=to_us,
            numbers=list(numbers),
        )
        return [MoneyLine(MoneyKind(row["kind"]), row["number"], row["fen"], row["is_delivered"]) for row in rows]

    async def there(self, channel_id: int, from_day: int, day: int, numbers: Sequence[str]) -> list[MoneyLine]:
        rows = await _COMPARISON["there"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            channel_id=channel_id,
            from_day=from_day,
            day=day,
            numbers=list(numbers),
        )
        return [MoneyLine(MoneyKind(row["kind"]), row["number"], row["fen"]) for row in rows]

    async def put_differences(self, channel_id: int, day: int, found: Sequence[Difference], now_us: int) -> None:
        names: dict[str, Any] = {
            "tenant_id": self._tenant_id, "channel_id": channel_id, "day": day, "now_us": now_us, "whats": [one.what.value for one in found],
            "kinds": [one.kind.value for one in found], "numbers": [one.number for one in found],
        }  # fmt: skip
        await _COMPARISON["drop_gone"].execute(self._connection, **names)
        await _COMPARISON["put_differences"].execute(
            self._connection,
            here_fens=[one.here_fen for one in found],
            there_fens=[one.there_fen for one in found],
            **names,
        )

    async def add(
        self, channel_id: int, day: int, sums: ComparisonSums, found: int, user_id: UserId | None, now_us: int
    ) -> int:
        made: int = await _COMPARISON["add_comparison"].fetchval(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id, day=day, found=found, user_id=user_id, now_us=now_us,
            **sums._asdict(),
        )  # fmt: skip
        return made

    async def _comparisons(self, most: int, comparison_id: int | None, after: int | None) -> list[PaymentComparison]:
        rows = await _COMPARISON["comparisons"].fetch(
            self._connection, tenant_id=self._tenant_id, comparison_id=comparison_id, after=after, most=most
        )
        return [_comparison(row) for row in rows]

    async def comparison(self, comparison_id: int) -> PaymentComparison | None:
        found = await self._comparisons(1, comparison_id, None)
        return next(iter(found), None)

    async def comparisons(self, limit: int, after: int | None) -> list[PaymentComparison]:
        return await self._comparisons(limit, None, after)

    async def _differences(self, most: int, **by: Any) -> list[PaymentDifference]:
        names = ("difference_id", "state", "what", "after")
        rows = await _COMPARISON["differences"].fetch(
            self._connection, tenant_id=self._tenant_id, most=most, **{**dict.fromkeys(names), **by}
        )
        return [_difference(row) for row in rows]

    async def differences(
        self, limit: int, after: int | None, *, state: str | None, what: str | None
    ) -> list[PaymentDifference]:
        return await self._differences(limit, after=after, state=state, what=what)

    async def difference(self, difference_id: int) -> PaymentDifference | None:
        found = await self._differences(1, difference_id=difference_id)
        return next(iter(found), None)

    async def lock(self, difference_id: int) -> PaymentDifference | None:
        await _COMPARISON["lock_difference"].execute(
            self._connection, tenant_id=self._tenant_id, difference_id=difference_id
        )
        return await self.difference(difference_id)

    async def change(self, difference_id: int, **values: Any) -> None:
        if unknown := set(values) - set(_COLUMNS):
            raise TypeError(f"no columns: {sorted(unknown)}")
        await _COMPARISON["change_difference"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            difference_id=difference_id,
            **{**dict.fromkeys(_COLUMNS), **values},
        )

    async def source(self, channel_id: int | None) -> str:
        if channel_id is None:
            return "third_party"
        found: str = await _COMPARISON["source"].fetchval(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id
        )
        return found


class PostgresComparisonWork:
    """``ComparisonWork`` over a pool of role openmains_pipeline."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def due(self, day: int) -> list[tuple[TenantId, int]]:
        end_us = zone("Asia/Shanghai").start_of(day + 1) * 1_000_000
        rows = await _COMPARISON["due_channels"].fetch(self._pool, day=day, end_us=end_us)
        return [(TenantId(row["tenant_id"]), row["channel_id"]) for row in rows]

# SPDX-License-Identifier: Apache-2.0
"""Entries, their lines, and closed months."""

from collections.abc import Sequence

from openmains.app.ledger.model import BookedEntry, BookedLine, ClosedMonth, CustomerBalance
from openmains.app.ledger.ports import BilledSums
from openmains.domain.ids import TenantId, UserId
from openmains.domain.ledger.entries import Entry, EntryKind, LedgerAccount, Movement
from openmains.domain.period import day_text, month_text, utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _entry(row: Row) -> BookedEntry:
    lines = zip(row["accounts"], row["fen"], row["account_ids"], row["details"], strict=True)
    return BookedEntry(
        entry_id=row["entry_id"],
        key=row["key"],
        day=day_text(row["day"]),
        kind=EntryKind(row["kind"]),
        memo=row["memo"],
        reverses=row["reverses"],
        reversed_by=row["reversed_by"],
        made_by=row["made_by"],
        maker=row["maker"],
        agreed_by=row["agreed_by"],
        agreer=row["agreer"],
        made_at=utc_of_us(row["made_us"]),
        lines=[BookedLine(LedgerAccount(account), fen, whose, detail) for account, fen, whose, detail in lines],
    )


class Ledger:
    """``LedgerStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add(self, entry: Entry, made_by: UserId, agreed_by: UserId | None, now_us: int) -> int | None:
        entry_id: int | None = await _QUERIES["add_entry"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            key=entry.key,
            day=entry.day,
            kind=entry.kind.value,
            memo=entry.memo,
            reverses=entry.reverses,
            made_by=made_by,
            agreed_by=agreed_by,
            made_us=now_us,
        )
        if entry_id is not None:
            await _QUERIES["add_lines"].execute(
                self._connection,
                entry_id=entry_id,
                tenant_id=self._tenant_id,
                day=entry.day,
                accounts=[line.account.value for line in entry.lines],
                account_ids=[line.account_id for line in entry.lines],
                details=[line.detail for line in entry.lines],
                fen=[line.fen for line in entry.lines],
            )
        return entry_id

    async def add_many(
        self, entries: Sequence[Entry], made_by: UserId, agreed_by: UserId | None, now_us: int
    ) -> list[int]:
        rows = await _QUERIES["add_entries"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            keys=[one.key for one in entries],
            days=[one.day for one in entries],
            kinds=[one.kind.value for one in entries],
            memos=[one.memo for one in entries],
            reverses=[one.reverses for one in entries],
            made_by=made_by,
            agreed_by=agreed_by,
            made_us=now_us,
        )
        ids = {row["key"]: row["entry_id"] for row in rows}
        found = [ids[one.key] for one in entries]
        lines = [
            (entry_id, place, one.day, line)
            for entry_id, one in zip(found, entries, strict=True)
            for place, line in enumerate(one.lines, 1)
        ]
        await _QUERIES["add_lines_of_many"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            entry_ids=[entry_id for entry_id, _, _, _ in lines],
            places=[place for _, place, _, _ in lines],
            days=[day for _, _, day, _ in lines],
            accounts=[line.account.value for *_, line in lines],
            account_ids=[line.account_id for *_, line in lines],
            details=[line.detail for *_, line in lines],
            fen=[line.fen for *_, line in lines],
        )
        return found

    async def add_bills(
        self, sums: BilledSums, day: int, memo: str, made_by: UserId, agreed_by: UserId | None, now_us: int
    ) -> list[int]:
        rows = await _QUERIES["add_bill_entries"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            keys=sums.keys,
            day=day,
            memo=memo,
            made_by=made_by,
            agreed_by=agreed_by,
            made_us=now_us,
        )
        ids = {key: entry_id for entry_id, key in rows}
        found = [ids[key] for key in sums.keys]
        lines = [
            (entry_id, place, name, fen)
            for entry_id, of in zip(found, sums.components, strict=True)
            for place, (name, fen) in enumerate(of.items(), 2)
            if fen
        ]
        of_lines = list(zip(*lines, strict=True)) or [(), (), (), ()]
        await _QUERIES["add_bill_lines"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            day=day,
            entry_ids=found,
            account_ids=sums.account_ids,
            totals=[sum(of.values()) for of in sums.components],
            line_entries=of_lines[0],
            places=of_lines[1],
            details=of_lines[2],
            fen=of_lines[3],
        )
        return found

    async def having_credit(self, account_ids: Sequence[int]) -> list[int]:
        rows = await _QUERIES["having_credit"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        return [row["account_id"] for row in rows]

    async def balances(self, account_ids: Sequence[int]) -> list[CustomerBalance]:
        rows = await _QUERIES["customer_balances"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=list(account_ids)
        )
        return [CustomerBalance(row["account_id"], row["credit_fen"], row["owed_fen"]) for row in rows]

    async def lock_key(self, key: str) -> None:
        await _QUERIES["lock_key"].execute(self._connection, tenant_id=self._tenant_id, key=key)

    async def of_key(self, key: str) -> BookedEntry | None:
        rows = await self._entries(1, key=key)
        return rows[0] if rows else None

    async def get(self, entry_id: int) -> BookedEntry | None:
        rows = await self._entries(1, entry_id=entry_id)
        return rows[0] if rows else None

    async def page(
        self, limit: int, after: int | None, *, account_id: int | None, kind: EntryKind | None
    ) -> list[BookedEntry]:
        return await self._entries(limit, after=after, account_id=account_id, kind=None if kind is None else kind.value)

    async def _entries(
        self,
        most: int,
        *,
        entry_id: int | None = None,
        key: str | None = None,
        after: int | None = None,
        account_id: int | None = None,
        kind: str | None = None,
    ) -> list[BookedEntry]:
        rows = await _QUERIES["entries"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            entry_id=entry_id,
            key=key,
            after=after,
            account_id=account_id,
            kind=kind,
            most=most,
        )
        return [_entry(row) for row in rows]

    async def journal(self, first_day: int, end_day: int, limit: int, after: int) -> list[BookedEntry]:
        rows = await _QUERIES["journal"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            first_day=first_day,
            end_day=end_day,
            after=after,
            most=limit,
        )
        return [_entry(row) for row in rows]

    async def lock_customer(self, account_id: int) -> None:
        await _QUERIES["lock_customer"].execute(self._connection, tenant_id=self._tenant_id, account_id=account_id)

    async def lock_entry(self, entry_id: int) -> None:
        await _QUERIES["lock_entry"].execute(self._connection, entry_id=entry_id)

    async def balance(self, account_id: int) -> CustomerBalance:
        row = await _QUERIES["customer_balance"].fetchrow(
            self._connection, tenant_id=self._tenant_id, account_id=account_id
        )
        assert row is not None  # noqa: S101 sums always have a row
        return CustomerBalance(account_id, row["credit_fen"], row["owed_fen"])

    async def deducted(self, account_id: int) -> int:
        found: int = await _QUERIES["customer_deducted"].fetchval(
            self._connection, tenant_id=self._tenant_id, account_id=account_id
        )
        return found

    async def movements(self, first_day: int, end_day: int) -> list[Movement]:
        rows = await _QUERIES["movements"].fetch(
            self._connection, tenant_id=self._tenant_id, first_day=first_day, end_day=end_day
        )
        return [Movement(LedgerAccount(row["account"]), row["opening"], row["debit"], row["credit"]) for row in rows]

    async def lock_months(self) -> None:
        await _QUERIES["lock_months"].execute(self._connection, tenant_id=self._tenant_id)

    async def closed_until(self) -> int | None:
        await _QUERIES["hold_months_open"].execute(self._connection, tenant_id=self._tenant_id)
        found: int | None = await _QUERIES["closed_until"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def months(self) -> list[ClosedMonth]:
        rows = await _QUERIES["closed_months"].fetch(self._connection, tenant_id=self._tenant_id)
        return [
            ClosedMonth(
                month_text(row["last_day"]),
                row["closed_by"],
                utc_of_us(row["closed_us"]),
                row["reason"],
            )
            for row in rows
        ]

    async def close_month(self, last_day: int, user_id: UserId, reason: str, now_us: int) -> None:
        await _QUERIES["close_month"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            last_day=last_day,
            user_id=user_id,
            reason=reason,
            now_us=now_us,
        )

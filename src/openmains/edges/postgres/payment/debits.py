# SPDX-License-Identifier: Apache-2.0
"""Direct debit on one tenant's transaction."""

from collections.abc import Sequence
from datetime import datetime

from openmains.app.payment.debit_model import DebitAnswer, DebitAuthorisation, DebitFile, DebitItem
from openmains.app.payment.debit_ports import AnswerCounts, ItemChange, NewAuthorisation, NewItem, SealedItem
from openmains.app.payment.debits import item_number
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import day_text, utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_DEBITS = load(__package__, "debits.sql")


def _file_number(file_id: int) -> str:
    return f"DD{file_id:08d}"


def _instant(us: int | None) -> datetime | None:
    return None if us is None else utc_of_us(us)


def _day(day: int | None) -> str | None:
    return None if day is None else day_text(day)


def _authorisation(row: Row) -> DebitAuthorisation:
    values = {name: value for name, value in dict(row).items() if name not in ("signed_day", "made_us", "ended_us")}
    return DebitAuthorisation(
        **values, signed_on=day_text(row["signed_day"]), made_at=utc_of_us(row["made_us"]), ended_at=_instant(row["ended_us"])
    )  # fmt: skip


def _file(row: Row) -> DebitFile:
    values = {name: value for name, value in dict(row).items() if name not in ("collect_day", "made_us", "voided_us")}
    return DebitFile(
        **values, number=_file_number(row["file_id"]), collect_on=day_text(row["collect_day"]),
        made_at=utc_of_us(row["made_us"]), voided_at=_instant(row["voided_us"]),
    )  # fmt: skip


class Debits:
    """``DebitStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def lock(self) -> None:
        await _DEBITS["lock_debits"].execute(self._connection, tenant_id=self._tenant_id)

    async def add_authorisation(
        self, wanted: NewAuthorisation, sealed: SealedKey, user_id: UserId, now_us: int
    ) -> int | None:
        found: int | None = await _DEBITS["add_authorisation"].fetchval(
            self._connection, tenant_id=self._tenant_id, **wanted._asdict(), key_id=sealed.key_id, nonce=sealed.nonce,
            sealed=sealed.sealed, user_id=user_id, now_us=now_us,
        )  # fmt: skip
        return found

    async def authorisation(self, authorisation_id: int) -> DebitAuthorisation | None:
        found = await self._authorisations(1, authorisation_id=authorisation_id)
        return next(iter(found), None)

    async def authorisations(
        self, limit: int, after: int | None, *, account_id: int | None
    ) -> list[DebitAuthorisation]:
        return await self._authorisations(limit, after=after, account_id=account_id)

    async def _authorisations(
        self, most: int, *, authorisation_id: int | None = None, after: int | None = None, account_id: int | None = None
    ) -> list[DebitAuthorisation]:
        rows = await _DEBITS["authorisations"].fetch(
            self._connection, tenant_id=self._tenant_id, authorisation_id=authorisation_id, account_id=account_id, after=after, most=most
        )  # fmt: skip
        return [_authorisation(row) for row in rows]

    async def end_authorisation(self, authorisation_id: int, reason: str, user_id: UserId, now_us: int) -> bool:
        found = await _DEBITS["end_authorisation"].fetchval(
            self._connection, tenant_id=self._tenant_id, authorisation_id=authorisation_id, reason=reason, user_id=user_id, now_us=now_us
        )  # fmt: skip
        return found is not None

    async def owing(self, after_account: int, limit: int) -> list[tuple[int, int]]:
        rows = await _DEBITS["owing"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after_account, most=limit
        )
        return [(row["account_id"], row["authorisation_id"]) for row in rows]

    async def add_file(
        self, key: str, layout: str, collect_day: int, items: Sequence[NewItem], user_id: UserId, now_us: int
    ) -> int:
        file_id: int = await _DEBITS["add_file"].fetchval(
            self._connection, tenant_id=self._tenant_id, key=key, layout=layout, collect_day=collect_day, lines=len(items),
            fen=sum(item.fen for item in items), user_id=user_id, now_us=now_us,
        )  # fmt: skip
        await _DEBITS["add_items"].execute(
            self._connection, tenant_id=self._tenant_id, file_id=file_id, authorisations=[item.authorisation_id for item in items],
            accounts=[item.account_id for item in items], fen=[item.fen for item in items],
        )  # fmt: skip
        return file_id

    async def file_of_key(self, key: str) -> DebitFile | None:
        found = await self._files(1, key=key)
        return next(iter(found), None)

    async def file(self, file_id: int, *, lock: bool = False) -> DebitFile | None:
        if lock:
            await _DEBITS["lock_file"].execute(self._connection, tenant_id=self._tenant_id, file_id=file_id)
        found = await self._files(1, file_id=file_id)
        return next(iter(found), None)

    async def files(self, limit: int, after: int | None) -> list[DebitFile]:
        return await self._files(limit, after=after)

    async def _files(
        self, most: int, *, file_id: int | None = None, key: str | None = None, after: int | None = None
    ) -> list[DebitFile]:
        rows = await _DEBITS["files"].fetch(
            self._connection, tenant_id=self._tenant_id, file_id=file_id, key=key, after=after, most=most
        )
        return [_file(row) for row in rows]

    async def items(self, file_id: int, limit: int, after: int, *, state: str | None = None) -> list[DebitItem]:
        rows = await _DEBITS["items"].fetch(
            self._connection, tenant_id=self._tenant_id, file_id=file_id, after=after, state=state, most=limit
        )
        number = _file_number(file_id)
        return [
            DebitItem(**{**dict(row), "day": _day(row["day"]), "number": item_number(number, row["place"])})
            for row in rows
        ]

    async def sealed_items(self, file_id: int) -> list[SealedItem]:
        rows = await _DEBITS["sealed_items"].fetch(self._connection, tenant_id=self._tenant_id, file_id=file_id)
        return [
            SealedItem(row["place"], row["fen"], row["contract"], row["bank"], SealedKey(row["key_id"], row["nonce"], row["sealed"]))
            for row in rows
        ]  # fmt: skip

    async def void(self, file_id: int, reason: str, user_id: UserId, now_us: int) -> None:
        await _DEBITS["void_items"].execute(self._connection, tenant_id=self._tenant_id, file_id=file_id)
        await _DEBITS["void_file"].execute(
            self._connection, tenant_id=self._tenant_id, file_id=file_id, reason=reason, user_id=user_id, now_us=now_us
        )

    async def change_items(self, file_id: int, changes: Sequence[ItemChange]) -> None:
        await _DEBITS["change_items"].execute(
            self._connection, tenant_id=self._tenant_id, file_id=file_id, places=[one.place for one in changes],
            states=[one.state for one in changes], results=[one.result for one in changes],
            transactions=[one.transaction for one in changes], days=[one.day for one in changes],
            receipts=[one.receipt_id for one in changes], returns=[one.return_id for one in changes],
        )  # fmt: skip
        await _DEBITS["count_items"].execute(self._connection, tenant_id=self._tenant_id, file_id=file_id)

    async def answer_of(self, file_id: int, sha256: str) -> DebitAnswer | None:
        found = await self._answers(file_id, sha256)
        return next(iter(found), None)

    async def add_answer(
        self, file_id: int, file_name: str, sha256: str, counts: AnswerCounts, user_id: UserId, now_us: int
    ) -> int:
        found: int = await _DEBITS["add_answer"].fetchval(
            self._connection, tenant_id=self._tenant_id, file_id=file_id, file_name=file_name, sha256=sha256, **counts._asdict(),
            user_id=user_id, now_us=now_us,
        )  # fmt: skip
        return found

    async def answers(self, file_id: int) -> list[DebitAnswer]:
        return await self._answers(file_id, None)

    async def _answers(self, file_id: int, sha256: str | None) -> list[DebitAnswer]:
        rows = await _DEBITS["answers"].fetch(
            self._connection, tenant_id=self._tenant_id, file_id=file_id, sha256=sha256
        )
        return [
            DebitAnswer(**{name: value for name, value in dict(row).items() if name != "read_us"}, read_at=utc_of_us(row["read_us"]))
            for row in rows
        ]  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Partners on one tenant's transaction."""

from collections.abc import Sequence

from openmains.app.payment.partner_model import PaymentPartner, RefusedRequests
from openmains.app.payment.partner_ports import SealedPartner
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_PARTNERS = load(__package__, "partners.sql")


class Partners:
    """``PartnerStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self, fault_since_day: int) -> list[PaymentPartner]:
        rows = await _PARTNERS["partner_faults"].fetch(
            self._connection, tenant_id=self._tenant_id, since=fault_since_day
        )
        faults: dict[int, list[RefusedRequests]] = {}
        for row in rows:
            told = RefusedRequests(row["fault"], row["count"], utc_of_us(row["last_us"]), row["address"])
            faults.setdefault(row["partner_id"], []).append(told)
        found = await _PARTNERS["partners"].fetch(self._connection, tenant_id=self._tenant_id, partner_id=None)
        return [self._partner(row, faults.get(row["partner_id"], [])) for row in found]

    async def get(self, partner_id: int) -> PaymentPartner | None:
        rows = await _PARTNERS["partners"].fetch(self._connection, tenant_id=self._tenant_id, partner_id=partner_id)
        return self._partner(rows[0], []) if rows else None

    def _partner(self, row: Row, refused: Sequence[RefusedRequests]) -> PaymentPartner:
        path = f"/partner-payments/{self._tenant_id}/{row['partner_id']}"
        return PaymentPartner(
            row["partner_id"], row["name"], path, row["is_on"], utc_of_us(row["changed_us"]), row["changed_by"], list(refused)
        )  # fmt: skip

    async def sealed(self) -> list[SealedPartner]:
        rows = await _PARTNERS["sealed_partners"].fetch(self._connection, tenant_id=self._tenant_id)
        return [
            SealedPartner(
                row["partner_id"], row["name"], row["is_on"], row["made_by"], SealedKey(row["key_id"], row["nonce"], row["sealed"])
            )
            for row in rows
        ]  # fmt: skip

    async def next_id(self) -> int:
        found: int = await _PARTNERS["next_partner"].fetchval(self._connection)
        return found

    async def add(self, partner_id: int, name: str, sealed: SealedKey, user_id: UserId, now_us: int) -> bool:
        found = await _PARTNERS["add_partner"].fetchval(
            self._connection, tenant_id=self._tenant_id, partner_id=partner_id, name=name, key_id=sealed.key_id, nonce=sealed.nonce,
            sealed=sealed.sealed, user_id=user_id, now_us=now_us,
        )  # fmt: skip
        return found is not None

    async def change(self, partner_id: int, name: str, is_on: bool, user_id: UserId, now_us: int) -> bool:
        found = await _PARTNERS["change_partner"].fetchval(
            self._connection, tenant_id=self._tenant_id, partner_id=partner_id, name=name, is_on=is_on, user_id=user_id, now_us=now_us
        )  # fmt: skip
        return found is not None

    async def put_key(self, partner_id: int, sealed: SealedKey, user_id: UserId, now_us: int) -> None:
        await _PARTNERS["put_partner_key"].execute(
            self._connection, tenant_id=self._tenant_id, partner_id=partner_id, key_id=sealed.key_id, nonce=sealed.nonce,
            sealed=sealed.sealed, user_id=user_id, now_us=now_us,
        )  # fmt: skip

    async def note_nonce(self, partner_id: int, nonce: str, now_us: int, forget_us: int) -> bool:
        await _PARTNERS["forget_nonces"].execute(
            self._connection, tenant_id=self._tenant_id, partner_id=partner_id, forget_us=forget_us
        )
        found = await _PARTNERS["note_nonce"].fetchval(
            self._connection, tenant_id=self._tenant_id, partner_id=partner_id, nonce=nonce, now_us=now_us
        )
        return found is not None

    async def note_fault(self, partner_id: int, day: int, fault: str, address: str, now_us: int) -> int:
        found: int = await _PARTNERS["note_partner_fault"].fetchval(
            self._connection, tenant_id=self._tenant_id, partner_id=partner_id, day=day, fault=fault, address=address, now_us=now_us
        )  # fmt: skip
        return found

# SPDX-License-Identifier: Apache-2.0
"""``AccountRegisters`` on one tenant's transaction."""

from openmains.app.readings.accounts import AccountHanging
from openmains.domain.fleet.hanging import MeterRole
from openmains.domain.ids import AccountId, TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class HangingsOfAccount:
    """What hung at an account, from when until when."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def hangings(self, account_id: AccountId) -> list[AccountHanging] | None:
        asked = {"tenant_id": self._tenant_id, "account_id": account_id}
        if not await _QUERIES["account_exists"].fetchval(self._connection, **asked):
            return None
        rows = await _QUERIES["account_hangings"].fetch(self._connection, **asked)
        return [
            AccountHanging(
                installation_id=row["installation_id"],
                meter_id=row["meter_id"],
                number=row["number"],
                role=MeterRole(row["role"]),
                from_s=row["from_s"],
                to_s=row["to_s"],
                opening=None if row["opening"] is None else (row["opening"], row["opening_by"] == "estimated"),
                closing=None if row["closing"] is None else (row["closing"], row["closing_by"] == "estimated"),
                driver=row["driver"],
                dial=row["dial"],
                newest=None
                if row["register"] is None or row["register_at"] is None
                else (row["register_at"], row["register"]),
            )
            for row in rows
        ]

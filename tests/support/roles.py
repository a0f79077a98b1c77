# SPDX-License-Identifier: Apache-2.0
"""``RoleStore`` for pure tests: the built-in roles, and those of the utility's own that a test gives."""

from openmains.app.identity.model import RoleRecord
from openmains.domain.identity.role import BUILT_IN

GIVEN = [RoleRecord(code.value, one.zh, one.en, sorted(one.permissions), None, 0, 0) for code, one in BUILT_IN.items()]


class BuiltInRoles:
    """It changes nothing."""

    def __init__(self, *own: RoleRecord) -> None:
        self.rows = [*GIVEN, *own]

    async def all(self) -> list[RoleRecord]:
        return self.rows

    async def get(self, code: str) -> RoleRecord | None:
        return next((row for row in self.rows if row.code == code), None)

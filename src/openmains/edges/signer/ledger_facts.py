# SPDX-License-Identifier: Apache-2.0
"""The ledger's part about facts: copies of what meters and utilities are, and the acts by which persons signed them.

An act is kept for ever; a copy is replaced by the next one that is signed.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from openmains.app.command.signer.ports import FactsAct
from openmains.domain.command.held_facts import HeldFacts, UtilityFacts
from openmains.domain.command.safety import OfficeHours
from openmains.domain.ids import MeterId
from openmains.edges.signer.chunks import by_chunks
from openmains.edges.signer.named_rows import by_name

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts_act (
  act_id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL, list_hash TEXT NOT NULL, meters INTEGER NOT NULL, operator TEXT NOT NULL,
  approver TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL, added INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS facts_act_at ON facts_act (tenant_id, at);
CREATE TABLE IF NOT EXISTS utility_facts (
  tenant_id INTEGER PRIMARY KEY, zone TEXT NOT NULL, office_from INTEGER NOT NULL, office_to INTEGER NOT NULL,
  office_days TEXT NOT NULL, remote_closing INTEGER NOT NULL, act_id INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS meter_facts (
  tenant_id INTEGER NOT NULL, meter_id INTEGER NOT NULL, number TEXT NOT NULL, area_id INTEGER NOT NULL, driver TEXT NOT NULL,
  prepaid INTEGER NOT NULL, is_protected INTEGER NOT NULL, is_critical INTEGER NOT NULL, closing_forbidden INTEGER NOT NULL,
  qmax_l_h INTEGER NOT NULL, dial INTEGER NOT NULL, act_id INTEGER NOT NULL, PRIMARY KEY (tenant_id, meter_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS meter_facts_area ON meter_facts (tenant_id, area_id);
CREATE INDEX IF NOT EXISTS meter_facts_meter ON meter_facts (meter_id);
"""
TABLES = ("facts_act", "utility_facts", "meter_facts")
_COLUMNS = (
    "meter_id, number, area_id, driver, prepaid, is_protected, is_critical, closing_forbidden, qmax_l_h, dial"
)  # fmt: skip
_FLAGS = ("prepaid", "is_protected", "is_critical", "closing_forbidden")


class FactsTables:
    """On the ledger's connection; ``writing`` is the ledger's transaction."""

    def __init__(self, db: sqlite3.Connection, writing: Callable[[], AbstractContextManager[None]]) -> None:
        self._db = db
        self._writing = writing
        self._sizes: dict[int, dict[int, int]] | None = None  # by tenant and area; copies change here only

    def utility(self, tenant_id: int) -> UtilityFacts | None:
        """The copy of a utility's own facts."""
        row = self._db.execute(
            "SELECT zone, office_from, office_to, office_days, remote_closing FROM utility_facts WHERE tenant_id = ?",
            (tenant_id,),
        ).fetchone()
        if row is None:
            return None
        zone, office_from, office_to, days, remote_closing = row
        return UtilityFacts(zone, OfficeHours(office_from, office_to, frozenset(map(int, days))), bool(remote_closing))

    def held(self, tenant_id: int, meter_ids: Sequence[int]) -> dict[MeterId, HeldFacts]:
        """Copies by meter."""
        found: dict[MeterId, HeldFacts] = {}
        for marks, chunk in by_chunks(meter_ids):
            found |= self._read(f"tenant_id = ? AND meter_id IN ({marks})", (tenant_id, *chunk))
        return found

    def held_between(self, tenant_id: int, after: int, until: int | None) -> dict[MeterId, HeldFacts]:
        """Copies of meters above ``after`` up to ``until``; None: all above."""
        if until is None:
            return self._read("tenant_id = ? AND meter_id > ?", (tenant_id, after))
        return self._read("tenant_id = ? AND meter_id > ? AND meter_id <= ?", (tenant_id, after, until))

    def _read(self, condition: str, values: Sequence[object]) -> dict[MeterId, HeldFacts]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM meter_facts WHERE {condition}", values)  # noqa: S608 - texts above
        return {
            MeterId(row["meter_id"]): HeldFacts(**row | {name: bool(row[name]) for name in _FLAGS})
            for row in by_name(rows)
        }

    def sizes(self, tenant_id: int) -> tuple[int, int, Mapping[int, int]]:
        """Copies: of the platform, of the tenant, by area of the tenant."""
        if self._sizes is None:
            self._sizes = {}
            for tenant, area, count in self._db.execute(
                "SELECT tenant_id, area_id, count(*) FROM meter_facts GROUP BY 1, 2"
            ):
                self._sizes.setdefault(tenant, {})[area] = count
        areas = self._sizes.get(tenant_id, {})
        return sum(sum(places.values()) for places in self._sizes.values()), sum(areas.values()), areas

    def held_elsewhere(self, tenant_id: int, meter_ids: Sequence[int]) -> set[MeterId]:
        """Those of these meters of which another tenant has a copy."""
        found: set[MeterId] = set()
        for marks, chunk in by_chunks(meter_ids):
            rows = self._db.execute(
                f"SELECT meter_id FROM meter_facts WHERE meter_id IN ({marks}) AND tenant_id <> ?",  # noqa: S608 - marks only
                (*chunk, tenant_id),
            )
            found |= {MeterId(row[0]) for row in rows}
        return found

    def added_alone(self, tenant_id: int, since: int) -> int:
        """Meters that one person alone signed as new since (s)."""
        row = self._db.execute(
            "SELECT coalesce(sum(added), 0) FROM facts_act WHERE tenant_id = ? AND at > ? AND approver = ''",
            (tenant_id, since),
        ).fetchone()
        return int(row[0])

    def sign(
        self, act: FactsAct, utility: UtilityFacts | None, meters: Mapping[MeterId, HeldFacts | None]
    ) -> None:  # fmt: skip
        """The act and its copies, or neither."""
        self._sizes = None
        with self._writing():
            act_id = self._db.execute(
                "INSERT INTO facts_act (tenant_id, list_hash, meters, operator, approver, reason, at, added)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (act.tenant_id, act.list_hash, len(meters), act.operator, act.approver, act.reason, act.at, act.added),
            ).lastrowid
            if utility is not None:
                office = utility.office
                days = "".join(str(day) for day in sorted(office.days))
                self._db.execute(
                    "INSERT OR REPLACE INTO utility_facts VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (act.tenant_id, utility.zone, office.from_minute, office.to_minute, days, utility.remote_closing, act_id),
                )  # fmt: skip
            self._db.executemany(
                f"INSERT OR REPLACE INTO meter_facts (tenant_id, act_id, {_COLUMNS}) VALUES ({','.join('?' * 12)})",  # noqa: S608
                (
                    (
                        act.tenant_id, act_id, one.meter_id, one.number, one.area_id, one.driver, one.prepaid, one.is_protected,
                        one.is_critical, one.closing_forbidden, one.qmax_l_h, one.dial,
                    )
                    for one in meters.values()
                    if one is not None
                ),
            )  # fmt: skip
            gone = [(act.tenant_id, meter_id) for meter_id, one in meters.items() if one is None]
            self._db.executemany("DELETE FROM meter_facts WHERE tenant_id = ? AND meter_id = ?", gone)

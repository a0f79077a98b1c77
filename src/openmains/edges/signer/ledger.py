# SPDX-License-Identifier: Apache-2.0
"""``Ledger`` in SQLite with ``synchronous=FULL``: what was answered survives a loss of power. One process writes it.

Rows are never removed: counters must not go back, and a key must not be forgotten while its frame may still be valid.
Sums over the rows (``row_sums.py``) and the name of the command key it was kept with tell whether it is what was written.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from openmains.app.command.signer.ports import Closing, Entry, FactsAct, Person, Standing
from openmains.domain.command.held_facts import HeldFacts, UtilityFacts
from openmains.domain.command.kinds import Kind
from openmains.domain.command.quota import Scope
from openmains.domain.ids import MeterId
from openmains.edges.signer import ledger_facts
from openmains.edges.signer.chunks import by_chunks
from openmains.edges.signer.ledger_facts import FactsTables
from openmains.edges.signer.named_rows import by_name
from openmains.edges.signer.row_sums import RowSums

SCHEMA = """
CREATE TABLE IF NOT EXISTS person (
  tenant_id INTEGER NOT NULL, login TEXT NOT NULL, password_hash TEXT NOT NULL, role TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0, locked_until INTEGER NOT NULL DEFAULT 0, administrator INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, login)
) STRICT;
CREATE TABLE IF NOT EXISTS known (
  tenant_id INTEGER NOT NULL, login TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (tenant_id, login, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
  tenant_id INTEGER NOT NULL, unique_key TEXT NOT NULL, meter_id INTEGER NOT NULL, area_id INTEGER NOT NULL, kind TEXT NOT NULL,
  content BLOB NOT NULL, not_after INTEGER NOT NULL, standing TEXT NOT NULL, reason TEXT NOT NULL, operator TEXT NOT NULL,
  approver TEXT NOT NULL, asked_at INTEGER NOT NULL, authorised_at INTEGER NOT NULL, counter INTEGER NOT NULL,
  serial INTEGER NOT NULL, frame BLOB, effect TEXT NOT NULL DEFAULT '',
  amount INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, unique_key)
) STRICT;
CREATE INDEX IF NOT EXISTS entry_authorised ON entry (kind, authorised_at, tenant_id, operator, area_id)
  WHERE authorised_at > 0;
CREATE TABLE IF NOT EXISTS safety (
  tenant_id INTEGER NOT NULL, unique_key TEXT NOT NULL, meter_id INTEGER NOT NULL, params TEXT NOT NULL, operator TEXT NOT NULL,
  immediate INTEGER NOT NULL, lifted_at INTEGER NOT NULL DEFAULT 0, inspector TEXT NOT NULL DEFAULT '',
  approver TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', PRIMARY KEY (tenant_id, unique_key)
) STRICT;
CREATE INDEX IF NOT EXISTS safety_standing ON safety (tenant_id, meter_id) WHERE lifted_at = 0;
CREATE TABLE IF NOT EXISTS price (
  tenant_id INTEGER NOT NULL, meter_id INTEGER NOT NULL, params TEXT NOT NULL, PRIMARY KEY (tenant_id, meter_id)
) STRICT;
CREATE TABLE IF NOT EXISTS counter (meter_id INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
"""
ABOUT = "CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
TABLES = (
    "person",
    "known",
    "entry",
    "safety",
    "price",
    "counter",
    *ledger_facts.TABLES,
)  # each with a sum over its rows
_COLUMNS = (
    "tenant_id, unique_key, meter_id, area_id, kind, content, not_after, standing, reason, operator, approver, asked_at,"
    " authorised_at, counter, serial, frame, effect, amount"
)
_LATER = (  # columns of ledgers that are older: table, name, type
    ("entry", "effect", "TEXT NOT NULL DEFAULT ''"),
    ("entry", "amount", "INTEGER NOT NULL DEFAULT 0"),
    ("person", "administrator", "INTEGER NOT NULL DEFAULT 0"),
)
EVERY_METER = 0  # no meter has this id; its counter is the least of all


class LedgerDamagedError(Exception):
    """Rows are not what was written; the text names the tables."""


class SqliteLedger:
    """Open it once; ``path`` is made 0600. Raises ``LedgerDamagedError`` or ``sqlite3.DatabaseError`` for a damaged one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(ABOUT)
        self._sums = RowSums(self._db, TABLES)
        with self.writing():
            self._take_up()
        self._sums.follow()
        self._facts = FactsTables(self._db, self.writing)

    @classmethod
    def reading(cls, path: Path) -> "SqliteLedger":
        """A second connection, beside the one that writes, to look at all of it in one state; for ``check`` and ``structure``."""
        found = cls.__new__(cls)
        found._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
        found._sums = RowSums(found._db, TABLES)
        found._db.execute("BEGIN")
        return found

    def copy_to(self, path: Path) -> None:
        """All of it into another file, which is made 0600."""
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as other:
            self._db.backup(other)

    def structure(self) -> str:
        """``ok`` or the first fault of the file's structure, its indexes included: one that lies hides a person or a counter."""
        return " ".join(str(self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]).split())

    def check(self) -> None:
        """Read all rows; raises ``LedgerDamagedError`` where they are not what was written."""
        if differing := self._sums.differing():
            raise LedgerDamagedError(f"rows were changed: {', '.join(differing)}")

    def about(self, name: str) -> str:
        """What is kept of the ledger itself; empty: nothing."""
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])

    def note_about(self, name: str, value: str) -> None:
        """Keep it."""
        self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _take_up(self) -> None:
        """Compare, then bring an older ledger to the present columns: that is another sum over the same rows."""
        here = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        summed = {
            row[0].removeprefix("sum.") for row in self._db.execute("SELECT name FROM about WHERE name LIKE 'sum.%'")
        }
        if summed and (astray := summed ^ (here & set(TABLES))):
            raise LedgerDamagedError(f"tables or their sums are missing: {', '.join(sorted(astray))}")
        self.check()
        changed = not here.issuperset(TABLES)
        for statement in (SCHEMA + ledger_facts.SCHEMA).split(";"):
            self._db.execute(statement)
        for table, column, kind in _LATER:
            if column not in {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
                changed = True
        self._db.execute(
            "CREATE INDEX IF NOT EXISTS entry_effect ON entry (effect, authorised_at, tenant_id) WHERE effect <> ''"
        )
        self._db.execute("CREATE INDEX IF NOT EXISTS entry_amount ON entry (tenant_id, authorised_at) WHERE amount > 0")
        self._db.execute("CREATE INDEX IF NOT EXISTS entry_paid ON entry (tenant_id, meter_id) WHERE amount > 0")
        if changed or not summed:
            self._sums.renew()
        # A write at each opening: the log beside the file is never empty while it is open (run/care/sqlite_files.py).
        self.note_about("opened", str(int(self.about("opened") or "0") + 1))

    @contextmanager
    def writing(self) -> Iterator[None]:
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def person(self, tenant_id: int, login: str) -> Person | None:
        rows = self._db.execute(
            "SELECT tenant_id, login, password_hash, role, administrator AS is_administrator FROM person"
            " WHERE tenant_id = ? AND login = ?",
            (tenant_id, login),
        )
        return next(
            (Person(**row | {"is_administrator": bool(row["is_administrator"])}) for row in by_name(rows)), None
        )

    def enrol(self, tenant_id: int, login: str, password_hash: str, role: str, *, administrator: bool = False) -> None:
        """Add a person or give a new password and rights; at the machine only (``openmains signer``)."""
        self._db.execute(
            "INSERT INTO person (tenant_id, login, password_hash, role, administrator) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role,"
            " administrator = excluded.administrator",
            (tenant_id, login, password_hash, role, administrator),
        )
        self._db.execute("DELETE FROM known WHERE tenant_id = ? AND login = ?", (tenant_id, login))

    def dismiss(self, tenant_id: int, login: str) -> bool:
        """Remove a person; False when there is none."""
        self._db.execute("DELETE FROM known WHERE tenant_id = ? AND login = ?", (tenant_id, login))
        done = self._db.execute("DELETE FROM person WHERE tenant_id = ? AND login = ?", (tenant_id, login))
        return done.rowcount == 1

    def people(self) -> list[tuple[int, str, str]]:
        """(tenant, login, rights) of all."""
        rights = "role || CASE WHEN administrator THEN ' administrator' ELSE '' END"
        rows = self._db.execute(f"SELECT tenant_id, login, {rights} FROM person ORDER BY tenant_id, login")  # noqa: S608
        return list(rows)

    def is_known(self, tenant_id: int, login: str, address: str) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM known WHERE tenant_id = ? AND login = ? AND address = ?", (tenant_id, login, address)
        ).fetchone()
        return row is not None

    def note_known(self, tenant_id: int, login: str, address: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", (tenant_id, login, address))

    def entries(self, tenant_id: int, unique_keys: Sequence[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for marks, chunk in by_chunks(unique_keys):
            rows = self._db.execute(
                f"SELECT {_COLUMNS} FROM entry WHERE tenant_id = ? AND unique_key IN ({marks})",  # noqa: S608 - marks only
                (tenant_id, *chunk),
            )
            for row in by_name(rows):
                kind, standing, effect = Kind(row["kind"]), Standing(row["standing"]), row["effect"]
                row |= {"kind": kind, "standing": standing, "effect": Kind(effect) if effect else None}
                found[row["unique_key"]] = Entry(**row)
        return found

    def put(self, entry: Entry) -> None:
        with self.writing():
            self._db.execute(
                f"INSERT OR REPLACE INTO entry ({_COLUMNS}) VALUES ({','.join('?' * 18)})",  # noqa: S608 - marks only
                (
                    entry.tenant_id, entry.unique_key, entry.meter_id, entry.area_id, entry.kind.value, entry.content,
                    entry.not_after, entry.standing.value, entry.reason, entry.operator, entry.approver, entry.asked_at,
                    entry.authorised_at, entry.counter, entry.serial, entry.frame,
                    entry.effect.value if entry.effect else "",
                    entry.amount,
                ),
            )  # fmt: skip
            if entry.counter:
                self._db.execute(
                    "INSERT INTO counter (meter_id, last) VALUES (?, ?)"
                    " ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
                    (entry.meter_id, entry.counter),
                )

    def counts(self, kind: Kind, scope: Scope, since: int, tenant_id: int, operator: str) -> dict[int, int]:
        condition, values = {
            Scope.OPERATOR: ("AND tenant_id = ? AND operator = ?", (tenant_id, operator)),
            Scope.UTILITY: ("AND tenant_id = ?", (tenant_id,)),
            Scope.AREA: ("AND tenant_id = ?", (tenant_id,)),
            Scope.PLATFORM: ("", ()),
        }[scope]
        place = "area_id" if scope is Scope.AREA else "0"
        found: dict[int, int] = {}
        for column in ("kind", "effect"):  # each by an index of its own
            rows = self._db.execute(
                f"SELECT {place}, count(*) FROM entry WHERE {column} = ? AND authorised_at > ? {condition} GROUP BY 1",  # noqa: S608 - texts above
                (kind.value, max(0, since), *values),
            )
            for at, count in rows:
                found[at] = found.get(at, 0) + count
        return found

    def given_alone(self, kind: Kind, since: int, tenant_id: int, operator: str) -> set[MeterId]:
        found: set[MeterId] = set()
        for column in ("kind", "effect"):
            rows = self._db.execute(
                f"SELECT DISTINCT meter_id FROM entry WHERE {column} = ? AND authorised_at > ? AND tenant_id = ?"  # noqa: S608 - texts above
                " AND operator = ? AND approver = ''",
                (kind.value, max(0, since), tenant_id, operator),
            )
            found |= {row[0] for row in rows}
        return found

    def amounts(self, since: int, tenant_id: int, operator: str) -> tuple[int, int]:
        alone, of_all = self._db.execute(
            "SELECT coalesce(sum(amount) FILTER (WHERE operator = ? AND approver = ''), 0), coalesce(sum(amount), 0)"
            " FROM entry WHERE tenant_id = ? AND authorised_at > ? AND amount > 0",
            (operator, tenant_id, max(0, since)),
        ).fetchone()
        return alone, of_all

    def price(self, tenant_id: int, meter_id: int) -> Mapping[str, Any] | None:
        row = self._db.execute(
            "SELECT params FROM price WHERE tenant_id = ? AND meter_id = ?", (tenant_id, meter_id)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def note_price(self, tenant_id: int, meter_id: int, params: Mapping[str, Any]) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO price (tenant_id, meter_id, params) VALUES (?, ?, ?)",
            (tenant_id, meter_id, json.dumps(dict(params))),
        )

    def note_closing(self, closing: Closing) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO safety (tenant_id, unique_key, meter_id, params, operator, immediate) VALUES (?, ?, ?, ?, ?, ?)",
            (
                closing.tenant_id, closing.unique_key, closing.meter_id,
                json.dumps(dict(closing.params), ensure_ascii=False), closing.operator, closing.immediate,
            ),
        )  # fmt: skip

    def closed_for_safety(self, tenant_id: int, meter_ids: Sequence[int]) -> set[MeterId]:
        rows = self._db.execute(
            "SELECT DISTINCT s.meter_id FROM safety s JOIN entry e USING (tenant_id, unique_key)"
            " WHERE s.lifted_at = 0 AND s.tenant_id = ? AND e.authorised_at > 0",
            (tenant_id,),
        )
        return {row[0] for row in rows} & set(meter_ids)

    def lift(self, tenant_id: int, meter_id: int, inspector: str, approver: str, note: str, now: int) -> bool:
        done = self._db.execute(
            "UPDATE safety SET lifted_at = ?, inspector = ?, approver = ?, note = ?"
            " WHERE tenant_id = ? AND meter_id = ? AND lifted_at = 0",
            (now, inspector, approver, note, tenant_id, meter_id),
        )
        return done.rowcount > 0

    def is_lifted(self, tenant_id: int, unique_key: str) -> bool:
        row = self._db.execute(
            "SELECT lifted_at FROM safety WHERE tenant_id = ? AND unique_key = ?", (tenant_id, unique_key)
        ).fetchone()
        return row is not None and row[0] > 0

    def utility(self, tenant_id: int) -> UtilityFacts | None:
        return self._facts.utility(tenant_id)

    def held(self, tenant_id: int, meter_ids: Sequence[int]) -> dict[MeterId, HeldFacts]:
        return self._facts.held(tenant_id, meter_ids)

    def held_between(self, tenant_id: int, after: int, until: int | None) -> dict[MeterId, HeldFacts]:
        return self._facts.held_between(tenant_id, after, until)

    def held_elsewhere(self, tenant_id: int, meter_ids: Sequence[int]) -> set[MeterId]:
        return self._facts.held_elsewhere(tenant_id, meter_ids)

    def added_alone(self, tenant_id: int, since: int) -> int:
        return self._facts.added_alone(tenant_id, since)

    def sizes(self, tenant_id: int) -> tuple[int, int, Mapping[int, int]]:
        return self._facts.sizes(tenant_id)

    def sign_facts(
        self, act: FactsAct, utility: UtilityFacts | None, meters: Mapping[MeterId, HeldFacts | None]
    ) -> None:
        self._facts.sign(act, utility, meters)

    def paid(self, tenant_id: int, meter_ids: Sequence[int], since: int) -> set[MeterId]:
        found: set[MeterId] = set()
        for marks, chunk in by_chunks(meter_ids):
            rows = self._db.execute(
                f"SELECT DISTINCT meter_id FROM entry WHERE tenant_id = ? AND meter_id IN ({marks})"  # noqa: S608 - marks only
                " AND authorised_at > ? AND amount > 0",
                (tenant_id, *chunk, max(0, since)),
            )
            found |= {MeterId(row[0]) for row in rows}
        return found

    def counters(self, meter_ids: Sequence[int]) -> dict[int, int]:
        """Meter → the last counter given."""
        found: dict[int, int] = {}
        for marks, chunk in by_chunks(meter_ids):
            rows = self._db.execute(f"SELECT meter_id, last FROM counter WHERE meter_id IN ({marks})", tuple(chunk))  # noqa: S608 - marks only
            found |= dict(rows)
        return found

    def next_counter(self, meter_id: int) -> int:
        (last,) = self._db.execute(
            "SELECT max(last) FROM counter WHERE meter_id IN (?, ?)", (meter_id, EVERY_METER)
        ).fetchone()
        return 1 if last is None else last + 1

    def raise_counters(self, floor: int) -> None:
        """All counters given from now on are above ``floor``: the ledger was restored (ADR 0018)."""
        self._db.execute(
            "INSERT INTO counter (meter_id, last) VALUES (?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
            (EVERY_METER, floor),
        )

# SPDX-License-Identifier: Apache-2.0
"""Sums over the rows of an SQLite file, kept with every change, so that a changed bit in any value is seen.

SQLite's own check sees a broken structure, not a password hash, a counter or a right that became another one. Here each table
has the exclusive or of its rows' hashes (BLAKE2b, 63 bits) in ``about``, renewed by temporary triggers within the transaction that
changes the rows; ``differing`` reads all rows and compares. It finds accidents and changes made with other tools, it is no proof
against somebody who knows it: whoever can write this file is the signer's own account.
"""

import hashlib
import sqlite3
from collections.abc import Sequence

_MASK = (1 << 63) - 1


def row_hash(*values: object) -> int:
    """Of one row; the types count: 1 is not '1'."""
    text = "\x1f".join(f"{type(value).__name__}:{value!r}" for value in values)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") & _MASK


class RowSums:
    """Of some tables of one connection. ``about (name TEXT PRIMARY KEY, value TEXT)`` must be there."""

    def __init__(self, db: sqlite3.Connection, tables: Sequence[str]) -> None:
        self._db = db
        self._tables = tables

    def differing(self) -> list[str]:
        """Tables whose rows are not those that were written; a table that has no sum yet is left out."""
        return [
            table for table in self._tables if (kept := self._kept(table)) is not None and kept != str(self._sum(table))
        ]

    def renew(self) -> None:
        """Sum all rows anew: at the first opening, and after columns were added."""
        for table in self._tables:
            self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (f"sum.{table}", str(self._sum(table))))

    def follow(self) -> None:
        """From now on each change of this connection renews the sum."""
        db = self._db
        db.create_function("summed", -1, lambda before, *row: str(int(before) ^ row_hash(*row)), deterministic=True)
        db.execute("PRAGMA recursive_triggers = ON")  # so that a REPLACE tells of the row it removes
        for table in self._tables:
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            for event, rows in (("INSERT", ("NEW",)), ("DELETE", ("OLD",)), ("UPDATE", ("OLD", "NEW"))):
                value = "value"
                for row in rows:
                    value = f"summed({value}, {', '.join(f'{row}.{column}' for column in columns)})"
                renewed = f"UPDATE about SET value = {value} WHERE name = 'sum.{table}'"  # noqa: S608 - our own names
                name = f"sum_{table}_{event.lower()}"
                db.execute(f"CREATE TEMP TRIGGER {name} AFTER {event} ON main.{table} BEGIN {renewed}; END")

    def _kept(self, table: str) -> str | None:
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (f"sum.{table}",)).fetchone()
        return None if row is None else str(row[0])

    def _sum(self, table: str) -> int:
        total = 0
        for row in self._db.execute(f"SELECT * FROM {table}"):  # noqa: S608 - one of our own tables
            total ^= row_hash(*row)
        return total

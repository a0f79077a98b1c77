# SPDX-License-Identifier: Apache-2.0
"""The DTLS sessions and LwM2M registrations of one edge node, on disk (ADR 0009).

A meter keeps its session for months, so a restart of the edge must not cost a handshake: a session is stored before
the handshake's last flight goes out, found again by its Connection ID when a record comes – by its address, where the meter uses
none – and never sends a sequence number that an earlier run may have used (``reserved`` is raised on disk first). What was received
(``newest``) is written within a second of it; records repeated within that second after a crash are recognised by the pipeline.

The session's keys are sealed with AES-256-GCM under the node's key, bound to the Connection ID; everything else in the
file is no secret. One process owns the file. Reading is synchronous and costs some 20 µs; writing is done by
``writer.py`` in a thread, many at a time.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
FORMAT = 3
MOST_RESERVED = (1 << 48) - 1  # a record's sequence number (RFC 6347 section 4.1)
# What changes with every message has small rows of its own: the meters that speak in a second then touch far fewer pages than
# if keys and registration were in between.
SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
  id           INTEGER PRIMARY KEY,    -- the Connection ID's 8 bytes (node, then random) as a signed number
  imei         INTEGER NOT NULL,
  sealed       BLOB NOT NULL,          -- nonce, AES-256-GCM of the session's secrets, tag; additional data: Connection ID
  reserved     INTEGER NOT NULL,       -- sequence numbers below it may have been used for sending
  registration BLOB,                   -- LwM2M registration, NULL without one
  address      TEXT                    -- where a meter without Connection ID speaks from, NULL for those with one
);
CREATE INDEX IF NOT EXISTS session_imei ON session (imei);
CREATE UNIQUE INDEX IF NOT EXISTS session_address ON session (address) WHERE address IS NOT NULL;
CREATE TABLE IF NOT EXISTS heard (     -- one row for each of session
  id           INTEGER PRIMARY KEY,
  newest       INTEGER NOT NULL,       -- newest sequence number received
  sent         INTEGER NOT NULL,       -- next sequence number for sending, when the session left the memory of ``run``
  run          INTEGER NOT NULL,       -- which run of the edge wrote ``sent``; 0: the session was still in memory
  peer         TEXT NOT NULL,          -- newest confirmed address
  heard_us     INTEGER NOT NULL        -- µs since 1970 UTC
);
"""
# What a file of an earlier format lacks, by that format.
UPGRADES = {
    2: (
        "ALTER TABLE session ADD COLUMN address TEXT",
        "CREATE UNIQUE INDEX session_address ON session (address) WHERE address IS NOT NULL",
    )
}
INSERT = "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)"
INSERT_HEARD = "INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?, ?, ?)"
# The one before stays: a clone is found by two sessions of one key that speak in turn.
OTHERS = """
SELECT id FROM session JOIN heard USING (id) WHERE imei = ? AND id != ? ORDER BY heard_us DESC LIMIT -1 OFFSET 1
"""
HEARD = "UPDATE heard SET newest = ?, sent = ?, run = ?, peer = ?, heard_us = ? WHERE id = ?"
RESERVED = "UPDATE session SET reserved = ? WHERE id = ?"
LIFT = "UPDATE session SET reserved = min(reserved + ?, ?)"
LAST_NUMBER = (1 << 48) - 1  # of a record's sequence number
REGISTERED = "UPDATE session SET registration = ? WHERE id = ?"
REMOVE = ("DELETE FROM session WHERE id = ?", "DELETE FROM heard WHERE id = ?")
FIND = """
SELECT imei, sealed, reserved, newest, sent, run, peer, heard_us, registration
  FROM session JOIN heard USING (id) WHERE id = ?
"""
BY_ADDRESS = "SELECT id FROM session WHERE address = ?"
BY_IMEI = "SELECT id FROM session JOIN heard USING (id) WHERE imei = ? ORDER BY heard_us DESC LIMIT 1"


class SessionFileError(Exception):
    """The file is not this node's or not readable; the text is one line for a person."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One row. ``secrets`` is what the protocol needs and nobody else may see; it is absent from ``repr``."""

    cid: bytes
    imei: int
    secrets: bytes
    reserved: int
    newest: int
    peer: str
    heard_us: int
    sent: int = 0
    run: int = 0
    registration: bytes | None = None
    address: str | None = None  # by which it is found, None: by its Connection ID

    def __repr__(self) -> str:
        return f"StoredSession(cid={self.cid.hex()}, imei={self.imei}, reserved={self.reserved}, newest={self.newest})"


class Heard(NamedTuple):
    """What changes with every message. ``run`` other than 0: the session left memory, ``sent`` is its last word."""

    newest: int
    peer: str
    heard_us: int
    sent: int = 0
    run: int = 0


@dataclass(slots=True)
class Changes:
    """One transaction. ``secrets`` of a new session are sealed when it is written."""

    established: list[StoredSession]
    reserved: list[tuple[int, bytes]]
    registered: dict[bytes, bytes | None]
    heard: dict[bytes, Heard]
    removed: list[bytes]


class SessionFile:
    """``key``: 32 bytes. ``random(n)``: n random bytes. Raises ``SessionFileError`` for another node's file."""

    def __init__(self, path: Path, node: int, key: bytes, random: Callable[[int], bytes]) -> None:
        self._path = path
        self._aead = AESGCM(key)
        self._random = random
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._writer = self._open()
        self._reader = self._open()
        self._check(node)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=64)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit is on disk: no nonce is used twice after a crash
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        return connection

    def _check(self, node: int) -> None:
        wanted = FORMAT << 8 | node
        (found,) = self._writer.execute("PRAGMA user_version").fetchone()
        if found & 255 == node and found >> 8 in UPGRADES:
            self._upgrade(found >> 8, wanted)
            found = wanted
        elif found == 0:
            self._writer.executescript(SCHEMA)
        if found in (0, wanted):
            # also where it says so already: the log beside the file is never empty while it is open (run/care/sqlite_files.py)
            self._writer.execute(f"PRAGMA user_version = {wanted}")
        else:
            raise SessionFileError(
                f"{self._path.name}: format {found >> 8}, node {found & 255}; expected {FORMAT}, {node}"
            )

    def _upgrade(self, found: int, wanted: int) -> None:
        """All of it or nothing: a start that is killed meanwhile begins again."""
        self._writer.execute("BEGIN IMMEDIATE")
        for statement in UPGRADES[found]:
            self._writer.execute(statement)
        self._writer.execute(f"PRAGMA user_version = {wanted}")
        self._writer.execute("COMMIT")

    def find(self, cid: bytes) -> StoredSession | None:
        """The session with this Connection ID, None when there is none (or the row was sealed with another key)."""
        row = self._reader.execute(FIND, (_number(cid),)).fetchone()
        if row is None:
            return None
        imei, sealed, reserved, newest, sent, run, peer, heard_us, registration = row
        try:
            secrets = self._aead.decrypt(sealed[:NONCE], sealed[NONCE:], cid)
        except InvalidTag:
            return None
        return StoredSession(cid, imei, secrets, reserved, newest, peer, heard_us, sent, run, registration)

    def cid_at(self, peer: str) -> bytes | None:
        """Connection ID of the session that is found by this address."""
        row = self._reader.execute(BY_ADDRESS, (peer,)).fetchone()
        return None if row is None else _cid(row[0])

    def cid_of(self, imei: int) -> bytes | None:
        """Connection ID of a meter's newest session."""
        row = self._reader.execute(BY_IMEI, (imei,)).fetchone()
        return None if row is None else _cid(row[0])

    def all_cids(self) -> Iterable[bytes]:
        """Every session, for maintenance."""
        for (number,) in self._reader.execute("SELECT id FROM session"):
            yield _cid(number)

    def write(self, changes: Changes) -> None:
        """All of it, durably, or nothing; called from the writer's thread. Raises ``sqlite3.Error`` (disk full, …)."""
        writer = self._writer
        writer.execute("BEGIN IMMEDIATE")
        try:
            if changes.established:
                self._establish(changes.established)
            if changes.heard:
                heard = sorted((_number(cid), item) for cid, item in changes.heard.items())
                writer.executemany(
                    HEARD,
                    [(item.newest, item.sent, item.run, item.peer, item.heard_us, number) for number, item in heard],
                )
            if changes.reserved:
                writer.executemany(RESERVED, [(reserved, _number(cid)) for reserved, cid in changes.reserved])
            if changes.registered:
                writer.executemany(REGISTERED, [(value, _number(cid)) for cid, value in changes.registered.items()])
            self._remove([_number(cid) for cid in changes.removed])
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise

    def _establish(self, sessions: list[StoredSession]) -> None:
        """In this transaction: new sessions, and of each meter's earlier ones only the newest stays, of each address the newest."""
        writer = self._writer
        at = {item.address: item for item in sessions if item.address is not None}
        sessions = [item for item in sessions if item.address is None or at[item.address] is item]
        for address in at:
            self._remove([row[0] for row in writer.execute(BY_ADDRESS, (address,))])
        writer.executemany(INSERT, [self._row(item) for item in sessions])
        writer.executemany(
            INSERT_HEARD,
            [(_number(item.cid), item.newest, item.sent, item.run, item.peer, item.heard_us) for item in sessions],
        )
        for item in sessions:
            self._remove([row[0] for row in writer.execute(OTHERS, (item.imei, _number(item.cid)))])

    def _remove(self, numbers: list[int]) -> None:
        for statement in REMOVE if numbers else ():
            self._writer.executemany(statement, [(number,) for number in numbers])

    def _row(self, item: StoredSession) -> tuple[object, ...]:
        nonce = self._random(NONCE)
        sealed = nonce + self._aead.encrypt(nonce, item.secrets, item.cid)
        return _number(item.cid), item.imei, sealed, item.reserved, item.registration, item.address

    def lift(self, by: int) -> None:
        """Raise every session's reserved sequence numbers: what was reserved last is not known any more, and none may be used twice."""
        self._writer.execute(LIFT, (by, LAST_NUMBER))

    def opens(self) -> bool:
        """Whether sessions were sealed with this node's key: one of a few opens, or there is none."""
        rows = self._reader.execute("SELECT id, sealed FROM session LIMIT 5").fetchall()
        for number, sealed in rows:
            try:
                self._aead.decrypt(sealed[:NONCE], sealed[NONCE:], _cid(number))
            except InvalidTag:
                continue
            return True
        return not rows

    def copy_to(self, path: Path) -> None:
        """All of it into another file, while it is in use."""
        with closing(sqlite3.connect(path)) as other:
            self._reader.backup(other)

    def impatient(self) -> None:
        """Fail at once where another process holds the file, instead of waiting 5 s."""
        self._writer.execute("PRAGMA busy_timeout = 0")

    def close(self) -> None:
        """Close both connections."""
        self._reader.close()
        self._writer.close()


def _number(cid: bytes) -> int:
    """A Connection ID as SQLite's key."""
    return int.from_bytes(cid, "big", signed=True)


def _cid(number: int) -> bytes:
    """The inverse."""
    return number.to_bytes(8, "big", signed=True)


def raise_reserved(path: Path, by: int) -> int:
    """Of a restored file: sequence numbers that can have been used since are passed over, and no run's last word counts; sessions."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        raised = connection.execute("UPDATE session SET reserved = min(reserved + ?, ?)", (by, MOST_RESERVED)).rowcount
        connection.execute("UPDATE heard SET run = 0")
        connection.execute("COMMIT")
        return raised
    finally:
        connection.close()

# SPDX-License-Identifier: Apache-2.0
"""``GatewayStore``: one file of a gateway (R5.2 store and forward, R5.8), in WAL with ``synchronous=FULL``: what is committed outlives a
power cut.

Synchronous, in the caller's thread: a commit costs the medium's one flush, and a gateway makes few a second.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from openmains.gateway.clock import KeptClock
from openmains.gateway.store import KeptCommand, KeptMeter, LogicalIdsFullError
from openmains.wire.gateway.messages import CommandWord, GatewayEvent, Item, MeterMessage, ParametersWord, UpWord
from openmains.wire.gateway.parameters import Value

FORMAT: Final = 1
MOST_LOGICAL: Final = 0xFFFF
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item (     -- what goes up, until the platform has it; a number never comes again
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms  INTEGER NOT NULL,            -- 0: the time was not known
  what   TEXT NOT NULL,               -- message, command, event, parameters
  meter  TEXT NOT NULL,
  word   TEXT NOT NULL,               -- id of a command, name of an event
  detail TEXT NOT NULL,               -- state of a command
  kind   INTEGER NOT NULL,            -- type of a message
  via    INTEGER NOT NULL,
  data   BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS heard (    -- each meter's newest message, so that it is known again
  meter    TEXT PRIMARY KEY,
  sequence INTEGER NOT NULL,
  digest   BLOB NOT NULL,
  at_ms    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part (     -- segments of contents that are not whole yet
  meter TEXT NOT NULL,
  name  BLOB NOT NULL,
  place INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  data  BLOB NOT NULL,
  PRIMARY KEY (meter, name, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member (   -- meters that have joined; a logical id is one meter's for ever
  meter       TEXT PRIMARY KEY,
  logical     INTEGER NOT NULL UNIQUE,
  application INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  is_active   INTEGER NOT NULL,
  slice_index INTEGER NOT NULL,
  channel     INTEGER NOT NULL,
  via         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command (
  command TEXT PRIMARY KEY,
  meter   TEXT NOT NULL,
  kind    INTEGER NOT NULL,
  data    BLOB NOT NULL,
  not_after_s INTEGER NOT NULL,
  tried   INTEGER NOT NULL,
  at_ms   INTEGER NOT NULL,           -- when it came; when it ended
  state   TEXT NOT NULL               -- '': it waits
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (  -- commands to the gateway itself, with the newest word on each
  command INTEGER PRIMARY KEY,
  state   TEXT NOT NULL,
  answer  BLOB NOT NULL,
  at_ms   INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS misplaced (meter TEXT PRIMARY KEY) WITHOUT ROWID; -- meters whose slice is of a plan that is over
CREATE INDEX IF NOT EXISTS command_waiting ON command (at_ms) WHERE state = '';
"""


class GatewayFileError(Exception):
    """The file is damaged, another gateway's, or of a newer program; the text says which."""


class SqliteGatewayStore:
    """``gateway``: whose it is to be. Raises ``GatewayFileError``."""

    def __init__(self, path: Path | str, gateway: str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._is_open = False
        try:
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version > FORMAT:
                raise GatewayFileError(f"{path} is of a newer program (format {version})")
            self._database.executescript(_SCHEMA)
            self._database.execute(f"PRAGMA user_version={FORMAT}")
            owner = self._fact("gateway")
            if owner and owner != gateway:
                raise GatewayFileError(f"{path} is of gateway {owner}, not of {gateway}")
            self._begin()
            self._put("gateway", gateway)
            self._name = self._fact("store")
            if not self._name:
                self._name = secrets.token_hex(8)
                self._put("store", self._name)
            self.commit()
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise GatewayFileError(f"{path}: {error}") from error
        except GatewayFileError:
            self._database.close()
            raise

    @property
    def name(self) -> str:
        return self._name

    def commit(self) -> None:
        if self._is_open:
            self._database.execute("COMMIT")
            self._is_open = False

    def close(self) -> None:
        """What was not committed is not kept."""
        self.roll_back()
        self._database.close()

    def roll_back(self) -> None:
        """As an end between two commits leaves it."""
        if self._is_open:
            self._database.execute("ROLLBACK")
            self._is_open = False

    # -- what goes up

    def add(self, at_ms: int, word: UpWord) -> int:
        self._begin()
        if isinstance(word, MeterMessage):
            row: tuple[object, ...] = ("message", word.meter, "", "", word.message_type, word.via, word.data)
        elif isinstance(word, CommandWord):
            row = ("command", word.meter, word.command, word.state, 0, 0, word.data)
        elif isinstance(word, ParametersWord):
            row = ("parameters", "", str(word.command), word.state, 0, 0, _answer(word))
        else:
            row = ("event", word.meter, word.event, word.detail, 0, 0, b"")
        done = self._database.execute(
            "INSERT INTO item (at_ms, what, meter, word, detail, kind, via, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (at_ms, *row),
        )
        return int(done.lastrowid or 0)

    def is_repeat(self, meter: str, sequence: int, digest: bytes, at_ms: int, within_ms: int) -> bool:
        row = self._database.execute("SELECT sequence, digest, at_ms FROM heard WHERE meter = ?", (meter,)).fetchone()
        if row is not None and row[0] == sequence and row[1] == digest and abs(at_ms - row[2]) <= within_ms:
            return True
        self._begin()
        self._database.execute("INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?)", (meter, sequence, digest, at_ms))
        return False

    def add_part(self, meter: str, key: bytes, index: int, count: int, part: bytes, at_ms: int) -> bytes | None:
        self._begin()
        self._database.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?)", (meter, key, index, at_ms, part))
        rows = self._database.execute("SELECT data FROM part WHERE meter = ? AND name = ? ORDER BY place", (meter, key))
        parts = [row[0] for row in rows]
        if len(parts) < count:
            return None
        self._database.execute("DELETE FROM part WHERE meter = ? AND name = ?", (meter, key))
        return b"".join(parts)

    def items(self, after: int, most: int) -> Sequence[Item]:
        rows = self._database.execute(
            "SELECT number, at_ms, what, meter, word, detail, kind, via, data FROM item WHERE number > ? ORDER BY number LIMIT ?",
            (after, most),
        )
        return [_item(row) for row in rows]

    def forget(self, numbers: Sequence[int]) -> None:
        self._begin()
        self._database.executemany("DELETE FROM item WHERE number = ?", [(number,) for number in numbers])

    def waiting(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM item").fetchone()[0])

    def shorten(self, before_ms: int, most: int) -> int:
        self._begin()
        execute = self._database.execute
        gone = execute("DELETE FROM item WHERE at_ms > 0 AND at_ms < ?", (before_ms,)).rowcount
        gone += execute(
            "DELETE FROM item WHERE number <= (SELECT number FROM item ORDER BY number DESC LIMIT 1 OFFSET ?)", (most,)
        ).rowcount
        execute("DELETE FROM part WHERE at_ms < ?", (before_ms,))
        execute("DELETE FROM command WHERE state <> '' AND at_ms < ?", (before_ms,))
        execute("DELETE FROM setting WHERE state <> 'taken' AND at_ms < ?", (before_ms,))
        if gone:
            self._put("dropped", str(self.dropped() + gone))
        return gone

    def dropped(self) -> int:
        return int(self._fact("dropped") or 0)

    # -- meters

    def meters(self) -> Sequence[KeptMeter]:
        rows = self._database.execute(
            "SELECT meter, logical, application, version, is_active, slice_index, channel, via FROM member ORDER BY logical"
        )
        return [KeptMeter(*row)._replace(is_active=bool(row[4])) for row in rows]

    def put_meter(self, meter: KeptMeter) -> None:
        self._begin()
        self._database.execute(
            "INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (meter) DO UPDATE SET (logical, application, version,"
            " is_active, slice_index, channel, via) = (excluded.logical, excluded.application, excluded.version, excluded.is_active,"
            " excluded.slice_index, excluded.channel, excluded.via)",
            tuple(meter),
        )

    def next_logical(self) -> int:
        found = int(self._database.execute("SELECT coalesce(max(logical), 0) + 1 FROM member").fetchone()[0])
        if found > MOST_LOGICAL:
            raise LogicalIdsFullError
        return found

    # -- commands

    def commands(self) -> Sequence[KeptCommand]:
        rows = self._database.execute(
            "SELECT command, meter, kind, data, not_after_s, tried, at_ms FROM command WHERE state = '' ORDER BY at_ms, command"
        )
        return [KeptCommand(*row) for row in rows]

    def add_command(self, command: KeptCommand) -> str:
        row = self._database.execute("SELECT state FROM command WHERE command = ?", (command.command,)).fetchone()
        if row is not None and row[0] != "lost":
            return row[0] or "waiting"
        self._begin()
        self._database.execute("INSERT OR REPLACE INTO command VALUES (?, ?, ?, ?, ?, ?, ?, '')", tuple(command))
        return ""

    def tried(self, command: str) -> None:
        self._begin()
        self._database.execute("UPDATE command SET tried = tried + 1 WHERE command = ?", (command,))

    def end_command(self, command: str, state: str, at_ms: int) -> None:
        self._begin()
        self._database.execute("UPDATE command SET state = ?, at_ms = ? WHERE command = ?", (state, at_ms, command))

    # -- what was set from afar

    def parameters(self) -> Mapping[str, Value]:
        found: dict[str, Value] = json.loads(self._fact("parameters") or "{}")
        return found

    def put_parameters(self, values: Mapping[str, Value]) -> None:
        self._begin()
        self._put("parameters", json.dumps(dict(values)))

    def told_parameters(self, command: int) -> ParametersWord | None:
        row = self._database.execute("SELECT state, answer FROM setting WHERE command = ?", (command,)).fetchone()
        return None if row is None else _word(command, row[0], row[1])

    def newest_set(self) -> int:
        return int(self._fact("newest_set") or 0)

    def tell_parameters(self, word: ParametersWord, at_ms: int) -> None:
        self._begin()
        self._database.execute(
            "INSERT OR REPLACE INTO setting VALUES (?, ?, ?, ?)", (word.command, word.state, _answer(word), at_ms)
        )
        if word.state == "taken":
            self._put("newest_set", str(max(self.newest_set(), word.command)))
        self.add(at_ms, word)

    def taken_parameters(self) -> Sequence[int]:
        rows = self._database.execute("SELECT command FROM setting WHERE state = 'taken' ORDER BY command")
        return [row[0] for row in rows]

    def plan(self) -> str:
        return self._fact("plan")

    def put_plan(self, plan: str, misplaced: Iterable[str]) -> None:
        self._begin()
        self._database.executemany("INSERT OR IGNORE INTO misplaced VALUES (?)", [(meter,) for meter in misplaced])
        self._put("plan", plan)

    def misplaced(self) -> set[str]:
        return {row[0] for row in self._database.execute("SELECT meter FROM misplaced")}

    def placed(self, meter: str) -> None:
        self._begin()
        self._database.execute("DELETE FROM misplaced WHERE meter = ?", (meter,))

    # -- time

    def clock(self) -> KeptClock | None:
        boot, numbers = self._fact("boot"), self._fact("clock").split()
        return KeptClock(boot, int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else None

    def put_clock(self, kept: KeptClock) -> None:
        self._begin()
        self._put("boot", kept.boot)
        self._put("clock", f"{kept.offset_ms} {kept.latest_ms}")

    def _begin(self) -> None:
        if not self._is_open:
            self._database.execute("BEGIN IMMEDIATE")
            self._is_open = True

    def _fact(self, name: str) -> str:
        row = self._database.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])

    def _put(self, name: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))


def _item(row: tuple[int, int, str, str, str, str, int, int, bytes]) -> Item:
    number, at_ms, what, meter, name, detail, kind, via, data = row
    if what == "message":
        return Item(number, at_ms, MeterMessage(meter, kind, data, via))
    if what == "command":
        return Item(number, at_ms, CommandWord(name, meter, detail, data))
    if what == "parameters":
        return Item(number, at_ms, _word(int(name), detail, data))
    return Item(number, at_ms, GatewayEvent(name, meter, detail))


def _answer(word: ParametersWord) -> bytes:
    return json.dumps({"values": dict(word.values), "reason": word.reason, "name": word.name}).encode()


def _word(command: int, state: str, answer: bytes) -> ParametersWord:
    told = json.loads(answer)
    return ParametersWord(command, state, told["values"], told["reason"], told["name"])

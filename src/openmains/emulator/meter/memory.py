# SPDX-License-Identifier: Apache-2.0
"""What emulated meters keep when the emulator itself is ended: one SQLite file for a fleet.

A meter's record (``store.Held``) is committed before anything follows from it, as in ``store.py``: ended in the midst of a
top-up, a meter has its credit once. The valve's position and what it kept back are written when the motor has arrived;
ended before that, the valve stands where it was. What a fault adds to the register is written when it begins and ends.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from openmains.emulator.meter.piping import Cut, Flow
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Position

_TABLE = """
CREATE TABLE IF NOT EXISTS meter (
    number INTEGER PRIMARY KEY, held BLOB NOT NULL, valve INTEGER NOT NULL DEFAULT 0, cuts BLOB NOT NULL DEFAULT x'5b5d'
) STRICT
"""  # x'5b5d' is an empty list
_FLOWS = "ALTER TABLE meter ADD COLUMN flows BLOB NOT NULL DEFAULT x'5b5d'"  # files of before have no such column
_HELD = msgspec.json.Decoder(Held)
_CUTS = msgspec.json.Decoder(list[Cut])
_LIST_OF_FLOWS = msgspec.json.Decoder(list[Flow])
_MOST_CUTS = 1000


@dataclass(frozen=True, slots=True)
class Remembered:
    """Of one meter."""

    held: Held
    valve: Position
    cuts: Sequence[Cut]
    flows: Sequence[Flow] = ()


class Memory:
    """Belongs to one process; raises ``sqlite3.Error`` for a file that is none."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing
        self._file.execute(_TABLE)
        if not any(row[1] == "flows" for row in self._file.execute("PRAGMA table_info(meter)")):
            self._file.execute(_FLOWS)

    def recall(self, number: int) -> Remembered | None:
        """None: never met."""
        row = self._file.execute("SELECT held, valve, cuts, flows FROM meter WHERE number = ?", (number,)).fetchone()
        if row is None:
            return None
        held, valve, cuts, flows = row
        return Remembered(_HELD.decode(held), Position(valve), _CUTS.decode(cuts), _LIST_OF_FLOWS.decode(flows))

    def changed(self) -> dict[int, tuple[Sequence[Cut], Sequence[Flow]]]:
        """Number → cuts and flows, of the meters whose register is not just the town's."""
        rows = self._file.execute("SELECT number, cuts, flows FROM meter WHERE cuts <> x'5b5d' OR flows <> x'5b5d'")
        return {number: (_CUTS.decode(cuts), _LIST_OF_FLOWS.decode(flows)) for number, cuts, flows in rows}

    def keep(self, number: int, held: Held) -> None:
        """One commit."""
        self._file.execute(
            "INSERT INTO meter (number, held) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET held = excluded.held",
            (number, msgspec.json.encode(held)),
        )

    def keep_valve(self, number: int, position: Position, cuts: Sequence[Cut], flows: Sequence[Flow] = ()) -> None:
        """Where the motor stopped, and what flowed. Of a meter that ``keep`` has met."""
        self._file.execute(
            "UPDATE meter SET valve = ?, cuts = ?, flows = ? WHERE number = ?",
            (int(position), msgspec.json.encode(cuts[-_MOST_CUTS:]), msgspec.json.encode(flows), number),
        )

    def close(self) -> None:
        """The file."""
        self._file.close()


class KeptStore(Store):
    """A ``Store`` whose writes are in the file when they return."""

    def __init__(self, memory: Memory, number: int, held: Held) -> None:
        super().__init__(held)
        self._memory, self._number = memory, number
        memory.keep(number, held)

    def write(self, held: Held) -> None:
        self._memory.keep(self._number, held)
        super().write(held)

# SPDX-License-Identifier: Apache-2.0
"""Whether an SQLite file of ours is whole, looked at before it is opened for work.

Three things are asked. Is it such a file at all: one that is missing or empty would be begun anew without a word. Is the log
beside it (write-ahead log) there and whole: without it SQLite goes on from the last checkpoint, silently, with what was committed
since forgotten. Is its structure sound (``PRAGMA quick_check``). What the rows say is not seen here; who needs that sums them
(``edges/signer/ledger.py``).

Of the log (sqlite.org/fileformat2.html, 4.1): a header of 32 bytes with magic number and two salts, then frames of 24 bytes and a page,
each with the salts of the header it was written under. Frames up to the last that ends a transaction (its header tells the size of the
database after it) must all be accepted by SQLite, else they are damaged now. What follows is a transaction that a kill cut short: nobody
was answered on it. That a log must be there at all is told by a mark that stands while the file is open: ``<file>.open``.
"""

import contextlib
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

MAGIC = b"SQLite format 3\0"
LOG_MAGIC = (0x377F0682, 0x377F0683)
LOG_HEADER, FRAME_HEADER = 32, 24
NO_END = bytes(4)  # of a frame that does not end its transaction


class Damage(NamedTuple):
    """What is wrong, in a few words. ``log``: only the newest changes are gone, the file itself is sound."""

    zh: str
    en: str
    log: bool = False


def mark_of(path: Path) -> Path:
    """The mark that stands while the file is open; left over by a process that was killed."""
    return path.with_name(path.name + ".open")


def note_open(path: Path) -> None:
    """It was opened and has been written to: from now on its log must be there. A full disk leaves the mark out, no more."""
    with contextlib.suppress(OSError):
        mark_of(path).touch(mode=0o600)


def note_closed(path: Path) -> None:
    """It was closed; where nobody else has it open its log went into it."""
    if not path.with_name(path.name + "-wal").exists():
        mark_of(path).unlink(missing_ok=True)


def damage_of(path: Path, *, thorough: bool = True) -> Damage | None:
    """None: it is whole. For a file that is there and that nobody has open; what its log holds is taken into it.

    ``thorough``: read all of it, which takes a second for some 200 MB.
    """
    if path.stat().st_size == 0:
        return Damage("为空", "it is empty")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return Damage("不是数据库文件", "it is no database file")
    expected = _frames(path)
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            keeper = db.execute("BEGIN IMMEDIATE")  # takes the log in
            keeper.execute("ROLLBACK")
            accepted = int(db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
            said = structure_of(db) if thorough else "ok"
    except sqlite3.DatabaseError as error:
        return Damage(f"结构损坏({error})", f"its structure is damaged ({error})")
    if said != "ok":
        return Damage(f"结构损坏({said})", f"its structure is damaged ({' '.join(said.split())})")
    if expected is None or accepted >= expected >= 0:
        mark_of(path).unlink(missing_ok=True)  # its log is in it now
        return None
    if expected < 0:
        return Damage("旁的 -wal 日志丢失或损坏", "the log -wal beside it is missing or damaged", log=True)
    return Damage(
        f"旁的 -wal 日志有 {expected - accepted} 页损坏",
        f"{expected - accepted} pages of the log -wal beside it are damaged",
        log=True,
    )


def structure_of(db: sqlite3.Connection) -> str:
    """``ok`` or the first fault."""
    return " ".join(str(db.execute("PRAGMA quick_check(1)").fetchone()[0]).split())


def set_aside(path: Path, folder: Path) -> str:
    """Move the file and what lies beside it into ``folder``; its new place, empty where nothing was there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp, moved = time.strftime("%Y%m%dT%H%M%S", time.gmtime()), ""
    for suffix in ("", "-wal", "-shm", ".open"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            target = folder / f"{path.name}.{stamp}{suffix}"
            part.replace(target)
            moved = moved or str(target)
    return moved


def _frames(path: Path) -> int | None:
    """Frames that its log should hold; -1: it should hold some and does not; None: nothing is expected of it."""
    log = path.with_name(path.name + "-wal")
    if not mark_of(path).exists():
        return None  # it was closed in order: everything is in the file
    try:
        data = log.open("rb")
    except FileNotFoundError:
        return -1
    with data:
        length = os.fstat(data.fileno()).st_size
        header = data.read(LOG_HEADER)
        if len(header) < LOG_HEADER or int.from_bytes(header[:4], "big") not in LOG_MAGIC:
            return -1
        page, salts = int.from_bytes(header[8:12], "big"), header[16:24]
        if page not in (1 << bits for bits in range(9, 17)):
            return -1
        committed = found = 0
        begun_anew = False
        while len(frame := data.read(FRAME_HEADER)) == FRAME_HEADER:
            found += frame[8:16] == salts
            # All of it is in the file: the log was begun anew and its first frame is not written yet (4.1: salt-1 counts up).
            begun_anew |= (int.from_bytes(frame[8:12], "big") + 1) % (1 << 32) == int.from_bytes(salts[:4], "big")
            ends_here = data.tell() == length
            # SQLite writes a frame's header, then its page: a kill between the two leaves the header last. A page that was cut off
            # anywhere else was written whole.
            if frame[8:16] == salts and frame[4:8] != NO_END and not ends_here:
                committed = found
            data.seek(page, 1)
    return committed if found or begun_anew else -1

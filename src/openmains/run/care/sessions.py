# SPDX-License-Identifier: Apache-2.0
"""The edge's session file, taken up at a start and watched: whatever is wrong with it, it is begun anew and meters handshake again.

Nothing in it is the only copy of anything: a session is made anew by a handshake at the price of a little battery. What may not
happen is that it looks healthy and no meter gets in, that the edge ends for ever, or that sequence numbers are used twice because
the newest changes were lost.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from openmains.edges.sqlite.sessions import SessionFile
from openmains.edges.sqlite.writer import SessionWriter
from openmains.run.care.faults import FaultFolder
from openmains.run.care.sqlite_files import damage_of, note_closed, note_open, set_aside, structure_of
from openmains.run.care.texts import sessions_begun_anew, sessions_lifted, sessions_not_stored, sessions_written_out

log = logging.getLogger("openmains.edge")
READ_AT_START_BYTES = 256 << 20  # more is read beside the work: a start must not wait for it
CHECK_EVERY_S = 5.0
READ_ALL_EVERY_S = 3600.0
LIFT = 1 << 24  # sequence numbers; no session reserves so many between two checkpoints of the file


class SessionsLostError(Exception):
    """The edge must start again on another session file. ``moved``: the open one is whole and only not at its place any more."""

    def __init__(self, words: str, *, moved: bool = False) -> None:
        super().__init__(words)
        self.moved = moved


def open_sessions(
    path: Path, node: int, key: bytes, random: Callable[[int], bytes], book: FaultFolder, *, known: bool
) -> SessionFile:
    """Open it, begun anew where it is damaged, another's, or gone though ``known``; raises ``SessionFileError`` for another version's.

    ``known``: this node has had one before.
    """
    aside = path.parent.parent / "damaged"
    why: tuple[str, str] | None = None
    lifted: tuple[str, str] | None = None
    doomed = path.with_name(path.name + ".damaged")
    if doomed.exists() and path.exists():
        why = ("已损坏(运行中发现)", f"it is damaged ({doomed.read_bytes().decode('utf-8', 'replace').strip()})")
    elif not path.exists():
        why = ("丢失", "it is missing") if known else None
    else:
        damage = damage_of(path, thorough=path.stat().st_size < READ_AT_START_BYTES)
        if damage is not None:
            if damage.log:
                lifted = (damage.zh, damage.en)
            else:
                why = (damage.zh, damage.en)
    if why is not None:
        _begin_anew(path, why, aside, book)
    doomed.unlink(missing_ok=True)
    file = SessionFile(path, node, key, random)
    if not file.opens():
        file.close()
        _begin_anew(path, ("由另一把密钥封装", "its sessions are sealed under another key"), aside, book)
        file = SessionFile(path, node, key, random)
    elif lifted is not None:
        file.lift(LIFT)
        book.tell(_name(path), f"edge/{path.name}", sessions_lifted(path, lifted[1]), state="mended")
    note_open(path)
    return file


def write_out(path: Path, file: SessionFile, book: FaultFolder) -> None:
    """Put the open file back to its place, when nothing is sent any more; what stands there is put aside."""
    moved = set_aside(path, path.parent.parent / "damaged")
    file.copy_to(path)
    file.close()
    book.tell(_name(path), f"edge/{path.name}", sessions_written_out(path, moved), state="mended")


def close_sessions(path: Path, file: SessionFile) -> None:
    """In order: what is in the log goes into the file."""
    file.close()
    note_closed(path)


def _begin_anew(path: Path, why: tuple[str, str], aside: Path, book: FaultFolder) -> None:
    moved = set_aside(path, aside)
    words_zh, words_en = why
    words = sessions_begun_anew(path, words_en, moved)
    zh = sessions_begun_anew(path, words_zh, moved).zh
    book.tell(_name(path), f"edge/{path.name}", type(words)(zh, words.en), state="lost")


def _name(path: Path) -> str:
    return f"edge.sessions.{path.stem}"


async def watch_sessions(path: Path, writer: SessionWriter, book: FaultFolder, stop: asyncio.Event) -> None:
    """Until ``stop``; raises ``SessionsLostError`` when the edge must start again on another file."""
    inode, failed, looked_at = inode_of(path), writer.failed, asyncio.get_running_loop().time()
    name = f"{_name(path)}.writing"
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), CHECK_EVERY_S)
        if inode_of(path) != inode:
            raise SessionsLostError(f"{path} was removed or replaced while it was in use", moved=True)
        now = asyncio.get_running_loop().time()
        if now - looked_at > READ_ALL_EVERY_S and not writer.damaged:
            looked_at = now
            said = await asyncio.to_thread(_structure, path)
            writer.damaged = "" if said == "ok" else said
        if writer.damaged:
            path.with_name(path.name + ".damaged").write_text(writer.damaged, "utf-8")
            raise SessionsLostError(f"{path} is damaged: {writer.damaged}")
        if writer.failed > failed:
            book.tell(name, f"edge/{path.name}", sessions_not_stored(path, writer.last_fault), blocks=True)
        else:
            book.clear(name)
        failed = writer.failed


def inode_of(path: Path) -> int:
    """0: there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _structure(path: Path) -> str:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            return structure_of(db)
    except sqlite3.OperationalError:
        return "ok"  # busy: another time
    except sqlite3.DatabaseError as error:
        return str(error)

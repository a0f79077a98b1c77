# SPDX-License-Identifier: Apache-2.0
"""The signer's key and ledger, taken up at a start: both there, whole, and of each other – or nothing is signed.

Neither can be made anew: every meter holds a key derived from the command key, and the ledger holds people, quotas and counters. So
both are made together at the first start and refused afterwards when one of them is gone, damaged or another's. The ledger keeps the
name of its key (``about``); the database keeps it too (``platform_choice``), so that an empty folder is not taken for a first start.
"""

import hashlib
import hmac
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from openmains.app.command.signer.keys import MASTER_BYTES
from openmains.edges.signer.ledger import LedgerDamagedError, SqliteLedger
from openmains.run.care.faults import FaultFolder
from openmains.run.care.sqlite_files import damage_of, note_closed, note_open, set_aside
from openmains.run.care.texts import (
    command_key_missing,
    command_key_other,
    command_key_unusable,
    ledger_damaged,
    ledger_missing,
    ledger_written_out,
    refusal,
)
from openmains.run.engines.child import StartError
from openmains.run.secret_files import write_private

KEY_VARIABLE = "OPENMAINS_COMMAND_KEY"
LEDGER = "ledger.sqlite"
KEY_FILE = "command-key"
FIRST = "ledger.first"  # a ledger that is made before its key is there, so that a first start cut short is not taken for a loss
KEY_NAME = "command_key"


def master_key(home: Path, environment: Mapping[str, str] | None = None) -> bytes:
    """The command master key: from the environment, else from ``home/command-key``. Raises StartError where there is none."""
    text = (os.environ if environment is None else environment).get(KEY_VARIABLE, "")
    path = home / KEY_FILE
    if not text:
        try:
            text = path.read_bytes().decode("ascii", "replace").strip()
        except FileNotFoundError:
            raise refusal(command_key_missing(path)) from None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != MASTER_BYTES:
        raise refusal(command_key_unusable(path))
    return key


def name_of(key: bytes) -> str:
    """What a command key is called where it must not be: 16 hexadecimal digits that tell nothing of it."""
    return hmac.new(key, b"openmains command key name", hashlib.sha256).hexdigest()[:16]


def is_first(home: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Neither key nor ledger was ever made here, as far as this folder tells."""
    given = (os.environ if environment is None else environment).get(KEY_VARIABLE, "")
    return not (home / LEDGER).exists() and (bool(given) or not (home / KEY_FILE).exists())


def make_first(home: Path, environment: Mapping[str, str] | None = None) -> None:
    """An empty ledger and, unless one is given, a key; all or nothing, whenever it is cut short. Only where ``is_first``."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = home / FIRST
    if not (home / KEY_FILE).exists():
        for path in home.glob(f"{FIRST}*"):
            path.unlink()
        SqliteLedger(draft).close()
        if not (os.environ if environment is None else environment).get(KEY_VARIABLE, ""):
            write_private(home / KEY_FILE, os.urandom(MASTER_BYTES).hex() + "\n")
    draft.replace(home / LEDGER)


def open_ledger(home: Path, key: bytes) -> SqliteLedger:
    """The ledger of this key, whole. Close it by ``close_ledger``. Raises StartError with what to do."""
    path = home / LEDGER
    if not path.exists():
        if not (home / FIRST).exists():
            raise refusal(ledger_missing(path))
        (home / FIRST).replace(path)  # the first start was cut short between key and ledger
    if (damage := damage_of(path)) is not None:
        raise StartError(ledger_damaged(path, damage.zh).zh, ledger_damaged(path, damage.en).en)
    try:
        ledger = SqliteLedger(path)
    except (LedgerDamagedError, sqlite3.DatabaseError) as error:
        words = ledger_damaged(path, str(error))
        raise refusal(words) from error
    if (said := ledger.structure()) != "ok":
        ledger.close()
        raise refusal(ledger_damaged(path, said))
    known = ledger.about(KEY_NAME)
    if known and known != name_of(key):
        ledger.close()
        raise refusal(command_key_other(home / KEY_FILE))
    if not known:
        ledger.note_about(KEY_NAME, name_of(key))
    note_open(path)
    return ledger


class LedgerMovedError(Exception):
    """The ledger that is open is not the file at its place any more."""


def unchanged(home: Path) -> Callable[[], None]:
    """Asks whether key and ledger are still the files that were taken up; raises StartError or ``LedgerMovedError`` if not."""
    path, key_file = home / LEDGER, home / KEY_FILE
    inode, key_text = path.stat().st_ino, key_file.read_bytes() if key_file.exists() else None

    def ask() -> None:
        if not path.exists() or path.stat().st_ino != inode:
            raise LedgerMovedError(f"{path} was removed or replaced while it was in use")
        if key_text is None:
            return
        if not key_file.exists():
            raise refusal(command_key_missing(key_file))
        if key_file.read_bytes() != key_text:
            raise refusal(command_key_other(key_file))

    return ask


def write_out(home: Path, ledger: SqliteLedger, book: FaultFolder, aside: Path) -> None:
    """Put the open ledger back to its place; what stands there is put aside. The signer starts again on it."""
    path = home / LEDGER
    draft = home / f".{LEDGER}.rescued"
    draft.unlink(missing_ok=True)
    ledger.copy_to(draft)
    moved = set_aside(path, aside)
    draft.replace(path)
    book.tell("signer.ledger", f"signer/{LEDGER}", ledger_written_out(path, moved), state="mended")


def fault_of_open(path: Path) -> str:
    """All of it read while it is in use, by a connection of its own that keeps nobody from writing; empty: it is whole."""
    try:
        ledger = SqliteLedger.reading(path)
    except sqlite3.DatabaseError as error:
        return str(error)
    try:
        said = ledger.structure()
        ledger.check()
    except (LedgerDamagedError, sqlite3.DatabaseError) as error:
        return str(error)
    finally:
        ledger.close()
    return "" if said == "ok" else said


def close_ledger(home: Path, ledger: SqliteLedger) -> None:
    """In order: what is in the log goes into the file."""
    ledger.close()
    note_closed(home / LEDGER)


def begin_anew(home: Path, aside: Path) -> str:
    """An empty ledger for the key that is here, because there is no backup; where the former one was put, if it was there.

    Raises StartError without the key: its meters would refuse whatever a new one signs.
    """
    key = master_key(home)
    moved = set_aside(home / LEDGER, aside)
    SqliteLedger(home / FIRST).close()
    (home / FIRST).replace(home / LEDGER)
    close_ledger(home, open_ledger(home, key))
    return moved

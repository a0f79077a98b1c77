# SPDX-License-Identifier: Apache-2.0
"""The files of ``var`` beside the three engines: secrets, the signer's ledger, sessions, uploads, stop switches, and whatever comes later.

All of ``var`` goes in but what is named here, so that a new store is not forgotten. A file of SQLite is copied by SQLite's own
backup, which sees one moment while its owner writes on.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"SQLite format 3\0"
# engines have ways of their own; what is in run and log belongs to the running processes; lock and port are made anew;
# copies of definitions belong to the engines' files, which a restore makes anew; what was damaged is no data any more
ENGINES = ("postgres", "clickhouse", "nats")
OUT = {*ENGINES, "run", "log", "lock", "definitions", "damaged"}
STOPS = Path("run") / "stop-commands"
SIDE_FILES = ("-wal", "-shm", "-journal", ".open", ".damaged")  # the last two: marks of run/care


def files_of(folder: Path) -> Iterator[Path]:
    """Regular files below it, in order; links are not followed."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def var_files(var: Path) -> Iterator[tuple[str, Path]]:
    """(path within ``var``, path) of what a backup holds; SQLite's side files are part of their database."""
    tops = sorted(path for path in var.iterdir() if path.name not in OUT and not path.name.startswith("postgres."))
    for top in [*tops, var / STOPS]:
        for path in files_of(top) if top.is_dir() else [top]:
            name = path.relative_to(var).as_posix()
            if path.is_symlink() or not path.is_file() or name.endswith((".log", *SIDE_FILES)):
                continue
            if path.name.startswith("."):  # half written by somebody
                continue
            yield name, path


def is_sqlite(path: Path) -> bool:
    """Whether it is a database of SQLite."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def copy_sqlite(path: Path, to: Path) -> None:
    """The database at one moment; raises ``sqlite3.Error``."""
    with (
        contextlib.closing(sqlite3.connect(path, timeout=30)) as source,
        contextlib.closing(sqlite3.connect(to)) as target,
    ):
        source.backup(target)
        (found,) = target.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"damaged: {found}")
        target.execute("PRAGMA journal_mode = DELETE")

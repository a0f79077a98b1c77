# SPDX-License-Identifier: Apache-2.0
"""Backups as a person takes them: by the command, beside a running system; and what ClickHouse holds, read by a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmains.edges.clickhouse.client import ClickHouse
from tests.support.child import found_by_child
from tests.support.patience import PATIENCE_S

TABLES = ("register", "frame", "signal", "day_cause")  # whose rows no later message takes the place of
MEANT = {"frame": " AND direction = 'up'"}  # what goes down counts no version
PASSPHRASE = "a passphrase of many words"
Hashes = dict[str, NDArray[np.uint64]]


def command(
    var: Path, *words: str | Path, stdin: str = PASSPHRASE + "\n", **settings: object
) -> "subprocess.CompletedProcess[str]":
    """``openmains WORDS`` with that ``var``."""
    env = os.environ | {"OPENMAINS_VAR": str(var), "LANG": "C.UTF-8"}
    env |= {f"OPENMAINS_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "openmains.run.cli", *map(str, words)],
        env=env, input=stdin, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def take(var: Path, target: Path) -> str:
    """A backup with PASSPHRASE; what was said."""
    done = command(var, "backup", target, "--passphrase-file", "-")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def restore(var: Path, source: Path) -> str:
    """Into an empty ``var``; what was said."""
    done = command(var, "restore", source, "--passphrase-file", "-")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _rows(connection: Any, dsn: str, below: int) -> None:
    clickhouse = ClickHouse(dsn)
    found: Hashes = {}
    for table in TABLES:
        rows = clickhouse.query_now(
            f"SELECT cityHash64(tuple(*)) FROM {table} FINAL WHERE version < {below}{MEANT.get(table, '')}"  # noqa: S608 - names above
        )
        found[table] = np.sort(np.array([row[0] for row in rows], dtype=np.uint64))
    clickhouse.close()
    connection.send(found)
    connection.close()


def hashes(urls: Mapping[str, str], below: int) -> Hashes:
    """A hash of each row with a version below that one, by table, sorted; the system must have ended."""
    found: Hashes = found_by_child(_rows, urls["clickhouse"], below)
    return found

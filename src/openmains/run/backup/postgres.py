# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's part: ``pg_dump`` of an exported snapshot, ``pg_restore`` in one transaction, and sums that show that both are equal."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from openmains.edges.backup.archive import TableCount
from openmains.edges.postgres.queries import load
from openmains.run.engines.child import StartError

SQL = load(__package__)
READ = 1 << 20
# Sums over rows as text: both sides say them with the settings of our engine. A column cannot be called like the row.
DIGEST = (
    'SELECT count(*) AS rows, coalesce(sum(hashtextextended("#row"::text, 0)::numeric), 0)::text AS digest'
    ' FROM public."{}" AS "#row"'
)


def dump(programs: Path, url: str, snapshot: str) -> Iterator[bytes]:
    """The database as the snapshot sees it, in pg_dump's own format; raises StartError with its last words."""
    words, env = _connection(programs / "pg_dump", url)
    command = [*words, "--format=custom", "--compress=1", f"--snapshot={snapshot}", "--no-password"]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=env)  # noqa: S603 - our own program and words
        try:
            while data := child.stdout.read(READ) if child.stdout else b"":
                yield data
            code = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if code != 0:
            _refuse("pg_dump", said)


def restore(programs: Path, url: str, file: Path) -> None:
    """Into an empty database, all or nothing; raises StartError with its last words."""
    words, env = _connection(programs / "pg_restore", url)
    command = [*words, "--single-transaction", "--exit-on-error", "--no-password", str(file)]
    with tempfile.TemporaryFile() as said:
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=said, env=env, check=False).returncode  # noqa: S603 - the same
        if code != 0:
            _refuse("pg_restore", said)


async def digests(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, TableCount]:
    """Rows and sum of every table, as the connection's transaction sees it. Reads everything."""
    found = {}
    for row in await SQL["tables"].fetch(connection):
        counted = await connection.fetchrow(DIGEST.format(row["name"].replace('"', '""')))
        assert counted is not None  # noqa: S101 - an aggregate has one row
        found[row["name"]] = TableCount(counted["rows"], counted["digest"])
    return found


def _connection(program: Path, url: str) -> tuple[list[str], dict[str, str]]:
    """The password goes by the environment: a command line is seen by all."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    words = [str(program), f"--host={host}", f"--username={parts.username or ''}", f"--dbname={parts.path.lstrip('/')}"]
    if parts.port:
        words.append(f"--port={parts.port}")
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "PGPASSWORD": unquote(parts.password or "")}
    return words, env | {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}


def _refuse(program: str, said: IO[bytes]) -> None:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines() or ["?"]
    raise StartError(f"{program} 失败:{lines[0]}", f"{program} failed: {lines[0]}")

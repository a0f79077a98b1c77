# SPDX-License-Identifier: Apache-2.0
"""Whether the files of the embedded PostgreSQL are those that it left: asked before it is started, and while it runs.

PostgreSQL finds a changed bit in a page by its checksum when it reads the page, and a damaged control file when it starts. It does
not find a table's file that became shorter (it takes the table for shorter), nor one that went missing before somebody asks for it, nor
a changed bit in the files that say which transactions were committed. So after an orderly end their lengths are written down
(``openmains.files`` in the data directory, which travels with it), and compared before the next start; small clusters are read whole
then (``pg_checksums``).
"""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg

LIST = "openmains.files"
FOLDERS = ("base", "global", "pg_xact", "pg_multixact", "pg_tblspc")
HASHED = ("pg_xact", "pg_multixact", "global")  # small, and without checksums of their own
SMALL = ("PG_VERSION", "pg_filenode.map")  # of each database
READ_AT_START_BYTES = 512 << 20
MISSING = """
SELECT c.oid::regclass::text AS name FROM pg_class c
 WHERE c.relkind IN ('r', 'i', 't', 'm', 'S') AND c.relpersistence = 'p' AND pg_relation_filepath(c.oid) IS NOT NULL
   AND pg_stat_file(pg_relation_filepath(c.oid), true) IS NULL
 ORDER BY 1
"""
Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]


def note_files(data: Path) -> None:
    """After an orderly end."""
    text = json.dumps(_files(data))
    draft = data / f".{LIST}"
    draft.write_text(text + "\n" + hashlib.sha256(text.encode()).hexdigest() + "\n", "utf-8")
    draft.replace(data / LIST)


def changed_files(data: Path) -> list[str]:
    """Names of files that are missing or shorter than at the orderly end, or differ where their content is known; a list that
    cannot be read, or none, tells nothing."""
    try:
        text, digest, *_ = (data / LIST).read_bytes().decode("utf-8", "replace").split("\n")
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            return []
        noted: dict[str, list[object]] = json.loads(text)
    except (OSError, ValueError):
        return []
    here = _files(data)
    return sorted(name for name, (length, digest) in noted.items() if not _is_same(here.get(name), length, digest))


def _is_same(here: list[object] | None, length: object, digest: object) -> bool:
    """An earlier version of ours noted fewer hashes: what has none is compared by its length."""
    return here is not None and here[0] == length and (not digest or not here[1] or here[1] == digest)


def forget_files(data: Path) -> None:
    """The server runs: from now on they change."""
    (data / LIST).unlink(missing_ok=True)


def damaged_pages(programs: Path, data: Path, run: Run) -> list[str]:
    """Files with pages whose checksum is wrong; only of a cluster that ended in order and is small enough to be read at a start."""
    if sum(path.stat().st_size for path in (data / "base").rglob("*") if path.is_file()) > READ_AT_START_BYTES:
        return []
    done = run([str(programs / "pg_checksums"), "--check", "-D", str(data)])
    found = []
    for line in done.stderr.splitlines():
        if "verification failed in file" in line or "could not read block" in line:
            name = line.split('"')[1] if '"' in line else line
            found.append(name.removeprefix(f"{data}/"))
    return sorted(set(found))


async def missing_files(url: str) -> list[str]:
    """Tables and indexes whose file is gone; ``url``: the superuser's, of our database."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return [str(row["name"]) for row in await connection.fetch(MISSING)]
    finally:
        await connection.close()


def _files(data: Path) -> dict[str, list[object]]:
    """Name below ``data`` → length and, where they are small and have no checksums, hash."""
    found: dict[str, list[object]] = {}
    for folder in FOLDERS:
        for path in (data / folder).rglob("*"):
            if not path.is_file() or path.name.startswith(("pgsql_tmp", "pg_internal.init")):
                continue
            is_small = (folder in HASHED or path.name in SMALL) and path.stat().st_size <= 1 << 20
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16] if is_small else ""
            found[path.relative_to(data).as_posix()] = [path.stat().st_size, digest]
    return found

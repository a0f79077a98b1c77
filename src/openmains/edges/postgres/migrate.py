# SPDX-License-Identifier: Apache-2.0
"""Schema migrations: numbered ``.sql`` files in ``migrations/``, applied in order, each in one transaction.

A migration that was applied is never edited: its SHA-256 is kept in ``schema_migration`` and a difference stops the
start, as does a database that is newer than the program. An advisory lock lets many processes start at once.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from openmains.edges.postgres.db import API_ROLE, LIMITED_ROLE, PIPELINE_ROLE, SIGNER_ROLE, Connection, connect

_LOCK = 0x6F6D_6967  # 'omig': any number that is the project's own
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class MigrationError(Exception):
    """The schema and the program do not fit; the text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One packaged file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def packaged() -> list[Migration]:
    """All migrations of this program in order; raises ``MigrationError`` for a name or number that is not clear."""
    folder = resources.files("openmains.edges.postgres") / "migrations"
    found: dict[int, Migration] = {}
    for entry in folder.iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _NAME.fullmatch(entry.name)
        if match is None:
            raise MigrationError(f"migration {entry.name}: the name must be NNNN_words.sql")
        migration = Migration(int(match[1]), entry.name, entry.read_text("utf-8"))
        if migration.number in found:
            raise MigrationError(f"migrations {found[migration.number].name} and {entry.name} have the same number")
        found[migration.number] = migration
    return [found[number] for number in sorted(found)]


async def migrate(dsn_owner: str, migrations: Iterable[Migration] | None = None) -> list[str]:
    """Bring the database to this program's schema as its owner; returns the names of the files applied now.

    Raises ``MigrationError`` when an applied file was changed, is unknown (the database is newer) or does not run.
    """
    wanted = list(packaged() if migrations is None else migrations)
    connection = await connect(dsn_owner, application="openmains-migrate")
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _ensure_roles(connection)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (number int PRIMARY KEY, name text NOT NULL, "
            "checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = {
            row["number"]: row for row in await connection.fetch("SELECT number, name, checksum FROM schema_migration")
        }
        _refuse_differences(wanted, {number: (row["name"], row["checksum"]) for number, row in applied.items()})
        done = []
        for migration in wanted:
            if migration.number in applied:
                continue
            await _apply(connection, migration)
            done.append(migration.name)
        return done
    finally:
        await connection.close()  # frees the lock as well


def _refuse_differences(wanted: list[Migration], applied: dict[int, tuple[str, str]]) -> None:
    known = {migration.number: migration for migration in wanted}
    for number, (name, checksum) in sorted(applied.items()):
        ours = known.get(number)
        if ours is None:
            raise MigrationError(
                f"the database has migration {name}, which this program does not know: it was used by a newer version"
            )
        if ours.checksum != checksum:
            raise MigrationError(f"migration {name} was changed after it was applied; put the original file back")
    missing = [m.name for m in wanted if m.number not in applied and applied and m.number < max(applied)]
    if missing:
        raise MigrationError(f"migration {missing[0]} is older than the newest applied one; give it the next number")


async def _ensure_roles(connection: Connection) -> None:
    for role in (API_ROLE, PIPELINE_ROLE, SIGNER_ROLE, LIMITED_ROLE):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
        if not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'MEMBER')", role):
            await connection.execute(f"GRANT {role} TO CURRENT_USER")
    if not await connection.fetchval("SELECT pg_has_role($1::name, $2::name, 'SET')", API_ROLE, LIMITED_ROLE):
        await connection.execute(f"GRANT {LIMITED_ROLE} TO {API_ROLE} WITH INHERIT FALSE")


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    except Exception as error:  # whatever the server says, the operator needs the file's name beside it
        raise MigrationError(f"migration {migration.name} failed: {error}") from error

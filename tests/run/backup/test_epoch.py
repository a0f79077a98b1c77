# SPDX-License-Identifier: Apache-2.0
"""After a restore nothing is given out again with another meaning, and what is in doubt is left to people."""

import dataclasses
import secrets
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from openmains.app.command.signer.authority import COUNTERS_SINCE
from openmains.domain.ids import CommandId
from openmains.edges.backup.archive import About
from openmains.edges.postgres import db
from openmains.edges.postgres.command.flow import SERIALS_SINCE, PostgresCommandFlow
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.sqlite.sessions import Changes, SessionFile, StoredSession
from openmains.run.backup.epoch import RECORDS, SPARE, VERSIONS, WIDE, Raised, begin_epoch
from openmains.run.engines.engines import Engines
from openmains.run.settings import Settings
from tests.support.command_town import make_town
from tests.support.engines import migrate_postgres

NOW = 1_800_000_000_000_000  # µs
TAKEN = NOW - 3_600_000_000
ABOUT = About(backup_id="b1", product="1", taken_us=TAKEN, engines={}, shards=2, var="/old/var")
STATES = (
    "drafted",
    "quarantined",
    "approved",
    "queued",
    "sent",
    "delivered",
    "asking",
    "confirmed",
    "failed",
    "cancelled",
)


@pytest.fixture
async def owner(own_engines: Engines) -> AsyncIterator[db.Connection]:
    await migrate_postgres(own_engines.urls)
    connection = await db.connect(own_engines.urls.postgres_owner)
    yield connection
    await connection.close()


async def command(
    owner: db.Connection, tenant: int, meter: int, state: str, kind: str = "read_now", serial: int | None = None
) -> int:
    lane = 4 if kind == "safety_close" else 3
    found: int = await owner.fetchval(
        "INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us, state, serial)"
        " VALUES ($1, $2, $3, $4, 1, $5, '\\x00', 2000000000, 1, $6, $7) RETURNING command_id",
        tenant, meter, kind, lane, secrets.token_hex(4), state, serial,
    )  # fmt: skip
    return found


async def test_everything_goes_on_above(own_engines: Engines, owner: db.Connection, tmp_path: Path) -> None:
    town = await make_town(owner)
    meter, other = await town.add(2)
    await owner.execute("UPDATE meter_state SET version = 7 WHERE meter_id = $1", meter)
    commands = {
        state: await command(owner, town.tenant_id, meter, state, serial=number if number > 2 else None)
        for number, state in enumerate(STATES)
    }
    closing = await command(owner, town.tenant_id, other, "queued", "safety_close", 3)
    for state in ("queued", "sent"):
        await owner.execute(
            "INSERT INTO command_waiting (command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind, state)"
            " VALUES ($1, $2, $3, 1, 3, 1, 2000000000, 'read_now', $4)", commands[state], town.tenant_id, meter, state,
        )  # fmt: skip
    await owner.execute(
        "INSERT INTO command_batch (tenant_id, name, kind, unique_key, validity_s, state) VALUES ($1, 'b', 'read_now', 'k', 60, 'running')",
        town.tenant_id,
    )
    await owner.execute("INSERT INTO job (tenant_id, kind, status) VALUES ($1, 'import', 'running')", town.tenant_id)
    await owner.execute(
        "INSERT INTO job (tenant_id, kind, status, file_path, result) VALUES ($1, 'x', 'done', $2, jsonb_build_object('file', $2::text))",
        town.tenant_id, "/old/var/uploads/a.csv",
    )  # fmt: skip
    head = await owner.fetchval(
        "INSERT INTO concentrator (tenant_id, number, poll_s) VALUES ($1, '9000000000000001', 60) RETURNING concentrator_id", town.tenant_id
    )  # fmt: skip
    await owner.executemany(
        "INSERT INTO gateway_command (tenant_id, concentrator_id, kind, parameters, unique_key, state, note, created_by, given_by, created_us,"
        " not_after) VALUES ($1, $2, 'set_parameters', '{}', $3, $3, '', 1, 'a', 1, 2000000000)",
        [(town.tenant_id, head, state) for state in STATES],
    )
    ids = {row["sequencename"]: row["last_value"] or 0 for row in await owner.fetch("SELECT * FROM pg_sequences")}
    settings = dataclasses.replace(Settings(), var=str(tmp_path))
    ledger = SqliteLedger(settings.signer_home / "ledger.sqlite")
    sessions = tmp_path / "edge" / "node-1.sqlite"
    file = SessionFile(sessions, 1, bytes(32), secrets.token_bytes)
    file.write(Changes([StoredSession(b"\1" + bytes(7), 5, b"s", 300, 9, "a", 1, 299, 77)], [], {}, {}, []))
    file.close()

    raised = await begin_epoch(settings, owner, ABOUT, NOW)

    assert raised == Raised(epoch=1, commands=8, batches=1, jobs=1, sessions=1)
    assert await owner.fetchval("SELECT version FROM meter_state WHERE meter_id = $1", meter) > VERSIONS + 7
    after = await owner.fetch("SELECT command_id, state, reason FROM command")
    states = {row["command_id"]: (row["state"], row["reason"]) for row in after}
    for state, command_id in commands.items():
        unsent = state in ("drafted", "quarantined", "approved", "queued")
        assert states[command_id] == (("failed", "restored") if unsent else (state, "")), state
    assert states[closing] == ("queued", "")
    told = {
        row["unique_key"]: row["state"] for row in await owner.fetch("SELECT unique_key, state FROM gateway_command")
    }
    assert told == {
        state: "failed" if state in ("drafted", "quarantined", "approved", "queued") else state for state in STATES
    }
    waiting = [row["command_id"] for row in await owner.fetch("SELECT command_id FROM command_waiting")]
    assert waiting == [commands["sent"]]
    assert await owner.fetchval("SELECT state FROM command_batch") == "stopped"
    assert sorted(row["status"] for row in await owner.fetch("SELECT status FROM job")) == ["done", "failed"]
    moved = await owner.fetchrow("SELECT file_path, result ->> 'file' AS file FROM job WHERE kind = 'x'")
    assert moved is not None
    assert moved["file_path"] == moved["file"] == f"{tmp_path}/uploads/a.csv"
    assert await owner.fetchval("SELECT after ->> 'commands_ended' FROM audit WHERE action = 'restore_backup'") == "8"
    for row in await owner.fetch("SELECT sequencename, last_value, data_type::text AS kind FROM pg_sequences"):
        gained = row["last_value"] - ids[row["sequencename"]]
        assert gained >= (WIDE if row["kind"] == "bigint" else 1_000_000), row["sequencename"]
    assert ledger.next_counter(meter) > NOW // 1_000_000 - COUNTERS_SINCE + SPARE
    ledger.close()
    (found,) = sqlite3.connect(sessions).execute("SELECT reserved FROM session").fetchone()
    assert found == 300 + RECORDS
    assert sqlite3.connect(sessions).execute("SELECT run FROM heard").fetchone() == (0,)

    second = await begin_epoch(settings, owner, ABOUT, NOW + 1_000_000)
    assert (second.epoch, second.commands) == (2, 0)
    await serials_go_on(own_engines, owner, town.tenant_id, meter, other)


async def serials_go_on(engines: Engines, owner: db.Connection, tenant: int, meter: int, other: int) -> None:
    """Also where the clock stands still, and of a meter that never had one."""
    pool = await asyncpg.create_pool(engines.urls.postgres_pipeline, min_size=1, max_size=1)
    flow = PostgresCommandFlow(pool)
    try:
        for each in (meter, other):
            given = [CommandId(await command(owner, tenant, each, "approved")) for _ in range(2)]
            await flow.enqueue(given, NOW)
            serials = [
                row["serial"]
                for row in await owner.fetch(
                    "SELECT serial FROM command WHERE command_id = ANY($1) ORDER BY command_id", given
                )
            ]
            assert serials[0] > NOW // 1_000_000 - SERIALS_SINCE + SPARE
            assert serials[1] == serials[0] + 1
    finally:
        await pool.close()

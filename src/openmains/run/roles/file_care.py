# SPDX-License-Identifier: Apache-2.0
"""What the core does for the files it owns or can judge: ClickHouse when it is opened and while it runs, the master key, the stream."""

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError

from openmains.app.ingest.pipeline.rebuild import Span, rebuild
from openmains.drivers import catalog as driver_catalog
from openmains.edges.clickhouse import migrate as clickhouse_migrate
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink
from openmains.edges.clickhouse.parts import ClickHouseAppliedFrames, Parts
from openmains.edges.clickhouse.retention import keep_frames, keep_versions
from openmains.edges.nats.stream import UplinkStream
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.run.care import definitions
from openmains.run.care.compare import answer_if_wanted
from openmains.run.care.faults import FaultFolder
from openmains.run.care.readings import ReadingsCare
from openmains.run.care.texts import (
    readings_do_not_open,
    readings_gone,
    readings_unknown,
    refusal,
    table_definition_restored,
    table_made_anew,
)
from openmains.run.master_key import master_key_fault
from openmains.run.roles.process import Core, every
from openmains.run.settings import Settings

KEYS_EVERY_S = 10.0
COMPARE_EVERY_S = 2.0  # whether somebody asks for it
NAME = "clickhouse"
OWN = (
    "schema_migration",
    "about",
)  # read before anything else is, so looked at first; what they say is known otherwise too
READINGS = ("meter_day", "frame")
BEGIN_ANEW = "begin-readings-anew"  # below var/run: a person has said that there is no backup


async def open_readings(
    settings: Settings,
    clickhouse: ClickHouse,
    store: PostgresPipelineStore,
    database: RunningDatabase,
    book: FaultFolder,
) -> None:
    """Bring ClickHouse up; raises StartError where it does not open, or is not the one that holds this database's readings."""
    path = settings.var_path / "clickhouse"
    kept = definitions.of_readings(settings.var_path)
    if not clickhouse.embedded:
        applied = await _prepare(settings, clickhouse)
    else:
        for name in kept.put_back():
            book.tell(f"readings.{name}", f"clickhouse/{name}", table_definition_restored(name), state="mended")
        try:
            with kept.changing():
                applied = await _prepare(settings, clickhouse)
        except ClickHouseError as error:
            raise refusal(readings_do_not_open(path, " ".join(str(error).split())[:300])) from error
    for table in applied.made_anew:
        book.tell(f"readings.{table}", f"clickhouse: {table}", table_made_anew(table), state="lost")
    parts = Parts(clickhouse)
    here = await parts.about(NAME)
    begun = settings.var_path / "run" / BEGIN_ANEW
    known = await store.chosen_before(NAME)
    if here and not known:  # the database keeps the name first
        raise refusal(readings_unknown(path))
    if not here and (known or applied.was_empty):  # the name alone may be lost: a damaged part was set aside
        holds_some = any(table in READINGS for table, _ in await parts.active())
        is_gone = not holds_some and any((await database.positions()).values())
    else:
        is_gone = here != known
    if is_gone and not begun.exists():
        raise refusal(readings_gone(path))
    if not known or here != known:
        await parts.note_about(NAME, await store.chosen(NAME, here or secrets.token_hex(8)))
    begun.unlink(missing_ok=True)


async def _prepare(settings: Settings, clickhouse: ClickHouse) -> clickhouse_migrate.Migrated:
    await Parts(clickhouse).keep_whole(OWN)
    done = await clickhouse_migrate.migrate(clickhouse)
    await keep_frames(clickhouse, settings.frame_log_days)
    await keep_versions(clickhouse, settings.day_version_days)
    return done


def care_of(settings: Settings, stop: asyncio.Event, core: Core, book: FaultFolder) -> list[Coroutine[Any, Any, None]]:
    """Work for as long as the core runs."""
    store = PostgresPipelineStore(core.pool)
    log, sink = ClickHouseAppliedFrames(core.clickhouse), ClickHouseReadingSink(core.clickhouse)
    drivers = driver_catalog.load()
    keys = PostgresKeys(core.pool)

    async def again(span: Span, tables: frozenset[str]) -> dict[str, int]:
        return await rebuild(span, tables, log, store, sink, drivers)

    async def look_at_keys() -> None:
        words = await master_key_fault(settings.var_path, keys)
        if words is None:
            book.clear("keys.master")
        else:
            book.tell("keys.master", "secrets/master-key", words)

    database, parts = RunningDatabase(core.pool), Parts(core.clickhouse)
    stream = UplinkStream(core.client, max_bytes=settings.stream_max_mb << 20)

    async def compare() -> None:
        await answer_if_wanted(settings.var_path, database, parts, stream, settings.shards)

    readings = ReadingsCare(core.clickhouse, settings.var_path, book, again)
    return [
        every(KEYS_EVERY_S, "the master key", look_at_keys, stop),
        every(COMPARE_EVERY_S, "comparing the stores", compare, stop),
        readings.run(stop),
    ]

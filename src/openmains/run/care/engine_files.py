# SPDX-License-Identifier: Apache-2.0
"""The engines' files while they run: what the servers say of them, and what PostgreSQL would say only when asked."""

import asyncio
import re
from collections.abc import Callable

import asyncpg

from openmains.run.care.faults import FaultFolder
from openmains.run.care.texts import postgres_damaged, stream_read_badly
from openmains.run.engines.postgres_server import PostgresServer

EVERY_S = 60.0
POSTGRES = "postgres"
# PostgreSQL's words for data that is not what it wrote (SQLSTATE XX001, XX002 and their like).
_POSTGRES = re.compile(
    r"(?:ERROR|FATAL|PANIC|WARNING):\s+(?P<words>.*(?:invalid page in block|page verification failed|could not read blocks?"
    r"|could not open file \"(?:base|global|pg_)[^\"]*\": No such file|could not access status of transaction|missing chunk number"
    r"|unexpected data beyond EOF|is not a btree|contains unexpected zero page|contains corrupted page|incorrect checksum).*)"
)
# What JetStream (2.15) says when it finds its files not to be what it wrote.
_STREAM = re.compile(
    r"\[(?:WRN|ERR|FTL)\] (?P<words>.*(?:metafile|[Cc]orrupt|[Cc]hecksum|[Bb]ad msg|[Ll]ost data|[Rr]ecovering state|[Rr]ebuild).*)"
)


def engine_lines(take: Callable[[str, str], None], book: FaultFolder) -> Callable[[str, str], None]:
    """For each line an engine writes: filed, and told where it speaks of damaged files."""

    def on_line(engine: str, line: str) -> None:
        take(engine, line)
        if engine == "postgres" and (said := _POSTGRES.search(line)):
            book.tell(POSTGRES, "postgres", postgres_damaged(said["words"]), blocks=True)
        elif engine == "nats" and (said := _STREAM.search(line)):
            book.tell("stream.files", "nats/store", stream_read_badly(said["words"]), state="mended")

    return on_line


async def watch_database(server: PostgresServer | None, book: FaultFolder) -> None:
    """Until cancelled: tables whose file is gone are told before somebody asks for them."""
    while server is not None:
        await asyncio.sleep(EVERY_S)
        try:
            gone = await server.missing_files()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            continue  # it is away: another look tells that
        if gone:
            book.tell(POSTGRES, "postgres", postgres_damaged(f"no file for {', '.join(gone[:5])}"), blocks=True)

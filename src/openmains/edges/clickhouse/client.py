# SPDX-License-Identifier: Apache-2.0
"""ClickHouse, embedded (``chdb:///path``) or a server (``clickhouse://user:password@host:8123/openmains``).

One client per thread: a shared chDB session runs its queries one after the other and stalls inserts behind reports.
Inserts have a pool of their own, so a slow report never takes the pipeline's thread.
"""

import asyncio
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, cast
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from openmains.edges.clickhouse.embedded import options

DATABASE = "openmains"
# One message may hold instants of sixty years; refusing it would stop its shard for ever, many parts only cost time.
_INSERT = {"max_partitions_per_insert_block": 0}
# What the engine says where files of a part are not what was written: cut off, wrong checksum, not to be decompressed, gone.
_DAMAGE = re.compile(r"Code: (?:32|33|39|40|74|107|246|271|432)\b")


class ClickHouse:
    """Async face of the engine. ``sql`` uses typed binding: ``{name:Type}`` with ``params={'name': value}``."""

    def __init__(self, dsn: str, *, size: str = "small", read_threads: int = 4, write_threads: int = 2) -> None:
        """``size``: of the embedded engine (``embedded.SIZES``)."""
        self._dsn = dsn
        self._options: dict[str, Any] = {"chdb_options": options(size)} if self.embedded else {}
        self._types: dict[str, dict[str, str]] = {}  # of the columns, by table: asked once
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()
        self.doubted = asyncio.Event()  # an answer spoke of damaged files: somebody should look (run/care/readings.py)
        self._readers = ThreadPoolExecutor(read_threads, thread_name_prefix="clickhouse-read")
        self._writers = ThreadPoolExecutor(write_threads, thread_name_prefix="clickhouse-write")

    @property
    def embedded(self) -> bool:
        """True when this process owns the engine."""
        return self._dsn.startswith("chdb:")

    def client(self) -> Client:
        """The calling thread's own client; made on first use."""
        found = getattr(self._local, "client", None)
        if found is None:
            with self._lock:  # chDB's first connection starts the engine
                found = clickhouse_connect.get_client(dsn=self._dsn, **self._options)
                if self.embedded:
                    found.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
                    found.command(f"USE {DATABASE}")
                self._clients.append(found)
            self._local.client = found
        return cast(Client, found)

    async def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query; raises ``clickhouse_connect.driver.exceptions.DatabaseError``."""
        return cast("list[tuple[Any, ...]]", await self._run(self._readers, self.query_now, sql, params))

    def query_now(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The same in the calling thread."""
        result = self.client().query(sql, parameters=dict(params) if params else None)
        return [tuple(row) for row in result.result_rows]

    async def query_columns(self, sql: str, params: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """The same column by column, as the engine gives them: of many rows half the price."""
        return cast("Sequence[Sequence[Any]]", await self._run(self._readers, self._columns_now, sql, params))

    def _columns_now(self, sql: str, params: Mapping[str, Any] | None) -> Sequence[Sequence[Any]]:
        return self.client().query(sql, parameters=dict(params or {})).result_columns

    async def query_file(self, sql: str, params: Mapping[str, Any], form: str) -> bytes:
        """The whole result as a file of one of the engine's formats, such as ``ArrowStream``; whoever asks bounds its size."""
        return cast(bytes, await self._run(self._readers, self.query_file_now, sql, params, form))

    def query_file_now(self, sql: str, params: Mapping[str, Any], form: str) -> bytes:
        """The same in the calling thread."""
        return self.client().raw_query(sql, parameters=dict(params), fmt=form)

    async def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert columns of equal length; returns when the rows are synced to disk and visible."""
        await self._run(self._writers, self.insert_now, table, columns)

    def insert_now(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """The same in the calling thread."""
        names = list(columns)
        if len(columns[names[0]]) == 0:
            return
        data = [columns[name] for name in names]
        self.client().insert(
            table,
            data,
            column_names=names,
            column_type_names=self._types_of(table, names),
            column_oriented=True,
            settings=_INSERT,
        )

    def _types_of(self, table: str, names: Sequence[str]) -> list[str]:
        """Types of the columns. The library would ask the engine before each insert, for a quarter of what the insert costs."""
        known = self._types.get(table)
        if known is None or not known.keys() >= set(names):  # a migration brought another column
            known = {row[0]: row[1] for row in self.query_now(f"DESCRIBE TABLE {table}")}
            self._types[table] = known
        return [known[name] for name in names]

    async def command(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """Run a statement without a result."""
        await self._run(self._writers, self.command_now, sql, params)

    def command_now(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """The same in the calling thread."""
        self.client().command(sql, parameters=dict(params) if params else None)

    def ping_now(self, within_s: float) -> None:
        """A server's word that it is there, over a connection of its own: reports may hold all the others. Raises ``OSError`` without
        one. Not for an embedded engine."""
        server = urlsplit(self._dsn)
        is_secure = "secure=true" in server.query.lower() or server.port in (443, 8443)
        kind = HTTPSConnection if is_secure else HTTPConnection
        connection = kind(
            server.hostname or "localhost", server.port or (8443 if is_secure else 8123), timeout=within_s
        )
        try:
            connection.request("GET", "/ping")
            connection.getresponse().read()
        except HTTPException as error:
            raise OSError(f"{type(error).__name__} instead of an answer") from error
        finally:
            connection.close()

    async def _run(self, pool: ThreadPoolExecutor, function: Any, *args: Any) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, function, *args)
        except DatabaseError as error:
            if _DAMAGE.search(str(error)):
                self.doubted.set()
            raise

    def close(self) -> None:
        """Finish what runs, then close every thread's client."""
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True, cancel_futures=True)
        for client in self._clients:
            client.close()
        self._clients.clear()

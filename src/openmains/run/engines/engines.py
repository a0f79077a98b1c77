# SPDX-License-Identifier: Apache-2.0
"""The three engines under one roof: started as children we own, watched, restarted, stopped in order.

PostgreSQL and NATS are child processes; ClickHouse (chDB) is a library that the core process loads, so here it is only
a directory and a DSN. A URL in the options replaces the embedded engine of that kind; nothing else changes.
See docs/adr/0001-engines.md.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from openmains.run.engines.child import Child, StartError
from openmains.run.engines.nats_server import NatsServer
from openmains.run.engines.nats_users import ROLES
from openmains.run.engines.postgres_server import PostgresServer
from openmains.run.secret_files import write_private

RESTART_FIRST_S = 0.2
RESTART_LAST_S = 5.0  # so that recovery stays well under 30 s
GIVEN_UP_CHECK_S = 2.0
GIVEN_UP_CHECKS = 3  # in a row
STEADY_S = 30.0  # after that long a run the next restart is quick again


class EngineUrls(msgspec.Struct, frozen=True):
    """How to reach everything; passwords inside, so never log it."""

    postgres_owner: str
    postgres_api: str
    postgres_pipeline: str
    nats: str
    clickhouse: str
    postgres_signer: str = ""
    nats_roles: dict[str, str] = {}

    def nats_of(self, role: str) -> str:
        """The stream's URL with the account of a role; the one URL where there are no accounts."""
        return self.nats_roles.get("api" if role == "worker" else role, self.nats)


class EngineOptions(msgspec.Struct, frozen=True):
    """Empty URL: embedded. ``durable`` may be false only in tests, which lose processes but not power."""

    postgres_owner_url: str = ""
    postgres_api_url: str = ""
    postgres_pipeline_url: str = ""
    nats_url: str = ""
    clickhouse_url: str = ""
    nats_port: int = 0
    size: str = "small"
    durable: bool = True


class Server(Protocol):
    """What Engines needs of an embedded server."""

    name: str
    child: Child | None

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def check(self) -> str: ...
    async def given_up(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Health:
    """Answer of one engine."""

    name: str
    embedded: bool
    version: str
    fault: str  # empty: well


def _print_nothing(name: str, line: str) -> None:
    del name, line


class Engines:
    """All engines of one ``var``.

    ``on_line(engine, line)`` gets each line they write; ``on_event(engine, event)`` gets ``restarted``.
    Start it from the main thread: the children's lives hang on it (see launch.py).
    """

    def __init__(
        self,
        var: Path,
        options: EngineOptions | None = None,
        *,
        on_line: Callable[[str, str], None] = _print_nothing,
        on_event: Callable[[str, str], None] = _print_nothing,
    ) -> None:
        self._var = var.absolute()
        self._options = options or EngineOptions()
        self._on_event = on_event
        o = self._options
        outside = (o.postgres_owner_url, o.postgres_api_url, o.postgres_pipeline_url)
        if any(outside) and not all(outside):
            raise StartError(
                "外部 PostgreSQL 需要同时给出 owner、api、pipeline 三个地址。",
                "an outside PostgreSQL needs all three URLs: owner, api and pipeline.",
            )
        self.postgres = (
            None
            if all(outside)
            else PostgresServer(self._var, lambda line: on_line("postgres", line), size=o.size, durable=o.durable)
        )
        self.nats = (
            None
            if o.nats_url
            else NatsServer(self._var, lambda line: on_line("nats", line), port=o.nats_port, durable=o.durable)
        )
        self._watchers: list[asyncio.Task[None]] = []
        self.restarts: dict[str, int] = {}

    async def start(self) -> EngineUrls:
        """Start all, wait until they answer, write ``var/run/engines.json`` (0600); raises StartError."""
        if not self._var.exists():
            self._var.mkdir(parents=True)
            self._var.chmod(0o711)  # the database's account passes through; what is private below is 0700 by itself
        for name in ("run", "secrets", "clickhouse"):
            (self._var / name).mkdir(mode=0o700, exist_ok=True)
        servers = self._servers()
        results = await asyncio.gather(*(server.start() for server in servers), return_exceptions=True)
        faults = [result for result in results if isinstance(result, BaseException)]
        if faults:
            await self.stop()
            raise faults[0]
        self._watchers = [asyncio.create_task(self._watch(server), name=f"watch {server.name}") for server in servers]
        urls = self.urls
        write_private(self._var / "run" / "engines.json", msgspec.json.encode(urls).decode())
        return urls

    async def stop(self) -> None:
        """End all; returns when nothing of them runs."""
        pending = set(self._watchers)
        while pending:  # a client library within may swallow one cancellation: ask until it is heard
            for watcher in pending:
                watcher.cancel()
            _, pending = await asyncio.wait(pending, timeout=1)
        self._watchers = []
        await asyncio.gather(*(server.stop() for server in self._servers()))

    @property
    def urls(self) -> EngineUrls:
        """Where everything is; the embedded NATS has a port only after its first start."""
        o = self._options
        pg = self.postgres
        return EngineUrls(
            postgres_owner=pg.url("openmains_owner") if pg else o.postgres_owner_url,
            postgres_api=pg.url("openmains_api") if pg else o.postgres_api_url,
            postgres_pipeline=pg.url("openmains_pipeline") if pg else o.postgres_pipeline_url,
            nats=self.nats.url if self.nats else o.nats_url,
            clickhouse=o.clickhouse_url or f"chdb://{self._var / 'clickhouse'}",
            postgres_signer=pg.url("openmains_signer") if pg else "",
            nats_roles={role: self.nats.url_of(role) for role in ROLES} if self.nats else {},
        )

    async def health(self) -> list[Health]:
        """Ask each embedded server once."""
        return [await self._ask(server) for server in self._servers()]

    @staticmethod
    async def _ask(server: Server) -> Health:
        try:
            return Health(server.name, True, await server.check(), "")
        except Exception as error:  # whatever it is, it is the answer
            return Health(server.name, True, "", f"{type(error).__name__}: {error}")

    def _servers(self) -> list[Server]:
        return [server for server in (self.postgres, self.nats) if server is not None]

    async def _watch(self, server: Server) -> None:
        """Start it again whenever it ends; ends only by cancellation."""
        pause_s = RESTART_FIRST_S
        while True:
            started = time.monotonic()
            if server.child is not None:
                await self._until_ended(server, server.child)
            if time.monotonic() - started > STEADY_S:
                pause_s = RESTART_FIRST_S
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RESTART_LAST_S)
            self.restarts[server.name] = self.restarts.get(server.name, 0) + 1
            self._on_event(server.name, "restarted")
            try:
                await server.start()
            except Exception as error:  # full disk and the like: try on, a person may mend it
                self._on_event(server.name, f"did not start: {type(error).__name__}: {error}")

    async def _until_ended(self, server: Server, child: Child) -> None:
        """Until the process ends; one that answers but has given up its work is ended."""
        waiting = asyncio.create_task(child.wait())
        given_up = 0
        try:
            while not (await asyncio.wait({waiting}, timeout=GIVEN_UP_CHECK_S))[0]:
                given_up = given_up + 1 if await server.given_up() else 0
                if given_up >= GIVEN_UP_CHECKS:
                    self._on_event(server.name, "has given up its work, ending it")
                    await server.stop()
        finally:
            waiting.cancel()


def read_urls(var: Path) -> EngineUrls | None:
    """URLs that the supervisor of ``var`` wrote at its last start; None before the first."""
    path = var / "run" / "engines.json"
    if not path.exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=EngineUrls)

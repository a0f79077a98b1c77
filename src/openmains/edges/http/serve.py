# SPDX-License-Identifier: Apache-2.0
"""Granian inside this process's event loop: the embedded ClickHouse lives here too, so the API cannot be a child."""

import asyncio
import logging
from contextlib import suppress

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

_log = logging.getLogger(__name__)
_GRACE_S = 5.0


class ServerFault(Exception):
    """The server ended by itself; one line says why."""


async def serve(app: Litestar, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set; open requests get a few seconds. Raises ``OSError`` for a port that is taken."""
    _probe(host, port)
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=True,
        backlog=1024,
        log_enabled=False,
        log_access=False,
    )
    running = asyncio.create_task(server.serve(), name="http")
    stopping = asyncio.create_task(stop.wait(), name="http stop")
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
            raise ServerFault("the HTTP server ended by itself")
    finally:
        stopping.cancel()
        if not running.done():
            server.stop()  # type: ignore[no-untyped-call]
            with suppress(TimeoutError):
                await asyncio.wait_for(running, _GRACE_S)
        await asyncio.gather(running, stopping, return_exceptions=True)


def _probe(host: str, port: int) -> None:
    """Granian reports a taken port from its own thread; ask first, so that the caller gets the usual error."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))

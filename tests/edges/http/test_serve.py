# SPDX-License-Identifier: Apache-2.0
"""The real server in this process's loop: HTTP, the live WebSocket, a port that is taken, the end."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets
from websockets.exceptions import InvalidStatus

from openmains.app.system.model import LiveEvent
from openmains.edges.http.serve import serve
from tests.edges.http.world import World
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port


@asynccontextmanager
async def serving(world: World):  # type: ignore[no-untyped-def] # an async generator of ports
    port, stop = free_port(socket.SOCK_STREAM), asyncio.Event()
    task = asyncio.create_task(serve(world.app, "127.0.0.1", port, stop))
    async with httpx.AsyncClient() as client:
        for _ in range(200):
            try:
                await client.get(f"http://127.0.0.1:{port}/api/v1/health")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
    try:
        yield port
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the port is free again"


async def test_live_view_is_the_tenants_own(world: World) -> None:
    async with serving(world) as port:
        url = f"ws://127.0.0.1:{port}/api/v1/live"
        headers = {"Authorization": f"Bearer {world.a.token}"}
        world.feed.joined.clear()
        async with websockets.connect(url, additional_headers=headers) as live:
            await asyncio.wait_for(world.feed.joined.wait(), PATIENCE_S)
            world.feed.tell(world.b.tenant_id, LiveEvent("alarm", {"of": "b"}))
            world.feed.tell(world.a.tenant_id, LiveEvent("alarm", {"of": "a"}))
            assert json.loads(await asyncio.wait_for(live.recv(), PATIENCE_S)) == {"kind": "alarm", "data": {"of": "a"}}
        for refused in ({}, {"Authorization": "Bearer omt_wrong"}):
            with pytest.raises(InvalidStatus):
                async with websockets.connect(url, additional_headers=refused):
                    pass


async def test_live_view_with_cookie_needs_own_origin(world: World) -> None:
    async with serving(world) as port, world.signed_in(world.a) as client:
        cookie = {"Cookie": f"openmains_session={client.cookies['openmains_session']}"}
        url = f"ws://127.0.0.1:{port}/api/v1/live"
        async with websockets.connect(url, additional_headers=cookie, origin=f"http://127.0.0.1:{port}"):  # type: ignore[arg-type]
            pass
        with pytest.raises(InvalidStatus):
            async with websockets.connect(url, additional_headers=cookie, origin="https://evil.test"):  # type: ignore[arg-type]
                pass


async def test_taken_port_is_an_oserror(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            await serve(world.app, "127.0.0.1", taken.getsockname()[1], asyncio.Event())

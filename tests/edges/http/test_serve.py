# SPDX-License-Identifier: Apache-2.0
"""The real server in this process's loop: HTTP, the live WebSocket, a port that is taken, the end."""

import asyncio
import json
import secrets
import socket
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from openmains.app.system.model import LiveEvent
from openmains.edges.http import system
from openmains.edges.http.serve import serve
from tests.edges.http.world import STRONG, Utility, World
from tests.support.passwords import cheap_hash
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port


@asynccontextmanager
async def serving(world: World):  # type: ignore[no-untyped-def] # an async generator of ports
    port, stop = free_port(socket.SOCK_STREAM), asyncio.Event()
    task = asyncio.create_task(serve(world.app, "127.0.0.1", port, stop))
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        for _ in range(int(PATIENCE_S / 0.02)):
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


async def test_live_tells_of_alarms_to_who_may_see_them(world: World) -> None:
    token = await world.user(world.a, "government")
    async with serving(world) as port:
        world.feed.joined.clear()
        headers = {"Authorization": f"Bearer {token}"}
        async with websockets.connect(f"ws://127.0.0.1:{port}/api/v1/live", additional_headers=headers) as live:
            await asyncio.wait_for(world.feed.joined.wait(), PATIENCE_S)
            for kind in ("alarm", "alarm_news", "applied"):
                world.feed.tell(world.a.tenant_id, LiveEvent(kind, {"of": "a"}))
            assert json.loads(await asyncio.wait_for(live.recv(), PATIENCE_S))["kind"] == "applied"


async def person_of(world: World) -> tuple[Utility, int]:
    """Somebody with a password that was changed, and the id."""
    token = await world.user(world.a, "operator", login := f"u{secrets.token_hex(4)}")
    del token
    user_id = await world.owner.fetchval("SELECT user_id FROM app_user WHERE login = $1", login)
    await world.owner.execute("UPDATE app_user SET password_hash = $2 WHERE user_id = $1", user_id, cheap_hash(STRONG))
    return Utility(world.a.tenant_id, world.a.code, login, STRONG, ""), user_id


@pytest.mark.parametrize("end", ["sign out", "password", "role", "disabled", "reset", "removed"])
async def test_live_view_ends_with_its_session(world: World, end: str) -> None:
    ann, user_id = await person_of(world)
    async with (
        serving(world) as port,
        world.signed_in(ann) as client,
        world.signed_in(ann) as other,
        world.client(world.a.token) as administrator,
    ):
        cookie = {"Cookie": f"openmains_session={client.cookies['openmains_session']}"}
        url = f"ws://127.0.0.1:{port}/api/v1/live"
        async with websockets.connect(url, additional_headers=cookie, origin=f"http://127.0.0.1:{port}") as live:  # type: ignore[arg-type]
            user = f"/users/{user_id}"
            done = {
                "sign out": lambda: client.delete("/session"),
                "password": lambda: other.post(
                    "/session/password", json={"current": STRONG, "new": "another long one 7"}
                ),
                "role": lambda: administrator.patch(user, json={"role": "viewer", "reason": "moved"}),
                "disabled": lambda: administrator.patch(user, json={"disabled": True, "reason": "left"}),
                "reset": lambda: administrator.post(f"{user}/password", json={"reason": "lost"}),
                "removed": lambda: administrator.delete(f"{user}?reason=left"),
            }
            answer = await done[end]()
            assert answer.is_success, answer.text
            assert await closed(live) == system.ENDED


async def closed(live: websockets.ClientConnection) -> int | None:
    """The code it is closed with. What is allowed is the sum of the waits: no other clock is asked."""
    assert system.CHECK_EVERY_S + system.CHECK_WAIT_S < 5
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(live.recv(), PATIENCE_S)
    return live.close_code


async def test_live_view_ends_with_its_token(world: World) -> None:
    ann, _ = await person_of(world)
    async with serving(world) as port, world.signed_in(ann) as client:
        made = (await client.post("/tokens", json={"name": "t", "role": "viewer"})).json()
        headers = {"Authorization": f"Bearer {made['secret']}"}
        async with websockets.connect(f"ws://127.0.0.1:{port}/api/v1/live", additional_headers=headers) as live:
            answer = await client.delete(f"/tokens/{made['token']['token_id']}?reason=lost")
            assert answer.is_success, answer.text
            assert await closed(live) == system.ENDED


async def test_live_view_ends_where_its_credential_can_not_be_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(world) as port:
        headers = {"Authorization": f"Bearer {world.a.token}"}
        async with websockets.connect(f"ws://127.0.0.1:{port}/api/v1/live", additional_headers=headers) as live:

            async def never(secret_hash: bytes) -> None:
                await asyncio.Event().wait()

            monkeypatch.setattr(world.deps.sign_in_store, "find_credential", never)
            assert await closed(live) == system.TRY_LATER


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

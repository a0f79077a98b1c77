# SPDX-License-Identifier: Apache-2.0
"""Both of our endpoints against aiocoap, a peer that we did not write, over loopback sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiocoap  # type: ignore[import-untyped]
from aiocoap import resource

from openmains.wire.coap.call import ClientEvent, ResponseReceived
from openmains.wire.coap.client import Client
from openmains.wire.coap.exchange import Acknowledged, Deregistered, Event, Limits, Relation, Request
from openmains.wire.coap.message import Code, Method
from openmains.wire.coap.server import Server
from tests.support.patience import PATIENCE_S

BODY = bytes(range(256)) * 12


class Shell(asyncio.DatagramProtocol):
    """The thinnest possible socket around one of our endpoints."""

    def __init__(self, stack: Server | Client) -> None:
        self.stack = stack
        self.events: asyncio.Queue[Event | ClientEvent] = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for event in self.stack.receive(data, addr[:2], self.loop.time()):
            self.events.put_nowait(event)
            self.handle(event)
        self.flush()

    def handle(self, event: Event | ClientEvent) -> None:
        """What an application does at once."""

    def flush(self) -> None:
        for peer, datagram in self.stack.datagrams():
            self.transport.sendto(datagram, peer)
        if self.timer is not None:
            self.timer.cancel()
        due = self.stack.next_timer()
        self.timer = None if due is None else self.loop.call_at(due, self.tick)

    def tick(self) -> None:
        for event in self.stack.handle_timer(self.loop.time()):
            self.events.put_nowait(event)
        self.flush()


class Echo(Shell):
    """Answers with the request's body; ``/slow`` late, ``/state`` is observable."""

    relation: Relation | None = None

    def handle(self, event: Event | ClientEvent) -> None:
        if not isinstance(event, Request):
            return
        if event.path == ("slow",):
            self.loop.call_later(0.3, self.reply, event)
        else:
            self.reply(event)

    def reply(self, request: Request) -> None:
        assert isinstance(self.stack, Server)
        payload = b"0" if request.path == ("state",) else request.payload
        found = self.stack.respond(request.exchange, Code.CONTENT, payload, now=self.loop.time(), observe=True)
        self.relation = found or self.relation
        self.flush()


@asynccontextmanager
async def our(shell: type[Shell], stack: Server | Client) -> AsyncIterator[tuple[Any, int]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: shell(stack), local_addr=("127.0.0.1", 0))
    try:
        yield protocol, transport.get_extra_info("sockname")[1]
    finally:
        if protocol.timer is not None:
            protocol.timer.cancel()
        transport.close()


async def test_aiocoap_asks_our_server() -> None:
    server = Server(Limits(separate_after_s=0.1, block_szx=5), mid_seed=1)
    async with our(Echo, server) as (echo, port):
        context = await aiocoap.Context.create_client_context()
        try:
            base = f"coap://127.0.0.1:{port}"
            for path, body in (("r/861234567890123", b"small"), ("r/1", BODY), ("slow", b"separate")):
                asked = aiocoap.Message(code=aiocoap.POST, uri=f"{base}/{path}", payload=body)
                answer = await asyncio.wait_for(context.request(asked).response, PATIENCE_S)
                assert (answer.code, answer.payload) == (aiocoap.CONTENT, body)
            assert server.counters["answer separate"] == 1
            assert server.counters["block"] > 3

            watching = context.request(aiocoap.Message(code=aiocoap.GET, uri=f"{base}/state", observe=0))
            assert (await asyncio.wait_for(watching.response, PATIENCE_S)).payload == b"0"
            notes = aiter(watching.observation)
            for state in (b"1", b"2"):
                server.notify(echo.relation, Code.CONTENT, state, confirmable=state == b"2", now=echo.loop.time())
                echo.flush()
                assert (await asyncio.wait_for(anext(notes), PATIENCE_S)).payload == state
            watching.observation.cancel()
            for _ in range(5):  # aiocoap still acknowledges a notification or two before it resets
                server.notify(echo.relation, Code.CONTENT, b"3", confirmable=True, now=echo.loop.time())
                echo.flush()
                while not isinstance(
                    event := await asyncio.wait_for(echo.events.get(), 4), Acknowledged | Deregistered
                ):
                    pass
                while not echo.events.empty():
                    event = echo.events.get_nowait()
                if isinstance(event, Deregistered):
                    break
            assert isinstance(event, Deregistered) and event.reason == "reset"
        finally:
            await context.shutdown()


class Store(resource.Resource):  # type: ignore[misc]
    """aiocoap's side: echoes, slowly when the body says so."""

    async def render_post(self, request: Any) -> Any:
        if request.payload == b"slow":
            await asyncio.sleep(0.3)
        return aiocoap.Message(code=aiocoap.CHANGED, payload=request.payload)


async def test_our_client_asks_aiocoap() -> None:
    site = resource.Site()
    site.add_resource(["r"], Store())
    async with our(Shell, Client(mid_seed=1, token_seed=1, block_szx=5)) as (shell, _):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            free = probe.getsockname()[1]
        context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", free))
        try:
            for body in (b"small", BODY, b"slow"):
                now = shell.loop.time()
                call = shell.stack.request(("127.0.0.1", free), Method.POST, ("r",), body, chance=0.5, now=now)
                shell.flush()
                event = await asyncio.wait_for(shell.events.get(), PATIENCE_S)
                assert isinstance(event, ResponseReceived)
                assert (event.call, event.code, event.payload) == (call, Code.CHANGED, body)
        finally:
            await context.shutdown()

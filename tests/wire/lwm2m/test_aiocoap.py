# SPDX-License-Identifier: Apache-2.0
"""A stack that we did not write as the device: aiocoap registers, is read and observed, and notifies our server."""

import asyncio
import socket
from typing import Any

import aiocoap  # type: ignore[import-untyped]
import pytest
from aiocoap import resource

from openmains.wire.coap.message import Code
from openmains.wire.lwm2m import operation
from openmains.wire.lwm2m.events import Deregistered, Done, RegisterWanted, Report, Updated
from openmains.wire.lwm2m.server import Server
from tests.support.patience import PATIENCE_S


class Socket(asyncio.DatagramProtocol):
    """Our server on a real socket of the loop; answers at once."""

    def __init__(self) -> None:
        self.server = Server(seed=17)
        self.heard: list[Any] = []
        self.news = asyncio.Event()
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        now = asyncio.get_running_loop().time()
        for event in self.server.receive(data, addr[:2], now):
            self.heard.append(event)
            if isinstance(event, RegisterWanted):
                self.server.accept(event, now)
            elif isinstance(event, Report):
                self.server.respond(event, Code.CHANGED, b"stored", now=now)
        self.flush()
        self.news.set()

    def flush(self) -> None:
        for link, datagram in self.server.datagrams():
            self.transport.sendto(datagram, link)

    async def wait_for(self, kind: type) -> Any:
        """The next event of ``kind`` that nobody took yet."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for event in self.heard:
                    if isinstance(event, kind):
                        self.heard.remove(event)
                        return event
                self.news.clear()
                await self.news.wait()


class Volume(resource.ObservableResource):  # type: ignore[misc]
    """/3424/0/1 of a device."""

    def __init__(self) -> None:
        super().__init__()
        self.value = b"12345.678"

    async def render_get(self, request: Any) -> Any:
        return aiocoap.Message(code=aiocoap.CONTENT, payload=self.value, content_format=0)

    async def render_put(self, request: Any) -> Any:
        self.value = request.payload
        return aiocoap.Message(code=aiocoap.CHANGED)


@pytest.fixture
async def ours() -> Any:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Socket, local_addr=("127.0.0.1", 0))
    yield protocol
    transport.close()


async def test_aiocoap_as_a_device(ours: Socket) -> None:
    port = ours.transport.get_extra_info("sockname")[1]
    base = f"coap://127.0.0.1:{port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        own = probe.getsockname()[1]
    volume = Volume()
    site = resource.Site()
    site.add_resource(["3424", "0", "1"], volume)
    device = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", own))
    # aiocoap's asking side has a socket of its own, so the link of its registration is not the one it serves on.
    link = ("127.0.0.1", own)
    try:
        register = aiocoap.Message(
            code=aiocoap.POST,
            uri=f"{base}/rd?ep=urn:imei:861234567890123&lt=300&lwm2m=1.1&b=U",
            payload=b"</3424/0>",
            content_format=40,
        )
        answer = await device.request(register).response
        assert answer.code == aiocoap.CREATED and answer.opt.location_path[0] == "rd"
        report = aiocoap.Message(code=aiocoap.POST, uri=f"{base}/19/0/0", payload=b"frame", content_format=42)
        assert (await device.request(report).response).payload == b"stored"
        event = await ours.wait_for(Report)
        assert (event.kind, event.payload) == ("object19", b"frame")
        location = "/".join(answer.opt.location_path)
        assert (
            await device.request(aiocoap.Message(code=aiocoap.POST, uri=f"{base}/{location}?lt=60")).response
        ).code == (aiocoap.CHANGED)
        assert (await ours.wait_for(Updated)).registration.lifetime_s == 60
        registered = event.registration
        ours.server.restore(link, registered, asyncio.get_running_loop().time())

        def submit(asked: operation.Operation) -> None:
            ours.server.submit(link, asked, asyncio.get_running_loop().time())
            ours.flush()

        submit(operation.read((3424, 0, 1)))
        done = await ours.wait_for(Done)
        assert (done.code, done.payload) == (Code.CONTENT, b"12345.678")
        submit(operation.observe((3424, 0, 1)))
        assert (await ours.wait_for(Done)).observed
        volume.value = b"12346.1"
        volume.updated_state()
        notified = await ours.wait_for(Report)
        assert (notified.kind, notified.path, notified.payload) == ("notify", (3424, 0, 1), b"12346.1")
        submit(operation.write((3424, 0, 1), b"5", 0))
        assert (await ours.wait_for(Done)).code == Code.CHANGED and volume.value == b"5"
        submit(operation.cancel((3424, 0, 1)))
        assert (await ours.wait_for(Done)).code == Code.CONTENT
        submit(operation.read((3424, 0, 7)))
        assert (await ours.wait_for(Done)).code == Code.NOT_FOUND
    finally:
        await device.shutdown()
    assert not any(isinstance(event, Deregistered) for event in ours.heard)

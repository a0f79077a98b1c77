# SPDX-License-Identifier: Apache-2.0
"""A platform for tests of the emulator: our CoAP server and the product's driver behind a real UDP socket."""

import asyncio
import time
from collections import defaultdict
from typing import Any, cast

from openmains.drivers import catalog
from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Code
from openmains.wire.coap.server import Server


class Platform(asyncio.DatagramProtocol):
    """Acknowledges good frames with the driver's answer; ``received`` keeps every payload by IMEI, in order.

    ``known``: IMEIs that exist; None = all. ``deaf``: datagrams to swallow before it begins to listen.
    """

    def __init__(self, driver: str = "openmains/water-1", *, known: set[str] | None = None, deaf: int = 0) -> None:
        self.driver = catalog.load().driver(driver)
        self.known, self.deaf = known, deaf
        self.received: dict[str, list[bytes]] = defaultdict(list)
        self.server = Server(mid_seed=1)
        self.refusals: list[Code] = []  # answered to the next requests, whatever they say
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> tuple[str, int]:
        """Listen on a free port of the loopback."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return cast(tuple[str, int], transport.get_extra_info("sockname")[:2])

    def stop(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.deaf:
            self.deaf -= 1
            return
        now = asyncio.get_running_loop().time()
        for event in self.server.receive(data, addr, now):
            if isinstance(event, Request):
                code, payload = self._answer(event)
                self.server.respond(event.exchange, code, payload, now=now)
        assert self._transport is not None
        for peer, datagram in self.server.datagrams():
            self._transport.sendto(datagram, peer)

    def _answer(self, request: Request) -> tuple[Code, bytes]:
        imei = request.path[1]
        if self.refusals:
            return self.refusals.pop(0), b""
        if self.known is not None and imei not in self.known:
            return Code.NOT_FOUND, b""
        reason = self.driver.check(request.payload)
        if reason is not None:
            return Code.BAD_REQUEST, reason.encode()
        self.received[imei].append(request.payload)
        return Code.CHANGED, self.driver.answer(request.payload, int(time.time()), 480)

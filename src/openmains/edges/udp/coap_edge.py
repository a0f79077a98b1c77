# SPDX-License-Identifier: Apache-2.0
"""The UDP socket of the edge: drains it, feeds the sans-IO CoAP server, answers after the stream has confirmed.

Resource: ``POST /r/<IMEI>`` takes a meter's payload. 2.04 with the driver's answer once it is durable; 4.00 malformed
(kept in the frame log all the same), 4.04 unknown meter, 4.13 over 512 B, 4.29 too many, 5.03 when the stream does not
confirm. An address that floods gets 4.29, then silence.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from openmains.app.command.sent_frames import SENT
from openmains.app.ingest.edge.admission import Accepted, Admission, Refusal
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.answers import BUSY, BUSY_S, NOT_ACCEPTABLE, TEXT, Response, accepts, of_receipt, of_refusal
from openmains.app.link.down_log import ACK, DownLog
from openmains.app.link.reports import receipt_of
from openmains.edges.udp.shell import UdpShell
from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Exchange, Limits, Request
from openmains.wire.coap.message import Code, Method
from openmains.wire.coap.server import Server

RESOURCES = b'</r>;rt="openmains.report";title="POST /r/<IMEI>"'
LINKS = (opt.CONTENT_FORMAT, b"\x28")


class CoapEdge:
    """Serves one socket in the running event loop until ``close``."""

    def __init__(
        self,
        sock: socket.socket,
        admission: Admission,
        batcher: Batcher,
        limiter: AddressLimiter,
        shedding: Shedding,
        down_log: DownLog,
        *,
        mid_seed: int,
        now_us: Callable[[], int],
    ) -> None:
        self._shell = UdpShell(sock, limiter, self, shedding)
        self._loop = asyncio.get_running_loop()
        self._admission = admission
        self._down_log = down_log
        self._batcher = batcher
        self._now_us = now_us
        self._shedding = shedding
        self._server = Server(
            Limits(max_payload=1024, max_body=1024, busy_max_age_s=BUSY_S, max_exchanges=200_000),
            mid_seed=mid_seed,
            crowd=shedding,
        )

    def start(self) -> None:
        """Begin to read."""
        self._shell.start()

    def stop_reading(self) -> None:
        """Take nothing new, but still answer what was taken."""
        self._shell.stop_reading()

    def close(self) -> None:
        """Open answers are lost, devices send again."""
        self._shell.close()

    @property
    def counters(self) -> dict[str, int]:
        """What happened on this socket, by name."""
        counted = {f"coap.{name.replace(' ', '_')}": value for name, value in self._server.counters.items()}
        return counted | {
            "received": self._shell.received,
            "sent": self._shell.sent,
            "ignored.flood": self._shell.ignored,
            "shed.kernel.plain": self._shell.dropped,
            "send_failed": self._shell.send_failed,
        }

    def datagram_received(self, datagram: bytes, peer: Any, verdict: Verdict, now: float) -> None:
        """One datagram of an address that is not ignored."""
        for event in self._server.receive(datagram, peer, now):
            if type(event) is Request:
                self._on_request(event, verdict, now)

    def _on_request(self, request: Request, verdict: Verdict, now: float) -> None:
        exchange = request.exchange
        path = request.path if request.path[-1:] != ("",) else request.path[:-1]
        if verdict is Verdict.REFUSE:
            self._respond(exchange, of_refusal(Refusal.TOO_MANY), now)
        elif len(path) == 2 and path[0] == "r":
            if request.method != Method.POST:
                self._server.respond(exchange, Code.METHOD_NOT_ALLOWED, b"use POST", (TEXT,), now=now)
            elif not accepts(request.options):
                self._respond(exchange, NOT_ACCEPTABLE, now)
            elif self._batcher.is_full(now):
                self._respond(exchange, BUSY, now)
            else:
                self._report(request, path[1], now)
        elif path == (".well-known", "core") and request.method == Method.GET:
            self._server.respond(exchange, Code.CONTENT, RESOURCES, (LINKS,), now=now)
        else:
            self._server.respond(exchange, Code.NOT_FOUND, b"POST /r/<IMEI>", (TEXT,), now=now)

    def _report(self, request: Request, imei: str, now: float) -> None:
        exchange = request.exchange
        about = "/", opt.get_uint(request.options, opt.CONTENT_FORMAT)
        found = self._admission.admit(imei, request.payload, "coap", "r", self._now_us(), about=about)
        if isinstance(found, Refusal):
            self._respond(exchange, of_refusal(found), now)
            return
        self._shedding.taken()
        self._batcher.add(found.uplink, lambda confirmed: self._done(exchange, found, confirmed))

    def _done(self, exchange: Exchange, accepted: Accepted, confirmed: bool) -> None:
        receipt = receipt_of(self._admission, accepted, confirmed, self._now_us() // 1_000_000)
        self._respond(exchange, of_receipt(receipt), self._loop.time())
        if receipt.answer:
            self._down_log.answered(accepted.uplink, ACK, SENT, receipt.answer)
        self._shell.transmit_soon()

    def _respond(self, exchange: Exchange, response: Response, now: float) -> None:
        self._server.respond(exchange, response.code, response.payload, response.options, now=now)

    def datagrams_to_send(self, now: float) -> list[tuple[Any, bytes]]:
        """(Address, datagram) of what there is."""
        return self._server.datagrams()

    def next_timer(self) -> float | None:
        """See ``wire.coap``."""
        return self._server.next_timer()

    def handle_timer(self, now: float) -> None:
        """See ``wire.coap``."""
        self._server.handle_timer(now)

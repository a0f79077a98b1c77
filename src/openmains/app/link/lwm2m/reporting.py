# SPDX-License-Identifier: Apache-2.0
"""Reports of meters on their sessions, by whatever way: POST, Notify, Send, object 19. One uplink each.

    Report, POST /r → Reception → Batcher → (durable) → answer

What a way adds is taken off here, so that the pipeline sees one thing: a maker's frame in object 19 loses its TLV or SenML
shell; resources keep their path and content format (``drivers.lwm2m.envelope``).
"""

from collections.abc import Callable

from openmains.app.ingest.edge.admission import About, Accepted, Reception, Refusal
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.link.answers import TEXT, Said, of_refusal, of_stored
from openmains.app.link.ports import Terminal
from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Exchange, Request
from openmains.wire.coap.message import Code, Method
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m import events as lwm2m
from openmains.wire.lwm2m import path as paths
from openmains.wire.lwm2m.codec.values import decode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.server import Server

CHANNEL_COAP, CHANNEL_LWM2M = "coaps", "lwm2m"
OPAQUE_UPLINK: Path = (19, 0, 0)
OPAQUE_DOWNLINK: Path = (19, 1, 0)


class Reports:
    """One for each secure edge."""

    def __init__(
        self,
        *,
        server: Server,
        node: int,
        reception: Reception,
        batcher: Batcher,
        unknown: Callable[[str, str], None],
        flush: Callable[[], None],
        clock: Callable[[], float],
        now_us: Callable[[], int],
    ) -> None:
        self._server = server
        self._node = node
        self._reception = reception
        self._batcher = batcher
        self._unknown = unknown
        self._flush = flush
        self._clock = clock
        self._now_us = now_us
        self.other_names = 0

    def reported(self, report: lwm2m.Report, terminal: Terminal, now: float) -> None:
        """Something of LwM2M."""
        payload, about = unwrapped(report)
        place = "dp" if report.kind == "send" else "/".join(map(str, report.path))
        if report.content_format not in (None, content.OPAQUE):
            place = f"{place};ct={report.content_format}"
        found = self._judge(terminal, payload, CHANNEL_LWM2M, place, about)
        if isinstance(found, Refusal):
            said = of_refusal(found)
            self._server.respond(report, said.code, said.payload, now=now)
        else:
            self._batcher.add(found.uplink, lambda confirmed: self._stored(report, found, confirmed))

    def _stored(self, report: lwm2m.Report, accepted: Accepted, confirmed: bool) -> None:
        now = self._clock()
        said = of_stored(self._reception, accepted, confirmed, self._now_us() // 1_000_000)
        if said.code != Code.CHANGED or (isinstance(report.exchange, Exchange) and report.kind != "send"):
            self._server.respond(report, said.code, said.payload, now=now)
        else:
            self._server.respond(report, said.code, now=now)
            if said.payload and report.registration.has(OPAQUE_DOWNLINK):
                # An acknowledged notification has no room for an answer: the time goes down as the operators do it.
                down = operation.write(OPAQUE_DOWNLINK, said.payload, content.OPAQUE)
                self._server.submit(report.link, down, now)
        self._flush()

    def requested(self, request: Request, terminal: Terminal, now: float) -> None:
        """A resource that is none of LwM2M's: ``POST /r``."""
        path = request.path
        if path[:1] != ("r",) or len(path) > 2:
            self._server.answer(request, Code.NOT_FOUND, b"POST /r", (TEXT,), now=now)
        elif request.method != Method.POST:
            self._server.answer(request, Code.METHOD_NOT_ALLOWED, b"use POST", (TEXT,), now=now)
        elif len(path) == 2 and path[1] != terminal.text:
            self.other_names += 1
            self._server.answer(request, Code.FORBIDDEN, b"not your IMEI", (TEXT,), now=now)
        else:
            about = "/", opt.get_uint(request.options, opt.CONTENT_FORMAT)
            found = self._judge(terminal, request.payload, CHANNEL_COAP, "r", about)
            if isinstance(found, Refusal):
                self._say(request, of_refusal(found), now)
            else:
                self._batcher.add(found.uplink, lambda confirmed: self._posted(request, found, confirmed))

    def _posted(self, request: Request, accepted: Accepted, confirmed: bool) -> None:
        said = of_stored(self._reception, accepted, confirmed, self._now_us() // 1_000_000)
        self._say(request, said, self._clock())
        self._flush()

    def _say(self, request: Request, said: Said, now: float) -> None:
        self._server.answer(request, said.code, said.payload, said.options, now=now)

    def _judge(self, terminal: Terminal, payload: bytes, channel: str, place: str, about: About) -> Accepted | Refusal:
        if self._batcher.full:
            return Refusal.BUSY
        found = self._reception.take(terminal.text, payload, channel, place, self._now_us(), self._node, about)
        if found is Refusal.UNKNOWN_METER:
            self._unknown(terminal.text, terminal.host)
        return found


def unwrapped(report: lwm2m.Report) -> tuple[bytes, About]:
    """The bytes that count, and what they are about.

    Object 19 is a pipe: a resource shell around its bytes (a Notify in TLV, say) is taken off. What comes through it may be
    a maker's frame or a SenML pack that names its paths; which of them, the product's driver knows.
    """
    payload, format_ = report.payload, report.content_format
    if report.path != OPAQUE_UPLINK:
        return payload, (paths.text(report.path), format_)
    if format_ not in (None, content.OPAQUE, content.TEXT):
        try:
            shells = decode(payload, format_, OPAQUE_UPLINK, definitions().type)
        except WireError:
            shells = []
        inside = [item.value for item in shells if isinstance(item.value, bytes)]
        if len(inside) == 1:
            payload = inside[0]
    return payload, ("/", content.SENML_JSON if payload[:1] == b"[" else content.SENML_CBOR)

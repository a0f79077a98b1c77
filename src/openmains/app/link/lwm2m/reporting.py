# SPDX-License-Identifier: Apache-2.0
"""Reports by whatever way LwM2M and CoAP have: POST, Notify, Send, object 19.

    Report, POST /r → Reports → (durable) → answer

What a way adds is taken off here, so that the pipeline sees one thing: a maker's frame in object 19 loses its TLV or SenML
shell (``pipe.py``); resources keep their path and content format (``drivers.lwm2m.envelope``).
"""

from typing import NamedTuple

from openmains.app.command.sent_frames import DELIVERED, LOST, SENT
from openmains.app.ingest.edge.admission import About
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.answers import NOT_ACCEPTABLE, TEXT, Response, accepts, of_receipt, of_refusal
from openmains.app.link.down_log import ACK, DownLog
from openmains.app.link.lwm2m.clock_setting import ClockSetting
from openmains.app.link.lwm2m.pipe import OPAQUE_DOWNLINK, FramePipe, unwrapped, write_down
from openmains.app.link.ports import Clock, Link, Terminal
from openmains.app.link.reports import Receipt, Reports
from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Exchange, Request
from openmains.wire.coap.message import Code, Method
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m import events as lwm2m
from openmains.wire.lwm2m.server import Server

CHANNEL_COAP, CHANNEL_LWM2M = "coaps", "lwm2m"


class TimeAnswer(NamedTuple):
    """An answer that goes down as a write of its own, to which report; the tag of that write."""

    uplink: Uplink
    payload: bytes


class Reporting:
    """One for each link with LwM2M."""

    def __init__(
        self, *, server: Server, link: Link, clock: Clock, reports: Reports, down_log: DownLog, clocks: ClockSetting
    ) -> None:
        self._down_log = down_log
        self._server = server
        self._link = link
        self._clock = clock
        self._reports = reports
        self._clocks = clocks
        self.other_names = 0

    def reported(self, report: lwm2m.Report, terminal: Terminal, now: float) -> None:
        """Something of LwM2M."""
        payload, about = unwrapped(report)
        place = "dp" if report.kind == "send" else "/".join(map(str, report.path))
        if report.content_format not in (None, content.OPAQUE):
            place = f"{place};ct={report.content_format}"

        def stored(receipt: Receipt) -> None:
            self._stored(report, receipt)
            if receipt.uplink is not None:
                self._clocks.look(terminal, receipt.uplink)

        refusal = self._reports.admit(terminal, payload, CHANNEL_LWM2M, place, about, stored)
        if refusal is not None:
            response = of_refusal(refusal)
            self._server.respond(report, response.code, response.payload, now=now)

    def _stored(self, report: lwm2m.Report, receipt: Receipt) -> None:
        now = self._clock.time()
        response = of_receipt(receipt)
        if response.code != Code.CHANGED or (isinstance(report.exchange, Exchange) and report.kind != "send"):
            self._server.respond(report, response.code, response.payload, now=now)
            self._log(receipt)
        else:
            self._server.respond(report, response.code, now=now)
            if response.payload and report.registration.has(OPAQUE_DOWNLINK):
                # An acknowledged notification has no room for an answer: the time goes down as the operators do it.
                what = write_down(response.payload)
                what.tag = None if receipt.uplink is None else TimeAnswer(receipt.uplink, response.payload)
                self._server.submit(report.link, what, now)
        self._link.transmit_soon()

    def requested(self, request: Request, terminal: Terminal, now: float) -> None:
        """A resource that is none of LwM2M's: ``POST /r``."""
        path = request.path if request.path[-1:] != ("",) else request.path[:-1]  # POST /r/ is POST /r
        if path[:1] != ("r",) or len(path) > 2:
            self._server.answer(request, Code.NOT_FOUND, b"POST /r", (TEXT,), now=now)
        elif request.method != Method.POST:
            self._server.answer(request, Code.METHOD_NOT_ALLOWED, b"use POST", (TEXT,), now=now)
        elif not accepts(request.options):
            self._respond(request, NOT_ACCEPTABLE, now)
        elif len(path) == 2 and path[1] != terminal.text:
            self.other_names += 1
            self._server.answer(request, Code.FORBIDDEN, b"not your IMEI", (TEXT,), now=now)
        else:
            about: About = "/", opt.get_uint(request.options, opt.CONTENT_FORMAT)

            def posted(receipt: Receipt) -> None:
                self._posted(request, receipt)
                if receipt.uplink is not None:
                    self._clocks.look(terminal, receipt.uplink)

            refusal = self._reports.admit(terminal, request.payload, CHANNEL_COAP, "r", about, posted)
            if refusal is not None:
                self._respond(request, of_refusal(refusal), now)

    def _posted(self, request: Request, receipt: Receipt) -> None:
        self._respond(request, of_receipt(receipt), self._clock.time())
        self._log(receipt)
        self._link.transmit_soon()

    def _log(self, receipt: Receipt) -> None:
        """An answer that rode in the acknowledgement."""
        if receipt.uplink is not None and receipt.answer:
            self._down_log.answered(receipt.uplink, ACK, SENT, receipt.answer)

    def ended(self, answer: TimeAnswer, *, delivered: bool) -> None:
        """What became of an answer that went down as a write."""
        outcome = DELIVERED if delivered else LOST
        self._down_log.answered(answer.uplink, FramePipe.place, outcome, answer.payload, CHANNEL_LWM2M)

    def _respond(self, request: Request, response: Response, now: float) -> None:
        self._server.answer(request, response.code, response.payload, response.options, now=now)

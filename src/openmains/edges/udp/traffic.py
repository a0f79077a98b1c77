# SPDX-License-Identifier: Apache-2.0
"""What meters say on their sessions: registrations, reports by whatever way, answers to commands.

    datagram → wire.lwm2m ─ Report, POST /r ─→ Reception → Batcher → (durable) → answer
                          ─ RegisterWanted ──→ name and SIM checked, storms spread → 2.01
                          ─ Done, Failed ────→ Downlinks

Whose words they are was settled by the session's key; a name in the message may only agree with it.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from openmains.app.accept.batcher import Batcher
from openmains.app.accept.reception import MAX_PAYLOAD, Accepted, Reception, Refusal
from openmains.domain.fleet.endpoint_name import EndpointName, parse_endpoint_name
from openmains.edges.udp.terminals import SessionStore, Terminal
from openmains.wire.coap import options as opt
from openmains.wire.coap.endpoint import Pong
from openmains.wire.coap.exchange import Exchange, Request
from openmains.wire.coap.message import Code, Method, Option
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m import events as lwm2m
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.registration import Registration
from openmains.wire.lwm2m.server import Server

log = logging.getLogger("openmains.edge")
CHANNEL_COAP, CHANNEL_LWM2M = "coaps", "lwm2m"
OPAQUE_UPLINK: Path = (19, 0, 0)
OPAQUE_DOWNLINK: Path = (19, 1, 0)
BUSY_S, SLOW_DOWN_S = 60, 300
TEXT: tuple[Option, ...] = ((opt.CONTENT_FORMAT, b""),)
CODES = {
    Refusal.NOT_AN_IMEI: Code.FORBIDDEN,
    Refusal.UNKNOWN_METER: Code.NOT_FOUND,
    Refusal.EMPTY: Code.BAD_REQUEST,
    Refusal.TOO_LARGE: Code.REQUEST_ENTITY_TOO_LARGE,
    Refusal.TOO_MANY: Code.TOO_MANY_REQUESTS,
    Refusal.BUSY: Code.SERVICE_UNAVAILABLE,
}


class Registrar(Protocol):
    """Decides about a registration (app/access)."""

    def register(self, imei: int, host: str, name: EndpointName, now: float) -> int:
        """0: it may register; else the seconds after which it may ask again."""
        ...


class Answers(Protocol):
    """Who waits for what meters answer to operations."""

    def done(self, event: lwm2m.Done | lwm2m.Failed, now: float) -> None: ...
    def proved(self, terminal: Terminal, now: float) -> None:
        """The meter answered from its newest address."""
        ...


class Traffic:
    """One for each secure edge."""

    def __init__(
        self,
        *,
        seed: int,
        unix_s: float,
        node: int,
        reception: Reception,
        batcher: Batcher,
        store: SessionStore,
        registrar: Registrar,
        terminal_of: Callable[[bytes], Terminal | None],
        unknown: Callable[[str, str], None],
        flush: Callable[[], None],
        clock: Callable[[], float],
        now_us: Callable[[], int],
    ) -> None:
        self.server = Server(seed=seed, unix_s=unix_s)
        self._node = node
        self._reception = reception
        self._batcher = batcher
        self._store = store
        self._registrar = registrar
        self._terminal_of = terminal_of
        self._unknown = unknown
        self._flush = flush
        self._clock = clock
        self._now_us = now_us
        self._answers: Answers | None = None
        self._counts: dict[str, int] = {}

    def listen(self, answers: Answers) -> None:
        """Tell ``answers`` what comes back."""
        self._answers = answers

    @property
    def counters(self) -> dict[str, int]:
        """What happened here, by name."""
        serving, asking = self.server.coap_counters
        return (
            {f"secure.coap.{name.replace(' ', '_')}": value for name, value in serving.items()}
            | {f"secure.asked.{name.replace(' ', '_')}": value for name, value in asking.items()}
            | {f"lwm2m.{name.replace(' ', '_')}": value for name, value in self.server.counters.items()}
            | self._counts
        )

    # --- what the edge below calls ---

    def receive(self, terminal: Terminal, data: bytes, now: float) -> None:
        """Application data of a meter."""
        for event in self.server.receive(data, terminal.session.cid, now):
            self._on_event(event, terminal, now)

    def restore(self, terminal: Terminal, registration: bytes, now: float) -> None:
        """A meter came back from the store, or made a new session: its registration goes on."""
        try:
            self.server.restore(terminal.session.cid, Registration.load(registration), now)
        except WireError:
            self._count("lwm2m.registration_unreadable")  # it hears 4.04 and registers again

    def leave(self, terminal: Terminal, now: float) -> None:
        """It left memory."""
        self.server.forget(terminal.session.cid, now)

    def datagrams(self) -> list[tuple[bytes, bytes]]:
        """(Connection ID, application data) to send."""
        return self.server.datagrams()  # type: ignore[return-value]  # links are Connection IDs here

    def next_timer(self) -> float | None:
        """See ``wire.lwm2m``."""
        return self.server.next_timer()

    def handle_timer(self, now: float) -> None:
        """See ``wire.lwm2m``."""
        for event in self.server.handle_timer(now):
            self._on_event(event, None, now)

    # --- events ---

    def _on_event(self, event: lwm2m.Event, terminal: Terminal | None, now: float) -> None:
        match event:
            case lwm2m.Report():
                if terminal is not None:
                    self._on_report(event, terminal, now)
            case Request():
                if terminal is not None:
                    self._on_request(event, terminal, now)
            case lwm2m.RegisterWanted():
                if terminal is not None:
                    self._on_register(event, terminal, now)
            case lwm2m.Updated(link, registration, _) | lwm2m.ObservationEnded(link, registration, _, _):
                self._store.register(_cid(link), registration.dump())
            case lwm2m.Deregistered(link, _, _):
                self._store.register(_cid(link), None)
            case lwm2m.BootstrapWanted():
                self.server.refuse(event, Code.NOT_FOUND, now)
            case Pong():
                if terminal is not None and self._answers is not None:
                    self._answers.proved(terminal, now)
            case lwm2m.Done():
                self._on_done(event, now)
            case lwm2m.Failed():
                if self._answers is not None and event.operation.tag is not None:
                    self._answers.done(event, now)
            case _:
                pass

    def _on_register(self, wanted: lwm2m.RegisterWanted, terminal: Terminal, now: float) -> None:
        name = parse_endpoint_name(wanted.endpoint) if wanted.endpoint else EndpointName(terminal.text)
        if name is None or name.imei != terminal.text:
            self._count("lwm2m.refused.endpoint")
            text = f"endpoint must name the IMEI {terminal.text}".encode()
            self.server.refuse(wanted, Code.BAD_REQUEST, now, text=text)
            return
        wait_s = self._registrar.register(terminal.imei, terminal.address[0], name, now)
        if wait_s:
            self._count("lwm2m.refused.busy")
            self.server.refuse(wanted, Code.SERVICE_UNAVAILABLE, now, max_age_s=wait_s)
            return
        registration = self.server.accept(wanted, now)
        self._count("lwm2m.registered")
        self._store.register(terminal.session.cid, registration.dump())
        for path in self._worth_observing(registration):
            self.server.submit(terminal.session.cid, operation.observe(path), now)

    def _worth_observing(self, registration: Registration) -> list[Path]:
        """The operators' uplink, and the objects that meters report as standard."""
        paths: list[Path] = [OPAQUE_UPLINK] if registration.has(OPAQUE_UPLINK) else []
        return paths + [(object_id, 0) for object_id in (3423, 3424) if registration.has((object_id, 0))]

    def _on_done(self, event: lwm2m.Done, now: float) -> None:
        if event.observed:
            registration = self.server.registration(event.operation.link)
            if registration is not None:
                self._store.register(_cid(event.operation.link), registration.dump())
        if self._answers is None:
            return
        terminal = self._terminal_of(_cid(event.operation.link))
        if terminal is not None:
            self._answers.proved(terminal, now)  # an answer to what we sent there alone
        if event.operation.tag is not None:
            self._answers.done(event, now)

    # --- reports ---

    def _on_report(self, report: lwm2m.Report, terminal: Terminal, now: float) -> None:
        place = "dp" if report.kind == "send" else "/".join(map(str, report.path))
        if report.content_format not in (None, content.OPAQUE):
            place = f"{place};ct={report.content_format}"
        found = self._judge(terminal, report.payload, CHANNEL_LWM2M, place)
        if isinstance(found, Refusal):
            self.server.respond(report, CODES[found], found.value.encode(), now=now)
        else:
            self._batcher.add(found.uplink, lambda confirmed: self._reported(report, found, confirmed))

    def _reported(self, report: lwm2m.Report, accepted: Accepted, confirmed: bool) -> None:
        now = self._clock()
        if not confirmed:
            self.server.respond(report, Code.SERVICE_UNAVAILABLE, now=now)
        elif accepted.uplink.fault:
            text = f"malformed: {accepted.uplink.fault}".encode()
            self.server.respond(report, Code.BAD_REQUEST, text, now=now)
        else:
            body = self._reception.answer(accepted, self._now_us() // 1_000_000)
            by_request = isinstance(report.exchange, Exchange) and report.kind != "send"
            self.server.respond(report, Code.CHANGED, body if by_request else b"", now=now)
            if body and not by_request and report.registration.has(OPAQUE_DOWNLINK):
                # An acknowledged notification has no room for an answer: the time goes down as the operators do it.
                down = operation.write(OPAQUE_DOWNLINK, body, content.OPAQUE)
                self.server.submit(report.link, down, now)
        self._flush()

    def _on_request(self, request: Request, terminal: Terminal, now: float) -> None:
        path = request.path
        if path[:1] != ("r",) or len(path) > 2:
            self.server.answer(request, Code.NOT_FOUND, b"POST /r", TEXT, now=now)
        elif request.method != Method.POST:
            self.server.answer(request, Code.METHOD_NOT_ALLOWED, b"use POST", TEXT, now=now)
        elif len(path) == 2 and path[1] != terminal.text:
            self._count("refused.other_name")
            self.server.answer(request, Code.FORBIDDEN, b"not your IMEI", TEXT, now=now)
        else:
            found = self._judge(terminal, request.payload, CHANNEL_COAP, "r")
            if isinstance(found, Refusal):
                self._refuse(request, found, now)
            else:
                self._batcher.add(found.uplink, lambda confirmed: self._posted(request, found, confirmed))

    def _posted(self, request: Request, accepted: Accepted, confirmed: bool) -> None:
        now = self._clock()
        if not confirmed:
            wait: tuple[Option, ...] = ((opt.MAX_AGE, opt.uint(BUSY_S)),)
            self.server.answer(request, Code.SERVICE_UNAVAILABLE, b"", wait, now=now)
        elif accepted.uplink.fault:
            text = f"malformed: {accepted.uplink.fault}".encode()
            self.server.answer(request, Code.BAD_REQUEST, text, TEXT, now=now)
        else:
            body = self._reception.answer(accepted, self._now_us() // 1_000_000)
            self.server.answer(request, Code.CHANGED, body, now=now)
        self._flush()

    def _judge(self, terminal: Terminal, payload: bytes, channel: str, place: str) -> Accepted | Refusal:
        if self._batcher.full:
            return Refusal.BUSY
        found = self._reception.take(terminal.text, payload, channel, place, self._now_us(), self._node)
        if found is Refusal.UNKNOWN_METER:
            self._unknown(terminal.text, terminal.address[0])
        return found

    def _refuse(self, request: Request, refusal: Refusal, now: float) -> None:
        options = TEXT
        if refusal is Refusal.TOO_MANY:
            options = (*TEXT, (opt.MAX_AGE, opt.uint(SLOW_DOWN_S)))
        elif refusal is Refusal.BUSY:
            options = (*TEXT, (opt.MAX_AGE, opt.uint(BUSY_S)))
        elif refusal is Refusal.TOO_LARGE:
            options = (*TEXT, (opt.SIZE1, opt.uint(MAX_PAYLOAD)))
        self.server.answer(request, CODES[refusal], refusal.value.encode(), options, now=now)

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1


def _cid(link: object) -> bytes:
    """Links of this server are Connection IDs."""
    assert isinstance(link, bytes)  # noqa: S101 - by construction
    return link

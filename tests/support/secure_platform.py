# SPDX-License-Identifier: Apache-2.0
"""A small platform on a real socket: the DTLS and LwM2M servers of this project, no engines. For the emulator's tests."""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from openmains.drivers.model import Driver
from openmains.wire.coap.exchange import Request
from openmains.wire.dtls import events as dtls
from openmains.wire.dtls.server import Server
from openmains.wire.dtls.session import Session
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m import events as lwm2m
from openmains.wire.lwm2m.server import Server as Lwm2mServer

DOWNLINK = (19, 1, 0)


class SecurePlatform:
    """Takes registrations and reports of the meters whose keys it knows. ``reports``: (identity, way, payload) as they
    came; ``answer``: payload → body of the answer."""

    def __init__(self, psks: Mapping[str, bytes], driver: Driver | None, clock: Callable[[], int]) -> None:
        self.reports: list[tuple[str, str, bytes]] = []
        self.counters: Counter[str] = Counter()
        self.endpoints: set[str] = set()
        self.addresses: dict[str, set[Any]] = {}
        self._psks, self._driver, self._clock = psks, driver, clock
        self._loop = asyncio.get_running_loop()
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.address: tuple[str, int] = self._sock.getsockname()
        self._dtls = Server(node=1, secret=os.urandom(32), random=os.urandom, load=lambda cid: None, weak=True)
        self._lwm2m = Lwm2mServer(seed=7)
        self._sessions: dict[bytes, Session] = {}
        self._by_imei: dict[str, bytes] = {}
        self._commands: dict[str, list[operation.Operation]] = {}
        self.done: list[lwm2m.Done] = []
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    @property
    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    def command(self, imei: str, frame: bytes) -> None:
        """To be written to /19/1/0 in the window after the meter's next report."""
        self.ask(imei, operation.write(DOWNLINK, frame, content.OPAQUE))

    def ask(self, imei: str, what: operation.Operation) -> None:
        """The same with any operation; its end stands in ``done``."""
        self._commands.setdefault(imei, []).append(what)

    def _readable(self) -> None:
        now = self._loop.time()
        for _ in range(512):
            try:
                datagram, peer = self._sock.recvfrom(2048)
            except BlockingIOError:
                break
            for event in self._dtls.receive(datagram, peer, now):
                self._on_dtls(event, now)
        self._flush(now)

    def _on_dtls(self, event: dtls.ServerEvent, now: float) -> None:
        match event:
            case dtls.KeyWanted(handshake, identity, _):
                for each in self._dtls.provide_key(handshake, self._psks.get(identity.decode()), now):
                    self._on_dtls(each, now)
            case dtls.Established(session):
                self.counters["handshakes"] += 1
                self._sessions[session.cid] = session
                self._by_imei[session.identity.decode()] = session.cid
                for each in self._dtls.commit(session, now):
                    self._on_dtls(each, now)
            case dtls.Received(session, data, peer, fresh):
                if fresh:
                    self.addresses.setdefault(session.identity.decode(), set()).add(peer)
                for told in self._lwm2m.receive(data, session.cid, now):
                    self._on_lwm2m(told, session, now)
            case _:
                self.counters[type(event).__name__] += 1

    def _on_lwm2m(self, event: Any, session: Session, now: float) -> None:
        imei = session.identity.decode()
        match event:
            case lwm2m.RegisterWanted():
                self.endpoints.add(event.endpoint)
                self._lwm2m.accept(event, now)
            case lwm2m.Report():
                self.reports.append((imei, event.kind, event.payload))
                self._lwm2m.respond(event, 0x44, self._answer(event.payload), now=now)
                self._say(imei, session.cid, now)
            case Request():
                self.reports.append((imei, "r", event.payload))
                self._lwm2m.answer(event, 0x44, self._answer(event.payload), now=now)
                self._say(imei, session.cid, now)
            case lwm2m.Done():
                self.done.append(event)
            case _:
                self.counters[type(event).__name__] += 1

    def _answer(self, payload: bytes) -> bytes:
        return b"" if self._driver is None else self._driver.answer(payload, self._clock(), 480)

    def _say(self, imei: str, cid: bytes, now: float) -> None:
        for what in self._commands.pop(imei, []):
            self._lwm2m.submit(cid, what, now)

    def _flush(self, now: float) -> None:
        for link, data in self._lwm2m.datagrams():
            session = self._sessions[link]  # type: ignore[index]  # links are connection ids here
            if session.exhausted or session.wants_reservation:
                session.reserve()
                session.reserved_durable()
            if not session.confirmed:
                self._dtls.confirm_address(session, now)
            self._dtls.send(session, data, now)
        for peer, datagram in self._dtls.datagrams():
            self._sock.sendto(datagram, peer)  # type: ignore[arg-type]  # peers are addresses of this socket

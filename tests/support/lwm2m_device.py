# SPDX-License-Identifier: Apache-2.0
"""An LwM2M device made of bytes, for tests of the server alone: it sends what it is told and keeps what it gets."""

from typing import Any

from openmains.wire.coap import options as opt
from openmains.wire.coap.message import ACK, CON, Code, Message, Method, Option, decode, encode
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.events import Done, RegisterWanted
from openmains.wire.lwm2m.registration import Registration
from openmains.wire.lwm2m.server import Server

OBJECTS = b'</>;rt="oma.lwm2m";ct=110,</1/0>,</3/0>,</19/0>,</19/1>,</3424/0>'


class RawDevice:
    """One device on one link of ``server``."""

    def __init__(self, server: Server | None = None, link: str = "link") -> None:
        self.server = Server(seed=3) if server is None else server
        self.link = link
        self.now = 50.0
        self.mid = 100

    def request(
        self,
        method: int,
        path: str,
        payload: bytes = b"",
        content_format: int | None = None,
        query: str = "",
        *,
        kind: int = CON,
        token: bytes = b"\x01",
    ) -> list[Any]:
        self.mid += 1
        options: list[Option] = [(opt.URI_PATH, part.encode()) for part in path.split("/") if part]
        options += [(opt.URI_QUERY, part.encode()) for part in query.split("&") if part]
        if content_format is not None:
            options.append((opt.CONTENT_FORMAT, opt.uint(content_format)))
        return self.raw(encode(Message(kind, method, self.mid, token, options, payload)))

    def raw(self, datagram: bytes) -> list[Any]:
        return list(self.server.receive(datagram, self.link, self.now))

    def got(self) -> list[Message]:
        return [decode(datagram) for link, datagram in self.server.datagrams() if link == self.link]

    def register(self, query: str = "ep=urn:imei:861234567890123&lt=3600&lwm2m=1.1&b=U") -> Registration:
        (wanted,) = self.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, query)
        assert isinstance(wanted, RegisterWanted)
        registration = self.server.accept(wanted, self.now)
        (answer,) = self.got()
        assert answer.code == Code.CREATED
        assert [value.decode() for number, value in answer.options if number == opt.LOCATION_PATH] == [
            "rd",
            registration.location,
        ]
        return registration

    def answer(self, request: Message, code: int, payload: bytes = b"", options: Any = ()) -> list[Any]:
        return self.raw(encode(Message(ACK, code, request.mid, request.token, options, payload)))

    def observed(self, path: tuple[int, ...] = (19, 0, 0)) -> Message:
        self.server.submit(self.link, operation.observe(path), self.now)
        (asked,) = self.got()
        (done,) = self.answer(asked, Code.CONTENT, b"first", [(opt.OBSERVE, b"\x01")])
        assert isinstance(done, Done) and done.observed
        return asked

    def notify(self, asked: Message, sequence: int, payload: bytes, kind: int = CON, mid: int = 0) -> list[Any]:
        self.mid += 1
        options = [(opt.OBSERVE, opt.uint(sequence)), (opt.CONTENT_FORMAT, opt.uint(content.OPAQUE))]
        return self.raw(encode(Message(kind, Code.CONTENT, mid or self.mid, asked.token, options, payload)))

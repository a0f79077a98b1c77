# SPDX-License-Identifier: Apache-2.0
"""How many reports a second one core takes over registered links, without sockets: ``python -m openmains.bench.core.lwm2m``.

Each report is a confirmable POST of 150 bytes to /19/0/0 over one of 10,000 registered links, received and answered
2.04 with 8 bytes; then the same as confirmable notifications of an observed /19/0/0, acknowledged. Prints one JSON
object; ``*_per_core`` are reports by CPU second, ``registration_bytes`` the size of a stored registration, and
``link_memory_bytes`` what a registered link costs in memory.
"""

import json
import time
import tracemalloc

from openmains.wire.coap.message import ACK, CON, Code, Message, Method, decode, encode
from openmains.wire.coap.options import CONTENT_FORMAT, OBSERVE, URI_PATH, uint
from openmains.wire.lwm2m import operation
from openmains.wire.lwm2m.events import Report
from openmains.wire.lwm2m.registration import Registration, parse_offer
from openmains.wire.lwm2m.server import Server

LINKS = 10_000
REPORTS = 60_000
OBJECTS = b'</>;rt="oma.lwm2m";ct=112,</1/0>,</3/0>,</4/0>,</5/0>,</19/0>,</19/1>,</3424/0>'
FRAME = bytes(150)


def main() -> None:
    tracemalloc.start()
    server = Server(seed=1)
    before = tracemalloc.get_traced_memory()[0]
    registrations = [
        Registration(f"{number:x}", f"urn:imei:{861234567000000 + number}", offer=parse_offer(OBJECTS, 256))
        for number in range(LINKS)
    ]
    for number, registration in enumerate(registrations):
        server.restore(number, registration, 0.0)
    memory = (tracemalloc.get_traced_memory()[0] - before) / LINKS
    tracemalloc.stop()

    options = [(URI_PATH, b"19"), (URI_PATH, b"0"), (URI_PATH, b"0"), (CONTENT_FORMAT, b"\x2a")]
    posts = [
        encode(Message(CON, Method.POST, number & 0xFFFF, number.to_bytes(4, "big"), options, FRAME))
        for number in range(REPORTS)
    ]
    posted = run(server, posts, 1.0)

    tokens: list[bytes] = []
    for number in range(LINKS):
        server.submit(number, operation.observe((19, 0, 0)), 1000.0)
        ((_, asked),) = server.datagrams()
        request = decode(asked)
        tokens.append(request.token)
        server.receive(
            encode(Message(ACK, Code.CONTENT, request.mid, request.token, [(OBSERVE, b"")], b"")), number, 1000.0
        )
    notifications = [
        encode(
            Message(
                CON,
                Code.CONTENT,
                number & 0xFFFF,
                tokens[number % LINKS],
                [(OBSERVE, uint(1 + number // LINKS)), (CONTENT_FORMAT, b"\x2a")],
                FRAME,
            )
        )
        for number in range(REPORTS)
    ]
    notified = run(server, notifications, 2000.0)
    print(
        json.dumps(
            {
                "posts_per_core": round(posted),
                "notifications_per_core": round(notified),
                "registration_bytes": len(registrations[0].dump()),
                "link_memory_bytes": round(memory),
            }
        )
    )


def run(server: Server, datagrams: list[bytes], now: float) -> float:
    """Reports by CPU second."""
    answered = 0
    began = time.process_time()
    for number, datagram in enumerate(datagrams):
        for event in server.receive(datagram, number % LINKS, now):
            if isinstance(event, Report):
                server.respond(event, Code.CHANGED, b"12345678", now=now)
        if number % 100 == 99:
            answered += len(server.datagrams())
    answered += len(server.datagrams())
    spent = time.process_time() - began
    if answered != len(datagrams):
        raise SystemExit(f"{answered} answers to {len(datagrams)} reports")
    return len(datagrams) / spent


if __name__ == "__main__":
    main()

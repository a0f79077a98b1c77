# SPDX-License-Identifier: Apache-2.0
"""What one core does with DTLS: ``python -m openmains.bench.core.dtls_core [--seconds 2]``.

Datagrams a second through a whole server, without sockets: records of known sessions opened (``receive`` to event), records
made (``send`` to datagram), handshakes (both flights, cookie included, of a client that was prepared beforehand and is
not counted), and hellos without cookie answered. One JSON line; times are CPU seconds of this process.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from random import Random

from openmains.wire.dtls.client import Client
from openmains.wire.dtls.events import Established, KeyWanted
from openmains.wire.dtls.server import Server
from openmains.wire.dtls.session import Session
from openmains.wire.dtls.suites import SUITES

PSK = bytes(range(16))
REPORT = bytes(150)  # a daily report with its CoAP header
BATCH = 500  # handshakes in step: reading the clock costs more than a record on some machines
Address = tuple[str, int]


class Bench:
    """One server and its chance."""

    def __init__(self, seed: int = 1) -> None:
        self.random = Random(seed)  # noqa: S311 – repeatable is the point
        self.server = Server(node=1, secret=bytes(32), random=self.random.randbytes, load=lambda _: None)
        self.server_s = 0.0  # CPU seconds spent in the server
        self.sessions: dict[Address, Session] = {}

    def feed(self, datagrams: list[tuple[Address, bytes]]) -> list[tuple[Address, bytes]]:
        """Datagrams to the server, its application answered at once; what it says. The clock is read once for all."""
        server = self.server
        start = time.process_time()
        for peer, datagram in datagrams:
            events = server.receive(datagram, peer, 0.0)
            while events:
                event = events.pop()
                if isinstance(event, KeyWanted):
                    events += server.provide_key(event.handshake, PSK, 0.0)
                elif isinstance(event, Established):
                    self.sessions[peer] = event.session
                    server.commit(event.session, 0.0)
        out = server.datagrams()
        self.server_s += time.process_time() - start
        return out  # type: ignore[return-value]

    def handshakes(self, first: int, count: int, suite: int) -> tuple[Client, Session]:
        """As many clients, each from an address of its own, connect in step; the last of them."""
        clients: dict[Address, Client] = {}
        for number in range(first, first + count):
            peer = (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 40_000)
            client = Client(
                "server", psk=PSK, identity=b"860000000000001", random=self.random.randbytes, suites=(suite,), cid=b""
            )
            client.start(0.0)
            clients[peer] = client
        while sent := [(peer, raw) for peer, client in clients.items() for _, raw in client.datagrams()]:
            for peer, answer in self.feed(sent):
                clients[peer].receive(answer, "server", 0.0)
        return client, self.sessions[peer]


def per_second(action: Callable[[int], None], seconds: float) -> int:
    """How often a CPU second does ``action``."""
    done, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for number in range(done, done + 200):
            action(number)
        done += 200
    return round(done / spent)


def measure(suite: int, seconds: float) -> dict[str, int]:
    """The figures of one suite."""
    bench = Bench()
    server = bench.server
    made = 0
    while bench.server_s < seconds:
        client, session = bench.handshakes(made, BATCH, suite)
        made += BATCH
    handshakes = round(made / bench.server_s)
    peer = session.peer
    count = 60_000
    for _ in range(count):
        client.send(REPORT, 0.0)
    datagrams = [raw for _, raw in client.datagrams()]
    start = time.process_time()
    got = sum(len(server.receive(raw, peer, 0.0)) for raw in datagrams)
    opens = round(count / (time.process_time() - start))
    assert got == count  # noqa: S101

    def seal(_: int) -> None:
        if session.exhausted:
            session.reserve()
            session.reserved_durable()
        server.send(session, REPORT[:20], 0.0)
        server.datagrams()

    return {"handshakes_per_s": handshakes, "opens_per_s": opens, "seals_per_s": per_second(seal, seconds)}


def hellos(seconds: float) -> int:
    """Hellos of strangers, answered with a cookie."""
    bench = Bench()
    client = Client("server", psk=PSK, identity=b"x", random=bench.random.randbytes)
    client.start(0.0)
    hello = client.datagrams()[0][1]

    def one(number: int) -> None:
        bench.server.receive(hello, ("10.0.0.1", number & 0xFFFF), 0.0)
        bench.server.datagrams()

    return per_second(one, seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    seconds = parser.parse_args().seconds
    figures = {suite.name: measure(suite.code, seconds) for suite in SUITES.values()}
    print(json.dumps({"python": platform.python_version(), "hellos_per_s": hellos(seconds), **figures}))


if __name__ == "__main__":
    main()

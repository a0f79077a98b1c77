# SPDX-License-Identifier: Apache-2.0
"""How many reports a second one core answers: our CoAP server against aiocoap, over real loopback sockets.

``python -m openmains.bench.core.coap_vs_aiocoap [--seconds 5]`` prints one JSON object. The server runs in a process of its
own, the load comes from another: confirmable POSTs of 150 bytes to ``/r/<IMEI>``, a window of them outstanding
on each of several sockets, each answered 2.04 with 8 bytes. ``server_cpu`` is the server process's CPU time;
``per_core`` is answers by CPU second of the server, which is the number to compare, as load generator and
server share the machine.

``stack_per_core`` is ours without sockets: receive, respond and datagrams in one process.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import select
import socket
import time
import warnings
from multiprocessing.connection import Connection
from typing import Any, cast

from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import CON, Code, Message, Method, encode
from openmains.wire.coap.options import CONTENT_FORMAT, URI_PATH
from openmains.wire.coap.server import Server

ANSWER = bytes(8)
REPORT = bytes(range(150))


def report(mid: int, token: int) -> bytes:
    options = [(URI_PATH, b"r"), (URI_PATH, b"861234567890123"), (CONTENT_FORMAT, b"\x2a")]
    return encode(Message(CON, Method.POST, mid & 0xFFFF, token.to_bytes(4, "big"), options, REPORT))


def serve_ours(pipe: Connection) -> None:
    """A plain loop that drains the socket; what an edge does without its stream."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    udp.bind(("127.0.0.1", 0))
    udp.setblocking(False)
    pipe.send(udp.getsockname()[1])
    ready = time.process_time()  # starting up is not counted
    server = Server(mid_seed=int.from_bytes(os.urandom(4), "big"))
    while not pipe.poll():
        select.select([udp], [], [], 0.1)
        now = time.monotonic()
        for _ in range(500):
            try:
                datagram, peer = udp.recvfrom(2048)
            except BlockingIOError:
                break
            for event in server.receive(datagram, peer, now):
                if isinstance(event, Request):
                    server.respond(event.exchange, Code.CHANGED, ANSWER, now=now)
        for target, answer in server.datagrams():
            udp.sendto(answer, cast(Any, target))
        timer = server.next_timer()
        if timer is not None and timer <= now:
            server.handle_timer(now)
    pipe.send(time.process_time() - ready)


def serve_aiocoap(pipe: Connection) -> None:
    """aiocoap as its documentation shows it: a site with one resource below /r."""
    import aiocoap  # type: ignore[import-untyped]

    warnings.simplefilter("ignore", RuntimeWarning)  # of requests that it drops when it is ended under load
    from aiocoap import resource

    class Reports(resource.Resource, resource.PathCapable):  # type: ignore[misc]
        async def render_post(self, request: Any) -> Any:
            return aiocoap.Message(code=aiocoap.CHANGED, payload=ANSWER)

    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        site = resource.Site()
        site.add_resource(["r"], Reports())
        context = await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", port))
        pipe.send(port)
        ready = time.process_time()
        while not pipe.poll():
            await asyncio.sleep(0.1)
        pipe.send(time.process_time() - ready)
        await context.shutdown()

    asyncio.run(main())


def load(port: int, seconds: float, sockets: int, window: int) -> tuple[int, float]:
    """Answers received, and the seconds that it took. What a socket waits for longer than 0.2 s counts as lost."""
    udps = []
    for _ in range(sockets):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.connect(("127.0.0.1", port))
        udp.setblocking(False)
        udps.append(udp)
    serials = dict.fromkeys(udps, 0)
    outstanding = dict.fromkeys(udps, 0)
    heard = dict.fromkeys(udps, 0.0)
    answers = 0
    start = time.monotonic()
    while (now := time.monotonic()) < start + seconds:
        for udp in udps:
            if outstanding[udp] and now > heard[udp] + 0.2:
                outstanding[udp] = 0
            if outstanding[udp] == 0:
                heard[udp] = now
            while outstanding[udp] < window:
                serials[udp] += 1
                outstanding[udp] += 1
                udp.send(report(serials[udp], serials[udp]))
        readable, _, _ = select.select(udps, [], [], 0.2)
        for udp in readable:
            heard[udp] = now
            while True:
                try:
                    answer = udp.recv(2048)
                except BlockingIOError:
                    break
                answers += answer[1] == Code.CHANGED
                outstanding[udp] -= 1
    for udp in udps:
        udp.close()
    return answers, now - start


def measure(target: Any, seconds: float, sockets: int, window: int) -> dict[str, float]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(theirs,))
    process.start()
    port = ours.recv()
    answers, elapsed = load(port, seconds, sockets, window)
    ours.send("stop")
    cpu = ours.recv()
    process.join(10)
    return {
        "answers_per_s": round(answers / elapsed),
        "server_cpu_s": round(cpu, 2),
        "per_core": round(answers / cpu),
        "seconds": round(elapsed, 1),
    }


def stack_alone(count: int) -> int:
    """Requests a CPU second through receive, respond and datagrams, 1,000 peers, no socket."""
    server = Server(mid_seed=1)
    peers = [("192.0.2.1", port) for port in range(1000)]
    reports = [report(serial // 1000, serial) for serial in range(50_000)]
    done = 0
    start = time.process_time()
    for serial in range(count):
        now = serial / 10_000
        for event in server.receive(reports[serial % 50_000], peers[serial % 1000], now + serial // 50_000 * 300):
            if isinstance(event, Request):
                server.respond(event.exchange, Code.CHANGED, ANSWER, now=now)
        if serial % 100 == 0:
            done += len(server.datagrams())
            server.next_timer()
    done += len(server.datagrams())
    assert done == count  # noqa: S101 – a figure of unanswered requests would be a lie
    return round(count / (time.process_time() - start))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--sockets", type=int, default=16)
    parser.add_argument("--window", type=int, default=4)
    chosen = parser.parse_args()
    shape = (chosen.seconds, chosen.sockets, chosen.window)
    result = {
        "openmains": measure(serve_ours, *shape),
        "aiocoap": measure(serve_aiocoap, *shape),
        "openmains_stack_per_core": stack_alone(200_000),
        "python": platform.python_version(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - rows of tables, in two languages
"""libcoap's ``coap-client`` over whatever TLS library it was built with: reports by POST, its own blocks, its own repetitions."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.found import Case, Client
from tests.peers.place import OBJECTS, CannotDo, Failed, Meter, Place
from tests.peers.program import Run
from tests.peers.relay import Relay

GET = "Debian: libcoap3-bin; or built from the libcoap sources with -DDTLS_BACKEND=…"


@contextmanager
def posting(program: str, meter: Meter, port: int, frame: bytes, *more: str) -> Iterator[Run]:
    """``POST /r`` of this frame."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "frame"
        given.write_bytes(frame)
        words = [program, "-v", "7", "-u", meter.name, "-k", meter.key.decode(), "-m", "post", "-f", str(given), *more]
        with Run(*words, f"coaps://127.0.0.1:{port}/r") as run:
            yield run


def acknowledged(run: Run, times: int = 1) -> None:
    """2.04 came so often."""
    run.await_true(lambda output: answers(output) >= times, f"{times} × 2.04")


def answers(output: str) -> int:
    return output.count("c:2.04")


def report(place: Place, program: str) -> None:
    meter = place.meter()
    frame = meter.frame()
    with posting(program, meter, place.system.dtls, frame, "-B", "20") as run:
        acknowledged(run)
    place.arrived(meter, frame)


def report_in_blocks(place: Place, program: str) -> None:
    meter = place.meter()
    frame = meter.frame()
    with posting(program, meter, place.system.dtls, frame, "-B", "20", "-b", "16") as run:
        acknowledged(run)
        if "Block1:1/" not in run.output:
            raise Failed("it did not send blocks")
    place.arrived(meter, frame)


def not_confirmable(place: Place, program: str) -> None:
    meter = place.meter()
    frame = meter.frame()
    with posting(program, meter, place.system.dtls, frame, "-B", "5", "-N") as run:
        run.await_end()
    place.arrived(meter, frame)


def wrong_key(place: Place, program: str) -> None:
    """It hears decrypt_error, and nothing of it is taken."""
    meter = place.meter()
    right, meter.key = meter.key, b"0123456789abcdef"
    before = place.counter("dtls.wrong_key")
    try:
        with posting(program, meter, place.system.dtls, meter.frame(), "-B", "5") as run:
            place.until(lambda: place.counter("dtls.wrong_key") > before, "the edge counts a wrong key")
            if answers(run.output):
                raise Failed("it was let in")
    finally:
        meter.key = right


def registers_by_hand(place: Place, program: str) -> None:
    """What a device of LwM2M 1.2 says, for no LwM2M client of 1.2 is free to have. The program says goodbye when it was answered."""
    meter = place.meter(OBJECTS)
    query = f"ep=urn:imei:{meter.name}&lt=86400&lwm2m=1.2&b=U"
    words = [
        "-v",
        "7",
        "-B",
        "10",
        "-u",
        meter.name,
        "-k",
        meter.key.decode(),
        "-m",
        "post",
        "-t",
        "40",
        "-e",
        "</1/0>,</3/0>,</3424/0>",
    ]
    with Run(program, *words, f"coaps://127.0.0.1:{place.system.dtls}/rd?{query}") as run:
        run.await_true(lambda output: "c:2.01" in output, "2.01")


def outlives_the_edge(place: Place, program: str) -> str:
    """A report a second, the edge killed meanwhile: answered again within the client's own patience, by the same session."""
    meter = place.meter()
    with Relay(place.system.dtls) as relay, posting(
        program, meter, relay.port, meter.frame(), "-B", "90", "-G", "60"
    ) as run:  # fmt: skip
        acknowledged(run, 3)
        place.kill_edge()
        before = answers(run.output)
        acknowledged(run, before + 3)
        return handshakes(relay, before=1)


def handshakes(relay: Relay, *, before: int) -> str:
    """Says how many handshakes it took; Failed when there are more than ``before`` there were."""
    hellos = {datagram[27:59] for datagram in relay.up if datagram[:1] == b"\x16" and datagram[13:14] == b"\x01"}
    if len(hellos) > before:
        raise Failed(f"{len(hellos) - before} more handshakes")
    return ""


def with_cid(place: Place, program: str) -> str | None:
    """Another address before each request."""
    meter = place.meter()
    with Relay(place.system.dtls) as relay, posting(
        program, meter, relay.port, meter.frame(), "-B", "60", "-G", "10", "-d", "1"
    ) as run:  # fmt: skip
        acknowledged(run, 2)
        if not any(datagram[:1] == b"\x19" for datagram in relay.up):
            raise CannotDo("no Connection ID in DTLS 1.2")
        relay.move()
        acknowledged(run, 5)
        place.kill_edge()
        relay.move()
        acknowledged(run, answers(run.output) + 2)
        return handshakes(relay, before=1)


COMMON = (
    Case("握手并上报(确认)", "handshake, report by confirmable POST", report),
    Case("分块上报", "report in blocks of 16 (Block1)", report_in_blocks),
    Case("非确认上报", "report by non-confirmable POST", not_confirmable),
    Case("按 LwM2M 1.2 注册", "registration as LwM2M 1.2", registers_by_hand),
    Case("错误密钥被拒绝", "a wrong key is refused", wrong_key),
    Case("无连接标识:边缘进程被杀后继续,不重新握手", "without Connection ID: goes on after kill -9 of the edge, no handshake", outlives_the_edge),
)  # fmt: skip
CID = Case(
    "连接标识:换地址、边缘进程被杀后继续",
    "Connection ID: goes on from other addresses and after kill -9 of the edge",
    with_cid,
)


def _client(library: str, *programs: str, cid: bool) -> Client:
    cases = (*COMMON, CID) if cid else COMMON
    return Client(f"libcoap ({library})", programs, GET, cases, version_words=("-h",), version_in=r" v(\d+\.\d+\.\d+)")


CLIENTS = (
    _client("OpenSSL", "coap-client-openssl", cid=False),
    _client("GnuTLS", "coap-client-gnutls", cid=False),
    _client("Mbed TLS", "coap-client-mbedtls", cid=True),
    _client("wolfSSL", "coap-client-wolfssl", cid=True),
)

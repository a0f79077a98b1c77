# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - rows of tables, in two languages
"""Mbed TLS's own test client ``ssl_client2``: suites, Connection ID, extended master secret and tickets by its switches.

What it says is text of the web, which is no CoAP: it is answered with a Reset, so that records are shown to open at both ends.
"""

from collections.abc import Callable

from tests.peers.found import Case, Client
from tests.peers.place import FRAMES, WEAK, Failed, Place
from tests.peers.program import Run

SUITES = {
    "AES-128-CCM-8": "TLS-PSK-WITH-AES-128-CCM-8",
    "AES-128-CCM": "TLS-PSK-WITH-AES-128-CCM",
    "AES-128-GCM": "TLS-PSK-WITH-AES-128-GCM-SHA256",
    "AES-128-CBC": "TLS-PSK-WITH-AES-128-CBC-SHA256",
}
CBC = "AES-128-CBC"


def trial(
    suite: str, *more: str, weak: bool = False, said: tuple[str, ...] = (), reads: int = 1
) -> Callable[[Place, str], None]:
    """One run that must end well; ``said``: words that must be in its output, ``reads``: answers it must have read."""

    def run(place: Place, program: str) -> None:
        meter = place.meter(WEAK if weak else FRAMES)
        words = [
            "dtls=1", "server_addr=127.0.0.1", f"server_port={place.system.dtls}", f"psk={meter.key.hex()}", f"psk_identity={meter.name}",
            f"force_ciphersuite={SUITES[suite]}", "read_timeout=5000", "auth_mode=none", *more,
        ]  # fmt: skip
        with Run(program, *words) as started:
            for word in (f"Ciphersuite is {SUITES[suite]}", *said):
                started.await_text(word, limit_s=30)
            started.await_text("bytes read", times=reads, limit_s=30)
            if "failed" in started.output:
                raise Failed(next(line.strip() for line in started.output.splitlines() if "failed" in line))

    return run


CID = ("cid=1", "cid_val=a1b2c3d4")
USED = "Use of Connection ID has been negotiated"
CASES = (
    *(Case(f"握手 {suite}", f"handshake with {suite}, records both ways", trial(suite, weak=suite == CBC)) for suite in SUITES),
    *(
        Case(f"连接标识 {suite}", f"Connection ID with {suite}", trial(suite, *CID, weak=suite == CBC, said=(USED,)))
        for suite in SUITES
    ),
    Case("连接标识长度为零", "Connection ID of no length (it has one for us only)", trial("AES-128-CCM-8", "cid=1", said=(USED,))),
    Case("无扩展主密钥(产品允许)", "without extended master secret, allowed by its product", trial("AES-128-CCM-8", "extended_ms=0", weak=True)),
    Case("CBC 不加 EtM", "CBC without encrypt-then-MAC", trial(CBC, "etm=0", weak=True)),
    Case("票据恢复会话", "resumption by ticket", trial("AES-128-CCM-8", "tickets=1", "reconnect=1", reads=2)),
    Case("分片的握手消息", "handshake messages in fragments", trial("AES-128-CCM-8", "mtu=256")),
)  # fmt: skip
CLIENTS = (
    Client(
        "Mbed TLS ssl_client2", ("mbedtls-ssl_client2", "ssl_client2"), "the Mbed TLS sources: cmake -DENABLE_PROGRAMS=ON, target ssl_client2",
        CASES, version_words=("build_version=1",), version_in=r"(\d+\.\d+\.\d+)",
    ),
)  # fmt: skip

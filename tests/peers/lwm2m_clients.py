# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - rows of tables, in two languages
"""LwM2M clients: AVSystem's Anjay (its demo, over Mbed TLS) and Eclipse Wakaama (its client, over tinydtls)."""

import socket

from tests.peers.found import Client
from tests.peers.lwm2m import Device, cases_of
from tests.peers.place import Meter
from tests.peers.program import Run
from tests.support.ports import free_port

_BOTH, _ALONE = "two accounts", "bootstrap account"


def anjay(program: str, meter: Meter, port: int, switches: tuple[str, ...]) -> Run:
    """``-u`` twice: the first is the bootstrap server."""
    own = [word for word in switches if word not in (_BOTH, _ALONE)]
    if len(own) < len(switches):
        own.append("--bootstrap=client-initiated-only")
    servers = ["-u", f"coaps://127.0.0.1:{port}"] * (2 if _BOTH in switches else 1)
    return Run(
        program, "-e", f"urn:imei:{meter.name}", "-s", "psk", "-i", meter.name.encode().hex(), "-k", meter.key.hex(), "-l", "86400",
        *own, *servers,
    )  # fmt: skip


def wakaama(program: str, meter: Meter, port: int, switches: tuple[str, ...]) -> Run:
    return Run(
        program, "-4", "-h", "127.0.0.1", "-p", str(port), "-l", str(free_port(socket.SOCK_DGRAM)), "-n", f"urn:imei:{meter.name}",
        "-i", meter.name, "-s", meter.key.hex(), "-t", "3000", *switches,
    )  # fmt: skip


ANJAY = Device(
    anjay, update="send-update", alive="/3/0/13", send="send 1 /3/0/9 /3/0/13", bootstrap=(_ALONE,), both=(_BOTH,), cid=("--use-connection-id",), blocks=("-O", "200", "-I", "400"),
)  # fmt: skip
WAKAAMA = Device(
    wakaama, update="update 0", alive="/3/0/9", change="change /3/0/9 55", send="send 123 /3/0/9 /3/0/13", bootstrap=("-b",), blocks=("-S", "64"),
)  # fmt: skip
_10, _11 = (("-v", number, "-V", number) for number in ("1.0", "1.1"))
CLIENTS = (
    Client(
        "Anjay demo", ("anjay-demo",), "the Anjay sources with Mbed TLS: cmake -DDTLS_BACKEND=mbedtls -DWITH_DEMO=ON; its program demo, named anjay-demo",
        cases_of(
            ANJAY,
            (("1.0", _10), ("1.1", _11)),
            (
                ("1.0 的 TLV 与文本", "TLV and text of 1.0", _10),
                ("1.1 的 SenML CBOR", "SenML CBOR of 1.1", _11),
                ("1.1 优先层次格式(TLV)", "hierarchical formats preferred in 1.1 (TLV)", (*_11, "--prefer-hierarchical-formats")),
            ),
        ),
        version_words=("-e", "nobody", "-u", "coap://127.0.0.1:9"), version_in=r"Initializing Anjay (\d+\.\d+\.\d+)",
    ),
    Client(
        "Wakaama client", ("wakaama-client", "lwm2mclient_tinydtls"), "the Wakaama sources: cmake -S examples/client/tinydtls",
        cases_of(WAKAAMA, (("1.1", ()),), (("1.1", "formats of 1.1", ()),)),
        version_words=("-?",),
    ),
)  # fmt: skip

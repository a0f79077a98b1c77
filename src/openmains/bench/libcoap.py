# SPDX-License-Identifier: Apache-2.0
"""The limit beside our figure: libcoap's server, in C, answers the same requests in the same run.

Each request is the one our edge gets – a meter's daily report by POST, plain CoAP – and is answered from the protocol alone: the
server knows no such resource, decodes no report, stores nothing. What it spends on one is what a report can cost at least. Debian has
the server in ``libcoap3-bin``; where none is on the machine the figure is left out and that is said.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

from openmains.bench.machine import own_seconds

PROGRAMS = ("coap-server-notls", "coap-server", "coap-server-openssl", "coap-server-gnutls")
MISSING = "libcoap's server is not on this machine (Debian: libcoap3-bin): no ratio to it"
SECONDS = 5.0


def program() -> str | None:
    """Path of the server; None where there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def microseconds_per_answer(load: Callable[[tuple[str, int]], dict[str, Any]]) -> float | None:
    """Processor time (µs) of libcoap's server for one answered request; None: no server here, or it answered nothing.

    ``load`` sends to (host, port) and returns the generator's summary with ``codes`` of the answers.
    """
    path = program()
    if path is None:
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603 - a program of the machine, and our own words
        [path, "-A", "127.0.0.1", "-p", str(port), "-v", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port)
        before = own_seconds(server.pid)
        answers = sum(load(("127.0.0.1", port))["codes"].values())
        spent = own_seconds(server.pid) - before
    finally:
        server.terminate()
        server.wait(10)
    return spent / answers * 1e6 if answers and spent else None


def _wait(port: int) -> None:
    """Until it answers an empty confirmable message (CoAP ping) with a Reset."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("127.0.0.1", port))
        probe.settimeout(0.2)
        for mid in range(50):
            try:
                probe.send(bytes([0x40, 0, 0, mid]))
                probe.recv(64)
            except OSError:  # not bound yet: refused, or silence
                time.sleep(0.1)
            else:
                return
    raise RuntimeError("libcoap's server did not answer")

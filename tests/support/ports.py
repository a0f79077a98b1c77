# SPDX-License-Identifier: Apache-2.0
"""Ports for programs that must be told one before they bind it.

Each worker of a test run has a range of its own, below the one from which Linux takes the ports of outgoing connections: so no
other worker and no connection takes the port between this question and the program's answer to it.
"""

import os
import random
import socket
from contextlib import suppress

FIRST, WIDTH = 10_000, 2_500  # four workers; the embedded JetStream chooses from 20,000 up


def free_port(kind: socket.SocketKind) -> int:
    """A port of 127.0.0.1 nobody uses now."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
    ports = range(FIRST + worker * WIDTH, FIRST + (worker + 1) * WIDTH)
    while True:
        port = random.SystemRandom().choice(ports)  # another checkout may test at the same time
        with suppress(OSError), socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", port))
            return port

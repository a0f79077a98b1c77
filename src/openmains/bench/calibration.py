# SPDX-License-Identifier: Apache-2.0
"""How fast this machine is today: ``openmains bench machine``, and one line of every other bench.

Machines differ threefold and shared ones from hour to hour, so a figure without these beside it says little:

- ``aesccm_opens_per_s``: AES-128-CCM-8 records of 200 bytes opened a second by one core (what every report over DTLS costs)
- ``fdatasync_4k_p50_ms``: until 4 kB are on disk, in the folder where the bench keeps its data (what every acknowledgement costs)
- ``aiocoap_per_core``: requests that aiocoap's server answers a processor second; only where it is installed
- ``load``: processes that wanted a core in the minute before
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from openmains.run.messages import text

RECORD = 200
SYNCS = 60
_SLICE_S = 0.25


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of one machine at one moment. None: not measured."""

    cores: int
    load: float
    aesccm_opens_per_s: int
    fdatasync_4k_p50_ms: float
    aiocoap_per_core: int | None = None

    def line(self) -> str:
        """For people."""
        aiocoap = (
            "" if self.aiocoap_per_core is None else f", aiocoap {self.aiocoap_per_core:,} requests a core and second"
        )
        return (
            f"machine: {self.cores} cores, load {self.load:.1f}, AES-CCM {self.aesccm_opens_per_s / 1e6:.2f} M opens/s,"
            f" fdatasync of 4 kB {self.fdatasync_4k_p50_ms:.2f} ms{aiocoap}"
        )


def measure(folder: Path | None = None, *, reference: bool = False) -> Calibration:
    """About a second; ``reference``: aiocoap's server too, four seconds more. ``folder``: on the disk that counts."""
    return Calibration(
        len(os.sched_getaffinity(0)),
        round(os.getloadavg()[0], 2),
        _opens_per_s(),
        _sync_ms(folder),
        _aiocoap_per_core() if reference and find_spec("aiocoap") else None,
    )


def say(*, quiet: bool = False) -> dict[str, object]:
    """Measure, print the line (to nobody where ``quiet``), and the figures for a JSON line."""
    found = measure()
    if not quiet:
        print(found.line(), flush=True)
    return asdict(found)


def _opens_per_s() -> int:
    """The best of four slices: what the core can do when nobody takes it away."""
    cipher, nonce, extra = AESCCM(bytes(16), tag_length=8), bytes(12), bytes(13)
    sealed = cipher.encrypt(nonce, bytes(RECORD), extra)
    best = 0.0
    for _ in range(4):
        count, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < _SLICE_S:
            for _ in range(1000):
                cipher.decrypt(nonce, sealed, extra)
            count += 1000
        best = max(best, count / passed)
    return round(best)


def _sync_ms(folder: Path | None) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        taken = []
        for _ in range(SYNCS):
            file.write(bytes(4096))
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - start)
    return round(statistics.median(taken) * 1000, 3)


def _aiocoap_per_core() -> int:
    from openmains.bench.core.coap_vs_aiocoap import measure as measure_server
    from openmains.bench.core.coap_vs_aiocoap import serve_aiocoap

    return int(measure_server(serve_aiocoap, 4.0, 16, 8)["per_core"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench machine``."""
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace) -> int:
    """``openmains bench machine``."""
    found = measure(reference=True)
    print(found.line(), flush=True)
    if args.json:
        print(json.dumps(asdict(found)), flush=True)
    return 0

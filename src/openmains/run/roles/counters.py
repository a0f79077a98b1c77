# SPDX-License-Identifier: Apache-2.0
"""Each process says once a second what it counted; screens, metrics and the bench listen."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from openmains.edges.nats.stream import Bus

EVERY_S = 1.0


def resident_bytes() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def publish_counters(
    bus: Bus, node: str, counters: Callable[[], dict[str, int]], stop: asyncio.Event, *, process: str = ""
) -> None:
    """Until ``stop``: ``live.counters.<node>`` with pid, start, memory and counters.

    ``node`` is ``<role>-<pid>`` of what counts; ``process`` is the process it runs in where that has another name.
    """
    started_us = time.time_ns() // 1000
    while True:
        said = {
            "process": process or node.partition("-")[0],
            "pid": os.getpid(),
            "started_us": started_us,
            "rss_bytes": resident_bytes(),
            "counters": counters(),
        }
        await bus.publish(f"counters.{node}", json.dumps(said).encode())
        if stop.is_set():
            return
        try:
            await asyncio.wait_for(stop.wait(), EVERY_S)
        except TimeoutError:
            continue

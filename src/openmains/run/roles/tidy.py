# SPDX-License-Identifier: Apache-2.0
"""Gives memory back while little happens.

The core looks for reference cycles rarely (``calm_collector``), because batches come and go; the library that inserts leaves some with
every insert, and what they hold – whole columns – would stay for hours on a box that idles. So once a minute that was idle they are
collected, and what the C library kept for the next burst is returned to the system. After a busy minute nothing is done.
"""

import asyncio
import ctypes
import gc
import time

from openmains.run.roles.process import every

EVERY_S = 60.0
IDLE_SHARE = 0.2  # of a core


def give_back() -> None:
    """Collect and trim; some tens of milliseconds. Where the C library has no ``malloc_trim`` (musl) only the first."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class IdleTidy:
    """``turn`` is called now and then; it gives memory back when this process was idle since the last time."""

    def __init__(self) -> None:
        self._at, self._used = time.monotonic(), time.process_time()

    async def turn(self) -> None:
        """See the class."""
        if self.was_idle(time.monotonic(), time.process_time()):
            give_back()

    def was_idle(self, now_s: float, used_s: float) -> bool:
        """Whether little processor time was used since the last question; ``used_s``: by this process so far."""
        passed, used = now_s - self._at, used_s - self._used
        self._at, self._used = now_s, used_s
        return passed > 0 and used / passed < IDLE_SHARE


async def tidy_while_idle(stop: asyncio.Event) -> None:
    """Until ``stop``."""
    await every(EVERY_S, "memory", IdleTidy().turn, stop)

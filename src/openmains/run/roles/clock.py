# SPDX-License-Identifier: Apache-2.0
"""``app.link.ports.Clock`` of a running event loop."""

import asyncio
from collections.abc import Callable

from openmains.run.roles.process import now_us


class LoopClock:
    """The loop's seconds and timers, and the machine's date; bound once, for each report asks for both."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time: Callable[[], float] = loop.time
        self.unix_us: Callable[[], int] = now_us
        self.call_later: Callable[[float, Callable[[], None]], object] = loop.call_later

# SPDX-License-Identifier: Apache-2.0
"""What is to be done when, in ms of the clock that never goes back."""

import heapq
from collections.abc import Callable

Deed = Callable[[int], None]


class Agenda:
    """Deeds at one instant are done in the order in which they were put."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Deed]] = []
        self._count = 0

    def put(self, at_ms: int, deed: Deed) -> None:
        """``deed(now_ms)`` at this instant or later."""
        self._count += 1
        heapq.heappush(self._heap, (at_ms, self._count, deed))

    def every(self, first_ms: int, pause_ms: int, deed: Deed) -> None:
        """Again and again, ``pause_ms`` after each."""

        def turn(now_ms: int) -> None:
            deed(now_ms)
            self.put(now_ms + pause_ms, turn)

        self.put(first_ms, turn)

    def next(self) -> int | None:
        """When the next is due."""
        return self._heap[0][0] if self._heap else None

    def turn(self, now_ms: int) -> None:
        """All that is due."""
        while self._heap and self._heap[0][0] <= now_ms:
            heapq.heappop(self._heap)[2](now_ms)

# SPDX-License-Identifier: Apache-2.0
"""Token buckets by key in bounded memory: the key not used for the longest time is forgotten first."""

import time
from collections import OrderedDict
from collections.abc import Callable


class Limiter:
    """``rate`` per second with ``burst`` at once."""

    def __init__(
        self, rate: float, burst: int, *, keys: int = 20_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._keys = keys
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """0 and one token taken, or the seconds until there is one."""
        now = self._clock()
        tokens = self._tokens(key, now)
        allowed = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        return self._until_one(tokens)

    def left_s(self, key: str) -> float:
        """The same, and none taken."""
        return self._until_one(self._tokens(key, self._clock()))

    def _tokens(self, key: str, now: float) -> float:
        tokens, at = self._buckets.get(key, (self._burst, now))
        return min(self._burst, tokens + (now - at) * self._rate)

    def _until_one(self, tokens: float) -> float:
        return 0.0 if tokens >= 1.0 else (1.0 - tokens) / self._rate

    def __len__(self) -> int:
        return len(self._buckets)

# SPDX-License-Identifier: Apache-2.0
"""A meter's own clock: it drifts, and the platform's answers set it (R1.13). Whole seconds, true time as the argument."""


class MeterClock:
    """``drift_ppm``: how much it gains on true time."""

    def __init__(self, drift_ppm: int = 0) -> None:
        self._drift_ppm = drift_ppm
        self._ahead_s = self._set_at = 0

    def start(self, now: int, error_s: int) -> None:
        """Power on: it shows true time + ``error_s``."""
        self._ahead_s, self._set_at = error_s, now

    def set(self, time_s: int, now: int) -> None:
        """From now on it shows ``time_s``."""
        self._ahead_s, self._set_at = time_s - now, now

    def device_at(self, now: int) -> int:
        """What it shows at a true instant."""
        return now + self._ahead_s + (now - self._set_at) * self._drift_ppm // 1_000_000

    def true_of(self, device: int) -> int:
        """First true second at which it shows at least ``device``."""
        elapsed = device - self._set_at - self._ahead_s
        return self._set_at - (-elapsed * 1_000_000 // (1_000_000 + self._drift_ppm))

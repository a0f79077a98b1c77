# SPDX-License-Identifier: Apache-2.0
"""Which share of the large datagrams a socket's kernel lets through to us. Pure: counts and time are arguments.

Theory: what is dropped unread costs a process little, yet at four times the load little times three, and the repeats of all who were
dropped, is a good part of a processor. So where much of what was read is dropped all the same, the kernel drops it before it wakes anybody:
by chance, for that treats meters alike, and only what is large (``shedding.py`` says why). The share follows what was worked on, with
``SURPLUS`` above it, so there is always something fresh to work on; and it rises as soon as little is dropped.
"""

EVERY_S = 0.1
SURPLUS = 1.25  # datagrams let through for each that was worked on
MUCH = 0.5  # dropped, for each worked on
LITTLE = 0.1
RISE = 1.5
LEAST_SHARE = 0.01


class Sieve:
    """One for each socket. ``share``: of the large datagrams, over 0 and at most 1."""

    def __init__(self) -> None:
        self.share = 1.0
        self._worked = self._dropped = 0
        self._since = float("-inf")

    def looked(self, worked: int, dropped: int, now: float) -> bool:
        """Large datagrams of one look at the socket, none too; whether ``share`` is another one now. ``now`` never goes back."""
        self._worked += worked
        self._dropped += dropped
        if now - self._since < EVERY_S:
            return False
        worked, dropped = self._worked, self._dropped
        self._since, self._worked, self._dropped = now, 0, 0
        before = self.share
        if dropped > MUCH * worked + 10:  # a few datagrams tell nothing
            self.share = max(LEAST_SHARE, before * max(0.25, SURPLUS * worked / (worked + dropped)))
        elif dropped <= LITTLE * worked:
            self.share = min(1.0, before * RISE)
        return self.share != before

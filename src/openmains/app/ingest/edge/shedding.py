# SPDX-License-Identifier: Apache-2.0
"""What an edge does with more than it can answer, cheapest first. Pure: ages, sizes and time are arguments.

Theory: an answer that comes after its meter's own retransmission (RFC 7252 section 4.8: ACK_TIMEOUT 2 s times 1 to 1.5) is work for
nothing, and makes the next one late too: that is how a queue turns overload into collapse. So

1. while a socket's queue stands, what has waited in it for long is dropped before it is decrypted: its meter sends it again anyway. What is
   answered then is fresh (controlled delay, RFC 8289, by the time spent waiting). A queue stands when looking at it has not emptied it for
   a second. One that was emptied since is none, however long its datagrams have waited: a process that was not run for a moment, on a busy
   machine, can still answer them all;
2. what the pipeline cannot follow (``pace.py``) is refused with 5.03 and Max-Age before it is parsed, which ends it for a minute; but
   refusing costs a fifth of taking, so in a second only ``REFUSED`` are for each report that the pipeline can apply in one; the others are
   dropped before they are decrypted.

Meters are treated alike: nothing depends on who sends. What is small goes before what is large: alarms, answers to commands and
acknowledgements have under ``SMALL`` bytes, a day's report has more, and nothing else tells records apart unopened.
"""

from collections import Counter

from openmains.app.ingest.edge.pace import Pace

REPEATED_S = 3.0  # ACK_TIMEOUT times ACK_RANDOM_FACTOR: its meter has sent it again by then
STANDING_S = 0.25  # the same while the queue stands: leaves the stream and the way back the rest of ACK_TIMEOUT
SMALL_STANDING_S = 2.0
LASTS_S = 1.0  # a queue that was not emptied for so long stands
SMALL = 160  # bytes of a datagram
REFUSED = 0.5  # for each report that the pipeline can apply
MOST_REFUSALS = 2_000.0  # in a row, after a time without any


class Shedding:
    """One for each edge process."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._refusals = MOST_REFUSALS
        self._refilled_at = float("inf")
        self.counters: Counter[str] = Counter()

    def passes(self, size: int, waited_s: float, stood_s: float, now: float) -> bool:
        """Whether a datagram of ``size`` bytes that lay in the socket for ``waited_s`` is looked at. ``stood_s``: since when that
        socket has not been found empty. ``now`` never goes back."""
        if waited_s > STANDING_S:
            limit = REPEATED_S if stood_s <= LASTS_S else SMALL_STANDING_S if size <= SMALL else STANDING_S
            if waited_s > limit:
                self.counters["shed.old"] += 1
                return False
        if size > SMALL and self._refusals < 1.0 and not self._pace.may_take(now) and not self._may_refuse(now):
            self.counters["shed.unread"] += 1
            return False
        return True

    def is_crowded(self, size: int, now: float) -> bool:
        """Whether a message of ``size`` bytes is to be refused, unread where that is possible."""
        return size > SMALL and not self._pace.may_take(now)

    def refused(self) -> None:
        """One was, with 5.03."""
        self._refusals -= 1.0
        self.counters["shed.refused"] += 1

    def taken(self) -> None:
        """A report was taken in."""
        self._pace.take()

    def _may_refuse(self, now: float) -> bool:
        since, self._refilled_at = self._refilled_at, now
        self._refusals = min(self._refusals + REFUSED * self._pace.per_s * max(0.0, now - since), MOST_REFUSALS)
        return self._refusals >= 1.0

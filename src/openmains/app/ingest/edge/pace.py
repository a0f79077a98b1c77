# SPDX-License-Identifier: Apache-2.0
"""How far the pipeline is behind what this edge has stored: the queue between them, bounded in time.

Theory: an edge is faster than the pipeline, so an edge that takes whatever it can answer fills the stream and takes the processors
from whoever empties it. Each batch is noted when it is on disk and struck out when the pipeline's position has passed it. The queue is
too long when its oldest batch is older than ``LATE_S``, or when more waits than the pipeline applies in ``MOST_S`` by its own measure.
Then new reports are taken only against applied ones, fewer than those, so the queue shrinks to its bound whatever is offered; half as
many after an outage of the pipeline: what it left costs nobody a refusal as long as it is worked off twice as fast as new reports come.

An outage is no overload. Where nobody tells a position, or tells it again since less than ``STEADY_S``, the stream takes in what it can
hold, as ever. All instants are this edge's own; time (seconds, any origin) is an argument.
"""

from collections import deque
from collections.abc import Mapping

LATE_S = 4.0  # the pipeline at full speed needs up to two for a batch, and longer where it shares its processors
MOST_S = 4.5  # of work by the measured pace, which lags behind: what a sudden load may add before its age tells
SILENT_S = 5.0  # nothing heard for so long: the pipeline is away, or its stores are
STEADY_S = 5.0  # heard for so long without a gap: its pace is known
REPLACED = 0.2  # reports taken for each applied one while late
AFTER_OUTAGE = 0.5  # the same until the queue that an outage left is back within its bound
MOST_CREDIT = 20_000.0
FEW = 3_000  # reports that may always wait, also when the stores stand still for a moment
GUESSED_PER_S = (
    6_000.0  # before anything was measured: too much is told by its age, too little would refuse what fits for a minute
)
MEASURED_S = 3.0  # over which a pace is measured: batches come in lumps
BUSY_S = 2.0  # a batch waits so long for a pipeline that has more to do than it can: at leisure it lets them gather for half of that
FORGETS = 0.15  # of a better pace, with each word of a pipeline that has enough to do
ANEW = 1_000  # sequences that a stream goes back by: it was made anew, and what was in it is no longer waited for
ASKED_S = 0.01  # in which an edge takes a hundred reports: a bound of thousands need not know of each
MOST_NOTED = 20_000  # notes of a shard; then each two neighbours become one


class _Shard:
    __slots__ = ("heard_at", "since", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, int, float]] = deque()  # (newest sequence, uplinks, oldest stored at)
        self.heard_at = float("-inf")
        self.since = float("inf")  # heard without a gap since

    def is_steered(self, now: float) -> bool:
        return now - self.heard_at <= SILENT_S and now - self.since >= STEADY_S


class Pace:
    """One for each edge process."""

    def __init__(self) -> None:
        self._shards: dict[int, _Shard] = {}
        self._credit = 0.0
        self._after_outage = False
        self._asked_at, self._late = float("-inf"), False
        self._applied: deque[tuple[float, int]] = deque()  # (instant, reports) of the last MEASURED_S
        self._busy_since = float("inf")
        self.per_s = GUESSED_PER_S  # what the pipeline is known to be able to
        self.unapplied = 0

    def stored(self, shard: int, sequence: int, uplinks: int, now: float) -> None:
        """A batch is on disk."""
        kept = self._of(shard).waiting
        if kept and sequence < kept[-1][0]:
            if kept[-1][0] - sequence > ANEW:
                self.unapplied -= sum(reports for _, reports, _ in kept)
                kept.clear()
            else:
                sequence = kept[-1][0]
        kept.append((sequence, uplinks, now))
        if len(kept) >= MOST_NOTED:
            for _ in range(len(kept) // 2):
                (_, some, at), (newest, more, _) = kept.popleft(), kept.popleft()
                kept.append((newest, some + more, at))
        self.unapplied += uplinks

    def heard(self, positions: Mapping[int, int], now: float) -> None:
        """The pipeline has applied these shards up to these sequences. A shard that is not told is not well."""
        late, steered, applied = self._is_late(now), self._is_steered(now), 0
        busy = self.unapplied > FEW and self.behind_s(now) > BUSY_S
        self._busy_since = min(self._busy_since, now) if busy else float("inf")
        for shard, position in positions.items():
            known = self._of(shard)
            if now - known.heard_at > SILENT_S:
                known.since = now
                self._after_outage = self._after_outage or bool(known.waiting)
            known.heard_at = now
            while known.waiting and known.waiting[0][0] <= position:
                applied += known.waiting.popleft()[1]
        self.unapplied -= applied
        self._measure(applied, now)
        self._after_outage = self._after_outage and (late or not steered)
        replaced = (AFTER_OUTAGE if self._after_outage else REPLACED) * applied
        self._credit = min(self._credit + replaced, MOST_CREDIT) if late or not steered else 0.0
        self._asked_at = float("-inf")

    def _measure(self, applied: int, now: float) -> None:
        """A pace at leisure says what came, not what could have: it proves no less than is known, only more."""
        self._applied.append((now, applied))
        while now - self._applied[0][0] >= MEASURED_S:
            self._applied.popleft()
        per_s = sum(reports for _, reports in self._applied) / MEASURED_S
        if per_s > self.per_s:
            self.per_s = per_s
        elif now - self._busy_since >= MEASURED_S:
            self.per_s += FORGETS * (per_s - self.per_s)

    def _is_late(self, now: float) -> bool:
        if self.unapplied <= FEW or not self._is_steered(now):
            return False
        return self.unapplied > MOST_S * self.per_s or self.behind_s(now) > LATE_S

    def _is_steered(self, now: float) -> bool:
        return any(known.is_steered(now) for known in self._shards.values())

    def behind_s(self, now: float) -> float:
        """Age of the oldest batch that waits for a pipeline at work, at its last word; 0: none does. One that is held, or whose word is
        late, makes nothing older."""
        ages = [
            known.heard_at - known.waiting[0][2]
            for known in self._shards.values()
            if known.waiting and known.is_steered(now)
        ]
        return max(ages, default=0.0)

    def may_take(self, now: float) -> bool:
        """Whether another report fits into the queue. Cheap: found out every ``ASKED_S`` and with each word of the pipeline."""
        if now - self._asked_at >= ASKED_S:
            self._asked_at, self._late = now, self._is_late(now)
        return not self._late or self._credit >= 1.0

    def take(self) -> None:
        """One was taken."""
        if self._credit >= 1.0:
            self._credit -= 1.0

    def _of(self, shard: int) -> _Shard:
        known = self._shards.get(shard)
        if known is None:
            known = self._shards[shard] = _Shard()
        return known

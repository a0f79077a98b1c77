# SPDX-License-Identifier: Apache-2.0
"""Alarms do not stand behind a backlog (R3.6, R7.1): what may be an alarm is looked at a second time, before its turn.

Theory: a meter's messages are applied in their order, out of the stream, and that stays so. But after an outage, or behind a night's
reports, an alarm's turn may be minutes away. So an edge tells the pipeline of small messages once they are on disk (``may_be_urgent``);
where the shard has not passed them ``PATIENCE_S`` later, they are worked through on the committed state as if it were their turn, and of
all that this yields only the alarms that are raised are written – where none is open. State, readings, commands and what clears an alarm
wait for their turn; when it comes, the alarm stands there already and is not counted twice. What has its turn while it is worked through is
not raised: the store compares the position in the statement that raises. Lossy by design: what the lane drops is in the stream, and nothing
is lost but time.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.uplink import Uplink

SMALL = 100  # bytes of a payload: alarms have under 60, a day's report has more
PATIENCE_S = 3.0
MOST = 50_000  # that may wait; the oldest make way
BATCH = 2_000


def may_be_urgent(uplinks: Sequence[Uplink]) -> list[Uplink]:
    """Those that may be alarms; whether they are is known when they are decoded."""
    return [uplink for uplink in uplinks if len(uplink.payload) <= SMALL and not uplink.fault]


class FastLane:
    """One for each shard. ``position``: up to which all is applied; ``raise_early`` works some through, each with its position, and returns
    what it raised."""

    def __init__(
        self,
        position: Callable[[], int],
        raise_early: Callable[[Sequence[tuple[int, Uplink]]], Awaitable[Sequence[AlarmChange]]],
        clock: Callable[[], float],
    ) -> None:
        self._position = position
        self._raise_early = raise_early
        self._clock = clock
        self._waiting: deque[tuple[float, int, Uplink]] = deque(maxlen=MOST)
        self.early = 0

    def hear(self, sequence: int, uplinks: Sequence[Uplink]) -> None:
        """These are on disk at a position of the stream."""
        now = self._clock()
        self._waiting.extend((now, sequence, uplink) for uplink in uplinks)

    def forget(self) -> None:
        """The shard is with this process anew: what was heard before is another's, or long applied."""
        self._waiting.clear()

    async def turn(self) -> Sequence[AlarmChange]:
        """Forget what had its turn, work through what has waited too long; the alarms that were raised. Call it once a second."""
        applied, now = self._position(), self._clock()
        late: list[tuple[int, Uplink]] = []
        while self._waiting and len(late) < BATCH:
            heard_at, sequence, uplink = self._waiting[0]
            if sequence > applied:
                if now - heard_at < PATIENCE_S:
                    break
                late.append((sequence, uplink))
            self._waiting.popleft()
        if not late:
            return ()
        raised = await self._raise_early(late)
        self.early += len(raised)
        return raised

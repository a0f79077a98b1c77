# SPDX-License-Identifier: Apache-2.0
"""The queue between an edge and the pipeline is bounded in time, under a virtual clock."""

from openmains.app.ingest.edge.pace import MOST_S, SILENT_S, STEADY_S, Pace

STEP_S, DRAINS = 0.25, 25
CAPACITY = 2_000  # reports a second that the pipeline of these tests applies


class Line:
    """An edge that is offered ``rate`` a second, and a pipeline that applies ``capacity`` of what was taken, a step at a time."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.pace = Pace()
        self.now = 0.0
        self.queue: list[tuple[int, int, float]] = []  # (sequence, reports, stored at)
        self.sequence = self.position = self.taken = self.refused = self.applied = 0
        self.pipeline_works = True
        self.stands = False  # it is there, and gets nowhere
        self.gathers_s = 0.0  # what is younger waits for more to come

    def step(self, rate: float) -> None:
        for _ in range(DRAINS):
            self._drain(rate * STEP_S / DRAINS)
        if self.pipeline_works:
            room = 0.0 if self.stands else self.capacity * STEP_S
            while self.queue and room > 0 and self.queue[0][2] <= self.now - self.gathers_s:
                sequence, waiting, stored_at = self.queue.pop(0)
                done = min(waiting, int(room))
                room -= done
                self.applied += done
                if done < waiting:
                    self.queue.insert(0, (sequence, waiting - done, stored_at))
                else:
                    self.position = sequence
            self.pace.heard({0: self.position}, self.now)

    def _drain(self, offered: float) -> None:
        self.now += STEP_S / DRAINS
        took = 0
        for _ in range(int(offered)):
            if self.pace.may_take(self.now):
                self.pace.take()
                took += 1
            else:
                self.refused += 1
        self.taken += took
        if took:
            self.sequence += 1
            self.queue.append((self.sequence, took, self.now))
            self.pace.stored(0, self.sequence, took, self.now)

    def run(self, seconds: float, rate: float) -> None:
        for _ in range(int(seconds / STEP_S)):
            self.step(rate)


def test_whatever_is_offered_the_pipeline_is_busy_and_its_queue_stays_short() -> None:
    for times in (1, 2, 4, 10):
        line = Line()
        line.run(STEADY_S + 1, 0)
        line.run(60, times * CAPACITY)
        assert line.applied >= 0.95 * 60 * CAPACITY, times
        assert line.taken - line.applied <= (MOST_S + 0.5) * CAPACITY, times
        line.run(MOST_S + 0.5, 0)
        assert line.taken == line.applied, times


def test_nobody_is_refused_while_the_pipeline_follows() -> None:
    line = Line()
    line.run(60, 0.99 * CAPACITY)
    assert (line.refused, line.pace.unapplied) == (0, line.taken - line.applied)


def test_a_night_that_begins_at_once_refuses_nobody_who_fits() -> None:
    line = Line(11_000)
    line.gathers_s = 1.25
    for quiet, busy in ((0.0, 0.99), (0.3, 0.9), (0.6, 0.95)):
        line.run(60, quiet * line.capacity)
        line.run(60, busy * line.capacity)
    assert line.refused == 0


def test_an_outage_is_no_overload_what_waits_is_worked_off_without_refusals() -> None:
    line = Line()
    line.run(20, 0.4 * CAPACITY)
    line.pipeline_works = False
    line.run(600, 0.4 * CAPACITY)
    assert line.refused <= SILENT_S * CAPACITY  # until it is known to be away
    before = line.refused
    line.pipeline_works = True
    line.run(1000, 0.4 * CAPACITY)
    assert (line.refused, line.applied) == (before, line.taken)


def test_a_moment_of_standstill_refuses_nobody() -> None:
    line = Line()
    line.run(20, 200)
    line.stands = True
    line.run(10, 200)
    line.stands = False
    line.run(20, 200)
    assert (line.refused, line.applied) == (0, line.taken)


def test_what_a_pipeline_of_another_start_says_is_no_surprise() -> None:
    pace = Pace()
    pace.heard({0: 10, 7: 3}, 1.0)
    pace.stored(0, 5, 100, 2.0)  # a stream that was made anew counts from one
    pace.heard({0: 10}, 2.25)
    assert (pace.unapplied, pace.behind_s(100.0)) == (0, 0.0)


def test_a_stream_that_was_made_anew_is_not_waited_for() -> None:
    pace = Pace()
    for sequence in (900_000, 900_002, 900_001):  # two were on their way at once
        pace.stored(0, sequence, 5_000, 1.0)
    pace.stored(0, 1, 10, 2.0)
    assert pace.unapplied == 10
    pace.heard({0: 1}, 3.0)
    assert pace.unapplied == 0


def test_memory_is_bounded_and_nothing_is_forgotten() -> None:
    pace = Pace()
    for sequence in range(50_000):
        pace.stored(0, sequence, 2, sequence / 100)
    assert len(pace._shards[0].waiting) < 20_000
    assert pace.unapplied == 100_000
    pace.heard({0: 24_999}, 500.0)
    assert 50_000 <= pace.unapplied < 50_100
    pace.heard({0: 49_999}, 500.0)
    assert pace.unapplied == 0

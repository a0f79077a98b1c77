# SPDX-License-Identifier: Apache-2.0
"""More than can be answered, under a virtual clock: a socket, an edge that needs time for each datagram, and meters that repeat.

The costs have the ratios of a profile: what a datagram costs by what becomes of it.
"""

import heapq
import random

import pytest

from openmains.app.ingest.edge.pace import FEW, STEADY_S, Pace
from openmains.app.ingest.edge.shedding import LASTS_S, MOST_REFUSALS, REFUSED, SMALL, Shedding

TAKEN_S, REFUSED_S, DROPPED_S = 600e-6, 140e-6, 16e-6
CAPACITY = 1 / TAKEN_S
REPORT, ALARM = 262, 118
BUFFER = 3_000


class Town:
    """``rate`` reports a second of ever other meters, ten alarms a second among them; all repeat like RFC 7252 while they hear nothing."""

    def __init__(self, rate: float, seconds: float, applied_per_s: float = float("inf")) -> None:
        self.shedding = Shedding(pace := Pace())
        self.pace = pace
        chance = random.Random(7)  # noqa: S311 - jitter of a model
        comes: list[tuple[float, int, int]] = []  # (instant, meter, try)
        count = int(rate * seconds)
        for meter in range(count):
            heapq.heappush(comes, (STEADY_S + meter / rate, meter, 0))
        self.alarm = {meter for meter in range(count) if meter % max(1, int(rate / 10)) == 0}
        self.answered: dict[int, float] = {}  # meter → seconds since its first try
        self.refused: set[int] = set()
        self.late_answers = 0
        queue: list[tuple[float, int, int]] = []
        now, applied, sequence, told = 0.0, 0, 0, 0.0
        backlog: list[int] = []
        end = STEADY_S + seconds
        stands_since = 0.0
        while now < end:
            if now - told >= 0.25:
                done = min(len(backlog), int(applied_per_s * (now - told)) if applied_per_s < 1e9 else len(backlog))
                applied += done
                del backlog[:done]
                told = now
                pace.heard({0: applied}, now)
            while comes and comes[0][0] <= now:
                at, meter, tries = heapq.heappop(comes)
                if meter in self.answered or meter in self.refused:
                    continue
                if len(queue) < BUFFER:
                    queue.append((at, meter, tries))
                if tries < 4:
                    heapq.heappush(comes, (at + 2.0 * 2**tries * chance.uniform(1, 1.5), meter, tries + 1))
            if not queue:
                now = stands_since = min(comes[0][0] if comes else end, now + 0.01)
                continue
            turn = now  # of one drain: all of it has the same instant
            for at, meter, _ in queue[:512]:
                size = ALARM if meter in self.alarm else REPORT
                if not self.shedding.passes(size, now - at, turn - stands_since, turn):
                    now += DROPPED_S
                elif meter in self.answered:
                    now += REFUSED_S  # a repeat: decrypted, then answered from what is kept
                elif self.shedding.is_crowded(size, turn):
                    self.shedding.refused()
                    self.refused.add(meter)
                    now += REFUSED_S
                else:
                    self.shedding.taken()
                    sequence += 1
                    backlog.append(meter)
                    pace.stored(0, sequence, 1, now)
                    now += TAKEN_S
                    self.late_answers += now - at > 2.0
                    self.answered[meter] = now - (STEADY_S + meter / rate)
            del queue[:512]
        self.goodput = len(self.answered) / seconds
        self.backlog = len(backlog)


@pytest.mark.usefixtures("takes_seconds")
def test_goodput_stays_when_the_edge_is_what_is_short() -> None:
    for times in (1, 2, 4):
        town = Town(times * CAPACITY, 15)
        assert town.goodput >= 0.85 * CAPACITY, times
        assert town.late_answers == 0, times


@pytest.mark.usefixtures("takes_seconds")
def test_goodput_stays_when_the_pipeline_is_what_is_short() -> None:
    for times in (2, 4):
        applied = CAPACITY / 3
        town = Town(times * applied, 15, applied)
        assert town.goodput >= 0.9 * applied, times
        assert town.backlog <= max(FEW + 512, 5 * applied), times  # and what one turn of the socket takes
        assert len(town.refused) >= 300, times  # told to come later, not only left alone


@pytest.mark.usefixtures("takes_seconds")
def test_alarms_are_taken_first() -> None:
    applied = CAPACITY / 3
    town = Town(4 * applied, 15, applied)
    last = 0.8 * max(town.alarm)
    waits = [town.answered.get(meter, 99.0) for meter in town.alarm if meter < last]
    assert max(waits) < 2.0


@pytest.mark.usefixtures("takes_seconds")
def test_every_meter_has_the_same_chance() -> None:
    town = Town(4 * CAPACITY, 15)
    groups = [0] * 16
    for meter in town.answered:
        groups[meter % 16] += 1
    assert min(groups) > 0.9 * sum(groups) / 16


def test_a_burst_or_a_process_that_was_not_run_for_a_moment_is_no_overload() -> None:
    shedding = Shedding(Pace())
    for waited_s in (0.3, 1.1, 2.9):
        assert shedding.passes(REPORT, waited_s, LASTS_S, 5000.0)
    assert not shedding.passes(REPORT, 3.1, LASTS_S, 5000.0)  # sent again by now
    assert shedding.counters == {"shed.old": 1}


def test_in_a_queue_that_stands_only_what_is_fresh_or_small_is_looked_at() -> None:
    shedding = Shedding(Pace())
    assert shedding.passes(REPORT, 0.2, 1.5, 5000.0)
    assert not shedding.passes(REPORT, 0.3, 1.5, 5000.0)
    assert shedding.passes(SMALL, 1.9, 1.5, 5000.0)
    assert not shedding.passes(SMALL, 2.1, 1.5, 5000.0)
    assert shedding.counters == {"shed.old": 2}


def test_a_clock_that_was_set_back_makes_nobody_old() -> None:
    assert Shedding(Pace()).passes(REPORT, -3600.0, 5.0, 1.0)


def test_how_many_are_refused_follows_from_what_the_machine_applies() -> None:
    for per_s in (200.0, 2_000.0):
        shedding = Shedding(pace := Pace())
        pace.per_s, now = per_s, 0.0
        pace.may_take = lambda now: False  # type: ignore[method-assign]
        refused = 0
        for step in range(20_000):
            now = step / 1000
            while shedding.passes(REPORT, 0.0, 0.0, now):
                shedding.refused()
                refused += 1
        assert refused - MOST_REFUSALS == pytest.approx(REFUSED * per_s * now, rel=0.01)

# SPDX-License-Identifier: Apache-2.0
"""A plan meets its meters: emulated ones report for days on a virtual clock, are planned, told by frames, and report again.

Nothing is assumed of what they do with a report time: each adds its own spreading (R2.1), drifts, fails and comes again (R1.7),
worse where coverage is worse. What cells then carry is compared with what the plan said, minute by minute.
"""

import heapq
import random
from collections import Counter
from collections.abc import Mapping
from functools import cache
from statistics import median_low
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from openmains.app.command.driver import CatalogCommands
from openmains.app.command.plan_ports import CellMeter, Measured, UsualReport
from openmains.app.command.plan_reports import (
    DEADLINE_MIN,
    Candidates,
    LeftOut,
    PlanRequest,
    candidates_of,
    cell_load,
    planned,
    predicted,
    show,
)
from openmains.domain.command.planner import MoveReason
from openmains.domain.ids import MeterId
from openmains.domain.network.capacity import CellCapacity
from openmains.domain.network.coverage import Coverage, coverage
from openmains.domain.network.spreading import Scheme
from openmains.domain.period import DAY_S
from openmains.drivers import catalog
from openmains.drivers.model import Driver
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.profile import Action, Attach, Profile, Send

pytestmark = pytest.mark.usefixtures("takes_seconds")
NAME = "openmains/water-1"
METERS, DAYS, OFFSET_S = 600, 4, 8 * 3600
MIDNIGHT = 1_767_196_800  # 2026-01-01 00:00 at UTC+8
LOST: Mapping[Coverage, float] = {"CE0": 0.002, "CE1": 0.01, "CE2": 0.05, "none": 0.1}
CAPACITY = [CellCapacity("46000", 8, 4, 2)]  # a small cell, so that few meters are a crowd; half of it is for reports
WANTED = PlanRequest()


class Heard(NamedTuple):
    """A report that came through."""

    meter: int
    at: int
    payload: bytes


class Town:
    """Meters, the radio between, and what the platform heard of them."""

    def __init__(self, scheme: Scheme, factor_s: int) -> None:
        self.chance = random.Random(7)  # noqa: S311 - a simulation that can be repeated
        self.driver: Driver = catalog.load().driver(NAME)
        self.now = MIDNIGHT
        self.heard: list[Heard] = []
        self.numbers = [220_000_000 + place // 7 * 200 + place % 7 for place in range(METERS)]  # as a maker packs them
        self.terminals: list[Terminal] = []
        self._queue: list[tuple[int, int]] = []
        self.coverage: dict[int, Coverage] = {}
        for place, number in enumerate(self.numbers):
            late = place % 10 == 3  # delivered with a report time in the morning
            profile = Profile(
                report_time_s=29_400 if late else 3600, scheme=scheme, spread_factor_s=factor_s,
                immediate=frozenset(), freeze_s=7200,
            )  # fmt: skip
            frames = DriverFrames(NAME, number)
            terminal = Terminal(
                number, profile, lambda instants: [0 for _ in instants], frames, key=bytes(32),
                drift_ppm=self.chance.randint(-20, 20),
            )  # fmt: skip
            self.terminals.append(terminal)
            self._do(place, terminal.switch_on(self.now, attach_after_s=self.chance.randint(0, 3600)))

    def _do(self, place: int, actions: list[Action]) -> None:
        terminal, todo = self.terminals[place], list(actions)
        while todo:
            action = todo.pop(0)
            if isinstance(action, Attach):
                todo += terminal.on_attach(True, self.now)
            elif isinstance(action, Send):
                if action.kind == "report" and self.chance.random() < self._loss(place, action.payload):
                    todo += terminal.on_failure(action.message, self.now)
                    continue
                if action.kind == "report":
                    self.heard.append(Heard(place, self.now, action.payload))
                answer = self.driver.answer(action.payload, self.now, OFFSET_S // 60)
                todo += terminal.on_answer(action.message, answer, self.now)
        if (due := terminal.next_timer()) is not None:
            heapq.heappush(self._queue, (due, place))

    def _loss(self, place: int, payload: bytes) -> float:
        if place not in self.coverage:
            ((columns,), _) = self.driver.decode([payload], [self.now])
            rsrp, sinr = (int(columns.points[name][0]) for name in ("rsrp_ddbm", "sinr_ddb"))
            self.coverage[place] = coverage(rsrp, sinr) or "none"
        return LOST[self.coverage[place]]

    def run(self, until: int) -> None:
        """Let it be this instant."""
        while self._queue and self._queue[0][0] <= until:
            self.now, place = heapq.heappop(self._queue)
            due = self.terminals[place].next_timer()
            if due is not None and due <= self.now:
                self._do(place, self.terminals[place].handle(self.now))
        self.now = until

    def tell(self, place: int, values: Mapping[str, int], serial: int) -> None:
        """A frame goes down and is obeyed."""
        frame = self.driver.command(
            "set_parameters", {"values": values}, serial=serial, counter=serial, not_after=self.now + DAY_S
        )
        self._do(place, self.terminals[place].on_command(frame, self.now))

    def measured(self, since: int) -> tuple[Measured, list[CellMeter]]:
        """What the signal log would say of a span: the same sums as the queries of ClickHouse make."""
        span = [one for one in self.heard if since <= one.at < self.now]
        (columns,), bad = self.driver.decode([one.payload for one in span], [one.at for one in span])
        assert not bad
        cells = {columns.rows[row]: int(value) for row, value in enumerate(columns.points["cell"])}
        minutes: dict[int, list[int]] = {}
        days: dict[int, set[int]] = {}
        by_minute: dict[int, Counter[int]] = {}
        cell_of: dict[int, int] = {}
        for row, one in enumerate(span):
            minute = (one.at - MIDNIGHT) // 60 % 1440
            minutes.setdefault(one.meter, []).append(minute)
            days.setdefault(one.meter, set()).add((one.at - MIDNIGHT) // DAY_S)
            by_minute.setdefault(cells[row], Counter())[minute] += 1
            cell_of[one.meter] = cells[row]
        usual = {meter: UsualReport(median_low(of), len(days[meter]), len(of)) for meter, of in minutes.items()}
        lateness: dict[int, Counter[int]] = {}
        for row, one in enumerate(span):
            late = ((one.at - MIDNIGHT) // 60 - usual[one.meter].minute) % 1440
            lateness.setdefault(cells[row], Counter())[late] += 1
        meter_days = Counter[int]()
        for meter, found in usual.items():
            meter_days[cell_of[meter]] += found.days
        lateness_ppm = {
            cell: {late: count * 1_000_000 // meter_days[cell] for late, count in counts.items()}
            for cell, counts in lateness.items()
        }
        meters = [
            CellMeter(cell_of[place], MeterId(place), str(self.numbers[place]), NAME, "460001234567890", self.coverage[place],
                      DAY_S, {}, None)
            for place in sorted(cell_of)
        ]  # fmt: skip
        return Measured((self.now - since) // DAY_S, by_minute, usual, lateness_ppm), meters


class Story(NamedTuple):
    """A town before and after its plan."""

    before: Measured
    after: Measured
    candidates: Candidates
    meters: list[CellMeter]


@cache
def story() -> Story:
    """Four days as delivered, one on which all are told, four as planned."""
    town = Town(Scheme.MOD200, 120)
    town.run(MIDNIGHT + DAY_S)
    town.run(MIDNIGHT + (DAYS + 1) * DAY_S)
    before, meters = town.measured(MIDNIGHT + DAY_S)
    candidates = candidates_of(meters, before, CatalogCommands(catalog.load()))
    made = planned(candidates, before, CAPACITY, WANTED)
    for plan in made.cells:
        for one in candidates.in_cell[plan.cell]:
            place = one.meter.meter_id
            if place in plan.moved:
                town.tell(place, one.rule.settings_for(one.digits, plan.minute_of[place]), 1)
    since = MIDNIGHT + (DAYS + 2) * DAY_S
    town.run(since + DAYS * DAY_S)
    return Story(before, town.measured(since)[0], candidates, meters)


def test_each_meter_reports_in_the_minute_it_was_given() -> None:
    told = story()
    made = planned(told.candidates, told.before, CAPACITY, WANTED)
    moved = 0
    for plan in made.cells:
        moved += len(plan.moved)
        for meter in plan.moved:
            assert told.after.usual[meter].minute == plan.minute_of[meter], (meter, plan.minute_of[meter])
        for meter in set(plan.minute_of) - set(plan.moved):  # who fits was told nothing and stays
            assert told.after.usual[meter].minute == told.before.usual[meter].minute
    assert 100 < moved < METERS


def test_what_the_cells_carry_is_what_the_plan_said() -> None:
    """Reports that came elsewhere than predicted, by cell and minute, are under 3 %: issue 11, 'to show' 3."""
    told = story()
    made = planned(told.candidates, told.before, CAPACITY, WANTED)
    elsewhere = came = 0
    for plan in made.cells:
        load = cell_load(plan.cell, told.candidates.in_cell[plan.cell], told.before, CAPACITY, WANTED)
        said = predicted(load, plan, told.before)
        for minute, expected in enumerate(said):
            measured = told.after.by_minute[plan.cell].get(minute, 0) * 1000 // told.after.days
            came += measured
            elsewhere += max(0, measured - expected)
    assert came >= METERS * 990
    assert elsewhere / came < 0.03, f"{elsewhere / came:.2%} of {came // 1000} reports a day"


def test_no_cell_and_no_town_is_fuller_than_before_and_all_is_in_by_eight() -> None:
    told = story()
    found = {moment: _loads(told, measured) for moment, measured in (("before", told.before), ("after", told.after))}
    assert max(found["before"].values()) > 4000  # in one cell and minute, in thousandths of a near report
    for (cell, _), load in found["after"].items():
        assert load <= 4000
        assert load <= max(busy for (other, _), busy in found["before"].items() if other == cell)
    town = [Counter(usual.minute for usual in measured.usual.values()) for measured in (told.before, told.after)]
    assert max(town[1].values()) <= max(town[0].values())
    assert max(town[1]) < DEADLINE_MIN < max(town[0])


def _loads(told: Story, measured: Measured) -> Counter[tuple[int, int]]:
    """Load of each cell in each minute, by what its meters usually do."""
    loads: Counter[tuple[int, int]] = Counter()
    for one in told.meters:
        loads[one.cell, measured.usual[one.meter_id].minute] += CAPACITY[0].cost(one.coverage)
    return loads


def test_the_report_says_how_many_move_and_why() -> None:
    told = story()
    said = show(told.candidates, told.before, CAPACITY, WANTED)
    assert said.meters == METERS
    assert said.moved == sum(said.moved_for.values())
    assert set(said.moved_for) == set(MoveReason)
    assert said.unplaced == 0
    assert abs(sum(said.before_by_minute) - sum(said.after_by_minute)) < 0.02 * METERS
    assert all(cell.peak_after <= cell.peak_before for cell in said.cells)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"number": "WM-A"}, LeftOut.NO_NUMBER),
        ({"driver": "lwm2m/water-1"}, LeftOut.NO_SETTING),
        ({"meter_id": MeterId(10**9)}, LeftOut.NOT_HEARD),
        ({"report_s": 3600}, LeftOut.OTHER_PERIOD),
        ({"settings": {"report_period": 3}}, LeftOut.OTHER_PERIOD),
    ],
)
def test_doubt_leaves_a_meter_as_it_is(changed: dict[str, object], why: LeftOut) -> None:
    told = story()
    meter = replace(told.meters[0], **changed)
    found = candidates_of([meter], told.before, CatalogCommands(catalog.load()))
    assert dict(found.left_out) == {why: 1}
    assert found.in_cell == {meter.cell: []}

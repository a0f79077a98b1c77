# SPDX-License-Identifier: Apache-2.0
"""A town of emulated meters in all report modes that loses reports, the platform's own rules on the other side, and a virtual clock.

The meters are the emulator's terminals; what they say goes through the driver and the pipeline's judgement, days are merged as stored,
gaps are found when each mode is due and follow ``domain/readings/rereads.py``; a command goes down when its meter is heard next and is
answered by the meter's own freeze log. A lost report is lost with all its repeats, as when a van parks over the pit. No engine, no sleep.
"""

import heapq
import random
from collections.abc import Collection
from dataclasses import dataclass, field

from openmains.app.ingest.pipeline.ports import MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import AreaId, CommandId, MeterId, ProductId, TenantId
from openmains.domain.period import DAY_S, HOUR_S, zone
from openmains.domain.readings import merge, totals
from openmains.domain.readings.expected import (
    PERIOD_S,
    Expectation,
    Known,
    Mode,
    Modes,
    Standing,
    Status,
    due_at,
    status_of,
)
from openmains.domain.readings.model import DayRow, MeterState
from openmains.domain.readings.quality import Slot
from openmains.domain.readings.rereads import (
    CELL_WINDOW_S,
    CellBudget,
    Gap,
    GapEvent,
    GapState,
    MeterFacts,
    RereadRequest,
    Slots,
    decide,
)
from openmains.drivers import catalog
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.profile import Action, Attach, Profile, Send
from openmains.emulator.meter.spreading import Period, Schedule, Scheme

DRIVER = "openmains/water-1"
ZONE = zone("Asia/Shanghai")
TENANT = TenantId(1)
SWEEP_S = 15  # the worker looks so long after the meter spoke
MODES: dict[str, tuple[Period, int, int, Mode]] = {
    "daily": (Period.DAY, DAY_S, 1_800, Mode.DAY),
    "dense": (Period.EVERY, HOUR_S, 300, Mode.DAY),
    "twice a day": (Period.EVERY, DAY_S // 2, 1_800, Mode.DAY),
    "dense, each two hours": (Period.EVERY, 2 * HOUR_S, 300, Mode.DAY),
    "ten days": (Period.TEN_DAYS, DAY_S, 1_800, Mode.TEN_DAYS),
    "month": (Period.MONTH, DAY_S, 1_800, Mode.MONTH),
}


@dataclass(slots=True)
class Resident:
    """A meter and what the platform holds of it."""

    mode: Mode
    terminal: Terminal
    record: MeterRecord
    freeze_s: int
    schedule: Schedule
    gaps: dict[int, Gap] = field(default_factory=dict)
    found: dict[int, bool] = field(default_factory=dict)  # of every day that was due, whether it was well then
    ever: dict[int, GapState] = field(default_factory=dict)  # of every gap that was found, its newest state
    rows: dict[int, DayRow] = field(default_factory=dict)
    waiting: list[tuple[CommandId, RereadRequest]] = field(default_factory=list)
    asked_at: list[int] = field(default_factory=list)
    lost: dict[int, bool] = field(default_factory=dict)  # by the beginning of what a report is made in


class RereadTown:
    """``each``: meters of each mode. ``loss``: share of reports, and of the messages that answer a command, that never arrive."""

    def __init__(
        self, first_day: int, each: int, *, loss: float = 0.05, seed: int = 1, modes: Collection[str] = tuple(MODES)
    ) -> None:
        self.first_day, self.now, self._loss = first_day, ZONE.start_of(first_day), loss
        self.chance = random.Random(seed)  # noqa: S311 - a simulation that can be repeated
        self.driver = catalog.load().driver(DRIVER)
        products, self.residents, self._queue = {}, list[Resident](), list[tuple[int, int, int]]()
        for kind, (period, every_s, freeze_s, mode) in enumerate(MODES[name] for name in modes):
            product_id = ProductId(kind + 1)
            report_s = every_s if mode is Mode.DAY else PERIOD_S[mode]
            products[product_id] = Product(product_id, DRIVER, 0, freeze_s, 6_000, report_s)
            for _ in range(each):
                self.residents.append(self._resident(len(self.residents), product_id, period, every_s, freeze_s, mode))
        self.processor = Processor(catalog.load(), products, {TENANT: ZONE})
        self.commands, self.ended, self.serial = 0, dict[CommandId, int](), 0
        self.asked: list[tuple[int, int]] = []  # instant and meter
        self.asked_of_whole_days = self.reread_uc = 0
        for place, one in enumerate(self.residents):
            self._carry_out(place, one.terminal.switch_on(self.now, attach_after_s=60 + place % 600))

    def _resident(
        self, place: int, product_id: ProductId, period: Period, every_s: int, freeze_s: int, mode: Mode
    ) -> Resident:
        number = 330_000_000 + place * 7
        profile = Profile(
            period,
            every_s,
            HOUR_S if period is not Period.EVERY else 0,
            freeze_s,
            scheme=Scheme.MOD200,
            immediate=frozenset(),
        )
        rate = self.chance.randint(3, 40)  # litres an hour

        def supply(instants: list[int]) -> list[int]:
            return [5_000 + (at - self.start) * rate // HOUR_S for at in instants]

        terminal = Terminal(number, profile, supply, DriverFrames(DRIVER, number), key=bytes(32))  # type: ignore[arg-type]  # lists do
        meter_id = MeterId(place + 1)
        record = MeterRecord(
            meter_id, TENANT, product_id, AreaId(1), 0, self.first_day - 60, MeterState(), 0, 0,
            number=str(number), plain_number=number,
        )  # fmt: skip
        return Resident(mode, terminal, record, freeze_s, Schedule(period, every_s))

    @property
    def start(self) -> int:
        """Instant at which registers are what ``supply`` counts from: long before the town."""
        return ZONE.start_of(self.first_day - 100)

    # -- the radio -----------------------------------------------------------------------------------------------------

    def run(self, until_day: int) -> None:
        """Let it be midnight of a day. What is due in between is looked for then."""
        for day in range(ZONE.day_of(self.now), until_day):
            self._until(ZONE.at(day, 8) + 120)
            self._find_gaps(day)
            self._until(ZONE.start_of(day + 1))

    def _until(self, until: int) -> None:
        while self._queue and self._queue[0][0] <= until:
            at, place, what = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            if what:
                self._look(self.residents[place])
            elif (due := self.residents[place].terminal.next_timer()) is not None and due <= self.now:
                self._carry_out(place, self.residents[place].terminal.handle(self.now))
        self.now = until

    def _carry_out(self, place: int, actions: list[Action]) -> None:
        one = self.residents[place]
        todo, spoke = list(actions), False
        while todo:
            action = todo.pop(0)
            if isinstance(action, Attach):
                todo += one.terminal.on_attach(True, self.now)
            elif isinstance(action, Send):
                if self._is_lost(one, action):
                    todo += one.terminal.on_failure(action.message, self.now)
                    continue
                self._receive(one, action.payload)
                todo += one.terminal.on_answer(
                    action.message, self.driver.answer(action.payload, self.now, 480), self.now
                )
                if action.kind != "command":
                    spoke = True
        if spoke:
            heapq.heappush(self._queue, (self.now + SWEEP_S, place, 1))
            self._send_down(place)
        if (due := one.terminal.next_timer()) is not None:
            heapq.heappush(self._queue, (due, place, 0))

    def _is_lost(self, one: Resident, action: Send) -> bool:
        if action.kind == "report":
            local = self.now + ZONE.offset_s(self.now)
            return one.lost.setdefault(one.schedule.period_start(local), self.chance.random() < self._loss)
        return action.kind == "command" and self.chance.random() < self._loss

    def _receive(self, one: Resident, payload: bytes) -> None:
        record = one.record
        uplink = Uplink(record.meter_id, TENANT, record.product_id, "coap", "19/0/0", self.now * 1_000_000, payload)
        effects = self.processor.run([uplink], {record.meter_id: record})
        assert not effects.dead_letters, effects.dead_letters
        for pending in effects.days:
            known = one.rows.get(pending.row.day)
            row = pending.row
            one.rows[row.day] = merge(known, row) if known is not None and row.partial else row

    # -- the platform --------------------------------------------------------------------------------------------------

    def expectation(self, one: Resident) -> Expectation:
        """From the day after the town began."""
        return Expectation(self.first_day + 1, product=Modes(one.mode))

    def status(self, one: Resident, day: int, now_s: int) -> Status:
        """As the collection report has it."""
        row = one.rows.get(day)
        known = None if row is None else Known(totals(row).slots, totals(row).measured, 0)
        return status_of(known, DAY_S // one.freeze_s, due_at(day, one.mode, ZONE), now_s)

    def _find_gaps(self, today: int) -> None:
        for one in self.residents:
            expected = self.expectation(one)
            for day in range(today - 70, today):
                if day in one.found or expected.standing(day, self.now, ZONE) is not Standing.DUE:
                    continue
                one.found[day] = self.status(one, day, self.now) in (Status.ON_TIME, Status.LATE)
                if not one.found[day]:
                    due_s = due_at(day, one.mode, ZONE)
                    assert due_s <= self.now, "missing before it was due"
                    one.ever[day] = GapState.WAITING
                    one.gaps[day] = Gap(one.record.meter_id, day, ZONE.start_of(day), ZONE.start_of(day + 1), due_s)

    def _look(self, one: Resident) -> None:
        if not one.gaps:
            return
        state, month = one.record.state, [at for at in one.asked_at if at > self.now - 30 * DAY_S]
        facts = MeterFacts(
            mode=one.mode, last_seen_s=one.record.last_seen_us // 1_000_000, known_s=state.measured_at or 0,
            asked=len(month), rereads_a_month=60 if one.freeze_s < 1_800 else 6, cell=one.record.meter_id % 5, freeze_s=one.freeze_s,
        )  # fmt: skip
        since = self.now - CELL_WINDOW_S
        given: dict[int, int] = {}
        for at, meter_id in self.asked:
            given[meter_id % 5] = given.get(meter_id % 5, 0) + (at > since)
        gaps = [self._with_end(gap) for gap in one.gaps.values()]
        stored = {day: slots_of(row) for day, row in one.rows.items() if day in one.gaps}
        moves, asks = decide(gaps, stored, facts, CellBudget(given), self.now)
        for move in moves:
            day = move.gap.day
            one.ever[day] = move.state
            if move.state in (GapState.FILLED, GapState.CLOSED, GapState.VISIT):
                one.gaps.pop(day)
            else:
                lost = move.event is GapEvent.LOSE
                one.gaps[day] = Gap(
                    move.gap.meter_id, day, move.gap.start_s, move.gap.end_s, move.gap.due_s, move.state,
                    one.gaps[day].tries + lost, one.gaps[day].command_id,
                )  # fmt: skip
        for ask in asks:
            self.commands += 1
            command = CommandId(self.commands)
            one.asked_at.append(self.now)
            self.asked.append((self.now, one.record.meter_id))
            one.waiting.append((command, ask))
            self.asked_of_whole_days += sum(
                day in stored and stored[day].measured == stored[day].expected for day in ask.days
            )
            for day in ask.days:
                gap = one.gaps[day]
                one.gaps[day] = Gap(gap.meter_id, day, gap.start_s, gap.end_s, gap.due_s, gap.state, gap.tries, command)

    def _with_end(self, gap: Gap) -> Gap:
        ended = None if gap.command_id is None else self.ended.get(gap.command_id)
        return Gap(
            gap.meter_id, gap.day, gap.start_s, gap.end_s, gap.due_s, gap.state, gap.tries, gap.command_id, ended
        )

    def _send_down(self, place: int) -> None:
        one = self.residents[place]
        waiting, one.waiting = one.waiting, []
        for command, ask in waiting:
            self.serial += 1
            frame = self.driver.command(
                "read_intervals", {"since": ask.since_s, "until": ask.until_s}, serial=self.serial, counter=self.serial,
                not_after=min(ask.not_after_s, 2**32 - 1),
            )  # fmt: skip
            self.ended[command] = self.now
            before_uc = one.terminal.meter.body.battery.spent_uc
            self._carry_out(place, one.terminal.on_command(frame, self.now))
            self.reread_uc += one.terminal.meter.body.battery.spent_uc - before_uc

    # -- what came of it -----------------------------------------------------------------------------------------------

    def rate_ppm(self, first: int, last: int, kinds: set[Mode] | None = None) -> int:
        """Days of meters that are measured to the slot, of those that were due by now."""
        due = came = 0
        for one in self.residents:
            if kinds is not None and one.mode not in kinds:
                continue
            expected = self.expectation(one)
            for day in range(first, last + 1):
                if expected.standing(day, self.now, ZONE) is Standing.DUE:
                    due += 1
                    came += self.status(one, day, self.now) in (Status.ON_TIME, Status.LATE)
        return came * 1_000_000 // due if due else 1_000_000

    def before_ppm(self, first: int, last: int) -> int:
        """The same as it stood when each day was due."""
        found = [one.found.get(day) for one in self.residents for day in range(first, last + 1)]
        judged = [was_well for was_well in found if was_well is not None]
        return sum(judged) * 1_000_000 // len(judged)

    @property
    def reread_uah_a_meter(self) -> int:
        """Charge that re-reads cost, µAh a meter."""
        return self.reread_uc // 3_600 // len(self.residents)


def slots_of(row: DayRow) -> Slots:
    """As the query ``day_slots`` counts them."""
    found = {q: row.quality.count(q) for q in set(row.quality)}

    def count(of: int, wanted: int) -> int:
        return sum(number for q, number in found.items() if q & of == wanted)

    missing, drawn, edited, told = Slot.MISSING, Slot.ESTIMATED, Slot.EDITED, Slot.FROM_HISTORY
    return Slots(
        len(row.quality),
        count(missing | drawn | edited, 0),
        count(missing | drawn | edited | told, drawn | told),
        count(missing | edited, edited),
        count(missing | drawn | edited | told, drawn),
    )

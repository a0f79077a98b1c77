# SPDX-License-Identifier: Apache-2.0
"""The careful way of judging a report of intervals: first reports, gaps, late and partial ones, DST days, faults.

Steps, in order: clock and bounds → slots → the report's own sums → its level against what is known → fill what is
missing before it (7-day history first, then the line between registers) → its rows → the new state.
"""

from dataclasses import replace
from enum import Enum
from itertools import pairwise

from openmains.domain.period import Zone
from openmains.domain.readings.day_grid import DayGrid
from openmains.domain.readings.late import beside_line, beside_person, denies_person, fits_between, without_person
from openmains.domain.readings.levels import (
    Jump,
    change_level,
    is_unexplained,
    jump_of,
    remember_jump,
    take_up,
    try_candidate,
)
from openmains.domain.readings.midnight import midnight_of, set_midnight
from openmains.domain.readings.model import (
    Finding,
    IntervalReport,
    Judgement,
    Limits,
    MeterState,
    RegisterReport,
    RegisterRow,
)
from openmains.domain.readings.quality import Rule, Slot
from openmains.domain.readings.registers import beyond, check_clock, is_astray, learn_day, refused, validate_registers
from openmains.domain.readings.rules import (
    MAX_FILL_S,
    Findings,
    Step,
    changes_level,
    is_power_of_ten_off,
    most,
    most_back,
    spike_bound,
    step,
)

ESTIMATE = int(Slot.ESTIMATED)
HISTORY = int(Slot.ESTIMATED | Slot.FROM_HISTORY)
SUSPECT = int(Slot.SUSPECT)
MISSING = int(Slot.MISSING)
RESTATED = int(Slot.RESTATED)


def validate_fully(state: MeterState, report: IntervalReport, limits: Limits, zone: Zone) -> Judgement:
    """As ``validate_intervals``, for any report.

    Of a report whose clock was never set the register counts, at the time of arrival; its slots belong to days that
    nobody knows and stay in the frame log only.
    """
    end = report.start + len(report.increments) * report.interval_s
    if any(is_astray(at, report.received_at, limits) for at in (report.register_at, end)):
        said = [(report.register_at, report.register)]
        spot = RegisterReport(report.received_at, report.device_at, said, report.frame_seq, report.frame_hash)
        return validate_registers(state, spot, limits, zone)
    return _FullValidation(state, report, limits, zone).run()


class Level(Enum):
    """How a report fits what is known of the register."""

    FIRST = "first"  # nothing is known yet
    SAME = "same"  # it continues or repeats it
    NEW = "new"  # it stands on another one, which is believed
    OTHER = "other"  # it stands on another one, which is not believed (yet)


class _FullValidation:
    """One report in work."""

    def __init__(self, state: MeterState, report: IntervalReport, limits: Limits, zone: Zone) -> None:
        self.old, self.report, self.limits, self.zone = state, report, limits, zone
        self.state = replace(
            state,
            version=state.version + 1,
            midnights=list(state.midnights),
            frame_seq=report.frame_seq,
            frame_hash=report.frame_hash,
        )
        self.findings = Findings()
        self.learned: set[int] = set()
        self.restated = 0  # RESTATED where the report takes up a level that was left
        self.doubted = 0  # SUSPECT where what passed before the report is beyond all habit
        self.gap: Finding | None = None
        self.end = report.start + len(report.increments) * report.interval_s
        self.increments = list(report.increments)
        self.quality = [MISSING if report.missing >> k & 1 else 0 for k in range(len(self.increments))]
        self.known_until, self.known_from = len(self.increments), 0  # the registers before and after missing slots
        self.sheet = DayGrid(zone, report.interval_s, lambda day: midnight_of(self.state, day))
        self.known_at, self.known_register, self.seen_at = state.grid_at, state.grid_register, state.register_at
        self.passed_over: int | None = (
            None  # the front that a person's register made and that the meter's own word replaced
        )
        if (
            self.known_at is None
            and state.midnight_day is not None
            and state.midnights
            and state.midnights[0] is not None
        ):
            self.known_at, self.known_register = zone.start_of(state.midnight_day), state.midnights[0]

    def run(self) -> Judgement:
        report, state, findings = self.report, self.state, self.findings
        check_clock(findings, report.received_at, report.device_at, self.limits)
        unfit = self._bounds()
        self._slots()
        closed_at, closed = self._sums()
        level = self._level(unfit, closed_at, closed)
        if unfit or level is Level.OTHER:
            self.quality = [q | SUSPECT if not q & MISSING else q for q in self.quality]
        believed = level in (Level.SAME, Level.FIRST, Level.NEW) and not unfit
        register_bits = findings.flags
        if believed:
            if level is Level.NEW:
                change_level(state, report.register, report.register_at)
                self.known_at = self.known_register = None
            self._fill()
        self._rows(register_bits, own_base=level in (Level.NEW, Level.OTHER) or bool(unfit), first=believed)
        if believed:
            self._settle(closed_at, closed)
        row = RegisterRow(report.register_at, report.register, register_bits)
        is_late = believed and self.known_at is not None and report.start < self.known_at
        filled = (report.start, closed_at) if is_late else None
        return Judgement(state, self.sheet.rows(), [row], findings.findings, filled=filled)

    def _bounds(self) -> int:
        """Bits of the rules that make the report unfit to build upon."""
        report, limits = self.report, self.limits
        bits = refused(self.findings, report.register_at, report.register, report.received_at, limits)
        if self.end > report.received_at + limits.clock_tolerance_s and not bits >> Rule.CLOCK_AHEAD & 1:
            bits |= self.findings.add(Rule.CLOCK_AHEAD, self.end, self.end, report.received_at)
        if not bits >> Rule.DIAL_LIMIT & 1 and beyond(report.base, limits):
            bits |= self.findings.add(Rule.DIAL_LIMIT, report.start, report.base, limits.dial or limits.ceiling)
        before = max(0, limits.installed_at - report.start) // report.interval_s
        if any(self.increments[:before]) and not bits >> Rule.BEFORE_INSTALLATION & 1:
            self.findings.add(Rule.BEFORE_INSTALLATION, report.start, report.start, limits.installed_at)
            for k in range(min(before, len(self.quality))):
                self.quality[k] |= SUSPECT if self.increments[k] else 0
        return bits

    def _slots(self) -> None:
        """OVER_QMAX and REVERSE_FLOW of single slots."""
        report = self.report
        top, back = most(self.limits, report.interval_s), most_back(self.limits, report.interval_s)
        for k, increment in enumerate(self.increments):
            if 0 <= increment <= top or self.quality[k] & MISSING:
                continue
            at = report.start + k * report.interval_s
            if increment > top:
                self.findings.add(Rule.OVER_QMAX, at, increment, top)
                self.quality[k] |= SUSPECT
            else:
                self.findings.add(Rule.REVERSE_FLOW, at, increment, -back)
                self.quality[k] |= SUSPECT if -increment > back else 0

    def _sums(self) -> tuple[int, int]:
        """SUM_MISMATCH inside the report; returns the newest slot boundary with a known register, and that register."""
        report, end = self.report, self.end
        closed = report.base + sum(self.increments)
        unknown = [k for k, q in enumerate(self.quality) if q & MISSING]
        if unknown:
            self.known_until, self.known_from = unknown[0], len(self.increments) + 1
        spare = report.register - closed  # what passed in missing slots and after the last one
        dial = self.limits.dial
        if dial and spare < 0 and closed * 10 > dial * 9 and report.register * 10 < dial:
            spare += dial
        after = report.register_at - end
        open_s = max(after, 0) + len(unknown) * report.interval_s
        low, high = (-most_back(self.limits, open_s), most(self.limits, open_s)) if open_s else (0, 0)
        if after >= 0 and not low <= spare <= high:
            self.findings.add(Rule.SUM_MISMATCH, report.register_at, report.register, closed)
        elif unknown and after == 0:
            for n, k in enumerate(unknown):
                self.increments[k] = spare * (n + 1) // len(unknown) - spare * n // len(unknown)
                self.quality[k] = ESTIMATE
            self.known_from = unknown[-1] + 1
            return end, report.register
        if not unknown:
            return end, closed
        return report.start + unknown[0] * report.interval_s, report.base + sum(self.increments[: unknown[0]])

    def _level(self, unfit: int, closed_at: int, closed: int) -> Level:
        """How the report fits what is known."""
        report, findings, known_at, known_register = self.report, self.findings, self.known_at, self.known_register
        if unfit:
            return Level.OTHER
        if known_at is None or known_register is None:
            if self.old.register is None or self.old.register_at is None:
                return Level.FIRST
            known_at, known_register = self.old.register_at, self.old.register
        if report.start < known_at:
            return self._late(known_at, known_register, closed_at, closed)
        if denies_person(self.old, report, self.limits, self.zone):
            known_at, known_register = self._pass_over_person(report.base)
        jump = jump_of(self.state, known_register, known_at, report.base, report.start, self.limits)
        if jump is Jump.RETURN:
            known_at, known_register = self._take_up()
        verdict = step(known_register, report.base, report.start - known_at, self.limits)
        if report.start == known_at and report.base != known_register and verdict.rule is not Rule.ROLLOVER:
            findings.add(Rule.SUM_MISMATCH, report.start, report.base, known_register)
        if report.start > known_at:
            findings.add(Rule.GAP, known_at, report.start, known_at)
            self.gap = findings.findings[-1]
        if verdict.rule is not None:
            findings.add(verdict.rule, report.start, report.base, verdict.bound)
        if jump is Jump.DOUBT:
            findings.add(Rule.LEVEL_DOUBT, report.start, report.base, known_register)
        elif not changes_level(verdict.rule):
            if jump is Jump.NONE:
                self._look_back(known_register, known_at, verdict)
            return Level.SAME
        if is_power_of_ten_off(report.base, known_register):
            findings.add(Rule.UNIT_SUSPECT, report.start, report.base, known_register)
        if not try_candidate(self.state, report.register, report.register_at, self.limits):
            return Level.OTHER
        findings.add(Rule.METER_CHANGED, report.start, report.base, known_register)
        return Level.NEW

    def _look_back(self, known_register: int, known_at: int, verdict: Step) -> None:
        """What passed before the report is possible. Beyond the habit it counts, marked, and the level before is remembered."""
        report, state, limits, seconds = self.report, self.state, self.limits, self.report.start - known_at
        is_spike = is_unexplained(verdict.volume, seconds, state.average_use, limits)
        if is_spike:
            bound = spike_bound(seconds, state.average_use, limits)
            self.findings.add(Rule.SPIKE, report.start, verdict.volume, bound)
            self.doubted = SUSPECT
        if is_spike or verdict.rule is Rule.ROLLOVER:
            remember_jump(state, known_register, known_at, report.base)

    def _take_up(self) -> tuple[int, int]:
        """The level that was left goes on with this report: returns where it was left (instant, register)."""
        state, report = self.state, self.report
        left, left_at = take_up(state)
        self.findings.add(Rule.LEVEL_RETURNED, report.start, report.base, left)
        self.old = replace(state, midnights=[])
        day = self.zone.day_of(left_at)
        if self.zone.start_of(day) == left_at:
            set_midnight(state, day, left)  # what a history tells of the days since must fit it
        self.known_at, self.known_register, self.restated = left_at, left, RESTATED
        return left_at, left

    def _late(self, known_at: int, known_register: int, closed_at: int, closed: int) -> Level:
        """The report begins before what is already known ends."""
        report, findings = self.report, self.findings
        # A report of the day so far repeats the slots of the one before it and goes on: that is how it is meant.
        advances = self.old.register_at is None or report.register_at > self.old.register_at
        if not advances:
            findings.add(Rule.OUT_OF_ORDER, report.start, report.start, known_at)
        checks = {known_at: known_register}
        for back, known in enumerate(self.old.midnights):
            if known is not None and self.old.midnight_day is not None:
                checks[self.zone.start_of(self.old.midnight_day - back)] = known
        seen = {report.start: report.base}
        at, register = report.start, report.base
        for k, increment in enumerate(self.increments):
            if at >= closed_at and k:
                break
            at, register = at + report.interval_s, register + increment
            seen[at] = self._dialled(register)
        closed = self._dialled(closed)
        measured_at = self.old.measured_at
        if self.old.read_digit:
            # Beside what a person read the meter's own word counts; where the two differ, somebody is shown both.
            checks = {at: register for at, register in checks.items() if at <= (measured_at or 0)}
            there = beside_person(report, self.old, seen)
            if there is not None or advances:
                self._pass_over_person(there)
                advances = True
        elif measured_at is not None and known_at > measured_at:
            # What a spot register drew beyond is no measurement: the spot itself must lie on the report's line.
            checks = {at: register for at, register in checks.items() if at <= measured_at}
            checks |= beside_line(report, self.old, seen, closed_at, closed)
        differs = [(at, seen[at], known) for at, known in checks.items() if at in seen and seen[at] != known]
        for at, mine, known in differs:
            findings.add(Rule.DUPLICATE_DIFFERENT, at, mine, known)
        if not differs and not advances and closed_at == known_at and closed == known_register:
            day = self.zone.day_of(report.start)
            if self.zone.start_of(day) == report.start and midnight_of(self.old, day) == report.base:
                findings.add(Rule.DUPLICATE_SAME, report.start, report.base, report.base)
        if differs:
            return Level.OTHER
        use, limits = self.state.average_use, self.limits
        if advances or fits_between(report, checks, closed_at, closed, use, limits):
            return Level.SAME
        findings.add(Rule.LEVEL_DOUBT, report.start, report.base, known_register)
        return Level.OTHER

    def _pass_over_person(self, there: int | None) -> tuple[int, int]:
        """Go on from the (instant, register) that the meter said before. ``there``: the report's register where the person's differs."""
        report, own = self.report, without_person(self.state, self.zone)
        if there is not None:
            at, register = self.old.register_at, self.old.register
            self.findings.add(Rule.MANUAL_DIFFERS, at or report.start, register or 0, there)
        self.passed_over, self.old = self.known_at, replace(self.state, midnights=list(self.state.midnights))
        self.known_at, self.known_register = own if own is not None else (None, None)
        return own if own is not None else (report.start, report.base)

    def _dialled(self, register: int) -> int:
        """As the dial shows it, where the report goes over its end."""
        return register % self.limits.dial if self.limits.dial else register

    def _fill(self) -> None:
        """What lies before the report and is not known yet: from the history, else on the line between registers."""
        report, state, zone = self.report, self.state, self.zone
        points: dict[int, int] = {report.start: report.base}
        told: set[int] = set()
        known: set[int] = set()
        if self.known_at is not None and self.known_register is not None and self.known_at < report.start:
            points[self.known_at] = self.known_register
            known.add(self.known_at)
        if self.known_at is not None and self.old.midnight_day is not None:
            for back, register in enumerate(self.old.midnights):
                at = zone.start_of(self.old.midnight_day - back)
                if register is not None and at < report.start:
                    points[at] = register
                    known.add(at)
        newer_at, newer = report.start, report.base
        for at, register in report.history:
            day = zone.day_of(at)
            if at > report.start or zone.start_of(day) != at or at < self.limits.installed_at:
                continue
            if at in points:
                if points[at] != register:
                    self.findings.add(Rule.HISTORY_MISMATCH, at, register, points[at])
                newer_at, newer = at, points[at]
                continue
            if not self._fits(points, at, register, newer_at, newer):
                self.findings.add(Rule.HISTORY_MISMATCH, at, register, newer)
                continue
            points[at] = register
            told.add(at)
            set_midnight(state, day, register)
            newer_at, newer = at, register
        if zone.start_of(zone.day_of(report.start)) == report.start:
            set_midnight(state, zone.day_of(report.start), report.base)
        order = sorted(points)
        for left, right in pairwise(order):
            if left in known and right in known:
                continue
            if left in known and right == report.start and not self._is_news(right):
                continue
            self._draw(left, points[left], right, points[right], HISTORY if left in told or right in told else ESTIMATE)
        if self.gap is not None:
            # No part longer than a day: all days' totals are known, whatever happened within them.
            parts = [(left, right) for left, right in pairwise(order) if self.gap.at <= left]
            self.gap.is_settled = all(zone.day_of(left) == zone.day_of(right - 1) for left, right in parts)

    def _fits(self, points: dict[int, int], at: int, register: int, newer_at: int, newer: int) -> bool:
        """Whether a midnight of the history lies between the known registers around it: it tells when, never how much more."""
        limits = self.limits
        upper = step(register, newer, newer_at - at, limits)
        if beyond(register, limits) or changes_level(upper.rule):
            return False
        under = max((instant for instant in points if instant < at), default=None)
        if under is None:  # nothing known confirms a leap: it may be the history of a level that is no more
            return not is_unexplained(upper.volume, newer_at - at, self.state.average_use, limits)
        lower = step(points[under], register, at - under, limits)
        whole = step(points[under], newer, newer_at - under, limits)
        return not changes_level(lower.rule) and lower.volume + upper.volume == whole.volume

    def _is_news(self, at: int) -> bool:
        """Whether a register at this instant tells what was passed over so far: always ahead of what is known, else at a midnight
        that was not known. Estimates that were drawn over it are then drawn anew."""
        if self.known_at is None or at > self.known_at:
            return True
        day = self.zone.day_of(at)
        return self.zone.start_of(day) == at and midnight_of(self.old, day) is None

    def _draw_after(self, closed_at: int, closed: int) -> None:
        """A late report ends where estimates go on: they begin at its end now."""
        state, zone, day = self.state, self.zone, self.zone.day_of(closed_at)
        if not self._is_news(closed_at) or self.known_at is None or self.known_register is None:
            return
        set_midnight(state, day, closed)
        right, after = self.known_at, self.known_register
        for later in range(day + 1, self.zone.day_of(self.known_at) + 1):
            register = midnight_of(state, later)
            if register is not None:
                right, after = zone.start_of(later), register
                break
        self._draw(closed_at, closed, right, after, ESTIMATE)

    def _draw(self, left: int, before: int, right: int, after: int, quality: int) -> None:
        """One stretch without data of its own. Midnights inside stay unknown: a later history may tell."""
        if right - left > MAX_FILL_S:
            return
        verdict = step(before, after, right - left, self.limits)
        self.sheet.draw(left, before, right, verdict.volume, quality | self.restated | self.doubted)

    def _rows(self, bits: int, *, own_base: bool, first: bool) -> None:
        """Put the report's slots on the grid of its days; where they do not fit it, draw between its registers."""
        report, zone, interval = self.report, self.zone, self.report.interval_s
        sheet = DayGrid(zone, interval, lambda _: None) if own_base else self.sheet
        registers = [report.base]
        for increment in self.increments:
            registers.append(registers[-1] + increment)

        def register_at(instant: int) -> int:
            k, rest = divmod(instant - report.start, interval)
            return registers[k] + (self.increments[k] * rest // interval if rest else 0)

        day, slot, rest = sheet.place(report.start)
        if rest:
            slot += 1
        days: set[int] = set()
        while True:
            left = zone.start_of(day) + slot * interval
            day_end = zone.start_of(day + 1)
            if left >= day_end:
                day, slot = day + 1, 0
                continue
            right = min(left + interval, day_end)
            if right > self.end:
                break
            k, off = divmod(left - report.start, interval)
            count = (min(day_end, self.end) - left) // interval
            if not off and count and not any(q & MISSING for q in set(self.quality[k : k + count])):
                # the usual grid: the report's slots are the day's
                if slot == 0 and first and (k <= self.known_until or k >= self.known_from):
                    set_midnight(self.state, day, self._dialled(registers[k]))
                sheet.run(
                    day, slot, self.increments[k : k + count], self.quality[k : k + count], self._dialled(registers[k])
                )
                days.add(day)
                slot += count
                continue
            covered = self.quality[k] if not off else self.quality[k] | self.quality[min(k + 1, len(self.quality) - 1)]
            if not covered & MISSING:
                exact = not off and right - left == interval
                quality = covered if exact else covered | Slot.INTERPOLATED
                here = register_at(left)
                if slot == 0 and first and (k + bool(off) <= self.known_until or k >= self.known_from):
                    set_midnight(self.state, day, self._dialled(here))
                sheet.put(day, slot, register_at(right) - here, int(quality), self._dialled(here))
                days.add(day)
            slot += 1
        old_front, seen_at = self.passed_over or self.known_at, self.seen_at
        for row in sheet.rows():
            if row.day in days:
                row.flags |= bits & ~(1 << Rule.GAP)  # the hole lies before these slots
                settled = not any(q & (MISSING | ESTIMATE) for q in row.quality)
                row.partial = (
                    not settled
                    or (old_front is not None and zone.start_of(row.day) < old_front)
                    # a level change forgets the known_register, yet something of the day may be stored, or edited
                    or (seen_at is not None and zone.start_of(row.day + 1) <= seen_at)
                )
                if first and settled and not row.partial:
                    row.flags |= self._learn(row.day, sum(row.increments), row.quality)
                    self.learned.add(row.day)
        if own_base:
            for row in sheet.rows():
                self.sheet.adopt(row)

    def _learn(self, day: int, total: int, quality: list[int]) -> int:
        """Compare a whole day with the average use; a spike marks its slots."""
        bits = learn_day(self.state, self.findings, self.zone.start_of(day), total, self.limits)
        if bits:
            quality[:] = [q | SUSPECT for q in quality]
        return bits

    def _settle(self, closed_at: int, closed: int) -> None:
        """The state after a report that is believed."""
        report, state, closed = self.report, self.state, self._dialled(closed)
        if state.register_at is None or report.register_at >= state.register_at:
            state.register, state.register_at, state.read_digit = report.register, report.register_at, 0
            state.candidate = state.candidate_at = None
            state.candidate_count = 0
        day, slot, rest = self.sheet.place(closed_at)
        if self.known_at is not None and closed_at < self.known_at:
            self._draw_after(closed_at, closed)
            if state.measured_at is not None and closed_at > state.measured_at:
                state.measured_at = closed_at  # what lies beyond was drawn from a spot register
                if slot == 0 and not rest:
                    set_midnight(state, day, closed)
            return
        if rest:  # the report's grid is not the day's: the open slot began earlier
            cut = closed_at - rest
            if cut < report.start:
                return
            k, part = divmod(cut - report.start, report.interval_s)
            inside = self.increments[k] * part // report.interval_s if part else 0
            closed_at, closed = cut, self._dialled(report.base + sum(self.increments[:k]) + inside)
        elif slot == 0:
            set_midnight(state, day, closed)
            opened = midnight_of(state, day - 1)
            if opened is not None and day - 1 not in self.learned:
                bits = learn_day(state, self.findings, self.zone.start_of(day - 1), closed - opened, self.limits)
                self.sheet.flag(self.zone.start_of(day - 1), bits)
        state.grid_at, state.grid_register, state.measured_at = closed_at, closed, closed_at

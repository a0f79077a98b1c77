# SPDX-License-Identifier: Apache-2.0
"""Judge registers that come at arbitrary instants (spot readings, logs, CJ/T 188 reads) and draw meter-days from them.

Each register is judged against the newest valid one. A valid register closes the slots that end between the two: the
register at a grid instant is linear between its neighbours, rounded down. The slot that holds the newest register stays
open (MISSING) until a later one arrives; where it began is remembered in ``grid_at`` and ``grid_register``. The result
does not depend on how the registers are cut into messages.
"""

from dataclasses import replace

from openmains.domain.period import DAY_S, Zone
from openmains.domain.readings.day_grid import DayGrid
from openmains.domain.readings.levels import (
    Jump,
    change_level,
    is_unexplained,
    jump_of,
    remember_jump,
    stand_on,
    take_up,
    try_candidate,
)
from openmains.domain.readings.manual import as_read
from openmains.domain.readings.midnight import midnight_of, set_midnight
from openmains.domain.readings.model import Judgement, Limits, MeterState, RegisterReport, RegisterRow
from openmains.domain.readings.quality import Rule, Slot
from openmains.domain.readings.rules import (
    AVERAGE_SCALE,
    MAX_FILL_S,
    Findings,
    changes_level,
    is_power_of_ten_off,
    is_spike,
    next_average,
    spike_bound,
    step,
)


def validate_registers(state: MeterState, report: RegisterReport, limits: Limits, zone: Zone) -> Judgement:
    """What a message of registers means. Returns one ``RegisterRow`` an entry, in the message's order."""
    if report.frame_seq is not None and (report.frame_hash, report.frame_seq) == (state.frame_hash, state.frame_seq):
        return Judgement(state, [], [], [], repeat=True)
    return _Judge(state, report, limits, zone).run()


def check_clock(findings: Findings, received_at: int, device_at: int, limits: Limits) -> None:
    """CLOCK_AHEAD and CLOCK_BEHIND: the meter's clock when it sent against the edge's when it arrived."""
    if device_at > received_at + limits.clock_tolerance_s:
        findings.add(Rule.CLOCK_AHEAD, received_at, device_at, received_at)
    elif device_at < received_at - limits.clock_tolerance_s:
        findings.add(Rule.CLOCK_BEHIND, received_at, device_at, received_at)


LATE_S = 30 * DAY_S  # what meters keep (R1.14): an instant before the installation may be true for so long
CLOCK_BITS = 1 << Rule.CLOCK_AHEAD | 1 << Rule.CLOCK_BEHIND
POWERS = tuple(10**k for k in range(7))
NOT_KNOWN = frozenset(((1 << bits) - 1) * scale for bits in (31, 32, 48) for scale in POWERS)
"""All ones: 'no value' where a maker says so without a word; as it came, or scaled to the driver's unit."""


def is_astray(at: int, received_at: int, limits: Limits) -> bool:
    """True for an instant that no late message explains, only a clock that was never set: 1970, 2000, 2070, 2106."""
    return (
        at > received_at + DAY_S
        or at < received_at - MAX_FILL_S
        or (at < limits.installed_at and at < received_at - LATE_S)
    )


def beyond(register: int, limits: Limits) -> bool:
    """True for what no register of this meter shows: negative, past its dial, or past all that can ever have flowed."""
    most_of_all = limits.dial or limits.ceiling
    return register < 0 or register in NOT_KNOWN or (most_of_all > 0 and register >= most_of_all)


def refused(findings: Findings, at: int, register: int, received_at: int, limits: Limits) -> int:
    """Bits of the rules that make a register unfit to build upon whatever came before; 0 if none."""
    bits = 0
    if at > received_at + limits.clock_tolerance_s:
        bits |= findings.add(Rule.CLOCK_AHEAD, at, at, received_at)
    if at < limits.installed_at:
        bits |= findings.add(Rule.BEFORE_INSTALLATION, at, at, limits.installed_at)
    if beyond(register, limits):
        bits |= findings.add(Rule.DIAL_LIMIT, at, register, limits.dial or limits.ceiling)
    return bits


def learn_day(state: MeterState, findings: Findings, start: int, total: int, limits: Limits) -> int:
    """A day's total is known: compare it with the average use, then move the average use, by a spike no further than its bound.

    Returns the bits of SPIKE and UNIT_SUSPECT where they fire. Changes ``state``.
    """
    bits = 0
    average_use = state.average_use
    if is_spike(total, DAY_S, average_use, limits):
        bound = spike_bound(DAY_S, average_use, limits)
        bits = findings.add(Rule.SPIKE, start, total, bound)
        if is_power_of_ten_off(total * AVERAGE_SCALE, average_use):
            bits |= findings.add(Rule.UNIT_SUSPECT, start, total, average_use // AVERAGE_SCALE)
        total = bound
    state.average_use = next_average(average_use, total)
    return bits


class _Judge:
    """One message in work."""

    def __init__(self, state: MeterState, report: RegisterReport, limits: Limits, zone: Zone) -> None:
        self.state = replace(state, version=state.version + 1, midnights=list(state.midnights))
        if not report.read_digit:  # what a person reads is no frame
            self.state.frame_seq, self.state.frame_hash = report.frame_seq, report.frame_hash
        self.report, self.limits, self.zone = report, limits, zone
        self.findings = Findings()
        self.seen: dict[int, int] = {}
        self.sheet = DayGrid(zone, limits.interval_s, lambda day: midnight_of(self.state, day))

    def run(self) -> Judgement:
        received = self.report.received_at
        check_clock(self.findings, received, self.report.device_at, self.limits)
        if self.findings.flags and self.report.entries:
            self._mark(received, self.findings.flags, self.report.entries[0][1])
        # one register of a meter that tells no clock of its own beside it: its instant is its clock
        is_alone = len(self.report.entries) == 1 and self.report.device_at == received
        digit = self.report.read_digit
        rows = []
        for at, register in self.report.entries:
            bits = 0
            is_now = abs(at - self.report.device_at) <= self.limits.clock_tolerance_s or is_alone
            if digit:
                bits = self._entry(at, as_read(register, at, digit, self.state)) | self.findings.mark(
                    Rule.MANUAL_READING
                )
                self.seen.setdefault(at, register)
            elif is_astray(at, received, self.limits) and (is_now or at > received or at < self.limits.installed_at):
                bits = self._astray(at, is_now=is_now)
                at = received
                bits |= self._entry(at, register) if is_now else 0
            else:
                bits = self._entry(at, register)
                self.seen.setdefault(at, register)
            if bits:
                self._mark(at, bits, register)
            rows.append(RegisterRow(at, register, bits))
        return Judgement(self.state, self.sheet.rows(), rows, self.findings.findings)

    def _astray(self, at: int, *, is_now: bool) -> int:
        """A clock that was never set: found at the time of arrival, under which the register is kept and listed.

        A register of the instant when the meter sent (``is_now``) is one of the time of arrival, and built upon. Of the
        others nobody knows when they were true.
        """
        received = self.report.received_at
        if is_now and self.findings.flags & CLOCK_BITS:
            return self.findings.flags & CLOCK_BITS  # said of the message already
        if at < self.limits.installed_at:
            return self.findings.add(Rule.BEFORE_INSTALLATION, received, at, self.limits.installed_at)
        return self.findings.add(Rule.CLOCK_AHEAD if at > received else Rule.CLOCK_BEHIND, received, at, received)

    def _mark(self, at: int, bits: int, register: int) -> None:
        """Show what was found on the row of its day, so that a list of days shows it.

        An instant that lies in the future or more than MAX_FILL_S ago stands for a wrong clock: then the day of
        reception bears the bits, and no row appears in another year. GAP stands where slots are estimated.
        """
        bits &= ~(1 << Rule.GAP)
        if not bits:
            return
        state, received = self.state, self.report.received_at
        is_wrong = not received - MAX_FILL_S <= at <= received + self.limits.clock_tolerance_s
        if is_wrong and not self.report.read_digit:
            at = received
        day = self.zone.day_of(at)
        bases = (midnight_of(state, day), state.grid_register, state.register, register)
        self.sheet.mark(day, bits, next(base for base in bases if base is not None))

    def _entry(self, at: int, register: int) -> int:
        """Judge one register, advance the state; returns its flags."""
        state, findings = self.state, self.findings
        bits = refused(findings, at, register, self.report.received_at, self.limits)
        if bits:
            return bits
        before, before_at = state.register, state.register_at
        if before is None or before_at is None:
            stand_on(state, register, at)
            state.read_digit = self.report.read_digit
            self._anchor(at, register)
            return 0
        twin = before if at == before_at else state.candidate if at == state.candidate_at else self.seen.get(at)
        if twin is not None:
            rule = Rule.DUPLICATE_SAME if twin == register else Rule.DUPLICATE_DIFFERENT
            return findings.add(rule, at, register, twin)
        if at < before_at:
            return findings.add(Rule.OUT_OF_ORDER, at, register, before_at)
        jump = jump_of(state, before, before_at, register, at, self.limits)
        if jump is Jump.RETURN:
            return self._return(at, register)
        verdict = step(before, register, at - before_at, self.limits)
        if verdict.rule is not None:
            bits = findings.add(verdict.rule, at, register, verdict.bound)
        if jump is Jump.DOUBT:
            bits |= findings.add(Rule.LEVEL_DOUBT, at, register, before)
        if changes_level(verdict.rule) or jump is Jump.DOUBT:
            return bits | self._off_level(at, register, before)
        if verdict.rule is Rule.ROLLOVER or is_unexplained(
            verdict.volume, at - before_at, state.average_use, self.limits
        ):
            remember_jump(state, before, before_at, register)
        grid_at = state.grid_at
        bits |= self._accept(before_at, before, at, register, verdict.volume, suspect=bool(bits))
        if state.grid_at is not None and state.grid_at != grid_at:  # a row has GAP where it has estimated slots
            self.sheet.flag(state.grid_at - 1, bits & ~(1 << Rule.GAP))
        return bits

    def _return(self, at: int, register: int) -> int:
        """The level that was left goes on: what was booked since is replaced by estimates on the line to this register."""
        state = self.state
        left, left_at = take_up(state)
        bits = self.findings.add(Rule.LEVEL_RETURNED, at, register, left)
        volume = step(left, register, at - left_at, self.limits).volume
        return bits | self._accept(left_at, left, at, register, volume, suspect=False, restates=True)

    def _off_level(self, at: int, register: int, before: int) -> int:
        """A register beyond what flow explains: wait until the level proves itself."""
        state = self.state
        bits = (
            self.findings.add(Rule.UNIT_SUSPECT, at, register, before) if is_power_of_ten_off(register, before) else 0
        )
        first, first_at = state.candidate, state.candidate_at
        if not try_candidate(state, register, at, self.limits) or first is None or first_at is None:
            return bits
        bits |= self.findings.add(Rule.METER_CHANGED, at, register, before)
        change_level(state, first, first_at)
        self._anchor(first_at, first)
        volume = step(first, register, at - first_at, self.limits).volume
        return bits | self._accept(first_at, first, at, register, volume, suspect=False)

    def _accept(
        self, before_at: int, before: int, at: int, register: int, volume: int, *, suspect: bool, restates: bool = False
    ) -> int:
        """The register is valid: close the slots up to it. ``restates``: whatever was booked on them before."""
        state, limits, seconds = self.state, self.limits, at - before_at
        bits = 0
        late = seconds * 2 > limits.cadence_s * 3
        is_missed = seconds * 2 > max(limits.cadence_s, limits.report_s) * 3
        if is_missed and not self.report.read_digit:
            bits |= self.findings.add(Rule.GAP, before_at, at, before_at + limits.cadence_s)
        elif late:  # between two reports, as a register that was asked for; or a person went there, who knows
            bits |= self.findings.mark(Rule.GAP)
        if is_unexplained(volume, seconds, state.average_use, limits):
            bits |= self.findings.add(Rule.SPIKE, at, volume, spike_bound(seconds, state.average_use, limits))
            suspect = True
        quality = Slot.ESTIMATED if late else Slot.INTERPOLATED
        if restates:
            quality = Slot.ESTIMATED | Slot.RESTATED
        if seconds > MAX_FILL_S:
            state.grid_at = state.grid_register = state.measured_at = None
            self._anchor(at, register)
        else:
            self._advance(before_at, before, at, volume, int(quality | Slot.SUSPECT if suspect else quality))
        state.register, state.register_at, state.read_digit = register, at, self.report.read_digit
        state.candidate = state.candidate_at = None
        state.candidate_count = 0
        return bits

    def _anchor(self, at: int, register: int) -> None:
        """A register that lies on the grid begins a slot by itself."""
        day, slot, rest = self.sheet.place(at)
        if not rest:
            self.state.grid_at, self.state.grid_register = at, register
            self.state.measured_at = None if self.report.read_digit else at
            if slot == 0:
                set_midnight(self.state, day, register)

    def _advance(self, start: int, before: int, end: int, volume: int, quality: int) -> None:
        """Close every slot that ends in (start, end] with the registers on the line between the two."""
        state, zone, interval, dial = self.state, self.zone, self.limits.interval_s, self.limits.dial
        span = end - start
        if state.measured_at is None and not state.read_digit:
            state.measured_at = state.grid_at
        opened = state.grid_register
        if opened is not None and dial and opened - before > dial // 2:
            opened -= dial  # the slot began before the register rolled over
        day, slot, _ = self.sheet.place(start)
        day_start, day_end = zone.start_of(day), zone.start_of(day + 1)
        while True:
            right = min(day_start + (slot + 1) * interval, day_end)
            if right > end:
                return
            there = before + volume * (right - start) // span
            exact = right == end and not quality & (Slot.SUSPECT | Slot.ESTIMATED) and not self.report.read_digit
            if opened is not None:
                base = opened % dial if dial else opened
                self.sheet.put(day, slot, there - opened, quality & ~Slot.INTERPOLATED if exact else quality, base)
            opened = there
            state.grid_at, state.grid_register = right, there % dial if dial else there
            if exact:
                state.measured_at = right
            slot += 1
            if right == day_end:
                self._midnight(day, learns=not quality & Slot.RESTATED)
                day, slot, day_start, day_end = day + 1, 0, day_end, zone.start_of(day + 2)

    def _midnight(self, day: int, *, learns: bool) -> None:
        """``day`` is over: remember the register, learn its total unless it restates a stretch that nobody saw."""
        state = self.state
        register = state.grid_register
        if register is None:
            return
        opened = midnight_of(state, day)
        set_midnight(state, day + 1, register)
        if opened is None or not learns:
            return
        total = register - opened
        if total < 0 and self.limits.dial and opened * 10 > self.limits.dial * 9:
            total += self.limits.dial
        start = self.zone.start_of(day)
        self.sheet.flag(start, learn_day(state, self.findings, start, total, self.limits))

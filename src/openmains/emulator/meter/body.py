# SPDX-License-Identifier: Apache-2.0
"""A meter's body: pipe, cell, sensors and case, what causes do to them, and which events its sensors make of that (R1.5).

The owner calls ``advance(now)`` at ``next_change()``; then ``senses`` says what is seen. Nothing is reported or shut here. Sensors
are looked at when a cause begins or ends, each ``LOOK_S`` while one is at work, and when the meter reports, at most once a freezing
interval: between these instants nothing but people's use changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from openmains.domain.period import HOUR_S
from openmains.emulator.meter.battery import DEAD_MV, MAH_UC, Battery
from openmains.emulator.meter.causes import Cause, Happening
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.piping import BACK, DRAWN, PASSING, Piping
from openmains.emulator.meter.radio import RadioPlace, ecl_of
from openmains.emulator.meter.surroundings import pressure, static_pressure, temperature
from openmains.emulator.meter.valve import Position, Valve

LOOK_S = 600  # also the span over which flow is measured
UNDER_VOLTAGE_MV = 3_000  # gas: below it the valve may not be moved any more (assumed)
RELIEF_MV = 50  # so much more before a voltage counts as recovered
GAS_GAUGE = (8, 50)  # 0.1 kPa: outside is abnormal (assumed: supply 2 to 3 kPa)
COLD_DDEGC = {Medium.WATER: 30, Medium.GAS: -100}  # assumed: near freezing; GB/T 6968's least rated range
HOT_DDEGC = {Medium.WATER: 450, Medium.GAS: 500}
SHAKING = 500  # 0.01 mm/s
QMAX_L_H = {Medium.WATER: 3_125, Medium.GAS: 2_500}
CAPACITY_UC = {Medium.WATER: 4_000 * MAH_UC, Medium.GAS: 8_500 * MAH_UC}  # assumed: for 6+1 and 10 years (R1.15)


@dataclass(slots=True)
class Limits:
    """Thresholds as set (R4.2): mV, seconds, litres/h, 0.1 kPa; 0 is off."""

    low_battery_mv: int = 3_300
    reverse_after_s: int = 3_600
    reverse_l_h: int = 0
    pressure_high: int = 10_000
    pressure_low: int = 0


class Body:
    """``causes``: in the order of their beginnings, may go on for ever. ``used_permille``: of the battery, when delivered here."""

    def __init__(
        self,
        medium: Medium = Medium.WATER,
        number: int = 0,
        *,
        causes: Iterable[Happening] = (),
        used_permille: int = 0,
        qmax_l_h: int = 0,
        place: RadioPlace | None = None,
        energy_share_ppm: int = 1_000_000,
    ) -> None:
        self.medium, self.number, self.limits = medium, number, Limits()
        self.qmax_l_h = qmax_l_h or QMAX_L_H[medium]
        self.place = place or RadioPlace.of(number)
        capacity = CAPACITY_UC[medium]
        self.battery = Battery(capacity, capacity * used_permille // 1000, share_ppm=energy_share_ppm)
        self.active: list[Happening] = []
        self._plan = iter(causes)
        self._coming: list[Happening] = []  # by their beginnings, the next one last
        self._planned: Happening | None = None
        self._foresee()
        self._past: list[Happening] = []  # the newest ones, for series that are reported later
        self._piping: Piping | None = None
        self._valve: Valve | None = None
        self._look_at: int | None = None

    def connect(self, piping: Piping, valve: Valve | None = None) -> None:
        """To what flows through it, and its valve if it has one: without it nothing happens to valves."""
        self._piping = piping
        if valve is not None:
            self._valve = valve

    @property
    def ecl(self) -> int:
        """Coverage level where it stands."""
        return ecl_of(self.place.rsrp_ddbm)

    # -- the world ---------------------------------------------------------------------------------------------------

    def next_change(self) -> int | None:
        """True instant at which a cause begins or ends, or the sensors are looked at again."""
        due = [happening.end for happening in self.active]
        if self._coming:
            due.append(self._coming[-1].begin)
        if self._look_at is not None:
            due.append(self._look_at)
        return min(due, default=None)

    def strike(self, happening: Happening) -> None:
        """One more cause, whenever it begins."""
        self._coming.append(happening)
        self._coming.sort(key=lambda one: -one.begin)

    def _foresee(self) -> None:
        planned = next(self._plan, None)
        if planned is not None:
            self._planned = planned
            self.strike(planned)

    def advance(self, now: int) -> list[tuple[int, Happening, bool]]:
        """Causes that began (True) or ended by now, with their instants, in order."""
        changed: list[tuple[int, Happening, bool]] = []
        while True:
            ends = min(self.active, key=lambda one: one.end, default=None)
            begins = self._coming[-1] if self._coming else None
            if ends is not None and ends.end <= now and (begins is None or ends.end <= begins.begin):
                self.active.remove(ends)
                self._past = [*self._past[-15:], ends]
                self._undo(ends)
                changed.append((ends.end, ends, False))
            elif begins is not None and begins.begin <= now:
                self._coming.pop()
                if begins is self._planned:
                    self._foresee()
                if self._possible(begins):
                    self.active.append(begins)
                    self._do(begins)
                    changed.append((begins.begin, begins, True))
            else:
                break
        if changed or (self._look_at is not None and self._look_at <= now):
            self._look_at = now + LOOK_S if self.active or changed else None
        return changed

    def _possible(self, happening: Happening) -> bool:
        return self._valve is not None or happening.cause not in (Cause.VALVE_JAMS, Cause.VALVE_LEAKS)

    def _do(self, happening: Happening) -> None:
        kind, at = happening.kind, happening.begin
        if self._piping is not None:
            if kind.stops_register:
                self._piping.stop(at, happening.cause)
            if kind.flow in (DRAWN, BACK):
                self._piping.begin(kind.flow, happening.size, at)
        if happening.cause is Cause.CELL_DEFECT:  # so that it is empty when two thirds of the time are over
            self.battery.leak(self.battery.left_uc(at) * 3 // (2 * (happening.end - at)), at)
        if self._valve is not None and happening.cause is Cause.VALVE_JAMS:
            self._valve.jam()
        self.valve_moved(at)

    def _undo(self, happening: Happening) -> None:
        kind, at = happening.kind, happening.end
        if self._piping is not None:
            if kind.stops_register:
                self._piping.go(at, happening.cause)
            if kind.flow in (DRAWN, BACK):
                self._piping.end(kind.flow, at)
        if happening.cause is Cause.CELL_DEFECT:
            self.battery.fit(at)
        if self._valve is not None and happening.cause is Cause.VALVE_JAMS:
            self._valve.free()
        self.valve_moved(at)

    def valve_moved(self, at: int) -> None:
        """A shut valve that leaks lets something through."""
        if self._piping is None or self._valve is None:
            return
        size = sum(one.size for one in self.active if one.cause is Cause.VALVE_LEAKS)
        leaks = size if self._valve.position == Position.CLOSED else 0
        if leaks != self._piping.rate(PASSING):
            self._piping.end(PASSING, at)
            if leaks:
                self._piping.begin(PASSING, leaks, at)

    # -- what sensors feel --------------------------------------------------------------------------------------------

    def flow(self, now: int) -> int:
        """Litres/h: what the register gained in the last ten minutes."""
        if self._piping is None:
            return 0
        before, after = self._piping([now - LOOK_S, now])
        return max(0, after - before) * HOUR_S // LOOK_S

    def reverse(self, now: int) -> int:
        """Litres of the reverse register."""
        return 0 if self._piping is None else self._piping.reverse(now)

    def temperature(self, local_s: int) -> int:
        """0.1 °C."""
        return temperature(self.medium, self.number, local_s) + sum(one.kind.warmer for one in self.active)

    def felt(self, at: int, local_s: int, flow_l_h: int) -> tuple[int | None, int, int]:
        """(pressure, temperature, vibration) at a true instant of the last days, with what was at work then."""
        then = [one for one in (*self.active, *self._past) if one.begin <= at < one.end]
        warmth = temperature(self.medium, self.number, local_s) + sum(one.kind.warmer for one in then)
        shaking = 10 + self.number % 9 + sum(one.kind.vibration for one in then)
        return self.pressure(at, local_s, flow_l_h), warmth, shaking

    def vibration(self) -> int:
        """0.01 mm/s."""
        return 10 + self.number % 9 + sum(one.kind.vibration for one in self.active)

    def pressure(self, at: int, local_s: int, flow_l_h: int) -> int | None:
        """0.1 kPa above the air at a true instant, now or of the last days; None: the sensor is broken."""
        share = 1_000_000
        for one in (*self.active, *self._past):
            if not one.begin <= at < one.end:
                continue
            if one.cause is Cause.SENSOR_BROKEN:
                return None
            share = share * one.kind.pressure_ppm // 1_000_000
        return pressure(self.medium, self.number, local_s, flow_l_h, self.qmax_l_h, share_ppm=share)

    def voltage_mv(self, now: int, local_s: int) -> int:
        """Of the battery under load; the cold counts."""
        return self.battery.voltage_mv(now, self.temperature(local_s))

    def is_dead(self, now: int, local_s: int) -> bool:
        """The battery drives nothing any more."""
        return self.voltage_mv(now, local_s) < DEAD_MV

    # -- events -------------------------------------------------------------------------------------------------------

    def senses(self, now: int, local_s: int, before: set[str]) -> set[str]:
        """Events that are on now. ``before``: those that were; a voltage must rise a little more to count as recovered.

        Of flow over a day (micro-leak, sustained flow) the meter's log knows, not the sensors.
        """
        seen: set[str] = set()
        for one in self.active:
            seen |= one.kind.seen
        if self._valve is not None and self._valve.position == Position.FAULT:
            seen.add("valve_fault")
        flow = self.flow(now)
        self._sense_voltage(now, local_s, before, seen)
        self._sense_pressure(now, local_s, flow, seen)
        warmth = self.temperature(local_s)
        if warmth < COLD_DDEGC[self.medium]:
            seen.add("temperature_low")
        elif warmth > HOT_DDEGC[self.medium]:
            seen.add("temperature_high")
        if flow * 5 > self.qmax_l_h * 6:
            seen.add("over_flow")
            if self.medium is Medium.GAS:
                seen.add("flow_abnormal")
        if self.medium is Medium.GAS and seen & {"temperature_low", "temperature_high"}:
            seen.add("temperature_abnormal")
        if self.vibration() > SHAKING:
            seen.add("vibration_abnormal")
        if self._piping is not None:
            if self._piping.rate(PASSING):
                seen.add("flow_valve_closed")
            if self._flows_back(now):
                seen.add("reverse_flow")
        return seen

    def why(self, event: str) -> str:
        """The cause at work that explains it, or 'own'."""
        for one in self.active:
            if event in one.kind.seen | one.kind.sensed:
                return one.cause.value
        return "own"

    def _sense_voltage(self, now: int, local_s: int, before: set[str], seen: set[str]) -> None:
        voltage = self.voltage_mv(now, local_s)
        if voltage <= self.limits.low_battery_mv + (RELIEF_MV if "low_battery" in before else 0):
            seen.add("low_battery")
        if self.medium is not Medium.GAS:
            return
        if voltage < UNDER_VOLTAGE_MV + (RELIEF_MV if "under_voltage" in before else 0):
            seen.add("under_voltage")
        if any(one.cause is Cause.WRONG_SUPPLY for one in self.active):
            seen.add("over_voltage")

    def _sense_pressure(self, now: int, local_s: int, flow: int, seen: set[str]) -> None:
        felt = self.pressure(now, local_s, flow)
        if felt is None:
            return
        if self.medium is Medium.GAS:
            if not GAS_GAUGE[0] <= felt <= GAS_GAUGE[1]:
                seen.add("pressure_abnormal")
            return
        if 0 < self.limits.pressure_high <= felt:
            seen.add("pressure_high")
        if felt < self.limits.pressure_low:
            seen.add("pressure_low")
        if felt == 0:
            seen.add("empty_pipe")
        elif felt * 5 < static_pressure(self.medium, self.number):
            seen.add("burst")

    def _flows_back(self, now: int) -> bool:
        if self._piping is None or not self.limits.reverse_after_s:
            return False
        return any(
            until is None
            and kind == BACK
            and rate > self.limits.reverse_l_h
            and now - begin >= self.limits.reverse_after_s
            for begin, until, rate, kind in self._piping.flows
        )

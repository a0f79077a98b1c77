# SPDX-License-Identifier: Apache-2.0
"""Why a meter has something to report: what happens to pipe, cell, counter and case, as a table (R1.5).

A cause begins and ends in the world; the meter does not know it by name. ``body.py`` says what its sensors make of it, ``meter.py``
reports that, ``protection.py`` shuts the valve. ``docs/emulator.md`` is drawn from the same rows. Where the source documents are
silent the row says 'assumed'.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.period import DAY_S, HOUR_S, MINUTE_S
from openmains.emulator.meter.consumption import Medium


class Cause(StrEnum):
    """What can happen to a meter."""

    DRIPPING = "dripping"
    HOSE_OFF = "hose off"
    GAS_ESCAPES = "gas escapes"
    MAIN_BURST = "main burst"
    MAIN_DRY = "main dry"
    SURGE = "surge"
    REGULATOR = "regulator fails"
    MAGNET = "magnet"
    MODULE_OFF = "module pulled off"
    SHAKEN = "shaken"
    SEAL_CUT = "seal cut"
    BACK_SIPHON = "back siphon"
    FROST = "frost"
    FIRE = "fire"
    CELL_DEFECT = "cell defect"
    WRONG_SUPPLY = "wrong supply"
    SUPPLY_LOST = "supply lost"
    VALVE_JAMS = "valve jams"
    VALVE_LEAKS = "valve leaks"
    REED_BROKEN = "reed broken"
    SENSOR_BROKEN = "sensor broken"
    ROADWORKS = "roadworks"


WATER, GAS = Medium.WATER, Medium.GAS
_BOTH = (WATER, GAS)


@dataclass(frozen=True, slots=True)
class CauseKind:
    """What a cause does. ``seen``: events whose detector sees it at once; ``sensed``: those that follow from a measured value.

    Lengths in seconds, ``litres_h`` of the flow, ``pressure_ppm`` of what the pressure would be, ``warmer`` in 0.1 °C.
    """

    media: Sequence[Medium]
    least_s: int
    most_s: int
    clause: str
    zh: str
    en: str
    weight: int = 10
    seen: frozenset[str] = frozenset()
    sensed: frozenset[str] = frozenset()
    flow: str = ""  # of piping.py
    litres_h: tuple[int, int] = (0, 0)
    stops_register: bool = False
    pressure_ppm: int = 1_000_000
    warmer: int = 0
    vibration: int = 0


def _events(*names: str) -> frozenset[str]:
    return frozenset(names)


KINDS: dict[Cause, CauseKind] = {
    Cause.DRIPPING: CauseKind(
        _BOTH, 40 * HOUR_S, 90 * HOUR_S, "R1.5 G4", "表后管道滴漏", "a pipe behind the meter drips",
        sensed=_events("micro_leak", "sustained_low_flow"), flow="drawn", litres_h=(4, 10),
    ),
    Cause.HOSE_OFF: CauseKind(
        _BOTH, HOUR_S, 5 * HOUR_S, "R1.5 S5.7c CJ/T 449", "表后软管脱落", "a hose behind the meter has come off", weight=6,
        sensed=_events("over_flow", "flow_abnormal", "sustained_high_flow"), flow="drawn", litres_h=(5_000, 7_000),
    ),
    Cause.GAS_ESCAPES: CauseKind(
        (GAS,), HOUR_S, 6 * HOUR_S, "R1.5 R4.8 S5.7c", "室内燃气泄漏", "gas escapes into the room", weight=6,
        seen=_events("gas_leak"), flow="drawn", litres_h=(100, 400),
    ),
    Cause.MAIN_BURST: CauseKind(
        (WATER,), 2 * HOUR_S, 8 * HOUR_S, "R6.6", "供水干管爆裂", "the main in the street has burst",
        sensed=_events("burst", "pressure_low"), pressure_ppm=100_000,
    ),
    Cause.MAIN_DRY: CauseKind(
        (WATER,), 2 * HOUR_S, 30 * HOUR_S, "OMA 3424", "停水空管", "the main is shut and runs empty",
        sensed=_events("empty_pipe", "pressure_low"), stops_register=True, pressure_ppm=0,
    ),
    Cause.SURGE: CauseKind(
        (WATER,), 10 * MINUTE_S, HOUR_S, "R4.2", "水锤超压", "a pump drives the pressure up",
        sensed=_events("pressure_high"), pressure_ppm=4_500_000,
    ),
    Cause.REGULATOR: CauseKind(
        (GAS,), HOUR_S, 10 * HOUR_S, "R1.5 S5.7c", "调压器失效", "the pressure regulator fails",
        sensed=_events("pressure_abnormal"), pressure_ppm=3_000_000,
    ),
    Cause.MAGNET: CauseKind(
        _BOTH, 20 * MINUTE_S, 20 * HOUR_S, "R1.5 S6.1.2.6 S6.1.4.5", "表旁放置磁铁", "a magnet is put on",
        seen=_events("magnetic"),
    ),
    Cause.MODULE_OFF: CauseKind(
        _BOTH, HOUR_S, 20 * HOUR_S, "R1.5 T4.2.2", "电子模块被取下", "the module is pulled off its base", weight=5,
        seen=_events("module_removed"), stops_register=True,
    ),
    Cause.SHAKEN: CauseKind(
        _BOTH, 10 * MINUTE_S, HOUR_S, "R1.5 G4", "表具被移动", "the meter is moved about", seen=_events("movement"),
    ),
    Cause.SEAL_CUT: CauseKind(
        _BOTH, 5 * HOUR_S, 3 * DAY_S, "R1.5 S5.7c", "封缄被剪断", "the seal is cut", weight=5, seen=_events("seal_broken"),
    ),
    Cause.BACK_SIPHON: CauseKind(
        (WATER,), 2 * HOUR_S, 8 * HOUR_S, "R1.2 R1.5", "倒流", "water siphons back into the main",
        sensed=_events("reverse_flow"), flow="back", litres_h=(20, 100),
    ),
    Cause.FROST: CauseKind(
        _BOTH, 6 * HOUR_S, 40 * HOUR_S, "R1.5 S5.7c", "冰冻", "frost", weight=5,
        sensed=_events("temperature_low", "temperature_abnormal", "low_battery"), warmer=-350,
    ),
    Cause.FIRE: CauseKind(
        (GAS,), HOUR_S, 3 * HOUR_S, "R1.5 S5.7c", "表旁失火", "a fire beside the meter", weight=3,
        sensed=_events("temperature_high", "temperature_abnormal"), warmer=600,
    ),
    Cause.CELL_DEFECT: CauseKind(
        _BOTH, 4 * DAY_S, 9 * DAY_S, "R1.5 R1.15", "电池漏电", "the battery loses its charge and is replaced", weight=8,
        sensed=_events("low_battery", "under_voltage"),
    ),
    Cause.WRONG_SUPPLY: CauseKind(
        (GAS,), HOUR_S, 12 * HOUR_S, "R1.5 S6.1.2.5 S6.1.4.4", "接入过高电压", "too high a voltage is connected", weight=5,
        sensed=_events("over_voltage"),
    ),
    Cause.SUPPLY_LOST: CauseKind(
        (GAS,), HOUR_S, 12 * HOUR_S, "R1.5 S6.1.2.5 S6.1.4.4 C4.2", "主电源断开", "the main supply is cut off", weight=8,
        seen=_events("power_loss"),
    ),
    Cause.VALVE_JAMS: CauseKind(
        _BOTH, 5 * HOUR_S, 2 * DAY_S, "R1.5", "阀门卡住", "the valve jams", weight=4, seen=_events("valve_fault"),
    ),
    Cause.VALVE_LEAKS: CauseKind(
        _BOTH, 5 * HOUR_S, 2 * DAY_S, "R1.5 G4", "阀门内漏", "the shut valve does not hold", weight=5,
        sensed=_events("flow_valve_closed"), flow="passing", litres_h=(20, 60),
    ),
    Cause.REED_BROKEN: CauseKind(
        _BOTH, 5 * HOUR_S, 2 * DAY_S, "R1.5 G5.5", "干簧管损坏", "the reed switch is broken", weight=4,
        seen=_events("reed_fault"), stops_register=True,
    ),
    Cause.SENSOR_BROKEN: CauseKind(
        _BOTH, 5 * HOUR_S, 3 * DAY_S, "G5.5", "压力传感器故障", "the pressure sensor fails", weight=3,
        seen=_events("sensor_fault"),
    ),
    Cause.ROADWORKS: CauseKind(
        (WATER,), 3 * HOUR_S, 9 * HOUR_S, "R1.2", "道路施工振动", "roadworks shake the pipe", weight=3,
        sensed=_events("vibration_abnormal"), vibration=900,
    ),
}  # fmt: skip
"""Each cause. An event not named here has a reason within the meter: ``OWN_REASONS``."""

OWN_REASONS = {
    "arrears": ("欠费", "the credit is used up"),
    "balance_low": ("余额低于报警值", "the balance fell below the warning threshold"),
    "over_flow": ("用户大流量用气/用水", "people draw more than the meter is made for"),
    "flow_abnormal": ("用户大流量用气", "people draw more than the meter is made for"),
    "pressure_low": ("用水大、水压降低", "the flow pulls the pressure down"),
    "micro_leak": ("全天无停流", "for a day the flow never stopped"),
    "sustained_low_flow": ("持续小流量", "the flow never fell below the threshold"),
    "sustained_high_flow": ("持续大流量", "the flow stayed above the threshold"),
    "low_battery": ("电池耗尽", "the battery is used up"),
    "under_voltage": ("电池耗尽", "the battery is used up"),
    "valve_fault": ("阀门未到位", "the valve did not arrive"),
}
"""Event → why, in both languages, where no cause is at work."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A cause at one meter, in true time (s). ``size``: litres/h where it flows, else 0…999 for whoever needs a measure."""

    cause: Cause
    begin: int
    end: int
    size: int = 0

    @property
    def kind(self) -> CauseKind:
        return KINDS[self.cause]


def planned(
    rng: random.Random,
    medium: Medium,
    begin: int,
    a_day: float,
    chosen: Sequence[Cause] = tuple(Cause),
    *,
    pace: int = 1,
) -> Iterator[Happening]:
    """What happens to one meter from an instant on, for ever: about ``a_day`` causes each day, one after the other; the same for
    the same ``rng``. ``pace``: so many times faster does a cause run its course, for people who watch."""
    kinds = [cause for cause in chosen if medium in KINDS[cause].media]
    weights = [KINDS[cause].weight for cause in kinds]
    at = begin
    while kinds and a_day > 0:
        at += int(rng.expovariate(a_day / DAY_S))
        one = happening(rng, rng.choices(kinds, weights)[0], at, pace)
        yield one
        at = one.end + HOUR_S  # the meter is itself again before the next one


def happening(rng: random.Random, cause: Cause, at: int, pace: int = 1) -> Happening:
    """One, of a length and size that its kind allows."""
    kind = KINDS[cause]
    low, high = kind.litres_h if kind.flow else (0, 999)
    length_s = rng.randint(kind.least_s, kind.most_s)
    if pace > 1 and cause not in _SLOW:
        length_s = max(_SEEN_S, length_s // pace)
    return Happening(cause, at, at + length_s, rng.randint(low, high))


_SLOW = frozenset({Cause.DRIPPING, Cause.BACK_SIPHON})  # a meter sees these only after a time of its own
_SEEN_S = 15 * MINUTE_S  # long enough for every sensor

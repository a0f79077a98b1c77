# SPDX-License-Identifier: Apache-2.0
"""A hard month held against the platform's alarms: none missing, none invented, and each at once where R1.5 says so."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openmains.domain.period import DAY_S
from openmains.emulator.meter.causes import OWN_REASONS, Cause
from openmains.emulator.meter.diary import Entry, What
from openmains.emulator.meter.protection import SHUTS
from tests.support.hard_month import STEP_L, WARNING_FEN, Resident, Told, told_by

SLACK_S = 5  # clocks drift a little from day to day
COMES_UP_S = 600  # from power to network, with failures
DEAREST = 39_500  # 10^-4 CNY/m3, the highest tier


@dataclass(frozen=True, slots=True)
class PlatformAlarm:
    """As the platform keeps it. Instants in s, received ones of the platform's clock."""

    meter_id: int
    event: str
    raised_at: int
    received_at: int
    cleared_at: int | None


@dataclass(frozen=True, slots=True)
class Spell:
    """An event at a meter, from on to off (None: still on), by its diary; true time."""

    event: str
    on: Entry
    off: int | None

    def holds(self, at: int) -> bool:
        return self.on.at <= at and (self.off is None or at <= self.off)


def spells(one: Resident) -> dict[str, list[Spell]]:
    """By event, in order."""
    found: dict[str, list[Spell]] = defaultdict(list)
    open_since: dict[str, Entry] = {}
    for entry in one.terminal.diary.of(What.EVENT):
        if entry.on:
            open_since[entry.name] = entry
        elif entry.name in open_since:
            found[entry.name].append(Spell(entry.name, open_since.pop(entry.name), entry.at))
    for name, entry in open_since.items():
        found[name].append(Spell(name, entry, None))
    return found


def check(residents: Sequence[Resident], alarms: Iterable[PlatformAlarm]) -> Counter[str]:
    """Raises ``AssertionError`` at the first thing that does not fit; returns what was looked at."""
    by_meter: dict[int, dict[str, list[PlatformAlarm]]] = defaultdict(lambda: defaultdict(list))
    for alarm in alarms:
        by_meter[alarm.meter_id][alarm.event].append(alarm)
    said = told_by(residents)
    seen: Counter[str] = Counter()
    for one in residents:
        _check_meter(one, said.get(one.place, []), by_meter.pop(one.identity.meter_id, {}), seen)
    assert not by_meter, f"alarms of meters that are not in the town: {list(by_meter)}"
    return seen


def _check_meter(
    one: Resident, told: Sequence[Told], alarms: Mapping[str, Sequence[PlatformAlarm]], seen: Counter[str]
) -> None:
    real = spells(one)
    _each_flag_was_so(one, told, real)
    for event in {*real, *alarms}:
        told_spells = [spell for spell in real.get(event, ()) if _first_told(told, spell) is not None]
        kept = sorted(alarms.get(event, ()), key=lambda alarm: alarm.received_at)
        for alarm in kept:  # none invented
            owner = [spell for spell in told_spells if _explains(one, spell, alarm)]
            assert owner, f"{one.terminal.number}: alarm {alarm} of nothing that happened: {real.get(event)}"
        _each_once(one, told_spells, kept, seen)
        for spell in real.get(event, ()):  # none missing
            seen["events"] += 1
            seen[f"by {spell.on.why}"] += 1
            assert spell.on.why in set(Cause) or (spell.on.why == "own" and event in OWN_REASONS), spell
            first = _first_told(told, spell)
            if first is None:
                assert _may_be_lost(one, spell), f"{one.terminal.number}: nobody was told of {spell}"
                seen["never told"] += 1
                seen[f"never told: {event} {spell.on.why}"] += 1
                continue
            found = [alarm for alarm in kept if _explains(one, spell, alarm)]
            assert found, f"{one.terminal.number}: no alarm of {spell}"
            if spell.off is not None and any(message.at > spell.off + SLACK_S for message in told):  # and it ended
                assert any(alarm.cleared_at is not None and alarm.cleared_at >= spell.off for alarm in found), (
                    spell,
                    found,
                )
                seen["ended"] += 1
            seen["told"] += 1
            if event in one.terminal.meter.profile.immediate:
                _was_at_once(one, spell, first, seen)
    _closings(one, seen)
    _low_balance(told, real.get("balance_low", ()), seen)


def _explains(one: Resident, spell: Spell, alarm: PlatformAlarm) -> bool:
    """An alarm message names the instant of the event; one from a report has the report's. It is over when a message says so."""
    late = alarm.received_at - spell.on.at
    if spell.event in one.terminal.meter.profile.immediate:
        return late >= -SLACK_S and (spell.off is None or alarm.received_at <= spell.off + 2 * DAY_S)
    return late >= -SLACK_S


def _each_once(one: Resident, told_spells: Sequence[Spell], kept: Sequence[PlatformAlarm], seen: Counter[str]) -> None:
    """One alarm a spell. A second one only where the radio kept a message back – an alarm, a report sent again – until another
    had said that it was over: what is overtaken still raises (domain/alarm/events.py), and the next message clears it."""
    alarms_of: dict[int, list[PlatformAlarm]] = defaultdict(list)
    for alarm in kept:
        alarms_of[max(spell.on.at for spell in told_spells if _explains(one, spell, alarm))].append(alarm)
    for began, alarms in alarms_of.items():
        if len(alarms) > 1:
            held_back = [what for at, what in one.troubles if began <= at <= alarms[-1].received_at]
            assert len(alarms) <= 1 + len(held_back), f"{one.terminal.number}: {alarms} of one spell at {began}"
            seen["told again by a late message"] += 1


def _each_flag_was_so(one: Resident, told: Sequence[Told], real: Mapping[str, Sequence[Spell]]) -> None:
    """No flag without its spell: one that holds, or one that nobody was told of yet, or whose message waited for the radio."""
    for message in told:
        for event in message.events:
            found = [spell for spell in real.get(event, ()) if spell.on.at - SLACK_S <= message.at]
            assert found, f"{one.terminal.number}: {event} said at {message.at}, never on before"


def _first_told(told: Sequence[Told], spell: Spell) -> Told | None:
    """The first delivered message that speaks of this spell."""
    place = bisect_left(told, spell.on.at, key=lambda message: message.at)
    for message in told[place:]:
        if spell.event in message.events:
            return message
        if spell.off is not None and message.at > spell.off and message.kind == "report":
            return None
    return None


def _may_be_lost(one: Resident, spell: Spell) -> bool:
    """R1.5: at most once a day each; R1.6: three failures, or error 513 until the module is reset, and over before the next
    message; a meter whose battery died, or that is still within its month's last day."""
    if _is_second_of_day(one, spell):
        return True
    meter = one.terminal.meter
    until = spell.off if spell.off is not None else 2**40
    failed = any(spell.on.at <= at <= until for at, _ in one.troubles)
    died = any(
        not entry.on and spell.on.at <= entry.at <= until + 2 * DAY_S for entry in one.terminal.diary.of(What.POWER)
    )
    waits = spell.event not in meter.profile.immediate and (not one.arrived or one.arrived[-1][0] < until + 2 * DAY_S)
    return failed or died or waits


def _is_second_of_day(one: Resident, spell: Spell) -> bool:
    """T4.2.2: what reports at once does so once a day; the next one rides on the report."""
    profile = one.terminal.meter.profile
    if spell.event not in profile.once_a_day & profile.immediate:
        return False
    day = (spell.on.device_at + profile.utc_offset_s) // DAY_S
    return any(
        entry.on and entry.at < spell.on.at and (entry.device_at + profile.utc_offset_s) // DAY_S == day
        for entry in one.terminal.diary.of(What.EVENT, spell.event)
    )


def _was_at_once(one: Resident, spell: Spell, first: Told, seen: Counter[str]) -> None:
    """In the same second, unless the radio failed between, or the meter was on its way into the network."""
    late = first.at - spell.on.at
    if late <= 0:
        seen["at once"] += 1
    elif _is_second_of_day(one, spell):
        seen["second of its day"] += 1
    elif not any(at <= spell.on.at for at, _ in one.arrived) or any(
        entry.on and entry.at <= spell.on.at <= entry.at + COMES_UP_S for entry in one.terminal.diary.of(What.POWER)
    ):
        seen["while it came up"] += 1
    else:
        assert any(spell.on.at <= at <= first.at for at, _ in one.troubles), (
            f"{spell} was told {late} s late for nothing"
        )
        seen["late by the radio"] += 1


def _closings(one: Resident, seen: Counter[str]) -> None:
    """Each dangerous event shut the valve in the same second, unless it was shut for the same reason already."""
    if one.terminal._driver.medium != "gas":
        assert not [entry for entry in one.terminal.diary.of(What.VALVE) if entry.name in SHUTS], (
            "a water meter shut itself"
        )
        return
    reasons: set[str] = set()
    shut_at = {(entry.at, entry.name) for entry in one.terminal.diary.of(What.VALVE) if entry.on}
    for entry in one.terminal.diary.entries:
        if entry.what is What.EVENT and entry.on and entry.name in SHUTS:
            assert entry.name in reasons or (entry.at, entry.name) in shut_at, (
                f"{one.terminal.number}: {entry} left it open"
            )
        elif entry.what is What.VALVE and entry.on:
            reasons.add(entry.name)
            seen["closings"] += 1
            seen[f"shut by {entry.name}"] += 1
        elif entry.what is What.VALVE and entry.name == "press":
            reasons.clear()
            seen["resets at the meter"] += 1
        elif entry.what is What.VALVE:
            seen["opened by itself"] += 1


def _low_balance(told: Sequence[Told], low: Sequence[Spell], seen: Counter[str]) -> None:
    """S6.1.2.7: told at the step with which the balance fell below the warning threshold."""
    for spell in low:
        first = next((m for m in told if m.at == spell.on.at and m.kind == "alarm" and "balance_low" in m.events), None)
        if first is None or first.balance is None:
            continue
        step_fen = STEP_L * DEAREST // 100_000 + 1
        assert WARNING_FEN - step_fen <= first.balance < WARNING_FEN, (spell, first)
        seen["low balance at the crossing"] += 1

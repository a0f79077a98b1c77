# SPDX-License-Identifier: Apache-2.0
"""Storms of alarms become groups, and nothing else does."""

from openmains.domain.alarm.mutes import StandingMute, mute_of
from openmains.domain.alarm.storm import (
    JOIN_S,
    SETTLE_S,
    WHOLE,
    Grouping,
    OpenGroup,
    StormAlarm,
    crowded,
    group,
    threshold,
)
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId, MuteId, TenantId

S = 1_000_000
NOW = 1_700_000_000 * S
T = TenantId(1)
CITY, NORTH, SOUTH = AreaId(1), AreaId(2), AreaId(3)
SIZES = {(T, WHOLE): 1_000_000, (T, CITY): 1_000_000, (T, NORTH): 10_000, (T, SOUTH): 900_000}


def alarm(
    number: int,
    *below: int,
    ago_s: float = 1,
    event: str = "power_loss",
    cell: int | None = None,
    severity: str = "major",
) -> StormAlarm:
    places = tuple(AreaId(area) for area in (CITY, *below))
    return StormAlarm(AlarmId(number), T, event, "", severity, places, cell, NOW - int(ago_s * S))


def decide(
    fresh: list[StormAlarm], alone: list[StormAlarm] | None = None, groups: list[OpenGroup] | None = None
) -> Grouping:
    return group(fresh, alone or [], groups or [], SIZES, NOW)


def test_thousands_of_one_kind_in_a_district_are_one_group_in_the_district_not_its_houses_nor_the_city() -> None:
    burst = [alarm(number, NORTH, 100 + number % 90) for number in range(4_000)]
    noise = [alarm(9_000 + number, SOUTH, 500 + number, ago_s=SETTLE_S) for number in range(15)]
    found = decide([*burst, *noise])
    (begun,) = found.begins
    assert (begun.area_id, begun.cell, len(begun.members), begun.kind[3]) == (NORTH, None, 4_000, "major")
    assert crowded([*burst, *noise]) == {(T, WHOLE), (T, CITY), (T, NORTH), *((T, AreaId(100 + n)) for n in range(90))}
    assert crowded(noise) == set()
    assert {each.alarm_id for each in found.alone} == {each.alarm_id for each in noise}


def test_a_burst_in_one_street_is_the_street() -> None:
    (begun,) = decide([alarm(number, SOUTH, 77, 700 + number % 2) for number in range(40)]).begins
    assert begun.area_id == 77


def test_an_alarm_waits_for_company_and_is_then_told_alone() -> None:
    assert decide([alarm(1, NORTH, ago_s=SETTLE_S - 1)]) == Grouping()
    assert [each.alarm_id for each in decide([alarm(1, NORTH, ago_s=SETTLE_S)]).alone] == [1]


def test_those_told_alone_within_the_window_join_the_group_that_begins() -> None:
    slow = [alarm(number, NORTH, ago_s=30 + number) for number in range(threshold(10_000) - 1)]
    (begun,) = decide([alarm(900, NORTH)], slow).begins
    assert len(begun.members) == len(slow) + 1
    assert begun.members[0].received_us == min(each.received_us for each in slow)


def test_what_comes_after_joins_as_long_as_the_storm_lasts() -> None:
    kind = (T, "power_loss", "", "major")
    lasting = OpenGroup(GroupId(5), kind, NORTH, None, NOW - (JOIN_S - 1) * S)
    assert {key: len(value) for key, value in decide([alarm(1, NORTH, 101)], groups=[lasting]).joins.items()} == {5: 1}
    over = OpenGroup(GroupId(5), kind, NORTH, None, NOW - (JOIN_S + 1) * S)
    for known in (
        over,
        OpenGroup(GroupId(5), (T, "burst", "", "major"), NORTH, None, NOW),
        OpenGroup(GroupId(5), kind, SOUTH, None, NOW),
    ):
        assert decide([alarm(1, NORTH, 101, ago_s=SETTLE_S)], groups=[known]).joins == {}


def test_what_is_scattered_over_a_big_city_is_no_storm_unless_it_has_its_cell_in_common() -> None:
    scattered = [alarm(number, SOUTH, 1_000 + number, ago_s=SETTLE_S) for number in range(120)]
    assert decide(scattered).begins == []
    one_cell = [alarm(number, SOUTH, 1_000 + number, cell=4711) for number in range(120)]
    (begun,) = decide(one_cell).begins
    assert (begun.area_id, begun.cell, len(begun.members)) == (WHOLE, 4711, 120)


def test_kinds_do_not_mix() -> None:
    mixed = [alarm(number, NORTH, event=f"event_{number % 4}", ago_s=SETTLE_S) for number in range(120)]
    assert decide(mixed).begins == []


def test_what_is_critical_does_not_join_without_a_word_what_is_less() -> None:
    minor = OpenGroup(GroupId(5), (T, "above_limit", "", "minor"), NORTH, None, NOW)
    found = decide([alarm(1, NORTH, event="above_limit", severity="critical", ago_s=SETTLE_S)], groups=[minor])
    assert (found.joins, [each.alarm_id for each in found.alone]) == ({}, [1])
    both = [alarm(n, NORTH, 101, event="above_limit", severity=("minor", "critical")[n % 2]) for n in range(120)]
    assert sorted((begun.kind[3], len(begun.members)) for begun in decide(both).begins) == [
        ("critical", 60),
        ("minor", 60),
    ]


def test_a_mute_holds_for_what_it_names_until_its_end_and_never_for_a_danger_it_does_not_name() -> None:
    place = StandingMute(MuteId(1), T, NORTH, None, None, NOW - S, NOW + S)
    assert mute_of([place], T, MeterId(9), "low_battery", "minor", (CITY, NORTH), NOW) is place
    assert mute_of([place], T, MeterId(9), "gas_leak", "critical", (CITY, NORTH), NOW) is None
    assert mute_of([place], T, MeterId(9), "low_battery", "minor", (CITY, SOUTH), NOW) is None
    assert mute_of([place], T, MeterId(9), "low_battery", "minor", (CITY, NORTH), NOW + S) is None
    named = StandingMute(MuteId(2), T, None, MeterId(9), "gas_leak", NOW - S, NOW + 9 * S)
    assert mute_of([place, named], T, MeterId(9), "gas_leak", "critical", (CITY, NORTH), NOW) is named
    assert mute_of([named], T, MeterId(8), "gas_leak", "critical", (CITY, NORTH), NOW) is None

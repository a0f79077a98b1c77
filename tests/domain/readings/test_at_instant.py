# SPDX-License-Identifier: Apache-2.0
"""The register at an instant: exact where it is known, on the line where it is not, nothing where nobody can say."""

from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.period import zone
from openmains.domain.readings.at_instant import Known, register_at, registers_of
from openmains.domain.readings.model import DayRow, RegisterRow
from openmains.domain.readings.quality import Rule, Slot
from tests.support.properties import counted

ZONE = zone("Asia/Shanghai")
DAY = 20_000
MIDNIGHT = ZONE.start_of(DAY)
MISSING, ESTIMATED, INTERPOLATED, EDITED = Slot.MISSING, Slot.ESTIMATED, Slot.INTERPOLATED, Slot.EDITED


def day(number: int, base: int, *slots: tuple[int, int], every: int = 21_600) -> DayRow:
    """A day of four slots of six hours: (increment, flags) of each."""
    return DayRow(number, base, every, [slot[0] for slot in slots], [int(slot[1]) for slot in slots])


CLEAN = day(DAY, 100, (4, 0), (0, 0), (8, 0), (2, 0))


def test_a_boundary_of_a_measured_slot_is_exact() -> None:
    for place, register in enumerate((100, 104, 104, 112, 114)):
        at = MIDNIGHT + place * 21_600
        assert register_at([CLEAN], [], at, ZONE) == Known(at, register, 0)


def test_within_a_slot_the_line_counts_and_says_so() -> None:
    known = register_at([CLEAN], [], MIDNIGHT + 43_200 + 8_100, ZONE)
    assert known == Known(MIDNIGHT + 51_300, 107, INTERPOLATED) and known.is_estimated
    received = [RegisterRow(MIDNIGHT + 51_300, 106)]
    assert register_at([CLEAN], received, MIDNIGHT + 51_300, ZONE) == Known(MIDNIGHT + 51_300, 106, 0)
    assert register_at([CLEAN], received, MIDNIGHT + 51_300 + 6_750, ZONE) == Known(
        MIDNIGHT + 58_050, 109, INTERPOLATED
    )


def test_what_a_person_read_is_no_measurement_and_speaks_through_the_slots_it_made() -> None:
    read = 1 << Rule.MANUAL_READING
    at = MIDNIGHT + 43_200 + 8_100
    for flags in (read, read | 1 << Rule.OUT_OF_ORDER, read | 1 << Rule.OUT_OF_ORDER | 1 << Rule.MANUAL_DIFFERS):
        assert register_at([CLEAN], [RegisterRow(at, 105, flags)], at, ZONE) == Known(at, 107, INTERPOLATED)
        assert register_at([], [RegisterRow(at, 1000, flags)], at, ZONE) is None
    booked = day(DAY, 100, (4, ESTIMATED), (4, ESTIMATED), (4, ESTIMATED), (4, ESTIMATED))
    known = register_at([booked], [RegisterRow(at, 110, read)], at, ZONE)
    assert known is not None and (known.register, known.is_estimated) == (109, True)


def test_flow_back_within_a_slot_is_read_off_its_line() -> None:
    row = day(DAY, 100, (-6, Slot.REVERSE), (0, 0), (0, 0), (0, 0))
    known = register_at([row], [], MIDNIGHT + 10_800, ZONE)
    assert known is not None and known.register == 97


def test_what_was_estimated_stays_estimated() -> None:
    row = day(DAY, 100, (4, 0), (4, ESTIMATED), (4, ESTIMATED), (4, INTERPOLATED))
    found = [register_at([row], [], MIDNIGHT + place * 21_600, ZONE) for place in range(5)]
    assert [known and known.flags for known in found] == [0, 0, ESTIMATED, INTERPOLATED, INTERPOLATED]


def test_a_hole_is_bridged_between_its_neighbours_and_a_missing_start_tells_nothing() -> None:
    before = day(DAY - 1, 50, (10, 0), (10, 0), (0, MISSING), (0, MISSING))
    lost = day(DAY, 999, (0, MISSING), (0, MISSING), (0, MISSING), (0, MISSING))
    after = day(DAY + 1, 106, (4, 0), (0, 0), (0, 0), (0, 0))
    known = register_at([after, lost, before], [], MIDNIGHT, ZONE)  # from 70 at noon to 106 a day and a half later
    assert known == Known(MIDNIGHT, 82, ESTIMATED)
    assert register_at([lost, before], [], MIDNIGHT, ZONE) is None
    assert register_at([lost, after], [], MIDNIGHT, ZONE) is None
    assert register_at([], [], MIDNIGHT, ZONE) is None
    assert register_at([before], [], MIDNIGHT - 43_200, ZONE) == Known(MIDNIGHT - 43_200, 70, 0)


def test_another_meter_is_not_bridged() -> None:
    before = day(DAY - 1, 5_000, (10, 0), (0, MISSING), (0, MISSING), (0, MISSING))
    after = day(DAY + 1, 3, (4, 0), (0, 0), (0, 0), (0, 0))
    assert register_at([before, after], [], MIDNIGHT, ZONE) is None


def test_a_register_that_is_not_built_upon_is_no_neighbour() -> None:
    at = MIDNIGHT + 3_600
    sound = [RegisterRow(MIDNIGHT, 100), RegisterRow(MIDNIGHT + 7_200, 120)]
    refused = RegisterRow(at, 9_999, 1 << Rule.OVER_QMAX)
    assert register_at([], [*sound, refused], at, ZONE) == Known(at, 110, INTERPOLATED)


def test_a_persons_value_is_named() -> None:
    row = day(DAY, 100, (4, EDITED), (4, 0), (4, 0), (4, 0))
    found = [register_at([row], [], MIDNIGHT + place * 21_600, ZONE) for place in range(3)]
    assert [known and known.flags for known in found] == [0, EDITED, EDITED]


@settings(max_examples=counted(60))
@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from([0, 0, 0, 2, 4])), min_size=12, max_size=12),
    st.integers(0, 3 * 86_400),
)
def test_a_register_lies_between_the_boundaries_around_it(slots: list[tuple[int, int]], offset: int) -> None:
    rows, base = [], 1_000
    for number in range(3):
        four = slots[number * 4 : number * 4 + 4]
        rows.append(day(DAY + number, base, *four))
        base += sum(increment for increment, _ in four)
    levels = [1_000]
    for increment, _ in slots:
        levels.append(levels[-1] + increment)
    known = register_at(rows, [], MIDNIGHT + offset, ZONE)
    place, rest = divmod(offset, 21_600)
    assert known is not None
    if rest == 0:
        assert known.register == levels[place]
        around = [flags for _, flags in slots[max(0, place - 1) : place + 1]]
        assert known.is_estimated == all(around)
    else:
        assert known.register == levels[place] + slots[place][0] * rest // 21_600 and known.is_estimated


@settings(max_examples=counted(60), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.lists(st.sampled_from([0, MISSING, ESTIMATED]), min_size=4, max_size=4)),
        max_size=6,
    ),
    st.lists(st.tuples(st.integers(0, 45 * 86_400), st.booleans()), max_size=6),
    st.lists(st.integers(0, 45 * 4), min_size=1, max_size=9),
)
def test_many_instants_are_told_as_each_by_itself(
    days: list[tuple[int, list[int]]], received: list[tuple[int, bool]], instants: list[int]
) -> None:
    rows = [day(DAY + place, place * 100, *((5, int(flag)) for flag in flags)) for place, flags in dict(days).items()]
    said = [
        RegisterRow(MIDNIGHT + at, at // 900, 0 if sound else 1 << Rule.OVER_QMAX)
        for at, sound in dict(received).items()
    ]
    asked = [MIDNIGHT + place * 21_600 for place in instants]
    alone = {at: known for at in asked if (known := register_at(rows, said, at, ZONE)) is not None}
    assert registers_of(rows, said, asked, ZONE) == alone

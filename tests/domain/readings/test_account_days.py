# SPDX-License-Identifier: Apache-2.0
"""Days of an account across exchanges: whatever the registers, an installation adds exactly the difference of its ends."""

from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.period import DAY_S, zone
from openmains.domain.readings.account_days import EndsOf, PartSum, days_of, passed, pieces_of, span_sum

PLACE = zone("Asia/Shanghai")
DAY = 20_000
MIDNIGHT = PLACE.start_of(DAY)


def test_an_exchange_in_the_middle_of_a_day_counts_both_by_their_own_registers() -> None:
    noon, now = MIDNIGHT + DAY_S // 2, MIDNIGHT + 3 * DAY_S
    old = EndsOf(1, 11, MIDNIGHT - 5 * DAY_S, noon, (0, False), (1_500, True))
    new = EndsOf(2, 22, noon, None, (7, False), None)
    pieces = [*pieces_of(old, DAY - 1, DAY + 1, PLACE, now), *pieces_of(new, DAY - 1, DAY + 1, PLACE, now)]
    registers = {
        (11, MIDNIGHT - DAY_S): (1_000, False), (11, MIDNIGHT): (1_400, False),
        (22, MIDNIGHT + DAY_S): (30, False), (22, MIDNIGHT + 2 * DAY_S): (90, False),
    }  # fmt: skip
    days = days_of(pieces, registers)
    assert [(share.volume, share.is_estimated) for share in days[DAY - 1]] == [(400, False)]
    assert [(share.installation_id, share.volume, share.is_estimated) for share in days[DAY]] == [
        (1, 100, True),
        (2, 23, False),
    ]
    assert [share.volume for share in days[DAY + 1]] == [60]
    assert span_sum(old, pieces, registers) == (1_000, 1_500, 500, noon)
    assert span_sum(new, pieces, registers) == (7, 90, 83, MIDNIGHT + 2 * DAY_S)
    del registers[(22, MIDNIGHT + DAY_S)]
    assert [share.volume for share in days_of(pieces, registers)[DAY]] == [100, None]
    assert span_sum(new, pieces, registers).volume == 83  # the sum is whole where only a midnight between is not known


def test_what_goes_on_is_told_until_its_newest_register() -> None:
    now = MIDNIGHT + DAY_S + 7_200  # a day that is over, and two hours of another
    registers = {(1, MIDNIGHT): (100, False), (1, MIDNIGHT + DAY_S): (140, False)}

    def told(newest: tuple[int, int] | None) -> tuple[list[int | None], PartSum]:
        hung = EndsOf(1, 1, MIDNIGHT - 9 * DAY_S, None, (0, False), None, newest=newest)
        pieces = list(pieces_of(hung, DAY, DAY + 5, PLACE, now))
        days = days_of(pieces, registers)
        return [share.volume for day in sorted(days) for share in days[day]], span_sum(hung, pieces, registers)

    at = now - 600
    assert told((at, 150)) == ([40, 10], PartSum(100, 150, 50, at))
    assert told((MIDNIGHT + DAY_S, 140)) == (
        [40, None],
        PartSum(100, 140, 40, MIDNIGHT + DAY_S),
    )  # nothing of today yet
    assert told(None) == ([40, None], PartSum(100, None, None, None))
    assert told((now + 60, 150)) == ([40, None], PartSum(100, None, None, None))  # its clock is ahead
    del registers[
        (1, MIDNIGHT + DAY_S)
    ]  # silent since noon of the day that is over: that day is not told, the sum is until then
    assert told((MIDNIGHT + 43_200, 120)) == ([None, None], PartSum(100, 120, 20, MIDNIGHT + 43_200))


def test_a_dial_that_went_round_and_a_register_that_fell_back_a_little() -> None:
    assert passed(99_990, 5, 100_000) == 15
    assert passed(10, 8, 100_000) == -2
    assert passed(99_990, 5, 0) == -99_985


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=9), st.integers(1, DAY_S - 1), st.integers(1, DAY_S - 1))
def test_pieces_add_up_to_the_difference_of_the_ends(steps: list[int], begins: int, ends: int) -> None:
    last = DAY + len(steps)
    from_s, to_s = MIDNIGHT + begins, PLACE.start_of(last) + ends
    at, registers = 100, {}
    for place, step in enumerate(steps):
        at += step
        registers[(1, PLACE.start_of(DAY + place + 1))] = (at, False)
    closing = at + 3
    hung = EndsOf(1, 1, from_s, to_s, (100, False), (closing, False))
    pieces = list(pieces_of(hung, DAY - 2, last + 2, PLACE, to_s + 9))
    shares = [share.volume for day in days_of(pieces, registers).values() for share in day]
    assert sum(volume or 0 for volume in shares) == closing - 100 == span_sum(hung, pieces, registers).volume
    assert None not in shares and len(pieces) == len(steps) + 1

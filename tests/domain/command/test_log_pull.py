# SPDX-License-Identifier: Apache-2.0
"""A log pulled over a link that loses parts is, in the end, the meter's log."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.command.log_pull import Pull, lines_of, merged, missing

LOG = [(100, "open"), (200, "magnet on"), (200, "magnet on"), (200, "magnet off"), (300, "closed"), (400, "open")]


def answer(log: Sequence[tuple[int, str]], since: int, until: int, lost: set[int], per_part: int = 2) -> Pull:
    """What arrives of a meter's answer: parts of so many lines each, an empty log is one empty part."""
    lines = [f"{at} {text}\n" for at, text in log if since <= at <= until]
    parts = ["".join(lines[k : k + per_part]) for k in range(0, len(lines), per_part)] or [""]
    came = {k: part for k, part in enumerate(parts) if k not in lost}
    return Pull(since, until, came, len(parts) if came else 0)


def test_the_span_asked_for_again_is_that_of_the_lost_parts() -> None:
    assert missing(answer(LOG, 0, 999, set())) is None
    assert missing(answer(LOG, 0, 999, {0})) == (0, 200)
    assert missing(answer(LOG, 0, 999, {1})) == (200, 300)
    assert missing(answer(LOG, 0, 999, {2})) == (200, 999)
    assert missing(answer(LOG, 0, 999, {0, 2})) == (0, 999)
    assert missing(answer(LOG, 0, 999, {0, 1, 2})) == (0, 999)  # 'already done', and nothing of the log
    assert missing(answer([], 0, 999, set())) is None


def test_without_instants_or_with_a_clock_set_back_the_whole_span_is_asked_for_and_no_line_is_lost() -> None:
    nameless = Pull(0, 999, {0: "magnet on\n", 2: "300 closed\n"}, 3)
    assert missing(nameless) == (0, 999)
    again = Pull(0, 999, {0: "magnet on\n", 1: "cover open\n", 2: "300 closed\n"}, 3)
    assert merged([nameless, again]) == [(None, "magnet on"), (300, "closed"), (None, "cover open")]
    assert missing(Pull(0, 999, {0: "300 a\n", 1: "100 clock set\n"}, 3)) == (0, 999)


@given(
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from("ab")), max_size=30).map(
        lambda log: sorted(log, key=lambda line: line[0])
    ),
    st.integers(1, 4),
    st.lists(st.sets(st.integers(0, 30)), max_size=6),
    st.integers(0, 6),
    st.integers(6, 13),
)
def test_pulls_end_with_the_meters_log_and_never_show_a_line_that_is_not_in_it(
    log: list[tuple[int, str]], per_part: int, losses: list[set[int]], since: int, until: int
) -> None:
    wanted = [line for line in log if since <= line[0] <= until]
    pulls = [answer(log, since, until, losses.pop() if losses else set(), per_part)]
    while (span := missing(pulls[-1])) is not None:
        assert since <= span[0] <= span[1] <= until
        for line in {line for pull in pulls for line in lines_of(pull)}:
            assert merged(pulls).count(line) <= wanted.count((line[0] or 0, line[1]))
        pulls.append(answer(log, *span, losses.pop() if losses else set(), per_part))
    assert sorted(merged(pulls)) == sorted(wanted)
    assert [at for at, _ in merged(pulls)] == [at for at, _ in wanted]

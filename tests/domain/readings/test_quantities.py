# SPDX-License-Identifier: Apache-2.0
"""Of each instant the newest value that is one, whatever order the runs are in."""

import random

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.readings.quality import Slot
from openmains.domain.readings.quantities import MOST_SPAN_S, Run, Sample, curve, pieces, samples

RUNS = st.lists(
    st.builds(
        lambda start, interval, marks, version: Run(
            start * 900,
            interval if len(marks) > 1 else 0,
            [version * 1000 + k for k in range(len(marks))],
            [1 if mark else 0 for mark in marks] if any(marks) else [],
            version,
        ),
        st.integers(0, 20),
        st.sampled_from([900, 1800, 3600]),
        st.lists(st.booleans(), min_size=1, max_size=8),
        st.integers(1, 9),
    ),
    max_size=8,
    unique_by=lambda run: (run.start_s, run.version),
)


@given(RUNS, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(runs: list[Run], rng: random.Random) -> None:
    found = samples(runs, 0, 10**6)
    again = [*runs, *runs]
    rng.shuffle(again)
    assert {(s.at, s.version) for s in samples(again, 0, 10**6)} == {
        (s.at, s.version) for s in found
    } or _equal_versions(runs)
    assert [sample.at for sample in found] == sorted({sample.at for sample in found})


@given(RUNS)
def test_a_known_value_is_the_newest_known_one(runs: list[Run]) -> None:
    for sample in samples(runs, 0, 10**6):
        known = [
            (run.version, value)
            for run in runs
            for k, value in enumerate(run.values)
            if run.start_s + k * run.interval_s == sample.at and not (run.quality and run.quality[k] & Slot.MISSING)
        ]
        if not known:
            assert sample.value is None
        else:
            assert sample.version == max(version for version, _ in known)
            assert (sample.version, sample.value) in known


def _equal_versions(runs: list[Run]) -> bool:
    """Two messages of one version are none that can be; then their order tells."""
    return len({run.version for run in runs}) < len(runs)


def test_only_what_lies_in_the_period_is_told() -> None:
    run = Run(1000, 100, [1, 2, 3, 4], [], 1)
    assert [sample.value for sample in samples([run], 1100, 1300)] == [2, 3]


def test_a_run_longer_than_the_longest_is_cut() -> None:
    assert pieces(1800, 48) == [(0, 48)]
    assert pieces(0, 1) == [(0, 1)]
    parts = pieces(86_400, 100)
    assert parts[0][0] == 0 and parts[-1][1] == 100
    assert all((end - first) * 86_400 <= MOST_SPAN_S for first, end in parts)
    assert pieces(31 * 86_400, 3) == [(0, 1), (1, 2), (2, 3)]
    assert pieces(1800, 0) == []


@given(
    st.dictionaries(st.integers(0, 5000), st.one_of(st.none(), st.integers(-50, 50)), max_size=60),
    st.integers(0, 2500),
    st.integers(1, 2500),
    st.integers(1, 100),
)
def test_a_curve_has_every_peak_and_no_more_parts_than_asked_for(
    said: dict[int, int | None], left: int, length: int, parts: int
) -> None:
    listed = [Sample(at, said[at], 0, 60, 1) for at in sorted(said)]
    drawn = curve(listed, left, left + length, parts)
    known = [value for at, value in said.items() if value is not None and left <= at < left + length]
    assert len(drawn) <= parts
    assert [one.at for one in drawn] == sorted({one.at for one in drawn})
    assert max((one.high for one in drawn), default=None) == max(known, default=None)
    assert min((one.low for one in drawn), default=None) == min(known, default=None)

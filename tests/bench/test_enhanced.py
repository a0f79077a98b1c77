# SPDX-License-Identifier: Apache-2.0
"""``bench ingest --enhanced --pairs``: the order of the runs, and what their ratios are."""

import pytest

from openmains.bench.enhanced import Run, order, ratios


@pytest.mark.parametrize("pairs", range(1, 6))
def test_neighbours_are_pairs_and_neither_kind_is_always_first(pairs: int) -> None:
    kinds = order(pairs)
    assert len(kinds) == 2 * pairs
    assert all(first != second for first, second in zip(kinds[::2], kinds[1::2], strict=True))
    assert all(before == after for before, after in zip(kinds[1::2], kinds[2::2], strict=False))


def test_the_middle_pair_counts_whatever_the_machine_did_meanwhile() -> None:
    def pair(per_s: float, us: float, share: float, *, enhanced_first: bool) -> list[Run]:
        both = [Run(False, 100, per_s, us), Run(True, 100, per_s * share, us / share)]
        return both[::-1] if enhanced_first else both

    runs = [
        *pair(9_000, 180, 0.9, enhanced_first=False),
        *pair(3_000, 200, 0.2, enhanced_first=True),  # somebody else's work fell on one of them
        *pair(1_000, 190, 0.95, enhanced_first=False),
    ]
    assert ratios(runs) == (0.9, 0.9)

# SPDX-License-Identifier: Apache-2.0
"""How shards are shared: evenly, whoever comes and goes, with as few moves as that takes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from openmains.app.ingest.pipeline.leases import LeaseView, share

NAMES = ["a", "b", "c", "d", "e"]
PROCESSES = st.frozensets(st.sampled_from(NAMES), min_size=1)
HOLDERS = st.dictionaries(st.integers(0, 20), st.sampled_from([*NAMES, "gone"]))


@given(st.integers(1, 16), PROCESSES, HOLDERS)
def test_every_shard_is_with_somebody_alive_and_nobody_has_two_more(
    shards: int, processes: frozenset[str], holders: dict[int, str]
) -> None:
    given_out = share(shards, LeaseView(processes, holders))
    assert set(given_out) == set(range(shards)) and set(given_out.values()) <= processes
    counted = Counter(given_out.values())
    assert max(counted[name] for name in processes) - min(counted[name] for name in processes) <= 1


@given(st.integers(1, 16), PROCESSES, HOLDERS)
def test_what_is_even_stays(shards: int, processes: frozenset[str], holders: dict[int, str]) -> None:
    even = share(shards, LeaseView(processes, holders))
    assert share(shards, LeaseView(processes, even)) == even


@given(st.integers(1, 16), PROCESSES, st.sampled_from(NAMES))
def test_who_comes_is_given_its_share_and_nothing_else_moves(
    shards: int, processes: frozenset[str], newcomer: str
) -> None:
    before = share(shards, LeaseView(processes - {newcomer} or frozenset("z"), {}))
    after = share(shards, LeaseView(frozenset(before.values()) | {newcomer}, before))
    assert {after[shard] for shard in range(shards) if after[shard] != before[shard]} <= {newcomer}


def test_nobody_alive_nobody_has_anything() -> None:
    assert share(4, LeaseView(frozenset(), {0: "a"})) == {}

# SPDX-License-Identifier: Apache-2.0
"""The ladder: what lifts a terminal up, what never can, and what brings it down again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.security.binding import Sim, check_binding
from openmains.domain.security.findings import WEIGHTS, Kind, State
from openmains.domain.security.ladder import MILLI, Standing, Thresholds, faded, judge, put, release

T = Thresholds()
AT = 1_800_000_000
DAY = 86_400
kinds = st.sampled_from(list(Kind))
unproven = st.sampled_from([kind for kind in Kind if not WEIGHTS[kind].proven])
gaps = st.integers(0, 3 * DAY)


def after(*findings: tuple[int, Kind], start: Standing | None = None) -> Standing:
    """The standing after findings at (seconds later, kind)."""
    standing, at = start or Standing(at=AT), AT
    for gap, kind in findings:
        at += gap
        standing = judge(standing, kind, at, T)
    return standing


def test_a_clone_is_quarantined_by_the_first_finding_and_blocked_by_the_next() -> None:
    assert after((0, Kind.CLONED)).state is State.QUARANTINE
    assert after((0, Kind.CLONED), (600, Kind.CLONED)).state is State.BLOCKED


def test_a_wrong_sim_is_shown_at_once_and_quarantined_when_it_stays() -> None:
    assert after((0, Kind.SIM_SEPARATED)).state is State.OBSERVE
    stays = after(*[(600, Kind.SIM_SEPARATED)] * 50)
    assert stays.state is State.QUARANTINE


@pytest.mark.parametrize("wanted", [State.QUARANTINE, State.BLOCKED])
def test_an_option_answers_a_wrong_sim_at_once(wanted: State) -> None:
    assert judge(Standing(at=AT), Kind.SIM_SEPARATED, AT, T, wanted).state is wanted


@given(st.lists(st.tuples(gaps, unproven), max_size=60))
def test_what_anybody_can_cause_never_leads_beyond_observe(findings: list[tuple[int, Kind]]) -> None:
    standing = after(*findings)
    assert standing.state <= State.OBSERVE
    assert standing.score <= T.observe * MILLI


@given(st.lists(st.tuples(gaps, kinds), max_size=40))
def test_no_finding_leads_further_than_its_highest_step(findings: list[tuple[int, Kind]]) -> None:
    highest = max((WEIGHTS[kind].highest for _, kind in findings), default=State.ALLOWED)
    assert after(*findings).state <= highest


@given(st.lists(st.tuples(gaps, kinds), max_size=40), st.integers(0, 400 * DAY))
def test_time_never_releases_from_quarantine_or_block_and_always_from_observe(
    findings: list[tuple[int, Kind]], pause: int
) -> None:
    standing = after(*findings)
    later = faded(standing, standing.at + pause, T)
    assert 0 <= later.score <= standing.score
    if standing.state >= State.QUARANTINE:
        assert later.state is standing.state
    assert faded(standing, standing.at + 400 * DAY, T).state in (State.ALLOWED, standing.state)
    if standing.state is State.OBSERVE:
        assert faded(standing, standing.at + 400 * DAY, T).state is State.ALLOWED


@given(st.integers(0, 200_000), st.lists(st.integers(0, 5000), max_size=50))
def test_many_small_steps_fade_as_much_as_one(score: int, steps: list[int]) -> None:
    start = Standing(State.QUARANTINE, score, AT)
    walked, at = start, AT
    for step in steps:
        at += step
        walked = faded(walked, at, T)
    whole = faded(start, at, T)
    assert abs(walked.score - whole.score) <= len(steps) + 1  # a thousandth a step is rounded


def test_a_finding_older_than_the_last_neither_fades_nor_turns_back_the_clock() -> None:
    standing = after((0, Kind.CLONED))
    late = judge(standing, Kind.SIM_SEPARATED, AT - 500, T)
    assert (late.at, late.score) == (AT, standing.score)  # 60 is above what a SIM may lift to
    assert judge(standing, Kind.CLONED, AT - 500, T).state is State.BLOCKED


def test_a_person_releases_and_blocks_and_time_does_not_undo_it() -> None:
    blocked = after((0, Kind.CLONED), (0, Kind.CLONED))
    assert release(blocked, AT + 5) == Standing(State.ALLOWED, 0, AT + 5)
    watched = put(Standing(at=AT), State.OBSERVE, AT)
    assert faded(watched, AT + 100 * DAY, T).state is State.OBSERVE
    assert put(Standing(), State.BLOCKED, AT).state is State.BLOCKED


def test_thresholds_rise() -> None:
    with pytest.raises(ValueError, match="rise"):
        Thresholds(observe=50, quarantine=50)


@pytest.mark.parametrize(
    ("registered", "seen", "said", "found"),
    [
        (Sim("460040000000001"), Sim(), Sim("460040000000001"), None),
        (Sim("460040000000001"), Sim(), Sim("460040000000002"), Kind.SIM_SEPARATED),
        (Sim("460040000000001"), Sim(), Sim(), None),
        (Sim(), Sim(), Sim("460040000000002"), None),
        (Sim(), Sim("460040000000001"), Sim("460040000000002"), Kind.SIM_CHANGED),
        (Sim("460040000000002"), Sim("460040000000001"), Sim("460040000000002"), None),
        (Sim(iccid="8986044000000000001A"), Sim(), Sim(iccid="8986044000000000001a"), None),
        (Sim(iccid="89860440000000000012"), Sim(), Sim(iccid="8986044000000000001"), None),
        (Sim(iccid="89860440000000000012"), Sim(), Sim(iccid="8986044000000000002"), Kind.SIM_SEPARATED),
        (Sim("460040000000001", "8986044000000000001"), Sim(), Sim("460040000000001", "8986044000000000002"),
         Kind.SIM_SEPARATED),
    ],
)  # fmt: skip
def test_binding(registered: Sim, seen: Sim, said: Sim, found: Kind | None) -> None:
    assert check_binding(registered, seen, said) is found

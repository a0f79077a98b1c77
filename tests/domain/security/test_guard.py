# SPDX-License-Identifier: Apache-2.0
"""What an edge notices: each attack is found, and nothing that a radio network does to honest meters is."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.security.findings import Finding, Kind
from openmains.domain.security.guard import AccessGuard, GuardLimits
from tests.support.properties import counted

IMEI = 861234567890123


def kinds(found: list[Finding]) -> list[Kind]:
    return [finding.kind for finding in found]


def test_two_sessions_that_speak_in_turn_are_a_clone() -> None:
    guard = AccessGuard()
    found: list[Finding] = []
    guard.handshake(IMEI)
    for hour in range(8):
        found += guard.message(IMEI, "ab"[hour % 2], "ab"[hour % 2], 100 + hour * 3600)
    assert set(kinds(found)) == {Kind.CLONED}
    assert found[0].at == 100 + 4 * 3600  # the third turn back


def test_a_flood_is_told_after_some_minutes_and_once_in_ten() -> None:
    guard = AccessGuard()
    found: list[Finding] = []
    for tenth in range(15 * 600):  # 10 messages a second for 15 minutes
        found += guard.message(IMEI, "s", "a", tenth / 10)
    assert kinds(found) == [Kind.MESSAGE_FLOOD] * 2
    assert found[0].at < 180


def test_bad_records_replays_and_wrong_keys_are_told_with_their_address() -> None:
    guard = AccessGuard()
    found: list[Finding] = []
    for i in range(100):
        found += (
            guard.bad_record(IMEI, "x", i / 10) + guard.replay(IMEI, "y", i / 10) + guard.wrong_key(IMEI, "z", i / 10)
        )
    assert {(finding.kind, finding.address) for finding in found} == {
        (Kind.MAC_FLOOD, "x"), (Kind.REPLAY_FLOOD, "y"), (Kind.WRONG_KEY, "z"),
    }  # fmt: skip
    assert len(found) == 3


def test_an_address_that_guesses_is_shut_out_and_the_meter_itself_is_not() -> None:
    guard = AccessGuard()
    for i in range(5):
        assert guard.may_try(IMEI, "thief", i)
        guard.wrong_key(IMEI, "thief", i)
    assert not guard.may_try(IMEI, "thief", 6)
    assert guard.may_try(IMEI, "meter", 6)
    assert guard.may_try(IMEI + 1, "thief", 6)
    assert guard.may_try(IMEI, "thief", 6 + 900)


def test_memory_is_bounded_and_claims_do_not_push_out_what_a_key_proves() -> None:
    guard = AccessGuard(GuardLimits(terminals=100))
    guard.handshake(IMEI)
    guard.message(IMEI, "a", "a", 2)
    for i in range(10_000):
        guard.bad_record(i, "x", 3)
        guard.wrong_key(i, f"h{i}", 3)
        guard.replay(i, "x", 3)
        guard.message(i, "s", "a", 3)
    assert len(guard) <= 200
    found: list[Finding] = []
    for hour in range(1, 8):
        found += guard.message(IMEI, "ab"[hour % 2], "a", hour * 3600)
    assert Kind.CLONED in kinds(found)


def test_an_operators_release_begins_anew() -> None:
    guard = AccessGuard()
    guard.handshake(IMEI)
    for hour in range(4):
        guard.message(IMEI, "ab"[hour % 2], "a", hour * 3600)
    guard.forget(IMEI)
    assert guard.message(IMEI, "a", "a", 5 * 3600) == []


@settings(max_examples=counted(60), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_an_honest_fleet_is_never_suspected(seed: int, hosts: int) -> None:
    """Weeks of meters behind a NAT that changes addresses at each message: restarts with new sessions, lost last flights,
    doubled and delayed datagrams, a burst of 40 messages after an outage, a failed handshake while the radio is bad."""
    chance = random.Random(seed)  # noqa: S311 - a test
    guard = AccessGuard()
    found: list[Finding] = []
    for imei in range(5):
        session, sessions, now = 0, 1, chance.random() * 3600
        guard.handshake(imei)
        for _ in range(60):
            now += chance.uniform(300, 86_400)
            host = f"nat{chance.randrange(hosts)}"
            event = chance.random()
            if event < 0.05:  # restarted: a new session; the old one's last datagram may come late
                old, session, sessions = session, sessions, sessions + 1
                guard.handshake(imei)
                found += guard.message(imei, session, host, now + 1)
                if chance.random() < 0.5:
                    found += guard.message(imei, old, host, now + chance.uniform(1, 30))
                    found += guard.message(imei, session, host, now + 35)
            elif event < 0.1:  # the last flight was lost for good: the server has a session that never speaks
                sessions += 1
                guard.handshake(imei)
            elif event < 0.15:
                for i in range(40):
                    found += guard.message(imei, session, host, now + i * chance.uniform(0.8, 2))
                now += 80
            else:
                found += guard.message(imei, session, host, now)
                for _ in range(chance.randrange(3)):
                    found += guard.replay(imei, host, now + chance.random())
                if chance.random() < 0.02:
                    found += guard.bad_record(imei, host, now) + guard.wrong_key(imei, host, now)
    assert found == []

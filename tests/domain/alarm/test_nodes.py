# SPDX-License-Identifier: Apache-2.0
"""Faults of gateways and relays: raised once, kept while they stand, over when they are gone; clocks only when two reports say so."""

from openmains.domain.alarm.nodes import (
    AGAIN_US,
    NODE_EVENTS,
    OFF_MS,
    WELL_AGAIN_MS,
    ClockReports,
    NodeFault,
    NodeKey,
    OpenNodeAlarm,
    decide,
)
from openmains.domain.ids import AlarmId, TenantId

T0 = 1_790_000_000_000_000


def key(event: str, relay: int = 0, gateway: int = 7, tenant: int = 1) -> NodeKey:
    return NodeKey(event, TenantId(tenant), gateway, relay)


def fault(of: NodeKey, off_ms: int = 0, since_us: int = T0) -> NodeFault:
    return NodeFault(of, "9001", since_us, off_ms)


def test_a_fault_is_raised_once_and_over_when_it_is_gone() -> None:
    silent, lost = key("gateway_silent"), key("relay_lost", 2)
    raised, over = decide([fault(lost), fault(silent)], [], ())
    assert [(each.key, each.node) for each in raised] == [(silent, "9001"), (lost, "9001/R2")] and over == []
    known = [OpenNodeAlarm(AlarmId(1), silent), OpenNodeAlarm(AlarmId(2), lost)]
    assert decide([fault(lost), fault(silent)], known, ()) == ([], [])
    assert decide([fault(lost)], known, ()) == ([], [1])


def test_what_a_person_said_is_over_is_not_raised_again_at_once() -> None:
    silent = key("gateway_silent")
    assert decide([fault(silent)], [], {silent}) == ([], [])


def test_of_a_gateway_that_is_anothers_now_the_first_one_has_no_alarm() -> None:
    before, now = key("gateway_silent"), key("gateway_silent", tenant=2)
    raised, over = decide([fault(now)], [OpenNodeAlarm(AlarmId(1), before)], ())
    assert [each.key for each in raised] == [now] and over == [1]


def test_a_clock_is_off_from_two_seconds_and_well_within_one() -> None:
    clock = key("gateway_clock_off")
    known = [OpenNodeAlarm(AlarmId(1), clock)]
    for off_ms in (OFF_MS, -OFF_MS):
        assert len(decide([fault(clock, off_ms)], [], ())[0]) == 1
    assert decide([fault(clock, OFF_MS - 1)], [], ()) == ([], [])
    assert decide([fault(clock, WELL_AGAIN_MS)], known, ()) == ([], [])


def test_a_clock_is_believed_to_be_off_when_a_second_report_says_so() -> None:
    clock, clocks = key("gateway_clock_off"), ClockReports()
    assert clocks.unsure([fault(clock, -60_000)]) == {clock}
    assert clocks.unsure([fault(clock, -50_000, T0 + AGAIN_US - 1)]) == {
        clock
    }  # of the same heap that waited at the broker
    assert clocks.unsure([fault(clock, 40, T0 + AGAIN_US)]) == set()
    assert clocks.unsure([fault(clock, 2_500, T0 + 2 * AGAIN_US)]) == {clock}
    assert clocks.unsure([fault(clock, 2_600, T0 + 3 * AGAIN_US)]) == set()
    assert clocks.unsure([fault(key("gateway_silent"))]) == set()


def test_every_event_has_its_grade_and_its_name() -> None:
    assert all(grade in ("critical", "major", "minor", "info") and zh and en for grade, zh, en in NODE_EVENTS.values())

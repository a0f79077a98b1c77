# SPDX-License-Identifier: Apache-2.0
"""A batch's reports about terminals are judged from what was loaded, and nothing that was given is changed."""

from copy import deepcopy

import pytest

from openmains.app.security.report import ONLINE, SIM, AccessEntry, AccessNote
from openmains.app.security.score import AccessOutcome, Registered, Terminal, default_judge
from openmains.domain.security.binding import Sim
from openmains.domain.security.findings import Kind, State
from openmains.domain.security.ladder import Standing

TENANT, METER, IMEI = 3, 70, 351000000000018
NOW = 1_800_000_000
RIGHT, WRONG = "460040000000001", "460040000000009"
MINE = Registered(METER, TENANT, IMEI, Sim(RIGHT))


def entry(what: str, at: int = NOW, *, meter: int = METER, tenant: int = TENANT, **note: str | int) -> AccessEntry:
    said = {"imei": IMEI, "address": "10.0.0.1"} | note
    return AccessEntry(tenant, meter, what, at * 1_000_000, AccessNote(**said))  # type: ignore[arg-type]


def run(
    *entries: AccessEntry, meter: Registered = MINE, stored: Terminal | None = None, wanted: str = "alarm"
) -> AccessOutcome:
    registered, terminals = {meter.meter_id: meter}, {} if stored is None else {stored.imei: stored}
    given = deepcopy((entries, registered, terminals))
    outcome = default_judge(on_separation=wanted).run(entries, registered, terminals)
    assert (entries, registered, terminals) == given
    return outcome


def alarms(outcome: AccessOutcome) -> list[tuple[str, str]]:
    return [(change.event, change.action) for change in outcome.alarms]


def test_a_clone_raises_its_alarm_and_that_of_the_step_it_leads_to() -> None:
    outcome = run(entry(Kind.CLONED), entry(Kind.CLONED, NOW + 1))
    assert alarms(outcome) == [
        ("terminal_cloned", "raised"), ("terminal_quarantined", "raised"),
        ("terminal_cloned", "raised"), ("terminal_blocked", "raised"),
    ]  # fmt: skip
    assert [row.state for row in outcome.findings] == [State.QUARANTINE, State.BLOCKED]
    assert outcome.terminals[IMEI].standing.state is State.BLOCKED
    assert outcome.terminals[IMEI].reasons == {"cloned": 2}


@pytest.mark.parametrize(
    ("chosen", "platform", "state"),
    [
        (None, "alarm", State.OBSERVE),
        (None, "block", State.BLOCKED),
        ("quarantine", "alarm", State.QUARANTINE),
        ("alarm", "block", State.OBSERVE),
        ("nonsense", "quarantine", State.QUARANTINE),
    ],
)
def test_a_wrong_sim_does_what_product_tenant_or_platform_want(chosen: str | None, platform: str, state: State) -> None:
    meter = Registered(METER, TENANT, IMEI, Sim(RIGHT), chosen)
    outcome = run(entry(SIM, imsi=WRONG), meter=meter, wanted=platform)
    assert alarms(outcome)[0] == ("sim_separated", "raised")
    assert outcome.terminals[IMEI].standing.state is state
    assert outcome.terminals[IMEI].seen == Sim(WRONG)


def test_the_right_sim_clears_the_alarm_of_the_wrong_one() -> None:
    outcome = run(entry(SIM, imsi=WRONG), entry(SIM, NOW + 1, imsi=RIGHT))
    assert alarms(outcome) == [("sim_separated", "raised"), ("sim_separated", "cleared")]
    assert outcome.terminals[IMEI].reasons == {}


def test_what_is_stored_goes_on_and_what_belonged_to_another_meter_does_not() -> None:
    mine = Terminal(IMEI, TENANT, METER, Standing(State.OBSERVE, 20_000, NOW), {"cloned": 1}, handshakes=7)
    outcome = run(entry(ONLINE), stored=mine)
    assert (outcome.terminals[IMEI].handshakes, outcome.terminals[IMEI].standing) == (8, mine.standing)
    assert (outcome.findings, outcome.alarms) == ([], [])
    others = Terminal(IMEI, TENANT, METER + 1, Standing(State.BLOCKED, 90_000, NOW), {"cloned": 2}, handshakes=7)
    fresh = run(entry(ONLINE), stored=others).terminals[IMEI]
    assert (fresh.meter_id, fresh.handshakes, fresh.standing, fresh.reasons) == (METER, 1, Standing(), {})


def test_reports_of_no_terminal_of_the_meter_are_left_out() -> None:
    outcome = run(
        entry(Kind.CLONED, meter=METER + 1), entry(Kind.CLONED, tenant=TENANT + 1), entry(Kind.CLONED, imei=IMEI + 1)
    )
    assert outcome == AccessOutcome(ignored=3)

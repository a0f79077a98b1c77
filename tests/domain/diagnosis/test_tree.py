# SPDX-License-Identifier: Apache-2.0
"""Ten faults that were planted are each the first guess (issue 17, R7.4); what is not known is said to be unknown, and nothing is guessed."""

from dataclasses import replace

import pytest

from openmains.domain.diagnosis.evidence import Evidence, LastCommand, Neighbours, OpenLetters, Refusal, Supply
from openmains.domain.diagnosis.tree import ACTS, CHECKS, ORDER, Complaint, Verdict, diagnose

HOUR_US = 3_600_000_000
NOW_US = 1_764_400_000_000_000
LAST_US = NOW_US - 72 * HOUR_US
WELL = Evidence(
    now_us=NOW_US, last_seen_us=NOW_US - HOUR_US, rsrp_ddbm=-950, sinr_ddb=80, battery_mv=3600, battery_pct=80, valve="open",
    balance_fen=5_000, debt_fen=0, driver="openmains/water-1", neighbours=Neighbours(40, 1, -960), supply=Supply((), 0, 40, 1),
)  # fmt: skip
SILENT = replace(WELL, last_seen_us=LAST_US)
SHUT = replace(WELL, valve="closed")
PLANTED = {
    "the SIM was stopped": (Complaint.SILENT, SILENT, "sim"),
    "the key is wrong": (Complaint.SILENT, replace(SILENT, refusal=Refusal("handshake", "bad_record_mac", 12, NOW_US)), "key"),
    "the battery is dead": (Complaint.SILENT, replace(SILENT, battery_mv=2850), "battery"),
    "the cell is flooded": (Complaint.SILENT, replace(SILENT, neighbours=Neighbours(40, 31, -960)), "cell"),
    "the driver is missing": (
        Complaint.SILENT, replace(SILENT, letters=OpenLetters(3, "no_driver", "no driver page x/y", NOW_US)), "driver"
    ),
    "closed for arrears": (
        Complaint.NO_SUPPLY, replace(SHUT, balance_fen=-120, closed_by=LastCommand(7, "valve_close", "confirmed", "", 1, 2)), "arrears"
    ),
    "closed by a magnet": (Complaint.NO_SUPPLY, replace(SHUT, events=frozenset({"magnetic"})), "magnet"),
    "the district's valve is shut": (Complaint.NO_SUPPLY, replace(WELL, supply=Supply(("below_limit",), 2, 40, 1)), "district"),
    "the clock is ahead": (Complaint.SILENT, replace(WELL, events=frozenset({"clock_fault"})), "clock"),
    "the module was swapped": (
        Complaint.SILENT, replace(SILENT, sim_registered="46000", sim_seen="46001", events=frozenset({"module_mismatch"})), "module"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_the_first_guess(name: str) -> None:
    complaint, evidence, guess = PLANTED[name]
    found = diagnose(complaint, evidence)
    assert found.guess == guess
    (step,) = [step for step in found.steps if step.check == guess]
    assert step.verdict is Verdict.CAUSE
    assert step.act in ACTS


def test_a_meter_that_is_well_has_no_cause_and_what_waits_is_said() -> None:
    assert diagnose(Complaint.SILENT, WELL).guess == ""
    supply = diagnose(Complaint.NO_SUPPLY, WELL)
    assert (supply.guess, [s.check for s in supply.steps if s.verdict is Verdict.CAUSE]) == ("indoor", [])
    waiting = LastCommand(9, "read_now", "waiting", "", None, None)
    assert diagnose(Complaint.UNANSWERED, replace(WELL, unanswered=waiting)).guess == "waits"
    assert diagnose(Complaint.UNANSWERED, replace(WELL, unanswered=waiting, stop="chief: flood")).guess == "stop"
    assert diagnose(Complaint.UNANSWERED, replace(SILENT, unanswered=waiting)).guess == "sim"


def test_what_is_not_known_is_unknown() -> None:
    bare = Evidence(now_us=NOW_US)
    for complaint in Complaint:
        found = diagnose(complaint, bare)
        assert not [step.check for step in found.steps if step.verdict is Verdict.CAUSE]
    told = {step.check: step.verdict for step in diagnose(Complaint.SILENT, bare).steps}
    assert {told[check] for check in ("battery", "signal", "cell")} == {Verdict.UNKNOWN}


def test_safety_stands_before_money_and_every_check_is_asked() -> None:
    owes = replace(SHUT, safety="LEAK", balance_fen=-5, events=frozenset({"magnetic"}))
    assert diagnose(Complaint.NO_SUPPLY, owes).guess == "safety"
    assert {check for listed in ORDER.values() for check in listed} == set(CHECKS)
    refused = replace(SILENT, refusal=Refusal("registration", "unknown endpoint", 1, NOW_US))
    assert [s.verdict for s in diagnose(Complaint.SILENT, refused).steps if s.check == "key"] == [Verdict.POSSIBLE]

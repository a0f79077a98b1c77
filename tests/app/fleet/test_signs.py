# SPDX-License-Identifier: Apache-2.0
"""A meter that is not well says so, worst first."""

from dataclasses import replace

from openmains.app.fleet.signs import Facts, signs_of
from openmains.domain.period import utc

DAY_US = 86_400_000_000
NOW_US = 1_800_000_000_000_000
WELL = Facts(NOW_US, 2 * DAY_US, access="allowed", last_seen_us=NOW_US - DAY_US, valve=0)


def test_a_meter_that_is_well_has_none() -> None:
    assert signs_of(WELL) == []
    assert signs_of(replace(WELL, last_seen_us=None, valve=None, access=None, sims=(("1", ""), ("", "2")))) == []


def test_each_state_is_shown_with_its_reason_and_since_when() -> None:
    (blocked,) = signs_of(
        replace(WELL, access="blocked", access_at=utc(5), access_reasons={"a": 1, "b": 3}, access_note="stolen module")
    )
    assert (blocked.code, blocked.since, blocked.reasons, blocked.note) == (
        "blocked",
        utc(5),
        ["b", "a"],
        "stolen module",
    )
    (closed,) = signs_of(replace(WELL, valve=1, events=("low_battery", "arrears")))
    assert (closed.code, closed.reasons) == ("valve_closed", ["arrears"])
    (silent,) = signs_of(replace(WELL, last_seen_us=NOW_US - 3 * DAY_US))
    assert (silent.code, silent.since) == ("silent", utc((NOW_US - 3 * DAY_US) // 1_000_000))


def test_the_worst_comes_first() -> None:
    all_of_it = replace(
        WELL, has_driver=False, access="quarantine", needs_key=True, safety_us=NOW_US, last_seen_us=0, valve=2,
        events=("module_mismatch",), sims=(("1", "2"),),
    )  # fmt: skip
    assert [sign.code for sign in signs_of(all_of_it)] == [
        "safety_closed", "quarantine", "mismatch", "no_driver", "key_missing", "silent", "valve_fault", "sim_differs",
    ]  # fmt: skip

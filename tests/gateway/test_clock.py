# SPDX-License-Identifier: Apache-2.0
"""Whose time a gateway goes by: the platform's while it holds, the box's where it is trusted, and never a time that was over already."""

from openmains.gateway.clock import EARLIEST_MS, LONGEST_ASK_MS, ClockSource, GatewayClock, KeptClock

NOW, MONO = 1_767_225_600_000, 50_000
HOUR_MS = 3_600_000


def begun(
    kept: KeptClock | None = None, boot: str = "b1", box_ms: int = NOW, *, trusts_box: bool = False
) -> GatewayClock:
    return GatewayClock(kept, boot, MONO, box_ms, trusts_box=trusts_box)


def test_the_box_is_believed_for_itself_and_not_for_meters() -> None:
    clock = begun()
    assert (clock.source, clock.utc_ms(MONO + 5), clock.offered_ms(MONO + 5)) == (ClockSource.BOX, NOW + 5, 0)
    assert begun(trusts_box=True).offered_ms(MONO + 5) == NOW + 5


def test_the_platform_is_right() -> None:
    clock = begun(box_ms=NOW + 3 * HOUR_MS)
    clock.ask("q", MONO + 100)
    assert clock.told("q", NOW + 150, MONO + 200) == 3 * HOUR_MS  # half of the 100 ms that the answer took
    assert (clock.source, clock.offered_ms(MONO + 200)) == (ClockSource.PLATFORM, NOW + 200)


def test_an_answer_that_is_late_or_of_another_question_says_nothing() -> None:
    clock = begun()
    assert clock.told("q", NOW, MONO) is None
    clock.ask("q", MONO)
    assert clock.told("p", NOW, MONO) is None
    clock.ask("q", MONO)
    assert clock.told("q", NOW, MONO + LONGEST_ASK_MS + 1) is None
    clock.ask("q", MONO)
    assert clock.told("q", 1, MONO) is None
    clock.ask("q", MONO)
    assert clock.told("q", NOW, MONO) == 0
    assert clock.told("q", NOW, MONO) is None


def test_what_the_platform_said_holds_within_one_boot() -> None:
    clock = begun()
    clock.ask("q", MONO)
    clock.told("q", NOW, MONO)
    kept = clock.keep(MONO + 1_000)
    again = begun(kept, box_ms=NOW - 5 * HOUR_MS)  # the box's clock was set wrong meanwhile
    assert (again.source, again.offered_ms(MONO + 2_000)) == (ClockSource.PLATFORM, NOW + 2_000)
    after_a_cut = begun(kept, "b2", NOW + HOUR_MS)
    assert (after_a_cut.source, after_a_cut.offered_ms(MONO)) == (ClockSource.BOX, 0)
    assert begun(kept, "", NOW + HOUR_MS).source is ClockSource.BOX  # who knows which boot this is


def test_a_box_that_stands_in_the_past_is_not_believed() -> None:
    kept = KeptClock("b1", 0, NOW)
    for box_ms in (NOW - HOUR_MS, EARLIEST_MS - 1, 0):
        clock = begun(kept, "b2", box_ms, trusts_box=True)
        assert (clock.source, clock.utc_ms(MONO), clock.offered_ms(MONO), clock.fault) == (
            ClockSource.NONE,
            0,
            0,
            "box_behind",
        )
        clock.ask("q", MONO)
        assert clock.told("q", NOW, MONO) == 0 and not clock.fault

# SPDX-License-Identifier: Apache-2.0
"""Who stands how because of whom; and a node's days."""

from datetime import date, timedelta

from openmains.app.network.cache import MOST_EVENTS, EventReport, NetworkCache, relay_of
from openmains.app.network.history import history
from openmains.app.network.model import NetworkDay
from openmains.app.network.topology import HeadRow, MeterRow, PlatformRow, RelayRow, topology
from openmains.domain.ids import MeterId
from openmains.domain.period import utc

NOW = utc(1_767_225_600)


def meter(number: int, head: int, via: int = 0, is_failed: bool | None = False, off_ms: int | None = None) -> MeterRow:
    return MeterRow(head, False, number, f"{number:016d}", via, is_failed, off_ms, None, None)


def test_what_is_behind_a_failed_node_is_cut_off_and_says_nothing_of_itself() -> None:
    heads = [
        HeadRow(1, "a", "", 4, True, False, 311, 1204), HeadRow(2, "b", "", 4, False, False, None, None),
        HeadRow(3, "c", "", None, None, False, None, None), HeadRow(4, "d", "", 4, True, True, None, None),
    ]  # fmt: skip
    relays = [
        RelayRow(1, 1, "", True, None, None), RelayRow(1, 2, "", False, None, None), RelayRow(2, 1, "", False, None, None),
        RelayRow(9, 1, "", False, None, None),
    ]  # fmt: skip
    meters = [
        meter(10, 1), meter(11, 1, 1), meter(12, 1, 2), meter(13, 1, 2, True), meter(14, 1, 0, None), meter(15, 1, 0, False, 2_000),
        meter(16, 1, 7), meter(20, 2, 1), meter(30, 3, 0, True), meter(31, 3), meter(99, 9),
    ]  # fmt: skip
    made = topology(
        heads,
        [PlatformRow(5, "NB", False)],
        relays,
        [*meters, MeterRow(5, True, 50, "50", 0, True, None, None, None)],
        NOW,
    )
    said = {
        number or name: made.states[state]
        for number, name, state in zip(made.number, made.name, made.state, strict=True)
    }
    assert [said[name] for name in ("a", "b", "c", "d", "NB")] == ["well", "failed", "unknown", "warned", "failed"]
    assert {int(number): state for number, state in said.items() if number.isdigit() and len(number) == 16} == {
        10: "well", 11: "cut_off", 12: "well", 13: "failed", 14: "unknown", 15: "warned", 16: "well", 20: "cut_off", 30: "unknown",
        31: "well",
    }  # fmt: skip
    assert said["50"] == "cut_off"
    lengths = {
        len(getattr(made, name)) for name in ("kind", "parent", "key", "number", "name", "state", "lat_e7", "lon_e7")
    }
    assert lengths == {19}  # a relay and a meter of a gateway that is not there are left out
    assert all(parent < place for place, parent in enumerate(made.parent))
    assert made.kinds[made.kind[made.parent[made.number.index(f"{12:016d}")]]] == "relay"


def test_an_event_waits_until_it_is_written_and_no_more_than_there_is_room_for() -> None:
    book, done = NetworkCache(), list[int]()
    for item in range(MOST_EVENTS + 1):
        said = EventReport("g", "s", item, 1, 1, "relay_lost", 3, "", None, "relay 3, 14 meters")
        book.event(said, lambda item=item: done.append(item))  # type: ignore[misc]
    taken = book.take()
    assert taken is not None and len(taken.events) == MOST_EVENTS and book.refused == 1 and done == []
    book.event(EventReport("g", "s", 7_000, 1, 1, "silent", 0, f"{1:016d}", MeterId(1), ""), lambda: done.append(-1))
    book.again(taken)
    again = book.take()
    assert again is not None and [event.item for event in again.events][-2:] == [MOST_EVENTS - 1, 7_000]
    assert book.take() is None
    assert [event.fails for event in again.events[-2:]] == [True, True]
    assert [
        relay_of(text) for text in ("relay 3, 14 meters", "relay 12", "relay 256", "run 1: relay 3", "relay 1234")
    ] == [3, 12, 0, 0, 0]


def test_the_day_that_is_under_way_is_no_part_of_the_forecast() -> None:
    first = date(2026, 1, 1)
    days = [
        NetworkDay(
            first + timedelta(place), 10, 0, 1_000_000 - place * 500, 10, 0, None, None, None, 100 + place * 10, 400, 0
        )
        for place in range(21)
    ]
    days[-1] = NetworkDay(days[-1].day, 0, 10, 0, 0, 0, None, None, None, None, 400, 0)
    delivery, slots = history(days, is_gateway=True).forecasts
    assert (delivery.quantity, delivery.verdict, delivery.day) == ("delivery_ppm", "reaches", date(2026, 2, 10))
    assert (slots.quantity, slots.limit, slots.day) == ("slots_used", 400, date(2026, 1, 31))
    (alone,) = history(days[:5], is_gateway=False).forecasts
    assert (alone.quantity, alone.verdict, alone.slope) == ("delivery_ppm", "too_few", None)
    assert history([], is_gateway=True).days == []

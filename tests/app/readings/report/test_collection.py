# SPDX-License-Identifier: Apache-2.0
"""The collection report: sums by group, and how what the registry does not know is named."""

from openmains.app.readings.report.collection import (
    GROUPS,
    Area,
    AsOf,
    Counts,
    Frozen,
    Labels,
    Product,
    due_s,
    report_of,
)
from openmains.domain.period import zone
from openmains.domain.readings.expected import Mode, Modes, Status

SHANGHAI = zone("Asia/Shanghai")
DAY = 20_700
LABELS = Labels(
    SHANGHAI,
    {1: Area("n", "North"), 2: Area("s", "South")},
    {3: Product("w1", "Water 1", "Maker A", "a/1", 1800), 4: Product("w2", "Water 2", "Maker A", "a/2", 3600)},
)
COUNTS = [
    Counts(1, 3, Status.ON_TIME, 90),
    Counts(1, 4, Status.LATE, 5),
    Counts(2, 3, Status.MISSING, 3),
    Counts(2, 4, Status.ESTIMATED, 1),
    Counts(9, 8, Status.PARTIAL, 1),  # unknown to the registry
]


def test_all_meters_are_counted_once_in_the_total_and_in_every_group() -> None:
    report = report_of(DAY, COUNTS, LABELS)
    total = report.total.collection
    assert (total.expected, total.received, total.on_time, total.late) == (100, 95, 90, 5)
    assert (total.estimated, total.partial, total.missing, total.rate_ppm) == (1, 1, 3, 950_000)
    for group in GROUPS:
        lines = report.groups[group]
        assert sum(line.collection.expected for line in lines) == 100
        assert [line.key for line in lines] == sorted(line.key for line in lines)


def test_lines_are_named_as_people_name_them() -> None:
    groups = report_of(DAY, COUNTS, LABELS).groups
    assert [(line.key, line.name, line.collection.expected) for line in groups["area"]] == [
        ("#9", "", 1), ("n", "North", 95), ("s", "South", 4)
    ]  # fmt: skip
    assert [(line.key, line.collection.expected) for line in groups["maker"]] == [("#8", 1), ("Maker A", 99)]
    assert [line.key for line in groups["driver"]] == ["#8", "a/1", "a/2"]


def test_an_area_counts_with_those_below_it_and_models_by_their_maker() -> None:
    tree = {1: Area("n", "North"), 2: Area("n1", "North 1", 1), 5: Area("n11", "North 1 1", 2)}
    products = {
        3: Product("w1", "Water 1", "Maker A", "a/1", 1800, model="X"),
        4: Product("w2", "Water 2", "Maker B", "a/2", 3600, model="X"),
    }
    labels = Labels(SHANGHAI, tree, products)
    counts = [Counts(1, 3, Status.ON_TIME, 90), Counts(2, 4, Status.MISSING, 3), Counts(5, 3, Status.LATE, 7)]
    groups = report_of(DAY, counts, labels).groups
    rows = {line.key: (line.collection.expected, line.collection.missing) for line in groups["area"]}
    assert rows == {"n": (100, 3), "n1": (10, 3), "n11": (7, 0)}
    assert [(line.key, line.collection.expected) for line in groups["model"]] == [("Maker A X", 97), ("Maker B X", 3)]
    assert labels.ids_of("area", "n1") == ([2, 5], [])
    assert labels.ids_of("area", "none") == ([], [])
    assert labels.ids_of("model", "Maker B X") == ([], [4])


def test_a_lines_key_finds_its_areas_or_products_again() -> None:
    assert LABELS.ids_of("area", "n") == ([1], [])
    assert LABELS.ids_of("product", "w2") == ([], [4])
    assert LABELS.ids_of("maker", "Maker A") == ([], [3, 4])
    assert LABELS.ids_of("driver", "none") == ([], [])


def test_an_area_counts_what_lies_below_it() -> None:
    areas = {
        5: Area("unit", "Unit", 6), 6: Area("house", "House", 7), 7: Area("town", "Town"),
        8: Area("empty", "Empty", 7), 9: Area("other", "Other"),
    }  # fmt: skip
    labels = Labels(SHANGHAI, areas, LABELS.products)
    counts = [
        Counts(5, 3, Status.ON_TIME, 4), Counts(5, 4, Status.MISSING, 1), Counts(6, 3, Status.LATE, 2), Counts(9, 3, Status.MISSING, 8)
    ]  # fmt: skip
    report = report_of(DAY, counts, labels, Frozen(1, counts[:1]))
    told = {
        line.key: (line.collection.expected, line.collection.received, line.as_due and line.as_due.expected)
        for line in report.groups["area"]
    }
    assert told == {"unit": (5, 4, 4), "house": (7, 6, 4), "town": (7, 6, 4), "other": (8, 0, 0)}
    assert report.total.collection.expected == 15
    assert labels.ids_of("area", "town") == ([5, 6, 7, 8], [])
    assert labels.ids_of("area", "house") == ([5, 6], [])
    assert labels.ids_of("area", "nobody") == ([], [])


def test_the_areas_above_are_known_once_and_a_line_of_them_is_found_in_one_walk() -> None:
    count = 50_000
    tree = {place: Area(f"a{place}", "", place - 1 or None) for place in range(1, count + 1)}  # one below the other
    labels = Labels(SHANGHAI, tree, {})
    assert labels.above is labels.above and labels.above[2] == 1
    areas, _ = labels.ids_of("area", "a1")
    assert areas == list(range(1, count + 1))


def test_the_report_is_due_at_eight_of_the_next_day_and_says_so() -> None:
    assert due_s(DAY, SHANGHAI) == SHANGHAI.start_of(DAY + 1) + 8 * 3600
    said = report_of(DAY, COUNTS, LABELS).as_json()
    assert (said["day"], said["due_s"]) == ("2026-09-04", due_s(DAY, SHANGHAI))
    assert said["total"] | {"received": 95, "rate_ppm": 950_000} == said["total"]
    assert said["groups"]["area"][1]["name"] == "North"


def test_a_day_has_as_many_slots_as_it_has_time() -> None:
    madrid = Labels(zone("Europe/Madrid"), {}, LABELS.products)
    assert LABELS.slots(DAY) == {3: 48, 4: 24}
    summer = next(day for day in range(DAY, DAY + 365) if madrid.zone.seconds_in(day) == 23 * 3600)
    winter = next(day for day in range(DAY, DAY + 365) if madrid.zone.seconds_in(day) == 25 * 3600)
    assert (madrid.slots(summer), madrid.slots(winter)) == ({3: 46, 4: 23}, {3: 50, 4: 25})


def test_no_meters_is_a_full_report_of_nothing() -> None:
    report = report_of(DAY, [], LABELS)
    assert (report.total.collection.expected, report.total.collection.rate_ppm) == (0, 1_000_000)
    assert all(not lines for lines in report.groups.values())


def test_what_was_due_stands_beside_what_is_now_in_every_line() -> None:
    then = Frozen(
        1_000, [Counts(1, 3, Status.ON_TIME, 90), Counts(2, 3, Status.MISSING, 10), Counts(7, 3, Status.MISSING, 1)]
    )
    now = [Counts(1, 3, Status.ON_TIME, 90), Counts(1, 3, Status.MISSING, 20_000), Counts(2, 3, Status.LATE, 10)]
    report = report_of(DAY, now, LABELS, then)
    assert report.frozen_s == 1_000
    assert report.total.as_due is not None
    assert (report.total.collection.expected, report.total.as_due.expected) == (20_100, 101)
    assert (report.total.collection.late, report.total.as_due.missing) == (10, 11)
    lines = {line.key: line for line in report.groups["area"]}
    assert lines["#7"].collection.expected == 0  # nobody is there any more; what was due is told all the same
    assert lines["#7"].as_due is not None
    assert lines["#7"].as_due.missing == 1
    said = report.as_json()
    assert (said["frozen_s"], said["total"]["as_due"]["expected"]) == (1_000, 101)
    assert report_of(DAY, now, LABELS).as_json()["total"]["as_due"] is None


def test_meters_whose_day_is_not_due_are_counted_apart_and_not_in_the_rate() -> None:
    counts = [
        Counts(1, 3, Status.ON_TIME, 3),
        Counts(1, 3, Status.MISSING, 1),
        Counts(1, 4, Status.NOT_DUE, 96, Mode.MONTH),
    ]
    total = report_of(DAY, counts, LABELS).total.collection
    assert (total.expected, total.received, total.rate_ppm, total.missing, total.not_due) == (4, 3, 750_000, 1, 96)


def test_a_day_is_asked_with_the_mode_its_products_had_then() -> None:
    changed = Product("w3", "Water 3", "B", "b/1", 1800, Modes(Mode.MONTH, DAY, Mode.DAY))
    labels = Labels(SHANGHAI, {}, {3: LABELS.products[3], 5: changed})
    assert labels.asked(DAY, AsOf(0)).modes == {3: Mode.DAY, 5: Mode.MONTH}
    assert labels.asked(DAY - 1, AsOf(0)).modes == {3: Mode.DAY, 5: Mode.DAY}
    asked = labels.asked(DAY, AsOf(0))  # 4 September 2026, a Friday
    assert [SHANGHAI.iso(due)[:16] for due in asked.dues] == [
        "2026-09-05T08:00", "2026-09-07T08:00", "2026-09-11T08:00", "2026-10-01T08:00"
    ]  # fmt: skip
    assert list(asked.ends) == [DAY, DAY + 2, DAY + 6, DAY + 26]

# SPDX-License-Identifier: Apache-2.0
"""The collection report: sums by group, and how what the registry does not know is named."""

from openmains.app.readings.report.collection import GROUPS, Area, Counts, Labels, Product, due_s, report_of
from openmains.domain.period import zone
from openmains.domain.readings.expected import Status

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
    total = report.total
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


def test_a_lines_key_finds_its_areas_or_products_again() -> None:
    assert LABELS.ids_of("area", "n") == ([1], [])
    assert LABELS.ids_of("product", "w2") == ([], [4])
    assert LABELS.ids_of("maker", "Maker A") == ([], [3, 4])
    assert LABELS.ids_of("driver", "none") == ([], [])


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
    assert (report.total.expected, report.total.rate_ppm) == (0, 1_000_000)
    assert all(not lines for lines in report.groups.values())

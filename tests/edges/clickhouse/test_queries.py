# SPDX-License-Identifier: Apache-2.0
"""Queries of ClickHouse: named, described, values by name; the engine understands each."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from openmains.domain.readings.expected import Status
from openmains.edges.clickhouse import queries
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES, Query, parse

TWO = """-- What the file is for.

-- name: days
-- Days of a meter,
-- in order.
SELECT day FROM meter_day WHERE meter_id = {meter:UInt64} AND day > {after:Date}

-- name: one
-- The number.
SELECT 1
"""
SAMPLES: dict[str, Any] = {"Date": date(2026, 1, 1), "String": "x"}


def test_queries_have_a_name_a_description_and_values_by_name() -> None:
    found = parse(TWO)
    assert list(found) == ["days", "one"]
    assert found["one"] == Query("one", "The number.", "SELECT 1", frozenset())
    assert found["days"].description == "Days of a meter, in order."
    assert found["days"](meter=1, after=date(2026, 1, 1)) == (
        found["days"].sql, {"meter": 1, "after": date(2026, 1, 1)},
    )  # fmt: skip
    for values in ({"meter": 1}, {"meter": 1, "after": 2, "more": 3}):
        with pytest.raises(TypeError, match="query days: missing or unknown"):
            found["days"](**values)


def test_a_query_stands_over_the_parts_that_are_asked() -> None:
    outer = Query("o", "", "SELECT a FROM (\nparts\n)", frozenset({"a"}))
    one, two = Query("x", "", "SELECT 1", frozenset({"b"})), Query("y", "", "SELECT 2", frozenset({"c"}))
    whole = outer.over([one, two])
    assert (whole.sql, whole.params) == ("SELECT a FROM (\nSELECT 1\nUNION ALL\nSELECT 2\n)", {"a", "b", "c"})
    for wrong in (lambda: outer.over([]), lambda: one.over([two])):
        with pytest.raises(ValueError, match="no parts"):
            wrong()


@pytest.mark.parametrize(
    "text",
    ["-- name: a\nSELECT 1\n", "-- name: A b\n-- A.\nSELECT 1\n", "-- name: a\n-- A.\n",
     "-- name: a\n-- A.\nSELECT 1\n-- name: a\n-- A.\nSELECT 1\n"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="query"):
        parse(text)


def test_every_query_is_asked() -> None:
    code = "".join(path.read_text("utf-8") for path in Path(queries.__file__).parent.glob("*.py"))
    assert [name for name in QUERIES if f'QUERIES["{name}"]' not in code] == []


def test_the_report_names_each_status_of_the_domain() -> None:
    for name in ("counts", "missing"):
        said = set(re.findall(r"'(\w+)'", QUERIES[name].sql.split("multiIf", 1)[1].split("AS lacking")[0]))
        assert said == set(Status)


async def test_the_engine_understands_every_query(clickhouse: ClickHouse) -> None:
    parts = [QUERIES[f"values_of_{name}"] for name in ("series", "days", "log")]
    whole = QUERIES["values_in_bulk"].over(parts)
    for query in [*(query for query in QUERIES.values() if query.name != whole.name), whole]:
        values = {
            name: [] if kind.startswith("Array") else "UTC" if name == "zone" else SAMPLES.get(kind, 1)
            for name, kind in re.findall(r"\{(\w+):([^}]+)\}", query.sql)
        }
        sql, given = query(**values)
        assert await clickhouse.query(f"EXPLAIN {sql}", given), query.name

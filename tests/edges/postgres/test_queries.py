# SPDX-License-Identifier: Apache-2.0
"""The loader of ``queries.sql``: names, descriptions, values by name; and what holds for all files of queries."""

from importlib import resources
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.edges.postgres.db import connect
from openmains.edges.postgres.queries import Query, QueryError, load, parse, translate
from openmains.run.engines.engines import Engines

ROOT = Path(str(resources.files("openmains")))

TWO = """-- SPDX-License-Identifier: Apache-2.0
-- What the file is for.

-- name: meters_of
-- Meters of an area,
-- oldest first.
SELECT meter_id FROM meter -- of :nobody
 WHERE area_id = :area_id AND meter_id = ANY(:meter_ids::bigint[]) AND :area_id > 0;

-- name: now
-- The engine's clock.
SELECT now()
"""


def test_queries_have_a_name_a_description_and_values_by_name() -> None:
    queries = parse(TWO)
    assert list(queries) == ["meters_of", "now"]
    assert queries["meters_of"] == Query(
        "meters_of",
        "Meters of an area, oldest first.",
        "SELECT meter_id FROM meter -- of :nobody\n WHERE area_id = $1 AND meter_id = ANY($2::bigint[]) AND $1 > 0",
        ("area_id", "meter_ids"),
    )
    assert queries["now"].params == ()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'a :b', 'it''s :c', E'\\':d', \":e\", $$ :f $$, $t$ :g $$ :h $t$",
        "SELECT 1 -- :a\n, 2 /* :b\n :c */",
        "SELECT a::text, b::bigint[], c[1:2], d[1 : n]",
        "SELECT f(x := 1), '{}'::jsonb || '[\":a\"]'::jsonb",
    ],
)
def test_what_only_looks_like_a_value_stays(sql: str) -> None:
    assert translate(sql) == (sql, ())


def test_a_value_has_one_place_however_often_it_is_used() -> None:
    assert translate("SELECT :b, :a::int, (:b), :a_2, ':b'") == (
        "SELECT $1, $2::int, ($1), $3, ':b'",
        ("b", "a", "a_2"),
    )


@given(st.text(alphabet="a:'\"$-/*\n eE\\1_", max_size=40))
def test_any_text_is_translated_or_refused(sql: str) -> None:
    try:
        text, names = translate(sql)
    except QueryError:
        return
    assert len(names) == len(set(names))
    if not names:
        assert text == sql


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1", "before the first"),
        ("-- name: a\n-- A.\nSELECT 1\n-- name: a\n-- A.\nSELECT 1", "twice"),
        ("-- name: a\nSELECT 1", "not described"),
        ("-- name: a\n-- A.\n", "is empty"),
        ("-- name: a\n-- A.\n ;", "is empty"),
        ("-- name: not a name\n-- A.\nSELECT 1", "no name"),
        ("-- name:\n-- A.\nSELECT 1", "no name"),
        ("-- name: a\n-- A.\nSELECT $1", "place by number"),
        ("-- name: a\n-- A.\nSELECT 'x", "without its end"),
        ("-- name: a\n-- A.\nSELECT /* x", "without its end"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason):
        parse(text)


def test_values_that_are_missing_or_unknown_are_refused() -> None:
    query = parse(TWO)["meters_of"]
    assert query.arguments({"meter_ids": [1], "area_id": 2}) == [2, [1]]
    for values in ({"area_id": 2}, {"area_id": 2, "meter_ids": [], "more": 1}, {"area_id": 2, "meter_id": []}):
        with pytest.raises(TypeError, match="query meters_of: missing"):
            query.arguments(values)
    with pytest.raises(QueryError, match="no query 'meters'"):
        parse(TWO)["meters"]


def files() -> list[Path]:
    """All files of queries."""
    found = (ROOT / "edges" / "postgres").glob("*/*.sql")
    return sorted(path for path in found if path.parent.name != "migrations")


def _package(path: Path) -> str:
    return ".".join(("openmains", *path.parent.relative_to(ROOT).parts))


def test_every_query_is_asked_by_its_own_package() -> None:
    for path in files():
        code = "".join(module.read_text("utf-8") for module in path.parent.glob("*.py"))
        assert [name for name in load(_package(path), path.name) if f'["{name}"]' not in code] == [], path


async def test_the_engine_understands_every_query(engines: Engines) -> None:
    owner = await connect(engines.urls.postgres_owner)
    try:
        for path in files():
            for query in load(_package(path), path.name).values():
                try:
                    prepared = await owner.prepare(query.sql)
                except asyncpg.PostgresError as error:
                    pytest.fail(f"{path.parent.name}/{path.name} {query.name}: {error}")
                assert len(prepared.get_parameters()) == len(query.params)
    finally:
        await owner.close()


async def test_values_reach_the_engine_by_name(engines: Engines) -> None:
    owner = await connect(engines.urls.postgres_owner)
    try:
        query = parse("-- name: sum\n-- A sum.\nSELECT :low::int + n AS n FROM unnest(:more::int[]) n ORDER BY 1")[
            "sum"
        ]
        assert [row["n"] for row in await query.fetch(owner, more=[5, 3], low=10)] == [13, 15]
        assert await query.fetchval(owner, more=[1], low=1) == 2
        row = await query.fetchrow(owner, more=[], low=1)
        assert row is None
        assert await query.execute(owner, more=[1, 2], low=1) == "SELECT 2"
    finally:
        await owner.close()

# SPDX-License-Identifier: Apache-2.0
"""Queries of ClickHouse as source: ``queries.sql`` and ``bulk.sql`` beside this file, each named and described, values as ``{name:Type}``.

    rows = await clickhouse.query(*QUERIES["days"](tenant=1, meter=2, first=…, last=…))

What is wrong with the file is found when it is loaded, which is when the program starts; what is wrong with a call, at the call.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

_BLOCK = re.compile(
    r"^-- name: (?P<name>[a-z][a-z0-9_]*)\n(?P<said>(?:--.*\n)+)(?P<sql>(?:(?!-- name:).*\n?)+)", re.MULTILINE
)
_VALUE = re.compile(r"\{(\w+):")


@dataclass(frozen=True, slots=True)
class Query:
    """One statement. ``params``: names of its values."""

    name: str
    description: str
    sql: str
    params: frozenset[str]

    def __call__(self, **values: Any) -> tuple[str, dict[str, Any]]:
        """What ``ClickHouse.query`` takes; raises ``TypeError`` where a value is missing or unknown."""
        if wrong := self.params ^ set(values):
            raise TypeError(f"query {self.name}: missing or unknown {sorted(wrong)}")
        return self.sql, values

    def over(self, parts: Sequence["Query"]) -> "Query":
        """The statement with the rows of ``parts``, at least one, in the place of its line ``parts``."""
        if not parts or "\nparts\n" not in self.sql:
            raise ValueError(f"query {self.name} is over no parts")
        sql = self.sql.replace("\nparts\n", "\n" + "\nUNION ALL\n".join(part.sql for part in parts) + "\n")
        return Query(self.name, self.description, sql, self.params.union(*(part.params for part in parts)))


def parse(text: str) -> dict[str, Query]:
    """The queries of a file's text by name. Raises ``ValueError`` for a name that stands twice or a block that is none."""
    found: dict[str, Query] = {}
    for block in _BLOCK.finditer(text):
        sql = block["sql"].strip()
        said = " ".join(line.removeprefix("--").strip() for line in block["said"].splitlines())
        if block["name"] in found or not sql:
            raise ValueError(f"query {block['name']!r} stands twice or is empty")
        found[block["name"]] = Query(block["name"], said, sql, frozenset(_VALUE.findall(sql)))
    if len(found) != text.count("-- name:"):
        raise ValueError("a query has no name, no description or no statement")
    return found


def load(*files: str) -> dict[str, Query]:
    """The queries of these files beside this one. Raises ``ValueError`` for a name that stands in two of them."""
    found: dict[str, Query] = {}
    for file in files:
        more = parse((resources.files(__package__) / file).read_text("utf-8"))
        if twice := found.keys() & more.keys():
            raise ValueError(f"queries {sorted(twice)} stand twice")
        found |= more
    return found


QUERIES = load("queries.sql", "bulk.sql")

# SPDX-License-Identifier: Apache-2.0
"""SQL as source: a context keeps its statements in ``queries.sql`` beside the module that asks them, or in a file for each
role of the database that asks.

    -- name: waiting
    -- Open, sendable commands of these meters: the one indexed query of a batch.
    SELECT command_id, meter_id FROM command_waiting WHERE meter_id = ANY(:meter_ids::bigint[])

A line ``-- name:`` opens a query, the comment lines below it describe it, the rest is one statement of PostgreSQL. Values have
names, which become asyncpg's ``$n`` here, once, at import; nothing is ever pasted into a statement. Casts (``::``), quoted text,
quoted names, dollar quotes and comments are left as they are. A bound of an array slice that is a column needs a space
before it (``[1 : n]``), or it would be taken for a value.

    WAITING = load(__package__)["waiting"]
    rows = await WAITING.fetch(pool, meter_ids=[1, 2])

What is wrong with a file is found when it is loaded, which is when the program starts; what is wrong with a call, at the call.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from openmains.edges.postgres.db import Connection, Pool, Row

FILE = "queries.sql"
_HEAD = re.compile(r"-- name: *(.*?) *")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN = re.compile(
    r"""
      (?P<left> [eE]'(?:[^'\\]|\\.|'')*'            # text with escapes
              | '(?:[^']|'')*' | "(?:[^"]|"")*"     # text, a quoted name
              | \$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$
              | --[^\n]* | /\*.*?\*/
              | :: )
    | :(?P<value>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<wrong> ['"] | \$[0-9A-Za-z_$]* | /\* )    # a quote without its end, or a place by number
    """,
    re.VERBOSE | re.DOTALL,
)


class QueryError(Exception):
    """A file of queries that cannot be used; the text says which query and why. Only our own mistake can cause it."""


@dataclass(frozen=True, slots=True)
class Query:
    """One statement. ``params``: names of its values in the order of ``$1``, ``$2`` ….

    Each call takes the values by name and raises ``TypeError`` where one is missing or unknown.
    """

    name: str
    description: str
    sql: str
    params: tuple[str, ...]

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The values in the statement's order."""
        if len(given) != len(self.params) or any(name not in given for name in self.params):
            missing = sorted(set(self.params) - set(given))
            unknown = sorted(set(given) - set(self.params))
            raise TypeError(f"query {self.name}: missing {missing}, unknown {unknown}")
        return [given[name] for name in self.params]

    async def fetch(self, on: Connection | Pool, /, **values: Any) -> list[Row]:
        """All rows."""
        return await on.fetch(self.sql, *self.arguments(values))

    async def pages(self, on: Connection, size: int, /, **values: Any) -> AsyncIterator[list[Row]]:
        """All rows of one run of the query, ``size`` at a time, within the connection's transaction."""
        cursor = await on.cursor(self.sql, *self.arguments(values))
        while rows := await cursor.fetch(size):
            yield rows

    async def fetchrow(self, on: Connection | Pool, /, **values: Any) -> Row | None:
        """The first row, None without one."""
        return await on.fetchrow(self.sql, *self.arguments(values))

    async def fetchval(self, on: Connection | Pool, /, **values: Any) -> Any:
        """The first column of the first row, None without one."""
        return await on.fetchval(self.sql, *self.arguments(values))

    async def execute(self, on: Connection | Pool, /, **values: Any) -> str:
        """PostgreSQL's word on what was done, such as ``UPDATE 3``."""
        return await on.execute(self.sql, *self.arguments(values))


class Queries(Mapping[str, Query]):
    """The queries of one file by name. Raises ``QueryError`` for a name that is not there."""

    def __init__(self, place: str, found: Mapping[str, Query]) -> None:
        self._place = place
        self._found = found

    def __getitem__(self, name: str) -> Query:
        if name not in self._found:
            raise QueryError(f"{self._place}: there is no query {name!r}")
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@cache
def load(package: str, file: str = FILE) -> Queries:
    """The queries of ``package`` (``__package__`` of the module that asks them), read once. Raises ``QueryError``."""
    return parse((resources.files(package) / file).read_text("utf-8"), f"{package}/{file}")


def parse(text: str, place: str = FILE) -> Queries:
    """Queries of a file's text; ``place`` is named in errors. Raises ``QueryError``."""
    found: dict[str, Query] = {}
    for name, lines in _blocks(text, place):
        if name in found:
            raise QueryError(f"{place}: query {name!r} stands twice")
        found[name] = _query(name, lines, f"{place}: query {name!r}")
    return Queries(place, found)


def _blocks(text: str, place: str) -> Iterator[tuple[str, list[str]]]:
    """Name and lines of each query; before the first there may be comments only."""
    name, lines = "", list[str]()
    for line in text.splitlines():
        head = _HEAD.fullmatch(line)
        if head is None:
            if not name and line.strip() and not line.startswith("--"):
                raise QueryError(f"{place}: a statement stands before the first '-- name:'")
            lines.append(line)
            continue
        if _NAME.fullmatch(head[1]) is None:
            raise QueryError(f"{place}: {head[1]!r} is no name of a query")
        if name:
            yield name, lines
        name, lines = head[1], []
    if name:
        yield name, lines


def _query(name: str, lines: list[str], place: str) -> Query:
    said = 0
    while said < len(lines) and lines[said].startswith("--"):
        said += 1
    description = " ".join(line.removeprefix("--").strip() for line in lines[:said]).strip()
    if not description:
        raise QueryError(f"{place} is not described")
    sql, params = translate("\n".join(lines[said:]).strip().removesuffix(";"), place)
    if not sql:
        raise QueryError(f"{place} is empty")
    return Query(name, description, sql, params)


def translate(sql: str, place: str = "query") -> tuple[str, tuple[str, ...]]:
    """A statement with ``:name`` as one with ``$n``, and the names in that order. Raises ``QueryError``."""
    names: list[str] = []

    def put(token: re.Match[str]) -> str:
        if token["wrong"] is not None:
            raise QueryError(
                f"{place}: {token[0]!r} at {token.start()} is a quote without its end, or a place by number"
            )
        name = token["value"]
        if name is None:
            return token[0]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _TOKEN.sub(put, sql), tuple(names)

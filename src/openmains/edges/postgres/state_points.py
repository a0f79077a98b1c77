# SPDX-License-Identifier: Apache-2.0
"""Queries with a column for each state point: the list is ``[latest]`` of ``drivers/points.toml``, and nowhere else.

    SELECT s.version /*each point: , s.{name}*/ FROM meter_state s

The comment stands for its text once for each point, ``{name}`` for the column and ``{sql}`` for its type. The statement is good
SQL without it, too.
"""

import re
from collections.abc import Iterable
from importlib import resources

from openmains.drivers.points import StatePoint, vocabulary
from openmains.edges.postgres.queries import FILE, Queries, parse

SQL_TYPES = {16: "smallint", 32: "int", 64: "bigint"}
_EACH = re.compile(r"/\*each point:(.*?)\*/", re.DOTALL)


def state_points() -> tuple[StatePoint, ...]:
    """Of the packaged vocabulary."""
    return tuple(vocabulary().latest.values())


def load_with_points(package: str, points: Iterable[StatePoint]) -> Queries:
    """As ``queries.load``, with the columns of these points."""
    wanted = tuple(points)

    def each(place: re.Match[str]) -> str:
        piece = place[1]
        return "".join(piece.format(name=point.name, sql=SQL_TYPES[point.bits]) for point in wanted)

    return parse(_EACH.sub(each, (resources.files(package) / FILE).read_text("utf-8")), package)

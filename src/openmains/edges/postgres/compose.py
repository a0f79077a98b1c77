# SPDX-License-Identifier: Apache-2.0
"""A query with more conditions or another order than its file says, put together from fragments named in our code.

For lists whose filters would cost the plan if each were an optional value, and that are sorted one way or the other. Values
keep their names; no value is ever part of a text.
"""

import re
from dataclasses import replace
from functools import cache

from openmains.edges.postgres.queries import Query, translate

_PLACE = re.compile(r"\$(\d+)")


@cache
def extended(query: Query, *fragments: str) -> Query:
    """``query`` followed by the fragments, such as ``AND m.area_id = :area_id`` and ``ORDER BY m.number LIMIT :most``."""
    params = list(query.params)
    text, names = translate("\n".join(fragments), query.name)
    params += [name for name in names if name not in params]
    more = _PLACE.sub(lambda place: f"${params.index(names[int(place[1]) - 1]) + 1}", text)
    return replace(query, sql=f"{query.sql}\n{more}", params=tuple(params))

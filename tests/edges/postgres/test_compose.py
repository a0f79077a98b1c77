# SPDX-License-Identifier: Apache-2.0
"""A query followed by fragments keeps the places of its values."""

import pytest

from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.queries import QueryError, parse

METERS = parse("-- name: meters\n-- Meters.\nSELECT 1 FROM meter WHERE tenant_id = :tenant_id AND dn > :dn")["meters"]


def test_values_of_the_fragments_come_after_the_querys_own() -> None:
    query = extended(METERS, "AND number > :after AND dn <> :dn", "ORDER BY number LIMIT :most")
    assert query.params == ("tenant_id", "dn", "after", "most")
    assert query.sql == f"{METERS.sql}\nAND number > $3 AND dn <> $2\nORDER BY number LIMIT $4"
    assert query.arguments({"most": 4, "after": 3, "dn": 2, "tenant_id": 1}) == [1, 2, 3, 4]
    assert extended(METERS, "AND number > :after AND dn <> :dn", "ORDER BY number LIMIT :most") is query


def test_a_value_by_place_is_refused() -> None:
    with pytest.raises(QueryError, match="place by number"):
        extended(METERS, "AND number > $1")

# SPDX-License-Identifier: Apache-2.0
"""Rows of SQLite by the names of their columns."""

import sqlite3
from collections.abc import Iterator
from typing import Any


def by_name(rows: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    """What a statement answers, each row as column → value."""
    names = [column[0] for column in rows.description]
    return (dict(zip(names, row, strict=True)) for row in rows)

# SPDX-License-Identifier: Apache-2.0
"""SQLite takes a bounded number of values a statement: long lists are asked by and by."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
CHUNK = 500


def by_chunks(values: Sequence[T]) -> Iterator[tuple[str, Sequence[T]]]:
    """(``?,?,…`` for an IN list, the values that go there), CHUNK at a time."""
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        yield ",".join("?" * len(chunk)), chunk

# SPDX-License-Identifier: Apache-2.0
"""A process of its own reads and checks a file of the book – areas, issue lists –, row by row; what it makes of what is there is planned when
that is held."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from openmains.app.fleet.imports.child import child_reading, serve
from openmains.app.fleet.imports.import_meters import MOST_ERRORS
from openmains.app.fleet.imports.table import open_table
from openmains.domain.csv_rows import Broken
from openmains.domain.fleet.area_rows import AREA_TABLE
from openmains.domain.fleet.cells import HeaderError, RowError
from openmains.domain.fleet.issue_rows import ISSUE_TABLE
from openmains.domain.fleet.table_rows import TableColumns, TableRows

TABLES: dict[str, TableColumns] = {"areas": AREA_TABLE, "issues": ISSUE_TABLE}
CHUNK_ROWS = 20_000
MOST_ROWS = 2_000_000  # ten times the largest utility's tree; the whole file is planned at once


class AreaOrders(msgspec.Struct):
    """What to read, and how many rows at the most. ``table``: which columns it has (``TABLES``)."""

    path: str
    most_rows: int = MOST_ROWS
    table: str = "areas"


class AreaChunk(msgspec.Struct):
    """Rows that are sound by themselves: (row number, values by column), and what was wrong with others: all are counted, the file's first
    ``MOST_ERRORS`` told. ``failure``: the file can not be read further."""

    read: int = 0
    total: int = 0
    rows: list[tuple[int, dict[str, Any]]] = []
    errors: list[RowError] = []
    error_count: int = 0
    rejected: int = 0
    headers: dict[str, str] = {}
    ignored: list[str] = []  # headings below which nothing is read; said once, with the first chunk
    failure: str = ""


def chunks(orders: AreaOrders) -> Iterator[AreaChunk]:
    """The file's chunks; the last one may carry ``failure``."""
    try:
        table = open_table(Path(orders.path))
        columns = TABLES[orders.table]
        check = TableRows(columns, table.header)
        headers = {name: check.header_of(name) for name in columns.columns}
        chunk = AreaChunk(headers=headers, total=table.total, ignored=check.ignored)
        read = told = 0
        for item in table.rows:
            read += 1
            if read > orders.most_rows:
                yield AreaChunk(failure=_too_long(orders.most_rows))
                return
            chunk.read += 1
            found = (
                [RowError(item.line, "", item.text, item.reason)] if isinstance(item, Broken) else check.check(*item)
            )
            if isinstance(found, list):
                chunk.rejected += 1
                chunk.error_count += len(found)
                kept = found[: MOST_ERRORS - told]
                told += len(kept)
                chunk.errors += kept
            else:
                chunk.rows.append((item[0], dict(found)))
            if chunk.read == CHUNK_ROWS:
                yield chunk
                chunk = AreaChunk(headers=headers, total=table.total)
        if chunk.read or chunk.ignored or not read:
            yield chunk
    except (HeaderError, OSError) as error:
        yield AreaChunk(failure=str(error))


def _too_long(most: int) -> str:
    return f"文件超过 {most} 行；请分成几个文件 / the file has more than {most} rows: divide it"


def reading(orders: AreaOrders) -> AbstractAsyncContextManager[AsyncIterator[AreaChunk]]:
    """The chunks of a file, read by a child process that is gone at the end. Raises ``HeaderError``."""
    return child_reading(__name__, orders, AreaChunk)


if __name__ == "__main__":
    serve(chunks, AreaOrders)

# SPDX-License-Identifier: Apache-2.0
"""A process of its own reads and checks a file of readings, row by row; which meters there are only the store knows."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec

from openmains.app.fleet.imports.child import child_reading, serve
from openmains.app.fleet.imports.table import open_table
from openmains.app.readings.manual.reading_row import ReadingCheck, ReadingError, ReadingRow, left_out
from openmains.domain.csv_rows import Broken
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.period import zone
from openmains.domain.readings.instants import time_of_day

CHUNK_ROWS = 20_000


class ReadingOrders(msgspec.Struct):
    """What to read; ``zone`` of times without an offset, ``time`` (HH:MM) of dates without one, empty: those are refused."""

    path: str
    zone: str
    time: str = ""


class ReadingChunk(msgspec.Struct):
    """Rows that are sound by themselves, and what was wrong with others. ``failure``: the file can not be read further."""

    read: int = 0
    total: int = 0
    rows: list[ReadingRow] = []
    errors: list[ReadingError] = []
    headers: dict[str, str] = {}
    ignored: list[str] = []  # headings below which nothing is read; said once, with the first chunk
    failure: str = ""


def chunks(orders: ReadingOrders) -> Iterator[ReadingChunk]:
    """The file's chunks; the last one may carry ``failure``."""
    try:
        table = open_table(Path(orders.path), times=True)
        check = ReadingCheck(table.header, zone(orders.zone), time_of_day(orders.time))
        headers = {name: check.header_of(name) for name in ("number", "bar_code", "at", "register")}
        chunk = ReadingChunk(headers=headers, total=table.total, ignored=left_out(table.header))
        sound = 0
        for item in table.rows:
            chunk.read += 1
            if isinstance(item, Broken):
                chunk.errors.append(ReadingError(item.line, "", item.text, item.reason))
            else:
                found = check.check(*item)
                if isinstance(found, ReadingRow):
                    chunk.rows.append(found)
                else:
                    chunk.errors += found
            if chunk.read == CHUNK_ROWS:
                sound += len(chunk.rows)
                if not sound:  # nobody gains by reading on, and other people's files wait
                    yield ReadingChunk(failure=_no_row(chunk))
                    return
                yield chunk
                chunk = ReadingChunk(headers=headers, total=table.total)
        if chunk.read or chunk.ignored:
            yield chunk
    except (HeaderError, OSError) as error:
        yield ReadingChunk(failure=str(error))


def _no_row(chunk: ReadingChunk) -> str:
    first = chunk.errors[0]
    return (
        f"前 {chunk.read} 行无一可用，已停止；例如第 {first.row} 行：{first.text('zh')} / "
        f"none of the first {chunk.read} rows can be used, so reading stopped; row {first.row}, say: {first.text('en')}"
    )


def reading(orders: ReadingOrders) -> AbstractAsyncContextManager[AsyncIterator[ReadingChunk]]:
    """The chunks of a file, read by a child process that is gone at the end. Raises ``HeaderError``."""
    return child_reading(__name__, orders, ReadingChunk)


if __name__ == "__main__":
    serve(chunks, ReadingOrders)

# SPDX-License-Identifier: Apache-2.0
"""A process of its own reads and checks the file, so that both cores work: Python here, the store's engine there.

How orders and chunks travel: ``child.py``.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path

import msgspec

from openmains.app.fleet.imports.child import child_reading, serve
from openmains.app.fleet.imports.staging import staged_bytes
from openmains.app.fleet.imports.table import open_table
from openmains.domain.csv_rows import Broken
from openmains.domain.fleet.cells import HeaderError, RowError
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.fleet.meter_row import MeterRow, RowCheck, left_out

CHUNK_ROWS = 25_000


class Orders(msgspec.Struct):
    """What to read and what is known."""

    path: str
    today: date
    products: set[str]
    areas: set[str]
    create_areas: bool
    headings: dict[str, str] = {}  # of other systems' files, as they are compared, and the columns they are


class Chunk(msgspec.Struct):
    """Rows ready for the store, and what was wrong with others. ``failure``: the file can not be read further."""

    read: int = 0
    total: int = 0
    staged: int = 0
    errors: list[RowError] = []
    new_areas: list[str] = []
    copy: bytes = b""
    headers: dict[str, str] = {}
    ignored: list[str] = []  # headings below which nothing is imported; said once, with the first chunk
    failure: str = ""


class Repeats:
    """Repeats within the file, by number, IMEI and customer. About 250 MB for a million rows."""

    def __init__(self, check: RowCheck) -> None:
        self._check = check
        self._numbers: dict[str, int] = {}
        self._imeis: dict[int, int] = {}
        self._customers: dict[str, tuple[int, int]] = {}

    def find(self, row: MeterRow) -> RowError | None:
        """The error, or None and the row is remembered."""
        other = self._numbers.get(row.number)
        if other is not None:
            return RowError(row.row, self._check.header_of("number"), row.number, "duplicate_in_file", other)
        if row.imei is not None:
            other = self._imeis.get(row.imei)
            if other is not None:
                header = self._check.header_of("imei")
                return RowError(row.row, header, imei_text(row.imei), "duplicate_in_file", other)
        if row.customer_code is not None:
            mark = hash((row.customer_name, row.phone, row.customer_address, row.is_protected, row.is_critical))
            known = self._customers.setdefault(row.customer_code, (mark, row.row))
            if known[0] != mark:
                header = self._check.header_of("customer_code")
                return RowError(row.row, header, row.customer_code, "customer_differs", known[1])
        self._numbers[row.number] = row.row
        if row.imei is not None:
            self._imeis[row.imei] = row.row
        return None


def chunks(orders: Orders) -> Iterator[Chunk]:
    """The file's chunks; the last one may carry ``failure``."""
    try:
        table = open_table(Path(orders.path))
        check = RowCheck(table.header, orders.today, orders.headings)
        repeats = Repeats(check)
        headers = {
            name: check.header_of(name)
            for name in ("number", "bar_code", "imei", "product", "area", "customer_code", "tags")
        }
        chunk, rows, sound = (
            Chunk(headers=headers, total=table.total, ignored=left_out(table.header, orders.headings)),
            [],
            0,
        )
        for item in table.rows:
            chunk.read += 1
            if isinstance(item, Broken):
                chunk.errors.append(RowError(item.line, "", item.text, item.reason))
                found: MeterRow | list[RowError] = []
            else:
                found = check.check(*item)
            if isinstance(found, MeterRow):
                errors = _unknown(found, orders, headers, chunk)
                repeat = repeats.find(found) if not errors else None
                if repeat is not None:
                    errors = [repeat]
                if not errors:
                    rows.append(found)
                chunk.errors += errors
            else:
                chunk.errors += found
            if chunk.read == CHUNK_ROWS:
                sound += len(rows)
                if not sound:  # nobody gains by reading on, and other people's files wait
                    yield Chunk(failure=_no_row(chunk))
                    return
                chunk.staged, chunk.copy = len(rows), staged_bytes(rows)
                yield chunk
                chunk, rows = Chunk(headers=headers, total=table.total), []
        if chunk.read or chunk.ignored:
            chunk.staged, chunk.copy = len(rows), staged_bytes(rows)
            yield chunk
    except (HeaderError, OSError) as error:
        yield Chunk(failure=str(error))


def _no_row(chunk: Chunk) -> str:
    first = chunk.errors[0]
    return (
        f"前 {chunk.read} 行无一可用，已停止；例如第 {first.row} 行：{first.text('zh')} / "
        f"none of the first {chunk.read} rows can be used, so reading stopped; row {first.row}, say: {first.text('en')}"
    )


def _unknown(row: MeterRow, orders: Orders, headers: dict[str, str], chunk: Chunk) -> list[RowError]:
    errors = []
    if row.product not in orders.products:
        errors.append(RowError(row.row, headers["product"], row.product, "unknown_product"))
    if row.area not in orders.areas:
        if not orders.create_areas:
            errors.append(RowError(row.row, headers["area"], row.area, "unknown_area"))
        elif not errors:
            orders.areas.add(row.area)
            chunk.new_areas.append(row.area)
    return errors


def reading(orders: Orders) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
    """The chunks of a file, read by a child process that is gone at the end. Raises ``HeaderError``."""
    return child_reading(__name__, orders, Chunk)


if __name__ == "__main__":
    serve(chunks, Orders)

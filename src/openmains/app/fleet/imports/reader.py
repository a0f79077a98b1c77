# SPDX-License-Identifier: Apache-2.0
"""A process of its own reads and checks the file, so that both cores work: Python here, the store's engine there.

``python -m openmains.app.fleet.imports.reader``: the orders come as one JSON object on standard input, chunks go out as
frames (4 bytes length, little endian; msgpack). The parent ends the process by closing its end.
"""

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO

import msgspec

from openmains.app.fleet.imports.staging import staged_bytes
from openmains.app.fleet.imports.table import open_table
from openmains.domain.csv_rows import Broken
from openmains.domain.fleet.cells import HeaderError, RowError
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.fleet.meter_row import MeterRow, RowCheck, left_out

CHUNK_ROWS = 25_000
MOST_MEMORY = 4 << 30  # bytes of address space: a million rows of a workbook take half
MOST_CPU_S = 1800


class Orders(msgspec.Struct):
    """What to read and what is known."""

    path: str
    today: date
    products: set[str]
    areas: set[str]
    create_areas: bool


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
        check = RowCheck(table.header, orders.today)
        repeats = Repeats(check)
        headers = {name: check.header_of(name) for name in ("number", "imei", "product", "area", "customer_code")}
        chunk, rows, sound = Chunk(headers=headers, total=table.total, ignored=left_out(table.header)), [], 0
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


@asynccontextmanager
async def reading(orders: Orders) -> AsyncIterator[AsyncIterator[Chunk]]:
    """The chunks of a file, read by a child process that is gone at the end. Raises ``HeaderError``."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openmains.app.fleet.imports.reader",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment, limit=1 << 22,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None  # noqa: S101 - PIPE above; for the type checker
    output = child.stdout

    async def frames() -> AsyncIterator[Chunk]:
        while True:
            try:
                size = int.from_bytes(await output.readexactly(4), "little")
                if size == 0:
                    return
                chunk = msgspec.msgpack.decode(await output.readexactly(size), type=Chunk)
            except asyncio.IncompleteReadError as error:
                raise HeaderError(
                    "读取该文件所需的内存或时间超过限制；请分成几个文件，或另存为“CSV UTF-8” / "
                    "reading this file takes more memory or time than an import may: divide it, or save it as 'CSV UTF-8'"
                ) from error
            if chunk.failure:
                raise HeaderError(chunk.failure)
            yield chunk

    try:
        child.stdin.write(msgspec.json.encode(orders))
        child.stdin.write_eof()
        yield frames()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


def main(orders: BinaryIO, out: BinaryIO) -> None:
    """The child: orders in, frames out; an empty frame is the end. Its limits end it, and nobody else, by a file made to do harm."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for chunk in chunks(msgspec.json.decode(orders.read(), type=Orders)):
            data = msgspec.msgpack.encode(chunk)
            out.write(len(data).to_bytes(4, "little"))
            out.write(data)
            out.flush()
        out.write(bytes(4))
        out.flush()
    except BrokenPipeError:
        os._exit(1)  # the parent has left; nothing to say to anybody


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)

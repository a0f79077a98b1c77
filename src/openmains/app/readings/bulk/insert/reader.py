# SPDX-License-Identifier: Apache-2.0
"""A process of its own reads a file of values – Arrow IPC stream, Parquet or CSV – checks row by row, and hands on whole meters.

Rows may stand in any order: they are kept as numbers in columns (72 bytes a row) and sorted, so that a meter comes in one piece and a
value that stands twice stands beside itself.
"""

from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from openmains.app.fleet.imports.child import child_reading, serve
from openmains.app.fleet.imports.table import open_table
from openmains.app.readings.bulk.insert.value_row import RowCheck, ValueFault, ValueRow
from openmains.domain.csv_rows import Broken
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.period import zone

MOST_ROWS = 5_000_000
MOST_FAULTS = 10_000  # that are kept; all are counted
CHUNK_ROWS = 50_000  # or one meter, where it has more
AT_ONCE = 10_000
_UNKNOWN = -(2**63)


class ValueOrders(msgspec.Struct):
    """What to read; the form is told by the file's ending."""

    path: str
    zone: str


class ValueChunk(msgspec.Struct):
    """Whole meters with their rows by quantity and instant. ``read``, ``faults`` and ``fault_count`` stand in the first chunk, which is of
    no meter. ``failure``: the file can not be read."""

    read: int = 0
    meters: list[tuple[str, list[ValueRow]]] = []
    faults: list[ValueFault] = []
    fault_count: int = 0
    ignored: list[str] = []
    failure: str = ""


class _Columns:
    """Rows as numbers."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.points: dict[str, int] = {}
        self.columns = [array("q") for _ in range(8)]  # number, point, at, row, value, exponent, interval, quality

    def add(self, number: str, row: ValueRow) -> None:
        values = (
            self.numbers.setdefault(number, len(self.numbers)), self.points.setdefault(row.point, len(self.points)), row.at, row.row,
            _UNKNOWN if row.value is None else row.value, row.exponent, row.interval_s, row.quality,
        )  # fmt: skip
        for column, value in zip(self.columns, values, strict=True):
            column.append(value)

    def sorted(self) -> Iterator[tuple[str, list[ValueRow]]]:
        """By meter, quantity, instant and row."""
        if not self.columns[0]:
            return
        table = [np.frombuffer(column, dtype=np.int64) for column in self.columns]
        order = np.lexsort(table[3::-1])
        of_meter = table[0][order]
        cuts = [0, *(np.flatnonzero(np.diff(of_meter)) + 1).tolist(), len(order)]
        names, points = list(self.numbers), list(self.points)
        for first, end in pairwise(cuts):
            place = order[first:end]
            rows = [
                ValueRow(row, points[point], at, None if value == _UNKNOWN else value, exponent, interval, quality)
                for point, at, row, value, exponent, interval, quality in zip(
                    *(column[place].tolist() for column in table[1:]), strict=True
                )
            ]
            yield names[int(of_meter[first])], rows


def chunks(orders: ValueOrders) -> Iterator[ValueChunk]:
    """The file's chunks; see ``ValueChunk``."""
    head, columns = ValueChunk(), _Columns()
    try:
        heads, rows = _open(Path(orders.path))
        try:
            check = RowCheck(heads, zone(orders.zone))
        except ValueError as error:
            raise HeaderError(
                f"缺少或重复的列：{error}；所需的列：number、point、at、value、exponent / columns that are missing or stand twice: {error}"
            ) from error
        head.ignored = check.ignored
        for number, cells in rows:
            head.read += 1
            if head.read > MOST_ROWS:
                raise HeaderError(f"超过 {MOST_ROWS} 行，请分成几个文件 / more than {MOST_ROWS} rows: divide the file")
            found = (
                ValueFault(number, "", cells.text, cells.reason)
                if isinstance(cells, Broken)
                else check.check(number, cells)
            )
            if isinstance(found, ValueFault):
                head.fault_count += 1
                if len(head.faults) < MOST_FAULTS:
                    head.faults.append(found)
            else:
                columns.add(*found)
    except (HeaderError, OSError, pa.ArrowException) as error:
        yield ValueChunk(failure=str(error)[:2_000])
        return
    yield head
    chunk, held = ValueChunk(), 0
    for name, of_meter in columns.sorted():
        if held and held + len(of_meter) > CHUNK_ROWS:
            yield chunk
            chunk, held = ValueChunk(), 0
        chunk.meters.append((name, of_meter))
        held += len(of_meter)
    if held:
        yield chunk


def _open(path: Path) -> tuple[Sequence[str], Iterator[tuple[int, Sequence[Any] | Broken]]]:
    """(columns, (row number, cells)) of a file; the first row below the heading is 2."""
    if path.suffix == ".csv":
        table = open_table(path)
        return table.header, ((item.line, item) if isinstance(item, Broken) else item for item in table.rows)
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        return file.schema_arrow.names, _numbered(file.iter_batches(AT_ONCE))
    stream = ipc.open_stream(pa.OSFile(str(path)))
    return stream.schema.names, _numbered(iter(stream))


def _numbered(batches: Iterator[Any]) -> Iterator[tuple[int, Sequence[Any] | Broken]]:
    row = 1
    for whole in batches:
        for first in range(0, whole.num_rows, AT_ONCE):
            batch = whole.slice(first, AT_ONCE)
            for cells in zip(*(_cells(column) for column in batch.columns), strict=True):
                row += 1
                yield row, cells


def _cells(column: Any) -> list[Any]:
    cells: list[Any] = column.to_pylist()
    return [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell for cell in cells]


def reading(orders: ValueOrders) -> AbstractAsyncContextManager[AsyncIterator[ValueChunk]]:
    """The chunks of a file, read by a child process that is gone at the end. Raises ``HeaderError``."""
    return child_reading(__name__, orders, ValueChunk)


if __name__ == "__main__":
    serve(chunks, ValueOrders)

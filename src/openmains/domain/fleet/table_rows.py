# SPDX-License-Identifier: Apache-2.0
"""Rows of a file with known columns: which cell is which column, and each cell's value or what is wrong with it.

A table (meters, readings, areas …) says its columns and how a cell of each is read; ``layout`` and ``CellReader`` do what is the same
for all. An empty cell means 'not given'.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from openmains.domain.fleet.cells import SHEET_ERROR, CellError, HeaderError, RowError, plain_heading
from openmains.domain.fleet.registry_columns import Column
from openmains.domain.plain_text import Quoted, is_formula


class CellFault(NamedTuple):
    """Why a row is not taken. ``column``: the file's own heading, '' beyond the last; ``reason``: a key of the table's reasons."""

    column: str
    value: str
    reason: str


def by_heading(columns: Mapping[str, Column]) -> dict[str, str]:
    """Column by what may stand above it, as it is compared."""
    return {plain_heading(text): name for name, column in columns.items() for text in (name, *column.headings)}


def layout(
    header: Sequence[str],
    columns: Mapping[str, Column],
    known: Mapping[str, str],
    required: Sequence[str],
    *,
    one_of: Sequence[str] = (),
    ambiguous: Mapping[str, Sequence[str]] = {},
) -> list[str | None]:
    """Column name of each cell of the header, None for one that is not used. ``known``: ``by_heading`` of ``columns``; ``one_of``: at least one
    of these is needed; ``ambiguous``: headings, as they are compared, and the columns they may mean.

    Raises ``HeaderError`` when a column is missing or there twice, or a heading may mean two columns.
    """
    for cell in header:
        if (meant := ambiguous.get(plain_heading(cell))) is not None:
            raise HeaderError(
                f"列“{cell.strip()}”含义不明，请改为“{'”或“'.join(columns[name].zh for name in meant)}” / "
                f"column '{cell.strip()}' may mean two things: call it "
                + " or ".join(f"'{columns[name].en}'" for name in meant)
            )
    found = [known.get(plain_heading(cell)) for cell in header]
    named = [name for name in found if name is not None]
    for name in named:
        if named.count(name) > 1:
            zh, en = columns[name].zh, columns[name].en
            raise HeaderError(f"列“{zh}”出现多次 / column '{en}' is there more than once")
    missing = [] if not one_of or any(name in named for name in one_of) else [one_of[0]]
    missing += [name for name in required if name not in named]
    if missing:
        zh = "、".join(columns[name].zh for name in missing)
        en = ", ".join(columns[name].en for name in missing)
        raise HeaderError(f"缺少列：{zh} / missing columns: {en}")
    return found


class CellReader:
    """Cells of the rows of one file. ``names``: column of each cell of ``header``, as ``layout`` tells; ``read``: how a cell of a column is
    read, raising ``CellError``; ``labels``: what people call things by, which is no formula."""

    def __init__(
        self,
        header: Sequence[str],
        names: Sequence[str | None],
        columns: Mapping[str, Column],
        read: Mapping[str, Callable[[str], Any]],
        required: Collection[str],
        labels: Collection[str],
    ) -> None:
        self.header = [cell.strip() for cell in header]
        self.at = {name: place for place, name in enumerate(names) if name is not None}
        self._columns = columns
        self._cells = [(place, name, read[name], name in required, name in labels) for name, place in self.at.items()]

    def header_of(self, name: str) -> str:
        """The file's own heading of a column, or its English name where the file has none."""
        return self.header[self.at[name]] if name in self.at else self._columns[name].en

    def read(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[CellFault]]:
        """What the cells say, by column, and all that is wrong with them."""
        values: dict[str, Any] = {}
        faults: list[CellFault] = []
        count = len(cells)
        for place, name, read, is_required, is_label in self._cells:
            text = cells[place].strip() if place < count else ""
            if not text:
                if is_required:
                    faults.append(CellFault(self.header[place], "", "required"))
                continue
            try:
                if text[0] in "#E" and SHEET_ERROR.fullmatch(text):
                    raise CellError("sheet_error")
                values[name] = read(text)
                if is_label and is_formula(text) and not isinstance(cells[place], Quoted):
                    raise CellError("formula_sign")
            except CellError as error:
                faults.append(CellFault(self.header[place], text[:200], str(error)))
        beyond = len(self.header)
        if count > beyond and any(cell.strip() for cell in cells[beyond:]):
            faults.append(CellFault("", cells[beyond][:200], "too_many_cells"))
        return values, faults


@dataclass(frozen=True, slots=True)
class TableColumns:
    """``read``: how a cell of a column is read. ``names``: what people call things by, which is no formula. ``shown_only``:
    written for people, never read."""

    columns: Mapping[str, Column]
    read: Mapping[str, Callable[[str], Any]]
    required: tuple[str, ...]
    names: frozenset[str]
    shown_only: Mapping[str, Column]


class TableRows:
    """Checks the rows of one file by its header. Raises ``HeaderError`` as ``layout`` does."""

    def __init__(self, table: TableColumns, header: Sequence[str]) -> None:
        found = layout(header, table.columns, by_heading(table.columns), table.required)
        self._cells = CellReader(header, found, table.columns, table.read, table.required, table.names)
        self.header_of = self._cells.header_of
        shown = {plain_heading(text) for column in table.shown_only.values() for text in column.headings}
        self.ignored = [  # headings below which nothing is read
            cell
            for cell, name in zip(self._cells.header, found, strict=True)
            if name is None and cell and plain_heading(cell) not in shown
        ]

    def check(self, row: int, cells: Sequence[str]) -> dict[str, Any] | list[RowError]:
        """The cells that say something, by column; or all that is wrong with the row."""
        values, faults = self._cells.read(cells)
        return [RowError(row, *fault) for fault in faults] or values

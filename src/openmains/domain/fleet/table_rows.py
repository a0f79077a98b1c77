# SPDX-License-Identifier: Apache-2.0
"""Rows of a file with known columns: which cell is which column, and each cell's value or what is wrong with it.

A table of the book (areas, premises, customers, accounts) says its columns and how a cell of each is read; the rest is here. An
empty cell means 'not given'. Meters have their own, faster reader (``meter_row.py``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openmains.domain.fleet.cells import SHEET_ERROR, CellError, HeaderError, RowError, plain_heading
from openmains.domain.fleet.registry_columns import Column
from openmains.domain.plain_text import Quoted, is_formula


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
    """Checks the rows of one file by its header. Raises ``HeaderError``: a column is missing or there twice."""

    def __init__(self, table: TableColumns, header: Sequence[str]) -> None:
        self._table = table
        self._header = [cell.strip() for cell in header]
        known = {
            plain_heading(text): name
            for name, column in table.columns.items()
            for text in (name, *column.headings)
        }  # fmt: skip
        shown = {plain_heading(text) for column in table.shown_only.values() for text in column.headings}
        self._at: dict[str, int] = {}
        self.ignored: list[str] = []  # headings below which nothing is read
        for place, cell in enumerate(self._header):
            name = known.get(plain_heading(cell))
            if name is None:
                if cell and plain_heading(cell) not in shown:
                    self.ignored.append(cell)
            elif name in self._at:
                column = table.columns[name]
                raise HeaderError(f"列“{column.zh}”出现多次 / column '{column.en}' is there more than once")
            else:
                self._at[name] = place
        if missing := [name for name in table.required if name not in self._at]:
            zh = "、".join(table.columns[name].zh for name in missing)
            en = ", ".join(table.columns[name].en for name in missing)
            raise HeaderError(f"缺少列：{zh} / missing columns: {en}")

    def header_of(self, name: str) -> str:
        """The file's own header of a column, or its English name where the file has none."""
        return self._header[self._at[name]] if name in self._at else self._table.columns[name].en

    def check(self, row: int, cells: Sequence[str]) -> dict[str, Any] | list[RowError]:
        """The cells that say something, by column; or all that is wrong with the row."""
        values: dict[str, Any] = {}
        errors: list[RowError] = []
        for name, place in self._at.items():
            text = cells[place].strip() if place < len(cells) else ""
            if not text:
                if name in self._table.required:
                    errors.append(RowError(row, self._header[place], "", "required"))
                continue
            try:
                if text[0] in "#E" and SHEET_ERROR.fullmatch(text):
                    raise CellError("sheet_error")
                values[name] = self._table.read[name](text)
                if name in self._table.names and is_formula(text) and not isinstance(cells[place], Quoted):
                    raise CellError("formula_sign")
            except CellError as error:
                errors.append(RowError(row, self._header[place], text[:200], str(error)))
        if any(cell.strip() for cell in cells[len(self._header) :]):
            errors.append(RowError(row, "", cells[len(self._header)][:200], "too_many_cells"))
        return errors or values

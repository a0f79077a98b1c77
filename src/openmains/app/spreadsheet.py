# SPDX-License-Identifier: Apache-2.0
"""Text cells for files that people open in a spreadsheet.

A cell that begins with = + - @ or a tab is a formula to a spreadsheet, and a customer's name may be anything: such a cell
gets an apostrophe in front (OWASP, CSV injection). Where the semicolon parts cells (Excel in many languages), what follows
it in a text would begin a cell too, quotation marks or not: the apostrophe goes there as well, and the cell is quoted.

``original`` takes back exactly what ``neutral`` put in, and nothing else: a text that has an apostrophe at such a place
itself gets one more, so both are one to one. Numbers made by the program are not touched.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from openmains.domain.plain_text import Quoted

BOM = "\ufeff".encode()  # Excel takes a CSV for UTF-8 only with it
_FORMULA = "=+\\-@\t\r\n＝＋－＠"
_HIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # a sign nobody sees before it
)
_RISKY = rf"[{_FORMULA}{_HIDDEN}]"
_HEAD = re.compile(r"[ \u3000'\t\r\n]*")
_WITHIN = re.compile(rf"([;\t\r\n])(?=[ \u3000']*{_RISKY})")
_MADE_WITHIN = re.compile(rf"([;\t\r\n])'(?=[ \u3000']*{_RISKY})")
_AT_START = re.compile(rf"[ \u3000']*{_RISKY}")
_QUOTED = re.compile(r"[\",;\t\r\n]|^\s|\s$")


def neutral(text: str) -> str:
    """The text, harmless to a spreadsheet."""
    start = _HEAD.match(text).end()  # type: ignore[union-attr]  # it matches nothing too
    made = text[:start] + _WITHIN.sub(r"\1'", text[start:])
    return "'" + made if _AT_START.match(text) else made


def original(text: str) -> str:
    """The text of which ``neutral`` made this cell; ``Quoted`` where it was marked as text."""
    if "'" not in text:
        return text
    start = _HEAD.match(text).end()  # type: ignore[union-attr]
    made = text[:start] + _MADE_WITHIN.sub(r"\1", text[start:])
    return Quoted(made[1:]) if text.startswith("'") and _AT_START.match(text, 1) else made


def _field(cell: Any) -> str:
    kind = type(cell)
    if kind is str:  # letters and digits alone harm nobody, and most cells are these
        return cell if cell.isalnum() else _quoted(cell)
    if kind is int or kind is Decimal:
        return str(cell)
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _quoted(str(cell))
    text = str(cell)
    return text if isinstance(cell, (int, Decimal)) else _wrapped(text)


@lru_cache(maxsize=4096)  # the same instants and words stand in line after line
def _quoted(text: str) -> str:
    return _wrapped(neutral(text))


def _wrapped(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def csv_bytes(rows: Iterable[Sequence[Any]], chunk_rows: int = 2_000) -> Iterator[bytes]:
    """UTF-8 CSV (RFC 4180, with BOM) in chunks of rows; every ``str`` is neutralised, None is an empty cell."""
    yield BOM
    lines: list[str] = []
    for row in rows:
        lines.append(",".join(map(_field, row)) + "\r\n")
        if len(lines) == chunk_rows:
            yield "".join(lines).encode()
            lines = []
    yield "".join(lines).encode()


class RowFault(Protocol):
    """What is wrong with a row of a file. ``row`` counts from 1 as a spreadsheet does; ``reason``: a code."""

    @property
    def row(self) -> int: ...
    @property
    def column(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def reason(self) -> str: ...
    def text(self, locale: str) -> str:
        """For a person, ``zh`` or ``en``."""


VALUE = ("值", "value")


def error_report(
    errors: Sequence[RowFault], count: int, locale: str, value: tuple[str, str] = VALUE
) -> Iterator[bytes]:
    """The errors of a file as CSV: row, column, value (headed ``value``, zh and en), reason, and its code. ``count``: of all there were; last
    stands how many are not listed."""

    def rows() -> Iterator[list[object]]:
        yield (
            ["行", "列", value[0], "原因", "代码"] if locale == "zh" else ["row", "column", value[1], "reason", "code"]
        )
        for error in errors:
            yield [error.row, error.column, error.value, error.text(locale), error.reason]
        if left_out := count - len(errors):
            said = f"另有 {left_out} 条错误未列出" if locale == "zh" else f"{left_out} more errors are not listed"
            yield ["", "", "", said, "more"]

    return csv_bytes(rows())


def write_error_reports(
    base: Path, errors: Sequence[RowFault], count: int, value: tuple[str, str] = VALUE
) -> dict[str, str]:
    """The same in both languages beside ``base``, and where they are, for a job's result; none where nothing is wrong."""
    told: dict[str, str] = {}
    for locale in ("zh", "en") if count else ():
        name = base.with_name(f"{base.name}.errors.{locale}.csv")
        name.write_bytes(b"".join(error_report(errors, count, locale, value)))
        told[f"error_file_{locale}"] = str(name)
    return told

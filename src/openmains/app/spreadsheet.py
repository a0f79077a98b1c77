# SPDX-License-Identifier: Apache-2.0
"""Text cells for files that people open in a spreadsheet.

A cell that begins with = + - @ or a tab is a formula to a spreadsheet, and a customer's name may be anything: such a cell
gets an apostrophe in front (OWASP, CSV injection). Numbers made by the program are not touched.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = "\ufeff".encode()  # Excel takes a CSV for UTF-8 only with it


def neutral(text: str) -> str:
    """The text, harmless to a spreadsheet."""
    return "'" + text if text.startswith(_RISKY) else text


def csv_bytes(rows: Iterable[Sequence[Any]], chunk_rows: int = 2_000) -> Iterator[bytes]:
    """UTF-8 CSV (RFC 4180, with BOM) in chunks of rows; every ``str`` is neutralised."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield BOM
    for count, row in enumerate(rows, 1):
        writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
        if count % chunk_rows == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()

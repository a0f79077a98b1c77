# SPDX-License-Identifier: Apache-2.0
"""Key files as makers deliver and take them: CSV, one device a row, IMEI and PSK in hexadecimal.

Columns ``imei`` and ``psk`` (``密钥``); others are ignored, but ``identity`` (``身份``), by which the module will name
itself: it must say the IMEI of its row in a form that the edge reads, and stands for a missing column ``imei``. An error
names row and column and never repeats a key, because the report goes to people who must not have it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from openmains.app.security.keys.ports import KeyedMeter
from openmains.app.spreadsheet import csv_bytes
from openmains.domain import csv_rows
from openmains.domain.csv_rows import Broken, Rows, lines_of
from openmains.domain.fleet.cells import HeaderError
from openmains.domain.fleet.endpoint_name import parse_endpoint_name
from openmains.domain.fleet.identifiers import imei_text, is_imei

LEAST_BYTES, MOST_BYTES = 16, 64  # RFC 4279 5.3 asks for 64 at least to be possible; below 128 bits is no key
_LOST = re.compile(r"\d[.,]\d{1,14}[eE]\+?\d{2}")
IDENTITY = ("identity", "psk_identity", "身份")
REASONS = {
    "bad_imei": ("IMEI 应为 15 位数字且校验位正确", "an IMEI has 15 digits, the last one a valid check digit"),
    "bad_key": (
        f"密钥应为 {LEAST_BYTES} 至 {MOST_BYTES} 字节的十六进制",
        f"a key is {LEAST_BYTES} to {MOST_BYTES} bytes in hexadecimal",
    ),
    "weak_key": ("密钥各字节相同", "all bytes of the key are the same"),
    "duplicate_in_file": ("与文件中另一行重复", "the same IMEI is in another row of the file"),
    "identity_other": (
        "身份应写明本行的 IMEI，如 urn:imei:<IMEI>；否则模组无法接入",
        "the identity should name the IMEI of its row, such as urn:imei:<IMEI>; else the module cannot come in",
    ),
    "imei_taken": ("IMEI 已属于另一只表", "the IMEI belongs to another meter"),
    "digits_lost": (
        "IMEI 已被表格软件改写，请把该列设为文本后重新填写",
        "the spreadsheet changed the IMEI: format the column as text and fill it in again",
    ),
    "too_many_cells": ("该行列数多于表头", "the row has more cells than the header"),
    **csv_rows.REASONS,
}


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A good row."""

    row: int
    imei: int
    psk: bytes = field(repr=False)


VALUE = ("IMEI", "IMEI")  # how an error report heads ``KeyRowError.value``


@dataclass(frozen=True, slots=True)
class KeyRowError:
    """Why a row is not taken. ``imei`` as the file has it, shortened; ``reason`` is a key of REASONS."""

    row: int
    column: str
    imei: str
    reason: str

    @property
    def value(self) -> str:
        """What of the cell may be told: never a key."""
        return self.imei

    def text(self, locale: str) -> str:
        """The reason for a person."""
        return REASONS[self.reason][0 if locale == "zh" else 1]


def read_keys(data: bytes) -> Iterator[KeyRow | KeyRowError]:
    """The rows of a CSV in UTF-8, UTF-16 or GB18030; a line that is no row is an error of its own and costs no other.
    Raises ``HeaderError`` where the file has no such columns, has one twice, or is no text.
    """
    if b"\x00" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise HeaderError("文件不是文本 / the file is no text")
    rows = iter(Rows(lines_of(data)))
    first = next(rows, None)
    if isinstance(first, Broken):
        zh, en = csv_rows.REASONS[first.reason]
        raise HeaderError(f"表头（第 {first.line} 行）：{zh} / the header (line {first.line}): {en}")
    header = [cell.strip().lower() for cell in first[1]] if first is not None else []
    identity_at = next((header.index(name) for name in IDENTITY if name in header), None)
    imei_at = [place for place, name in enumerate(header) if name == "imei"]
    if not imei_at and identity_at is not None:
        imei_at = [identity_at]
    psk_at = [place for place, name in enumerate(header) if name in ("psk", "密钥", "key")]
    if len(imei_at) != 1 or len(psk_at) != 1:
        raise HeaderError(
            "第一行应含 imei 与 psk 各一列 / the first row should name the columns imei and psk, each once"
        )
    seen: set[int] = set()
    for row in rows:
        if isinstance(row, Broken):
            yield KeyRowError(row.line, "", "", row.reason)  # its text may hold a key
        elif any(cell.strip() for cell in row[1][len(header) :]):
            yield KeyRowError(row[0], "", "", "too_many_cells")
        else:
            yield _row(*row, imei_at[0], psk_at[0], identity_at, seen)


def _row(
    row: int, cells: list[str], imei_at: int, psk_at: int, identity_at: int | None, seen: set[int]
) -> KeyRow | KeyRowError:
    imei = cells[imei_at].strip() if imei_at < len(cells) else ""
    name = parse_endpoint_name(imei)
    imei = imei if name is None else name.imei  # also as urn:imei:<IMEI>
    if not is_imei(imei):
        if _LOST.fullmatch(imei):
            return KeyRowError(row, "imei", imei, "digits_lost")
        # Where the columns are swapped this cell holds a key.
        return KeyRowError(row, "imei", imei[:15] if imei[:15].isdigit() and len(imei) <= 20 else "", "bad_imei")
    if int(imei) in seen:
        return KeyRowError(row, "imei", imei, "duplicate_in_file")
    said = cells[identity_at] if identity_at is not None and identity_at < len(cells) else ""
    named = parse_endpoint_name(said)
    if said.strip() and (named is None or named.imei != imei):
        return KeyRowError(row, "identity", imei, "identity_other")
    seen.add(int(imei))
    try:
        psk = bytes.fromhex(cells[psk_at]) if psk_at < len(cells) else b""
    except ValueError:
        psk = b""
    if not LEAST_BYTES <= len(psk) <= MOST_BYTES:
        return KeyRowError(row, "psk", imei, "bad_key")
    if len(set(psk)) == 1:
        return KeyRowError(row, "psk", imei, "weak_key")
    return KeyRow(row, int(imei), psk)


def write_keys(rows: Iterable[tuple[KeyedMeter, bytes]]) -> bytes:
    """The file for the maker; ``read_keys`` takes it as it is."""
    made = ((meter.number, imei_text(meter.imei), psk.hex()) for meter, psk in rows)
    return b"".join(csv_bytes([("number", "imei", "psk"), *made]))

# SPDX-License-Identifier: Apache-2.0
"""Rows of a CSV somebody else wrote (RFC 4180), so that one stray quotation mark costs one row and never its neighbours.

A usual reader takes a quotation mark that is never closed for a cell which goes on over all lines up to the next mark: thirty
meters in the file, one in the registry, no error. Here the physical line is the unit. A line that does not close its mark
is joined with the next ones only if they together are one row of the header's width and none of them is a row by itself;
otherwise that line alone is ``Broken``, and the next one is read as if nothing had been. A mark within unquoted text,
which RFC 4180 forbids, is the same fault at its other end and breaks its line too.

The bytes of a line that are none of the file's encoding break that line too. One bad byte does not change the encoding of
all others: the encoding is what most lines with letters beyond ASCII are (``encoding_of``).
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MOST_LINES = 50  # of one cell: an address has three
DELIMITERS = ",;\t"
_HAN_UTF8 = re.compile(rb"[\xe4-\xe9][\x80-\xbf][\x80-\xbf]")  # U+4000 to U+9FFF
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

REASONS = {
    "unclosed_quote": (
        "引号没有成对：本行有一个引号未闭合，请补上或删去该引号（内容中的引号应写成两个）",
        "a quotation mark of this line is never closed: close or remove it (write a mark within a text twice)",
    ),
    "stray_quote": (
        "引号不在单元格两端：请删去该引号，或给整个单元格加引号并把其中的引号写成两个",
        "a quotation mark stands within a cell: remove it, or quote the whole cell and write the mark twice",
    ),
    "bad_bytes": (
        "本行含有不属于该文件编码的字节（乱码），请改正本行并以 UTF-8 保存",
        "this line has bytes that are not of the file's encoding: correct the line and save the file as UTF-8",
    ),
}


class Broken(NamedTuple):
    """A line that is no row: its number (from 1), why (a key of ``REASONS``), how it begins."""

    line: int
    reason: str
    text: str


class Line(NamedTuple):
    """A line without its end. ``is_sound``: every byte was of the encoding."""

    text: str
    is_sound: bool = True


def encoding_of(lines: Iterable[bytes]) -> str:
    """``utf-16``, ``utf-8-sig`` or ``gb18030``: by its mark, else by what most of the lines beyond ASCII are."""
    utf8 = other = 0
    for place, line in enumerate(lines):
        if place == 0 and line.startswith(_UTF16):
            return "utf-16"
        if place == 0 and line.startswith(b"\xef\xbb\xbf"):
            return "utf-8-sig"
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            utf8 += 1
        except UnicodeDecodeError:
            # Of a line of UTF-8 with a bad byte most letters are still whole; GB18030 looks so by chance only.
            whole = len(_HAN_UTF8.findall(line)) * 3
            beyond = sum(byte > 0x7F for byte in line)
            if whole * 2 > beyond:
                utf8 += 1
            else:
                other += 1
    return "utf-8-sig" if utf8 >= other else "gb18030"


def decoded(raw: bytes, encoding: str) -> Line:
    """One line in UTF-8 or GB18030. A line of whole UTF-8 in a file of GB18030 would be read as other letters: not sound."""
    raw = raw.rstrip(b"\r\n")
    if raw.isascii():
        return Line(raw.decode("ascii"))
    if encoding == "gb18030" and _is_utf8_han(raw):
        return Line(raw.decode("utf-8"), is_sound=False)
    try:
        return Line(raw.decode(encoding))
    except UnicodeDecodeError:
        return Line(raw.decode(encoding, "replace"), is_sound=False)


def _is_utf8_han(raw: bytes) -> bool:
    if not _HAN_UTF8.search(raw):
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def lines_of(data: bytes) -> Iterator[Line]:
    """The lines of a small file held in memory."""
    raws = re.split(rb"\r\n|\n|\r", data)
    encoding = encoding_of(raws)
    if encoding == "utf-16":
        yield from (Line(text, "\ufffd" not in text) for text in _ends.split(data.decode("utf-16", "replace")))
        return
    for place, raw in enumerate(raws):
        line = decoded(raw, encoding)
        yield Line(line.text.removeprefix("\ufeff"), line.is_sound) if place == 0 else line


_ends = re.compile(r"\r\n|\n|\r")


class Rows:
    """The rows of lines: iterate for ``(line number, cells)`` or ``Broken``; empty lines are left out.

    ``lines`` counts the lines taken so far: at the end all of the file's. ``delimiter``: None chooses the one the first line
    has most of.
    """

    def __init__(self, lines: Iterable[Line], delimiter: str | None = None) -> None:
        self.lines = 0
        self._source = iter(lines)
        self._ahead: list[Line] = []  # looked at, and given back
        self._delimiter = delimiter or ","
        self._width: int | None = None
        self._is_chosen = delimiter is not None
        self._set()

    def _set(self) -> None:
        plain = rf'[^"{self._delimiter}]*'
        quoted = r'"(?:[^"]|"")*"'
        cell = rf"(?:{quoted}|{plain})"
        self._sound = re.compile(rf"{cell}(?:{self._delimiter}{cell})*")
        self._open = re.compile(rf'(?:{cell}{self._delimiter})*"(?:[^"]|"")*')
        self._cells = re.compile(rf'(?:"((?:[^"]|"")*)"|({plain}))(?:{self._delimiter}|$)')

    def __iter__(self) -> Iterator[tuple[int, list[str]] | Broken]:
        while (line := self._next()) is not None:
            if not self._is_chosen and line.text.strip():
                self._delimiter = max(DELIMITERS, key=line.text.count)
                self._is_chosen = True
                self._set()
            number = self.lines
            if not line.is_sound:
                yield Broken(number, "bad_bytes", line.text[:200])
                continue
            if '"' not in line.text:
                cells = line.text.split(self._delimiter)
            elif self._sound.fullmatch(line.text):
                cells = self._split(line.text)
            elif self._open.fullmatch(line.text):
                joined = self._joined(line.text)
                if joined is None:
                    yield Broken(number, "unclosed_quote", line.text[:200])
                    continue
                cells = joined
            else:
                yield Broken(number, "stray_quote", line.text[:200])
                continue
            if any(cells):
                if self._width is None:
                    self._width = len(cells)
                yield number, cells

    def _next(self) -> Line | None:
        line = self._ahead.pop(0) if self._ahead else next(self._source, None)
        if line is not None:
            self.lines += 1
        return line

    def _split(self, text: str) -> list[str]:
        cells, at = [], 0
        while at <= len(text):
            match = self._cells.match(text, at)
            if match is None:  # cannot be: the line is sound
                raise ValueError("not a sound line")
            quoted, plain = match.groups()
            cells.append(plain if quoted is None else quoted.replace('""', '"'))
            if match.end() == len(text) and not text.endswith(self._delimiter):
                break
            if match.end() == len(text):
                cells.append("")
                break
            at = match.end()
        return cells

    def _joined(self, text: str) -> list[str] | None:
        """The row that begins with this line and goes on over the next ones, or None and they are given back."""
        taken: list[Line] = []
        is_whole = self._is_row(text)
        while len(taken) < MOST_LINES and (line := self._next()) is not None:
            taken.append(line)
            text += "\n" + line.text
            if not line.is_sound or (is_whole and self._is_row(line.text)):
                break  # two rows, each by itself: the mark swallowed the second
            if self._sound.fullmatch(text):
                cells = self._split(text)
                if self._width in (None, len(cells)):
                    return cells
                break
            if self._is_row(line.text) or not self._open.fullmatch(text):
                break
        self._ahead = taken + self._ahead
        self.lines -= len(taken)
        return None

    def _is_row(self, text: str) -> bool:
        """Whether a line has a row's cells, marks not regarded."""
        return text.count(self._delimiter) + 1 == self._width

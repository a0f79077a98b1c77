# SPDX-License-Identifier: Apache-2.0
"""Layouts of direct-debit files, as data: a file is lines of fields between separators, a head, a line an item, a foot with count and sum.

A layout is a page of TOML in ``app/payment/debit_layouts/``: which fields each kind of line has, in which order, and what the bank's result
codes mean. Bytes come from outside: whatever they are, ``read_untrusted`` gives an answer or raises ``AnswerFaultError``.
Amounts are whole fen, as digits; there is no decimal point to get wrong.
"""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from openmains.domain.payment.debit import Answered, AnswerFault, AnswerFaultError, AnswerLine, DebitOutcome
from openmains.domain.period import date_to_day, day_to_date

MOST_DIGITS = 15
ASKED = {
    "head": {"layout", "file", "day", "lines", "fen"},
    "line": {"number", "contract", "holder", "bank", "bank_account", "fen"},
    "foot": {"lines", "fen"},
}
ANSWER = {
    "head": {"layout", "file", "lines", "fen"},
    "line": {"number", "fen", "result", "transaction", "day"},
    "foot": {"lines", "fen"},
}
"""Fields that each kind of line must have; no layout may have others."""


@dataclass(frozen=True, slots=True)
class Record:
    """A kind of line: the mark that it begins with, and its fields in order."""

    mark: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DebitLayout:
    """``asked``, ``answer``: head, line and foot of the two files; ``results``: the bank's codes."""

    name: str
    encoding: str
    separator: str
    line_end: str
    asked: Mapping[str, Record]
    answer: Mapping[str, Record]
    results: Mapping[str, DebitOutcome]


def layout_of(document: Mapping[str, Any]) -> DebitLayout:
    """Of a page of TOML. Raises ``ValueError`` where a page is not whole: it stops the start."""
    name = document["name"]
    kinds: dict[str, dict[str, Record]] = {}
    for side, wanted in (("asked", ASKED), ("answer", ANSWER)):
        kinds[side] = {
            part: Record(**{**document[side][part], "fields": tuple(document[side][part]["fields"])}) for part in wanted
        }
        for part, fields in wanted.items():
            if set(kinds[side][part].fields) != fields or len(set(kinds[side][part].fields)) != len(
                kinds[side][part].fields
            ):
                raise ValueError(f"layout {name}: {side}.{part} has not the fields {sorted(fields)}")
        if len({one.mark for one in kinds[side].values()}) != len(wanted):
            raise ValueError(f"layout {name}: marks of {side} are not told apart")
    codecs.lookup(document["encoding"])
    if len(document["separator"]) != 1:
        raise ValueError(f"layout {name}: the separator is one sign")
    results = {str(code): DebitOutcome(outcome) for code, outcome in document["results"].items()}
    if set(results.values()) != set(DebitOutcome):
        raise ValueError(f"layout {name}: results name each of {sorted(DebitOutcome)}")
    return DebitLayout(
        name,
        document["encoding"],
        document["separator"],
        document["line_end"],
        kinds["asked"],
        kinds["answer"],
        results,
    )


def can_hold(layout: DebitLayout, text: str) -> bool:
    """Whether a text can stand in a field: it breaks no line, no field, and the bank's signs have all of it."""
    if not text.isprintable() or layout.separator in text:
        return False
    try:
        text.encode(layout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def write(layout: DebitLayout, file: str, day: int, items: Sequence[Mapping[str, str | int]]) -> bytes:
    """The file for the bank. Raises ``ValueError`` for a text that no field can hold."""
    total = sum(int(item["fen"]) for item in items)
    sums = {"layout": layout.name, "file": file, "day": f"{day_to_date(day):%Y%m%d}", "lines": len(items), "fen": total}
    rows = [("head", sums), *(("line", item) for item in items), ("foot", sums)]
    lines = []
    for part, values in rows:
        record = layout.asked[part]
        fields = [str(values[name]) for name in record.fields]
        if not all(can_hold(layout, field) for field in fields):
            raise ValueError("a field holds the separator, a line's end or a sign that the layout has not")
        lines.append(layout.separator.join([record.mark, *fields]) + layout.line_end)
    return "".join(lines).encode(layout.encoding)


def read_untrusted(layout: DebitLayout, data: bytes) -> Answered:
    """An answered file whose own head, foot, count and sum fit. Raises ``AnswerFaultError``."""
    try:
        text = data.decode(layout.encoding)
    except UnicodeDecodeError as error:
        raise AnswerFaultError(AnswerFault.ENCODING, data[: error.start].count(b"\n") + 1) from None
    rows = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    head = _fields(layout, "head", 1, rows[0], AnswerFault.HEAD)
    if head["layout"] != layout.name:
        raise AnswerFaultError(AnswerFault.HEAD, 1, head["layout"], layout.name)
    foot = _fields(layout, "foot", len(rows), rows[-1], AnswerFault.FOOT)
    lines = tuple(_line(layout, place, row) for place, row in enumerate(rows[1:-1], 2))
    total = sum(line.fen for line in lines)
    for place, sums in ((1, head), (len(rows), foot)):
        if (told := _number(place, sums["lines"])) != len(lines):
            raise AnswerFaultError(AnswerFault.LINES, place, told, len(lines))
        if (told := _number(place, sums["fen"])) != total:
            raise AnswerFaultError(AnswerFault.SUM, place, told, total)
    return Answered(head["file"], total, lines)


def _line(layout: DebitLayout, place: int, row: str) -> AnswerLine:
    fields = _fields(layout, "line", place, row, AnswerFault.RECORD)
    outcome = layout.results.get(fields["result"])
    if outcome is None:
        raise AnswerFaultError(AnswerFault.RESULT, place, fields["result"])
    transaction = fields["transaction"]
    if len(transaction) > 64 or (transaction and not (transaction.isascii() and transaction.isalnum())):
        raise AnswerFaultError(AnswerFault.TRANSACTION, place, transaction)
    return AnswerLine(
        place,
        fields["number"],
        _number(place, fields["fen"]),
        outcome,
        fields["result"],
        transaction,
        _day(place, fields["day"]),
    )


def _fields(layout: DebitLayout, part: str, place: int, row: str, why: AnswerFault) -> dict[str, str]:
    record = layout.answer[part]
    mark, *fields = row.split(layout.separator)
    if mark != record.mark:
        raise AnswerFaultError(why, place, mark, record.mark)
    if len(fields) != len(record.fields):
        raise AnswerFaultError(AnswerFault.RECORD, place, len(fields), len(record.fields))
    return dict(zip(record.fields, (field.strip() for field in fields), strict=True))


def _number(place: int, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS:
        raise AnswerFaultError(AnswerFault.NUMBER, place, text)
    return int(text)


def _day(place: int, text: str) -> int | None:
    if not text:
        return None
    if len(text) == 8 and text.isascii() and text.isdigit():
        try:
            return date_to_day(date(int(text[:4]), int(text[4:6]), int(text[6:])))
        except ValueError:
            pass
    raise AnswerFaultError(AnswerFault.NUMBER, place, text)

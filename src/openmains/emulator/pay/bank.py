# SPDX-License-Identifier: Apache-2.0
"""An emulated bank that runs direct-debit files: it reads the file it is given as a bank's system would, and writes the answer. Synthetic, from
the layout's page; ``results`` says what becomes of which line, by its place from 0; all others are collected.
"""

from collections.abc import Callable, Collection, Mapping

from openmains.domain.payment.debit_layout import DebitLayout


def answer(
    layout: DebitLayout,
    data: bytes,
    day: str,
    transaction: Callable[[int], str],
    results: Mapping[int, str] | None = None,
    only: Collection[int] | None = None,
) -> bytes:
    """The answer to a file; ``day``: YYYYMMDD; ``transaction``: the bank's number of a line; ``only``: of these lines, the rest comes later."""
    given = results or {}
    text = data.decode(layout.encoding).split(layout.line_end)
    line, head = layout.asked["line"], layout.asked["head"]
    file = dict(zip(head.fields, text[0].split(layout.separator)[1:], strict=True))["file"]
    asked = [
        dict(zip(line.fields, row.split(layout.separator)[1:], strict=True))
        for row in text
        if row.split(layout.separator)[0] == line.mark
    ]
    rows, total = [], 0
    for place, item in enumerate(asked):
        if only is not None and place not in only:
            continue
        result = given.get(place, next(code for code, outcome in layout.results.items() if outcome == "paid"))
        number = "" if layout.results.get(result) == "declined" else transaction(place)
        total += int(item["fen"])
        rows.append({**item, "result": result, "transaction": number, "day": day if number else ""})
    sums = {"layout": layout.name, "file": file, "lines": len(rows), "fen": total}
    parts: list[tuple[str, Mapping[str, object]]] = [("head", sums), *(("line", row) for row in rows), ("foot", sums)]
    return "".join(
        layout.separator.join([layout.answer[part].mark, *(str(values[name]) for name in layout.answer[part].fields)])
        + layout.line_end
        for part, values in parts
    ).encode(layout.encoding)

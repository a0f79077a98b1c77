# SPDX-License-Identifier: Apache-2.0
"""Direct-debit files: what the bank's word changes, as a table; layouts; whatever bytes come, an answer or the one error."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.payment.debit_layouts import LAYOUTS, OURS
from openmains.domain.payment.debit import (
    CHANGES,
    Answered,
    AnswerFault,
    AnswerFaultError,
    AnswerLine,
    DebitOutcome,
    DebitState,
    HeldItem,
    judge,
)
from openmains.domain.payment.debit_layout import layout_of, read_untrusted, write
from openmains.domain.period import day_to_date
from tests.support.properties import counted

S, OUT, WHY = DebitState, DebitOutcome, AnswerFault
LAYOUT = LAYOUTS[OURS]
GOOD = "A|openmains-1|DD1|2|300\r\nR|DD1-1|100|00|B1|20261130\r\nR|DD1-2|200|51||\r\nT|2|300\r\n"
HELD = {"DD1-1": HeldItem(S.ASKED, 100, ""), "DD1-2": HeldItem(S.ASKED, 200, "")}


def why(held: dict[str, HeldItem], text: str | bytes) -> tuple[AnswerFault, int]:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(AnswerFaultError) as told:
        judge("DD1", held, read_untrusted(LAYOUT, data))
    return told.value.why, told.value.line


def test_every_pair_lands_in_a_known_state_or_refuses() -> None:
    assert set(CHANGES) == set(S)
    for state, outcome in itertools.product(S, OUT):
        then = CHANGES[state].get(outcome)
        assert then is None or CHANGES[then].get(outcome) is then, "twice is once"
    assert CHANGES[S.VOIDED] == {} and OUT.DECLINED not in CHANGES[S.PAID] and OUT.PAID not in CHANGES[S.DECLINED]


def test_a_file_and_its_answer() -> None:
    """Vector: synthetic from ``app/payment/debit_layouts/openmains-1.toml``."""
    item: dict[str, str | int] = {
        "number": "DD1-1",
        "contract": "C-1",
        "holder": "张三",
        "bank": "工商银行",
        "bank_account": "6222020200112233",
        "fen": 100,
    }
    assert write(LAYOUT, "DD1", 20_000, [item, item | {"number": "DD1-2", "fen": 200}]).decode() == (
        f"H|openmains-1|DD1|{day_to_date(20_000):%Y%m%d}|2|300\r\nD|DD1-1|C-1|张三|工商银行|6222020200112233|100\r\n"
        "D|DD1-2|C-1|张三|工商银行|6222020200112233|200\r\nT|2|300\r\n"
    )
    for bad in ("a|b", "a\nb", "a\x00"):
        with pytest.raises(ValueError, match="separator"):
            write(LAYOUT, "DD1", 20_000, [item | {"holder": bad}])
    answer = read_untrusted(LAYOUT, GOOD.encode())
    assert (answer.file, answer.fen, [line.outcome for line in answer.lines]) == ("DD1", 300, [OUT.PAID, OUT.DECLINED])
    assert read_untrusted(LAYOUT, ("\ufeff" + GOOD.replace("\r\n", "\n")).encode()) == answer
    judged = judge("DD1", HELD, answer)
    assert [then for _, then in judged.changes] == [S.PAID, S.DECLINED] and judged.repeated == 0
    after = {"DD1-1": HeldItem(S.PAID, 100, "B1"), "DD1-2": HeldItem(S.DECLINED, 200, "")}
    assert judge("DD1", after, answer).repeated == 2, "the same again changes nothing"
    back = Answered("DD1", 100, (AnswerLine(2, "DD1-1", 100, OUT.RETURNED, "RT", "B1", None),))
    assert [then for _, then in judge("DD1", after, back).changes] == [S.RETURNED]


def test_what_does_not_fit_is_refused_by_name_and_line() -> None:
    for text, told in (
        (GOOD.encode("utf-16"), (WHY.ENCODING, 1)),
        ("", (WHY.HEAD, 1)),
        (GOOD.replace("openmains-1", "other"), (WHY.HEAD, 1)),
        (GOOD.replace("T|2|300\r\n", ""), (WHY.FOOT, 3)),
        (GOOD.replace("DD1|2", "DD2|2"), (WHY.FILE, 1)),
        (GOOD.replace("R|DD1-2", "X|DD1-2"), (WHY.RECORD, 3)),
        (GOOD.replace("|51||", "|51|"), (WHY.RECORD, 3)),
        (GOOD.replace("|100|00", "|1.00|00"), (WHY.NUMBER, 2)),
        (GOOD.replace("|100|00", "|-100|00"), (WHY.NUMBER, 2)),
        (GOOD.replace("|100|00", "|１００|00"), (WHY.NUMBER, 2)),
        (GOOD.replace("20261130", "20261131"), (WHY.NUMBER, 2)),
        (GOOD.replace("DD1|2|300", "DD1|3|300"), (WHY.LINES, 1)),
        (GOOD.replace("T|2|300", "T|2|301"), (WHY.SUM, 4)),
        (GOOD.replace("R|DD1-2", "R|DD9-2"), (WHY.FOREIGN, 3)),
        (GOOD.replace("R|DD1-2|200", "R|DD1-1|200"), (WHY.TWICE, 3)),
        (GOOD.replace("|51||", "|00|B1|"), (WHY.TWICE, 3)),
        (GOOD.replace("|51|", "|77|"), (WHY.RESULT, 3)),
        (GOOD.replace("|B1|", "||"), (WHY.TRANSACTION, 2)),
        (GOOD.replace("|B1|", "|B 1|"), (WHY.TRANSACTION, 2)),
        (GOOD.replace("|51|", "|RT|"), (WHY.CONTRADICTION, 3)),
    ):  # fmt: skip
        assert why(HELD, text) == told, text
    assert why(HELD | {"DD1-1": HeldItem(S.ASKED, 99, "")}, GOOD) == (WHY.AMOUNT, 2)
    assert why(HELD | {"DD1-1": HeldItem(S.PAID, 100, "B9")}, GOOD) == (WHY.TRANSACTION, 2)
    assert why(HELD | {"DD1-2": HeldItem(S.PAID, 200, "B2")}, GOOD) == (WHY.CONTRADICTION, 3)
    assert why(HELD | {"DD1-2": HeldItem(S.VOIDED, 200, "")}, GOOD) == (WHY.CONTRADICTION, 3)


@settings(max_examples=counted(200))
@given(st.binary(max_size=200) | st.text("ARHT|0123456789D-\r\n", max_size=200).map(str.encode))
def test_whatever_comes_is_an_answer_or_the_one_error(data: bytes) -> None:
    try:
        read_untrusted(LAYOUT, data)
    except AnswerFaultError as told:
        assert told.line >= 1


@settings(max_examples=counted(100))
@given(st.data())
def test_one_changed_byte_is_never_booked_as_something_else(data: st.DataObject) -> None:
    """Count, sum and what was asked for guard it: a changed byte is refused, or says the same of money."""
    whole = bytearray(GOOD.encode())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    try:
        judged = judge("DD1", HELD, read_untrusted(LAYOUT, bytes(whole)))
    except AnswerFaultError:
        return
    assert [line.fen for line, _ in judged.changes] == [100, 200]


def test_a_layout_that_is_not_whole_stops_the_start() -> None:
    def page(**more: Any) -> dict[str, Any]:
        def kinds(side: Any) -> Any:
            return {part: {"mark": one.mark, "fields": list(one.fields)} for part, one in side.items()}

        whole = {
            "name": "x", "encoding": "gb18030", "separator": ",", "line_end": "\n", "asked": kinds(LAYOUT.asked),
            "answer": kinds(LAYOUT.answer),
            "results": {"0": "paid", "1": "declined", "2": "returned"},
        }  # fmt: skip
        return whole | more

    other = layout_of(page())
    assert read_untrusted(other, "A,x,DD1,0,0\nT,0,0".encode("gb18030")) == Answered("DD1", 0, ())
    assert replace(other, name="y").name == "y"
    head = {"mark": "H", "fields": ["file"]}
    same = page()["asked"] | {"line": page()["asked"]["line"] | {"mark": "H"}}
    for bad in (
        {"asked": page()["asked"] | {"head": head}},
        {"asked": same},
        {"separator": "||"},
        {"results": {"0": "paid"}},
        {"results": {"0": "x"}},
    ):
        with pytest.raises(ValueError):
            layout_of(page(**bad))
    with pytest.raises(LookupError):
        layout_of(page(encoding="none"))

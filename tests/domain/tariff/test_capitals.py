# SPDX-License-Identifier: Apache-2.0
"""Amounts in Chinese capitals, by the examples of the rules of payment papers and by what holds of all."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.tariff.capitals import capitals


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (140950, "壹仟肆佰零玖元伍角整"),  # 支付结算办法, annex 1
        (600714, "陆仟零柒元壹角肆分"),
        (1640902, "壹万陆仟肆佰零玖元零贰分"),
        (32504, "叁佰贰拾伍元零肆分"),
        (10700053, "壹拾万零柒仟元伍角叁分"),  # of the two ways that the rules allow
        (0, "零元整"),
        (7, "柒分"),
        (30, "叁角整"),
        (100, "壹元整"),
        (1_0000_0000_00, "壹亿元整"),
        (1_0000_0001_00, "壹亿零壹元整"),
        (1_0001_0000_00, "壹亿零壹万元整"),
        (-15440, "负壹佰伍拾肆元肆角整"),
    ],
)
def test_amounts(fen: int, text: str) -> None:
    assert capitals(fen) == text


_VALUE = {digit: value for value, digit in enumerate("零壹贰叁肆伍陆柒捌玖")}


def _read(text: str) -> int:
    """The amount again, as a person reads it."""
    whole, _, rest = text.partition("元") if "元" in text else ("", "", text)
    total = group = digit = 0
    for letter in whole:
        if letter in _VALUE:
            digit = _VALUE[letter]
        elif letter in "拾佰仟":
            group, digit = group + digit * 10 ** ("拾佰仟".index(letter) + 1), 0
        elif letter == "万":
            total, group, digit = total + (group + digit) * 10**4, 0, 0
        else:
            total, group, digit = (total + group + digit) * 10**8, 0, 0
    fen = (total + group + digit) * 100
    for letter, unit in pairwise(rest):
        if letter in _VALUE and unit in "角分":
            fen += _VALUE[letter] * (10 if unit == "角" else 1)
    return fen


@given(st.integers(0, 10**14))
def test_each_amount_reads_back(fen: int) -> None:
    assert _read(capitals(fen)) == fen
    assert "零零" not in capitals(fen)


def test_what_is_too_much() -> None:
    with pytest.raises(ValueError, match="more than is written"):
        capitals(10**16)

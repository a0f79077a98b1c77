# SPDX-License-Identifier: Apache-2.0
"""Cells of exports do nothing in a spreadsheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.app.spreadsheet import csv_bytes, neutral, original


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1"])
def test_formulas_are_neutralised(text: str) -> None:
    assert neutral(text) == "'" + text


def test_numbers_and_plain_text_stay() -> None:
    assert b"".join(csv_bytes([["a,b", -5, "=x"]])) == b'\xef\xbb\xbf"a,b",-5,\'=x\r\n'


@pytest.mark.parametrize(
    ("text", "cell"),
    [(";=1+1", ";'=1+1"), ("a; =1", "a;' =1"), ("a\n=1", "a\n'=1"), ("\u202e=1", "'\u202e=1"), (" =1", "' =1")],
)
def test_what_another_separator_would_make_a_cell_of_is_no_formula_either(text: str, cell: str) -> None:
    assert neutral(text) == cell


def test_a_text_with_a_separator_of_another_language_is_quoted() -> None:
    data = b"".join(csv_bytes([["x", ";=1+1", "a\tb", 'a"b', None, 1]])).decode("utf-8-sig")
    assert data == 'x,";\'=1+1","a\tb","a""b",,1\r\n'


@given(st.text("'=+;\t\r\n \u202eab－", max_size=8))
def test_the_apostrophe_is_taken_back_where_it_was_put_and_nowhere_else(text: str) -> None:
    assert original(neutral(text)) == text
    assert neutral(text) == text or len(neutral(text)) > len(text)


@pytest.mark.parametrize("text", ["'Tower", "O'Brien", "'", "x;'y"])
def test_an_apostrophe_of_the_texts_own_stays(text: str) -> None:
    assert original(text) == text

# SPDX-License-Identifier: Apache-2.0
"""Cells of exports do nothing in a spreadsheet."""

import pytest

from openmains.app.spreadsheet import csv_bytes, neutral


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1"])
def test_formulas_are_neutralised(text: str) -> None:
    assert neutral(text) == "'" + text


def test_numbers_and_plain_text_stay() -> None:
    assert b"".join(csv_bytes([["a,b", -5, "=x"]])) == b'\xef\xbb\xbf"a,b",-5,\'=x\r\n'

# SPDX-License-Identifier: Apache-2.0
"""What is no name and no note, whichever door it comes by."""

import pytest

from openmains.domain.plain_text import name_fault, note_fault


@pytest.mark.parametrize(
    "text",
    ["张三", "人民路 12 号", "O'Brien", "a+b=c", "x@y", "+86 138 0013 8000", "+86-138-0013-8000", "+1 (555) 010-9999", "-5", "-3.14",
     "+3", "-1层2号", "-2F", "1-2", "㐀镕", "𠮷野家", "'=1", ""],
)  # fmt: skip
def test_names(text: str) -> None:
    assert name_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        *(
            (text, "formula-sign")
            for text in ("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-1+1", "-1-SUM(A1)", "-2+3+cmd|' /C calc'!A0", " =1", "＝1+1",
                         "＠x", "-", "+", "--", "=", "\u3000=1", "+86 138=1", "-1;=2", "-A1", "-1!A1")
        ),
        *((f"a{sign}b", "hidden-sign") for sign in "\u202e\u202a\u2066\u200b\u200e\u061c\ufeff\x00\x07\x1b\x7f\x85\u2028\u00ad\n\t\r\u3164"),
        ("   ", "blank"),
        ("\u3000", "blank"),
    ],
)  # fmt: skip
def test_no_names(text: str, fault: str) -> None:
    assert name_fault(text) == fault


def test_notes_have_lines_and_begin_as_they_like() -> None:
    for text in ("- leak at the stove\n- valve shut", "=> see above", "@li: done", "漏气\t已修"):
        assert note_fault(text) is None
    for sign in "\u202e\u200b\x00\x1b\u2028":
        assert note_fault(f"a{sign}b") == "hidden-sign"

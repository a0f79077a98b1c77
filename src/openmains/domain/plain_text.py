# SPDX-License-Identifier: Apache-2.0
"""What no text of a person may hold, whichever door it comes in by: API, file, edit, command line.

A sign nobody sees makes two names look like one, or one like another (U+202E turns what follows round). A name that begins with
= + - or @ is a formula to the spreadsheet it is pasted into. Exports escape both (``app/spreadsheet.py``), for there are older texts;
these rules keep new ones out. Signed numbers and phone numbers (+86 138 0013 8000) are no formulas, nor is a floor (-1层).
"""

import re
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, direction and zero width, halves of pairs, separators
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters by category that show nothing
_OF_LINES = frozenset("\t\n\r")
_FORMULA = re.compile(r"\s*[=@+\-\uff1d\uff20\uff0b\uff0d]")
_SIGNED = re.compile(r"\s*(?:[+-]\d[^=+*|!(\"'@;]*|\+\d[\d ()./-]*)")


class Quoted(str):
    """A cell that its writer marked as text, by the escape of ``app/spreadsheet.py``: it is no formula, whatever it begins with."""

    __slots__ = ()


def hidden_sign(text: str, *, is_lines: bool = False) -> bool:
    """Whether it holds a sign nobody sees; ``is_lines``: tabs and line ends are none."""
    if text.isprintable() and (text.isascii() or not _BLANK_LETTERS.intersection(text)):
        return False
    return any(
        sign in _BLANK_LETTERS or (unicodedata.category(sign) in _UNSEEN and not (is_lines and sign in _OF_LINES))
        for sign in text
    )


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take it for one."""
    return _FORMULA.match(text) is not None and _SIGNED.fullmatch(text) is None


def name_fault(text: str) -> str | None:
    """What keeps a text from being a name, number, code or address: ``hidden-sign``, ``formula-sign``, ``blank``."""
    if hidden_sign(text):
        return "hidden-sign"
    if is_formula(text):
        return "formula-sign"
    return "blank" if text and not text.strip() else None


def note_fault(text: str) -> str | None:
    """What keeps a text of several lines, such as a reason, from being one: ``hidden-sign``."""
    return "hidden-sign" if hidden_sign(text, is_lines=True) else None

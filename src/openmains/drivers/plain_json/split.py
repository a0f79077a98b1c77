# SPDX-License-Identifier: Apache-2.0
"""A message that says something of several meters → one message a meter: the same text with one element left in the list that ``each`` names.

Numbers keep the signs in which they stand, so each of the messages says exactly what the whole one said.
"""

import json
from typing import NamedTuple

from openmains.drivers.frame_reading import FrameFaultError
from openmains.drivers.plain_json.page import JsonPage
from openmains.drivers.plain_json.text import at_path, opened

MOST_METERS = 1000
MOST_TEXT = 256 * 1024
MOST_PART = 4096  # far beyond what a page reads, so that nobody has us write a long text a thousand times
_MOST_NUMBER = 40


class Part(NamedTuple):
    """One meter's. ``number``: as the message calls it, "" where it says none; ``text``: its message."""

    number: str
    text: bytes


class _Digits(str):
    """A number as it stands."""

    __slots__ = ()


def split(page: JsonPage, payload: bytes) -> list[Part]:
    """In the message's order. Raises ``FrameFaultError`` for what is no JSON, or has no such list."""
    if len(payload) > MOST_TEXT:
        raise FrameFaultError("length", MOST_TEXT, f"more than {MOST_TEXT} bytes")
    told = opened(payload, _Digits)
    listed = at_path(told, page.each)
    if not isinstance(listed, list) or not listed:
        raise FrameFaultError("type", 0, f"/{'/'.join(page.each)} is no list of meters")
    if len(listed) > MOST_METERS:
        raise FrameFaultError("length", 0, f"more than {MOST_METERS} meters")
    found = []
    for element in list(listed):
        listed[:] = [element]
        number = at_path(told, page.number)
        is_number = isinstance(number, str) and len(number) <= _MOST_NUMBER and number.isprintable()
        try:
            text = _written(told).encode("utf-8", "backslashreplace")  # a lone surrogate is its escape again
        except RecursionError:
            raise FrameFaultError("json", 0, "lists within lists") from None
        if len(text) > MOST_PART:
            raise FrameFaultError("length", 0, f"what is said of one meter has more than {MOST_PART} bytes")
        found.append(Part(str(number) if is_number else "", text))
    return found


def _written(value: object) -> str:
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{_written(item)}" for name, item in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

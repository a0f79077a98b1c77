# SPDX-License-Identifier: Apache-2.0
"""Registered numbers as they stand in frames, where leading zeros tell nothing."""

from collections.abc import Iterable

NUMBER_DIGITS = 16
"""Of a concentrator's number, and of a meter's in its pushes."""


def wire_number(number: str, digits: int = NUMBER_DIGITS) -> str:
    """A registered number as it stands in a frame; "" for one that no frame can hold."""
    if not (number.isascii() and number.isdigit()) or len(number.lstrip("0")) > digits:
        return ""
    return number[-digits:].zfill(digits)


def twins(numbers: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of registered numbers that stand in a frame the same: of two such meters nobody knows which one speaks."""
    seen: dict[str, str] = {}
    found = []
    for number in dict.fromkeys(numbers):
        on_wire = wire_number(number)
        if on_wire and seen.setdefault(on_wire, number) != number:
            found.append((seen[on_wire], number))
    return found

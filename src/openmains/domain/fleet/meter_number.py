# SPDX-License-Identifier: Apache-2.0
"""Whether the number in a meter's frame is the registered one (R1.1, R3.2).

The two are written differently: a frame has a fixed width of digits, filled up with zeros in front, and often fewer digits
than the bar code; a registry may have letters before the digits ('OM31026000012', 'LXS-15 00012345'). So the last digits
are compared, as many as the product's driver says. A frame of zeros alone has no number: nobody set it.
"""

from enum import Enum

MOST_DIGITS = 18  # what 64 bits hold
WRITTEN = "[0-9A-Za-z][0-9A-Za-z._/-]{0,31}"  # a registered number, as a regular expression


class NumberFit(Enum):
    """What the comparison gives."""

    FITS = "fits"
    NOT_SET = "not_set"  # the frame has zeros
    NOT_COMPARABLE = "not_comparable"  # the registry has no digits, or the driver no number
    DIFFERS = "differs"


def fit_of(carried: int, number: str, bar_code: str, digits: int) -> NumberFit:
    """``carried``: the number in the frame; ``digits``: how many of the last ones must agree, 0: none."""
    if carried == 0:
        return NumberFit.NOT_SET
    known = registered_numbers(number, bar_code, digits)
    if not known:
        return NumberFit.NOT_COMPARABLE
    return NumberFit.FITS if carried % 10**digits in known else NumberFit.DIFFERS


def registered_numbers(number: str, bar_code: str, digits: int) -> list[int]:
    """What a frame of this meter may carry in its last ``digits`` digits, the likeliest first; empty: not comparable."""
    if digits <= 0:
        return []
    found: dict[int, None] = {}
    for text in (number, bar_code):
        for run in _digit_runs(text):
            found[int(run[-min(digits, MOST_DIGITS) :])] = None
    return list(found)


def plain_number(text: str) -> int:
    """The number of a text that is digits only and fits 64 bits, else -1: what nearly every frame is compared with."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else -1


def _digit_runs(text: str) -> list[str]:
    """All digits of a text in one, and the last unbroken run of them."""
    digits = "".join(sign if sign.isascii() and sign.isdigit() else " " for sign in text)
    runs = digits.split()
    return ["".join(runs), runs[-1]] if runs else []

# SPDX-License-Identifier: Apache-2.0
"""The number in a frame and the registered one, in the writings that both have."""

import pytest

from openmains.domain.fleet.meter_number import NumberFit, fit_of, plain_number

FITS, DIFFERS, NOT_SET, NOT_COMPARABLE = (
    NumberFit.FITS, NumberFit.DIFFERS, NumberFit.NOT_SET, NumberFit.NOT_COMPARABLE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("carried", "number", "bar_code", "digits", "fit"),
    [
        (31_026_000_012, "31026000012", "", 12, FITS),
        (31_026_000_012, "031026000012", "", 12, FITS),  # leading zeros
        (12_345, "00012345", "", 12, FITS),
        (31_026_000_012, "OM31026000012", "", 12, FITS),  # letters in front
        (12_345, "LXS-15-00012345", "", 12, FITS),
        (31_026_000_012, "K-77", "OM31026000012", 12, FITS),  # a number of the utility's own, the maker's as bar code
        (26_000_012, "6901031026000012", "", 8, FITS),  # the frame holds fewer digits than the bar code
        (26_000_012, "6901031026000012", "", 12, DIFFERS),
        (20_260_000_123_456, "0000123456", "", 10, FITS),  # CJ/T 188 without the maker's digits
        (20_260_000_123_456, "20260000123456", "", 14, FITS),
        (31_026_000_013, "31026000012", "OM31026000012", 12, DIFFERS),
        (131_026_000_012, "31026000012", "", 12, DIFFERS),
        (0, "31026000012", "", 12, NOT_SET),
        (5, "ABC", "", 12, NOT_COMPARABLE),
        (5, "", "", 12, NOT_COMPARABLE),
        (5, "7", "", 0, NOT_COMPARABLE),  # the driver has no number
        (5, "\u0665", "", 12, NOT_COMPARABLE),  # an Arabic five is no digit of a meter
        (123_456_789_012_345_678, "99123456789012345678", "", 18, FITS),
    ],
)
def test_what_fits(carried: int, number: str, bar_code: str, digits: int, fit: NumberFit) -> None:
    assert fit_of(carried, number, bar_code, digits) is fit


def test_the_quick_comparison_knows_digits_only() -> None:
    assert [plain_number(text) for text in ("0012", "12a", "", "1" * 19, "\u0661")] == [12, -1, -1, -1, -1]

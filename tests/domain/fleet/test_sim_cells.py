# SPDX-License-Identifier: Apache-2.0
"""A card's number that a spreadsheet rounded is refused; one that really ends in zeros is not."""

import pytest

from openmains.domain.fleet.cells import CellError
from openmains.domain.fleet.identifiers import luhn_digit
from openmains.domain.fleet.meter_row import _iccid

ACCOUNT = "898604260000000000"


def test_a_genuine_number_may_end_in_zeros() -> None:
    genuine = f"{ACCOUNT}{luhn_digit(ACCOUNT)}"
    assert _iccid(genuine) == genuine
    zero = next(text for text in (f"8986042{k:04d}0000000" for k in range(100)) if luhn_digit(text) == 0)
    assert _iccid(f"{zero}0") == f"{zero}0"


def test_a_rounded_number_is_refused() -> None:
    with pytest.raises(CellError, match="digits_lost"):
        _iccid(f"{ACCOUNT}0")

# SPDX-License-Identifier: Apache-2.0
"""Payment codes: each is one account's, and a slip is nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.ledger.payment_code import account_of, payment_code

ACCOUNTS = st.integers(1, 2**63 - 1)


@given(ACCOUNTS)
def test_a_code_is_its_account(account_id: int) -> None:
    code = payment_code(account_id)
    assert account_of(code) == account_id == account_of(f"{code[:4]} {code[4:]}")


@given(ACCOUNTS, st.data())
def test_a_wrong_or_swapped_digit_is_nobody(account_id: int, data: st.DataObject) -> None:
    code = payment_code(account_id)
    place = data.draw(st.integers(0, len(code) - 2))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != code[place]]))
    assert account_of(code[:place] + other + code[place + 1 :]) is None
    if code[place] != code[place + 1]:
        assert account_of(code[:place] + code[place + 1] + code[place] + code[place + 2 :]) is None


@pytest.mark.parametrize("text", ["", "1", "00000000", "x" * 12, "000000000098", "１" * 12, "1" * 40])
def test_what_is_no_code(text: str) -> None:
    assert account_of(text) is None


def test_no_account() -> None:
    with pytest.raises(ValueError, match="no account"):
        payment_code(0)

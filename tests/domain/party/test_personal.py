# SPDX-License-Identifier: Apache-2.0
"""Spellings of one value are one value; what cannot be one is refused by name; masks tell too little to learn it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.party.personal import PersonalField, fault, mask, normalise

PHONE, NUMBER, BANK = PersonalField.PHONE, PersonalField.IDENTITY_NUMBER, PersonalField.BANK_ACCOUNT


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (PHONE, "138 0013-8000", "13800138000"),
        (PHONE, "１３８００１３８０００", "13800138000"),
        (PHONE, "+86 13800138000", "13800138000"),
        (PHONE, "(021) 6888 8888 转 12", "02168888888x12"),
        (PHONE, "+49 30 123456", "+4930123456"),
        (NUMBER, "11010519491231002x", "11010519491231002X"),
        (BANK, "6222 0202 0000 1234 567", "6222020200001234567"),
    ],
)
def test_spellings_of_one_value_are_one(field: PersonalField, text: str, value: str) -> None:
    assert normalise(field, text) == normalise(field, value) == value
    assert fault(field, text) is None


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        (PHONE, "138****8000", "masked"),
        (PHONE, "none", "bad-phone"),
        (PHONE, "1234", "bad-phone"),
        (PHONE, "00000000000", "bad-phone"),
        (NUMBER, "110105194912310021", "bad-identity-number"),  # its check digit is X
        (NUMBER, "1.1011E+17", "bad-identity-number"),
        (NUMBER, "ABCDEFGH", "bad-identity-number"),
        (BANK, "1.23E+18", "bad-bank-account"),
        (BANK, "****1234", "masked"),
        (BANK, "1" * 65, "out-of-range"),
    ],
)
def test_what_cannot_be_one_is_refused_by_name(field: PersonalField, text: str, code: str) -> None:
    assert fault(field, text) == code


def test_numbers_of_persons_organisations_and_passports() -> None:
    # GB 11643-1999 annex A; GB 32100-2015 annex (a public example); a passport's form
    for text in ("11010519491231002X", "440524188001010014", "91350100M000100Y43", "E12345678"):
        assert fault(NUMBER, text) is None, text


@given(st.sampled_from(list(PersonalField)), st.text("0123456789", min_size=5, max_size=20))
def test_a_mask_hides_the_most_of_a_value(field: PersonalField, text: str) -> None:
    value = normalise(field, text)
    shown = mask(field, value)
    assert "****" in shown
    assert len(shown.replace("*", "")) * 2 <= len(value)
    assert fault(field, shown) == "masked"

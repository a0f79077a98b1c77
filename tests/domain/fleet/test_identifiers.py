# SPDX-License-Identifier: Apache-2.0
"""Numbers of a module and its SIM card: check digits, and one way to write an IMEI."""

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.fleet.identifiers import IMEI_DIGITS, imei_of, imei_text, is_iccid, is_imei, is_imsi, luhn_digit


def test_luhn_digit_of_the_specification() -> None:
    assert luhn_digit("26053179311383") == 7  # 3GPP TS 23.003, Annex B: the example worked there


@given(st.integers(0, 10**14 - 1))
def test_text_and_number_of_an_imei_agree(first_14: int) -> None:
    imei = imei_of(first_14)
    text = imei_text(imei)
    assert is_imei(text) and len(text) == IMEI_DIGITS
    assert int(text) == imei


def test_leading_zeros_are_written() -> None:
    assert imei_text(0) == "0" * 15
    assert imei_text(10_000_000_000_008) == "010000000000008"


@given(st.integers(0, 10**14 - 1), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(first_14: int, place: int, off: int) -> None:
    text = imei_text(imei_of(first_14))
    wrong = text[:place] + str((int(text[place]) + off) % 10) + text[place + 1 :]
    assert not is_imei(wrong)


def test_what_is_no_imei() -> None:
    assert not any(
        is_imei(text) for text in ("", "1" * 14, "1" * 16, "86000000000000a", "８６００００００００００００１")
    )


def test_sim_numbers() -> None:
    assert is_imsi("460001234567890") and not is_imsi("46000123456789")
    assert (
        is_iccid("89860012345678901234") and is_iccid("8986001234567890123A") and not is_iccid("88860012345678901234")
    )

# SPDX-License-Identifier: Apache-2.0
"""What a partner signs, and what is refused before anything is looked up."""

import hashlib
import hmac

import pytest

from openmains.domain.payment.partner import PartnerFault, header_fault, is_signed, signature, signed_text, time_fault

NONCE, SIGNED = "4f0c2a9be1d3475e", "0" * 64


def test_the_signature_is_of_all_that_the_document_says() -> None:
    """Vector: made here by RFC 2104 from the text in ``docs/charging.md``."""
    body = b'{"number":"20261130-000017","account_id":1001,"fen":5000,"meter_id":null}'
    text = (
        b"OM1\nPOST\n/partner-payments/1/7\n1796000000\n"
        + NONCE.encode()
        + b"\n"
        + hashlib.sha256(body).hexdigest().encode()
    )
    assert signed_text(1, 7, "1796000000", NONCE, body) == text
    told = hmac.new(b"key", text, "sha256").hexdigest()
    assert signature("key", text) == told and is_signed("key", text, told)
    for other in (
        signed_text(2, 7, "1796000000", NONCE, body),
        signed_text(1, 8, "1796000000", NONCE, body),
        signed_text(1, 7, "1796000001", NONCE, body),
        signed_text(1, 7, "1796000000", NONCE[::-1], body),
        signed_text(1, 7, "1796000000", NONCE, body + b" "),
    ):
        assert not is_signed("key", other, told)
    assert not is_signed("Key", text, told)


@pytest.mark.parametrize(
    ("instant", "nonce", "told"),
    [
        ("", NONCE, SIGNED), ("-1", NONCE, SIGNED), ("1.5", NONCE, SIGNED), ("１", NONCE, SIGNED), ("1", "short", SIGNED),
        ("1", "a" * 65, SIGNED), ("1", NONCE + "\n", SIGNED), ("1", NONCE, SIGNED[:-1]), ("1", NONCE, "A" * 64), ("1", NONCE, SIGNED + "\n"),
    ],
)  # fmt: skip
def test_headers_that_are_none_are_unreadable(instant: str, nonce: str, told: str) -> None:
    assert header_fault(instant, nonce, told) is PartnerFault.UNREADABLE
    assert header_fault("1796000000", NONCE, SIGNED) is None


def test_our_clock_judges() -> None:
    assert [time_fault(str(1000 + late), 1000) for late in (-301, -300, 300, 301)] == [
        PartnerFault.STALE, None, None, PartnerFault.STALE,
    ]  # fmt: skip

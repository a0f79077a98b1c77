# SPDX-License-Identifier: Apache-2.0
"""Names of modules in the field, and what is not guessed from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.fleet.endpoint_name import EndpointName, NameFault, parse_endpoint_name, parse_identity_untrusted

IMEI, IMSI = "861234567890127", "460001234567890"
PLAIN, WITH_SIM = EndpointName(IMEI), EndpointName(IMEI, IMSI)
FORMS = [
    (IMEI, PLAIN),
    (f"urn:imei:{IMEI}", PLAIN),
    (f"URN:IMEI:{IMEI}", PLAIN),
    (f"Urn:Imei:{IMEI}", PLAIN),
    (f"{IMEI};{IMSI}", WITH_SIM),
    (f"urn:imei:{IMEI};{IMSI}", WITH_SIM),
    (f"urn:imei-imsi:{IMEI}-{IMSI}", WITH_SIM),
    (f"URN:IMEI-IMSI:{IMEI}-{IMSI}", WITH_SIM),
    (f"urn:imei-imsi:{IMEI};{IMSI}", WITH_SIM),
    (f"{IMEI};{IMSI[:14]}", EndpointName(IMEI, IMSI[:14])),
]


@pytest.mark.parametrize(("text", "name"), FORMS)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("", "\0"), ("", "\0\0\0"), (" ", " "), ("\t", "\r\n\0"), ("", " \0")]
)
def test_each_form_is_read_with_what_firmware_puts_around_it(
    text: str, name: EndpointName, before: str, after: str
) -> None:
    assert parse_endpoint_name(before + text + after) == name
    assert parse_identity_untrusted((before + text + after).encode()) == name


@pytest.mark.parametrize(
    ("identity", "fault"),
    [
        (b"", NameFault.EMPTY),
        (b" \0\0", NameFault.EMPTY),
        (b"meter-17", NameFault.FORM),
        (IMEI[:14].encode(), NameFault.FORM),  # without its check digit
        (IMEI.encode() + b"1", NameFault.FORM),  # an IMEISV, or a slip
        (IMEI.encode() + b"\0" + b"8" * 15, NameFault.FORM),  # two names
        (b"\0" + IMEI.encode(), NameFault.FORM),  # an empty C string, and something behind it
        (IMEI[:7].encode() + b" " + IMEI[7:].encode(), NameFault.FORM),
        (f"urn:imei:{IMEI}-{IMSI}".encode(), NameFault.FORM),
        (f"urn:dev:os:{IMEI}".encode(), NameFault.FORM),
        (f"{IMEI};".encode(), NameFault.FORM),
        ("８６１２３４５６７８９０１２７".encode(), NameFault.FORM),  # digits, but none of an IMEI
        (b"\xff" * 15, NameFault.FORM),
    ],
)
def test_what_names_no_meter_is_refused_with_its_reason(identity: bytes, fault: NameFault) -> None:
    assert parse_identity_untrusted(identity) is fault


@given(st.binary(max_size=64))
def test_garbage_is_refused_and_never_raises(identity: bytes) -> None:
    found = parse_identity_untrusted(identity)
    assert isinstance(found, NameFault) or found.imei.encode() in identity

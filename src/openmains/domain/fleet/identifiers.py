# SPDX-License-Identifier: Apache-2.0
"""Numbers that identify a module and its SIM card: IMEI (3GPP TS 23.003 §6.2.1, Annex B), IMSI (§2.2), ICCID (ITU-T E.118)."""

IMEI_DIGITS = 15
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # sum of the digits of 2·d


def luhn_digit(digits: str) -> int:
    """Check digit that follows ``digits`` (decimal), so that the Luhn sum of both is a multiple of ten."""
    total = 0
    for place, sign in enumerate(reversed(digits)):
        value = ord(sign) - 48
        total += _DOUBLED[value] if place % 2 == 0 else value
    return -total % 10


def is_imei(text: str) -> bool:
    """15 ASCII digits of which the last is the Luhn digit of the first 14."""
    if len(text) != IMEI_DIGITS or not text.isascii() or not text.isdigit():
        return False
    d = text.encode()
    plain = d[0] + d[2] + d[4] + d[6] + d[8] + d[10] + d[12] + d[14] - 8 * 48
    twice = _DOUBLED
    doubled = (
        twice[d[1] - 48] + twice[d[3] - 48] + twice[d[5] - 48] + twice[d[7] - 48]
        + twice[d[9] - 48] + twice[d[11] - 48] + twice[d[13] - 48]
    )  # fmt: skip
    return (plain + doubled) % 10 == 0


def imei_of(first_14: int) -> int:
    """The IMEI whose first 14 digits are this number."""
    return first_14 * 10 + luhn_digit(f"{first_14:014d}")


def imei_text(imei: int) -> str:
    """Its 15 digits, with leading zeros: as people, paths and DTLS identities write it."""
    return f"{imei:0{IMEI_DIGITS}d}"


def is_imsi(text: str) -> bool:
    """15 ASCII digits."""
    return len(text) == 15 and text.isascii() and text.isdigit()


def is_iccid(text: str) -> bool:
    """19 or 20 signs that begin with 89; Chinese operators use A–F in the account part, so hexadecimal signs count."""
    return len(text) in (19, 20) and text.startswith("89") and all(sign in "0123456789ABCDEFabcdef" for sign in text)

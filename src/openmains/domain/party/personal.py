# SPDX-License-Identifier: Apache-2.0
"""Personal data of customers and contacts: how it is compared, what cannot be it, and what of it is shown (R13.2, R13.6). Pure.

``normalise`` makes one text of all spellings, so that a blind index finds a value however it is written; what is sealed is that text. ``mask``
shows enough to recognise a value one knows, and too little to learn it.
"""

import re
import unicodedata
from enum import StrEnum


class PersonalField(StrEnum):
    """What is sealed."""

    IDENTITY_NUMBER = "identity_number"
    PHONE = "phone"
    BANK_ACCOUNT = "bank_account"


MOST = 64  # signs of a value as it is given
_PHONE = re.compile(r"\+?[0-9]{5,20}(?:[x#,][0-9]{1,6})?")
_BANK = re.compile(r"[0-9]{8,30}")
_ALL_NINES = re.compile(r"([0-9X*])\1*")
_PASSPORT = re.compile(r"[A-Z0-9]{5,17}")
_RESIDENT = re.compile(r"[0-9]{17}[0-9X]")
_ORGANISATION = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015, table 2


def normalise(field: PersonalField, text: str) -> str:
    """Half width, without spaces and marks that only part digits; of a mobile number without the country's code; upper case."""
    if text.isascii() and text.isdigit() and (field is not PersonalField.PHONE or text[:1] == "1"):
        return text  # nearly every one is written so
    plain = "".join(unicodedata.normalize("NFKC", text).upper().split())
    if field is PersonalField.IDENTITY_NUMBER:
        return plain
    plain = re.sub(r"[-‐-―()·.]", "", plain)
    if field is PersonalField.BANK_ACCOUNT:
        return plain
    return re.sub(r"^(?:\+?86|0086)(?=1[0-9]{10}$)", "", plain.replace("EXT", "X").replace("转", "X").lower())


def fault(field: PersonalField, text: str) -> str | None:
    """Why a value cannot be one, by code; None: it can. ``text`` as it was given."""
    if "*" in text or "＊" in text:
        return "masked"
    if len(text) > MOST:
        return "out-of-range"
    plain = normalise(field, text)
    if field is PersonalField.PHONE:
        return None if _PHONE.fullmatch(plain) and not _ALL_NINES.fullmatch(plain) else "bad-phone"
    if field is PersonalField.BANK_ACCOUNT:
        return None if _BANK.fullmatch(plain) and not _ALL_NINES.fullmatch(plain) else "bad-bank-account"
    if len(plain) == 18:
        return None if _is_resident(plain) or _is_organisation(plain) else "bad-identity-number"
    return None if _PASSPORT.fullmatch(plain) and any(sign.isdigit() for sign in plain) else "bad-identity-number"


def mask(field: PersonalField, value: str) -> str:
    """What a list shows of a normalised value, never more than half of it: 13800138000 → ``138****00``."""
    if field is PersonalField.BANK_ACCOUNT:
        return f"****{value[-4:]}" if len(value) > 8 else "****"
    if len(value) < 10:
        return f"****{value[-2:]}" if len(value) > 6 else "****"
    return f"{value[:3]}****{value[-2:]}"


def _is_resident(text: str) -> bool:
    """GB 11643-1999: the last sign checks the others (ISO 7064, MOD 11-2)."""
    if not _RESIDENT.fullmatch(text):
        return False
    total = sum(int(sign) * (2 ** (17 - place) % 11) for place, sign in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17]


def _is_organisation(text: str) -> bool:
    """GB 32100-2015 (统一社会信用代码): the last sign checks the others (MOD 31)."""
    if not _ORGANISATION.fullmatch(text):
        return False
    total = sum(_SIGNS.index(sign) * (3**place % 31) for place, sign in enumerate(text[:17]))
    return _SIGNS[-total % 31] == text[17]

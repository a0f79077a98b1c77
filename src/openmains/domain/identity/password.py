# SPDX-License-Identifier: Apache-2.0
"""What a password must be. Length counts, character classes do not (NIST SP 800-63B 3.1.1)."""

SHORTEST = 10
LONGEST = 256
_COMMON = frozenset(
    (
        "1234567890",
        "0123456789",
        "12345678910",
        "0987654321",
        "1111111111",
        "password12",
        "password123",
        "password1234",
        "passw0rd123",
        "qwertyuiop",
        "qwerty12345",
        "1qaz2wsx3edc",
        "1q2w3e4r5t",
        "admin12345",
        "administrator",
        "administrator1",
        "openmains1",
        "openmains123",
        "abcdefghij",
        "abc1234567",
        "woaini1314",
        "aa123456789",
        "a123456789",
        "iloveyou12",
        "letmein1234",
        "welcome1234",
    )
)


def weakness(password: str, login: str) -> str | None:
    """Why a password is refused: ``too_short``, ``too_long``, ``like_login``, ``common``; None: it may be used."""
    if len(password) < SHORTEST:
        return "too_short"
    if len(password) > LONGEST:
        return "too_long"
    folded = password.casefold()
    if login and login.casefold() in folded and len(password) - len(login) < SHORTEST // 2:
        return "like_login"
    if folded in _COMMON or len(set(folded)) < 4:
        return "common"
    return None

# SPDX-License-Identifier: Apache-2.0
"""The payment code (缴费码) of an account: its number in the ledger with two check digits by ISO/IEC 7064 MOD 97-10, so that a counter, a bank
or a scanner that misreads a digit, or swaps two, pays for nobody else.
"""


def payment_code(account_id: int) -> str:
    """At least twelve digits: 17 is 000000001756. Raises ``ValueError`` for what is no account."""
    if account_id < 1:
        raise ValueError(f"{account_id} is no account")
    return f"{account_id:010d}{98 - account_id * 100 % 97:02d}"


def account_of(code: str) -> int | None:
    """The account of a code, blanks between its digits aside; None where it is none."""
    digits = code.replace(" ", "")
    if not digits.isascii() or not digits.isdigit() or not 12 <= len(digits) <= 21 or int(digits) % 97 != 1:
        return None
    account_id = int(digits[:-2])
    return account_id if account_id and payment_code(account_id) == digits else None

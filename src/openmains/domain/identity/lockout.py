# SPDX-License-Identifier: Apache-2.0
"""How long a place is refused after wrong passwords: a delay that doubles, so that guessing is hopeless.

Failures are counted by (login, place), so that nobody locks out anybody but himself. A place is an address (for IPv6 its /64, which
one subscriber has whole), or a browser that signed in before: so a person behind the address of the one who guesses has a way in.
Guesses from many addresses get one try at each instead of five, once a login has seen many of them within a day.
"""

import ipaddress
from datetime import datetime, timedelta

from openmains.domain.period import HOUR_S

FREE_FAILURES = 5
MANY_ELSEWHERE = 50  # failures within a day at places where the person never signed in
FIRST_DELAY_S = 30
LONGEST_DELAY_S = HOUR_S


def free_failures(*, is_known: bool, failed_elsewhere: int) -> int:
    """How many failures in a row a place has before its first delay."""
    return FREE_FAILURES if is_known or failed_elsewhere < MANY_ELSEWHERE else 1


def delay_s(failures: int, free: int = FREE_FAILURES) -> int:
    """Seconds to refuse every attempt after this many failures in a row; 0 for the first few."""
    if failures < free:
        return 0
    doublings = min(failures - free, 20)
    return min(FIRST_DELAY_S << doublings, LONGEST_DELAY_S)


def locked_until(now: datetime, failures: int, free: int = FREE_FAILURES) -> datetime | None:
    """End of the delay that this failure begins; None: it has none."""
    delay = delay_s(failures, free)
    return now + timedelta(seconds=delay) if delay else None


def wait_s(until: datetime | None, now: datetime) -> int:
    """Whole seconds after which a locked place may try again; 0: it is not locked."""
    left = 0.0 if until is None else (until - now).total_seconds()
    return int(left) + 1 if left > 0 else 0


def place_of_address(address: str) -> str:
    """The place that an address is."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address}"
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return f"address {known.ipv4_mapped}"
        return f"address {ipaddress.ip_network((known, 64), strict=False)}"
    return f"address {known}"


def place_of_browser(secret_hash: bytes) -> str:
    """The place that a browser is, by the mark it was given at its first sign-in."""
    return f"browser {secret_hash.hex()}"


def place_of_session(secret_hash: bytes) -> str:
    """The place in which a signed-in person is asked for the present password again."""
    return f"session {secret_hash.hex()}"

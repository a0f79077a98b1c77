# SPDX-License-Identifier: Apache-2.0
"""Client applications (R13.5, ADR 0061): what an account of another system may be given, from where it may ask, and how its secrets follow each
other. The words are OAuth 2.0's (RFC 6749): the client credentials grant (section 4.4), scopes (3.3).
"""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from openmains.domain.identity.permission import Permission as P
from openmains.domain.period import HOUR_S

ROLE = "application"  # of its account; nobody is given it
MOST_METERS = 1_000
MOST_ADDRESSES = 20
MOST_OVERLAP_H = 30 * 24
MOST_OPEN = 50  # access tokens of one application that are valid at once; the oldest ends
ACCESS = timedelta(seconds=HOUR_S)
GRANT = "client_credentials"

PERSONS_ONLY = frozenset(
    {
        P.MANAGE_USERS, P.MANAGE_KEYS, P.SET_SECURITY, P.MANAGE_COMMANDS, P.APPROVE_COMMANDS, P.INSPECT_SITES, P.APPROVE_TARIFFS,
        P.APPROVE_MONEY, P.ACCEPT_INSTALLATIONS, P.TAKE_MONEY, P.MANAGE_PAYMENT_CHANNELS,
        P.MANAGE_OPERATOR_PLATFORMS,
    }
)  # fmt: skip
"""What a person answers for: people, keys, the second pair of eyes, a till. What a command's signer asks for is a person's password, so that
no scope opens it either."""

Scope = TypeVar("Scope", bound=str)


def scopes_asked(text: str, held: Sequence[Scope]) -> list[Scope] | None:
    """The scopes of a request, in the order in which they are held; of none: all. None: one is asked for that is not held."""
    wanted = set(text.split())
    return [one for one in held if not wanted or one in wanted] if wanted <= set(held) else None


def network(text: str) -> str | None:
    """An address or a network (CIDR) as it is kept; None: it is none."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        return None


def asks_from(address: str, networks: Iterable[str]) -> bool:
    """Whether an address lies within one of the networks; an address that is none lies in none."""
    try:
        known: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return any(known in ipaddress.ip_network(one) for one in networks)


def ends(*instants: datetime | None) -> datetime | None:
    """The first end of several; None: none has one."""
    return min((one for one in instants if one is not None), default=None)

# SPDX-License-Identifier: Apache-2.0
"""How a partner signs what it tells us: HMAC-SHA256 (RFC 2104) over one text that holds all of a request, with the partner's own key.

    OM1 ␊ POST ␊ /partner-payments/<utility>/<partner> ␊ <instant, s> ␊ <nonce> ␊ <SHA-256 of the body, hex>

The path stands there without what a proxy puts before it. Pure: keys, instants and known nonces are arguments.
"""

import hashlib
import hmac
import re
from enum import StrEnum

from openmains.domain.payment.callback import is_stale

_INSTANT = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class PartnerFault(StrEnum):
    """Why a partner's request changed nothing."""

    UNREADABLE = "partner-unreadable"  # headers lack, or are none
    SIGNATURE = "partner-signature"  # of other bytes, or with no key that is known
    OTHER = "partner-other"  # with the key of another partner of this utility
    STALE = "partner-stale"  # older or newer than the window by our clock
    REPLAY = "partner-replay"  # a nonce that was taken before
    OFF = "partner-off"  # the partner is switched off


def signed_text(tenant_id: int, partner_id: int, instant: str, nonce: str, body: bytes) -> bytes:
    """What is signed."""
    digest = hashlib.sha256(body).hexdigest()
    return f"OM1\nPOST\n/partner-payments/{tenant_id}/{partner_id}\n{instant}\n{nonce}\n{digest}".encode()


def signature(secret: str, text: bytes) -> str:
    """64 hexadecimal digits."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def is_signed(secret: str, text: bytes, told: str) -> bool:
    """In a time that tells nothing of where they differ."""
    return hmac.compare_digest(signature(secret, text), told)


def header_fault(instant: str, nonce: str, told: str) -> PartnerFault | None:
    """Whether headers can be what they say."""
    fits = _INSTANT.fullmatch(instant) and _NONCE.fullmatch(nonce) and _SIGNATURE.fullmatch(told)
    return None if fits else PartnerFault.UNREADABLE


def time_fault(instant: str, now_s: int) -> PartnerFault | None:
    """Whether a readable instant is outside the window around our clock."""
    return PartnerFault.STALE if is_stale(int(instant), now_s) else None

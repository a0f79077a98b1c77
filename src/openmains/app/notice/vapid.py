# SPDX-License-Identifier: Apache-2.0
"""The key pair by which a utility signs what it says to push services (VAPID, RFC 8292 3.2): made once with the channel. Browsers subscribe
by its public half, so another pair would be another channel: those who subscribed would have to do it again.
"""

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PUBLIC, PRIVATE = "public_key", "private_key"
AUTH_BYTES: Final = 16
_SCALAR_BYTES = 32


def new_vapid_key() -> tuple[str, str]:
    """(public, private): the uncompressed point and the scalar of a new pair on P-256, base64url."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return b64url(point), b64url(key.private_numbers().private_value.to_bytes(_SCALAR_BYTES, "big"))


def b64url(data: bytes) -> str:
    """Without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """Raises ``ValueError``."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def browser_key(text: str) -> ec.EllipticCurvePublicKey:
    """``p256dh`` of a subscription. Raises ``ValueError`` for what is no point of the curve."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_b64url(text))

# SPDX-License-Identifier: Apache-2.0
"""HelloVerifyRequest: the cookie on its way to the client (RFC 6347 section 4.2.1)."""

from openmains.wire.cursor import Reader
from openmains.wire.dtls.codes import DTLS12, LAYER


def encode(cookie: bytes) -> bytes:
    """The body. The version in it means nothing (RFC 6347 leaves it to 1.0 or 1.2; clients must not judge by it)."""
    return DTLS12.to_bytes(2, "big") + bytes((len(cookie),)) + cookie


def read_untrusted(body: bytes) -> bytes:
    """The cookie, 0 to 255 bytes. Raises WireError."""
    reader = Reader(body, LAYER)
    reader.skip(2)
    cookie = reader.take(reader.u8())
    reader.finish()
    return cookie

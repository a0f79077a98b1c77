# SPDX-License-Identifier: Apache-2.0
"""The key exchange messages of the PSK suites (RFC 4279 section 2): an identity, and a hint that we never send.

A hint would be the same for all meters and is forbidden to mean anything to them (RFC 7925 section 4.1); our client
reads over one.
"""

from openmains.wire.cursor import Reader
from openmains.wire.dtls.codes import LAYER


def encode(name: bytes) -> bytes:
    """ClientKeyExchange with an identity, or ServerKeyExchange with a hint: length and bytes."""
    return len(name).to_bytes(2, "big") + name


def read_untrusted(body: bytes, max_size: int) -> bytes:
    """The identity or hint, at most ``max_size`` bytes. Raises WireError."""
    reader = Reader(body, LAYER)
    size = reader.u16be()
    if size > max_size:
        raise reader.fail("identity too long", 0)
    name = reader.take(size)
    reader.finish()
    return name

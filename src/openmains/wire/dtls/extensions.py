# SPDX-License-Identifier: Apache-2.0
"""The extension block of both hellos (RFC 5246 section 7.4.1.4) and the connection id in it (RFC 9146 section 3).

Theory: a connection id says what its sender wants to *receive*; one of length 0 says "I will use yours and want
none", no extension says "let us not use any". Absent and empty are therefore different things: None and ``b""``.
"""

from collections.abc import Iterable, Mapping

from openmains.wire.cursor import Reader
from openmains.wire.dtls.codes import Extension
from openmains.wire.errors import WireError


def read_extensions(reader: Reader) -> dict[int, bytes]:
    """The block at the end of a hello; it may be missing. Raises WireError, also for one that comes twice."""
    found: dict[int, bytes] = {}
    if not reader.remaining:
        return found
    block = reader.window(reader.u16be())
    reader.finish()
    while block.remaining:
        start = block.position
        kind = block.u16be()
        if kind in found:
            raise block.fail("extension twice", start)
        found[kind] = block.take(block.u16be())
    return found


def write_extensions(extensions: Iterable[tuple[int, bytes]]) -> bytes:
    """The block with its length."""
    block = b"".join(kind.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for kind, value in extensions)
    return len(block).to_bytes(2, "big") + block


def connection_id(extensions: Mapping[int, bytes], layer: str) -> bytes | None:
    """The peer's connection id, None when it has no such extension. Raises WireError."""
    value = extensions.get(Extension.CONNECTION_ID)
    if value is None:
        return None
    if not value or value[0] != len(value) - 1:
        raise WireError(layer, 0, "connection id")
    return value[1:]


def cid_extension(cid: bytes) -> tuple[int, bytes]:
    """The extension that asks for ``cid`` (0 to 255 bytes) on what we receive."""
    return Extension.CONNECTION_ID, bytes((len(cid),)) + cid

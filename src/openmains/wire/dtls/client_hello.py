# SPDX-License-Identifier: Apache-2.0
"""ClientHello (RFC 6347 section 4.2.1).

Theory: it is read twice. :func:`peek_untrusted` reads only version, random, session id and cookie, which lie at
the front, so that a hello – even the first piece of a long one – is answered with a cookie, or recognised by it,
before anything is kept. :func:`read_untrusted` reads all of it, from an address that has shown itself reachable.
"""

from dataclasses import dataclass
from typing import Final

from openmains.wire.cursor import Reader
from openmains.wire.dtls.codes import DTLS12, LAYER
from openmains.wire.dtls.extensions import read_extensions, write_extensions

RANDOM_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands at the front of a hello."""

    version: int
    random: bytes
    session_id: bytes
    cookie: bytes


@dataclass(frozen=True, slots=True)
class ClientHello:
    """A whole hello. ``extensions``: by number, values as they came, in their order."""

    version: int
    random: bytes
    session_id: bytes
    cookie: bytes
    suites: tuple[int, ...]
    compression: bytes
    extensions: dict[int, bytes]

    def encode(self) -> bytes:
        """The body, without handshake header."""
        suites = b"".join(code.to_bytes(2, "big") for code in self.suites)
        return b"".join(
            (
                self.version.to_bytes(2, "big"),
                self.random,
                bytes((len(self.session_id),)),
                self.session_id,
                bytes((len(self.cookie),)),
                self.cookie,
                len(suites).to_bytes(2, "big"),
                suites,
                bytes((len(self.compression),)),
                self.compression,
                write_extensions(self.extensions.items()) if self.extensions else b"",
            )
        )


def _opening(reader: Reader) -> Opening:
    version = reader.u16be()
    random = reader.take(RANDOM_SIZE)
    size = reader.u8()
    if size > 32:
        raise reader.fail("session id length")
    session_id = reader.take(size)
    return Opening(version, random, session_id, reader.take(reader.u8()))


def peek_untrusted(body: bytes) -> Opening:
    """The front of a hello, whole or not. Raises WireError when not even that is there."""
    return _opening(Reader(body, LAYER))


def read_untrusted(body: bytes) -> ClientHello:
    """A whole hello. Raises WireError."""
    reader = Reader(body, LAYER)
    front = _opening(reader)
    size = reader.u16be()
    if size < 2 or size % 2:
        raise reader.fail("cipher suites length")
    raw = reader.take(size)
    compression = reader.take(reader.u8())
    if not compression:
        raise reader.fail("no compression method")
    suites = tuple(int.from_bytes(raw[at : at + 2], "big") for at in range(0, size, 2))
    return ClientHello(
        front.version, front.random, front.session_id, front.cookie, suites, compression, read_extensions(reader)
    )


def offer(
    random: bytes, cookie: bytes, suites: tuple[int, ...], extensions: dict[int, bytes], session_id: bytes = b""
) -> ClientHello:
    """The hello of our own client: DTLS 1.2, no compression."""
    return ClientHello(DTLS12, random, session_id, cookie, suites, b"\x00", extensions)

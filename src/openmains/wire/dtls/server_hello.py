# SPDX-License-Identifier: Apache-2.0
"""ServerHello (RFC 5246 section 7.4.1.3)."""

from dataclasses import dataclass

from openmains.wire.cursor import Reader
from openmains.wire.dtls.client_hello import RANDOM_SIZE
from openmains.wire.dtls.codes import LAYER
from openmains.wire.dtls.extensions import read_extensions, write_extensions


@dataclass(frozen=True, slots=True)
class ServerHello:
    """The server's choice. ``extensions``: by number, values as they came, in their order."""

    version: int
    random: bytes
    session_id: bytes
    suite: int
    compression: int
    extensions: dict[int, bytes]

    def encode(self) -> bytes:
        """The body, without handshake header."""
        return b"".join(
            (
                self.version.to_bytes(2, "big"),
                self.random,
                bytes((len(self.session_id),)),
                self.session_id,
                self.suite.to_bytes(2, "big"),
                bytes((self.compression,)),
                write_extensions(self.extensions.items()),
            )
        )


def read_untrusted(body: bytes) -> ServerHello:
    """The hello of a server that may be anybody. Raises WireError."""
    reader = Reader(body, LAYER)
    version = reader.u16be()
    random = reader.take(RANDOM_SIZE)
    size = reader.u8()
    if size > 32:
        raise reader.fail("session id length")
    session_id = reader.take(size)
    return ServerHello(version, random, session_id, reader.u16be(), reader.u8(), read_extensions(reader))

# SPDX-License-Identifier: Apache-2.0
"""Numbers of the registries that DTLS 1.2 uses (IANA "TLS Parameters"); only those that we speak or refuse by name."""

from enum import IntEnum
from typing import Final

LAYER: Final = "dtls"
DTLS10: Final = 0xFEFF  # versions count down: a newer one is a smaller number (RFC 6347 section 4.1)
DTLS12: Final = 0xFEFD
RENEGOTIATION_SCSV: Final = 0x00FF  # RFC 5746 section 3.3
MAX_SEQUENCE: Final = (1 << 48) - 1
MAX_PLAINTEXT: Final = 1 << 14  # RFC 5246 section 6.2.1


class Content(IntEnum):
    """Record types (RFC 5246 section 6.2.1, RFC 9146 section 4)."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    CID = 25


class Message(IntEnum):
    """Handshake message types (RFC 5246 section 7.4, RFC 6347 section 4.3.2, RFC 5077 section 3.3)."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    HELLO_VERIFY_REQUEST = 3
    NEW_SESSION_TICKET = 4
    SERVER_KEY_EXCHANGE = 12
    SERVER_HELLO_DONE = 14
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20


class Extension(IntEnum):
    """Hello extensions that mean something to us."""

    ENCRYPT_THEN_MAC = 22  # RFC 7366
    EXTENDED_MASTER_SECRET = 23  # RFC 7627
    SESSION_TICKET = 35  # RFC 5077
    SUPPORTED_VERSIONS = 43  # RFC 8446 section 4.2.1: read only to refuse those who speak nothing but DTLS 1.3
    CONNECTION_ID = 54  # RFC 9146
    RENEGOTIATION_INFO = 0xFF01  # RFC 5746


class Alert(IntEnum):
    """Alert descriptions that we send or act on (RFC 5246 section 7.2)."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    HANDSHAKE_FAILURE = 40
    ILLEGAL_PARAMETER = 47
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    NO_RENEGOTIATION = 100
    UNSUPPORTED_EXTENSION = 110


WARNING: Final = 1
FATAL: Final = 2

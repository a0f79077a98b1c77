# SPDX-License-Identifier: Apache-2.0
"""The cipher suites: pre-shared key, AES-128, SHA-256 (RFC 6655, RFC 5487, RFC 7925 section 4.2; RFC 5487 section 3 for CBC).

Theory: the three AEAD suites make the nonce in the same way, 4 secret bytes from the key block and 8 explicit ones from the
record (RFC 5116 section 3.2, RFC 6655 section 3), and differ only in mode and length of the tag. The fourth, CBC, is there for modules
that have no other (OMA LwM2M Transport 1.1 section 5.2.8.1 makes it a must for servers); it is weaker (``cbc.py``), so that it is
taken only where nothing better is offered, and only for whom the application allows it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

from openmains.wire.dtls import cbc

KEY_SIZE: Final = 16
IV_SIZE: Final = 4
EXPLICIT_SIZE: Final = 8
Aead = AESCCM | AESGCM


@dataclass(frozen=True, slots=True)
class Suite:
    """One row: registry number, registry name, length of the tag in bytes, maker of the AEAD from a key (None: CBC); bytes of
    key and of secret for nonce or IV in each direction; bytes that a record has more than its content, at most."""

    code: int
    name: str
    tag_size: int
    cipher: Callable[[bytes], Aead] | None
    key_size: int = KEY_SIZE
    iv_size: int = IV_SIZE
    overhead: int = EXPLICIT_SIZE + 16


CCM_8: Final = Suite(0xC0A8, "TLS_PSK_WITH_AES_128_CCM_8", 8, lambda key: AESCCM(key, 8), overhead=EXPLICIT_SIZE + 8)
CCM: Final = Suite(0xC0A4, "TLS_PSK_WITH_AES_128_CCM", 16, lambda key: AESCCM(key, 16))
GCM: Final = Suite(0x00A8, "TLS_PSK_WITH_AES_128_GCM_SHA256", 16, AESGCM)
CBC_SHA256: Final = Suite(
    0x00AE, "TLS_PSK_WITH_AES_128_CBC_SHA256", cbc.MAC_SIZE, None, cbc.KEY_SIZE, cbc.IV_SECRET_SIZE, cbc.OVERHEAD
)

# Our order of preference. CCM_8 first, although its tag is shorter: every module has it (it is the one that RFC 7925 makes
# a must) and eight bytes less are radio time on every record.
SUITES: Final = {suite.code: suite for suite in (CCM_8, CCM, GCM)}
ALL_SUITES: Final = SUITES | {CBC_SHA256.code: CBC_SHA256}  # with the one that is taken for want of a better one only

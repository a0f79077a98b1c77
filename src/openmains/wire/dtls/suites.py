# SPDX-License-Identifier: Apache-2.0
"""The cipher suites: pre-shared key, AES-128 as AEAD, SHA-256 (RFC 6655, RFC 5487, RFC 7925 section 4.2).

Theory: all three make the nonce in the same way, 4 secret bytes from the key block and 8 explicit ones from the
record (RFC 5116 section 3.2, RFC 6655 section 3), and differ only in mode and length of the tag.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

KEY_SIZE: Final = 16
IV_SIZE: Final = 4
EXPLICIT_SIZE: Final = 8
Aead = AESCCM | AESGCM


@dataclass(frozen=True, slots=True)
class Suite:
    """One row: registry number, registry name, length of the tag in bytes, maker of the cipher from a key."""

    code: int
    name: str
    tag_size: int
    cipher: Callable[[bytes], Aead]


CCM_8: Final = Suite(0xC0A8, "TLS_PSK_WITH_AES_128_CCM_8", 8, lambda key: AESCCM(key, 8))
CCM: Final = Suite(0xC0A4, "TLS_PSK_WITH_AES_128_CCM", 16, lambda key: AESCCM(key, 16))
GCM: Final = Suite(0x00A8, "TLS_PSK_WITH_AES_128_GCM_SHA256", 16, AESGCM)

# Our order of preference. CCM_8 first, although its tag is shorter: every module has it (it is the one that RFC 7925 makes
# a must) and eight bytes less are radio time on every record.
SUITES: Final = {suite.code: suite for suite in (CCM_8, CCM, GCM)}

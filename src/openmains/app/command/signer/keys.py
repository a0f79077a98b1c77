# SPDX-License-Identifier: Apache-2.0
"""Command keys: one master key, from it one key a meter, and the MAC a meter checks."""

from collections.abc import Callable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openmains.domain.ids import MeterId

MASTER_BYTES = 32
MAC_BYTES = 16  # HMAC-SHA256, its first 16 bytes (RFC 2104 5: not less than half)
_INFO = b"openmains command key 1 "


def command_key(master: bytes, meter_id: MeterId) -> bytes:
    """The 32 bytes a meter is given at provisioning (HKDF-SHA256, RFC 5869)."""
    if len(master) != MASTER_BYTES:
        raise ValueError(f"a command master key has {MASTER_BYTES} bytes, not {len(master)}")
    return HKDF(SHA256(), 32, salt=None, info=_INFO + meter_id.to_bytes(8, "big")).derive(master)


def mac_of(key: bytes) -> Callable[[bytes], bytes]:
    """MAC over a command's authenticated part."""

    def mac(body: bytes) -> bytes:
        hmac = HMAC(key, SHA256())
        hmac.update(body)
        return hmac.finalize()[:MAC_BYTES]

    return mac

# SPDX-License-Identifier: Apache-2.0
"""A browser's half of Web Push, apart from the code under test: its own key pair, the opening of a message as RFC 8291 and RFC 8188 say it,
and the look at who signed it (RFC 8292). ``test_web_push.py`` holds it to the example that RFC 8291 prints."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.receiver import Got


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Browser:
    """``auth``: its secret of 16 bytes."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = bytes(range(16))

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscription(self, endpoint: str, label: str = "Firefox · Linux") -> dict[str, str]:
        return {"endpoint": endpoint, "p256dh": b64(self.point), "auth": b64(self.auth), "label": label}

    def opened(self, body: bytes) -> bytes:
        """What was sealed for this browser; one record (RFC 8291 4)."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        theirs, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        seed = _hkdf(self.auth, b"WebPush: info\x00" + self.point + theirs, 32, shared)
        key = _hkdf(salt, b"Content-Encoding: aes128gcm\x00", 16, seed)
        nonce = _hkdf(salt, b"Content-Encoding: nonce\x00", 12, seed)
        plain, mark, padding = AESGCM(key).decrypt(nonce, record, None).rpartition(b"\x02")
        assert mark and not padding.strip(b"\x00"), "the last record ends in 2 and padding (RFC 8188 2)"
        return plain

    def read(self, got: Got) -> dict[str, Any]:
        """A notice as the service worker takes it."""
        assert got.headers["content-encoding"] == "aes128gcm" and len(got.body) <= 4096
        found: dict[str, Any] = json.loads(self.opened(got.body))
        return found


def signed_claims(got: Got, public_key: str) -> dict[str, Any]:
    """What the utility's key signed; fails where it is another key, or another text."""
    scheme, _, rest = got.headers["authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid" and parts["k"].rstrip("=") == public_key
    head, claims, mark = parts["t"].split(".")
    assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
    raw = unb64(mark)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(public_key))
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    point.verify(signature, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    found: dict[str, Any] = json.loads(unb64(claims))
    return found


def _hkdf(salt: bytes, info: bytes, length: int, secret: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)

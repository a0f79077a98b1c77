# SPDX-License-Identifier: Apache-2.0
"""RSA signatures (PKCS #1 v1.5 with SHA-256) and sealed parts (AES-256-GCM) of providers, by ``cryptography``. An error never shows a key:
what went wrong inside is cut off (``from None``)."""

import base64
import binascii

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openmains.app.payment.channels.port import ChannelKeyUnreadableError

LEAST_BITS = 2048


def private_key(name: str, text: str) -> rsa.RSAPrivateKey:
    """From PEM, or from the base64 alone, as Alipay's tool gives it. Raises ``ChannelKeyUnreadableError``."""
    for head in ("PRIVATE KEY", "RSA PRIVATE KEY"):
        try:
            found = serialization.load_pem_private_key(_pem(text, head), None)
        except Exception:  # noqa: S112 - the library's errors may quote what it was given
            continue
        if isinstance(found, rsa.RSAPrivateKey) and found.key_size >= LEAST_BITS:
            return found
    raise ChannelKeyUnreadableError(name) from None


def public_key(name: str, text: str) -> rsa.RSAPublicKey:
    """From a PEM key, a PEM certificate, or the base64 of a key alone. Raises ``ChannelKeyUnreadableError``."""
    found: object = None
    try:
        if "BEGIN CERTIFICATE" in text:
            found = x509.load_pem_x509_certificate(text.strip().encode()).public_key()
        else:
            found = serialization.load_pem_public_key(_pem(text, "PUBLIC KEY"))
    except Exception:
        raise ChannelKeyUnreadableError(name) from None
    if not isinstance(found, rsa.RSAPublicKey) or found.key_size < LEAST_BITS:
        raise ChannelKeyUnreadableError(name)
    return found


def _pem(text: str, head: str) -> bytes:
    plain = text.strip()
    return (
        plain.encode()
        if plain.startswith("-----")
        else f"-----BEGIN {head}-----\n{plain}\n-----END {head}-----\n".encode()
    )


def signed(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """The signature in base64."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(key: rsa.RSAPublicKey, message: bytes, signature_untrusted: str) -> bool:
    """Whether the signature, in base64, is of these bytes."""
    try:
        key.verify(base64.b64decode(signature_untrusted, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def opened(key: bytes, nonce_untrusted: str, sealed_untrusted: str, bound_untrusted: str) -> bytes | None:
    """AEAD_AES_256_GCM of a callback; None: it does not open."""
    try:
        sealed = base64.b64decode(sealed_untrusted, validate=True)
        return AESGCM(key).decrypt(nonce_untrusted.encode(), sealed, bound_untrusted.encode())
    except (InvalidTag, binascii.Error, ValueError, OverflowError):
        return None

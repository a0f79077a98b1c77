# SPDX-License-Identifier: Apache-2.0
"""Secrets: argon2id for passwords (RFC 9106, second recommended parameters), SHA-256 for random ones."""

import hashlib
import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)

SESSION_PREFIX = "oms_"
BROWSER_PREFIX = "omb_"
CLIENT_PREFIX = "omcs_"
ACCESS_PREFIX = "oma_"
TOKEN_PREFIX = "omt_"  # noqa: S105 a mark that lets a leaked token be recognised, not a secret


def hash_password(password: str) -> str:
    """PHC string; about 60 ms and 64 MiB: call it in a thread."""
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; takes the same time without a hash (an unknown user)."""
    try:
        _hasher.verify(password_hash or _dummy_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


def new_secret(prefix: str) -> tuple[str, bytes]:
    """A random secret to hand out once, and the hash to keep."""
    secret = prefix + secrets.token_urlsafe(32)
    return secret, hash_secret(secret)


def hash_secret(secret: str) -> bytes:
    """Hash under which a session or token is kept. 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

# SPDX-License-Identifier: Apache-2.0
"""Passwords of people who only have to be let in. What one guess costs is asked in ``tests/app/identity/test_rules.py``.

A hash says its own cost (the PHC string), so whatever verifies passwords takes these as it takes its own, in a thousandth of the time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher

from openmains.app.identity import hashing

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
REAL = hashing._hasher


@contextmanager
def hashed_by(hasher: PasswordHasher) -> Iterator[None]:
    """What this process hashes meanwhile costs what ``hasher`` says; processes that it starts keep the real cost."""
    before = hashing._hasher
    hashing._hasher = hasher
    hashing._dummy_hash.cache_clear()
    try:
        yield
    finally:
        hashing._hasher = before
        hashing._dummy_hash.cache_clear()


@cache
def cheap_hash(password: str) -> str:
    """argon2id at its least cost, once for each password of the run."""
    return CHEAP.hash(password)

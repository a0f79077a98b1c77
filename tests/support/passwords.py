# SPDX-License-Identifier: Apache-2.0
"""Passwords of people who only have to be let in. What one guess costs is asked in ``tests/app/identity/test_rules.py``.

A hash says its own cost (the PHC string), so whatever verifies passwords takes these as it takes its own, in a thousandth of the time.
"""

from functools import cache

from argon2 import PasswordHasher

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@cache
def cheap_hash(password: str) -> str:
    """argon2id at its least cost, once for each password of the run."""
    return CHEAP.hash(password)

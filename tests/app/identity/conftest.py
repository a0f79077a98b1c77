# SPDX-License-Identifier: Apache-2.0
"""What these tests share."""

from collections.abc import Iterator

import pytest

from openmains.app.identity import hashing
from tests.support.passwords import CHEAP


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """argon2id at its least cost: a rule of hundreds of guesses is asked here, not what a guess costs (``test_rules.py`` asks that)."""
    monkeypatch.setattr(hashing, "_hasher", CHEAP)
    hashing._dummy_hash.cache_clear()
    yield
    hashing._dummy_hash.cache_clear()

# SPDX-License-Identifier: Apache-2.0
"""Roles, lockout, passwords, secrets, page cursors."""

import pytest

from openmains.app.identity.hashing import hash_password, hash_secret, new_secret, verify_password
from openmains.app.paging import decode_cursor, encode_cursor
from openmains.app.problems import Problem
from openmains.domain.identity.lockout import FREE_FAILURES, LONGEST_DELAY_S, delay_s
from openmains.domain.identity.password import weakness
from openmains.domain.identity.role import Role, covers
from openmains.edges.http.limiter import Limiter


def test_each_role_covers_those_below() -> None:
    order = [Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR]
    for place, held in enumerate(order):
        assert [covers(held, needed) for needed in order] == [place >= i for i in range(3)]


def test_delay_grows_and_ends() -> None:
    delays = [delay_s(n) for n in range(40)]
    assert delays[:FREE_FAILURES] == [0] * FREE_FAILURES
    assert delays[FREE_FAILURES : FREE_FAILURES + 3] == [30, 60, 120]
    assert delays == sorted(delays) and delays[-1] == LONGEST_DELAY_S


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too_short"),
        ("x" * 257, "too_long"),
        ("zhangsan12", "like_login"),
        ("qwerty12345", "common"),
        ("aaaaaaaaaabb", "common"),
        ("correct horse battery", None),
        ("水表气表都要读得准准的", None),
    ],
)
def test_weak_passwords(password: str, why: str | None) -> None:
    assert weakness(password, "zhangsan") == why


def test_password_hash_is_argon2id_and_salted() -> None:
    first, second = hash_password("p"), hash_password("p")
    assert first.startswith("$argon2id$") and first != second
    assert verify_password(first, "p") and not verify_password(first, "q")
    assert not verify_password(None, "p") and not verify_password("no hash", "p")


def test_secret_is_random_and_only_its_hash_is_kept() -> None:
    secret, kept = new_secret("omt_")
    assert secret.startswith("omt_") and len(secret) >= 46
    assert kept == hash_secret(secret) and secret.encode() not in kept
    assert new_secret("omt_")[0] != secret


def test_cursor_fits_its_own_list_only() -> None:
    cursor = encode_cursor("meters number", ("表-1", 7))
    assert decode_cursor("meters number", cursor, tuple[str, int]) == ("表-1", 7)
    assert decode_cursor("meters number", None, tuple[str, int]) is None
    for scope, text, shape in (
        ("meters -number", cursor, tuple[str, int]),
        ("meters number", cursor, tuple[int, int]),
        ("meters number", cursor[:-2], tuple[str, int]),
        ("meters number", "%%%", tuple[str, int]),
        ("meters number", "", tuple[str, int]),
    ):
        with pytest.raises(Problem, match="bad-cursor"):
            decode_cursor(scope, text, shape)


def test_limiter_refills_and_forgets() -> None:
    now = 0.0
    limiter = Limiter(2.0, 3, keys=10, clock=lambda: now)
    assert [limiter.wait_s("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    now = 0.5
    assert limiter.wait_s("a") == 0.0
    for key in range(100):
        limiter.wait_s(str(key))
    assert len(limiter) == 10

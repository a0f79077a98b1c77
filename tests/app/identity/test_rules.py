# SPDX-License-Identifier: Apache-2.0
"""Roles, lockout, passwords, secrets, page cursors."""

import pytest

from openmains.app.identity.exports import asked_for
from openmains.app.identity.hashing import hash_password, hash_secret, new_secret, verify_password
from openmains.app.paging import decode_cursor, encode_cursor
from openmains.app.problems import Problem
from openmains.domain.identity.lockout import FREE_FAILURES, LONGEST_DELAY_S, delay_s
from openmains.domain.identity.password import weakness
from openmains.domain.identity.permission import GROUPS, PERMISSIONS, Permission
from openmains.domain.identity.role import Role, built_in, covers
from openmains.edges.http.limiter import Limiter
from tests.support.passwords import REAL, hashed_by

BEFORE = {
    "viewer": (
        "export_meters", "export_money", "export_readings", "see_alarms", "see_commands", "see_customers", "see_frames",
        "see_home", "see_jobs", "see_meters", "see_money", "see_places", "see_products", "see_readings", "see_security",
        "see_sums", "see_tariffs", "see_timeline",
    ),
    "operator": (
        "accept_installations", "approve_commands", "ask_for_money", "book_payments", "draft_tariffs", "follow_readings",
        "give_commands", "handle_alarms", "handle_dead_letters", "handle_notices", "handle_security", "inspect_sites",
        "install_meters", "judge_readings", "manage_customers", "manage_jobs", "manage_meters", "manage_premises",
        "manage_stock", "operate_meters", "run_visits", "see_personal", "see_system", "set_limits", "stop_commands",
        "take_money", "take_readings",
    ),
}  # fmt: skip


def test_each_role_covers_those_below() -> None:
    order = [built_in(role) for role in (Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)]
    for place, held in enumerate(order):
        assert [covers(held, needed) for needed in order] == [place >= i for i in range(3)]
    assert all(covers(built_in(Role.ADMINISTRATOR), built_in(role)) for role in Role)


SINCE = {
    "viewer": ("see_orders", "see_premises", "see_rules"),
    "operator": ("handle_orders", "manage_routes", "run_direct_debit", "work_outside"),
}
"""What came with operations that were made since, and premises, which stood under places."""


def test_what_each_role_of_before_might_it_still_may() -> None:
    """Before, an operation named the least of viewer, operator, administrator: ``BEFORE``, for the permissions that stand for them now."""
    viewer = {*BEFORE["viewer"], *SINCE["viewer"]}
    assert built_in("viewer") == viewer
    assert built_in("operator") == {*viewer, *BEFORE["operator"], *SINCE["operator"]}
    assert built_in("administrator") == set(Permission) and built_in("own-1") == frozenset()


@pytest.mark.parametrize("role", list(Role))
def test_what_a_role_works_on_it_may_see(role: Role) -> None:
    needs = {
        Permission.MANAGE_METERS: Permission.SEE_METERS, Permission.HANDLE_ALARMS: Permission.SEE_ALARMS,
        Permission.JUDGE_READINGS: Permission.SEE_READINGS, Permission.GIVE_COMMANDS: Permission.SEE_COMMANDS,
        Permission.TAKE_MONEY: Permission.SEE_MONEY, Permission.MANAGE_CUSTOMERS: Permission.SEE_CUSTOMERS,
        Permission.INSTALL_METERS: Permission.SEE_METERS, Permission.TAKE_READINGS: Permission.SEE_READINGS,
        Permission.MANAGE_PREMISES: Permission.SEE_PLACES, Permission.SEE_PERSONAL: Permission.SEE_CUSTOMERS,
    }  # fmt: skip
    held = built_in(role)
    assert [act for act, sight in needs.items() if act in held and sight not in held] == []


def test_every_permission_has_words_and_a_known_group() -> None:
    assert set(PERMISSIONS) == set(Permission) and {words.group for words in PERMISSIONS.values()} == set(GROUPS)
    texts = [text for words in PERMISSIONS.values() for text in (words.zh, words.en)]
    assert all(text.strip() for text in texts) and len(set(texts)) == 2 * len(Permission)


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


def test_password_hash_is_argon2id_salted_and_dear() -> None:
    with hashed_by(REAL):
        first, second = hash_password("p"), hash_password("p")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=1$") and first != second  # what a guess costs
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


def test_the_trail_keeps_no_whole_phone_of_a_search() -> None:
    for asked, kept in (
        ("13812345678", "138****78"), ("王 138 1234 5678", "王 138****78"), ("11010119900307123X", "110****3X"), ("表-12", "表-12"),
        ("1234567", "1234567"),
    ):  # fmt: skip
        assert asked_for({"q": asked, "area_id": None, "limit": 5}) == {"q": kept, "limit": 5}


def test_limiter_refills_and_forgets() -> None:
    now = 0.0
    limiter = Limiter(2.0, 3, keys=10, clock=lambda: now)
    assert limiter.left_s("a") == 0.0
    assert [limiter.wait_s("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert limiter.left_s("a") == limiter.left_s("a") == 0.5
    now = 0.5
    assert limiter.wait_s("a") == 0.0
    for key in range(100):
        limiter.wait_s(str(key))
    assert len(limiter) == 10

# SPDX-License-Identifier: Apache-2.0
"""People are changed, locked and removed; one who can put things right always stays."""

from typing import Any

import pytest

from openmains.app.identity.change_user import change_user, remove_user, reset_password
from openmains.app.identity.hashing import verify_password
from openmains.app.identity.ports import CredentialStore, UserStore
from openmains.domain.identity.role import Role
from openmains.domain.ids import UserId
from tests.support.doubles import Credentials, Users, user
from tests.support.work import ACTOR, GivenStore, refused

BOSS, OTHER = UserId(1), UserId(2)


def given(*users: Any) -> tuple[GivenStore, Users, Credentials]:
    people, credentials = Users(*users), Credentials()
    return GivenStore({UserStore: people, CredentialStore: credentials}), people, credentials


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({"name": "Other"}, False),
        ({"locale": "zh"}, False),
        ({"role": Role.VIEWER}, True),
        ({"disabled": True}, True),
        ({"role": Role.OPERATOR}, False),  # as before
    ],
)
async def test_another_role_or_a_lock_ends_what_is_signed_in(values: dict[str, Any], ends: bool) -> None:
    store, people, credentials = given(user(2))
    after = await change_user(store, ACTOR, OTHER, values, "moved")
    assert all(getattr(after, name) == value for name, value in values.items())
    assert (credentials.ended, credentials.revoked) == (([2], [2]) if ends else ([], []))
    (line,) = store.trail
    assert (line.action, line.before, line.after) == ("change_user", user(2), people.rows[OTHER])


async def test_unlocking_forgets_the_failures() -> None:
    store, people, _ = given(user(2))
    await change_user(store, ACTOR, OTHER, {"unlock": True})
    assert (people.unlocked, people.changes) == ([2], [{}])


async def test_nothing_to_change_is_nothing_to_record() -> None:
    store, people, _ = given(user(2))
    assert await change_user(store, ACTOR, OTHER, {"unlock": False}) == user(2)
    assert (people.changes, store.trail) == ([], [])


@pytest.mark.parametrize("values", [{"disabled": True}, {"role": Role.OPERATOR}])
async def test_the_last_administrator_stays_one(values: dict[str, Any]) -> None:
    alone = user(1, Role.ADMINISTRATOR)
    asleep = user(3, Role.ADMINISTRATOR, disabled=True)
    store, people, _ = given(alone, user(2), asleep)
    assert (await refused(change_user(store, ACTOR, BOSS, values, "moved"), store)).code == "last-administrator"
    assert (await refused(remove_user(store, ACTOR, BOSS, "left"), store)).code == "last-administrator"
    assert people.changes == [] and BOSS in people.rows
    store, people, _ = given(alone, user(2, Role.ADMINISTRATOR))
    await change_user(store, ACTOR, BOSS, values, "moved")


async def test_who_is_locked_already_may_be_removed_although_no_other_is_there() -> None:
    store, people, _ = given(user(1, Role.ADMINISTRATOR, disabled=True))
    await remove_user(store, ACTOR, BOSS, "left")
    assert people.rows == {}
    assert store.actions == ["remove_user"]


async def test_a_new_password_is_handed_over_once_and_kept_as_a_hash() -> None:
    store, people, credentials = given(user(2))
    password = await reset_password(store, ACTOR, OTHER, "asked")
    password_hash, must_change = people.passwords[2]
    assert must_change and verify_password(password_hash, password)
    assert (credentials.ended, credentials.revoked) == ([2], [2])
    assert password not in repr(store.trail) and password_hash not in repr(store.trail)
    assert len({password, await reset_password(store, ACTOR, OTHER, "asked")}) == 2


async def test_nobody_of_that_number() -> None:
    store, people, credentials = given(user(1, Role.ADMINISTRATOR))
    change = change_user(store, ACTOR, OTHER, {"name": "x"})
    for asked in (change, reset_password(store, ACTOR, OTHER, "asked"), remove_user(store, ACTOR, OTHER, "left")):
        assert (await refused(asked, store)).code == "not-found"
    assert (people.passwords, credentials.ended) == ({}, [])

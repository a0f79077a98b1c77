# SPDX-License-Identifier: Apache-2.0
"""API tokens: whose they are, what they may do, and that the secret is told once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from openmains.app.identity.hashing import TOKEN_PREFIX, hash_secret
from openmains.app.identity.model import ApiToken
from openmains.app.identity.ports import CredentialStore
from openmains.app.identity.tokens import create_token, revoke_token
from openmains.domain.identity.role import Role
from openmains.domain.ids import TokenId, UserId
from tests.support.doubles import THEN, Credentials
from tests.support.work import ACTOR, VIEWER, GivenStore, refused

ONE = TokenId(1)


def token(owner: UserId) -> ApiToken:
    return ApiToken(ONE, owner, "t", Role.VIEWER, THEN, None, None, None)


async def test_the_secret_is_told_once_and_kept_as_a_hash() -> None:
    credentials = Credentials()
    store = GivenStore({CredentialStore: credentials})
    made, secret = await create_token(
        store, ACTOR, name="t", role=Role.OPERATOR, valid_days=None, now=THEN, reason="a machine"
    )
    assert secret.startswith(TOKEN_PREFIX)
    assert credentials.hashes[made.token_id] == hash_secret(secret)
    assert (made.user_id, made.role, made.expires_at) == (ACTOR.user_id, Role.OPERATOR, None)
    assert secret not in repr(store.trail)


async def test_a_token_may_end_by_itself() -> None:
    store = GivenStore({CredentialStore: Credentials()})
    made, _ = await create_token(store, ACTOR, name="t", role=Role.VIEWER, valid_days=30, now=THEN)
    assert made.expires_at == THEN + timedelta(days=30)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMINISTRATOR])
async def test_a_token_may_do_no_more_than_its_owner(role: Role) -> None:
    credentials = Credentials()
    store = GivenStore({CredentialStore: credentials})
    with pytest.raises(Exception, match="role-too-high"):
        await create_token(store, VIEWER, name="t", role=role, valid_days=None, now=THEN)
    assert credentials.rows == {}


async def test_a_token_makes_no_tokens() -> None:
    credentials = Credentials()
    by_token = replace(ACTOR, kind="token")
    with pytest.raises(Exception, match="session-only"):
        await create_token(
            GivenStore({CredentialStore: credentials}), by_token, name="t", role=Role.VIEWER, valid_days=1, now=THEN
        )
    assert credentials.rows == {}


@pytest.mark.parametrize(
    ("owner", "who"), [(VIEWER.user_id, VIEWER), (VIEWER.user_id, ACTOR)], ids=["its owner", "an administrator"]
)
async def test_who_may_revoke(owner: UserId, who: object) -> None:
    credentials = Credentials(token(owner))
    store = GivenStore({CredentialStore: credentials})
    await revoke_token(store, who, ONE, "over")  # type: ignore[arg-type]
    assert credentials.rows[ONE].revoked_at is not None
    assert (await refused(revoke_token(store, who, ONE, "over"), store)).code == "already-done"  # type: ignore[arg-type]
    assert store.actions == ["revoke_token"]


async def test_anothers_token_is_not_there() -> None:
    credentials = Credentials(token(ACTOR.user_id))
    store = GivenStore({CredentialStore: credentials})
    assert (await refused(revoke_token(store, VIEWER, ONE, "over"), store)).code == "not-found"
    assert (await refused(revoke_token(store, ACTOR, TokenId(2), "over"), store)).code == "not-found"
    assert structs.asdict(credentials.rows[ONE])["revoked_at"] is None

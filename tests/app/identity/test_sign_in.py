# SPDX-License-Identifier: Apache-2.0
"""Sign-in under a clock of its own: how long failures lock, alike for names that exist and those that do not."""

from datetime import datetime, timedelta

import pytest
from msgspec import structs

from openmains.app.identity import sign_in
from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import SignInRecord
from openmains.app.identity.ports import CredentialStore, UserStore
from openmains.app.identity.sign_in import SignedIn, SignIn
from openmains.app.problems import Problem
from openmains.domain.identity.lockout import FIRST_DELAY_S, FREE_FAILURES
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, UserId
from tests.support.doubles import THEN
from tests.support.work import GivenStore

SESSION = timedelta(hours=12)


class Person:
    """One person of one tenant: ``SignInStore``, ``UserStore`` and ``CredentialStore`` as far as sign-in asks."""

    def __init__(self) -> None:
        self.record = SignInRecord(
            UserId(70), TenantId(7), "Ann", hash_password("right"), Role.VIEWER, "en", False, False, 0, None, "UTC"
        )
        self.sessions: list[datetime] = []

    async def only_tenant_code(self) -> str | None:
        return "t"

    async def find_sign_in(self, tenant_code: str, login: str) -> SignInRecord | None:
        return self.record if (tenant_code, login) == ("t", "ann") else None

    async def find_credential(self, secret_hash: bytes) -> None:
        raise NotImplementedError

    async def note_failure(self, user_id: UserId, failures: int, locked_until: datetime | None) -> None:
        self.record = structs.replace(self.record, failed_count=failures, locked_until=locked_until)

    async def clear_failures(self, user_id: UserId) -> None:
        self.record = structs.replace(self.record, failed_count=0, locked_until=None)

    async def add_session(self, secret_hash: bytes, user_id: UserId, expires_at: datetime, address: str) -> None:
        self.sessions.append(expires_at)


class Door:
    """``SignIn`` over one person, under a clock that only the test moves."""

    def __init__(self) -> None:
        self.now, self.person = THEN, Person()
        store = GivenStore({UserStore: self.person, CredentialStore: self.person})
        self._sign_in = SignIn(store, self.person, SESSION, lambda: self.now)

    async def try_it(self, login: str, password: str) -> SignedIn:
        return await self._sign_in(None, login, password, address="198.51.100.7", request_id="r")

    async def refusal(self, login: str, password: str = "wrong") -> Problem:  # noqa: S107 the wrong one
        with pytest.raises(Problem) as told:
            await self.try_it(login, password)
        return told.value


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(sign_in, "_REFUSAL_S", 0.0)  # how long a refusal takes is not asked here
    return Door()


@pytest.mark.parametrize("login", ["ann", "nobody"])
async def test_failures_lock_until_the_clock_is_past_the_delay(door: Door, login: str) -> None:
    for _ in range(FREE_FAILURES):
        assert (await door.refusal(login)).code == "sign-in-refused"
    locked = await door.refusal(login)
    assert (locked.code, locked.values["retry_after_s"]) == ("sign-in-locked", FIRST_DELAY_S + 1)
    door.now += timedelta(seconds=FIRST_DELAY_S - 1)
    assert (await door.refusal(login)).code == "sign-in-locked"
    door.now += timedelta(seconds=1)
    assert (await door.refusal(login)).code == "sign-in-refused"
    assert (await door.refusal(login)).values["retry_after_s"] == 2 * FIRST_DELAY_S + 1


async def test_a_session_ends_its_hours_after_the_sign_in(door: Door) -> None:
    await door.refusal("ann")
    signed = await door.try_it("ann", "right")
    assert signed.expires_at == door.now + SESSION
    assert door.person.sessions == [signed.expires_at]
    assert door.person.record.failed_count == 0

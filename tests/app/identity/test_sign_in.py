# SPDX-License-Identifier: Apache-2.0
"""Sign-in under a clock of its own: how long failures lock, alike for names that exist and those that do not."""

import asyncio
from datetime import datetime, timedelta

import pytest

from openmains.app.identity import sign_in
from openmains.app.identity.hashing import hash_password
from openmains.app.identity.model import SignInRecord
from openmains.app.identity.ports import CredentialStore, UserStore
from openmains.app.identity.sign_in import SignedIn, SignIn
from openmains.app.problems import Problem
from openmains.domain.identity.lockout import FIRST_DELAY_S, FREE_FAILURES, MANY_ELSEWHERE, place_of_address
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, UserId
from tests.support.doubles import THEN
from tests.support.work import GivenStore

SESSION = timedelta(hours=12)
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.66"


class Person:
    """One person of one tenant: ``SignInStore``, ``UserStore`` and ``CredentialStore`` as far as sign-in asks."""

    def __init__(self) -> None:
        self._hash = hash_password("right")
        self.sessions: list[datetime] = []
        self.places: dict[str, tuple[int, datetime | None, bool]] = {}  # failures in a row, lock, known

    async def only_tenant_code(self) -> str | None:
        return "t"

    async def find_sign_in(self, tenant_code: str, login: str, address: str, browser: str) -> SignInRecord | None:
        if (tenant_code, login) != ("t", "ann"):
            return None
        place = browser if self.places.get(browser, (0, None, False))[2] else address
        failures, until, is_known = self.places.get(place, (0, None, False))
        elsewhere = sum(n for name, (n, _, known) in self.places.items() if not known and name != address)
        return SignInRecord(
            UserId(70), TenantId(7), "Ann", self._hash, Role.VIEWER, "en", False, False, "UTC", place, failures, until,
            is_known, elsewhere,
        )  # fmt: skip

    async def find_credential(self, secret_hash: bytes) -> None:
        raise NotImplementedError

    async def note_failure(self, user_id: UserId, place: str, failures: int, locked_until: datetime | None) -> None:
        self.places[place] = (failures, locked_until, self.places.get(place, (0, None, False))[2])

    async def note_known(self, user_id: UserId, place: str) -> None:
        self.places[place] = (0, None, True)

    async def forget_places(self, user_id: UserId) -> None:
        pass

    async def add_session(self, secret_hash: bytes, user_id: UserId, expires_at: datetime, address: str) -> None:
        self.sessions.append(expires_at)


class Door:
    """``SignIn`` over one person, under a clock that only the test moves."""

    def __init__(self) -> None:
        self.now, self.person = THEN, Person()
        store = GivenStore({UserStore: self.person, CredentialStore: self.person})
        self._sign_in = SignIn(store, self.person, SESSION, lambda: self.now, asyncio.Semaphore(2))

    async def try_it(self, login: str, password: str, address: str = HOME, browser: str = "") -> SignedIn:
        return await self._sign_in(None, login, password, address=address, browser=browser, request_id="r")

    async def refusal(self, login: str, password: str = "wrong", address: str = HOME, browser: str = "") -> Problem:  # noqa: S107 the wrong one
        with pytest.raises(Problem) as told:
            await self.try_it(login, password, address, browser)
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
    assert (await door.refusal("ann")).code == "sign-in-refused", "its failures were forgotten"
    assert door.person.places[place_of_address(HOME)][0] == 1


async def test_who_guesses_elsewhere_locks_out_nobody_but_himself(door: Door) -> None:
    for _ in range(FREE_FAILURES):
        await door.refusal("ann", address=ELSEWHERE)
    assert (await door.refusal("ann", "right", address=ELSEWHERE)).code == "sign-in-locked"
    assert (await door.try_it("ann", "right")).actor.login == "ann"
    assert (await door.refusal("ann", "right", address=ELSEWHERE)).code == "sign-in-locked", "one's own place alone"


async def test_a_browser_that_signed_in_before_comes_in_past_the_locked_address(door: Door) -> None:
    browser = (await door.try_it("ann", "right")).browser
    for _ in range(FREE_FAILURES):
        await door.refusal("ann")
    assert (await door.refusal("ann", "right")).code == "sign-in-locked"
    again = await door.try_it("ann", "right", browser=browser)
    assert again.browser == browser
    assert (await door.refusal("ann", "right")).code == "sign-in-locked", "the guesses of others stay counted"
    for _ in range(FREE_FAILURES):
        await door.refusal("ann", browser=browser)
    assert (await door.refusal("ann", "right", browser=browser)).code == "sign-in-locked"
    assert (await door.refusal("ann", "right", browser="omb_made-up")).code == "sign-in-locked"


@pytest.mark.parametrize("login", ["ann", "nobody"])
async def test_guesses_from_many_addresses_have_one_try_at_each(door: Door, login: str) -> None:
    for number in range(MANY_ELSEWHERE):
        assert (await door.refusal(login, address=f"10.0.{number}.1")).code == "sign-in-refused"
    assert (await door.refusal(login, address="10.1.0.1")).code == "sign-in-refused"
    assert (await door.refusal(login, address="10.1.0.1")).code == "sign-in-locked"


async def test_the_right_password_is_taken_from_anywhere_meanwhile(door: Door) -> None:
    for number in range(MANY_ELSEWHERE + 5):
        await door.refusal("ann", address=f"10.0.{number}.1")
    assert (await door.try_it("ann", "right", address="203.0.113.9")).actor.login == "ann"
    for _ in range(FREE_FAILURES):
        assert (await door.refusal("ann", address="203.0.113.9")).code == "sign-in-refused", (
            "a known place has all its tries"
        )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("", "testclient", False),
    ],
)
def test_a_subscriber_is_one_place(one: str, other: str, same: bool) -> None:
    assert (place_of_address(one) == place_of_address(other)) is same

# SPDX-License-Identifier: Apache-2.0
"""One's own password under a clock of its own: guesses lock the session's question, its end is the end of what it made."""

import asyncio
from datetime import datetime, timedelta

import pytest

from openmains.app.identity.change_password import ChangePassword
from openmains.app.identity.hashing import hash_password, verify_password
from openmains.app.identity.ports import CredentialStore, UserStore
from openmains.app.problems import Problem
from openmains.domain.identity.lockout import FIRST_DELAY_S, FREE_FAILURES
from tests.support.doubles import THEN
from tests.support.work import ACTOR, GivenStore

NEW = "another long one 7"
ONE, OTHER = bytes(32), bytes([1]) * 32


class Person:
    """``UserStore`` and ``CredentialStore`` as far as a new password asks."""

    def __init__(self) -> None:
        self.hash = hash_password("right")
        self.places: dict[str, tuple[int, datetime | None]] = {}
        self.ended: list[bytes | None] = []
        self.revoked = 0

    async def failures_at(self, user_id: int, place: str) -> tuple[int, datetime | None]:
        return self.places.get(place, (0, None))

    async def password_hash(self, user_id: int) -> str:
        return self.hash

    async def note_failure(self, user_id: int, place: str, failures: int, locked_until: datetime | None) -> None:
        self.places[place] = (failures, locked_until)

    async def forget_places(self, user_id: int) -> None:
        pass

    async def clear_failures(self, user_id: int) -> None:
        self.places.clear()

    async def set_password(self, user_id: int, password_hash: str, *, must_change: bool) -> None:
        self.hash = password_hash

    async def end_sessions_of(self, user_id: int, keep: bytes | None = None) -> None:
        self.ended.append(keep)

    async def revoke_tokens_of(self, user_id: int) -> None:
        self.revoked += 1


async def test_guesses_lock_the_question_of_their_session_alone() -> None:
    person, now = Person(), [THEN]
    store = GivenStore({UserStore: person, CredentialStore: person})
    change = ChangePassword(store, lambda: now[0], asyncio.Semaphore(2))

    async def refusal(session: bytes, current: str = "guess") -> Problem:
        with pytest.raises(Problem) as told:
            await change(ACTOR, current, NEW, session)
        return told.value

    for _ in range(FREE_FAILURES):
        assert (await refusal(ONE)).code == "wrong-password"
    locked = await refusal(ONE, "right")
    assert (locked.code, locked.values["retry_after_s"]) == ("password-locked", FIRST_DELAY_S + 1)
    assert (await refusal(OTHER)).code == "wrong-password", "another session of the person is asked"
    now[0] += timedelta(seconds=FIRST_DELAY_S)
    await change(ACTOR, "right", NEW, ONE)
    assert verify_password(person.hash, NEW) and (person.ended, person.revoked, person.places) == ([ONE], 1, {})
    assert store.trail[-1].after == {"tokens_kept": False}
    await change(ACTOR, NEW, "right and longer", ONE, keep_tokens=True)
    assert person.revoked == 1 and store.trail[-1].after == {"tokens_kept": True}

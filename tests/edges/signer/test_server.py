# SPDX-License-Identifier: Apache-2.0
"""The signer's socket: callers that hang up are dropped, questions do not wait for each other, refusals take the same time."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from openmains.app.command.signer.authority import Authority
from openmains.app.command.signer.people import REFUSAL_S, PersonCheck
from openmains.app.command.signing_ports import Credential, SignerRefusedError, Verdict
from openmains.app.identity.hashing import hash_password
from openmains.domain.identity.lockout import FREE_FAILURES
from openmains.domain.ids import TenantId
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.server import SignerServer
from openmains.edges.signer.switch import FileSwitch
from openmains.edges.signer.wire import SignerRequest, packed
from tests.support.patience import PATIENCE_S

TENANT = TenantId(1)


class Waiting:
    """Answers ``verdicts`` when it is told to, and notes what was dropped."""

    def __init__(self) -> None:
        self.asked, self.dropped, self.go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def verdicts(self, tenant_id: TenantId, keys: list[str]) -> list[Verdict]:
        if keys == ["at-once"]:
            return [Verdict("at-once", "unknown")]
        self.asked.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.dropped.set()
            raise
        return [Verdict(key, "unknown") for key in keys]


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[tuple[Waiting, Path]]:
    waiting = Waiting()
    server = SignerServer(cast(Authority, cast(Any, waiting)), FileSwitch(tmp_path / "stop"), tmp_path / "s")
    await server.start()
    yield waiting, tmp_path / "s"
    await server.close()


async def test_nobody_works_for_a_caller_that_hung_up(there: tuple[Waiting, Path]) -> None:
    waiting, path = there
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(packed(SignerRequest("verdicts", TENANT, keys=["slow"])))
    async with asyncio.timeout(PATIENCE_S):
        await waiting.asked.wait()
        writer.close()
        await waiting.dropped.wait()


async def test_a_cancelled_question_hangs_up_and_the_next_is_answered(there: tuple[Waiting, Path]) -> None:
    waiting, path = there
    client = SocketSigner(path)
    async with asyncio.timeout(PATIENCE_S):
        slow = asyncio.create_task(client.verdicts(TENANT, ["slow"]))
        await waiting.asked.wait()
        assert await client.verdicts(TENANT, ["at-once"]) == [Verdict("at-once", "unknown")]  # it waits for nobody
        slow.cancel()
        await waiting.dropped.wait()
        waiting.go.set()
        assert await client.verdicts(TENANT, ["other"]) == [Verdict("other", "unknown")]
    await client.close()


@pytest.mark.usefixtures("takes_seconds")  # twelve real password hashes
async def test_refusals_are_answered_after_the_same_time(tmp_path: Path) -> None:
    """Unknown, wrong, and locked without a look at the password: each waits until a fixed time after it was asked."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    ledger.enrol(TENANT, "ann", hash_password("ann's own long words"), "operator")
    ended: list[float] = []

    async def pause(seconds: float) -> None:
        ended.append(asyncio.get_running_loop().time() + seconds)

    people = PersonCheck(ledger, clock_s=lambda: 0, pause=pause)
    codes = []
    for login in ("ann", "nobody"):
        for _ in range(6):
            began = asyncio.get_running_loop().time()
            with pytest.raises(SignerRefusedError) as refused:
                await people.check(TENANT, Credential(login, "guess", login), approver=False)
            codes.append(refused.value.code)
            assert ended.pop() >= began + REFUSAL_S
    assert codes == (["wrong_password"] * 5 + ["locked"]) * 2
    ledger.close()


async def test_guesses_at_once_are_looked_at_one_by_one_and_hanging_up_takes_none_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known pair spends nothing that all share: what holds it off is what was wrong before, also of those who did not wait."""
    go, hashed = threading.Event(), []

    def verify(stored: str | None, given: str) -> bool:
        hashed.append(given)
        assert go.wait(PATIENCE_S)
        return stored == given

    monkeypatch.setattr("openmains.app.command.signer.people.verify_password", verify)
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    ledger.enrol(TENANT, "ann", "right", "operator")
    people = PersonCheck(ledger, clock_s=lambda: 0, pause=lambda seconds: asyncio.sleep(0))
    go.set()
    await people.check(TENANT, Credential("ann", "right", "2001:db8::1"), approver=False)
    go.clear()
    guess = Credential("ann", "guess", "2001:db8::2")  # the same place: one subscriber has a /64
    guesses = [asyncio.ensure_future(people.check(TENANT, guess, approver=False)) for _ in range(50)]
    async with asyncio.timeout(PATIENCE_S):
        while len(hashed) < 2:
            await asyncio.sleep(0)
        guesses[0].cancel()  # its hash goes on and keeps its turn
        for _ in range(100):
            await asyncio.sleep(0)
        assert hashed == ["right", "guess"]
        go.set()
        said = await asyncio.gather(*guesses, return_exceptions=True)
    codes = Counter(one.code if isinstance(one, SignerRefusedError) else type(one).__name__ for one in said)
    assert codes == {"CancelledError": 1, "wrong_password": FREE_FAILURES - 1, "locked": 50 - FREE_FAILURES}
    assert hashed.count("guess") == FREE_FAILURES
    ledger.close()


async def test_a_right_password_is_hashed_once_a_minute_and_not_after_a_new_enrolment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def verify(stored: str | None, given: str) -> bool:
        hashed.append(given)
        return stored == given

    monkeypatch.setattr("openmains.app.command.signer.people.verify_password", verify)
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    ledger.enrol(TENANT, "ann", "right", "operator")
    people = PersonCheck(ledger, clock_s=lambda: 0, pause=lambda seconds: asyncio.sleep(0))
    for _ in range(3):
        person = await people.check(TENANT, Credential("ann", "right", "a"), approver=False)
    assert hashed == ["right"]
    with pytest.raises(SignerRefusedError, match="wrong_password"):
        await people.check(TENANT, Credential("ann", "wrong", "a"), approver=False)
    ledger.enrol(TENANT, "ann", "other", "operator")
    with pytest.raises(SignerRefusedError, match="wrong_password"):
        people.still(person)
    with pytest.raises(SignerRefusedError, match="wrong_password"):
        await people.check(TENANT, Credential("ann", "right", "a"), approver=False)
    assert hashed == ["right", "wrong", "right"]
    ledger.close()

# SPDX-License-Identifier: Apache-2.0
"""Drills of sign-ins against a real signer process: made-up logins hold nobody up, wrong passwords keep nobody else out, and what is
refused does not say who exists (R13.4)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from openmains.app.command.signing_ports import Credential, SignerRefusedError
from openmains.domain.command.kinds import Kind
from openmains.domain.identity.attempts import BY_ADDRESS
from openmains.domain.identity.lockout import FIRST_DELAY_S
from openmains.run.engines.engines import Engines
from tests.run.roles.conftest import signs
from tests.run.roles.test_signer import ANN, BEN, Field, states
from tests.support.command_town import Town, make_town
from tests.support.signer_process import WEDNESDAY_TEN, SignerProcess

OFFICE, ELSEWHERE, FOREIGN = "10.0.0.7", "203.0.113.9", "198.51.100.4"
FLOOD = 23 * 20


@pytest.fixture
async def town(engines: Engines, signer: SignerProcess) -> AsyncIterator[Town]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    made = await make_town(owner)
    signer.enrol(made.tenant_id, ANN.login, ANN.password, administrator=True)
    signer.enrol(made.tenant_id, BEN.login, BEN.password, "approver")
    await signer.kill()  # a drill counts from nothing
    await signer.start()
    signer.set_clock(WEDNESDAY_TEN)
    await signs(signer, made)
    yield made
    await owner.close()


async def refusals(signer: SignerProcess, town: Town, *people: Credential) -> list[tuple[str, int]]:
    found = []
    for person in people:
        try:
            await signer.client.check(town.tenant_id, [], person)
            found.append(("", 0))
        except SignerRefusedError as error:
            found.append((error.code, error.seconds))
    return found


async def test_made_up_logins_hold_up_nobodys_top_ups(signer: SignerProcess, town: Town) -> None:
    """The finding: 23 a second for 20 s, and others' top-ups waited 79 to 143 s. Each cost a hash within the ledger's lock."""
    field = Field(signer, town, await town.add(30))
    cashier = replace(ANN, address=OFFICE)
    requests = [field.request(meter, f"paid-{meter}", Kind.TOP_UP, amount=100) for meter in town.meters]
    await signer.client.check(town.tenant_id, [Kind.TOP_UP], cashier)

    async def made_up(number: int) -> str:
        person = Credential(f"nobody-{number}", "guess", ELSEWHERE)
        ((code, _),) = await refusals(signer, town, person)
        return code

    flood = [asyncio.ensure_future(made_up(number)) for number in range(FLOOD)]
    await asyncio.sleep(0)
    for request in requests[:10]:
        (verdict,) = await signer.client.authorise(town.tenant_id, [request], cashier)
        assert verdict.state == "authorised"
    # who was never seen at his address gets in too: it is the flood's own address that is full
    other = replace(BEN, address=FOREIGN)
    assert states(await signer.client.authorise(town.tenant_id, requests[10:20], other)) == {"authorised": 10}
    codes = Counter(await asyncio.gather(*flood))
    assert codes == {"wrong_password": BY_ADDRESS.most, "locked": FLOOD - BY_ADDRESS.most}  # so many hashes, no more


async def test_wrong_passwords_lock_the_address_they_come_from_and_nobody_else(
    signer: SignerProcess, town: Town
) -> None:
    right, there = replace(ANN, address=OFFICE), replace(ANN, address=ELSEWHERE)
    wrong = replace(there, password="guess")
    assert await refusals(signer, town, right) == [("", 0)]
    found = await refusals(signer, town, *[wrong] * 6)
    assert [code for code, _ in found] == ["wrong_password"] * 5 + ["locked"]
    assert await refusals(signer, town, there, right) == [("locked", FIRST_DELAY_S), ("", 0)]
    assert await refusals(signer, town, replace(ANN, address=FOREIGN)) == [("", 0)]  # also from where he never was
    signer.set_clock(WEDNESDAY_TEN + FIRST_DELAY_S)
    assert await refusals(signer, town, there) == [("", 0)]
    # at the machine there is a way back at once
    signer.set_clock(WEDNESDAY_TEN)
    await refusals(signer, town, *[wrong] * 6)
    signer.enrol(town.tenant_id, ANN.login, "another long word of ann", administrator=True)
    assert await refusals(signer, town, right, replace(ANN, password="another long word of ann", address=OFFICE)) == [
        ("wrong_password", 0),
        ("", 0),
    ]


async def test_what_is_refused_does_not_say_who_exists(signer: SignerProcess, town: Town) -> None:
    enrolled = [Credential(BEN.login, "guess", ELSEWHERE)] * 8
    nobody = [Credential("nobody", "guess", FOREIGN)] * 8
    assert await refusals(signer, town, *enrolled) == await refusals(signer, town, *nobody)

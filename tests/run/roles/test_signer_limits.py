# SPDX-License-Identifier: Apache-2.0
"""Drills of four eyes and quotas against a real signer process: one by one is many too, money is counted, prices are compared, and
who is an administrator is the signer's own knowledge (R13.4)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from openmains.app.command.signing_ports import SignedFrame, SignerRefusedError, SignRequest, Verdict
from openmains.domain.command.amounts import ALONE_ACT, ALONE_DAY, MOST_ACT, UTILITY_DAY_LEAST
from openmains.domain.command.kinds import Kind
from openmains.domain.period import DAY_S, HOUR_S
from openmains.run.engines.engines import Engines
from tests.run.roles.conftest import signs
from tests.run.roles.test_signer import ANN, BEN, Field, states, to_sign
from tests.support.command_town import Town, make_town
from tests.support.signer_process import WEDNESDAY_TEN, SignerProcess

PRICE = {
    "version": 7, "effective_at": 0, "period_start": 0, "cycle_months": 12, "clear_total": 0, "tiers": 2, "tier_from": [0, 300],
    "prices": [25_000, 30_000],
}  # fmt: skip


@pytest.fixture
async def town(engines: Engines, signer: SignerProcess) -> AsyncIterator[Town]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    made = await make_town(owner, areas=20)
    signer.enrol(made.tenant_id, ANN.login, ANN.password, administrator=True)
    signer.enrol(made.tenant_id, BEN.login, BEN.password, "approver")
    signer.set_clock(WEDNESDAY_TEN)
    await signs(signer, made)
    yield made
    await owner.close()


async def one_by_one(signer: SignerProcess, town: Town, requests: list[SignRequest]) -> list[Verdict]:
    """A call for each, as somebody would who avoids being many."""
    found: list[Verdict] = []
    for request in requests:
        found += await signer.client.authorise(town.tenant_id, [request], ANN)
    return found


@pytest.mark.parametrize("kind", [Kind.FACTORY_RESET, Kind.SET_PLATFORM, Kind.VALVE_CLOSE, Kind.VALVE_OPEN])
async def test_forty_calls_of_one_meter_each_are_many(signer: SignerProcess, town: Town, kind: Kind) -> None:
    field = Field(signer, town, await town.add(40))
    requests = [field.request(meter, f"one-{kind}-{meter}", kind) for meter in town.meters]
    verdicts = await one_by_one(signer, town, requests)
    assert [verdict.state for verdict in verdicts] == ["authorised"] * 20 + ["needs_approval"] * 20
    assert {verdict.reason for verdict in verdicts[20:]} == {"many"}
    signer.set_clock(WEDNESDAY_TEN + DAY_S - 60)  # nor does waiting for a while help
    later = [field.request(meter, f"late-{kind}-{meter}", kind) for meter in town.meters[20:22]]
    assert {verdict.state for verdict in await one_by_one(signer, town, later)} == {"needs_approval"}


async def test_what_a_second_person_agreed_to_is_not_counted_as_alone(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(40))
    whole = [field.request(meter, f"whole-{meter}", Kind.VALVE_OPEN) for meter in town.meters[:30]]
    await signer.client.authorise(town.tenant_id, whole, ANN)
    await signer.client.approve(town.tenant_id, [request.unique_key for request in whole], BEN)
    (verdict,) = await one_by_one(signer, town, [field.request(town.meters[35], "alone-after-it", Kind.FACTORY_RESET)])
    assert verdict.state == "authorised"


@pytest.mark.parametrize("kind", [Kind.SET_PRICE, Kind.FACTORY_RESET, Kind.SET_PLATFORM, Kind.SET_SIGNED_PARAMETERS])
async def test_kinds_of_administrators_are_known_to_the_signer_itself(
    signer: SignerProcess, town: Town, kind: Kind
) -> None:
    """Whatever role the API believes somebody to have."""
    field = Field(signer, town, await town.add(1))
    with pytest.raises(SignerRefusedError, match="not_an_administrator"):
        await signer.client.authorise(town.tenant_id, [field.request(town.meters[0], f"role-{kind}", kind)], BEN)
    assert states(await signer.client.verdicts(town.tenant_id, [f"role-{kind}"])) == {"unknown": 1}


async def test_money_is_counted_by_act_person_and_utility(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(80))

    def pay(place: int, key: str, amount: int) -> SignRequest:
        return field.request(town.meters[place], f"pay-{key}", Kind.TOP_UP, amount=amount)

    huge = await one_by_one(signer, town, [pay(place, f"huge-{place}", 1_000_000_000) for place in range(19)])
    assert {(verdict.state, verdict.reason) for verdict in huge} == {("refused", "too_much")}
    (act,) = await one_by_one(signer, town, [pay(0, "act", ALONE_ACT + 1)])
    assert (act.state, act.reason) == ("needs_approval", "amount")
    most = ALONE_DAY // ALONE_ACT
    day = await one_by_one(signer, town, [pay(place, f"day-{place}", ALONE_ACT) for place in range(most + 3)])
    assert [verdict.state for verdict in day] == ["authorised"] * most + ["needs_approval"] * 3
    assert {verdict.reason for verdict in day[most:]} == {"amount"}
    signer.set_clock(WEDNESDAY_TEN + 2 * HOUR_S)  # the hour's number of top-ups is not what this is about
    more = [pay(60 + place, f"more-{place}", MOST_ACT // 2) for place in range(3)]
    await signer.client.authorise(town.tenant_id, more, ANN)
    agreed = await signer.client.approve(town.tenant_id, [request.unique_key for request in more], BEN)
    # what was given today and one more of these is over what a utility of this size gives in a day
    assert ALONE_DAY + 2 * (MOST_ACT // 2) > UTILITY_DAY_LEAST
    assert [f"{verdict.state} {verdict.reason}".strip() for verdict in agreed] == [
        "authorised", "quarantined quota_amount", "quarantined quota_amount",
    ]  # fmt: skip


async def test_credit_by_effect_is_money_too(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(1))
    values = {"emergency_credit": ALONE_ACT + 1}
    request = field.request(town.meters[0], "emergency-1", Kind.SET_SIGNED_PARAMETERS, values=values)
    (verdict,) = await one_by_one(signer, town, [request])
    assert (verdict.state, verdict.reason) == ("needs_approval", "amount")
    values = {"emergency_credit": MOST_ACT + 1}
    request = field.request(town.meters[0], "emergency-2", Kind.SET_SIGNED_PARAMETERS, values=values)
    (verdict,) = await one_by_one(signer, town, [request])
    assert (verdict.state, verdict.reason) == ("refused", "too_much")


async def test_a_price_far_from_the_one_before_needs_a_second_person(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(1))
    (meter,) = town.meters

    def price(key: str, **more: Any) -> SignRequest:
        return field.request(meter, f"price-{key}", Kind.SET_PRICE, **(PRICE | more))

    first = price("first")
    (verdict,) = await one_by_one(signer, town, [first])
    assert (verdict.state, verdict.reason) == ("needs_approval", "price")  # nothing to compare it with
    await signer.client.approve(town.tenant_id, [first.unique_key], BEN)
    (made,) = await signer.client.sign([to_sign(town.tenant_id, first, 1)])
    assert isinstance(made, SignedFrame)
    for key, more, state in (
        ("near", {"prices": [30_000, 36_000]}, "authorised"), ("above", {"prices": [30_001, 30_000]}, "needs_approval"),
        ("below", {"prices": [25_000, 23_999]}, "needs_approval"), ("free", {"prices": [0, 0]}, "needs_approval"),
        ("slip", {"prices": [250_000, 300_000]}, "needs_approval"), ("tiers", {"tier_from": [0, 3]}, "needs_approval"),
        ("fewer", {"tiers": 1, "prices": [25_000], "tier_from": [0]}, "needs_approval"),
        ("cycle", {"cycle_months": 1}, "needs_approval"),
    ):  # fmt: skip
        (verdict,) = await one_by_one(signer, town, [price(key, **more)])
        assert verdict.state == state, key


async def test_configuration_goes_on_when_there_is_room_and_a_closing_does_not(
    signer: SignerProcess, town: Town
) -> None:
    """Two persons agreed to all; a tenth of the utility goes today, the rest by itself as days pass."""
    field = Field(signer, town, await town.add(300))
    await signer.kill()  # it counts the registry once a minute
    await signer.start()
    chosen = town.meters[:60]
    after = WEDNESDAY_TEN + 3 * DAY_S
    resets = [SignRequest(f"room-{meter}", meter, Kind.FACTORY_RESET, {}, after) for meter in chosen]
    closings = [SignRequest(f"shut-{meter}", meter, Kind.VALVE_CLOSE, {}, after) for meter in chosen]
    keys = {
        name: [request.unique_key for request in found] for name, found in (("resets", resets), ("closings", closings))
    }
    for found in (resets, closings):
        await signer.client.authorise(town.tenant_id, found, ANN)
        await signer.client.approve(town.tenant_id, [request.unique_key for request in found], BEN)
    assert states(await signer.client.verdicts(town.tenant_id, keys["resets"])) == {"authorised": 30, "quarantined": 30}
    assert states(await signer.client.verdicts(town.tenant_id, keys["closings"])) == {
        "authorised": 20,
        "quarantined": 40,
    }
    signer.set_clock(WEDNESDAY_TEN + DAY_S + 1)
    assert states(await signer.client.verdicts(town.tenant_id, keys["resets"])) == {"authorised": 60}
    assert states(await signer.client.verdicts(town.tenant_id, keys["closings"])) == {
        "authorised": 20,
        "quarantined": 40,
    }
    assert field.meters

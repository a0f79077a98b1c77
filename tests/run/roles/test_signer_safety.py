# SPDX-License-Identifier: Apache-2.0
"""Drills of safety closings against a real signer process: two persons or the meter's own word, its own quotas, no way back
from afar (R4.8)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from openmains.app.command.signing_ports import SignedFrame, SignerRefusedError, SignRequest, Verdict
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import MeterId
from openmains.domain.period import DAY_S, HOUR_S
from openmains.run.engines.engines import Engines
from tests.run.roles.conftest import signs
from tests.run.roles.test_signer import ANN, BEN, Field, states, to_sign
from tests.support.command_town import Town, make_town
from tests.support.signer_process import WEDNESDAY_TEN, SignerProcess

SAID = {"reason": 1, "evidence": "smell of gas, second floor"}
NIGHT = WEDNESDAY_TEN + 16 * HOUR_S  # two o'clock


@pytest.fixture
async def town(engines: Engines, signer: SignerProcess) -> AsyncIterator[Town]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    made = await make_town(owner, areas=20)
    signer.enrol(made.tenant_id, ANN.login, ANN.password, administrator=True)
    signer.enrol(made.tenant_id, BEN.login, BEN.password, "approver")
    signer.set_clock(NIGHT)
    await signs(signer, made)
    yield made
    await owner.close()


def closing(field: Field, meter_id: int, key: str, **more: Any) -> SignRequest:
    return SignRequest(key, MeterId(meter_id), Kind.SAFETY_CLOSE, SAID | more, NIGHT + DAY_S)


async def reported(town: Town, meters: list[int], event: str = "gas_leak", at: int = NIGHT) -> None:
    await town.owner.execute(
        "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
        " SELECT $1, m, $3, 'critical', $4::bigint, $4::bigint * 1000000, $4::bigint * 1000000, $4::bigint * 1000000"
        " FROM unnest($2::bigint[]) m",
        town.tenant_id, meters, event, at,
    )  # fmt: skip


async def test_two_persons_close_at_night_whoever_it_is(signer: SignerProcess, town: Town) -> None:
    (protected,) = await town.add(1, protected=True, balance=245_000)
    (unknown,) = await town.add(1, balance=None, prepaid=True)
    (critical,) = await town.add(1, critical=True)
    await town.owner.execute(
        "INSERT INTO command_policy (tenant_id, remote_closing) VALUES ($1, false)", town.tenant_id
    )
    field = Field(signer, town, town.meters)
    plain = [field.request(meter, f"plain-{meter}") for meter in town.meters]
    verdicts = await signer.client.authorise(town.tenant_id, plain, ANN)
    assert {verdict.reason for verdict in verdicts} == {"closing_forbidden"}
    requests = [closing(field, meter, f"safe-{meter}") for meter in (protected, unknown, critical)]
    verdicts = await signer.client.authorise(town.tenant_id, requests, ANN)
    assert [(verdict.state, verdict.reason) for verdict in verdicts] == [("needs_approval", "two_persons")] * 3
    assert await field.close_all(requests) == 0
    with pytest.raises(SignerRefusedError, match="not_an_approver"):
        await signer.client.approve(town.tenant_id, [request.unique_key for request in requests], ANN)
    await signer.client.approve(town.tenant_id, [request.unique_key for request in requests], BEN)
    assert await field.close_all(requests) == 3


async def test_a_product_may_forbid_remote_closing_as_well(signer: SignerProcess, town: Town) -> None:
    (meter,) = await town.add(1)
    await town.owner.execute(
        "UPDATE product SET settings = settings || '{\"remote_closing\": false}' WHERE product_id = $1", town.product_id
    )
    field = Field(signer, town, town.meters)
    (verdict,) = await signer.client.authorise(town.tenant_id, [field.request(meter, "product-1")], ANN)
    assert (verdict.state, verdict.reason) == ("refused", "closing_forbidden")
    (verdict,) = await signer.client.authorise(town.tenant_id, [closing(field, meter, "product-2")], ANN)
    assert verdict.state == "needs_approval"


async def test_a_stolen_operator_alone_closes_only_where_meters_reported_leaks_and_twenty_a_day(
    signer: SignerProcess, town: Town
) -> None:
    field = Field(signer, town, await town.add(60, balance=5))
    leaking = town.meters[:40]
    await reported(town, leaking[:30])
    await reported(town, leaking[30:35], at=NIGHT - 2 * DAY_S)  # long ago
    await reported(town, leaking[35:], "micro_leak")
    requests = [closing(field, meter, f"leak-{meter}") for meter in town.meters]
    found = {verdict.unique_key: verdict for verdict in await signer.client.authorise(town.tenant_id, requests, ANN)}
    by_reason: dict[str, int] = {}
    for verdict in found.values():
        name = f"{verdict.state} {verdict.reason}".strip()
        by_reason[name] = by_reason.get(name, 0) + 1
    assert by_reason == {"authorised": 20, "quarantined quota_operator": 10, "needs_approval two_persons": 30}
    assert await field.close_all(requests) == 20
    fire = [closing(field, meter, f"fire-{meter}", reason=2) for meter in leaking[20:30]]
    assert states(await signer.client.authorise(town.tenant_id, fire, ANN)) == {"needs_approval": 10}


async def test_ordinary_closings_use_up_nothing_of_its_quota(signer: SignerProcess, town: Town) -> None:
    signer.set_clock(WEDNESDAY_TEN)
    field = Field(signer, town, await town.add(60))
    requests = [field.request(meter, f"used-{meter}") for meter in town.meters[:40]]
    for start in range(0, 40, 20):
        await signer.client.authorise(town.tenant_id, requests[start : start + 20], ANN)
    assert await field.close_all(requests) == 20
    safe = [closing(field, meter, f"left-{meter}") for meter in town.meters[40:]]
    await signer.client.authorise(town.tenant_id, safe, ANN)
    verdicts = await signer.client.approve(town.tenant_id, [request.unique_key for request in safe], BEN)
    assert states(verdicts) == {"authorised": 20}


async def test_nothing_is_opened_until_two_persons_have_lifted_it_also_after_a_kill(
    signer: SignerProcess, town: Town
) -> None:
    field = Field(signer, town, await town.add(1))
    tenant, (meter,) = town.tenant_id, town.meters
    opening = SignRequest("open-before", meter, Kind.VALVE_OPEN, {}, NIGHT + DAY_S)
    await signer.client.authorise(tenant, [opening], ANN)
    (made,) = await signer.client.sign([to_sign(tenant, opening, 1)])
    assert isinstance(made, SignedFrame)
    request = closing(field, meter, "leak-1-key")
    await signer.client.authorise(tenant, [request], ANN)
    (made,) = await signer.client.sign([to_sign(tenant, opening, 1)])
    assert isinstance(made, SignedFrame)  # nobody has agreed yet
    await signer.client.approve(tenant, [request.unique_key], BEN)
    await signer.kill()
    await signer.start()
    (made,) = await signer.client.sign([to_sign(tenant, opening, 1)])  # not even what went out before
    assert made == Verdict("open-before", "refused", "closed_for_safety")
    later = SignRequest("open-later", meter, Kind.VALVE_OPEN, {}, NIGHT + DAY_S)
    (verdict,) = await signer.client.authorise(tenant, [later], BEN)
    assert (verdict.state, verdict.reason) == ("refused", "closed_for_safety")
    for inspector, approver, why in (
        (ANN, ANN, "not_an_approver"),
        (BEN, ANN, "not_an_approver"),
        (BEN, BEN, "own_request"),
    ):
        with pytest.raises(SignerRefusedError, match=why):
            await signer.client.lift(tenant, meter, "looked at", inspector, approver)
    assert await signer.client.lift(tenant, meter, "repaired", ANN, BEN)
    assert not await signer.client.lift(tenant, meter, "repaired", ANN, BEN)
    again = SignRequest("open-again", meter, Kind.VALVE_OPEN, {}, NIGHT + DAY_S)
    (verdict,) = await signer.client.authorise(tenant, [again], ANN)
    assert verdict.state == "authorised"


async def test_a_closing_whose_site_was_inspected_meanwhile_is_not_signed(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(1))
    (meter,) = town.meters
    request = closing(field, meter, "late-closing")
    await signer.client.authorise(town.tenant_id, [request], ANN)
    await signer.client.approve(town.tenant_id, [request.unique_key], BEN)
    assert await signer.client.lift(town.tenant_id, meter, "false alarm", ANN, BEN)
    (made,) = await signer.client.sign([to_sign(town.tenant_id, request, 1)])
    assert made == Verdict("late-closing", "refused", "site_inspected")


async def test_what_does_not_say_why_is_refused(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(1))
    (meter,) = town.meters
    await reported(town, [meter])
    for place, said in enumerate(({"reason": 0}, {"reason": 99}, {"evidence": ""}, {"evidence": 5})):
        (verdict,) = await signer.client.authorise(town.tenant_id, [closing(field, meter, f"why-{place}", **said)], ANN)
        assert (verdict.state, verdict.reason) == ("refused", "wrong_parameters")
    assert await field.close_all([closing(field, meter, "why-0", reason=0)]) == 0


# closing by effect -------------------------------------------------------------------------------------------------------


def threshold(field: Field, meter_id: int, key: str, value: int) -> SignRequest:
    return field.request(meter_id, key, Kind.SET_SIGNED_PARAMETERS, values={"balance_arrears": value})


async def test_no_threshold_shuts_a_customer_who_has_paid_or_is_protected(signer: SignerProcess, town: Town) -> None:
    """The finding: one setting, unsigned, shut a protected customer with 2,450.00 of credit."""
    signer.set_clock(WEDNESDAY_TEN)
    (paid,) = await town.add(1, balance=245_000)
    (protected,) = await town.add(1, balance=-300, protected=True)
    (unknown,) = await town.add(1, balance=None, prepaid=True)
    field = Field(signer, town, town.meters)
    requests = [
        threshold(field, paid, "effect-1", 1_000_000_000), threshold(field, paid, "effect-2", 1),
        threshold(field, protected, "effect-3", 0), threshold(field, unknown, "effect-4", 0),
        threshold(field, paid, "effect-5", 0), threshold(field, protected, "effect-6", -500),
        field.request(protected, "effect-7", Kind.FACTORY_RESET),
    ]  # fmt: skip
    verdicts = await signer.client.authorise(town.tenant_id, requests, ANN)
    assert [f"{verdict.state} {verdict.reason}".strip() for verdict in verdicts] == [
        "refused has_credit", "refused has_credit", "refused protected", "refused unknown_credit", "authorised",
        "needs_approval credit_unproven",  # that it would not shut them now rests on a balance without a MAC
        "refused protected",
    ]  # fmt: skip
    assert states(await signer.client.approve(town.tenant_id, ["effect-6"], BEN)) == {"authorised": 1}
    # what was allowed is looked at again when it is signed
    await town.owner.execute("UPDATE meter_state SET balance = -600 WHERE meter_id = $1", protected)
    made = await signer.client.sign([to_sign(town.tenant_id, requests[5], 1), to_sign(town.tenant_id, requests[4], 1)])
    assert made[0] == Verdict("effect-6", "refused", "protected")
    assert isinstance(made[1], SignedFrame)


async def test_a_threshold_that_shuts_has_the_witnesses_and_the_quotas_of_a_closing(
    signer: SignerProcess, town: Town
) -> None:
    field = Field(signer, town, await town.add(60, balance=-300))
    request = threshold(field, town.meters[0], "night-threshold", 0)
    (verdict,) = await signer.client.authorise(town.tenant_id, [request], ANN)
    assert (verdict.state, verdict.reason) == ("needs_approval", "out_of_hours")
    signer.set_clock(WEDNESDAY_TEN)
    shutting = [threshold(field, meter, f"shut-{meter}", 0) for meter in town.meters[:15]]
    assert states(await signer.client.authorise(town.tenant_id, shutting, ANN)) == {"authorised": 15}
    plain = [field.request(meter, f"plain-{meter}") for meter in town.meters[20:30]]
    verdicts = await signer.client.authorise(town.tenant_id, plain, ANN)
    assert {(verdict.state, verdict.reason) for verdict in verdicts} == {("needs_approval", "many")}  # by whatever name

# SPDX-License-Identifier: Apache-2.0
"""Drills with the database roles of the other processes: what the signer's rules rest on is what persons signed (ADR 0016).

Each attack was tried on a running copy: night made office hours, a product made 'not prepaid', a meter put in anew with no credit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from openmains.app.command.signing_ports import Credential, SignedFrame, SignerRefusedError, SignRequest, Verdict
from openmains.domain.command.kinds import Kind
from openmains.domain.command.meter_bounds import YEAR_H
from openmains.domain.ids import MeterId
from openmains.domain.period import DAY_S, HOUR_S
from openmains.edges.postgres.db import API_ROLE, PIPELINE_ROLE, Connection, connect
from openmains.run.engines.engines import Engines
from tests.run.roles.conftest import signs
from tests.run.roles.test_signer import ANN, BEN, Field, states, to_sign
from tests.support.command_town import Town, make_town
from tests.support.signer_process import WEDNESDAY_TEN, SignerProcess

SUNDAY_NIGHT = WEDNESDAY_TEN + 3 * DAY_S + 15 * HOUR_S + 42 * 60  # 01:42 in Shanghai, 10:42 on Saturday in Los Angeles


@pytest.fixture
async def town(engines: Engines, signer: SignerProcess) -> AsyncIterator[Town]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    made = await make_town(owner, areas=2)
    signer.enrol(made.tenant_id, ANN.login, ANN.password, administrator=True)
    signer.enrol(made.tenant_id, BEN.login, BEN.password, "approver")
    signer.set_clock(WEDNESDAY_TEN)
    await signs(signer, made)
    yield made
    await owner.close()


@pytest.fixture
async def as_api(engines: Engines, town: Town) -> AsyncIterator[Connection]:
    """What whoever runs code in the API has: its database role, within one tenant."""
    connection = await connect(engines.urls.postgres_api, role=API_ROLE)
    await connection.execute("SELECT set_config('openmains.tenant', $1, false)", str(town.tenant_id))
    yield connection
    await connection.close()


@pytest.fixture
async def as_pipeline(engines: Engines) -> AsyncIterator[Connection]:
    """The same of the pipeline."""
    connection = await connect(engines.urls.postgres_pipeline, role=PIPELINE_ROLE)
    yield connection
    await connection.close()


async def alone(signer: SignerProcess, town: Town, *requests: SignRequest) -> list[str]:
    """What one person gets, one call after the other."""
    found: list[Verdict] = []
    for request in requests:
        found += await signer.client.authorise(town.tenant_id, [request], ANN)
    return [f"{verdict.state} {verdict.reason}".strip() for verdict in found]


async def differing(signer: SignerProcess, town: Town) -> list[tuple[int, str, str, str]]:
    found = await signer.client.facts(town.tenant_id)
    return [(change.meter_id, change.fact, change.held, change.registry) for change in found.changes]


async def test_night_is_not_made_office_hours(
    signer: SignerProcess, town: Town, as_api: Connection, as_pipeline: Connection
) -> None:
    field = Field(signer, town, await town.add(20))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_pipeline.execute("UPDATE tenant SET zone = 'America/Los_Angeles' WHERE tenant_id = $1", town.tenant_id)
    await town.owner.execute("UPDATE tenant SET zone = 'America/Los_Angeles' WHERE tenant_id = $1", town.tenant_id)
    await as_api.execute(
        "INSERT INTO command_policy (tenant_id, office_from, office_to, office_days) VALUES ($1, 360, 1320, '{0,1,2,3,4,5,6}')",
        town.tenant_id,
    )
    signer.set_clock(SUNDAY_NIGHT)
    requests = [
        SignRequest(f"night-{meter}", MeterId(meter), Kind.VALVE_CLOSE, {}, SUNDAY_NIGHT + DAY_S) for meter in town.meters
    ]  # fmt: skip
    assert set(await alone(signer, town, *requests)) == {"needs_approval out_of_hours"}
    assert await field.close_all(requests) == 0
    assert await differing(signer, town) == [
        (0, "zone", "Asia/Shanghai", "America/Los_Angeles"),
        (0, "office", "08:00-18:00 12345", "06:00-22:00 1234567"),
    ]
    # nor does day become night's opposite: what the registry calls closed is not open by the copy alone
    await as_api.execute("UPDATE command_policy SET office_days = '{}' WHERE tenant_id = $1", town.tenant_id)
    signer.set_clock(WEDNESDAY_TEN)
    (request, *_) = [field.request(town.meters[0], "day-1")]
    assert await alone(signer, town, request) == ["needs_approval out_of_hours"]


async def test_a_product_set_to_not_prepaid_and_a_balance_of_nothing_shut_nobody_alone(
    signer: SignerProcess, town: Town, as_api: Connection
) -> None:
    (poor, payer) = await town.add(2, prepaid=True, balance=245_000)
    field = Field(signer, town, town.meters)
    assert await alone(signer, town, field.request(payer, "pay-1-key", Kind.TOP_UP, amount=5_000)) == ["authorised"]
    await as_api.execute("UPDATE product SET settings = '{\"prepaid\": false}' WHERE code = 'prepaid'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_api.execute("DELETE FROM meter WHERE meter_id = $1", poor)
    # even if somebody could: the same meter, in anew, without credit
    await town.owner.execute("UPDATE meter_state SET balance = 0 WHERE meter_id = ANY($1)", town.meters)
    requests = [field.request(poor, "shut-1-key"), field.request(payer, "shut-2-key")]
    assert await alone(signer, town, *requests) == ["needs_approval credit_unproven", "refused has_credit"]
    threshold = field.request(poor, "below-1", Kind.SET_SIGNED_PARAMETERS, values={"balance_arrears": 0})
    assert await alone(signer, town, threshold) == ["needs_approval credit_unproven"]
    assert await field.close_all(requests) == 0
    assert {(fact, held, said) for _, fact, held, said in await differing(signer, town)} == {
        ("prepaid", "true", "false")
    }


async def test_who_keeps_credit_is_known_though_nobody_called_the_product_prepaid(
    signer: SignerProcess, town: Town, as_pipeline: Connection
) -> None:
    """Most products say nothing of it: a balance of nothing, written by the pipeline's role, would shut whoever has paid."""
    (tells, told, postpaid) = await town.add(3)
    await town.owner.execute(
        "UPDATE meter_state SET balance_kind = 0 WHERE meter_id = $1", tells
    )  # a frame said: money
    await town.owner.execute("UPDATE meter_state SET balance_kind = 2 WHERE meter_id = $1", postpaid)
    assert await differing(signer, town) == [(tells, "prepaid", "false", "true")]
    await signer.sign_facts(town.tenant_id, ANN, BEN)
    field = Field(signer, town, town.meters)
    assert await alone(signer, town, field.request(told, "kept-money", Kind.TOP_UP, amount=5_000)) == ["authorised"]
    await as_pipeline.execute(
        "UPDATE meter_state SET balance = 0, balance_kind = NULL WHERE tenant_id = $1", town.tenant_id
    )
    tomorrow = WEDNESDAY_TEN + DAY_S + 60
    signer.set_clock(tomorrow)
    asked = [
        SignRequest(f"kept-{meter}", MeterId(meter), Kind.VALVE_CLOSE, {}, tomorrow + DAY_S) for meter in town.meters
    ]
    assert await alone(signer, town, *asked) == [
        "needs_approval credit_unproven",
        "needs_approval credit_unproven",
        "authorised",
    ]


async def test_protection_ends_by_two_persons_and_a_list_is_signed_as_it_was_seen(
    signer: SignerProcess, town: Town, as_api: Connection
) -> None:
    (hospital,) = await town.add(1, protected=True, critical=True)
    field = Field(signer, town, town.meters)
    await as_api.execute("UPDATE customer SET is_protected = false, is_critical = false")
    assert await alone(signer, town, field.request(hospital, "ward-1")) == ["refused protected"]
    seen = await signer.client.facts(town.tenant_id)
    assert (seen.count, seen.needs_two) == (1, True)
    assert {(change.fact, change.held, change.registry) for change in seen.changes} == {
        ("is_protected", "true", "false"), ("is_critical", "true", "false"),
    }  # fmt: skip
    for second, why in ((None, "facts_need_two"), (ANN, "not_an_approver")):
        with pytest.raises(SignerRefusedError, match=why):
            await signer.client.sign_facts(town.tenant_id, seen.list_hash, "moved out", ANN, second)
    with pytest.raises(SignerRefusedError, match="own_request"):
        await signer.client.sign_facts(town.tenant_id, seen.list_hash, "moved out", BEN, BEN)
    await as_api.execute("UPDATE meter SET area_id = $1 WHERE meter_id = $2", town.areas[0], hospital)
    with pytest.raises(SignerRefusedError, match="list_changed"):  # what was looked at is not what is there
        await signer.client.sign_facts(town.tenant_id, seen.list_hash, "moved out", ANN, BEN)
    seen = await signer.client.facts(town.tenant_id)
    assert await signer.client.sign_facts(town.tenant_id, seen.list_hash, "moved out", ANN, BEN) == 1
    assert await alone(signer, town, field.request(hospital, "ward-2")) == ["authorised"]
    # what is stricter than before holds at once, and one person signs it
    await as_api.execute("UPDATE customer SET is_protected = true")
    assert await alone(signer, town, field.request(hospital, "ward-3")) == ["refused protected"]
    seen = await signer.client.facts(town.tenant_id)
    assert not seen.needs_two
    assert await signer.client.sign_facts(town.tenant_id, seen.list_hash, "a hospital", ANN, None) == 1


async def test_nothing_that_either_role_writes_loosens_a_rule(
    signer: SignerProcess, town: Town, as_api: Connection, as_pipeline: Connection
) -> None:
    """Every column that the signer reads, by each role that may write it."""
    await town.owner.execute("UPDATE product SET qmax_l_h = 10 WHERE tenant_id = $1", town.tenant_id)
    (ward, school) = await town.add(2, protected=True, critical=True)
    (pump,) = await town.add(1)
    copied = (
        "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, qmax_l_h, settings) SELECT tenant_id, $2, name, maker,"
        " model, medium, driver, $3, $4 FROM product WHERE product_id = $1 RETURNING product_id"
    )
    strict = await town.owner.fetchval(copied, town.product_id, "strict", 10, '{"remote_closing": false}')
    loose = await town.owner.fetchval(copied, town.product_id, "loose", 1_000_000, "{}")
    await town.owner.execute("UPDATE meter SET product_id = $1 WHERE meter_id = $2", strict, pump)
    await signer.sign_facts(town.tenant_id, ANN, BEN)
    field = Field(signer, town, town.meters)
    asked = [
        field.request(ward, "loose-ward"), field.request(school, "loose-school"), field.request(pump, "loose-pump"),
        field.request(pump, "loose-much", Kind.TOP_UP, amount=10 * YEAR_H + 1, balance_kind=1),
    ]  # fmt: skip
    place = "UPDATE meter SET product_id = $2, qmax_l_h = 1000000, area_id = $3 WHERE tenant_id = $1"
    writes: tuple[tuple[Connection, str, tuple[int, ...]], ...] = (
        (as_api, "UPDATE customer SET is_protected = false, is_critical = false WHERE tenant_id = $1", ()),
        (as_pipeline, "UPDATE customer SET is_protected = false, is_critical = false WHERE tenant_id = $1", ()),
        (as_pipeline, "UPDATE meter SET customer_id = NULL WHERE tenant_id = $1", ()),
        (as_api, place, (loose, town.areas[1])),
        (as_pipeline, place, (loose, town.areas[0])),
        (as_api, "UPDATE product SET settings = '{\"remote_closing\": true}', qmax_l_h = 1000000 WHERE tenant_id = $1", ()),
        (as_api, "INSERT INTO command_policy (tenant_id, remote_closing) VALUES ($1, true)", ()),
        (as_pipeline, "UPDATE meter_state SET balance = -100000, strange_number = NULL WHERE tenant_id = $1", ()),
    )  # fmt: skip
    for number, (role, statement, values) in enumerate(writes):
        await role.execute(statement, town.tenant_id, *values)
        tried = [replace(one, unique_key=f"{one.unique_key}-{number}") for one in asked]
        assert await alone(signer, town, *tried) == [
            "refused protected", "refused protected", "refused closing_forbidden", "refused beyond_meter",
        ], statement  # fmt: skip
    for role in (as_api, as_pipeline):
        for denied in (
            "DELETE FROM meter",
            "UPDATE alarm SET event = 'valve.leak'" if role is as_api else "UPDATE tenant SET zone = 'UTC'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await role.execute(denied)
    assert {fact for _, fact, _, _ in await differing(signer, town)} == {
        "is_protected", "is_critical", "closing_forbidden", "qmax_l_h", "area_id",
    }  # fmt: skip


async def test_a_meter_that_nobody_signed_is_not_closed_and_gets_nothing_from_one_person_alone(
    signer: SignerProcess, town: Town
) -> None:
    sign, town.on_change = town.on_change, None
    (meter, *_) = await town.add(20)
    field = Field(signer, town, town.meters)
    kinds = (Kind.VALVE_CLOSE, Kind.VALVE_OPEN, Kind.TOP_UP)
    requests = [field.request(meter, f"new-{kind}", kind, amount=100) for kind in kinds]
    assert await alone(signer, town, *requests) == [
        "refused facts_unsigned", "needs_approval facts_unsigned", "needs_approval facts_unsigned",
    ]  # fmt: skip
    safety = field.request(meter, "new-leak", Kind.SAFETY_CLOSE, reason=1, evidence="smell of gas, 2nd floor")
    assert await alone(signer, town, safety) == ["needs_approval two_persons"]  # a danger waits for no list
    seen = await signer.client.facts(town.tenant_id)
    assert (seen.count, seen.needs_two, seen.by_fact) == (20, False, {"new": 20})
    assert await signer.client.sign_facts(town.tenant_id, seen.list_hash, "installed", ANN, None) == 20
    assert await alone(signer, town, field.request(meter, "known-now")) == ["authorised"]
    await town.add(1)  # list by list is many too: they raise what quotas are shares of
    seen = await signer.client.facts(town.tenant_id)
    assert (seen.count, seen.needs_two) == (1, True)
    with pytest.raises(SignerRefusedError, match="facts_need_two"):
        await signer.client.sign_facts(town.tenant_id, seen.list_hash, "one more", ANN, None)
    signer.set_clock(WEDNESDAY_TEN + DAY_S)
    assert await signer.client.sign_facts(town.tenant_id, seen.list_hash, "one more", ANN, None) == 1
    town.on_change = sign


async def test_a_meter_moved_to_another_utility_is_nobodys_to_command(
    signer: SignerProcess, town: Town, as_api: Connection, as_pipeline: Connection
) -> None:
    """A hospital's meter, moved by the pipeline's role to a utility whose operator is in league, would be new there: not protected."""
    (hospital, other) = await town.add(2, protected=True)
    thieves = await make_town(town.owner)
    cat = Credential("cat", "cat's own long words")
    signer.enrol(thieves.tenant_id, cat.login, cat.password, "approver", administrator=True)
    with pytest.raises(asyncpg.PostgresError):  # the API's role sees one tenant's rows, and writes no other's
        await as_api.execute("UPDATE meter SET tenant_id = $1 WHERE meter_id = $2", thieves.tenant_id, hospital)
    await as_pipeline.execute(
        "UPDATE meter SET tenant_id = $1, product_id = $2, area_id = $3, customer_id = NULL WHERE meter_id = $4",
        thieves.tenant_id, thieves.product_id, thieves.areas[0], hospital,
    )  # fmt: skip
    seen = await signer.client.facts(thieves.tenant_id, meter_ids=[MeterId(hospital)])
    assert (seen.count, seen.needs_two, seen.by_fact) == (0, False, {"foreign": 1})
    assert (
        await signer.client.sign_facts(
            thieves.tenant_id, seen.list_hash, "ours", cat, None, meter_ids=[MeterId(hospital)]
        )
        == 0
    )
    requests = [
        SignRequest(f"theft-{kind}", MeterId(hospital), kind, params, signer.now + DAY_S)
        for kind, params in ((Kind.VALVE_CLOSE, {}), (Kind.VALVE_OPEN, {}), (Kind.SAFETY_CLOSE, {"reason": 1, "evidence": "gas, 2nd floor"}))
    ]  # fmt: skip
    verdicts = await signer.client.authorise(thieves.tenant_id, requests, cat)
    assert {(verdict.state, verdict.reason) for verdict in verdicts} == {("refused", "unknown_meter")}
    assert (hospital, "missing", "", "") in await differing(signer, town)  # those whose meter it is see it go
    # until two of them let it go
    await signer.sign_facts(town.tenant_id, ANN, BEN)
    seen = await signer.client.facts(thieves.tenant_id, meter_ids=[MeterId(hospital)])
    assert seen.by_fact == {"new": 1}
    assert other in town.meters


async def test_what_one_person_gave_goes_out_only_while_one_is_enough(
    signer: SignerProcess, town: Town, as_api: Connection
) -> None:
    (shop, pump, house) = await town.add(3)
    field = Field(signer, town, town.meters)
    requests = [
        field.request(shop, "shop-1-key"),
        field.request(pump, "pump-1-key", Kind.TOP_UP, amount=100),
        field.request(house, "house-1"),
    ]
    assert await alone(signer, town, *requests) == ["authorised"] * 3
    await as_api.execute("UPDATE customer SET is_critical = true")
    await as_api.execute("UPDATE meter SET number = number || '9' WHERE meter_id = $1", pump)
    made = await signer.client.sign([to_sign(town.tenant_id, request, 1) for request in requests])
    assert made[:2] == [
        Verdict("shop-1-key", "refused", "critical"),
        Verdict("pump-1-key", "refused", "facts_unsigned"),
    ]
    assert made[2] == Verdict("house-1", "refused", "critical")


async def test_a_zone_that_is_none_is_no_office_hour_and_stops_nobody(
    signer: SignerProcess, town: Town, as_api: Connection
) -> None:
    field = Field(signer, town, await town.add(1))
    is_none = "UPDATE tenant SET zone = 'Mars/Olympus' WHERE tenant_id = $1"
    with pytest.raises(asyncpg.CheckViolationError, match="Mars/Olympus"):
        await town.owner.execute(is_none, town.tenant_id)
    await town.owner.execute(
        "ALTER TABLE tenant DISABLE TRIGGER zone_known"
    )  # as a database of before that was held to
    await town.owner.execute(is_none, town.tenant_id)
    requests = [
        field.request(town.meters[0], "zone-1-key"),
        field.request(town.meters[0], "zone-2-key", Kind.TOP_UP, amount=100),
    ]
    try:
        assert await alone(signer, town, *requests) == ["needs_approval out_of_hours", "authorised"]
    finally:  # the pipeline of other tests reads all tenants
        await town.owner.execute("UPDATE tenant SET zone = 'Asia/Shanghai' WHERE tenant_id = $1", town.tenant_id)
        await town.owner.execute("ALTER TABLE tenant ENABLE TRIGGER zone_known")


async def test_looks_at_a_registry_hold_up_no_top_up(signer: SignerProcess, town: Town) -> None:
    """An operator who asks for all differences again and again takes no room from those who sign."""
    field = Field(signer, town, await town.add(5))
    looks = [asyncio.ensure_future(signer.client.facts(town.tenant_id)) for _ in range(300)]
    await asyncio.sleep(0)
    for meter in town.meters:
        assert await alone(signer, town, field.request(meter, f"beside-{meter}", Kind.TOP_UP, amount=100)) == [
            "authorised"
        ]
    said = await asyncio.gather(*looks, return_exceptions=True)
    refused = [one.code for one in said if isinstance(one, SignerRefusedError)]
    assert set(refused) == {"facts_busy"} and 4 <= len(said) - len(refused) < 300


async def test_an_import_of_ten_thousand_is_one_act(signer: SignerProcess, town: Town) -> None:
    await one_act(signer, town, meters=10_000)


@pytest.mark.usefixtures("takes_minutes")
async def test_an_import_of_a_hundred_thousand_is_one_act(signer: SignerProcess, town: Town) -> None:
    await one_act(signer, town, meters=100_000)


async def one_act(signer: SignerProcess, town: Town, *, meters: int) -> None:
    town.on_change = None
    await town.fill(meters)
    seen = await signer.client.facts(town.tenant_id, new_only=True)
    assert (seen.count, seen.needs_two, len(seen.changes)) == (meters, True, 500)
    signed = await signer.client.sign_facts(town.tenant_id, seen.list_hash, "import", ANN, BEN, new_only=True)
    assert signed == meters
    assert (await signer.client.facts(town.tenant_id)).count == 0
    await town.empty()
    gone = await signer.client.facts(town.tenant_id)
    assert (gone.count, gone.needs_two, set(gone.by_fact)) == (meters, True, {"missing"})


async def test_meters_that_nobody_signed_raise_no_quota(signer: SignerProcess, town: Town) -> None:
    """A thousandth of 50,060 would be 50 an hour."""
    field = Field(signer, town, await town.add(60))
    town.on_change = None
    await town.fill(50_000)
    await signer.kill()  # it counts the registry once a minute
    await signer.start()
    requests = [field.request(meter, f"share-{meter}") for meter in town.meters]
    await signer.client.authorise(town.tenant_id, requests, ANN)
    verdicts = await signer.client.approve(town.tenant_id, [request.unique_key for request in requests], BEN)
    assert states(verdicts) == {"authorised": 20, "quarantined": 40}
    await town.empty()


async def test_who_is_dismissed_or_loses_a_right_has_given_nothing_that_is_not_signed_yet(
    signer: SignerProcess, town: Town
) -> None:
    field = Field(signer, town, await town.add(4))
    resets = [field.request(meter, f"reset-{meter}", Kind.FACTORY_RESET) for meter in town.meters[:2]]
    paying = field.request(town.meters[2], "paying-1", Kind.TOP_UP, amount=100)
    critical = field.request(town.meters[3], "agreed-1", Kind.SAFETY_CLOSE, reason=2, evidence="fire in the kitchen")
    await signer.client.authorise(town.tenant_id, [*resets, paying, critical], ANN)
    await signer.client.approve(town.tenant_id, [critical.unique_key], BEN)
    (first,) = await signer.client.sign([to_sign(town.tenant_id, resets[0], 1)])
    assert isinstance(first, SignedFrame)
    signer.enrol(town.tenant_id, ANN.login, ANN.password)  # no administrator any more
    signer.enrol(town.tenant_id, BEN.login, BEN.password)  # no approver
    wanted = [to_sign(town.tenant_id, request, 1) for request in (*resets, paying, critical)]
    made = await signer.client.sign(wanted)
    assert made[0] == first  # it went out: the meter may have done it, and only it can say
    assert made[1] == Verdict(resets[1].unique_key, "refused", "person_withdrawn")
    assert isinstance(made[2], SignedFrame)
    assert made[3] == Verdict("agreed-1", "refused", "person_withdrawn")


async def test_the_bounds_of_meter_and_driver_are_asked_by_the_signer_itself(
    signer: SignerProcess, town: Town, as_api: Connection
) -> None:
    await town.owner.execute("UPDATE product SET qmax_l_h = 10, dial = 0 WHERE tenant_id = $1", town.tenant_id)
    (meter,) = await town.add(1)
    field = Field(signer, town, town.meters)
    most = 10 * YEAR_H
    volume = {"balance_kind": 1}
    requests = [
        field.request(meter, "volume-1", Kind.TOP_UP, amount=most, **volume),
        field.request(meter, "volume-2", Kind.TOP_UP, amount=most + 1, **volume),
        field.request(meter, "volume-3", Kind.TOP_UP, amount=0, **volume),
    ]
    await as_api.execute("UPDATE product SET qmax_l_h = 1000000")  # the smaller of both bounds holds
    assert await alone(signer, town, *requests) == ["authorised", "refused beyond_meter", "refused wrong_parameters"]

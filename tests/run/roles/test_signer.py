# SPDX-License-Identifier: Apache-2.0
"""Attack drills against a real signer process (R13.4): stolen operators, a taken-over API, recorded commands, a pulled plug."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from openmains.app.command.signer.keys import command_key, mac_of
from openmains.app.command.signing_ports import (
    Credential,
    SignedFrame,
    SignerAwayError,
    SignerRefusedError,
    SignRequest,
    ToSign,
    Verdict,
)
from openmains.domain.command.kinds import Kind
from openmains.domain.period import DAY_S, HOUR_S
from openmains.edges.postgres.db import API_ROLE, connect
from openmains.run.cli import main
from openmains.run.engines.engines import Engines
from tests.run.roles.conftest import signs
from tests.support.command_meter import ModelMeter, PlainCommands
from tests.support.command_town import Town, make_town
from tests.support.signer_process import WEDNESDAY_TEN, SignerProcess

ANN, BEN = Credential("ann", "ann's own long words"), Credential("ben", "ben's own long words")


@pytest.fixture
async def town(engines: Engines, signer: SignerProcess) -> AsyncIterator[Town]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    made = await make_town(owner, areas=20)
    signer.enrol(made.tenant_id, ANN.login, ANN.password)
    signer.enrol(made.tenant_id, BEN.login, BEN.password, "approver")
    signer.set_clock(WEDNESDAY_TEN)
    await signs(signer, made)
    yield made
    await owner.close()


class Field:
    """The meters of a town with their keys, and somebody who sends them whatever the signer gives."""

    def __init__(self, signer: SignerProcess, town: Town, meters: list[int]) -> None:
        self.signer, self.town = signer, town
        master = signer.master()
        self.meters = {meter_id: ModelMeter(mac_of(command_key(master, meter_id))) for meter_id in meters}
        self.frames: list[tuple[int, bytes]] = []
        self._serial = 0

    def request(self, meter_id: int, key: str, kind: Kind = Kind.VALVE_CLOSE, **params: Any) -> SignRequest:
        return SignRequest(key, meter_id, kind, params, WEDNESDAY_TEN + DAY_S)

    async def close_all(self, requests: list[SignRequest]) -> int:
        """SignerRequest for every frame, send it; how many valves are closed in the end."""
        wanted = []
        for request in requests:
            self._serial += 1
            wanted.append(to_sign(self.town.tenant_id, request, self._serial))
        for request, made in zip(requests, await self.signer.client.sign(wanted), strict=True):
            if isinstance(made, SignedFrame):
                self.frames.append((request.meter_id, made.frame))
                self.meters[request.meter_id].receive(made.frame, self.signer.now)
        return sum(not meter.open for meter in self.meters.values())


def to_sign(tenant_id: int, request: SignRequest, serial: int) -> ToSign:
    """The frame of a request."""
    return ToSign(tenant_id, request, serial)


def states(verdicts: list[Verdict]) -> dict[str, int]:
    found: dict[str, int] = {}
    for verdict in verdicts:
        found[verdict.state] = found.get(verdict.state, 0) + 1
    return found


async def test_one_stolen_operator_closes_no_more_than_twenty_valves(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(400))
    requests = [field.request(meter_id, f"steal-{meter_id}") for meter_id in field.meters]
    for start in range(0, len(requests), 20):  # small requests, so that none needs a second person
        await signer.client.authorise(town.tenant_id, requests[start : start + 20], ANN)
    whole = [field.request(meter_id, f"steal-all-{meter_id}") for meter_id in field.meters]
    assert states(await signer.client.authorise(town.tenant_id, whole, ANN)) == {"needs_approval": 400}
    with pytest.raises(SignerRefusedError, match="not_an_approver"):
        await signer.client.approve(town.tenant_id, [request.unique_key for request in whole], ANN)
    assert await field.close_all(requests + whole) == 20


async def test_a_small_utility_is_closed_to_one_in_a_thousand_and_a_zone_to_five_percent(
    signer: SignerProcess, town: Town
) -> None:
    field = Field(signer, town, await town.add(1000))
    requests = [field.request(meter_id, f"few-{meter_id}") for meter_id in field.meters]
    await signer.client.authorise(town.tenant_id, requests, ANN)
    verdicts = await signer.client.approve(town.tenant_id, [request.unique_key for request in requests], BEN)
    assert states(verdicts)["authorised"] == 20
    assert {verdict.reason for verdict in verdicts if verdict.state == "quarantined"} == {"quota_utility"}


async def test_a_taken_over_api_closes_none(signer: SignerProcess, town: Town, engines: Engines) -> None:
    """It has the API's database role and the signer's socket, and neither a password of anybody nor the key."""
    field = Field(signer, town, await town.add(60))
    requests = [field.request(meter_id, f"api-{meter_id}") for meter_id in field.meters]
    keys = [request.unique_key for request in requests]
    for person in (Credential("ann", "guess one two three"), Credential("root", "x"), Credential("", "")):
        with pytest.raises(SignerRefusedError):
            await signer.client.authorise(town.tenant_id, requests, person)
        with pytest.raises(SignerRefusedError):
            await signer.client.approve(town.tenant_id, keys, person)
    assert states(await signer.client.verdicts(town.tenant_id, keys)) == {"unknown": 60}
    assert await field.close_all(requests) == 0
    # what an operator authorised for one meter cannot be used for another, nor for longer, nor for something else
    (first, second, *_) = requests
    await signer.client.authorise(town.tenant_id, [field.request(first.meter_id, "api-open", Kind.VALVE_OPEN)], ANN)
    for meter_id, kind, after in (
        (first.meter_id, "valve_close", first.not_after),
        (second.meter_id, "valve_open", first.not_after),
        (first.meter_id, "valve_open", first.not_after + HOUR_S),
    ):
        (made,) = await signer.client.sign(
            [to_sign(town.tenant_id, SignRequest("api-open", meter_id, kind, {}, after), 5)]
        )
        assert isinstance(made, Verdict) and made.reason == "not_what_was_authorised"
    # and a frame it makes up itself is refused by the meter
    frame = PlainCommands().command(
        "valve_close", {}, serial=99, counter=10**6, not_after=signer.now + DAY_S, mac=mac_of(command_key(bytes(32), 1))
    )
    assert field.meters[first.meter_id].receive(frame, signer.now) == (99, 4)
    # nor can it make itself an approver, or unsay what the signer reads, where the database would let it
    connection = await connect(engines.urls.postgres_api, role=API_ROLE)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SET ROLE openmains_signer")
    finally:
        await connection.close()


async def test_guessing_locks(signer: SignerProcess, town: Town) -> None:
    for _ in range(5):
        with pytest.raises(SignerRefusedError, match="wrong_password"):
            await signer.client.approve(town.tenant_id, [], Credential("ben", "no"))
    with pytest.raises(SignerRefusedError, match="locked"):
        await signer.client.approve(town.tenant_id, [], BEN)
    signer.set_clock(WEDNESDAY_TEN + 61)
    assert await signer.client.approve(town.tenant_id, [], BEN) == []


async def test_recorded_commands_replayed_do_nothing(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(40))
    for round_no, kind in enumerate((Kind.VALVE_CLOSE, Kind.VALVE_OPEN, Kind.TOP_UP)):
        params = {"amount": 100} if kind is Kind.TOP_UP else {}
        requests = [
            field.request(meter, f"rec-{round_no}-{meter}", kind, **params) for meter in list(field.meters)[:20]
        ]
        verdicts = await signer.client.authorise(town.tenant_id, requests, ANN)
        assert states(verdicts) == {"authorised": 20}
        await field.close_all(requests)
    before = {meter_id: len(meter.applied) for meter_id, meter in field.meters.items()}
    assert sum(before.values()) == len(field.frames) == 60
    chance = random.Random(5)  # noqa: S311 - a drill that can be repeated
    everybody = list(field.meters)
    for _ in range(100_000):
        owner, frame = chance.choice(field.frames)
        if chance.random() < 0.3:  # changed on the way
            place = chance.randrange(len(frame))
            frame = frame[:place] + bytes([frame[place] ^ (1 << chance.randrange(8))]) + frame[place + 1 :]
        target = owner if chance.random() < 0.7 else chance.choice(everybody)
        try:
            field.meters[target].receive(frame, signer.now + chance.randrange(3 * DAY_S))
        except (ValueError, TypeError, KeyError):
            continue  # the model meter reads a changed frame as little as a real one would
    assert {meter_id: len(meter.applied) for meter_id, meter in field.meters.items()} == before
    assert all(meter.open for meter in field.meters.values())
    assert sum(meter.balance for meter in field.meters.values()) == 20 * 100


async def test_who_is_never_closed_whatever_the_caller_says(signer: SignerProcess, town: Town) -> None:
    (protected,) = await town.add(1, protected=True)
    (paid,) = await town.add(1, balance=1)
    (unknown,) = await town.add(1, balance=None, prepaid=True)
    (critical,) = await town.add(1, critical=True)
    (plain,) = await town.add(1)
    field = Field(signer, town, town.meters)
    requests = [field.request(meter, f"who-{meter}") for meter in (protected, paid, unknown, critical, plain)]
    verdicts = await signer.client.authorise(town.tenant_id, requests, ANN)
    assert [(verdict.state, verdict.reason) for verdict in verdicts] == [
        ("refused", "protected"), ("refused", "has_credit"), ("refused", "unknown_credit"),
        ("needs_approval", "critical"), ("authorised", ""),
    ]  # fmt: skip
    # who pays before the frame is made is not closed
    await town.owner.execute("UPDATE meter_state SET balance = 500 WHERE meter_id = $1", plain)
    assert await field.close_all(requests) == 0
    foreign = await make_town(town.owner)
    (other,) = await foreign.add(1)
    (verdict,) = await signer.client.authorise(town.tenant_id, [field.request(other, "foreign-1")], ANN)
    assert (verdict.state, verdict.reason) == ("refused", "unknown_meter")


async def test_out_of_hours_needs_a_second_person(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(1))
    signer.set_clock(WEDNESDAY_TEN + 10 * HOUR_S)
    request = field.request(town.meters[0], "night-shift-1")
    (verdict,) = await signer.client.authorise(town.tenant_id, [request], ANN)
    assert (verdict.state, verdict.reason) == ("needs_approval", "out_of_hours")
    assert await field.close_all([request]) == 0
    await signer.client.approve(town.tenant_id, [request.unique_key], BEN)
    assert await field.close_all([request]) == 1


async def test_the_same_key_gives_the_same_frame_also_after_a_kill(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(1))
    meter_id, tenant = town.meters[0], town.tenant_id
    frames, counters = [], []
    chance = random.Random(9)  # noqa: S311 - a drill that can be repeated
    for number in range(6):
        request = field.request(meter_id, f"pay-{number}-key", Kind.TOP_UP, amount=100 + number)
        wanted = [to_sign(tenant, request, number + 1)]
        await signer.client.authorise(tenant, [request], ANN)
        asking = [asyncio.ensure_future(signer.client.sign(wanted)) for _ in range(3)]
        await asyncio.sleep(chance.random() * 0.004)
        await signer.kill()  # with requests under way
        await asyncio.gather(*asking, return_exceptions=True)
        await signer.start()
        made = [(await signer.client.sign(wanted))[0] for _ in range(2)]
        given = {item.frame for item in made if isinstance(item, SignedFrame)} | {
            item.frame
            for task in asking
            if task.exception() is None
            for item in task.result()
            if isinstance(item, SignedFrame)
        }
        assert len(given) == 1
        frames.append(given.pop())
        assert isinstance(made[0], SignedFrame)
        counters.append(made[0].counter)
        for _ in range(3):
            field.meters[meter_id].receive(frames[-1], signer.now)
    assert counters == sorted(set(counters))
    assert field.meters[meter_id].balance == sum(100 + number for number in range(6))
    with pytest.raises(SignerRefusedError, match="key_used"):
        await signer.client.authorise(tenant, [field.request(meter_id, "pay-1-key", Kind.TOP_UP, amount=999)], ANN)


async def test_an_older_ledger_goes_on_above_what_the_meter_has_seen(
    signer: SignerProcess, town: Town, tmp_path: Path
) -> None:
    field = Field(signer, town, await town.add(1))
    tenant, meter_id = town.tenant_id, town.meters[0]

    async def top_up(number: int) -> bytes:
        request = field.request(meter_id, f"restore-{number}", Kind.TOP_UP, amount=100)
        await signer.client.authorise(tenant, [request], ANN)
        (made,) = await signer.client.sign([to_sign(tenant, request, number)])
        assert isinstance(made, SignedFrame)
        return made.frame

    meter = field.meters[meter_id]
    assert meter.receive(await top_up(1), signer.now) == (1, 0)
    await signer.kill()
    copy = tmp_path / "then"
    shutil.copytree(signer.settings.signer_home, copy)
    await signer.start()
    for number in (2, 3):
        assert meter.receive(await top_up(number), signer.now) == (number, 0)
    await signer.kill()
    shutil.rmtree(signer.settings.signer_home)
    shutil.copytree(copy, signer.settings.signer_home)
    signer.set_clock(signer.now + 3600)
    await signer.start()
    assert meter.receive(await top_up(4), signer.now) == (4, 0)


async def test_the_stop_from_the_command_line_needs_no_database(signer: SignerProcess, town: Town) -> None:
    field = Field(signer, town, await town.add(2))
    requests = [field.request(meter, f"stop-{meter}-x") for meter in town.meters]
    await signer.client.authorise(town.tenant_id, requests[:1], ANN)
    assert main(["--var", str(signer.var), "stop-commands"]) == 0
    try:
        assert states(await signer.client.authorise(town.tenant_id, requests, ANN)) == {"stopped": 2}
        assert await field.close_all(requests) == 0
    finally:
        assert main(["--var", str(signer.var), "stop-commands", "--resume"]) == 0
    assert await field.close_all(requests[:1]) == 1
    signer.switch.stop(town.tenant_id, "ann")  # the console's: this tenant only
    with pytest.raises(SignerRefusedError, match="not_an_approver"):
        await signer.client.resume(town.tenant_id, ANN)
    assert signer.switch.stopped(town.tenant_id)
    await signer.client.resume(town.tenant_id, BEN)
    assert not signer.switch.stopped(town.tenant_id)


async def test_a_dead_signer_signs_nothing_and_says_so(signer: SignerProcess, town: Town) -> None:
    await signer.kill()
    with pytest.raises(SignerAwayError):
        await signer.client.verdicts(town.tenant_id, ["anything-1"])
    await signer.start()
    assert states(await signer.client.verdicts(town.tenant_id, ["anything-1"])) == {"unknown": 1}


def test_key_and_ledger_are_for_the_signer_alone(signer: SignerProcess) -> None:
    home: Path = signer.settings.signer_home
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in home.iterdir()} == {0}


async def test_one_question_signs_many_and_a_repeat_of_it_gives_the_same(signer: SignerProcess, town: Town) -> None:
    """In order, each for itself: a refusal between them holds nobody up, and one sync covers all."""
    field = Field(signer, town, await town.add(21))
    requests = [field.request(meter_id, f"many-{meter_id}", Kind.TOP_UP, amount=100) for meter_id in field.meters]
    await signer.client.authorise(town.tenant_id, requests[:20], ANN)
    order = [*requests[:10], requests[20], *requests[10:20], requests[0]]
    wanted = [to_sign(town.tenant_id, request, 1) for request in order]
    first = await signer.client.sign(wanted)
    assert first[10] == Verdict(requests[20].unique_key, "unknown")
    assert sum(isinstance(item, SignedFrame) for item in first) == 21 and first[0] == first[21]
    assert [item.unique_key for item in first] == [request.unique_key for request in order]
    await signer.kill()
    await signer.start()
    assert await signer.client.sign(wanted) == first
    for item, request in zip(first, order, strict=True):
        if isinstance(item, SignedFrame):
            field.meters[request.meter_id].receive(item.frame, signer.now)
    assert [meter.balance for meter in field.meters.values()] == [100] * 20 + [0]


async def test_two_stolen_people_close_no_more_than_a_thousandth(signer: SignerProcess, town: Town) -> None:
    await two_stolen(signer, town, meters=25_000, most=25)


@pytest.mark.usefixtures(
    "takes_minutes"
)  # the last drill: what a utility of this size leaves in the ledger is read at each opening
async def test_two_stolen_people_close_no_more_than_five_hundred(signer: SignerProcess, town: Town) -> None:
    """Of a large utility 0.1 % an hour would be more."""
    await two_stolen(signer, town, meters=600_000, most=500)


async def two_stolen(signer: SignerProcess, town: Town, *, meters: int, most: int) -> None:
    await town.fill(meters)
    field = Field(signer, town, await town.add(3 * most))
    await signer.kill()  # it counts the registry once a minute: start it anew rather than wait
    await signer.start()
    requests = [field.request(meter_id, f"pair-{meter_id}") for meter_id in field.meters]
    keys = [request.unique_key for request in requests]
    await signer.client.authorise(town.tenant_id, requests, ANN)
    verdicts = await signer.client.approve(town.tenant_id, keys, BEN)
    assert states(verdicts) == {"authorised": most, "quarantined": 2 * most}
    again = await signer.client.approve(town.tenant_id, keys, BEN)
    assert states(again) == {"authorised": most, "quarantined": 2 * most}
    await signer.client.authorise(town.tenant_id, requests, BEN)
    with pytest.raises(SignerRefusedError, match="own_request"):
        own = [field.request(meter_id, f"own-{meter_id}") for meter_id in list(field.meters)[:30]]
        await signer.client.authorise(town.tenant_id, own, BEN)
        await signer.client.approve(town.tenant_id, [request.unique_key for request in own], BEN)
    assert await field.close_all(requests) == most
    await town.empty()

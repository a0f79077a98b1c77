# SPDX-License-Identifier: Apache-2.0
"""Operations on a meter's objects, as an API caller meets them; what the edge answers is the test's word here."""

import secrets
from collections.abc import AsyncIterator

import pytest

from openmains.app.command.device_management.messages import Answer, Kind, OperationRequest, Outcome, Value
from openmains.domain.fleet.identifiers import imei_of
from tests.edges.http.world import World, new_meter

HEARD_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


class Edges:
    """All edges: ``answer`` to whatever is asked; ``asked``: what was."""

    def __init__(self) -> None:
        self.asked: list[OperationRequest] = []
        self.answer: Answer | OSError = Answer(Outcome.NOT_HERE)

    async def ask(self, ask: OperationRequest) -> Answer:
        self.asked.append(ask)
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
async def edges(world: World) -> AsyncIterator[Edges]:
    made = Edges()
    world.deps.meter_link = made
    yield made
    world.deps.meter_link = None


@pytest.fixture
async def meter_id(world: World) -> int:
    imei = f"{imei_of(35 * 10**12 + secrets.randbelow(10**12)):015d}"
    async with world.client(world.a.token) as client:
        made = await client.post("/meters", json=new_meter(world.a, imei=imei))
        assert made.status_code == 201, made.text
        return int(made.json()["meter_id"])


async def test_a_value_keeps_all_its_digits_on_the_way(world: World, edges: Edges, meter_id: int) -> None:
    edges.answer = Answer(
        Outcome.ANSWERED, 1, HEARD_US, True, 0x45, 112,
        [Value((3424, 0, 1), "float", "12345678901234567.125", at_s=HEARD_US / 1e6)],
    )  # fmt: skip
    async with world.client(world.a.token) as client:
        said = (
            await client.post(f"/meters/{meter_id}/operations", json={"operation": "read", "path": "/3424/0/1"})
        ).json()
    (value,) = said["values"]
    assert (said["ok"], said["code"], value["value"], value["path"]) == (
        True,
        "2.05",
        "12345678901234567.125",
        "/3424/0/1",
    )
    assert value["at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Outcome.ASLEEP, 409, "meter-asleep"),
        (Outcome.NO_ANSWER, 504, "meter-no-answer"),
        (Outcome.NOT_HERE, 409, "meter-not-connected"),
        (Outcome.UNREGISTERED, 409, "meter-not-registered"),
        (Outcome.HELD, 409, "terminal-held"),
        (Outcome.NOT_SENT, 409, "operation-not-sent"),
        (Outcome.SIGNED_ONLY, 403, "signed-command-only"),
    ],
)
async def test_what_does_not_work_is_said_and_why(
    world: World, edges: Edges, meter_id: int, outcome: Outcome, status: int, code: str
) -> None:
    edges.answer = Answer(outcome, 1, HEARD_US, why="not a number")
    for language in ("zh", "en"):
        async with world.client(world.a.token, language) as client:
            said = await client.post(f"/meters/{meter_id}/operations", json={"operation": "read", "path": "/3/0/9"})
        assert (said.status_code, said.json()["type"].split("/")[-1]) == (status, code)
        assert "{" not in said.json()["detail"]
        if outcome in (Outcome.ASLEEP, Outcome.NO_ANSWER):
            assert "2026-01-01T00:00:00" in said.json()["detail"]


async def test_edges_that_are_away_are_a_store_that_is_away(world: World, edges: Edges, meter_id: int) -> None:
    edges.answer = OSError("no connection")
    async with world.client(world.a.token) as client:
        said = await client.get(f"/meters/{meter_id}/objects")
    assert said.status_code == 503


async def test_what_is_refused_never_reaches_an_edge(world: World, edges: Edges, meter_id: int) -> None:
    async with world.client(world.a.token) as client:
        for operation, path, status in (
            ("write", "/26241/0/1", 403), ("execute", "/3/0/5", 403), ("read", "/0/1", 403), ("write", "/31000/0/1", 400),
            ("write", "/3/0/9", 400), ("execute", "/3/0/13", 400), ("write", "/3/0", 400), ("read", "/3/0/9/", 400),
            ("read", "/99999", 400),
        ):  # fmt: skip
            said = await client.post(f"/meters/{meter_id}/operations", json={"operation": operation, "path": path})
            assert said.status_code == status, (operation, path, said.text)
    assert edges.asked == []


async def test_a_viewer_sees_what_is_registered_and_operates_nothing(world: World, edges: Edges, meter_id: int) -> None:
    async with world.client(await world.user(world.a, "viewer")) as client:
        assert (await client.get("/lwm2m/objects")).is_success
        assert (await client.get(f"/meters/{meter_id}/objects")).json()["type"].endswith("/meter-not-connected")
        refused = await client.post(f"/meters/{meter_id}/operations", json={"operation": "read", "path": "/3/0/9"})
    assert refused.status_code == 403
    assert [ask.kind for ask in edges.asked] == [Kind.REGISTERED]


async def test_another_utilitys_meter_is_not_there(world: World, edges: Edges, meter_id: int) -> None:
    async with world.client(world.b.token) as client:
        said = await client.post(f"/meters/{meter_id}/operations", json={"operation": "read", "path": "/3/0/9"})
    assert said.status_code == 404
    assert edges.asked == []


async def test_an_operation_is_in_the_audit_trail_though_its_answer_is_lost(
    world: World, edges: Edges, meter_id: int
) -> None:
    edges.answer = Answer(Outcome.NO_ANSWER)
    async with world.client(world.a.token) as client:
        body = {"operation": "write", "path": "/3/0/14", "value": "+08:00"}
        unsaid = await client.post(f"/meters/{meter_id}/operations", json=body)
        assert unsaid.json()["type"].endswith("/reason-needed") and edges.asked == []
        said = await client.post(f"/meters/{meter_id}/operations", json={**body, "reason": "winter time"})
        assert said.status_code == 504
        (entry,) = (await client.get("/audit?limit=1")).json()["items"]
    assert (entry["action"], entry["after"], entry["reason"]) == ("operate_meter", body, "winter time")


async def test_the_definitions_say_what_may_be_changed_here(world: World) -> None:
    async with world.client(world.a.token) as client:
        found = {one["object_id"]: one for one in (await client.get("/lwm2m/objects")).json()}
    device = {one["resource_id"]: one for one in found[3]["resources"]}
    assert [device[number]["changeable"] for number in (4, 5, 9, 12, 13)] == [False, False, False, True, False]
    assert not any(one["changeable"] for one in found[26241]["resources"])
    assert all(one["title_zh"] and one["title_en"] for one in device.values())

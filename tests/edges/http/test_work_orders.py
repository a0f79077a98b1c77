# SPDX-License-Identifier: Apache-2.0
"""Work orders over real engines: from an alarm to the meter mended, each act once for its key; visits, hazards, plans; late ones are told."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from openmains.app.work_order.plans import make_due, tell_of_overdue
from openmains.domain.ids import TenantId
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.postgres.work_order.inspections import PostgresOrderWork
from tests.edges.http.test_meter_lives import HUNG, WHY
from tests.edges.http.test_meter_lives import Town as LifeTown
from tests.edges.http.test_meter_lives import town as life_town
from tests.edges.http.world import Utility, World

__all__ = ["life_town"]  # a fixture

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 40 + b"\xff\xd9"
VALVE = {"valve_moves": True, "cause": "dirt", "site_safe": True}
DAY_US = 86_400_000_000


class Town:
    """A utility with a dispatcher, a technician and another one."""

    def __init__(self, world: World, utility: Utility, clients: list[httpx.AsyncClient], ids: list[int]) -> None:
        self.world, self.utility = world, utility
        self.boss, self.ann, self.ben = clients
        self.ann_id, self.ben_id = ids

    async def act(self, who: httpx.AsyncClient, order: int, step: str, status: int = 200, **given: Any) -> Any:
        body = {"key": secrets.token_hex(8), "step": step} | given
        answer = await who.post(f"/work-orders/{order}/acts", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def make(self, status: int = 201, **given: Any) -> Any:
        body = {"key": secrets.token_hex(8), "kind": "valve"} | given
        answer = await self.boss.post("/work-orders", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def working(self, **given: Any) -> int:
        order = (await self.make(**given))["order_id"]
        await self.act(self.boss, order, "assign", assignee_id=self.ann_id, reason="she is near")
        await self.act(self.ann, order, "accept")
        await self.act(self.ann, order, "start")
        return int(order)

    async def photo(self, order: int, content: bytes = JPEG, status: int = 200, **given: Any) -> Any:
        params = {"key": secrets.token_hex(8)} | given
        answer = await self.ann.post(f"/work-orders/{order}/photos", params=params, files={"data": ("a.svg", content)})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def alarm(self, event: str = "valve_fault") -> int:
        at = self.world.deps.now_us() - 5_000_000
        found = await self.world.owner.fetchval(
            "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
            " VALUES ($1, $2, $3, 'major', 1, $4, $4, $4) RETURNING alarm_id",
            self.utility.tenant_id,
            self.utility.ids["meter_id"],
            event,
            at,
        )
        return int(found)

    async def state_of(self, alarm: int) -> str:
        return str((await self.boss.get(f"/alarms/{alarm}")).json()["state"])


def code(answer: Any) -> str:
    return str(answer["type"]).rsplit("/", 1)[-1]


def faults(answer: Any) -> list[str]:
    return [one["pointer"] for one in answer["errors"]]


@pytest.fixture
async def town(world: World) -> AsyncIterator[Town]:
    utility = await world.utility()
    logins = [f"{name}{secrets.token_hex(3)}" for name in ("ann", "ben")]
    tokens = [utility.token, *[await world.user(utility, "operator", login) for login in logins]]
    rows = [await world.owner.fetchval("SELECT user_id FROM app_user WHERE login = $1", login) for login in logins]
    clients = [world.client(token) for token in tokens]
    made = Town(world, utility, clients, rows)
    for user_id, skills in zip(rows, (["gas"], []), strict=True):
        answer = await made.boss.put(
            f"/technicians/{user_id}", json={"skills": skills, "area_ids": [utility.ids["area_id"]]}
        )
        assert answer.status_code == 200, answer.text
    yield made
    for client in clients:
        await client.aclose()


async def test_an_alarm_becomes_an_order_and_ends_with_it(town: Town) -> None:
    alarm = await town.alarm()
    body = {"key": "phone-0001", "kind": "valve", "source": "alarm", "alarm_id": alarm}
    first = await town.boss.post("/work-orders", json=body)
    again = await town.boss.post("/work-orders", json=body)
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    order = first.json()["order_id"]
    assert (first.json()["meter_id"], first.json()["severity"]) == (town.utility.ids["meter_id"], "major")
    assert await town.state_of(alarm) == "dispatched"
    assert code(await town.make(409, source="alarm", alarm_id=alarm)) == "order-open"
    changed = await town.boss.post("/work-orders", json=body | {"what": "x"})
    assert code(changed.json()) == "order-key-used"

    assert code(await town.act(town.boss, order, "start", 409)) == "order-step"
    await town.act(town.boss, order, "assign", assignee_id=town.ann_id)
    inbox = (await town.ann.post("/inbox", json={})).json()
    assert inbox["items"][0]["kind"] == "order" and str(order) in inbox["items"][0]["subject"]
    assert code(await town.act(town.ben, order, "accept", 409)) == "order-not-yours"
    accept = {"key": "phone-0002", "step": "accept", "at": datetime.now(UTC).isoformat()}
    answers = await asyncio.gather(*[town.ann.post(f"/work-orders/{order}/acts", json=accept) for _ in range(4)])
    assert [answer.status_code for answer in answers] == [200] * 4
    await town.act(town.ann, order, "start")
    told = await town.act(town.ann, order, "finish", 400, outcome="mended")
    assert faults(told) == ["/answers/valve_moves", "/answers/cause", "/answers/site_safe"]
    part = {"name": "阀芯 valve core", "quantity_milli": 1500, "fen": 1000}
    done = await town.act(town.ann, order, "finish", answers=VALVE, outcome="mended", parts=[part], labour_min=30)
    assert (done["state"], done["cost_fen"]) == ("done", 1500)
    assert await town.state_of(alarm) == "dispatched"  # nobody has looked at it yet
    assert code(await town.act(town.ann, order, "close", 409)) == "order-own"
    await town.act(town.boss, order, "close")
    assert await town.state_of(alarm) == "cleared"
    detail = (await town.boss.get(f"/work-orders/{order}")).json()
    assert [act["step"] for act in detail["acts"]] == ["make", "assign", "accept", "start", "finish", "close"]
    assert (detail["answers"], detail["parts"][0]["cost_fen"], detail["steps"]) == (VALVE, 1500, [])
    trail = (await town.boss.get("/audit", params={"object_type": "work_order"})).json()["items"]
    assert [entry["action"] for entry in trail] == [
        "close_order", "finish_order", "start_order", "accept_order", "assign_order", "make_order",
    ]  # fmt: skip


async def test_what_was_not_mended_leaves_the_alarm_open(town: Town) -> None:
    alarm = await town.alarm()
    order = await town.working(source="alarm", alarm_id=alarm)
    await town.act(town.ann, order, "finish", answers=VALVE, outcome="not_mended", result="no part")
    await town.act(town.boss, order, "close")
    assert await town.state_of(alarm) == "acknowledged"
    order = await town.working(source="alarm", alarm_id=alarm)
    await town.world.owner.execute(
        "UPDATE alarm SET cleared_us = $2 WHERE alarm_id = $1", alarm, town.world.deps.now_us()
    )
    await town.act(town.ann, order, "finish", answers=VALVE, outcome="not_mended", result="it comes back")
    await town.act(town.boss, order, "close")
    assert await town.state_of(alarm) == "reopened"
    third = await town.make(source="alarm", alarm_id=alarm)
    assert code(await town.act(town.boss, third["order_id"], "cancel", 400)) == "reason-needed"
    await town.act(town.boss, third["order_id"], "cancel", reason="made twice")
    assert await town.state_of(alarm) == "acknowledged"


async def test_who_fits_is_offered_and_others_need_a_reason(town: Town) -> None:
    order = (await town.make(kind="leak", meter_id=town.utility.ids["meter_id"]))["order_id"]
    offered = (await town.boss.get(f"/work-orders/{order}/candidates")).json()
    assert [(one["user_id"], one["unfit"]) for one in offered] == [(town.ann_id, []), (town.ben_id, ["skill"])]
    assert code(await town.act(town.boss, order, "assign", 409, assignee_id=town.ben_id)) == "technician-unfit"
    assert (await town.act(town.boss, order, "assign", assignee_id=town.ben_id, reason="Ann is ill"))[
        "assignee_id"
    ] == town.ben_id
    assert faults(await town.act(town.boss, order, "assign", 400, assignee_id=10**9)) == ["/assignee_id"]
    for role, status in (("cashier", 404), ("installer", 200)):  # who goes out may handle orders
        login = f"{role}{secrets.token_hex(3)}"
        await town.world.user(town.utility, role, login)
        user_id = await town.world.owner.fetchval("SELECT user_id FROM app_user WHERE login = $1", login)
        answer = await town.boss.put(f"/technicians/{user_id}", json={"is_on": False})
        assert answer.status_code == status, answer.text
    viewer = town.world.client(await town.world.user(town.utility, "viewer"))
    assert (await viewer.post(f"/work-orders/{order}/acts", json={"key": "abcd", "step": "note"})).status_code == 403
    assert (await viewer.get("/work-orders/counts")).json()["assigned"] == 1
    await viewer.aclose()
    async with town.world.client(town.world.b.token) as stranger:  # another utility
        assert (await stranger.get(f"/work-orders/{order}")).status_code == 404
        assert (
            await stranger.post(f"/work-orders/{order}/acts", json={"key": "abcd", "step": "note"})
        ).status_code == 404
        assert (
            await stranger.post(
                "/work-orders", json={"key": "abcd", "kind": "valve", "meter_id": town.utility.ids["meter_id"]}
            )
        ).status_code == 400


async def test_bad_orders_change_nothing_and_say_what_is_wrong(town: Town) -> None:
    meter = town.utility.ids["meter_id"]
    for given, place in (
        ({"kind": "nonsense", "meter_id": meter}, "/kind"),
        ({}, "/area_id"),
        ({"area_id": 2**31 - 1}, "/area_id"),
        ({"meter_id": 2**40}, "/meter_id"),
        ({"source": "alarm"}, "/alarm_id"),
        ({"source": "alarm", "alarm_id": 2**40}, "/alarm_id"),
        ({"alarm_id": town.utility.ids["alarm_id"]}, "/alarm_id"),
        ({"source": "lost_reading", "area_id": town.utility.ids["area_id"]}, "/meter_id"),
        ({"meter_id": meter, "due_at": "2020-01-01T00:00:00Z"}, "/due_at"),
        ({"meter_id": meter, "due_at": "2026-11-29T10:00:00"}, "/due_at"),
    ):
        assert faults(await town.make(400, **given)) == [place], given
    assert (await town.boss.get("/work-orders")).json()["items"] == []
    body = {"key": "once", "kind": "other", "area_id": town.utility.ids["area_id"]}
    made = await asyncio.gather(*[town.boss.post("/work-orders", json=body) for _ in range(6)])
    assert [one.status_code for one in made] == [201] * 6 and len({one.json()["order_id"] for one in made}) == 1


async def test_pictures_are_what_their_bytes_say(town: Town) -> None:
    order = await town.working(kind="safety_inspection", meter_id=town.utility.ids["meter_id"])
    for broken in (b"<svg/>", JPEG[:-1], b"\xff\xd8\xff" + b"x" * (4 << 20) + b"\xff\xd9"):
        assert faults(await town.photo(order, broken, 400)) == ["/data"]
    assert faults(await town.photo(order, JPEG, 400, purpose="signature")) == ["/note"]
    for _ in range(2):
        await town.photo(order, key="photo-key-1")
    await town.photo(order, purpose="signature", note="Li Si")
    assert code(await town.photo(order, JPEG + b"\0", 409, key="photo-key-1")) == "order-key-used"
    photos = (await town.boss.get(f"/work-orders/{order}")).json()["photos"]
    assert [(one["purpose"], one["media_type"]) for one in photos] == [
        ("photo", "image/jpeg"),
        ("signature", "image/jpeg"),
    ]
    answer = await town.boss.get(f"/work-orders/{order}/photos/{photos[0]['photo_id']}")
    assert (answer.content, answer.headers["content-type"]) == (JPEG, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_inspection_finds_a_hazard_that_is_looked_at_again(town: Town) -> None:
    kinds = {one["code"]: one for one in (await town.boss.get("/work-order-kinds")).json()}
    items = [item["code"] for item in kinds["safety_inspection"]["settings"]["checklist"]]
    order = await town.working(kind="safety_inspection", meter_id=town.utility.ids["meter_id"])
    await town.photo(order)
    await town.photo(order, purpose="signature", note="Li Si")
    answers = {code: code != "hose_sound" for code in items}
    finish = {"answers": answers, "outcome": "not_mended", "signer": "Li Si"}
    assert faults(await town.act(town.ann, order, "finish", 400, **finish)) == ["/answers/hose_sound"]
    hazard = {"key": "haz-1", "grade": "critical", "what": "hose is cracked", "item": "hose_sound"}
    path = f"/work-orders/{order}/hazards"
    assert code((await town.ann.post(path, json=hazard)).json()) == "hazard-not-shut"
    assert faults((await town.ann.post(path, json=hazard | {"item": "none"})).json()) == ["/item"]
    told = [await town.ann.post(path, json=hazard | {"is_shut": True}) for _ in range(2)]
    assert [one.status_code for one in told] == [201, 201] and told[0].json() == told[1].json()
    found = told[0].json()
    await town.act(town.ann, order, "finish", **finish)
    await town.act(town.boss, order, "close")
    notice = await town.boss.get(f"/hazards/{found['hazard_id']}/notice", headers={"Accept-Language": "zh"})
    assert "隐患整改通知书" in notice.text and "软管" in notice.text and "切断气源" in notice.text
    handed = {"means": "refused", "to": "Li Si"}
    for _ in range(2):
        answer = await town.ann.post(f"/hazards/{found['hazard_id']}/notice", json=handed)
        assert (answer.status_code, answer.json()["notice_means"]) == (200, "refused")
    other = await town.ann.post(f"/hazards/{found['hazard_id']}/notice", json=handed | {"to": "Wang"})
    assert code(other.json()) == "hazard-told"

    for removed in (False, True):
        recheck = (await town.boss.get(f"/hazards/{found['hazard_id']}")).json()["recheck_id"]
        await town.act(town.boss, recheck, "assign", assignee_id=town.ann_id)
        await town.act(town.ann, recheck, "accept")
        await town.act(town.ann, recheck, "start")
        await town.photo(recheck)
        outcome = "mended" if removed else "not_mended"
        await town.act(town.ann, recheck, "finish", answers={"hazard_removed": removed}, outcome=outcome)
        await town.act(town.boss, recheck, "close")
        now = (await town.boss.get(f"/hazards/{found['hazard_id']}")).json()
        assert (now["state"], now["recheck_id"] is None) == (("removed", True) if removed else ("open", False))
        assert now["recheck_id"] != recheck


async def homes(town: Town, *numbers: str) -> None:
    """Premises with an account of gas each."""
    for number in numbers:
        place = {"code": number, "area_id": town.utility.ids["area_id"], "address": f"{number} 号"}
        made = (await town.boss.post("/premises", json=place)).json()
        opened = {
            "key": number,
            "number": f"{town.utility.tenant_id}-{number}",
            "premises_id": made["premises_id"],
            "medium": "gas",
        }
        assert (await town.boss.post("/accounts", json=opened)).status_code == 201


async def test_a_plan_makes_orders_of_what_is_due_and_entry_that_was_refused_is_tried_again(town: Town) -> None:
    tenant = town.utility.tenant_id
    await homes(town, "P1", "P2", "P3")
    settings = {
        "name": "北区",
        "area_id": town.utility.ids["area_id"],
        "medium": "gas",
        "months": 12,
        "begins_on": "2026-01-01",
        "a_day": 2,
    }
    assert code((await town.boss.post("/inspection-plans", json={"settings": settings})).json()) == "reason-needed"
    plan = await town.boss.post("/inspection-plans", json={"settings": settings, "reason": "yearly"})
    assert (plan.status_code, plan.json()["accounts"]) == (201, 3)
    again = await town.boss.post("/inspection-plans", json={"settings": settings, "reason": "yearly"})
    assert code(again.json()) == "plan-name-taken"
    store, now = PostgresStore(town.world.pipeline), town.world.deps.now_us()

    async def due(at_us: int) -> int:
        return await make_due(store, TenantId(tenant), "Asia/Shanghai", at_us)

    assert [await due(now), await due(now), await due(now + DAY_US), await due(now + DAY_US)] == [2, 0, 1, 0]
    orders = (await town.boss.get("/work-orders", params={"source": "inspection"})).json()["items"]
    assert {one["address"] for one in orders} == {"P1 号", "P2 号", "P3 号"} and {one["made_by"] for one in orders} == {
        None
    }
    order = orders[0]["order_id"]
    await town.act(town.boss, order, "assign", assignee_id=town.ann_id)
    await town.act(town.ann, order, "accept")
    await town.act(town.ann, order, "start")
    told = await town.act(town.ann, order, "finish", 400, outcome="entry_refused")
    assert faults(told) == ["/result", "/photos"]
    await town.photo(order)
    await town.act(town.ann, order, "finish", outcome="entry_refused", result="door stayed shut, neighbour Wang saw it")
    await town.act(town.boss, order, "close")
    await town.act(town.boss, orders[1]["order_id"], "cancel", reason="the house is being pulled down")
    # who refused and what was called off both come again after the wait, not the next day
    assert [await due(now + 2 * DAY_US), await due(now + 29 * DAY_US), await due(now + 31 * DAY_US)] == [0, 0, 2]
    assert await due(now + 800 * DAY_US) == 0  # the others are open still


async def test_a_plan_of_maintenance_makes_orders_of_its_own_beside_inspections(town: Town) -> None:
    await homes(town, "M1", "M2")
    area = {"area_id": town.utility.ids["area_id"], "medium": "gas", "begins_on": "2026-01-01"}
    for more in ({"name": "look", "months": 12}, {"name": "upkeep", "months": 6, "kind": "maintenance"}):
        made = await town.boss.post("/inspection-plans", json={"settings": area | more, "reason": "yearly"})
        assert made.status_code == 201, made.text
    store, now = PostgresStore(town.world.pipeline), town.world.deps.now_us()
    tenant = TenantId(town.utility.tenant_id)
    assert await make_due(store, tenant, "Asia/Shanghai", now) == 4
    asked = {"source": "inspection", "kind": "maintenance"}
    orders = (await town.boss.get("/work-orders", params=asked)).json()["items"]
    assert {one["address"] for one in orders} == {"M1 号", "M2 号"}
    done = orders[0]["order_id"]
    await town.act(town.boss, done, "assign", assignee_id=town.ann_id)
    for step in ("accept", "start"):
        await town.act(town.ann, done, step)
    await town.act(town.ann, done, "finish", answers={"site_safe": True}, outcome="mended")
    await town.act(town.boss, done, "close")
    for days, made in ((150, 0), (190, 1)):  # due after its own half year
        assert await make_due(store, tenant, "Asia/Shanghai", now + days * DAY_US) == made


async def test_whoever_is_concerned_is_told_once_of_what_is_late(town: Town) -> None:
    order = (await town.make(meter_id=town.utility.ids["meter_id"]))["order_id"]
    await town.act(town.boss, order, "assign", assignee_id=town.ann_id)
    store, care = PostgresStore(town.world.pipeline), PostgresOrderWork(town.world.pipeline)
    now = town.world.deps.now_us()
    await town.world.owner.execute("UPDATE work_order SET due_us = $2 WHERE order_id = $1", order, now - 1)
    assert await tell_of_overdue(store, care, now) >= 1
    assert await tell_of_overdue(store, care, now) == 0
    for who in (town.ann, town.boss):
        kinds = [one["kind"] for one in (await who.post("/inbox", json={})).json()["items"]]
        assert kinds.count("order_overdue") == 1
    late = (await town.boss.get("/work-orders", params={"overdue": True})).json()["items"]
    assert [(one["order_id"], one["overdue"]) for one in late] == [(order, True)]
    assert (await town.boss.get("/work-orders/counts")).json()["overdue"] == 1


async def test_kinds_are_a_utilitys_own_and_run_by_its_calendar(town: Town) -> None:
    shifts = [{"weekdays": [0, 1, 2, 3, 4], "since": 480, "until": 1020, "users": [town.ann_id]}]
    calendar = await town.boss.post(
        "/notice-calendars", params={"reason": "office hours"}, json={"name": "office", "shifts": shifts}
    )
    assert calendar.status_code == 201, calendar.text
    line = {"code": "ok", "title": "好", "title_en": "Fine"}
    settings = {
        "title": "水质", "title_en": "Water quality", "due_min": 540, "checklist": [line], "calendar_id": calendar.json()["calendar_id"],
        "sends_itself": True, "fen_an_hour": 6000,
    }  # fmt: skip
    path = "/work-order-kinds/water_quality"
    assert code((await town.boss.put(path, json={"settings": settings})).json()) == "reason-needed"
    assert faults(
        (await town.boss.put(path, json={"settings": settings | {"calendar_id": 10**9}, "reason": "new"})).json()
    ) == ["/calendar_id"]
    twice = settings | {"checklist": [line, line]}
    assert faults((await town.boss.put(path, json={"settings": twice, "reason": "new"})).json()) == [
        "/checklist/1/code"
    ]
    assert (await town.boss.put(path, json={"settings": settings, "reason": "new"})).status_code == 200
    made = await town.make(kind="water_quality", meter_id=town.utility.ids["meter_id"])
    due = datetime.fromisoformat(made["due_at"])
    assert due.weekday() < 5 and (due - datetime.fromisoformat(made["made_at"])).total_seconds() >= 540 * 60
    assert (made["state"], made["assignee_id"]) == ("assigned", town.ann_id)
    dropped = await town.boss.delete(path, params={"reason": "not needed"})
    assert code(dropped.json()) == "order-kind-used"
    assert (
        await town.boss.put(path, json={"settings": settings | {"is_on": False}, "reason": "off"})
    ).status_code == 200
    assert faults(await town.make(400, kind="water_quality", meter_id=town.utility.ids["meter_id"])) == ["/kind"]


async def test_a_command_mends_only_when_the_meter_confirmed_it(town: Town) -> None:
    meter = town.utility.ids["meter_id"]
    order = (await town.make(kind="communication", meter_id=meter))["order_id"]
    assert faults(await town.act(town.boss, order, "mend", 400, command_id=2**40)) == ["/command_id"]
    now = town.world.deps.now_us()

    async def command(state: str, ended: int) -> int:
        body = {"kind": "read_status", "unique_key": secrets.token_hex(12)}
        given = await town.boss.post(f"/meters/{meter}/commands", json=body)
        assert given.status_code in (200, 201, 202), given.text
        command_id = int(given.json()["command"]["command_id"])
        await town.world.owner.execute(
            "UPDATE command SET state = $2, ended_us = $3 WHERE command_id = $1", command_id, state, ended
        )
        return command_id

    failed = await town.act(town.boss, order, "mend", 409, command_id=await command("failed", now + 1))
    assert code(failed) == "command-not-confirmed"
    earlier = await town.act(town.boss, order, "mend", 409, command_id=await command("confirmed", now - DAY_US))
    assert code(earlier) == "command-not-confirmed"
    confirmed = await command("confirmed", now + DAY_US)
    for kind in ("safety_inspection", "hazard_recheck", "leak", "meter_exchange", "valve"):
        other = (await town.make(kind=kind, meter_id=meter))["order_id"]
        assert code(await town.act(town.boss, other, "mend", 409, command_id=confirmed)) == "order-needs-visit"
    mended = await town.act(town.boss, order, "mend", command_id=confirmed)
    assert (mended["state"], mended["is_remote"], mended["outcome"]) == ("done", True, "mended")
    assert (await town.act(town.ben, order, "close"))["state"] == "closed"


async def test_days_that_nobody_read_stay_missing(town: Town) -> None:
    meter = town.utility.ids["meter_id"]
    await town.world.owner.execute(
        "INSERT INTO reread_gap (meter_id, day, tenant_id, mode, due_s, changed_s, state, visit)"
        " VALUES ($1, '2026-10-01', $2, 'day', 1, 1, 'visit', 'silent')",
        meter, town.utility.tenant_id,
    )  # fmt: skip
    states = []
    for outcome, is_read in (("nothing_found", False), ("mended", False), ("mended", True)):
        order = await town.working(kind="other", source="lost_reading", meter_id=meter)
        if is_read:
            body = {"key": secrets.token_hex(8), "at": datetime.now(UTC).isoformat(), "register_m3": "12.3"}
            read = await town.ann.post(f"/work-orders/{order}/reading", json=body)
            assert read.status_code == 200, read.text
        await town.act(town.ann, order, "finish", answers={"cause": "none"}, outcome=outcome)
        await town.act(town.boss, order, "close")
        if is_read:  # what the ledger has is shown again, another reading is not taken
            assert (await town.ann.post(f"/work-orders/{order}/reading", json=body)).status_code == 200
            late = await town.ann.post(f"/work-orders/{order}/reading", json=body | {"key": "late", "at": "2026-10-02"})
            assert code(late.json()) == "order-not-working"
        states.append(await town.world.owner.fetchval("SELECT state FROM reread_gap WHERE meter_id = $1", meter))
    assert states == ["visit", "visit", "closed"]


async def test_work_is_taken_over_and_steps_come_in_their_order(town: Town) -> None:
    order = await town.working(kind="other", meter_id=town.utility.ids["meter_id"])
    early = (datetime.now(UTC) - timedelta(seconds=3)).isoformat()
    await town.act(town.ann, order, "note", answers={"cause": "rust"}, at=early)
    taken = {"assignee_id": town.ben_id}
    assert code(await town.act(town.boss, order, "assign", 400, **taken)) == "reason-needed"
    given = await town.act(town.boss, order, "assign", **taken, reason="Ann fell ill")
    assert (given["state"], given["assignee_id"]) == ("assigned", town.ben_id)
    assert code(await town.act(town.ann, order, "finish", 409, outcome="mended")) == "order-step"
    await town.act(town.ben, order, "accept")
    hour = timedelta(hours=1)
    await town.world.owner.execute(
        "UPDATE work_order SET made_us = made_us - $2 WHERE order_id = $1", order, 2 * 3600 * 10**6
    )
    told = await town.act(town.ben, order, "start", 400, at=(datetime.now(UTC) - hour).isoformat())
    assert [(one["pointer"], one["code"]) for one in told["errors"]] == [("/at", "before-the-last-act")]
    await town.act(town.ben, order, "start", at=early)  # clocks differ: it is when he accepted
    done = await town.act(town.ben, order, "finish", outcome="mended")
    assert done["done_at"] >= done["started_at"]
    detail = (await town.boss.get(f"/work-orders/{order}")).json()
    assert detail["answers"] == {"cause": "rust"}  # what she noted is kept


async def test_an_exchange_of_the_book_is_shown_though_the_order_went_on(life_town: LifeTown) -> None:
    town = life_town
    old, new = await town.issued(2)
    life = await town.install(old, await town.account(), "100", at=HUNG)
    me = town.utility.ids["user_id"]
    assert (await town.client.put(f"/technicians/{me}", json={})).status_code == 200
    made = await town.post(
        "/work-orders", {"key": "swap-order", "kind": "meter_exchange", "meter_id": life["meter_id"]}, 201
    )
    acts = f"/work-orders/{made['order_id']}/acts"
    for index, given in enumerate(
        ({"step": "assign", "assignee_id": me, "reason": "near"}, {"step": "accept"}, {"step": "start"})
    ):
        await town.post(acts, {"key": f"swap-act-{index}"} | given, 200)
    swap = {
        "key": "swap-1", "old": {"number": old}, "new": {"number": new}, "closing": {"m3": "150", "source": "read"},
        "opening": {"m3": "2", "source": "read"}, "reason": WHY,
    }  # fmt: skip
    booked = await town.post("/installations/exchange", swap, 201)  # and the phone's network broke here
    await town.post(acts, {"key": "swap-act-9", "step": "cancel", "reason": "made twice"}, 200)
    path = f"/work-orders/{made['order_id']}/exchange"
    assert (await town.refused(path, swap | {"key": "swap-2"}))[0] == "order-not-working"
    for _ in range(2):
        assert (await town.post(path, swap, 200))["new_meter_id"] == booked["meter_id"]

# SPDX-License-Identifier: Apache-2.0
"""A rule's whole way over real engines: written with faults named, tried on what is stored, switched on, fired by the pipeline and by the
clock once whatever is killed, its command proposed and given by a person, changed, switched off (R7.2)."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openmains.app.rule.clock import RuleClock
from openmains.app.rule.model import ActiveRule
from openmains.app.work_order.by_rules import make_asked
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.rule.clock import PostgresRuleTimers
from openmains.run.demo.rules import RULES
from tests.edges.http.test_quantities import House, house_of
from tests.edges.http.world import World

HOUR_S = 3600
LOW = {"value": "battery_mv", "below": 3100}
ONE_OF_EACH = [
    {"fires": True, "reported": {"battery_mv": 3099}},
    {"fires": False, "reported": {"battery_mv": 3100}},
]


class Town:
    """A utility with a meter that the pipeline hears, and the clock of rules."""

    def __init__(self, world: World, house: House, pipeline: Pool) -> None:
        self.world, self.house, self.pool = world, house, pipeline
        self.token = world.a.token
        self.clock = RuleClock(PostgresRuleTimers(pipeline))
        self.now_us = world.deps.now_us()

    async def call(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        async with self.world.client(self.token) as client:
            answer = await client.request(method, path, **({"json": body} if body else {}))
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def rule(self, name: str, condition: Any, cases: Any = None, **draft: Any) -> int:
        """A rule that is on, for the house's product."""
        made = await self.draft(condition, cases, **draft)
        rule = await self.call("POST", "/rules", 201, name=f"{name} {self.house.meter_id}", draft=made)
        await self.call("POST", "/rules/trial", **made)
        writer = self.token
        if made.get("command") is not None:
            self.token = await self.world.user(self.world.a, "administrator")
        await self.call("POST", f"/rules/{rule['rule_id']}/switch", is_on=True, reason="tried and found right")
        self.token = writer
        self.house.worker._learned_at = float("-inf")
        return int(rule["rule_id"])

    async def draft(self, condition: Any, cases: Any = None, **more: Any) -> dict[str, Any]:
        found = {"condition": condition, "product_id": self.house.product_id, **more}
        found["cases"] = (await self.call("POST", "/rules/check", **found))["cases"] if cases is None else cases
        return found

    async def alarms(self, rule_id: int) -> list[tuple[int, bool]]:
        rows = await self.world.owner.fetch(
            "SELECT meter_id, cleared_us IS NULL AS open FROM alarm WHERE event = 'rule_fired' AND quantity = $1 ORDER BY alarm_id",
            f"rule.{rule_id}",
        )
        return [(row["meter_id"], row["open"]) for row in rows]

    async def turn(self, later_s: float = 0) -> None:
        await self.clock.turn(self.now_us + int(later_s * 1_000_000))

    async def neighbours(
        self, count: int, number: str, *, heard_us: int | None = None, cell: int | None = None
    ) -> list[int]:
        """More meters of the product in the same area."""
        rows = await self.world.owner.fetch(
            "WITH m AS (INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on)"
            " SELECT $1::int, $2::text || n, $3::int, $4::int, '2024-01-01' FROM generate_series(1, $5::int) AS n RETURNING meter_id)"
            " INSERT INTO meter_state (meter_id, tenant_id, last_seen_us, cell) SELECT meter_id, $1::int, $6::bigint, $7::bigint FROM m"
            " RETURNING meter_id",
            self.world.a.tenant_id, number, self.house.product_id, self.world.a.ids["area_id"], count, heard_us, cell,
        )  # fmt: skip
        return [row["meter_id"] for row in rows]


@pytest.fixture
async def town(world: World, clickhouse: ClickHouse, pipeline: Pool) -> AsyncIterator[Town]:
    house = await house_of("trial/points-1", world, clickhouse, pipeline)
    made = Town(world, house, pipeline)
    yield made
    await world.owner.execute(
        "UPDATE rule SET is_on = false, revision = revision + 1 WHERE tenant_id = $1", world.a.tenant_id
    )
    await RuleClock(PostgresRuleTimers(pipeline)).turn(made.now_us)
    await world.owner.execute("UPDATE alarm SET told = 3 WHERE tenant_id = $1", world.a.tenant_id)


async def test_what_is_wrong_is_named_and_nothing_is_kept(town: Town) -> None:
    draft = await town.draft(LOW)
    before = (await town.call("GET", "/rules"))["items"]
    for path, changed, place in (
        ("/rules/check", {"condition": {"all": [LOW, {"value": "volts", "below": 1}]}}, "/condition/all/1/value"),
        ("/rules/check", {"condition": {"all": [LOW, {"not": LOW}]}}, "/condition"),
        ("/rules/check", {"condition": {"silent_h": 24}, "held_s": 60}, "/held_s"),
        ("/rules/check", {"dn_from": 50, "dn_to": 20}, "/dn_to"),
        ("/rules/trial", {"area_id": 2_000_000_000}, "/area_id"),
        ("/rules/trial", {"product_id": 2_000_000_000}, "/product_id"),
        ("/rules", {"cases": []}, "/cases"),
        ("/rules", {"cases": ONE_OF_EACH[:1]}, "/cases"),
        ("/rules", {"cases": [*ONE_OF_EACH, {"fires": True, "reported": {"battery_mv": 3100}}]}, "/cases/2"),
        ("/rules", {"cases": [*ONE_OF_EACH, {"fires": False, "reported": {"volts": 3}}]}, "/cases/2/reported"),
        ("/rules", {"product_id": None, "command": {"kind": "read_now"}}, "/product_id"),
    ):
        body = {**draft, **changed}
        told = await town.call("POST", path, 400, **({"name": "wrong", "draft": body} if path == "/rules" else body))
        assert [fault["pointer"] for fault in told["errors"]] == [place], told
    assert (await town.call("GET", "/rules"))["items"] == before


async def test_a_rule_is_written_tried_switched_on_fires_changes_and_ends(town: Town) -> None:
    house, meter = town.house, town.house.meter_id
    day = house.now_s - 10 * 86_400
    for place, value in enumerate((3300, 3050, 3000, 3200, 3040)):  # fell under twice
        await house.say("spots", day + place * HOUR_S, battery_mv=value)
    looked = await town.call("POST", "/rules/check", condition=LOW, held_s=600)
    assert looked["zh"] == "当“电池电压”低于 3.100 V，且持续 10 分钟时"
    assert looked["en"] == "When “Battery voltage” is below 3.100 V, and this for 10 min"
    draft = await town.draft(LOW, severity="critical")
    tried = await town.call("POST", "/rules/trial", **draft)
    assert (tried["fired"], tried["meters"], tried["looked_at"], tried["whole"], tried["untold"]) == (2, 1, 1, True, [])
    assert {firing["meter_id"] for firing in tried["firings"]} == {meter}
    rule = await town.call("POST", "/rules", 201, name=f"battery {meter}", draft=draft)
    taken = await town.call("POST", "/rules", 409, name=f"battery  {meter}", draft=draft)
    assert taken["type"].endswith("rule-name-taken")
    assert (rule["is_on"], rule["newest"]["version"], rule["newest"]["in_force"]) == (False, 1, True)
    path = f"/rules/{rule['rule_id']}"
    house.worker._learned_at = float("-inf")
    await house.say("spots", house.now_s - 900, battery_mv=3000)
    assert await town.alarms(rule["rule_id"]) == []  # it is off
    assert (await town.call("POST", f"{path}/switch", 400, is_on=True))["type"].endswith("reason-needed")
    assert (rule["tried"]["fired"], rule["tried"]["meters"], rule["tried"]["whole"]) == (2, 1, True)
    await town.call("POST", f"{path}/switch", is_on=True, reason="tried: twice in 30 days")
    house.worker._learned_at = float("-inf")
    await house.say("spots", house.now_s - 800, battery_mv=3000)
    await house.say("spots", house.now_s - 700, battery_mv=2990)
    assert await town.alarms(rule["rule_id"]) == [(meter, True)]  # once, as long as it goes on
    shown = await town.call("GET", path)
    assert (shown["standing"], shown["open_alarms"]) == (1, 1)
    await house.say("spots", house.now_s - 600, battery_mv=3100)
    assert await town.alarms(rule["rule_id"]) == [(meter, False)]
    await house.say("spots", house.now_s - 500, battery_mv=3000)
    # another version counts from an instant on; what stands goes on where it asks the same
    later = {**draft, "severity": "minor"}
    changed = await town.call("POST", f"{path}/versions", 201, draft=later, reason="crews are few")
    assert (changed["newest"]["version"], changed["newest"]["reason"]) == (2, "crews are few")
    await town.turn(5)
    assert await town.alarms(rule["rule_id"]) == [(meter, False), (meter, True)]
    in_a_year = {"draft": draft, "reason": "r r", "effective_at": "2031-01-01T00:00:00Z"}
    assert (await town.call("POST", f"{path}/versions", 400, **in_a_year))["errors"][0]["pointer"] == "/effective_at"
    versions = await town.call("GET", f"{path}/versions")
    assert [(each["version"], each["in_force"], each["draft"]["severity"]) for each in versions] == [
        (2, True, "minor"), (1, False, "critical"),
    ]  # fmt: skip
    assert versions[0]["made_by_name"]
    house.worker._learned_at = float("-inf")
    await house.say("spots", house.now_s - 400, battery_mv=3000)
    assert await town.alarms(rule["rule_id"]) == [(meter, False), (meter, True)]
    await town.call("POST", f"{path}/switch", is_on=False, reason="replaced by another")
    await town.turn(10)
    assert not any(is_open for _, is_open in await town.alarms(rule["rule_id"]))
    trail = (await town.call("GET", "/audit?limit=4"))["items"]
    assert [line["action"] for line in trail] == ["switch_rule", "change_rule", "switch_rule", "create_rule"]


async def test_a_rule_is_tried_before_it_counts_and_another_person_lets_it_propose(town: Town, world: World) -> None:
    draft = await town.draft({"value": "battery_mv", "below": 3111 + town.house.meter_id % 50})
    rule = await town.call("POST", "/rules", 201, name=f"untried {town.house.meter_id}", draft=draft)
    path = f"/rules/{rule['rule_id']}"
    assert rule["tried"] is None
    refused = await town.call("POST", f"{path}/switch", 409, is_on=True, reason="let us see")
    assert refused["type"].endswith("rule-not-tried")
    await town.call("POST", "/rules/trial", **{**draft, "severity": "critical", "cases": []})  # the same is asked
    await town.call("POST", f"{path}/switch", is_on=True, reason="tried")
    other = {**draft, "dn_from": 15}
    untried = await town.call("POST", f"{path}/versions", 409, draft=other, reason="only these")
    assert untried["type"].endswith("rule-not-tried")
    await world.owner.execute(
        "UPDATE product SET driver = 'openmains/water-1' WHERE product_id = $1", town.house.product_id
    )
    proposing = {**draft, "command": {"kind": "read_now"}}
    running = await town.call("POST", f"{path}/versions", 409, draft=proposing, reason="read it too")
    assert running["type"].endswith("rule-changes-when-off")
    await town.call("POST", f"{path}/switch", is_on=False, reason="to change it")
    await town.call("POST", f"{path}/versions", 201, draft=proposing, reason="read it too")
    mine = await town.call("POST", f"{path}/switch", 403, is_on=True, reason="I am sure")
    assert mine["type"].endswith("rule-second-person")
    town.token = await world.user(world.a, "administrator")
    assert (await town.call("POST", f"{path}/switch", is_on=True, reason="looked at it"))["is_on"]


async def test_a_version_that_asks_something_else_is_judged_without_a_word(town: Town) -> None:
    house, meter = town.house, town.house.meter_id
    rule = await town.rule("silently", LOW)
    await house.say("spots", house.now_s - 900, battery_mv=3000)
    draft = await town.draft({"value": "battery_mv", "below": 3050})
    await town.call("POST", "/rules/trial", **draft)
    await town.call("POST", f"/rules/{rule}/versions", 201, draft=draft, reason="too many")
    house.worker._learned_at = float("-inf")
    await town.turn(5)
    assert await town.alarms(rule) == [(meter, True)]  # the meter has not spoken yet
    await house.say("spots", house.now_s - 800, battery_mv=3040)
    await town.turn(10)
    assert await town.alarms(rule) == [(meter, True)]  # fulfilled still: the same alarm
    await house.say("spots", house.now_s - 700, battery_mv=3060)
    assert await town.alarms(rule) == [(meter, False)]


async def test_a_rule_asks_for_a_work_order_once_people_were_told(town: Town, world: World) -> None:
    house, store = town.house, world.deps.store
    wrong = await town.draft(LOW, ONE_OF_EACH, work_order="safety_inspection")
    told = await town.call("POST", "/rules", 400, name="wrong", draft=wrong)
    assert [fault["pointer"] for fault in told["errors"]] == ["/work_order"]
    rule = await town.rule("orders", LOW, work_order="meter_fault")
    await house.say("spots", house.now_s - 900, battery_mv=3000)
    tenant = TenantId(world.a.tenant_id)
    await make_asked(store, tenant, "Asia/Shanghai", town.now_us)
    assert (await town.call("GET", f"/work-orders?meter_id={house.meter_id}"))["items"] == []  # nobody was told yet
    await world.owner.execute("UPDATE alarm SET told = 1 WHERE quantity = $1", f"rule.{rule}")
    for _ in range(2):
        await make_asked(store, tenant, "Asia/Shanghai", town.now_us)
    (made,) = (await town.call("GET", f"/work-orders?meter_id={house.meter_id}"))["items"]
    assert (made["kind"], made["source"], made["state"]) == ("meter_fault", "alarm", "new")
    alarm = await town.call("GET", f"/alarms/{made['alarm_id']}")
    assert (alarm["state"], alarm["acknowledged_at"]) == ("raised", None)  # nobody is on the way yet: it escalates
    await world.user(world.a, "operator", login := f"mender{secrets.token_hex(3)}")
    mender = await world.owner.fetchval("SELECT user_id FROM app_user WHERE login = $1", login)
    await town.call("PUT", f"/technicians/{mender}", skills=["gas", "water"], area_ids=[world.a.ids["area_id"]])
    acts = f"/work-orders/{made['order_id']}/acts"
    await town.call("POST", acts, key=f"assign-{rule}", step="assign", assignee_id=mender, reason="it is near")
    alarm = await town.call("GET", f"/alarms/{made['alarm_id']}")
    assert (alarm["state"], alarm["dispatched_to"]) == ("dispatched", f"work order {made['order_id']}")
    assert alarm["acknowledged_at"] is not None
    await house.say("spots", house.now_s - 800, battery_mv=3300)
    await house.say("spots", house.now_s - 700, battery_mv=3000)
    await house.say("spots", house.now_s - 600, battery_mv=3300)  # over before anybody was told
    await make_asked(store, tenant, "Asia/Shanghai", town.now_us)
    states = await world.owner.fetch("SELECT state FROM rule_order WHERE rule_id = $1 ORDER BY alarm_id", rule)
    assert [row["state"] for row in states] == ["made", "over"]

    # A kind that sends whoever fits best: the platform sent somebody, and still nobody has seen the alarm.
    kinds = {kind["code"]: kind["settings"] for kind in await town.call("GET", "/work-order-kinds")}
    settings = kinds["meter_fault"] | {"sends_itself": True}
    await town.call("PUT", "/work-order-kinds/meter_fault", settings=settings, reason="at once")
    await house.say("spots", house.now_s - 500, battery_mv=3000)
    await world.owner.execute("UPDATE alarm SET told = 1 WHERE quantity = $1", f"rule.{rule}")
    await make_asked(store, tenant, "Asia/Shanghai", town.now_us)
    sent = (await town.call("GET", f"/work-orders?meter_id={house.meter_id}"))["items"][0]
    alarm = await town.call("GET", f"/alarms/{sent['alarm_id']}")
    assert (sent["assignee_id"], alarm["state"]) == (mender, "dispatched")
    assert (alarm["acknowledged_at"], alarm["seen_at"]) == (None, None)
    acts = f"/work-orders/{sent['order_id']}/acts"
    await town.call("POST", acts, key=f"cancel-{rule}", step="cancel", reason="seen to already")
    alarm = await town.call("GET", f"/alarms/{sent['alarm_id']}")
    assert alarm["state"] == "acknowledged" and alarm["seen_at"] is not None


async def test_what_must_hold_is_timed_in_the_tables_and_fires_once(town: Town, pipeline: Pool) -> None:
    house, meter = town.house, town.house.meter_id
    rule = await town.rule("held", LOW, held_s=600)
    await house.say("spots", house.now_s - 300, battery_mv=3000)
    heard_s = (house.now_s - 295) - house.now_s
    await town.turn(heard_s + 599)
    assert await town.alarms(rule) == []

    class Killed(Exception):
        pass

    with pytest.raises(Killed):  # within the turn: nothing of it is there
        async with PostgresRuleTimers(pipeline).turn() as turn:
            assert turn is not None
            assert await turn.fire_held(town.now_us + int((heard_s + 601) * 1e6), 100) == 1
            async with PostgresRuleTimers(pipeline).turn() as other:
                assert other is None  # a second worker waits for its turn
            raise Killed
    assert await town.alarms(rule) == []
    town.clock = RuleClock(PostgresRuleTimers(pipeline))  # another process
    await town.turn(heard_s + 602)
    await town.turn(heard_s + 700)
    await RuleClock(PostgresRuleTimers(pipeline)).turn(town.now_us + 800 * 1_000_000)
    assert await town.alarms(rule) == [(meter, True)]
    await house.say("spots", house.now_s - 200, battery_mv=3300)
    assert await town.alarms(rule) == [(meter, False)]
    await house.say("spots", house.now_s - 100, battery_mv=3000)
    await house.say("spots", house.now_s - 50, battery_mv=3300)  # over before it held
    await town.turn(3600)
    assert await town.alarms(rule) == [(meter, False)]


class OneBreaks(PostgresRuleTimers):
    """Looking for the members of one rule fails, as by a question that takes too long."""

    broken = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Any]:
        async with super().turn() as turn:
            if turn is not None:
                look = turn.fulfilling

                async def fulfilling(rule: ActiveRule, now_us: int) -> set[MeterId]:
                    if rule.rule_id == self.broken:
                        raise TimeoutError("it takes too long")
                    return await look(rule, now_us)

                turn.fulfilling = fulfilling  # type: ignore[method-assign]
            yield turn


async def test_a_rule_that_fails_keeps_no_other_from_firing(town: Town, pipeline: Pool) -> None:
    old = town.now_us - 40 * HOUR_S * 1_000_000
    (silent,) = await town.neighbours(1, f"q{town.house.meter_id}-", heard_us=old)
    await town.world.owner.execute(
        "INSERT INTO reread_gap (meter_id, day, tenant_id, mode, due_s, changed_s) VALUES ($1, '2026-01-01', $2, 'day', $3, $3)",
        silent, town.world.a.tenant_id, town.now_us // 1_000_000 - 86_400,
    )  # fmt: skip
    broken = await town.rule("breaks", {"missing_days": 1})
    held, whole = await town.rule("held beside", LOW, held_s=60), await town.rule("whole", {"silent_h": 36})
    await town.house.say("spots", town.house.now_s - 300, battery_mv=3000)
    timers = OneBreaks(pipeline)
    timers.broken = broken
    with pytest.raises(ExceptionGroup, match=f"rule {broken}: TimeoutError: it takes too long"):
        await RuleClock(timers).turn(town.now_us + 120_000_000)
    assert await town.alarms(held) == [(town.house.meter_id, True)]
    assert await town.alarms(whole) == [(silent, True)]
    assert await town.alarms(broken) == []
    await town.turn(180)
    assert await town.alarms(broken) == [(silent, True)]


async def test_changes_are_told_from_what_was_said_last_over_batches(town: Town) -> None:
    rule = await town.rule("drop", {"change": "battery_mv", "falls": 200})
    rate = await town.rule("rate", {"rate": "pressure", "falls": 100, "per_s": 60})
    house, meter = town.house, town.house.meter_id
    await house.say("spots", house.now_s - 900, battery_mv=3600, pressure=3000)
    await house.say("spots", house.now_s - 840, battery_mv=3450, pressure=2901)
    assert (await town.alarms(rule), await town.alarms(rate)) == ([], [])
    await house.say("spots", house.now_s - 780, battery_mv=3250, pressure=2801)
    assert (await town.alarms(rule), await town.alarms(rate)) == ([(meter, True)], [(meter, True)])


async def test_silence_missing_days_and_unanswered_commands_are_the_clocks(town: Town) -> None:
    owner, tenant = town.world.owner, town.world.a.tenant_id
    old, new = town.now_us - 40 * HOUR_S * 1_000_000, town.now_us - 30 * HOUR_S * 1_000_000
    (silent, answers, misses) = (
        (await town.neighbours(1, f"s{town.house.meter_id}-", heard_us=old))[0],
        *(await town.neighbours(2, f"h{town.house.meter_id}-", heard_us=new)),
    )
    await town.neighbours(1, f"n{town.house.meter_id}-")  # never heard: it is not yet at work
    for day in (1, 2):
        await owner.execute(
            "INSERT INTO reread_gap (meter_id, day, tenant_id, mode, due_s, changed_s)"
            " VALUES ($1, $2::int + date '2026-01-01', $3, 'day', $4, $4)",
            misses, day, tenant, town.now_us // 1_000_000 - day * 86_400,
        )  # fmt: skip
    await owner.execute(
        "INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us, sent_us, state)"
        " VALUES ($1, $2, 'read_now', 3, 2, 'unheard', '\\x00', 1, 1, $3, 'sent')",
        tenant, answers, new,
    )  # fmt: skip
    rules = {
        "silent": await town.rule("silent", {"silent_h": 36}),
        "missing": await town.rule("missing", {"missing_days": 2}),
        "unanswered": await town.rule("unanswered", {"unanswered_h": 24, "command": "read_now"}),
    }
    await town.turn(120)
    found = {name: await town.alarms(rule_id) for name, rule_id in rules.items()}
    assert found == {"silent": [(silent, True)], "missing": [(misses, True)], "unanswered": [(answers, True)]}
    drafts = {name: (await town.call("GET", f"/rules/{rule_id}"))["newest"]["draft"] for name, rule_id in rules.items()}
    assert (await town.call("POST", "/rules/trial", **drafts["missing"]))["meters"] == 1
    assert (await town.call("POST", "/rules/trial", **drafts["unanswered"]))["meters"] == 1
    await owner.execute("UPDATE meter_state SET last_seen_us = $2 WHERE meter_id = $1", silent, town.now_us)
    await owner.execute("UPDATE reread_gap SET state = 'filled' WHERE meter_id = $1 AND day = '2026-01-02'", misses)
    await owner.execute("UPDATE command SET state = 'confirmed', ended_us = 5 WHERE meter_id = $1", answers)
    await town.turn(240)
    found = {name: await town.alarms(rule_id) for name, rule_id in rules.items()}
    assert found == {"silent": [(silent, False)], "missing": [(misses, False)], "unanswered": [(answers, False)]}


async def test_so_many_meters_of_a_cell_are_one_alarm(town: Town) -> None:
    old, cell = town.now_us - 40 * HOUR_S * 1_000_000, 77_000 + town.house.meter_id
    silent = await town.neighbours(4, f"c{town.house.meter_id}-", heard_us=old, cell=cell)
    await town.neighbours(6, f"d{town.house.meter_id}-", heard_us=town.now_us, cell=cell)
    await town.neighbours(3, f"e{town.house.meter_id}-", heard_us=old, cell=cell + 100_000)
    five = {"meters": 4, "percent": 40, "within": "cell", "of": {"silent_h": 36}}
    rule = await town.rule("cell", five)
    more = await town.rule("more", {**five, "percent": 41})
    scope = await town.rule("scope", {"meters": 7, "within": "scope", "of": {"silent_h": 36}})
    await town.turn(120)
    assert len(await town.alarms(rule)) == 1
    assert (await town.alarms(rule))[0] == (silent[0], True)
    assert await town.alarms(more) == []
    assert [is_open for _, is_open in await town.alarms(scope)] == [True]
    row = await town.world.owner.fetchrow("SELECT value, bound FROM alarm WHERE quantity = $1", f"rule.{rule}")
    assert (row["value"], row["bound"]) == (4, 4)
    await town.world.owner.execute(
        "UPDATE meter_state SET last_seen_us = $2 WHERE meter_id = $1", silent[3], town.now_us
    )
    await town.turn(240)
    assert await town.alarms(rule) == [(silent[0], False)]


async def test_a_rule_proposes_a_command_and_a_person_decides(town: Town, world: World) -> None:
    house, meter = town.house, town.house.meter_id
    await world.owner.execute("UPDATE product SET driver = 'openmains/water-1' WHERE product_id = $1", house.product_id)
    for command, place in (
        ({"kind": "read_now", "params": {"hours": 3}}, "/command/params/hours"),
        ({"kind": "safety_close"}, "/command/kind"),
    ):
        draft = await town.draft(LOW, ONE_OF_EACH, command=command)
        assert (await town.call("POST", "/rules", 400, name="bad", draft=draft))["errors"][0]["pointer"] == place
    rule = await town.rule("propose", LOW, ONE_OF_EACH, command={"kind": "read_now"})
    await world.owner.execute("UPDATE product SET driver = 'trial/points-1' WHERE product_id = $1", house.product_id)
    for at, value in ((900, 3000), (800, 3200), (700, 3000), (600, 3200), (500, 3000)):
        await house.say("spots", house.now_s - at, battery_mv=value)
    listed = [each for each in (await town.call("GET", "/rule-proposals"))["items"] if each["rule_id"] == rule]
    assert [(each["state"], each["kind"], each["meter_id"]) for each in listed] == [
        ("open", "read_now", meter), ("over", "read_now", meter), ("over", "read_now", meter),
    ]  # fmt: skip
    path = f"/rule-proposals/{listed[0]['proposal_id']}"
    assert (await town.call("POST", f"{path}/decline", 400, reason=""))["type"].endswith("reason-needed")
    over = f"/rule-proposals/{listed[1]['proposal_id']}"
    assert (await town.call("POST", f"{over}/give", 409, reason="too late"))["type"].endswith("already-done")
    # what is refused lets go of it; who was cut off may go on, and nobody declines it meanwhile
    kind = "UPDATE rule_proposal SET kind = $2 WHERE proposal_id = $1"
    await world.owner.execute(kind, listed[0]["proposal_id"], "valve_close")
    refused = await town.call("POST", f"{path}/give", 403, reason="look at it")
    assert refused["type"].endswith("signer-needed")
    await world.owner.execute(kind, listed[0]["proposal_id"], "read_now")
    (still,) = [e for e in (await town.call("GET", "/rule-proposals?state=open"))["items"] if e["rule_id"] == rule]
    assert (still["decided_at"], still["reason"]) == (None, "")
    await world.owner.execute(
        "UPDATE rule_proposal SET state = 'given' WHERE proposal_id = $1", listed[0]["proposal_id"]
    )
    assert (await town.call("POST", f"{path}/decline", 409, reason="no more"))["type"].endswith("already-done")
    await world.owner.execute("UPDATE product SET driver = 'openmains/water-1' WHERE product_id = $1", house.product_id)
    await world.owner.execute("UPDATE meter SET imei = $2 WHERE meter_id = $1", meter, 860_000_000_000_000 + meter)
    given = await town.call("POST", f"{path}/give", reason="look at it")
    assert (given["command"]["kind"], given["command"]["meter_id"]) == ("read_now", meter)
    (after,) = [e for e in (await town.call("GET", "/rule-proposals?state=given"))["items"] if e["rule_id"] == rule]
    assert (after["command_id"], after["reason"]) == (given["command"]["command_id"], "look at it")
    assert (await town.call("POST", f"{path}/decline", 409, reason="no more"))["type"].endswith("already-done")


async def test_the_rules_of_the_demo_can_be_made(town: Town) -> None:
    for name, said in RULES.items():
        draft = await town.draft(said["condition"], **{key: value for key, value in said.items() if key != "condition"})
        rule = await town.call("POST", "/rules", 201, name=f"{name} {town.house.meter_id}", draft=draft)
        assert (await town.call("POST", "/rules/trial", **draft))["untold"] == []
        assert (await town.call("POST", f"/rules/{rule['rule_id']}/switch", is_on=True, reason="as the demo"))["is_on"]


async def test_a_utility_sees_its_own_rules_only(town: Town, world: World) -> None:
    rule = await town.rule("mine", LOW)
    town.token = world.b.token
    assert rule not in [each["rule_id"] for each in (await town.call("GET", "/rules"))["items"]]
    await town.call("GET", f"/rules/{rule}", 404)
    await town.call("POST", f"/rules/{rule}/switch", 404, is_on=False, reason="not mine")
    town.token = await world.user(world.a, "operator")
    await town.call("POST", f"/rules/{rule}/switch", 403, is_on=False, reason="not allowed")

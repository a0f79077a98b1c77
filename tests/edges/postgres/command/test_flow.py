# SPDX-License-Identifier: Apache-2.0
"""Commands on PostgreSQL: from a draft to its end, as the pipeline's role; what the API's role cannot do; lost and repeated
words change nothing twice."""

# ruff: noqa: S608 – what an intruder would send

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
import pytest

from openmains.app.command.dispatch import Dispatcher, WakeUp
from openmains.app.command.downlink import DownFrame
from openmains.app.command.give import content_of
from openmains.app.command.log_pull import SETTLE_S, as_text
from openmains.app.command.ports import CommandResponse, Draft
from openmains.app.command.signer.keys import MAC_BYTES
from openmains.app.command.work import CommandWork, sweep, take_in
from openmains.domain.command.flow import CellFlow
from openmains.domain.command.kinds import RULES, Channel, Kind
from openmains.domain.command.order import slot_of
from openmains.domain.period import DAY_S
from openmains.edges.postgres.command.flow import PostgresCommandFlow, apply_responses
from openmains.edges.postgres.command.tables import Commands
from openmains.edges.postgres.db import API_ROLE, PIPELINE_ROLE, Pool, create_pool, tenant_transaction
from openmains.edges.signer.switch import FileSwitch
from openmains.run.engines.engines import Engines
from tests.support.command_meter import ModelMeter, PlainDrivers
from tests.support.command_town import Town, make_town

START_US = 1_760_000_000_000_000
FAR = 1 << 40  # serial numbers from 1


@dataclass
class Down:
    """What went out."""

    frames: list[DownFrame] = field(default_factory=list)

    async def publish(self, frames: Sequence[DownFrame]) -> None:
        self.frames += frames


class Desk:
    """Everything a command meets, with a clock of its own."""

    def __init__(self, pool: Pool, api: Pool, town: Town, switch: FileSwitch) -> None:
        self.pool, self.api, self.town, self.switch = pool, api, town, switch
        self.flow = PostgresCommandFlow(pool, serials_since=FAR)
        self.down = Down()
        self.now_us = START_US
        self.dispatcher = self.dispatcher_with(PlainDrivers())
        self.work = CommandWork(self.flow, None, switch)

    def dispatcher_with(self, drivers: PlainDrivers) -> Dispatcher:
        return Dispatcher(self.flow, drivers, None, self.down, self.switch, CellFlow(600), clock_us=lambda: self.now_us)

    async def draft(
        self, meter_id: int, kind: Kind, params: dict[str, Any] | None = None, key: str | None = None
    ) -> int:
        rule, params = RULES[kind], params or {}
        draft = Draft(
            meter_id, kind, params, rule, slot_of(kind, params), Channel.DIRECT,
            key or f"k{self.now_us}", content_of(meter_id, kind, params), self.now_us // 1_000_000 + rule.validity_s,
        )  # fmt: skip
        async with tenant_transaction(self.api, self.town.tenant_id) as connection:
            command_id, _ = await Commands(connection, self.town.tenant_id).draft(draft, 1, "ann", self.now_us)
        self.now_us += 1000
        return command_id

    async def state(self, command_id: int) -> tuple[str, str]:
        row = await self.town.owner.fetchrow("SELECT state, reason FROM command WHERE command_id = $1", command_id)
        assert row is not None
        return row[0], row[1]

    async def take_in(self) -> int:
        return await take_in(self.flow, None, self.now_us)

    async def spoke(self, meter_id: int) -> list[DownFrame]:
        before = len(self.down.frames)
        await self.dispatcher.wake_up([WakeUp(meter_id, self.town.tenant_id)])
        return self.down.frames[before:]

    async def hear(self, meter_id: int, serial: int, code: int, **points: int) -> None:
        await self.respond([CommandResponse(self.town.tenant_id, meter_id, self.now_us, serial, code, points)])

    async def respond(self, responses: Sequence[CommandResponse]) -> None:
        """As within the pipeline's commit."""
        async with self.pool.acquire() as connection, connection.transaction():
            await apply_responses(connection, responses)

    def later(self, seconds: int) -> None:
        self.now_us += seconds * 1_000_000


@pytest.fixture
async def desk(engines: Engines, tmp_path: Any) -> AsyncIterator[Desk]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    town = await make_town(owner)
    await town.add(3)
    pool = await create_pool(engines.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
    api = await create_pool(engines.urls.postgres_api, role=API_ROLE, max_size=2)
    yield Desk(pool, api, town, FileSwitch(tmp_path / "stop"))
    await owner.execute("DELETE FROM command WHERE tenant_id = $1", town.tenant_id)
    await pool.close()
    await api.close()
    await owner.close()


async def test_a_reading_goes_down_and_its_answer_comes_up(desk: Desk) -> None:
    meter_id, meter = desk.town.meters[0], ModelMeter()
    command_id = await desk.draft(meter_id, Kind.READ_NOW)
    assert await desk.spoke(meter_id) == []  # not taken in yet
    await desk.take_in()
    (sent,) = await desk.spoke(meter_id)
    assert await desk.state(command_id) == ("sent", "")
    answer = meter.receive(sent.frame, desk.now_us // 1_000_000)
    assert answer is not None
    await desk.hear(meter_id, *answer, register=1234)
    assert await desk.state(command_id) == ("confirmed", "done")
    assert await desk.spoke(meter_id) == []
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        detail = await Commands(connection, desk.town.tenant_id).get(command_id)
    assert detail is not None
    assert detail.answer == {"register": 1234}
    assert [(event.event, event.actor) for event in detail.history] == [
        ("draft", "ann"), ("approve", "platform"), ("queue", "platform"), ("send", "link"), ("done", "meter"),
    ]  # fmt: skip


async def test_the_same_bytes_go_out_again_and_a_repeated_word_changes_nothing(desk: Desk) -> None:
    meter_id = desk.town.meters[0]
    command_id = await desk.draft(meter_id, Kind.SET_PARAMETERS, {"values": {"report_time": 300}})
    await desk.take_in()
    (first,) = await desk.spoke(meter_id)
    assert await desk.spoke(meter_id) == []  # too soon
    desk.later(25)
    (second,) = await desk.spoke(meter_id)
    assert first == second
    assert await desk.town.owner.fetchval("SELECT attempts FROM command WHERE command_id = $1", command_id) == 2
    for code in (0, 2, 0):
        await desk.hear(meter_id, 1, code)
    assert await desk.state(command_id) == ("confirmed", "done")
    events = await desk.town.owner.fetchval(
        "SELECT count(*) FROM command_event WHERE command_id = $1 AND actor = 'meter'", command_id
    )
    assert events == 1


async def test_a_lane_keeps_its_order_and_lanes_do_not_wait_for_each_other(desk: Desk) -> None:
    meter_id = desk.town.meters[0]
    await desk.draft(meter_id, Kind.SET_CLOCK)
    await desk.draft(meter_id, Kind.RESTART)
    await desk.draft(meter_id, Kind.READ_NOW)
    await desk.take_in()
    went = [(await desk.spoke(meter_id))[0].kind for _ in range(2)]
    assert went == ["set_clock", "read_now"]
    assert await desk.spoke(meter_id) == []
    await desk.hear(meter_id, 1, 0)
    assert [sent.kind for sent in await desk.spoke(meter_id)] == ["restart"]


async def test_a_newer_setting_replaces_an_older_one_that_was_not_sent(desk: Desk) -> None:
    meter_id = desk.town.meters[0]
    older = await desk.draft(meter_id, Kind.SET_PARAMETERS, {"values": {"report_time": 100}})
    other = await desk.draft(meter_id, Kind.SET_PARAMETERS, {"values": {"freeze_period": 7}})
    await desk.take_in()
    newer = await desk.draft(meter_id, Kind.SET_PARAMETERS, {"values": {"report_time": 200}})
    await desk.take_in()
    assert await desk.state(older) == ("cancelled", f"replaced_by {newer}")
    assert (await desk.state(other))[0] == (await desk.state(newer))[0] == "queued"
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        shadow = await Commands(connection, desk.town.tenant_id).shadow(meter_id)
    assert shadow is not None
    assert {entry.name: (entry.desired, entry.reported, entry.differs) for entry in shadow.entries} == {
        "freeze_period": (7, None, True), "report_time": (200, None, True),
    }  # fmt: skip
    await desk.spoke(meter_id)
    await desk.hear(meter_id, 2, 0)
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        shadow = await Commands(connection, desk.town.tenant_id).shadow(meter_id)
    assert shadow is not None
    assert {entry.name: entry.differs for entry in shadow.entries} == {"freeze_period": False, "report_time": True}


async def test_a_confirmed_mode_is_the_meters_own_from_that_day_on(desk: Desk, owner: Pool) -> None:
    """By it, not by its product's, its days are due; the copy of the registry beside the readings follows."""
    meter_id = desk.town.meters[0]

    async def told() -> list[Any]:
        row = await owner.fetchrow(
            "SELECT report_mode, report_mode_before, report_mode_since IS NOT NULL, revision,"
            " (SELECT count(*) FROM identity_change c WHERE c.meter_id = m.meter_id) FROM meter m WHERE meter_id = $1", meter_id,
        )  # fmt: skip
        return list(row)

    _, _, _, revision, changes = await told()
    for serial, (values, mode) in enumerate(
        [
            ({"report_time": 1}, None),
            ({"report_period": 2}, "month"),
            ({"report_period": 2, "report_time": 5}, "month"),
        ],
        1,
    ):
        await desk.draft(meter_id, Kind.SET_PARAMETERS, {"values": values})
        await desk.take_in()
        await desk.spoke(meter_id)
        await desk.hear(meter_id, serial, 0)
        said = mode is not None
        assert await told() == [mode, None, said, revision + said, changes + said]


async def test_each_ending(desk: Desk) -> None:
    meter_id, other, third = desk.town.meters
    refused = await desk.draft(meter_id, Kind.SET_PARAMETERS, {"values": {"report_time": 1}})
    never_sent = await desk.draft(other, Kind.READ_NOW)
    unanswered = await desk.draft(third, Kind.SET_PARAMETERS, {"values": {"report_time": 1}})
    await desk.take_in()
    await desk.spoke(meter_id)
    await desk.hear(meter_id, 1, 6)
    assert await desk.state(refused) == ("failed", "out_of_range")
    await desk.spoke(third)
    desk.later(DAY_S + 1)
    await sweep(desk.flow, desk.now_us)
    assert await desk.state(never_sent) == ("expired", "never_sent")
    desk.later(30 * DAY_S)
    await sweep(desk.flow, desk.now_us)
    assert (await desk.state(unanswered))[0] == "asking"
    (asked,) = await desk.spoke(third)  # the same frame, which the meter can only refuse or have done
    assert ModelMeter().receive(asked.frame, desk.now_us // 1_000_000) == (1, 3)
    await desk.hear(third, 1, 3)
    assert await desk.state(unanswered) == ("expired", "expired")


async def test_nobody_answers_for_ever(desk: Desk) -> None:
    meter_id = desk.town.meters[0]
    command_id = await desk.draft(meter_id, Kind.SET_CLOCK)
    await desk.take_in()
    await desk.spoke(meter_id)
    for _ in range(3):
        desk.later(40 * DAY_S)
        await sweep(desk.flow, desk.now_us)
    assert await desk.state(command_id) == ("failed", "outcome_unknown")
    await desk.hear(meter_id, 1, 0)  # and yet the meter's word counts
    assert await desk.state(command_id) == ("confirmed", "done")


async def test_called_off_before_it_is_sent_and_not_after(desk: Desk) -> None:
    meter_id = desk.town.meters[0]
    first, second = await desk.draft(meter_id, Kind.SET_CLOCK), await desk.draft(meter_id, Kind.READ_NOW)
    await desk.take_in()
    await desk.spoke(meter_id)
    await desk.spoke(meter_id)
    third = await desk.draft(meter_id, Kind.RESTART)
    await desk.take_in()
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        commands = Commands(connection, desk.town.tenant_id)
        assert not await commands.cancel(first, "ann", "", desk.now_us)
        assert not await commands.cancel(second, "ann", "", desk.now_us)
        assert await commands.cancel(third, "ann", "mistake", desk.now_us)
    assert await desk.state(third) == ("cancelled", "mistake")
    desk.later(60)
    assert "restart" not in {sent.kind for sent in await desk.spoke(meter_id)}


async def test_the_stop_switch_holds_everything_back(desk: Desk) -> None:
    meter_id = desk.town.meters[0]
    await desk.draft(meter_id, Kind.READ_NOW)
    await desk.take_in()
    desk.switch.stop(desk.town.tenant_id, "ann")
    assert await desk.spoke(meter_id) == []
    desk.switch.resume(desk.town.tenant_id)
    assert len(await desk.spoke(meter_id)) == 1


async def test_words_of_links_and_of_other_meters(desk: Desk) -> None:
    meter_id, other, _ = desk.town.meters
    command_id = await desk.draft(meter_id, Kind.READ_NOW)
    await desk.take_in()
    await desk.spoke(meter_id)
    tenant = desk.town.tenant_id
    await desk.respond([CommandResponse(tenant, other, desk.now_us, link="delivered", command_id=command_id)])
    assert (await desk.state(command_id))[0] == "sent"
    await desk.respond([CommandResponse(tenant, meter_id, desk.now_us, link="delivered", command_id=command_id)])
    assert (await desk.state(command_id))[0] == "delivered"
    await desk.hear(other, 1, 0)
    assert (await desk.state(command_id))[0] == "delivered"


async def test_a_restored_database_goes_on_above_the_serials_that_meters_have_seen(desk: Desk) -> None:
    flow = PostgresCommandFlow(desk.pool)
    serials = []
    for _ in range(3):
        command_id = await desk.draft(desk.town.meters[0], Kind.READ_NOW)
        await take_in(flow, None, desk.now_us)
        serials.append(await desk.town.owner.fetchval("SELECT serial FROM command WHERE command_id = $1", command_id))
        await desk.town.owner.execute(
            "UPDATE meter_shadow SET last_serial = 0 WHERE meter_id = $1", desk.town.meters[0]
        )
        desk.later(60)
    assert serials == sorted(set(serials))
    assert serials[0] > 180_000_000


async def test_what_the_apis_role_cannot_do(desk: Desk) -> None:
    command_id = await desk.draft(desk.town.meters[0], Kind.READ_NOW)
    insert = (
        "INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us{})"
    )
    values = f" SELECT {desk.town.tenant_id}, {desk.town.meters[0]}, 'valve_close', 1, 1, 'x', '', 1, 1{{}}"
    for sql in (
        f"UPDATE command SET state = 'confirmed' WHERE command_id = {command_id}",
        f"UPDATE command SET state = 'approved' WHERE command_id = {command_id}",
        f"UPDATE command SET frame = '\\x00' WHERE command_id = {command_id}",
        f"DELETE FROM command WHERE command_id = {command_id}",
        insert.format(", state") + values.format(", 'queued'"),
        insert.format(", frame") + values.format(", '\\x01'"),
        "UPDATE command_waiting SET due_at = 0",
        "DELETE FROM command_waiting",
        "INSERT INTO command_event (tenant_id, command_id, at_us, event, state)"
        f" VALUES ({desk.town.tenant_id}, {command_id}, 1, 'done', '')",
        "UPDATE meter_shadow SET reported = '{}'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
                await connection.execute(sql)


async def test_a_meter_that_speaks_for_the_first_time_is_given_its_products_defaults_once(desk: Desk) -> None:
    owner, (before, fresh) = desk.town.owner, await desk.town.add(2)
    speak = "UPDATE meter_state SET last_seen_us = $2 WHERE meter_id = $1"
    await owner.execute(speak, before, 1)  # in use before there were defaults: changed by a batch, not by this
    await owner.execute(
        'UPDATE product SET settings = settings || \'{"defaults": {"report_hour": 3}}\' WHERE product_id = $1',
        desk.town.product_id,
    )
    given = "SELECT meter_id, kind, params FROM command WHERE tenant_id = $1"
    for now in (2, 3):
        await owner.execute(speak, before, now)
        await owner.execute(speak, fresh, now)
        await desk.work(desk.now_us / 1_000_000)
        desk.now_us += 10_000_000
        assert [tuple(row)[:2] for row in await owner.fetch(given, desk.town.tenant_id)] == [(fresh, "set_parameters")]
    desired = await owner.fetchval("SELECT desired ->> 'report_hour' FROM meter_shadow WHERE meter_id = $1", fresh)
    assert desired == "3"


async def test_what_a_taken_over_api_cannot_draft(desk: Desk) -> None:
    """A kind nobody knows or a lane of its own choice would hold up, or overtake, the commands of everybody."""
    (meter_id,) = await desk.town.add(1)
    insert = (
        "INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, unique_key, content, not_after, created_us)"
        " VALUES ($1, $2, $3, $4, $5, 1, $6, '', 1, 1)"
    )
    wrong: list[tuple[str, Any, int]] = [("open_all", {}, 1), ("read_now", [], 3), ("valve_close", {}, 3)]
    for number, (kind, params, lane) in enumerate(wrong):
        with pytest.raises(asyncpg.CheckViolationError):
            async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
                await connection.execute(insert, desk.town.tenant_id, meter_id, kind, params, lane, f"wrong-{number}")


async def test_lost_parts_of_a_log_are_asked_for_with_a_new_serial_until_all_are_there(desk: Desk) -> None:
    (meter_id,) = await desk.town.add(1)
    first = await desk.draft(meter_id, Kind.LOG_PULL, {"since": 0, "until": 900})

    async def answers(serial: int, total: int, parts: dict[int, str], code: int) -> None:
        """A meter's answer of which only these parts came; then the worker's next turn after they settled."""
        await desk.work(desk.now_us / 1_000_000)
        assert [sent.kind for sent in await desk.spoke(meter_id)] == ["log_pull"]
        words = [
            CommandResponse(desk.town.tenant_id, meter_id, desk.now_us, serial, log=(part, total, text))
            for part, text in parts.items()
        ]
        await desk.respond(words)
        await desk.hear(meter_id, serial, code)
        desk.later(SETTLE_S + 1)

    async def text() -> str:
        async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
            return as_text(await Commands(connection, desk.town.tenant_id).log_pulls(first), "en")

    given = (
        "SELECT params ->> 'since', params ->> 'until', serial, not_after - created_us / 1000000 FROM command"
        " WHERE meter_id = $1 ORDER BY command_id"
    )
    await answers(1, 3, {0: "100 open\n", 2: "300 closed\n"}, 0)
    assert await text() == "100 open\n300 closed\n# missing: 100 – 300\n"
    await answers(2, 1, {}, 2)  # the module slept over the whole answer, and says 'already done' to the repeat
    await answers(3, 2, {0: "100 open\n", 1: "200 magnet on\n300 closed\n"}, 0)
    assert await text() == "100 open\n200 magnet on\n300 closed\n"
    await desk.work(desk.now_us / 1_000_000)
    assert [tuple(row) for row in await desk.town.owner.fetch(given, meter_id)] == [
        ("0", "900", 1, 2 * DAY_S),
        ("100", "300", 2, 2 * DAY_S),
        ("100", "300", 3, 2 * DAY_S),
    ]
    events = await desk.town.owner.fetch(
        "SELECT event FROM command_event WHERE command_id = $1 AND actor = 'platform' ORDER BY event_id", first
    )
    assert [row[0] for row in events] == ["approve", "queue", "ask_again"]


async def test_a_log_is_asked_for_as_often_as_the_kind_has_attempts(desk: Desk) -> None:
    (meter_id,) = await desk.town.add(1)
    await desk.draft(meter_id, Kind.LOG_PULL, {"since": 0, "until": 900})
    attempts = RULES[Kind.LOG_PULL].attempts
    for serial in range(1, attempts + 1):
        await desk.work(desk.now_us / 1_000_000)
        assert len(await desk.spoke(meter_id)) == 1
        await desk.hear(meter_id, serial, 2)
        desk.later(SETTLE_S + 1)
    for _ in range(2):
        await desk.work(desk.now_us / 1_000_000)
        assert await desk.spoke(meter_id) == []
        desk.later(3600)
    told = await desk.town.owner.fetch(
        "SELECT e.event, e.detail FROM command c JOIN command_event e USING (command_id) WHERE c.meter_id = $1 AND c.serial = $2"
        " AND e.event IN ('ask_again', 'log_incomplete')",
        meter_id, attempts,
    )  # fmt: skip
    assert [tuple(row) for row in told] == [("log_incomplete", "0-900")]


async def test_no_other_time_is_told_than_the_platforms_own(desk: Desk) -> None:
    """Whatever was typed: a clock in another year brings another price into force, and makes every closing come too late."""
    (meter_id,) = await desk.town.add(1)
    await desk.draft(meter_id, Kind.SET_CLOCK, {"platform_at": 4_000_000_000, "utc_offset_min": 480})
    await desk.take_in()
    (frame,) = await desk.spoke(meter_id)
    _, params, *_ = msgspec.msgpack.decode(frame.frame[:-MAC_BYTES])
    assert params == {"platform_at": desk.now_us // 1_000_000, "utc_offset_min": 480}

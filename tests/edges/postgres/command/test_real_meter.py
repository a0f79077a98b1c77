# SPDX-License-Identifier: Apache-2.0
"""Every kind from the draft to the meter's own word, all parts real but the radio: driver, signer's rules and ledger, database,
dispatcher, emulated prepay meter, pipeline. And what happens when answers are lost."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from openmains.app.command.dispatch import Dispatcher, WakeUp
from openmains.app.command.driver import CatalogCommands
from openmains.app.command.log_pull import SETTLE_S, as_text
from openmains.app.command.results import command_response
from openmains.app.command.signer.authority import Authority
from openmains.app.command.signer.keys import command_key
from openmains.app.command.signing_ports import Credential, SignRequest
from openmains.app.command.work import sweep, take_in
from openmains.app.ingest.pipeline.ports import MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.uplink import Uplink
from openmains.domain.command.flow import CellFlow
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.command.safety import MOVES
from openmains.domain.period import zone
from openmains.domain.readings.model import MeterState
from openmains.drivers import catalog
from openmains.edges.postgres.command.signer_registry import SignerRegistry
from openmains.edges.postgres.command.tables import Commands
from openmains.edges.postgres.db import API_ROLE, PIPELINE_ROLE, create_pool, tenant_transaction
from openmains.edges.signer.ledger import SqliteLedger
from openmains.edges.signer.switch import FileSwitch
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Attach, Profile, Send
from openmains.emulator.meter.store import Held, Store
from openmains.emulator.meter.valve import Position
from openmains.run.engines.engines import Engines
from tests.edges.postgres.command.test_flow import Desk
from tests.emulator.device.terminals import NUMBER, T0, Bench, steady
from tests.support.command_town import make_town
from tests.support.passwords import cheap_hash

DRIVER = "openmains/gas-1"
MASTER = bytes(range(32))
ANN, BEN = Credential("ann", "ann's own long words"), Credential("ben", "ben's own long words")
RICH_FEN = 1_000_000  # nothing but commands closes the valve; the registry knows of no credit
TEN_O_CLOCK = T0 + 10 * 3600
CATALOG = catalog.load()
PRICE = {
    "version": 2, "effective_at": 0, "period_start": T0, "cycle_months": 1, "clear_total": 0, "tiers": 1,
    "tier_from": [0], "prices": [25_000],
}  # fmt: skip
PARAMS: dict[Kind, dict[str, Any]] = {
    Kind.READ_INTERVALS: {"since": T0 - 7200, "until": T0 + 7200},
    Kind.LOG_PULL: {"since": T0 - 86_400, "until": T0 + 86_400},
    Kind.SET_PARAMETERS: {"values": {"low_battery": 3400, "report_time": 3600}},
    Kind.SET_SIGNED_PARAMETERS: {"values": {"balance_warning": 2000, "balance_arrears": -500}},
    Kind.READ_PARAMETERS: {"names": []},
    Kind.SAFETY_CLOSE: {"reason": 1, "evidence": "smell of gas on the stairs"},
    Kind.SET_PRICE: PRICE,
    Kind.TOP_UP: {"amount": 5000, "balance_kind": 0},
    Kind.SET_CLOCK: {"platform_at": TEN_O_CLOCK, "utc_offset_min": 480},
    Kind.SET_PLATFORM: {"port": 5684, "host": "meters.example.org"},
}


@dataclass
class Wire(Bench):
    """A bench that keeps the bytes the meter says."""

    payloads: list[bytes] = field(default_factory=list)

    def do(self, actions: Any) -> list[dict[str, Any]]:
        todo = list(actions)
        while todo:
            action = todo.pop(0)
            if isinstance(action, Attach):
                todo += self.terminal.on_attach(True, self.now)
            elif isinstance(action, Send):
                self.payloads.append(action.payload)
                answer = CATALOG.driver(DRIVER).answer(action.payload, self.now, 480)
                todo += self.terminal.on_answer(action.message, answer, self.now)
        return []


class RealDesk(Desk):
    """A desk with the real driver, the signer's own rules, one emulated meter, and the pipeline's steps."""

    authority: Authority
    meter: Wire
    meter_id: int
    product_id: int

    async def give(self, kind: Kind, key: str) -> int:
        params = PARAMS.get(kind, {})
        command_id = await self.draft(self.meter_id, kind, params, key)
        if RULES[kind].signed:
            row = await self.town.owner.fetchval("SELECT not_after FROM command WHERE command_id = $1", command_id)
            request = SignRequest(key, self.meter_id, kind, params, row)
            (verdict,) = await self.authority.authorise(self.town.tenant_id, [request], ANN)
            if verdict.state == "needs_approval":
                await self.authority.approve(self.town.tenant_id, [key], BEN)
        await take_in(self.flow, self.authority, self.now_us)
        return command_id

    async def window(self, *, answers_arrive: bool = True) -> int:
        """The meter has spoken: what waits goes down, what it says comes up. Returns how many frames went down."""
        self.meter.now = self.now_us // 1_000_000
        before = len(self.down.frames)
        await self.dispatcher.wake_up([WakeUp(self.meter_id, self.town.tenant_id)])
        self.meter.payloads.clear()
        for sent in self.down.frames[before:]:
            self.meter.do(self.meter.terminal.on_command(sent.frame, self.meter.now))
            self.meter.run(20)
        self.now_us = (self.meter.now + 30) * 1_000_000
        if answers_arrive:
            await self.up(list(self.meter.payloads))
        return len(self.down.frames) - before

    async def up(self, payloads: list[bytes]) -> None:
        products = {self.product_id: Product(self.product_id, DRIVER, 0, 1800, 6000)}
        processor = Processor(CATALOG, products, {self.town.tenant_id: zone("Asia/Shanghai")})
        record = MeterRecord(self.meter_id, self.town.tenant_id, self.product_id, 1, 0, 20_000, MeterState(), 0, 0)
        uplinks = [
            Uplink(self.meter_id, self.town.tenant_id, self.product_id, "coap", "r", self.now_us + n, payload)
            for n, payload in enumerate(payloads)
        ]
        effects = processor.run(uplinks, {self.meter_id: record})
        assert not [letter for letter in effects.dead_letters if letter.reason != "unknown_kind"], effects.dead_letters
        await self.respond(effects.responses)


@pytest.fixture
async def desk(engines: Engines, tmp_path: Path) -> AsyncIterator[RealDesk]:
    owner = await asyncpg.connect(engines.urls.postgres_owner)
    town = await make_town(owner, driver=DRIVER)
    (meter_id,) = await town.add(1)
    pool = await create_pool(engines.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
    api = await create_pool(engines.urls.postgres_api, role=API_ROLE, max_size=2)
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    ledger.enrol(town.tenant_id, ANN.login, cheap_hash(ANN.password), "operator", administrator=True)
    ledger.enrol(town.tenant_id, BEN.login, cheap_hash(BEN.password), "approver")
    registry = SignerRegistry(engines.urls.postgres_signer)
    desk = RealDesk(pool, api, town, FileSwitch(tmp_path / "stop"))
    drivers = CatalogCommands(CATALOG)
    desk.authority = Authority(ledger, registry, drivers, desk.switch, MASTER, clock_s=lambda: desk.now_us // 1_000_000)
    desk.now_us = TEN_O_CLOCK * 1_000_000
    found = await desk.authority.facts(town.tenant_id, new_only=False, meter_ids=[])
    await desk.authority.sign_facts(town.tenant_id, found.list_hash, "a test", ANN, BEN, new_only=False, meter_ids=[])
    desk.dispatcher = Dispatcher(
        desk.flow, drivers, desk.authority, desk.down, desk.switch, CellFlow(600), clock_us=lambda: desk.now_us
    )  # type: ignore[arg-type]
    account = Account(kind=MONEY, balance=RICH_FEN * UNITS_A_FEN, price=PriceSet(1, 0, T0, 12, False, (0,), (25_000,)))
    store = Store(Held(account=account))
    key = command_key(MASTER, meter_id)
    desk.meter = Wire(Terminal(NUMBER, Profile(), steady(60), DriverFrames(DRIVER, NUMBER), key=key, store=store))
    desk.meter.do(desk.meter.terminal.switch_on(T0, attach_after_s=0))
    desk.meter.run(10 * 3600)
    desk.meter_id, desk.product_id = meter_id, town.product_id
    yield desk
    await owner.execute("DELETE FROM command WHERE tenant_id = $1", town.tenant_id)
    await registry.close()
    ledger.close()
    await pool.close()
    await api.close()
    await owner.close()


def test_platform_and_drivers_agree_on_what_is_signed() -> None:
    for driver in CATALOG:
        for name, kind in driver.command_kinds.items():
            if driver.name.startswith("openmains/"):
                assert kind.signed == RULES[Kind(name)].signed, (driver.name, name)
            else:  # other makers' frames may have no place for a MAC; the signer's rules hold for them all the same
                assert RULES[Kind(name)].signed or not kind.signed, (driver.name, name)


@pytest.mark.parametrize("kind", list(Kind))
async def test_each_kind_is_confirmed_by_the_meter(desk: RealDesk, kind: Kind) -> None:
    command_id = await desk.give(kind, f"real-{kind}")
    assert await desk.state(command_id) == ("queued", "")
    assert await desk.window() == 1
    assert await desk.state(command_id) == ("confirmed", "done")
    assert await desk.window() == 0


async def test_what_the_meter_holds_is_in_its_shadow(desk: RealDesk) -> None:
    await desk.give(Kind.SET_PARAMETERS, "shadow-set")
    await desk.window()
    await desk.give(Kind.READ_PARAMETERS, "shadow-read")
    await desk.window()
    desired, reported = await desk.town.owner.fetchrow(
        "SELECT desired, reported FROM meter_shadow WHERE meter_id = $1", desk.meter_id
    )
    assert '"low_battery": 3400' in desired
    assert '"low_battery": 3400' in reported
    assert '"spread_interval"' in reported  # read back, never set


async def test_a_price_that_the_meter_brought_into_force_by_itself_is_in_its_shadow(desk: RealDesk) -> None:
    """S6.1.4.3, R1.12: it switches when the time has come and reports the change unasked, serial 0."""
    (other,) = await desk.town.add(1)
    switched = {"price_version": 8, "price_deferred": 0}
    for meter_id in (desk.meter_id, other):  # one that was commanded before, one that never was
        points = {"command_serial": 0, "command_result": 0, **switched}
        uplink = Uplink(meter_id, desk.town.tenant_id, desk.product_id, "coap", "r", desk.now_us, b"")
        said = command_response(uplink, "command_result", points, {}, b"", -3)
        assert said is not None
        await desk.respond([said])
        reported = await desk.town.owner.fetchval("SELECT reported FROM meter_shadow WHERE meter_id = $1", meter_id)
        assert json.loads(reported) == switched


async def test_the_log_can_be_read_and_comes_once(desk: RealDesk) -> None:
    desk.meter.terminal.meter.note(desk.meter.now, "magnet on")
    desk.meter.terminal.meter.note(desk.meter.now + 5, "magnet off")
    command_id = await desk.give(Kind.LOG_PULL, "log-pull")
    await desk.window()
    await desk.up(list(desk.meter.payloads))  # once more
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        text = as_text(await Commands(connection, desk.town.tenant_id).log_pulls(command_id), "en")
    lines = text.splitlines()
    assert lines and all(line.split(" ", 1)[0].isdigit() for line in lines)
    assert len(set(lines)) == len(lines)


async def test_of_a_log_with_lost_messages_only_their_span_is_pulled_again(desk: RealDesk) -> None:
    for n in range(120):
        desk.meter.terminal.meter.note(desk.meter.now + n // 3, f"cover {n % 2}")  # three a second, some alike
    written = [f"{at} {what}" for at, what in desk.meter.terminal.meter.log]
    command_id = await desk.give(Kind.LOG_PULL, "log-lost")
    await desk.window(answers_arrive=False)
    *parts, done = desk.meter.payloads
    assert len(parts) >= 4
    await desk.up([parts[0], *parts[3:], done])
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        assert "# missing" in as_text(await Commands(connection, desk.town.tenant_id).log_pulls(command_id), "en")
    desk.later(SETTLE_S + 1)
    await desk.work(desk.now_us / 1_000_000)
    assert await desk.window() == 1
    assert 1 < len(desk.meter.payloads) < len(parts) + 1
    async with tenant_transaction(desk.api, desk.town.tenant_id) as connection:
        text = as_text(await Commands(connection, desk.town.tenant_id).log_pulls(command_id), "en")
    assert text.splitlines() == written


async def test_a_lost_answer_is_asked_for_again_and_money_rises_once(desk: RealDesk) -> None:
    command_id = await desk.give(Kind.TOP_UP, "lost-answer")
    for _ in range(3):
        assert await desk.window(answers_arrive=False) == 1
    assert await desk.state(command_id) == ("sent", "")
    await desk.window()
    assert await desk.state(command_id) == ("confirmed", "already_done")
    assert {sent.frame for sent in desk.down.frames} == {desk.down.frames[0].frame}
    balance = await desk.town.owner.fetchval(
        "SELECT (answer ->> 'balance')::bigint FROM command WHERE command_id = $1", command_id
    )
    assert RICH_FEN + 4000 < balance <= RICH_FEN + 5000  # less what was used meanwhile


async def test_a_closing_done_in_time_and_told_after_its_end_is_confirmed(desk: RealDesk) -> None:
    command_id = await desk.give(Kind.VALVE_CLOSE, "late-word")
    await desk.window(answers_arrive=False)
    assert desk.meter.terminal.valve.position == Position.CLOSED
    desk.later(2 * 86_400)
    await sweep(desk.flow, desk.now_us)
    assert (await desk.state(command_id))[0] == "asking"
    await desk.window()
    assert await desk.state(command_id) == ("confirmed", "already_done")


async def test_a_closing_that_came_too_late_is_not_done(desk: RealDesk) -> None:
    command_id = await desk.give(Kind.VALVE_CLOSE, "too-late")
    await desk.dispatcher.wake_up([WakeUp(desk.meter_id, desk.town.tenant_id)])  # lost on the way down
    desk.later(2 * 86_400)
    await sweep(desk.flow, desk.now_us)
    await desk.window()
    assert await desk.state(command_id) == ("expired", "expired")
    assert desk.meter.terminal.valve.position == Position.OPEN


async def stand_in_mismatch(desk: RealDesk, number: int | None) -> None:
    """As the pipeline writes it when the meter's frames carry another number."""
    await desk.town.owner.execute(
        "UPDATE meter_state SET strange_number = $2 WHERE meter_id = $1", desk.meter_id, number
    )


@pytest.mark.parametrize("kind", sorted(MOVES))
async def test_nothing_moves_valve_or_money_while_the_module_may_be_anothers(desk: RealDesk, kind: Kind) -> None:
    queued = await desk.give(kind, f"queued-{kind}")
    await stand_in_mismatch(desk, 77)
    refused = await desk.give(kind, f"given-{kind}")
    assert await desk.window() == 0
    assert await desk.state(queued) == ("failed", "module_mismatch")
    assert await desk.state(refused) == ("failed", "module_mismatch")
    reading = await desk.give(Kind.READ_STATUS, f"reading-{kind}")
    assert await desk.window() == 1
    assert await desk.state(reading) == ("confirmed", "done")
    await stand_in_mismatch(desk, None)
    again = await desk.give(kind, f"again-{kind}")
    await desk.window()
    assert await desk.state(again) == ("confirmed", "done")


async def test_a_frame_that_was_sent_is_not_sent_again_to_a_module_that_may_be_anothers(desk: RealDesk) -> None:
    command_id = await desk.give(Kind.TOP_UP, "sent-before")
    await desk.dispatcher.wake_up([WakeUp(desk.meter_id, desk.town.tenant_id)])  # lost on the way down
    await stand_in_mismatch(desk, 77)
    desk.later(600)
    assert await desk.window() == 0
    assert (await desk.state(command_id), desk.dispatcher.counters.misfits) == (("sent", ""), 1)
    await stand_in_mismatch(desk, None)
    assert await desk.window() == 1
    assert await desk.state(command_id) == ("confirmed", "done")

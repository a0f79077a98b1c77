# SPDX-License-Identifier: Apache-2.0
"""Emulated prepay meters live for eleven days with prices, top-ups and faults that are planted in them; what they say goes through driver,
pipeline and stores, and each balance is explained to the fen. What is expected comes from plain sums over the litres that truly flowed."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

import httpx
import pytest

from openmains.app.billing.mirror import MirrorSources, MirrorTurn, mirror_many, mirror_turn
from openmains.app.billing.mirror_ports import Registers
from openmains.app.billing.mirroring import Mirrored, ToMirror
from openmains.app.ingest.pipeline.ports import MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.pipeline.rows import day_tables
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId
from openmains.domain.period import DAY_S, HOUR_S, zone
from openmains.domain.readings.model import MeterState
from openmains.drivers import catalog
from openmains.edges.clickhouse.balances import ClickHouseBalances
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.billing.mirror import PostgresMirrorWork
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, VOLUME, Account
from openmains.emulator.meter.profile import Attach, Profile, Send
from openmains.emulator.meter.store import Held, Store
from tests.edges.http.test_billing import done_
from tests.edges.http.test_tariffs import made, problem
from tests.edges.http.world import Utility, World, new_meter
from tests.emulator.device.terminals import KEY, NUMBER, T0, Bench, steady

DRIVER, ZONE = "openmains/gas-1", "Asia/Shanghai"
CATALOG = catalog.load()
US, STEP, LITRES_H = 1_000_000, 10, 90
TIERS, OLD, NEW = [0, 4, 9], [26_137, 31_353, 39_977], [28_351, 34_119, 42_333]
FLOW = steady(LITRES_H)
BEGINS = T0 + 5 * DAY_S  # a billing period
PRICED, CHANGED, PAID = T0 + 10 * HOUR_S, T0 + 3 * DAY_S + 15 * HOUR_S + 1234, T0 + 7 * DAY_S + 9 * HOUR_S
DAYS, FEN = 11, 4_321


@dataclass
class Lived(Bench):
    """A bench that keeps what the meter said, when, and which commands it was given."""

    said: list[tuple[int, bytes]] = field(default_factory=list)
    given: list[tuple[int, str, dict[str, Any], int]] = field(default_factory=list)

    def do(self, actions: Any) -> list[dict[str, Any]]:
        todo = list(actions)
        while todo:
            action = todo.pop(0)
            if isinstance(action, Attach):
                todo += self.terminal.on_attach(True, self.now)
            elif isinstance(action, Send):
                self.said.append((self.now, action.payload))
                answer = CATALOG.driver(DRIVER).answer(action.payload, self.now, 480)
                todo += self.terminal.on_answer(action.message, answer, self.now)
        return []

    def until(self, at: int) -> None:
        self.run(at - self.now)

    def give(self, at: int, kind: str, params: dict[str, Any]) -> None:
        self.until(at)
        frame = self.frame(kind, params)
        self.given.append((at, kind, params, self.serial))
        self.do(self.terminal.on_command(frame, self.now))


def priced(version: int, prices: Sequence[int], clear: int) -> dict[str, Any]:
    return {
        "version": version, "effective_at": 0, "period_start": BEGINS, "cycle_months": 1, "clear_total": clear, "tiers": len(prices),
        "tier_from": TIERS[: len(prices)], "prices": list(prices),
    }  # fmt: skip


def lived(account: Account, *, is_priced: bool = True) -> Lived:
    """Eleven days: two prices, a billing period, a top-up."""
    store = Store(Held(account=account))
    meter = Lived(Terminal(NUMBER, Profile(), FLOW, DriverFrames(DRIVER, NUMBER), key=KEY, store=store))
    meter.do(meter.terminal.switch_on(T0, attach_after_s=0))
    if account.kind == MONEY and is_priced:
        meter.give(PRICED, "set_price", priced(6, OLD, 1))
        meter.give(CHANGED, "set_price", priced(7, NEW, 0))
    meter.give(PAID, "top_up", {"amount": FEN, "balance_kind": account.kind})
    meter.until(T0 + DAYS * DAY_S)
    return meter


class Place:
    """A utility whose meters are emulated, and the worker's turn by hand."""

    def __init__(self, world: World, clickhouse: ClickHouse, utility: Utility, product_id: int) -> None:
        self.world, self.clickhouse, self.utility, self.product_id = world, clickhouse, utility, product_id
        self.tenant = TenantId(utility.tenant_id)
        self.now_us = (T0 + DAYS * DAY_S) * US
        self.meters: list[int] = []

    async def heard(self, client: httpx.AsyncClient, meter: Lived) -> int:
        """What it said is processed and stored as by the pipeline, and its commands as by the dispatcher."""
        body = new_meter(self.utility, product_id=self.product_id)
        meter_id = (await made(client, "/meters", body))["meter_id"]
        processor = Processor(
            CATALOG,
            {self.product_id: Product(ProductId(self.product_id), DRIVER, 0, 1800, 6000)},
            {self.tenant: zone(ZONE)},
        )
        record = MeterRecord(
            MeterId(meter_id),
            self.tenant,
            ProductId(self.product_id),
            AreaId(self.utility.ids["area_id"]),
            0,
            20_000,
            MeterState(),
            0,
            0,
        )
        uplinks = [
            Uplink(MeterId(meter_id), self.tenant, ProductId(self.product_id), "coap", "r", at * US + place, payload)
            for place, (at, payload) in enumerate(meter.said)
        ]
        effects = processor.run(uplinks, {MeterId(meter_id): record})
        assert not effects.dead_letters
        await self.clickhouse.insert("signal", effects.signals)
        await self.clickhouse.insert("meter_day", day_tables(effects.days, {}).days)
        await self.world.owner.execute(
            "INSERT INTO meter_state (meter_id, tenant_id, balance, balance_kind) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (meter_id) DO UPDATE SET balance = excluded.balance, balance_kind = excluded.balance_kind",
            meter_id, self.tenant, record.latest["balance"], record.latest["balance_kind"],
        )  # fmt: skip
        answers = {word.serial: word for word in effects.responses if word.serial}
        for at, kind, params, serial in meter.given:
            word = answers[serial]
            await self.world.owner.execute(
                "INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, unique_key, content, not_after, created_us, state,"
                " serial, sent_us, ended_us, result, answer) VALUES ($1, $2, $3, $4, 1, 1, $5, '', $6, $7, 'confirmed', $8, $7, $9, $10, $11)",
                self.tenant, meter_id, kind, json.dumps(params), f"{kind}-{meter_id}-{serial}", at + HOUR_S, at * US - 1, serial,
                word.received_us, word.code, json.dumps(word.points),
            )  # fmt: skip
        self.meters.append(meter_id)
        return int(meter_id)

    async def turn(self) -> MirrorTurn:
        units = CATALOG.exponents

        class Told:
            """Days of these meters changed."""

            async def meters(_, *asked: Any) -> list[int]:
                return [meter_id for meter_id in sorted(self.meters) if meter_id > asked[4]]

        async def mirror(asked: Sequence[tuple[ToMirror, Registers]]) -> list[Mirrored]:
            return mirror_many(asked)

        owner = self.world.owner
        await owner.execute(
            "INSERT INTO pipeline_position (shard, stream, position) VALUES (978, 'x', 1) ON CONFLICT DO NOTHING"
        )
        await owner.execute(
            "INSERT INTO mirrored_place VALUES ($1, 978, -1) ON CONFLICT (tenant_id, shard) DO UPDATE SET position = -1",
            self.tenant,
        )
        sources = MirrorSources(
            ClickHouseBalances(self.clickhouse),
            Told(),  # type: ignore[arg-type]
            units.__getitem__,
            lambda name: CATALOG.driver(name).deduction,
            mirror,
        )
        return await mirror_turn(self.world.deps.store, sources, [(self.tenant, ZONE)], self.now_us)

    async def days(self, client: httpx.AsyncClient, meter_id: int) -> list[dict[str, Any]]:
        return (await done_(client, f"/meters/{meter_id}/mirrored-days", limit=500))["items"][::-1]  # type: ignore[no-any-return]


@asynccontextmanager
async def placed(
    world: World, clickhouse: ClickHouse
) -> AsyncIterator[tuple[Place, httpx.AsyncClient, httpx.AsyncClient]]:
    utility = await world.utility()
    async with world.client(utility.token) as chief, world.client(await world.user(utility, "operator")) as clerk:
        body = {
            "code": "G",
            "name": "G",
            "maker": "M",
            "model": "1",
            "driver": DRIVER,
            "qmax_l_h": 6000,
            "dial": 100_000_000,
        }
        product = await made(chief, "/products", body)
        yield Place(world, clickhouse, utility, product["product_id"]), clerk, chief


def taken(prices: Sequence[int], first_l: int, last_l: int, period_l: int, *, ceil: bool = False) -> Fraction:
    """Fen by plain arithmetic: litre by litre, at the tier of the period in which it lies; a step rounded up where the meter does so."""
    found = units = 0
    for litre in range(first_l, last_l):
        units += prices[sum(litre - period_l >= bound * 1000 for bound in TIERS) - 1]
        if ceil and ((litre + 1) % STEP == 0 or litre + 1 == last_l):
            found, units = found - (-units // UNITS_A_FEN) * UNITS_A_FEN, 0
    return Fraction(found + units, UNITS_A_FEN)


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


def truly(day: dict[str, Any], new: Sequence[int], *, ceil: bool = False) -> Fraction:
    """What the meter took between two reports, out of what flowed and when things happened: the meter's own doing, by the test's sums."""
    left, right = instant(day["from_at"]), instant(day["until_at"])
    at = {when: int(FLOW([when])[0]) for when in (left, right, PRICED, CHANGED, BEGINS)}
    ends = sorted({left, right, *(when for when in (CHANGED, BEGINS) if left < when < right)})

    def settled(when: int) -> int:
        exact = when in (PRICED, CHANGED, BEGINS) or abs(when - PRICED) < 10
        return (
            at[when]
            if exact
            else max(at[when] // STEP * STEP, *(at[one] for one in (PRICED, CHANGED, BEGINS) if one <= when))
        )

    return sum(
        (
            taken(
                new if before >= CHANGED else OLD,
                settled(before),
                settled(after),
                at[BEGINS if before >= BEGINS else PRICED],
                ceil=ceil,
            )
            for before, after in pairwise(ends)
        ),
        Fraction(0),
    )


async def test_each_balance_is_explained_to_the_fen_and_each_planted_fault_is_named(
    world: World, clickhouse: ClickHouse
) -> None:
    rich = Account(MONEY, 60_000 * UNITS_A_FEN)
    async with placed(world, clickhouse) as (place, clerk, chief):
        sound = await place.heard(chief, lived(rich))
        rounds = await place.heard(chief, lived(replace(rich, rounds_up=STEP)))
        stale = await place.heard(chief, lived(replace(rich, keeps_price=True)))
        forgets = await place.heard(chief, lived(replace(rich, forgets_top_ups=True)))
        litres = await place.heard(chief, lived(Account(VOLUME, 90_000)))
        nameless = await place.heard(chief, lived(rich, is_priced=False))
        done = await place.turn()
        assert done.meters == 6 and done.found > 0
        assert (await place.turn()).versions == 0, "read again: nothing twice"

        for meter_id, new, planted, ceil in (
            (sound, NEW, 0, False), (rounds, NEW, 0, True), (stale, OLD, 0, False), (forgets, NEW, -FEN, False)
        ):  # fmt: skip
            days = await place.days(clerk, meter_id)
            assert len(days) >= DAYS - 1 and {day["doubt"] for day in days} == {""}
            for day in days:
                paid = FEN if instant(day["from_at"]) < PAID <= instant(day["until_at"]) else 0
                assert day["credited"] == paid
                should, was = truly(day, NEW), truly(day, new, ceil=ceil)
                assert abs(day["before"] + paid + (planted if paid else 0) - was - day["after"]) < 1, (
                    "the test knows the meter"
                )
                assert day["expected"] == (day["before"] + paid - should).__floor__()
                assert day["difference"] == day["after"] - day["expected"]
                assert day["deducted"] == day["before"] + paid - day["expected"]

        def told(days: list[dict[str, Any]]) -> set[str]:
            return {json.dumps(day["explanations"]) for day in days if day["explanations"]}

        assert told(await place.days(clerk, sound)) == set()
        (price,) = told(await place.days(clerk, stale))
        assert json.loads(price) == [[{"cause": "price_version", "what": "6"}]]
        (lost,) = [day for day in await place.days(clerk, forgets) if day["explanations"]]
        command = await world.owner.fetchval(
            "SELECT command_id FROM command WHERE meter_id = $1 AND kind = 'top_up'", forgets
        )
        assert lost["explanations"] == [[{"cause": "lost_top_up", "what": str(command)}]]
        assert {
            one["cause"] for day in await place.days(clerk, rounds) for each in day["explanations"] for one in each
        } == {"rounding"}
        assert all(
            [{"cause": "rounding", "what": "up"}] in day["explanations"] for day in await place.days(clerk, rounds)
        )
        volumes = await place.days(clerk, litres)
        assert {(day["unit"], day["difference"]) for day in volumes} == {("l", 0)}
        doubts = (await done_(clerk, "/mirrored-meters", in_doubt=True))["items"]
        assert [(one["meter_id"], one["why"]) for one in doubts] == [(nameless, "price-unknown")]
        assert len((await done_(clerk, "/mirrored-meters"))["items"]) == 6
        await _worked_off(place, clerk, {"rounding": rounds, "price_version": stale, "lost_top_up": forgets})


async def test_a_top_up_whose_answer_came_days_later_is_where_it_was_done(world: World, clickhouse: ClickHouse) -> None:
    """The answer lies within the last days, and what it answers before them: the whole of the meter is looked over for it."""
    async with placed(world, clickhouse) as (place, clerk, chief):
        meter_id = await place.heard(chief, lived(Account(MONEY, 60_000 * UNITS_A_FEN)))
        owner = world.owner
        row = await owner.fetchrow(
            "SELECT command_id, ended_us FROM command WHERE meter_id = $1 AND kind = 'top_up'", meter_id
        )
        assert row is not None
        command, answered = row
        await owner.execute(
            "UPDATE command SET state = 'sent', ended_us = NULL, result = NULL WHERE command_id = $1", command
        )
        await place.turn()
        (early,) = (await done_(clerk, "/balance-differences"))["items"]
        assert early["explanations"] == [[{"cause": "unconfirmed_top_up", "what": str(command)}]]
        late = answered + 2 * DAY_S * US
        await owner.execute(
            "UPDATE command SET state = 'confirmed', ended_us = $2, result = 2 WHERE command_id = $1", command, late
        )
        assert (await place.turn()).versions == 0, "not before the whole of it is looked over"
        assert (await place.turn()).versions == 1
        assert (await done_(clerk, "/balance-differences"))["items"] == []
        versions = [day for day in await place.days(clerk, meter_id) if day["day"] == early["day"]]
        assert [(day["version"], day["credited"], day["superseded"]) for day in versions] == [
            (1, 0, True),
            (2, FEN, False),
        ]


async def _worked_off(place: Place, clerk: httpx.AsyncClient, by_cause: dict[str, int]) -> None:
    """The list, its filters, and what a person makes of a difference."""

    async def listed(**query: Any) -> list[dict[str, Any]]:
        return (await done_(clerk, "/balance-differences", limit=500, **query))["items"]  # type: ignore[no-any-return]

    everything = await listed()
    assert {row["meter_id"] for row in everything} == set(by_cause.values())
    for cause, meter_id in by_cause.items():
        assert {row["meter_id"] for row in await listed(cause=cause)} == {meter_id}
        assert await listed(meter_id=meter_id) == await listed(cause=cause)
    assert await listed(area_id=place.utility.ids["area_id"]) == everything
    assert await listed(area_id=2**31 - 1) == await listed(account_id=2**40) == []
    (lost,) = await listed(least=FEN - 1)
    assert lost["meter_id"] == by_cause["lost_top_up"] and lost["verdict"] is None
    assert await listed(age_days=36_000) == [] and await listed(age_days=0) == everything
    first = await done_(clerk, "/balance-differences", limit=2)
    assert (await done_(clerk, "/balance-differences", limit=2, cursor=first["next"]))["items"] == everything[2:4]

    path, body = (
        f"/balance-differences/{lost['mirrored_id']}/review",
        {"verdict": "settled", "reason": "topped up again"},
    )
    assert problem(await clerk.post(path, json={**body, "reason": ""})) == "reason-needed"
    assert problem(await clerk.post("/balance-differences/999999999/review", json=body)) == "not-found"
    assert (await clerk.post(path, json=body)).status_code == 204
    assert problem(await clerk.post(path, json=body)) == "already-done"
    (row,) = await listed(least=FEN - 1)
    assert (row["verdict"], row["reason"]) == ("settled", "topped up again") and row["reviewer"]
    assert lost["mirrored_id"] not in {one["mirrored_id"] for one in await listed(open=True)}
    assert await listed(open=False) == [row]

    world, tenant = place.world, place.tenant
    async with world.client(place.utility.token) as chief:
        trail = (await done_(chief, "/audit", limit=100))["items"]
    assert "review_difference" in {entry["action"] for entry in trail}
    for statement in (
        "UPDATE mirrored_day SET difference = 0",
        "DELETE FROM mirrored_day",
        "DELETE FROM mirror_review",
    ):
        with pytest.raises(Exception, match="never"):
            await world.owner.execute(f"{statement} WHERE tenant_id = $1", tenant)
    async with world.client(world.b.token) as stranger:
        assert (await done_(stranger, "/balance-differences"))["items"] == []
        assert (await done_(stranger, f"/meters/{lost['meter_id']}/mirrored-days"))["items"] == []
    viewer = await world.user(place.utility, "viewer")
    async with world.client(viewer) as client:
        assert problem(await client.post(path, json=body)) == "not-allowed"
    assert (tenant, ZONE) in await PostgresMirrorWork(world.pipeline).mirroring()

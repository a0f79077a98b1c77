# SPDX-License-Identifier: Apache-2.0
"""A hard month of a small town through the pipeline's processor: its alarms are what happened, and nothing else.

The same town of 2,000 meters through a whole system: ``tests/scenarios/test_hard_month.py``.
"""

from collections import Counter
from dataclasses import replace

import pytest

from openmains.app.ingest.pipeline.ports import MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.domain.ids import AreaId, ProductId
from openmains.domain.period import DAY_S, zone
from openmains.domain.readings.model import MeterState
from openmains.drivers import catalog
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.diary import What
from openmains.emulator.meter.valve import Position
from tests.support.hard_month import DRIVERS, NEXT_PRICE, Identity, Month
from tests.support.month_check import PlatformAlarm, check

START = 20_454 * DAY_S - 8 * 3600  # 2026-01-01 00:00 in China
METERS, DAYS = 48, 30
MARGIN = 2 * 60


class Platform:
    """The pipeline's processor with its stores in memory."""

    def __init__(self, month: Month) -> None:
        products = {1 + int(m): Product(ProductId(1 + int(m)), name, 0, 1800, 6000) for m, name in DRIVERS.items()}
        self.records = {
            one.identity.meter_id: MeterRecord(
                one.identity.meter_id,
                one.identity.tenant_id,
                one.identity.product_id,
                AreaId(1),
                0,
                0,
                MeterState(),
                0,
                0,
            )
            for one in month.residents
        }
        self._processor = Processor(catalog.load(), products, {Identity(1).tenant_id: zone("Asia/Shanghai")})
        self.alarms: list[PlatformAlarm] = []
        self.prices: dict[int, dict[str, int]] = {}
        self.counters: Counter[str] = Counter()
        for day in month.run():
            effects = self._processor.run(day, self.records)
            assert not effects.dead_letters, effects.dead_letters[:3]
            self.counters += effects.counters
            for response in effects.responses:
                self.prices.setdefault(response.meter_id, {}).update(response.prices)
            self._keep(effects.alarms)

    def _keep(self, changes: object) -> None:
        for change in changes:  # type: ignore[attr-defined]
            received = change.received_us // 1_000_000
            place = next(
                (
                    k
                    for k in range(len(self.alarms) - 1, -1, -1)
                    if (self.alarms[k].meter_id, self.alarms[k].event) == (change.meter_id, change.event)
                    and self.alarms[k].cleared_at is None
                ),
                None,
            )
            if change.action == "raised":
                assert place is None
                self.alarms.append(PlatformAlarm(change.meter_id, change.event, change.raised_at, received, None))
            elif change.action == "cleared" and place is not None:
                self.alarms[place] = replace(self.alarms[place], cleared_at=received)


@pytest.fixture(scope="module")
def month() -> Month:
    identities = [Identity(k + 1, product_id=ProductId(1 + k % 2)) for k in range(METERS)]  # type: ignore[arg-type]
    return Month(METERS, DAYS, START, identities=identities)


@pytest.fixture(scope="module")
def platform(month: Month) -> Platform:
    return Platform(month)


@pytest.mark.usefixtures("takes_seconds")
def test_every_alarm_has_its_cause_and_every_event_its_alarm(month: Month, platform: Platform) -> None:
    seen = check(month.residents, platform.alarms)
    print(dict(seen), dict(month.counts))
    assert seen["told"] > seen["events"] * 9 // 10 > 80
    assert seen["at once"] > 10 * seen["late by the radio"] > 0
    assert seen["low balance at the crossing"] > 5
    assert min(seen["closings"], seen["resets at the meter"], seen["opened by itself"]) > 5
    assert min(month.counts[name] for name in ("busy", "lost", "answer lost", "attach failed", "top-up")) > 0


@pytest.mark.usefixtures("takes_seconds")
def test_valve_and_price_at_the_platform_are_the_meters(month: Month, platform: Platform) -> None:
    held = 0
    for one in month.residents:
        latest = platform.records[one.identity.meter_id].latest
        quiet = not one.troubles or one.troubles[-1][0] < month.start + (DAYS - 1) * DAY_S
        if quiet and not one.terminal.meter.dead and one.terminal.valve.position is not Position.FAULT:
            assert latest["valve"] == one.terminal.valve.position, one.terminal.number
        account = one.terminal.store.held.account
        if one.medium is Medium.GAS and account.price is not None and account.price.version == NEXT_PRICE:
            assert platform.prices[one.identity.meter_id]["price_version"] == NEXT_PRICE
            held += 1
    assert held > METERS // 3


@pytest.mark.usefixtures("takes_seconds")
def test_batteries_drain_and_the_dead_are_silent(month: Month) -> None:
    died = 0
    for one in month.residents:
        battery, now = one.terminal.body.battery, month.start + DAYS * DAY_S
        assert battery.spent_uc > 0 and battery.permille(now) < 1_000
        dead_at: int | None = None
        for entry in one.terminal.diary.of(What.POWER):
            if not entry.on:
                dead_at, died = entry.at, died + 1
            else:
                assert dead_at is not None
                assert not [at for at, _ in one.arrived if dead_at < at < entry.at], "a dead meter spoke"
    assert died > 0


def test_the_same_month_again_is_the_same() -> None:
    payloads = []
    for _ in range(2):
        month = Month(16, 4, START, seed=3)
        payloads.append([[(up.meter_id, up.received_us, up.payload) for up in day] for day in month.run()])
    assert payloads[0] == payloads[1]

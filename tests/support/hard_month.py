# SPDX-License-Identifier: Apache-2.0
"""A town of emulated meters over a hard month, on a virtual clock: causes, bad radio, error 513, windows, credit that runs out.

No socket and no waiting: a message arrives at the instant it is sent, or does not. Kept are the uplinks the platform got
(``uplinks``), what the radio did to each meter (``troubles``), and each meter's diary, which knows what really happened.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Any

import numpy as np

from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import DAY_S, HOUR_S
from openmains.drivers import catalog
from openmains.drivers.model import Driver
from openmains.drivers.points import vocabulary
from openmains.emulator.device.terminal import Terminal
from openmains.emulator.fleet import supply
from openmains.emulator.meter.authorise import command_mac
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.causes import planned
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.frames import DriverFrames, immediate_events
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Action, Attach, Profile, Send, chongqing
from openmains.emulator.meter.store import Held, Store

DRIVERS = {Medium.GAS: "openmains/gas-1", Medium.WATER: "openmains/water-1"}
FIRST_NUMBER = 520_000_000_000
KEY = bytes(range(32))
TENANT, PRODUCT = TenantId(7), ProductId(1)  # where there is no platform that gives them
CAUSES_A_DAY = 0.12
LOST, ANSWER_LOST, BUSY, ATTACH_FAILS = 0.03, 0.01, 0.03, 0.02
PRICE, NEXT_PRICE = 1, 2
STEP_L, WARNING_FEN = 10, 1_000  # as delivered
_TIMER, _PRESS = 0, 1


@dataclass(frozen=True, slots=True)
class Identity:
    """Of a meter at the platform; made up where there is none."""

    meter_id: MeterId
    tenant_id: TenantId = TENANT
    product_id: ProductId = PRODUCT


@dataclass(slots=True)
class Resident:
    """A meter, and who pays for it."""

    place: int
    medium: Medium
    terminal: Terminal
    driver: Driver
    identity: Identity
    troubles: list[tuple[int, str]] = field(default_factory=list)  # (true instant, what the radio did)
    arrived: list[tuple[int, bytes]] = field(default_factory=list)  # what the platform got
    serial: int = 0
    price_sent: bool = False
    awaited: bool = False


@dataclass
class Month:
    """``identities`` by place; without them numbers from 1 on. ``start``: s UTC, a local midnight."""

    count: int
    days: int
    start: int
    seed: int = 11
    identities: Sequence[Identity] = ()
    residents: list[Resident] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)  # noqa: S311 - the same month in every run
        self._town = Consumption(self.seed)
        drivers = catalog.load()
        self._drivers = {medium: drivers.driver(name) for medium, name in DRIVERS.items()}
        self.residents = [self._resident(place) for place in range(self.count)]
        self._numbers = np.array([one.terminal.number for one in self.residents], np.int64)
        self._media = np.array([int(one.medium) for one in self.residents], np.int64)
        self._heap: list[tuple[int, int, int]] = []
        self._outbox: list[Uplink] = []
        self._now = self.start

    def _resident(self, place: int) -> Resident:
        rng, medium, number = self._rng, Medium(place % 2), FIRST_NUMBER + place * 17
        profile = Profile(immediate=immediate_events(DRIVERS[medium]))
        if place % 8 == 3:
            profile = chongqing(profile)
        chance = random.Random(f"{self.seed}:{number}")  # noqa: S311 - likewise
        body = Body(
            medium,
            number,
            causes=planned(chance, medium, self.start + DAY_S, CAUSES_A_DAY),
            used_permille=rng.choice((0, 100, 300, 500, 700, 900, 944, 947)),
        )
        held = Held(settings={"pressure_low": 1_500})
        if medium is Medium.GAS:
            price = PriceSet(PRICE, 0, self.start - 90 * DAY_S, 12, False, (0, 310, 520), (26_300, 31_600, 39_500))
            held = replace(held, account=Account(MONEY, rng.randrange(1_500, 20_000) * UNITS_A_FEN, price=price))
        terminal = Terminal(
            number,
            profile,
            supply(self._town, number, medium),
            DriverFrames(DRIVERS[medium], number),
            key=KEY,
            store=Store(held),
            drift_ppm=rng.randint(-20, 20),
            body=body,
        )
        identity = self.identities[place] if self.identities else Identity(MeterId(place + 1))
        return Resident(place, medium, terminal, self._drivers[medium], identity)

    # -- the month -----------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[list[Uplink]]:
        """The month, one list of uplinks a day, in the order of their arrival."""
        for one in self.residents:
            self._do(one, one.terminal.switch_on(self._now, attach_after_s=one.place * 7 % 3_600))
        for day in range(self.days):
            end = self.start + (day + 1) * DAY_S
            self._town.warm(self._numbers, self._media, self.start + day * DAY_S)
            while self._heap and self._heap[0][0] < end:
                at, place, what = heappop(self._heap)
                self._now = max(self._now, at)
                one = self.residents[place]
                if what == _PRESS:
                    one.awaited = False
                    self._do(one, one.terminal.press(self._now))
                elif one.terminal.next_timer() == at:
                    self._do(one, one.terminal.handle(self._now))
            found, self._outbox = self._outbox, []
            yield found

    def _do(self, one: Resident, actions: Sequence[Action]) -> None:
        todo = deque(actions)
        while todo:
            action = todo.popleft()
            if isinstance(action, Attach):
                ok = self._rng.random() >= ATTACH_FAILS
                if not ok:
                    self._trouble(one, "attach failed")
                todo.extend(one.terminal.on_attach(ok, self._now))
            elif isinstance(action, Send):
                todo.extend(self._send(one, action))
        due = one.terminal.next_timer()
        if due is not None:
            heappush(self._heap, (due, one.place, _TIMER))
        permitted = one.terminal.store.held.permitted_until
        if (one.terminal.wants_press or permitted) and not one.awaited:
            one.awaited = True
            heappush(self._heap, (self._now + self._rng.randrange(HOUR_S, 12 * HOUR_S), one.place, _PRESS))

    def _send(self, one: Resident, send: Send) -> Sequence[Action]:
        self.counts[send.kind] += 1
        luck = self._rng.random()
        if luck < BUSY:
            self._trouble(one, "busy")
            return one.terminal.on_failure(send.message, self._now, busy=True)
        if luck < BUSY + LOST:
            self._trouble(one, "lost")
            return one.terminal.on_failure(send.message, self._now)
        received_us = self._now * 1_000_000 + len(self._outbox) % 900_000
        who = one.identity
        self._outbox.append(
            Uplink(who.meter_id, who.tenant_id, who.product_id, "coaps", "r", received_us, send.payload)
        )
        one.arrived.append((self._now, send.payload))
        if luck < BUSY + LOST + ANSWER_LOST:
            self._trouble(one, "answer lost")
            return one.terminal.on_failure(send.message, self._now)
        answer = one.driver.answer(send.payload, self._now, 480)
        actions = list(one.terminal.on_answer(send.message, answer, self._now))
        if send.kind == "report" and one.medium is Medium.GAS and one.terminal.reachable:
            actions += self._command(one)
        return actions

    def _trouble(self, one: Resident, what: str) -> None:
        self.counts[what] += 1
        one.troubles.append((self._now, what))

    def _command(self, one: Resident) -> Sequence[Action]:
        """What waited for the meter: a price for the middle of the month, the customer's payment."""
        actions: list[Action] = []
        effective = self.start + self.days * DAY_S // 2
        if not one.price_sent and self._now > self.start + DAY_S and self._now < effective:
            one.price_sent = True
            params: dict[str, Any] = {
                "version": NEXT_PRICE,
                "effective_at": effective,
                "period_start": self.start,
                "tiers": 1,
            }
            actions += self._frame(one, "set_price", params | {"tier_from": [0], "prices": [28_000]})
        if one.terminal.active & {"balance_low", "arrears"} and self._rng.random() < 0.4:
            self.counts["top-up"] += 1
            actions += self._frame(one, "top_up", {"amount": 10_000, "balance_kind": 0})
        return actions

    def _frame(self, one: Resident, kind: str, params: dict[str, Any]) -> Sequence[Action]:
        one.serial += 1
        frame = one.driver.command(
            kind, params, serial=one.serial, counter=one.serial, not_after=self._now + HOUR_S,
            mac=lambda body: command_mac(KEY, body),
        )  # fmt: skip
        return one.terminal.on_command(frame, self._now)


@dataclass(frozen=True, slots=True)
class Told:
    """One delivered message that speaks of events. ``balance``: as it says, None where it says none."""

    at: int
    kind: str
    raised_at: int | None
    events: frozenset[str]
    balance: int | None


def told_by(residents: Sequence[Resident]) -> dict[int, list[Told]]:
    """Place → its delivered messages in order, read with the product's driver. Repeats of a message are left out, as the platform
    leaves them out."""
    found: dict[int, list[Told]] = defaultdict(list)
    names = vocabulary().event_names
    for one in residents:
        payloads = [payload for _, payload in one.arrived]
        rows: dict[int, Told] = {}
        for columns in one.driver.decode(payloads, [at for at, _ in one.arrived])[0]:
            if columns.event_mask is None or not columns.event_known:
                continue
            for row, index in enumerate(columns.rows):
                raised = columns.points.get("raised_at")
                balance = columns.points.get("balance")
                rows[index] = Told(
                    one.arrived[index][0],
                    str(columns.kind),
                    None if raised is None else int(raised[row]),
                    frozenset(names(int(columns.event_mask[row]))),
                    None if balance is None else int(balance[row]),
                )
        seen: set[bytes] = set()
        for index in sorted(rows):
            if payloads[index] not in seen:
                found[one.place].append(rows[index])
            seen.add(payloads[index])
    return found

# SPDX-License-Identifier: Apache-2.0
"""Gateways, relays and meters on a virtual clock, and a platform that counts what arrives: nothing sleeps, whatever happens follows from a
seed.

True time is the air's, ms since 1970 UTC. Each gateway has a counting clock that goes wrong by ``ppm`` and a box clock that may stand anywhere.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from openmains.domain.period import DAY_S
from openmains.edges.sqlite.gateway_store import SqliteGatewayStore
from openmains.emulator.gateway.air import Air, Node
from openmains.emulator.gateway.body import PlainBody
from openmains.emulator.gateway.radio_meter import RadioMeter
from openmains.emulator.gateway.relay import Relay
from openmains.gateway.config import GatewayConfig
from openmains.gateway.core import Gateway
from openmains.wire.gateway.messages import (
    CommandWord,
    GatewayCommand,
    GatewayEvent,
    GatewayState,
    Item,
    MeterMessage,
    Stored,
    TimeOffer,
    UpBatch,
    decode_down_untrusted,
    decode_state_untrusted,
    decode_up_untrusted,
    encode_down,
    encode_state,
    encode_up,
)
from openmains.wire.gbt36330.air import AirFrame, AirKind, meter_key
from openmains.wire.gbt36330.content import History, decode_untrusted

START_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
FIRST_DAY = START_MS // 1000 // DAY_S
KEY = b"a key of the town's networks 123"
NORTH_MS = 300_000  # so often a gateway speaks to the platform, unless the town says otherwise
SPACING_M = 1_500.0


def truth(number: str, day: int) -> int:
    """What the meter's dial shows at 00:00 of a day."""
    return int(number) % 1000 * 1_000 + (day - FIRST_DAY + 10) * 137


@dataclass
class TownPlatform:
    """What arrived. ``is_reachable(gateway, now_ms)``."""

    is_reachable: Callable[[str, int], bool] = lambda number, now_ms: True
    registers: dict[tuple[str, int], int] = field(default_factory=dict)
    messages: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    events: list[tuple[str, GatewayEvent]] = field(default_factory=list)
    states: deque[tuple[str, GatewayState]] = field(default_factory=lambda: deque(maxlen=1_000))
    words: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: set[tuple[str, Item]] = field(default_factory=set)
    counters: Counter[str] = field(default_factory=Counter)

    def take(self, gateway: str, batch: UpBatch) -> Stored:
        for item in batch.items:
            if (batch.store, item) in self.seen:
                self.counters["again"] += 1
                continue
            self.seen.add((batch.store, item))
            word = item.word
            if isinstance(word, GatewayEvent):
                self.events.append((gateway, word))
            elif isinstance(word, CommandWord):
                self.words[word.command, word.state] += 1
            else:
                self._message(word)
        return Stored(batch.store, batch.run, tuple(item.number for item in batch.items))

    def _message(self, word: MeterMessage) -> None:
        self.messages[word.meter, word.data] += 1
        told = decode_untrusted(word.message_type, False, word.data)
        assert isinstance(told, History)
        for day, register in enumerate(told.registers, told.first_day):
            assert self.registers.setdefault((word.meter, day), register) == register

    def named(self, event: str) -> list[tuple[str, GatewayEvent]]:
        return [(gateway, told) for gateway, told in self.events if told.event == event]


class TownGateway:
    """A gateway's box: program, file, clocks, antenna and line to the platform."""

    def __init__(
        self, town: "RadioTown", config: GatewayConfig, x: float, y: float, ppm: int, store: SqliteGatewayStore
    ) -> None:
        self.town, self.config, self.x, self.y, self.ppm, self.store = town, config, x, y, ppm, store
        self.box_off_ms, self.boot, self.runs = 0, "first", 0
        self._boot_ms = town.air.now_ms
        self._linked = False
        self.program: Gateway | None = None

    def mono(self, now_ms: int) -> int:
        passed = now_ms - self._boot_ms
        return 1_000_000 + passed + passed * self.ppm // 1_000_000

    def begin(self) -> None:
        """The program starts."""
        now_ms = self.town.air.now_ms
        self.runs += 1
        self.program = Gateway(
            self.config, self.store, self.town.random.randbytes, mono_ms=self.mono(now_ms), box_ms=now_ms + self.box_off_ms,
            boot=self.boot, version="test",
        )  # fmt: skip
        self._linked = False
        self.turn(now_ms)
        self.town.air.at(now_ms + 1_000, lambda at_ms: self._north(at_ms, self.runs))

    def kill(self) -> None:
        """At this very instant: what was not committed is gone."""
        self.program = None
        self.store.roll_back()

    def cut_power(self, boot: str) -> None:
        """And the box boots anew, later."""
        self.kill()
        self.boot = boot
        self._boot_ms = self.town.air.now_ms

    def listens(self, frame: AirFrame, now_ms: int) -> bool:
        return self.program is not None

    def hears(self, frame: AirFrame, now_ms: int) -> None:
        if self.program is not None:
            self.program.radio_received(frame, self.mono(now_ms))
            self.turn(now_ms)

    def turn(self, now_ms: int) -> None:
        """What its program has to say, and when it wants to be woken."""
        program = self.program
        if program is None:
            return
        for frame in program.to_radio():
            self.town.air.send(self, frame)
        due = program.next_timer()
        if due is not None:
            self.town.wake(self, now_ms + max(0, due - self.mono(now_ms)))

    def timer(self, now_ms: int) -> None:
        if self.program is not None:
            self.program.timer(self.mono(now_ms))
            self.turn(now_ms)

    def give(self, command: GatewayCommand) -> None:
        """As the broker keeps it until the gateway is there."""
        self.town.given.setdefault(self.config.number, []).append(command)

    def _north(self, now_ms: int, run: int) -> None:
        program, number, platform = self.program, self.config.number, self.town.platform
        if program is None or run != self.runs:
            return
        reachable = platform.is_reachable(number, now_ms)
        if reachable != self._linked:
            self._linked = reachable
            (program.north_connected if reachable else program.north_lost)()
        mono = self.mono(now_ms)
        while (batch := program.to_north(mono)) is not None:
            told = platform.take(number, decode_up_untrusted(encode_up(batch)))
            program.north_received(told, mono)
        if reachable:
            state = program.state(mono)
            platform.states.append((number, decode_state_untrusted(encode_state(state))))
            program.north_received(TimeOffer(state.ask, now_ms, 480), mono)
            for command in self.town.given.pop(number, []):
                word = decode_down_untrusted(encode_down(command))
                assert isinstance(word, GatewayCommand)
                program.north_received(word, mono)
        self.turn(now_ms)
        self.town.air.at(now_ms + self.town.north_ms, lambda at_ms: self._north(at_ms, run))


class RadioTown:
    """``gateways`` on a grid, each with ``meters`` around it; those further off are heard by relays. Neighbours have other channels.
    ``probe_s``: longer than a gateway's own, for days with thousands of relays are long enough."""

    def __init__(
        self, seed: int, gateways: int, meters: int, *, relays: int = 4, loss: float = 0.05, probe_s: int = 900
    ) -> None:
        self.random = _seeded(seed)
        self.air = Air(_seeded(seed + 1), self.near, loss=loss, now_ms=START_MS)
        self.platform = TownPlatform()
        self.given: dict[str, list[GatewayCommand]] = {}
        self.gateways: list[TownGateway] = []
        self.relays: list[Relay] = []
        self.meters: dict[str, RadioMeter] = {}
        self._by_network: dict[int, list[TownGateway]] = {}
        self._wakes: dict[int, int] = {}
        self.north_ms = NORTH_MS
        side = max(1, round(gateways**0.5 + 0.499))
        for place in range(gateways):
            column, row = place % side, place // side
            pair = 1 + 2 * (column % 2 + 2 * (row % 2))
            config = GatewayConfig(f"{9_000_000_000_000_000 + place}", place + 1, KEY, channels=(pair, pair + 1),
                                   relays=tuple(range(1, relays + 1)), probe_s=probe_s)  # fmt: skip
            x, y = column * SPACING_M, row * SPACING_M
            box = TownGateway(
                self, config, x, y, self.random.randint(-1, 1), SqliteGatewayStore(":memory:", config.number)
            )
            self.gateways.append(box)
            self._by_network[config.network] = [box]
            self._people(config, x, y, meters, relays)
        for box in self.gateways:
            box.begin()

    def _people(self, config: GatewayConfig, x: float, y: float, meters: int, relays: int) -> None:
        random = self.random
        spots = [(x + dx * 240, y + dy * 240) for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1))][:relays]
        self.relays += [
            Relay(config.network, number, *spot, self.air, _drawn(random)) for number, spot in enumerate(spots, 1)
        ]
        for index in range(meters):
            number = f"{config.network:08d}{index:08d}"
            around_x, around_y = spots[index % len(spots)] if spots and index % 3 == 0 else (x, y)
            meter = RadioMeter(
                number, config.network, meter_key(KEY, number), PlainBody(partial(truth, number), FIRST_DAY + 1),
                self.air, _drawn(random), around_x + random.uniform(-170, 170), around_y + random.uniform(-170, 170),
                is_active=index % 5 != 0, drift_ppm=random.randint(-8, 8),
            )  # fmt: skip
            self.meters[number] = meter
            meter.start(random.randrange(3_600_000))

    def near(self, frame: AirFrame, sender: Node) -> Iterable[Node]:
        boxes = self._by_network.get(frame.network, [])
        if not frame.down:
            yield from boxes
            if not frame.relayed:
                yield from (relay for relay in self.relays_of(frame.network))
            return
        if frame.kind is AirKind.BEACON:
            yield from boxes
        if frame.via and not frame.relayed:
            yield from (relay for relay in self.relays_of(frame.network))
        if frame.kind is AirKind.WELCOME:
            meter = self.meters.get(frame.body[:8].hex())
        else:
            numbers = [box.program.members.at(frame.logical) for box in boxes if box.program is not None]
            known = next((member for member in numbers if member is not None), None)
            meter = None if known is None else self.meters.get(known.kept.number)
        if meter is not None:
            yield meter

    def relays_of(self, network: int) -> list[Relay]:
        each = len(self.relays) // max(1, len(self._by_network))
        return self.relays[(network - 1) * each : network * each]

    def add_double(self, box: TownGateway, store: SqliteGatewayStore) -> TownGateway:
        """A second box of the same configuration beside it."""
        double = TownGateway(self, box.config, box.x + 20, box.y, 0, store)
        double.boot = "another box"
        self._by_network[box.config.network].append(double)
        self.gateways.append(double)
        double.begin()
        return double

    def wake(self, box: TownGateway, at_ms: int) -> None:
        """One waking of a box at a time is enough."""
        planned = self._wakes.get(id(box))
        if planned is None or at_ms < planned or planned <= self.air.now_ms:
            self._wakes[id(box)] = at_ms
            self.air.at(at_ms, box.timer)

    def run(self, days: float) -> None:
        """So many days of true time."""
        self.air.run(self.air.now_ms + int(days * DAY_S * 1000))

    def clock_faults(self) -> dict[str, int]:
        """Meters whose clock is off by 2 s or more, with by how much (ms)."""
        found = {}
        for number, meter in self.meters.items():
            clock_ms = meter.clock_ms(self.air.now_ms)
            if clock_ms is None or abs(clock_ms - self.air.now_ms) > 2_000:
                found[number] = -1 if clock_ms is None else clock_ms - self.air.now_ms
        return found

    def delivered(self, last_day: int) -> float:
        """Share of all registers at midnight, from the second day to ``last_day``, that the platform has."""
        expected = [(number, day) for number in self.meters for day in range(FIRST_DAY + 1, last_day + 1)]
        found = sum(self.platform.registers.get((number, day)) == truth(number, day) for number, day in expected)
        return found / len(expected)


def _seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a town that is the same again


def _drawn(random: Random) -> Random:
    return Random(random.random())  # noqa: S311 - of one node alone

# SPDX-License-Identifier: Apache-2.0
"""Who else is in the air: relays, which are asked whether they are there, and a second gateway of the same name, which may not be.

A gateway says in beacons, proven by the network's key, which run of it there is. Whoever hears another run of itself that is not older than a
minute tells the operator, and the one with the lower run is silent on the radio for a day: two that answer the same meters would send into each
other's slices. What meters had to say they keep until they are confirmed; what the silent one holds goes up all the same.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from openmains.gateway.agenda import Agenda
from openmains.gateway.clock import GatewayClock
from openmains.gateway.config import COMMON_CHANNEL, DAY_MS, GatewayConfig
from openmains.gateway.members import Members
from openmains.wire.errors import WireError
from openmains.wire.gateway.network import RelayWord
from openmains.wire.gbt36330.air import (
    AirFrame,
    AirKind,
    Beacon,
    decode_beacon_untrusted,
    encode_beacon,
    is_proven,
)

BEACON_MS: Final = 600_000
SPREAD_MS: Final = 60_000
MISSES: Final = (
    8  # probes in a row that a relay may leave unanswered: with a tenth of them lost, one wrong alarm in 10^8 rounds
)
AGAIN_MS: Final = 2_500  # after one that it did; with ``probe_s`` of 30 a relay that fails is told within 50 s
FRESH_MS: Final = 60_000
TOLD_EVERY_MS: Final = 3_600_000


class Tell(Protocol):
    """Keeps an event."""

    def __call__(self, mono_ms: int, event: str, meter: str = "", detail: str = "") -> None: ...


class Neighbours:
    """``run``: of this gateway; ``send``: to the radio."""

    def __init__(
        self, config: GatewayConfig, run: int, members: Members, send: Callable[[AirFrame], None], tell: Tell
    ) -> None:
        self._config, self._run, self._members, self._send, self._tell = config, run, members, send, tell
        self._unanswered: Counter[int] = Counter()
        self._asked: Counter[int] = Counter()
        self._answered: Counter[int] = Counter()
        self._heard_ms: dict[int, int] = {}
        self._lost: set[int] = set()
        self._told_ms: int | None = None
        self._yields_until: int | None = None

    @property
    def yields(self) -> bool:
        """Whether this gateway is silent on the radio."""
        return self._yields_until is not None

    def begin(self, agenda: Agenda, clock: GatewayClock, mono_ms: int) -> None:
        """Beacons and probes from now on."""

        def beacon(now_ms: int) -> None:
            if self._yields_until is not None and now_ms >= self._yields_until:
                self._yields_until = None
            body = encode_beacon(Beacon(self._run, clock.utc_ms(now_ms)), self._config.key)
            self._send(AirFrame(self._config.network, COMMON_CHANNEL, AirKind.BEACON, True, body=body))

        agenda.every(mono_ms, BEACON_MS + self._run % SPREAD_MS, beacon)  # no two runs say it at the same time for long
        for place, relay in enumerate(self._config.relays):
            pause_ms = self._config.probe_s * 1000
            agenda.every(mono_ms + pause_ms + place * 2_000 % pause_ms, pause_ms, self._probe(relay, agenda))

    def beacon(self, frame: AirFrame, clock: GatewayClock, mono_ms: int) -> None:
        """Of our network, so it is of ourselves, or of our double."""
        try:
            told = decode_beacon_untrusted(frame.body)
        except WireError:
            return
        utc_ms = clock.utc_ms(mono_ms)
        if told.run == self._run or not is_proven(self._config.key, b"beacon", frame.body):
            return
        if not utc_ms or abs(told.at_ms - utc_ms) > FRESH_MS:  # one of long ago, sent again by whoever wants us silent
            return
        if self._run < told.run:
            self._yields_until = mono_ms + DAY_MS
        detail = "this one is silent on the radio" if self.yields else "the other one is to be silent"
        self._double(f"run {told.run:08x}: {detail}", mono_ms)

    def name_taken(self, mono_ms: int) -> None:
        """Another box signed in at the broker under this one's name, perhaps out of the radio's reach."""
        self._double("another box signs in at the broker under this one's name", mono_ms)

    def _double(self, detail: str, mono_ms: int) -> None:
        if self._told_ms is None or mono_ms - self._told_ms >= TOLD_EVERY_MS:
            self._told_ms = mono_ms
            self._tell(mono_ms, "duplicate_gateway", detail=detail)

    def relay_heard(self, relay: int, mono_ms: int) -> None:
        """It answered."""
        if self._unanswered[relay]:
            self._answered[relay] += 1
        self._unanswered[relay], self._heard_ms[relay] = 0, mono_ms
        if relay in self._lost:
            self._lost.discard(relay)
            self._tell(mono_ms, "relay_back", detail=f"relay {relay}")

    def relays(self, clock: GatewayClock, mono_ms: int) -> Iterator[RelayWord]:
        """How each is, for the platform."""
        utc_ms = clock.utc_ms(mono_ms)
        for relay in self._config.relays:
            heard = self._heard_ms.get(relay)
            heard_ms = max(0, utc_ms - (mono_ms - heard)) if utc_ms and heard is not None else 0
            yield RelayWord(relay, self._asked[relay], self._answered[relay], heard_ms, relay in self._lost)

    def _probe(self, relay: int, agenda: Agenda) -> Callable[[int], None]:
        def ask(mono_ms: int) -> None:
            self._unanswered[relay] += 1
            self._asked[relay] += 1
            self._send(AirFrame(self._config.network, COMMON_CHANNEL, AirKind.PROBE, True, via=relay))
            agenda.put(mono_ms + AGAIN_MS, look)

        def look(mono_ms: int) -> None:
            if not self._unanswered[relay]:
                return
            if self._unanswered[relay] < MISSES:
                ask(mono_ms)
            elif relay not in self._lost:
                self._lost.add(relay)
                behind = sum(member.kept.via == relay for member in self._members)
                self._tell(mono_ms, "relay_lost", detail=f"relay {relay}, {behind} meters")

        def begin(mono_ms: int) -> None:
            self._unanswered[relay] = 0
            if not self.yields:
                ask(mono_ms)

        return begin

# SPDX-License-Identifier: Apache-2.0
"""The meters of a gateway: logical id ↔ number (R5.2), slice, route, and the other end of each one's application layer.

A logical id is given to a number once and for ever, so none ever means two meters; who joins again has the one it had, and its slice. A meter
that was not heard for three cycles is silent, which is told once, as is that it is back. Where the plan of slices is another one than its own,
it is ``misplaced`` until it has joined anew, to which it is asked when it is heard.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from openmains.gateway.config import GatewayConfig
from openmains.gateway.slots import Slice, SlicePlan
from openmains.gateway.store import GatewayStore, KeptCommand, KeptMeter
from openmains.wire.gbt36330.air import Join, meter_key
from openmains.wire.gbt36330.cipher import Algorithm, DataCipher, Mode
from openmains.wire.gbt36330.peer import Peer

SILENT_CYCLES: Final = 3
RELAYED_TIMES: Final = 2  # as long as without a relay may an answer take


@dataclass(slots=True)
class Member:
    """``channel``: on which it was heard last, and is answered. ``pieces``: data areas of its command that were not sent yet."""

    kept: KeptMeter
    key: bytes = field(repr=False)
    peer: Peer
    heard_ms: int
    channel: int
    is_silent: bool = False
    command: KeptCommand | None = None
    pieces: deque[tuple[int, bytes, int]] = field(default_factory=deque)
    deadline: int | None = None  # of the peer's timer that stands in the agenda

    @property
    def place(self) -> Slice:
        return Slice(self.kept.slice_index, self.kept.channel)


class Members:
    """All of them, from the store on. ``random(count)``: bytes that nobody can foresee."""

    def __init__(
        self, config: GatewayConfig, store: GatewayStore, random: Callable[[int], bytes], mono_ms: int
    ) -> None:
        self._config, self._store, self._random = config, store, random
        self.plan = SlicePlan(config.cycle_s, config.slice_s, config.channels)
        self.silent = 0
        self._by_number: dict[str, Member] = {}
        self._by_logical: dict[int, Member] = {}
        moved = []
        for kept in store.meters():
            if not self.plan.take(kept.logical, Slice(kept.slice_index, kept.channel)):
                moved.append(kept)  # of another plan, as the configuration had it
                continue
            self._add(kept, mono_ms)
        for kept in moved:
            place = self.plan.give(kept.logical)
            kept = kept._replace(slice_index=place.number, channel=place.channel)
            store.put_meter(kept)
            self._add(kept, mono_ms)
        self._keep_plan({kept.number for kept in moved})
        self.misplaced = store.misplaced()

    def _keep_plan(self, moved: set[str]) -> None:
        """Meters know when their slice is by the plan under which they joined."""
        plan, was = f"{self._config.cycle_s} {self._config.slice_s}", self._store.plan()
        if plan != was or moved:
            self._store.put_plan(plan, moved if was in ("", plan) else self._by_number)

    def __len__(self) -> int:
        return len(self._by_number)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_number.values())

    def named(self, number: str) -> Member | None:
        return self._by_number.get(number)

    def at(self, logical: int) -> Member | None:
        return self._by_logical.get(logical)

    def key_of(self, number: str) -> bytes:
        """Whether it has joined or not."""
        known = self._by_number.get(number)
        return meter_key(self._config.key, number) if known is None else known.key

    def join(self, join: Join, via: int, mono_ms: int) -> tuple[Member, bool]:
        """The member, and whether it is a new one. Raises ``SlicesFullError`` and ``LogicalIdsFullError``."""
        if join.number in self.misplaced:
            self.misplaced.discard(join.number)
            self._store.placed(join.number)
        known = self._by_number.get(join.number)
        if known is None:
            logical = self._store.next_logical()
            place = self.plan.give(logical)
            kept = KeptMeter(join.number, logical, join.application, join.version, join.active, *place, via)
            self._store.put_meter(kept)
            return self._add(kept, mono_ms), True
        kept = known.kept._replace(application=join.application, version=join.version, is_active=join.active, via=via)
        if kept != known.kept:
            self._store.put_meter(kept)
            known.kept, known.peer = kept, self._peer(kept, known.key)
        return known, False

    def newly_silent(self, mono_ms: int) -> list[Member]:
        """Those that were not heard for too long, each once."""
        found = []
        for member in self._by_number.values():
            if not member.is_silent and mono_ms - member.heard_ms > SILENT_CYCLES * self.plan.cycle_ms:
                member.is_silent = True
                self.silent += 1
                found.append(member)
        return found

    def _add(self, kept: KeptMeter, mono_ms: int) -> Member:
        key = meter_key(self._config.key, kept.number)
        member = Member(kept, key, self._peer(kept, key), mono_ms, kept.channel)
        self._by_number[kept.number] = self._by_logical[kept.logical] = member
        return member

    def _peer(self, kept: KeptMeter, key: bytes) -> Peer:
        config = self._config
        return Peer(
            down=True,
            application=kept.application,
            version=kept.version,
            profile=config.profile,
            cipher=DataCipher(Algorithm.AES, Mode.GCM, key),
            nonce=self._random,
            timeout_ms=config.timeout_ms * (RELAYED_TIMES if kept.via else 1),
            tries=config.tries,
            first_sequence=int.from_bytes(self._random(2), "big"),
        )

# SPDX-License-Identifier: Apache-2.0
"""Meters that want to join: proven by their own key, heard over which way how often, and welcomed by the best.

A meter says a join several times. The gateway waits for the last, and takes the way over which it heard most – the direct one, where it is no
worse and was heard ``SURE`` times: a frame that came through once by luck is no way for years. A join over any relay is the same join, for
it has the meter's nonce.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from openmains.gateway.agenda import Agenda
from openmains.gateway.clock import GatewayClock
from openmains.gateway.config import COMMON_CHANNEL, GatewayConfig
from openmains.gateway.members import Member, Members
from openmains.gateway.neighbours import Tell
from openmains.gateway.slots import SlicesFullError
from openmains.gateway.store import LogicalIdsFullError
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.air import (
    NOBODY,
    AirFrame,
    AirKind,
    Join,
    Welcome,
    decode_join_untrusted,
    encode_welcome,
    is_proven,
)

COLLECT_MS: Final = 6_000  # from the first copy of a join to its welcome
SURE: Final = 3  # copies of four without a relay
MOST_AT_ONCE: Final = 1_000


@dataclass(slots=True)
class _Heard:
    join: Join
    copies: Counter[int] = field(default_factory=Counter)  # by relay, 0: without one


class Joins:
    """``joined(member, is_new, mono_ms)`` is told before the welcome goes to the radio."""

    def __init__(
        self,
        config: GatewayConfig,
        members: Members,
        clock: GatewayClock,
        agenda: Agenda,
        send: Callable[[AirFrame], None],
        tell: Tell,
        joined: Callable[[Member, bool, int], None],
        counters: Counter[str],
    ) -> None:
        self._config, self._members, self._clock, self._agenda = config, members, clock, agenda
        self._send, self._tell, self._joined, self._counters = send, tell, joined, counters
        self._heard: dict[tuple[str, bytes], _Heard] = {}

    def received(self, frame: AirFrame, mono_ms: int) -> None:
        """A copy of a join."""
        try:
            join = decode_join_untrusted(frame.body)
        except WireError:
            self._counters["join_malformed"] += 1
            return
        if not is_proven(self._members.key_of(join.number), b"join", frame.body):
            self._counters["join_unproven"] += 1
            return
        key, via = (join.number, join.nonce), frame.via if frame.relayed else 0
        known = self._heard.get(key)
        if known is None:
            if len(self._heard) >= MOST_AT_ONCE:
                self._counters["join_crowded"] += 1
                return
            known = self._heard[key] = _Heard(join)
            self._agenda.put(mono_ms + COLLECT_MS, lambda now_ms: self._decide(key, now_ms))
        known.copies[via] += 1

    def _decide(self, key: tuple[str, bytes], mono_ms: int) -> None:
        heard = self._heard.pop(key)
        join, via = heard.join, _best(heard.copies)
        try:
            member, is_new = self._members.join(join, via, mono_ms)
        except (SlicesFullError, LogicalIdsFullError) as full:
            self._counters["join_full"] += 1
            self._tell(mono_ms, "full", join.number, type(full).__name__)
            return
        if is_new:
            self._tell(mono_ms, "joined", join.number, f"logical {member.kept.logical} via {via}")
        self._joined(member, is_new, mono_ms)
        config, kept = self._config, member.kept
        welcome = Welcome(
            join.number, join.nonce, kept.logical, kept.slice_index, kept.channel, via, config.cycle_s, config.slice_s,
            self._clock.offered_ms(mono_ms), config.utc_offset_min,
        )  # fmt: skip
        body = encode_welcome(welcome, member.key)
        self._send(AirFrame(config.network, COMMON_CHANNEL, AirKind.WELCOME, True, NOBODY, via, False, body))


def _best(copies: Counter[int]) -> int:
    relays = [way for way in copies if way]
    if not relays:
        return 0
    relay = min(relays, key=lambda way: (-copies[way], way))
    return 0 if copies[0] >= max(SURE, copies[relay]) else relay

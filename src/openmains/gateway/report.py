# SPDX-License-Identifier: Apache-2.0
"""How the gateway's network is, for the platform's network management (R5.5): what each meter did in this run, told as it changes.

A state has room for 250 meters: first those of which something is new – joined, heard, fallen silent, another relay –, then whoever was not
told of for an hour. What was said in a message that got lost is said again within that hour.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from openmains.gateway.clock import GatewayClock
from openmains.gateway.config import GatewayConfig
from openmains.gateway.members import Member, Members
from openmains.gateway.slots import slices
from openmains.wire.gateway.network import LAYOUT, MOST_COUNTERS, MOST_NODES, NetworkWord, NodeWord, RelayWord

EACH_MS: Final = 3_600_000  # every meter is told of as often, also where nothing is new


@dataclass(slots=True)
class _Told:
    """Counted in this run. ``heard_ms``: when a word came, on the counting clock; None: none came. ``newest``: what the platform was told
    last; ``reported_ms``: when."""

    heard_ms: int | None = None
    messages: int = 0
    repeats: int = 0
    heard: int = 0
    missed: int = 0
    late_ms: int | None = None
    clock_off_ms: int | None = None
    newest: tuple[object, ...] = ()
    reported_ms: int | None = None


class NetworkReport:
    """``mono_ms``: when the program began."""

    def __init__(self, config: GatewayConfig, members: Members, clock: GatewayClock, mono_ms: int) -> None:
        self._config, self._members, self._clock, self._began_ms = config, members, clock, mono_ms
        self._told: dict[str, _Told] = {}

    def heard(self, member: Member, mono_ms: int) -> None:
        """A proven word of it, whatever it was. Call before ``member.heard_ms`` is set anew."""
        told, cycle_ms = self._of(member), self._members.plan.cycle_ms
        gone = _cycles(mono_ms - (self._began_ms if told.heard_ms is None else told.heard_ms), cycle_ms)
        if gone or told.heard_ms is None:
            told.heard += 1
            told.missed += max(0, gone - 1)
            told.heard_ms = mono_ms

    def message(self, member: Member, mono_ms: int, *, is_repeat: bool) -> None:
        """It reported. Its delay is known where it says it in its own slice, without being asked."""
        told = self._of(member)
        if is_repeat:
            told.repeats += 1
            return
        told.messages += 1
        plan, utc_ms = self._members.plan, self._clock.utc_ms(mono_ms)
        if utc_ms and member.kept.is_active and member.channel == member.kept.channel:
            into_ms = (utc_ms - member.kept.slice_index * plan.slice_ms) % plan.cycle_ms
            told.late_ms = into_ms if into_ms < plan.slice_ms else told.late_ms

    def clock_off(self, member: Member, off_ms: int) -> None:
        """Its clock minus ours, when it said it."""
        self._of(member).clock_off_ms = off_ms

    def word(self, relays: Iterable[RelayWord], counters: Counter[str], mono_ms: int) -> NetworkWord:
        """For the next state."""
        plan, config = self._members.plan, self._config
        return NetworkWord(
            LAYOUT,
            config.network,
            len(plan),
            slices(config.cycle_s, config.slice_s, len(plan.channels)),
            tuple(relays),
            tuple(self._nodes(mono_ms)),
            dict(counters.most_common(MOST_COUNTERS)),
        )

    def again(self) -> None:
        """The platform may not have what it was told: everything is new."""
        for told in self._told.values():
            told.newest, told.reported_ms = (), None

    def _nodes(self, mono_ms: int) -> list[NodeWord]:
        fresh: list[tuple[Member, _Told]] = []
        stale: list[tuple[int, str, Member, _Told]] = []
        for member in self._members:
            told = self._of(member)
            if told.reported_ms is None or told.newest != _newest(member, told):
                fresh.append((member, told))
            elif mono_ms - told.reported_ms >= EACH_MS:
                stale.append((told.reported_ms, member.kept.number, member, told))
        stale.sort()
        chosen = (fresh + [(member, told) for _, _, member, told in stale])[:MOST_NODES]
        return [self._say(member, told, mono_ms) for member, told in chosen]

    def _say(self, member: Member, told: _Told, mono_ms: int) -> NodeWord:
        told.newest, told.reported_ms = _newest(member, told), mono_ms
        kept, utc_ms, cycle_ms = member.kept, self._clock.utc_ms(mono_ms), self._members.plan.cycle_ms
        since_ms = self._began_ms if told.heard_ms is None else told.heard_ms
        overdue = max(0, _cycles(mono_ms - since_ms, cycle_ms) - 1)
        heard_ms = utc_ms - (mono_ms - told.heard_ms) if utc_ms and told.heard_ms is not None else 0
        return NodeWord(
            kept.number, kept.logical, kept.via, kept.channel, kept.slice_index, kept.is_active, member.is_silent, max(0, heard_ms),
            told.messages, told.repeats, told.heard, told.missed + overdue, told.late_ms, told.clock_off_ms,
        )  # fmt: skip

    def _of(self, member: Member) -> _Told:
        return self._told.setdefault(member.kept.number, _Told())


def _newest(member: Member, told: _Told) -> tuple[object, ...]:
    return member.kept, member.is_silent, told.messages, told.repeats, told.heard, told.clock_off_ms


def _cycles(gone_ms: int, cycle_ms: int) -> int:
    """To the nearest whole one: a meter's slice moves when it joins anew."""
    return (gone_ms + cycle_ms // 2) // cycle_ms

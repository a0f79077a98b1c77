# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg: kept until their meter is heard, sent while it is awake, and told of once they have ended.

    waits ──(its meter reports)──→ sent ──(confirmed)──→ delivered, with what the meter said to it
                                    ├──(rejected)──→ refused
                                    └──(unconfirmed)──→ waits for the next window; after ``command_windows`` of them lost
    waits ──(``not_after``)──→ too_late

The platform's name of a command is taken once: said again while it waits nothing happens, said again after its end that end is told again. What
was lost may have been done all the same, so it begins anew if it is said again: the meter knows the serial number in it, and acts once.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable

from openmains.gateway.config import GatewayConfig
from openmains.gateway.members import Member
from openmains.gateway.store import GatewayStore, KeptCommand
from openmains.wire.errors import WireError
from openmains.wire.gateway.messages import CommandWord, GatewayCommand
from openmains.wire.gbt36330.segments import SEGMENTED, split


class CommandDelivery:
    """``utc_ms(mono)``: the time, 0 where it is not known; then what has an end waits, for nobody can tell whether it is over."""

    def __init__(
        self, config: GatewayConfig, store: GatewayStore, utc_ms: Callable[[int], int], counters: Counter[str]
    ) -> None:
        self._config, self._store, self._utc_ms, self._counters = config, store, utc_ms, counters
        self._waiting: defaultdict[str, deque[KeptCommand]] = defaultdict(deque)
        self._transfer = 0
        self._under_way: set[str] = set()
        for kept in store.commands():
            self._waiting[kept.meter].append(kept)

    @property
    def count(self) -> int:
        """Commands that wait or are under way."""
        return sum(len(queue) for queue in self._waiting.values())

    def waits_for(self, number: str) -> bool:
        """Whether the meter is to stay awake."""
        return bool(self._waiting.get(number))

    def meters(self) -> list[str]:
        """Those for which something waits."""
        return [number for number, queue in self._waiting.items() if queue]

    def accept(self, told: GatewayCommand, mono_ms: int) -> bool:
        """From the platform; whether it is new."""
        now_ms = self._utc_ms(mono_ms)
        kept = KeptCommand(told.command, told.meter, told.message_type, told.data, told.not_after_s, 0, now_ms)
        state = self._store.add_command(kept)
        if not state:
            self._waiting[told.meter].append(kept)
            return True
        self._counters["command_repeated"] += 1
        if state != "waiting":
            self._store.add(now_ms, CommandWord(told.command, told.meter, state))
        return False

    def lapse(self, mono_ms: int) -> None:
        """Tell of those whose time is over."""
        for number in list(self._waiting):
            for kept in [kept for kept in self._waiting[number] if self._is_over(kept, mono_ms)]:
                if (
                    kept.command not in self._under_way
                ):  # of one that was sent its meter alone knows whether it was done
                    self._end(kept, "lost" if kept.tried else "too_late", mono_ms)

    def begin(self, member: Member, mono_ms: int) -> bool:
        """The meter is awake: send what waits first, if nothing is under way. Whether something is."""
        if member.command is not None or member.pieces:
            return True
        queue = self._waiting.get(member.kept.number)
        while queue:
            kept = queue[0]
            if kept.not_after_s and (not (now := self._utc_ms(mono_ms)) or now >= kept.not_after_s * 1000):
                if now:
                    self._end(kept, "lost" if kept.tried else "too_late", mono_ms)
                    continue
                return False  # the time is not known
            self._transfer = (self._transfer + 1) & 0xFF
            try:
                areas = split(kept.data, member.peer.room, self._transfer)
            except WireError:
                self._end(kept, "refused", mono_ms)
                continue
            custom = SEGMENTED if len(areas) > 1 else 0
            queue[0] = member.command = kept._replace(tried=kept.tried + 1)
            self._store.tried(kept.command)
            self._under_way.add(kept.command)
            member.pieces.extend((kept.message_type, area, custom) for area in areas)
            self._counters["command_sent"] += 1
            self.go_on(member, mono_ms)
            return True
        return False

    def go_on(self, member: Member, mono_ms: int) -> None:
        """The next data area, if there is one."""
        if not member.pieces:
            return
        message_type, area, custom = member.pieces[0]
        try:
            begun = member.peer.send(message_type, area, mono_ms, custom)
        except WireError:  # a type that is no command, in a form that a frame cannot carry
            member.pieces.clear()
            if member.command is not None:
                self._end(member.command, "refused", mono_ms)
                member.command = None
            return
        if begun is not None:
            member.pieces.popleft()

    def confirmed(self, member: Member, data: bytes, mono_ms: int) -> None:
        """The meter has the piece that was open."""
        if member.pieces:
            self.go_on(member, mono_ms)
        elif member.command is not None:
            self._end(member.command, "delivered", mono_ms, data)
            member.command = None

    def rejected(self, member: Member, mono_ms: int) -> None:
        """An abnormal confirmation."""
        if member.command is not None:
            self._end(member.command, "refused", mono_ms)
            member.command = None
        member.pieces.clear()

    def unconfirmed(self, member: Member, mono_ms: int) -> None:
        """The meter sleeps again, or was never there."""
        kept, member.command = member.command, None
        member.pieces.clear()
        if kept is not None:
            self._counters["command_unconfirmed"] += 1
            self._under_way.discard(kept.command)
            if kept.tried >= self._config.command_windows:
                self._end(kept, "lost", mono_ms)

    def _is_over(self, kept: KeptCommand, mono_ms: int) -> bool:
        now_ms = self._utc_ms(mono_ms)
        return bool(kept.not_after_s and now_ms and now_ms >= kept.not_after_s * 1000)

    def _end(self, kept: KeptCommand, state: str, mono_ms: int, data: bytes = b"") -> None:
        now_ms = self._utc_ms(mono_ms)
        self._counters[f"command_{state}"] += 1
        self._under_way.discard(kept.command)
        queue = self._waiting[kept.meter]
        self._waiting[kept.meter] = deque(each for each in queue if each.command != kept.command)
        self._store.end_command(kept.command, state, now_ms)
        self._store.add(now_ms, CommandWord(kept.command, kept.meter, state, data))

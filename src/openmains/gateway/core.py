# SPDX-License-Identifier: Apache-2.0
"""The gateway: frames of its radio and words of the platform in, frames and words out (R5.2, R5.3).

``radio_received``, ``north_received``, ``timer``; then ``to_radio`` and ``to_north``, which commit what was kept before they give anything
away. ``mono_ms`` is a clock that never goes back. What comes from the radio is distrusted: what does not parse, or is not proven by the
meter's own key, changes nothing and is counted.
"""

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from hashlib import blake2s
from typing import Final

from openmains.gateway.agenda import Agenda
from openmains.gateway.clock import OFF_MS, ClockSource, GatewayClock
from openmains.gateway.commands import CommandDelivery
from openmains.gateway.config import COMMON_CHANNEL, DAY_MS, GatewayConfig
from openmains.gateway.joins import Joins
from openmains.gateway.members import Member, Members
from openmains.gateway.neighbours import Neighbours
from openmains.gateway.outbox import Outbox
from openmains.gateway.parameters import ParameterCommands, in_force
from openmains.gateway.report import NetworkReport
from openmains.gateway.slots import is_own
from openmains.gateway.store import GatewayStore
from openmains.wire.cursor import Reader
from openmains.wire.errors import WireError
from openmains.wire.gateway.messages import (
    Down,
    GatewayEvent,
    GatewayState,
    MeterMessage,
    ParametersCommand,
    Stored,
    TimeOffer,
    UpBatch,
)
from openmains.wire.gbt36330.air import (
    LAYER,
    AirFrame,
    AirKind,
)
from openmains.wire.gbt36330.content import Time, decode_untrusted
from openmains.wire.gbt36330.frame import MessageType
from openmains.wire.gbt36330.peer import UNIQUE_MS, Confirmed, Received, Rejected
from openmains.wire.gbt36330.receipt import Receipt, encode_receipt
from openmains.wire.gbt36330.segments import MOST_SEGMENTS, SEGMENT_HEADER, SEGMENTED

GAP_MS: Final = 400  # between the confirmation of a report and what follows it
RELAYED_GAP_MS: Final = 1_200
LOOK_MS: Final = 60_000  # so often commands are looked through
KEEP_MS: Final = 3_600_000  # so often silent meters and the store are
GUARD_MS: Final = 2_000  # into its slice the gateway wakes a passive meter, so that clocks may differ by so much


class Gateway:
    """``boot``: names the box's present boot; ``box_ms``: the box's own clock at ``mono_ms``; ``random(count)``: unforeseeable bytes."""

    def __init__(
        self,
        config: GatewayConfig,
        store: GatewayStore,
        random: Callable[[int], bytes],
        *,
        mono_ms: int,
        box_ms: int,
        boot: str = "",
        version: str = "",
    ) -> None:
        config, given_up = in_force(config, store)
        self.config, self.store, self.run = config, store, random(4)
        self.counters: Counter[str] = Counter()
        self.clock = GatewayClock(store.clock(), boot, mono_ms, box_ms, trusts_box=config.trusts_box)
        self.members = Members(config, store, random, mono_ms)
        self._report = NetworkReport(config, self.members, self.clock, mono_ms)
        self.commands = CommandDelivery(config, store, self.clock.utc_ms, self.counters)
        self._parameters = ParameterCommands(config, store, self.members, self.clock.utc_ms, self.counters, mono_ms)
        self.power = "mains"
        self._version, self._random = version, random
        self._radio: deque[AirFrame] = deque()
        self._agenda = Agenda()
        self._outbox = Outbox(store, self.run.hex())
        self._neighbours = Neighbours(
            config, int.from_bytes(self.run, "big"), self.members, self._radio.append, self._tell
        )
        self._joins = Joins(
            config, self.members, self.clock, self._agenda, self._radio.append, self._tell, self._joined, self.counters
        )
        self._waking: Counter[str] = (
            Counter()
        )  # passive meters for which a command waits, with how often each was woken
        self._own_at: int | None = None
        self._agenda.every(mono_ms, LOOK_MS, self._look)
        self._agenda.every(mono_ms + LOOK_MS, KEEP_MS, self._keep)
        self._neighbours.begin(self._agenda, self.clock, mono_ms)
        for member in self.members:
            self._plan_wake(member, mono_ms)
        self._tell(
            mono_ms, "started", detail=f"clock {self.clock.source}" + (" box behind" if self.clock.fault else "")
        )
        if given_up:
            self._tell(mono_ms, "parameters_given_up", detail=given_up)
        self._wake_waiting(mono_ms)

    # -- in

    def radio_received(self, frame: AirFrame, mono_ms: int) -> None:
        """One frame that the radio heard."""
        if frame.network != self.config.network:
            self.counters["other_network"] += 1
        elif frame.down:
            if frame.kind is AirKind.BEACON:
                self._neighbours.beacon(frame, self.clock, mono_ms)
        elif self._neighbours.yields:
            self.counters["yielded"] += 1
        elif frame.kind is AirKind.JOIN:
            self._joins.received(frame, mono_ms)
        elif frame.kind is AirKind.DATA:
            self._data(frame, mono_ms)
        elif frame.kind is AirKind.PROBE:
            self._neighbours.relay_heard(frame.via, mono_ms)
        else:
            self.counters["unexpected"] += 1

    def north_received(self, word: Down, mono_ms: int) -> None:
        """A word of the platform."""
        if isinstance(word, Stored):
            self._outbox.stored(word)
        elif isinstance(word, TimeOffer):
            self._told_time(word, mono_ms)
        elif isinstance(word, ParametersCommand):
            self._parameters.accept(word, mono_ms)
        elif self.commands.accept(word, mono_ms):
            self._wake_waiting(mono_ms)

    def north_connected(self) -> None:
        """What may not have arrived is said again."""
        self._outbox.connected()
        self._report.again()

    def north_lost(self) -> None:
        """Nothing is said until it is there again."""
        self._outbox.lost()

    def name_taken(self, mono_ms: int) -> None:
        """The broker ended our connection because another box signed in under our name."""
        self._neighbours.name_taken(mono_ms)

    def set_power(self, source: str, mono_ms: int) -> None:
        """``source``: mains or battery."""
        if source != self.power:
            self.power = source
            self._tell(mono_ms, f"power_{source}")

    def timer(self, mono_ms: int) -> None:
        """Call at ``next_timer`` or later."""
        self._agenda.turn(mono_ms)

    def next_timer(self) -> int | None:
        """When ``timer`` wants to be called."""
        return self._agenda.next()

    @property
    def is_to_restart(self) -> bool:
        """What was set is in force once the program begins anew. What ``to_radio`` and ``to_north`` give is to be taken before."""
        return self._parameters.is_to_restart

    # -- out

    def to_radio(self) -> list[AirFrame]:
        """Frames since the last call; what they confirm is on disk."""
        self.store.commit()
        frames = list(self._radio)
        self._radio.clear()
        return [] if self._neighbours.yields else frames

    def to_north(self, mono_ms: int) -> UpBatch | None:
        """The next items that the platform does not have, as far as it is connected and takes more."""
        self.store.commit()
        return self._outbox.next(mono_ms)

    def state(self, mono_ms: int) -> GatewayState:
        """How it is; asks for the time."""
        ask = self._random(4).hex()
        self.clock.ask(ask, mono_ms)
        return GatewayState(
            self.store.name, self.run.hex(), ask, self.clock.utc_ms(mono_ms), self.clock.source, self.power, self._version,
            len(self.members), self.members.silent, self.store.waiting(), self.store.dropped(),
            self.commands.count, self._report.word(self._neighbours.relays(self.clock, mono_ms), self.counters, mono_ms),
            self.config.parameters,
        )  # fmt: skip

    def _joined(self, member: Member, is_new: bool, mono_ms: int) -> None:
        member.channel = COMMON_CHANNEL
        if is_new:
            self._plan_wake(member, mono_ms)
        self._heard(member, mono_ms)

    # -- what meters say

    def _data(self, frame: AirFrame, mono_ms: int) -> None:
        member = self.members.at(frame.logical)
        if member is None:
            self.counters["unknown_logical"] += 1
            return
        if frame.via and not frame.relayed:
            return  # its relay sends it on; of two answers one would be in the other's way
        member.channel = frame.channel
        member.peer.receive(frame.body, mono_ms)
        self._events(member, mono_ms)

    def _events(self, member: Member, mono_ms: int) -> None:
        while (event := member.peer.next_event()) is not None:
            if isinstance(event, Received):
                self._heard(member, mono_ms)
                self._received(member, event, mono_ms)
            elif isinstance(event, Confirmed):
                self._heard(member, mono_ms)
                self.commands.confirmed(member, event.data, mono_ms)
                if member.command is None:
                    self._waking.pop(member.kept.number, None)
                    self._agenda.put(mono_ms + _gap(member), partial(self._follow, member))
            elif isinstance(event, Rejected):
                self.commands.rejected(member, mono_ms)
            else:
                self.commands.unconfirmed(member, mono_ms)
        self._send(member)

    def _received(self, member: Member, event: Received, mono_ms: int) -> None:
        number, utc_ms = member.kept.number, self.clock.utc_ms(mono_ms)
        content: bytes | None = event.data
        digest = blake2s(bytes((event.message_type, event.custom)) + event.data, digest_size=8).digest()
        if self.store.is_repeat(number, event.sequence, digest, utc_ms, UNIQUE_MS):
            content = None
            self.counters["repeated"] += 1
            self._report.message(member, mono_ms, is_repeat=True)
        elif event.custom & SEGMENTED:
            try:
                content = self._segment(number, event, utc_ms)
            except WireError:
                member.peer.reject(event)
                return
        if content is not None and event.message_type == MessageType.TIME and not event.custom:
            self._meter_time(member, content, mono_ms)
        elif content is not None:
            self.store.add(utc_ms, MeterMessage(number, event.message_type, content, member.kept.via))
            self.counters["messages"] += 1
            self._report.message(member, mono_ms, is_repeat=False)
        more = self.commands.waits_for(number)
        is_misplaced = number in self.members.misplaced
        told = Receipt(self.clock.offered_ms(mono_ms), self.config.utc_offset_min, more, is_misplaced)
        member.peer.confirm(event, encode_receipt(told, self.config.profile.byte_order))
        if more:
            self._agenda.put(mono_ms + _gap(member), partial(self._follow, member))

    def _meter_time(self, member: Member, content: bytes, mono_ms: int) -> None:
        """What its clock says; it asks for ours, and is told in the confirmation."""
        try:
            told = decode_untrusted(MessageType.TIME, False, content, self.config.profile.byte_order)
        except WireError:
            return
        offered_ms = self.clock.offered_ms(mono_ms)
        if not isinstance(told, Time) or not offered_ms:
            return
        off_ms = (
            told.at * 1000 - offered_ms
        )  # it says whole seconds, and may have said it several times before it was heard
        self._report.clock_off(member, off_ms)
        tries_ms = self.config.tries * self.config.timeout_ms * (2 if member.kept.via else 1)
        if off_ms >= OFF_MS or off_ms <= -OFF_MS - 1_000 - tries_ms:
            self._tell(mono_ms, "meter_clock_off", member.kept.number, f"{off_ms // 1000} s")

    def _segment(self, number: str, event: Received, utc_ms: int) -> bytes | None:
        reader = Reader(event.data, LAYER)
        transfer, index, count = reader.u8(), reader.u8(), reader.u8()
        if not 2 <= count <= MOST_SEGMENTS or index >= count or not reader.remaining:
            raise WireError(LAYER, SEGMENT_HEADER, "segment")
        return self.store.add_part(
            number, bytes((event.message_type, transfer, count)), index, count, reader.rest(), utc_ms
        )

    def _follow(self, member: Member, mono_ms: int) -> None:
        """The meter is awake, and hears us."""
        self.commands.begin(member, mono_ms)
        self._send(member)

    def _heard(self, member: Member, mono_ms: int) -> None:
        self._report.heard(member, mono_ms)
        member.heard_ms = mono_ms
        if member.is_silent:
            member.is_silent = False
            self.members.silent -= 1
            self._tell(mono_ms, "heard_again", member.kept.number)

    def _send(self, member: Member) -> None:
        """What its peer has to say, and its timer."""
        kept = member.kept
        for image in member.peer.to_send():
            self._radio.append(
                AirFrame(self.config.network, member.channel, AirKind.DATA, True, kept.logical, kept.via, False, image)
            )
        due = member.peer.next_timer()
        if due is not None and due != member.deadline:
            member.deadline = due
            self._agenda.put(due, partial(self._peer_due, member))

    def _peer_due(self, member: Member, mono_ms: int) -> None:
        member.peer.timer(mono_ms)
        self._events(member, mono_ms)

    # -- passive meters

    def _plan_wake(self, member: Member, mono_ms: int) -> None:
        """Of a passive meter: it is woken in its slice."""
        if member.kept.is_active:
            return
        utc_ms = self.clock.utc_ms(mono_ms)
        if not utc_ms:
            self._agenda.put(mono_ms + LOOK_MS, partial(self._plan_wake, member))
            return
        start = self.members.plan.next_start(member.kept.slice_index, utc_ms + 1)
        self._agenda.put(mono_ms + start - utc_ms, partial(self._wake_in_slice, member))

    def _wake_in_slice(self, member: Member, mono_ms: int) -> None:
        plan = self.members.plan
        begun = (self.clock.utc_ms(mono_ms) - member.kept.slice_index * plan.slice_ms) % plan.cycle_ms
        if begun < plan.slice_ms // 2:  # else the clock was set since it was planned
            self._wake(member, member.kept.channel, self.config.tries, member.heard_ms, mono_ms + GUARD_MS)
        self._plan_wake(member, mono_ms)

    def _wake(self, member: Member, channel: int, tries: int, heard_ms: int, at_ms: int) -> None:
        """Call the meter until it is heard, or ``tries`` are over."""

        def call(mono_ms: int) -> None:
            if member.heard_ms == heard_ms:
                kept = member.kept
                self._radio.append(AirFrame(self.config.network, channel, AirKind.WAKE, True, kept.logical, kept.via))
                if tries > 1:
                    pause_ms = self.config.timeout_ms * (2 if kept.via else 1)
                    self._wake(member, channel, tries - 1, heard_ms, mono_ms + pause_ms)

        self._agenda.put(at_ms, call)

    def _wake_waiting(self, mono_ms: int) -> None:
        """Plan the gateway's next own slice, if a passive meter is to be woken in it."""
        for number in self.commands.meters():
            member = self.members.named(number)
            if member is not None and not member.kept.is_active:
                self._waking.setdefault(number, 0)
        utc_ms = self.clock.utc_ms(mono_ms)
        if self._waking and utc_ms and self._own_at is None:
            self._own_at = mono_ms + self.members.plan.next_own(utc_ms + 1) - utc_ms
            self._agenda.put(self._own_at, self._own_slice)

    def _own_slice(self, mono_ms: int) -> None:
        """One passive meter a channel, whoever was woken least."""
        self._own_at = None
        plan = self.members.plan
        if is_own(self.clock.utc_ms(mono_ms) % plan.cycle_ms // plan.slice_ms):
            for channel in plan.channels:
                waiting = [number for number in self._waking if self.commands.waits_for(number)]
                if not waiting:
                    self._waking.clear()
                    break
                number = min(waiting, key=self._waking.__getitem__)
                self._waking[number] += 1
                member = self.members.named(number)
                if member is not None and member.command is None:
                    self._wake(member, channel, 2, member.heard_ms, mono_ms + GUARD_MS)
        self._wake_waiting(mono_ms)

    # -- what time brings

    def _told_time(self, word: TimeOffer, mono_ms: int) -> None:
        was = self.clock.source
        off_ms = self.clock.told(word.ask, word.at_ms, mono_ms)
        if off_ms is None:
            self.counters["time_of_no_use"] += 1
            return
        if abs(off_ms) >= OFF_MS and was is not ClockSource.NONE:
            self._tell(mono_ms, "clock_fault", detail=f"{was} was off by {off_ms} ms")
        if was is ClockSource.NONE or abs(off_ms) >= OFF_MS:
            self._wake_waiting(mono_ms)
        self.store.put_clock(self.clock.keep(mono_ms))

    def _look(self, mono_ms: int) -> None:
        self.commands.lapse(mono_ms)

    def _keep(self, mono_ms: int) -> None:
        for member in self.members.newly_silent(mono_ms):
            self._tell(mono_ms, "silent", member.kept.number, f"via {member.kept.via}")
        utc_ms = self.clock.utc_ms(mono_ms)
        before_ms = utc_ms - self.config.kept_days * DAY_MS if utc_ms else 0
        dropped = self.store.shorten(before_ms, self.config.most_kept)
        if dropped:
            self._tell(mono_ms, "dropped", detail=str(dropped))
        if utc_ms:
            self.store.put_clock(self.clock.keep(mono_ms))

    def _tell(self, mono_ms: int, event: str, meter: str = "", detail: str = "") -> None:
        self.counters[f"event_{event}"] += 1
        self.store.add(self.clock.utc_ms(mono_ms), GatewayEvent(event, meter, detail))


def _gap(member: Member) -> int:
    return RELAYED_GAP_MS if member.kept.via else GAP_MS

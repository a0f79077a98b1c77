# SPDX-License-Identifier: Apache-2.0
"""A meter of a gateway's network: joins, keeps its slice or waits to be woken, reports, stays awake as long as it is told to (R5.3).

Time is taken from a confirmation that came before the message was sent again, for a repeated one is as old as its first; where it was, the
meter asks once more, by a message of type 03. An active meter reports by itself in its slice of each cycle. A passive one sleeps until it is
woken. Both keep what they have to say until the gateway has confirmed it, take the time from that confirmation, and join anew after three
windows without one. What comes between windows goes out on the common channel, where it may meet others.
"""

from collections import Counter, deque
from dataclasses import dataclass
from random import Random
from typing import Final

from openmains.emulator.gateway.air import Air
from openmains.emulator.gateway.body import BodyMessage, MeterBody
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.air import (
    AirFrame,
    AirKind,
    Join,
    Welcome,
    decode_welcome_untrusted,
    encode_join,
    is_proven,
)
from openmains.wire.gbt36330.cipher import Algorithm, DataCipher, Mode
from openmains.wire.gbt36330.content import Time, encode
from openmains.wire.gbt36330.peer import Confirmed, Peer, Received, Unconfirmed
from openmains.wire.gbt36330.receipt import decode_receipt_untrusted
from openmains.wire.gbt36330.segments import SEGMENTED, split

APPLICATION: Final = 0x31
COMMON: Final = 0
GUARD_MS: Final = 2_000  # into its slice, so that clocks may differ by so much
COPIES, COPY_MS = 4, 1_400  # of a join, and between two
ANSWER_MS: Final = 11_000  # a welcome may take, which is said after the last copy
TRANSIT_MS: Final = 150  # of a welcome, for each sending
AWAKE_MS: Final = 9_000  # after it was told that more follows, or was given a command
FIRST_PAUSE_MS, MOST_PAUSE_MS = 20_000, 3_600_000  # between joins
FIRST_WORD_MS: Final = 3_000  # after it was welcomed, where it has something to say
UNWOKEN_CYCLES: Final = 2  # after which a passive meter thinks that nobody has it any more
MISSED: Final = 3  # windows after which the route is not believed any more
TIMEOUT_MS, TRIES = 1_500, 3


@dataclass(slots=True)
class _Window:
    channel: int
    until_ms: int


class RadioMeter:
    """``drift_ppm``: how much too fast its clock goes. ``random``: of this meter alone, so that it acts the same whatever others do."""

    def __init__(
        self,
        number: str,
        network: int,
        key: bytes,
        body: MeterBody,
        air: Air,
        random: Random,
        x: float,
        y: float,
        *,
        is_active: bool = True,
        drift_ppm: int = 0,
    ) -> None:
        self.number, self.network, self.body, self.x, self.y, self.is_active = number, network, body, x, y, is_active
        self.logical, self.joins = 0, 0
        self.counters: Counter[str] = Counter()
        self._key, self._air, self._random, self._drift_ppm = key, air, random, drift_ppm
        self._home: Welcome | None = None
        self._peer = self._new_peer(0)
        self._clock: tuple[int, int] | None = None  # what it was set to, and when
        self._nonce, self._pause_ms = b"", FIRST_PAUSE_MS
        self._awake = _Window(COMMON, -1)
        self._queue: deque[tuple[BodyMessage, bytes, int, bool]] = (
            deque()
        )  # said, a data area, free bits, whether the last one
        self._open: tuple[BodyMessage, bool, int] | None = None  # since when
        self._body_at: int | None = None
        self._missed, self._transfer, self._planned, self._timer = 0, 0, 0, -1

    def start(self, after_ms: int) -> None:
        """It is switched on."""
        self._air.at(self._air.now_ms + after_ms, self._join)

    def clock_ms(self, now_ms: int) -> int | None:
        """Its time; None while it was never set."""
        if self._clock is None:
            return None
        told, at_ms = self._clock
        return told + (now_ms - at_ms) + (now_ms - at_ms) * self._drift_ppm // 1_000_000

    # -- the radio

    def listens(self, frame: AirFrame, now_ms: int) -> bool:
        if not frame.down or frame.network != self.network or (frame.via and not frame.relayed):
            return False
        if frame.kind is AirKind.WAKE:
            return not self.is_active and self._home is not None and frame.logical == self.logical
        return frame.channel == self._awake.channel and now_ms <= self._awake.until_ms

    def hears(self, frame: AirFrame, now_ms: int) -> None:
        if frame.kind is AirKind.WELCOME:
            self._welcome(frame, now_ms)
        elif frame.kind is AirKind.WAKE:
            self._plan(now_ms)
            self._report(now_ms, frame.channel)
        elif frame.kind is AirKind.DATA and frame.logical == self.logical and self._home is not None:
            self._peer.receive(frame.body, now_ms)
            self._events(now_ms)

    # -- joining

    def _join(self, now_ms: int) -> None:
        if self._nonce == b"" and self._home is not None:
            return
        self._nonce = self._random.randbytes(4)
        body = encode_join(Join(self.number, APPLICATION, 0x10, self.is_active, self._nonce), self._key)
        self._awake = _Window(COMMON, now_ms + ANSWER_MS)
        for copy in range(COPIES):
            self._air.send(self, AirFrame(self.network, COMMON, AirKind.JOIN, False, body=body), copy * COPY_MS)
        self.joins += 1
        self._pause_ms = min(2 * self._pause_ms, MOST_PAUSE_MS)
        self._air.at(now_ms + ANSWER_MS + self._random.randrange(self._pause_ms), self._join)

    def _welcome(self, frame: AirFrame, now_ms: int) -> None:
        try:
            told = decode_welcome_untrusted(frame.body)
        except WireError:
            return
        if told.number != self.number or told.nonce != self._nonce or not is_proven(self._key, b"welcome", frame.body):
            return
        if told.at_ms:
            self._clock = told.at_ms + TRANSIT_MS * (2 if told.via else 1), now_ms
        if self._clock is None:
            return  # a slice is of no use to it; it asks again
        if self._home is None or told.via != self._home.via:
            self._peer = self._new_peer(told.via)
            self._queue.clear()
            self._open = None
        self._home, self.logical, self._nonce = told, told.logical, b""
        self._missed, self._pause_ms = 0, FIRST_PAUSE_MS
        self._air.at(now_ms + self._random.randrange(1_000, FIRST_WORD_MS), self.speak)
        self._plan(now_ms)

    # -- its window

    def _plan(self, now_ms: int) -> None:
        clock_ms, home = self.clock_ms(now_ms), self._home
        if home is None or clock_ms is None:
            return
        if not self.is_active:
            self._expect_waking(now_ms, home)
            return
        cycle_ms, start = home.cycle_s * 1000, home.slice_index * home.slice_s * 1000 + GUARD_MS
        wait_ms = (start - clock_ms) % cycle_ms or cycle_ms
        self._planned += 1
        planned = self._planned

        def begin(at_ms: int) -> None:
            if planned == self._planned and self._home is not None:
                self._report(at_ms, self._home.channel)
                self._plan(at_ms + home.slice_s * 500)

        self._air.at(now_ms + wait_ms, begin)

    def _expect_waking(self, now_ms: int, home: Welcome) -> None:
        self._planned += 1
        planned = self._planned

        def miss(at_ms: int) -> None:
            if planned == self._planned:
                self._search(at_ms)
                self._plan(at_ms)

        self._air.at(now_ms + UNWOKEN_CYCLES * home.cycle_s * 1000 + self._random.randrange(600_000), miss)

    def _search(self, now_ms: int) -> None:
        """Another way to a gateway, or another gateway; what it had is kept until it has one."""
        self._missed, self._nonce, self._pause_ms = 0, b"?", FIRST_PAUSE_MS
        self._air.at(now_ms + self._random.randrange(60_000), self._join)

    def _report(self, now_ms: int, channel: int) -> None:
        clock_ms = self.clock_ms(now_ms)
        if clock_ms is None:
            return
        self._awake = _Window(channel, now_ms + AWAKE_MS)
        if self._open is None:
            self._queue.clear()
            for said in self.body.report(clock_ms // 1000):
                self._put(said)
            self._go_on(now_ms)

    def press(self, now_ms: int) -> None:
        """Somebody presses its button: it reports, and hears what waits for it."""
        self._report(now_ms, COMMON)

    def speak(self, now_ms: int) -> None:
        """What its body has to say unasked; on the common channel, unless it is awake."""
        clock_ms = self.clock_ms(now_ms)
        if clock_ms is None or self._home is None:
            return
        for said in self.body.unasked(clock_ms // 1000):
            self._put(said)
        if self._queue and self._open is None:
            if now_ms > self._awake.until_ms:
                self._awake = _Window(COMMON, now_ms + AWAKE_MS)
            self._go_on(now_ms)
        self._watch_body(now_ms)

    def _put(self, said: BodyMessage) -> None:
        self._transfer = (self._transfer + 1) & 0xFF
        areas = split(said.data, self._peer.room, self._transfer)
        custom = SEGMENTED if len(areas) > 1 else 0
        self._queue.extend((said, area, custom, place == len(areas) - 1) for place, area in enumerate(areas))

    def _go_on(self, now_ms: int) -> None:
        if self._open is None and self._queue:
            said, area, custom, is_last = self._queue.popleft()
            self._peer.send(said.message_type, area, now_ms, custom)
            self._open = said, is_last, now_ms
            self._awake.until_ms = max(self._awake.until_ms, now_ms + AWAKE_MS)
        self._flush()

    def _events(self, now_ms: int) -> None:
        while (event := self._peer.next_event()) is not None:
            if isinstance(event, Received):
                self._command(event, now_ms)
            elif isinstance(event, Confirmed):
                self._missed = 0
                self._confirmed(event, now_ms)
            else:
                self.counters["unconfirmed" if isinstance(event, Unconfirmed) else "rejected"] += 1
                self._open = None
                self._queue.clear()
                self._missed += 1
                if self._missed >= MISSED:
                    self._search(now_ms)
        self._go_on(now_ms)
        self._watch_body(now_ms)

    def _confirmed(self, event: Confirmed, now_ms: int) -> None:
        opened, self._open = self._open, None
        clock_ms = self.clock_ms(now_ms)
        if opened is not None and opened[1] and opened[0].mark >= 0:
            self.body.confirmed(opened[0], (clock_ms or 0) // 1000)
        try:
            receipt = decode_receipt_untrusted(event.data)
        except WireError:
            return
        if receipt.at_ms and opened is not None:
            took_ms = now_ms - opened[2]
            if took_ms < self._timeout_ms:
                self._clock = receipt.at_ms + took_ms // 2, now_ms
                self._plan(now_ms + GUARD_MS)
            elif clock_ms is not None and not self._queue:
                self._put(BodyMessage(Time.TYPE[0], encode(Time(clock_ms // 1000, 0)), -1))
        self._awake.until_ms = now_ms + AWAKE_MS if receipt.more or self._queue else now_ms
        if receipt.join_anew and not self._nonce:
            self._search(now_ms)

    def _command(self, event: Received, now_ms: int) -> None:
        self._awake.until_ms = now_ms + AWAKE_MS
        clock_ms = self.clock_ms(now_ms)
        answer = None if clock_ms is None else self.body.command(event.message_type, event.data, clock_ms // 1000)
        self.counters["commands"] += 1
        if answer is None:
            self._peer.reject(event)
        else:
            self._peer.confirm(event, answer)
        if clock_ms is not None:
            for said in self.body.unasked(clock_ms // 1000):
                self._put(said)

    def _flush(self) -> None:
        home = self._home
        if home is None:
            return
        for image in self._peer.to_send():
            self._air.send(
                self,
                AirFrame(self.network, self._awake.channel, AirKind.DATA, False, self.logical, home.via, False, image),
            )
        due = self._peer.next_timer()
        if due is not None and due != self._timer:
            self._timer = due
            self._air.at(due, self._peer_due)

    def _peer_due(self, now_ms: int) -> None:
        self._peer.timer(now_ms)
        self._events(now_ms)

    def _watch_body(self, now_ms: int) -> None:
        due, clock_ms = self.body.next_timer(), self.clock_ms(now_ms)
        if due is not None and clock_ms is not None and due != self._body_at:
            self._body_at = due
            self._air.at(now_ms + max(0, due * 1000 - clock_ms), self._body_due)

    def _body_due(self, now_ms: int) -> None:
        self._body_at = None
        due, clock_ms = self.body.next_timer(), self.clock_ms(now_ms)
        if due is not None and clock_ms is not None and due * 1000 <= clock_ms:
            self.speak(now_ms)
        else:
            self._watch_body(now_ms)

    def _new_peer(self, via: int) -> Peer:
        self._timeout_ms = TIMEOUT_MS * (2 if via else 1)
        return Peer(
            down=False,
            application=APPLICATION,
            cipher=DataCipher(Algorithm.AES, Mode.GCM, self._key),
            nonce=self._random.randbytes,
            timeout_ms=self._timeout_ms,
            tries=TRIES,
            first_sequence=self._random.randrange(1 << 16),
        )

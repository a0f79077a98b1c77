# SPDX-License-Identifier: Apache-2.0
"""One connection of a concentrator, DTU or always-on meter, without its socket (R5.7).

Register (3004) first; then heartbeats (3003), pushes about the meters that the terminal may speak for (3043 or 3046, one of the two a meter and
connection; 3062), and bytes of its line (3100). A push is answered when it is on disk, and says so truly. ``ending`` tells why the
connection is to be closed; what was to be said is said before.

A terminal's number is a word, not a proof: outside a network of one's own it belongs under TLS with certificates, each of which names its
terminal and lets in no other (ADR 0029). Who it may speak for is bounded by what the registry says of it.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from openmains.app.ingest.edge.admission import Accepted, Refusal
from openmains.app.link.reports import receipt_of
from openmains.app.link.station.directory import Concentrator, LinePlace, is_modbus
from openmains.app.link.station.line import Ended, StationLine
from openmains.app.link.station.line_acts import Act
from openmains.app.link.station.main_station import MainStation
from openmains.app.link.station.modbus_line import ModbusLine
from openmains.app.link.station.states import TABLE, Action, SessionEvent, State
from openmains.domain.ids import CommandId, TenantId
from openmains.wire.errors import WireError
from openmains.wire.modbus.acts import Device
from openmains.wire.station.content import (
    Kind,
    Receipt,
    Verdict,
    decode_heartbeat_untrusted,
    decode_registration_untrusted,
    encode_receipt,
    meter_number_untrusted,
)
from openmains.wire.station.frame import PUSHES, Deframer, Frame, Function, encode_frame

REGISTER_S = 30.0  # from the connection to its registration
WAIT_S = 120.0 + 30.0  # the terminal closes two minutes after the last command (R5.7); we wait a little longer than it
MOST_NOISE = 4096  # bytes that belong to no frame, between two that are
SLICE = 1024  # bytes that are looked at before it is asked whether that was too much noise
MOST_STRANGE = 8  # frames that are refused before a registration
MOST_REFUSED = 600  # a minute after it: more than a concentrator has meters that the registry does not know yet
VERDICTS = {
    Refusal.NOT_AN_IMEI: Verdict.UNKNOWN_METER,
    Refusal.UNKNOWN_METER: Verdict.UNKNOWN_METER,
    Refusal.EMPTY: Verdict.MALFORMED,
    Refusal.TOO_LARGE: Verdict.MALFORMED,
    Refusal.TOO_MANY: Verdict.TOO_MANY,
    Refusal.BUSY: Verdict.BUSY,
}


class StationSession:
    """``wake``: have ``to_send`` called soon, for an answer came from elsewhere. ``certified``: the name in the certificate at the other end,
    and the only terminal it may be; None where no certificates are asked for."""

    def __init__(
        self, main: MainStation, host: str, now: float, wake: Callable[[], None], certified: str | None = None
    ) -> None:
        self.state = State.NEW
        self.ending = ""
        self.terminal = ""
        self.counters: Counter[str] = main.counters
        self._main, self._host, self._wake, self._certified = main, host, wake, certified
        self._deframer = Deframer()
        self._noise = 0
        self._refused, self._refused_since = 0, now
        self._out = bytearray()
        self._known: Concentrator | None = None
        self._deadline, self._silence_s = now + REGISTER_S, REGISTER_S
        self._pushed: dict[str, int] = {}  # by which of the two readings a meter reports on this connection
        self._kind: Kind | None = None  # None until it has registered
        self._line: StationLine | ModbusLine | None = None
        self._sequence = 0
        self._said: Mapping[str, str] = {}

    def is_over(self) -> bool:
        """Nothing is taken any more."""
        return self.state is State.ENDED

    def data_received(self, data: bytes, now: float) -> None:
        """Bytes of the connection. Never raises for what is in them."""
        if self.is_over():
            return
        for at in range(0, len(data), SLICE):
            for frame in self._deframer.each(data[at : at + SLICE]):
                self._noise = self._deframer.skipped
                self._frame(frame, now)
                if self.is_over():
                    return
            if self._deframer.skipped - self._noise > MOST_NOISE:
                self._happened(SessionEvent.FLOOD, None, now)
                return

    def to_send(self) -> bytes:
        """Bytes since the last call."""
        self._ask_on(self._main.clock.time())
        out = bytes(self._out)
        self._out.clear()
        return out

    def next_timer(self) -> float:
        """When ``handle_timer`` wants to be called."""
        return self._deadline if self._line is None else min(self._deadline, self._line.next_timer())

    def handle_timer(self, now: float) -> None:
        """Call at ``next_timer`` or later."""
        if self.is_over():
            return
        if now >= self._deadline:
            self._happened(SessionEvent.SILENCE, None, now)
        elif self._line is not None:
            self._line.timer(now)
            self._ask_on(now)

    def replace(self, now: float) -> None:
        """The terminal is on a newer connection."""
        self._happened(SessionEvent.REPLACED, None, now)
        self._wake()  # nobody else will for minutes, and its socket is of no use any more

    def speaks_to(self, place: LinePlace) -> bool:
        """Meters behind it are asked, and in this one's protocol."""
        if self._line is None or self.is_over():
            return False
        return isinstance(place.meter, Device) == isinstance(self._line, ModbusLine)

    @property
    def is_proven(self) -> bool:
        """Its certificate names it."""
        return bool(self._certified) and self._certified == self.terminal

    def follow(self, now: float) -> None:
        """The registry has changed: another line is asked, and who was taken away is not served any more."""
        if self.is_over():
            return
        known = self._main.directory.find(self.terminal)
        if known is None:
            self._happened(SessionEvent.REMOVED, None, now)
        elif known is not self._known:
            self._known = known
            self._open_line(now)
            self._say_unasked(known)
            if self._line is not None and known.line and is_modbus(known) != isinstance(self._line, ModbusLine):
                self._line.closed()  # another protocol than it was
                self._line = None
                self._open_line(now)
            elif self._line is not None:
                self._line.follow(known, now)
        self._wake()

    def command(self, command_id: CommandId, place: LinePlace, act: Act, ended: Ended, now: float) -> None:
        """What somebody wants of a meter of its line; where there is none, nothing comes of it."""
        if self._line is None or not self.speaks_to(place):
            ended(None)
        else:
            self._line.command(command_id, place, act, ended, now)

    def closed(self) -> None:
        """The socket is gone."""
        self.state = State.ENDED
        self._main.left(self, self.ending or "closed")
        if self._line is not None:
            self._line.closed()

    def _frame(self, frame: Frame, now: float) -> None:
        if frame.down or frame.answer:
            self.counters["station.not_for_us"] += 1
            self._count_refusal(now)
            return
        if frame.function != Function.REGISTER:
            self._main.standing.frame(self.terminal, frame.function, frame.content, now, down=False)
        if self._known is not None and self._silence_s:
            self._deadline = now + self._silence_s
        if self.terminal and frame.terminal != self.terminal:
            self._happened(SessionEvent.OTHER_TERMINAL, frame, now)
        elif frame.function == Function.REGISTER:
            self._known_or_not(frame, now)
        elif frame.function == Function.HEARTBEAT:
            self._happened(SessionEvent.HEARTBEAT, frame, now)
        elif frame.function == Function.LINE:
            self._happened(SessionEvent.LINE, frame, now)
        else:
            self._happened(SessionEvent.PUSH if frame.function in PUSHES else SessionEvent.UNKNOWN, frame, now)
        self._open_line(now)

    def _known_or_not(self, frame: Frame, now: float) -> None:
        if self._is_of_another(frame) or self._main.directory.find(frame.terminal) is None:
            self._happened(SessionEvent.UNKNOWN_TERMINAL, frame, now)
        else:
            self._happened(SessionEvent.REGISTER_AGAIN if self.terminal else SessionEvent.REGISTER, frame, now)

    def _is_of_another(self, frame: Frame) -> bool:
        return self._certified is not None and self._certified != frame.terminal

    def _happened(self, what: SessionEvent, frame: Frame | None, now: float) -> None:
        self.state, action = TABLE[self.state, what]
        if frame is None:
            if action is Action.END:
                self._end(what.name.lower())
        elif action is Action.GREET:
            self._greet(frame, now)
        elif action is Action.REFUSE:
            self._refuse(frame, Verdict.NOT_REGISTERED, now)
        elif action is Action.REFUSE_AND_END:
            self._answer(frame, Verdict.UNKNOWN_TERMINAL)
            why = "unknown terminal" if what is SessionEvent.UNKNOWN_TERMINAL else "another terminal"
            self._main.refused(
                frame.terminal,
                "certificate of another terminal" if self._is_of_another(frame) else why,
                self._host,
                self._tenant_of(frame.terminal),
            )
            self._end(what.name.lower())
        elif action is Action.NOTE:
            self._heartbeat(frame, now)
        elif action is Action.TAKE:
            self._push(frame, now)
        elif action is Action.FEED and self._line is not None:
            self._line.receive(frame.content, now)
            self._ask_on(now)
        elif action is Action.REFUSE_FUNCTION:
            self._refuse(frame, Verdict.UNKNOWN_FUNCTION, now)

    def _greet(self, frame: Frame, now: float) -> None:
        known = self._main.directory.find(frame.terminal)
        try:
            registration = decode_registration_untrusted(frame.content)
        except WireError as bad:
            self.state = State.READY if self.terminal else State.NEW
            self._main.refused(frame.terminal, bad.reason, self._host, self._tenant_of(frame.terminal))
            self._refuse(frame, Verdict.MALFORMED, now)
            return
        assert known is not None  # noqa: S101 - it was found a moment ago
        if not self.terminal:
            self._refused, self._refused_since = 0, now
        self._known, self.terminal = known, frame.terminal
        self._silence_s = WAIT_S if registration.wakes else self._main.always_on_s
        self._deadline = now + self._silence_s
        self._main.registered(self, now)
        self._main.standing.connected(
            self.terminal, known.tenant_id, self._host, registration, is_proven=self.is_proven
        )
        self._main.standing.frame(self.terminal, frame.function, frame.content, now, down=False)
        self._answer(frame, Verdict.STORED)
        self._kind = registration.kind
        self._open_line(now)

    def _open_line(self, now: float) -> None:
        """Once the registry knows a meter of its line, which may be long after it registered."""
        if self._kind in (None, Kind.METER) or self._line is not None or self.is_over():
            return
        known = self._main.directory.find(self.terminal)
        if known is None:
            return
        self._say_unasked(known)
        if not known.line:
            return
        self._known = known
        if is_modbus(known):
            self._line = ModbusLine(self._main, known, now, self._wake)
        else:
            self._line = StationLine(self._main, known, self._host, now, self._wake)
        self.handle_timer(now)

    def _say_unasked(self, known: Concentrator) -> None:
        """Meters of its line that cannot be asked stand among its refusals, once for each reason on a connection."""
        said, self._said = self._said, known.unasked
        for number, why in known.unasked.items():
            if said.get(number) != why:
                self._main.refused(f"{known.number}/{number}", f"not asked: {why}", self._host, known.tenant_id, number)

    def _heartbeat(self, frame: Frame, now: float) -> None:
        try:
            beat = decode_heartbeat_untrusted(frame.content)
        except WireError:
            self._refuse(frame, Verdict.MALFORMED, now)
        else:
            self._main.standing.heartbeat(
                self.terminal, beat.signal_dbm, beat.at - self._main.clock.unix_us() // 1_000_000
            )
            self._answer(frame, Verdict.STORED)

    def _push(self, frame: Frame, now: float) -> None:
        try:
            number = meter_number_untrusted(frame.content)
        except WireError:
            self._refuse(frame, Verdict.MALFORMED, now)
            return
        known = self._main.directory.find(
            self.terminal
        )  # as of now: it may have been given other meters since it registered
        identity = None if known is None else known.meters.get(number)
        if identity is None:
            tenant_id = self._tenant_of(self.terminal)
            self._main.refused(f"{self.terminal}/{number}", "unknown meter", self._host, tenant_id)
            self._refuse(frame, Verdict.UNKNOWN_METER, now)
            return
        if frame.function != Function.CLOSURE and self._pushed.setdefault(number, frame.function) != frame.function:
            self._refuse(frame, Verdict.SECOND_PUSH, now)
            return
        path = f"{frame.function:04x}"
        found = self._main.admit(
            identity,
            frame.message,
            path,
            lambda accepted, ok: self._stored(frame, accepted, ok),
            urgent=frame.function == Function.CLOSURE,
        )
        if found is Refusal.BUSY:
            self._answer(frame, Verdict.BUSY)  # not its fault
        elif isinstance(found, Refusal):
            self._refuse(frame, VERDICTS[found], now)

    def _stored(self, frame: Frame, accepted: Accepted, confirmed: bool) -> None:
        receipt = receipt_of(self._main.admission, accepted, confirmed, self._main.clock.unix_us() // 1_000_000)
        verdict = Verdict.BUSY if not receipt.confirmed else Verdict.MALFORMED if receipt.fault else Verdict.STORED
        self._answer(frame, verdict)
        self._wake()

    def _refuse(self, frame: Frame, verdict: Verdict, now: float) -> None:
        self._answer(frame, verdict)
        self._count_refusal(now)

    def _count_refusal(self, now: float) -> None:
        """Each costs an answer, so whoever sends nothing else is not listened to for long."""
        if self.terminal and now - self._refused_since >= 60:
            self._refused, self._refused_since = 0, now
        self._refused += 1
        if self._refused >= (MOST_REFUSED if self.terminal else MOST_STRANGE):
            self._happened(SessionEvent.FLOOD, None, now)

    def _answer(self, frame: Frame, verdict: Verdict) -> None:
        if self.ending:
            return
        self.counters[f"station.{verdict.name.lower()}"] += 1
        offset = (
            0
            if self._known is None
            else self._main.admission.offset_min(self._known.tenant_id, self._main.clock.unix_us() // 1_000_000)
        )
        content = encode_receipt(Receipt(verdict, self._main.clock.unix_us() // 1_000_000, offset))
        self._out += encode_frame(
            Frame(frame.terminal, frame.sequence, frame.function, content, down=True, answer=True)
        )
        now = self._main.clock.time()
        self._main.standing.frame(self.terminal, frame.function, b"", now, down=True, verdict=verdict.name.lower())

    def _ask_on(self, now: float) -> None:
        """What the line has to say."""
        if self._line is not None and (raw := self._line.to_send()):
            self._sequence = self._sequence + 1 & 0xFFFF
            self._out += encode_frame(Frame(self.terminal, self._sequence, Function.LINE, raw, down=True))
            self._main.standing.frame(self.terminal, Function.LINE, raw, now, down=True)

    def _tenant_of(self, terminal: str) -> TenantId | None:
        """Whose terminal it is, for the refusal to be seen by its utility."""
        known = self._main.directory.find(terminal)
        return None if known is None else known.tenant_id

    def _end(self, why: str) -> None:
        self.counters[f"station.ended.{why}"] += 1
        self.ending = why

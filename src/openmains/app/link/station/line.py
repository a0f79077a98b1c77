# SPDX-License-Identifier: Apache-2.0
"""The meters of one connection's line: read by their plan, and told what people want of them, which goes first.

What comes of a reading is admitted like any other message; what comes of a command is its giver's (``commands.py``). An answer that no
question is open for is noted for an operator: it came too late, or from somebody who is not on this line.
"""

from collections.abc import Callable

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.edge.admission import Accepted, Refusal
from openmains.app.link.station.carrier import Carrier
from openmains.app.link.station.directory import Concentrator, LinePlace
from openmains.app.link.station.line_acts import Act, Result
from openmains.app.link.station.main_station import MainStation
from openmains.domain.ids import CommandId
from openmains.wire.cjt188.acts import LineMeter
from openmains.wire.cjt188.frame import encode_frame
from openmains.wire.cjt188.line import Finished, Line, PollPlan
from openmains.wire.outcome import Outcome

AGAIN_S = 60.0  # until a reading of the line that came to nothing is tried again
Ended = Callable[[Result | None], None]
"""What came of a command's act; None: the connection is gone, and nobody knows."""


class StationLine:
    """``wake``: have ``to_send`` called soon. Times in s of the loop."""

    def __init__(self, main: MainStation, known: Concentrator, host: str, now: float, wake: Callable[[], None]) -> None:
        self._main, self._known, self._host, self._wake = main, known, host, wake
        self._began = now
        self._line = Line(timeout_ms=main.line_timeout_ms)
        self._carrier = self._new_carrier()
        self._plan = self._new_plan(now)
        self._commands: dict[CommandId, Ended] = {}

    def follow(self, known: Concentrator, now: float) -> None:
        """The registry as of now; where the line's meters are other ones, a new plan is begun at once."""
        before, self._known = self._known, known
        if known is not before and (known.line, known.poll_s) != (before.line, before.poll_s):
            self._plan, self._carrier = self._new_plan(now), self._new_carrier()

    def next_timer(self) -> float:
        """When ``timer`` wants to be called."""
        due = [self._plan.next_timer(), self._line.next_timer()]
        return self._began + min(each for each in due if each is not None) / 1000

    def timer(self, now: float) -> None:
        """Call at ``next_timer`` or later."""
        self._plan.begin(self._line, self._ms(now))
        self._line.timer(self._ms(now))
        self._collect(now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the line."""
        self._line.receive(data if self._carrier is None else self._carrier.unwrapped(data), self._ms(now))
        self._collect(now)

    def to_send(self) -> bytes:
        """Bytes for the line since the last call."""
        out = self._line.to_send()
        return out if self._carrier is None else self._carrier.wrapped(out)

    def command(self, command_id: CommandId, place: LinePlace, act: Act, ended: Ended, now: float) -> None:
        """Run an act before all readings; its frames name their meter. ``ended`` is called once."""
        self._commands[command_id] = ended
        self._line.begin(command_id, act, self._ms(now), urgent=True)
        self._collect(now)
        self._wake()

    def closed(self) -> None:
        """The connection is gone, and with it what was under way."""
        commands, self._commands = self._commands, {}
        for ended in commands.values():
            ended(None)

    def _new_plan(self, now: float) -> PollPlan:
        meters = [place.meter for place in self._known.line.values() if isinstance(place.meter, LineMeter)]
        return PollPlan(meters, self._known.poll_s * 1000, self._ms(now))

    def _new_carrier(self) -> Carrier | None:
        """The products of a line name one carrier, or none: what stands between us and its concentrator is one thing."""
        options = {place.carrier for place in self._known.line.values() if isinstance(place.meter, LineMeter)}
        if len(options) > 1:
            self._main.counters["line.carriers_differ"] += 1
        option = next(iter(options), None) if len(options) == 1 else None
        return None if option is None else Carrier(option, self._main.counters)

    def _collect(self, now: float) -> None:
        while (event := self._line.next_event()) is not None:
            if isinstance(event.name, str):
                self._plan.ended(event.name)
                self._read(event, event.name, now)
            elif isinstance(event.name, int):
                ended = self._commands.pop(CommandId(event.name), None)
                if ended is not None:
                    ended(event.result)
        for frame in self._line.take_strange():
            self._main.counters["line.strange"] += 1
            is_ours = frame.address in self._known.line
            name = f"{self._known.number}/{frame.address}" if is_ours else self._known.number
            reason = "answer to no open question" if is_ours else "answer of a meter that is not on this line"
            self._main.refused(name, reason, self._host, self._known.tenant_id, frame.address)

    def _read(self, event: Finished, address: str, now: float) -> None:
        result = event.result
        place = self._known.line.get(address)
        self._main.counters[f"line.{result.outcome.value}"] += 1
        if result.outcome is Outcome.UNANSWERED:
            self._again(address, now)
        elif place is not None and result.answer is not None and result.outcome in (Outcome.DONE, Outcome.MALFORMED):
            self._admit(address, place.identity, encode_frame(result.answer), now)

    def _admit(self, address: str, identity: Identity, payload: bytes, now: float) -> None:
        def done(accepted: Accepted, confirmed: bool) -> None:
            self._main.counters["line.stored" if confirmed else "line.not_stored"] += 1
            if not confirmed:
                self._again(address, now)
                self._wake()

        found = self._main.admit(identity, payload, "cjt188", done, is_asked=True)
        if isinstance(found, Refusal):
            self._main.counters["line.refused"] += 1
        if found is Refusal.BUSY:
            self._again(address, now)

    def _again(self, address: str, now: float) -> None:
        """Nobody has this reading, so the meter is asked for it before its next time."""
        if self._plan.again(address, self._ms(now + AGAIN_S)):
            self._main.counters["line.again"] += 1

    def _ms(self, now: float) -> int:
        return round((now - self._began) * 1000)

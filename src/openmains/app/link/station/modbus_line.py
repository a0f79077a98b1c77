# SPDX-License-Identifier: Apache-2.0
"""The Modbus devices of one connection's line: read by their plans, which are their product's page (``[poll]``), and told what people want
of them, which goes first.

Large meters, correctors and loggers behind a DTU. What one of them said is admitted like any other message; what comes of a command is its
giver's (``commands.py``).
"""

from collections.abc import Callable

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.edge.admission import Accepted, Refusal
from openmains.app.link.station.directory import Concentrator, LinePlace
from openmains.app.link.station.line import AGAIN_S, Ended
from openmains.app.link.station.line_acts import Act
from openmains.app.link.station.main_station import MainStation
from openmains.domain.ids import CommandId
from openmains.wire.modbus.acts import Device
from openmains.wire.modbus.poll import Finished, PollLine

PATH = "modbus"
QUIET_ANSWERS = 3  # so many times an answer may take, until a line with another plan is asked


class ModbusLine:
    """As ``StationLine``. ``wake``: have ``to_send`` called soon. Times in s of the loop."""

    def __init__(self, main: MainStation, known: Concentrator, now: float, wake: Callable[[], None]) -> None:
        self._main, self._known, self._wake, self._began = main, known, wake, now
        self._line = self._new_line(now)
        self._commands: dict[CommandId, Ended] = {}

    def follow(self, known: Concentrator, now: float) -> None:
        """The registry as of now; other devices, or another pace, begin anew."""
        before, self._known = self._known, known
        if (known.line, known.poll_s) != (before.line, before.poll_s):
            # answers to the questions of before come meanwhile, and name no question over RTU
            self._line = self._new_line(now + QUIET_ANSWERS * self._main.line_timeout_ms / 1000)
            self.closed()

    def next_timer(self) -> float:
        """When ``timer`` wants to be called."""
        return self._began + self._line.next_timer() / 1000

    def timer(self, now: float) -> None:
        """Call at ``next_timer`` or later."""
        self._line.timer(self._ms(now))
        self._collect(now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes of the line."""
        self._line.receive(data, self._ms(now))
        self._collect(now)

    def to_send(self) -> bytes:
        """Bytes for the line since the last call."""
        return self._line.to_send()

    def command(self, command_id: CommandId, place: LinePlace, act: Act, ended: Ended, now: float) -> None:
        """Run an act before all readings; ``ended`` is called once."""
        if not isinstance(place.meter, Device):
            ended(None)
            return
        self._commands[command_id] = ended
        self._line.begin(command_id, place.meter, act, self._ms(now))
        self._collect(now)
        self._wake()

    def closed(self) -> None:
        """The connection is gone, or its line is another one, and with it what was under way."""
        commands, self._commands = self._commands, {}
        for ended in commands.values():
            ended(None)

    def _new_line(self, now: float) -> PollLine:
        devices = {name: place.meter for name, place in self._known.line.items() if isinstance(place.meter, Device)}
        return PollLine(devices, self._known.poll_s * 1000, self._ms(now), timeout_ms=self._main.line_timeout_ms)

    def _collect(self, now: float) -> None:
        while (event := self._line.next_event()) is not None:
            if isinstance(event, Finished):
                ended = self._commands.pop(CommandId(event.name), None) if isinstance(event.name, int) else None
                if ended is not None:
                    ended(event.result)
                continue
            place = self._known.line.get(event.address)
            if event.message is None or place is None:
                self._main.counters[f"line.modbus_{event.why.split()[0] or 'gone'}"] += 1
            else:
                self._admit(event.address, place.identity, event.message, now)
        strange = self._line.counters.pop("strange", 0)
        if strange:
            self._main.counters["line.strange"] += strange

    def _admit(self, address: str, identity: Identity, payload: bytes, now: float) -> None:
        def done(accepted: Accepted, confirmed: bool) -> None:
            self._main.counters["line.stored" if confirmed else "line.not_stored"] += 1
            if not confirmed:
                self._line.again(address, self._ms(now + AGAIN_S))
                self._wake()

        found = self._main.admit(identity, payload, PATH, done, is_asked=True)
        if isinstance(found, Refusal):
            self._main.counters["line.refused"] += 1
        if found is Refusal.BUSY:
            self._line.again(address, self._ms(now + AGAIN_S))

    def _ms(self, now: float) -> int:
        return round((now - self._began) * 1000)

# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg: from ``downlink.<node>`` to the meter, and what the link saw of it back into the stream.

A frame whose validity is over goes as well: it asks the meter whether it was done in time, and can do no more.
A command goes only to an address that is shown to be the meter's (``proofs.py``). What cannot be sent now is told as lost
at once, so that the dispatcher's next window is not wasted; what was sent ends as delivered or lost. The meter's own
result is an uplink like any other. The stop switch is asked once more when a frame is handed to the radio: it may have waited
here for the meter's proof.
"""

from collections import Counter
from collections.abc import Callable

from openmains.app.command.downlink import NO_MODULE, DownFrame
from openmains.app.command.sent_frames import DELIVERED, LOST, NOT_SENT
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.ports import Clock, FrameSender, Link, Terminal
from openmains.app.link.proofs import Proofs


class Downlinks:
    """One for each link. ``sender`` says a frame in the channel's words; ``publish(uplink, done)`` puts what became of it
    into the stream."""

    def __init__(
        self,
        *,
        node: int,
        link: Link,
        clock: Clock,
        proofs: Proofs,
        sender: FrameSender,
        may_command: Callable[[int], bool],
        stopped: Callable[[int], bool],
        publish: Callable[[Uplink, Callable[[bool], None]], None],
    ) -> None:
        self._link = link
        self._clock = clock
        self._proofs = proofs
        self._sender = sender
        self._may_command = may_command
        self._stopped = stopped
        self._words = LinkReports(node, clock, publish)
        self._under_way: dict[int, DownFrame] = {}  # by command
        self._sent_us: dict[int, int] = {}  # by command: when its frame was handed to the radio
        self.counters = Counter[str]()

    def handle(self, frames: list[DownFrame]) -> None:
        """Frames from the dispatcher. One for a meter whose session is at another node is left to that node, one for a line
        (``station/commands.py``) to the line."""
        for frame in frames:
            known = frame.imei != NO_MODULE and not frame.concentrator
            terminal = self._link.terminal(frame.imei) if known else None
            if terminal is None:
                self.counters["downlink.not_here"] += 1
                continue
            if frame.command_id in self._under_way:
                self.counters["downlink.repeated"] += 1
                continue
            if not self._may_command(frame.imei):
                self._report("lost", frame)
                continue
            self._under_way[frame.command_id] = frame
            self._ask(frame, terminal)
        self._link.transmit_soon()

    def _ask(self, frame: DownFrame, terminal: Terminal) -> None:
        self._proofs.ask(
            terminal, lambda proved, now: self._send(frame, proved, now), lambda: self.ended(frame, delivered=False)
        )

    def ended(self, frame: DownFrame, *, delivered: bool) -> None:
        """What the network said of a frame. A meter that refuses it has not got it either."""
        if self._under_way.pop(frame.command_id, None) is not None:
            self._report("delivered" if delivered else "lost", frame)

    def _send(self, frame: DownFrame, terminal: Terminal, now: float) -> None:
        if self._stopped(frame.tenant_id):
            self.counters["downlink.stopped"] += 1
            self.ended(frame, delivered=False)
            return
        self.counters["downlink.sent"] += 1
        if frame.command_id in self._under_way:
            self._sent_us[frame.command_id] = self._clock.unix_us()
        self._sender.send_frame(terminal, frame, now)

    def _report(self, what: str, frame: DownFrame) -> None:
        self.counters[f"downlink.{what}"] += 1
        sent_us = self._sent_us.pop(frame.command_id, None)
        outcome = DELIVERED if what == "delivered" else NOT_SENT if sent_us is None else LOST
        self._words.tell(what, frame, self._sender.channel, self._sender.place, sent_us, outcome)

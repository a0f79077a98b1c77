# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg: from ``downlink.<node>`` to the meter, and what the link saw of it back into the stream.

A frame whose validity is over goes as well: it asks the meter whether it was done in time, and can do no more.
A command goes only to an address that is shown to be the meter's (``proofs.py``). What cannot be sent now is told as lost
at once, so that the dispatcher's next window is not wasted; what was sent ends as delivered or lost. The meter's own
result is an uplink like any other. The stop switch is asked once more when a frame is handed to the radio: it may have waited
here for the meter's proof.
"""

from collections.abc import Callable

from openmains.app.command.downlink import DownFrame
from openmains.app.command.results import LINK_CHANNEL, link_path
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.ports import Link, Terminal
from openmains.app.link.proofs import Proofs
from openmains.wire.lwm2m import content, events, operation
from openmains.wire.lwm2m.path import Path

OPAQUE_DOWNLINK: Path = (19, 1, 0)
AGAIN_S = 1.0


class Downlinks:
    """One for each secure edge. ``tell(uplink, done)`` puts a word into the stream."""

    def __init__(
        self,
        *,
        node: int,
        link: Link,
        terminal_of_imei: Callable[[int], Terminal | None],
        proofs: Proofs,
        may_command: Callable[[int], bool],
        stopped: Callable[[int], bool],
        tell: Callable[[Uplink, Callable[[bool], None]], None],
        later: Callable[[float, Callable[[], None]], object],
        flush: Callable[[], None],
        now_us: Callable[[], int],
    ) -> None:
        self._node = node
        self._link = link
        self._terminal_of_imei = terminal_of_imei
        self._proofs = proofs
        self._may_command = may_command
        self._stopped = stopped
        self._tell = tell
        self._later = later
        self._flush = flush
        self._now_us = now_us
        self._under_way: dict[int, DownFrame] = {}  # by command
        self.counters: dict[str, int] = {}

    def take(self, frames: list[DownFrame]) -> None:
        """Frames from the dispatcher. One for a meter whose session is at another node is left to that node."""
        for frame in frames:
            terminal = self._terminal_of_imei(frame.imei)
            if terminal is None:
                self._count("downlink.not_here")
                continue
            if frame.command_id in self._under_way:
                self._count("downlink.repeated")
                continue
            if not self._may_command(frame.imei):
                self._word("lost", frame)
                continue
            self._under_way[frame.command_id] = frame
            self._ask(frame, terminal)
        self._flush()

    def _ask(self, frame: DownFrame, terminal: Terminal) -> None:
        self._proofs.ask(terminal, lambda proved, now: self._send(frame, proved, now), lambda: self._give_up(frame))

    def done(self, event: events.Done | events.Failed, now: float) -> None:
        """The network's answer to a frame. A meter that refuses the write has not got the frame either."""
        frame = event.operation.tag
        if not isinstance(frame, DownFrame) or self._under_way.pop(frame.command_id, None) is None:
            return
        delivered = isinstance(event, events.Done) and event.code >> 5 == 2
        self._word("delivered" if delivered else "lost", frame)

    def _give_up(self, frame: DownFrame) -> None:
        if self._under_way.pop(frame.command_id, None) is not None:
            self._word("lost", frame)

    def _send(self, frame: DownFrame, terminal: Terminal, now: float) -> None:
        if self._stopped(frame.tenant_id):
            self._count("downlink.stopped")
            self._give_up(frame)
            return
        what = operation.write(OPAQUE_DOWNLINK, frame.frame, content.OPAQUE)
        what.tag = frame
        self._count("downlink.sent")
        self._link.submit(terminal.cid, what, now)

    def _word(self, what: str, frame: DownFrame) -> None:
        self._count(f"downlink.{what}")
        uplink = Uplink(
            frame.meter_id, frame.tenant_id, frame.product_id, LINK_CHANNEL, link_path(what, frame.command_id),
            self._now_us(), b"", node=self._node,
        )  # fmt: skip

        def told(confirmed: bool) -> None:
            if not confirmed:
                self._later(AGAIN_S, lambda: self._tell(uplink, told))

        self._tell(uplink, told)

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1

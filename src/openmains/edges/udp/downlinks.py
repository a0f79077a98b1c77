# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg: from ``downlink.<node>`` to the meter, and what the link saw of it back into the stream.

A command goes only to an address that is shown to be the meter's (RFC 9146 section 6, R13.4): after an address change
the meter is pinged first, and the frame follows its answer. What cannot be sent now is told as lost at once, so that the
dispatcher's next window is not wasted; what was sent ends as delivered or lost. The meter's own result is an uplink like
any other.
"""

from collections.abc import Callable
from typing import Protocol

from openmains.app.command.results import LINK_CHANNEL, link_path
from openmains.app.downlink import DownFrame
from openmains.app.uplink import Uplink
from openmains.edges.udp.terminals import Terminal
from openmains.wire.lwm2m import content, events, operation
from openmains.wire.lwm2m.path import Path

OPAQUE_DOWNLINK: Path = (19, 1, 0)
PROOF_S = 20.0  # the answer to a ping over NB-IoT takes up to 10 s
MOST_WAITING = 50_000
AGAIN_S = 1.0


class Link(Protocol):
    """The LwM2M side of the edge."""

    def submit(self, link: bytes, what: operation.Operation, now: float) -> object: ...
    def ping(self, link: bytes) -> None: ...


class Downlinks:
    """One for each secure edge. ``tell(uplink, done)`` puts a word into the stream."""

    def __init__(
        self,
        *,
        node: int,
        link: Link,
        terminal_of_imei: Callable[[int], Terminal | None],
        confirm: Callable[[Terminal], None],
        may_command: Callable[[int], bool],
        tell: Callable[[Uplink, Callable[[bool], None]], None],
        later: Callable[[float, Callable[[], None]], object],
        flush: Callable[[], None],
        clock: Callable[[], float],
        now_us: Callable[[], int],
    ) -> None:
        self._node = node
        self._link = link
        self._terminal_of_imei = terminal_of_imei
        self._confirm = confirm
        self._may_command = may_command
        self._tell = tell
        self._later = later
        self._flush = flush
        self._clock = clock
        self._now_us = now_us
        self._proofs: dict[int, list[DownFrame]] = {}  # by IMEI: what waits for the meter's answer to a ping
        self._under_way: dict[int, DownFrame] = {}  # by command
        self.counters: dict[str, int] = {}

    def take(self, frames: list[DownFrame]) -> None:
        """Frames from the dispatcher. One for a meter whose session is at another node is left to that node."""
        now = self._clock()
        for frame in frames:
            terminal = self._terminal_of_imei(frame.imei)
            if terminal is None:
                self._count("downlink.not_here")
                continue
            if frame.command_id in self._under_way:
                self._count("downlink.repeated")
                continue
            if not self._may_command(frame.imei) or frame.not_after * 1_000_000 <= self._now_us():
                self._word("lost", frame)
                continue
            self._under_way[frame.command_id] = frame
            if terminal.session.confirmed:
                self._send(frame, terminal, now)
            else:
                self._ask_proof(frame, terminal)
        self._flush()

    def done(self, event: events.Done | events.Failed, now: float) -> None:
        """The network's answer to a frame. A meter that refuses the write has not got the frame either."""
        frame = event.operation.tag
        if not isinstance(frame, DownFrame) or self._under_way.pop(frame.command_id, None) is None:
            return
        delivered = isinstance(event, events.Done) and event.code >> 5 == 2
        self._word("delivered" if delivered else "lost", frame)

    def proved(self, terminal: Terminal, now: float) -> None:
        """The meter answered from its newest address."""
        if not terminal.session.confirmed:
            self._confirm(terminal)
        for frame in self._proofs.pop(terminal.imei, ()):
            self._send(frame, terminal, now)
        self._flush()

    def _ask_proof(self, frame: DownFrame, terminal: Terminal) -> None:
        waiting = self._proofs.get(terminal.imei)
        if waiting is not None:
            waiting.append(frame)
            return
        if len(self._proofs) >= MOST_WAITING:
            self._give_up(frame)
            return
        self._count("downlink.pinged")
        self._proofs[terminal.imei] = [frame]
        self._link.ping(terminal.session.cid)
        self._later(PROOF_S, lambda: self._no_proof(terminal.imei, frame))

    def _no_proof(self, imei: int, first: DownFrame) -> None:
        waiting = self._proofs.get(imei)
        if waiting and waiting[0] is first:
            for frame in self._proofs.pop(imei):
                self._give_up(frame)

    def _give_up(self, frame: DownFrame) -> None:
        if self._under_way.pop(frame.command_id, None) is not None:
            self._word("lost", frame)

    def _send(self, frame: DownFrame, terminal: Terminal, now: float) -> None:
        what = operation.write(OPAQUE_DOWNLINK, frame.frame, content.OPAQUE)
        what.tag = frame
        self._count("downlink.sent")
        self._link.submit(terminal.session.cid, what, now)

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

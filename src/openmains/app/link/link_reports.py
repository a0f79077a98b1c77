# SPDX-License-Identifier: Apache-2.0
"""What a link says of a command's frame, on its way into the stream: one word, with the frame for the log. It is said until it is on disk."""

from collections.abc import Callable

from openmains.app.command.downlink import DownFrame
from openmains.app.command.results import LINK_CHANNEL, link_path
from openmains.app.command.sent_frames import SentFrame, command_path, encode_sent
from openmains.app.fleet.identities import Identity
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.ports import Clock
from openmains.domain.ids import CommandId

AGAIN_S = 1.0
Publish = Callable[[Uplink, Callable[[bool], None]], None]


def until_stored(
    publish: Publish,
    clock: Clock,
    uplink: Uplink,
    stored: Callable[[], None],
    *,
    again_s: float = AGAIN_S,
    refused: Callable[[], None] = lambda: None,
) -> None:
    """Gives an uplink to the stream until it is on disk; then ``stored``. ``refused``: each time it was not taken."""

    def published(confirmed: bool) -> None:
        if confirmed:
            stored()
        else:
            refused()
            clock.call_later(again_s, lambda: publish(uplink, published))

    publish(uplink, published)


class LinkReports:
    """One for each way down. ``channel`` and ``place`` tell the frame log which; ``publish(uplink, done)`` puts it into the stream."""

    def __init__(self, node: int, clock: Clock, publish: Publish) -> None:
        self._node, self._clock, self._publish = node, clock, publish

    def tell(
        self,
        what: str,
        frame: DownFrame,
        channel: str,
        place: str,
        sent_us: int | None,
        outcome: str,
        detail: str = "",
        done: Callable[[], None] = lambda: None,
    ) -> None:
        """``what``: a key of ``results.LINK_EVENTS``; ``detail``: why, a code. ``sent_us``: when the frame left us, None: not at all;
        ``outcome``: as in ``sent_frames``. ``done``: called once it is on disk."""
        now_us = self._clock.unix_us()
        sent = SentFrame(
            frame.tenant_id, frame.meter_id, frame.product_id, now_us if sent_us is None else sent_us, frame.command_id,
            channel, command_path(place, frame.kind), outcome, frame.frame,
        )  # fmt: skip
        uplink = Uplink(
            frame.meter_id, frame.tenant_id, frame.product_id, LINK_CHANNEL, link_path(what, frame.command_id, detail), now_us,
            encode_sent([sent]), node=self._node,
        )  # fmt: skip
        until_stored(self._publish, self._clock, uplink, done)

    def tell_bare(self, what: str, command_id: CommandId, whose: Identity, done: Callable[[], None]) -> None:
        """The word alone, of a command whose frame is not known here (any more)."""
        uplink = Uplink(
            whose.meter_id, whose.tenant_id, whose.product_id, LINK_CHANNEL, link_path(what, command_id), self._clock.unix_us(), b"",
            node=self._node,
        )  # fmt: skip
        until_stored(self._publish, self._clock, uplink, done)

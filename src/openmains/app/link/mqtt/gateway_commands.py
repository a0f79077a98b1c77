# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg to meters behind a gateway of ours: from ``downlink.<node>`` to the gateway, which keeps them until the meter
is heard.

    published    the broker took it: nothing is said, the command is ``sent``
    the gateway  delivered, refused, too late, or lost: it comes up as an item of its own (``gateways.py``)
    its answer   an uplink like any other: done or declined

The gateway takes a command once by its number, so what the dispatcher or the broker says twice lies there once; and the frame carries serial,
validity and MAC for the meter, to which the gateway adds nothing.
"""

from collections import Counter
from collections.abc import Callable

from openmains.app.command.downlink import NO_MODULE, DownFrame
from openmains.app.command.sent_frames import LOST, NOT_SENT
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.mqtt.receiver import CHANNEL
from openmains.app.link.ports import Clock
from openmains.app.link.station.directory import Directory
from openmains.domain.ids import ProductId, TenantId
from openmains.drivers.catalog import Driver
from openmains.wire.gateway.messages import GatewayCommand, encode_down, topic
from openmains.wire.gbt36330.frame import MessageType


class GatewayCommands:
    """One for each broker. ``is_connected``: whether a gateway is heard here; ``driver_of``: of a product."""

    def __init__(
        self,
        *,
        directory: Directory,
        clock: Clock,
        words: LinkReports,
        stopped: Callable[[TenantId], bool],
        publish: Callable[[str, bytes, Callable[[bool], None]], bool],
        is_connected: Callable[[str], bool],
        driver_of: Callable[[ProductId], Driver | None],
    ) -> None:
        self._directory, self._clock, self._words, self._stopped = directory, clock, words, stopped
        self._publish, self._is_connected, self._driver_of = publish, is_connected, driver_of
        self.counters: Counter[str] = Counter()

    def handle(self, frames: list[DownFrame]) -> None:
        """Frames from the dispatcher; those of meters with another way, or behind a gateway that is not heard here, are left alone."""
        for frame in frames:
            if frame.concentrator and frame.imei == NO_MODULE and self._is_connected(frame.concentrator):
                self._handle(frame)

    def _handle(self, frame: DownFrame) -> None:
        known, driver = self._directory.find(frame.concentrator), self._driver_of(frame.product_id)
        numbers = (
            []
            if known is None
            else [number for number, each in known.meters.items() if each.meter_id == frame.meter_id]
        )
        if driver is not None and driver.is_asked:
            self._tell("declined", frame, None, NOT_SENT, "not_by_this_driver")
            return
        if not numbers or self._stopped(frame.tenant_id):
            self.counters["gateway.command_stopped" if numbers else "gateway.command_not_behind"] += 1
            self._tell("lost", frame, None, NOT_SENT)
            return
        told = GatewayCommand(str(frame.command_id), numbers[0], MessageType.CARRIED, frame.frame, frame.not_after)
        sent_us = self._clock.unix_us()

        def published(taken: bool) -> None:
            if not taken:  # nobody holds the topic, or the connection broke before a word
                self._tell("lost", frame, sent_us, LOST)

        if self._publish(topic(frame.concentrator, "down"), encode_down(told), published):
            self.counters["gateway.command_sent"] += 1
        else:
            self._tell("lost", frame, None, NOT_SENT)

    def _tell(self, what: str, frame: DownFrame, sent_us: int | None, outcome: str, detail: str = "") -> None:
        self.counters[f"gateway.command_{what}"] += 1
        self._words.tell(what, frame, CHANNEL, f"gateway/{frame.concentrator}/down", sent_us, outcome, detail)

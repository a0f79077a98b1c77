# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg to devices of a LoRaWAN network server: from ``downlink.<node>`` into the device's queue there, and what became
of it back into the stream, by the same words as any link's.

    published   the broker took it: nothing is said, the command is ``sent``
    ack         the device acknowledged the frame: ``delivered``; or it did not in time: ``lost``
    log         the server dropped the item – too long for the device's rate, out of date –: ``lost``
    its answer  an uplink like any other: done or declined

An item of the queue has the command's own number for its name, and a queue takes a name once: whatever is said twice – by the dispatcher, by
the broker, after our end – lies there once. A meter that hears a frame twice all the same acts once, for the frame carries its serial.
So only frames of that kind go this way: a page that is asked on a line has none.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from openmains.app.command.downlink import NO_MODULE, DownFrame
from openmains.app.command.sent_frames import DELIVERED, LOST, NOT_SENT
from openmains.app.fleet.identities import Identity
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.mqtt.directory import MqttDirectory
from openmains.app.link.mqtt.receiver import CHANNEL, Done
from openmains.app.link.ports import Clock
from openmains.domain.ids import CommandId, ProductId, TenantId
from openmains.drivers.catalog import Driver
from openmains.wire.chirpstack.events import Event, Place, encode_down
from openmains.wire.errors import WireError

REMEMBERED = 100_000
_OURS = 0x4F4D_4D51_5454_8000 << 64 | 1 << 63  # version 8, RFC 9562: what is in it is ours
_MOST = (1 << 62) - 1
Publish = Callable[[str, bytes, Callable[[bool], None]], bool]
"""(topic, payload, taken) → whether it was handed to the broker; then ``taken`` is called once."""


class _Sent(NamedTuple):
    frame: DownFrame
    place: Place
    sent_us: int


def item_of(command_id: CommandId) -> UUID:
    """What a command is called in a queue."""
    return UUID(int=_OURS | command_id & _MOST)


def command_of(item: str) -> CommandId | None:
    """None for an item of somebody else."""
    try:
        value = UUID(item).int
    except ValueError:
        return None
    return CommandId(value & _MOST) if value & ~_MOST == _OURS else None


class QueueCommands:
    """``Queue``; one for each broker. ``f_port``: to which commands go whose page names none; ``driver_of``: of a product."""

    def __init__(
        self,
        *,
        directory: MqttDirectory,
        clock: Clock,
        words: LinkReports,
        stopped: Callable[[TenantId], bool],
        publish: Publish,
        driver_of: Callable[[ProductId], Driver | None],
        f_port: int,
    ) -> None:
        self._directory, self._clock, self._words, self._stopped = directory, clock, words, stopped
        self._publish, self._driver_of, self._f_port = publish, driver_of, f_port
        self._places: dict[str, Place] = {}  # by DevEUI: in which application it was heard
        self._sent: OrderedDict[CommandId, _Sent] = OrderedDict()
        self.counters: Counter[str] = Counter()

    def heard(self, place: Place) -> None:
        self._places[place.dev_eui] = place

    def handle(self, frames: list[DownFrame]) -> None:
        """Frames from the dispatcher; those of meters with another way, or at another node, are left alone."""
        for frame in frames:
            if frame.imei == NO_MODULE and not frame.concentrator:
                dev_eui = self._directory.dev_eui_of(frame.meter_id)
                if dev_eui:
                    self._handle(frame, dev_eui)

    def _handle(self, frame: DownFrame, dev_eui: str) -> None:
        driver, place = self._driver_of(frame.product_id), self._places.get(dev_eui)
        if driver is not None and driver.is_asked:
            self._tell("declined", frame, place, None, NOT_SENT, "not_by_this_driver")
            return
        if place is None or self._stopped(frame.tenant_id):
            self.counters["mqtt.command_unheard" if place is None else "mqtt.command_stopped"] += 1
            self._tell("lost", frame, place, None, NOT_SENT)
            return
        try:
            payload = encode_down(dev_eui, self._port_of(frame), frame.frame, item_of(frame.command_id))
        except WireError:
            self._tell("declined", frame, place, None, NOT_SENT, "unreadable")
            return
        self._sent[frame.command_id] = _Sent(frame, place, self._clock.unix_us())
        self._sent.move_to_end(frame.command_id)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        if self._publish(place.down_topic, payload, lambda taken: self._published(frame, place, taken)):
            self.counters["mqtt.command_sent"] += 1
        else:
            self._tell("lost", frame, place, None, NOT_SENT)

    def _port_of(self, frame: DownFrame) -> int:
        driver = self._driver_of(frame.product_id)
        return self._f_port if driver is None or driver.command_port is None else driver.command_port

    def _published(self, frame: DownFrame, place: Place, taken: bool) -> None:
        """Not taken: refused, nobody holds the topic, or the connection broke before a word; then it may lie in the queue all the same."""
        if not taken:
            sent = self._sent.pop(frame.command_id, None)
            self._tell("lost", frame, place, None if sent is None else sent.sent_us, LOST)

    def told(self, identity: Identity, event: Event, *, delivered: bool, done: Done) -> None:
        command_id = command_of(event.item)
        if command_id is None:
            self.counters["mqtt.item_of_others"] += 1
            done()
            return
        what = "delivered" if delivered else "lost"
        sent = self._sent.pop(command_id, None)
        if sent is not None and sent.frame.meter_id == identity.meter_id:
            self._tell(what, sent.frame, sent.place, sent.sent_us, DELIVERED if delivered else LOST, done=done)
        else:  # sent before we began anew, or told twice
            self.counters[f"mqtt.command_{what}"] += 1
            self._words.tell_bare(what, command_id, identity, done)

    def _tell(
        self,
        what: str,
        frame: DownFrame,
        place: Place | None,
        sent_us: int | None,
        outcome: str,
        detail: str = "",
        done: Done = lambda: None,
    ) -> None:
        self.counters[f"mqtt.command_{what}"] += 1
        where = "down" if place is None else f"{place.dev_eui}/down/{self._port_of(frame)}"
        self._words.tell(what, frame, CHANNEL, where, sent_us, outcome, detail, done)

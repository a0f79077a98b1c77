# SPDX-License-Identifier: Apache-2.0
"""Messages of a utility's broker: whose each is, whether it came before, and one uplink for it.

    message → whose → once → Admission → Batcher → (durable) → ``done``: the broker may forget it

``done`` is called once for each message, and not before all that is to be kept of it is on disk: the broker keeps what was not acknowledged,
so neither our end nor its own loses any. What the stream does not take now is tried again here.

What cannot be used is a dead letter: of its meter where that is known, else of nobody, with the whole message. Of an unknown device there is
one an hour, for a network server may hand on devices of others by the thousand; each message is counted, and stands among the refusals.

An uplink is known again by its device, the address of its session, its counter and its content; over our own end by what its page calls a
sequence number, as on every channel. A message in plain JSON is known by what its page calls instant or sequence number only: the same text
may be said twice and mean it.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol
from zlib import crc32

from openmains.app.fleet.identities import Identity
from openmains.app.ingest.edge.admission import Admission, Refusal
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.ingest.uplink import Uplink
from openmains.app.link.link_reports import AGAIN_S, until_stored
from openmains.app.link.mqtt.directory import MqttDirectory
from openmains.app.link.mqtt.topics import named_in
from openmains.app.link.ports import Clock
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.drivers.catalog import Driver
from openmains.drivers.frame_reading import FrameFaultError
from openmains.drivers.plain_json.hook import JsonDriver
from openmains.wire.chirpstack.events import Event, EventKind, Place, decode_event_untrusted, place_of
from openmains.wire.errors import WireError
from openmains.wire.gateway.messages import gateway_of

CHANNEL = "mqtt"
REMEMBERED = 100_000  # messages that would be known again
MOST_UNKNOWN = 10_000
MOST_PATH = 200  # letters of a topic that are kept; MQTT has them up to 64 KiB
UNKNOWN_S = 3600.0
OLDEST_US = 30 * 86_400 * 1_000_000  # what a network server says of a time before is not believed
NOBODY = Identity(MeterId(0), TenantId(0), ProductId(0))
Done = Callable[[], None]


class Queue(Protocol):
    """What is told of frames that wait at the network server (``commands.py``)."""

    def heard(self, place: Place) -> None:
        """Where the device's downlinks go."""
        ...

    def told(self, identity: Identity, event: Event, *, delivered: bool, done: Done) -> None:
        """What became of an item of the queue."""
        ...


class Gateways(Protocol):
    """What gateways of ours say (``gateways.py``)."""

    def receive(self, number: str, part: str, name: str, payload: bytes, done: Done) -> None:
        """On topic ``name``."""
        ...


class MqttReceiver:
    """One for each broker; ``gateways`` may be set once it is made. ``note(name, reason, detail)`` is told of unknown devices, for an
    operator to see. ``topics``: of the products whose pages have one, ``driver_of``: of a product."""

    def __init__(
        self,
        *,
        node: int,
        tenant_id: TenantId,
        directory: MqttDirectory,
        admission: Admission,
        batcher: Batcher,
        shedding: Shedding,
        clock: Clock,
        queue: Queue,
        note: Callable[[str, str, str], None],
        is_blocked: Callable[[int], bool] = lambda imei: False,
        topics: Callable[[], Mapping[ProductId, str]] = dict,
        driver_of: Callable[[ProductId], Driver | None] = lambda product: None,
    ) -> None:
        self._node, self._tenant_id, self._directory = node, tenant_id, directory
        self._admission, self._batcher, self._shedding, self._clock = admission, batcher, shedding, clock
        self._queue, self._note, self._is_blocked = queue, note, is_blocked
        self._topics, self._driver_of = topics, driver_of
        self._seen: OrderedDict[object, list[Done] | None] = OrderedDict()  # who waits for it; None: it is on disk
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self.gateways: Gateways | None = None
        self.counters: Counter[str] = Counter()

    def receive(self, topic: str, payload: bytes, done: Done) -> None:
        """A message of the broker. Never raises for what is in it."""
        self.counters["mqtt.messages"] += 1
        place = place_of(topic)
        if place is not None:
            self._event(place, topic, payload, done)
        elif self.gateways is not None and (named := gateway_of(topic)) is not None:
            self.gateways.receive(*named, topic, payload, done)
        elif not self._plain(topic, payload, done):
            self.counters["mqtt.other_topic"] += 1
            self._bury(NOBODY, topic, payload, "unknown_topic", done, unknown=topic[:MOST_PATH])

    def _plain(self, topic: str, payload: bytes, done: Done) -> bool:
        """A message that a page of JSON reads; False for a topic of none."""
        topics = self._topics()
        named = named_in(topic, topics.values())
        for pattern, number in named:
            products = [product for product, wanted in topics.items() if wanted == pattern]
            if not number:
                self._apart(products, topic, payload, done)
                return True
            if (identity := self._called(number, products)) is not None:
                self._once_said(identity, payload, topic[:MOST_PATH], done)
                return True
        if named:
            self._from_unknown(named[0].number, topic, payload, done)
        return bool(named)

    def take_in(self, identity: Identity, payload: bytes, path: str, heard_us: int, key: object, done: Done) -> None:
        """A message that somebody handed on; not of a terminal that is blocked."""
        if self._is_shut_out(identity):
            self._bury(NOBODY, path, payload, "unknown_device", done, unknown=str(identity.meter_id))
            return
        self._once(key, done, lambda: self._admit(identity, payload, path, heard_us, key))

    def bury_unknown(self, name: str, path: str, payload: bytes, fault: str, done: Done) -> None:
        """A dead letter of nobody, one an hour for each name."""
        self._bury(NOBODY, path, payload, fault, done, unknown=name)

    def _called(self, number: str, products: Collection[ProductId]) -> Identity | None:
        """The meter with this number, if its product is one of these and its terminal is not blocked."""
        identity = self._directory.meter(number)
        if identity is None or identity.product_id not in products or self._is_shut_out(identity):
            return None
        return identity

    def _apart(self, products: Sequence[ProductId], topic: str, payload: bytes, done: Done) -> None:
        """A message of several meters: one message each. It is acknowledged when the last of them is on disk."""
        driver = self._driver_of(products[0])
        try:
            if not isinstance(driver, JsonDriver):
                raise FrameFaultError("type", 0, "no page of JSON")
            parts = driver.split(payload)
        except FrameFaultError as bad:
            self._bury(NOBODY, topic, payload, bad.fault.reason, done, unknown=topic[:MOST_PATH])
            return
        waiting, alike = len(parts), [product for product in products if self._driver_of(product) is driver]

        def one_done() -> None:
            nonlocal waiting
            waiting -= 1
            if not waiting:
                done()

        for number, text in parts:
            identity = self._called(number, alike)
            if identity is None:
                self._from_unknown(number or topic[:MOST_PATH], topic, text, one_done)
            else:
                self._once_said(identity, text, topic[:MOST_PATH], one_done)

    def _once_said(self, identity: Identity, payload: bytes, path: str, done: Done) -> None:
        self.counters["mqtt.json"] += 1
        key = object()
        self._once(key, done, lambda: self._admit(identity, payload, path, 0, key))

    def _is_shut_out(self, identity: Identity) -> bool:
        """A terminal that is blocked is not heard by another way either."""
        imei = self._directory.imei_of(identity.meter_id)
        if imei is None or not self._is_blocked(imei):
            return False
        self.counters["mqtt.blocked"] += 1
        return True

    def _event(self, place: Place, topic: str, payload: bytes, done: Done) -> None:
        if place.kind is None:
            self.counters["mqtt.event_unused"] += 1
            done()
            return
        self.counters[f"mqtt.event_{place.kind}"] += 1
        identity = self._directory.device(place.dev_eui)
        if identity is not None and self._is_shut_out(identity):
            identity = None
        try:
            event = decode_event_untrusted(place, payload)
        except WireError:
            self.counters["mqtt.malformed"] += 1
            self._bury(identity or NOBODY, topic, payload, "bad_event", done, unknown="" if identity else place.dev_eui)
            return
        if identity is None:
            self._from_unknown(place.dev_eui, topic, payload, done)
        elif place.kind is EventKind.UP:
            self._queue.heard(place)
            self._up(place, event, identity, done)
        elif place.kind is EventKind.ACK or (place.kind is EventKind.LOG and event.item):
            self._queue.told(identity, event, delivered=event.acknowledged and place.kind is EventKind.ACK, done=done)
        else:
            if place.kind is EventKind.JOIN:
                self._queue.heard(place)
            done()

    def _up(self, place: Place, event: Event, identity: Identity, done: Done) -> None:
        if not event.data:  # the device answered the network, and said nothing to us
            self.counters["mqtt.without_payload"] += 1
            done()
            return
        key = (place.dev_eui, event.dev_addr, event.f_count, crc32(event.data))
        path = f"{place.dev_eui}/up/{event.f_port}"
        now_us = self._clock.unix_us()
        heard_us = event.at_us if now_us - OLDEST_US <= event.at_us <= now_us else now_us
        self._once(key, done, lambda: self._admit(identity, event.data, path, heard_us, key))

    def _once(self, key: object, done: Done, begin: Done) -> None:
        """``begin``, unless this message came before; ``done`` when it is on disk."""
        if key in self._seen:
            self.counters["mqtt.repeated"] += 1
            self._seen.move_to_end(key)
            waiting = self._seen[key]
            if waiting is None:
                done()
            else:
                waiting.append(done)
            return
        self._seen[key] = [done]
        while len(self._seen) > REMEMBERED:
            oldest = next(iter(self._seen))
            if self._seen[oldest] is not None:
                break  # somebody waits for it
            del self._seen[oldest]
        begin()

    def _admit(self, identity: Identity, payload: bytes, path: str, heard_us: int, key: object) -> None:
        """``heard_us`` 0: nobody says when; the broker may have kept it for us."""
        now = self._clock.time()
        if self._batcher.is_full(now) or self._shedding.is_crowded(len(payload), now):
            self._shedding.refused()
            self._clock.call_later(AGAIN_S, lambda: self._admit(identity, payload, path, heard_us, key))
            return
        found = self._admission.admit_meter(
            identity,
            payload,
            CHANNEL,
            path,
            self._clock.unix_us(),
            self._node,
            heard_us=heard_us,
            may_have_waited=not heard_us,
        )
        if isinstance(found, Refusal):
            self._bury(identity, path, payload, found.name.lower(), lambda: self._stored(key))
            return
        self._shedding.taken()
        self._keep(found.uplink, lambda: self._stored(key))

    def _stored(self, key: object) -> None:
        waiting = self._seen.pop(key, None)
        if isinstance(key, tuple):  # any other is one message's own, and never comes again
            self._seen[key] = None
        for done in waiting or ():
            done()

    def _keep(self, uplink: Uplink, stored: Done) -> None:
        """Until it is on disk."""

        def refused() -> None:
            self.counters["mqtt.kept_waiting"] += 1

        until_stored(self._batcher.add, self._clock, uplink, stored, refused=refused)

    def _from_unknown(self, name: str, topic: str, payload: bytes, done: Done) -> None:
        self.counters["mqtt.unknown_device"] += 1
        self._note(name, "unknown device", topic[:MOST_PATH])
        self._bury(NOBODY, topic, payload, "unknown_device", done, unknown=name)

    def _bury(self, whose: Identity, path: str, payload: bytes, fault: str, done: Done, unknown: str = "") -> None:
        """A dead letter; of a device that is ``unknown`` one an hour."""
        now = self._clock.time()
        if unknown:
            if now - self._unknown.get(unknown, float("-inf")) < UNKNOWN_S:
                self.counters["mqtt.left_out"] += 1
                done()
                return
            self._unknown[unknown] = now
            self._unknown.move_to_end(unknown)
            if len(self._unknown) > MOST_UNKNOWN:
                self._unknown.popitem(last=False)
        self.counters["mqtt.dead_letters"] += 1
        uplink = Uplink(
            whose.meter_id,
            self._tenant_id,
            whose.product_id,
            CHANNEL,
            path[:MOST_PATH],
            self._clock.unix_us(),
            payload,
            fault,
        )
        self._keep(uplink, done)

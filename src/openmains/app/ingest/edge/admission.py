# SPDX-License-Identifier: Apache-2.0
"""Decides about one message: whose it is, whether it is sound, and what the meter hears when it is stored.

The same for every channel that names the meter by its IMEI; the channel only translates ``Refusal`` to its own codes.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.limiter import Verdict, Window
from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import ProductId, TenantId
from openmains.domain.period import Zone
from openmains.drivers.catalog import Catalog, Driver
from openmains.drivers.lwm2m import envelope

MAX_PAYLOAD = 512  # R1.4: no message over 512 B
METER_LIMIT = 30  # a minute: R1.7 and a storm of alarms fit; a flood under one name does not
METER_WINDOW_S = 60.0


About = tuple[str, int | None]
"""LwM2M path such as ``/3424/0``, ``/`` where the payload names its paths; content format, None when it said none."""
NOT_STATED: About = ("/", None)


class Refusal(Enum):
    """Why a message is not taken."""

    NOT_AN_IMEI = "not an IMEI"
    UNKNOWN_METER = "unknown meter"
    EMPTY = "empty payload"
    TOO_LARGE = "payload too large"
    TOO_MANY = "meter sends too often"
    BUSY = "too many messages wait, send again later"


class Accepted(NamedTuple):
    """A message to be stored. ``driver`` is None for a product whose page is missing: it goes to the dead letters."""

    uplink: Uplink
    driver: Driver | None
    tenant_id: TenantId


class Admission:
    """One for each edge process. ``drivers_by_product`` and ``zones`` are replaced when products or tenants change."""

    def __init__(
        self,
        identities: Identities,
        catalog: Catalog,
        *,
        meter_limit: int = METER_LIMIT,
        is_blocked: Callable[[int], bool] = lambda imei: False,
    ) -> None:
        self._identities = identities
        self._catalog = catalog
        self._is_blocked = is_blocked
        self._drivers: dict[int, Driver] = {}
        self._topics: dict[ProductId, str] = {}
        self._zones: dict[int, Zone] = {}
        self._offsets: dict[int, tuple[int, int]] = {}
        self._meters = Window(meter_limit, METER_WINDOW_S, keys=2_000_000)
        self.counters: Counter[str] = Counter()

    def set_products(self, drivers_by_product: Mapping[int, str], zones: Mapping[int, Zone]) -> None:
        """Driver name of each product, time zone of each tenant."""
        self._drivers = {
            product: self._catalog.driver(name) for product, name in drivers_by_product.items() if name in self._catalog
        }
        self._topics = {ProductId(product): driver.topic for product, driver in self._drivers.items() if driver.topic}
        self._zones = dict(zones)
        self._offsets = {}

    def driver_of(self, imei: int) -> Driver | None:
        """Of the meter with this module; None for a stranger, or where the driver's page is missing."""
        identity = self._identities.find(imei)
        return None if identity is None else self._drivers.get(identity.product_id)

    def driver_for(self, product_id: ProductId) -> Driver | None:
        """Of a product; None where the driver's page is missing."""
        return self._drivers.get(product_id)

    def topics(self) -> Mapping[ProductId, str]:
        """Of the products whose messages have a topic of their own at an MQTT broker."""
        return self._topics

    def admit(
        self,
        imei_text: str,
        payload: bytes,
        channel: str,
        path: str,
        now_us: int,
        node: int = 0,
        about: About = NOT_STATED,
    ) -> Accepted | Refusal:
        """Judge one message; counts by reason. ``node``: of the session that it came on, 0 without one.

        ``about``: what the payload is about and its content format, for drivers that read resources and not frames.
        """
        return self._accept(self._judge(imei_text, payload, now_us), payload, channel, path, now_us, node, about)

    def admit_meter(
        self,
        identity: Identity,
        payload: bytes,
        channel: str,
        path: str,
        now_us: int,
        node: int = 0,
        *,
        heard_us: int = 0,
        may_have_waited: bool = False,
    ) -> Accepted | Refusal:
        """The same where the channel knows the meter by something else than a module, such as its number behind a concentrator. ``heard_us``:
        when somebody before us took it from the meter, 0: it comes straight. What was heard a while ago has waited for us, a day's messages in
        one minute: that is no meter that sends too often, and nobody would send them again. ``may_have_waited``: it was kept for us, nobody
        says since when."""
        has_waited = may_have_waited or (heard_us and now_us - heard_us > METER_WINDOW_S * 1e6)
        found = self._weigh(payload) or (identity if has_waited else self._count(identity, now_us))
        return self._accept(found, payload, channel, path, heard_us or now_us, node, NOT_STATED)

    def _accept(
        self, found: Identity | Refusal, payload: bytes, channel: str, path: str, now_us: int, node: int, about: About
    ) -> Accepted | Refusal:
        if isinstance(found, Refusal):
            self.counters[f"refused.{found.name.lower()}"] += 1
            return found
        driver = self._drivers.get(found.product_id)
        if driver is not None and driver.wants_envelope:
            payload = envelope.wrap(*about, payload)
        fault = driver.check(payload) if driver is not None else None
        self.counters[f"malformed.{fault}" if fault else "accepted"] += 1
        uplink = Uplink(
            found.meter_id, found.tenant_id, found.product_id, channel, path, now_us, payload, fault or "", node
        )  # fmt: skip
        return Accepted(uplink, driver, found.tenant_id)

    def _judge(self, imei_text: str, payload: bytes, now_us: int) -> Identity | Refusal:
        if len(imei_text) != 15 or not (imei_text.isascii() and imei_text.isdigit()):
            return Refusal.NOT_AN_IMEI
        if (refusal := self._weigh(payload)) is not None:
            return refusal
        imei = int(imei_text)
        identity = self._identities.find(imei)
        if identity is not None and self._is_blocked(imei):
            self.counters["blocked"] += 1
            identity = None  # it hears what a stranger hears
        if identity is None:
            return Refusal.UNKNOWN_METER
        return self._count(identity, now_us)

    def _weigh(self, payload: bytes) -> Refusal | None:
        if not payload:
            return Refusal.EMPTY
        return Refusal.TOO_LARGE if len(payload) > MAX_PAYLOAD else None

    def _count(self, identity: Identity, now_us: int) -> Identity | Refusal:
        is_within = self._meters.count(identity.meter_id, now_us / 1e6) is Verdict.PASS
        return identity if is_within else Refusal.TOO_MANY

    def answer(self, accepted: Accepted, now_s: int) -> bytes:
        """What the meter hears when its message is on disk: the platform's time as its driver defines it (R1.13)."""
        if accepted.driver is None:
            return b""
        return accepted.driver.answer(accepted.uplink.payload, now_s, self.offset_min(accepted.tenant_id, now_s))

    def offset_min(self, tenant_id: TenantId, now_s: int) -> int:
        """The utility's local time minus UTC, in minutes."""
        minute = now_s // 60
        known = self._offsets.get(tenant_id)
        if known is not None and known[0] == minute:
            return known[1]
        zone = self._zones.get(tenant_id)
        offset = 0 if zone is None else zone.offset_s(now_s) // 60
        self._offsets[tenant_id] = (minute, offset)
        return offset

# SPDX-License-Identifier: Apache-2.0
"""Products and meters as the use cases and the API see them; areas: ``areas.py``."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from openmains.app.fleet.signs import MeterSign
from openmains.domain.fleet.device_kind import MONITORS, DeviceKind
from openmains.domain.fleet.meter_number import WRITTEN
from openmains.domain.fleet.registry_columns import MOST_QMAX_L_H
from openmains.domain.ids import AreaId, CustomerId, MeterId, ProductId, TagId, TenantId
from openmains.domain.period import DAY_S
from openmains.drivers.points import vocabulary

Place = Literal["room", "shaft", "well", "cellar", "pit", "box", "outdoor"]
Medium = Literal["gas", "water"]
MeterStatus = Literal["active", "removed", "silent", "never_seen", "alarm"]
KindFilter = Literal["meter", "monitor", "any", "pressure", "flow", "level", "quality", "pump", "pipe", "safety"]
ReportMode = Literal["day", "week", "ten_days", "month"]  # as Mode of domain/readings/expected.py
MeterSort = Literal["number", "-number", "meter_id", "-meter_id"]

TagColour = Literal["grey", "red", "amber", "green", "blue", "purple"]

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=400)]
TagName = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[^\s,;，；、]([^,;，；、\n]*[^\s,;，；、])?$")]
BarCode = Annotated[str, Meta(max_length=64, pattern=r"^\S*$")]
Id32 = Annotated[
    int, Meta(ge=1, le=2**31 - 1)
]  # where a typed id would change how the API's document writes its bounds
AreaRef = Annotated[AreaId, Meta(ge=1, le=2**31 - 1)]
ProductRef = Annotated[ProductId, Meta(ge=1, le=2**31 - 1)]
CustomerRef = Annotated[CustomerId, Meta(ge=1, le=2**63 - 1)]
MeterRef = Annotated[MeterId, Meta(ge=1, le=2**63 - 1)]
TagRef = Annotated[TagId, Meta(ge=1, le=2**31 - 1)]
DevEui = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{16}$")]
Imei = Annotated[str, Meta(pattern=r"^[0-9]{14,16}$")]
Digits = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{0,24}$")]


AllowCbc = Annotated[
    bool,
    Meta(
        description="Let modules in that offer only TLS_PSK_WITH_AES_128_CBC_SHA256. Risk: without encrypt-then-MAC (RFC 7366) its records"
        " can be read in part by measuring time (Lucky 13). From the next handshake on."
    ),
]
AllowNoEms = Annotated[
    bool,
    Meta(
        description="Let modules in that do not offer the extended master secret (RFC 7627). Risk: keys are not bound to all that was said in"
        " the handshake; whoever holds the meter's key can join two connections. From the next handshake on."
    ),
]


class Product(Struct, frozen=True):
    """A maker's model with the driver that reads it. ``kind``: meter, or what a monitor watches; the driver's."""

    product_id: ProductId
    code: str
    name: str
    maker: str
    model: str
    medium: Medium
    driver: str
    dial: int
    interval_s: int
    report_s: int
    qmax_l_h: int
    settings: dict[str, Any]
    allow_cbc: AllowCbc
    allow_no_ems: AllowNoEms
    created_at: datetime
    report_mode: ReportMode
    kind: DeviceKind


class NewProduct(Struct, frozen=True, forbid_unknown_fields=True):
    """A product to add. ``dial``: units at which the register rolls over, 0 when not known. ``report_mode`` tells by when a day is
    due; without it that follows from ``report_s``, and ``report_s`` from it."""

    code: Code
    name: Name
    maker: Name
    model: Name
    driver: Name
    dial: Annotated[int, Meta(ge=0, le=2**62)] = 0
    interval_s: Annotated[int, Meta(ge=60, le=DAY_S)] = 1800
    report_s: Annotated[int, Meta(ge=60, le=31 * DAY_S)] | None = None
    qmax_l_h: Annotated[int, Meta(ge=1, le=MOST_QMAX_L_H)] = 6000
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    allow_cbc: AllowCbc = False
    allow_no_ems: AllowNoEms = False
    report_mode: ReportMode | None = None


class ProductChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a product may change; fields not given stay."""

    name: Name | UnsetType = UNSET
    maker: Name | UnsetType = UNSET
    model: Name | UnsetType = UNSET
    driver: Name | UnsetType = UNSET
    dial: Annotated[int, Meta(ge=0, le=2**62)] | UnsetType = UNSET
    interval_s: Annotated[int, Meta(ge=60, le=DAY_S)] | UnsetType = UNSET
    report_s: Annotated[int, Meta(ge=60, le=31 * DAY_S)] | UnsetType = UNSET
    qmax_l_h: Annotated[int, Meta(ge=1, le=MOST_QMAX_L_H)] | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    allow_cbc: AllowCbc | UnsetType = UNSET
    allow_no_ems: AllowNoEms | UnsetType = UNSET
    report_mode: ReportMode | UnsetType = UNSET


class Customer(Struct, frozen=True):
    """Who uses the meter. ``phone``: masked; it is sealed at rest, and seen in clear through the customer (R13.2)."""

    customer_id: CustomerId
    code: str
    name: str
    address: str
    is_protected: bool
    is_critical: bool = False  # closing always needs a second person
    phone: str = ""


class _Seen(Struct, frozen=True):
    """Register, events and when the meter was heard; volumes in the product's unit."""

    register: int | None
    register_m3: str | None
    register_at: datetime | None
    last_seen_at: datetime | None
    events: list[str]


SHOWN_POINTS = tuple(point.name for point in vocabulary().latest.values() if point.shown)
if TYPE_CHECKING:

    class LastState(_Seen, frozen=True):
        """What the newest message said, with a field for each of SHOWN_POINTS in its unit of ``drivers/points.toml``; None:
        never said."""

        def __init__(self, **values: Any) -> None: ...
        def __getattr__(self, point: str) -> int | None: ...
else:
    LastState = defstruct(
        "LastState", [(name, int | None) for name in SHOWN_POINTS], bases=(_Seen,), frozen=True, module=__name__
    )


class MeterTag(Struct, frozen=True):
    """A tag that the utility put on a meter (``tags.py``)."""

    tag_id: TagId
    name: str
    colour: TagColour


class Meter(Struct, frozen=True):
    """A meter, or a monitor, in a list (``kind``). Readings are asked of it from ``expected_from`` on, and from the day after ``installed_on``;
    ``report_mode``: its own where it said one, else the product's. ``signs``: what is not well with it, worst first; ``tags`` by name."""

    meter_id: MeterId
    number: str
    bar_code: str
    imei: str | None
    imsi: str
    iccid: str
    dev_eui: str | None
    product_id: ProductId
    product_code: str
    medium: Medium
    kind: DeviceKind
    area_id: AreaId
    area_name: str
    customer_id: CustomerId | None
    customer_code: str | None
    customer_name: str | None
    address: str
    place: Place
    dn: int
    qmax_l_h: int
    installed_on: date
    removed_on: date | None
    expected_from: date
    report_mode: ReportMode
    created_at: datetime
    revision: int
    driver: str
    state: LastState | None
    signs: list[MeterSign]
    tags: list[MeterTag]


class MeterDetail(Meter, frozen=True):
    """A meter with its customer."""

    customer: Customer | None


class RegisteredMeter(MeterDetail, frozen=True):
    """A meter with all that a file of the registry says of it. The phone is in no file (R13.2)."""

    area_code: str


class NewMeter(Struct, frozen=True, forbid_unknown_fields=True):
    """A meter to add. ``expected_from``: first day whose reading is asked for; today without it."""

    number: Annotated[str, Meta(min_length=1, max_length=32, pattern=rf"^{WRITTEN}$")]
    product_id: Id32
    area_id: Id32
    installed_on: date
    bar_code: BarCode = ""
    imei: Imei | None = None
    imsi: Digits = ""
    iccid: Digits = ""
    dev_eui: DevEui | None = None
    customer_id: CustomerRef | None = None
    address: Text = ""
    place: Place = "room"
    dn: Annotated[int, Meta(ge=0, le=5000)] = 0
    qmax_l_h: Annotated[int, Meta(ge=0, le=MOST_QMAX_L_H)] = 0
    expected_from: date | None = None


class MeterChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a meter may change; fields not given stay."""

    product_id: ProductRef | UnsetType = UNSET
    area_id: AreaRef | UnsetType = UNSET
    installed_on: date | UnsetType = UNSET
    bar_code: BarCode | UnsetType = UNSET
    imei: Imei | UnsetType | None = UNSET
    imsi: Digits | UnsetType = UNSET
    iccid: Digits | UnsetType = UNSET
    dev_eui: DevEui | UnsetType | None = UNSET
    customer_id: CustomerRef | UnsetType | None = UNSET
    address: Text | UnsetType = UNSET
    place: Place | UnsetType = UNSET
    dn: Annotated[int, Meta(ge=0, le=5000)] | UnsetType = UNSET
    qmax_l_h: Annotated[int, Meta(ge=0, le=MOST_QMAX_L_H)] | UnsetType = UNSET
    expected_from: date | UnsetType = UNSET
    is_protected: bool | UnsetType = UNSET  # of its customer, and so of all the customer's meters
    is_critical: bool | UnsetType = UNSET
    reason: Annotated[str, Meta(max_length=400)] | UnsetType = UNSET  # needed where protection ends


class MeterFilter(Struct, frozen=True):
    """Which meters a list holds, how it is sorted, where it goes on."""

    area_id: AreaId | None = None
    product_id: ProductId | None = None
    status: MeterStatus | None = None
    sort: MeterSort = "number"
    limit: int = 50
    after: tuple[str, int] | None = None  # (number, meter_id) of the last meter seen
    now_us: int = 0
    kind: KindFilter = "any"
    customer_ids: tuple[CustomerId, ...] | None = None
    tag_id: TagId | None = None

    @property
    def kinds(self) -> tuple[DeviceKind, ...]:
        """Which kinds of devices; none: all."""
        if self.kind == "any":
            return ()
        return MONITORS if self.kind == "monitor" else (DeviceKind(self.kind),)


class Dimension(Struct, frozen=True):
    """A meter's row beside the readings (ClickHouse ``meter_dim``). ``removed_on`` is the end of time for one in use;
    ``first_day`` is the first whose reading is asked for, ``own_mode`` the mode the meter says ('': the product's), in force
    from ``own_since`` on, ``own_before`` the one before; ``registered_s`` when it came into the registry."""

    tenant_id: TenantId
    meter_id: MeterId
    area_id: AreaId
    product_id: ProductId
    installed_on: date
    removed_on: date
    revision: int
    first_day: date
    own_mode: str
    own_since: date
    own_before: str
    registered_s: int

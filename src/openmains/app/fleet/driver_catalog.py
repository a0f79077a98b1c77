# SPDX-License-Identifier: Apache-2.0
"""The driver catalogue as people ask it: pages, messages field by field, example frames, a frame explained."""

from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from openmains.app.fleet.driver_pages import CheckedDriverPage
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.ids import TenantId
from openmains.domain.quantity import LITRE_EXPONENT


class DriverIdentity(NamedTuple):
    """What a driver makes of its products; registers of its meters count 10^``unit_exponent`` m³."""

    medium: str
    kind: DeviceKind
    unit_exponent: int = LITRE_EXPONENT


class DriverSource(Struct, frozen=True):
    """Where the format of a page is published, the licence there, and what its vectors rest on: standard, maker, capture or decoder."""

    url: str
    licence: str
    evidence: str


class DriverPage(Struct, frozen=True):
    """A driver of the catalogue; ``kind``: meter, or what its monitors watch; volumes of its meters count 10^``unit_exponent`` m³.
    ``source``: of somebody else's format."""

    name: str
    medium: str
    grade: str
    title_zh: str
    title_en: str
    unit_exponent: int
    kind: DeviceKind
    source: DriverSource | None = None


class LaidField(Struct, frozen=True):
    """One field of a message as the page lays it out. ``offset`` is null behind a counted field; ``size`` is of one item."""

    offset: int | None
    size: int
    name: str
    type: str
    count: str  # name of the field that tells how many there are; '' for one
    point: str  # standard point or series; '' when it has no meaning of its own
    accepted: str  # 'lowest … highest' or one value; '' for all that the type holds


class LaidMessage(Struct, frozen=True):
    """One message of a driver."""

    name: str
    kind: str
    title_zh: str
    title_en: str
    fields: list[LaidField]


class DriverLayout(Struct, frozen=True):
    """A driver's page: its messages field by field where it is a table; the points it can give in any case."""

    messages: list[LaidMessage]
    points: list[str]


class TracedField(Struct, frozen=True):
    """One field of a frame for a person: where it stands, its bytes, what they mean."""

    offset: int
    length: int
    name: str
    raw_hex: str
    value: str


class DamagedPart(Struct, frozen=True):
    """A part of a message that could not be read while the rest was stored: byte of the frame, field or path, why."""

    offset: int
    name: str
    detail: str


class DriverVector(Struct, frozen=True):
    """An example frame of a driver with its meaning and where it is from."""

    name: str
    payload_hex: str
    source: str
    expected: Any


class DriverFault(Struct, frozen=True):
    """A maker's code for an event, its meaning at this product, and what to do."""

    event: str
    code: str
    title_zh: str
    title_en: str
    act_zh: str
    act_en: str


class DriverCatalog(Protocol):
    """The driver catalogue as people ask it."""

    def pages(self, tenant_id: TenantId | None = None) -> list[DriverPage]:
        """Of a tenant: the packaged ones and its own; None: all there are."""

    def check_page(self, text: str) -> CheckedDriverPage:
        """A page that somebody gives, read and true to its vectors; raises ``driver-page-broken`` with line and reason."""

    def is_packaged(self, name: str) -> bool: ...
    def is_open_to(self, name: str, tenant_id: TenantId) -> bool:
        """Whether there is such a driver and the tenant may look at it: a packaged one, or its own page."""

    def number_digits(self, name: str) -> int:
        """How many digits of the number in its frames are compared with the registered one; 0: none, or an unknown driver."""

    def vectors(self, name: str) -> list[DriverVector] | None: ...
    def fault_codes(self, name: str) -> list[DriverFault] | None:
        """In the page's order; empty where it has none. None: no such driver."""

    def layout(self, name: str) -> DriverLayout | None: ...
    def damages(self, name: str, payload: bytes, received_s: int) -> list[DamagedPart]:
        """What could not be read of a message that is partly stored; empty for an unknown driver."""

    def explain(self, name: str, payload: bytes) -> list[TracedField] | None:
        """Field by field as far as it can be read, also for a broken frame. None: no such driver."""

    def explain_down(self, name: str, payload: bytes) -> list[TracedField]:
        """The same for a command or an answer of the platform; empty where the driver has no such frame."""

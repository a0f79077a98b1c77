# SPDX-License-Identifier: Apache-2.0
"""What the registry of areas, products and meters asks of the stores."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from openmains.app.fleet.driver_catalog import DriverIdentity
from openmains.app.fleet.model import (
    Area,
    Dimension,
    Meter,
    MeterDetail,
    MeterFilter,
    NewMeter,
    NewProduct,
    Product,
    RegisteredMeter,
)
from openmains.app.fleet.search import MeterHit
from openmains.domain.ids import AreaId, CustomerId, MeterId, ProductId
from openmains.domain.readings.expected import Expectation
from openmains.domain.readings.tasks import Task


class AreaStore(Protocol):
    async def all(self) -> list[Area]: ...
    async def get(self, area_id: AreaId) -> Area | None: ...
    async def add(self, code: str, name: str, parent_id: AreaId | None) -> Area | None: ...
    async def change(self, area_id: AreaId, values: dict[str, Any]) -> Area | None: ...
    async def is_below(self, area_id: AreaId, ancestor_id: AreaId) -> bool: ...


class ProductStore(Protocol):
    async def page(self, limit: int, after: int) -> list[Product]: ...
    async def get(self, product_id: ProductId) -> Product | None: ...
    async def add(self, product: NewProduct, identity: DriverIdentity) -> Product | None: ...
    async def change(self, product_id: ProductId, values: dict[str, Any], today: date) -> Product | None:
        """A mode that changes counts from ``today`` on."""


class MeterStore(Protocol):
    async def page(self, chosen: MeterFilter) -> list[Meter]: ...
    async def by_ids(self, meter_ids: Sequence[MeterId]) -> list[Meter]: ...
    async def registered(self, chosen: MeterFilter) -> list[RegisteredMeter]:
        """As ``page``, for a file."""

    async def registered_by_ids(self, meter_ids: Sequence[MeterId]) -> list[RegisteredMeter]: ...
    async def get(self, meter_id: MeterId) -> MeterDetail | None: ...
    async def customer_exists(self, customer_id: CustomerId) -> bool: ...
    async def add(self, meter: NewMeter) -> MeterId | None:
        """Identity of the new meter with its search text and identity change; None: number or IMEI is taken."""

    async def set_customer_flags(self, customer_id: CustomerId, flags: Mapping[str, bool]) -> None:
        """``is_protected`` and ``is_critical`` of a customer of the tenant; those not given stay."""

    async def change(self, meter_id: MeterId, revision: int, values: dict[str, Any]) -> bool | None:
        """False: the revision is not the current one. None: IMEI is taken."""

    async def dimension(self, meter_id: MeterId) -> Dimension | None:
        """None: a monitor, which no report of readings and no sum knows."""

    async def expectation(self, meter_id: MeterId) -> Expectation | None:
        """From when and in which mode it is to report; None: not the tenant's."""

    async def task_chain(self, meter_id: MeterId) -> Sequence[Task]:
        """Collection tasks that speak of a meter, from the most general on, ended ones too."""


class MeterSearch(Protocol):
    """Fuzzy search over number, IMEI, SIM, customer, account, phone, address and area."""

    async def search(self, q: str, limit: int, cursor: str | None, within: MeterFilter) -> list[MeterHit]:
        """Meters that have all words and that the filter takes, exact hits first; ``cursor`` is a hit's; order and place of
        the filter do not count. Raises ``ValueError`` for a query or cursor that is none."""


class Dimensions(Protocol):
    """The registry's copy beside the readings."""

    async def put(self, rows: Sequence[Dimension]) -> None: ...

# SPDX-License-Identifier: Apache-2.0
"""What the registry of areas, premises, products and meters asks of the stores."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from openmains.app.fleet.areas import (
    Area,
    AreaFilter,
    AreaKind,
    AreaRow,
    AreaStep,
    AreaTotals,
    NewAreaKind,
    Premises,
    PremisesFilter,
)
from openmains.app.fleet.concentrators import (
    ConcentratorDetail,
    ConcentratorMeter,
    ConcentratorRow,
    RegisteredConcentrator,
)
from openmains.app.fleet.driver_catalog import DriverIdentity
from openmains.app.fleet.model import (
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
from openmains.domain.ids import AreaId, AreaKindId, CustomerId, MeterId, PremisesId, ProductId
from openmains.domain.readings.expected import Expectation
from openmains.domain.readings.tasks import Task


class AreaStore(Protocol):
    """The tree. What lies below an area is told with it."""

    async def page(self, chosen: AreaFilter) -> list[Area]: ...
    async def get(self, area_id: AreaId) -> Area | None: ...
    async def above(self, area_id: AreaId) -> list[AreaStep]:
        """The way from the root to the one above it."""

    async def sums(self, area_id: AreaId) -> AreaTotals: ...
    async def below(self, area_id: AreaId) -> list[int]:
        """Ids of the area and of all below it, as far as the rights of whoever asks reach."""

    async def count(self) -> int:
        """How many areas the tenant has."""

    async def levels(self, area_id: AreaId) -> int:
        """Of its branch; 1 where nothing lies below it."""

    async def is_below(self, area_id: AreaId, ancestor_id: AreaId) -> bool:
        """Also where both are the same."""

    async def hold_tree(self) -> None:
        """Nobody else moves or adds an area until the transaction ends."""

    async def add(self, code: str, name: str, parent_id: AreaId | None, kind_id: AreaKindId | None) -> Area | None:
        """None: the code is taken."""

    async def change(self, area_id: AreaId, values: dict[str, Any]) -> Area | None: ...
    async def rows(self, limit: int, after: str, under: AreaId | None) -> list[AreaRow]:
        """For a file: each after the one above it, those of a branch or all, after a path."""

    async def kinds(self) -> list[AreaKind]: ...
    async def kind(self, kind_id: AreaKindId) -> AreaKind | None: ...
    async def add_kind(self, kind: NewAreaKind) -> AreaKind | None:
        """None: the code is taken."""

    async def change_kind(self, kind_id: AreaKindId, values: dict[str, Any]) -> AreaKind | None: ...


class PremisesStore(Protocol):
    """Premises; coordinates in WGS-84."""

    async def page(self, chosen: PremisesFilter) -> list[Premises]: ...
    async def get(self, premises_id: PremisesId) -> Premises | None: ...
    async def add(self, values: dict[str, Any]) -> Premises | None:
        """None: the code is taken."""

    async def change(self, premises_id: PremisesId, revision: int, values: dict[str, Any]) -> Premises | None:
        """None: the revision is not the current one."""


class ConcentratorStore(Protocol):
    """One tenant's concentrators and DTUs, in one transaction."""

    async def page(
        self, limit: int, after: str, *, q: str | None, is_connected: bool | None
    ) -> list[RegisteredConcentrator]:
        """By number."""

    async def get(self, concentrator_id: int) -> ConcentratorDetail | None: ...
    async def hold(self) -> None:
        """Nobody else changes what is behind the tenant's concentrators until the transaction ends."""

    async def meters(self, concentrator_id: int, limit: int, after: int) -> list[ConcentratorMeter]: ...
    async def add(self, number: str, name: str, poll_s: int) -> int | None:
        """None: the number is taken, perhaps by another utility."""

    async def add_all(self, wanted: Sequence[tuple[str, str, int]]) -> set[str]:
        """(number, name, pace); the numbers of those that are new."""

    async def keys(self, numbers: Sequence[str]) -> dict[str, int]:
        """Ids of the tenant's, held until the transaction ends."""

    async def change_all(self, wanted: Sequence[tuple[int, str, int]]) -> None:
        """(id, name, pace): "" and 0 leave what is; edges read them anew."""

    async def put_all(self, pairs: Sequence[tuple[int, str]]) -> tuple[int, list[str]]:
        """(id, a meter's number): how many were put, and the numbers that are no meters in use or behind another one."""

    async def behind_each(self, concentrator_ids: Sequence[int]) -> list[list[str]]:
        """Numbers of the meters in use behind each of them."""

    async def change(self, concentrator_id: int, values: dict[str, Any]) -> None:
        """``name``, ``poll_s``; edges read it anew."""

    async def remove(self, concentrator_id: int) -> None: ...
    async def put(self, concentrator_id: int, numbers: Sequence[str]) -> list[str]:
        """Those that are no meters in use, or behind another one."""

    async def take(self, concentrator_id: int, numbers: Sequence[str]) -> list[str]:
        """Those that were not behind it."""

    async def numbers_behind(self, concentrator_id: int) -> list[str]: ...
    async def rows(self, after: str, limit: int) -> list[ConcentratorRow]:
        """Of so many concentrators after a number, for a file."""


class ProductStore(Protocol):
    async def page(self, limit: int, after: int) -> list[Product]: ...
    async def get(self, product_id: ProductId) -> Product | None: ...
    async def add(self, product: NewProduct, identity: DriverIdentity) -> Product | None: ...
    async def change(self, product_id: ProductId, values: dict[str, Any], today: date) -> Product | None:
        """A mode that changes counts from ``today`` on."""


class MeterStore(Protocol):
    async def page(self, chosen: MeterFilter) -> list[Meter]: ...
    async def count(self, chosen: MeterFilter) -> int | None:
        """Meters that the filter takes, counted up to its ``limit``; None: too many would have to be looked at one by one."""

    async def ids(self, chosen: MeterFilter) -> list[MeterId]:
        """Meters that the filter takes, up to its ``limit``, in no order."""

    async def numbers_of(self, meter_ids: Sequence[MeterId]) -> list[str]:
        """Of those that are the tenant's."""

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
    """Fuzzy search over number, IMEI, SIM, customer, customer's code, address and area."""

    async def search(self, q: str, limit: int, cursor: str | None, within: MeterFilter) -> list[MeterHit]:
        """Meters that have all words and that the filter takes, exact hits first; ``cursor`` is a hit's; order and place of
        the filter do not count. Raises ``ValueError`` for a query or cursor that is none."""


class Dimensions(Protocol):
    """The registry's copy beside the readings."""

    async def put(self, rows: Sequence[Dimension]) -> None: ...

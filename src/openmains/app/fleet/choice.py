# SPDX-License-Identifier: Apache-2.0
"""Which meters a question about very many is asked of, and what is known of each that their answers need.

The same choice serves every answer in bulk, so that what a person may see is decided in one place: within the tenant, by the registry.
"""

from typing import Literal, Protocol

from msgspec import Struct

from openmains.app.fleet.model import KindFilter, MeterStatus
from openmains.domain.ids import AreaId, CustomerId, MeterId, ProductId

Place = Literal["room", "shaft", "well", "cellar", "pit", "box", "outdoor"]
CustomerClass = Literal["ordinary", "protected", "critical", "none"]
"""Of the customer: ``critical`` before ``protected`` where it is both; ``none``: the meter has no customer."""
MOST_NUMBERS = 1_000


class MeterChoice(Struct, frozen=True):
    """All meters but for what is given. An area includes those below it; ``numbers``: these meters alone, none of them: all."""

    area_id: AreaId | None = None
    product_id: ProductId | None = None
    medium: Literal["gas", "water"] | None = None
    kind: KindFilter = "meter"
    place: Place | None = None
    customer_class: CustomerClass | None = None
    status: MeterStatus | None = None
    numbers: tuple[str, ...] = ()


class ChosenMeter(Struct, frozen=True):
    """One of them; ``dial`` 0: not known. Nothing of it is personal."""

    meter_id: MeterId
    number: str
    area_id: AreaId
    product_id: ProductId
    customer_id: CustomerId | None
    customer_class: CustomerClass
    medium: str
    driver: str
    dial: int


class ChosenMeters(Protocol):
    async def chosen(self, choice: MeterChoice, after: MeterId, limit: int, now_us: int) -> list[ChosenMeter]:
        """The next meters by id, those after ``after``."""

    async def unknown_numbers(self, numbers: tuple[str, ...]) -> list[str]:
        """Which of these numbers no meter of the tenant has."""

    async def customer_names(self, customer_ids: list[int]) -> dict[int, tuple[str, str]]:
        """(account, name) of customers."""

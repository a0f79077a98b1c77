# SPDX-License-Identifier: Apache-2.0
"""Which meters a question about very many is asked of, and what is known of each that their answers need.

The same choice serves every answer in bulk, so that what a person may see is decided in one place: within the tenant, by the registry.
"""

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

from msgspec import Struct, to_builtins

from openmains.app.fleet.model import KindFilter, MeterStatus
from openmains.app.fleet.ports import AreaStore, ProductStore
from openmains.app.fleet.tags import TagStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import AreaId, CustomerId, MeterId, ProductId, TagId, TenantId

Place = Literal["room", "shaft", "well", "cellar", "pit", "box", "outdoor"]
CustomerClass = Literal["ordinary", "protected", "critical", "none"]
"""Of the customer: ``critical`` before ``protected`` where it is both; ``none``: the meter has no customer."""
MOST_NUMBERS = 1_000
PAGE = 20_000


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
    tag_id: TagId | None = None


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


async def unknown_references(work: Work, choice: MeterChoice) -> list[str]:
    """Names of the fields that refer to what the tenant does not have (any more): their answer would be empty, and look like one."""
    names = []
    if choice.area_id is not None and await work[AreaStore].get(choice.area_id) is None:
        names.append("area_id")
    if choice.product_id is not None and await work[ProductStore].get(choice.product_id) is None:
        names.append("product_id")
    if choice.tag_id is not None and await work[TagStore].get(choice.tag_id) is None:
        names.append("tag_id")
    return names


async def chosen_pages(
    store: Store, tenant_id: TenantId, choice: MeterChoice, after: MeterId, now_us: int, size: int = PAGE
) -> AsyncGenerator[list[ChosenMeter], None]:
    """All meters of a choice by id, each page in a transaction of its own: a long answer holds none open."""
    while True:
        rows = await chosen_page(store, tenant_id, choice, after, now_us, size)
        if rows:
            yield rows
            after = rows[-1].meter_id
        if len(rows) < size:
            return


async def chosen_page(
    store: Store, tenant_id: TenantId, choice: MeterChoice, after: MeterId, now_us: int, size: int
) -> list[ChosenMeter]:
    """The next ``size`` of them; fewer: there are no more."""
    async with store.tenant(tenant_id) as work:
        return await work[ChosenMeters].chosen(choice, after, size, now_us)


async def check_choice(store: Store, tenant_id: TenantId, choice: MeterChoice) -> None:
    """Raises ``unknown-meters`` for numbers that no meter has, ``invalid-input`` for an area, product or tag that is not there: a list
    with a hole would be taken for whole."""
    if not choice.numbers and all(one is None for one in (choice.area_id, choice.product_id, choice.tag_id)):
        return
    async with store.tenant(tenant_id) as work:
        names = await unknown_references(work, choice)
        unknown = await work[ChosenMeters].unknown_numbers(choice.numbers) if choice.numbers else []
    if names:
        raise Problem("invalid-input", fields=tuple((f"/{name}", "unknown-reference") for name in names))
    if unknown:
        raise Problem(
            "unknown-meters",
            fields=(("/numbers", "not-accepted"),),
            count=len(unknown),
            numbers=", ".join(unknown[:10]),
        )


def told(choice: MeterChoice) -> dict[str, object]:
    """A choice as the trail keeps it: what was given; of many numbers how many."""
    said: dict[str, object] = {name: value for name, value in to_builtins(choice).items() if value}
    if len(choice.numbers) > 20:
        said["numbers"] = f"{len(choice.numbers)}"
    return said

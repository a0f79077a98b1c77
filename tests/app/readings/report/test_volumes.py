# SPDX-License-Identifier: Apache-2.0
"""Volumes of an area: products that count in other units are scaled before they are added, exactly."""

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from openmains.app.readings.report.answers import Reports
from openmains.app.readings.report.collection import Product
from openmains.app.readings.report.model import DayVolume
from openmains.domain.ids import ProductId, TenantId

DAY, NEXT = date(2026, 6, 29), date(2026, 6, 30)
PRODUCTS = {
    1: Product("w", "W", "M", "litres", 1800),
    2: Product("d", "D", "M", "tenths", 1800),
    3: Product("g", "G", "M", "litres", 1800, medium="gas"),
}


class Stores:
    """Days and names as these questions need them."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []

    async def products(self, tenant_id: TenantId) -> dict[int, Product]:
        assert tenant_id == 7
        return PRODUCTS

    async def volumes_below(
        self, tenant_id: TenantId, areas: Sequence[int], first_day: int, last_day: int, meters: Sequence[int] = ()
    ) -> list[tuple[date, ProductId, int, int]]:
        self.asked.append(areas)
        rows = [(DAY, 1, 1501, 3), (DAY, 2, 10**17 + 1, 2), (DAY, 3, 7, 1), (NEXT, 2, 0, 1)]
        return [(day, ProductId(product), total, meters) for day, product, total, meters in rows]


async def test_volumes_are_added_by_day_and_medium_in_cubic_metres() -> None:
    stores = Stores()
    reports = Reports(cast(Any, stores), cast(Any, stores), cast(Any, None))
    found = await reports.volumes(TenantId(7), [4, 5], 1, 2, {"litres": -3, "tenths": -4}.__getitem__)
    assert stores.asked == [[4, 5]]
    assert found == [
        DayVolume(DAY, "gas", 1, "0.007"),
        DayVolume(DAY, "water", 5, "10000000000001.5011"),
        DayVolume(NEXT, "water", 1, "0.0000"),
    ]

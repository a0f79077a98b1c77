# SPDX-License-Identifier: Apache-2.0
"""A product's driver changes only to one that reads what its meters kept as they kept it."""

from datetime import date
from typing import Any

from openmains.app.fleet.change_products import change_product
from openmains.app.fleet.driver_catalog import DriverIdentity
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.ports import ProductStore
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.ids import ProductId
from tests.support.doubles import Products, product
from tests.support.work import ACTOR, GivenStore, refused

DRIVERS = {
    "openmains/water-1": DriverIdentity("water", DeviceKind.METER),
    "coarse": DriverIdentity("water", DeviceKind.METER, -2),
    "gas": DriverIdentity("gas", DeviceKind.METER),
}


class Hung:
    async def has_hung(self, product_id: ProductId) -> bool:
        return product_id == 3


async def test_a_driver_of_another_unit_or_medium_is_refused_where_meters_hung() -> None:
    store = GivenStore({ProductStore: Products(product(3)), LifeStore: Hung()})

    def nothing(*_: Any) -> None: ...

    for driver, code in (("coarse", "other-unit"), ("gas", "other-medium"), ("none", "unknown-driver")):
        change = change_product(
            store, ACTOR, ProductId(3), {"driver": driver}, DRIVERS.get, nothing, date(2026, 9, 1)
        )  # fmt: skip
        assert (await refused(change, store)).fields == (("/driver", code),)

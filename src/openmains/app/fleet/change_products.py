# SPDX-License-Identifier: Apache-2.0
"""Add and change products. The medium is the driver's."""

from collections.abc import Callable, Mapping
from typing import Any

from openmains.app.fleet.model import NewProduct, Product
from openmains.app.fleet.ports import ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import ProductId

MediumOf = Callable[[str], str | None]  # driver name → 'gas' or 'water'; None: no such driver
Check = Callable[[str, Mapping[str, Any]], None]  # driver and settings; raises ``Problem`` where they do not fit


async def add_product(store: Store, actor: Actor, wanted: NewProduct, medium_of: MediumOf, check: Check) -> Product:
    """Raises ``invalid-input`` for an unknown driver, ``code-taken``."""
    medium = _medium(wanted.driver, medium_of)
    check(wanted.driver, wanted.settings)
    async with store.tenant(actor.tenant_id) as work:
        product = await work[ProductStore].add(wanted, medium)
        if product is None:
            raise Problem("code-taken", fields=(("/code", "not-accepted"),))
        await work[AuditTrail].record(actor, "add_product", "product", product.product_id, None, product)
    return product


async def change_product(
    store: Store, actor: Actor, product_id: ProductId, values: dict[str, Any], medium_of: MediumOf, check: Check
) -> Product:
    """Raises ``not-found``; ``invalid-input`` for a driver that is unknown or of the other medium."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ProductStore].get(product_id)
        if before is None:
            raise Problem("not-found")
        if not values:
            return before
        if "driver" in values and _medium(values["driver"], medium_of) != before.medium:
            raise Problem("invalid-input", fields=(("/driver", "other-medium"),))
        if "driver" in values or "settings" in values:
            check(values.get("driver", before.driver), values.get("settings", before.settings))
        after = await work[ProductStore].change(product_id, values)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "change_product", "product", product_id, before, after)
    return after


def _medium(driver: str, medium_of: MediumOf) -> str:
    medium = medium_of(driver)
    if medium is None:
        raise Problem("invalid-input", fields=(("/driver", "unknown-driver"),))
    return medium

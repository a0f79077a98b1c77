# SPDX-License-Identifier: Apache-2.0
"""Set the limits of quantities of a product or of one device (R3.7). The pipeline watches by them (``ingest/pipeline/limits.py``).

A set takes the place of the one before it, whole. What is watched no more has no open alarm: nothing would ever end it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from openmains.app.alarm.model import QuantityLimit
from openmains.app.alarm.ports import LimitStore
from openmains.app.fleet.ports import MeterStore, ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, ProductId
from openmains.drivers.points import vocabulary

PointsOf = Callable[[str], Collection[str]]  # driver → points that its messages can say


@dataclass(frozen=True, slots=True)
class LimitsOf:
    """Limits as they are in force: a product's, and those of a device that stand in place of them."""

    driver: str
    product: list[QuantityLimit]
    device: list[QuantityLimit]

    @property
    def in_force(self) -> list[QuantityLimit]:
        """What is watched."""
        own = {limit.quantity for limit in self.device}
        listed = [*(limit for limit in self.product if limit.quantity not in own), *self.device]
        return [limit for limit in listed if limit.low is not None or limit.high is not None]


async def limits_of_product(store: Store, actor: Actor, product_id: ProductId) -> LimitsOf:
    """Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        product = await work[ProductStore].get(product_id)
        if product is None:
            raise Problem("not-found")
        return LimitsOf(product.driver, await work[LimitStore].of_product(product_id), [])


async def limits_of_device(store: Store, actor: Actor, meter_id: MeterId) -> LimitsOf:
    """Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        meter = await work[MeterStore].get(meter_id)
        if meter is None:
            raise Problem("not-found")
        common = await work[LimitStore].of_product(meter.product_id)
        return LimitsOf(meter.driver, common, await work[LimitStore].of_device(meter_id))


async def set_product_limits(
    store: Store,
    actor: Actor,
    product_id: ProductId,
    wanted: Sequence[QuantityLimit],
    points_of: PointsOf,
    now_us: int,
    reason: str,
) -> LimitsOf:
    """In place of all that the product had.

    Raises ``not-found``, ``reason-needed``; ``invalid-input`` for a quantity that its messages do not say or bounds that cannot be.
    """
    async with store.tenant(actor.tenant_id) as work:
        product = await work[ProductStore].get(product_id)
        if product is None:
            raise Problem("not-found")
        _check(wanted, points_of(product.driver), may_be_off=False)
        reason = stated(reason)
        before = await work[LimitStore].of_product(product_id)
        await work[LimitStore].set_of_product(product_id, wanted, now_us)
        await work[AuditTrail].record(
            actor, "set_limits", "product", product_id, {"limits": before}, {"limits": list(wanted)}, reason=reason
        )
        return LimitsOf(product.driver, list(wanted), [])


async def set_device_limits(
    store: Store,
    actor: Actor,
    meter_id: MeterId,
    wanted: Sequence[QuantityLimit],
    points_of: PointsOf,
    now_us: int,
    reason: str,
) -> LimitsOf:
    """In place of all that the device had of its own; a quantity without bounds is not watched at it. Raises as
    ``set_product_limits``, and ``already-removed``."""
    async with store.tenant(actor.tenant_id) as work:
        meter = await work[MeterStore].get(meter_id)
        if meter is None:
            raise Problem("not-found")
        if meter.removed_on is not None:
            raise Problem("already-removed")
        _check(wanted, points_of(meter.driver), may_be_off=True)
        reason = stated(reason)
        before = await work[LimitStore].of_device(meter_id)
        await work[LimitStore].set_of_device(meter_id, wanted, now_us)
        await work[AuditTrail].record(
            actor, "set_limits", "meter", meter_id, {"limits": before}, {"limits": list(wanted)}, reason=reason
        )
        return LimitsOf(meter.driver, await work[LimitStore].of_product(meter.product_id), list(wanted))


def _check(wanted: Sequence[QuantityLimit], points: Collection[str], *, may_be_off: bool) -> None:
    """All faults at once, each with its place."""
    faults: list[tuple[str, str]] = []
    seen: set[str] = set()
    for place, limit in enumerate(wanted):
        at = f"/items/{place}"
        kept = vocabulary().quantities.get(limit.quantity)
        if kept is None or (limit.quantity not in points and limit.quantity != "balance_volume"):
            faults.append((f"{at}/quantity", "quantity-not-said"))
            continue
        if limit.quantity in seen:
            faults.append((f"{at}/quantity", "twice"))
        seen.add(limit.quantity)
        least, most = kept.bounds
        for side in ("low", "high"):
            bound = getattr(limit, side)
            if bound is not None and not least <= bound <= most:
                faults.append((f"{at}/{side}", "out-of-range"))
        if limit.low is None and limit.high is None and not may_be_off:
            faults.append((f"{at}/low", "bound-needed"))
        if limit.low is not None and limit.high is not None:
            if limit.low > limit.high:
                faults.append((f"{at}/high", "below-low"))
            elif limit.hysteresis * 2 > limit.high - limit.low:
                faults.append((f"{at}/hysteresis", "hysteresis-too-wide"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))

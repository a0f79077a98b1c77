# SPDX-License-Identifier: Apache-2.0
"""Add and change products. Medium and kind of device are the driver's; how often its meters report is said twice, and both must agree:
``report_s``, the period in seconds, and ``report_mode``, by which days are due."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from msgspec import structs

from openmains.app.fleet.driver_catalog import DriverIdentity
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.model import NewProduct, Product, ReportMode
from openmains.app.fleet.ports import ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import ProductId
from openmains.domain.readings.expected import PERIOD_S, Mode, mode_of_period

IdentityOf = Callable[[str], DriverIdentity | None]  # by driver name; None: no such driver
Check = Callable[
    [str, Mapping[str, Any], int], None
]  # driver, settings, Qmax; raises ``Problem`` where they do not fit


async def add_product(store: Store, actor: Actor, wanted: NewProduct, identity_of: IdentityOf, check: Check) -> Product:
    """Raises ``invalid-input`` for an unknown driver, ``code-taken``."""
    identity = _identity(wanted.driver, identity_of)
    check(wanted.driver, wanted.settings, wanted.qmax_l_h)
    period = _period(wanted.report_s, wanted.report_mode)
    wanted = structs.replace(wanted, report_s=period["report_s"], report_mode=period["report_mode"])
    async with store.tenant(actor.tenant_id) as work:
        product = await work[ProductStore].add(wanted, identity)
        if product is None:
            raise Problem("code-taken", fields=(("/code", "not-accepted"),))
        await work[AuditTrail].record(actor, "add_product", "product", product.product_id, None, product)
    return product


async def change_product(
    store: Store,
    actor: Actor,
    product_id: ProductId,
    values: dict[str, Any],
    identity_of: IdentityOf,
    check: Check,
    today: date,
) -> Product:
    """A mode that changes counts for the days from ``today`` on.

    Raises ``not-found``; ``invalid-input`` for a driver that is unknown, of the other medium, of another kind of device, or of another
    unit than registers of installations of its meters.
    """
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ProductStore].get(product_id)
        if before is None:
            raise Problem("not-found")
        if not values:
            return before
        if "driver" in values:
            identity = _identity(values["driver"], identity_of)
            if identity.medium != before.medium:
                raise Problem("invalid-input", fields=(("/driver", "other-medium"),))
            if identity.kind != before.kind:
                raise Problem("invalid-input", fields=(("/driver", "other-kind"),))
            old = identity_of(before.driver)
            is_other = old is not None and old.unit_exponent != identity.unit_exponent
            if is_other and await work[LifeStore].has_hung(product_id):
                raise Problem("invalid-input", fields=(("/driver", "other-unit"),))
        if {"driver", "settings", "qmax_l_h"} & set(values):
            check(
                values.get("driver", before.driver),
                values.get("settings", before.settings),
                values.get("qmax_l_h", before.qmax_l_h),
            )
        if values.keys() & {"report_s", "report_mode"}:
            report_s = values.get("report_s")
            if report_s is None and values["report_mode"] == before.report_mode:
                report_s = before.report_s  # dense meters stay dense
            values = values | _period(report_s, values.get("report_mode"))
        after = await work[ProductStore].change(product_id, values, today)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "change_product", "product", product_id, before, after)
    return after


def _period(report_s: int | None, mode: ReportMode | None) -> dict[str, Any]:
    """Both from what is given of them; nothing given: daily. Raises ``invalid-input`` where they say different things."""
    if report_s is None:
        report_s = PERIOD_S[Mode(mode or Mode.DAY)]
    said = mode_of_period(report_s)
    if mode is not None and mode != said:
        raise Problem("invalid-input", fields=(("/report_mode", "not-this-period"),))
    return {"report_s": report_s, "report_mode": said.value}


def _identity(driver: str, identity_of: IdentityOf) -> DriverIdentity:
    identity = identity_of(driver)
    if identity is None:
        raise Problem("invalid-input", fields=(("/driver", "unknown-driver"),))
    return identity

# SPDX-License-Identifier: Apache-2.0
"""Add, change and remove a meter. The copy beside the readings follows after the commit: at once where it can, else with the
next turn of ``sync_dims``. What was committed is answered as done, whatever becomes of the copy."""

import logging
from datetime import date
from typing import Any

from msgspec import structs

from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.model import Dimension, MeterDetail, NewMeter
from openmains.app.fleet.ports import AreaStore, Dimensions, MeterStore, ProductStore
from openmains.app.fleet.sync_dims import set_aside
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.fleet.installation import expectation_fault, installation_fault
from openmains.domain.ids import MeterId, ProductId

CUSTOMER_FLAGS = frozenset({"is_protected", "is_critical"})
_log = logging.getLogger(__name__)


async def add_meter(store: Store, dimensions: Dimensions, actor: Actor, wanted: NewMeter, today: date) -> MeterDetail:
    """``today``: of the utility; readings are expected from it on where nothing else is wanted.

    Raises ``invalid-input`` for a date no meter can have or a reference that is not the tenant's, ``number-taken``.
    """
    wanted = structs.replace(wanted, expected_from=wanted.expected_from or today)
    async with store.tenant(actor.tenant_id) as work:
        _check_dates({"installed_on": wanted.installed_on, "expected_from": wanted.expected_from}, today)
        await _check_references(
            work, {"product_id": wanted.product_id, "area_id": wanted.area_id, "customer_id": wanted.customer_id}
        )
        await _check_kind(work, wanted.product_id, None, has_customer=wanted.customer_id is not None)
        meter_id = await work[MeterStore].add(wanted)
        if meter_id is None:
            raise Problem(
                "number-taken",
                fields=(("/number", "not-accepted"), ("/imei", "not-accepted"), ("/dev_eui", "not-accepted")),
            )
        after, dimension = await _read(work, meter_id)
        await work[AuditTrail].record(actor, "add_meter", "meter", meter_id, None, after)
    await copy_beside(dimensions, dimension)
    return after


async def change_meter(
    store: Store,
    dimensions: Dimensions,
    actor: Actor,
    meter_id: MeterId,
    revision: int,
    values: dict[str, Any],
    today: date,
) -> MeterDetail:
    """``values`` may hold flags of the meter's customer too: of the new one where ``customer_id`` changes with them; and
    ``reason``, needed where a customer who was protected is no more: a command may then shut the valve.

    Raises ``not-found``, ``already-removed``, ``revision-stale``, ``invalid-input``, ``number-taken``, ``reason-needed``.
    """
    values = dict(values)
    reason = values.pop("reason", "")
    async with store.tenant(actor.tenant_id) as work:
        before = await _present(work, meter_id)
        if not values:
            if before.revision != revision:
                raise Problem("revision-stale")
            return before
        _check_dates(values, today)
        await _check_references(work, values)
        if values.keys() & {"product_id", "customer_id"}:
            has_customer = values.get("customer_id", before.customer_id) is not None
            await _check_kind(work, values.get("product_id", before.product_id), before.kind, has_customer=has_customer)
        if values.get("customer_id", before.customer_id) != before.customer_id and await work[LifeStore].account_where(
            meter_id
        ):
            raise Problem("invalid-input", fields=(("/customer_id", "held-by-account"),))
        product_id = values.get("product_id", before.product_id)
        if product_id != before.product_id and not await work[LifeStore].keeps_units(meter_id, product_id):
            raise Problem("invalid-input", fields=(("/product_id", "other-unit"),))
        flags = {name: value for name, value in values.items() if name in CUSTOMER_FLAGS}
        values = {name: value for name, value in values.items() if name not in CUSTOMER_FLAGS}
        if values.get("imei") is not None:
            values = values | {"imei": int(values["imei"])}
        if values.get("dev_eui") is not None:
            values = values | {"dev_eui": values["dev_eui"].lower()}
        if flags:  # before the meter is read again; a stale revision takes it back with the transaction
            customer_id = values.get("customer_id", before.customer_id)
            if customer_id is None:
                raise Problem("invalid-input", fields=tuple((f"/{name}", "without-customer") for name in flags))
            bared = before.customer is not None and before.customer.is_protected and flags.get("is_protected") is False
            if bared and customer_id == before.customer_id:
                reason = stated(reason)
            await work[MeterStore].set_customer_flags(customer_id, flags)
        after, dimension = await _write(work, meter_id, revision, values)
        await work[AuditTrail].record(actor, "change_meter", "meter", meter_id, before, after, reason=reason)
    await copy_beside(dimensions, dimension)
    return after


async def remove_meter(
    store: Store,
    dimensions: Dimensions,
    actor: Actor,
    meter_id: MeterId,
    revision: int,
    on: date,
    today: date,
    reason: str,
) -> MeterDetail:
    """Take a meter out of use on a date; its readings stay, its IMEI and DevEUI become free. Raises as ``change_meter``; there is
    no way back but to register it anew, so a reason is needed."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _present(work, meter_id)
        if on < before.installed_on:
            raise Problem("invalid-input", fields=(("/date", "before-installation"),))
        if on > today:
            raise Problem("invalid-input", fields=(("/date", "in-the-future"),))
        reason = stated(reason)
        after, dimension = await _write(work, meter_id, revision, {"removed_on": on, "imei": None, "dev_eui": None})
        await work[AuditTrail].record(actor, "remove_meter", "meter", meter_id, before, after, reason=reason)
    await copy_beside(dimensions, dimension)
    return after


async def _present(work: Work, meter_id: MeterId) -> MeterDetail:
    found = await work[MeterStore].get(meter_id)
    if found is None:
        raise Problem("not-found")
    if found.removed_on is not None:
        raise Problem("already-removed")
    return found


async def _write(
    work: Work, meter_id: MeterId, revision: int, values: dict[str, Any]
) -> tuple[MeterDetail, Dimension | None]:
    done = await work[MeterStore].change(meter_id, revision, values)
    if done is None:
        raise Problem("number-taken", fields=(("/imei", "not-accepted"), ("/dev_eui", "not-accepted")))
    if not done:
        raise Problem("revision-stale")
    return await _read(work, meter_id)


async def _read(work: Work, meter_id: MeterId) -> tuple[MeterDetail, Dimension | None]:
    found = await work[MeterStore].get(meter_id)
    assert found is not None  # noqa: S101 written in this transaction
    return found, await work[MeterStore].dimension(meter_id)


async def copy_beside(dimensions: Dimensions, row: Dimension | None) -> None:
    """Into the other store, now where it can; after the commit."""
    if row is None or set_aside(row) is not None:
        return  # a monitor; or sync_dims says it
    try:
        await dimensions.put([row])
    except Exception as error:  # whatever the other store raises: the registry has it, and the copy follows it
        _log.warning(
            "meter %d: the copy beside the readings follows later: %s: %s", row.meter_id, type(error).__name__, error
        )


def _check_dates(values: dict[str, Any], today: date) -> None:
    """The one rule of ``domain/fleet/installation.py``, which a file's rows are held to as well."""
    judged = {"installed_on": installation_fault, "expected_from": expectation_fault}
    faults = [
        (f"/{name}", fault)
        for name, fault_of in judged.items()
        if name in values and (fault := fault_of(values[name], today))
    ]
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))


async def _check_kind(
    work: Work, product_id: ProductId | int, before: DeviceKind | None, *, has_customer: bool
) -> None:
    """A meter stays a meter and a monitor a monitor: readings, alarms and counts of the one are not the other's. Nobody is
    billed for a monitor."""
    product = await work[ProductStore].get(ProductId(product_id))
    assert product is not None  # noqa: S101 looked up before
    if before is not None and product.kind != before:
        raise Problem("invalid-input", fields=(("/product_id", "other-kind"),))
    if product.kind != DeviceKind.METER and has_customer:
        raise Problem("invalid-input", fields=(("/customer_id", "monitor-without-customer"),))


async def _check_references(work: Work, values: dict[str, Any]) -> None:
    """Foreign keys do not see tenants, so that each reference is looked up as the tenant."""
    faults = []
    if values.get("product_id") is not None and await work[ProductStore].get(values["product_id"]) is None:
        faults.append(("/product_id", "unknown-reference"))
    if values.get("area_id") is not None and await work[AreaStore].get(values["area_id"]) is None:
        faults.append(("/area_id", "unknown-reference"))
    if values.get("customer_id") is not None and not await work[MeterStore].customer_exists(values["customer_id"]):
        faults.append(("/customer_id", "unknown-reference"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))

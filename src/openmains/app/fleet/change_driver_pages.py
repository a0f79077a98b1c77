# SPDX-License-Identifier: Apache-2.0
"""Add a driver page to the running system, go back to an earlier text of it, take it away.

A page is taken only where it reads its own vectors as they say; what is broken is refused with its line. Once products are read by a page, its
medium, kind and unit of volume are fixed: stored volumes count in it. Every process takes up what holds within seconds.
"""

from openmains.app.fleet.driver_pages import (
    CheckedDriverPage,
    DriverPageChoice,
    DriverPageStore,
    GivenDriverPage,
    PageChecks,
    UtilityDriverPage,
)
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work


async def add_page(
    store: Store, checks: PageChecks, actor: Actor, given: GivenDriverPage, now_us: int
) -> UtilityDriverPage:
    """Take a text as the newest version, and let it hold. Raises ``reason-needed``, ``driver-page-broken``, ``driver-page-taken``,
    ``driver-page-differs``."""
    why = stated(given.reason)
    checked = checks.check_page(given.text)
    if checks.is_packaged(checked.name):
        raise Problem("driver-page-taken", name=checked.name)
    async with store.tenant(actor.tenant_id) as work:
        pages = work[DriverPageStore]
        if not await pages.claim(checked.name):
            raise Problem("driver-page-taken", name=checked.name)
        before = await pages.pages(checked.name)
        _alike(before, checked)
        version = await pages.add(checked, given.text, now_us, actor.login, why)
        await pages.activate(checked.name, version)
        (after,) = await pages.pages(checked.name)
        told = {"version": version, "grade": checked.grade, "vectors": checked.vectors}
        was = {"version": before[0].version} if before else None
        await work[AuditTrail].record(actor, "add_driver_page", "driver_page", checked.name, was, told, reason=why)
    return after


async def choose_version(
    store: Store, checks: PageChecks, actor: Actor, name: str, choice: DriverPageChoice
) -> UtilityDriverPage:
    """An earlier or later text holds. It is held to its vectors again: this release may read pages more strictly. Raises ``not-found``,
    ``reason-needed``, ``driver-page-broken``."""
    why = stated(choice.reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await _held(work, name)
        text = await work[DriverPageStore].text(name, choice.version)
        if text is None:
            raise Problem("not-found")
        _alike([before], checks.check_page(text))
        await work[DriverPageStore].activate(name, choice.version)
        (after,) = await work[DriverPageStore].pages(name)
        await work[AuditTrail].record(
            actor, "choose_driver_page", "driver_page", name, {"version": before.version}, {"version": choice.version}, reason=why
        )  # fmt: skip
    return after


async def take_away(store: Store, actor: Actor, name: str, reason: str) -> None:
    """No product is read by it any more; its texts stay. Raises ``not-found``, ``reason-needed``, ``driver-page-in-use``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await _held(work, name)
        if before.products:
            raise Problem("driver-page-in-use", name=name, count=before.products)
        await work[DriverPageStore].activate(name, None)
        await work[AuditTrail].record(
            actor, "take_driver_page_away", "driver_page", name, {"version": before.version}, None, reason=why
        )


async def _held(work: Work, name: str) -> UtilityDriverPage:
    if not await work[DriverPageStore].hold(name):
        raise Problem("not-found")
    (found,) = await work[DriverPageStore].pages(name)
    return found


def _alike(before: list[UtilityDriverPage], page: CheckedDriverPage) -> None:
    for known in before:
        for what in ("medium", "kind", "unit_exponent"):
            was, now = getattr(known, what), getattr(page, what)
            if was != now:
                raise Problem("driver-page-differs", name=page.name, what=what, was=str(was), now=str(now))

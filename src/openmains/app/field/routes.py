# SPDX-License-Identifier: Apache-2.0
"""Reading routes (抄表册): whose meters in which order; and the kit that a phone takes along for a day."""

from collections.abc import Sequence

from msgspec import UNSET

from openmains.app.field.model import (
    MOST_METERS,
    CheckQuestion,
    IssuedMeter,
    Kit,
    NewRoute,
    ReadingRoute,
    RouteChange,
    RouteDetail,
    RouteMeter,
)
from openmains.app.field.ports import RouteStore, StoredRouteMeter
from openmains.app.fleet.wording import Wording
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.field.checklist import ITEMS
from openmains.domain.field.plausible import plausible
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import MeterId, RouteId, UserId
from openmains.domain.period import utc, utc_of_us
from openmains.domain.quantity import LITRE_EXPONENT, rescale

MOST_ISSUED = 1_000
MOST_OWN_ROUTES = 50


async def add_route(store: Store, actor: Actor, wanted: NewRoute) -> ReadingRoute:
    """:raises Problem: ``route-name-taken``, ``in-another-route``, ``invalid-input`` with the number's place."""
    async with store.tenant(actor.tenant_id) as work:
        await _check_reader(work, wanted.reader_id)
        route_id = await work[RouteStore].add(wanted.name.strip(), wanted.reader_id)
        if route_id is None:
            raise Problem("route-name-taken", name=wanted.name.strip())
        await _set_meters(work, route_id, wanted.numbers, take=False)
        made = await _route(work, route_id)
        await work[AuditTrail].record(actor, "add_route", "reading_route", route_id, None, made)
        return made


async def change_route(
    store: Store, actor: Actor, route_id: RouteId, revision: int, wanted: RouteChange
) -> ReadingRoute:
    """:raises Problem: ``not-found``, ``revision-stale``, and as ``add_route``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _route(work, route_id)
        reader = None if wanted.reader_id is UNSET else (wanted.reader_id,)
        if reader is not None:
            await _check_reader(work, reader[0])
        name = None if wanted.name is UNSET else wanted.name.strip()
        if not await work[RouteStore].change(route_id, revision, name, reader):
            raise Problem("revision-stale")
        if wanted.numbers is not UNSET:
            await _set_meters(work, route_id, wanted.numbers, take=wanted.take)
        after = await _route(work, route_id)
        await work[AuditTrail].record(actor, "change_route", "reading_route", route_id, before, after)
        return after


async def remove_route(store: Store, actor: Actor, route_id: RouteId, reason: str) -> None:
    """The route goes, its meters and their readings stay. Raises ``not-found``, ``reason-needed``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await _route(work, route_id)
        await work[RouteStore].remove(route_id)
        await work[AuditTrail].record(actor, "remove_route", "reading_route", route_id, before, None, reason=why)


async def route_detail(store: Store, actor: Actor, route_id: RouteId, wording: Wording, now_s: int) -> RouteDetail:
    """A route with its meters and their ranges now. Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        return await _detail(work, await _route(work, route_id), wording, now_s)


async def kit(store: Store, actor: Actor, wording: Wording, now_us: int) -> Kit:
    """What the person's phone takes along. Written into the trail: it leaves the house."""
    now_s = now_us // 1_000_000
    async with store.tenant(actor.tenant_id) as work:
        own = await work[RouteStore].all(MOST_OWN_ROUTES, 0, actor.user_id)
        routes = [await _detail(work, route, wording, now_s) for route in own]
        issued = [
            IssuedMeter(
                one.meter_id, one.number, one.bar_code, None if one.imei is None else imei_text(one.imei), one.medium,
                one.product, decimals_of(wording.exponent(one.driver)), one.person,
            )
            for one in await work[RouteStore].issued(MOST_ISSUED)
        ]  # fmt: skip
        told = {"routes": [route.route.name for route in routes], "meters": sum(len(route.meters) for route in routes)}
        await work[AuditTrail].record(actor, "take_kit", "user", actor.user_id, None, told)
    questions = [
        CheckQuestion(item.name, item.rule, item.limit, item.unit, list(item.media), item.zh, item.en) for item in ITEMS
    ]
    return Kit(utc_of_us(now_us), routes, issued, questions)


def decimals_of(exponent: int) -> int:
    """That a meter which counts 10^``exponent`` m3 shows."""
    return max(0, -exponent)


async def _detail(work: Work, route: ReadingRoute, wording: Wording, now_s: int) -> RouteDetail:
    return RouteDetail(
        route, [_line(meter, wording, now_s) for meter in await work[RouteStore].meters_on(route.route_id)]
    )


def _line(meter: StoredRouteMeter, wording: Wording, now_s: int) -> RouteMeter:
    exponent = wording.exponent(meter.driver)
    qmax = rescale(meter.qmax_l_h, LITRE_EXPONENT, exponent)
    within = plausible(meter.last, meter.before, now_s, qmax=qmax, dial=meter.dial, slack=10 ** decimals_of(exponent))

    def m3(count: int | None) -> str | None:
        return None if count is None else wording.m3(count, meter.driver)

    last = meter.last
    return RouteMeter(
        meter.meter_id, meter.number, meter.bar_code, meter.medium, meter.address, decimals_of(exponent),
        m3(None if last is None else last.register), None if last is None else utc(last.at),
        m3(None if within is None else within.low), m3(None if within is None else within.high),
    )  # fmt: skip


async def _route(work: Work, route_id: RouteId) -> ReadingRoute:
    found = await work[RouteStore].get(route_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _check_reader(work: Work, reader_id: UserId | None) -> None:
    if reader_id is not None and not await work[RouteStore].knows_person(reader_id):
        raise Problem("invalid-input", fields=(("/reader_id", "unknown-reference"),))


async def _set_meters(work: Work, route_id: RouteId, numbers: Sequence[str], *, take: bool) -> None:
    """All or none, each fault with its place in the list."""
    assert len(numbers) <= MOST_METERS  # noqa: S101 the request's own bound
    found = await work[RouteStore].meters_of(numbers)
    faults: list[tuple[str, str]] = []
    ids: dict[MeterId, int] = {}
    elsewhere: list[str] = []
    for place, number in enumerate(numbers):
        known = found.get(number)
        if known is None:
            faults.append((f"/numbers/{place}", "no-such-meter"))
            continue
        meter_id, is_meter, of_route = known
        if not is_meter:
            faults.append((f"/numbers/{place}", "not-accepted"))
        elif meter_id in ids:
            faults.append((f"/numbers/{place}", "twice"))
        elif of_route not in (None, route_id):
            elsewhere.append(number)
        ids[meter_id] = place
    if faults:
        raise Problem("invalid-input", fields=tuple(faults[:100]))
    if elsewhere and not take:
        raise Problem("in-another-route", number=elsewhere[0], count=len(elsewhere))
    await work[RouteStore].set_meters(route_id, list(ids))

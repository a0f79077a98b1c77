# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of other systems: add, change, remove, replay from a time, send dead letters again (R14.7)."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.notice.brokers import is_broker, target_fault
from openmains.app.notice.ports import RotaStore
from openmains.app.notice.sealing import Sealer, subscription_purpose
from openmains.app.notice.subscription_model import Subscription, SubscriptionSettings, SubscriptionStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.notice.pace import EVENTS_DAYS
from openmains.domain.period import DAY_S, utc_of_us


async def add_subscription(
    store: Store, actor: Actor, sealer: Sealer, wanted: SubscriptionSettings, reason: str, now_us: int
) -> Subscription:
    """It gets what happens from now on. Raises ``invalid-input``, ``notice-name-taken``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        await _check(work, wanted)
        why = stated(reason)
        subscription_id = await work[SubscriptionStore].add(wanted, now_us)
        if subscription_id is None:
            raise Problem("notice-name-taken", name=wanted.name)
        await _seal(work, actor, sealer, subscription_id, wanted)
        made = await _got(work, subscription_id)
        await work[AuditTrail].record(
            actor, "add_subscription", "subscription", subscription_id, None, made, reason=why
        )
    return made


async def change_subscription(
    store: Store,
    actor: Actor,
    sealer: Sealer,
    subscription_id: int,
    wanted: SubscriptionSettings,
    reason: str,
    now_us: int,
) -> Subscription:
    """Its place stays; it is tried at once. Raises as ``add_subscription``, and ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _got(work, subscription_id)
        await _check(work, wanted, before)
        why = stated(reason)
        if await work[SubscriptionStore].is_taken(wanted.name, subscription_id):
            raise Problem("notice-name-taken", name=wanted.name)
        await work[SubscriptionStore].change(subscription_id, wanted, now_us)
        await _seal(work, actor, sealer, subscription_id, wanted)
        after = await _got(work, subscription_id)
        await work[AuditTrail].record(
            actor, "change_subscription", "subscription", subscription_id, before, after, reason=why
        )
    return after


async def remove_subscription(store: Store, actor: Actor, subscription_id: int, reason: str, now_us: int) -> None:
    """Raises ``not-found``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _got(work, subscription_id)
        why = stated(reason)
        await work[SubscriptionStore].remove(subscription_id, now_us)
        await work[AuditTrail].record(
            actor, "remove_subscription", "subscription", subscription_id, before, None, reason=why
        )


async def replay(
    store: Store, actor: Actor, subscription_id: int, since: datetime, reason: str, now_us: int
) -> Subscription:
    """Everything from that instant comes again, in order, with the ids it had. Readings are asked for by their own cursor and are not
    replayed. Raises ``not-found``, ``invalid-input``, ``replay-too-far`` with the oldest instant that is kept, ``reason-needed``."""
    if since.tzinfo is None or not 1970 <= since.year <= 2100:
        raise Problem("invalid-input", fields=(("/since", "wrong-format"),))
    from_us = int(since.timestamp() * 1_000_000)
    if from_us > now_us:
        raise Problem("invalid-input", fields=(("/since", "in-the-future"),))
    async with store.tenant(actor.tenant_id) as work:
        before = await _got(work, subscription_id)
        why = stated(reason)
        oldest = await work[SubscriptionStore].oldest_us()
        kept_us = now_us - EVENTS_DAYS * DAY_S * 1_000_000
        if from_us < kept_us and (oldest is None or from_us < oldest):
            raise Problem("replay-too-far", oldest=utc_of_us(oldest or kept_us).isoformat(timespec="seconds"))
        await work[SubscriptionStore].replay(subscription_id, from_us, now_us)
        after = await _got(work, subscription_id)
        told = {"since": since.isoformat(), "waiting": after.waiting}
        await work[AuditTrail].record(
            actor, "replay_subscription", "subscription", subscription_id, {"waiting": before.waiting}, told, reason=why
        )
    return after


async def send_dead_again(
    store: Store, actor: Actor, subscription_id: int, dead_ids: Sequence[int], reason: str
) -> int:
    """Before what stands next; how many. Raises ``not-found``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        await _got(work, subscription_id)
        why = stated(reason)
        count = await work[SubscriptionStore].send_again(subscription_id, dead_ids)
        await work[SubscriptionStore].try_now(subscription_id)
        await work[AuditTrail].record(
            actor, "push_dead_again", "subscription", subscription_id, None, {"count": count}, reason=why
        )
    return count


async def _got(work: Work, subscription_id: int) -> Subscription:
    found = await work[SubscriptionStore].get(subscription_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _check(work: Work, wanted: SubscriptionSettings, before: Subscription | None = None) -> None:
    faults = []
    code = target_fault(wanted.url)
    if code is not None:
        faults.append(("/url", code))
    elif before is not None and before.is_signed and wanted.secret is None and _leads_elsewhere(before.url, wanted.url):
        faults.append(("/secret", "required"))  # a password is never sent to another broker than it was given for
    if wanted.login and (not is_broker(wanted.url) or not wanted.login.isprintable()):
        faults.append(("/login", "not-accepted" if not is_broker(wanted.url) else "wrong-format"))
    if wanted.secret and is_broker(wanted.url) and not wanted.login:
        faults.append(("/login", "required"))
    if len(set(wanted.kinds)) < len(wanted.kinds):
        faults.append(("/kinds", "twice"))
    if wanted.area_id is not None and await work[RotaStore].area_path(wanted.area_id) is None:
        faults.append(("/area_id", "unknown-reference"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))


def _leads_elsewhere(before: str, after: str) -> bool:
    """To another server, where either is a broker: what signs there is a password here."""
    old, new = urlsplit(before), urlsplit(after)
    return (is_broker(before) or is_broker(after)) and (old.scheme, old.netloc) != (new.scheme, new.netloc)


async def _seal(work: Work, actor: Actor, sealer: Sealer, subscription_id: int, wanted: SubscriptionSettings) -> None:
    if wanted.secret is None:
        return
    purpose = subscription_purpose(subscription_id)
    sealed = await sealer.seal(actor.tenant_id, purpose, {"secret": wanted.secret}) if wanted.secret else None
    await work[SubscriptionStore].put_secret(subscription_id, sealed)

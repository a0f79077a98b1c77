# SPDX-License-Identifier: Apache-2.0
"""Browsers in which a person takes notices (R7.3, ADR 0067): subscribed and taken off by oneself, and sent to by the notice loop.

Where a browser is reached is a secret of that person: who knows it can write to it. It is sealed when it comes in and opened for one call.
It ends with the person's word, with the push service's (RFC 8030 7.3: 404, 410), with the channel and with the person's being disabled
(a trigger, ``0130_web_push.sql``). A notice that one of a person's browsers took has arrived: it is not said a second time.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.notice.channel_fields import url_fault
from openmains.app.notice.model import PushBrowser, PushBrowsers
from openmains.app.notice.ports import ChannelAccount, NoticeWork, PushAddressCheck, PushBrowserStore, SealedBrowser
from openmains.app.notice.sealing import KeyUnreadableError, Sealer, browser_purpose
from openmains.app.notice.shapes.talk import Accepted, Outcome, Refused
from openmains.app.notice.vapid import AUTH_BYTES, browser_key, from_b64url
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import UserId

MOST_BROWSERS = 10
GONE = frozenset({404, 410})
ENDPOINT, KEY, SECRET = "endpoint", "p256dh", "auth"
_Fault = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BrowserDraft:
    """What a browser says of its subscription (Push API ``PushSubscription``). ``label``: by which the person knows it again."""

    endpoint: str
    p256dh: str
    auth: str
    label: str


async def own_browsers(store: Store, actor: Actor) -> PushBrowsers:
    """Those of the person who asks."""
    async with store.tenant(actor.tenant_id) as work:
        offered = await work[PushBrowserStore].channel()
        return PushBrowsers(None if offered is None else offered[1], await work[PushBrowserStore].all(actor.user_id))


async def add_browser(
    store: Store, actor: Actor, sealer: Sealer, check: PushAddressCheck, draft: BrowserDraft, now_us: int
) -> PushBrowser:
    """Raises ``invalid-input``, ``no-web-push``, ``push-address-refused``, ``too-many-browsers``."""
    faults = draft_faults(draft)
    if faults:
        raise Problem("invalid-input", fields=faults)
    refused = await check(draft.endpoint)
    if refused is not None:
        raise Problem("push-address-refused", reason=refused)
    fingerprint = hashlib.sha256(draft.endpoint.encode()).digest()
    async with store.tenant(actor.tenant_id) as work:
        browsers = work[PushBrowserStore]
        offered = await browsers.channel()
        if offered is None:
            raise Problem("no-web-push")
        others = [one for one in await browsers.all(actor.user_id) if one.fingerprint != fingerprint.hex()]
        if len(others) >= MOST_BROWSERS:
            raise Problem("too-many-browsers", most=MOST_BROWSERS)
        browser_id = await browsers.add(actor.user_id, offered[0], fingerprint, draft.label, now_us)
        secrets = {ENDPOINT: draft.endpoint, KEY: draft.p256dh, SECRET: draft.auth}
        await browsers.seal(browser_id, await sealer.seal(actor.tenant_id, browser_purpose(browser_id), secrets))
        made = next(one for one in await browsers.all(actor.user_id) if one.browser_id == browser_id)
        await work[AuditTrail].record(actor, "add_push_browser", "push_browser", browser_id, None, made)
    return made


async def remove_browser(store: Store, actor: Actor, browser_id: int) -> None:
    """One of one's own. Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        browsers = work[PushBrowserStore]
        before = next((one for one in await browsers.all(actor.user_id) if one.browser_id == browser_id), None)
        if before is None:
            raise Problem("not-found")
        await browsers.remove(actor.user_id, browser_id)
        await work[AuditTrail].record(actor, "remove_push_browser", "push_browser", browser_id, before, None)


def draft_faults(draft: BrowserDraft) -> tuple[_Fault, ...]:
    """What is wrong with a subscription, all at once."""
    found: list[_Fault] = []
    fault = url_fault(draft.endpoint)
    if fault is not None:
        found.append((f"/{ENDPOINT}", fault))
    try:
        browser_key(draft.p256dh)
    except ValueError:
        found.append((f"/{KEY}", "wrong-format"))
    try:
        if len(from_b64url(draft.auth)) != AUTH_BYTES:
            raise ValueError
    except ValueError:
        found.append((f"/{SECRET}", "wrong-format"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class BrowserPost:
    """Sends a notice to a person's browsers. ``send``: to one, by the secrets of channel and browser."""

    work: NoticeWork
    sealer: Sealer
    now_us: Callable[[], int]

    async def tell(
        self,
        account: ChannelAccount,
        user_id: UserId | None,
        secrets: Mapping[str, str],
        send: Callable[[Mapping[str, str]], Awaitable[Outcome]],
    ) -> Outcome:
        """Accepted when one of them took it; those that are gone are forgotten."""
        browsers = [] if user_id is None else await self.work.browsers(account.channel_id, user_id)
        if not browsers:
            return Refused("no-contact", is_final=True)
        told = await asyncio.gather(*(self._to_one(account, one, secrets, send) for one in browsers))
        return joined(told)

    async def _to_one(
        self,
        account: ChannelAccount,
        browser: SealedBrowser,
        secrets: Mapping[str, str],
        send: Callable[[Mapping[str, str]], Awaitable[Outcome]],
    ) -> Outcome:
        outcome: Outcome
        try:
            own = await self.sealer.open(account.tenant_id, browser_purpose(browser.browser_id), browser.sealed)
        except KeyUnreadableError:
            outcome = Refused("secret-unreadable", is_final=True)
        else:
            outcome = await send({**secrets, **own})
        if isinstance(outcome, Refused) and outcome.status in GONE:
            await self.work.forget_browser(browser.browser_id)
            return Refused("browser-gone", is_final=True, status=outcome.status)
        is_accepted = isinstance(outcome, Accepted)
        reason = "" if isinstance(outcome, Accepted) else outcome.reason
        await self.work.note_browser(browser.browser_id, self.now_us(), is_accepted=is_accepted, reason=reason)
        return outcome


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Of several browsers of one person: the best of them; of those to try again the longest wait that was asked for."""
    refused = [one for one in outcomes if isinstance(one, Refused)]
    taken = next((one for one in outcomes if isinstance(one, Accepted)), None)
    if taken is not None:
        return taken
    again = [one for one in refused if not one.is_final]
    if not again:
        return next((one for one in refused if one.reason != "browser-gone"), refused[0])
    waits = [one.wait_s for one in again if one.wait_s is not None]
    return Refused(again[0].reason, wait_s=max(waits, default=None), status=again[0].status)

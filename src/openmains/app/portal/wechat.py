# SPDX-License-Identifier: Apache-2.0
"""Customers in WeChat (ADR 0066): who proved the phone by a code may bind their WeChat to it, signs in by WeChat's own code from then on,
and pays in WeChat. WeChat says who holds the phone and never whose customer that is: a binding leads to a number, and whose number it
is is asked at each request, as for every session (ADR 0059).

An openid is good for its application alone (``wechat_channel.py``).
"""

from collections.abc import Callable
from dataclasses import dataclass

from openmains.app.identity.hashing import new_secret
from openmains.app.identity.ports import AuditTrail
from openmains.app.party.personal import PersonalVault
from openmains.app.payment.channel_settings import ChannelContext, purpose
from openmains.app.payment.channels.port import Declined, Unclear
from openmains.app.payment.channels.wechat_sign_in import SECRET, openid_of
from openmains.app.payment.order_model import PayChannel
from openmains.app.payment.order_ports import PaymentChannelStore
from openmains.app.portal.model import CustomerSession, Visitor, WechatSignIn
from openmains.app.portal.ports import PortalLookups, PortalStore
from openmains.app.portal.sign_in import SESSION, SESSION_PREFIX, session_of, utility_of
from openmains.app.portal.wechat_channel import wechat_channel, wechat_offered
from openmains.app.problems import Problem
from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us


@dataclass(frozen=True, slots=True)
class WechatContext:
    """What is needed: the stores, who seals, and who calls WeChat. ``now_us``: our clock."""

    store: Store
    lookups: PortalLookups
    vault: PersonalVault
    channels: ChannelContext
    now_us: Callable[[], int]


async def offered(context: WechatContext, tenant_code: str | None) -> WechatSignIn:
    """Where to be sent for a code. Raises ``wechat-off``, and as ``utility_of``."""
    utility = await utility_of(context.lookups, tenant_code)
    async with context.store.tenant(utility.tenant_id) as work:
        found = await wechat_offered(work)
    if found is None:
        raise Problem("wechat-off")
    return found


async def enter(
    context: WechatContext, tenant_code: str | None, code: str, *, address: str, request_id: str
) -> tuple[CustomerSession, str]:
    """The session and its secret.

    :raises Problem: ``wechat-off``, ``wechat-code-refused``, ``wechat-unclear``; ``wechat-not-bound`` where nobody proved a phone with this
        WeChat, or the phone is no customer's any more.
    """
    utility = await utility_of(context.lookups, tenant_code)
    _, open_blind, _ = await _known(context, utility.tenant_id, code)
    async with context.store.tenant(utility.tenant_id) as work:
        portal = work[PortalStore]
        blind = await portal.wechat_phone(open_blind)
        found = [] if blind is None else await portal.customers(blind)
        if blind is None or not found:
            raise Problem("wechat-not-bound")
        secret, session_hash = new_secret(SESSION_PREFIX)
        expires_at = utc_of_us(context.now_us()) + SESSION
        ids, names = tuple(one for one, _ in found), tuple(name for _, name in found)
        visitor = Visitor(utility.tenant_id, utility.zone, expires_at, ids, names, session_hash, address, request_id)
        await portal.add_session(session_hash, blind, expires_at, address)
        await portal.in_wechat(session_hash, open_blind)
        await work[AuditTrail].record(visitor.actor(), "sign_in", "customer", ids[0], None, {"channel": "wechat"})
        session = await session_of(work, visitor)
    return session, secret


async def bind(context: WechatContext, visitor: Visitor, code: str) -> CustomerSession:
    """The phone that signed in, proved by a code, is this WeChat's from now on; what it was bound to before it is no more.

    :raises Problem: ``wechat-off``, ``wechat-code-refused``, ``wechat-unclear``, ``customer-sign-in-needed``.
    """
    channel, open_blind, openid = await _known(context, visitor.tenant_id, code)
    sealed = await context.channels.sealer.seal(visitor.tenant_id, _purpose(open_blind), {"openid": openid})
    async with context.store.tenant(visitor.tenant_id) as work:
        portal = work[PortalStore]
        if not await portal.bind_wechat(
            visitor.session_hash, open_blind, channel.settings["application"], sealed, context.now_us()
        ):
            raise Problem("customer-sign-in-needed")  # it ended meanwhile
        await work[AuditTrail].record(
            visitor.actor(), "bind_wechat", "customer", visitor.customer_ids[0], None, {"application": channel.settings["application"]}
        )  # fmt: skip
        return await session_of(work, visitor)


async def unbind(store: Store, visitor: Visitor) -> None:
    """No WeChat is this phone's any more; sessions stay until they are over. Raises ``wechat-not-bound``."""
    async with store.tenant(visitor.tenant_id) as work:
        if not await work[PortalStore].unbind_wechat(visitor.session_hash):
            raise Problem("wechat-not-bound")
        await work[AuditTrail].record(visitor.actor(), "unbind_wechat", "customer", visitor.customer_ids[0], None, None)


async def payer_of(store: Store, channels: ChannelContext, visitor: Visitor, channel_id: int) -> str:
    """The openid of the WeChat in which the session is, as an order at the channel must name it.

    :raises Problem: ``wechat-not-bound`` also where the channel's application is another one; ``not-found``; ``secrets-unreadable``.
    """
    async with store.tenant(visitor.tenant_id) as work:
        channel = await work[PaymentChannelStore].get(channel_id)
        bound = await work[PortalStore].wechat_of(visitor.session_hash)
    if channel is None:
        raise Problem("not-found")
    if channel.provider != "wechat":
        raise Problem("invalid-input", fields=(("/in_wechat", "not-accepted"),))
    if bound is None or bound.application != channel.settings.get("application"):
        raise Problem("wechat-not-bound")
    try:
        return (await channels.sealer.open(visitor.tenant_id, _purpose(bound.open_blind), bound.sealed))["openid"]
    except KeyUnreadableError:
        raise Problem("secrets-unreadable") from None


async def _known(context: WechatContext, tenant_id: TenantId, code: str) -> tuple[PayChannel, bytes, str]:
    """The channel, the openid's keyed hash, and the openid; nothing is held over the call."""
    async with context.store.tenant(tenant_id) as work:
        channel = await wechat_channel(work)
        if channel is None:
            raise Problem("wechat-off")
        sealed = await work[PaymentChannelStore].sealed(channel.channel_id)
    try:
        kept = (
            {} if sealed is None else await context.channels.sealer.open(tenant_id, purpose(channel.channel_id), sealed)
        )
        app_secret = kept[SECRET]
    except (KeyUnreadableError, KeyError):
        raise Problem("secrets-unreadable") from None
    told = await openid_of(context.channels.call, channel.settings, app_secret, code)
    if isinstance(told, Declined):
        raise Problem("wechat-code-refused")
    if isinstance(told, Unclear):
        raise Problem("wechat-unclear", why=told.why)
    sealer = await context.vault.sealer(tenant_id)
    return channel, sealer.wechat_blind(channel.settings["application"], told), told


def _purpose(open_blind: bytes) -> str:
    """Of a sealed openid: a row that is moved does not open."""
    return f"customer wechat {open_blind.hex()}"

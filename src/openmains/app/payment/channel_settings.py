# SPDX-License-Identifier: Apache-2.0
"""Channels of a utility: added, changed, switched off; their secrets are sealed here and written into neither answer nor trail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.payment.channels import alipay, wechat, wechat_sign_in
from openmains.app.payment.channels.port import SCHEMES, Caller, ChannelKeyUnreadableError, PaymentChannel
from openmains.app.payment.order_model import PayChannel, PaymentSigner, ProviderName
from openmains.app.payment.order_ports import ChannelSealer, PaymentChannelStore
from openmains.app.problems import Problem
from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import TenantId

SETTINGS: Mapping[ProviderName, tuple[tuple[str, bool], ...]] = {
    "wechat": (
        ("merchant", True), ("application", True), ("serial", True), ("platform_key_serial", True), ("platform_key", True),
        ("platform_key_2_serial", False), ("platform_key_2", False), ("notify_base", True), ("base_url", False),
        ("sign_in_base", False),
    ),
    "alipay": (("merchant", True), ("application", True), ("platform_key", True), ("notify_base", True), ("base_url", False)),
}  # fmt: skip
"""Settings by provider, and whether each is needed."""
SECRETS: Mapping[ProviderName, tuple[str, ...]] = {"wechat": ("private_key", "api_key"), "alipay": ("private_key",)}
"""Secrets that are needed."""
MORE_SECRETS: Mapping[ProviderName, tuple[str, ...]] = {"wechat": (wechat_sign_in.SECRET,), "alipay": ()}
"""Those that may be left out: without the application's own nobody signs in, or pays, within WeChat."""
MOST = 8000


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What a person fills in. ``secrets``: all of them or none; what is left out stays as it is."""

    name: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    is_on: bool


@dataclass(frozen=True, slots=True)
class ChannelContext:
    """What adapters need: who sends, our clock, fresh random text, and who opens secrets."""

    call: Caller
    sealer: ChannelSealer
    now_s: Callable[[], int]
    nonce: Callable[[], str]


def purpose(channel_id: int) -> str:
    """Of a channel's secrets."""
    return f"payment channel {channel_id}"


SIGNER_PURPOSE = "payment signer"


async def add_channel(
    store: Store,
    actor: Actor,
    sealer: ChannelSealer,
    provider: ProviderName,
    form: ChannelSettings,
    reason: str,
    now_us: int,
) -> PayChannel:
    """Raises ``invalid-input`` with every fault, ``reason-needed``, ``payment-channel-taken``."""
    _check(provider, form, form.secrets)
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        channels = work[PaymentChannelStore]
        channel_id = await channels.add(provider, form.name, _kept(form), form.is_on, actor.user_id, now_us)
        if channel_id is None:
            raise Problem("payment-channel-taken", name=form.name)
        await _seal(work, actor, sealer, channel_id, form.secrets)
        made = await got(work, channel_id)
        await work[AuditTrail].record(
            actor, "add_payment_channel", "payment_channel", channel_id, None, made, reason=why
        )
    return made


async def change_channel(
    store: Store, actor: Actor, sealer: ChannelSealer, channel_id: int, form: ChannelSettings, reason: str, now_us: int
) -> PayChannel:
    """Its provider and merchant stay. Raises as ``add_channel``, ``not-found``, and ``secrets-unreadable``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await got(work, channel_id)
        sealed = await work[PaymentChannelStore].sealed(channel_id)
        try:
            held = {} if sealed is None else await sealer.open(actor.tenant_id, purpose(channel_id), sealed)
        except KeyUnreadableError:
            raise Problem("secrets-unreadable") from None
        _check(before.provider, form, form.secrets or held)
        if form.settings.get("merchant") != before.settings.get("merchant"):
            raise Problem("invalid-input", fields=(("/settings/merchant", "not-accepted"),))
        why = stated(reason)
        if not await work[PaymentChannelStore].change(
            channel_id, form.name, _kept(form), form.is_on, actor.user_id, now_us
        ):
            raise Problem("payment-channel-taken", name=form.name)
        if form.secrets:
            await _seal(work, actor, sealer, channel_id, form.secrets)
        after = await got(work, channel_id)
        await work[AuditTrail].record(
            actor, "change_payment_channel", "payment_channel", channel_id, before, after, reason=why
        )
    return after


async def set_signer(
    store: Store, actor: Actor, sealer: ChannelSealer, login: str, password: str, reason: str, now_us: int
) -> PaymentSigner:
    """By which sign-in at the signer paid top-ups are given from now on. Raises ``reason-needed``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[PaymentChannelStore].signer()
        sealed = await sealer.seal(actor.tenant_id, SIGNER_PURPOSE, {"login": login, "password": password})
        await work[PaymentChannelStore].put_signer(login, sealed, actor.user_id, now_us)
        after = await work[PaymentChannelStore].signer()
        await work[AuditTrail].record(
            actor, "set_payment_signer", "payment_signer", actor.tenant_id, before, after, reason=why
        )
    return after


async def got(work: Work, channel_id: int) -> PayChannel:
    """Raises ``not-found``."""
    found = await work[PaymentChannelStore].get(channel_id)
    if found is None:
        raise Problem("not-found")
    return found


async def opened(
    store: Store, tools: ChannelContext, tenant_id: TenantId, channel_id: int
) -> tuple[PayChannel, PaymentChannel]:
    """The channel and its adapter, made of its settings and secrets. Raises ``not-found``, ``secrets-unreadable``."""
    async with store.tenant(tenant_id) as work:
        channel = await got(work, channel_id)
        sealed = await work[PaymentChannelStore].sealed(channel_id)
    try:
        secrets = {} if sealed is None else await tools.sealer.open(tenant_id, purpose(channel_id), sealed)
        return channel, adapter(channel.provider, channel.settings, secrets, tools)
    except (KeyUnreadableError, ChannelKeyUnreadableError, KeyError):
        raise Problem("secrets-unreadable") from None


def adapter(
    provider: ProviderName, settings: Mapping[str, str], secrets: Mapping[str, str], tools: ChannelContext
) -> PaymentChannel:
    """Raises ``ChannelKeyUnreadableError``."""
    if provider == "wechat":
        return wechat.WechatPay(wechat.keys_of(settings, secrets), tools.call, tools.now_s, tools.nonce)
    return alipay.Alipay(alipay.keys_of(settings, secrets), tools.call, tools.now_s)


def callback_url(settings: Mapping[str, str], tenant_id: int, channel_id: int) -> str:
    """Where a provider sends callbacks of this channel: below the address that the utility gives, which ends with the API's prefix."""
    return f"{settings.get('notify_base', '').rstrip('/')}/payment-callbacks/{tenant_id}/{channel_id}"


def _kept(form: ChannelSettings) -> dict[str, str]:
    return {name: value.strip() for name, value in form.settings.items() if value.strip()}


def _check(provider: ProviderName, form: ChannelSettings, secrets: Mapping[str, str]) -> None:
    names = dict(SETTINGS[provider])
    wrong = [(f"/settings/{name}", "not-accepted") for name in form.settings if name not in names]
    wrong += [
        (f"/settings/{name}", "required")
        for name, needed in names.items()
        if needed and not form.settings.get(name, "").strip()
    ]
    wrong += [(f"/settings/{name}", "out-of-range") for name, value in form.settings.items() if len(value) > MOST]
    known = (*SECRETS[provider], *MORE_SECRETS[provider])
    wrong += [(f"/secrets/{name}", "not-accepted") for name in form.secrets if name not in known]
    wrong += [(f"/secrets/{name}", "required") for name in SECRETS[provider] if not secrets.get(name)]
    for name in ("notify_base", "base_url", "sign_in_base"):
        text = form.settings.get(name, "").strip()
        if text and (urlsplit(text).scheme not in SCHEMES or not urlsplit(text).hostname or urlsplit(text).query):
            wrong.append((f"/settings/{name}", "wrong-format"))
    if not wrong:
        try:
            (wechat if provider == "wechat" else alipay).keys_of(_kept(form), secrets)
        except ChannelKeyUnreadableError as error:
            place = "secrets" if error.name in SECRETS[provider] else "settings"
            wrong.append((f"/{place}/{error.name}", "wrong-format"))
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))


async def _seal(work: Work, actor: Actor, sealer: ChannelSealer, channel_id: int, secrets: Mapping[str, str]) -> None:
    sealed = await sealer.seal(actor.tenant_id, purpose(channel_id), secrets)
    await work[PaymentChannelStore].put_secrets(channel_id, sorted(secrets), sealed)

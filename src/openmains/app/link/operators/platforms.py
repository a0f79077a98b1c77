# SPDX-License-Identifier: Apache-2.0
"""A utility's connections to operators' platforms: added, changed, tried, removed. Their secrets are sealed here and written into neither
answer nor trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.link.operators.codecs import codec_of, faults_of
from openmains.app.link.operators.hear_push import purpose
from openmains.app.link.operators.model import OperatorPlatform, PlatformKind, PlatformTrial
from openmains.app.link.operators.ports import OperatorPlatformStore, PlatformCall
from openmains.app.notice.sealing import KeyUnreadableError, Sealer
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work

LONGEST_ASKED_US = 30 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """What a person fills in. ``secrets``: what is left out stays as it is; ``products``: whose meters come through it."""

    name: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    products: Sequence[int]
    creates: bool
    is_on: bool


async def add_platform(
    store: Store, actor: Actor, sealer: Sealer, kind: PlatformKind, form: PlatformSettings, reason: str, now_us: int
) -> OperatorPlatform:
    """Raises ``invalid-input`` with every fault, ``reason-needed``, ``operator-platform-taken``, ``products-not-free``."""
    secrets = _filled(form.secrets)
    _check(kind, form, secrets)
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        platforms = work[OperatorPlatformStore]
        platform_id = await platforms.add(
            kind, form.name, _filled(form.settings), creates=form.creates, is_on=form.is_on, user_id=actor.user_id, now_us=now_us
        )  # fmt: skip
        if platform_id is None:
            raise Problem("operator-platform-taken", name=form.name)
        await _put(work, actor, sealer, platform_id, form, secrets)
        made = await got(work, platform_id)
        await work[AuditTrail].record(
            actor, "add_operator_platform", "operator_platform", platform_id, None, _told(made), reason=why
        )
    return made


async def change_platform(
    store: Store, actor: Actor, sealer: Sealer, platform_id: int, form: PlatformSettings, reason: str, now_us: int
) -> OperatorPlatform:
    """Its kind stays. Raises as ``add_platform``, ``not-found``, and ``secrets-unreadable``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await got(work, platform_id)
        held = await _held(work, actor, sealer, platform_id)
        secrets = {**held, **_filled(form.secrets)}
        _check(before.kind, form, secrets)
        why = stated(reason)
        if not await work[OperatorPlatformStore].change(
            platform_id, form.name, _filled(form.settings), creates=form.creates, is_on=form.is_on, user_id=actor.user_id, now_us=now_us
        ):  # fmt: skip
            raise Problem("operator-platform-taken", name=form.name)
        await _put(work, actor, sealer, platform_id, form, secrets if secrets != held else {})
        after = await got(work, platform_id)
        told = _told(after) | ({"new_secrets": sorted(_filled(form.secrets))} if secrets != held else {})
        await work[AuditTrail].record(
            actor, "change_operator_platform", "operator_platform", platform_id, _told(before), told, reason=why
        )
    return after


async def remove_platform(store: Store, actor: Actor, platform_id: int, reason: str) -> None:
    """With what waits of it; at the platform nothing changes. Raises ``not-found``, ``reason-needed``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await got(work, platform_id)
        await work[OperatorPlatformStore].remove(platform_id)
        await work[AuditTrail].record(
            actor, "remove_operator_platform", "operator_platform", platform_id, _told(before), None, reason=why
        )


async def ask_platform_again(
    store: Store, actor: Actor, platform_id: int, since_us: int, reason: str, now_us: int
) -> OperatorPlatform:
    """Ask the platform what it heard since then, as is done by itself after a silence. Raises ``not-found``, ``reason-needed``,
    ``invalid-input``."""
    why = stated(reason)
    if not now_us - LONGEST_ASKED_US <= since_us <= now_us:
        raise Problem("invalid-input", fields=(("/since", "out-of-range"),))
    async with store.tenant(actor.tenant_id) as work:
        await got(work, platform_id)
        await work[OperatorPlatformStore].ask_again(platform_id, since_us)
        found = await got(work, platform_id)
        told = {"since_us": since_us}
        await work[AuditTrail].record(
            actor, "ask_operator_platform_again", "operator_platform", platform_id, None, told, reason=why
        )
    return found


async def try_platform(
    store: Store, actor: Actor, sealer: Sealer, call: PlatformCall, platform_id: int, now_us: int
) -> PlatformTrial:
    """Ask it something that changes nothing. Raises ``not-found``, ``secrets-unreadable``."""
    async with store.tenant(actor.tenant_id) as work:
        platform = await got(work, platform_id)
        secrets = await _held(work, actor, sealer, platform_id)
    try:
        codec = codec_of(platform.kind, platform.settings, secrets)
    except KeyError:
        raise Problem("secrets-unreadable") from None
    answer = await call(codec.trial(now_us // 1000))
    said = None if answer is None else codec.read_trial(answer)
    trial = (
        PlatformTrial(False, "no reply") if answer is None else PlatformTrial(said is None, "" if said is None else said.code)
    )  # fmt: skip
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "try_operator_platform", "operator_platform", platform_id, None, trial)
    return trial


async def got(work: Work, platform_id: int) -> OperatorPlatform:
    """Raises ``not-found``."""
    found = await work[OperatorPlatformStore].get(platform_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _held(work: Work, actor: Actor, sealer: Sealer, platform_id: int) -> dict[str, str]:
    door = await work[OperatorPlatformStore].door(platform_id)
    if door is None or door.sealed is None:
        return {}
    try:
        return await sealer.open(actor.tenant_id, purpose(platform_id), door.sealed)
    except KeyUnreadableError:
        raise Problem("secrets-unreadable") from None


async def _put(
    work: Work, actor: Actor, sealer: Sealer, platform_id: int, form: PlatformSettings, secrets: Mapping[str, str]
) -> None:
    left = await work[OperatorPlatformStore].put_products(platform_id, form.products)
    if left:
        raise Problem("products-not-free", fields=(("/products", "not-accepted"),), count=len(left))
    if secrets:
        sealed = await sealer.seal(actor.tenant_id, purpose(platform_id), secrets)
        await work[OperatorPlatformStore].put_secrets(platform_id, sorted(secrets), sealed)


def _check(kind: PlatformKind, form: PlatformSettings, secrets: Mapping[str, str]) -> None:
    wrong = faults_of(kind, form.settings, secrets)
    if not form.name.strip():
        wrong.append(("/name", "required"))
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in values.items() if value.strip()}


def _told(platform: OperatorPlatform) -> dict[str, object]:
    return {
        "kind": platform.kind, "name": platform.name, "settings": platform.settings, "secrets": platform.secrets,
        "products": platform.products, "creates": platform.creates, "is_on": platform.is_on,
    }  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Add, change, remove and test a way to send (R7.3). Secrets are sealed here and written into neither answer nor trail."""

from collections.abc import Mapping
from dataclasses import dataclass

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.notice.channel_fields import sort_values
from openmains.app.notice.model import ChannelKind, NoticeChannel
from openmains.app.notice.ports import ChannelStore, NoticeLog, PushBrowserStore, RotaStore
from openmains.app.notice.sealing import Sealer, channel_purpose
from openmains.app.notice.vapid import PRIVATE, PUBLIC, new_vapid_key
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.notice.decide import INBOX, PERSONAL, WEB_PUSH


@dataclass(frozen=True, slots=True)
class ChannelDraft:
    """What a person fills in. ``values``: settings and secrets by name; a secret that is left out stays as it is."""

    name: str
    values: Mapping[str, str]
    per_minute: int
    is_on: bool = True


async def add_channel(
    store: Store, actor: Actor, sealer: Sealer, kind: ChannelKind, form: ChannelDraft, reason: str, now_us: int
) -> NoticeChannel:
    """Raises ``invalid-input`` with every fault, ``notice-name-taken``, ``reason-needed``; ``one-inbox``: each utility has it already;
    ``one-web-push``: a browser subscribes by the key of one."""
    if kind == INBOX:
        raise Problem("one-inbox")
    sorted_ = sort_values(kind, form.values)
    if sorted_.faults:
        raise Problem("invalid-input", fields=sorted_.faults)
    why = stated(reason)
    if kind == WEB_PUSH:
        sorted_.settings[PUBLIC], sorted_.secrets[PRIVATE] = new_vapid_key()
    async with store.tenant(actor.tenant_id) as work:
        if kind == WEB_PUSH and any(channel.kind == WEB_PUSH for channel in await work[ChannelStore].all()):
            raise Problem("one-web-push")
        channel_id = await work[ChannelStore].add(form.name, kind, sorted_.settings, form.per_minute, now_us)
        if channel_id is None:
            raise Problem("notice-name-taken", name=form.name)
        await _seal(work, actor, sealer, channel_id, sorted_.secrets)
        made = await _got(work, channel_id)
        await work[AuditTrail].record(actor, "add_channel", "notice_channel", channel_id, None, made, reason=why)
    return made


async def change_channel(
    store: Store, actor: Actor, sealer: Sealer, channel_id: int, form: ChannelDraft, reason: str, now_us: int
) -> NoticeChannel:
    """All but its kind. Secrets are given all together or not at all. Raises as ``add_channel``, and ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _got(work, channel_id)
        sorted_ = sort_values(before.kind, form.values, frozenset(before.secrets))
        faults = list(sorted_.faults)
        if sorted_.secrets:
            faults += [(f"/settings/{name}", "required") for name in before.secrets if name not in sorted_.secrets]
        if faults:
            raise Problem("invalid-input", fields=tuple(faults))
        why = stated(reason)
        if await work[ChannelStore].is_taken(form.name, channel_id):
            raise Problem("notice-name-taken", name=form.name)
        settings = {**_made(before), **sorted_.settings}
        await work[ChannelStore].change(channel_id, form.name, settings, form.per_minute, form.is_on, now_us)
        await _seal(work, actor, sealer, channel_id, sorted_.secrets)
        after = await _got(work, channel_id)
        await work[AuditTrail].record(actor, "change_channel", "notice_channel", channel_id, before, after, reason=why)
    return after


async def remove_channel(store: Store, actor: Actor, channel_id: int, reason: str, now_us: int) -> None:
    """Its log stays. Raises ``not-found``, ``one-inbox``, ``reason-needed``; ``channel-in-use`` while policies name it."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _got(work, channel_id)
        if before.kind == INBOX:
            raise Problem("one-inbox")
        users = [
            policy.settings.name
            for policy in await work[RotaStore].policies()
            if any(channel_id in level.channels for level in policy.settings.levels)
        ]
        if users:
            raise Problem("channel-in-use", name=before.name, policies=", ".join(users))
        why = stated(reason)
        await work[ChannelStore].remove(channel_id, now_us)
        await work[PushBrowserStore].remove_all(channel_id)  # they subscribed by its key
        await work[AuditTrail].record(actor, "remove_channel", "notice_channel", channel_id, before, None, reason=why)


async def test_channel(store: Store, actor: Actor, channel_id: int, key: str, now_us: int) -> int:
    """Queue a test, to the person who asks where the channel needs one; the notice's id. Raises ``not-found``, ``channel-off``."""
    async with store.tenant(actor.tenant_id) as work:
        channel = await _got(work, channel_id)
        if not channel.is_on:
            raise Problem("channel-off", name=channel.name)
        whom = actor.user_id if channel.kind in PERSONAL else None
        notice_id = await work[NoticeLog].add_test(f"test:{channel_id}:{key}", channel_id, whom, now_us)
        await work[AuditTrail].record(actor, "test_channel", "notice_channel", channel_id, None, {"notice": notice_id})
    return notice_id


async def send_again(store: Store, actor: Actor, notice_id: int, now_us: int) -> None:
    """A notice that failed waits once more. Raises ``not-found``, ``not-failed``."""
    async with store.tenant(actor.tenant_id) as work:
        if await work[NoticeLog].detail(notice_id) is None:
            raise Problem("not-found")
        if not await work[NoticeLog].again(notice_id, now_us):
            raise Problem("not-failed")
        await work[AuditTrail].record(actor, "send_again", "notice", notice_id, None, None)


def _made(channel: NoticeChannel) -> dict[str, str]:
    """Settings that nobody fills in."""
    return {name: channel.settings[name] for name in (PUBLIC,) if name in channel.settings}


async def _got(work: Work, channel_id: int) -> NoticeChannel:
    found = await work[ChannelStore].get(channel_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _seal(work: Work, actor: Actor, sealer: Sealer, channel_id: int, secrets: Mapping[str, str]) -> None:
    if secrets:
        sealed = await sealer.seal(actor.tenant_id, channel_purpose(channel_id), secrets)
        await work[ChannelStore].put_secrets(channel_id, sorted(secrets), sealed)

# SPDX-License-Identifier: Apache-2.0
"""Announcements to customers: written, approved by another person, cancelled (R7.5). Sending is the notice loop's."""

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.notice.announcement_model import (
    Announcement,
    AnnouncementDraft,
    AnnouncementStore,
    Audience,
    AudiencePreview,
)
from openmains.app.notice.channel_fields import fact_list
from openmains.app.notice.ports import ChannelStore, RotaStore
from openmains.app.notice.shapes.sms import VALUE_LETTERS
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.notice.announcement import LIFE, SEVERITY, AnnouncementStep, in_language
from openmains.domain.notice.decide import TO_PHONES


async def preview_audience(store: Store, actor: Actor, audience: Audience) -> AudiencePreview:
    """Whom it would reach. Raises ``invalid-input``."""
    async with store.tenant(actor.tenant_id) as work:
        await _check_area(work, audience)
        return await work[AnnouncementStore].preview(audience)


async def add_announcement(store: Store, actor: Actor, draft: AnnouncementDraft, now_us: int) -> Announcement:
    """A draft; nothing is sent. Raises ``invalid-input``."""
    async with store.tenant(actor.tenant_id) as work:
        await _check_area(work, draft.audience)
        channel = await work[ChannelStore].get(draft.channel_id)
        if channel is None:
            raise Problem("invalid-input", fields=(("/channel_id", "unknown-reference"),))
        if channel.kind not in TO_PHONES:
            raise Problem("invalid-input", fields=(("/channel_id", "no-phone-channel"),))
        carried = fact_list(channel.settings.get("fields", ""))
        if (
            "text" not in carried
        ):  # the words live at the channel's maker: without this variable nothing of ours would be in them
            raise Problem("invalid-input", fields=(("/channel_id", "channel-without-text"),))
        texts = {
            "title_zh": draft.title_zh,
            "title_en": draft.title_en,
            "text_zh": draft.text_zh,
            "text_en": draft.text_en,
        }
        empty = tuple((f"/{name}", "required") for name, text in texts.items() if not text.strip())
        if empty:
            raise Problem("invalid-input", fields=empty)
        whole = {
            name: in_language(draft.language, texts[f"{name}_zh"], texts[f"{name}_en"]) for name in ("title", "text")
        }
        long = tuple(
            (f"/{name}_{draft.language if draft.language != 'both' else 'zh'}", "longer-than-sms")
            for name, text in whole.items()
            if name in carried and len(text) > VALUE_LETTERS
        )
        if long:
            raise Problem("invalid-input", fields=long)
        made = await _got(work, await work[AnnouncementStore].add(draft, actor.user_id, now_us))
        await work[AuditTrail].record(actor, "add_announcement", "announcement", made.announcement_id, None, made)
    return made


async def approve_announcement(
    store: Store, actor: Actor, announcement_id: int, reason: str, now_us: int
) -> Announcement:
    """It goes to every customer whom it concerns now. Raises ``not-found``, ``announcement-state``, ``own-announcement``,
    ``channel-off``, ``nobody-reached``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _locked(work, announcement_id, AnnouncementStep.APPROVE)
        if before.made_by == actor.user_id:
            raise Problem("own-announcement")
        why = stated(reason)
        channel = await work[ChannelStore].get(before.draft.channel_id)
        if channel is None or not channel.is_on:
            raise Problem("channel-off", name=before.channel)
        draft = before.draft
        await work[AnnouncementStore].send(
            before,
            actor.user_id,
            title=in_language(draft.language, draft.title_zh, draft.title_en).replace("\n", " / "),
            text=in_language(draft.language, draft.text_zh, draft.text_en),
            severity=SEVERITY[draft.topic],
            now_us=now_us,
        )
        after = await _got(work, announcement_id)
        if not after.recipients:
            raise Problem("nobody-reached", count=after.unreachable)
        await work[AuditTrail].record(
            actor, "approve_announcement", "announcement", announcement_id, before, after, reason=why
        )
    return after


async def cancel_announcement(
    store: Store, actor: Actor, announcement_id: int, reason: str, now_us: int
) -> Announcement:
    """What waits is not sent; what went out stays said. Raises ``not-found``, ``announcement-state``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _locked(work, announcement_id, AnnouncementStep.CANCEL)
        why = stated(reason)
        await work[AnnouncementStore].cancel(announcement_id, actor.user_id, now_us)
        after = await _got(work, announcement_id)
        await work[AuditTrail].record(
            actor, "cancel_announcement", "announcement", announcement_id, before, after, reason=why
        )
    return after


async def _check_area(work: Work, audience: Audience) -> None:
    if audience.area_id is not None and await work[RotaStore].area_path(audience.area_id) is None:
        raise Problem("invalid-input", fields=(("/audience/area_id", "unknown-reference"),))


async def _got(work: Work, announcement_id: int) -> Announcement:
    found = await work[AnnouncementStore].get(announcement_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _locked(work: Work, announcement_id: int, step: AnnouncementStep) -> Announcement:
    found = await work[AnnouncementStore].lock(announcement_id)
    if found is None:
        raise Problem("not-found")
    if (found.state, step) not in LIFE:
        raise Problem("announcement-state")
    return found

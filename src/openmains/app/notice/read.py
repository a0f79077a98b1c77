# SPDX-License-Identifier: Apache-2.0
"""The delivery log and the console's inbox, with their texts."""

from collections.abc import Mapping, Sequence
from typing import Any

from openmains.app.identity.model import Actor
from openmains.app.notice.model import Inbox, InboxNotice, Notice, NoticeDetail
from openmains.app.notice.ports import NoticeLog, RotaStore
from openmains.app.notice.texts import facts_of, worded
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.period import zone


async def detail(store: Store, actor: Actor, notice_id: int, locale: str) -> NoticeDetail:
    """In the language of who asks. Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[NoticeLog].detail(notice_id)
        if found is None:
            raise Problem("not-found")
        notice, facts, attempts = found
        words, utility = await _words(work), await work[RotaStore].utility()
    subject, text = _text(notice, facts, words, utility, actor, locale)
    return NoticeDetail(notice, subject, text, attempts)


async def inbox(
    store: Store, actor: Actor, shown: Sequence[int], seen: Sequence[int], limit: int, locale: str, now_us: int
) -> Inbox:
    """The newest of the person who asks. ``shown``: those its console shows, which is the inbox's acknowledgement (R7.1); ``seen``: opened."""
    async with store.tenant(actor.tenant_id) as work:
        if shown:
            await work[NoticeLog].note_shown(actor.user_id, shown, now_us)
        if seen:
            await work[NoticeLog].note_seen(actor.user_id, seen, now_us)
        unseen, rows = await work[NoticeLog].inbox(actor.user_id, limit, now_us)
        words, utility = await _words(work), await work[RotaStore].utility()
    items = []
    for notice, facts in rows:
        subject, text = _text(notice, facts, words, utility, actor, locale)
        items.append(
            InboxNotice(
                notice.notice_id,
                notice.kind,
                notice.severity,
                subject,
                text,
                notice.alarm_id,
                notice.made_at,
                notice.seen_at,
            )
        )
    return Inbox(unseen, items)


async def _words(work: Work) -> dict[tuple[str, str], tuple[str, str]]:
    return {(own.kind, own.locale): (own.subject, own.body) for own in await work[RotaStore].templates()}


def _text(
    notice: Notice,
    facts: Mapping[str, Any],
    words: Mapping[tuple[str, str], tuple[str, str]],
    utility: str,
    actor: Actor,
    locale: str,
) -> tuple[str, str]:
    raw = {**facts, "event": notice.event, "severity": notice.severity}
    return worded(notice.kind, locale, words, facts_of(raw, utility, zone(actor.zone), locale))

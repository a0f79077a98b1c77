# SPDX-License-Identifier: Apache-2.0
"""The loop between alarms as they are stored and the people who are to know of them: once a second it looks at what nobody was told of.

    mutes over   their alarms that are still open are looked at anew
    untold       muted → kept quiet; else by ``domain.alarm.storm``: joins a group, begins one, stands alone, or waits for company
    ended        of what was told: the alarm's 'cleared', or the group's when its last member is over
    acts         what persons did since the last turn: for the screens of the others
    unseen       nobody was shown it within ``SHOWN_WITHIN_S``: counted, and told as 'missed' (R7.1)

All of a turn is one transaction, and its news are rows of it: who is killed leaves nothing half told, and what was told is told once.
Only one loop works at a time, whoever runs it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from openmains.app.alarm.model import AlarmEvent
from openmains.domain.alarm.life import SHOWN_WITHIN_S, AlarmNews
from openmains.domain.alarm.mutes import StandingMute, mute_of
from openmains.domain.alarm.storm import WINDOW_S, Grouping, Kind, NewGroup, OpenGroup, StormAlarm, crowded, group
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId, MuteId, TenantId

MOST = 5_000  # alarms of a turn
NEWS_DAYS = 400
_S = 1_000_000


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """One of which nobody knows yet."""

    alarm: StormAlarm
    meter_id: MeterId | None  # of a node of the network: none


@dataclass(frozen=True, slots=True)
class ClearedAlarm:
    """One that is over and of which others were told that it was raised. ``is_quiet``: they were not, it was muted."""

    alarm_id: AlarmId
    tenant_id: TenantId
    group_id: GroupId | None
    is_quiet: bool
    at_us: int


@dataclass(frozen=True, slots=True)
class NewsRow:
    """A row of ``alarm_event``: of an alarm or of a group."""

    tenant_id: TenantId
    news: AlarmNews
    alarm_id: AlarmId | None
    group_id: GroupId | None
    at_us: int


class AlarmTurn(Protocol):
    """Tables within one transaction; instants in µs."""

    async def let_go(self, now_us: int) -> None:
        """Mutes that are over: their open alarms are untold again, and have their 20 s from now on."""

    async def untold(self, most: int) -> list[NewAlarm]: ...
    async def mutes(self, tenant_ids: Sequence[TenantId], now_us: int) -> list[StandingMute]: ...
    async def open_groups(self, kinds: Sequence[Kind]) -> list[OpenGroup]: ...
    async def told_alone(self, kinds: Sequence[Kind], since_us: int) -> list[StormAlarm]:
        """In no group, not muted, of these kinds."""

    async def sizes(self, places: Sequence[tuple[TenantId, AreaId]]) -> Mapping[tuple[TenantId, AreaId], int]:
        """Meters in each with what is below; ``WHOLE`` is the utility."""

    async def begin(self, begun: NewGroup, now_us: int) -> GroupId: ...
    async def join(self, group_id: GroupId, members: Sequence[StormAlarm], now_us: int) -> bool:
        """False, and nothing is changed, where the group is over meanwhile or a person's act is at it."""

    async def quiet(self, muted: Mapping[AlarmId, MuteId]) -> None: ...
    async def told(self, alarm_ids: Sequence[AlarmId]) -> None: ...
    async def ended(self, most: int) -> list[ClearedAlarm]:
        """Marked as told; a group's are named with it."""

    async def close_groups(self, group_ids: Sequence[GroupId]) -> list[NewsRow]:
        """Those of these without an open member are over."""

    async def miss(self, before_us: int, most: int, now_us: int) -> list[NewsRow]:
        """Mark what came before and nobody was shown; one word an alarm that stands alone, one a group, said now."""

    async def say(self, news: Sequence[NewsRow]) -> list[AlarmEvent]:
        """Write the news; returns them as others read them."""

    async def hear(self, most: int) -> list[AlarmEvent]:
        """News of persons' acts that screens have not been told, the oldest; from now on they have."""

    async def grown(self, group_ids: Sequence[GroupId]) -> list[AlarmEvent]:
        """Groups as they stand, for screens."""


class AlarmLoop(Protocol):
    """Where the loop works."""

    def turn(self) -> AbstractAsyncContextManager[AlarmTurn | None]:
        """One transaction; None where another loop is at work."""

    async def forget(self, before_us: int, most: int) -> int:
        """Some of the news made before an instant; how many, ``most`` where there may be more."""


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a turn did. ``news``: written; ``acts``: of persons, heard of; ``grown``: groups that members joined. ``more``: there is more to
    do at once."""

    news: Sequence[AlarmEvent] = ()
    acts: Sequence[AlarmEvent] = ()
    grown: Sequence[AlarmEvent] = ()
    more: bool = False


def news_for_screens(work: TurnResult) -> Iterator[tuple[str, bytes]]:
    """(topic, JSON) for the screens of each utility: what persons did, news, and groups that have grown."""
    by_tenant: dict[TenantId, list[AlarmEvent]] = {}
    for event in (*work.acts, *work.news, *work.grown):
        by_tenant.setdefault(event.tenant_id, []).append(event)
    for tenant_id, events in by_tenant.items():
        yield f"alarm_news.{tenant_id}", msgspec.json.encode(events)


async def work_turn(loop: AlarmLoop, now_us: int) -> TurnResult:
    """One turn; what it returns is committed."""
    async with loop.turn() as turn:
        if turn is None:
            return TurnResult()
        acts = await turn.hear(MOST)
        await turn.let_go(now_us)
        found = await turn.untold(MOST)
        said: list[NewsRow] = []
        joined: list[GroupId] = []
        if found:
            said, joined = await _tell(turn, found, now_us)
        ended = await turn.ended(MOST)
        said += [
            NewsRow(each.tenant_id, AlarmNews.CLEARED, each.alarm_id, None, each.at_us)
            for each in ended
            if each.group_id is None and not each.is_quiet
        ]
        groups = sorted({each.group_id for each in ended if each.group_id is not None})
        if groups:
            said += await turn.close_groups(groups)
        said += await turn.miss(now_us - SHOWN_WITHIN_S * _S, MOST, now_us)
        news = await turn.say(said) if said else []
        grown = await turn.grown(joined) if joined else []
        more = MOST in (len(ended), len(acts)) or (len(found) == MOST and bool(said or joined))
        return TurnResult(news, acts, grown, more)


async def forget_news(loop: AlarmLoop, now_us: int) -> None:
    """News are kept for ``NEWS_DAYS``: history, whether anybody took them for notices or not."""
    while await loop.forget(now_us - NEWS_DAYS * 86_400 * _S, MOST) == MOST:
        pass


async def _tell(turn: AlarmTurn, found: Sequence[NewAlarm], now_us: int) -> tuple[list[NewsRow], list[GroupId]]:
    tenants = sorted({each.alarm.tenant_id for each in found})
    mutes = await turn.mutes(tenants, now_us)
    muted: dict[AlarmId, MuteId] = {}
    fresh: list[StormAlarm] = []
    for each in found:
        alarm = each.alarm
        mute = mute_of(mutes, alarm.tenant_id, each.meter_id, alarm.event, alarm.severity, alarm.places, now_us)
        if mute is None:
            fresh.append(alarm)
        else:
            muted[alarm.alarm_id] = mute.mute_id
    if muted:
        await turn.quiet(muted)
    decided = await _group(turn, fresh, now_us) if fresh else Grouping()
    said: list[NewsRow] = []
    for begun in decided.begins:
        group_id = await turn.begin(begun, now_us)
        said.append(NewsRow(begun.kind[0], AlarmNews.GROUPED, None, group_id, begun.members[0].received_us))
    # what cannot join stays untold: at the next turn the group is over, or free
    joined = [group_id for group_id, members in decided.joins.items() if await turn.join(group_id, members, now_us)]
    if decided.alone:
        await turn.told([alarm.alarm_id for alarm in decided.alone])
    said += [
        NewsRow(alarm.tenant_id, AlarmNews.RAISED, alarm.alarm_id, None, alarm.received_us) for alarm in decided.alone
    ]
    return said, joined


async def _group(turn: AlarmTurn, fresh: Sequence[StormAlarm], now_us: int) -> Grouping:
    kinds = sorted({alarm.kind for alarm in fresh})
    near = await turn.told_alone(kinds, now_us - WINDOW_S * _S)
    places = sorted(crowded((*fresh, *near)))
    sizes = await turn.sizes(places) if places else {}
    return group(fresh, near, await turn.open_groups(kinds), sizes, now_us)

# SPDX-License-Identifier: Apache-2.0
"""``NoticeWork`` of the worker: what happened and what follows from it in one transaction, claims and results of what is sent."""

from collections.abc import Sequence
from typing import Any, cast

from openmains.app.alarm.model import AlarmEvent
from openmains.app.notice.model import Locale, NoticeState
from openmains.app.notice.ports import (
    ChannelAccount,
    Contact,
    Due,
    EventDecision,
    Happening,
    SealedBrowser,
    TimerDecision,
)
from openmains.app.notice.sealing import SealedKey
from openmains.app.party.personal import PersonalPlace, SealedValue
from openmains.domain.alarm.life import AlarmNews
from openmains.domain.ids import CustomerId, TenantId, UserId
from openmains.domain.notice.decide import Decision, Happened, NoticeEvent, Rota, Timer
from openmains.domain.party.personal import PersonalField
from openmains.domain.period import DAY_S
from openmains.edges.postgres.alarm.events import take_events, waiting_events
from openmains.edges.postgres.db import Connection, Pool, Row, rows_of
from openmains.edges.postgres.notice.rota import person_settings, rota_of
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.sealed import sealed_of
from openmains.edges.postgres.turn import Connect, Turn

_QUERIES = load(__package__, "work.sql")
_LOCK = 0x6F6D_6E6F  # 'omno': any number that is the project's own
NOTICES_DAYS = 400
US = 1_000_000
HAPPENED: dict[AlarmNews, Happened] = {
    AlarmNews.RAISED: "raised",
    AlarmNews.GROUPED: "raised",
    AlarmNews.REOPENED: "reopened",
    AlarmNews.ACKNOWLEDGED: "acknowledged",
    AlarmNews.DISPATCHED: "acknowledged",  # somebody is on the way
    AlarmNews.CLEARED: "cleared",
}
"""News that notices follow from; the others make none."""


async def _left_on_their_way(connection: Any) -> None:
    await _QUERIES["left_on_their_way"].execute(connection)


class PostgresNoticeWork:
    """Over a pool of role openmains_pipeline; ``connect``: a connection outside it, which holds the turn."""

    def __init__(self, pool: Pool, connect: Connect) -> None:
        self._pool = pool
        self._turn = Turn(connect, _LOCK, _left_on_their_way)

    async def hold(self) -> bool:
        return await self._turn.hold()

    async def close(self) -> None:
        """Give the turn back."""
        await self._turn.close()

    async def decide(self, decide: EventDecision, most: int, now_us: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            events = await waiting_events(connection, most)
            if not events:
                return 0
            places = await _places(connection, events)
            written = Written(connection, now_us)
            for event in events:
                happened = HAPPENED.get(event.news)
                if happened is None:
                    continue
                happening = _happening(event, happened, places)
                rota = await written.rota(event.tenant_id)
                written.add(happening, decide(happening.event, rota, now_us), event.event_id, event.received_us)
            await written.write()
            await take_events(connection, [event.event_id for event in events], now_us)
        return len(events)

    async def ring(self, decide: TimerDecision, most: int, now_us: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await _QUERIES["due_timers"].fetch(connection, now_us=now_us, most=most)
            if not rows:
                return 0
            ids: dict[str, list[int]] = {"alarm": [], "group": []}
            for row in rows:
                kind, _, number = row["subject"].partition(":")
                ids[kind].append(int(number))
            facts = await _QUERIES["unacknowledged"].fetch(connection, alarm_ids=ids["alarm"], group_ids=ids["group"])
            open_ones = {row["subject"]: row for row in facts}
            written = Written(connection, now_us)
            for row in sorted(rows, key=lambda one: (one["due_us"], one["origin"])):
                found = open_ones.get(row["subject"])
                if found is None:
                    continue
                timer = Timer(
                    row["subject"], row["origin"], row["policy_id"], row["level"], row["raised_us"], row["due_us"]
                )
                happening = _of_row(found, timer.origin)
                rota = await written.rota(happening.tenant_id)
                made = decide(timer, happening.event, rota, now_us)
                written.add(happening, made, timer.origin, timer.raised_us)
            await written.write()
        return len(rows)

    async def busy_channels(self, now_us: int) -> list[ChannelAccount]:
        rows = await _QUERIES["busy_channels"].fetch(self._pool, now_us=now_us)
        return [
            ChannelAccount(
                row["channel_id"],
                TenantId(row["tenant_id"]),
                row["kind"],
                row["settings"],
                sealed_of(row),
                row["per_minute"],
                row["utility"],
                row["zone"],
            )
            for row in rows
        ]

    async def sent_since(self, channel_id: int, since_us: int) -> int:
        return int(await _QUERIES["sent_since"].fetchval(self._pool, channel_id=channel_id, since_us=since_us))

    async def due(self, channel_id: int, now_us: int, most: int) -> list[Due]:
        rows = await _QUERIES["due_notices"].fetch(self._pool, channel_id=channel_id, now_us=now_us, most=most)
        return [Due(**dict(row)) for row in rows]

    async def due_customers(self, channel_id: int, now_us: int, most: int, *, all_hours: bool) -> list[Due]:
        rows = await _QUERIES["due_customers"].fetch(
            self._pool, channel_id=channel_id, now_us=now_us, most=most, all_hours=all_hours
        )
        return [Due(**dict(row)) for row in rows]

    async def phones(self, customer_ids: Sequence[CustomerId]) -> tuple[list[SealedValue], dict[CustomerId, str]]:
        sealed, clear = [], {}
        for row in await _QUERIES["phones"].fetch(self._pool, customer_ids=list(customer_ids)):
            customer_id = CustomerId(row["customer_id"])
            if row["phone"]:
                clear[customer_id] = row["phone"]
            elif row["sealed"] is not None:
                place = PersonalPlace(customer_id, None, PersonalField.PHONE)
                sealed.append(SealedValue(place, row["key_id"], row["nonce"], row["sealed"], row["blind"]))
        return sealed, clear

    async def claim(self, notice_ids: Sequence[int], bundle: int, now_us: int) -> bool:
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            status = await _QUERIES["claim_notices"].execute(
                connection, notice_ids=list(notice_ids), bundle=bundle, now_us=now_us
            )
            if rows_of(status) != len(notice_ids):
                await transaction.rollback()
                return False
            await _QUERIES["begin_attempts"].execute(connection, notice_ids=list(notice_ids), now_us=now_us)
            await transaction.commit()
        return True

    async def contacts(self, user_ids: Sequence[UserId]) -> dict[UserId, Contact]:
        found = {}
        for row in await _QUERIES["contacts"].fetch(self._pool, user_ids=list(user_ids)):
            told = person_settings(row)
            found[UserId(row["user_id"])] = Contact(told.email, told.phone, told.openid, cast(Locale, row["locale"]))
        return found

    async def browsers(self, channel_id: int, user_id: UserId) -> list[SealedBrowser]:
        rows = await _QUERIES["browsers_of"].fetch(self._pool, channel_id=channel_id, user_id=user_id)
        return [SealedBrowser(row["browser_id"], SealedKey(row["key_id"], row["nonce"], row["sealed"])) for row in rows]

    async def note_browser(self, browser_id: int, now_us: int, *, is_accepted: bool, reason: str) -> None:
        await _QUERIES["note_browser"].execute(
            self._pool, browser_id=browser_id, now_us=now_us, is_accepted=is_accepted, reason=reason
        )

    async def forget_browser(self, browser_id: int) -> None:
        await _QUERIES["forget_browser"].execute(self._pool, browser_id=browser_id)

    async def templates(self, tenant_id: TenantId) -> dict[tuple[str, str], tuple[str, str]]:
        rows = await _QUERIES["templates_of"].fetch(self._pool, tenant_id=tenant_id)
        return {(row["kind"], row["locale"]): (row["subject"], row["body"]) for row in rows}

    async def finish(
        self,
        notice_ids: Sequence[int],
        claimed_us: int,
        now_us: int,
        *,
        state: NoticeState,
        due_us: int,
        outcome: str,
        reason: str,
    ) -> None:
        ids = list(notice_ids)
        async with self._pool.acquire() as connection, connection.transaction():
            await _QUERIES["finish_notices"].execute(
                connection, notice_ids=ids, state=state, due_us=due_us, reason=reason, now_us=now_us
            )
            await _QUERIES["end_attempts"].execute(
                connection, notice_ids=ids, claimed_us=claimed_us, outcome=outcome, reason=reason, now_us=now_us
            )
            await _QUERIES["note_channel"].execute(
                connection, notice_id=ids[0], is_accepted=state == "accepted", now_us=now_us, reason=reason
            )

    async def forget(self, now_us: int) -> int:
        before = now_us - NOTICES_DAYS * DAY_S * US
        return rows_of(await _QUERIES["forget_notices"].execute(self._pool, before_us=before))


class Written:
    """What follows from a batch, gathered in order and written as sets."""

    def __init__(self, connection: Connection, now_us: int) -> None:
        self._connection = connection
        self._now_us = now_us
        self._rotas: dict[TenantId, Rota] = {}
        self._notices: list[dict[str, Any]] = []
        self._timers: dict[tuple[int, int], tuple[TenantId, Timer]] = {}
        self._ended: list[tuple[TenantId, str]] = []

    async def rota(self, tenant_id: TenantId) -> Rota:
        """Read once for a batch."""
        if tenant_id not in self._rotas:
            self._rotas[tenant_id] = await rota_of(self._connection, tenant_id)
        return self._rotas[tenant_id]

    def add(self, happening: Happening, made: Decision, origin: int, raised_us: int) -> None:
        """In the order in which it happened: what ends takes away timers made before it."""
        event = happening.event
        for subject in made.ended:
            self._ended.append((happening.tenant_id, subject))
            self._timers = {place: kept for place, kept in self._timers.items() if kept[1].subject != subject}
        for timer in made.timers:
            self._timers[origin, timer.policy_id] = (happening.tenant_id, timer)
        minutes = (self._now_us - raised_us) // (60 * US)
        for told in made.notices:
            self._notices.append(
                {
                    "tenant_id": happening.tenant_id,
                    "key": told.key,
                    "kind": told.kind,
                    "severity": event.severity,
                    "event": event.event,
                    "alarm_id": happening.alarm_id,
                    "subject": event.subject,
                    "policy_id": told.policy_id,
                    "level": told.level,
                    "user_id": told.user_id,
                    "channel_id": told.channel_id,
                    "facts": {**happening.facts, "minutes": minutes},
                    "received_us": happening.received_us,
                    "due_us": told.due_us,
                    "held": told.held,
                    "reason": told.fault,
                }
            )

    async def write(self) -> None:
        """Once."""
        if self._ended:
            await _QUERIES["end_timers"].execute(
                self._connection,
                tenant_id=[tenant_id for tenant_id, _ in self._ended],
                subject=[subject for _, subject in self._ended],
            )
        if self._timers:
            timers = list(self._timers.values())
            await _QUERIES["add_timers"].execute(
                self._connection,
                origin=[timer.origin for _, timer in timers],
                policy_id=[timer.policy_id for _, timer in timers],
                tenant_id=[tenant_id for tenant_id, _ in timers],
                subject=[timer.subject for _, timer in timers],
                level=[timer.level for _, timer in timers],
                raised_us=[timer.raised_us for _, timer in timers],
                due_us=[timer.due_us for _, timer in timers],
            )
        if self._notices:
            names = self._notices[0]
            columns = {name: [notice[name] for notice in self._notices] for name in names}
            await _QUERIES["add_notices"].execute(self._connection, now_us=self._now_us, **columns)


async def _places(connection: Connection, events: Sequence[AlarmEvent]) -> dict[tuple[str, int], Row]:
    """Address, area and path by meter, by area, and by alarm of a node of the network."""
    meters = [event.meter_id for event in events if event.meter_id is not None]
    nodes = [event.alarm_id for event in events if event.meter_id is None and event.alarm_id is not None]
    areas = [event.area_id for event in events if event.group_id is not None and event.area_id is not None]
    found = {
        ("meter", row["meter_id"]): row for row in await _QUERIES["meter_places"].fetch(connection, meter_ids=meters)
    }
    for row in await _QUERIES["area_places"].fetch(connection, area_ids=areas):
        found["area", row["area_id"]] = row
    for row in await _QUERIES["node_places"].fetch(connection, alarm_ids=nodes) if nodes else ():
        found["node", row["alarm_id"]] = row
    return found


def _happening(event: AlarmEvent, happened: Happened, places: dict[tuple[str, int], Row]) -> Happening:
    if event.meter_id is not None:
        place = places.get(("meter", event.meter_id))
    elif event.alarm_id is not None:
        place = places.get(("node", event.alarm_id))
    else:
        place = None if event.area_id is None else places.get(("area", event.area_id))
    is_group = event.group_id is not None
    subject = f"group:{event.group_id}" if is_group else f"alarm:{event.alarm_id}"
    path = "" if place is None else place["path"]
    notice = NoticeEvent(event.event_id, subject, happened, event.event, event.severity, path, is_group)
    facts = {
        "alarm_id": event.alarm_id,
        "number": event.number,
        "address": "" if place is None else place.get("address", ""),
        "area": None if place is None else place["area"],
        "members": event.members,
        "received_us": event.received_us,
        "value": event.value,
        "unit": event.unit,
        "exponent": event.exponent,
        "rule": event.rule,
    } | ({"node": place["node"]} if place is not None and place.get("node") else {})
    return Happening(event.tenant_id, notice, event.alarm_id, event.received_us, facts)


def _of_row(row: Row, origin: int) -> Happening:
    is_group = row["alarm_id"] is None
    event = NoticeEvent(origin, row["subject"], "raised", row["event"], row["severity"], row["path"] or "", is_group)
    names = ("alarm_id", "number", "address", "area", "members", "received_us", "value", "unit", "exponent", "rule")
    facts = {name: row[name] for name in names} | ({"node": row["node"]} if row["node"] else {})
    return Happening(TenantId(row["tenant_id"]), event, row["alarm_id"], row["received_us"], facts)

# SPDX-License-Identifier: Apache-2.0
"""News of alarms. For notices they are taken within the transaction that books what is sent of them, so that none is lost and none is sent
twice whoever is killed."""

from collections.abc import Sequence

from openmains.app.alarm.model import AlarmEvent
from openmains.domain.alarm.life import AlarmNews, AlarmState
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_WAITING = extended(
    _QUERIES["alarm_news"], "AND e.noticed_us IS NULL ORDER BY e.event_id LIMIT :most FOR UPDATE OF e SKIP LOCKED"
)
_BY_ID = extended(_QUERIES["alarm_news"], "AND e.event_id = ANY (:event_ids::bigint[]) ORDER BY e.event_id")


def event_of(row: Row) -> AlarmEvent:
    """A row of ``alarm_news`` and its like."""
    return AlarmEvent(**{**dict(row), "news": AlarmNews(row["news"]), "state": AlarmState(row["state"])})


async def waiting_events(connection: Connection, most: int) -> list[AlarmEvent]:
    """The oldest that nobody has taken, locked until the transaction ends; another taker passes over them. The first taker of an installation
    is not given what was told long before it came. Role openmains_pipeline."""
    await _QUERIES["begin_taking"].execute(connection)
    return [event_of(row) for row in await _WAITING.fetch(connection, most=most)]


async def events_by_id(connection: Connection, event_ids: Sequence[int]) -> list[AlarmEvent]:
    """In their order; those of alarms that are gone are not there."""
    return [event_of(row) for row in await _BY_ID.fetch(connection, event_ids=event_ids)] if event_ids else []


async def take_events(connection: Connection, event_ids: Sequence[int], now_us: int) -> None:
    """Within the transaction that read and booked them."""
    await _QUERIES["take_events"].execute(connection, event_ids=list(event_ids), now_us=now_us)

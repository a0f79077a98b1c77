# SPDX-License-Identifier: Apache-2.0
"""The network book of an edge, written. Role openmains_pipeline."""

from typing import Any, Final

import msgspec

from openmains.app.network.cache import EventReport, GatewayReport, NetworkCache, NodeReport, Taken
from openmains.domain.period import DAY_S
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load
from openmains.wire.gateway.network import NodeWord

_QUERIES = load(__package__, "edge.sql")
KEPT_DAYS: Final = 800  # two years and what compares with them
KEPT_EVENTS_DAYS: Final = 400
_FORGET_US: Final = 6 * 3_600_000_000


class NetworkWriter:
    """Call ``write`` every second. ``now_us``: wall clock."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._forgot_us = 0

    async def write(self, book: NetworkCache, now_us: int) -> None:
        """All that is in it; what could not be written is there again."""
        taken = book.take()
        if taken is not None:
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    await _put(connection, taken)
            except Exception:
                book.again(taken)
                raise
            for done in taken.done:
                done()
        if now_us - self._forgot_us > _FORGET_US:
            day = now_us // 1_000_000 // DAY_S
            await _QUERIES["forget_days"].execute(self._pool, before=day - KEPT_DAYS)
            await _QUERIES["forget_events"].execute(self._pool, before_us=now_us - KEPT_EVENTS_DAYS * DAY_S * 1_000_000)
            self._forgot_us = now_us


async def _put(connection: Connection, taken: Taken) -> None:
    if taken.nodes:
        numbers = sorted({each.gateway for each in taken.nodes})
        await _QUERIES["lock_heads"].execute(connection, numbers=numbers)
    if taken.gateways:
        await _QUERIES["put_gateways"].execute(connection, **_gateways(taken.gateways))
    if taken.nodes:
        await _QUERIES["put_nodes"].execute(connection, **_nodes(taken.nodes))
    if taken.events:
        await _QUERIES["put_events"].execute(connection, **_events(taken.events))
        failures = {
            (each.gateway, each.relay, each.meter): each
            for each in taken.events
            if each.fails is not None and each.at_us
        }
        if failures:
            await _QUERIES["put_failures"].execute(connection, **_failures(list(failures.values())))


def _gateways(found: list[GatewayReport]) -> dict[str, Any]:
    states = [each.state for each in found]
    return {
        "numbers": [each.gateway for each in found], "reported_us": [each.reported_us for each in found], "days": [each.day for each in found],
        "runs": [each.run for each in states], "powers": [each.power for each in states], "clocks": [each.clock for each in states],
        "offs": [each.off_ms for each in found], "versions": [each.version for each in states],
        "networks": [each.net.network for each in states], "slots_used": [each.net.slots_used for each in states],
        "slots": [each.net.slots for each in states], "waiting": [each.waiting for each in states],
        "dropped": [each.dropped for each in states], "commands": [each.commands for each in states],
        "relays": ["{" + ",".join(str(relay.number) for relay in each.net.relays) + "}" for each in states],
        "counters": [msgspec.json.encode(each.net.counters).decode() for each in states],
        "parameters": [msgspec.json.encode(each.parameters).decode() for each in states],
    }  # fmt: skip


def _nodes(found: list[NodeReport]) -> dict[str, Any]:
    rows = [(each, each.word, each.word if isinstance(each.word, NodeWord) else None) for each in found]
    return {
        "numbers": [each.gateway for each in found],
        "relays": [0 if isinstance(word, NodeWord) else word.number for _, word, _ in rows],
        "meters": ["" if meter is None else meter.number for _, _, meter in rows],
        "meter_ids": [each.meter_id for each in found],
        "reported_us": [each.reported_us for each in found],
        "days": [each.day for each in found],
        "runs": [each.run for each in found],
        "vias": [0 if meter is None else meter.via for _, _, meter in rows],
        "logicals": [None if meter is None else meter.logical for _, _, meter in rows],
        "channels": [None if meter is None else meter.channel for _, _, meter in rows],
        "slices": [None if meter is None else meter.slice_index for _, _, meter in rows],
        "active": [None if meter is None else meter.is_active for _, _, meter in rows],
        "failed": [word.is_silent if isinstance(word, NodeWord) else word.is_lost for _, word, _ in rows],
        "heard_us": [word.heard_ms * 1000 or None for _, word, _ in rows],
        "messages": [0 if meter is None else meter.messages for _, _, meter in rows],
        "repeats": [0 if meter is None else meter.repeats for _, _, meter in rows],
        "heard": [word.heard if isinstance(word, NodeWord) else word.answered for _, word, _ in rows],
        "missed": [
            word.missed if isinstance(word, NodeWord) else max(0, word.asked - word.answered) for _, word, _ in rows
        ],
        "late": [None if meter is None else meter.late_ms for _, _, meter in rows],
        "offs": [None if meter is None else meter.clock_off_ms for _, _, meter in rows],
    }


def _events(found: list[EventReport]) -> dict[str, Any]:
    return {
        "numbers": [each.gateway for each in found], "stores": [each.store for each in found], "items": [each.item for each in found],
        "at_us": [each.at_us for each in found], "received_us": [each.received_us for each in found],
        "events": [each.event for each in found], "relays": [each.relay for each in found], "meters": [each.meter for each in found],
        "meter_ids": [each.meter_id for each in found], "details": [each.detail for each in found],
    }  # fmt: skip


def _failures(found: list[EventReport]) -> dict[str, Any]:
    return {
        "numbers": [each.gateway for each in found], "relays": [0 if each.meter else each.relay for each in found],
        "meters": [each.meter for each in found], "meter_ids": [each.meter_id for each in found],
        "failed": [bool(each.fails) for each in found],
        "at_us": [min(each.at_us, each.received_us) for each in found],  # a clock that is ahead does not outrank what comes after
    }  # fmt: skip

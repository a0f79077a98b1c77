# SPDX-License-Identifier: Apache-2.0
"""Pulled logs: those with lost parts, further pulls as drafts, and all pulls of one log (``app/command/log_pull.py``)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from openmains.app.command.give import content_of
from openmains.app.command.log_pull import part_of
from openmains.app.command.ports import LogAgain, LostLog
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.command.log_pull import Pull
from openmains.domain.ids import CommandId, TenantId
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

SQL = load(__package__)
TENANT_SQL = load(__package__, "tenant.sql")


async def incomplete(pool: Pool, since_us: int, until_us: int, limit: int) -> list[LostLog]:
    """Confirmed pulls that ended within (since, until] with parts lost, and with which nothing was done yet."""
    rows = await SQL["incomplete_logs"].fetch(pool, since_us=since_us, until_us=until_us, most=limit)
    parts = await _parts(pool, rows)
    return [
        LostLog(
            row["command_id"], row["tenant_id"], row["product_id"], row["unique_key"],
            max(60, row["validity_s"]), _pull(row["params"], parts.get(row["command_id"], ())),
        )
        for row in rows
    ]  # fmt: skip


async def pull_again(connection: Connection, asked: Sequence[LogAgain], now_us: int) -> int:
    """Within the caller's transaction; how many were drafted."""
    if not asked:
        return 0
    rule = RULES[Kind.LOG_PULL]
    ids = [item.command_id for item in asked]
    locked = await SQL["lock"].fetch(connection, command_ids=ids)
    # by another dispatcher, seen now that we hold the rows
    done = {row["command_id"] for row in await SQL["dealt_with"].fetch(connection, command_ids=ids)}
    meters = {row["command_id"]: row["meter_id"] for row in locked if row["command_id"] not in done}
    asked = [item for item in asked if item.command_id in meters]
    if not asked:
        return 0
    wanted = [item for item in asked if item.unique_key]
    params = [{"since": item.since, "until": item.until} for item in wanted]
    rows = await SQL["draft_log_again"].fetch(
        connection,
        lane=int(rule.lane),
        priority=int(rule.priority),
        now_us=now_us,
        command_ids=[item.command_id for item in wanted],
        params=[msgspec.json.encode(own).decode() for own in params],
        unique_keys=[item.unique_key for item in wanted],
        contents=[
            content_of(meters[item.command_id], Kind.LOG_PULL, own) for item, own in zip(wanted, params, strict=True)
        ],
        ends=[item.not_after for item in wanted],
    )
    made = {row["unique_key"]: row["command_id"] for row in rows}
    notes = [
        (item.command_id, "ask_again", f"{made[item.unique_key]}")
        if item.unique_key in made
        else (item.command_id, "log_incomplete", f"{item.since}-{item.until}")
        for item in asked
    ]
    ids, events, details = (list(column) for column in zip(*notes, strict=True))
    await SQL["note_logs"].execute(connection, now_us=now_us, command_ids=ids, events=events, details=details)
    return len(made)


async def pulls(connection: Connection, tenant_id: TenantId, command_id: CommandId) -> list[Pull]:
    """A pull and those that asked for its lost parts, in the order they were given; empty: not a pull of the tenant's."""
    rows = await TENANT_SQL["log_chain"].fetch(connection, tenant_id=tenant_id, command_id=command_id)
    parts = await _parts(connection, rows)
    return [_pull(row["params"], parts.get(row["command_id"], ())) for row in rows]


async def _parts(on: Connection | Pool, pulls: Sequence[Row]) -> Mapping[int, list[tuple[int, int, str]]]:
    """(part, parts, text) of each of these pulls that has some."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    if not pulls:
        return found
    for row in await SQL["log_parts"].fetch(on, command_ids=[row["command_id"] for row in pulls]):
        part = part_of(row["detail"])
        if part is not None:
            found.setdefault(row["command_id"], []).append(part)
    return found


def _pull(params: Mapping[str, Any], parts: Iterable[tuple[int, int, str]]) -> Pull:
    came = list(parts)
    since, until = params.get("since", 0), params.get("until", 2**32 - 1)
    return Pull(since, until, {part: text for part, _, text in came}, max((total for _, total, _ in came), default=0))

# SPDX-License-Identifier: Apache-2.0
"""What the database allows of a kind is what the table of kinds says (migration 0008 and those after it)."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from openmains.domain.command.kinds import RULES, Channel, Kind, Lane
from openmains.edges.postgres.db import connect
from openmains.run.engines.engines import Engines
from tests.support.command_town import make_town

INSERT = """
INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us)
VALUES ($1, $2, $3, $4, 1, $5, '', 1, 1)
"""


@pytest.fixture
async def owner(engines: Engines) -> "AsyncIterator[asyncpg.Connection[Any]]":
    connection = await connect(engines.urls.postgres_owner)
    yield connection
    await connection.close()


async def _named_in(owner: "asyncpg.Connection[Any]", constraint: str) -> set[str]:
    text = await owner.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'command'::regclass AND conname = $1",
        constraint,
    )
    return set(re.findall(r"'([a-z_]+)'::text", text))


async def test_the_database_knows_the_kinds_and_channels_of_the_table(owner: "asyncpg.Connection[Any]") -> None:
    assert await _named_in(owner, "command_kind") == set(Kind) == set(RULES)
    assert await _named_in(owner, "command_channel") == set(Channel)


async def test_the_database_allows_each_kind_in_its_lane_and_in_no_other(owner: "asyncpg.Connection[Any]") -> None:
    town = await make_town(owner)
    (meter_id,) = await town.add(1)
    for rule in RULES.values():
        for lane in Lane:
            async with owner.transaction():
                values = (town.tenant_id, meter_id, rule.kind, int(lane), f"{rule.kind}-{lane}")
                if lane is rule.lane:
                    await owner.execute(INSERT, *values)
                    continue
                with pytest.raises(asyncpg.CheckViolationError, match="command_lane"):
                    async with owner.transaction():
                        await owner.execute(INSERT, *values)
    await owner.execute("DELETE FROM command WHERE tenant_id = $1", town.tenant_id)

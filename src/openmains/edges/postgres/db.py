# SPDX-License-Identifier: Apache-2.0
"""Connections to PostgreSQL.

Two roles work on the tables and neither owns one: ``openmains_api`` obeys row-level security and must say for which
tenant it speaks (``tenant_transaction``), ``openmains_pipeline`` works for all tenants. For a person whose rights are limited
a transaction becomes ``openmains_limited``, which sees less (ADR 0050). A pool takes its role when it
connects, as a start-up setting, so that neither ``RESET ALL`` nor a forgotten ``SET`` can give it back.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from openmains.app.reach import limits_now

API_ROLE = "openmains_api"
PIPELINE_ROLE = "openmains_pipeline"
LIMITED_ROLE = "openmains_limited"  # the API for a person whose rights are limited (migration 0110)
SIGNER_ROLE = "openmains_signer"  # reads the few columns the signer's rules need (migration 0006)

Pool = asyncpg.Pool
Connection = asyncpg.Connection | PoolConnectionProxy
Row = asyncpg.Record

_LIMITED = """SELECT set_config('openmains.tenant', $1, true), set_config('openmains.user', $2, true),
 set_config('openmains.places', $3, true), set_config('openmains.media', $4, true), set_config('openmains.products', $5, true),
 set_config('openmains.meters', $6, true), set_config('role', 'openmains_limited', true)"""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def rows_of(status: str) -> int:
    """How many rows a statement touched, of what the server said of it: ``UPDATE 3``."""
    return int(status.rpartition(" ")[2])


def _jsonb_out(value: Any) -> bytes:
    return b"\x01" + _encode(value)  # binary jsonb opens with its version, 1


def _jsonb_in(data: bytes) -> Any:
    return _decode(data[1:])


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_jsonb_out, decoder=_jsonb_in, format="binary"
    )
    await connection.set_type_codec("json", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary")


async def _nothing(connection: Any) -> None:
    """Whoever set nothing has nothing to take back."""


async def create_pool(
    dsn: str,
    *,
    role: str | None = None,
    min_size: int = 1,
    max_size: int = 8,
    command_timeout_s: float | None = 60.0,
    application: str = "openmains",
    reset: bool = True,
) -> "asyncpg.Pool":
    """A pool of connections that work as ``role`` (``API_ROLE``, ``PIPELINE_ROLE``; None: the user of the DSN).

    ``reset=False`` saves a round trip at each use, for users that set nothing which outlives a transaction. jsonb columns
    read and write plain Python values. Raises ``OSError`` or ``asyncpg.PostgresError`` when the server is not there.
    """
    settings = {"application_name": application, "timezone": "UTC"}
    if role is not None:
        settings["role"] = role
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        command_timeout=command_timeout_s,
        server_settings=settings,
        init=_prepare,
        reset=None if reset else _nothing,
    )


async def connect(dsn: str, *, role: str | None = None, application: str = "openmains") -> "asyncpg.Connection":
    """One connection outside a pool (migrations, LISTEN); close it."""
    settings = {"application_name": application, "timezone": "UTC"}
    if role is not None:
        settings["role"] = role
    connection = await asyncpg.connect(dsn, server_settings=settings)
    await _prepare(connection)
    return connection


@asynccontextmanager
async def tenant_transaction(pool: "asyncpg.Pool", tenant_id: int) -> AsyncIterator[PoolConnectionProxy]:
    """A transaction that sees and writes only the rows of one tenant, and of these what the task's limits let it
    (``app/reach.py``). The settings end with the transaction."""
    limits = limits_now()
    async with pool.acquire() as connection, connection.transaction():
        if limits.reach.is_whole:
            await connection.execute("SELECT set_config('openmains.tenant', $1, true)", str(tenant_id))
        else:
            reach = limits.reach
            await connection.execute(
                _LIMITED,
                str(tenant_id),
                str(limits.user_id),
                _array(reach.places),
                _array(reach.media),
                _array(reach.products),
                _array(reach.meters),
            )
        yield connection


def _array(values: Sequence[object]) -> str:
    return "{" + ",".join(str(value) for value in values) + "}"  # numbers and media: nothing to quote

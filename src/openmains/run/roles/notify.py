# SPDX-License-Identifier: Apache-2.0
"""Composition of what goes out to persons and other systems: notices and subscriptions, beside the worker's jobs."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from openmains.app.notice.push import PushLoop
from openmains.app.notice.reading_feed import ChangesFeed
from openmains.app.notice.sealing import VaultSealer
from openmains.app.notice.work import NoticeLoop
from openmains.app.security.keys.vault import Vault
from openmains.domain.ids import TenantId
from openmains.domain.period import HOUR_S
from openmains.edges.clickhouse.changes import ClickHouseChanges
from openmains.edges.notify.brokers import Brokers
from openmains.edges.notify.guard import AddressGuard, networks_of
from openmains.edges.notify.http import Http
from openmains.edges.notify.senders import senders
from openmains.edges.notify.smtp import Mailer
from openmains.edges.postgres.db import Pool, connect
from openmains.edges.postgres.notice.push import PostgresPushWork
from openmains.edges.postgres.notice.work import PostgresNoticeWork
from openmains.edges.postgres.readings.changes import ChangeFactsOfTenant
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.run.engines.child import StartError
from openmains.run.master_key import masters_of
from openmains.run.personal import personal_vault
from openmains.run.roles.process import Core, every, now_us
from openmains.run.settings import Settings

EVERY_S = 1.0  # an alarm is to reach a person within 20 s (R7.1)
FORGET_EVERY_S = HOUR_S


def sealer_of(settings: Settings, pool: Pool) -> VaultSealer:
    """Over a pool of role openmains_pipeline, which alone reads data keys."""
    return VaultSealer(Vault(PostgresKeys(pool), masters_of(settings.var_path), secrets.token_bytes))


def guard_of(settings: Settings) -> AddressGuard:
    """Raises StartError for what is no network. Our engines' ports are refused even on networks that are let in."""
    try:
        networks = networks_of(settings.notify_networks)
    except ValueError as error:
        raise StartError(
            f"notify_networks:不是网段:{error}。请填写如 10.2.0.0/16, 192.168.7.0/24。",
            f"notify_networks: no network: {error}. Write it like 10.2.0.0/16, 192.168.7.0/24.",
        ) from error
    urls = settings.urls()
    own = {urlsplit(url).port for url in (urls.postgres_api, urls.nats_of("core"), urls.clickhouse)}
    return AddressGuard(networks, [port for port in own if port])


async def run_notify(
    settings: Settings, core: Core, guard: AddressGuard, exponents: Mapping[str, int], stop: asyncio.Event
) -> None:
    """Until ``stop``: one process at a time does this, whoever holds the turn. ``exponents``: registers of a driver count 10^n m³."""
    urls, pool = settings.urls(), core.pool
    async with AsyncExitStack() as stack:
        http, mailer, brokers = Http(guard), Mailer(guard), Brokers(guard)
        stack.push_async_callback(http.close)
        stack.callback(mailer.close)
        stack.push_async_callback(brokers.close)

        notices = PostgresNoticeWork(pool, lambda: connect(urls.postgres_pipeline, application="openmains notices"))
        pushes = PostgresPushWork(pool, lambda: connect(urls.postgres_pipeline, application="openmains push"))
        stack.push_async_callback(notices.close)
        stack.push_async_callback(pushes.close)
        sealer = sealer_of(settings, pool)

        @asynccontextmanager
        async def facts(tenant_id: TenantId) -> AsyncIterator[ChangeFactsOfTenant]:
            async with pool.acquire() as connection:
                yield ChangeFactsOfTenant(connection, tenant_id)

        feed = ChangesFeed(ClickHouseChanges(core.clickhouse), facts, exponents)
        desk = NoticeLoop(notices, sealer, senders(http, mailer), now_us, personal_vault(settings.var_path, pool))
        push = PushLoop(pushes, sealer, http, feed, now_us, brokers)

        async def tell() -> None:
            await desk.step()

        async def forget() -> None:
            await notices.forget(now_us())
            await pushes.forget(now_us())

        await asyncio.gather(
            every(EVERY_S, "notices", tell, stop),
            every(EVERY_S, "subscriptions", push.step, stop),
            every(FORGET_EVERY_S, "old events", forget, stop),
        )

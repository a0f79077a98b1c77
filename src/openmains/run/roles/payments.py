# SPDX-License-Identifier: Apache-2.0
"""Composition of payments: calls to providers, and what the worker does for orders, refunds and top-ups beside its jobs."""

import asyncio
import secrets
from contextlib import AsyncExitStack

from openmains.app.command.driver import CommandDrivers
from openmains.app.notice.shapes.talk import ChannelRequest, Refused
from openmains.app.payment.channel_settings import ChannelContext
from openmains.app.payment.channels.port import ProviderAnswer, ProviderRequest
from openmains.app.payment.working import PaymentWorker
from openmains.edges.notify.guard import AddressGuard
from openmains.edges.notify.http import Http
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.payment.comparison import PostgresComparisonWork
from openmains.edges.postgres.payment.orders import PostgresPaymentWork
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.switch import FileSwitch
from openmains.run.roles.notify import sealer_of
from openmains.run.roles.process import Core, every, now_us
from openmains.run.settings import Settings

EVERY_S = 2.0
COMPARE_EVERY_S = 600.0
MOST_FILE = 64 * 1024 * 1024  # a provider's file of a day


class ProviderCalls:
    """``Caller`` over the guarded HTTP of notices: public addresses by TLS only, own networks where the settings let them in."""

    def __init__(self, guard: AddressGuard) -> None:
        self._http = Http(guard, most=MOST_FILE)

    async def __call__(self, call: ProviderRequest) -> ProviderAnswer | None:
        told = await self._http.call(ChannelRequest(call.url, call.body, call.headers, call.method))
        return None if isinstance(told, Refused) else ProviderAnswer(told.status, told.body, told.headers)

    async def close(self) -> None:
        """No call after this."""
        await self._http.close()


async def run_payments(
    settings: Settings, core: Core, guard: AddressGuard, drivers: CommandDrivers, stop: asyncio.Event
) -> None:
    """Until ``stop``. Several processes may do it: orders are locked, and each step is once for its key."""
    async with AsyncExitStack() as stack:
        pool = await create_pool(settings.urls().postgres_api, max_size=2, application="openmains payments")
        stack.push_async_callback(pool.close)
        calls, signer = ProviderCalls(guard), SocketSigner(settings.signer_path)
        stack.push_async_callback(calls.close)
        stack.push_async_callback(signer.close)
        tools = ChannelContext(
            calls, sealer_of(settings, core.pool), lambda: now_us() // 1_000_000, lambda: secrets.token_hex(16)
        )
        worker = PaymentWorker(
            PostgresStore(pool),
            PostgresPaymentWork(core.pool),
            tools,
            signer,
            FileSwitch(settings.stop_folder),
            drivers,
            now_us,
            PostgresComparisonWork(core.pool),
        )
        await asyncio.gather(
            every(EVERY_S, "payments", worker.turn, stop), every(COMPARE_EVERY_S, "comparisons", worker.compare, stop)
        )

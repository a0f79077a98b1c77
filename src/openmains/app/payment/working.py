# SPDX-License-Identifier: Apache-2.0
"""What the worker does for payments: unknown orders and refunds are asked for, paid top-ups go to their meters. One thing that fails
holds up no other."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.ports import StopSwitch
from openmains.app.command.signing_ports import Signer
from openmains.app.identity.model import Actor
from openmains.app.payment.booking import US, machine
from openmains.app.payment.channel_settings import ChannelContext
from openmains.app.payment.compare_ports import ComparisonWork
from openmains.app.payment.comparing import BEIJING, compare_channel
from openmains.app.payment.delivering import work_delivery
from openmains.app.payment.order_ports import PaymentOrderStore, PaymentRefundStore, PaymentWork
from openmains.app.payment.ordering import ask_order
from openmains.app.payment.refunding import work_refund
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.payment.order import ASKED_FOR, OrderState

log = logging.getLogger("openmains.payments")
FILES_AFTER_S = 36_000  # providers have the file of a day at about ten the next morning
AT_ONCE = 50  # of a utility, each turn


@dataclass(frozen=True, slots=True)
class PaymentWorker:
    """``now_us``: our clock."""

    store: Store
    work: PaymentWork
    tools: ChannelContext
    signer: Signer | None
    switch: StopSwitch
    drivers: CommandDrivers
    now_us: Callable[[], int]
    comparisons: ComparisonWork | None = None

    async def compare(self) -> None:
        """Yesterday of every channel, once it is there: from ten in the morning, and again until it was compared."""
        if self.comparisons is None:
            return
        now_s = self.now_us() // US
        day = BEIJING.day_of(now_s) - 1
        if now_s < BEIJING.start_of(day + 1) + FILES_AFTER_S:
            return
        for tenant_id, channel_id in await self.comparisons.due(day):
            actor = machine(tenant_id, 0, "Asia/Shanghai")
            await self._try(
                f"comparison of channel {channel_id}",
                lambda actor=actor, channel_id=channel_id: self._compare(actor, channel_id, day),  # type: ignore[misc]
            )

    async def _compare(self, actor: Actor, channel_id: int, day: int) -> None:
        await compare_channel(self.store, self.tools, actor, channel_id, day, self.now_us(), by_platform=True)

    async def turn(self) -> None:
        """Whatever is due, of every utility."""
        for tenant_id, zone_key in await self.work.tenants(self.now_us()):
            await self._of(tenant_id, zone_key)

    async def _of(self, tenant_id: TenantId, zone_key: str) -> None:
        async with self.store.tenant(tenant_id) as work:
            order_ids = await work[PaymentOrderStore].due(self.now_us(), AT_ONCE)
            refund_ids = await work[PaymentRefundStore].due(self.now_us(), AT_ONCE)
        for order_id in order_ids:
            await self._try(f"order {order_id}", lambda order_id=order_id: self._order(tenant_id, zone_key, order_id))  # type: ignore[misc]
        for refund_id in refund_ids:
            await self._try(
                f"refund {refund_id}",
                lambda refund_id=refund_id: work_refund(
                    self.store, self.tools, tenant_id, zone_key, refund_id, self.now_us()
                ),  # type: ignore[misc]
            )

    async def _order(self, tenant_id: TenantId, zone_key: str, order_id: int) -> None:
        async with self.store.tenant(tenant_id) as work:
            order = await work[PaymentOrderStore].get(order_id)
        if order is not None and OrderState(order.state) in ASKED_FOR:
            await ask_order(self.store, self.tools, tenant_id, zone_key, order_id, self.now_us())
        elif order is not None:
            await work_delivery(
                self.store,
                self.signer,
                self.switch,
                self.drivers,
                self.tools.sealer,
                tenant_id,
                zone_key,
                order_id,
                self.now_us(),
            )

    async def _try(self, what: str, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except Problem as problem:  # as secrets that do not open: said, and tried again at the next turn
            log.warning("%s: %s", what, problem.code)
        except Exception as error:  # its text might quote what was sent
            log.warning("%s: %s", what, type(error).__name__)

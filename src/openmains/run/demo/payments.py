# SPDX-License-Identifier: Apache-2.0
"""The demo utility's payments by phone: a channel at an emulated WeChat Pay, and a day's orders with it: paid, left, given back, and
callbacks that
nobody believes. The provider lives in this process for that day only; the channel is switched off after it, for nobody answers behind it."""

import logging
import secrets
import time
from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.payment.channel_settings import ChannelContext, ChannelSettings, add_channel, change_channel
from openmains.app.payment.channels.port import ProviderAnswer, ProviderRequest
from openmains.app.payment.hear_callback import hear_callback
from openmains.app.payment.order_ports import ChannelSealer, PaymentChannelStore
from openmains.app.payment.ordering import WantedOrder, make_order
from openmains.app.payment.refunding import ask_for_refund, decide_refund, work_refund
from openmains.app.unit_of_work import Store
from openmains.emulator.pay.trades import Mischief, Trade
from openmains.emulator.pay.wechat import EmulatedWechat

log = logging.getLogger("openmains.demo")
NAME = "演示微信 Demo WeChat"
REASON = "演示支付 demo payments"
ADDRESS = "192.0.2.7"  # of documentation (RFC 5737): where the callbacks are said to come from


async def fill_payments(
    store: Store, sealer: ChannelSealer, chief: Actor, clerk: Actor, account_ids: Sequence[int], today: int
) -> int:
    """A day's orders, unless the channel is there; how many were paid."""
    async with store.tenant(chief.tenant_id) as work:
        if any(one.name == NAME for one in await work[PaymentChannelStore].all(today)):
            return 0
    provider = EmulatedWechat(_now_s, base_url="https://pay.invalid")

    async def call(request: ProviderRequest) -> ProviderAnswer | None:
        told = provider.answer(request.method, request.url, request.headers, request.body)
        return None if told is None else ProviderAnswer(told[0], told[2], told[1])

    tools = ChannelContext(call, sealer, _now_s, lambda: secrets.token_hex(16))
    settings = provider.settings() | {"notify_base": "https://utility.invalid/api/v1"}
    form = ChannelSettings(NAME, settings, provider.secrets(), is_on=True)
    channel = await add_channel(store, chief, sealer, "wechat", form, REASON, _now_us())

    async def call_back(trade: Trade, mischief: Mischief | None = None) -> None:
        provider.book.mischief = mischief or Mischief()
        _, headers, body = provider.callback(trade)
        provider.book.mischief = Mischief()
        await hear_callback(store, tools, chief.tenant_id, channel.channel_id, headers, body, ADDRESS, _now_us())

    paid = 0
    for place, account_id in enumerate(account_ids):
        wanted = WantedOrder(f"demo-order-{place}", channel.channel_id, account_id, None, 2_000 + 500 * (place % 7))
        order = await make_order(store, tools, clerk, wanted, _now_us())
        if place % 5 == 4:
            provider.book.close(order.number)  # its payer went away
            continue
        trade = provider.book.pay(order.number, _now_s())
        if place == 0:
            for mischief in (
                Mischief(wrong_signature=True),
                Mischief(late_s=900),
                Mischief(other_merchant=True),
                Mischief(other_amount=1),
            ):
                await call_back(trade, mischief)
        await call_back(trade)
        await call_back(trade)  # providers say it twice
        paid += 1
        if place == 1:
            asked = await ask_for_refund(store, clerk, order.order_id, 500, "多付 paid too much", _now_us())
            await decide_refund(store, chief, asked.refund_id, REASON, today, _now_us(), agreed=True)
            await work_refund(store, tools, chief.tenant_id, chief.zone, asked.refund_id, _now_us())
        if place == 2:
            await ask_for_refund(store, clerk, order.order_id, order.fen, "重复缴费 paid twice", _now_us())
    off = ChannelSettings(NAME, settings, {}, is_on=False)
    await change_channel(store, chief, sealer, channel.channel_id, off, REASON, _now_us())
    return paid


def _now_s() -> int:
    return int(time.time())


def _now_us() -> int:
    return time.time_ns() // 1000

# SPDX-License-Identifier: Apache-2.0
"""Emulated providers of payments, wired to our adapters without sockets."""

import secrets
from collections.abc import Callable

from openmains.app.payment.channels import alipay, wechat
from openmains.app.payment.channels.port import Caller, PaymentChannel, ProviderAnswer, ProviderRequest
from openmains.emulator.pay.alipay import EmulatedAlipay
from openmains.emulator.pay.wechat import EmulatedWechat

Emulated = EmulatedWechat | EmulatedAlipay


def caller_to(provider: Emulated) -> Caller:
    """Sends calls to an emulated provider."""

    async def call(one: ProviderRequest) -> ProviderAnswer | None:
        told = provider.answer(one.method, one.url, one.headers, one.body)
        return None if told is None else ProviderAnswer(told[0], told[2], told[1])

    return call


def channel_to(provider: Emulated, now_s: Callable[[], int]) -> PaymentChannel:
    """Our adapter for it, of the settings a utility fills in."""
    call = caller_to(provider)
    if isinstance(provider, EmulatedWechat):
        keys = wechat.keys_of(provider.settings(), provider.secrets())
        return wechat.WechatPay(keys, call, now_s, lambda: secrets.token_hex(16))
    return alipay.Alipay(alipay.keys_of(provider.settings(), provider.secrets()), call, now_s)

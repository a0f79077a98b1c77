# SPDX-License-Identifier: Apache-2.0
"""By which application customers sign in and pay within WeChat: that of the first WeChat channel that is on and has the application's
secret."""

from openmains.app.payment.channels.wechat_sign_in import SECRET, authorise_url
from openmains.app.payment.order_model import PayChannel
from openmains.app.payment.order_ports import PaymentChannelStore
from openmains.app.portal.model import WechatSignIn
from openmains.app.unit_of_work import Work


def takes_wechat(channel: PayChannel) -> bool:
    """Whether customers sign in, and pay within WeChat, by this channel."""
    return channel.provider == "wechat" and channel.is_on and SECRET in channel.secrets


async def wechat_channel(work: Work) -> PayChannel | None:
    """None: there is none, and nothing is said of WeChat."""
    return next((one for one in await work[PaymentChannelStore].all(0) if takes_wechat(one)), None)


async def wechat_offered(work: Work) -> WechatSignIn | None:
    """Where a page in WeChat is sent for a code."""
    found = await wechat_channel(work)
    return None if found is None else WechatSignIn(found.settings["application"], authorise_url(found.settings))

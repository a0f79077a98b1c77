# SPDX-License-Identifier: Apache-2.0
"""A sender for each kind of channel: its shape (``app/notice/shapes``) over HTTP, e-mail, or a service of Apprise.

Apprise is asked only for services whose host is their own (``APPRISE_SERVICES``). Group robots and text messages are spoken by
ourselves: Apprise takes their 200 for success and never reads the number that says it was refused.
"""

import asyncio
import logging
from collections.abc import Mapping

import apprise

from openmains.app.notice.channel_fields import APPRISE_SERVICES, fact_list, fact_pairs
from openmains.app.notice.ports import Sender
from openmains.app.notice.shapes import robots, sms, webhook, wechat
from openmains.app.notice.shapes.talk import Accepted, Letter, Outcome, Refused, Talk
from openmains.edges.notify.http import Http
from openmains.edges.notify.smtp import Mailer
from openmains.edges.notify.web_push import WebPush

_US = 1_000_000
Values = Mapping[str, str]
logging.getLogger("apprise").setLevel(logging.CRITICAL)  # what it says of a failure may quote the URL


class Spoken:
    """``Sender`` of a shape over HTTP."""

    def __init__(self, http: Http, kind: str) -> None:
        self._http = http
        self._kind = kind

    async def __call__(self, settings: Values, secrets: Values, letter: Letter, now_us: int) -> Outcome:
        return await self._http.converse(talk_of(self._kind, settings, secrets, letter, now_us))


def talk_of(kind: str, settings: Values, secrets: Values, letter: Letter, now_us: int) -> Talk:
    """What is said to a channel of this kind."""
    now_s = now_us // _US
    if kind == "webhook":
        return webhook.talk(settings["url"], secrets.get("secret", ""), letter, now_s)
    if kind == "wecom":
        return robots.wecom(secrets["url"], letter)
    if kind == "dingtalk":
        return robots.dingtalk(secrets["url"], secrets.get("secret", ""), letter, now_us // 1000)
    if kind == "feishu":
        return robots.feishu(secrets["url"], secrets.get("secret", ""), letter, now_s)
    if kind == "wechat":
        account = wechat.WechatAccount(
            settings["app_id"],
            secrets["secret"],
            settings["template"],
            fact_pairs(settings["fields"]),
            settings.get("url", ""),
        )
        return wechat.talk(account, letter)
    sender = sms.SmsAccount(
        settings["key_id"],
        secrets["secret"],
        settings["sign_name"],
        settings["template"],
        fact_list(settings["fields"]),
        settings.get("app_id", ""),
        settings.get("region", ""),
        settings.get("url", ""),
    )
    return (sms.aliyun if kind == "sms_aliyun" else sms.tencent)(sender, letter, now_s)


class AppriseSender:
    """``Sender`` of kind apprise: yes or no is all that it says."""

    async def __call__(self, settings: Values, secrets: Values, letter: Letter, now_us: int) -> Outcome:
        url = secrets["url"]
        if url.partition("://")[0].lower() not in APPRISE_SERVICES:
            return Refused("unknown-service", is_final=True)
        service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if service is None:
            return Refused("wrong-url", is_final=True)
        service.verify_certificate = True
        service.redirects = False
        service.socket_connect_timeout, service.socket_read_timeout = 5.0, 10.0
        took = await asyncio.to_thread(service.notify, body=letter.text, title=letter.subject)
        return Accepted() if took is True else Refused("the service refused it, or could not be reached")


def senders(http: Http, mailer: Mailer) -> dict[str, Sender]:
    """By kind of channel; the inbox needs none."""
    spoken = ("webhook", "wecom", "dingtalk", "feishu", "sms_aliyun", "sms_tencent", "wechat")
    return {
        **{kind: Spoken(http, kind) for kind in spoken},
        "email": mailer,
        "apprise": AppriseSender(),
        "web_push": WebPush(http),
    }

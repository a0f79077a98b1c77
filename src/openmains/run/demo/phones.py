# SPDX-License-Identifier: Apache-2.0
"""What stands behind a customer's phone in the demo: a maker of text messages, which writes each on the terminal instead of sending it,
and a WeChat Pay at which every order is paid a few seconds after it was made. Both are emulated, answer on an address of this machine
alone, and are new at each start; their channels are set to them.

The terminal is the only place where a code can be read, and no log file keeps it (``say``).
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlsplit

from openmains.app.identity.model import Actor
from openmains.app.notice.change_channels import ChannelDraft
from openmains.app.notice.change_channels import add_channel as add_notice_channel
from openmains.app.notice.change_channels import change_channel as change_notice_channel
from openmains.app.notice.ports import ChannelStore
from openmains.app.notice.sealing import VaultSealer
from openmains.app.payment.channel_settings import ChannelSettings, add_channel, change_channel
from openmains.app.payment.order_ports import PaymentChannelStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.party.personal import PersonalField, mask
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.emulator.pay.trades import Trade
from openmains.emulator.pay.wechat import EmulatedWechat
from openmains.run.demo import town
from openmains.run.demo.chief import chief_of
from openmains.run.demo.phone_host import HOST
from openmains.run.logs import say
from openmains.run.roles.notify import sealer_of
from openmains.run.roles.process import now_us
from openmains.run.settings import Settings

log = logging.getLogger("openmains.demo")
SMS, PAY = "演示短信(模拟) Demo messages", "演示微信支付(模拟) Demo WeChat Pay"
REASON = "演示启动 start of the demo"
PAID_AFTER_S = 6.0
MOST_HEAD, MOST_BODY = 16_384, 65_536
Answer = tuple[int, Mapping[str, str], bytes]


class Providers:
    """Both providers behind one port. ``person``: who holds the phone, at WeChat. ``stop``: nobody pays after it."""

    def __init__(self) -> None:
        self.wechat = EmulatedWechat(lambda: int(time.time()))
        self.person = self.wechat.people.person()
        self._paying: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of a connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if len(head) > MOST_HEAD:
                return
            lines = head.decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            size = int(headers.get("content-length", "0"))
            if size > MOST_BODY:
                return
            body = await reader.readexactly(size)
            status, more, told = self._answer(method, target, headers, body)
            text = "".join(f"{name}: {value}\r\n" for name, value in more.items())
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(told)}\r\nConnection: close\r\n{text}\r\n".encode() + told
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            log.info("a request to the demo's providers was none")
        finally:
            writer.close()

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if target.startswith("/sms"):
            return self._message(target)
        if target.startswith("/connect/oauth2/authorize"):
            return 302, {"Location": self.wechat.people.authorised(target, self.person)}, b""
        known = set(self.wechat.book.trades)
        told = self.wechat.answer(method, self.wechat.base_url + target, headers, body)
        for number in set(self.wechat.book.trades) - known:
            task = asyncio.create_task(self._pay(number))
            self._paying.add(task)
            task.add_done_callback(self._paying.discard)
        return told if told is not None else (503, {}, b"")

    def _message(self, target: str) -> Answer:
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        facts = json.loads(query.get("TemplateParam", "{}"))
        phone = mask(PersonalField.PHONE, query.get("PhoneNumbers", ""))
        say(
            f"短信(模拟) {phone}:验证码 {facts.get('code', '')} / emulated message to {phone}: code {facts.get('code', '')}"
        )
        return 200, {"Content-Type": "application/json"}, b'{"Code":"OK","Message":"OK","BizId":"demo"}'

    async def _pay(self, number: str) -> None:
        """As a customer who takes his time."""
        await asyncio.sleep(PAID_AFTER_S)
        trade = self.wechat.book.trades[number]
        if trade.state != "open":
            return
        self.wechat.book.pay(number, int(time.time()))
        await asyncio.to_thread(self._call_back, trade)

    def _call_back(self, trade: Trade) -> None:
        url, headers, body = self.wechat.callback(trade)
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            connection.request("POST", parts.path, body, headers)
            connection.getresponse().read()
        except OSError:
            log.info("a callback of the demo's payments was not heard; the platform asks")
        finally:
            connection.close()


async def serve_phones(settings: Settings, tenant_id: TenantId, stop: asyncio.Event) -> None:
    """Until ``stop``. What goes wrong is told, and the demo goes on without it."""
    providers = Providers()
    try:
        server = await asyncio.start_server(providers.serve, HOST, 0)
    except OSError as error:
        say(f"模拟短信与支付未启动:{error} / no emulated messages and payments: {error}")
        return
    async with server:
        url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        providers.wechat.base_url = url
        try:
            await _set_channels(settings, tenant_id, providers, url)
            phone = next(iter(town.meters())).phone
            say(
                f"用户手机页 / customers' pages: http://127.0.0.1:{settings.http_port}/my/  手机号 phone {phone}"
                " (验证码显示在此 / its code is shown here)"
            )
        except Exception:
            log.exception("the demo's phones were not set up")
            say("用户手机页的模拟渠道未设好,详见日志 / the channels of customers' pages are not set; the log says why")
        await stop.wait()


async def _set_channels(settings: Settings, tenant_id: TenantId, providers: Providers, url: str) -> None:
    pool = await create_pool(settings.urls().postgres_api, max_size=1)
    keys = await create_pool(settings.urls().postgres_pipeline, max_size=1)
    owner = await create_pool(settings.urls().postgres_owner, max_size=1)
    try:
        chief = await chief_of(owner, tenant_id)
        if chief is None:
            raise LookupError("the demo utility has no administrator")
        store, sealer = PostgresStore(pool), sealer_of(settings, keys)
        await _set_messages(store, sealer, chief, url)
        await _set_payments(store, sealer, chief, providers.wechat, settings.http_port)
    finally:
        await owner.close()
        await keys.close()
        await pool.close()


async def _set_messages(store: Store, sealer: VaultSealer, chief: Actor, url: str) -> None:
    values = {
        "key_id": "demo", "secret": secrets.token_hex(8), "sign_name": "演示", "template": "DEMO", "fields": "code", "url": f"{url}/sms",
    }  # fmt: skip
    form = ChannelDraft(SMS, values, 60)
    async with store.tenant(chief.tenant_id) as work:
        known = next((one for one in await work[ChannelStore].all() if one.name == SMS), None)
    if known is None:
        await add_notice_channel(store, chief, sealer, "sms_aliyun", form, REASON, now_us())
    else:
        await change_notice_channel(store, chief, sealer, known.channel_id, form, REASON, now_us())


async def _set_payments(
    store: Store, sealer: VaultSealer, chief: Actor, provider: EmulatedWechat, http_port: int
) -> None:
    more = {"notify_base": f"http://127.0.0.1:{http_port}/api/v1", "sign_in_base": provider.base_url}
    secrets_ = provider.secrets() | {"app_secret": provider.app_secret}
    form = ChannelSettings(PAY, provider.settings() | more, secrets_, is_on=True)
    async with store.tenant(chief.tenant_id) as work:
        known = next((one for one in await work[PaymentChannelStore].all(0) if one.name == PAY), None)
    if known is None:
        await add_channel(store, chief, sealer, "wechat", form, REASON, now_us())
    else:
        await change_channel(store, chief, sealer, known.channel_id, form, REASON, now_us())

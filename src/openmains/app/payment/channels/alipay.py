# SPDX-License-Identifier: Apache-2.0
"""Alipay's gateway with RSA2: QR codes (precreate), payments within its application (create), query, close, refund, bills.

request    a form; ``sign`` over all parts that are not empty, sorted by name, joined by ``&``
answer     JSON; ``sign`` over the bytes of the ``…_response`` member as they stand there
callback   a form; ``sign`` over all parts but ``sign`` and ``sign_type``, decoded. It names application and seller, which are compared
bill       a ZIP with a CSV in GB 18030

Alipay repeats a callback for a day. One whose ``notify_time`` is outside our window changes nothing: the order is asked for instead.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from openmains.app.payment.channels import signing
from openmains.app.payment.channels.port import (
    Caller,
    Declined,
    Heard,
    Notice,
    OrderToPlace,
    Placed,
    ProviderRequest,
    RefundHeard,
    StatementLine,
    Unclear,
)
from openmains.app.payment.channels.wechat import BEIJING, instant_of
from openmains.domain.payment.callback import CallbackFault, OrderClaim, is_stale
from openmains.domain.payment.compare import MoneyKind
from openmains.domain.tariff.exact import whole

GATEWAY = "https://openapi.alipay.com/gateway.do"
MOST_FILE = 64 * 1024 * 1024
_STATES = {"WAIT_BUYER_PAY": "open", "TRADE_SUCCESS": "paid", "TRADE_FINISHED": "paid", "TRADE_CLOSED": "closed"}
_UNSURE = frozenset({"20000", "40006"})  # busy, or our right to ask is away: nothing is said of the order
_UNSURE_SUB = frozenset({"ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR", "ACQ.REFUND_ROUTE_ERROR"})


@dataclass(frozen=True, slots=True)
class AlipayKeys:
    """``merchant``: the seller's id (2088…)."""

    merchant: str
    application: str
    key: rsa.RSAPrivateKey
    platform: rsa.RSAPublicKey
    base_url: str = GATEWAY


def keys_of(settings: Mapping[str, str], secrets: Mapping[str, str]) -> AlipayKeys:
    """Raises ``ChannelKeyUnreadableError``."""
    key = signing.private_key("private_key", secrets["private_key"])
    platform = signing.public_key("platform_key", settings["platform_key"])
    return AlipayKeys(settings["merchant"], settings["application"], key, platform, settings.get("base_url") or GATEWAY)


def yuan(fen: int) -> str:
    """As Alipay writes amounts."""
    return f"{fen // 100}.{fen % 100:02d}"


class Alipay:
    """``PaymentChannel``. ``now_s``: our clock."""

    def __init__(self, keys: AlipayKeys, call: Caller, now_s: Callable[[], int]) -> None:
        self._keys = keys
        self._call = call
        self._now_s = now_s

    async def place(self, order: OrderToPlace) -> Placed | Declined | Unclear:
        minutes = max(1, (order.expires_s - self._now_s()) // 60)
        biz = {
            "out_trade_no": order.number, "total_amount": yuan(order.fen), "subject": order.title, "timeout_express": f"{minutes}m",
        }  # fmt: skip
        if order.scene == "jsapi":
            biz["buyer_id"] = order.payer
        method = "alipay.trade.precreate" if order.scene == "native" else "alipay.trade.create"
        told = await self._ask(method, biz, order.notify_url)
        if not isinstance(told, dict):
            return told
        code, number = told.get("qr_code"), told.get("trade_no")
        if order.scene == "native":
            return Placed(code=code) if isinstance(code, str) else Unclear("unreadable")
        return Placed(invoke={"tradeNO": number}) if isinstance(number, str) else Unclear("unreadable")

    async def ask(self, number: str) -> Heard | Unclear:
        told = await self._ask("alipay.trade.query", {"out_trade_no": number})
        if isinstance(told, Declined):
            return Heard("gone") if told.code == "ACQ.TRADE_NOT_EXIST" else Unclear(told.code)
        if isinstance(told, Unclear):
            return told
        # the answer names neither: it was asked as this application, and is signed to it
        return self._heard({**told, "app_id": self._keys.application, "seller_id": self._keys.merchant})

    async def close(self, number: str) -> Heard | Unclear:
        told = await self._ask("alipay.trade.close", {"out_trade_no": number})
        if isinstance(told, dict):
            return Heard("closed")
        return await self.ask(number) if isinstance(told, Declined) else told

    async def refund(
        self, number: str, refund_number: str, fen: int, total_fen: int, reason: str
    ) -> RefundHeard | Declined | Unclear:
        biz = {
            "out_trade_no": number,
            "out_request_no": refund_number,
            "refund_amount": yuan(fen),
            "refund_reason": reason[:80],
        }
        told = await self._ask("alipay.trade.refund", biz)
        if not isinstance(told, dict):
            return told
        if told.get("fund_change") == "Y":
            return RefundHeard("done", fen, str(told.get("trade_no", "")))
        return await self.ask_refund(number, refund_number)

    async def ask_refund(self, number: str, refund_number: str) -> RefundHeard | Unclear:
        told = await self._ask(
            "alipay.trade.fastpay.refund.query", {"out_trade_no": number, "out_request_no": refund_number}
        )
        if isinstance(told, Declined):
            return RefundHeard("gone") if told.code == "ACQ.TRADE_NOT_EXIST" else Unclear(told.code)
        if isinstance(told, Unclear):
            return told
        if told.get("refund_status") != "REFUND_SUCCESS":
            return RefundHeard("gone")
        try:
            return RefundHeard("done", whole(str(told["refund_amount"]), 2), str(told.get("trade_no", "")))
        except (KeyError, ValueError):
            return Unclear("unreadable")

    async def statement(self, day: str) -> list[StatementLine] | Unclear:
        told = await self._ask(
            "alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": day}
        )
        if isinstance(told, Declined):
            return [] if told.code == "isp.bill_not_exist" else Unclear(told.code)
        if isinstance(told, Unclear):
            return told
        reply = await self._call(ProviderRequest("GET", str(told.get("bill_download_url", "")), {}))
        if reply is None or reply.status != 200:
            return Unclear("no-answer")
        return statement_lines(reply.body)

    def read(self, headers: Mapping[str, str], body: bytes) -> Notice | CallbackFault:
        del headers
        try:
            parts = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100)
        except (ValueError, UnicodeDecodeError):
            return CallbackFault.UNREADABLE
        found = dict(parts)
        if len(found) != len(parts) or found.get("sign_type") != "RSA2" or "sign" not in found:
            return CallbackFault.UNREADABLE
        message = to_sign({name: value for name, value in found.items() if name not in ("sign", "sign_type")})
        if not signing.is_signed(self._keys.platform, message, found["sign"]):
            return CallbackFault.SIGNATURE
        try:
            told_s = instant_of(found.get("notify_time", ""))
        except ValueError:
            return CallbackFault.UNREADABLE
        if is_stale(told_s, self._now_s()):
            return CallbackFault.STALE
        event = found.get("notify_id", "")
        if not event:
            return CallbackFault.UNREADABLE
        if "refund_fee" in found or found.get("trade_status") not in ("TRADE_SUCCESS", "TRADE_FINISHED"):
            return Notice(event, None)
        heard = self._heard(found)
        return CallbackFault.UNREADABLE if isinstance(heard, Unclear) else Notice(event, heard)

    def answer(self, *, taken: bool) -> tuple[int, bytes, str]:
        return 200, b"success" if taken else b"fail", "text/plain"

    def held(self, number: str, fen: int) -> OrderClaim:
        return OrderClaim(self._keys.merchant, self._keys.application, number, fen)

    def _heard(self, told: Mapping[str, Any]) -> Heard | Unclear:
        state = _STATES.get(str(told.get("trade_status")))
        if state is None:
            return Unclear("unreadable")
        if state != "paid":
            return Heard("open" if state == "open" else "closed")
        try:
            fen = whole(str(told["total_amount"]), 2)
            claim = OrderClaim(str(told["seller_id"]), str(told["app_id"]), str(told["out_trade_no"]), fen)
            return Heard("paid", claim, str(told["trade_no"]))
        except (KeyError, ValueError):
            return Unclear("unreadable")

    async def _ask(
        self, method: str, biz: Mapping[str, Any], notify_url: str = ""
    ) -> dict[str, Any] | Declined | Unclear:
        parts = {
            "app_id": self._keys.application,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": BEIJING.iso(self._now_s())[:19].replace("T", " "),
            "version": "1.0",
            "biz_content": msgspec.json.encode(biz).decode(),
        }
        if notify_url:
            parts["notify_url"] = notify_url
        parts["sign"] = signing.signed(self._keys.key, to_sign(parts))
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in parts.items()).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
        reply = await self._call(ProviderRequest("POST", self._keys.base_url, headers, body))
        if reply is None or reply.status != 200:
            return Unclear("no-answer")
        try:
            members = msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])
            raw = bytes(members[method.replace(".", "_") + "_response"])
            told, signature = msgspec.json.decode(raw), msgspec.json.decode(members["sign"], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
            return Unclear("unreadable")
        if not signing.is_signed(self._keys.platform, raw, signature):
            return Unclear(CallbackFault.SIGNATURE.value)
        if not isinstance(told, dict):
            return Unclear("unreadable")
        if told.get("code") == "10000":
            return told
        code = str(told.get("sub_code") or told.get("code"))[:64]
        return Unclear(code) if told.get("code") in _UNSURE or code in _UNSURE_SUB else Declined(code)


def to_sign(parts: Mapping[str, str]) -> bytes:
    """What is signed of a form."""
    return "&".join(f"{name}={value}" for name, value in sorted(parts.items()) if value and name != "sign").encode()


def statement_lines(body: bytes) -> list[StatementLine] | Unclear:
    """A trade bill in its ZIP: of its files the one with the lines, not the summary; comment lines begin with #. The lines end with one that
    says how many they were: without it the file is cut short."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            (detail,) = [
                one for one in archive.infolist() if one.filename.endswith(".csv") and "汇总" not in one.filename
            ]
            if detail.file_size > MOST_FILE:
                return Unclear("too-large")
            text = archive.read(detail).decode("gb18030")
    except (zipfile.BadZipFile, ValueError, UnicodeDecodeError, RuntimeError):
        return Unclear("unreadable")
    lines = text.splitlines()
    if not any("业务明细列表结束" in line for line in lines):
        return Unclear("cut-short")
    rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(line for line in lines if line and not line.startswith("#"))
    ]
    found: list[StatementLine] = []
    try:
        place = {name: at for at, name in enumerate(rows[0])}
        for row in rows[1:]:
            fen = whole(row[place["订单金额（元）"]].lstrip("-"), 2)
            number = row[place["支付宝交易号"]]
            if row[place["业务类型"]] == "退款":
                found.append(StatementLine(MoneyKind.REFUND, row[place["退款批次号/请求号"]], number, fen))
            elif row[place["业务类型"]] == "交易":
                found.append(StatementLine(MoneyKind.PAYMENT, row[place["商户订单号"]], number, fen))
    except (KeyError, IndexError, ValueError):
        return Unclear("unreadable")
    return found

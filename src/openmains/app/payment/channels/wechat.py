# SPDX-License-Identifier: Apache-2.0
"""WeChat Pay API v3, merchant of its own: native (QR code) and JSAPI.

request    Authorization: WECHATPAY2-SHA256-RSA2048 over ``METHOD\\npath\\ntimestamp\\nnonce\\nbody\\n`` by the merchant's key
answer     ``timestamp\\nnonce\\nbody\\n`` signed by a key of the platform, named by Wechatpay-Serial; while they are changed two are good
callback   signed as answers are, within five minutes; its resource is sealed by the APIv3 key (AEAD_AES_256_GCM)
bill       a day's CSV, whose SHA-1 the signed answer says

An answer without a good signature says nothing, whatever its status: what was asked is unknown then.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from openmains.app.payment.channels import signing
from openmains.app.payment.channels.port import (
    Caller,
    ChannelKeyUnreadableError,
    Declined,
    Heard,
    Notice,
    OrderToPlace,
    Placed,
    ProviderAnswer,
    ProviderRequest,
    RefundHeard,
    StatementLine,
    Unclear,
)
from openmains.domain.payment.callback import CallbackFault, OrderClaim, is_stale
from openmains.domain.payment.compare import MoneyKind
from openmains.domain.period import zone
from openmains.domain.tariff.exact import whole

SCHEME = "WECHATPAY2-SHA256-RSA2048"
BASE_URL = "https://api.mch.weixin.qq.com"
BEIJING = zone("Asia/Shanghai")
_ORDER_STATES = {
    "SUCCESS": "paid", "REFUND": "paid", "NOTPAY": "open", "USERPAYING": "open", "PAYERROR": "open", "CLOSED": "closed", "REVOKED": "closed",
}  # fmt: skip
_REFUND_STATES = {"SUCCESS": "done", "PROCESSING": "running", "CLOSED": "failed", "ABNORMAL": "failed"}
_FINAL = frozenset(
    {
        "PARAM_ERROR",
        "NO_AUTH",
        "MCH_NOT_EXISTS",
        "APPID_MCHID_NOT_MATCH",
        "INVALID_REQUEST",
        "OUT_TRADE_NO_USED",
        "NOT_ENOUGH",
    }
)
"""Codes of a placing or a refund that trying again does not change."""


@dataclass(frozen=True, slots=True)
class WechatKeys:
    """``platform``: keys of the platform by serial number or key id, one or two."""

    merchant: str
    application: str
    serial: str
    key: rsa.RSAPrivateKey
    api_key: bytes
    platform: Mapping[str, rsa.RSAPublicKey]
    base_url: str = BASE_URL


def keys_of(settings: Mapping[str, str], secrets: Mapping[str, str]) -> WechatKeys:
    """Raises ``ChannelKeyUnreadableError``."""
    api_key = secrets["api_key"].encode()
    if len(api_key) != 32:
        raise ChannelKeyUnreadableError("api_key")
    platform = {
        settings[f"{name}_serial"]: signing.public_key(name, settings[name])
        for name in ("platform_key", "platform_key_2")
        if settings.get(name) and settings.get(f"{name}_serial")
    }
    if not platform:
        raise ChannelKeyUnreadableError("platform_key")
    key = signing.private_key("private_key", secrets["private_key"])
    base_url = settings.get("base_url") or BASE_URL
    return WechatKeys(
        settings["merchant"], settings["application"], settings["serial"], key, api_key, platform, base_url.rstrip("/")
    )


class WechatPay:
    """``PaymentChannel``. ``now_s``: our clock; ``nonce``: fresh random text."""

    def __init__(self, keys: WechatKeys, call: Caller, now_s: Callable[[], int], nonce: Callable[[], str]) -> None:
        self._keys = keys
        self._call = call
        self._now_s = now_s
        self._nonce = nonce

    async def place(self, order: OrderToPlace) -> Placed | Declined | Unclear:
        body: dict[str, Any] = {
            "appid": self._keys.application,
            "mchid": self._keys.merchant,
            "description": order.title,
            "out_trade_no": order.number,
            "time_expire": BEIJING.iso(order.expires_s),
            "notify_url": order.notify_url,
            "amount": {"total": order.fen, "currency": "CNY"},
        }
        if order.scene == "jsapi":
            body["payer"] = {"openid": order.payer}
        told = await self._ask("POST", f"/v3/pay/transactions/{order.scene}", body)
        if not isinstance(told, dict):
            return told
        if order.scene == "native":
            return (
                Placed(code=str(told["code_url"])) if isinstance(told.get("code_url"), str) else Unclear("unreadable")
            )
        prepay = told.get("prepay_id")
        return Placed(invoke=self._invoke(prepay)) if isinstance(prepay, str) else Unclear("unreadable")

    def _invoke(self, prepay_id: str) -> dict[str, str]:
        stamp, nonce, package = str(self._now_s()), self._nonce(), f"prepay_id={prepay_id}"
        signature = signing.signed(self._keys.key, f"{self._keys.application}\n{stamp}\n{nonce}\n{package}\n".encode())
        return {
            "appId": self._keys.application, "timeStamp": stamp, "nonceStr": nonce, "package": package, "signType": "RSA", "paySign": signature,
        }  # fmt: skip

    async def ask(self, number: str) -> Heard | Unclear:
        told = await self._ask(
            "GET", f"/v3/pay/transactions/out-trade-no/{quote(number)}?mchid={self._keys.merchant}", None
        )
        if isinstance(told, Declined):
            return Heard("gone") if told.code in ("ORDER_NOT_EXIST", "ORDERNOTEXIST") else Unclear(told.code)
        return told if isinstance(told, Unclear) else _heard(told)

    async def close(self, number: str) -> Heard | Unclear:
        told = await self._ask(
            "POST", f"/v3/pay/transactions/out-trade-no/{quote(number)}/close", {"mchid": self._keys.merchant}
        )
        if isinstance(told, dict) or (isinstance(told, Declined) and told.code in ("ORDER_CLOSED", "ORDERCLOSED")):
            return Heard("closed")
        if isinstance(told, Declined):
            return await self.ask(number)
        return told

    async def refund(
        self, number: str, refund_number: str, fen: int, total_fen: int, reason: str
    ) -> RefundHeard | Declined | Unclear:
        body = {
            "out_trade_no": number, "out_refund_no": refund_number, "reason": reason[:80],
            "amount": {"refund": fen, "total": total_fen, "currency": "CNY"},
        }  # fmt: skip
        told = await self._ask("POST", "/v3/refund/domestic/refunds", body)
        if isinstance(told, Declined) and told.code not in _FINAL:
            return Unclear(told.code)
        return _refund_heard(told) if isinstance(told, dict) else told

    async def ask_refund(self, number: str, refund_number: str) -> RefundHeard | Unclear:
        told = await self._ask("GET", f"/v3/refund/domestic/refunds/{quote(refund_number)}", None)
        if isinstance(told, Declined):
            return RefundHeard("gone") if told.code == "RESOURCE_NOT_EXISTS" else Unclear(told.code)
        return told if isinstance(told, Unclear) else _refund_heard(told)

    async def statement(self, day: str) -> list[StatementLine] | Unclear:
        told = await self._ask("GET", f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL", None)
        if isinstance(told, Declined):
            return [] if told.code == "NO_STATEMENT_EXIST" else Unclear(told.code)
        if isinstance(told, Unclear):
            return told
        parts = urlsplit(str(told.get("download_url", "")))
        base = urlsplit(self._keys.base_url)
        if told.get("hash_type") != "SHA1" or (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
            return Unclear("unreadable")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        reply = await self._send("GET", path, b"")
        if reply is None or reply.status != 200:
            return Unclear("no-answer")
        if hashlib.sha1(reply.body, usedforsecurity=False).hexdigest() != str(told.get("hash_value", "")).lower():
            return Unclear("file-changed")
        return statement_lines(reply.body, self._keys.merchant)

    def read(self, headers: Mapping[str, str], body: bytes) -> Notice | CallbackFault:
        lower = {name.lower(): value for name, value in headers.items()}
        wrong = self._wrong(lower, body)
        if wrong is not None:
            return wrong
        found = _object(body)
        resource = found.get("resource") if found else None
        if found is None or not isinstance(resource, dict) or resource.get("algorithm") != "AEAD_AES_256_GCM":
            return CallbackFault.UNREADABLE
        plain = signing.opened(
            self._keys.api_key,
            str(resource.get("nonce", "")),
            str(resource.get("ciphertext", "")),
            str(resource.get("associated_data") or ""),
        )
        if plain is None:
            return CallbackFault.SECRET
        inside = _object(plain)
        event = str(found.get("id", ""))
        if inside is None or not event:
            return CallbackFault.UNREADABLE
        if found.get("event_type") != "TRANSACTION.SUCCESS":
            return Notice(event, None)
        heard = _heard(inside)
        return CallbackFault.UNREADABLE if isinstance(heard, Unclear) else Notice(event, heard)

    def answer(self, *, taken: bool) -> tuple[int, bytes, str]:
        told = {"code": "SUCCESS", "message": "OK"} if taken else {"code": "FAIL", "message": "not accepted"}
        return (200 if taken else 400), msgspec.json.encode(told), "application/json"

    def held(self, number: str, fen: int) -> OrderClaim:
        return OrderClaim(self._keys.merchant, self._keys.application, number, fen)

    # the talk -------------------------------------------------------------------------------------------------------------

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any] | Declined | Unclear:
        reply = await self._send(method, path, b"" if body is None else msgspec.json.encode(body))
        if reply is None:
            return Unclear("no-answer")
        wrong = self._wrong(reply.headers, reply.body)
        if wrong is not None:
            return Unclear(wrong.value)
        if reply.status == 204:
            return {}
        found = _object(reply.body)
        if found is None:
            return Unclear("unreadable")
        if 200 <= reply.status < 300:
            return found
        code = str(found.get("code", ""))[:64] or str(reply.status)
        return Unclear(code) if reply.status >= 500 or reply.status in (401, 408, 429) else Declined(code)

    async def _send(self, method: str, path: str, body: bytes) -> ProviderAnswer | None:
        stamp, nonce = str(self._now_s()), self._nonce()
        message = f"{method}\n{path}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
        parts = {
            "mchid": self._keys.merchant, "nonce_str": nonce, "signature": signing.signed(self._keys.key, message), "timestamp": stamp,
            "serial_no": self._keys.serial,
        }  # fmt: skip
        headers = {
            "Authorization": f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in parts.items()),
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        return await self._call(ProviderRequest(method, self._keys.base_url + path, headers, body))

    def _wrong(self, headers: Mapping[str, str], body: bytes) -> CallbackFault | None:
        """What is wrong with a message's signature or time."""
        stamp, nonce = headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and nonce):
            return CallbackFault.UNREADABLE
        key = self._keys.platform.get(headers.get("wechatpay-serial", ""))
        if key is None:
            return CallbackFault.UNKNOWN_KEY
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        if not signing.is_signed(key, message, headers.get("wechatpay-signature", "")):
            return CallbackFault.SIGNATURE
        return CallbackFault.STALE if is_stale(int(stamp), self._now_s()) else None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def _heard(told: Mapping[str, Any]) -> Heard | Unclear:
    state = _ORDER_STATES.get(str(told.get("trade_state")))
    amount = told.get("amount")
    if state is None:
        return Unclear("unreadable")
    if state != "paid":
        return Heard("open" if state == "open" else "closed")
    if not isinstance(amount, dict) or type(amount.get("total")) is not int:
        return Unclear("unreadable")
    claim = OrderClaim(
        str(told.get("mchid", "")), str(told.get("appid", "")), str(told.get("out_trade_no", "")), amount["total"],
        str(amount.get("currency", "CNY")),
    )  # fmt: skip
    transaction = str(told.get("transaction_id", ""))
    return Heard("paid", claim, transaction) if transaction else Unclear("unreadable")


def _refund_heard(told: Mapping[str, Any]) -> RefundHeard | Unclear:
    state = _REFUND_STATES.get(str(told.get("status")))
    amount = told.get("amount")
    fen = amount.get("refund") if isinstance(amount, dict) else None
    if state is None or type(fen) is not int:
        return Unclear("unreadable")
    return RefundHeard(state, fen, str(told.get("refund_id", "")))  # type: ignore[arg-type]


def statement_lines(body: bytes, merchant: str) -> list[StatementLine] | Unclear:
    """A trade bill (ALL): values begin with a grave accent; after the lines comes a heading and a sum. A payment that was given back later
    stands as its payment; the refund is a line of its own."""
    try:
        rows = [
            [cell.strip().lstrip("`") for cell in row]
            for row in csv.reader(io.StringIO(body.decode("utf-8-sig")))
            if row
        ]
    except (UnicodeDecodeError, csv.Error):
        return Unclear("unreadable")
    if not rows or "商户订单号" not in rows[0]:
        return Unclear("unreadable")
    place = {name: at for at, name in enumerate(rows[0])}
    found: list[StatementLine] = []
    try:
        for row in rows[1:]:
            if row[0] == "总交易单数":
                return found
            if row[place["商户号"]] != merchant:
                return Unclear("other-merchant")
            if row[place["交易状态"]] == "REFUND":
                fen = whole(row[place["申请退款金额"]], 2)
                found.append(
                    StatementLine(MoneyKind.REFUND, row[place["商户退款单号"]], row[place["微信退款单号"]], fen)
                )
            elif row[place["交易状态"]] == "SUCCESS":
                found.append(
                    StatementLine(
                        MoneyKind.PAYMENT,
                        row[place["商户订单号"]],
                        row[place["微信订单号"]],
                        whole(row[place["订单金额"]], 2),
                    )
                )
    except (KeyError, IndexError, ValueError):
        return Unclear("unreadable")
    return Unclear("cut-short")


def instant_of(text: str) -> int:
    """Beijing time of a provider without an offset, as s UTC. Raises ``ValueError``."""
    return int(datetime.fromisoformat(f"{text}+08:00").timestamp())

# SPDX-License-Identifier: Apache-2.0
"""WeChat Pay v3 as it answers: requests are looked at as the real one does, answers and callbacks are signed by one of two platform keys."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openmains.emulator.pay.people import EmulatedPeople
from openmains.emulator.pay.trades import KeyPair, Trade, Trades, beijing

Message = tuple[int, dict[str, str], bytes]
BILL_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)


@dataclass
class EmulatedWechat:
    """One merchant at it. ``merchant_key``: the merchant's; ``platform``: the keys it signs with, the first one now."""

    now_s: Callable[[], int]
    merchant: str = "1900000001"
    application: str = "wx8888888888888888"
    serial: str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
    api_key: str = field(default_factory=lambda: secrets.token_hex(16))
    merchant_key: KeyPair = field(default_factory=KeyPair)
    platform: dict[str, KeyPair] = field(
        default_factory=lambda: {secrets.token_hex(20).upper(): KeyPair() for _ in range(2)}
    )
    book: Trades = field(default_factory=Trades)
    base_url: str = "https://api.mch.weixin.qq.com"
    signing_with: int = 0  # which of the platform's keys
    app_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    people: EmulatedPeople = field(default_factory=EmulatedPeople)

    def settings(self) -> dict[str, str]:
        """As a utility fills them in."""
        (first, one), (second, two) = self.platform.items()
        return {
            "merchant": self.merchant, "application": self.application, "serial": self.serial, "base_url": self.base_url,
            "platform_key_serial": first, "platform_key": one.public_pem, "platform_key_2_serial": second,
            "platform_key_2": two.public_pem,
        }  # fmt: skip

    def secrets(self) -> dict[str, str]:
        return {"api_key": self.api_key, "private_key": self.merchant_key.private_pem}

    def invoked(self, said: Mapping[str, str], openid: str) -> str:
        """A page in this person's WeChat invokes ``getBrandWCPayRequest``: what the page is told. Only what the merchant signed over these four
        lines, for the person for whom the order was placed, is paid."""
        message = "".join(f"{said.get(name, '')}\n" for name in ("appId", "timeStamp", "nonceStr", "package"))
        number = said.get("package", "").removeprefix("prepay_id=wx")
        if said.get("signType") != "RSA" or self.people.payers.get(number) != openid:
            return "get_brand_wcpay_request:fail"
        try:
            self.merchant_key.key.public_key().verify(
                base64.b64decode(said.get("paySign", "")), message.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            self.book.pay(number, self.now_s())
        except (InvalidSignature, ValueError):
            return "get_brand_wcpay_request:fail"
        return "get_brand_wcpay_request:ok"

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Message | None:
        """The reply; None: none came."""
        mischief = self.book.mischief
        if mischief.lost_calls:
            mischief.lost_calls -= 1
            return None
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if parts.path == "/sns/oauth2/access_token":  # no merchant's call: the application's secret is the proof
            told = self.people.exchanged(parse_qs(parts.query), self.application, self.app_secret)
            return 200, {"content-type": "text/plain"}, json.dumps(told).encode()
        if not self._is_from_merchant(method, path, headers, body):
            status, told = 401, {"code": "SIGN_ERROR", "message": "wrong signature"}
        elif parts.path == "/bill":
            return 200, {}, self.bill(parse_qs(parts.query)["day"][0])
        else:
            status, told = self._route(method, parts.path, parse_qs(parts.query), json.loads(body) if body else {})
        if mischief.lost_answers:
            mischief.lost_answers -= 1
            return None
        text = b"" if status == 204 else json.dumps(told, ensure_ascii=False).encode()
        return status, self._headers(text), text

    def callback(self, trade: Trade) -> tuple[str, dict[str, str], bytes]:
        """URL, headers and body of the callback of a trade that was paid, spoilt as is asked for."""
        spoilt = self.book.mischief
        inside = self._order(trade) | {"mchid": "1900009999" if spoilt.other_merchant else self.merchant}
        inside["out_trade_no"] = spoilt.other_order or trade.number
        inside["amount"] = {
            "total": spoilt.other_amount or trade.fen,
            "payer_total": trade.fen,
            "currency": "CNY",
            "payer_currency": "CNY",
        }
        return self.sealed(trade.notify_url, f"EV-{trade.transaction}", "TRANSACTION.SUCCESS", inside)

    def sealed(self, url: str, event: str, kind: str, inside: Mapping[str, Any]) -> tuple[str, dict[str, str], bytes]:
        """A callback about anything."""
        nonce = secrets.token_hex(6)
        secret = AESGCM(self.api_key.encode()).encrypt(nonce.encode(), json.dumps(inside).encode(), b"transaction")
        body = json.dumps(
            {
                "id": event,
                "create_time": "2026-11-29T10:00:00+08:00",
                "resource_type": "encrypt-resource",
                "event_type": kind,
                "summary": "支付成功",
                "resource": {
                    "original_type": "transaction",
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": base64.b64encode(secret).decode(),
                    "associated_data": "transaction",
                    "nonce": nonce,
                },
            },
            ensure_ascii=False,
        ).encode()
        return url, {"Content-Type": "application/json", **self._headers(body, self.book.mischief.late_s)}, body

    def bill(self, day: str) -> bytes:
        """A day's trade bill."""
        lines = [BILL_HEAD]
        for trade in self.book.trades.values():
            if trade.transaction and trade.day() == day:
                lines.append(self._bill_line(trade, "SUCCESS", "0", "0", "0.00"))
            for back in trade.refunds.values():
                if back.day == day:
                    lines.append(
                        self._bill_line(trade, "REFUND", back.transaction, back.number, f"{back.fen / 100:.2f}")
                    )
        sums = [
            "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
            f"`{len(lines) - 1},`0,`0,`0,`0,`0,`0",
        ]
        return ("\ufeff" + "\r\n".join(lines + sums) + "\r\n").encode()

    def _bill_line(self, trade: Trade, state: str, refund: str, refund_number: str, back: str) -> str:
        amount = f"{trade.fen // 100}.{trade.fen % 100:02d}"
        cells = [
            beijing(trade.paid_at), self.application, self.merchant, "0", "", trade.transaction, trade.number, "oUpF8", "NATIVE", state,
            "OTHERS", "CNY", amount, "0.00", refund, refund_number, back, "0.00", "", "SUCCESS", "充值", "", "0.00", "0.60%", amount, back, "",
        ]  # fmt: skip
        return ",".join(f"`{cell}" for cell in cells)

    def _headers(self, body: bytes, late_s: int = 0) -> dict[str, str]:
        serial, pair = list(self.platform.items())[self.signing_with]
        stamp, nonce = str(self.now_s() - late_s), secrets.token_hex(16)
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        if self.book.mischief.wrong_signature:
            message += b"!"
        return {
            "wechatpay-timestamp": stamp, "wechatpay-nonce": nonce, "wechatpay-signature": pair.sign(message),
            "wechatpay-serial": "00FF" if self.book.mischief.unknown_key else serial,
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
        }  # fmt: skip

    def _is_from_merchant(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        given = {name.lower(): value for name, value in headers.items()}.get("authorization", "")
        scheme, _, rest = given.partition(" ")
        parts = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme != "WECHATPAY2-SHA256-RSA2048" or (parts.get("mchid"), parts.get("serial_no")) != (
            self.merchant,
            self.serial,
        ):
            return False
        message = f"{method}\n{path}\n{parts['timestamp']}\n{parts['nonce_str']}\n".encode() + body + b"\n"
        try:
            self.merchant_key.key.public_key().verify(
                base64.b64decode(parts["signature"]), message, padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return abs(int(parts["timestamp"]) - self.now_s()) <= 300

    def _route(
        self, method: str, path: str, query: Mapping[str, list[str]], body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if path in ("/v3/pay/transactions/native", "/v3/pay/transactions/jsapi"):
            return self._place(body, path.endswith("jsapi"))
        if path == "/v3/refund/domestic/refunds":
            back = self.book.refund(body["out_trade_no"], body["out_refund_no"], body["amount"]["refund"], self.now_s())
            if back is None:
                return 403, {"code": "NOT_ENOUGH", "message": "more than was paid"}
            return 200, {
                "refund_id": back.transaction,
                "out_refund_no": back.number,
                "status": "SUCCESS",
                "amount": {"refund": back.fen},
            }
        if path.startswith("/v3/refund/domestic/refunds/"):
            for trade in self.book.trades.values():
                if (found := trade.refunds.get(unquote(path.rpartition("/")[2]))) is not None:
                    return 200, {"refund_id": found.transaction, "status": "SUCCESS", "amount": {"refund": found.fen}}
            return 404, {"code": "RESOURCE_NOT_EXISTS", "message": "no such refund"}
        if path == "/v3/bill/tradebill":
            day = query["bill_date"][0]
            text = self.bill(day)
            url = f"{self.base_url}/bill?day={day}"
            return 200, {
                "hash_type": "SHA1",
                "hash_value": hashlib.sha1(text, usedforsecurity=False).hexdigest(),
                "download_url": url,
            }
        asked = re.fullmatch(r"/v3/pay/transactions/out-trade-no/([^/]+)(/close)?", path)
        trade_of = self.book.trades.get(unquote(asked[1])) if asked else None
        if asked is None or trade_of is None:
            return 404, {"code": "ORDER_NOT_EXIST", "message": "no such order"}
        if asked[2] and method == "POST":
            self.book.close(trade_of.number)
            return (204, {}) if trade_of.state == "closed" else (400, {"code": "ORDERPAID", "message": "paid"})
        return 200, self._order(trade_of)

    def _place(self, body: Mapping[str, Any], is_jsapi: bool) -> tuple[int, dict[str, Any]]:
        number, fen = body["out_trade_no"], body["amount"]["total"]
        if (body["mchid"], body["appid"]) != (self.merchant, self.application) or (
            is_jsapi and not body["payer"]["openid"]
        ):
            return 400, {"code": "PARAM_ERROR", "message": "merchant"}
        if is_jsapi:
            if self.people.known and body["payer"]["openid"] not in self.people.known:
                return 400, {"code": "PARAM_ERROR", "message": "payer"}
            self.people.payers.setdefault(number, body["payer"]["openid"])
        there = self.book.trades.setdefault(number, Trade(number, fen, body["notify_url"]))
        if there.fen != fen:
            return 403, {"code": "OUT_TRADE_NO_USED", "message": "used"}
        return 200, {"prepay_id": f"wx{number}"} if is_jsapi else {"code_url": f"weixin://wxpay/bizpayurl?pr={number}"}

    def _order(self, trade: Trade) -> dict[str, Any]:
        told: dict[str, Any] = {
            "appid": self.application, "mchid": self.merchant, "out_trade_no": trade.number, "trade_state": "NOTPAY", "trade_state_desc": "",
            "amount": {"total": trade.fen, "currency": "CNY"},
        }  # fmt: skip
        if trade.state == "closed":
            told["trade_state"] = "CLOSED"
        if trade.transaction:
            stamp = beijing(trade.paid_at).replace(" ", "T") + "+08:00"
            told |= {
                "trade_state": "REFUND" if trade.refunds else "SUCCESS",
                "transaction_id": trade.transaction,
                "success_time": stamp,
            }
        return told

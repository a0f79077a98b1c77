# SPDX-License-Identifier: Apache-2.0
"""Alipay's gateway as it answers: forms are looked at as the real one does, answers and callbacks signed by RSA2."""

import base64
import io
import json
import secrets
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from openmains.emulator.pay.trades import KeyPair, Trade, Trades, beijing
from openmains.emulator.pay.wechat import Message

_STATES = {"open": "WAIT_BUYER_PAY", "paid": "TRADE_SUCCESS", "closed": "TRADE_CLOSED"}
BILL_HEAD = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,对方账户,订单金额（元）,退款批次号/请求号,"
    "服务费（元）,备注"
)


@dataclass
class EmulatedAlipay:
    """One merchant at it."""

    now_s: Callable[[], int]
    merchant: str = "2088000000000001"
    application: str = "2021000000000001"
    merchant_key: KeyPair = field(default_factory=KeyPair)
    platform: KeyPair = field(default_factory=KeyPair)
    book: Trades = field(default_factory=Trades)
    base_url: str = "https://openapi.alipay.com/gateway.do"

    def settings(self) -> dict[str, str]:
        """As a utility fills them in."""
        return {
            "merchant": self.merchant, "application": self.application, "platform_key": self.platform.public_pem, "base_url": self.base_url,
        }  # fmt: skip

    def secrets(self) -> dict[str, str]:
        return {"private_key": self.merchant_key.private_pem}

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Message | None:
        """The reply; None: none came."""
        del headers
        mischief = self.book.mischief
        if mischief.lost_calls:
            mischief.lost_calls -= 1
            return None
        parts = urlsplit(url)
        if method == "GET":
            return 200, {}, self.bill(parse_qs(parts.query)["day"][0])
        form = dict(parse_qsl(body.decode()))
        told = (
            self._route(form["method"], json.loads(form["biz_content"]), form)
            if self._is_from_merchant(form)
            else _no("isv.invalid-signature")
        )
        if mischief.lost_answers:
            mischief.lost_answers -= 1
            return None
        raw = json.dumps(told, ensure_ascii=False)
        name = form["method"].replace(".", "_") + "_response"
        return 200, {}, f'{{"{name}":{raw},"sign":"{self._signed(raw.encode())}"}}'.encode()

    def callback(self, trade: Trade) -> tuple[str, dict[str, str], bytes]:
        """URL, headers and body of the callback of a trade that was paid, spoilt as is asked for."""
        spoilt = self.book.mischief
        fen = spoilt.other_amount or trade.fen
        form = {
            "notify_time": beijing(self.now_s() - spoilt.late_s), "notify_type": "trade_status_sync", "notify_id": f"n{trade.transaction}",
            "app_id": self.application, "seller_id": "2088000000009999" if spoilt.other_merchant else self.merchant,
            "out_trade_no": spoilt.other_order or trade.number, "trade_no": trade.transaction, "trade_status": "TRADE_SUCCESS",
            "total_amount": f"{fen // 100}.{fen % 100:02d}", "charset": "utf-8", "subject": "充值",
        }  # fmt: skip
        message = "&".join(f"{name}={value}" for name, value in sorted(form.items()) if value)
        form |= {"sign_type": "RSA2", "sign": self._signed(message.encode())}
        return trade.notify_url, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode()

    def bill(self, day: str) -> bytes:
        """A day's trade bill in its ZIP."""
        rows = []
        for trade in self.book.trades.values():
            amount = f"{trade.fen // 100}.{trade.fen % 100:02d}"
            if trade.transaction and trade.day() == day:
                rows.append(
                    f"{trade.transaction}\t,{trade.number}\t,交易,充值,{beijing(trade.paid_at)},{beijing(trade.paid_at)},a***,{amount},,0.00,"
                )
            for back in trade.refunds.values():
                if back.day == day:
                    fen = f"-{back.fen // 100}.{back.fen % 100:02d}"
                    rows.append(
                        f"{trade.transaction}\t,{trade.number}\t,退款,充值,{day} 12:00:00,{day} 12:00:00,a***,{fen},{back.number},0.00,"
                    )
        text = (
            "\r\n".join(["#支付宝业务明细查询", BILL_HEAD, *rows, f"#-----业务明细列表结束----- {len(rows)}"]) + "\r\n"
        )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("2088_业务明细.csv", text.encode("gb18030"))
            archive.writestr("2088_业务明细(汇总).csv", "#".encode("gb18030"))
        return out.getvalue()

    def _signed(self, message: bytes) -> str:
        return self.platform.sign(message + (b"!" if self.book.mischief.wrong_signature else b""))

    def _is_from_merchant(self, form: Mapping[str, str]) -> bool:
        message = "&".join(
            f"{name}={value}" for name, value in sorted(form.items()) if value and name != "sign"
        ).encode()
        try:
            signature = base64.b64decode(form["sign"])
            self.merchant_key.key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, KeyError):
            return False
        return form["app_id"] == self.application

    def _route(self, method: str, biz: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
        number = biz.get("out_trade_no", "")
        if method in ("alipay.trade.precreate", "alipay.trade.create"):
            fen = int(str(biz["total_amount"]).replace(".", ""))
            there = self.book.trades.setdefault(number, Trade(number, fen, form["notify_url"]))
            if there.fen != fen:
                return _no("ACQ.CONTEXT_INCONSISTENT")
            return _yes(out_trade_no=number, qr_code=f"https://qr.alipay.com/{number}", trade_no=f"20{number}")
        if method == "alipay.data.dataservice.bill.downloadurl.query":
            return _yes(
                bill_download_url=self.base_url + "?" + urlencode({"day": biz["bill_date"], "t": secrets.token_hex(4)})
            )
        trade = self.book.trades.get(number)
        if trade is None:
            return _no("ACQ.TRADE_NOT_EXIST")
        if method == "alipay.trade.query":
            amount = f"{trade.fen // 100}.{trade.fen % 100:02d}"
            return _yes(
                out_trade_no=number, trade_no=trade.transaction, trade_status=_STATES[trade.state], total_amount=amount
            )
        if method == "alipay.trade.close":
            self.book.close(number)
            return _yes(out_trade_no=number) if trade.state == "closed" else _no("ACQ.TRADE_STATUS_ERROR")
        if method == "alipay.trade.refund":
            fen = int(str(biz["refund_amount"]).replace(".", ""))
            back = self.book.refund(number, biz["out_request_no"], fen, self.now_s())
            return (
                _no("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
                if back is None
                else _yes(fund_change="Y", trade_no=trade.transaction)
            )
        found = trade.refunds.get(biz["out_request_no"])
        if found is None:
            return _yes(out_trade_no=number)
        return _yes(
            refund_status="REFUND_SUCCESS",
            refund_amount=f"{found.fen // 100}.{found.fen % 100:02d}",
            trade_no=trade.transaction,
        )


def _yes(**told: Any) -> dict[str, Any]:
    return {"code": "10000", "msg": "Success", **told}


def _no(sub_code: str) -> dict[str, Any]:
    return {"code": "40004", "msg": "Business Failed", "sub_code": sub_code, "sub_msg": "-"}

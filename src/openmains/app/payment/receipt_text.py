# SPDX-License-Identifier: Apache-2.0
"""A receipt as plain text, 32 columns wide, for a till's printer; a Chinese letter takes two."""

import unicodedata
from typing import Literal

from openmains.app.payment.model import Receipt
from openmains.domain.period import Zone
from openmains.domain.tariff.exact import written

WIDTH = 32
CHANNELS = {
    "cash": ("现金", "cash"),
    "bank": ("银行", "bank"),
    "wechat": ("微信", "WeChat"),
    "alipay": ("支付宝", "Alipay"),
    "third_party": ("第三方", "third party"),
}
WORDS = {
    "title": ("收款收据", "RECEIPT"),
    "number": ("收据号", "no."),
    "account": ("户号", "account"),
    "time": ("时间", "time"),
    "clerk": ("经办", "clerk"),
    "channel": ("方式", "paid by"),
    "key": ("渠道流水号", "channel's no."),
    "fen": ("实收(元)", "received CNY"),
    "bill": ("账单", "bill"),
    "fee": ("违约金", "late fee"),
    "credit": ("预存余额", "paid ahead"),
    "owed": ("尚欠", "still owed"),
    "returned": ("*** 已冲正，作废 ***", "*** TAKEN BACK, NOT VALID ***"),
    "note": ("非发票。请妥善保管。", "Not an invoice. Please keep it."),
}


def receipt_text(receipt: Receipt, utility: str, zone: Zone, language: Literal["zh", "en"]) -> str:
    """The receipt, a line each, ending with one."""
    place = 0 if language == "zh" else 1

    def word(name: str) -> str:
        return WORDS[name][place]

    lines = [_middle(utility), _middle(word("title")), "-" * WIDTH]
    if receipt.returned:
        lines.append(_middle(word("returned")))
    moment = zone.iso(int(receipt.taken_at.timestamp()))[:16].replace("T", " ")
    for name, value in (
        ("number", str(receipt.receipt_id)), ("account", str(receipt.account_id)), ("time", moment), ("clerk", receipt.taken_by),
        ("channel", CHANNELS[receipt.channel][place]), ("fen", written(receipt.fen, 2, 2)),
    ):  # fmt: skip
        lines.append(_pair(word(name), value))
    lines.append("-" * WIDTH)
    for item in receipt.paid:
        lines.append(_pair(f"{word('fee' if item.of_fee else 'bill')} {item.month}", written(item.fen, 2, 2)))
    lines.append(_pair(word("credit"), written(receipt.credit_fen, 2, 2)))
    lines.append(_pair(word("owed"), written(receipt.owed_fen, 2, 2)))
    lines += ["-" * WIDTH, _middle(word("note"))]
    return "\n".join(lines) + "\n"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _pair(left: str, right: str) -> str:
    return left + " " * max(1, WIDTH - _width(left) - _width(right)) + right


def _middle(text: str) -> str:
    return " " * max(0, (WIDTH - _width(text)) // 2) + text

# SPDX-License-Identifier: Apache-2.0
"""An amount in Chinese capitals (人民币大写), as bills and receipts bear it beside the figures: 154.40 is 壹佰伍拾肆元肆角整.

By the rules of payment papers (支付结算办法, annex 1): one zero between figures, 整 ends an amount without fen, and an amount without yuan
 begins with its jiao or fen.
"""

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
MOST_FEN = 10**16


def capitals(fen: int) -> str:
    """Raises ``ValueError`` from 100 trillion CNY on."""
    if abs(fen) >= MOST_FEN:
        raise ValueError(f"{fen} fen are more than is written")
    if fen < 0:
        return "负" + capitals(-fen)
    yuan, jiao, rest = fen // 100, fen // 10 % 10, fen % 10
    text = _whole(yuan) + "元" if yuan else ""
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif rest and yuan:
        text += "零"
    if rest:
        return text + _DIGITS[rest] + "分"
    return (text or "零元") + "整"


def _whole(number: int) -> str:
    text, zero = "", False
    for place in range(len(str(number)) - 1, -1, -1):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if zero and text else "") + _DIGITS[digit] + _PLACES[place % 4]
            zero = False
        else:
            zero = True
        if place % 4 == 0 and place and number // 10**place % 10_000:
            text += _GROUPS[place // 4]
    return text

# SPDX-License-Identifier: Apache-2.0
"""Robots of group chats: WeCom (企业微信), DingTalk (钉钉), Feishu (飞书). All answer 200 to what they refuse; their number counts.

WeCom: developer.work.weixin.qq.com, "群机器人": key in the URL, text up to 2048 bytes, ``errcode`` 0; 45009 is its limit of 20 messages
a minute. DingTalk: open.dingtalk.com, "自定义机器人接入": signature of "timestamp\\nsecret" by the secret, ``errcode`` 0; 130101 and 410100 are
limits. Feishu: open.feishu.cn, "自定义机器人使用指南": signature of nothing by "timestamp\\nsecret", ``code`` 0; 9499 and 11232 are limits.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote_plus

from openmains.app.notice.shapes.talk import Accepted, Letter, Refused, Talk, answer_of, json_call, refusal

WECOM_BYTES = 2048
_BUSY = frozenset({-1, 45009, 45033, 130101, 410100, 9499, 11232, 11233})


def wecom(url: str, letter: Letter) -> Talk:
    """``url``: as WeCom shows it, with its key."""
    reply = yield json_call(url, {"msgtype": "text", "text": {"content": _bytes(_text(letter), WECOM_BYTES)}})
    return _judged(answer_of(reply), "errcode", "errmsg")


def dingtalk(url: str, secret: str, letter: Letter, now_ms: int) -> Talk:
    """``url``: as DingTalk shows it, with its access_token; ``secret``: of the security setting 加签, '' without."""
    if secret:
        mac = hmac.new(secret.encode(), f"{now_ms}\n{secret}".encode(), hashlib.sha256).digest()
        url += f"&timestamp={now_ms}&sign={quote_plus(base64.b64encode(mac))}"
    reply = yield json_call(url, {"msgtype": "text", "text": {"content": _text(letter)}})
    return _judged(answer_of(reply), "errcode", "errmsg")


def feishu(url: str, secret: str, letter: Letter, now_s: int) -> Talk:
    """``url``: as Feishu shows it; ``secret``: of 签名校验, '' without."""
    body: dict[str, object] = {"msg_type": "text", "content": {"text": _text(letter)}}
    if secret:
        mac = hmac.new(f"{now_s}\n{secret}".encode(), b"", hashlib.sha256).digest()
        body |= {"timestamp": str(now_s), "sign": base64.b64encode(mac).decode()}
    reply = yield json_call(url, body)
    found = answer_of(reply)
    if not isinstance(found, Refused) and "code" not in found and "StatusCode" in found:
        found = {**found, "code": found["StatusCode"], "msg": found.get("StatusMessage")}
    return _judged(found, "code", "msg")


def _judged(found: dict[str, object] | Refused, number: str, words: str) -> Accepted | Refused:
    if isinstance(found, Refused):
        return found
    code = found.get(number)
    if code == 0 and not isinstance(code, bool):
        return Accepted()
    if not isinstance(code, int) or isinstance(code, bool):
        return Refused(f"answer without {number}")
    return refusal(code, found.get(words, ""), is_final=code not in _BUSY)


def _text(letter: Letter) -> str:
    return f"{letter.subject}\n{letter.text}"


def _bytes(text: str, most: int) -> str:
    data = text.encode()
    return text if len(data) <= most else data[: most - 3].decode("utf-8", "ignore") + "…"

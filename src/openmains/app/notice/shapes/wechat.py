# SPDX-License-Identifier: Apache-2.0
"""Template messages of a WeChat service account (公众号模板消息) to an openid.

developers.weixin.qq.com: ``cgi-bin/stable_token``, then ``cgi-bin/message/template/send`` with ``client_msg_id``, by which WeChat itself
leaves out repeats within ten minutes; ``errcode`` 0 accepts.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from openmains.app.notice.shapes.talk import Accepted, Letter, Outcome, Refused, Talk, answer_of, json_call, refusal

WECHAT = "https://api.weixin.qq.com"
_BUSY = frozenset({-1, 40001, 40014, 42001, 45009, 45011})  # busy, a token that has just ended, limits


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """``fields``: the template's variable → the fact that fills it."""

    app_id: str
    secret: str
    template: str
    fields: Mapping[str, str]
    url: str = ""


def talk(account: WechatAccount, letter: Letter) -> Talk:
    """A token, then the message."""
    base = account.url.rstrip("/") or WECHAT
    asked = {"grant_type": "client_credential", "appid": account.app_id, "secret": account.secret}
    found = answer_of((yield json_call(f"{base}/cgi-bin/stable_token", asked)))
    if isinstance(found, Refused):
        return found
    token = found.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token:
        return _refused(found)
    message = {
        "touser": letter.address,
        "template_id": account.template,
        "client_msg_id": hashlib.sha256(letter.key.encode()).hexdigest()[:32],
        "data": {name: {"value": letter.facts.get(fact, "")[:200]} for name, fact in account.fields.items()},
    }
    found = answer_of((yield json_call(f"{base}/cgi-bin/message/template/send?access_token={token}", message)))
    if isinstance(found, Refused):
        return found
    if found.get("errcode") == 0 and not isinstance(found.get("errcode"), bool):
        outcome: Outcome = Accepted(str(found.get("msgid", "")))
        return outcome
    return _refused(found)


def _refused(found: dict[str, object]) -> Refused:
    code = found.get("errcode")
    if not isinstance(code, int):
        return Refused("answer without errcode")
    return refusal(code, found.get("errmsg", ""), is_final=code not in _BUSY)

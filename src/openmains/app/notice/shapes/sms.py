# SPDX-License-Identifier: Apache-2.0
"""Text messages by Aliyun (阿里云短信) and Tencent Cloud (腾讯云短信). The words stand in a template that the maker approved; we fill it.

Aliyun: SendSms 2017-05-25, signed by ACS3-HMAC-SHA256 (help.aliyun.com, "V3 版本请求体&签名机制"). Tencent: SendSms 2021-01-11, signed
by TC3-HMAC-SHA256 (cloud.tencent.com, "签名方法 v3"). Both are told our key, which stands in their log of sent messages.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from openmains.app.notice.shapes.talk import (
    Accepted,
    ChannelRequest,
    Letter,
    Outcome,
    Refused,
    Talk,
    answer_of,
    encoded,
    hex_hmac,
    refusal,
)
from openmains.domain.period import utc

ALIYUN = "https://dysmsapi.aliyuncs.com/"
TENCENT = "https://sms.tencentcloudapi.com/"
VALUE_LETTERS = 35  # a template takes no longer values


@dataclass(frozen=True, slots=True)
class SmsAccount:
    """``fields``: facts in the order of the template's variables (Tencent), or its variables' names (Aliyun: the facts' names);
    ``app_id``, ``region``: Tencent only."""

    key_id: str
    secret: str
    sign_name: str
    template: str
    fields: tuple[str, ...]
    app_id: str = ""
    region: str = "ap-guangzhou"
    url: str = ""


def aliyun(account: SmsAccount, letter: Letter, now_s: int) -> Talk:
    """One message to one number."""
    values = dict(zip(account.fields, _values(account, letter), strict=True))
    params = {
        "PhoneNumbers": letter.address.removeprefix("+86"),
        "SignName": account.sign_name,
        "TemplateCode": account.template,
        "TemplateParam": encoded(values).decode(),
        "OutId": letter.key[:256],
    }
    nonce = hashlib.sha256(f"{letter.key} {now_s}".encode()).hexdigest()[:32]
    reply = yield acs3(
        account.url or ALIYUN, "SendSms", "2017-05-25", params, account.key_id, account.secret, now_s, nonce
    )
    return _of_aliyun(answer_of(_readable(reply)))


def acs3(
    url: str, action: str, version: str, params: Mapping[str, str], key_id: str, secret: str, now_s: int, nonce: str
) -> ChannelRequest:
    """A call signed by ACS3-HMAC-SHA256, all parameters in the query."""
    parts = urlsplit(url)
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(params.items()))
    empty = hashlib.sha256(b"").hexdigest()
    headers = {
        "host": parts.netloc,
        "x-acs-action": action,
        "x-acs-content-sha256": empty,
        "x-acs-date": utc(now_s).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    lines = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    names = ";".join(sorted(headers))
    request = f"POST\n{parts.path or '/'}\n{query}\n{lines}\n{names}\n{empty}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    mark = hex_hmac(secret.encode(), text.encode())
    headers["Authorization"] = f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={mark}"
    return ChannelRequest(f"{parts.scheme}://{parts.netloc}{parts.path or '/'}?{query}", b"", headers)


def tencent(account: SmsAccount, letter: Letter, now_s: int) -> Talk:
    """One message to one number."""
    number = letter.address if letter.address.startswith("+") else f"+86{letter.address}"
    body = encoded(
        {
            "PhoneNumberSet": [number],
            "SmsSdkAppId": account.app_id,
            "SignName": account.sign_name,
            "TemplateId": account.template,
            "TemplateParamSet": list(_values(account, letter)),
            "SessionContext": letter.key[:512],
        }
    )
    call = tc3(
        account.url or TENCENT,
        "sms",
        "SendSms",
        "2021-01-11",
        account.region,
        body,
        account.key_id,
        account.secret,
        now_s,
    )
    reply = yield call
    return _of_tencent(answer_of(_readable(reply)))


def tc3(
    url: str, service: str, action: str, version: str, region: str, body: bytes, key_id: str, secret: str, now_s: int
) -> ChannelRequest:
    """A call signed by TC3-HMAC-SHA256."""
    host = urlsplit(url).netloc
    kind = "application/json; charset=utf-8"
    day = utc(now_s).strftime("%Y-%m-%d")
    names = "content-type;host;x-tc-action"
    lines = f"content-type:{kind}\nhost:{host}\nx-tc-action:{action.lower()}\n"
    request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{now_s}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret}".encode()
    for part in (day, service, "tc3_request"):
        key = bytes.fromhex(hex_hmac(key, part.encode()))
    mark = hex_hmac(key, text.encode())
    headers = {
        "Content-Type": kind,
        "Host": host,
        "X-TC-Action": action,
        "X-TC-Version": version,
        "X-TC-Timestamp": str(now_s),
        "X-TC-Region": region,
        "Authorization": f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={mark}",
    }
    return ChannelRequest(url, body, headers)


def _of_aliyun(found: dict[str, Any] | Refused) -> Outcome:
    if isinstance(found, Refused):
        return found
    code = found.get("Code")
    if code == "OK":
        return Accepted(str(found.get("BizId", "")))
    if not isinstance(code, str):
        return Refused("answer without Code")
    later = code.startswith(("Throttling", "isp.", "ServiceUnavailable", "InternalError")) or code in (
        "isv.BUSINESS_LIMIT_CONTROL",
        "isv.OUT_OF_SERVICE",
        "isv.AMOUNT_NOT_ENOUGH",
    )
    return refusal(code, found.get("Message", ""), is_final=not later)


def _of_tencent(found: dict[str, Any] | Refused) -> Outcome:
    if isinstance(found, Refused):
        return found
    answer = found.get("Response")
    if not isinstance(answer, dict):
        return Refused("answer without Response")
    fault = answer.get("Error")
    statuses = answer.get("SendStatusSet")
    if isinstance(fault, dict):
        told = fault
    elif isinstance(statuses, Sequence) and len(statuses) == 1 and isinstance(statuses[0], dict):
        told = statuses[0]
    else:
        return Refused("answer without SendStatusSet")
    code = told.get("Code")
    if code == "Ok" and told is not fault:
        return Accepted(str(told.get("SerialNo", "")))
    later = str(code).startswith(
        ("InternalError", "LimitExceeded", "RequestLimitExceeded", "FailedOperation.InsufficientBalance")
    )
    return refusal(code, told.get("Message", ""), is_final=not later)


def _readable(reply: Any) -> Any:
    """Aliyun says its code in the body of a 4xx as well; there it says more than the status."""
    if 400 <= reply.status < 500 and reply.status not in (408, 429) and reply.body.lstrip().startswith(b"{"):
        return type(reply)(200, reply.body, reply.headers)
    return reply


def _values(account: SmsAccount, letter: Letter) -> tuple[str, ...]:
    return tuple(letter.facts.get(name, "")[:VALUE_LETTERS] or "-" for name in account.fields)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")

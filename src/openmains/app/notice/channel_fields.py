# SPDX-License-Identifier: Apache-2.0
"""What each kind of channel is made of: its settings and its secrets, one table. Faults are told with their places, all at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from openmains.app.notice.texts import FACTS
from openmains.domain.plain_text import name_fault

MOST_LETTERS: Final = 2000
APPRISE_SERVICES: Final = frozenset(
    {"tgram", "slack", "discord", "pover", "pbul", "pagerduty", "opsgenie", "twilio", "line", "schan", "pushplus", "wxpusher"}
)  # fmt: skip
"""Services of Apprise whose host is the service's own: none of them can be led to a host of somebody's choice."""
WEB: Final = ("https", "http")  # the latter is let through by the edge on the premises only
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_PHONE = re.compile(r"\+?[0-9]{6,18}")
_OPENID = re.compile(r"[A-Za-z0-9_-]{10,64}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Field:
    """``check`` gives the code of what is wrong, or None."""

    check: Callable[[str], str | None]
    is_needed: bool = True
    is_secret: bool = False
    otherwise: str = ""


def url_fault(text: str) -> str | None:
    """A URL of the web with a host, without user and password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "wrong-format"
    if parts.scheme not in WEB or parts.username is not None or port == 0 or not text.isascii():
        return "wrong-format"
    if host_fault(parts.hostname or "") is not None:
        return "wrong-format"
    return "wrong-format" if any(sign <= " " for sign in text) else None


def host_fault(host: str) -> str | None:
    """A host as ``urlsplit`` gives it: an address of IPv6 without its brackets."""
    return None if _HOST.fullmatch(host) or ":" in host else "wrong-format"


def mail_fault(text: str) -> str | None:
    """An address of e-mail, ASCII, without a display name."""
    return None if _MAIL.fullmatch(text) and ".." not in text else "wrong-format"


def phone_fault(text: str) -> str | None:
    """Digits with an optional +."""
    return None if _PHONE.fullmatch(text) else "wrong-format"


def openid_fault(text: str) -> str | None:
    """A WeChat openid."""
    return None if _OPENID.fullmatch(text) else "wrong-format"


def _host(text: str) -> str | None:
    return None if _HOST.fullmatch(text) else "wrong-format"


def _port(text: str) -> str | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        return "wrong-format"
    return None if 1 <= int(text) <= 65_535 else "out-of-range"


def _token(text: str) -> str | None:
    return None if _TOKEN.fullmatch(text) else "wrong-format"


def _any(text: str) -> str | None:
    return None if text.isprintable() else "hidden-sign"


def _safety(text: str) -> str | None:
    return None if text in ("starttls", "tls", "none") else "not-accepted"


def _fact_list(text: str) -> str | None:
    return None if all(name in FACTS for name in fact_list(text)) else "unknown-fact"


def _fact_pairs(text: str) -> str | None:
    pairs = [part.partition("=") for part in text.split(",")]
    good = all(re.fullmatch(r"[A-Za-z0-9_.]{1,40}", name) and fact in FACTS for name, _, fact in pairs)
    return None if good else "unknown-fact"


def _apprise(text: str) -> str | None:
    return (
        None if text.partition("://")[0].lower() in APPRISE_SERVICES and _TOKEN.fullmatch(text) else "unknown-service"
    )


def fact_list(text: str) -> tuple[str, ...]:
    """Names parted by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def fact_pairs(text: str) -> dict[str, str]:
    """``variable=fact`` parted by commas."""
    return {name.strip(): fact.strip() for name, _, fact in (part.partition("=") for part in text.split(","))}


_SMS: Final[Mapping[str, Field]] = {
    "key_id": Field(_token),
    "sign_name": Field(name_fault),
    "template": Field(_token),
    "fields": Field(_fact_list, otherwise="event,number,address"),
    "url": Field(url_fault, is_needed=False),
    "secret": Field(_token, is_secret=True),
}
FIELDS: Final[Mapping[str, Mapping[str, Field]]] = {
    "inbox": {},
    "email": {
        "host": Field(_host),
        "port": Field(_port, otherwise="587"),
        "safety": Field(_safety, otherwise="starttls"),
        "sender": Field(mail_fault),
        "user": Field(_any, is_needed=False),
        "password": Field(_any, is_needed=False, is_secret=True),
    },
    "webhook": {"url": Field(url_fault), "secret": Field(_token, is_needed=False, is_secret=True)},
    "wecom": {"url": Field(url_fault, is_secret=True)},
    "dingtalk": {"url": Field(url_fault, is_secret=True), "secret": Field(_token, is_needed=False, is_secret=True)},
    "feishu": {"url": Field(url_fault, is_secret=True), "secret": Field(_token, is_needed=False, is_secret=True)},
    "sms_aliyun": _SMS,
    "sms_tencent": {**_SMS, "app_id": Field(_token), "region": Field(_token, otherwise="ap-guangzhou")},
    "wechat": {
        "app_id": Field(_token),
        "template": Field(_token),
        "fields": Field(_fact_pairs, otherwise="first=event,keyword1=number,keyword2=address"),
        "url": Field(url_fault, is_needed=False),
        "secret": Field(_token, is_secret=True),
    },
    "apprise": {"url": Field(_apprise, is_secret=True)},
    "web_push": {
        "contact": Field(mail_fault)
    },  # its key is made here (``vapid.py``); whom push services write to (RFC 8292 2.1)
}


@dataclass(frozen=True, slots=True)
class ChannelValues:
    """A channel's values by where they are kept; ``faults``: (place, code)."""

    settings: dict[str, str]
    secrets: dict[str, str]
    faults: tuple[tuple[str, str], ...]


def sort_values(kind: str, given: Mapping[str, str], kept_secrets: frozenset[str] = frozenset()) -> ChannelValues:
    """``kept_secrets``: names of those it has already, which need not be given again."""
    fields = FIELDS[kind]
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    faults = [(f"/settings/{name}", "unknown-field") for name in given if name not in fields]
    for name, field in fields.items():
        text = given.get(name, "").strip() or ("" if field.is_secret else field.otherwise)
        if not text:
            if field.is_needed and not (field.is_secret and name in kept_secrets):
                faults.append((f"/settings/{name}", "required"))
            continue
        code = "out-of-range" if len(text) > MOST_LETTERS else field.check(text)
        if code is not None:
            faults.append((f"/settings/{name}", code))
        (secrets if field.is_secret else settings)[name] = text
    return ChannelValues(settings, secrets, tuple(faults))

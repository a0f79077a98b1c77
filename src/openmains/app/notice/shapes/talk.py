# SPDX-License-Identifier: Apache-2.0
"""A talk with a channel, without its sockets: a generator that yields calls, is sent replies, and returns what became of it.

    call = next(talk); reply = …; talk.send(reply) → the next call, or StopIteration with the outcome

An answer is believed only where it says what the channel's maker says it says. Several of them answer 200 to what they refuse, so the
number in the body counts (``errcode``, ``Code``); a body that cannot be read is no acceptance. Times are arguments.
"""

import hashlib
import hmac
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

MOST_REASON = 300
MOST_ANSWER = 64 * 1024  # bytes of an answer that are read
_BUSY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class ChannelRequest:
    """A request; ``url`` may hold a secret and is never logged."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """What came back; ``body`` cut at ``MOST_ANSWER``; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The channel has it; ``reference``: what it calls it, where it says so."""

    reference: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """It has not. ``is_final``: trying again would not help; ``wait_s``: what the channel asked for; ``status``: of HTTP."""

    reason: str
    is_final: bool = False
    wait_s: int | None = None
    status: int | None = None


Outcome = Accepted | Refused
Talk = Generator[ChannelRequest, ChannelAnswer, Outcome]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one recipient. ``key``: the same at each try; ``address``: of a person, '' for a group; ``facts``: for templates that
    live at the channel's maker, and for machines."""

    key: str
    subject: str
    text: str
    address: str = ""
    severity: str = "info"
    facts: Mapping[str, str] = field(default_factory=dict)
    locale: str = "zh"


def encoded(value: object) -> bytes:
    """JSON in UTF-8."""
    return msgspec.json.encode(value)


def json_call(url: str, value: object, headers: Mapping[str, str] | None = None) -> ChannelRequest:
    """A POST of JSON."""
    return ChannelRequest(url, encoded(value), {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def status_fault(reply: ChannelAnswer) -> Refused | None:
    """What the status alone says; None: 2xx."""
    if 200 <= reply.status < 300:
        return None
    wait = reply.headers.get("retry-after", "")
    return Refused(
        _cut(f"HTTP {reply.status}: {_said(reply.body)}"),
        is_final=not (reply.status >= 500 or reply.status in _BUSY),
        wait_s=int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 9 else None,
        status=reply.status,
    )


def answer_of(reply: ChannelAnswer) -> dict[str, Any] | Refused:
    """The JSON object of a 2xx answer; anything else is refused, an answer that cannot be read for now only."""
    fault = status_fault(reply)
    if fault is not None:
        return fault
    try:
        found = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        return Refused(_cut(f"answer not understood: {_said(reply.body)}"))
    return found


def refusal(code: object, said: object, *, is_final: bool) -> Refused:
    """What a channel's own code says."""
    return Refused(_cut(f"{code}: {said}"), is_final=is_final)


def hex_hmac(key: bytes, text: bytes) -> str:
    """HMAC-SHA256 in hexadecimal."""
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _said(body: bytes) -> str:
    """The beginning of a body, in signs that may stand in a log."""
    text = body[:MOST_REASON].decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def _cut(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)[:MOST_REASON]

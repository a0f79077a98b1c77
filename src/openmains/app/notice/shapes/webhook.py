# SPDX-License-Identifier: Apache-2.0
"""Webhooks of a notice and of a subscription: JSON signed by HMAC-SHA256.

``X-OpenMains-Signature: t=<s since 1970>,v1=<hex>`` over ``<t>.<body>``, so that a receiver tells forged and old messages;
``Idempotency-Key`` is the same at each try, so that it tells repeats. Any 2xx accepts.
"""

import hashlib
import hmac

from openmains.app.notice.shapes.talk import Accepted, ChannelRequest, Letter, Outcome, Talk, encoded, status_fault

SIGNATURE = "X-OpenMains-Signature"


def signed(url: str, body: bytes, content_type: str, key: str, secret: str, now_s: int) -> ChannelRequest:
    """A call; without a secret it is not signed."""
    headers = {"Content-Type": content_type, "Idempotency-Key": key}
    if secret:
        headers[SIGNATURE] = signature(secret, body, now_s)
    return ChannelRequest(url, body, headers)


def signature(secret: str, body: bytes, now_s: int) -> str:
    """The header's value."""
    mac = hmac.new(secret.encode(), f"{now_s}.".encode() + body, hashlib.sha256)
    return f"t={now_s},v1={mac.hexdigest()}"


def post(call: ChannelRequest) -> Talk:
    """Any 2xx accepts."""
    reply = yield call
    fault = status_fault(reply)
    outcome: Outcome = Accepted() if fault is None else fault
    return outcome


def talk(url: str, secret: str, letter: Letter, now_s: int) -> Talk:
    """A notice as JSON."""
    body = encoded(
        {
            "key": letter.key,
            "subject": letter.subject,
            "text": letter.text,
            "severity": letter.severity,
            "facts": dict(letter.facts),
        }
    )
    return post(signed(url, body, "application/json; charset=utf-8", letter.key, secret, now_s))

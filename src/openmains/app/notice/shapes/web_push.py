# SPDX-License-Identifier: Apache-2.0
"""What a push service wants to hear (RFC 8030) and what our service worker reads of it (``console/public/push-worker.js``).

The push service sees headers and the length, never the words: they are sealed for the browser (RFC 8291) at the edge. ``Topic`` is made of
the notice's key, so that a repeat takes the place of what still waits there, and the worker shows one notification of a key. 201 says that
it was taken (RFC 8030 5), 202 that a receipt follows (5.1); any other 2xx is no push service's yes.
"""

import hashlib
from typing import Final

from openmains.app.notice.shapes.talk import (
    Accepted,
    ChannelRequest,
    Letter,
    Outcome,
    Refused,
    Talk,
    encoded,
    status_fault,
)
from openmains.app.notice.vapid import b64url

MOST_PLAIN: Final = 3_000
"""Bytes of what is sealed: within the 4,096 that every push service takes (RFC 8030 7.2), with room for its header."""
TTL_S: Final = 86_400
"""So long the push service keeps it for a browser that is off."""
_TAKEN = frozenset({201, 202})
_TOPIC_BYTES = 24  # 32 signs, the most that a topic has (RFC 8030 5.4)
_TITLE_LETTERS = 200
_PRESSING = frozenset({"critical", "major"})


def place_of(letter: Letter) -> str:
    """The console's page that a click opens."""
    facts = letter.facts
    if "count" not in facts:  # one notice, not several that went together
        if facts.get("order"):
            return f"/work-orders/{facts['order']}"
        if facts.get("alarm"):
            return f"/alarms/{facts['alarm']}"
    return "/alarms" if facts.get("event") else "/inbox"


def plain(letter: Letter) -> bytes:
    """What is sealed; a text that is too long is cut."""
    text = letter.text
    while len(said := _packed(letter, text)) > MOST_PLAIN and len(text) > 1:
        text = text[: len(text) * 9 // 10 - 1] + "…"
    return said


def _packed(letter: Letter, text: str) -> bytes:
    return encoded(
        {
            "key": letter.key,
            "title": letter.subject[:_TITLE_LETTERS],
            "body": text,
            "severity": letter.severity,
            "url": place_of(letter),
            "lang": letter.locale,
        }
    )


def headers(letter: Letter) -> dict[str, str]:
    """All but who signs."""
    topic = hashlib.sha256(letter.key.encode()).digest()[:_TOPIC_BYTES]
    return {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TTL_S),
        "Topic": b64url(topic),
        "Urgency": "high" if letter.severity in _PRESSING else "normal",
    }


def talk(call: ChannelRequest) -> Talk:
    """One call; see above."""
    reply = yield call
    fault = status_fault(reply)
    outcome: Outcome
    if fault is not None:
        outcome = fault
    elif reply.status not in _TAKEN:
        outcome = Refused(f"answer not understood: HTTP {reply.status}", status=reply.status)
    else:
        outcome = Accepted()  # its Location is a key to the message, and stays out of the log
    return outcome

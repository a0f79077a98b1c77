# SPDX-License-Identifier: Apache-2.0
"""Subscriptions whose URL names a message broker: what is published where, and which URLs those are (R14.7, ADR 0054).

``mqtts://host:8883/gas/events``  → topic ``gas/events/alarm/raised`` at QoS 1 (MQTT 5; ``mqtt://`` on the premises)
``tls://host:4222/gas.events``    → subject ``gas.events.alarm.raised`` into a JetStream stream (``nats://`` on the premises)

The event is taken when the broker says that somebody has it: a session that holds the topic, a stream that keeps the subject.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from openmains.app.notice.channel_fields import host_fault, url_fault
from openmains.app.notice.cloud_events import PREFIX
from openmains.app.notice.shapes.talk import Outcome

PORTS: Final = {"mqtts": 8883, "mqtt": 1883, "tls": 4222, "nats": 4222}
ENCRYPTED: Final = frozenset({"mqtts", "tls"})
MQTT: Final = frozenset({"mqtts", "mqtt"})
_TOPIC = re.compile(r"/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_SUBJECT = re.compile(r"/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class BrokerMessage:
    """``where``: topic or subject; ``key``: the event's id, the same at each try; ``client``: names the subscription at the broker."""

    scheme: str
    host: str
    port: int
    login: str
    password: str
    client: str
    where: str
    key: str
    body: bytes
    content_type: str


class BrokerLink(Protocol):
    """What carries it (``edges/notify/brokers.py``)."""

    async def publish(self, message: BrokerMessage, /) -> Outcome: ...


def is_broker(url: str) -> bool:
    """Whether a URL names one."""
    return url.partition("://")[0] in PORTS


def target_fault(url: str) -> str | None:
    """What is wrong with where a subscription goes: a URL of the web, or of a broker with the place below which it publishes."""
    if not is_broker(url):
        return url_fault(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "wrong-format"
    place = (_TOPIC if parts.scheme in MQTT else _SUBJECT).fullmatch(parts.path)
    if parts.username is not None or port == 0 or parts.query or parts.fragment or place is None:
        return "wrong-format"
    return host_fault(parts.hostname or "")


def message_of(
    url: str, login: str, password: str, client: str, *, kind: str, key: str, body: bytes, content_type: str
) -> BrokerMessage:
    """An event (``org.openmains.alarm.raised``) as it is published."""
    parts = urlsplit(url)
    sign = "/" if parts.scheme in MQTT else "."
    where = f"{parts.path[1:]}{sign}{kind.removeprefix(PREFIX).replace('.', sign)}"
    port = parts.port or PORTS[parts.scheme]
    return BrokerMessage(
        parts.scheme, parts.hostname or "", port, login, password, client, where, key, body, content_type
    )

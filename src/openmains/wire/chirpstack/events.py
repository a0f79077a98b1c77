# SPDX-License-Identifier: Apache-2.0
"""Events of a LoRaWAN network server as ChirpStack v4 publishes them in JSON, and the command that it takes for a downlink.

    application/<application>/device/<DevEUI>/event/<up, ack, txack, join, status, log, …>   → Event
    application/<application>/device/<DevEUI>/command/down                                   ← a frame for its queue

What is 0, false or empty is left out of its JSON, so only what names the device is needed. The topic says who it is about: the broker's
access rules are by topic, and an event whose body names another device is none.

    up      a frame of the device: ``data`` and ``f_port``; ``f_count`` tells repeats apart
    ack     a confirmed downlink was acknowledged by the device, or it was not in time
    txack   a gateway has sent a downlink; whether the device heard it is not known
    join    the device has a new session: its counters begin anew
    status  battery and margin; a driver's page speaks for its own battery, so it is counted only
    log     of the server; one that names an item of the queue says that the item is gone
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from openmains.wire.errors import WireError
from openmains.wire.json_text import base64_bytes, json_object

LAYER: Final = "chirpstack"
MOST_PAYLOAD: Final = 242  # bytes of a LoRaWAN frame's payload at the fastest rate of any region (RP002)
MOST_PORT: Final = 223  # application ports are 1..223
MOST_TEXT: Final = 512 * 1024
_TOPIC = re.compile(r"(?:.*/)?application/([0-9A-Za-z-]{1,64})/device/([0-9A-Fa-f]{16})/event/([a-z]{1,32})")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")


class EventKind(StrEnum):
    """What is told."""

    UP = "up"
    ACK = "ack"
    TXACK = "txack"
    JOIN = "join"
    STATUS = "status"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Place:
    """Whom a topic is about. ``kind``: None for an event that nobody needs. ``prefix``: what stands before ``application``."""

    application: str
    dev_eui: str  # 16 small hexadecimal digits
    kind: EventKind | None
    prefix: str = ""

    @property
    def down_topic(self) -> str:
        """Where a downlink of the device goes."""
        return f"{self.prefix}application/{self.application}/device/{self.dev_eui}/command/down"


@dataclass(frozen=True, slots=True)
class Event:
    """``at_us``: when the server heard it, µs since 1970 UTC, 0: not said. ``item``: of the queue, "" where none is named."""

    at_us: int = 0
    dev_addr: str = ""
    f_count: int = 0
    f_port: int = 0
    data: bytes = b""
    item: str = ""
    acknowledged: bool = False
    code: str = ""


def place_of(topic: str) -> Place | None:
    """None for a topic that is no event of a device."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return None
    prefix = topic[: found.start(1) - len("application/")]
    kind = EventKind(found[3]) if found[3] in set(EventKind) else None
    return Place(found[1], found[2].lower(), kind, prefix)


def decode_event_untrusted(place: Place, payload: bytes) -> Event:
    """Raises ``WireError``; offset 0 where the text as a whole is meant."""
    told = json_object(payload, LAYER, MOST_TEXT)
    device = told.get("deviceInfo")
    if not isinstance(device, dict) or not isinstance(device.get("devEui"), str):
        raise WireError(LAYER, 0, "deviceInfo")
    if device["devEui"].lower() != place.dev_eui:
        raise WireError(LAYER, 0, "another device than its topic's")
    context = told.get("context")
    item = told.get("queueItemId") or (context.get("queue_item_id") if isinstance(context, dict) else "") or ""
    return Event(
        _time(told),
        _text(told, "devAddr"),
        _number(told, "fCnt", 2**32 - 1),
        _number(told, "fPort", 255),
        base64_bytes(told.get("data") or "", LAYER, "data"),
        item if isinstance(item, str) else "",
        told.get("acknowledged") is True,
        _text(told, "code"),
    )


def encode_down(dev_eui: str, f_port: int, frame: bytes, item: UUID) -> bytes:
    """A confirmed downlink for the device's queue; ``item`` names it there, and the queue takes a name once."""
    if not 1 <= f_port <= MOST_PORT or not 0 < len(frame) <= MOST_PAYLOAD:
        raise WireError(LAYER, 0, "port" if frame and len(frame) <= MOST_PAYLOAD else "too long")
    told = {"id": str(item), "devEui": dev_eui, "confirmed": True, "fPort": f_port, "data": _base64(frame)}
    return json.dumps(told, separators=(",", ":")).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _text(told: Mapping[str, object], name: str) -> str:
    value = told.get(name, "")
    if not isinstance(value, str) or len(value) > 64:
        raise WireError(LAYER, 0, name)
    return value


def _number(told: Mapping[str, object], name: str, most: int) -> int:
    value = told.get(name) or 0
    if not isinstance(value, int) or not 0 <= value <= most:
        raise WireError(LAYER, 0, name)
    return int(value)


def _time(told: Mapping[str, object]) -> int:
    """Nanoseconds are cut to µs; a time that is none is not said."""
    value = told.get("time")
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return 0
    try:
        whole = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
        seconds = int(whole.timestamp())
    except (ValueError, OverflowError):
        return 0
    return max(seconds * 1_000_000 + int(((found[2] or ".")[1:7]).ljust(6, "0")), 0)

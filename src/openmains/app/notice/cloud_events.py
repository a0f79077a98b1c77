# SPDX-License-Identifier: Apache-2.0
"""What happened as CloudEvents 1.0 in JSON, structured mode (github.com/cloudevents/spec v1.0.2, JSON event format 1.0.2).

``source`` and ``id`` together name an event for ever: a receiver that has them takes a repeat for what it is. ``sequence`` (extension
"sequence") rises with the order of what happened, as text of equal length.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openmains.app.notice.shapes.talk import encoded
from openmains.domain.period import utc_of_us

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
PREFIX: Final = "org.openmains."
_INSTANTS: Final = {
    "received_us": "received_at",
    "shown_us": "visible_at",
    "cleared_us": "cleared_at",
    "ended_us": "ended_at",
    "heard_us": "heard_at",
}
_SUBJECT: Final = {"alarm": "alarm_id", "command": "command_id"}


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """A row of ``outbox_event``, with the number of its meter, or of its node of the network."""

    event_id: int
    seq: int
    kind: str
    change: str
    meter_id: int | None
    number: str
    subject_id: int
    data: Mapping[str, Any]
    made_us: int


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """Ready to be sent; the same bytes at each try."""

    key: str
    kind: str
    body: bytes


def event_of(happened: OutboxEvent, utility_code: str) -> CloudEvent:
    """Of an alarm, a command or a valve. Instants are RFC 3339 in UTC."""
    data: dict[str, Any] = {"meter_id": happened.meter_id, "number": happened.number, "change": happened.change}
    named = _SUBJECT.get(happened.kind)
    if named is not None:
        data[named] = happened.subject_id
    for name, value in happened.data.items():
        shown = _INSTANTS.get(name)
        if shown is None:
            data[name] = value
        else:
            data[shown] = None if value is None else _instant(value)
    kind = f"{PREFIX}{happened.kind}.{happened.change}"
    key = f"{happened.kind}-{happened.event_id}"
    return _event(key, kind, utility_code, happened.number, happened.made_us, data, happened.seq)


def readings_of(days: Sequence[Mapping[str, Any]], utility_code: str, now_us: int) -> CloudEvent:
    """Days of readings that changed; each with the version by which a repeat is known. ``id``: of what is in it."""
    key = f"reading-{hashlib.sha256(encoded(days)).hexdigest()[:32]}"
    data = {"days": list(days)}
    return _event(key, f"{PREFIX}reading.changed", utility_code, None, now_us, data, None)


def _event(
    key: str, kind: str, utility_code: str, subject: str | None, at_us: int, data: Mapping[str, Any], seq: int | None
) -> CloudEvent:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": key,
        "source": f"/openmains/{utility_code}",
        "type": kind,
        "time": _instant(at_us),
        "datacontenttype": "application/json",
        "data": data,
    }
    if subject:
        event["subject"] = subject
    if seq is not None:
        event["sequence"] = f"{seq:020d}"
    return CloudEvent(key, kind, encoded(event))


def _instant(us: int) -> str:
    return utc_of_us(us).isoformat(timespec="microseconds").replace("+00:00", "Z")

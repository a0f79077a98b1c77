# SPDX-License-Identifier: Apache-2.0
"""Connections to operators' platforms as use cases and the API see them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import MeterId

PlatformKind = Literal["ctwing", "iotda", "onenet", "onenet_studio"]


class RefusedPushes(Struct, frozen=True):
    """Pushes that were refused, of thirty days. ``fault``: why, a code; ``address``: where the newest came from."""

    fault: str
    count: int
    last_at: datetime
    address: str


class OperatorPlatform(Struct, frozen=True):
    """A connection. ``secrets``: names of the keys that are kept, never the keys; ``products``: whose meters come through it; ``creates``: they
    are made known there by us; ``push_url``: where it is to push to, without the secret that some want in it; ``known``, ``failed``: devices
    with
    a name there, and without; ``waiting``: pushes that are taken and not yet stored, 10,000 where more; ``asking``: the platform is being asked
    for what may have been missed since ``missing_since``; ``heard_at`` null: it never pushed."""

    platform_id: int
    kind: PlatformKind
    name: str
    settings: dict[str, str]
    secrets: list[str]
    products: list[int]
    creates: bool
    is_on: bool
    push_url: str
    known: int
    failed: int
    waiting: int
    heard_at: datetime | None
    missing_since: datetime | None
    checked_at: datetime | None
    changed_by: str
    changed_at: datetime
    refused: list[RefusedPushes]


class OperatorDevice(Struct, frozen=True):
    """A meter at a platform. ``device_id``: its name there, "" while it has none; ``fault``: why, in the platform's words; ``is_online`` null:
    the platform never said."""

    meter_id: MeterId
    number: str
    imei: str
    device_id: str
    fault: str
    is_online: bool | None
    online_at: datetime | None


class PlatformTrial(Struct, frozen=True):
    """What the platform said to a question that changes nothing. ``response``: why not, in its words."""

    is_good: bool
    response: str

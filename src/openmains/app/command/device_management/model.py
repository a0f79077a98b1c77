# SPDX-License-Identifier: Apache-2.0
"""What the API says about a meter's LwM2M objects. Values are text in LwM2M's plain text: no digit is lost in JSON."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

ObjectPath = Annotated[str, Meta(pattern=r"^(/\d{1,5}){1,4}$", max_length=24)]


class ResourceDefinition(Struct, frozen=True):
    """One resource. ``operations``: letters of R, W, E. ``changeable``: may be written or executed by this road."""

    resource_id: int
    operations: str
    type: str | None
    unit: str
    many: bool
    title_zh: str
    title_en: str
    changeable: bool


class ObjectDefinition(Struct, frozen=True):
    """One object as the platform knows it."""

    object_id: int
    urn: str
    title_zh: str
    title_en: str
    resources: list[ResourceDefinition]


class ObjectValue(Struct, frozen=True):
    """One value. ``type``: of LwM2M; opaque is base64, a time whole seconds since 1970 UTC, a boolean 0 or 1.

    ``attributes``: of Discover, such as ``pmin=60``. ``at``: the time that the meter gave with the value.
    """

    path: str
    type: str
    value: str
    attributes: str
    at: datetime | None


class RegisteredObject(Struct, frozen=True):
    """An object that the meter announced; ``version`` "" when it did not say."""

    object_id: int
    version: str
    instances: list[int]


class Observation(Struct, frozen=True):
    """An observation. ``at``, ``values``: of its newest notification that the edge kept for people to see."""

    path: str
    at: datetime | None
    values: list[ObjectValue]


class MeterObjects(Struct, frozen=True):
    """What a meter registered. ``awake``: it listens now; a sleeping one listens again after its next words."""

    endpoint: str
    version: str
    binding: str
    queue_mode: bool
    lifetime_s: int
    registered_at: datetime
    updated_at: datetime
    heard_at: datetime | None
    awake: bool
    node: int
    objects: list[RegisteredObject]
    observations: list[Observation]


class MeterOperation(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do now. ``value``: of a write, as text; of an execute, its arguments (``0='a',1``). Both need a ``reason``."""

    operation: Literal["read", "discover", "write", "execute", "observe", "cancel"]
    path: ObjectPath
    value: Annotated[str, Meta(max_length=2000)] = ""
    reason: Annotated[str, Meta(max_length=400)] = ""


class OperationResult(Struct, frozen=True):
    """The meter's answer. ``code``: of CoAP, such as 2.05 or 4.04; ``ok``: 2.xx. ``raw_hex``: a payload that could not be read."""

    operation: str
    path: str
    ok: bool
    code: str
    content_format: int | None
    values: list[ObjectValue]
    raw_hex: str
    why: str
    at: datetime
    took_ms: int

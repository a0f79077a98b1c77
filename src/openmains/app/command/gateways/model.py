# SPDX-License-Identifier: Apache-2.0
"""Commands to gateways as the API tells them."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.command.model import CommandEvent, Key, Validity
from openmains.domain.command.life import State

GatewayKind = Literal["set_parameters", "read_parameters"]
Word = Annotated[str, Meta(max_length=64)]
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Parameters = dict[str, Whole | Word | Annotated[list[Whole], Meta(max_length=255)]]


class GatewayParameter(Struct, frozen=True):
    """A parameter and its bounds. ``form``: int, ints (``least`` to ``most`` different integers) or word (one of ``words``); ``value``: by
    which the gateway goes, null where it never said. ``needs_second``: a second person agrees, for all its meters join anew."""

    name: str
    form: Literal["int", "ints", "word"]
    title_zh: str
    title_en: str
    unit: str
    low: int
    high: int
    least: int
    most: int
    words: list[str]
    needs_second: bool
    value: int | str | list[int] | None


class GatewayParameters(Struct, frozen=True):
    """What of a gateway can be set from afar. ``reported_at``: when it said it last; null: it never did, and is not to be set."""

    concentrator_id: int
    gateway: str
    reported_at: datetime | None
    parameters: list[GatewayParameter]


class NewGatewayCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """A command to give. The same ``unique_key`` with the same content gives the same command, however often."""

    kind: GatewayKind
    unique_key: Key
    parameters: Parameters = {}
    note: Annotated[str, Meta(max_length=400, description="Why; needed to set something.")] = ""
    validity_s: Validity | None = None


class GatewayCommandInfo(Struct, frozen=True):
    """A command and how far it is; states as of a meter's. ``reason``: how it ended, ``named``: the parameter that this is about; ``answer``:
    all parameters by which the gateway goes, as it said to this command; ``attempts``: how often it was given to the gateway."""

    command_id: int
    concentrator_id: int
    gateway: str
    kind: GatewayKind
    parameters: Parameters
    unique_key: str
    state: State
    reason: str
    named: str
    note: str
    answer: Parameters | None
    attempts: int
    created_by: int
    given_by: str
    created_at: datetime
    not_after: datetime
    sent_at: datetime | None
    ended_at: datetime | None


class GatewayCommandDetail(GatewayCommandInfo, frozen=True):
    """A command with its history, oldest first."""

    history: list[CommandEvent]

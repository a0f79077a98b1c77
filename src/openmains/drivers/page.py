# SPDX-License-Identifier: Apache-2.0
"""A checked driver page, as ``schema`` makes it and the codecs use it.

A frame is header fields, message fields, CRC. Offsets count from the frame's first byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openmains.drivers.model import Kind, Title, Vector

CRC_SIZE = 2


@dataclass(slots=True, frozen=True)
class Bits:
    """A point in some bits of a field."""

    point: str
    at: int
    width: int


@dataclass(slots=True)
class Field:
    """One field of a frame. ``low``/``high``: accepted raw values; ``offset``: −1 for counted fields."""

    name: str
    type: str
    line: int
    size: int
    low: int
    high: int
    value: int | None = None
    point: str | None = None
    series: str | None = None
    count: str | None = None
    scale: int = 1
    default: int | None = None
    missing: int | None = None
    volume: bool = False
    exponent: bool = False
    bits: tuple[Bits, ...] = ()
    events: dict[int, int] = field(default_factory=dict)  # bit in the field → event number
    plus: str | None = None
    back_from: str | None = None
    back_at: str | None = None
    step_s: int = 0
    limited: bool = False  # low/high are narrower than the type
    offset: int = -1

    @property
    def signed(self) -> bool:
        return self.type[0] == "i"

    @property
    def bcd(self) -> bool:
        return self.type[0] == "b"


@dataclass(slots=True)
class AnswerField:
    """One field of the platform's answer: a constant, an echo of a header field, or the platform's clock."""

    name: str
    size: int
    signed: bool
    value: int = 0
    echo: str | None = None
    now: bool = False
    utc_offset: bool = False


@dataclass(slots=True)
class Message:
    """One message type: all its fields from the frame's first byte; the CRC follows the last."""

    name: str
    type: int
    kind: Kind
    title: Title
    fields: list[Field]
    by_name: dict[str, Field]
    fixed_size: int
    points: frozenset[str]
    event_known: int
    _counted: list[Field] | None = None

    def counted(self) -> list[Field]:
        """Fields that hold as many items as another field says."""
        if self._counted is None:
            self._counted = [f for f in self.fields if f.count]
        return self._counted


@dataclass(slots=True)
class Page:
    """A checked page."""

    file: str
    name: str
    medium: str
    grade: str
    unit_exponent: int
    title: Title
    hook: str | None
    options: Mapping[str, Any]
    option_line: int
    order: str = "big"
    header: list[Field] = field(default_factory=list)
    type_field: str = ""
    messages: list[Message] = field(default_factory=list)
    answer: list[AnswerField] = field(default_factory=list)
    vectors: tuple[Vector, ...] = ()

# SPDX-License-Identifier: Apache-2.0
"""What a driver makes of frames: columns of standard points (R3.3).

A *point* is a standard quantity with one name, one unit and integer values (``points.toml``). A batch of frames of one
product becomes a few ``Columns``, one for each message kind and shape found in it, so that the work per frame is a few
array operations and not a Python call. Frames that a driver can not read come back as ``Rejected`` with the byte that
is wrong; they never raise.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Kind(StrEnum):
    """What a message is for."""

    REPORT = "report"  # interval series, 7-day history, state (R1.1, R1.2)
    REGISTERS = "registers"  # registers at arbitrary instants
    ALARM = "alarm"  # events that report at once (R1.5)
    HEARTBEAT = "heartbeat"  # state only


@dataclass(slots=True)
class Columns:
    """Frames of one kind and one shape, column-wise; row r of every array belongs to frame ``rows[r]`` of the batch.

    ``points[name]``: one int64 a frame. ``series[name]``: int64 (frames × n), where a missing interval is
    ``MISSING_VALUE``; a point that the meter marks as unknown is ``MISSING_VALUE`` too. ``event_mask[r]``: bit n is set
    when event n of ``points.toml`` is active in the frame's state. A bit of ``event_known`` that is 0 in the mask is an
    event the frame says is over, so that recovery is seen as well.
    """

    kind: Kind
    rows: list[int]
    points: dict[str, Ints]
    series: dict[str, Ints] = field(default_factory=dict)
    event_mask: Ints | None = (
        None  # bit number = event number in points.toml; None = the message says nothing of events
    )
    event_known: int = 0  # which event bits this message type can speak of


@dataclass(slots=True, frozen=True)
class Rejected:
    """A frame that could not be read: ``offset`` is the wrong byte, ``reason`` a short code, ``detail`` prose."""

    row: int
    reason: str
    offset: int
    detail: str


MISSING_VALUE = -(2**63)


@dataclass(slots=True, frozen=True)
class FieldTrace:
    """One field of a frame for people: where it lies, its bytes, what they mean."""

    offset: int
    length: int
    name: str
    raw_hex: str
    value_text: str


@dataclass(slots=True, frozen=True)
class Title:
    """Text for people in both languages."""

    zh: str
    en: str


@dataclass(slots=True, frozen=True)
class Vector:
    """A frame and its meaning, kept with the page it proves.

    ``means``: point or series name → value; ``kind`` → the kind; ``events`` → names of active events. ``fault`` is the
    reason code a bad frame is refused with (then ``means`` is empty). ``received_at``: seconds UTC given to decode.
    """

    name: str
    frame: bytes
    source: str
    means: Mapping[str, object]
    fault: str | None = None
    received_at: int = 0


class EncodeError(ValueError):
    """The values do not fit the message: a missing point, a number out of range, a volume that is not exact."""


class Driver(ABC):
    """One product's message format. Stateless; safe to use from many threads.

    ``unit_exponent``: volumes are counts of 10^unit_exponent m³. ``grade``: how far the driver is proven, see
    ``docs/protocols/drivers.md``. ``points``: every point and series name that ``decode`` can give.
    """

    name: str
    medium: str
    title: Title
    grade: str
    unit_exponent: int
    vectors: tuple[Vector, ...]
    points: frozenset[str]
    encodes: bool

    @abstractmethod
    def check(self, payload: bytes) -> str | None:
        """Reason code why the frame can not be read, or None. Agrees with ``decode``; some µs."""

    @abstractmethod
    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        """Frames of one product as columns; every row of the batch is in exactly one result. Never raises on bytes.

        ``received_at[r]``: instant (s UTC) frame r arrived, used where the meter tells no usable time.
        """

    @abstractmethod
    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        """Body of the platform's answer to this message (time sync, R1.13); empty when there is none."""

    @abstractmethod
    def explain(self, payload: bytes) -> list[FieldTrace]:
        """The frame field by field, each byte exactly once, in order; as far as it can be read when it is broken."""

    @abstractmethod
    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        """Inverse of ``decode`` for one frame; raises ``EncodeError``.

        ``message`` names a message of the page; without it the first of this kind that carries all values is used.
        """

# SPDX-License-Identifier: Apache-2.0
"""What a driver makes of frames: columns of standard points (R3.3).

A *point* is a standard quantity with one name, one unit and integer values (``points.toml``). A batch of frames of one
product becomes a few ``Columns``, one for each message kind and shape found in it, so that the work per frame is a few
array operations and not a Python call. Frames that a driver cannot read come back as ``Rejected`` with the byte that
is wrong; they never raise.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.network.spreading import Spreading
from openmains.domain.tariff.meter_deduction import MeterDeduction

Ints = NDArray[np.int64]


class Kind(StrEnum):
    """What a message is for."""

    REPORT = "report"  # interval series, 7-day history, state (R1.1, R1.2)
    REGISTERS = "registers"  # registers at arbitrary instants
    ALARM = "alarm"  # events that report at once (R1.5)
    HEARTBEAT = "heartbeat"  # state only
    COMMAND_RESULT = (
        "command_result"  # what became of a command, with the read-back (R4.4); serial 0: of its own accord
    )
    PARAMETERS = "parameters"  # numbered settings read back (R4.2)
    LOG = "log"  # a part of the meter's event log (R1.14)


class Damage(NamedTuple):
    """A part of a message that cannot be read while the rest can: what is sound is kept, this is noted.

    ``row``: the frame's place in the batch; ``offset``: byte of the frame, of its payload's beginning where the format
    does not tell; ``name``: field, point or path; ``detail``: prose.
    """

    row: int
    offset: int
    name: str
    detail: str


@dataclass(slots=True)
class Columns:
    """Frames of one kind and one shape, column-wise; row r of every array belongs to frame ``rows[r]`` of the batch.

    ``points[name]``: one int64 a frame. ``series[name]``: int64 (frames × n), where a missing interval is
    ``MISSING_VALUE``; a point that the meter marks as unknown, or that is damaged, is ``MISSING_VALUE`` too. ``event_mask[r]``: bit n is set
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
    damages: list[Damage] = field(default_factory=list)  # what these frames say that could not be read


class Fault(NamedTuple):
    """Why a frame cannot be read: ``offset`` is the wrong byte, ``reason`` a short code, ``detail`` prose."""

    reason: str
    offset: int
    detail: str


@dataclass(slots=True, frozen=True)
class Rejected:
    """The frame of a batch with a ``Fault``."""

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
class FaultCode:
    """What the maker calls an event, what it means at this product, and what to do (R7.4). Several codes may raise one event."""

    event: str
    code: str
    title: Title
    act: Title


@dataclass(slots=True, frozen=True)
class Source:
    """Where a page of somebody else's format is from: ``url``, ``licence`` of what is there, and ``evidence``, what its vectors rest on:
    a standard's examples, the maker's own document or program, captures from meters in service, or the tests of a public decoder."""

    url: str
    licence: str
    evidence: str


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


@dataclass(slots=True, frozen=True)
class CommandParam:
    """One parameter of a command: an integer, or by ``form`` a text, a list of integers, or settings by name.

    ``low``/``high`` bound the integer, each item of a list, or the length of a text. ``default`` None: needed.
    """

    name: str
    form: str  # int, text, list, settings (name → value), names (list of setting names; empty = all)
    unit: str
    low: int
    high: int
    title: Title
    default: int | None = None
    most: int = 1  # items of a list, settings or names in one frame


@dataclass(slots=True, frozen=True)
class CommandKind:
    """A command the product understands. ``signed``: acts on gas, water or money and carries a MAC.

    ``limit_bytes``: the frame is shorter than this (R1.4). ``confirmed`` False: the layout is not proven by a document
    or a meter; ``params`` in the order of the frame.
    """

    name: str
    code: int
    title: Title
    signed: bool
    limit_bytes: int
    params: tuple[CommandParam, ...] = ()
    confirmed: bool = True


class Effect(StrEnum):
    """What a setting can do by its effect, whatever it is called. What moves a valve or money goes with a MAC only."""

    NONE = "none"
    REACH = "reach"  # when, how often or whether the meter is heard
    MONEY = "money"  # what is deducted, or credit from nowhere
    VALVE = "valve"  # makes the meter shut or keep shut


@dataclass(slots=True, frozen=True)
class Setting:
    """One numbered parameter of a product (R4.2); the number is for ever. ``closes_below``: the valve shuts while the balance is
    below this setting, so its effect on a known balance can be told."""

    number: int
    name: str
    unit: str
    low: int
    high: int
    default: int
    title: Title
    effect: Effect = Effect.NONE
    closes_below: bool = False

    @property
    def signed(self) -> bool:
        """Whether it is written by a signed command only."""
        return self.effect in (Effect.MONEY, Effect.VALVE)


@dataclass(slots=True, frozen=True)
class Command:
    """A downlink frame as the meter reads it. ``body``: the bytes under the MAC."""

    kind: str
    params: Mapping[str, object]
    serial: int
    counter: int
    not_after: int
    body: bytes
    mac: bytes | None


class CommandError(ValueError):
    """A downlink frame that cannot be acted upon; ``reason``: length, magic, crc, unknown_kind, range, unsigned (a setting that
    only a signed command may write).

    ``serial``, ``code``: as far as they could be read (0 otherwise); then the meter can say what it refuses.
    """

    def __init__(self, reason: str, serial: int = 0, code: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.serial, self.code = reason, serial, code


class EncodeError(ValueError):
    """The values do not fit the message: a missing point, a number out of range, a volume that is not exact."""


class Driver(ABC):
    """One product's message format. Stateless; safe to use from many threads.

    ``unit_exponent``: volumes are counts of 10^unit_exponent m³. ``grade``: how far the driver is proven, see
    ``docs/protocols/drivers.md``. ``points``: every point and series name that ``decode`` can give.
    """

    name: str
    medium: str
    kind = DeviceKind.METER  # what its product is: a meter, or a monitor, which has no register
    title: Title
    grade: str
    unit_exponent: int
    vectors: tuple[Vector, ...]
    fault_codes: tuple[FaultCode, ...] = ()
    source: Source | None = None  # None: a page of ours, or one that does not say
    points: frozenset[str]
    encodes: bool
    register_ceiling = (
        0  # all ones in the widest field of a register, in the driver's unit; 0: the frame has no such width
    )
    number_digits = 0  # last digits of meter_number and the registered number that must agree; 0: not compared
    is_asked = False  # its meters say nothing unasked: a master asks them on a line, and behind a DTU that is the edge
    command_port: int | None = None  # FPort to which its commands go on LoRaWAN; None: as the installation says
    topic = ""  # of its messages at an MQTT broker, with {number}; "": it has none of its own
    wants_envelope = False  # payloads are LwM2M reports in ``lwm2m.envelope``, wrapped by the edge
    observes: tuple[tuple[int, ...], ...] = ()  # LwM2M paths whose notifications are this product's reports
    command_kinds: Mapping[str, CommandKind] = MappingProxyType({})
    settings: Mapping[str, Setting] = MappingProxyType({})
    spreading: Spreading | None = None  # how its meters spread their reports (R2.1); None: it has no report time to set
    deduction: MeterDeduction | None = (
        None  # what its meters do when they deduct by themselves; None: its page does not say
    )

    @abstractmethod
    def check(self, payload: bytes) -> str | None:
        """Reason code why nothing of the frame can be read, or None. Agrees with ``decode``; some µs."""

    @abstractmethod
    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        """Frames of one product as columns; every row of the batch is in exactly one result. Never raises on bytes.

        ``received_at[r]``: instant (s UTC) frame r arrived, used where the meter gives no usable time.
        """

    @abstractmethod
    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        """Body of the platform's answer to this message (time sync, R1.13); empty when there is none.

        Only for frames that ``check`` found good.
        """

    def clock_of(self, payload: bytes, received_at: int) -> int | None:
        """What the message says of the meter's clock (s UTC), where the platform sets it by other means than ``answer``."""
        return None

    @abstractmethod
    def explain(self, payload: bytes) -> list[FieldTrace]:
        """The frame field by field, each byte exactly once, in order; as far as it can be read when it is broken."""

    @abstractmethod
    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        """Inverse of ``decode`` for one frame; raises ``EncodeError``.

        ``message`` names a message of the page; without it the first of this kind that carries all values is used.
        """

    # -- downlink: products without commands keep these -------------------------------------------------------------

    def command_body(
        self, kind: str, params: Mapping[str, object], *, serial: int, counter: int, not_after: int
    ) -> bytes:
        """The part of the frame that is signed: header, kind, serial, counter, validity, parameters.

        ``serial``: the same again in every repeat (R1.11), 1…2³²−1. ``counter``: strictly rising for each meter.
        ``not_after``: instant (s UTC) after which the meter refuses. Raises ``EncodeError``.
        """
        raise EncodeError(f"{self.name} has no command {kind}")

    def command(
        self,
        kind: str,
        params: Mapping[str, object],
        *,
        serial: int,
        counter: int,
        not_after: int,
        mac: Callable[[bytes], bytes] | None = None,
    ) -> bytes:
        """The downlink frame. ``mac``: body → 16 bytes, needed where the kind is signed. Raises ``EncodeError``."""
        raise EncodeError(f"{self.name} has no command {kind}")

    def read_command(self, frame: bytes) -> Command:
        """Inverse of ``command``, for emulated meters; raises ``CommandError`` only. The MAC is not checked here."""
        raise CommandError("unknown_kind")

    def explain_down(self, frame: bytes) -> list[FieldTrace]:
        """What the platform sent – a command or an answer – field by field, each byte exactly once; [] where it is neither."""
        return []

# SPDX-License-Identifier: Apache-2.0
"""A checked driver page, as ``schema`` makes it and the codecs use it.

A frame is header fields, message fields, CRC. Offsets count from the frame's first byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.network.spreading import Spreading
from openmains.domain.tariff.meter_deduction import MeterDeduction
from openmains.drivers.errors import Place
from openmains.drivers.model import CommandKind, FaultCode, Kind, Setting, Source, Title, Vector

CRC_SIZE = 2
MOST_DIGITS = 18  # of a number that fits 64 bits
INTEGERS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u48": 6, "i8": 1, "i16": 2, "i32": 4}  # type → bytes
SIZES = INTEGERS | {f"bcd{n}": n for n in range(1, 9)}
PACKED = {
    f"u{n}": n for n in range(1, 16) if n % 8
}  # type → bits: of counted fields only, without gaps, highest bit first


def raw_range(kind: str) -> tuple[int, int]:
    """Least and largest raw number of a type in ``SIZES`` or ``PACKED``."""
    if kind in PACKED:
        return 0, (1 << PACKED[kind]) - 1
    bits = 8 * SIZES[kind]
    if kind.startswith("bcd"):
        return 0, int(10 ** (bits // 4)) - 1
    if kind.startswith("i"):
        return -(1 << bits - 1), (1 << bits - 1) - 1
    return 0, (1 << bits) - 1


@dataclass(slots=True, frozen=True)
class Bits:
    """A point in some bits of a field."""

    point: str
    at: int
    width: int


@dataclass(slots=True)
class Field:
    """One field of a frame. ``low``/``high``: accepted raw values; ``offset``: −1 for counted fields; ``size``: bytes of one item,
    0 of a packed one."""

    name: str
    type: str
    place: Place
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

    @property
    def width(self) -> int:
        """Bits of one item."""
        return PACKED.get(self.type, 8 * self.size)

    def length(self, count: int) -> int:
        """Bytes of so many items; packed ones are filled up to a whole byte at the end only."""
        return (self.width * count + 7) // 8


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


@dataclass(slots=True, frozen=True)
class CommandField:
    """How a command's parameter lies in the frame; ``size`` 0: text, settings or names."""

    name: str
    form: str
    size: int = 0
    signed: bool = False
    count: str | None = None


@dataclass(slots=True, frozen=True)
class CommandVector:
    """A downlink frame and what it says."""

    name: str
    frame: bytes
    source: str
    kind: str
    params: Mapping[str, object]
    serial: int
    counter: int
    not_after: int
    mac: bytes | None


@dataclass(slots=True, frozen=True)
class CommandTable:
    """The downlink of a page: the head's constants, kinds, their fields, settings, vectors."""

    magic: int
    version: int
    kinds: Mapping[str, CommandKind]
    fields: Mapping[str, tuple[CommandField, ...]]
    settings: Mapping[str, Setting]
    vectors: tuple[CommandVector, ...]


@dataclass(slots=True)
class Page:
    """A checked page, but for the ``[options]`` of a hook."""

    name: str
    medium: str
    grade: str
    unit_exponent: int
    title: Title
    hook: str | None
    number_digits: int | None = None  # None: as wide as the frame has it
    command_port: int | None = None
    kind: DeviceKind = DeviceKind.METER
    order: str = "big"
    header: list[Field] = field(default_factory=list)
    type_field: str = ""
    messages: list[Message] = field(default_factory=list)
    answer: list[AnswerField] = field(default_factory=list)
    fault_codes: tuple[FaultCode, ...] = ()
    vectors: tuple[Vector, ...] = ()
    source: Source | None = None
    commands: CommandTable | None = None
    spreading: Spreading | None = None
    deduction: MeterDeduction | None = None

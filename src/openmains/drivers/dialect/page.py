# SPDX-License-Identifier: Apache-2.0
"""A checked dialect page, as ``schema`` makes it and ``walk`` follows it through a frame.

Unlike a table page, whose offsets follow from a message's type and counts, a dialect is walked from the first byte on: what a field is and
where it lies may depend on any field before it. That costs some microseconds a field and leaves nothing that a maker does unsaid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openmains.drivers.errors import Place
from openmains.drivers.model import Kind, Title
from openmains.drivers.page import Bits
from openmains.wire.crc import Crc
from openmains.wire.modbus.acts import Block, ValveControl

SIZES = (1, 2, 3, 4, 5, 6, 7, 8)
MOST_RAW = 2**62  # a value beyond is damage: sums and differences of two still fit 64 bits
UNIT_DIGITS = 3
ORDERS = ("big", "little", "big-swapped", "little-swapped")
"""``-swapped``: 16-bit words the other way round than the bytes in them, as registers of many Modbus devices stand."""


@dataclass(frozen=True, slots=True)
class FrameCheck:
    """What proves that a frame came whole: a CRC, a sum of bytes, or nothing. It stands before ``end``, over all bytes from ``start`` on."""

    size: int = 0
    crc: Crc | None = None
    is_sum: bool = False
    order: str = "big"
    start: int = 0

    def of(self, body: bytes) -> bytes:
        """The check's bytes over ``body``, the frame without check and end."""
        if not self.size:
            return b""
        part = body[self.start :]
        value = sum(part) & ((1 << 8 * self.size) - 1) if self.crc is None else self.crc.of(part)
        return value.to_bytes(self.size, "little" if self.order == "little" else "big")


@dataclass(frozen=True, slots=True)
class Length:
    """A field that says how long the whole frame is: raw × ``unit`` + ``plus`` bytes (unit 2: it counts words)."""

    unit: int
    plus: int


@dataclass(frozen=True, slots=True)
class Instants:
    """Record k of a group is of the instant ``start`` (a field or point before it), down to a whole ``floor_s``, +
    (k + ``first``) · ``step_s``."""

    start: str
    step_s: int
    first: int = 0
    floor_s: int = 1


@dataclass(frozen=True, slots=True)
class Codes:
    """Bits of a field that hold a number, not flags: number → the event that it says, None for one that says nothing is wrong."""

    at: int
    width: int
    events: Mapping[int, int | None]

    @property
    def known(self) -> int:
        """Mask of the events that it can say."""
        return sum({1 << event for event in self.events.values() if event is not None})


@dataclass(frozen=True, slots=True)
class Near:
    """A field that lies at most so far below and above another one before it; a frame where it does not is none of this page's."""

    field: str
    below: int
    above: int


@dataclass(frozen=True, slots=True)
class When:
    """A group that stands in the frame only if this bit of a field before it is set."""

    field: str
    bit: int


@dataclass(slots=True)
class Leaf:
    """One field. ``form``: int, bcd, float, digits (ASCII), clock, packed clock, bytes. ``low``/``high``: accepted raw values;
    ``values``: of a constant, those that are taken. ``adds_to``: a field before the group, to which one after the other is added."""

    name: str
    place: Place
    form: str
    size: int
    order: str = "big"
    signed: bool = False
    sign_bit: bool = False
    values: frozenset[int] = frozenset()
    point: str | None = None
    series: str | None = None
    plus: int = 0
    scale: int = 1
    divide: int = 1
    decimals: int = 0
    volume: bool = False
    unit: str | None = None  # the field that says in which unit
    units: Mapping[int, int] = field(default_factory=dict)  # raw → power of ten of m³
    missing: frozenset[int] = frozenset()
    low: int = 0
    high: int = 0
    bits: tuple[Bits, ...] = ()
    events: Mapping[int, int] = field(default_factory=dict)
    codes: Codes | None = None
    near: Near | None = None
    adds_to: str = ""
    length: Length | None = None
    clock: str = ""  # its pairs, e.g. YYMMDDhhmmss
    is_bcd_clock: bool = True

    @property
    def says(self) -> str | None:
        """The point or series it becomes."""
        return self.point or self.series


@dataclass(slots=True)
class Group:
    """Fields that stand together, ``count`` times: a number, the name of a field before it, or None: as often as the frame has room."""

    name: str
    place: Place
    items: "list[Leaf | Group]"
    count: int | str | None = 1
    most: int = 1
    instants: Instants | None = None
    when: When | None = None
    records: "tuple[Record, ...]" = ()
    skips: str = ""  # by which rule a record that the page does not have is passed over; "": the frame is refused


@dataclass(frozen=True, slots=True)
class Record:
    """One of the kinds of which a group of ``records`` consists, in any order, to the end of the frame: the bytes that it begins with, and what
    follows them. Once in a frame unless ``many``. ``points``: which it says."""

    name: str
    place: Place
    tag: bytes
    items: "list[Leaf | Group]"
    many: bool
    points: frozenset[str]


Item = Leaf | Group


@dataclass(frozen=True, slots=True)
class DialectMessage:
    """One message: what follows the header."""

    name: str
    type: int | None
    kind: Kind
    title: Title
    items: tuple[Item, ...]
    known: int  # events it can speak of
    points: frozenset[str]
    needs: frozenset[str] = frozenset()  # a frame that says none of these is none of this message
    or_heartbeat: bool = False  # unless the page says so: then it is a heartbeat


@dataclass(frozen=True, slots=True)
class Poll:
    """How its devices are asked on a line, and their valves moved. ``unit``: of a device that is alone on it; None: the last ``UNIT_DIGITS``
    digits of its number."""

    over_tcp: bool
    unit: int | None
    blocks: tuple[Block, ...]
    valve: ValveControl | None = None


@dataclass(frozen=True, slots=True)
class DialectPage:
    """The frame of one product. ``type_field``: of the header; "" where there is one message only."""

    header: tuple[Item, ...]
    messages: tuple[DialectMessage, ...]
    type_field: str
    check: FrameCheck
    end: bytes
    skip: bytes  # bytes that may stand before a frame, any number of them
    utc_offset_s: int
    unit_exponent: int
    size_needed: int = 0  # the least frame
    poll: Poll | None = None

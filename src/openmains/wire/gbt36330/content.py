# SPDX-License-Identifier: Apache-2.0
"""Reference contents of the data areas (R5.4): types 01–05, whose meaning the standard names and whose layout it leaves to makers
(section 7.6.3), and ours from 10H. The page ``docs/protocols/gbt36330.md`` has them byte by byte.

A content is a table of fields (``LAYOUTS``) and, for some, a list at its end. Integers are in the profile's byte order. Volumes are
dm³ in 6 bytes, money fen, instants seconds since 1970 UTC, days numbers since 1970-01-01. What goes down and comes up under one
type are different contents: ``decode_untrusted`` is told which by the frame.
"""

from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

from openmains.wire.cursor import ByteOrder, Reader, Writer
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.frame import MessageType
from openmains.wire.gbt36330.profile import LAYER

NO_REGISTER = 0xFFFF_FFFF_FFFF  # of a day without one
UNBOUNDED = 0xFFFF  # upper bound of the last price tier
MOST_HISTORY = 62
MOST_TIERS = 6
MOST_ITEMS = 32


class Field(NamedTuple):
    """``width`` bytes, of values ``low`` to ``high``."""

    name: str
    width: int
    low: int
    high: int


def _u(name: str, width: int, high: int | None = None, low: int = 0) -> Field:
    return Field(name, width, low, (1 << 8 * width) - 1 if high is None else high)


def _i(name: str, width: int, most: int) -> Field:
    return Field(name, width, -most, most)


@dataclass(frozen=True, slots=True)
class FactoryReset:
    """01 down. ``scope``: 1 parameters, 2 also accounts and keys. Registers and logs are never reset. ``serial`` names the command."""

    TYPE: ClassVar = (MessageType.FACTORY_RESET, "down")
    serial: int
    scope: int


@dataclass(frozen=True, slots=True)
class Item:
    """A parameter: ``value`` empty where it is asked for."""

    number: int
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class Parameters:
    """02 both ways. ``action`` down: 0 read, 1 write; up: 0 as they are now, after a write too, so a write is confirmed by what is so."""

    TYPE: ClassVar = (MessageType.PARAMETERS, "both")
    serial: int
    action: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Time:
    """03. Down: the platform's time, to be taken over; up: the meter's own, before."""

    TYPE: ClassVar = (MessageType.TIME, "both")
    at: int
    utc_offset_min: int


@dataclass(frozen=True, slots=True)
class ReadingRequest:
    """04 down. ``days``: of history, answered as type 10; 0: the reading of now, as type 04."""

    TYPE: ClassVar = (MessageType.READING, "down")
    first_day: int
    days: int


@dataclass(frozen=True, slots=True)
class Reading:
    """04 up. ``valve``: 0 open, 1 closed, 2 fault or unknown. ``events``: bits numbered as in ``drivers/points.toml``."""

    TYPE: ClassVar = (MessageType.READING, "up")
    at: int
    register: int
    valve: int
    battery_mv: int
    events: int


@dataclass(frozen=True, slots=True)
class Control:
    """05 down. ``action``: 0 close, 1 open, 2 close for safety; ``reason`` is shown at the meter. Not done after ``valid_until``."""

    TYPE: ClassVar = (MessageType.CONTROL, "down")
    serial: int
    valid_until: int
    action: int
    reason: int


@dataclass(frozen=True, slots=True)
class ControlResult:
    """05 up. ``result``: 0 done, 1 refused, 2 too late, 3 repeat of one that was done. ``valve`` as it is found, not as it was told."""

    TYPE: ClassVar = (MessageType.CONTROL, "up")
    serial: int
    result: int
    valve: int


@dataclass(frozen=True, slots=True)
class History:
    """10 up: a reading, and the registers at 00:00 of ``first_day`` and the days after; ``NO_REGISTER``: none was kept."""

    TYPE: ClassVar = (MessageType.HISTORY, "up")
    at: int
    register: int
    valve: int
    battery_mv: int
    events: int
    first_day: int
    registers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EventReport:
    """11 up. ``event``: number as in ``drivers/points.toml``. ``cause``: why the valve closed, 0 if it did not."""

    TYPE: ClassVar = (MessageType.EVENT, "up")
    event: int
    active: int
    at: int
    cause: int
    register: int


@dataclass(frozen=True, slots=True)
class TopUp:
    """12 down. ``kind``: 0 money (``amount`` in fen), 1 volume (dm³). ``serial``: a repeat has no second effect (R1.11)."""

    TYPE: ClassVar = (MessageType.TOP_UP, "down")
    serial: int
    valid_until: int
    kind: int
    amount: int


@dataclass(frozen=True, slots=True)
class TopUpResult:
    """12 up. ``result`` as of ``ControlResult``; ``balance`` after it, of the kind ``kind``."""

    TYPE: ClassVar = (MessageType.TOP_UP, "up")
    serial: int
    result: int
    kind: int
    balance: int


@dataclass(frozen=True, slots=True)
class Tier:
    """``upper_m3``: the tier's upper bound, ``UNBOUNDED`` for the last one. ``price``: 1/10,000 yuan for a cubic metre."""

    upper_m3: int
    price: int


@dataclass(frozen=True, slots=True)
class PriceSet:
    """13 down: in force from ``effective_at``. ``clears``: the accumulated volume begins at 0 then. Bounds rise, the last is open."""

    TYPE: ClassVar = (MessageType.PRICE, "down")
    version: int
    effective_at: int
    cycle_months: int
    clears: int
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class PriceResult:
    """13 up. The version that is in force and the one that waits (0: none), as the meter has them now."""

    TYPE: ClassVar = (MessageType.PRICE, "up")
    version: int
    result: int
    waiting_version: int


@dataclass(frozen=True, slots=True)
class FirmwareBlock:
    """14 down. ``image`` names the program, ``size`` its bytes, ``offset`` where ``block`` stands."""

    TYPE: ClassVar = (MessageType.FIRMWARE_BLOCK, "down")
    image: int
    size: int
    offset: int
    block: bytes


@dataclass(frozen=True, slots=True)
class FirmwareResult:
    """14 up. ``next_offset``: the first byte that is not there yet. ``result``: 0 go on, 1 refused, 2 complete and verified."""

    TYPE: ClassVar = (MessageType.FIRMWARE_BLOCK, "up")
    image: int
    next_offset: int
    result: int


Content = (
    FactoryReset | Parameters | Time | ReadingRequest | Reading | Control | ControlResult | History | EventReport | TopUp
    | TopUpResult | PriceSet | PriceResult | FirmwareBlock | FirmwareResult
)  # fmt: skip

_SERIAL = _u("serial", 4)
_STATE = (
    _u("at", 4), _u("register", 6, NO_REGISTER - 1), _u("valve", 1, 2), _u("battery_mv", 2), _u("events", 8),
)  # fmt: skip
LAYOUTS: dict[type[Content], tuple[Field, ...]] = {
    FactoryReset: (_SERIAL, _u("scope", 1, 2, 1)),
    Parameters: (_SERIAL, _u("action", 1, 1)),
    Time: (_u("at", 4), _i("utc_offset_min", 2, 840)),
    ReadingRequest: (_u("first_day", 2), _u("days", 1, MOST_HISTORY)),
    Reading: _STATE,
    Control: (_SERIAL, _u("valid_until", 4), _u("action", 1, 2), _u("reason", 1)),
    ControlResult: (_SERIAL, _u("result", 1, 3), _u("valve", 1, 2)),
    History: (*_STATE, _u("first_day", 2)),
    EventReport: (_u("event", 1, 63), _u("active", 1, 1), _u("at", 4), _u("cause", 1), _u("register", 6)),
    TopUp: (_SERIAL, _u("valid_until", 4), _u("kind", 1, 1), _u("amount", 4, low=1)),
    TopUpResult: (_SERIAL, _u("result", 1, 3), _u("kind", 1, 1), _i("balance", 8, (1 << 62) - 1)),
    PriceSet: (_u("version", 2, low=1), _u("effective_at", 4), _u("cycle_months", 1, 12, 1), _u("clears", 1, 1)),
    PriceResult: (_u("version", 2), _u("result", 1, 3), _u("waiting_version", 2)),
    FirmwareBlock: (_u("image", 4), _u("size", 4, low=1), _u("offset", 4)),
    FirmwareResult: (_u("image", 4), _u("next_offset", 4), _u("result", 1, 2)),
}
LISTS = {Parameters: "items", History: "registers", PriceSet: "tiers", FirmwareBlock: "block"}
"""What stands behind the fields: a count (1) and entries; ``block`` is simply the rest."""


def encode(content: Content, order: ByteOrder = "big") -> bytes:
    """The content's bytes, which may be more than fit into one data area (``segments.split``). Raises ``WireError`` for a value that a
    field does not have."""
    _check_list(content)
    writer = Writer(LAYER)
    for field in LAYOUTS[type(content)]:
        value = getattr(content, field.name)
        if not field.low <= value <= field.high:
            raise writer.fail(field.name)
        (writer.sint if field.low < 0 else writer.uint)(value, field.width, order)
    if isinstance(content, FirmwareBlock):
        writer.put(content.block)
    elif isinstance(content, Parameters):
        writer.u8(len(content.items))
        for item in content.items:
            writer.u8(item.number)
            writer.u8(len(item.value))
            writer.put(item.value)
    elif isinstance(content, History):
        writer.u8(len(content.registers))
        for register in content.registers:
            writer.uint(register, 6, order)
    elif isinstance(content, PriceSet):
        writer.u8(len(content.tiers))
        for tier in content.tiers:
            writer.uint(tier.upper_m3, 2, order)
            writer.uint(tier.price, 4, order)
    return writer.getvalue()


def decode_untrusted(message_type: int, down: bool, data: bytes, order: ByteOrder = "big") -> Content:
    """The content of a message or normal confirmation; raises ``WireError`` at the byte that is wrong."""
    kind = _KINDS.get((message_type, down))
    if kind is None:
        raise WireError(LAYER, 0, "message type")
    reader = Reader(data, LAYER)
    values: dict[str, object] = {}
    for field in LAYOUTS[kind]:
        at = reader.position
        value = (reader.sint if field.low < 0 else reader.uint)(field.width, order)
        if not field.low <= value <= field.high:
            raise reader.fail(field.name, at)
        values[field.name] = value
    behind = LISTS.get(kind)
    at = reader.position
    if behind == "block":
        values[behind] = reader.rest()
    elif behind is not None:
        values[behind] = tuple(_entry(behind, reader, order) for _ in range(reader.u8()))
    reader.finish()
    content: Content = kind(**values)  # type: ignore[arg-type]  # by LAYOUTS and LISTS, which a test holds to the fields
    try:
        _check_list(content)
    except WireError as bad:
        raise WireError(LAYER, at, bad.reason) from None
    return content


def _entry(behind: str, reader: Reader, order: ByteOrder) -> int | Item | Tier:
    if behind == "registers":
        return reader.uint(6, order)
    if behind == "tiers":
        return Tier(reader.uint(2, order), reader.uint(4, order))
    return Item(reader.u8(), reader.take(reader.u8()))


def _check_list(content: Content) -> None:
    """What the lists must be, both ways."""
    fault = ""
    if isinstance(content, Parameters):
        numbers = [item.number for item in content.items]
        if not 1 <= len(numbers) <= MOST_ITEMS or len(set(numbers)) < len(numbers):
            fault = "items"
    elif isinstance(content, History):
        if len(content.registers) > MOST_HISTORY:
            fault = "registers"
    elif isinstance(content, PriceSet):
        bounds = [tier.upper_m3 for tier in content.tiers]
        if not 1 <= len(bounds) <= MOST_TIERS or bounds[-1] != UNBOUNDED or sorted(set(bounds)) != bounds:
            fault = "tiers"
    elif isinstance(content, FirmwareBlock) and not (
        content.block and content.offset + len(content.block) <= content.size
    ):
        fault = "block"
    if fault:
        raise WireError(LAYER, 0, fault)


def _kinds() -> dict[tuple[int, bool], type[Content]]:
    found: dict[tuple[int, bool], type[Content]] = {}
    for kind in LAYOUTS:
        message_type, way = kind.TYPE
        for down in (True, False):
            if way in ("both", "down" if down else "up"):
                found[int(message_type), down] = kind
    return found


_KINDS = _kinds()


def names(kind: type[Content]) -> list[str]:
    """The fields of a content in the order in which they are sent."""
    return [field.name for field in fields(kind)]

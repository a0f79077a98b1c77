# SPDX-License-Identifier: Apache-2.0
"""What implementations of CJ/T 188-2004 disagree about, as options of a page (``docs/protocols/cjt188.md``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import vocabulary
from openmains.drivers.sections import offset_s
from openmains.wire.cjt188.data import UNIT_CUBIC_METRE
from openmains.wire.dlt645.frame import ANSWER, BROADCAST, READ, carry, encode_frame
from openmains.wire.errors import WireError

ID_ORDERS = ("high-first", "low-first", "any")
CLOCK_ANSWERS = ("none", "write-time")


@dataclass(slots=True, frozen=True)
class StatusBits:
    """A field of the two status bytes: the values that mean the first, second … state."""

    byte: int
    mask: int
    values: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class CarrierOption:
    """Frames of the line are carried in frames of DL/T 645-2007 under this data identifier, as the concentrator's maker has it."""

    identifier: int
    control: int
    address: str  # of the concentrator's port: 12 digits, or all A


@dataclass(slots=True, frozen=True)
class Options:
    """Checked options."""

    id_order: str
    clock_answer: str
    utc_offset_s: int  # the meter's wall clock minus UTC
    units: dict[int, int]  # unit code → factor from the dial's count to the driver's unit
    valve: StatusBits | None  # values of open, closed
    events: dict[str, StatusBits]  # event → value while active
    carrier: CarrierOption | None = None


class _CarrierEntry(TypedDict):
    identifier: int
    control: NotRequired[int]
    address: NotRequired[str]


class _OptionsEntry(TypedDict):
    id_order: str
    clock_answer: str
    utc_offset_min: int
    units: dict[str, object]
    valve: NotRequired[dict[str, object]]
    events: NotRequired[dict[str, object]]
    carrier: NotRequired[dict[str, object]]


class _ValveEntry(TypedDict):
    byte: int
    mask: int
    open: int
    closed: int


class _EventEntry(TypedDict):
    byte: int
    mask: int
    active: int


def read_options(reader: PageReader, unit_exponent: int) -> Options:
    """Options of a page; raises ``DriverPageError``."""
    entry = reader.section(_OptionsEntry, "options")
    id_order, clock_answer = entry["id_order"], entry["clock_answer"]
    if id_order not in ID_ORDERS:
        reader.fail(reader.place("options", "id_order"), f"id_order is one of {', '.join(ID_ORDERS)}")
    if clock_answer not in CLOCK_ANSWERS:
        reader.fail(reader.place("options", "clock_answer"), f"clock_answer is one of {', '.join(CLOCK_ANSWERS)}")
    utc_offset_s = offset_s(reader, entry["utc_offset_min"], "options")
    units = _units(reader, entry["units"], unit_exponent)
    valve = _valve(reader) if "valve" in entry else None
    events = {name: _event(reader, name) for name in entry.get("events", {})}
    carrier = _carrier(reader) if "carrier" in entry else None
    return Options(id_order, clock_answer, utc_offset_s, units, valve, events, carrier)


def _carrier(reader: PageReader) -> CarrierOption:
    path = ("options", "carrier")
    entry = reader.section(_CarrierEntry, *path)
    found = CarrierOption(entry["identifier"], entry.get("control", READ), entry.get("address", BROADCAST))
    try:
        encode_frame(carry(found.address, found.control, found.identifier, b""))
    except WireError as bad:
        reader.fail(reader.place(*path), f"no frame of DL/T 645 can be made of it: {bad.reason}")
    if found.control & ANSWER:
        reader.fail(reader.place(*path, "control"), "control is a question's: bit 7 is the answer's")
    return found


def _units(reader: PageReader, units: Mapping[str, object], unit_exponent: int) -> dict[int, int]:
    """Unit code → factor. Two hex digits each, none finer than the driver's unit, and the cubic metre among them."""
    place = reader.place("options", "units")
    found: dict[int, int] = {}
    for code, exponent in units.items():
        is_code = len(code) == 2 and not set(code.upper()) - set("0123456789ABCDEF")
        if not is_code or not isinstance(exponent, int) or not unit_exponent <= exponent <= 3:
            reader.fail(place, f"unit {code!r} needs two hex digits and an exponent that is not below unit_exponent")
        found[int(code, 16)] = int(10 ** (exponent - unit_exponent))
    if UNIT_CUBIC_METRE not in found:
        reader.fail(place, f"units need {UNIT_CUBIC_METRE:02X}")
    return found


def _valve(reader: PageReader) -> StatusBits:
    path = ("options", "valve")
    entry = reader.section(_ValveEntry, *path)
    if entry["mask"].bit_count() < 2:
        reader.fail(reader.place(*path), "a valve needs two bits: open, closed, and at least one value for a fault")
    return _bits(reader, path, StatusBits(entry["byte"], entry["mask"], (entry["open"], entry["closed"])))


def _event(reader: PageReader, name: str) -> StatusBits:
    path = ("options", "events", name)
    entry = reader.section(_EventEntry, *path)
    if name not in vocabulary().events:
        reader.fail(reader.place(*path), f"event {name!r} is not in points.toml")
    return _bits(reader, path, StatusBits(entry["byte"], entry["mask"], (entry["active"],)))


def _bits(reader: PageReader, path: tuple[str, ...], found: StatusBits) -> StatusBits:
    if found.byte not in (0, 1) or not 0 < found.mask < 256:
        reader.fail(reader.place(*path), "byte is 0 or 1, mask 0x01..0xFF")
    if any(value & ~found.mask for value in found.values) or len(set(found.values)) < len(found.values):
        reader.fail(reader.place(*path), "the states must differ and lie inside the mask")
    return found

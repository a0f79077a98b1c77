# SPDX-License-Identifier: Apache-2.0
"""One field of a dialect page → ``Leaf``; what it refers to stands before it. Groups of fields are ``items``'s."""

import re
from typing import NotRequired, TypedDict

from openmains.drivers.dialect.page import MOST_RAW, ORDERS, Codes, Item, Leaf, Length, Near
from openmains.drivers.errors import Place
from openmains.drivers.field_schema import FieldReader
from openmains.drivers.page import Field
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import Vocabulary

_TYPE = re.compile(
    r"(?:(?P<int>[ui])(?P<bits>8|16|24|32|40|48|56|64)|bcd(?P<bcd>[1-9])|f(?P<float>32|64)|digits(?P<digits>\d{1,2}))"
)
TYPES = "u8 … u64, i8 … i64 (whole bytes), bcd1 … bcd9, f32, f64, digits1 … digits18, clock, cp16, cp32, cp48, bytes"
_NUMBERS = ("int", "bcd", "clock", "packed clock")
PACKED_CLOCKS = {"cp16": 2, "cp32": 4, "cp48": 6}
PAIRS = ("CC", "YY", "MM", "DD", "hh", "mm", "ss", "--")


class FieldEntry(TypedDict):
    name: str
    type: NotRequired[str]
    size: NotRequired[int]
    order: NotRequired[str]
    sign_bit: NotRequired[bool]
    value: NotRequired[int]
    values: NotRequired[list[object]]
    point: NotRequired[str]
    series: NotRequired[str]
    plus: NotRequired[int]
    scale: NotRequired[int]
    divide: NotRequired[int]
    decimals: NotRequired[int]
    unit: NotRequired[str]
    units: NotRequired[dict[str, object]]
    missing: NotRequired[list[object]]
    min: NotRequired[int]
    max: NotRequired[int]
    bits: NotRequired[str]
    events: NotRequired[str]
    codes: NotRequired[str]
    near: NotRequired[dict[str, object]]
    adds_to: NotRequired[str]
    length: NotRequired[dict[str, object]]
    format: NotRequired[str]
    coding: NotRequired[str]
    count: NotRequired[object]
    most: NotRequired[int]
    instants: NotRequired[dict[str, object]]
    fields: NotRequired[list[object]]
    when: NotRequired[dict[str, object]]
    records: NotRequired[list[object]]
    skips: NotRequired[str]


class _LengthEntry(TypedDict):
    unit: NotRequired[int]
    plus: NotRequired[int]


class _NearEntry(TypedDict):
    field: str
    below: NotRequired[int]
    above: NotRequired[int]


Path = tuple[str | int, ...]


class LeafReader:
    """Reads the single fields of one page."""

    def __init__(self, reader: PageReader, vocabulary: Vocabulary, order: str, unit_exponent: int) -> None:
        self._reader, self._vocabulary, self._order, self._unit_exponent = reader, vocabulary, order, unit_exponent
        self._sections = FieldReader(reader, vocabulary)

    def leaf(self, entry: FieldEntry, path: Path, place: Place, before: tuple[Item, ...], *, many: bool) -> Leaf:
        leaf = self._typed(entry, place)
        self._numbers(leaf, entry, place)
        leaf.point, leaf.series = entry.get("point"), entry.get("series")
        for name in (leaf.point, leaf.series):
            if name is not None and name not in self._vocabulary.points:
                self._reader.fail(place, f"{name!r} is not in points.toml")
        if leaf.point and (many or leaf.series):
            self._reader.fail(place, "a field that repeats is a series, and one that does not is a point")
        if leaf.series and not many:
            self._reader.fail(place, "a series is in a group that repeats")
        if leaf.form == "bytes" and set(entry) - {"name", "type", "size", "count", "most"}:
            self._reader.fail(place, "bytes are not explained: they have a size and nothing else")
        self._units(leaf, entry, path, place)
        if "near" in entry:
            leaf.near = self._near(leaf, entry, path, place, before, many=many)
        if "length" in entry:
            told = self._reader.checked(_LengthEntry, entry["length"], *path, "length")
            if leaf.form != "int" or told.get("unit", 1) not in (1, 2, 4) or many:
                self._reader.fail(place, "a length is an integer once in the frame, its unit 1, 2 or 4 bytes")
            leaf.length = Length(told.get("unit", 1), told.get("plus", 0))
        if "bits" in entry or "events" in entry or "codes" in entry:
            self._flags(leaf, entry, place, many=many)
        return leaf

    def _typed(self, entry: FieldEntry, place: Place) -> Leaf:
        kind = entry.get("type", "")
        order = entry.get("order", self._order)
        if order not in ORDERS:
            self._reader.fail(place, f"order is one of {', '.join(ORDERS)}")
        if kind == "bytes":
            if not 1 <= entry.get("size", 0) <= 512:
                self._reader.fail(place, "bytes have a size, 1..512")
            return Leaf(entry["name"], place, "bytes", entry.get("size", 0))
        if "size" in entry:
            self._reader.fail(place, "the type says the size; only bytes have one of their own")
        if kind == "clock":
            return self._clock(entry, place)
        if "format" in entry or "coding" in entry:
            self._reader.fail(place, "format and coding are a clock's")
        if kind in PACKED_CLOCKS:
            return Leaf(entry["name"], place, "packed clock", PACKED_CLOCKS[kind])
        match = _TYPE.fullmatch(kind)
        if match is None:
            self._reader.fail(place, f"type {kind!r} is not one of {TYPES}")
        leaf = Leaf(entry["name"], place, "int", 0, order, sign_bit=entry.get("sign_bit", False))
        if match["int"]:
            leaf.size, leaf.signed = int(match["bits"]) // 8, match["int"] == "i"
            if leaf.signed and leaf.sign_bit:
                self._reader.fail(place, "sign_bit goes with an unsigned type")
        elif match["bcd"]:
            leaf.form, leaf.size = "bcd", int(match["bcd"])
        elif match["float"]:
            leaf.form, leaf.size = "float", int(match["float"]) // 8
            leaf.decimals = entry.get("decimals", 0)
            if not 0 <= leaf.decimals <= 9:
                self._reader.fail(place, "decimals is 0..9")
        else:
            leaf.form, leaf.size = "digits", int(match["digits"])
            if not 1 <= leaf.size <= 18:
                self._reader.fail(place, "digits1 … digits18")
        if "decimals" in entry and leaf.form != "float":
            self._reader.fail(place, "decimals are a float's; another number has scale and divide")
        if order.endswith("swapped") and leaf.size % 2:
            self._reader.fail(place, f"{order} goes with whole 16-bit words, not {leaf.size} bytes")
        return leaf

    def _clock(self, entry: FieldEntry, place: Place) -> Leaf:
        pairs = entry.get("format", "")
        told = [pairs[at : at + 2] for at in range(0, len(pairs), 2)]
        if (
            len(set(told) - {"--"}) != len([one for one in told if one != "--"])
            or not {"YY", "MM", "DD"} <= set(told)
            or set(told) - set(PAIRS)
        ):
            self._reader.fail(
                place, f"format of a clock is made of {', '.join(PAIRS)} (not looked at), each once, with YY, MM and DD"
            )
        if entry.get("coding", "bcd") not in ("bcd", "binary"):
            self._reader.fail(place, "coding of a clock is bcd or binary")
        return Leaf(
            entry["name"], place, "clock", len(told), clock=pairs, is_bcd_clock=entry.get("coding", "bcd") == "bcd"
        )

    def _numbers(self, leaf: Leaf, entry: FieldEntry, place: Place) -> None:
        low, high = _range(leaf)
        leaf.low, leaf.high = entry.get("min", low), entry.get("max", high)
        if not low <= leaf.low <= leaf.high <= high:
            self._reader.fail(place, f"min and max lie in {low}..{high}")
        leaf.values, leaf.plus = self._constants(leaf, entry, place), entry.get("plus", 0)
        leaf.scale, leaf.divide = entry.get("scale", 1), entry.get("divide", 1)
        if not 1 <= leaf.scale <= 10**9 or not 1 <= leaf.divide <= 10**9:
            self._reader.fail(place, "scale and divide are 1..1000000000")
        listed = entry.get("missing", [])
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in listed):
            self._reader.fail(
                place, "missing is a list of raw values that mean 'not known'; of bcd the digits in hex, 0xFFFF"
            )
        leaf.missing = frozenset(one for one in listed if isinstance(one, int))

    def _constants(self, leaf: Leaf, entry: FieldEntry, place: Place) -> frozenset[int]:
        if "value" in entry and "values" in entry:
            self._reader.fail(place, "a constant has value, or values where several are taken")
        listed: list[object] = [entry["value"]] if "value" in entry else entry.get("values", [])
        low, high = _range(leaf)
        found = frozenset(one for one in listed if isinstance(one, int) and not isinstance(one, bool))
        if listed and (
            leaf.form not in ("int", "bcd") or len(found) < len(listed) or not low <= min(found) <= max(found) <= high
        ):
            self._reader.fail(
                place, f"value = {listed[0] if len(listed) == 1 else listed} does not fit {entry.get('type')}"
            )
        return found

    def _near(
        self, leaf: Leaf, entry: FieldEntry, path: Path, place: Place, before: tuple[Item, ...], *, many: bool
    ) -> Near:
        told = self._reader.checked(_NearEntry, entry.get("near"), *path, "near")
        other = named(before, told["field"])
        if leaf.form not in _NUMBERS or many or leaf.unit or other is None or other.form not in _NUMBERS:
            self._reader.fail(place, "near is of a number that stands once, and names one before it")
        below, above = told.get("below", 0), told.get("above", 0)
        if not 0 <= below <= MOST_RAW or not 0 <= above <= MOST_RAW:
            self._reader.fail(place, "below and above are so far as it may lie from the other, from 0 on")
        return Near(told["field"], below, above)

    def _units(self, leaf: Leaf, entry: FieldEntry, path: Path, place: Place) -> None:
        leaf.unit = entry.get("unit")
        if leaf.unit is not None and leaf.says is None:
            self._reader.fail(place, "unit goes with a volume: a point or series")
        if "units" not in entry:
            return
        found: dict[int, int] = {}
        for code, exponent in entry["units"].items():
            is_code = 1 <= len(code) <= 4 and not set(code.upper()) - set("0123456789ABCDEF")
            if not is_code or not isinstance(exponent, int) or not self._unit_exponent <= exponent <= 6:
                at = self._reader.place(*path, "units", code)
                self._reader.fail(at, f"unit {code!r} needs hex digits and a power of ten of m³ from unit_exponent on")
            found[int(code, 16)] = exponent
        if leaf.form != "int" or leaf.says:
            self._reader.fail(place, "units are of an integer field that is no point itself")
        leaf.units = found

    def _flags(self, leaf: Leaf, entry: FieldEntry, place: Place, *, many: bool) -> None:
        if leaf.form != "int" or leaf.signed or leaf.says or many:
            self._reader.fail(place, "bits or events need an unsigned field of their own that does not repeat")
        like = Field(leaf.name, f"u{8 * leaf.size}", place, leaf.size, leaf.low, leaf.high)
        if "codes" in entry:
            leaf.codes = self._codes(entry["codes"], leaf, place)
        if "bits" in entry:
            leaf.bits = self._sections.bits(entry["bits"], like)
        if "events" in entry:
            leaf.events = self._sections.events(entry["events"], like)
        taken = {bit for bits in leaf.bits for bit in range(bits.at, bits.at + bits.width)}
        if leaf.codes is not None:
            taken |= set(range(leaf.codes.at, leaf.codes.at + leaf.codes.width))
            if twice := sorted(
                set(leaf.events.values()) & {one for one in leaf.codes.events.values() if one is not None}
            ):
                self._reader.fail(place, f"ambiguous: event {twice[0]} is a bit and a code")
        if both := sorted(taken & leaf.events.keys()):
            self._reader.fail(place, f"ambiguous: bit {both[0]} is an event and part of a point")

    def _codes(self, name: str, leaf: Leaf, place: Place) -> Codes:
        """``[codes.<name>]``: ``at``, ``width``, ``none`` – numbers that say nothing is wrong –, and event = list of its numbers."""
        found = self._reader.data.get("codes")
        told = found.get(name) if isinstance(found, dict) else None
        if not isinstance(told, dict):
            self._reader.fail(place, f"there is no section [codes.{name}]")
        at, width = (one if isinstance(one, int) else -1 for one in (told.get("at", 0), told.get("width")))
        if at < 0 or not 0 < width <= 16 or at + width > 8 * leaf.size:
            self._reader.fail(self._reader.place("codes", name), f"at and width (1..16) lie in {8 * leaf.size} bits")
        events: dict[int, int | None] = {}
        for event, numbers in told.items():
            if event in ("at", "width"):
                continue
            here = self._reader.place("codes", name, event)
            if event != "none" and event not in self._vocabulary.events:
                self._reader.fail(here, f"event {event!r} is not in points.toml")
            for number in numbers if isinstance(numbers, list) else [numbers]:
                if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << width:
                    self._reader.fail(here, f"a list of numbers in 0..{(1 << width) - 1}")
                if number in events:
                    self._reader.fail(here, f"ambiguous: {number} is said already")
                events[number] = None if event == "none" else self._vocabulary.events[event].bit
        if not any(event is not None for event in events.values()):
            self._reader.fail(self._reader.place("codes", name), "codes say at least one event")
        return Codes(at, width, events)


def _range(leaf: Leaf) -> tuple[int, int]:
    if leaf.form == "int":
        bits = 8 * leaf.size
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if leaf.signed else (0, (1 << bits) - 1)
        return (-(high >> 1), high >> 1) if leaf.sign_bit else (low, high)
    if leaf.form in ("bcd", "digits"):
        most = int(10 ** (2 * leaf.size if leaf.form == "bcd" else leaf.size)) - 1
        return (-most if leaf.sign_bit else 0), most
    return -MOST_RAW, MOST_RAW


def named(before: tuple[Item, ...], name: str) -> Leaf | None:
    return next((item for item in before if isinstance(item, Leaf) and item.name == name), None)


def says(before: tuple[Item, ...], point: str) -> bool:
    return any(isinstance(item, Leaf) and item.point == point for item in before)

# SPDX-License-Identifier: Apache-2.0
"""Fields and groups of a dialect page → ``Leaf`` and ``Group``; what one refers to stands before it."""

import re
from typing import NotRequired, TypedDict

from openmains.drivers.dialect.page import MOST_RAW, ORDERS, Group, Instants, Item, Leaf, Length
from openmains.drivers.errors import Place
from openmains.drivers.field_schema import FieldReader
from openmains.drivers.page import Field
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import Vocabulary

_TYPE = re.compile(
    r"(?:(?P<int>[ui])(?P<bits>8|16|24|32|40|48|56|64)|bcd(?P<bcd>[1-9])|f(?P<float>32|64)|digits(?P<digits>\d{1,2}))"
)
TYPES = "u8 … u64, i8 … i64 (whole bytes), bcd1 … bcd9, f32, f64, digits1 … digits18, clock, bytes"
PAIRS = ("CC", "YY", "MM", "DD", "hh", "mm", "ss", "--")
DEPTH = 3


class _ItemEntry(TypedDict):
    name: str
    type: NotRequired[str]
    size: NotRequired[int]
    order: NotRequired[str]
    sign_bit: NotRequired[bool]
    value: NotRequired[int]
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
    length: NotRequired[dict[str, object]]
    format: NotRequired[str]
    coding: NotRequired[str]
    count: NotRequired[object]
    most: NotRequired[int]
    instants: NotRequired[dict[str, object]]
    fields: NotRequired[list[object]]


class _LengthEntry(TypedDict):
    unit: NotRequired[int]
    plus: NotRequired[int]


class _InstantsEntry(TypedDict):
    start: str
    step_s: int
    first: NotRequired[int]


Path = tuple[str | int, ...]
_GROUP_KEYS = frozenset({"name", "count", "most", "instants", "fields"})


class ItemReader:
    """Reads the fields of one page."""

    def __init__(self, reader: PageReader, vocabulary: Vocabulary, order: str, unit_exponent: int) -> None:
        self._reader, self._vocabulary, self._order, self._unit_exponent = reader, vocabulary, order, unit_exponent
        self._sections = FieldReader(reader, vocabulary)

    def read(
        self, entries: list[object], path: Path, before: tuple[Item, ...], depth: int = 0, *, many: bool = False
    ) -> list[Item]:
        """Fields of the list ``fields`` in the section at ``path``; ``before``: what stands in front of them.
        ``many``: in a group that repeats."""
        found: list[Item] = []
        for index, raw in enumerate(entries):
            here = (*path, "fields", index)
            entry = self._reader.checked(_ItemEntry, raw, *here)
            place = self._reader.place(*here)
            if any(item.name == entry["name"] for item in (*before, *found)):
                self._reader.fail(place, f"ambiguous: a second field {entry['name']}")
            earlier = (*before, *found)
            if found and isinstance(found[-1], Group) and found[-1].count is None:
                self._reader.fail(place, "nothing stands behind a group that goes on to the end")
            if "fields" in entry or "count" in entry:
                found.append(self._group(entry, here, place, earlier, depth, many=many))
            else:
                found.append(self._leaf(entry, here, place, earlier, many=many))
        return found

    def _group(
        self, entry: _ItemEntry, path: Path, place: Place, before: tuple[Item, ...], depth: int, *, many: bool
    ) -> Group:
        if depth >= DEPTH:
            self._reader.fail(place, f"groups within groups, at most {DEPTH} deep")
        count: int | str | None
        told = entry.get("count", 1)
        most = entry.get("most", 1)
        if told == "rest":
            count = None
        elif isinstance(told, str):
            other = _named(before, told)
            if (
                other is None
                or other.form not in ("int", "bcd")
                or other.signed
                or other.scale != 1
                or other.divide != 1
            ):
                self._reader.fail(place, f"count = {told!r} is no unsigned field before this one")
            count = told
            most = min(entry.get("most", other.high), other.high)
        elif isinstance(told, int) and not isinstance(told, bool) and 1 <= told <= 512:
            count, most = told, told
        else:
            self._reader.fail(place, "count is a number from 1, the name of a field before, or rest")
        if count is None and "most" not in entry:
            self._reader.fail(place, "a group that goes on to the end says how many there are at most: most")
        is_many = many or count != 1
        if "fields" in entry:
            if odd := sorted(set(entry) - _GROUP_KEYS):
                self._reader.fail(place, f"a group has no {odd[0]}")
            items = self.read(entry["fields"], path, before, depth + 1, many=is_many)
            if not items:
                self._reader.fail(place, "a group has fields")
        else:
            items = [self._leaf(entry, path, place, before, many=True)]
        instants = None
        if "instants" in entry:
            given = self._reader.checked(_InstantsEntry, entry["instants"], *path, "instants")
            if not given["step_s"]:
                self._reader.fail(place, "step_s of instants is not 0")
            if not is_many or (_named(before, given["start"]) is None and not _says(before, given["start"])):
                self._reader.fail(
                    place, f"instants of a group that repeats start at a field before it, not {given['start']!r}"
                )
            instants = Instants(given["start"], given["step_s"], given.get("first", 0))
        return Group(entry["name"], place, items, count, most, instants)

    def _leaf(self, entry: _ItemEntry, path: Path, place: Place, before: tuple[Item, ...], *, many: bool) -> Leaf:
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
        if "length" in entry:
            told = self._reader.checked(_LengthEntry, entry["length"], *path, "length")
            if leaf.form != "int" or told.get("unit", 1) not in (1, 2, 4) or many:
                self._reader.fail(place, "a length is an integer once in the frame, its unit 1, 2 or 4 bytes")
            leaf.length = Length(told.get("unit", 1), told.get("plus", 0))
        if "bits" in entry or "events" in entry:
            self._flags(leaf, entry, place, many=many)
        return leaf

    def _typed(self, entry: _ItemEntry, place: Place) -> Leaf:
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

    def _clock(self, entry: _ItemEntry, place: Place) -> Leaf:
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

    def _numbers(self, leaf: Leaf, entry: _ItemEntry, place: Place) -> None:
        low, high = _range(leaf)
        leaf.low, leaf.high = entry.get("min", low), entry.get("max", high)
        if not low <= leaf.low <= leaf.high <= high:
            self._reader.fail(place, f"min and max lie in {low}..{high}")
        leaf.value, leaf.plus = entry.get("value"), entry.get("plus", 0)
        leaf.scale, leaf.divide = entry.get("scale", 1), entry.get("divide", 1)
        if leaf.value is not None and (leaf.form not in ("int", "bcd") or not low <= leaf.value <= high):
            self._reader.fail(place, f"value = {leaf.value} does not fit {entry.get('type')}")
        if not 1 <= leaf.scale <= 10**9 or not 1 <= leaf.divide <= 10**9:
            self._reader.fail(place, "scale and divide are 1..1000000000")
        listed = entry.get("missing", [])
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in listed):
            self._reader.fail(
                place, "missing is a list of raw values that mean 'not known'; of bcd the digits in hex, 0xFFFF"
            )
        leaf.missing = frozenset(one for one in listed if isinstance(one, int))

    def _units(self, leaf: Leaf, entry: _ItemEntry, path: Path, place: Place) -> None:
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

    def _flags(self, leaf: Leaf, entry: _ItemEntry, place: Place, *, many: bool) -> None:
        if leaf.form != "int" or leaf.signed or leaf.says or many:
            self._reader.fail(place, "bits or events need an unsigned field of their own that does not repeat")
        like = Field(leaf.name, f"u{8 * leaf.size}", place, leaf.size, leaf.low, leaf.high)
        if "bits" in entry:
            leaf.bits = self._sections.bits(entry["bits"], like)
        if "events" in entry:
            leaf.events = self._sections.events(entry["events"], like)
        taken = {bit for bits in leaf.bits for bit in range(bits.at, bits.at + bits.width)}
        if both := sorted(taken & leaf.events.keys()):
            self._reader.fail(place, f"ambiguous: bit {both[0]} is an event and part of a point")


def _range(leaf: Leaf) -> tuple[int, int]:
    if leaf.form == "int":
        bits = 8 * leaf.size
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if leaf.signed else (0, (1 << bits) - 1)
        return (-(high >> 1), high >> 1) if leaf.sign_bit else (low, high)
    if leaf.form in ("bcd", "digits"):
        most = int(10 ** (2 * leaf.size if leaf.form == "bcd" else leaf.size)) - 1
        return (-most if leaf.sign_bit else 0), most
    return -MOST_RAW, MOST_RAW


def _named(before: tuple[Item, ...], name: str) -> Leaf | None:
    return next((item for item in before if isinstance(item, Leaf) and item.name == name), None)


def _says(before: tuple[Item, ...], point: str) -> bool:
    return any(isinstance(item, Leaf) and item.point == point for item in before)

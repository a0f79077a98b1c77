# SPDX-License-Identifier: Apache-2.0
"""Fields of a frame in a driver page, with the bits and events they carry → ``Field``. Here a field is
checked by itself; ``message_schema`` checks the fields of a message together.
"""

from typing import NotRequired, TypedDict

from openmains.drivers.errors import Place
from openmains.drivers.page import PACKED, SIZES, Bits, Field, raw_range
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import Vocabulary


class _FieldEntry(TypedDict):
    name: str
    type: str
    value: NotRequired[int]
    point: NotRequired[str]
    series: NotRequired[str]
    count: NotRequired[str]
    scale: NotRequired[int]
    default: NotRequired[int]
    missing: NotRequired[int]
    min: NotRequired[int]
    max: NotRequired[int]
    volume: NotRequired[bool]
    exponent: NotRequired[bool]
    bits: NotRequired[str]
    events: NotRequired[str]
    plus: NotRequired[str]
    back_from: NotRequired[str]
    back_at: NotRequired[str]
    step_s: NotRequired[int]


class _BitsEntry(TypedDict):
    at: int
    width: int


class FieldReader:
    """Reads the fields of one page."""

    __slots__ = ("_reader", "_vocabulary")

    def __init__(self, reader: PageReader, vocabulary: Vocabulary) -> None:
        self._reader = reader
        self._vocabulary = vocabulary

    def read(self, entries: list[object], *path: str | int) -> list[Field]:
        """Fields of the list ``fields`` in the section at ``path``."""
        return [self._field(entry, (*path, "fields", index)) for index, entry in enumerate(entries)]

    def _field(self, raw: object, path: tuple[str | int, ...]) -> Field:
        reader, place = self._reader, self._reader.place(*path)
        entry = reader.checked(_FieldEntry, raw, *path)
        if entry["type"] not in SIZES and (entry["type"] not in PACKED or "count" not in entry):
            reader.fail(place, f"type {entry['type']!r} is not one of {', '.join(SIZES)}, and in an array u1 to u15")
        low, high = self._limits(entry, place)
        for point in (entry.get("point"), entry.get("series")):
            if point is not None and point not in self._vocabulary.points:
                reader.fail(place, f"{point!r} is not in points.toml")
        item = Field(
            name=entry["name"],
            type=entry["type"],
            place=place,
            size=SIZES.get(entry["type"], 0),
            low=low,
            high=high,
            value=entry.get("value"),
            point=entry.get("point"),
            series=entry.get("series"),
            count=entry.get("count"),
            scale=entry.get("scale", 1),
            default=entry.get("default"),
            missing=entry.get("missing"),
            volume=entry.get("volume", False),
            exponent=entry.get("exponent", False),
            plus=entry.get("plus"),
            back_from=entry.get("back_from"),
            back_at=entry.get("back_at"),
            step_s=entry.get("step_s", 0),
            limited=(low, high) != raw_range(entry["type"]),
        )
        if item.scale < 1:
            reader.fail(place, "scale is at least 1")
        if "bits" in entry:
            item.bits = self.bits(entry["bits"], item)
        if "events" in entry:
            item.events = self.events(entry["events"], item)
        if (item.bits or item.events) and (item.signed or item.bcd or (item.bits and item.events)):
            reader.fail(place, "bits or events need an unsigned field of their own")
        return item

    def _limits(self, entry: _FieldEntry, place: Place) -> tuple[int, int]:
        """Accepted raw values; every raw value that the field names fits its type."""
        low, high = raw_range(entry["type"])
        least, most = entry.get("min", low), entry.get("max", high)
        named = {"value": entry.get("value"), "missing": entry.get("missing"), "min": least, "max": most}
        for key, number in named.items():
            if number is not None and not low <= number <= high:
                self._reader.fail(place, f"{key} = {number} does not fit {entry['type']}")
        if least > most:
            self._reader.fail(place, "min is above max")
        return least, most

    def bits(self, name: str, item: Field) -> tuple[Bits, ...]:
        """Points of the section ``[bits.<name>]``, in this field."""
        found: list[Bits] = []
        taken: dict[int, str] = {}
        for point, raw in self._named("bits", name, item).items():
            place = self._reader.place("bits", name, point)
            entry = self._reader.checked(_BitsEntry, raw, "bits", name, point)
            if point not in self._vocabulary.points:
                self._reader.fail(place, f"{point!r} is not in points.toml")
            for bit in range(entry["at"], entry["at"] + entry["width"]):
                self._claim(bit, item, point, taken, place)
            found.append(Bits(point, entry["at"], entry["width"]))
        return tuple(found)

    def events(self, name: str, item: Field) -> dict[int, int]:
        """Bit in the field → event number, by bit."""
        taken: dict[int, str] = {}
        for event, bit in self._named("events", name, item).items():
            place = self._reader.place("events", name, event)
            if event not in self._vocabulary.events:
                self._reader.fail(place, f"event {event!r} is not in points.toml")
            if not isinstance(bit, int) or isinstance(bit, bool):
                self._reader.fail(place, "an event names the bit it is carried in")
            self._claim(bit, item, event, taken, place)
        return {bit: self._vocabulary.events[taken[bit]].bit for bit in sorted(taken)}

    def _named(self, section: str, name: str, item: Field) -> dict[str, object]:
        found = self._reader.data.get(section)
        named = found.get(name) if isinstance(found, dict) else None
        if not isinstance(named, dict):
            self._reader.fail(item.place, f"there is no section [{section}.{name}]")
        return named

    def _claim(self, bit: int, item: Field, name: str, taken: dict[int, str], place: Place) -> None:
        width = 8 * item.size
        if not 0 <= bit < width:
            self._reader.fail(place, f"bit {bit} is outside 0..{width - 1}")
        if bit in taken:
            self._reader.fail(place, f"ambiguous: bit {bit} belongs to {taken[bit]} already")
        taken[bit] = name

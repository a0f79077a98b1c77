# SPDX-License-Identifier: Apache-2.0
"""A driver page: TOML text → checked description. A broken page, or one with two readings, is refused with its line.

Theory: a frame is header fields, message fields, CRC. One header field tells the messages apart. Fixed fields come
first, counted ones (arrays of one type, their count in an earlier field) after them, so that every offset follows from
the message type and the counts alone. That is what lets the codec read a thousand frames in a few array operations.
The keys are explained in ``docs/protocols/drivers.md``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from openmains.drivers.command_schema import SECTIONS, read_commands
from openmains.drivers.errors import DriverPageError
from openmains.drivers.model import Kind, Title, Vector
from openmains.drivers.page import CRC_SIZE, AnswerField, Bits, Field, Message, Page
from openmains.drivers.points import Vocabulary, toml_line

GRADES = ("reference", "field", "vectors", "draft")
MEDIA = ("water", "gas")
MAX_FRAME = 512
SIZES = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u48": 6, "i8": 1, "i16": 2, "i32": 4}
SIZES |= {f"bcd{n}": n for n in range(1, 9)}
CRCS = ("crc16-1021-0000",)
_KEYS: dict[str, type] = {
    "name": str,
    "type": str,
    "value": int,
    "point": str,
    "series": str,
    "count": str,
    "scale": int,
    "default": int,
    "missing": int,
    "min": int,
    "max": int,
    "volume": bool,
    "exponent": bool,
    "bits": str,
    "events": str,
    "plus": str,
    "back_from": str,
    "back_at": str,
    "step_s": int,
}
_ANSWER_KEYS: dict[str, type] = {"name": str, "type": str, "value": int, "echo": str, "now": bool, "utc_offset": bool}


class PageReader:
    """Turns one page's text into a ``Page``; raises ``DriverPageError``."""

    def __init__(self, file: str, text: str, words: Vocabulary) -> None:
        self.file = file
        self.words = words
        try:
            self.data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as bad:
            raise DriverPageError(file, toml_line(bad), str(bad)) from bad
        self.lines = index_lines(text)

    def fail(self, line: int, why: str) -> NoReturn:
        raise DriverPageError(self.file, line, why)

    def at(self, *path: object) -> int:
        """Line of a section, key or list item; of the nearest thing around it when it has none of its own."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return 0

    def read(self) -> Page:
        known = {"driver", "frame", "header", "bits", "events", "message", "answer", "vector", "options", *SECTIONS}
        several = ("message", "vector", *SECTIONS)
        for name in self.data:
            if name not in known:
                self.fail(self.at(name, 0), f"unknown section {name}")
            section = self.data[name]
            tables = section if name in several and isinstance(section, list) else [section]
            listed = isinstance(section, list) == (name in several)
            if not listed or not all(isinstance(table, dict) for table in tables):
                self.fail(self.at("", 0, name), f"{name} must be a section")
        page = self._identity()
        if page.hook is None:
            self._frame(page)
            page.commands = read_commands(self, page)
        elif any(name in self.data for name in ("frame", "header", "bits", "events", "message", "answer", *SECTIONS)):
            self.fail(self.at("driver", 0, "hook"), "a page with a hook has no tables of its own")
        page.vectors = tuple(self._vector(index, entry) for index, entry in enumerate(self.data.get("vector", [])))
        if not page.vectors:
            self.fail(self.at("driver", 0), "a page carries at least one [[vector]]")
        return page

    def _identity(self) -> Page:
        section = self.data.get("driver", {})
        types = {"name": str, "medium": str, "grade": str, "unit_exponent": int, "zh": str, "en": str}
        self._shape(section, types | {"hook": str}, set(types), ("driver", 0))
        for key, allowed in (("medium", MEDIA), ("grade", GRADES)):
            if section[key] not in allowed:
                self.fail(self.at("driver", 0, key), f"{key} {section[key]!r} is not one of {', '.join(allowed)}")
        if not -9 <= section["unit_exponent"] <= 3:
            self.fail(self.at("driver", 0, "unit_exponent"), "unit_exponent is outside -9..3")
        if f"{section['name']}.toml" != self.file:
            self.fail(self.at("driver", 0, "name"), f"the page {section['name']!r} lies in file {self.file!r}")
        return Page(
            file=self.file,
            name=section["name"],
            medium=section["medium"],
            grade=section["grade"],
            unit_exponent=section["unit_exponent"],
            title=Title(section["zh"], section["en"]),
            hook=section.get("hook"),
            options=self.data.get("options", {}),
            option_line=self.at("options", 0),
        )

    def _frame(self, page: Page) -> None:
        section = self.data.get("frame", {})
        types: dict[str, type] = {"byte_order": str, "type": str, "crc": str}
        self._shape(section, types, set(types), ("frame", 0))
        if section["byte_order"] not in ("big", "little"):
            self.fail(self.at("frame", 0, "byte_order"), "byte_order is big or little")
        if section["crc"] not in CRCS:
            self.fail(self.at("frame", 0, "crc"), f"crc is one of {', '.join(CRCS)}")
        page.order = section["byte_order"]
        page.type_field = section["type"]
        page.header = self._fields(page, self._listed("header"), ("header", 0))
        kind_field = next((f for f in page.header if f.name == page.type_field), None)
        if kind_field is None or kind_field.size != 1 or kind_field.count or kind_field.value is not None:
            self.fail(self.at("frame", 0, "type"), f"{page.type_field!r} must be a one-byte field of the header")
        for index, entry in enumerate(self.data.get("message", [])):
            page.messages.append(self._message(page, index, entry))
        if not page.messages:
            self.fail(self.at("frame", 0), "a page needs at least one [[message]]")
        self._answer(page)

    def _message(self, page: Page, index: int, entry: Mapping[str, Any]) -> Message:
        place = ("message", index)
        types: dict[str, type] = {"name": str, "type": int, "kind": str, "zh": str, "en": str, "fields": list}
        self._shape(entry, types, set(types), place)
        for other in page.messages:
            for key in ("name", "type"):
                if getattr(other, key) == entry[key]:
                    self.fail(self.at(*place, key), f"ambiguous: message {other.name} has the same {key}")
        if entry["kind"] not in list(Kind):
            self.fail(self.at(*place, "kind"), f"kind is one of {', '.join(Kind)}")
        if not 0 <= entry["type"] <= 255:
            self.fail(self.at(*place, "type"), "type is outside 0..255")
        own = self._fields(page, entry["fields"], place)
        fields = [replace(f) for f in page.header] + own
        by_name: dict[str, Field] = {}
        points: dict[str, str] = {}
        known = 0
        fixed_size = 0
        largest = CRC_SIZE
        counted = False
        for item in fields:
            if item.name in by_name:
                self.fail(item.line, f"ambiguous: a second field {item.name}")
            for point in _points_of(item):
                if point in points:
                    self.fail(item.line, f"ambiguous: point {point} is in field {points[point]} already")
                points[point] = item.name
            self._references(page, item, by_name)
            by_name[item.name] = item
            for bit in item.events.values():
                if known >> bit & 1:
                    self.fail(item.line, "ambiguous: an event in two fields")
                known |= 1 << bit
            if item.count:
                counted = True
                largest += item.size * by_name[item.count].high
            else:
                if counted:
                    self.fail(item.line, "a fixed field after a counted one: its place would depend on the count")
                item.offset = fixed_size
                fixed_size += item.size
                largest += item.size
        used = {f.count for f in fields} - {None}
        for item in fields:
            plain = item.value is None and not (_points_of(item) or item.bits or item.events or item.name in used)
            if plain and item.name != page.type_field and not _referred(item.name, fields):
                self.fail(item.line, f"field {item.name} has no meaning: name its point, series, value, bits or events")
        if largest > MAX_FRAME:
            self.fail(self.at(*place), f"the message can be {largest} bytes long, more than {MAX_FRAME}")
        self._volumes(page, fields)
        if entry["kind"] == Kind.REPORT:
            self._complete(place, points, ("device_at", "register"))
        elif entry["kind"] == Kind.REGISTERS:
            self._complete(place, points, ("register_instants", "register_values"))
        elif entry["kind"] == Kind.COMMAND_RESULT:
            self._complete(place, points, ("command_serial", "command_result"))
        elif entry["kind"] == Kind.PARAMETERS:
            self._complete(place, points, ("command_serial", "parameter_numbers", "parameter_values"))
        elif entry["kind"] == Kind.LOG:
            self._complete(place, points, ("command_serial", "log_text"))
        elif entry["kind"] == Kind.ALARM and not known:
            self.fail(self.at(*place), "an alarm message needs a field with events")
        return Message(
            name=entry["name"],
            type=entry["type"],
            kind=Kind(entry["kind"]),
            title=Title(entry["zh"], entry["en"]),
            fields=fields,
            by_name=by_name,
            fixed_size=fixed_size,
            points=frozenset(points),
            event_known=known,
        )

    def _complete(self, place: tuple[str, int], points: Mapping[str, str], needed: tuple[str, ...]) -> None:
        for point in needed:
            if point not in points:
                self.fail(self.at(*place), f"a message of this kind needs the point {point}")

    def _references(self, page: Page, item: Field, earlier: Mapping[str, Field]) -> None:
        for key in ("count", "plus", "back_from", "back_at"):
            name = getattr(item, key)
            if name is None:
                continue
            other = earlier.get(name)
            if other is None or other.count or other.signed or other.bcd:
                self.fail(item.line, f"{key} = {name!r} is no unsigned fixed field before this one")
        if (item.count is None) != (item.series is None):
            self.fail(item.line, "a series needs a count, and a count a series")
        if item.series and (item.point or item.bits or item.events or item.value is not None or item.bcd):
            self.fail(item.line, "a counted field holds one series of numbers and nothing else")
        if (item.back_from is None) != (item.back_at is None) or (item.back_from is not None and item.step_s < 1):
            self.fail(item.line, "back_from, back_at and step_s go together")
        if item.back_from and item.missing is None:
            self.fail(item.line, "back_from needs a missing value")

    def _volumes(self, page: Page, fields: list[Field]) -> None:
        exponents = [f for f in fields if f.exponent]
        top = page.unit_exponent
        if exponents:
            item = exponents[0]
            if len(exponents) > 1 or not item.signed or item.size != 1:
                self.fail(exponents[-1].line, "one exponent field, of type i8")
            if item.low < page.unit_exponent:
                self.fail(item.line, "min of the exponent is below unit_exponent: volumes would not be exact")
            top = item.high
        for item in fields:
            factor = item.scale * (10 ** (top - page.unit_exponent) if item.volume else 1)
            if max(abs(item.low), item.high) * factor >= 2**62:
                self.fail(item.line, f"{item.name} can leave 64 bits: give it a max")

    def _listed(self, section: str) -> list[Any]:
        fields = self.data.get(section, {}).get("fields", [])
        if not isinstance(fields, list):
            self.fail(self.at(section, 0, "fields"), "fields is a list")
        return fields

    def _fields(self, page: Page, entries: list[Any], place: tuple[str, int]) -> list[Field]:
        found = []
        for index, entry in enumerate(entries):
            line = self.at(*place, "fields", index)
            if not isinstance(entry, dict):
                self.fail(line, "a field is a table { name = …, type = … }")
            found.append(self._field(entry, line))
        return found

    def _field(self, entry: Mapping[str, Any], line: int) -> Field:
        self._keys(entry, _KEYS, {"name", "type"}, line)
        if entry["type"] not in SIZES:
            self.fail(line, f"type {entry['type']!r} is not one of {', '.join(SIZES)}")
        size = SIZES[entry["type"]]
        if entry["type"][0] == "b":
            low, high = 0, 10 ** (2 * size) - 1
        elif entry["type"][0] == "i":
            low, high = -(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1
        else:
            low, high = 0, (1 << (8 * size)) - 1
        for key in ("value", "missing", "min", "max"):
            if key in entry and not low <= entry[key] <= high:
                self.fail(line, f"{key} = {entry[key]} does not fit {entry['type']}")
        for key in ("point", "series"):
            if key in entry and entry[key] not in self.words.points:
                self.fail(line, f"{entry[key]!r} is not in points.toml")
        least, most = entry.get("min", low), entry.get("max", high)
        if least > most:
            self.fail(line, "min is above max")
        plain = {k: v for k, v in entry.items() if k not in ("min", "max", "bits", "events")}
        item = Field(line=line, size=size, low=least, high=most, limited=(least, most) != (low, high), **plain)
        if item.scale < 1:
            self.fail(line, "scale is at least 1")
        if "bits" in entry:
            item.bits = self._bits(entry["bits"], 8 * size, line)
        if "events" in entry:
            item.events = self._events(entry["events"], 8 * size, line)
        if (item.bits or item.events) and (item.signed or item.bcd or (item.bits and item.events)):
            self.fail(line, "bits or events need an unsigned field of their own")
        return item

    def _bits(self, name: str, width: int, line: int) -> tuple[Bits, ...]:
        section = self.data.get("bits", {}).get(name)
        if not isinstance(section, dict):
            self.fail(line, f"there is no section [bits.{name}]")
        found: list[Bits] = []
        taken: dict[int, str] = {}
        for point, entry in section.items():
            here = self.at(f"bits.{name}", 0, point)
            self._keys(entry, {"at": int, "width": int}, {"at", "width"}, here)
            if point not in self.words.points:
                self.fail(here, f"{point!r} is not in points.toml")
            for bit in range(entry["at"], entry["at"] + entry["width"]):
                self._take(bit, width, point, taken, here)
            found.append(Bits(point, entry["at"], entry["width"]))
        return tuple(found)

    def _events(self, name: str, width: int, line: int) -> dict[int, int]:
        section = self.data.get("events", {}).get(name)
        if not isinstance(section, dict):
            self.fail(line, f"there is no section [events.{name}]")
        taken: dict[int, str] = {}
        for event, bit in section.items():
            here = self.at(f"events.{name}", 0, event)
            if event not in self.words.events:
                self.fail(here, f"event {event!r} is not in points.toml")
            if not isinstance(bit, int):
                self.fail(here, "an event names the bit it is carried in")
            self._take(bit, width, event, taken, here)
        return {bit: self.words.events[event].bit for bit, event in taken.items()}

    def _take(self, bit: int, width: int, name: str, taken: dict[int, str], line: int) -> None:
        if not 0 <= bit < width:
            self.fail(line, f"bit {bit} is outside 0..{width - 1}")
        if bit in taken:
            self.fail(line, f"ambiguous: bit {bit} belongs to {taken[bit]} already")
        taken[bit] = name

    def _answer(self, page: Page) -> None:
        for index, entry in enumerate(self._listed("answer")):
            line = self.at("answer", 0, "fields", index)
            self._keys(entry, _ANSWER_KEYS, {"name", "type"}, line)
            if entry["type"] not in SIZES or entry["type"][0] == "b":
                self.fail(line, f"type {entry['type']!r} can not be in an answer")
            if len(entry) != 3:
                self.fail(line, "an answer field has one of value, echo, now, utc_offset")
            echo = entry.get("echo")
            if echo is not None and echo not in {f.name for f in page.header}:
                self.fail(line, f"echo = {echo!r} is no field of the header")
            rest = {k: v for k, v in entry.items() if k != "type"}
            page.answer.append(AnswerField(size=SIZES[entry["type"]], signed=entry["type"][0] == "i", **rest))

    def _vector(self, index: int, entry: Mapping[str, Any]) -> Vector:
        types = {"name": str, "hex": str, "source": str, "means": dict, "fault": str, "received_at": int}
        place = ("vector", index)
        self._shape(entry, types, {"name", "hex", "source"}, place)
        if ("means" in entry) == ("fault" in entry):
            self.fail(self.at(*place), "a vector has means or a fault")
        try:
            frame = bytes.fromhex(entry["hex"])
        except ValueError:
            self.fail(self.at(*place, "hex"), "hex is not hexadecimal")
        means = entry.get("means", {})
        for point in means:
            if point not in self.words.points and point not in ("kind", "events"):
                self.fail(self.at(*place, "means"), f"{point!r} is not in points.toml")
        return Vector(entry["name"], frame, entry["source"], means, entry.get("fault"), entry.get("received_at", 0))

    def _shape(
        self, entry: Mapping[str, Any], types: Mapping[str, type], needed: set[str], place: tuple[str, int]
    ) -> None:
        for key in entry:
            if key not in types:
                self.fail(self.at(*place, key), f"unknown key {key}")
            if not isinstance(entry[key], types[key]) or isinstance(entry[key], bool):
                self.fail(self.at(*place, key), f"{key} must be {types[key].__name__}")
        for key in sorted(needed - set(entry)):
            self.fail(self.at(*place), f"{key} is missing in section {place[0]}")

    def _keys(self, entry: Any, types: Mapping[str, type], needed: set[str], line: int) -> None:
        if not isinstance(entry, dict):
            self.fail(line, "a table { … } is needed here")
        for key, value in entry.items():
            if key not in types:
                self.fail(line, f"unknown key {key}")
            if not isinstance(value, types[key]) or (isinstance(value, bool) and types[key] is not bool):
                self.fail(line, f"{key} must be {types[key].__name__}")
        for key in sorted(needed - set(entry)):
            self.fail(line, f"{key} is missing")


def _points_of(item: Field) -> list[str]:
    found = [item.point] if item.point else []
    if item.series:
        found.append(item.series)
        if item.back_from:
            found.append(f"{item.series}_at")
    return found + [bits.point for bits in item.bits]


def _referred(name: str, fields: list[Field]) -> bool:
    return any(name in (f.plus, f.back_from, f.back_at) for f in fields)


def index_lines(text: str) -> dict[tuple[object, ...], int]:
    """(section, n[, key[, item]]) → line: n counts sections of the same name, item the tables of an array from 0."""
    found: dict[tuple[object, ...], int] = {}
    counts: dict[str, int] = {}
    section: tuple[object, ...] = ("", 0)
    key = ""
    item = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("["):
            name = line.split("#")[0].strip().strip("[]").strip()
            section = (name, counts.get(name, 0))
            counts[name] = counts.get(name, 0) + 1
            found[section] = number
        elif line.startswith("{"):
            found[(*section, key, item)] = number
            item += 1
        elif "=" in line and not line.startswith("#"):
            key, item = line.split("=")[0].strip(), 0
            found[(*section, key)] = number
    return found

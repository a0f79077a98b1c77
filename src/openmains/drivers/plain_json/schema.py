# SPDX-License-Identifier: Apache-2.0
"""A page with ``hook = "json"``: opened tables → ``JsonPage``. A broken page is refused with file, line and reason.

The keys are explained in ``docs/protocols/json.md``.
"""

from decimal import Decimal
from typing import NotRequired, TypedDict

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.drivers.message_schema import METERS_ONLY
from openmains.drivers.model import Kind, Title
from openmains.drivers.page import Page
from openmains.drivers.page_reader import PageReader
from openmains.drivers.plain_json.page import MOST_RAW, NUMBER, TIMES, JsonField, JsonPage
from openmains.drivers.plain_json.text import token
from openmains.drivers.points import Vocabulary
from openmains.drivers.scalar import CARRIES
from openmains.drivers.sections import offset_s, only_sections

SECTIONS = ("json", "field")
MOST_FIELDS, MOST_POINTER, MOST_TOPIC = 64, 200, 200
_SERIES_ONLY = frozenset(
    {"increments", "history", "history_at", "register_values", "register_instants", "base", "start_at"}
)


class _JsonEntry(TypedDict):
    zh: str
    en: str
    topic: NotRequired[str]
    ignore: NotRequired[list[object]]
    utc_offset_min: NotRequired[int]
    or_heartbeat: NotRequired[bool]
    each: NotRequired[str]
    number: NotRequired[str]


class _FieldEntry(TypedDict):
    pointer: str
    point: NotRequired[str]
    event: NotRequired[str]
    decimals: NotRequired[int]
    scale: NotRequired[int]
    round: NotRequired[bool]
    quoted: NotRequired[bool]
    time: NotRequired[str]
    words: NotRequired[dict[str, object]]
    missing: NotRequired[list[object]]
    min: NotRequired[int]
    max: NotRequired[int]


def read_json_page(reader: PageReader, vocabulary: Vocabulary, page: Page) -> JsonPage:
    """The page, checked; raises ``DriverPageError``."""
    only_sections(reader, "a page of JSON", SECTIONS)
    entry = reader.section(_JsonEntry, "json")
    utc_offset_s = offset_s(reader, entry.get("utc_offset_min", 480), "json")
    fields: list[JsonField] = []
    for path, told in reader.listed(_FieldEntry, "field"):
        fields.append(_field(reader, vocabulary, fields, path, told))
    if not 1 <= len(fields) <= MOST_FIELDS:
        reader.fail(reader.place("json"), f"a page of JSON has 1..{MOST_FIELDS} [[field]]")
    points = {each.point for each in fields if each.point}
    if page.kind is DeviceKind.METER:
        needs = frozenset({"register"})
        if "register" not in points:
            reader.fail(reader.place("json"), "a meter's page needs a [[field]] with the point register")
    else:
        needs = frozenset(points) - CARRIES
        if found := sorted(METERS_ONLY & points):
            reader.fail(reader.place("json"), f"{', '.join(found)} is a meter's: a monitor's page has quantities only")
        if not needs:
            reader.fail(reader.place("json"), "a monitor's message says a quantity")
    ignored = frozenset(_path(reader, one, "json", "ignore") for one in entry.get("ignore", []))
    for each in fields:
        if any(each.path[: len(one)] == one for one in ignored):
            reader.fail(reader.place("json", "ignore"), f"{each.pointer} is read: it is not ignored")
    meters_at, number_at = _each(reader, entry)
    return JsonPage(
        Title(entry["zh"], entry["en"]), tuple(fields), needs, ignored, utc_offset_s, _topic(reader, entry),
        Kind.REPORT, entry.get("or_heartbeat", False), meters_at, number_at,
    )  # fmt: skip


def _topic(reader: PageReader, entry: _JsonEntry) -> str:
    topic = entry.get("topic", "")
    if not topic:
        return ""
    levels, place = topic.split("/"), reader.place("json", "topic")
    if len(topic) > MOST_TOPIC or not topic.isprintable() or levels.count(NUMBER) != int("each" not in entry):
        reader.fail(place, f"topic has one level {NUMBER} (none with each), and at most {MOST_TOPIC} signs")
    if any(level != "+" and ("+" in level or "#" in level) for level in levels):
        reader.fail(place, "a level of a topic is a word, + for any, or {number}")
    return topic


def _each(reader: PageReader, entry: _JsonEntry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The list of meters, and in its first element the meter's number."""
    if ("each" in entry) != ("number" in entry):
        reader.fail(reader.place("json"), "each (the list of meters) and number (in its element 0) go together")
    if "each" not in entry:
        return (), ()
    each = _path(reader, entry["each"], "json", "each")
    number = _path(reader, entry.get("number", ""), "json", "number")
    if number[: len(each) + 1] != (*each, "0") or len(number) == len(each) + 1:
        reader.fail(reader.place("json", "number"), f"number lies in element 0 of the list: {entry['each']}/0/…")
    return each, number


def _path(reader: PageReader, pointer: object, *where: str | int) -> tuple[str, ...]:
    """RFC 6901: each step behind a /, with ~1 for / and ~0 for ~."""
    is_pointer = isinstance(pointer, str) and 1 < len(pointer) <= MOST_POINTER and pointer.startswith("/")
    if not isinstance(pointer, str) or not is_pointer:
        reader.fail(reader.place(*where), f"{pointer!r} is no JSON pointer, such as /values/total")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))


def _field(
    reader: PageReader,
    vocabulary: Vocabulary,
    before: list[JsonField],
    where: tuple[str | int, ...],
    entry: _FieldEntry,
) -> JsonField:
    place = reader.place(*where)
    path = _path(reader, entry["pointer"], *where, "pointer")
    if any(other.path[: len(path)] == path or path[: len(other.path)] == other.path for other in before):
        reader.fail(place, f"ambiguous: {entry['pointer']} is read already")
    point, event = entry.get("point", ""), entry.get("event", "")
    if bool(point) == bool(event):
        reader.fail(place, "a field is a point or an event")
    if event:
        if odd := sorted(set(entry) - {"pointer", "event", "missing"}):
            reader.fail(place, f"an event has no {odd[0]}: true or 1 says it is, false or 0 that it is over")
        if event not in vocabulary.events:
            reader.fail(reader.place(*where, "event"), f"event {event!r} is not in points.toml")
    if point and (point not in vocabulary.points or point in _SERIES_ONLY):
        reader.fail(reader.place(*where, "point"), f"{point!r} is no single point of points.toml")
    if any((point and other.point == point) for other in before):
        reader.fail(place, f"ambiguous: point {point} is in another field already")
    bit = vocabulary.events[event].bit if event else None
    if bit is not None and any(other.event == bit for other in before):
        reader.fail(place, f"ambiguous: event {event} is in another field already")
    time = entry.get("time", "")
    if ("time" in entry) != (point in ("device_at", "register_at", "raised_at")) or (time and time not in TIMES):
        reader.fail(place, f"an instant, and nothing else, has time: {', '.join(TIMES)}")
    numeric = sorted(set(entry) & {"decimals", "scale", "round", "quoted"})
    if (time or "words" in entry) and numeric:
        reader.fail(place, f"{numeric[0]} is a number's")
    if not 0 <= entry.get("decimals", 0) <= 12 or not 1 <= entry.get("scale", 1) <= 10**9:
        reader.fail(place, "decimals is 0..12, scale 1..1000000000")
    low, high = entry.get("min", -MOST_RAW + 1), entry.get("max", MOST_RAW - 1)
    if not -MOST_RAW < low <= high < MOST_RAW:
        reader.fail(place, "min and max lie within 62 bits")
    return JsonField(
        entry["pointer"], path, point, bit, entry.get("decimals", 0), entry.get("scale", 1), entry.get("round", False),
        entry.get("quoted", False), time, _words(reader, where, entry), _missing(reader, where, entry), low, high,
    )  # fmt: skip


def _words(reader: PageReader, where: tuple[str | int, ...], entry: _FieldEntry) -> dict[str, int]:
    found: dict[str, int] = {}
    for word, number in entry.get("words", {}).items():
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= MOST_RAW:
            reader.fail(reader.place(*where, "words", word), f"{word} needs a whole number")
        found[word] = number
    return found


def _missing(reader: PageReader, where: tuple[str | int, ...], entry: _FieldEntry) -> frozenset[str]:
    found: set[str] = set()
    for one in entry.get("missing", []):
        if not isinstance(one, str | int | float) or isinstance(one, bool):
            reader.fail(reader.place(*where, "missing"), "missing is a list of numbers and texts that mean 'not known'")
        found.add(one if isinstance(one, str) else token(Decimal(repr(one))))
    return frozenset(found)

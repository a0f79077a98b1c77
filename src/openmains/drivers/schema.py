# SPDX-License-Identifier: Apache-2.0
"""A driver page: opened text → checked description. A broken page, or one with two readings, is refused with its line.

Theory: a frame is header fields, message fields, CRC. One header field tells the messages apart. This module reads the
page as a whole; ``field_schema``, ``message_schema`` and ``command_schema`` its parts, all through one ``PageReader``.
The keys are explained in ``docs/protocols/drivers.md``.
"""

from typing import NotRequired, TypedDict

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.drivers import command_schema
from openmains.drivers.field_schema import FieldReader
from openmains.drivers.message_schema import MessageEntry, read_message
from openmains.drivers.model import FaultCode, Source, Title, Vector
from openmains.drivers.page import INTEGERS, MOST_DIGITS, AnswerField, Field, Page
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import Vocabulary

EVIDENCE = ("standard", "maker", "capture", "decoder")
MOST_SOURCE = 200
GRADES = ("reference", "field", "vectors", "draft")
MEDIA = ("water", "gas")
MOST_CODE, MOST_TEXT = 40, 300
MOST_PORT = 223  # LoRaWAN 1.0.4, 4.3.2: FPorts of applications
CRCS = ("crc16-1021-0000",)
TABLES = ("frame", "header", "bits", "events", "message", "answer", "spreading", "deduction", *command_schema.SECTIONS)
LISTED = ("message", "vector", "fault", "field", *command_schema.SECTIONS)
DIALECT = "dialect"  # a hook whose page has tables, in a language of its own (drivers/dialect)
JSON = "json"  # the same, of messages that are no bytes but text (drivers/plain_json)


class _DriverEntry(TypedDict):
    name: str
    medium: str
    grade: str
    unit_exponent: int
    zh: str
    en: str
    kind: NotRequired[str]
    hook: NotRequired[str]
    number_digits: NotRequired[int]
    command_port: NotRequired[int]


class _SourceEntry(TypedDict):
    url: str
    licence: str
    evidence: str


class _FrameEntry(TypedDict):
    byte_order: str
    type: str
    crc: str


class _FieldsEntry(TypedDict):
    fields: NotRequired[list[object]]


class _AnswerEntry(TypedDict):
    name: str
    type: str
    value: NotRequired[int]
    echo: NotRequired[str]
    now: NotRequired[bool]
    utc_offset: NotRequired[bool]


class _FaultEntry(TypedDict):
    event: str
    code: str
    zh: str
    en: str
    act_zh: str
    act_en: str


class _VectorEntry(TypedDict):
    name: str
    source: str
    hex: NotRequired[str]
    text: NotRequired[str]
    means: NotRequired[dict[str, object]]
    fault: NotRequired[str]
    received_at: NotRequired[int]


def read_page(reader: PageReader, vocabulary: Vocabulary) -> Page:
    """The page checked; raises ``DriverPageError``."""
    _sections(reader)
    page = _identity(reader)
    if page.hook is None:
        _frame(reader, vocabulary, page)
        page.commands = command_schema.read_commands(reader, page)
        page.spreading = command_schema.read_spreading(reader, page.commands)
        page.deduction = command_schema.read_deduction(reader, page.commands)
    elif page.hook in (DIALECT, JSON):
        pass  # tables of its own, read by its hook
    elif page.kind is not DeviceKind.METER:
        reader.fail(reader.place("driver", "hook"), "a monitor's page is a table: a hook reads registers")
    elif any(name in reader.data for name in TABLES):
        reader.fail(reader.place("driver", "hook"), "a page with a hook has no tables of its own")
    page.source = _source(reader)
    page.fault_codes = _fault_codes(reader, vocabulary)
    page.vectors = tuple(_vector(reader, vocabulary, *found) for found in reader.listed(_VectorEntry, "vector"))
    if not page.vectors:
        reader.fail(reader.place("driver"), "a page carries at least one [[vector]]")
    return page


def _sections(reader: PageReader) -> None:
    driver = reader.data.get("driver")
    hook = driver.get("hook") if isinstance(driver, dict) else None
    own = {DIALECT: ("poll", "codes"), JSON: ("json", "field")}.get(hook if isinstance(hook, str) else "", ())
    for name, section in reader.data.items():
        if name not in ("driver", "source", "vector", "fault", "options", *TABLES, *own):
            reader.fail(reader.place(name), f"unknown section {name}")
        tables = section if name in LISTED and isinstance(section, list) else [section]
        if isinstance(section, list) != (name in LISTED) or not all(isinstance(table, dict) for table in tables):
            reader.fail(reader.place(name), f"{name} must be a section")


def _identity(reader: PageReader) -> Page:
    entry = reader.section(_DriverEntry, "driver")
    for key, value, allowed in (("medium", entry["medium"], MEDIA), ("grade", entry["grade"], GRADES)):
        if value not in allowed:
            reader.fail(reader.place("driver", key), f"{key} {value!r} is not one of {', '.join(allowed)}")
    if entry.get("kind", DeviceKind.METER) not in set(DeviceKind):
        reader.fail(reader.place("driver", "kind"), f"kind is one of {', '.join(DeviceKind)}")
    if not -9 <= entry["unit_exponent"] <= 3:
        reader.fail(reader.place("driver", "unit_exponent"), "unit_exponent is outside -9..3")
    if not 0 <= entry.get("number_digits", 0) <= MOST_DIGITS:
        reader.fail(reader.place("driver", "number_digits"), f"number_digits is outside 0..{MOST_DIGITS}")
    if not 1 <= entry.get("command_port", 1) <= MOST_PORT:
        reader.fail(reader.place("driver", "command_port"), f"command_port is outside 1..{MOST_PORT}")
    if f"{entry['name']}.toml" != reader.file:
        reader.fail(reader.place("driver", "name"), f"the page {entry['name']!r} lies in file {reader.file!r}")
    return Page(
        name=entry["name"],
        medium=entry["medium"],
        grade=entry["grade"],
        unit_exponent=entry["unit_exponent"],
        title=Title(entry["zh"], entry["en"]),
        hook=entry.get("hook"),
        number_digits=entry.get("number_digits"),
        command_port=entry.get("command_port"),
        kind=DeviceKind(entry.get("kind", DeviceKind.METER)),
    )


def _frame(reader: PageReader, vocabulary: Vocabulary, page: Page) -> None:
    entry = reader.section(_FrameEntry, "frame")
    if entry["byte_order"] not in ("big", "little"):
        reader.fail(reader.place("frame", "byte_order"), "byte_order is big or little")
    if entry["crc"] not in CRCS:
        reader.fail(reader.place("frame", "crc"), f"crc is one of {', '.join(CRCS)}")
    page.order = entry["byte_order"]
    page.type_field = entry["type"]
    fields_of = FieldReader(reader, vocabulary)
    page.header = fields_of.read(reader.section(_FieldsEntry, "header").get("fields", []), "header")
    kind_field = next((f for f in page.header if f.name == page.type_field), None)
    if kind_field is None or kind_field.size != 1 or kind_field.count or kind_field.value is not None:
        reader.fail(reader.place("frame", "type"), f"{page.type_field!r} must be a one-byte field of the header")
    for index, (_, message) in enumerate(reader.listed(MessageEntry, "message")):
        page.messages.append(read_message(reader, fields_of, page, index, message))
    if not page.messages:
        reader.fail(reader.place("frame"), "a page needs at least one [[message]]")
    for index, raw in enumerate(reader.section(_FieldsEntry, "answer").get("fields", [])):
        page.answer.append(_answer_field(reader, page.header, index, raw))


def _answer_field(reader: PageReader, header: list[Field], index: int, raw: object) -> AnswerField:
    entry = reader.checked(_AnswerEntry, raw, "answer", "fields", index)
    place, kind, echo = reader.place("answer", "fields", index), entry["type"], entry.get("echo")
    if kind not in INTEGERS:
        reader.fail(place, f"type {kind!r} cannot be in an answer")
    if len(entry) != 3:
        reader.fail(place, "an answer field has one of value, echo, now, utc_offset")
    if echo is not None and echo not in {f.name for f in header}:
        reader.fail(place, f"echo = {echo!r} is no field of the header")
    return AnswerField(
        name=entry["name"],
        size=INTEGERS[kind],
        signed=kind.startswith("i"),
        value=entry.get("value", 0),
        echo=echo,
        now=entry.get("now", False),
        utc_offset=entry.get("utc_offset", False),
    )


def _source(reader: PageReader) -> Source | None:
    """``[source]``, where somebody else's format is published; None where the page has none."""
    if "source" not in reader.data:
        return None
    entry = reader.section(_SourceEntry, "source")
    for name, text in (("url", entry["url"]), ("licence", entry["licence"])):
        if not text.strip() or len(text) > MOST_SOURCE or not text.isprintable():
            reader.fail(reader.place("source", name), f"{name} is 1 to {MOST_SOURCE} signs")
    if not entry["url"].startswith("https://"):
        reader.fail(reader.place("source", "url"), "url begins with https://")
    if entry["evidence"] not in EVIDENCE:
        reader.fail(reader.place("source", "evidence"), f"evidence is one of {', '.join(EVIDENCE)}")
    return Source(entry["url"], entry["licence"], entry["evidence"])


def _fault_codes(reader: PageReader, vocabulary: Vocabulary) -> tuple[FaultCode, ...]:
    """Each of an event that meters may raise; a code of an event once."""
    found: dict[tuple[str, str], FaultCode] = {}
    for path, entry in reader.listed(_FaultEntry, "fault"):
        event, code = entry["event"], entry["code"]
        known = vocabulary.events.get(event)
        if known is None:
            reader.fail(reader.place(*path, "event"), f"event {event!r} is not in points.toml")
        if not code.strip() or len(code) > MOST_CODE or not code.isprintable():
            reader.fail(reader.place(*path, "code"), f"code is 1 to {MOST_CODE} signs")
        for name, text in (
            ("zh", entry["zh"]),
            ("en", entry["en"]),
            ("act_zh", entry["act_zh"]),
            ("act_en", entry["act_en"]),
        ):
            if not text.strip() or len(text) > MOST_TEXT or not text.isprintable():
                reader.fail(reader.place(*path, name), f"{name} is 1 to {MOST_TEXT} signs")
        if (event, code) in found:
            reader.fail(reader.place(*path), f"code {code} of {event} is said already")
        found[event, code] = FaultCode(
            event, code, Title(entry["zh"], entry["en"]), Title(entry["act_zh"], entry["act_en"])
        )
    return tuple(found.values())


def _vector(reader: PageReader, vocabulary: Vocabulary, path: tuple[str | int, ...], entry: _VectorEntry) -> Vector:
    if ("means" in entry) == ("fault" in entry):
        reader.fail(reader.place(*path), "a vector has means or a fault")
    means = entry.get("means", {})
    for point in means:
        if point not in vocabulary.points and point not in ("kind", "events"):
            reader.fail(reader.place(*path, "means", point), f"{point!r} is not in points.toml")
    if ("hex" in entry) == ("text" in entry):
        reader.fail(reader.place(*path), "a vector has hex, or the text of a message that is one")
    frame = entry["text"].encode() if "text" in entry else reader.hexadecimal(entry.get("hex", ""), *path, "hex")
    return Vector(entry["name"], frame, entry["source"], means, entry.get("fault"), entry.get("received_at", 0))

# SPDX-License-Identifier: Apache-2.0
"""A page with ``hook = "dialect"``: opened tables → ``DialectPage``. A broken page is refused with file, line and reason.

The keys are explained in ``docs/protocols/dialects.md``. ``fields`` reads one field or group, this module the frame around them.
"""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.drivers.dialect.items import ItemReader
from openmains.drivers.dialect.page import DialectMessage, DialectPage, FrameCheck, Group, Item, Leaf
from openmains.drivers.dialect.polls import read_poll
from openmains.drivers.dialect.shape import are_meant, claims_of, least, most
from openmains.drivers.message_schema import MAX_FRAME, METERS_ONLY
from openmains.drivers.model import Kind, Title
from openmains.drivers.page import Page
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import Vocabulary
from openmains.drivers.scalar import CARRIES
from openmains.drivers.sections import offset_s, only_sections
from openmains.wire.crc import CRC16_CCITT_FALSE, CRC16_MODBUS, CRC16_XMODEM, Crc

SECTIONS = ("frame", "header", "bits", "events", "codes", "message", "poll")
REGISTERS = frozenset({"register", "register_values"})
KINDS = (Kind.REPORT, Kind.REGISTERS, Kind.ALARM, Kind.HEARTBEAT)
NAMED = {
    "crc16-modbus": (CRC16_MODBUS, "little"),
    "crc16-xmodem": (CRC16_XMODEM, "big"),
    "crc16-1021-0000": (CRC16_XMODEM, "big"),
    "crc16-ccitt-false": (CRC16_CCITT_FALSE, "big"),
    "crc32": (Crc(32, 0x04C11DB7, 0xFFFFFFFF, True, True, 0xFFFFFFFF), "big"),
    "crc8": (Crc(8, 0x07), "big"),
}


class _FrameEntry(TypedDict):
    byte_order: str
    type: NotRequired[str]
    crc: NotRequired[str]
    check: NotRequired[dict[str, object]]
    end: NotRequired[str]
    skip: NotRequired[str]
    utc_offset_min: NotRequired[int]


class _CheckEntry(TypedDict):
    width: int
    poly: NotRequired[int]
    start: NotRequired[int]
    reflect_in: NotRequired[bool]
    reflect_out: NotRequired[bool]
    xor: NotRequired[int]
    order: NotRequired[str]
    sum: NotRequired[bool]
    first: NotRequired[int]


class _HeaderEntry(TypedDict):
    fields: NotRequired[list[object]]


class _MessageEntry(TypedDict):
    name: str
    kind: str
    zh: str
    en: str
    fields: list[object]
    type: NotRequired[int]
    or_heartbeat: NotRequired[bool]


def read_dialect(reader: PageReader, vocabulary: Vocabulary, page: Page) -> DialectPage:
    """The frame of the page, checked; raises ``DriverPageError``."""
    only_sections(reader, "a dialect page", SECTIONS)
    entry = reader.section(_FrameEntry, "frame")
    if entry["byte_order"] not in ("big", "little"):
        reader.fail(reader.place("frame", "byte_order"), "byte_order is big or little")
    utc_offset_s = offset_s(reader, entry.get("utc_offset_min", 480), "frame")
    check = _check(reader, entry)
    end = reader.hexadecimal(entry.get("end", ""), "frame", "end")
    skip = reader.hexadecimal(entry.get("skip", ""), "frame", "skip")
    items = ItemReader(reader, vocabulary, entry["byte_order"], page.unit_exponent)
    header = tuple(items.read(reader.section(_HeaderEntry, "header").get("fields", []), ("header",), ()))
    type_field = entry.get("type", "")
    kinds = [item for item in header if isinstance(item, Leaf) and item.name == type_field]
    if type_field and (not kinds or kinds[0].form != "int" or kinds[0].values or kinds[0].size > 4):
        reader.fail(
            reader.place("frame", "type"), f"{type_field!r} must be an integer field of the header, of 4 bytes at most"
        )
    if type_field and (kinds[0].says or any(isinstance(item, Group) for item in header)):
        reader.fail(
            reader.place("frame", "type"), "the header with the type has plain fields, and the type is no point"
        )
    messages: list[DialectMessage] = []
    for path, told in reader.listed(_MessageEntry, "message"):
        messages.append(_message(reader, page, items, header, type_field, messages, path, told))
    if not messages:
        reader.fail(reader.place("frame"), "a page needs at least one [[message]]")
    if not type_field and len(messages) > 1:
        reader.fail(reader.place("message", 1), "several messages need a type in the header, named by [frame] type")
    are_meant(reader, header, messages, type_field)
    around = check.size + len(end)
    for index, message in enumerate(messages):
        if (largest := most(header) + most(message.items) + around) > MAX_FRAME:
            reader.fail(
                reader.place("message", index),
                f"the message can be {largest} bytes long, more than {MAX_FRAME}: give counts a max",
            )
    needed = max(min(least(message.items) for message in messages) + least(header) + around, 1)
    return DialectPage(
        header,
        tuple(messages),
        type_field,
        check,
        end,
        skip,
        utc_offset_s,
        page.unit_exponent,
        needed,
        read_poll(reader, page),
    )


def _check(reader: PageReader, entry: _FrameEntry) -> FrameCheck:
    if ("crc" in entry) == ("check" in entry):
        reader.fail(reader.place("frame"), "a frame has crc (a name, or none) or check (a table of its parameters)")
    name = entry.get("crc", "")
    if "crc" in entry:
        if name == "none":
            return FrameCheck()
        if name == "sum8":
            return FrameCheck(1, is_sum=True)
        if name not in NAMED:
            reader.fail(
                reader.place("frame", "crc"),
                f"crc is one of none, sum8, {', '.join(NAMED)}; any other is a check = {{ … }}",
            )
        crc, order = NAMED[name]
        return FrameCheck(crc.width // 8, crc, order=order)
    told = reader.checked(_CheckEntry, entry.get("check"), "frame", "check")
    place = reader.place("frame", "check")
    order, first = told.get("order", "big"), told.get("first", 0)
    if order not in ("big", "little"):
        reader.fail(place, "order of the check is big or little")
    if not 0 <= first <= 64:
        reader.fail(place, "first: so many bytes before the range of the check, 0..64")
    if told.get("sum", False):
        if told["width"] not in (8, 16, 32) or len(set(told) - {"sum", "width", "order", "first"}):
            reader.fail(place, "a sum has width (8, 16 or 32), order and first only")
        return FrameCheck(told["width"] // 8, is_sum=True, order=order, start=first)
    if "poly" not in told or told["width"] % 8:
        reader.fail(place, "a check has width (whole bytes) and poly, or sum = true")
    try:
        crc = Crc(
            told["width"], told["poly"], told.get("start", 0), told.get("reflect_in", False), told.get("reflect_out", False),
            told.get("xor", 0),
        )  # fmt: skip
    except ValueError as bad:
        reader.fail(place, str(bad))
    return FrameCheck(crc.width // 8, crc, order=order, start=first)


def _message(
    reader: PageReader,
    page: Page,
    items: ItemReader,
    header: Sequence[Item],
    type_field: str,
    before: Sequence[DialectMessage],
    path: tuple[str | int, ...],
    told: _MessageEntry,
) -> DialectMessage:
    place = reader.place(*path)
    if any(other.name == told["name"] for other in before):
        reader.fail(reader.place(*path, "name"), f"ambiguous: message {told['name']} is there already")
    if told["kind"] not in set(KINDS):
        reader.fail(reader.place(*path, "kind"), f"kind is one of {', '.join(KINDS)}")
    if bool(type_field) != ("type" in told):
        reader.fail(place, "a message has a type where [frame] names its field, and none where it does not")
    if any(other.type == told.get("type") for other in before):
        reader.fail(reader.place(*path, "type"), "ambiguous: another message has the same type")
    own = tuple(items.read(told["fields"], path, tuple(header)))
    known, points = claims_of(reader, (*header, *own))
    kind = Kind(told["kind"])
    needed = {Kind.REPORT: "register", Kind.REGISTERS: "register"}.get(kind)
    if page.kind is not DeviceKind.METER:
        if found := sorted(METERS_ONLY & points):
            reader.fail(place, f"{', '.join(found)} is a meter's: a monitor's page has quantities only")
        if kind is Kind.REGISTERS or (kind is Kind.REPORT and not points):
            reader.fail(place, "a monitor's message says a quantity, and no registers")
    elif needed and needed not in points and not (kind is Kind.REGISTERS and "register_values" in points):
        reader.fail(
            place, "a message of this kind needs the point register, or of kind registers the series register_values"
        )
    if ("register_values" in points) != ("register_instants" in points):
        reader.fail(
            place,
            "register_values and register_instants go together: name the instants, or instants = { … } of the group",
        )
    if kind is Kind.ALARM and not known:
        reader.fail(place, "an alarm message needs a field with events")
    needs: frozenset[str] = frozenset()
    if kind in (Kind.REPORT, Kind.REGISTERS):
        wanted = REGISTERS if page.kind is DeviceKind.METER else frozenset(points) - CARRIES
        needs = wanted & frozenset(points)
    if told.get("or_heartbeat", False) and not needs:
        reader.fail(reader.place(*path, "or_heartbeat"), "or_heartbeat is of a report or registers")
    return DialectMessage(
        told["name"],
        told.get("type"),
        kind,
        Title(told["zh"], told["en"]),
        own,
        known,
        frozenset(points),
        needs,
        told.get("or_heartbeat", False),
    )

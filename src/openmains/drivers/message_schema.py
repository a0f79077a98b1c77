# SPDX-License-Identifier: Apache-2.0
"""``[[message]]`` of a driver page → ``Message``: header fields and own fields laid out one after the other.

Fixed fields come first, counted ones (arrays of one type, their count in an earlier field) after them, so that every
offset follows from the message type and the counts alone. That is what lets the codec read a thousand frames in a few
array operations. The steps of ``read_message`` are the rules a message has to keep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.drivers.errors import Place
from openmains.drivers.field_schema import FieldReader
from openmains.drivers.model import Kind, Title
from openmains.drivers.page import CRC_SIZE, Field, Message, Page
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import vocabulary

MAX_FRAME = 512
NEEDED_POINTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.REPORT: ("device_at", "register"),
    Kind.REGISTERS: ("register_instants", "register_values"),
    Kind.COMMAND_RESULT: ("command_serial", "command_result"),
    Kind.PARAMETERS: ("command_serial", "parameter_numbers", "parameter_values"),
    Kind.LOG: ("command_serial", "log_text"),
}


METERS_ONLY = frozenset({
    "register", "register_at", "register_base", "base", "increments", "history", "register_values", "register_instants",
    "settlement", "tariff_1", "tariff_2", "tariff_3", "tariff_4", "valve", "balance", "balance_volume", "balance_kind",
    "open_permitted", "closed_by_arrears", "closed_for_safety", "price_version", "price_deferred",
})  # fmt: skip
"""What only meters have: volume that is billed, valve and credit. A monitor's page that says them is a meter's."""


class MessageEntry(TypedDict):
    """One ``[[message]]``."""

    name: str
    type: int
    kind: str
    zh: str
    en: str
    fields: list[object]


def read_message(reader: PageReader, fields_of: FieldReader, page: Page, index: int, entry: MessageEntry) -> Message:
    """The message with every field in its place. ``page`` holds the header and the messages before this one."""
    place = reader.place("message", index)
    _unlike_the_others(reader, page, index, entry)
    fields = [replace(item) for item in page.header] + fields_of.read(entry["fields"], "message", index)
    by_name = _by_name(reader, fields)
    points = _points(reader, fields)
    event_known = _event_known(reader, fields)
    fixed_size, largest = _lay_out(reader, fields, by_name)
    _all_mean_something(reader, page, fields)
    if largest > MAX_FRAME:
        reader.fail(place, f"the message can be {largest} bytes long, more than {MAX_FRAME}")
    _volumes_are_exact(reader, page, fields)
    kind = Kind(entry["kind"])
    if page.kind is not DeviceKind.METER:
        _of_a_monitor(reader, place, kind, points)
    for point in NEEDED_POINTS.get(kind, ()):
        if point not in points and not (page.kind is not DeviceKind.METER and point in METERS_ONLY):
            reader.fail(place, f"a message of this kind needs the point {point}")
    if kind == Kind.ALARM and not event_known:
        reader.fail(place, "an alarm message needs a field with events")
    return Message(
        name=entry["name"],
        type=entry["type"],
        kind=kind,
        title=Title(entry["zh"], entry["en"]),
        fields=fields,
        by_name=by_name,
        fixed_size=fixed_size,
        points=frozenset(points),
        event_known=event_known,
    )


def _of_a_monitor(reader: PageReader, place: Place, kind: Kind, points: Mapping[str, str]) -> None:
    """A monitor (R3.7) has no register, valve or credit; a report of it says some quantity."""
    if found := sorted(METERS_ONLY & points.keys()):
        reader.fail(place, f"{', '.join(found)} is a meter's: a monitor's page has quantities only")
    if kind == Kind.REGISTERS:
        reader.fail(place, "a monitor has no registers")
    kept = {name for name, quantity in vocabulary().quantities.items() if not quantity.logged}
    if kind == Kind.REPORT and not kept & points.keys():
        reader.fail(place, "a report of a monitor needs a quantity of points.toml")


def _unlike_the_others(reader: PageReader, page: Page, index: int, entry: MessageEntry) -> None:
    def at(key: str) -> Place:
        return reader.place("message", index, key)

    for other in page.messages:
        if other.name == entry["name"]:
            reader.fail(at("name"), f"ambiguous: message {other.name} has the same name")
        if other.type == entry["type"]:
            reader.fail(at("type"), f"ambiguous: message {other.name} has the same type")
    if entry["kind"] not in list(Kind):
        reader.fail(at("kind"), f"kind is one of {', '.join(Kind)}")
    if not 0 <= entry["type"] <= 255:
        reader.fail(at("type"), "type is outside 0..255")


def _by_name(reader: PageReader, fields: Sequence[Field]) -> dict[str, Field]:
    """Fields by name; what a field refers to stands before it."""
    earlier: dict[str, Field] = {}
    for item in fields:
        if item.name in earlier:
            reader.fail(item.place, f"ambiguous: a second field {item.name}")
        _references(reader, item, earlier)
        earlier[item.name] = item
    return earlier


def _references(reader: PageReader, item: Field, earlier: Mapping[str, Field]) -> None:
    referred = {"count": item.count, "plus": item.plus, "back_from": item.back_from, "back_at": item.back_at}
    for key, name in referred.items():
        other = earlier.get(name or "")
        if name is not None and (other is None or other.count or other.bcd or (other.signed and key != "plus")):
            reader.fail(item.place, f"{key} = {name!r} is no unsigned fixed field before this one")
    if (item.count is None) != (item.series is None):
        reader.fail(item.place, "a series needs a count, and a count a series")
    if item.series and (item.point or item.bits or item.events or item.value is not None or item.bcd):
        reader.fail(item.place, "a counted field holds one series of numbers and nothing else")
    if (item.back_from is None) != (item.back_at is None) or (item.back_from is not None and item.step_s < 1):
        reader.fail(item.place, "back_from, back_at and step_s go together")
    if item.back_from and item.missing is None:
        reader.fail(item.place, "back_from needs a missing value")


def _points(reader: PageReader, fields: Sequence[Field]) -> dict[str, str]:
    """Point → the one field it is in."""
    found: dict[str, str] = {}
    for item in fields:
        for point in _points_of(item):
            if point in found:
                reader.fail(item.place, f"ambiguous: point {point} is in field {found[point]} already")
            found[point] = item.name
    return found


def _points_of(item: Field) -> list[str]:
    found = [item.point] if item.point else []
    if item.series:
        found.append(item.series)
        if item.back_from:
            found.append(f"{item.series}_at")
    return found + [bits.point for bits in item.bits]


def _event_known(reader: PageReader, fields: Sequence[Field]) -> int:
    """Mask of the events that this message can speak of."""
    known = 0
    for item in fields:
        for event in item.events.values():
            if known >> event & 1:
                reader.fail(item.place, "ambiguous: an event in two fields")
            known |= 1 << event
    return known


def _lay_out(reader: PageReader, fields: Sequence[Field], by_name: Mapping[str, Field]) -> tuple[int, int]:
    """Gives every fixed field its offset. Bytes of the fixed part, and of the largest frame with its CRC."""
    fixed_size = counted_size = 0
    counted = False
    for item in fields:
        if item.count:
            counted = True
            counted_size += item.length(by_name[item.count].high)
            continue
        if counted:
            reader.fail(item.place, "a fixed field after a counted one: its place would depend on the count")
        item.offset = fixed_size
        fixed_size += item.size
    return fixed_size, fixed_size + counted_size + CRC_SIZE


def _all_mean_something(reader: PageReader, page: Page, fields: Sequence[Field]) -> None:
    used = {page.type_field}
    for item in fields:
        used |= {name for name in (item.count, item.plus, item.back_from, item.back_at) if name}
    for item in fields:
        if item.value is None and not (_points_of(item) or item.bits or item.events) and item.name not in used:
            reader.fail(item.place, f"field {item.name} has no meaning: name its point, series, value, bits or events")


def _volumes_are_exact(reader: PageReader, page: Page, fields: Sequence[Field]) -> None:
    """No volume is finer than the driver's unit, and none can leave 64 bits."""
    exponents = [item for item in fields if item.exponent]
    top = page.unit_exponent
    if exponents:
        item = exponents[0]
        if len(exponents) > 1 or not item.signed or item.size != 1:
            reader.fail(exponents[-1].place, "one exponent field, of type i8")
        if item.low < page.unit_exponent:
            reader.fail(item.place, "min of the exponent is below unit_exponent: volumes would not be exact")
        top = item.high
    for item in fields:
        factor = item.scale * (10 ** (top - page.unit_exponent) if item.volume else 1)
        if max(abs(item.low), item.high) * factor >= 2**62:
            reader.fail(item.place, f"{item.name} can leave 64 bits: give it a max")

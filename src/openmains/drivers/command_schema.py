# SPDX-License-Identifier: Apache-2.0
"""The way down in a driver page: ``[[command]]``, ``[[setting]]`` and ``[[command_vector]]`` → ``CommandTable``.

Called by ``schema`` for pages with tables. Refused like everything else there: with the line, at the start.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openmains.drivers.commands import HEAD_SIZE, MAC_SIZE, SETTING_SIZE
from openmains.drivers.model import CommandKind, CommandParam, Setting, Title
from openmains.drivers.page import CRC_SIZE, CommandField, CommandTable, CommandVector, Page

if TYPE_CHECKING:
    from openmains.drivers.schema import PageReader

SECTIONS = ("command", "setting", "command_vector")
INTEGERS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "u48": 6, "i8": 1, "i16": 2, "i32": 4}
FORMS = ("text", "settings", "names")
_COMMAND: dict[str, type] = {"name": str, "code": int, "signed": bool, "limit": int, "zh": str, "en": str}
_FIELD: dict[str, type] = {
    "name": str, "type": str, "unit": str, "min": int, "max": int, "default": int, "count": str, "zh": str, "en": str,
}  # fmt: skip
_SETTING: dict[str, type] = {
    "number": int, "name": str, "unit": str, "min": int, "max": int, "default": int, "zh": str, "en": str,
}  # fmt: skip
_VECTOR: dict[str, type] = {
    "name": str, "source": str, "hex": str, "kind": str, "params": dict, "serial": int, "counter": int,
    "not_after": int, "mac": str,
}  # fmt: skip


def read_commands(reader: "PageReader", page: Page) -> CommandTable | None:
    """The page's command table, or None when it has none."""
    entries = reader.data.get("command", [])
    if not entries:
        for section in ("setting", "command_vector"):
            if section in reader.data:
                reader.fail(reader.at(section, 0), f"{section} without a command")
        return None
    magic = next((f for f in page.header if f.name == "magic" and f.offset <= 0 and f.size == 2), None)
    version = next((f for f in page.header if f.name == "version" and f.size == 1), None)
    if magic is None or version is None or magic.value is None or version.value is None:
        reader.fail(reader.at("command", 0), "commands need a header that begins with magic (u16) and version (u8)")
    settings = _settings(reader)
    kinds: dict[str, CommandKind] = {}
    fields: dict[str, tuple[CommandField, ...]] = {}
    taken = {message.type: message.name for message in page.messages}
    for index, entry in enumerate(entries):
        place = ("command", index)
        _keys(reader, entry, _COMMAND | {"fields": list, "confirmed": bool}, set(_COMMAND), place)
        name, code = entry["name"], entry["code"]
        if name in kinds or code in taken:
            reader.fail(reader.at(*place), f"ambiguous: {name} or code {code:#x} is there already")
        if not 0x90 <= code <= 0xFF:
            reader.fail(reader.at(*place, "code"), "codes of commands are 0x90..0xFF")
        taken[code] = name
        pairs = [_field(reader, item, (*place, "fields", n)) for n, item in enumerate(entry.get("fields", []))]
        fields[name] = tuple(field for field, _ in pairs)
        for field, param in pairs:
            before = [f.name for f, _ in pairs[: pairs.index((field, param))]]
            if field.count is not None and field.count not in before:
                reader.fail(reader.at(*place), f"count {field.count!r} is no field before {field.name}")
        params = tuple(_with_most(param, field, pairs, entry["limit"]) for field, param in pairs)
        title = Title(entry["zh"], entry["en"])
        kinds[name] = CommandKind(
            name, code, title, entry["signed"], entry["limit"], params, entry.get("confirmed", True)
        )
        least = HEAD_SIZE + CRC_SIZE + (MAC_SIZE if entry["signed"] else 0)
        if least + sum(f.size for f in fields[name] if not f.count) >= entry["limit"]:
            reader.fail(reader.at(*place, "limit"), f"{name} can not stay under {entry['limit']} bytes")
    vectors = tuple(_vector(reader, n, entry, kinds) for n, entry in enumerate(reader.data.get("command_vector", [])))
    for name in sorted(set(kinds) - {vector.kind for vector in vectors}):
        reader.fail(reader.at("command", 0), f"command {name} has no [[command_vector]]")
    return CommandTable(magic.value, version.value, kinds, fields, settings, vectors)


def _with_most(
    param: CommandParam, field: CommandField, pairs: list[tuple[CommandField, CommandParam]], limit: int
) -> CommandParam:
    """The largest number of items: by the counting field, or by what fits the frame."""
    most = 1
    if field.count:
        most = next(p.high for f, p in pairs if f.name == field.count)
    elif field.form in ("settings", "names"):
        room = limit - 1 - HEAD_SIZE - CRC_SIZE - 1
        most = room // (SETTING_SIZE if field.form == "settings" else 1)
    return CommandParam(param.name, param.form, param.unit, param.low, param.high, param.title, param.default, most)


def _field(reader: "PageReader", entry: Any, place: tuple[object, ...]) -> tuple[CommandField, CommandParam]:
    line = reader.at(*place)
    _keys(reader, entry, _FIELD, {"name", "type", "zh", "en"}, place)
    kind = entry["type"]
    if kind not in INTEGERS and kind not in FORMS:
        reader.fail(line, f"type {kind!r} is not one of {', '.join((*INTEGERS, *FORMS))}")
    title = Title(entry["zh"], entry["en"])
    if kind in FORMS:
        low, high = entry.get("min", 0), entry.get("max", 255)
        default = entry.get("default")
        return CommandField(entry["name"], kind), CommandParam(entry["name"], kind, "", low, high, title, default)
    size, signed = INTEGERS[kind], kind[0] == "i"
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)
    least, most = entry.get("min", low), entry.get("max", high)
    if not low <= least <= most <= high:
        reader.fail(line, f"min and max do not fit {kind}")
    count = entry.get("count")
    form = "list" if count else "int"
    param = CommandParam(entry["name"], form, entry.get("unit", ""), least, most, title, entry.get("default"))
    return CommandField(entry["name"], form, size, signed, count), param


def _settings(reader: "PageReader") -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    numbers: set[int] = set()
    for index, entry in enumerate(reader.data.get("setting", [])):
        place = ("setting", index)
        _keys(reader, entry, _SETTING, set(_SETTING), place)
        if entry["name"] in found or entry["number"] in numbers or not 1 <= entry["number"] <= 255:
            reader.fail(reader.at(*place), "ambiguous: name and number of a setting are there once, 1..255")
        if not -(2**31) <= entry["min"] <= entry["default"] <= entry["max"] < 2**31:
            reader.fail(reader.at(*place), "a setting is an i32 with min <= default <= max")
        numbers.add(entry["number"])
        found[entry["name"]] = Setting(
            entry["number"], entry["name"], entry["unit"], entry["min"], entry["max"], entry["default"],
            Title(entry["zh"], entry["en"]),
        )  # fmt: skip
    return found


def _vector(reader: "PageReader", index: int, entry: Any, kinds: Mapping[str, CommandKind]) -> CommandVector:
    place = ("command_vector", index)
    _keys(reader, entry, _VECTOR, set(_VECTOR) - {"mac", "params"}, place)
    if entry["kind"] not in kinds:
        reader.fail(reader.at(*place, "kind"), f"there is no command {entry['kind']!r}")
    try:
        frame, mac = bytes.fromhex(entry["hex"]), bytes.fromhex(entry.get("mac", ""))
    except ValueError:
        reader.fail(reader.at(*place, "hex"), "hex is not hexadecimal")
    return CommandVector(
        entry["name"], frame, entry["source"], entry["kind"], entry.get("params", {}), entry["serial"],
        entry["counter"], entry["not_after"], mac or None,
    )  # fmt: skip


def _keys(
    reader: "PageReader", entry: Any, types: Mapping[str, type], needed: set[str], place: tuple[object, ...]
) -> None:
    if not isinstance(entry, dict):
        reader.fail(reader.at(*place), "a table is needed here")
    for key, value in entry.items():
        if key not in types:
            reader.fail(reader.at(*place, key), f"unknown key {key}")
        if not isinstance(value, types[key]) or (isinstance(value, bool) and types[key] is not bool):
            reader.fail(reader.at(*place, key), f"{key} must be {types[key].__name__}")
    for key in sorted(needed - set(entry)):
        reader.fail(reader.at(*place), f"{key} is missing")

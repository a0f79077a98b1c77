# SPDX-License-Identifier: Apache-2.0
"""The downlink in a driver page: ``[[command]]``, ``[[setting]]`` and ``[[command_vector]]`` → ``CommandTable``.

Called by ``schema`` for pages with tables. Refused like everything else there: with the line, at the start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, NotRequired, TypedDict

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.network.spreading import Scheme, Spreading
from openmains.domain.tariff.meter_deduction import MOST_STEP_L, MeterDeduction, StepRounding
from openmains.drivers.commands import HEAD_SIZE, MAC_SIZE, SETTING_SIZE
from openmains.drivers.model import CommandKind, CommandParam, Effect, Setting, Title
from openmains.drivers.page import CRC_SIZE, INTEGERS, CommandField, CommandTable, CommandVector, Page, raw_range
from openmains.drivers.page_reader import PageReader
from openmains.drivers.toml_lines import Path

SECTIONS = ("command", "setting", "command_vector")
FORMS = ("text", "settings", "names")
MONEY_UNITS = ("fen", "CNY", "0.0001 CNY")
METERS_ONLY = frozenset(
    {"read_now", "read_intervals", "valve_close", "valve_open", "safety_close", "set_price", "top_up"}
)
REPORT_TIME = "report_time"  # a page that has this setting says in [spreading] what the meter adds to it


class _CommandEntry(TypedDict):
    name: str
    code: int
    signed: bool
    limit: int
    zh: str
    en: str
    fields: NotRequired[list[object]]
    confirmed: NotRequired[bool]


class _FieldEntry(TypedDict):
    name: str
    type: str
    zh: str
    en: str
    unit: NotRequired[str]
    min: NotRequired[int]
    max: NotRequired[int]
    default: NotRequired[int]
    count: NotRequired[str]


class _SettingEntry(TypedDict):
    number: int
    name: str
    unit: str
    min: int
    max: int
    default: int
    effect: str
    zh: str
    en: str
    closes_below: NotRequired[bool]


class _VectorEntry(TypedDict):
    name: str
    source: str
    hex: str
    kind: str
    serial: int
    counter: int
    not_after: int
    params: NotRequired[dict[str, object]]
    mac: NotRequired[str]


class _DeductionEntry(TypedDict):
    rounding: str
    step: NotRequired[str]
    step_l: NotRequired[int]


class _SpreadingEntry(TypedDict):
    scheme: str
    interval_s: NotRequired[int]
    time: str
    start: NotRequired[str]
    interval: NotRequired[str]


class _Read(NamedTuple):
    """One field of a command: where it lies in the frame, and what may be given for it."""

    field: CommandField
    param: CommandParam


def read_commands(reader: PageReader, page: Page) -> CommandTable | None:
    """The page's command table, or None when it has none."""
    if not reader.data.get("command"):
        for section in ("setting", "command_vector"):
            if section in reader.data:
                reader.fail(reader.place(section, 0), f"{section} without a command")
        return None
    magic, version = _frame_head(reader, page)
    kinds: dict[str, CommandKind] = {}
    fields: dict[str, tuple[CommandField, ...]] = {}
    codes = {message.type for message in page.messages}
    for path, entry in reader.listed(_CommandEntry, "command"):
        name, code = entry["name"], entry["code"]
        if name in kinds or code in codes:
            reader.fail(reader.place(*path), f"ambiguous: {name} or code {code:#x} is there already")
        if not 0x90 <= code <= 0xFF:
            reader.fail(reader.place(*path, "code"), "codes of commands are 0x90..0xFF")
        codes.add(code)
        kinds[name], fields[name] = _kind(reader, path, entry)
    settings = _settings(reader)
    if any(setting.signed for setting in settings.values()) and not any(
        kind.signed and param.form == "settings" for kind in kinds.values() for param in kind.params
    ):
        reader.fail(
            reader.place("setting", 0), "settings that move a valve or money need a signed command for settings"
        )
    vectors = tuple(
        _vector(reader, path, entry, kinds) for path, entry in reader.listed(_VectorEntry, "command_vector")
    )
    if page.kind is not DeviceKind.METER and (found := sorted(METERS_ONLY & kinds.keys())):
        where = reader.place("command", list(kinds).index(found[0]))
        reader.fail(where, f"{found[0]} is a meter's: a monitor has no register, valve or credit")
    if "valve_close" in kinds and "safety_close" not in kinds:
        where = reader.place("command", list(kinds).index("valve_close"))
        reader.fail(where, "a valve that closes from afar has safety_close too: it exists for every customer (R4.8)")
    for name in sorted(set(kinds) - {vector.kind for vector in vectors}):
        reader.fail(reader.place("command", list(kinds).index(name)), f"command {name} has no [[command_vector]]")
    return CommandTable(magic, version, kinds, fields, settings, vectors)


def read_spreading(reader: PageReader, table: CommandTable | None) -> Spreading | None:
    """``[spreading]``: the rule by which a meter adds a delay to its report time (R2.1). Who can be told a report time and adds
    something that nobody knows of would report when nobody wants it."""
    settings = {} if table is None else table.settings
    if "spreading" not in reader.data:
        if REPORT_TIME in settings:
            place = reader.place("setting", list(settings).index(REPORT_TIME))
            reader.fail(
                place,
                f"{REPORT_TIME} without [spreading]: what does the meter add to it (R2.1)? scheme none, a, b or c",
            )
        return None
    entry = reader.section(_SpreadingEntry, "spreading")
    if entry["scheme"] not in set(Scheme):
        reader.fail(reader.place("spreading", "scheme"), f"scheme is one of {', '.join(Scheme)}")
    for key in ("time", "start", "interval"):
        if (name := entry.get(key)) is not None and name not in settings:
            reader.fail(reader.place("spreading", key), f"there is no setting {name!r}")
    interval = settings.get(entry.get("interval", ""))
    interval_s = entry.get("interval_s", 0 if interval is None else interval.default)
    if not 0 <= interval_s <= 86_400:
        reader.fail(reader.place("spreading", "interval_s"), "interval_s is outside 0..86400")
    return Spreading(
        Scheme(entry["scheme"]),
        interval_s,
        entry["time"],
        entry.get("start", ""),
        entry.get("interval", ""),
        may_be_off=interval is None or interval.low <= 0,
    )


def read_deduction(reader: PageReader, table: CommandTable | None) -> MeterDeduction | None:
    """``[deduction]``: in which steps a meter deducts by itself, and what it does below a fen (ADR 0063). None: the page does not say."""
    if "deduction" not in reader.data:
        return None
    entry = reader.section(_DeductionEntry, "deduction")
    settings = {} if table is None else table.settings
    name = entry.get("step", "")
    if name and name not in settings:
        reader.fail(reader.place("deduction", "step"), f"there is no setting {name!r}")
    step_l = entry.get("step_l", settings[name].default if name else 0)
    if not 1 <= step_l <= MOST_STEP_L:
        reader.fail(
            reader.place("deduction", "step_l"), f"step_l is outside 1..{MOST_STEP_L}: the litres of a metering step"
        )
    if entry["rounding"] not in set(StepRounding):
        reader.fail(reader.place("deduction", "rounding"), f"rounding is one of {', '.join(StepRounding)}")
    return MeterDeduction(name, step_l, StepRounding(entry["rounding"]))


def _frame_head(reader: PageReader, page: Page) -> tuple[int, int]:
    """Constants that a downlink frame begins with, as an uplink frame does."""
    head = [(item.name, item.size, item.value) for item in page.header[:2]]
    match head:
        case [("magic", 2, int(magic)), ("version", 1, int(version))]:
            pass
        case _:
            reader.fail(reader.place("command", 0), "commands need a header that begins with magic (u16), version (u8)")
    return magic, version


def _kind(reader: PageReader, path: Path, entry: _CommandEntry) -> tuple[CommandKind, tuple[CommandField, ...]]:
    name, limit = entry["name"], entry["limit"]
    read = [_field(reader, raw, (*path, "fields", n)) for n, raw in enumerate(entry.get("fields", []))]
    earlier: set[str] = set()
    for field, _ in read:
        if field.count is not None and field.count not in earlier:
            reader.fail(reader.place(*path), f"count {field.count!r} is no field before {field.name}")
        earlier.add(field.name)
    least = HEAD_SIZE + CRC_SIZE + (MAC_SIZE if entry["signed"] else 0)
    if least + sum(field.size for field, _ in read if not field.count) >= limit:
        reader.fail(reader.place(*path, "limit"), f"{name} cannot stay under {limit} bytes")
    params = tuple(_with_most(one, read, limit - (MAC_SIZE if entry["signed"] else 0)) for one in read)
    title = Title(entry["zh"], entry["en"])
    kind = CommandKind(name, entry["code"], title, entry["signed"], limit, params, entry.get("confirmed", True))
    return kind, tuple(field for field, _ in read)


def _with_most(one: _Read, read: Sequence[_Read], limit: int) -> CommandParam:
    """The parameter with its largest number of items: by the counting field, or by what fits the frame. ``limit``: without its MAC."""
    field, param = one
    if field.count:
        return replace(param, most=next(other.param.high for other in read if other.field.name == field.count))
    if field.form in ("settings", "names"):
        room = limit - 1 - HEAD_SIZE - CRC_SIZE - 1
        return replace(param, most=room // (SETTING_SIZE if field.form == "settings" else 1))
    return param


def _field(reader: PageReader, raw: object, path: Path) -> _Read:
    entry = reader.checked(_FieldEntry, raw, *path)
    name, kind, title = entry["name"], entry["type"], Title(entry["zh"], entry["en"])
    if kind not in INTEGERS and kind not in FORMS:
        reader.fail(reader.place(*path), f"type {kind!r} is not one of {', '.join((*INTEGERS, *FORMS))}")
    if kind in FORMS:
        least, most = entry.get("min", 0), entry.get("max", 255)
        return _Read(CommandField(name, kind), CommandParam(name, kind, "", least, most, title, entry.get("default")))
    low, high = raw_range(kind)
    least, most = entry.get("min", low), entry.get("max", high)
    if not low <= least <= most <= high:
        reader.fail(reader.place(*path), f"min and max do not fit {kind}")
    count = entry.get("count")
    form = "list" if count else "int"
    param = CommandParam(name, form, entry.get("unit", ""), least, most, title, entry.get("default"))
    return _Read(CommandField(name, form, INTEGERS[kind], kind.startswith("i"), count), param)


def _settings(reader: PageReader) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    numbers: set[int] = set()
    for path, entry in reader.listed(_SettingEntry, "setting"):
        name, number, low, high, default = entry["name"], entry["number"], entry["min"], entry["max"], entry["default"]
        if name in found or number in numbers or not 1 <= number <= 255:
            reader.fail(reader.place(*path), "ambiguous: name and number of a setting are there once, 1..255")
        if not -(2**31) <= low <= default <= high < 2**31:
            reader.fail(reader.place(*path), "a setting is an i32 with min <= default <= max")
        if entry["effect"] not in set(Effect):
            reader.fail(reader.place(*path, "effect"), f"effect is one of {', '.join(Effect)}: what the setting can do")
        effect, closes_below = Effect(entry["effect"]), entry.get("closes_below", False)
        if entry["unit"].startswith(MONEY_UNITS) and effect in (Effect.NONE, Effect.REACH):
            reader.fail(reader.place(*path, "effect"), f"{name} counts money: its effect is money or valve")
        if closes_below and effect is not Effect.VALVE:
            reader.fail(reader.place(*path, "closes_below"), "what closes below a balance has the effect valve")
        numbers.add(number)
        title = Title(entry["zh"], entry["en"])
        found[name] = Setting(number, name, entry["unit"], low, high, default, title, effect, closes_below)
    return found


def _vector(reader: PageReader, path: Path, entry: _VectorEntry, kinds: Mapping[str, CommandKind]) -> CommandVector:
    if entry["kind"] not in kinds:
        reader.fail(reader.place(*path, "kind"), f"there is no command {entry['kind']!r}")
    return CommandVector(
        name=entry["name"],
        frame=reader.hexadecimal(entry["hex"], *path, "hex"),
        source=entry["source"],
        kind=entry["kind"],
        params=entry.get("params", {}),
        serial=entry["serial"],
        counter=entry["counter"],
        not_after=entry["not_after"],
        mac=reader.hexadecimal(entry.get("mac", ""), *path, "mac") or None,
    )

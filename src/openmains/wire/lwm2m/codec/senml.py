# SPDX-License-Identifier: Apache-2.0
"""SenML packs in JSON and CBOR (RFC 8428; LwM2M core 1.1 sections 7.4.5, 7.4.6): records with base fields.

Theory: a pack is a list of records; base fields (``bn``, ``bt``, ``bv`` …) count from their record on until they are
said again (4.1), so a pack is resolved from its first record to its last. JSON and CBOR differ only in how a record's
fields are named and its bytes written. Names are LwM2M paths; numbers are integers or decimals with every digit that was sent; times are
sums, not interpreted. A field whose name ends in ``_`` and is unknown makes the pack unusable (4.4); others are skipped.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, Final

from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec import cbor, json_1_0
from openmains.wire.lwm2m.codec.cbor import Odd
from openmains.wire.lwm2m.codec.text import decode_base64, number, plain
from openmains.wire.lwm2m.path import Path, parse, text
from openmains.wire.lwm2m.value import Item, ObjectLink, Oddity, Value, object_link

LAYER: Final = "senml"
MAX_RECORDS: Final = 4096
SENML_VERSION: Final = 10

# RFC 8428 section 6, table 4; ``vlo`` is LwM2M's own and has no number.
LABELS: Final = {
    -1: "bver",
    -2: "bn",
    -3: "bt",
    -4: "bu",
    -5: "bv",
    -6: "bs",
    0: "n",
    1: "u",
    2: "v",
    3: "vs",
    4: "vb",
    5: "s",
    6: "t",
    7: "ut",
    8: "vd",
}
_NUMBERS: Final = {name: label for label, name in LABELS.items()}
_VALUES: Final = ("v", "vs", "vb", "vd", "vlo")
_SPOILING: Final = frozenset({*_VALUES, "bn", "bt", "bv", "n", "t"})
"""Fields without which a value, its name or its time is not known; others that cannot be read are noted only."""
_NUMERIC: Final = frozenset({"bver", "bt", "bv", "bs", "v", "s", "t", "ut"})

Record = dict[str, Any]


def decode(data: bytes, content_format: int, *, paths_only: bool = False, path: Path = ()) -> list[Item]:
    """The items of a pack, in its order. ``paths_only``: records without values are allowed, as in Read-Composite. ``path``: of the
    request, below which the JSON of LwM2M 1.0 (``json_1_0.py``) may leave its names; a pack's are whole.

    Raises :class:`WireError` for a pack that is malformed, has more than ``MAX_RECORDS`` records or names no path.
    """
    items, oddities = decode_sound(data, content_format, paths_only=paths_only, path=path)
    if oddities:
        raise oddities[0].error()
    return items


def decode_sound(
    data: bytes, content_format: int, *, paths_only: bool = False, path: Path = ()
) -> tuple[list[Item], list[Oddity]]:
    """The items of the records that can be read, and what cannot be, each in the pack's order.

    Raises :class:`WireError` for what is no pack, and where the RFC forbids reading on (version, mandatory fields).
    """
    if content_format == content.JSON_1_0:
        records = json_1_0.as_records(_read_json(data), text(path) if path else "")
    else:
        records = _from_json(data) if content_format == content.SENML_JSON else _from_cbor(data)
    if len(records) > MAX_RECORDS:
        raise WireError(LAYER, 0, "too many records")
    reader = _PackReader(paths_only)
    for index, record in enumerate(records):
        reader.add(index, record)
    return reader.items, reader.oddities


class _PackReader:
    """Resolves records one after the other; a base field that cannot be read spoils what counts from it, until said anew."""

    __slots__ = ("_base", "_paths_only", "items", "oddities")

    def __init__(self, paths_only: bool) -> None:
        self._paths_only = paths_only
        self._base: Record = {"bn": "", "bt": None, "bv": None}
        self.items: list[Item] = []
        self.oddities: list[Oddity] = []

    def add(self, index: int, record: Record | Odd) -> None:
        """The next record."""
        place = f"record {index}"
        if isinstance(record, Odd):
            self._odd(place, record)
            return
        wrong = {name: odd for name, value in record.items() if (odd := _wrong(name, value)) is not None}
        if any(name.endswith("_") for name in wrong):
            raise WireError(LAYER, 0, "field of a wrong kind")
        if "bver" not in wrong and record.get("bver", SENML_VERSION) != SENML_VERSION:
            raise WireError(LAYER, 0, "version of SenML unknown")
        for name in self._base:
            if name in record:
                self._base[name] = wrong.get(name, record[name])
        try:
            path = self._path(record, wrong)
        except WireError as bad:
            self.oddities.append(Oddity(place, bad.offset, bad.layer, bad.reason))
            return
        place = text(path)
        for name in wrong:
            if name not in _SPOILING:
                self._odd(f"{place} {name}", wrong[name])
        try:
            value = self._value(record, wrong)
        except WireError as bad:
            self.oddities.append(Oddity(place, bad.offset, bad.layer, bad.reason))
            return
        if value is None and not self._paths_only:
            if not set(record) <= {"bn", "bt", "bu", "bv", "bs", "bver"}:
                self.oddities.append(Oddity(place, 0, LAYER, "record without a value"))
            return
        self.items.append(self._item(place, path, value, record, wrong))

    def _odd(self, place: str, odd: Odd) -> None:
        self.oddities.append(Oddity(place, odd.offset, LAYER, odd.reason))

    def _path(self, record: Record, wrong: Mapping[str, Odd]) -> Path:
        base = self._base["bn"]
        for odd in (base, wrong.get("n")):
            if isinstance(odd, Odd):
                raise WireError(LAYER, odd.offset, odd.reason)
        name = base + record.get("n", "")
        return parse(name[:-1] if len(name) > 1 and name.endswith("/") else name)

    def _value(self, record: Record, wrong: Mapping[str, Odd]) -> Value | None:
        spoilt = [wrong[name] for name in _VALUES if name in wrong]
        if not spoilt and "v" in record and isinstance(self._base["bv"], Odd):
            spoilt = [self._base["bv"]]
        if spoilt:
            raise WireError(LAYER, spoilt[0].offset, spoilt[0].reason)
        return _value(record, self._base["bv"])

    def _item(self, place: str, path: Path, value: Value | None, record: Record, wrong: Mapping[str, Odd]) -> Item:
        for odd in (self._base["bt"], wrong.get("t")):
            if isinstance(odd, Odd):
                self._odd(f"{place} t", odd)
                return Item(path, value, None, is_undated=True)
        return Item(path, value, _sum(self._base["bt"], record.get("t")))


def encode(items: Sequence[Item], content_format: int) -> bytes:
    """The pack of ``items``; what all paths begin with is said once, as the base name."""
    base = _base([item.path for item in items])
    records: list[Record] = []
    last: Decimal | int | None = None
    for index, item in enumerate(items):
        record: Record = {}
        if index == 0 and base:
            record["bn"] = text(base) + "/"
        if item.time_s is not None and item.time_s != last:
            record["bt"] = last = item.time_s
        elif item.time_s is None and last:
            record["bt"] = last = 0
        rest = "/".join(map(str, item.path[len(base) :]))
        record["n"] = rest if base else text(item.path)
        if item.value is not None:
            _put_value(record, item.value)
        records.append(record)
    return _to_json(records) if content_format == content.SENML_JSON else _to_cbor(records)


def write_paths(paths: Iterable[Path], content_format: int) -> bytes:
    """A pack of names alone, for Read-Composite and Observe-Composite."""
    records: list[Record] = [{"n": text(path)} for path in paths]
    return _to_json(records) if content_format == content.SENML_JSON else _to_cbor(records)


def _base(paths: list[Path]) -> Path:
    """The longest path below which all others lie, if saying it once is shorter."""
    if len(paths) < 2:
        return ()
    first, last = min(paths), max(paths)
    shared = 0
    while shared < min(len(first), len(last)) - 1 and first[shared] == last[shared]:
        shared += 1
    return first[:shared] if all(len(path) > shared for path in paths) else ()


def _wrong(name: str, value: Any) -> Odd | None:
    """Why this is not the field that its name says; None when it is."""
    if isinstance(value, Odd):
        return value
    if name in _NUMERIC:
        fits = isinstance(value, int | Decimal) and not isinstance(value, bool)
    elif name in ("bn", "n", "vs", "vlo", "u", "bu"):
        fits = isinstance(value, str)
    elif name == "vb":
        fits = isinstance(value, bool)
    elif name == "vd":
        fits = isinstance(value, bytes)
    else:
        fits = not name.endswith("_")
    return None if fits else Odd("field of a wrong kind", 0)


def _value(record: Record, base_value: Decimal | int | None) -> Value | None:
    present = [name for name in _VALUES if name in record]
    if len(present) > 1:
        raise WireError(LAYER, 0, "two values in one record")
    if not present:
        return None
    if present[0] == "vlo":
        return object_link(record["vlo"])
    if present[0] == "v":
        return _sum(base_value, record["v"])
    value: Value = record[present[0]]
    return value


def _sum(first: Decimal | int | None, second: Decimal | int | None) -> Decimal | int | None:
    """The sum of what was said, exact: the usual context's 28 digits would round."""
    if first is None or second is None:
        return second if first is None else first
    with localcontext() as exact:
        exact.prec = 2048
        return first + second


def _put_value(record: Record, value: Value) -> None:
    if isinstance(value, bool):
        record["vb"] = value
    elif isinstance(value, ObjectLink):
        record["vlo"] = str(value)
    elif isinstance(value, bytes):
        record["vd"] = value
    elif isinstance(value, str):
        record["vs"] = value
    else:
        record["v"] = value


# --- JSON ---


def _read_json(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode(),
            parse_float=_number,
            parse_int=_number,
            parse_constant=lambda word: Odd("not a finite number", 0),
            object_pairs_hook=_no_repeats,
        )
    except (ValueError, RecursionError):  # of JSON, and UnicodeDecodeError
        raise WireError(LAYER, 0, "not JSON") from None


def _from_json(data: bytes) -> list[Record | Odd]:
    document = _read_json(data)
    if not isinstance(document, list):
        raise WireError(LAYER, 0, "not a pack")
    return [_json_record(record) for record in document]


def _json_record(record: Any) -> Record | Odd:
    if not isinstance(record, dict):
        return record if isinstance(record, Odd) else Odd("not a record", 0)
    if isinstance(record.get("vd"), str):
        try:
            record["vd"] = decode_base64(record["vd"], url=True)
        except WireError as bad:
            record["vd"] = Odd(bad.reason, 0)
    return record


def _number(word: str) -> int | Decimal | Odd:
    try:
        return number(word)
    except WireError as bad:
        return Odd(bad.reason, 0)


def _no_repeats(pairs: list[tuple[str, Any]]) -> Record | Odd:
    record = dict(pairs)
    return record if len(record) == len(pairs) else Odd("name said twice", 0)


def _to_json(records: list[Record]) -> bytes:
    return ("[" + ",".join("{" + ",".join(map(_field, record.items())) + "}" for record in records) + "]").encode()


def _field(field: tuple[str, Any]) -> str:
    name, value = field
    if isinstance(value, bytes):
        written = '"' + urlsafe_b64encode(value).decode().rstrip("=") + '"'
    elif isinstance(value, Decimal):
        written = plain(value)
    else:
        written = json.dumps(value, ensure_ascii=False)
    return f'"{name}":{written}'


# --- CBOR ---


def _from_cbor(data: bytes) -> list[Record | Odd]:
    document = cbor.decode_sound(data)
    if not isinstance(document, list):
        raise WireError(LAYER, 0, "not a pack")
    return [_cbor_record(pairs) for pairs in document]


def _cbor_record(pairs: Any) -> Record | Odd:
    if not isinstance(pairs, dict):
        return pairs if isinstance(pairs, Odd) else Odd("not a record", 0)
    record: Record = {}
    for label, value in pairs.items():
        name = LABELS.get(label, str(label)) if isinstance(label, int) else label
        if not isinstance(name, str) or name in record:
            return Odd("field of a wrong kind", 0)
        record[name] = value
    return record


def _to_cbor(records: list[Record]) -> bytes:
    return cbor.encode([{_NUMBERS.get(name, name): value for name, value in record.items()} for record in records])

# SPDX-License-Identifier: Apache-2.0
"""SenML packs in JSON and CBOR (RFC 8428; LwM2M core 1.1 sections 7.4.5, 7.4.6): records with base fields.

Theory: a pack is a list of records; base fields (``bn``, ``bt``, ``bv`` …) count from their record on until they are
said again (4.1), so a pack is resolved from its first record to its last. JSON and CBOR differ only in how a record's
fields are named and its bytes written. Names are LwM2M paths; numbers are integers or decimals with every digit that was sent; times are
sums, not interpreted. A field whose name ends in ``_`` and is unknown makes the pack unusable (4.4); others are skipped.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from typing import Any, Final

from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec import cbor
from openmains.wire.lwm2m.codec.text import decode_base64, number, plain
from openmains.wire.lwm2m.path import Path, parse, text
from openmains.wire.lwm2m.value import Item, ObjectLink, Value, object_link

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
_NUMERIC: Final = frozenset({"bver", "bt", "bv", "bs", "v", "s", "t", "ut"})

Record = dict[str, Any]


def decode(data: bytes, content_format: int, *, paths_only: bool = False) -> list[Item]:
    """The items of a pack, in its order. ``paths_only``: records without values are allowed, as in Read-Composite.

    Raises :class:`WireError` for a pack that is malformed, has more than ``MAX_RECORDS`` records or names no path.
    """
    records = _from_json(data) if content_format == content.SENML_JSON else _from_cbor(data)
    if len(records) > MAX_RECORDS:
        raise WireError(LAYER, 0, "too many records")
    base_name, base_time, base_value = "", None, None
    items: list[Item] = []
    for record in records:
        _check(record)
        base_name = record.get("bn", base_name)
        base_time = record.get("bt", base_time)
        base_value = record.get("bv", base_value)
        if record.get("bver", SENML_VERSION) != SENML_VERSION:
            raise WireError(LAYER, 0, "version of SenML unknown")
        name = base_name + record.get("n", "")
        path = parse(name[:-1] if len(name) > 1 and name.endswith("/") else name)
        value = _value(record, base_value)
        if value is None and not paths_only:
            if set(record) <= {"bn", "bt", "bu", "bv", "bs", "bver"}:
                continue  # a record of base fields alone
            raise WireError(LAYER, 0, "record without a value")
        items.append(Item(path, value, _sum(base_time, record.get("t"))))
    return items


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


def _check(record: Record) -> None:
    for name, value in record.items():
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
        if not fits:
            raise WireError(LAYER, 0, "field of a wrong kind")


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


def _from_json(data: bytes) -> list[Record]:
    try:
        document = json.loads(
            data.decode(),
            parse_float=number,
            parse_int=number,
            parse_constant=_no_constant,
            object_pairs_hook=_no_repeats,
        )
    except (ValueError, RecursionError):  # of JSON, and UnicodeDecodeError
        raise WireError(LAYER, 0, "not JSON") from None
    if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
        raise WireError(LAYER, 0, "not a pack")
    for record in document:
        if isinstance(record.get("vd"), str):
            record["vd"] = decode_base64(record["vd"], url=True)
    return document


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _no_repeats(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("name said twice")
    return record


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


def _from_cbor(data: bytes) -> list[Record]:
    document = cbor.decode(data)
    if not isinstance(document, list):
        raise WireError(LAYER, 0, "not a pack")
    records: list[Record] = []
    for pairs in document:
        if not isinstance(pairs, dict):
            raise WireError(LAYER, 0, "not a pack")
        record: Record = {}
        for label, value in pairs.items():
            name = LABELS.get(label, str(label)) if isinstance(label, int) else label
            if not isinstance(name, str) or name in record:
                raise WireError(LAYER, 0, "field of a wrong kind")
            record[name] = value
        records.append(record)
    return records


def _to_cbor(records: list[Record]) -> bytes:
    return cbor.encode([{_NUMBERS.get(name, name): value for name, value in record.items()} for record in records])

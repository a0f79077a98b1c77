# SPDX-License-Identifier: Apache-2.0
"""A payload in any content format to items and back (LwM2M core 1.1 section 7.4).

Theory: a payload is about a path, the one of the request or of the observation; formats that carry names must stay
below it, formats that carry one value need a path of a resource. What a resource's type is, is asked of the
definitions; a resource that nobody knows keeps the value that its format gives it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby

from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec import senml, text, tlv
from openmains.wire.lwm2m.path import LAYER, Path, is_below
from openmains.wire.lwm2m.path import text as text_of
from openmains.wire.lwm2m.value import Item, Oddity, Type, Types, Value, coerce

_PACKS = (content.SENML_JSON, content.SENML_CBOR, content.JSON_1_0)
_TLV = (content.TLV, content.TLV_1_0_DRAFT)
SINGLE = (content.TEXT, content.OPAQUE, content.CBOR)
"""Formats that carry one value."""
NAMED = (content.TLV, content.SENML_CBOR, content.SENML_JSON)
"""Formats that carry values with their names."""
_WHOLE = (Type.INTEGER, Type.UNSIGNED, Type.TIME)


def decode(payload: bytes, content_format: int | None, path: Path, types: Types) -> list[Item]:
    """The items of ``payload``, which is about ``path``; a missing content format means text (RFC 7252 5.5.1).

    Raises :class:`WireError`; reason ``"content format unknown"`` for one that is none of ours.
    """
    content_format = content.TEXT if content_format is None else content_format
    if content_format in _PACKS:
        items = senml.decode(payload, content_format, path=path)
        if not all(is_below(item.path, path) and len(item.path) > 2 for item in items):
            raise WireError(LAYER, 0, "value at another path")
        return [Item(item.path, _coerced(_typed(item, content_format, types), types), item.time_s) for item in items]
    if content_format in _TLV:
        items = _from_tlv(tlv.decode(payload), path, types)
        paths = {item.path for item in items}
        if len(paths) != len(items) or any(len(one) == 4 and one[:3] in paths for one in paths):
            raise WireError(tlv.LAYER, 0, "value said twice")
        return items
    if content_format not in SINGLE:
        raise WireError(LAYER, 0, "content format unknown")
    if len(path) < 3:
        raise WireError(LAYER, 0, "one value for several resources")
    if content_format == content.OPAQUE:
        return [Item(path, coerce(payload, types(path)))]
    read = text.decode if content_format == content.TEXT else text.decode_cbor
    return [Item(path, read(payload, types(path)))]


def decode_sound(
    payload: bytes, content_format: int | None, path: Path, types: Types
) -> tuple[list[Item], list[Oddity]]:
    """The items that can be read, and the places of what cannot be: one odd value does not cost its neighbours.

    A number with decimals where the definition says a whole one is given as it came: the reader knows what it can be.
    Raises :class:`WireError` where nothing can be read, as ``decode`` does.
    """
    if content_format in _PACKS:
        found, oddities = senml.decode_sound(payload, content_format, path=path)
        items: list[Item] = []
        for item in found:
            try:
                if not is_below(item.path, path) or len(item.path) < 3:
                    raise WireError(LAYER, 0, "value at another path")
                typed = _typed(item, content_format, types)
                items.append(replace(typed, value=_meant(typed, types)))
            except WireError as bad:
                oddities.append(_oddity(item.path, bad))
        return items, oddities
    if content_format in _TLV:
        oddities = []
        items = _from_tlv(tlv.decode(payload), path, types, oddities)
        said = Counter(item.path for item in items)
        said.update({one[:3] for one in said if len(one) == 4 and one[:3] in said})
        twice = {one for one, times in said.items() if times > 1}
        oddities += [Oddity(text_of(one), 0, tlv.LAYER, "value said twice") for one in sorted(twice)]
        return [item for item in items if item.path not in twice and item.path[:3] not in twice], oddities
    return decode(payload, content_format, path, types), []


def _typed(item: Item, content_format: int, types: Types) -> Item:
    """The JSON of 1.0 has no bytes of its own: an opaque value is text in base64. Raises :class:`WireError`."""
    if content_format != content.JSON_1_0 or not isinstance(item.value, str) or types(item.path) is not Type.OPAQUE:
        return item
    return replace(item, value=text.decode_base64(item.value))


def _oddity(path: Path, bad: WireError) -> Oddity:
    return Oddity(text_of(path), bad.offset, bad.layer, bad.reason)


def _meant(item: Item, types: Types) -> Value | None:
    if isinstance(item.value, Decimal) and types(item.path) in _WHOLE and item.value.is_finite():
        return int(item.value) if item.value == item.value.to_integral_value() else item.value
    return _coerced(item, types)


def encode(items: Sequence[Item], content_format: int, path: Path, types: Types) -> bytes:
    """The payload for ``items``, all at ``path`` or below. Raises :class:`WireError` for what the format cannot carry."""
    if content_format in (content.SENML_JSON, content.SENML_CBOR):
        return senml.encode([Item(item.path, _coerced(item, types), item.time_s) for item in items], content_format)
    if content_format in _TLV:
        return tlv.encode(_to_tlv(items, path, types))
    if content_format not in SINGLE:
        raise WireError(LAYER, 0, "content format unknown")
    if len(items) != 1 or items[0].path != path or items[0].value is None:
        raise WireError(LAYER, 0, "one value for several resources")
    value = items[0].value
    if content_format == content.OPAQUE:
        if not isinstance(value, bytes):
            raise WireError(LAYER, 0, "value of another type")
        return value
    write = text.encode if content_format == content.TEXT else text.encode_cbor
    return write(value, types(path))


def _coerced(item: Item, types: Types) -> Value | None:
    return None if item.value is None else coerce(item.value, types(item.path))


def _from_tlv(
    entries: Sequence[tlv.Entry], path: Path, types: Types, oddities: list[Oddity] | None = None
) -> list[Item]:
    """The items; an entry that cannot be read goes to ``oddities``, or raises without them."""
    items: list[Item] = []
    for entry in entries:
        try:
            items += _from_entry(entry, path, types, oddities)
        except WireError as bad:
            if oddities is None:
                raise
            oddities.append(_oddity((*path, entry.id), bad))
    return items


def _from_entry(entry: tlv.Entry, path: Path, types: Types, oddities: list[Oddity] | None) -> list[Item]:
    if entry.kind is tlv.Kind.INSTANCE:
        if len(path) > 2 or (len(path) == 2 and entry.id != path[1]):
            raise WireError(tlv.LAYER, 0, "entry out of place")
        return _from_tlv(entry.inside, (*path[:1], entry.id), types, oddities)
    if entry.kind is tlv.Kind.RESOURCE_INSTANCE:
        place = path if len(path) == 4 else (*path, entry.id)
        if len(place) != 4 or place[3] != entry.id:
            raise WireError(tlv.LAYER, 0, "entry out of place")
        return [Item(place, tlv.decode_value(entry.value, types(place)))]
    if len(path) < 2 or (len(path) > 2 and entry.id != path[2]):
        raise WireError(tlv.LAYER, 0, "entry out of place")
    place = (*path[:2], entry.id)
    if entry.kind is tlv.Kind.MULTIPLE:
        inside = [one for one in entry.inside if len(path) < 4 or one.id == path[3]]
        return _from_tlv(inside, place, types, oddities)
    place = path if len(path) == 4 else place
    return [Item(place, tlv.decode_value(entry.value, types(place)))]


def _to_tlv(items: Sequence[Item], path: Path, types: Types) -> list[tlv.Entry]:
    ordered = sorted(items, key=_path_of)
    if len(path) == 1:
        return [
            tlv.Entry(tlv.Kind.INSTANCE, instance, b"", tuple(_to_tlv(list(group), (path[0], instance), types)))
            for instance, group in groupby(ordered, key=lambda item: item.path[1])
        ]
    entries: list[tlv.Entry] = []
    for number, group in groupby(ordered, key=lambda item: item.path[2]):
        mine = list(group)
        if len(mine[0].path) == 3:
            entries.append(tlv.Entry(tlv.Kind.RESOURCE, number, _raw(mine[0], types)))
            continue
        inside = tuple(tlv.Entry(tlv.Kind.RESOURCE_INSTANCE, one.path[3], _raw(one, types)) for one in mine)
        entries += inside if len(path) == 4 else [tlv.Entry(tlv.Kind.MULTIPLE, number, b"", inside)]
    return entries


def _raw(item: Item, types: Types) -> bytes:
    if item.value is None:
        raise WireError(tlv.LAYER, 0, "record without a value")
    return tlv.encode_value(item.value, types(item.path))


def _path_of(item: Item) -> Path:
    return item.path

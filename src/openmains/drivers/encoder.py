# SPDX-License-Identifier: Apache-2.0
"""Values → a frame of a table page: the inverse of the decoder, for emulated meters and tests. Exact or refused."""

import struct
from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, cast

from openmains.drivers.model import MISSING_VALUE, EncodeError, Kind
from openmains.drivers.page import CRC_SIZE, Field, Message, Page
from openmains.drivers.points import vocabulary

_LETTERS = {1: "B", 2: "H", 4: "I"}


class _Given(NamedTuple):
    """What one frame is to carry. ``anchors``: values of the fields that series are counted from."""

    values: Mapping[str, object]
    series: Mapping[str, Sequence[int]]
    anchors: Mapping[str, int]
    factor: int  # of volumes: 10^(the frame's unit − the driver's)


class FrameEncoder:
    """``encode`` of a table driver."""

    __slots__ = ("_order", "_page")

    def __init__(self, page: Page) -> None:
        self._page = page
        self._order: Literal["big", "little"] = "big" if page.order == "big" else "little"

    def encode(self, kind: Kind, values: Mapping[str, object], name: str | None) -> bytes:
        """See ``Driver.encode``."""
        message = self._message_for(kind, values, name)
        series = {f.series: _numbers(values.get(f.series, ())) for f in message.fields if f.series}
        _even_out(message, series)
        given = _Given(values, series, _anchors(message, values, series), self._factor(message, values))
        out = bytearray()
        for item in message.fields:
            if item.series:
                out += self._packed(item, _raw_numbers(item, series[item.series], given))
            else:
                out += self._bytes(item, self._raw(message, item, given))
        return bytes(out) + crc_hqx(out, 0).to_bytes(CRC_SIZE, "big")

    def _message_for(self, kind: Kind, values: Mapping[str, object], name: str | None) -> Message:
        """The named message, or the first of the kind that carries all values."""
        given = set(values) - {"events", "event_mask", "register_at"}
        listed = {
            item for item in given if not isinstance(values[item], int)
        }  # what is a point in one is a series in another
        for message in self._page.messages:
            if name is None and message.kind == kind and given <= message.points and listed <= _listed(message):
                return message
            if name is not None and message.name == name and message.kind == kind:
                return message
        raise EncodeError(f"no {kind} message carries {', '.join(sorted(given))}" if name is None else f"no {name}")

    def _factor(self, message: Message, values: Mapping[str, object]) -> int:
        item = next((f for f in message.fields if f.exponent), None)
        if item is None:
            return 1
        exponent = values.get("frame_exponent", item.default)
        if not isinstance(exponent, int) or not item.low <= exponent <= item.high:
            raise EncodeError(f"frame_exponent is outside {item.low}..{item.high}")
        return int(10 ** (exponent - self._page.unit_exponent))

    def _raw(self, message: Message, item: Field, given: _Given) -> int:
        """Raw number of a fixed field: what the page says, what the series say, or what is given."""
        if item.value is not None:
            return item.value
        if item.name == self._page.type_field:
            return message.type
        for other in message.counted():
            if other.count == item.name and other.series:
                return max(len(given.series[other.series]) - (1 if other.back_from else 0), 0)
        if item.bits:
            return sum(_bits_value(given.values.get(b.point, 0), b.width, b.point) << b.at for b in item.bits)
        if item.events:
            return _flags(item, given.values)
        value = given.anchors.get(item.name)
        if value is None and item.point:
            value = _point_value(item, given.values.get(item.point))
            if value is None:
                return item.missing or 0
        if value is None:
            raise EncodeError(f"{item.name} has no value")
        raw, rest = divmod(value, _divisor(item, given.factor))
        if rest:
            raise EncodeError(f"{item.name}: {value} is no multiple of {_divisor(item, given.factor)}")
        return raw

    def _bytes(self, item: Field, raw: int) -> bytes:
        if not item.low <= raw <= item.high and raw != item.missing:
            raise EncodeError(f"{item.name} = {raw} is outside {item.low}..{item.high}")
        if item.bcd:
            digits = bytes.fromhex(str(raw).zfill(2 * item.size))
            return digits if self._order == "big" else digits[::-1]
        return raw.to_bytes(item.size, self._order, signed=item.signed)

    def _packed(self, item: Field, raws: Sequence[int]) -> bytes:
        """Bytes of a counted field."""
        if not item.size:
            number = 0
            for raw in raws:
                number = number << item.width | raw
            size = item.length(len(raws))
            return (number << 8 * size - item.width * len(raws)).to_bytes(size, "big")
        if item.size in _LETTERS:
            letter = _LETTERS[item.size]
            order = ">" if self._order == "big" else "<"
            return struct.pack(f"{order}{len(raws)}{letter.lower() if item.signed else letter}", *raws)
        return b"".join([raw.to_bytes(item.size, self._order, signed=item.signed) for raw in raws])


def _listed(message: Message) -> set[str]:
    """Points that the message has as series."""
    names = {item.series for item in message.counted() if item.series}
    return names | {f"{item.series}_at" for item in message.counted() if item.back_from}


def _anchors(message: Message, values: Mapping[str, object], series: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Values of the fields that series are counted from."""
    found: dict[str, int] = {}
    for item in message.counted():
        listed = series[item.series or ""]
        if item.plus:
            point = message.by_name[item.plus].point
            given = values.get(point) if point else None
            found[item.plus] = given if isinstance(given, int) else _base(item, listed)
        if item.back_from and item.back_at:
            instants = _numbers(values.get(f"{item.series}_at", ()))
            found[item.back_from], found[item.back_at] = _newest(item, listed, instants)
    return found


def _even_out(message: Message, series: dict[str, Sequence[int]]) -> None:
    """Series of one count are equally long; one that is not given at all is unknown throughout. Changes ``series``."""
    lengths: dict[str, int] = {}
    for item in message.counted():
        count, name = item.count or "", item.series or ""
        lengths[count] = max(lengths.get(count, 0), len(series[name]))
    for item in message.counted():
        count, name = item.count or "", item.series or ""
        mine, longest = len(series[name]), lengths[count]
        if not mine and longest and item.missing is not None and not item.back_from:
            series[name] = [MISSING_VALUE] * longest
        elif mine != longest:
            raise EncodeError(f"{name} has {mine} values, another series of {count} has {longest}")


def _base(item: Field, listed: Sequence[int]) -> int:
    """What differences are counted from: the first value, or the least one where they have no sign."""
    known = [value for value in listed if value != MISSING_VALUE]
    return (listed[0] if item.signed else min(known, default=0)) if listed else 0


def _newest(item: Field, listed: Sequence[int], instants: Sequence[int]) -> tuple[int, int]:
    """Register and instant that a history goes back from; 0 and 0 when none of it is known."""
    if listed and (listed[0] == MISSING_VALUE or not instants):
        if any(value != MISSING_VALUE for value in listed):
            raise EncodeError(f"{item.series} needs its newest register and {item.series}_at")
        return 0, 0
    if not listed:
        return 0, 0
    for k, instant in enumerate(instants):
        if instant != instants[0] - k * item.step_s:
            raise EncodeError(f"{item.series}_at must go back in steps of {item.step_s} s")
    return listed[0], instants[0]


def _point_value(item: Field, given: object) -> int | None:
    """The value of a field's point, None for unknown where the field has a mark for that."""
    value = given if isinstance(given, int) else item.default
    if value is not None and value != MISSING_VALUE:
        return value
    if item.missing is None:
        raise EncodeError(f"{item.point} is needed")
    return None


def _divisor(item: Field, factor: int) -> int:
    return item.scale * (factor if item.volume else 1)


def _raw_numbers(item: Field, values: Sequence[int], given: _Given) -> list[int]:
    """Raw numbers of a counted field, in its range, the mark for unknown where a value is."""
    base, sign, divisor = given.anchors.get(item.plus or item.back_from or "", 0), 1, _divisor(item, given.factor)
    if item.back_from:
        values, sign = values[1:], -1
    raws: list[int] = []
    unknown = 0
    for value in values:
        if value == MISSING_VALUE:
            if item.missing is None:
                raise EncodeError(f"{item.series} cannot be unknown")
            raws.append(item.missing)
            unknown += 1
            continue
        raw, rest = divmod(sign * (value - base), divisor)
        if rest:
            raise EncodeError(f"{item.series}: {value} is not exact in steps of {divisor}")
        raws.append(raw)
    if item.missing is not None and raws.count(item.missing) != unknown:
        raise EncodeError(f"{item.series}: {item.missing} is the mark for unknown")
    if raws and not (item.low <= min(raws) and max(raws) <= item.high):
        raise EncodeError(f"{item.series} is outside {item.low}..{item.high}")
    return raws


def _numbers(values: object) -> Sequence[int]:
    if isinstance(values, int):
        return (values,)
    listed = cast("Sequence[int | None]", values)
    return [MISSING_VALUE if v is None else int(v) for v in listed]


def _bits_value(value: object, width: int, point: str) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << width:
        raise EncodeError(f"{point} does not fit {width} bits")
    return value


def _flags(item: Field, values: Mapping[str, object]) -> int:
    mask = values.get("event_mask", 0)
    if not isinstance(mask, int):
        raise EncodeError("event_mask is an integer")
    events = values.get("events")
    if events is not None:
        try:
            mask |= vocabulary().event_mask(list(cast("Sequence[str]", events)))
        except KeyError as unknown:
            raise EncodeError(f"unknown event {unknown}") from None
    raw = 0
    for bit, event in item.events.items():
        raw |= (mask >> event & 1) << bit
        mask &= ~(1 << event)
    if mask:
        raise EncodeError(f"the message does not carry {', '.join(vocabulary().event_names(mask))}")
    return raw

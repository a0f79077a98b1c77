# SPDX-License-Identifier: Apache-2.0
"""Values → a frame of a table page: the inverse of the decoder, for emulated meters and tests. Exact or refused."""

import struct
from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from typing import Literal, cast

from openmains.drivers.model import MISSING_VALUE, EncodeError, Kind
from openmains.drivers.page import CRC_SIZE, Field, Message, Page
from openmains.drivers.points import vocabulary

_LETTERS = {1: "B", 2: "H", 4: "I"}


class FrameMaker:
    """``encode`` of a table driver."""

    __slots__ = ("_exponent", "_order", "_page", "_unit")

    def __init__(self, page: Page) -> None:
        self._page = page
        self._order = page.order
        self._unit = page.unit_exponent

    def message_for(self, kind: Kind, values: Mapping[str, object], name: str | None) -> Message:
        """The named message, or the first of the kind that carries all values (the one carrying most, else)."""
        given = set(values) - {"events", "event_mask", "register_at"}
        for message in self._page.messages:
            if name is None and message.kind == kind and given <= message.points:
                return message
            if name is not None and message.name == name and message.kind == kind:
                return message
        raise EncodeError(f"no {kind} message carries {', '.join(sorted(given))}" if name is None else f"no {name}")

    def encode(self, kind: Kind, values: Mapping[str, object], name: str | None) -> bytes:
        """See ``Driver.encode``."""
        message = self.message_for(kind, values, name)
        factor = self._factor(message, values)
        lists = {f.series: f for f in message.fields if f.series}
        series = {name: _numbers(values.get(name, ())) for name in lists}
        anchors = self._anchors(message, values, series)
        out = bytearray()
        for item in message.fields:
            if item.series:
                base = anchors.get(item.plus or item.back_from or "", 0)
                out += self._packed(item, series[item.series], base, factor)
            else:
                self._put(out, item, self._raw(message, item, values, series, anchors, factor))
        return bytes(out) + crc_hqx(out, 0).to_bytes(CRC_SIZE, "big")

    def _factor(self, message: Message, values: Mapping[str, object]) -> int:
        item = next((f for f in message.fields if f.exponent), None)
        if item is None:
            return 1
        exponent = values.get("frame_exponent", item.default)
        if not isinstance(exponent, int) or not item.low <= exponent <= item.high:
            raise EncodeError(f"frame_exponent is outside {item.low}..{item.high}")
        return int(10 ** (exponent - self._unit))

    def _anchors(
        self, message: Message, values: Mapping[str, object], series: Mapping[str, Sequence[int]]
    ) -> dict[str, int]:
        """Values of the fields that series are counted from."""
        found: dict[str, int] = {}
        for item in message.fields:
            if item.plus and item.series:
                point = message.by_name[item.plus].point
                given = values.get(point) if point else None
                listed = series[item.series]
                found[item.plus] = given if isinstance(given, int) else (listed[0] if listed else 0)
            if item.back_from and item.back_at and item.series:
                listed = series[item.series]
                instants = _numbers(values.get(f"{item.series}_at", ()))
                if listed and (listed[0] == MISSING_VALUE or not instants):
                    if any(v != MISSING_VALUE for v in listed):
                        raise EncodeError(f"{item.series} needs its newest register and {item.series}_at")
                    listed = ()
                known = bool(listed)
                found[item.back_from] = listed[0] if known else 0
                found[item.back_at] = instants[0] if known else 0
                for k, instant in enumerate(instants):
                    if known and instant != instants[0] - k * item.step_s:
                        raise EncodeError(f"{item.series}_at must go back in steps of {item.step_s} s")
        return found

    def _raw(
        self,
        message: Message,
        item: Field,
        values: Mapping[str, object],
        series: Mapping[str, Sequence[int]],
        anchors: Mapping[str, int],
        factor: int,
    ) -> int:
        if item.value is not None:
            return item.value
        if item.name == self._page.type_field:
            return message.type
        for other in message.counted():
            if other.count == item.name and other.series:
                return max(len(series[other.series]) - (1 if other.back_from else 0), 0)
        if item.bits:
            return sum(_bits_value(values.get(b.point, 0), b.width, b.point) << b.at for b in item.bits)
        if item.events:
            return _flags(item, values)
        value = anchors.get(item.name)
        if value is None and item.point:
            given = values.get(item.point)
            value = given if isinstance(given, int) else None
            if value is None and item.default is not None:
                value = item.default
            if value is None or value == MISSING_VALUE:
                if item.missing is None:
                    raise EncodeError(f"{item.point} is needed")
                return item.missing
        if value is None:
            raise EncodeError(f"{item.name} has no value")
        return _exact(item, value, factor)

    def _packed(self, item: Field, values: Sequence[int], base: int, factor: int) -> bytes:
        """Bytes of a counted field."""
        sign, divisor = 1, item.scale * (factor if item.volume else 1)
        if item.back_from:
            values, sign = values[1:], -1
        if not item.plus and not item.back_from:
            base = 0
        raws: list[int] = []
        unknown = 0
        for value in values:
            if value == MISSING_VALUE:
                if item.missing is None:
                    raise EncodeError(f"{item.series} can not be unknown")
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
        order: Literal["big", "little"] = "big" if self._order == "big" else "little"
        if item.size in _LETTERS:
            letter = _LETTERS[item.size]
            form = f"{'>' if order == 'big' else '<'}{len(raws)}{letter.lower() if item.signed else letter}"
            return struct.pack(form, *raws)
        return b"".join([raw.to_bytes(item.size, order, signed=item.signed) for raw in raws])

    def _put(self, out: bytearray, item: Field, raw: int) -> None:
        if not item.low <= raw <= item.high and raw != item.missing:
            raise EncodeError(f"{item.name} = {raw} is outside {item.low}..{item.high}")
        order = "big" if self._order == "big" else "little"
        if item.bcd:
            digits = bytes.fromhex(str(raw).zfill(2 * item.size))
            out += digits if order == "big" else digits[::-1]
        else:
            out += raw.to_bytes(item.size, "big" if order == "big" else "little", signed=item.signed)


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


def _exact(item: Field, value: int, factor: int) -> int:
    divisor = item.scale * (factor if item.volume else 1)
    raw, rest = divmod(value, divisor)
    if rest:
        raise EncodeError(f"{item.name}: {value} is no multiple of {divisor}")
    return raw

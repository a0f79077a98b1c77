# SPDX-License-Identifier: Apache-2.0
"""One frame of a table page: what is wrong with it, what its fields say, what the platform answers.

The column-wise decoder (``codec``) reads good frames; when it meets a bad one it asks ``judge`` here for the byte. So
``check`` at the edge and ``decode`` in the pipeline cannot disagree.

What carries the frame (constants, type, counts, CRC) must be right, or nothing in it can be found. Any other field whose
bytes make no sense is a *damage*: it is left out, with the series counted from it, and what is sound beside it is kept.
A frame whose every statement is damaged has a fault like one that cannot be found.
"""

from binascii import crc_hqx
from collections.abc import Mapping
from typing import Literal, NamedTuple

from openmains.drivers.model import Fault, FieldTrace
from openmains.drivers.page import CRC_SIZE, Field, Message, Page
from openmains.drivers.points import vocabulary

CARRIES = frozenset(
    {"device_at", "frame_seq", "meter_number", "maker", "device_type", "frame_exponent", "attempt", "interval_s"}
    | {"start_at", "register_at", "register_base", "pressure_interval_s", "log_part", "log_parts"}
)
"""Points that say whose and when, and how to read others: by themselves they are no statement."""


class DamagedField(NamedTuple):
    """A field whose bytes make no sense, as ``Fault`` says it."""

    name: str
    fault: Fault


class _FastPath(NamedTuple):
    """What ``fault`` asks of a message type, as plain numbers; each entry begins with (start, end) in the frame."""

    size: int  # without what the counts add
    counts: list[tuple[int, int, int]]  # bits of an item
    constants: list[tuple[int, int, bytes]]
    limits: list[tuple[int, int, bool, int, int, int | None]]  # signed, least, most, what stands for "unknown"
    digits: list[tuple[int, int]]  # BCD


class ScalarCodec:
    """The frame-at-a-time half of a table driver."""

    __slots__ = (
        "_bcd",
        "_constants",
        "_counts",
        "_exponent",
        "_fast",
        "_fixed_header",
        "_limited",
        "_order",
        "_page",
        "_type_offset",
        "by_type",
    )

    def __init__(self, page: Page) -> None:
        self._page = page
        self._order: Literal["big", "little"] = "big" if page.order == "big" else "little"
        self.by_type = {message.type: message for message in page.messages}
        header = page.messages[0].fields[: len(page.header)]
        self._fixed_header = sum(f.size for f in header)
        self._type_offset = page.messages[0].by_name[page.type_field].offset
        self._constants = [f for f in header if f.value is not None]
        self._bcd = {m.type: [f for f in m.fields if f.bcd] for m in page.messages}
        self._limited = {m.type: [f for f in m.fields if f.limited and not f.count] for m in page.messages}
        self._counts = {m.type: {f.count for f in m.fields if f.count} for m in page.messages}
        self._exponent = {m.type: next((f.name for f in m.fields if f.exponent), "") for m in page.messages}
        self._fast = {m.type: self._fast_path(m) for m in page.messages}

    def raw(self, payload: bytes, item: Field, offset: int | None = None) -> int:
        """Raw number of a field; a BCD field must have been checked."""
        start = item.offset if offset is None else offset
        part = payload[start : start + item.size]
        if item.bcd:
            return int((part if self._order == "big" else part[::-1]).hex())
        return int.from_bytes(part, self._order, signed=item.signed)

    def size_of(self, payload: bytes, message: Message) -> int:
        """Whole length that the counts in the frame ask for; the fixed part must be there."""
        size = message.fixed_size + CRC_SIZE
        for item in message.fields:
            if item.count:
                size += item.length(self.raw(payload, message.by_name[item.count]))
        return size

    def fault(self, payload: bytes) -> Fault | None:
        """Why nothing of the frame can be read, or None where something is sound."""
        return self.judge(payload)[0]

    def judge(self, payload: bytes) -> tuple[Fault | None, list[DamagedField]]:
        """Why nothing of the frame can be read, or None and the fields that cannot be."""
        fault = self._carriage_fault(payload)
        if fault is not None:
            return fault, []
        message = self.by_type[payload[self._type_offset]]
        damaged = self._damaged(payload, message)
        if damaged and not self._is_anything_sound(payload, message, {item.name for item in damaged}):
            return damaged[0].fault, []
        return None, damaged

    def _damaged(self, payload: bytes, message: Message) -> list[DamagedField]:
        counts = self._counts[message.type]
        found: list[DamagedField] = []
        for item in self._limited[message.type]:
            raw = 0 if item.bcd or item.name in counts else self.raw(payload, item)
            if not item.bcd and item.name not in counts and not item.low <= raw <= item.high and raw != item.missing:
                detail = f"{item.name} = {raw} is outside {item.low}..{item.high}"
                found.append(DamagedField(item.name, Fault("range", item.offset, detail)))
        for item in self._bcd[message.type]:
            for offset in range(item.offset, item.offset + item.size):
                if payload[offset] >> 4 > 9 or payload[offset] & 15 > 9:
                    found.append(DamagedField(item.name, Fault("bcd", offset, f"{item.name} has a digit above 9")))
                    break
        return found

    def _is_anything_sound(self, payload: bytes, message: Message, damaged: set[str]) -> bool:
        exponent = self._exponent[message.type]
        for item in message.fields:
            says = item.series or item.bits or item.events or (item.point and item.point not in CARRIES)
            needs = {item.name, item.plus, item.back_from, item.back_at, exponent if item.volume else ""}
            there = not item.count or self.raw(payload, message.by_name[item.count]) > 0
            if says and there and not needs & damaged:
                return True
        return False

    def _carriage_fault(self, payload: bytes) -> Fault | None:
        """Why the fields of the frame cannot be found, or None."""
        length = len(payload)
        if length < self._fixed_header + CRC_SIZE:
            return Fault("length", length, f"{length} bytes are fewer than a header")
        for item in self._constants:
            if self.raw(payload, item) != item.value:
                return Fault("magic", item.offset, f"{item.name} is not {item.value:#x}")
        message = self.by_type.get(payload[self._type_offset])
        if message is None:
            return Fault("type", self._type_offset, f"no message type {payload[self._type_offset]:#04x}")
        if length < message.fixed_size + CRC_SIZE:
            return Fault("length", length, f"{message.name} has at least {message.fixed_size + CRC_SIZE} bytes")
        wanted = self.size_of(payload, message)
        if length != wanted:
            return Fault("length", min(length, wanted), f"{wanted} bytes expected, {length} came")
        if crc_hqx(payload, 0):
            return Fault("crc", length - CRC_SIZE, f"CRC should be {crc_hqx(payload[:-CRC_SIZE], 0):04x}")
        for item in self._limited[message.type]:
            raw = self.raw(payload, item) if item.name in self._counts[message.type] else item.low
            if not item.low <= raw <= item.high:
                return Fault("range", item.offset, f"{item.name} = {raw} is outside {item.low}..{item.high}")
        return None

    def _fast_path(self, message: Message) -> "_FastPath":
        limited = [f for f in self._limited[message.type] if not f.bcd]
        return _FastPath(
            message.fixed_size + CRC_SIZE,
            [(*_span(message.by_name[item.count]), item.width) for item in message.fields if item.count],
            [(*_span(f), (f.value or 0).to_bytes(f.size, self._order, signed=f.signed)) for f in self._constants],
            [(*_span(f), f.signed, f.low, f.high, f.missing) for f in limited],
            [_span(f) for f in self._bcd[message.type]],
        )

    def _is_good(self, payload: bytes) -> bool:
        """True for a frame without fault or damage, several times as fast."""
        if len(payload) < self._fixed_header + CRC_SIZE or crc_hqx(payload, 0):
            return False
        quick = self._fast.get(payload[self._type_offset])
        if quick is None or len(payload) < quick.size:
            return False
        order, number, size = self._order, int.from_bytes, quick.size
        for start, end, width in quick.counts:
            size += (width * number(payload[start:end], order) + 7) // 8
        if size != len(payload):
            return False
        for start, end, value in quick.constants:
            if payload[start:end] != value:
                return False
        for start, end, signed, low, high, missing in quick.limits:
            raw = number(payload[start:end], order, signed=signed)
            if not low <= raw <= high and raw != missing:
                return False
        return all(payload[start:end].hex().isdecimal() for start, end in quick.digits)

    def check(self, payload: bytes) -> str | None:
        """Reason code of ``fault``."""
        if self._is_good(payload):
            return None
        found = self.fault(payload)
        return found.reason if found else None

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        """The platform's answer to a frame that ``check`` found good; empty for one without a message type of the page."""
        message = self.by_type.get(payload[self._type_offset]) if len(payload) >= self._fixed_header else None
        if message is None or not self._page.answer:
            return b""
        out = bytearray()
        for item in self._page.answer:
            value = item.value
            if item.echo is not None:
                value = self.raw(payload, message.by_name[item.echo])
            elif item.now:
                value = now_s
            elif item.utc_offset:
                value = utc_offset_min
            out += value.to_bytes(item.size, self._order, signed=item.signed)
        return bytes(out) + crc_hqx(out, 0).to_bytes(CRC_SIZE, "big")

    def explain(self, payload: bytes) -> list[FieldTrace]:
        """All bytes in order, each once; what no field claims is 'surplus', a cut field 'cut'."""
        message = self.by_type.get(payload[self._type_offset]) if len(payload) > self._type_offset else None
        fields = message.fields if message else self._page.messages[0].fields[: len(self._page.header)]
        end = max(len(payload) - CRC_SIZE, 0)
        found: list[FieldTrace] = []
        at = 0
        seen: dict[str, int] = {}
        for item in fields:
            if item.count and not item.size:
                packed = self._packed(payload, item, at, min(at + item.length(seen[item.count]), end), seen)
                if packed.length:
                    found.append(packed)
                    at += packed.length
                continue
            for index in range(seen[item.count] if item.count else 1):
                if at >= end:
                    break
                part = payload[at : min(at + item.size, end)]
                name = f"{item.name}[{index}]" if item.count else item.name
                if len(part) < item.size:
                    found.append(FieldTrace(at, len(part), name, part.hex(), "cut"))
                else:
                    text = self._text(payload, item, at, seen)
                    if not item.count and not item.bcd:
                        seen[item.name] = self.raw(payload, item, at)
                    found.append(FieldTrace(at, item.size, name, part.hex(), text))
                at += len(part)
            if item.name not in seen:
                seen[item.name] = 0
        if at < end:
            found.append(FieldTrace(at, end - at, "surplus", payload[at:end].hex(), ""))
            at = end
        if at < len(payload):
            good = len(payload) > CRC_SIZE and not crc_hqx(payload, 0)
            text = "good" if good else f"wrong, {crc_hqx(payload[:at], 0):04x} expected"
            found.append(FieldTrace(at, len(payload) - at, "crc", payload[at:].hex(), text))
        return found

    def _packed(self, payload: bytes, item: Field, at: int, end: int, seen: Mapping[str, int]) -> FieldTrace:
        """A packed array is one piece: its items share bytes."""
        part = payload[at:end]
        count = seen[item.count or ""]
        if len(part) < item.length(count):
            return FieldTrace(at, len(part), item.name, part.hex(), "cut")
        number, spare = int.from_bytes(part, "big"), 8 * len(part) - item.width * count
        raws = [number >> spare + item.width * (count - 1 - k) & ((1 << item.width) - 1) for k in range(count)]
        texts = [
            "unknown" if raw == item.missing else str(seen.get(item.plus or "", 0) + raw * item.scale) for raw in raws
        ]
        return FieldTrace(at, len(part), item.name, part.hex(), ", ".join(texts))

    def _text(self, payload: bytes, item: Field, at: int, seen: Mapping[str, int]) -> str:
        if item.bcd:
            part = payload[at : at + item.size]
            return (part if self._order == "big" else part[::-1]).hex()
        raw = self.raw(payload, item, at)
        if item.missing is not None and raw == item.missing:
            return "unknown"
        if item.limited and not item.low <= raw <= item.high:
            return f"{raw}: outside {item.low}..{item.high}"
        if item.value is not None:
            return "good" if raw == item.value else f"wrong, {item.value:#x} expected"
        if item.bits:
            return ", ".join(f"{b.point}={raw >> b.at & ((1 << b.width) - 1)}" for b in item.bits)
        if item.events:
            mask = sum(1 << event for bit, event in item.events.items() if raw >> bit & 1)
            return ", ".join(vocabulary().event_names(mask)) or "none"
        if item.plus:
            return str(seen.get(item.plus, 0) + raw * item.scale)
        if item.back_from:
            return str(seen.get(item.back_from, 0) - raw)
        return str(raw * item.scale)


def _span(item: Field) -> tuple[int, int]:
    return item.offset, item.offset + item.size

# SPDX-License-Identifier: Apache-2.0
"""One frame of a dialect, from its first byte to its last: points, series, events, what is damaged, and each field for people.

What carries the frame – constants, type, counts, lengths, check – must be right, or nothing behind it can be found; any other field that makes
no sense is a damage, left out and noted, as in table pages.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from openmains.drivers.dialect.page import MOST_RAW, DialectMessage, DialectPage, Group, Item, Leaf
from openmains.drivers.model import MISSING_VALUE, Fault, FieldTrace, Kind
from openmains.drivers.points import vocabulary
from openmains.drivers.scalar import CARRIES

MOST_TEXT = 32  # bytes of a number in digits


class FrameFaultError(Exception):
    """The frame cannot be read; ``fault`` says why."""

    def __init__(self, reason: str, offset: int, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(reason, offset, detail)


@dataclass(slots=True)
class Reading:
    """What one frame says. ``damages``: (offset, field, detail); ``faults`` with them: reason codes."""

    message: DialectMessage | None = None
    points: dict[str, int] = field(default_factory=dict)
    series: dict[str, list[int]] = field(default_factory=dict)
    mask: int = 0
    known: int = 0
    damages: list[tuple[int, str, str]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    is_sound: bool = False


Scope = dict[str, int | None]


class Walk:
    """One frame. ``trace``: each field, for people; None where nobody looks."""

    def __init__(self, page: DialectPage, payload: bytes, trace: list[FieldTrace] | None = None) -> None:
        self._page, self._payload, self._trace = page, payload, trace
        stripped = payload.lstrip(page.skip) if page.skip else payload
        self.begin = len(payload) - len(stripped)
        self.at = self.begin
        self._end = len(payload) - page.check.size - len(page.end)
        self.reading = Reading()
        self._scopes: list[Scope] = [{}]
        self._waiting: list[
            tuple[Leaf, int, int, str, int]
        ] = []  # volumes by a unit: raw, offset, name, place in a series

    def run(self) -> Reading:
        """Raises ``FrameFaultError``."""
        page, reading = self._page, self.reading
        if len(self._payload) - self.begin < page.size_needed:
            raise FrameFaultError(
                "length",
                len(self._payload),
                f"{len(self._payload) - self.begin} bytes are fewer than {page.size_needed}",
            )
        self._items(page.header, "")
        reading.message = message = self._message()
        self._items(message.items, "")
        if self.at != self._end:
            missing = self._end - self.at
            raise FrameFaultError("length", self.at, f"{missing} bytes more than the message has")
        self._checked()
        self._settle()
        self._in_order(message)
        if reading.damages and not reading.is_sound:
            offset, name, detail = reading.damages[0]
            raise FrameFaultError(reading.reasons[0], offset, f"{name}: {detail}")
        return reading

    def _message(self) -> DialectMessage:
        page = self._page
        if not page.type_field:
            return page.messages[0]
        said = self._scopes[0].get(page.type_field)
        for message in page.messages:
            if message.type == said:
                return message
        at = self.at if said is None else self._offsets[page.type_field]
        raise FrameFaultError("type", at, f"no message type {said:#x}" if said is not None else "no message type")

    @property
    def _offsets(self) -> Mapping[str, int]:
        at, found = self.begin, {}
        for item in self._page.header:
            if isinstance(item, Leaf):
                found[item.name] = at
                at += item.size
        return found

    def _checked(self) -> None:
        page, payload = self._page, self._payload
        frame = payload[self.begin :]
        body = frame[: len(frame) - page.check.size - len(page.end)]
        right, at = page.check.of(body), self._end
        came = payload[at : at + page.check.size]
        if self._trace is not None and page.check.size:
            text = "good" if came == right else f"wrong, {right.hex()} expected"
            self._trace.append(FieldTrace(at, page.check.size, "crc", came.hex(), text))
        if page.end:
            is_end = payload.endswith(page.end)
            if self._trace is not None:
                part = payload[-len(page.end) :]
                self._trace.append(FieldTrace(len(payload) - len(page.end), len(page.end), "end", part.hex(), ""))
            if not is_end:
                raise FrameFaultError(
                    "magic", len(payload) - len(page.end), f"the frame does not end in {page.end.hex()}"
                )
        if came != right:
            raise FrameFaultError("crc", at, f"the check should be {right.hex()}")

    def _items(self, items: Sequence[Item], prefix: str) -> None:
        for item in items:
            if isinstance(item, Leaf):
                self._leaf(item, prefix)
            else:
                self._group(item, prefix)

    def _group(self, group: Group, prefix: str) -> None:
        count: int | None
        if group.count is None:
            count = None
        elif isinstance(group.count, int):
            count = group.count
        else:
            count = self._found(group.count)
            if count is None or not 0 <= count <= group.most:
                raise FrameFaultError("range", self.at, f"{group.count} = {count} is outside 0..{group.most}")
        start = None if group.instants is None else self._found(group.instants.start)
        if start is not None and abs(start) >= MOST_RAW and start != MISSING_VALUE:
            self.reading.damages.append((self.at, f"{prefix}{group.name}", f"begins at {start}, beyond 62 bits"))
            self.reading.reasons.append("range")
            start = None
        place = 0
        while self.at < self._end if count is None else place < count:
            if place >= group.most:
                raise FrameFaultError("length", self.at, f"more than {group.most} of {group.name}")
            is_many = count != 1 or group.count != 1
            self._scopes.append({})
            self._items(group.items, f"{prefix}{group.name}[{place}]." if is_many else f"{prefix}{group.name}.")
            self._settle(len(self._scopes) - 1)
            self._scopes.pop()
            if group.instants is not None:
                at = (
                    MISSING_VALUE
                    if start in (None, MISSING_VALUE)
                    else (start or 0) + (place + group.instants.first) * group.instants.step_s
                )
                self.reading.series.setdefault("register_instants", []).append(
                    at if abs(at) < MOST_RAW else MISSING_VALUE
                )
            place += 1

    def _found(self, name: str) -> int | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return self.reading.points.get(name)

    def _leaf(self, leaf: Leaf, prefix: str) -> None:
        at = self.at
        size = leaf.size or self._end - at
        part = self._payload[at : min(at + size, self._end)]
        if len(part) < size:
            self._note(at, part, prefix + leaf.name, "cut")
            raise FrameFaultError("length", at + len(part), f"{prefix}{leaf.name} is cut")
        self.at += size
        name = prefix + leaf.name
        if leaf.form == "bytes":
            self._note(at, part, name, "not explained")
            return
        raw, why = raw_of(leaf, part, self._page.utc_offset_s)
        text = self._say(leaf, raw, why, at, name)
        self._note(at, part, name, text)

    def _note(self, at: int, part: bytes, name: str, text: str) -> None:
        if self._trace is not None and part:
            self._trace.append(FieldTrace(at, len(part), name, part.hex(), text))

    def _say(self, leaf: Leaf, raw: int | None, why: str, at: int, name: str) -> str:
        """Take in what the field says; what it is in words."""
        scope = self._scopes[-1]
        if leaf.value is not None:
            if raw != leaf.value:
                raise FrameFaultError("magic", at, f"{name} is not {leaf.value:#x}")
            scope[leaf.name] = raw
            return "good"
        if why or raw is None:
            if leaf.length is not None:
                raise FrameFaultError("length", at, f"{name}: {why}")
            scope[leaf.name] = None
            self._damaged(leaf, at, name, why)
            return why
        if raw == MISSING_VALUE or (leaf.form != "bcd" and raw in leaf.missing):
            scope[leaf.name] = MISSING_VALUE
            self._put(leaf, MISSING_VALUE)
            return "unknown"
        if not leaf.low <= raw <= leaf.high:
            scope[leaf.name] = None
            self._damaged(leaf, at, name, f"{raw} is outside {leaf.low}..{leaf.high}", "range")
            return f"{raw}: outside {leaf.low}..{leaf.high}"
        if leaf.length is not None:
            wanted = raw * leaf.length.unit + leaf.length.plus
            came = len(self._payload) - self.begin
            if wanted != came:
                raise FrameFaultError("length", at, f"{name} says {wanted} bytes, {came} came")
        scope[leaf.name] = raw
        if leaf.units:
            scope[leaf.name] = leaf.units.get(raw)
            if raw not in leaf.units:
                self.reading.damages.append((at, name, f"unit {raw:#04x} is not known"))
                self.reading.reasons.append("range")
            return f"10^{leaf.units[raw]} m3" if raw in leaf.units else "unknown unit"
        if leaf.unit is not None:
            self._put(leaf, MISSING_VALUE)  # in its place; ``_settle`` says it
            self._waiting.append((leaf, raw, at, name, len(self.reading.series.get(leaf.series or "", ())) - 1))
            return str(raw)
        return self._value(leaf, raw, at, name)

    def _value(self, leaf: Leaf, raw: int, at: int, name: str) -> str:
        for bits in leaf.bits:
            part = raw >> bits.at & ((1 << bits.width) - 1)
            if part >= MOST_RAW:
                self._damaged(leaf, at, name, f"{part} is beyond 62 bits", "range")
                return str(part)
            self.reading.points[bits.point] = part
        if leaf.events:
            mask = sum(1 << event for bit, event in leaf.events.items() if raw >> bit & 1)
            self.reading.mask |= mask
            self.reading.known |= sum(1 << event for event in leaf.events.values())
        if leaf.events or leaf.bits:
            self.reading.is_sound = True
            if self._trace is None:
                return ""  # nobody reads the words
            said = [f"{b.point}={self.reading.points[b.point]}" for b in leaf.bits]
            return ", ".join([*said, *(vocabulary().event_names(mask) if leaf.events else [])]) or "none"
        value = scaled(leaf, raw, leaf.scale)
        if leaf.says:
            if abs(value) >= MOST_RAW:
                self._damaged(leaf, at, name, f"{value} is beyond 62 bits", "range")
                return str(value)
            self._put(leaf, value)
            self._scopes[-1][leaf.name] = value
        return str(value)

    def _settle(self, depth: int = 0) -> None:
        """Say the volumes whose unit has been read; ``depth`` 0: the frame is over, and a unit that was not read will not be."""
        left = []
        for leaf, raw, at, name, place in self._waiting:
            unit = leaf.unit or ""
            if depth and not any(unit in scope for scope in self._scopes):
                left.append((leaf, raw, at, name, place))
                continue
            exponent = self._found(unit)
            factor = 0 if exponent is None else 10 ** max(exponent - self._page.unit_exponent, 0)
            value = scaled(leaf, raw, leaf.scale * factor)
            if not factor or abs(value) >= MOST_RAW:
                self.reading.damages.append((at, name, "its unit is not known" if not factor else "is beyond 62 bits"))
                self.reading.reasons.append("range")
                continue
            self._put(leaf, value, place)
            self._scopes[-1][leaf.name] = value
        self._waiting = left

    def _put(self, leaf: Leaf, value: int, place: int | None = None) -> None:
        """``place``: in the series, where it has one already."""
        if leaf.point is not None:
            self.reading.points[leaf.point] = value
        elif leaf.series is not None:
            listed = self.reading.series.setdefault(leaf.series, [])
            if place is None:
                listed.append(value)
            else:
                listed[place] = value
        if leaf.says and leaf.says not in CARRIES and value != MISSING_VALUE:
            self.reading.is_sound = True

    def _damaged(self, leaf: Leaf, at: int, name: str, why: str, reason: str = "bcd") -> None:
        self.reading.damages.append((at, name, why))
        self.reading.reasons.append("bcd" if "digit" in why else reason if reason == "range" else "range")
        if leaf.point is not None:
            self.reading.points[leaf.point] = MISSING_VALUE
        elif leaf.series is not None:
            self.reading.series.setdefault(leaf.series, []).append(MISSING_VALUE)
        for bits in leaf.bits:
            self.reading.points[bits.point] = MISSING_VALUE

    def _in_order(self, message: DialectMessage) -> None:
        """A register without an instant is dated later, by its arrival; registers without one are left out."""
        series = self.reading.series
        if "register_values" in series and "register_instants" in series:
            pairs = [
                (value, at)
                for value, at in zip(series["register_values"], series["register_instants"], strict=False)
                if MISSING_VALUE not in (value, at)
            ]
            series["register_values"] = [value for value, _ in pairs]
            series["register_instants"] = [at for _, at in pairs]
        if message.kind is Kind.ALARM and self.reading.known:
            self.reading.is_sound = True


def raw_of(leaf: Leaf, part: bytes, utc_offset_s: int) -> tuple[int | None, str]:
    """Raw number of the field's bytes, or None and why there is none; ``MISSING_VALUE``: a clock that was never set."""
    if leaf.form == "clock":
        return _clock(leaf, part, utc_offset_s)
    if leaf.form == "digits" and len(part) > MOST_TEXT:
        return None, "is longer than a number"
    if leaf.form == "digits":
        text = part.decode("ascii", "replace").strip(" \0")
        return (int(text), "") if text.isascii() and text.isdigit() else (None, "is no digits")
    ordered = _ordered(leaf.order, part)
    if leaf.form == "bcd":
        digits = ordered.hex()
        if leaf.missing and int(digits, 16) in leaf.missing:
            return MISSING_VALUE, ""
        sign = 1
        if leaf.sign_bit and ordered[0] & 0x80:
            sign, digits = -1, bytes((ordered[0] & 0x7F, *ordered[1:])).hex()
        return (sign * int(digits), "") if digits.isdecimal() else (None, "has a digit above 9")
    if leaf.form == "float":
        (number,) = struct.unpack(">f" if len(ordered) == 4 else ">d", ordered)
        if not math.isfinite(number) or abs(number) * 10**leaf.decimals >= MOST_RAW:
            return None, "is no number"
        return round(number * 10**leaf.decimals), ""
    value = int.from_bytes(ordered, "big", signed=leaf.signed)
    if leaf.sign_bit:
        top = 1 << (8 * len(ordered) - 1)
        value = -(value & ~top) if value & top else value
    return value, ""


def scaled(leaf: Leaf, raw: int, scale: int) -> int:
    """The point's value: (raw + plus) · scale / divide, to the nearest, halves away from zero."""
    value = (raw + leaf.plus) * scale
    if leaf.divide == 1:
        return value
    half = (2 * abs(value) + leaf.divide) // (2 * leaf.divide)
    return half if value >= 0 else -half


def _ordered(order: str, part: bytes) -> bytes:
    """The bytes, highest first."""
    if order in ("little", "big-swapped") and len(part) > 1:
        part = part[::-1] if order == "little" else b"".join(part[at : at + 2] for at in range(len(part) - 2, -1, -2))
    elif order == "little-swapped":
        part = b"".join(part[at : at + 2][::-1] for at in range(0, len(part), 2))
    return part


def _clock(leaf: Leaf, part: bytes, utc_offset_s: int) -> tuple[int | None, str]:
    if part in (bytes(len(part)), b"\xff" * len(part)):
        return MISSING_VALUE, ""
    said: dict[str, int] = {}
    for place, byte in enumerate(part):
        pair = leaf.clock[2 * place : 2 * place + 2]
        if leaf.is_bcd_clock and (byte >> 4 > 9 or byte & 15 > 9) and pair != "--":
            return None, "has a digit above 9"
        said[pair] = (byte >> 4) * 10 + (byte & 15) if leaf.is_bcd_clock else byte
    year = said.get("CC", 20) * 100 + said.get("YY", 0)
    try:
        wall = datetime(
            year,
            said.get("MM", 1),
            said.get("DD", 1),
            said.get("hh", 0),
            said.get("mm", 0),
            said.get("ss", 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None, "is no date"
    return int(wall.timestamp()) - utc_offset_s, ""

# SPDX-License-Identifier: Apache-2.0
"""One frame of a dialect, from its first byte to its last: points, series, events, what is damaged, and each field for people.

What carries the frame – constants, type, counts, lengths, check – must be right, or nothing behind it can be found; any other field that makes
no sense is a damage, left out and noted, as in table pages.
"""

from collections.abc import Mapping, Sequence

from openmains.drivers.dialect.page import MOST_RAW, Codes, DialectMessage, DialectPage, Group, Item, Leaf, Record
from openmains.drivers.dialect.raw import raw_of, scaled
from openmains.drivers.dialect.skipping import record_size
from openmains.drivers.frame_reading import FrameFaultError, Reading
from openmains.drivers.message_schema import MAX_FRAME
from openmains.drivers.model import MISSING_VALUE, FieldTrace, Kind
from openmains.drivers.points import vocabulary
from openmains.drivers.scalar import CARRIES

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
        self._sum: int | None = None  # of the series that is counted up now; None: a part of it is not known

    def run(self) -> Reading:
        """Raises ``FrameFaultError``."""
        page, reading = self._page, self.reading
        if len(self._payload) - self.begin < page.size_needed:
            raise FrameFaultError(
                "length",
                len(self._payload),
                f"{len(self._payload) - self.begin} bytes are fewer than {page.size_needed}",
            )
        if len(self._payload) - self.begin > MAX_FRAME:
            raise FrameFaultError("length", self.begin + MAX_FRAME, f"more than {MAX_FRAME} bytes")
        self._items(page.header, "")
        message = self._message()
        reading.message = message.name
        self._items(message.items, "")
        if self.at != self._end:
            missing = self._end - self.at
            raise FrameFaultError("length", self.at, f"{missing} bytes more than the message has")
        self._checked()
        self._settle()
        self._in_order(message)
        self._kind(message)
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

    def _kind(self, message: DialectMessage) -> None:
        """A report without what it is to report is a heartbeat where the page says so, and else none of its messages."""
        reading = self.reading
        reading.kind = message.kind
        if message.needs and not any(name in reading.points or name in reading.series for name in message.needs):
            if not message.or_heartbeat:
                raise FrameFaultError("type", self.begin, f"it says nothing of {', '.join(sorted(message.needs))}")
            reading.kind = Kind.HEARTBEAT
            reading.is_sound = True

    def _group(self, group: Group, prefix: str) -> None:
        if group.records:
            self._records(group, prefix)
            return
        if group.when is not None:
            flags = self._found(group.when.field)
            if flags is None or flags == MISSING_VALUE:
                raise FrameFaultError("range", self.at, f"{group.when.field} does not say whether {group.name} follows")
            if not flags >> group.when.bit & 1:
                return
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
        if start is not None and group.instants is not None and start != MISSING_VALUE:
            start -= start % group.instants.floor_s
        if len(group.items) == 1 and isinstance(group.items[0], Leaf):
            if group.items[0].form == "bytes":
                self._run(group, group.items[0], count, prefix)
                return
            if group.items[0].adds_to:
                self._begin_sum(group.items[0], group, start)
        place = 0
        while self.at < self._end if count is None else place < count:
            if place >= group.most:
                raise FrameFaultError("length", self.at, f"more than {group.most} of {group.name}")
            is_many = count != 1 or group.count != 1
            self._scopes.append({})
            self._items(group.items, f"{prefix}{group.name}[{place}]." if is_many else f"{prefix}{group.name}.")
            self._settle(len(self._scopes) - 1)
            self._scopes.pop()
            self._instant(group, start, place + self._is_sum(group))
            place += 1

    def _is_sum(self, group: Group) -> bool:
        return isinstance(group.items[0], Leaf) and bool(group.items[0].adds_to)

    def _instant(self, group: Group, start: int | None, place: int) -> None:
        """When record ``place`` of a group is of."""
        if group.instants is None:
            return
        at = MISSING_VALUE
        if start is not None and start != MISSING_VALUE:
            at = start + (place + group.instants.first) * group.instants.step_s
        self.reading.series.setdefault("register_instants", []).append(at if abs(at) < MOST_RAW else MISSING_VALUE)

    def _begin_sum(self, leaf: Leaf, group: Group, start: int | None) -> None:
        """What the parts are added to is the first of the series."""
        base = self._found(leaf.adds_to)
        self._sum = None if base in (None, MISSING_VALUE) else base
        self._put(leaf, MISSING_VALUE if self._sum is None else self._sum)
        self._instant(group, start, 0)

    def _run(self, group: Group, leaf: Leaf, count: int | None, prefix: str) -> None:
        """Bytes that are not explained, so many as are said or as there are."""
        at, name = self.at, prefix + group.name
        size = self._end - at if count is None else count * leaf.size
        if size % leaf.size or size > group.most * leaf.size:
            raise FrameFaultError("length", at, f"{name} has {size} bytes")
        if at + size > self._end:
            self._note(at, self._payload[at : self._end], name, "cut")
            raise FrameFaultError("length", self._end, f"{name} is cut")
        self.at += size
        self._note(at, self._payload[at : self.at], name, "not explained")

    def _records(self, group: Group, prefix: str) -> None:
        """To the end of the frame, in whatever order they come."""
        stood = set[bytes]()
        for place in range(group.most):
            if self.at >= self._end:
                break
            record = next((one for one in group.records if self._payload.startswith(one.tag, self.at, self._end)), None)
            if record is None:
                self._unknown(group, prefix)
            else:
                self._record(record, f"{prefix}{group.name}[{place}]" if record.many else prefix + group.name, stood)
        if self.at < self._end:
            raise FrameFaultError("length", self.at, f"more than {group.most} of {group.name}")
        if not stood:
            raise FrameFaultError("type", self._end, f"none of {group.name} is there")

    def _record(self, record: Record, prefix: str, stood: set[bytes]) -> None:
        at, name = self.at, f"{prefix}.{record.name}"
        twice = sorted(point for point in record.points if point in self.reading.points)
        if (record.tag in stood and not record.many) or twice:
            raise FrameFaultError("type", at, f"{name} says {', '.join(twice) or 'itself'} a second time")
        stood.add(record.tag)
        self.at += len(record.tag)
        self._note(at, record.tag, f"{name}.tag", "good")
        self._scopes.append({})
        single = len(record.items) == 1 and record.items[0].name == record.name
        self._items(record.items, f"{prefix}." if single else f"{name}.")
        self._settle(len(self._scopes) - 1)
        self._scopes.pop()

    def _unknown(self, group: Group, prefix: str) -> None:
        at, rest = self.at, self._payload[self.at : self._end]
        if any(record.tag.startswith(rest) for record in group.records):
            raise FrameFaultError("length", self._end, f"{prefix}{group.name} is cut")
        size = record_size(self._payload, at, self._end) if group.skips else None
        if size is None:
            raise FrameFaultError("type", at, f"{prefix}{group.name} has no record {rest[:4].hex()}…")
        self.at += size
        part = self._payload[at : self.at]
        self._note(at, part, f"{prefix}{group.name}", "not on the page")
        self.reading.damages.append((at, f"{prefix}{group.name}", f"record {part[:8].hex()} is not on the page"))
        self.reading.reasons.append("type")

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
        if leaf.values:
            if raw not in leaf.values:
                taken = " or ".join(f"{one:#x}" for one in sorted(leaf.values))
                raise FrameFaultError("magic", at, f"{name} is not {taken}")
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
            self._sum = None
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
        if leaf.near is not None:
            other = self._found(leaf.near.field)
            if other not in (None, MISSING_VALUE) and not -leaf.near.below <= raw - (other or 0) <= leaf.near.above:
                raise FrameFaultError("range", at, f"{name} = {raw} is too far from {leaf.near.field} = {other}")
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
        if leaf.codes is not None:
            self._code(leaf.codes, raw, at, name)
        if leaf.events or leaf.bits or leaf.codes is not None:
            self.reading.is_sound = True
            if self._trace is None:
                return ""  # nobody reads the words
            said = [f"{b.point}={self.reading.points[b.point]}" for b in leaf.bits]
            said += [f"code {raw >> leaf.codes.at & ((1 << leaf.codes.width) - 1)}"] if leaf.codes is not None else []
            return ", ".join([*said, *(vocabulary().event_names(mask) if leaf.events else [])]) or "none"
        value = scaled(leaf, raw, leaf.scale)
        if leaf.adds_to:
            self._sum = None if self._sum is None else self._sum + value
            value = MISSING_VALUE if self._sum is None else self._sum
            if self._sum is None or abs(value) >= MOST_RAW:
                self._put(leaf, MISSING_VALUE)
                return "unknown: a part before it is"
        if leaf.says:
            if abs(value) >= MOST_RAW:
                self._damaged(leaf, at, name, f"{value} is beyond 62 bits", "range")
                return str(value)
            self._put(leaf, value)
            self._scopes[-1][leaf.name] = value
        return str(value)

    def _code(self, codes: Codes, raw: int, at: int, name: str) -> None:
        code = raw >> codes.at & ((1 << codes.width) - 1)
        if code not in codes.events:  # it says something, and nobody knows what: nothing is over, either
            self.reading.damages.append((at, name, f"code {code} is not on the page"))
            self.reading.reasons.append("range")
            return
        event = codes.events[code]
        self.reading.known |= codes.known
        self.reading.mask |= 0 if event is None else 1 << event

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
        self._sum = None
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

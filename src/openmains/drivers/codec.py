# SPDX-License-Identifier: Apache-2.0
"""Table pages column-wise: frames of one type, length and counts are one matrix of bytes, read field by field.

Work per frame in Python is the CRC (in C) and one list append; all else is numpy on whole columns. A frame that fails any
test goes to ``ScalarCodec.judge``, which names the byte: with a fault it is rejected; with damaged fields it is read like the
others, the damaged ones as missing.
"""

from binascii import crc_hqx
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from openmains.drivers.commands import CommandCodec
from openmains.drivers.down_trace import explain_down
from openmains.drivers.encoder import FrameEncoder
from openmains.drivers.model import (
    MISSING_VALUE,
    Columns,
    Command,
    Damage,
    FieldTrace,
    Ints,
    Kind,
    Rejected,
)
from openmains.drivers.page import CRC_SIZE, Field, Message, Page
from openmains.drivers.page_driver import PageDriver
from openmains.drivers.scalar import ScalarCodec

Bytes = NDArray[np.uint8]


class TableDriver(PageDriver):
    """A driver made from a page alone."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.encodes = True
        self.page = page
        self._scalar = ScalarCodec(page)
        self._encoder = FrameEncoder(page)
        self._commands = None if page.commands is None else CommandCodec(page.commands, page.order)
        if page.commands is not None:
            self.command_kinds, self.settings = page.commands.kinds, page.commands.settings
        self._type_offset = page.messages[0].by_name[page.type_field].offset
        self._types = {m.type: _Compiled(m, page, self._scalar) for m in page.messages}
        self._least = min(m.fixed_size for m in page.messages) + CRC_SIZE
        points = {point for m in page.messages for point in m.points}
        self.points = frozenset(points | ({"register_at"} if "register" in points else set()))

    def check(self, payload: bytes) -> str | None:
        return self._scalar.check(payload)

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        return self._scalar.answer(payload, now_s, utc_offset_min)

    def explain(self, payload: bytes) -> list[FieldTrace]:
        return self._scalar.explain(payload)

    def explain_down(self, frame: bytes) -> list[FieldTrace]:
        return explain_down(self.page, self._commands, frame)

    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        return self._encoder.encode(kind, values, message)

    def command_body(
        self, kind: str, params: Mapping[str, object], *, serial: int, counter: int, not_after: int
    ) -> bytes:
        if self._commands is None:
            return super().command_body(kind, params, serial=serial, counter=counter, not_after=not_after)
        return self._commands.body(kind, params, serial, counter, not_after)

    def command(
        self,
        kind: str,
        params: Mapping[str, object],
        *,
        serial: int,
        counter: int,
        not_after: int,
        mac: Callable[[bytes], bytes] | None = None,
    ) -> bytes:
        if self._commands is None:
            return super().command(kind, params, serial=serial, counter=counter, not_after=not_after, mac=mac)
        return self._commands.frame(kind, params, serial, counter, not_after, mac)

    def read_command(self, frame: bytes) -> Command:
        if self._commands is None:
            return super().read_command(frame)
        return self._commands.read(frame)

    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        least, type_offset = self._least, self._type_offset
        groups: dict[int, list[int]] = {}
        bad: list[int] = []
        for row, payload in enumerate(payloads):
            if len(payload) < least or crc_hqx(payload, 0):
                bad.append(row)
                continue
            key = len(payload) << 8 | payload[type_offset]
            group = groups.get(key)
            if group is None:
                groups[key] = [row]
            else:
                group.append(row)
        found: list[Columns] = []
        for key, rows in groups.items():
            compiled = self._types.get(key & 0xFF)
            if compiled is None or key >> 8 < compiled.least:
                bad += rows
            else:
                compiled.decode(payloads, rows, key >> 8, found, bad)
        return found, [self._rejected(row, payloads[row]) for row in sorted(bad)]

    def _rejected(self, row: int, payload: bytes) -> Rejected:
        fault = self._scalar.fault(payload)
        if fault is None:  # the two halves disagree: a defect of ours, still not the meter's loss of a whole batch
            return Rejected(row, "driver", 0, "the page's two readers disagree")
        return Rejected(row, *fault)


class _Compiled:
    """Column reader of one message type."""

    def __init__(self, message: Message, page: Page, scalar: ScalarCodec) -> None:
        self.message = message
        self._scalar = scalar
        self.least = message.fixed_size + CRC_SIZE
        self._big = page.order == "big"
        self._unit = page.unit_exponent
        self._fixed = [f for f in message.fields if not f.count]
        self._counted = message.counted()
        names = {f.count for f in self._counted}
        self._count_fields = [f for f in self._fixed if f.name in names]
        self._needed = {n for f in self._counted for n in (f.plus, f.back_from, f.back_at) if n}
        self._exponent = next((f for f in self._fixed if f.exponent), None)
        self._type_field = page.type_field

    def decode(
        self, payloads: Sequence[bytes], rows: list[int], length: int, found: list[Columns], bad: list[int]
    ) -> None:
        """Adds columns of the good rows to ``found`` and the other rows to ``bad``. All frames are ``length`` long."""
        data = np.frombuffer(b"".join([payloads[row] for row in rows]), np.uint8).reshape(len(rows), length)
        counts = [self._column(data, f) for f in self._count_fields]
        if counts and any((column != column[0]).any() for column in counts):
            shapes: dict[tuple[int, ...], list[int]] = {}
            for row, shape in zip(rows, zip(*(c.tolist() for c in counts), strict=True), strict=True):
                shapes.setdefault(shape, []).append(row)
            for part in shapes.values():
                self.decode(payloads, part, length, found, bad)
            return
        shape_of = {f.name: int(c[0]) for f, c in zip(self._count_fields, counts, strict=True)}
        if length != self.least + sum(f.length(shape_of[f.count or ""]) for f in self._counted):
            bad += rows
            return
        raw = {f.name: self._column(data, f) for f in self._fixed if f.name not in shape_of}
        raw |= {f.name: c for f, c in zip(self._count_fields, counts, strict=True)}
        good = self._good(data, raw)
        damages: list[Damage] = []
        lost: dict[str, NDArray[np.bool_]] = {}
        if not good.all():
            for place in np.flatnonzero(~good).tolist():
                fault, damaged = self._scalar.judge(payloads[rows[place]])
                if fault is not None or not damaged:
                    continue
                good[place] = True
                for name, why in damaged:
                    lost.setdefault(name, np.zeros(len(rows), np.bool_))[place] = True
                    damages.append(Damage(rows[place], why.offset, name, why.detail))
            bad += [row for row, ok in zip(rows, good.tolist(), strict=True) if not ok]
            rows = [row for row, ok in zip(rows, good.tolist(), strict=True) if ok]
            if not rows:
                return
            data = data[good]
            raw = {name: column[good] for name, column in raw.items()}
            lost = {name: column[good] for name, column in lost.items()}
        columns = self._columns(data, rows, raw, shape_of, lost)
        columns.damages = damages
        found.append(columns)

    def _good(self, data: Bytes, raw: Mapping[str, Ints]) -> NDArray[np.bool_]:
        good = np.ones(len(data), np.bool_)
        for item in self._fixed:
            if item.value is not None:
                good &= raw[item.name] == item.value
            if item.bcd:
                part = data[:, item.offset : item.offset + item.size]
                good &= ((part >> 4 <= 9) & (part & 15 <= 9)).all(axis=1)
            elif item.limited:
                column = raw[item.name]
                inside = (column >= item.low) & (column <= item.high)
                good &= inside if item.missing is None else inside | (column == item.missing)
        return good

    def _columns(
        self,
        data: Bytes,
        rows: list[int],
        raw: Mapping[str, Ints],
        shape: Mapping[str, int],
        lost: Mapping[str, NDArray[np.bool_]],
    ) -> Columns:
        """``lost``: damaged fields and in which frames."""
        unit_lost = None if self._exponent is None else lost.get(self._exponent.name)
        if self._exponent is not None and unit_lost is not None:
            name = self._exponent.name
            raw = {**raw, name: np.where(unit_lost, self._unit, raw[name])}
        factor = self._factors(raw)
        points: dict[str, Ints] = {}
        series: dict[str, Ints] = {}
        mask: Ints | None = None
        anchors: dict[str, Ints] = {}
        for item in self._fixed:
            column = raw[item.name]
            if item.name in self._needed or item.point:
                value = _scaled(item, column, factor)
                for gone in (lost.get(item.name), unit_lost if item.volume or item.exponent else None):
                    if gone is not None:
                        value = np.where(gone, MISSING_VALUE, value)
                if item.name in self._needed:
                    anchors[item.name] = value
                if item.point:
                    points[item.point] = value
            for bits in item.bits:
                points[bits.point] = column >> bits.at & ((1 << bits.width) - 1)
            if item.events:
                part = _event_mask(item, column)
                mask = part if mask is None else mask | part
        at = self.message.fixed_size
        for item in self._counted:
            count = shape[item.count or ""]
            block = self._block(data, item, at, count)
            at += item.length(count)
            self._series(item, block, anchors, factor, series)
            if unit_lost is not None and item.volume:
                name = item.series or ""
                series[name] = np.where(unit_lost[:, None], MISSING_VALUE, series[name])
        if "register" in points and "register_at" not in points:
            points["register_at"] = points["device_at"]
        return Columns(self.message.kind, rows, points, series, mask, self.message.event_known)

    def _series(
        self, item: Field, block: Ints, anchors: Mapping[str, Ints], factor: Ints | None, series: dict[str, Ints]
    ) -> None:
        name = item.series or ""
        value = _scaled(item, block, factor)
        if item.plus:
            base = anchors[item.plus][:, None]
            unknown = (
                base == MISSING_VALUE if item.missing is None else (base == MISSING_VALUE) | (block == item.missing)
            )
            value = np.where(unknown, MISSING_VALUE, np.where(unknown, 0, base) + np.where(unknown, 0, value))
        if not item.back_from or not item.back_at:
            series[name] = value
            return
        newest, instant = anchors[item.back_from][:, None], anchors[item.back_at][:, None]
        is_dated = (instant != 0) & (instant != MISSING_VALUE)
        known = is_dated & (newest != MISSING_VALUE)
        value = np.where(~known | (block == item.missing), MISSING_VALUE, np.where(known, newest, 0) - value)
        instants = instant - item.step_s * np.arange(block.shape[1] + 1, dtype=np.int64)
        series[name] = np.where(known, np.concatenate([newest, value], axis=1), MISSING_VALUE)
        series[f"{name}_at"] = np.where(is_dated, instants, MISSING_VALUE)

    def _factors(self, raw: Mapping[str, Ints]) -> Ints | None:
        if self._exponent is None:
            return None
        shift = raw[self._exponent.name] - self._unit
        return None if not shift.any() else np.power(np.int64(10), shift)

    def _column(self, data: Bytes, item: Field) -> Ints:
        block = data[:, item.offset : item.offset + item.size]
        if item.bcd:
            digits = (block >> 4) * np.int64(10) + (block & 15)
            weights = 100 ** np.arange(item.size - 1, -1, -1, dtype=np.int64)
            total: Ints = digits @ (weights if self._big else weights[::-1])
            return total
        return self._numbers(block, item)

    def _block(self, data: Bytes, item: Field, at: int, count: int) -> Ints:
        block = data[:, at : at + item.length(count)]
        if not item.size:
            return _unpacked(block, item.width, count)
        return self._numbers(block, item).reshape(len(data), count)

    def _numbers(self, block: Bytes, item: Field) -> Ints:
        """Numbers of ``item.size`` bytes each out of the bytes of a row (one → 1-d, flattened; many → flattened)."""
        flat = np.ascontiguousarray(block)
        if item.size in (1, 2, 4):
            order = ">" if self._big else "<"
            return flat.view(f"{order}{'i' if item.signed else 'u'}{item.size}").astype(np.int64).reshape(-1)
        parts = flat.reshape(-1, item.size)
        total = np.zeros(len(parts), np.int64)
        for index in range(item.size):
            total |= parts[:, index].astype(np.int64) << 8 * (item.size - 1 - index if self._big else index)
        if item.signed:
            total = np.where(total >> (8 * item.size - 1), total - (1 << 8 * item.size), total)
        return total


def _unpacked(block: Bytes, width: int, count: int) -> Ints:
    """Numbers of ``width`` bits each, without gaps, highest bit first."""
    bits = np.unpackbits(np.ascontiguousarray(block), axis=1, count=width * count).reshape(len(block), count, width)
    weights = 1 << np.arange(width - 1, -1, -1, dtype=np.int64)
    numbers: Ints = bits @ weights
    return numbers


def _scaled(item: Field, column: Ints, factor: Ints | None) -> Ints:
    """Raw numbers in the point's unit; the mark for unknown becomes ``MISSING_VALUE``."""
    value = column if item.scale == 1 else column * item.scale
    if item.volume and factor is not None:
        value = value * (factor if value.ndim == 1 else factor[:, None])
    if item.missing is not None:
        value = np.where(column == item.missing, MISSING_VALUE, value)
    return value


def _event_mask(item: Field, column: Ints) -> Ints:
    """Flags of the field moved to their event numbers; bits that move equally far go in one step."""
    steps: dict[int, int] = {}
    for bit, event in item.events.items():
        steps[event - bit] = steps.get(event - bit, 0) | 1 << bit
    mask = np.zeros(len(column), np.int64)
    for step, bits in steps.items():
        mask |= (column & bits) << step if step >= 0 else (column & bits) >> -step
    return mask

# SPDX-License-Identifier: Apache-2.0
"""CJ/T 188-2004 as a driver: a 901F answer becomes one register (R3.2).

A hook and not a table because of the FE preamble, the sum check, the calendar time, and the identifier order. Frames
are read column-wise all the same; a frame that fails is read again alone, which names the byte. A time
that is not set, or that is no date, leaves the register its value: it is then dated by its arrival.

What carries the answer must be right: marks, sum, meter type, control code, identifier. Any other field that makes no
sense, or that a short answer does not have, is left out and noted. An echo of the question in front is stepped over; other
bytes around the answer are noted.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from openmains.drivers.cjt188 import commands
from openmains.drivers.cjt188.answer import (
    DATA,
    DATA_SIZE,
    LAYOUT,
    LEAST_DATA,
    SIZE,
    AnswerReader,
    Pieces,
    wall_seconds,
)
from openmains.drivers.cjt188.options import read_options
from openmains.drivers.cjt188.status import status_bytes
from openmains.drivers.model import Columns, Damage, EncodeError, Fault, FieldTrace, Kind, Rejected
from openmains.drivers.page import Page
from openmains.drivers.page_driver import PageDriver
from openmains.drivers.page_reader import PageReader
from openmains.wire.cjt188.data import (
    METERING,
    TIME,
    UNIT_CUBIC_METRE,
    DataUnit,
    IdOrder,
    Metering,
    encode_metering,
    encode_time,
    encode_unit,
)
from openmains.wire.cjt188.frame import (
    ANSWER,
    ERROR,
    PREAMBLE,
    READ,
    WRITE,
    Frame,
    checksum,
    decode_frame_untrusted,
    encode_frame,
    find_frames,
)
from openmains.wire.cjt188.wall import to_wall
from openmains.wire.errors import WireError

FAMILY = {"water": 0x10, "gas": 0x30}  # high half of the meter type
ADDRESS_DIGITS = 14  # A0 to A6
_REASONS = {"truncated": "length", "trailing bytes": "length", "checksum": "crc", "not a decimal digit": "bcd"}


class Cjt188Driver(PageDriver):
    """Water or gas meter after CJ/T 188-2004."""

    is_asked = True

    def __init__(self, page: Page, reader: PageReader) -> None:
        super().__init__(page)
        self.encodes = True
        self.command_kinds = commands.KINDS
        self.options = read_options(reader, page.unit_exponent)
        self._family = FAMILY[page.medium]
        self._order: IdOrder = "low-first" if self.options.id_order == "low-first" else "high-first"
        if page.number_digits is None:
            self.number_digits = ADDRESS_DIGITS
        self._answers = AnswerReader(self.options, self._family)
        self.points = self._answers.points

    def check(self, payload: bytes) -> str | None:
        fault = self._fault(payload)
        return fault.reason if fault else None

    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        rows: list[int] = []
        bare: list[bytes] = []
        bad: list[int] = []
        for row, payload in enumerate(payloads):
            frame = payload if len(payload) == SIZE else payload.lstrip(b"\xfe")
            if len(frame) == SIZE:
                rows.append(row)
                bare.append(frame)
            else:
                bad.append(row)
        found: list[Columns] = []
        if rows:
            data = np.frombuffer(b"".join(bare), np.uint8).reshape(len(rows), SIZE)
            good = self._answers.good(data)
            if not good.all():
                bad += [row for row, ok in zip(rows, good.tolist(), strict=True) if not ok]
                rows = [row for row, ok in zip(rows, good.tolist(), strict=True) if ok]
                data = data[good]
            if rows:
                arrived = np.array([received_at[row] for row in rows], np.int64)
                found.append(self._answers.columns(data, rows, arrived))
        rejected: list[Rejected] = []
        odd: dict[bool, list[tuple[int, Pieces]]] = {}
        for row in sorted(bad):
            read = self._read(payloads[row])
            if isinstance(read, Fault):
                rejected.append(Rejected(row, *read))
            else:
                odd.setdefault(read.has_status, []).append((row, read))
        for has_status, group in odd.items():
            data = np.frombuffer(b"".join([read.row for _, read in group]), np.uint8).reshape(len(group), SIZE)
            rows = [row for row, _ in group]
            arrived = np.array([received_at[row] for row in rows], np.int64)
            columns = self._answers.damaged_columns(data, rows, arrived, has_status)
            columns.damages = [Damage(row, *damage) for row, read in group for damage in read.damages]
            found.append(columns)
        return found, rejected

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        """Nothing, or with ``clock_answer = "write-time"`` a write of A015 with the wall clock of the meter's zone."""
        if self.options.clock_answer == "none" or self._fault(payload) is not None:
            return b""
        at, size = self._located(payload)
        try:
            frame = decode_frame_untrusted(payload[at : at + size])
        except WireError:
            return b""  # the address is damaged: nobody to write to
        order: IdOrder = "high-first" if frame.data[:2] == METERING.to_bytes(2, "big") else "low-first"
        wall = encode_time(to_wall(now_s + self.options.utc_offset_s))
        unit = DataUnit(TIME, (frame.data[2] + 1) & 0xFF, wall)
        return encode_frame(Frame(frame.meter_type, frame.address, WRITE, encode_unit(unit, order)))

    def explain(self, payload: bytes) -> list[FieldTrace]:
        at, size = self._located(payload)
        if not size:
            at = len(payload) - len(payload.lstrip(b"\xfe")) if len(payload) != SIZE else 0
            size = len(payload) - at
        name = "preamble" if not payload[:at].strip(b"\xfe") else "before"
        found = [FieldTrace(0, at, name, payload[:at].hex(), "")] if at else []
        layout = LAYOUT
        body, after = payload[at : at + size], payload[at + size :]
        if len(body) != SIZE or body[10] != DATA_SIZE:
            end = DATA + max(len(body) - DATA - 2, 0)
            layout = (*LAYOUT[:5], (DATA, end - DATA, "data"), (end, 1, "checksum"), (end + 1, 1, "end"))
        for offset, length, name in layout:
            part = body[offset : offset + length]
            if part:
                text = self._text(name, part, body) if len(part) == length else "cut"
                found.append(FieldTrace(at + offset, len(part), name, part.hex(), text))
        if after:
            found.append(FieldTrace(at + size, len(after), "after", after.hex(), ""))
        return found

    def explain_down(self, frame: bytes) -> list[FieldTrace]:
        return self.explain(frame)  # both ways one frame

    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        """A 901F answer: ``register_values``/``register_instants`` of one entry (instant 0: clock not set),
        ``meter_number``, and optionally ``settlement``, ``device_type``, ``status``, ``valve``, ``events``."""
        if kind != Kind.REGISTERS:
            raise EncodeError("CJ/T 188 carries registers only")
        metering = self._metering(values)
        serial = _number(values, "serial", 0)
        meter_type = _number(values, "device_type", self._family)
        address = str(_number(values, "meter_number", 0)).zfill(14)
        try:
            data = encode_unit(DataUnit(METERING, serial, encode_metering(metering)), self._order)
            return encode_frame(Frame(meter_type, address, READ | ANSWER, data))
        except WireError as bad:
            raise EncodeError(str(bad)) from None

    def _metering(self, values: Mapping[str, object]) -> Metering:
        """Register, settlement, time and status as the dial counts and the meter's clock goes."""
        register, instant = _single(values, "register_values"), _single(values, "register_instants")
        settlement = _number(values, "settlement", 0)
        factor = self.options.units[UNIT_CUBIC_METRE]
        if register % factor or settlement % factor:
            raise EncodeError(f"the dial counts in steps of {factor}")
        try:
            wall = to_wall(instant + self.options.utc_offset_s) if instant else None
        except (OverflowError, ValueError, OSError):
            raise EncodeError("the instant is no date") from None
        status = status_bytes(self.options, _number(values, "status", 0), values)
        return Metering(register // factor, UNIT_CUBIC_METRE, settlement // factor, UNIT_CUBIC_METRE, wall, status)

    def command_body(
        self, kind: str, params: Mapping[str, object], *, serial: int, counter: int, not_after: int
    ) -> bytes:
        """The whole frame: there is no place for counter, validity and MAC."""
        return commands.body(kind, params, serial, self._family, self._order, self.options.utc_offset_s)

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
        return self.command_body(kind, params, serial=serial, counter=counter, not_after=not_after)

    def _located(self, payload: bytes) -> tuple[int, int]:
        """Where the answer begins and its length; of the first sound frame where none is an answer; (0, 0): none is."""
        frames = find_frames(payload)
        answers = [(at, size) for at, size in frames if payload[at + 9] & ANSWER]
        return (answers or frames or [(0, 0)])[0]

    def _fault(self, payload: bytes) -> Fault | None:
        read = self._read(payload)
        return read if isinstance(read, Fault) else None

    def _read(self, payload: bytes) -> Fault | Pieces:
        at, size = self._located(payload)
        if not size:
            try:
                decode_frame_untrusted(payload)
            except WireError as bad:
                return Fault(_REASONS.get(bad.reason, "magic"), bad.offset, bad.reason)
        fault = self._carriage_fault(payload, at, size)
        if fault is not None:
            return fault
        pieces = self._answers.pieces(payload, at, size)
        if not self._answers.is_anything_sound(pieces):
            offset, name, detail = pieces.damages[0]
            return Fault("range" if "unit" in detail else "bcd", offset, f"{name}: {detail}")
        asked = {place for one, length in find_frames(payload) if one != at for place in range(one, one + length)}
        strange = [
            place
            for place, byte in enumerate(payload)
            if not at <= place < at + size and place not in asked and not (place < at and byte == PREAMBLE)
        ]
        if strange:
            pieces.damages.append((strange[0], "around", f"{len(strange)} bytes around the answer"))
        return pieces

    def _carriage_fault(self, payload: bytes, at: int, size: int) -> Fault | None:
        """Why the frame, whose marks and sum are good, is no answer of this product, or None."""
        meter_type, control, identifier = payload[at + 1], payload[at + 9], payload[at + DATA : at + DATA + 2]
        if meter_type & 0xF0 != self._family or meter_type & 15 > 9:
            return Fault("type", at + 1, f"meter type {meter_type:02x} is no {self.medium} meter")
        if control != READ | ANSWER:
            detail = "the meter refuses" if control & ERROR else f"control {control:02x} is no read answer"
            return Fault("type", at + 9, detail)
        if payload[at + 10] < LEAST_DATA:
            return Fault("length", at + 10, f"a 901F answer has {DATA_SIZE} data bytes, not {payload[at + 10]}")
        if int.from_bytes(identifier, "big") not in self._answers.identifiers:
            return Fault("type", at + DATA, f"data identifier {identifier.hex()}")
        return None

    def _text(self, name: str, part: bytes, body: bytes) -> str:
        if name in ("address", "total", "settlement"):
            return part[::-1].hex()
        if name == "time":
            wall, is_set = wall_seconds(np.frombuffer(part, np.uint8).reshape(1, 7))
            return str(int(wall[0]) - self.options.utc_offset_s) if is_set[0] else "not set"
        if name in ("total_unit", "settlement_unit"):
            return "known" if part[0] in self.options.units else "unknown"
        if name == "checksum":
            right = checksum(body[:-2])
            return "good" if part[0] == right else f"wrong, {right:02x} expected"
        return part.hex()


def _single(values: Mapping[str, object], name: str) -> int:
    given = values.get(name)
    if isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], int):
        return given[0]
    raise EncodeError(f"{name} is a list of one number")


def _number(values: Mapping[str, object], name: str, default: int) -> int:
    given = values.get(name, default)
    if not isinstance(given, int) or given < 0:
        raise EncodeError(f"{name} is a number from 0")
    return given

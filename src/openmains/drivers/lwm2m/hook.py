# SPDX-License-Identifier: Apache-2.0
"""Standard LwM2M objects → standard points: 3423 and 3424 (meters), 10272–10281 (alarms), 3 (device), 4 (radio).

A hook and not a table because a pack of SenML is self-describing: which resources come, in which order and in which of
four formats, is the meter's choice. One report is read in ``report``; here reports of one shape become columns.
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import numpy as np

from openmains.drivers.lwm2m import envelope
from openmains.drivers.lwm2m.report import Reading, ReportReader, items_of
from openmains.drivers.model import Columns, Damage, EncodeError, Fault, FieldTrace, Kind, Rejected
from openmains.drivers.page import Page
from openmains.drivers.page_driver import PageDriver
from openmains.drivers.page_reader import PageReader
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import path as paths


class _OptionsEntry(TypedDict):
    observe: NotRequired[list[object]]


class Lwm2mDriver(PageDriver):
    """Water or gas meter by the standard objects."""

    wants_envelope = True

    def __init__(self, page: Page, reader: PageReader) -> None:
        super().__init__(page)
        self.encodes = False
        self.observes = _observes(reader)
        if page.unit_exponent != -3:
            place = reader.place("driver", "unit_exponent")
            reader.fail(place, "volumes of the standard objects are read as litres: unit_exponent = -3")
        self._reports = ReportReader(page.medium)
        self.points = self._reports.points

    def check(self, payload: bytes) -> str | None:
        found = self._reports.read(payload, 0)
        return found.reason if isinstance(found, Fault) else None

    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        shapes: dict[tuple[object, ...], list[tuple[int, Reading]]] = {}
        rejected: list[Rejected] = []
        for row, payload in enumerate(payloads):
            found = self._reports.read(payload, received_at[row])
            if isinstance(found, Fault):
                rejected.append(Rejected(row, *found))
                continue
            shape = (found.kind, tuple(sorted(found.points)), len(found.instants), found.known)
            shapes.setdefault(shape, []).append((row, found))
        return [_columns(group) for group in shapes.values()], rejected

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        return b""  # LwM2M has its own: the response code, and the clock is object 3's

    def clock_of(self, payload: bytes, received_at: int) -> int | None:
        found = self._reports.read(payload, received_at)
        return None if isinstance(found, Fault) else found.clock

    def explain(self, payload: bytes) -> list[FieldTrace]:
        fault = envelope.fault_of(payload)
        sizes = [(1, "mark"), (2, "content_format"), (1, "path_length")]
        if len(payload) > 3:
            sizes.append((payload[3], "path"))
        end = max(len(payload) - envelope.CRC_SIZE, 0)
        traces: list[FieldTrace] = []
        at = 0
        for size, name in sizes:
            part = payload[at : min(at + size, end)]
            if part:
                text = part.decode("ascii", "replace") if name == "path" else str(int.from_bytes(part, "big"))
                traces.append(FieldTrace(at, len(part), name, part.hex(), text if len(part) == size else "cut"))
                at += len(part)
        if at < end:
            traces.append(FieldTrace(at, end - at, "payload", payload[at:end].hex(), self._text(payload)))
        if end < len(payload):
            good = fault is None or fault.reason != "crc"
            traces.append(FieldTrace(end, len(payload) - end, "crc", payload[end:].hex(), "good" if good else "wrong"))
        return traces

    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        raise EncodeError("a report of standard objects is made by an LwM2M client, and wrapped by the edge")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _text(self, payload: bytes) -> str:
        if envelope.fault_of(payload) is not None:
            return ""
        try:
            items, oddities = items_of(payload)
        except WireError as bad:
            return bad.reason
        read = [f"{paths.text(item.path)}={item.value!s}" for item in items]
        return ", ".join([*read, *(f"{odd.place}: {odd.reason}" for odd in oddities)])


def _columns(group: list[tuple[int, Reading]]) -> Columns:
    first = group[0][1]
    points = {name: np.array([read.points[name] for _, read in group], np.int64) for name in first.points}
    series = {}
    if first.instants:
        series["register_instants"] = np.array([read.instants for _, read in group], np.int64)
        series["register_values"] = np.array([read.registers for _, read in group], np.int64)
    mask = np.array([read.mask for _, read in group], np.int64) if first.known else None
    damages = [Damage(row, *damage) for row, read in group for damage in read.damages]
    return Columns(first.kind, [row for row, _ in group], points, series, mask, first.known, damages)


def _observes(reader: PageReader) -> tuple[paths.Path, ...]:
    """``[options] observe``: object instances that the platform observes after a registration, in this order."""
    place = reader.place("options", "observe")
    found: list[paths.Path] = []
    for text in reader.section(_OptionsEntry, "options").get("observe", []):
        try:
            path = paths.parse(text) if isinstance(text, str) else None
        except WireError:
            path = None
        if path is None:
            reader.fail(place, "observe is a list of LwM2M paths")
        if not 1 <= len(path) <= 2:
            reader.fail(place, "observe names objects or object instances")
        found.append(path)
    return tuple(found)

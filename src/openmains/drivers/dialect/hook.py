# SPDX-License-Identifier: Apache-2.0
"""A driver made from a dialect page: each frame is walked alone, frames of one shape become columns.

It makes no meter's messages: emulated meters of a maker are the maker's. What devices of a line are told is ``commands``. A message
without a clock of its own, or with one that was never set, is dated by its arrival.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from openmains.drivers.dialect import commands
from openmains.drivers.dialect.page import DialectPage
from openmains.drivers.dialect.schema import read_dialect
from openmains.drivers.dialect.walk import FrameFaultError, Reading, Walk
from openmains.drivers.model import MISSING_VALUE, Columns, Damage, EncodeError, FieldTrace, Kind, Rejected
from openmains.drivers.page import Page
from openmains.drivers.page_driver import PageDriver
from openmains.drivers.page_reader import PageReader
from openmains.drivers.points import vocabulary

MOST_DIGITS = 18


class DialectDriver(PageDriver):
    """A maker's own frame by its page."""

    def __init__(self, page: Page, reader: PageReader) -> None:
        super().__init__(page)
        self.encodes = False
        self.dialect: DialectPage = read_dialect(reader, vocabulary(), page)
        points = {point for message in self.dialect.messages for point in message.points} | {"device_at"}
        points |= {"register_at"} if "register" in points else set()
        if any(message.kind is Kind.REGISTERS for message in self.dialect.messages):
            points |= {"register", "register_at", "register_values", "register_instants"}
        self.points = frozenset(points)
        self.is_asked = self.dialect.poll is not None
        self.command_kinds = commands.kinds_of(self.dialect.poll)
        if page.number_digits is None:
            self.number_digits = MOST_DIGITS if "meter_number" in points else 0

    def check(self, payload: bytes) -> str | None:
        try:
            Walk(self.dialect, payload).run()
        except FrameFaultError as bad:
            return bad.fault.reason
        return None

    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        shapes: dict[tuple[object, ...], list[tuple[int, Reading]]] = {}
        rejected: list[Rejected] = []
        for row, payload in enumerate(payloads):
            try:
                found = Walk(self.dialect, payload).run()
            except FrameFaultError as bad:
                rejected.append(Rejected(row, *bad.fault))
                continue
            _date(found, received_at[row])
            message = found.message
            shape = (
                message.name if message else "",
                tuple(sorted(found.points)),
                tuple(sorted((name, len(listed)) for name, listed in found.series.items())),
                found.known,
            )
            shapes.setdefault(shape, []).append((row, found))
        return [_columns(group) for group in shapes.values()], rejected

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        return b""

    def explain(self, payload: bytes) -> list[FieldTrace]:
        traces: list[FieldTrace] = []
        walk = Walk(self.dialect, payload, traces)
        if walk.begin:
            traces.append(FieldTrace(0, walk.begin, "before", payload[: walk.begin].hex(), ""))
        try:
            walk.run()
        except FrameFaultError as bad:
            at = traces[-1].offset + traces[-1].length if traces else 0
            if at < len(payload):
                traces.append(FieldTrace(at, len(payload) - at, "surplus", payload[at:].hex(), bad.fault.detail))
        return traces

    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        raise EncodeError(f"frames of {self.name} are made by its meters; the page only reads them")

    def command_body(
        self, kind: str, params: Mapping[str, object], *, serial: int, counter: int, not_after: int
    ) -> bytes:
        """The whole frame: there is no place for counter, validity and MAC."""
        return commands.body(self.dialect.poll, kind, params)

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

    def explain_down(self, frame: bytes) -> list[FieldTrace]:
        return commands.explain(frame)


def _date(found: Reading, received_at: int) -> None:
    """A message with no instant that can be used is of its arrival, and so is a register."""
    points, series = found.points, found.series
    if points.get("device_at", MISSING_VALUE) == MISSING_VALUE:
        points["device_at"] = received_at
    if "register" in points and points.get("register_at", MISSING_VALUE) == MISSING_VALUE:
        points["register_at"] = points["device_at"]
    if found.message is not None and found.message.kind is Kind.REGISTERS:
        if "register_values" not in series:
            series["register_values"] = [points["register"]] if points["register"] != MISSING_VALUE else []
            series["register_instants"] = [points["register_at"]] if series["register_values"] else []
        elif points.get("register", MISSING_VALUE) != MISSING_VALUE:
            if points["register_at"] not in series["register_instants"]:
                series["register_values"].insert(0, points["register"])
                series["register_instants"].insert(0, points["register_at"])
        elif "register" not in points:
            newest = max(
                range(len(series["register_instants"])), key=series["register_instants"].__getitem__, default=None
            )
            points["register"] = MISSING_VALUE if newest is None else series["register_values"][newest]
            points["register_at"] = points["device_at"] if newest is None else series["register_instants"][newest]


def _columns(group: list[tuple[int, Reading]]) -> Columns:
    first = group[0][1]
    points = {name: np.array([read.points[name] for _, read in group], np.int64) for name in first.points}
    series = {
        name: np.array([read.series[name] for _, read in group], np.int64).reshape(len(group), len(first.series[name]))
        for name in first.series
    }
    mask = np.array([read.mask for _, read in group], np.int64) if first.known else None
    damages = [Damage(row, *damage) for row, read in group for damage in read.damages]
    kind = first.message.kind if first.message is not None else Kind.REPORT
    return Columns(kind, [row for row, _ in group], points, series, mask, first.known, damages)

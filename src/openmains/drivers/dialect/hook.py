# SPDX-License-Identifier: Apache-2.0
"""A driver made from a dialect page: each frame is walked alone, frames of one shape become columns.

It makes no meter's messages: emulated meters of a maker are the maker's. What devices of a line are told is ``commands``. A message
without a clock of its own, or with one that was never set, is dated by its arrival.
"""

from collections.abc import Callable, Mapping, Sequence

from openmains.drivers.dialect import commands
from openmains.drivers.dialect.page import DialectPage
from openmains.drivers.dialect.schema import read_dialect
from openmains.drivers.dialect.walk import Walk
from openmains.drivers.frame_reading import FrameFaultError, columns_of
from openmains.drivers.model import Columns, EncodeError, FieldTrace, Kind, Rejected
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
        return columns_of(lambda payload: Walk(self.dialect, payload).run(), payloads, received_at)

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

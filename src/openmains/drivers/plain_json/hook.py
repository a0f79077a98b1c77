# SPDX-License-Identifier: Apache-2.0
"""A driver made from a page of plain JSON. It reads; it makes no messages and takes no commands."""

from collections.abc import Mapping, Sequence

from openmains.drivers.frame_reading import FrameFaultError, columns_of
from openmains.drivers.model import Columns, EncodeError, FieldTrace, Kind, Rejected
from openmains.drivers.page import MOST_DIGITS, Page
from openmains.drivers.page_driver import PageDriver
from openmains.drivers.page_reader import PageReader
from openmains.drivers.plain_json.page import JsonPage
from openmains.drivers.plain_json.schema import read_json_page
from openmains.drivers.plain_json.split import Part, split
from openmains.drivers.plain_json.text import in_words, read_text
from openmains.drivers.points import vocabulary


class JsonDriver(PageDriver):
    """Messages of a gateway in plain JSON by their page."""

    def __init__(self, page: Page, reader: PageReader) -> None:
        super().__init__(page)
        self.encodes = False
        self.json: JsonPage = read_json_page(reader, vocabulary(), page)
        self.topic = self.json.topic
        points = {each.point for each in self.json.fields if each.point} | {"device_at"}
        self.points = frozenset(points | ({"register_at"} if "register" in points else set()))
        if page.number_digits is None:
            self.number_digits = MOST_DIGITS if "meter_number" in points else 0

    def split(self, payload: bytes) -> list[Part]:
        """One message for each meter that this one speaks of; raises ``FrameFaultError``. Of pages with ``each`` only."""
        return split(self.json, payload)

    def check(self, payload: bytes) -> str | None:
        try:
            read_text(self.json, payload)
        except FrameFaultError as bad:
            return bad.fault.reason
        return None

    def decode(self, payloads: Sequence[bytes], received_at: Sequence[int]) -> tuple[list[Columns], list[Rejected]]:
        return columns_of(lambda payload: read_text(self.json, payload), payloads, received_at)

    def answer(self, payload: bytes, now_s: int, utc_offset_min: int) -> bytes:
        return b""

    def explain(self, payload: bytes) -> list[FieldTrace]:
        try:
            text = in_words(self.json, payload)
        except FrameFaultError as bad:
            text = bad.fault.detail
        return [FieldTrace(0, len(payload), "json", payload.hex(), text)] if payload else []

    def encode(self, kind: Kind, values: Mapping[str, object], message: str | None = None) -> bytes:
        raise EncodeError(f"messages of {self.name} are made by its gateway; the page only reads them")

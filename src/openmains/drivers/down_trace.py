# SPDX-License-Identifier: Apache-2.0
"""A frame that went down, field by field for a person: a command or the platform's answer of a table page.

Each byte stands in exactly one field, in order, also where the frame is cut or was made by another version of the page: what
nobody claims is 'surplus'. Nothing is refused here; the frame log shows what was sent.
"""

from binascii import crc_hqx
from collections.abc import Mapping
from typing import Literal

from openmains.drivers.commands import HEAD_SIZE, MAC_SIZE, SETTING_SIZE, CommandCodec
from openmains.drivers.model import Command, CommandError, CommandKind, FieldTrace
from openmains.drivers.page import CRC_SIZE, AnswerField, CommandField, Page

_HEAD = (("magic", 2), ("version", 1), ("kind", 1), ("serial", 4), ("counter", 4), ("not_after", 4))
_CODE_AT = 3


def explain_down(page: Page, codec: CommandCodec | None, frame: bytes) -> list[FieldTrace]:
    """By the page's command table, or by its answer; [] for bytes that begin like neither."""
    if codec is not None and len(frame) > _CODE_AT:
        kind = next((kind for kind in codec.table.kinds.values() if kind.code == frame[_CODE_AT]), None)
        if kind is not None:
            return _command(codec, kind, frame)
    if page.answer and _is_answer(page, frame):
        return _Trace(frame, page.order).with_answer(page.answer)
    return []


def _is_answer(page: Page, frame: bytes) -> bool:
    at = 0
    for item in page.answer:
        part = frame[at : at + item.size]
        fixed = item.echo is None and not item.now and not item.utc_offset and item.name != "result"
        if fixed and int.from_bytes(part, _order(page.order)) != item.value:
            return False
        at += item.size
    return at + CRC_SIZE == len(frame)


def _command(codec: CommandCodec, kind: CommandKind, frame: bytes) -> list[FieldTrace]:
    try:
        read: Command | None = codec.read(frame)
    except CommandError:
        read = None
    trace = _Trace(frame, codec.order)
    for name, size in _HEAD:
        trace.number(name, size, kind.name if name == "kind" else "")
    mac_size = MAC_SIZE if kind.signed else 0
    end = max(HEAD_SIZE, len(frame) - CRC_SIZE - mac_size)
    if read is not None:
        for item in codec.table.fields[kind.name]:
            trace.param(item, read.params)
    trace.rest(end)
    if mac_size:
        trace.raw("mac", mac_size)
    return trace.finished()


def _order(order: str) -> Literal["big", "little"]:
    return "big" if order == "big" else "little"


class _Trace:
    """The fields so far, and where the next one begins."""

    def __init__(self, frame: bytes, order: str) -> None:
        self._frame = frame
        self._order = _order(order)
        self._end = max(len(frame) - CRC_SIZE, 0)
        self._found: list[FieldTrace] = []
        self._at = 0

    def number(self, name: str, size: int, text: str = "", *, signed: bool = False) -> None:
        part = self._frame[self._at : min(self._at + size, self._end)]
        said = text or str(int.from_bytes(part, self._order, signed=signed))
        self._add(name, part, said if len(part) == size else "cut")

    def raw(self, name: str, size: int) -> None:
        self._add(name, self._frame[self._at : min(self._at + size, self._end)], "")

    def param(self, item: CommandField, params: Mapping[str, object]) -> None:
        """A parameter of a command that could be read: how long it is, follows from its value."""
        value = params[item.name]
        if item.form == "text":
            self._add(item.name, self._take(1 + len(str(value))), str(value))
        elif item.form == "names" and isinstance(value, list):
            self._add(item.name, self._take(1 + len(value)), ", ".join(value))
        elif item.form == "settings" and isinstance(value, dict):
            self.number(f"{item.name}.count", 1)
            for name, number in value.items():
                self._add(name, self._take(SETTING_SIZE), str(number))
        elif isinstance(value, list):
            for place, number in enumerate(value):
                self.number(f"{item.name}[{place}]", item.size, str(number))
        else:
            self.number(item.name, item.size, str(value))

    def rest(self, end: int) -> None:
        if self._at < end:
            self._add("surplus", self._frame[self._at : min(end, self._end)], "")

    def with_answer(self, fields: list[AnswerField]) -> list[FieldTrace]:
        for item in fields:
            self.number(item.name, item.size, signed=item.signed)
        return self.finished()

    def finished(self) -> list[FieldTrace]:
        self.rest(self._end)
        if self._at < len(self._frame):
            good = len(self._frame) > CRC_SIZE and not crc_hqx(self._frame, 0)
            text = "good" if good else f"wrong, {crc_hqx(self._frame[: self._at], 0):04x} expected"
            self._add("crc", self._frame[self._at :], text)
        return self._found

    def _take(self, size: int) -> bytes:
        return self._frame[self._at : self._at + size]

    def _add(self, name: str, part: bytes, text: str) -> None:
        if part:
            self._found.append(FieldTrace(self._at, len(part), name, part.hex(), text))
            self._at += len(part)

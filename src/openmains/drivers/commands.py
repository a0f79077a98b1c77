# SPDX-License-Identifier: Apache-2.0
"""Downlink frames of a table page: the platform writes them, the (emulated) meter reads them (R4.1, R1.11).

A frame is ``magic version kind serial counter not_after · parameters · [MAC] · CRC``. What is before the MAC is the
*body* and is what the MAC is made over, so that neither the kind nor the serial number, the counter, the validity or a
parameter can be changed without the key. The meter's number is not in the frame: the key is that meter's alone.
This module makes no MAC and checks none: the key is the signer's and the meter's.
"""

from binascii import crc_hqx
from collections.abc import Callable, Mapping
from typing import Literal, cast

from openmains.drivers.model import Command, CommandError, CommandKind, CommandParam, EncodeError, Setting
from openmains.drivers.page import CRC_SIZE, CommandField, CommandTable

HEAD_SIZE = 16  # magic 2, version 1, kind 1, serial 4, counter 4, not_after 4
MAC_SIZE = 16  # HMAC-SHA256, first half
SETTING_SIZE = 5  # number u8, value i32
U32 = 0xFFFFFFFF


class _UnsignedError(Exception):
    """A setting that only a signed command may write."""


class CommandCodec:
    """Both directions of a page's command table."""

    __slots__ = ("_by_code", "_numbers", "order", "table")

    def __init__(self, table: CommandTable, order: str) -> None:
        self.table = table
        self.order: Literal["big", "little"] = "big" if order == "big" else "little"
        self._by_code = {kind.code: kind for kind in table.kinds.values()}
        self._numbers = {setting.number: setting for setting in table.settings.values()}

    # -- the platform's side ---------------------------------------------------------------------------------------

    def body(self, kind: str, params: Mapping[str, object], serial: int, counter: int, not_after: int) -> bytes:
        """See ``Driver.command_body``."""
        found = self.table.kinds.get(kind)
        if found is None:
            raise EncodeError(f"there is no command {kind}")
        known = {param.name for param in found.params}
        for name in params:
            if name not in known:
                raise EncodeError(f"{kind} has no parameter {name}")
        out = bytearray(self._uint(self.table.magic, 2) + bytes((self.table.version, found.code)))
        for name, value, least in (("serial", serial, 1), ("counter", counter, 0), ("not_after", not_after, 0)):
            if not least <= value <= U32:
                raise EncodeError(f"{name} is outside {least}..{U32}")
            out += self._uint(value, 4)
        given = self._given(found, params)
        for item in self.table.fields[kind]:
            self._write(out, item, given)
        return bytes(out)

    def frame(
        self,
        kind: str,
        params: Mapping[str, object],
        serial: int,
        counter: int,
        not_after: int,
        mac: Callable[[bytes], bytes] | None,
    ) -> bytes:
        """See ``Driver.command``."""
        body = self.body(kind, params, serial, counter, not_after)
        found = self.table.kinds[kind]
        if found.signed:
            tag = mac(body) if mac is not None else b""
            if len(tag) != MAC_SIZE:
                raise EncodeError(f"{kind} needs a MAC of {MAC_SIZE} bytes")
            body += tag
        frame = body + crc_hqx(body, 0).to_bytes(CRC_SIZE, "big")
        if len(frame) >= found.limit_bytes:
            raise EncodeError(f"{kind} would have {len(frame)} bytes; it has to stay under {found.limit_bytes}")
        return frame

    def _given(self, kind: CommandKind, params: Mapping[str, object]) -> dict[str, object]:
        """Every parameter with its value, checked."""
        found: dict[str, object] = {}
        for param in kind.params:
            value = params.get(param.name, param.default)
            if value is None:
                raise EncodeError(f"{kind.name} needs {param.name}")
            found[param.name] = self._checked(param, value, signed=kind.signed)
        for item in self.table.fields[kind.name]:
            if item.count is not None and len(cast("list[int]", found[item.name])) != found[item.count]:
                raise EncodeError(f"{item.name} has as many items as {item.count} says")
        return found

    def _checked(self, param: CommandParam, value: object, *, signed: bool) -> object:
        if param.form == "int":
            return _in_range(param, value)
        if param.form == "text" and isinstance(value, str) and value.isascii() and value.isprintable():
            _in_range(param, len(value))
            return value
        if value == 0 and param.form in ("settings", "names"):
            value = ()  # the default of a page is a number; here it means none
        if param.form == "settings" and isinstance(value, Mapping) and 0 < len(value) <= param.most:
            return dict(self._setting_value(name, number, signed=signed) for name, number in value.items())
        if isinstance(value, list | tuple) and len(value) <= param.most:
            if param.form == "list":
                return [_in_range(param, item) for item in value]
            if param.form == "names":
                return [self._setting(name).number for name in value]
        raise EncodeError(f"{param.name} is no {param.form} of at most {param.most}")

    def _setting_value(self, name: object, value: object, *, signed: bool) -> tuple[int, int]:
        """Number of a setting and the value it may take. ``signed``: by a command with a MAC."""
        setting = self._setting(name)
        if setting.signed is not signed:
            which = "moves a valve or money: only a signed command sets it" if setting.signed else "needs no signature"
            raise EncodeError(f"{name} {which}")
        if not isinstance(value, int) or isinstance(value, bool):
            raise EncodeError(f"{name} is an integer")
        if not setting.low <= value <= setting.high:
            raise EncodeError(f"{name} = {value} is outside {setting.low}..{setting.high}")
        return setting.number, value

    def _setting(self, name: object) -> Setting:
        if not isinstance(name, str) or name not in self.table.settings:
            raise EncodeError(f"there is no setting {name}")
        return self.table.settings[name]

    def _write(self, out: bytearray, item: CommandField, given: Mapping[str, object]) -> None:
        """Adds a parameter's bytes to the frame."""
        value = given[item.name]
        if item.form == "text":
            raw = cast("str", value).encode("ascii")
            out += bytes((len(raw),)) + raw
        elif item.form == "names":
            out += bytes((len(cast("list[int]", value)), *cast("list[int]", value)))
        elif item.form == "settings":
            pairs = cast("dict[int, int]", value)
            out.append(len(pairs))
            for number in sorted(pairs):
                out.append(number)
                out += pairs[number].to_bytes(4, self.order, signed=True)
        else:
            for number in cast("list[int]", value) if item.count else [cast("int", value)]:
                out += number.to_bytes(item.size, self.order, signed=item.signed)

    def _uint(self, value: int, size: int) -> bytes:
        return value.to_bytes(size, self.order)

    # -- the meter's side ------------------------------------------------------------------------------------------

    def read(self, frame: bytes) -> Command:
        """The frame's meaning; raises ``CommandError`` only."""
        if len(frame) < HEAD_SIZE + CRC_SIZE:
            raise CommandError("length")
        if int.from_bytes(frame[:2], self.order) != self.table.magic or frame[2] != self.table.version:
            raise CommandError("magic")
        if crc_hqx(frame, 0):
            raise CommandError("crc")
        serial, counter, not_after = (int.from_bytes(frame[at : at + 4], self.order) for at in (4, 8, 12))
        kind = self._by_code.get(frame[3])
        if kind is None:
            raise CommandError("unknown_kind", serial, frame[3])
        end = len(frame) - CRC_SIZE - (MAC_SIZE if kind.signed else 0)
        try:
            params = self._params(kind, frame[:end])
        except (IndexError, KeyError):
            raise CommandError("length", serial, kind.code) from None
        except EncodeError:
            raise CommandError("range", serial, kind.code) from None
        except _UnsignedError:
            raise CommandError("unsigned", serial, kind.code) from None
        mac = frame[end : end + MAC_SIZE] if kind.signed else None
        return Command(kind.name, params, serial, counter, not_after, frame[:end], mac)

    def _params(self, kind: CommandKind, body: bytes) -> dict[str, object]:
        """Parameters of a body. Raises ``IndexError`` where it is too short or too long, ``EncodeError`` out of range."""
        params: dict[str, object] = {}
        at = HEAD_SIZE
        for item in self.table.fields[kind.name]:
            prefix = 1 if item.form in ("text", "names", "settings") else 0
            count = body[at] if prefix else cast("int", params[item.count]) if item.count else 1
            size = count * (SETTING_SIZE if item.form == "settings" else 1 if prefix else item.size)
            part = body[at + prefix : at + prefix + size]
            if len(part) < size:
                raise IndexError
            params[item.name] = self._value(item, part)
            at += prefix + size
        if at != len(body):
            raise IndexError
        for param in kind.params:
            _bounds(param, params[param.name])
            if param.form == "settings" and not kind.signed:
                named = cast("dict[str, int]", params[param.name])
                if any(self.table.settings[name].signed for name in named):
                    raise _UnsignedError
        return params

    def _value(self, item: CommandField, part: bytes) -> object:
        """A parameter out of its bytes."""
        if item.form == "text":
            return part.decode("ascii", "replace")
        if item.form == "names":
            return [self._numbered(number).name for number in part]
        if item.form == "settings":
            return dict(
                self._numbered_value(part[at], part[at + 1 : at + SETTING_SIZE])
                for at in range(0, len(part), SETTING_SIZE)
            )
        numbers = [
            int.from_bytes(part[at : at + item.size], self.order, signed=item.signed)
            for at in range(0, len(part), item.size)
        ]
        return numbers if item.count else numbers[0]

    def _numbered_value(self, number: int, raw: bytes) -> tuple[str, int]:
        setting, value = self._numbered(number), int.from_bytes(raw, self.order, signed=True)
        if not setting.low <= value <= setting.high:
            raise EncodeError(setting.name)
        return setting.name, value

    def _numbered(self, number: int) -> Setting:
        setting = self._numbers.get(number)
        if setting is None:
            raise EncodeError(f"no setting {number}")
        return setting


def _in_range(param: CommandParam, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not param.low <= value <= param.high:
        raise EncodeError(f"{param.name} is an integer in {param.low}..{param.high}")
    return value


def _bounds(param: CommandParam, value: object) -> None:
    if param.form == "int":
        _in_range(param, value)
    elif param.form == "list":
        for item in cast("list[int]", value):
            _in_range(param, item)
    elif param.form == "text":
        _in_range(param, len(cast("str", value)))

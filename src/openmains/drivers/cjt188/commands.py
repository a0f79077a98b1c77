# SPDX-License-Identifier: Apache-2.0
"""What CJ/T 188-2004 lets a platform ask: read 901F, valve A017, clock A015. Unconfirmed against the standard's text.

A frame has neither counter, validity nor MAC, and its serial number SER is one byte: the protocol itself cannot keep a
command from acting twice or late, or from being forged. The limits of the platform (signer, quotas, validity in the
queue) still hold; the channel must be secured otherwise. Closed for safety the meter is only shut: that nobody opens it from
afar is held by the platform alone. The layouts of purchase (A013) and price (A010) differ between makers and are in no public
document, so these are not offered.
"""

from collections.abc import Mapping
from types import MappingProxyType

from openmains.drivers.model import CommandKind, CommandParam, EncodeError, Title
from openmains.wire.cjt188.data import (
    METERING,
    TIME,
    VALVE,
    VALVE_CLOSE,
    VALVE_OPEN,
    DataUnit,
    IdOrder,
    encode_time,
    encode_unit,
)
from openmains.wire.cjt188.frame import READ, WRITE, Frame, encode_frame
from openmains.wire.cjt188.wall import to_wall
from openmains.wire.errors import WireError

_ADDRESS = CommandParam("meter_number", "int", "", 0, 10**14 - 1, Title("表号", "Meter number, 14 digits at most"))
_AT = CommandParam("platform_at", "int", "instant", 0, 2**32 - 1, Title("平台时钟", "Clock of the platform"))
_REASON = CommandParam(
    "reason", "int", "", 1, 7, Title("原因", "Reason; not in the frame, and the meter keeps no lock")
)
_OFFSET = CommandParam("utc_offset_min", "int", "min", -840, 840, Title("时差", "Local time minus UTC"))


def _kind(name: str, code: int, zh: str, en: str, *params: CommandParam) -> CommandKind:
    return CommandKind(name, code, Title(zh, en), False, 40, (_ADDRESS, *params), confirmed=False)


KINDS: Mapping[str, CommandKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            _kind("read_now", READ, "点抄", "Read the register now"),
            _kind("valve_open", WRITE, "开阀", "Open the valve"),
            _kind("valve_close", WRITE, "关阀", "Close the valve"),
            _kind("safety_close", WRITE, "安全关阀", "Close for safety", _REASON),
            _kind("set_clock", WRITE, "校时", "Set the clock", _AT, _OFFSET),
        )
    }
)


def body(kind: str, params: Mapping[str, object], serial: int, meter_type: int, order: IdOrder) -> bytes:
    """The frame. Raises ``EncodeError``."""
    found = KINDS.get(kind)
    if found is None:
        raise EncodeError(f"CJ/T 188 has no command {kind} that we know the layout of")
    values: dict[str, int] = {}
    for param in found.params:
        value = params.get(param.name)
        if not isinstance(value, int) or isinstance(value, bool) or not param.low <= value <= param.high:
            raise EncodeError(f"{param.name} is an integer in {param.low}..{param.high}")
        values[param.name] = value
    if unknown := set(params) - set(values):
        raise EncodeError(f"{kind} has no parameter {min(unknown)}")
    identifier, payload = METERING, b""
    if kind in ("valve_open", "valve_close", "safety_close"):
        identifier, payload = VALVE, bytes((VALVE_OPEN if kind == "valve_open" else VALVE_CLOSE,))
    elif kind == "set_clock":
        identifier = TIME
        payload = encode_time(to_wall(values["platform_at"] + values["utc_offset_min"] * 60))
    try:
        data = encode_unit(DataUnit(identifier, serial & 0xFF, payload), order)
        return encode_frame(Frame(meter_type, f"{values['meter_number']:014d}", found.code, data))
    except WireError as bad:
        raise EncodeError(str(bad)) from None

# SPDX-License-Identifier: Apache-2.0
"""What CJ/T 188-2004 lets a platform ask: read 901F, valve A017, clock A015, price A010. Unconfirmed against the standard's text.

A frame has neither counter, validity nor MAC, and its serial number SER is one byte: the protocol itself cannot keep a
command from acting twice or late, or from being forged. The limits of the platform (signer, quotas, validity in the
queue) still hold; behind a DTU the edge looks before it writes and reads back (``wire/cjt188/acts.py``), and the channel must be secured
otherwise. Closed for safety the meter is only shut: that nobody opens it from afar is held by the platform alone. The price table is the
publicly described one (``wire/cjt188/price.py``): three prices in 0.01 CNY. The layout of purchase (A013) differs between makers and is in
no public document, so it is not offered.

``asked_of_untrusted`` reads such a frame again, for the edge that says it on a line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from openmains.drivers.model import CommandKind, CommandParam, EncodeError, Title
from openmains.wire.cjt188.data import (
    METERING,
    PRICE,
    TIME,
    VALVE,
    VALVE_CLOSE,
    VALVE_OPEN,
    DataUnit,
    IdOrder,
    decode_unit_untrusted,
    encode_time,
    encode_unit,
)
from openmains.wire.cjt188.frame import LAYER, READ, WRITE, Frame, decode_frame_untrusted, encode_frame
from openmains.wire.cjt188.price import PriceTable, decode_prices_untrusted, encode_prices
from openmains.wire.cjt188.wall import to_wall
from openmains.wire.errors import WireError

_ADDRESS = CommandParam(
    "meter_number", "int", "", 0, 10**14 - 1,
    Title("表号（0：登记的表号）", "Meter number, 14 digits at most; 0: the registered one"), default=0,
)  # fmt: skip
_AT = CommandParam("platform_at", "int", "instant", 0, 2**32 - 1, Title("平台时钟", "Clock of the platform"))
_REASON = CommandParam(
    "reason", "int", "", 1, 7, Title("原因", "Reason; not in the frame, and the meter keeps no lock")
)
_OFFSET = CommandParam("utc_offset_min", "int", "min", -840, 840, Title("时差", "Local time minus UTC"))
TIERS = 3
FEN = 100  # units of 0.0001 CNY in the 0.01 CNY in which the meter counts
_MOST_BCD = 999_999  # three bytes
_TIER_FROM = CommandParam(
    "tier_from", "list", "m3", 0, _MOST_BCD,
    Title("各阶梯起始量（3 个，首个为 0）", "Volume at which each of three tiers begins; the first is 0"), most=TIERS,
)  # fmt: skip
_PRICES = CommandParam(
    "prices", "list", "0.0001 CNY/m3", 0, _MOST_BCD * FEN,
    Title("各阶梯单价（3 个，精确到分）", "Price of each of three tiers, whole 0.01 CNY"), most=TIERS,
)  # fmt: skip
_FIRST_DAY = CommandParam("first_day", "int", "", 1, 31, Title("每月启用日", "Day of the month from which it holds"))


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
            _kind("set_price", WRITE, "设置价格", "Set the price", _TIER_FROM, _PRICES, _FIRST_DAY),
        )
    }
)


def body(
    kind: str, params: Mapping[str, object], serial: int, meter_type: int, order: IdOrder, utc_offset_s: int
) -> bytes:
    """The frame. ``utc_offset_s``: of the meters' clocks, as the page says it: by it they are read, so by no other are they set.
    Raises ``EncodeError``."""
    found = KINDS.get(kind)
    if found is None:
        raise EncodeError(f"CJ/T 188 has no command {kind} that we know the layout of")
    values: dict[str, int] = {}
    lists: dict[str, list[int]] = {}
    for param in found.params:
        value = params.get(param.name, param.default)
        if param.form == "list":
            lists[param.name] = _numbers(param, value)
        else:
            values[param.name] = _number(param, value)
    if unknown := set(params) - set(values) - set(lists):
        raise EncodeError(f"{kind} has no parameter {min(unknown)}")
    identifier, payload = METERING, b""
    if kind in ("valve_open", "valve_close", "safety_close"):
        identifier, payload = VALVE, bytes((VALVE_OPEN if kind == "valve_open" else VALVE_CLOSE,))
    elif kind == "set_clock":
        if values["utc_offset_min"] * 60 != utc_offset_s:
            raise EncodeError(
                f"utc_offset_min is {utc_offset_s // 60}: so the product's page reads these meters' clocks"
            )
        identifier = TIME
        payload = encode_time(to_wall(values["platform_at"] + utc_offset_s))
    try:
        if kind == "set_price":
            identifier, payload = PRICE, encode_prices(_table(values["first_day"], lists))
        data = encode_unit(DataUnit(identifier, serial & 0xFF, payload), order)
        return encode_frame(Frame(meter_type, f"{values['meter_number']:014d}", found.code, data))
    except WireError as bad:
        raise EncodeError(str(bad)) from None


def _number(param: CommandParam, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not param.low <= value <= param.high:
        raise EncodeError(f"{param.name} is an integer in {param.low}..{param.high}")
    return value


def _numbers(param: CommandParam, value: object) -> list[int]:
    if not isinstance(value, list | tuple) or len(value) != param.most:
        raise EncodeError(f"{param.name} is a list of {param.most} integers")
    return [_number(param, each) for each in value]


def _table(first_day: int, lists: Mapping[str, list[int]]) -> PriceTable:
    first, *bounds = lists["tier_from"]
    if first:
        raise EncodeError("tier_from begins with 0")
    if odd := [price for price in lists["prices"] if price % FEN]:
        raise EncodeError(f"prices: the meter counts in 0.01 CNY, {odd[0]} is no multiple of {FEN}")
    one, two, three = (price // FEN for price in lists["prices"])
    low, high = bounds
    return PriceTable((one, two, three), (low, high), first_day)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command's frame as an edge says it on a line. ``valve``: True: open it; ``prices``: of ``set_price``. ``address``: 14 digits,
    zeros where the frame leaves it to the registry."""

    kind: str
    address: str
    valve: bool | None = None
    prices: PriceTable | None = None


def asked_of_untrusted(kind: str, frame: bytes, order: IdOrder) -> Asked:
    """What a frame made by ``body`` asks. Raises ``WireError`` for one that is none, or is not of this kind."""
    read = decode_frame_untrusted(frame)
    found = KINDS.get(kind)
    unit = decode_unit_untrusted(read.data, order)
    wanted = {"read_now": METERING, "set_clock": TIME, "set_price": PRICE}.get(kind, VALVE)
    if found is None or read.control != found.code or unit.identifier != wanted:
        raise WireError(LAYER, 0, f"no frame of {kind}")
    if wanted == PRICE:
        return Asked(kind, read.address, prices=decode_prices_untrusted(unit.payload))
    if wanted != VALVE:
        return Asked(kind, read.address)
    valve = {bytes((VALVE_OPEN,)): True, bytes((VALVE_CLOSE,)): False}.get(unit.payload)
    if valve is None or valve is not (kind == "valve_open"):
        raise WireError(LAYER, 0, f"no frame of {kind}")
    return Asked(kind, read.address, valve=valve)

# SPDX-License-Identifier: Apache-2.0
"""What a platform asks of a Modbus device: read now, and of one whose page names its valve: open it, shut it.

A command is the frame of RTU that asks first: a read of the plan's first block, or the write to the valve's register. It says unit 0, which on
a line would be everyone: it never stands on one. The edge that has the line knows the device, holds the frame against the device's page,
and says it in its own framing, with a look before and a look after (``wire/modbus/acts.py``). Neither counter, validity nor MAC is in it: the
platform's limits hold (signer, quotas, validity in the queue), and the channel is secured otherwise (ADR 0035).
"""

from collections.abc import Mapping
from types import MappingProxyType

from openmains.drivers.dialect.page import Poll
from openmains.drivers.model import CommandKind, CommandParam, EncodeError, FieldTrace, Title
from openmains.wire.errors import WireError
from openmains.wire.modbus.acts import Block, ValveControl
from openmains.wire.modbus.frame import LAYER, Read, Write, decode_rtu_untrusted, encode_rtu

NOBODY = 0  # the unit of a frame that leaves it to the registry
_REASON = CommandParam(
    "reason", "int", "", 1, 7, Title("原因", "Reason; not in the frame, and the meter keeps no lock")
)
VALVE_KINDS = ("valve_open", "valve_close", "safety_close")


def kinds_of(poll: Poll | None) -> Mapping[str, CommandKind]:
    """By name; none where the page has no plan, for then its meters speak of their own accord."""
    if poll is None:
        return MappingProxyType({})
    told: list[tuple[str, int, Title, tuple[CommandParam, ...]]] = [
        ("read_now", int(poll.blocks[0].function), Title("点抄", "Read the register now"), ())
    ]
    if poll.valve is not None:
        code = int(poll.valve.function)
        if poll.valve.opens is not None:
            told.append(("valve_open", code, Title("开阀", "Open the valve"), ()))
        told.append(("valve_close", code, Title("关阀", "Close the valve"), ()))
        told.append(("safety_close", code, Title("安全关阀", "Close for safety"), (_REASON,)))
    return MappingProxyType(
        {name: CommandKind(name, code, title, False, 40, params, confirmed=False) for name, code, title, params in told}
    )


def _asks(kind: str, blocks: tuple[Block, ...], valve: ValveControl | None) -> Read | Write:
    """Raises ``ValueError``."""
    if kind == "read_now":
        return Read(blocks[0].function, blocks[0].address, blocks[0].count)
    if valve is None or kind not in VALVE_KINDS:
        raise ValueError(f"no command {kind}")
    return valve.write(kind == "valve_open")


def body(poll: Poll | None, kind: str, params: Mapping[str, object]) -> bytes:
    """The frame; raises ``EncodeError``."""
    found = kinds_of(poll).get(kind)
    if found is None or poll is None:
        raise EncodeError(f"the page says no command {kind}")
    if unknown := set(params) - {param.name for param in found.params}:
        raise EncodeError(f"{kind} has no parameter {min(unknown)}")
    for param in found.params:
        value = params.get(param.name)
        if not isinstance(value, int) or isinstance(value, bool) or not param.low <= value <= param.high:
            raise EncodeError(f"{param.name} is an integer in {param.low}..{param.high}")
    return encode_rtu(NOBODY, _asks(kind, poll.blocks, poll.valve))


def check_untrusted(kind: str, frame: bytes, blocks: tuple[Block, ...], valve: ValveControl | None) -> None:
    """Whether a frame made by ``body`` asks what the page of as now says of this kind. Raises ``WireError`` for any other."""
    read = decode_rtu_untrusted(frame, question=True)
    try:
        wanted = _asks(kind, blocks, valve)
    except ValueError:
        raise WireError(LAYER, 0, f"no frame of {kind}") from None
    if read.unit != NOBODY or read.message != wanted:
        raise WireError(LAYER, 0, f"no frame of {kind}")


def explain(frame: bytes) -> list[FieldTrace]:
    """A command field by field; [] where it is none."""
    try:
        message = decode_rtu_untrusted(frame, question=True).message
    except WireError:
        return []
    if not isinstance(message, Read | Write):
        return []
    parts = [("unit", 1), ("function", 1), ("address", 2)]
    if isinstance(message, Read):
        parts.append(("count", 2))
    else:
        many = len(frame) - 8
        parts += [("count", 2), ("size", 1), ("value", many - 1)] if many else [("value", 2)]
    traces: list[FieldTrace] = []
    at = 0
    for name, size in [*parts, ("crc", 2)]:
        part = frame[at : at + size]
        text = "good" if name == "crc" else "the registered one" if name == "unit" and not part[0] else ""
        traces.append(FieldTrace(at, size, name, part.hex(), text or str(int.from_bytes(part, "big"))))
        at += size
    return traces

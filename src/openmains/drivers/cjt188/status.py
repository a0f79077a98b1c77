# SPDX-License-Identifier: Apache-2.0
"""The two status bytes written: valve and events as the options of a page place them. Reading them is column-wise."""

from collections.abc import Mapping

from openmains.drivers.cjt188.options import Options, StatusBits
from openmains.drivers.model import EncodeError


def status_bytes(options: Options, status: int, values: Mapping[str, object]) -> bytes:
    """``status`` with the bits of ``valve`` and ``events`` made to say what ``values`` says of them, if anything."""
    raw = bytearray(status.to_bytes(2, "big"))
    valve, events = values.get("valve"), values.get("events")
    if options.valve is not None and isinstance(valve, int):
        _set_valve(raw, options.valve, valve)
    if isinstance(events, list | tuple | set | frozenset):
        for name in events:
            if name not in options.events:
                raise EncodeError(f"the status cannot carry {name}")
        for name, bits in options.events.items():
            _set_event(raw, bits, name in events)
    return bytes(raw)


def _set_valve(raw: bytearray, bits: StatusBits, valve: int) -> None:
    now = raw[bits.byte] & bits.mask
    if valve < 2:
        now = bits.values[valve]
    elif now in bits.values:  # fault or unknown: any other value, all ones where that is free
        now = next(v for v in range(255, -1, -1) if v & ~bits.mask == 0 and v not in bits.values)
    raw[bits.byte] = raw[bits.byte] & ~bits.mask | now


def _set_event(raw: bytearray, bits: StatusBits, active: bool) -> None:
    (while_active,) = bits.values
    if (raw[bits.byte] & bits.mask == while_active) != active:
        inactive = next(v for v in range(256) if v & bits.mask == v and v != while_active)
        raw[bits.byte] = raw[bits.byte] & ~bits.mask | (while_active if active else inactive)

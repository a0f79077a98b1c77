# SPDX-License-Identifier: Apache-2.0
"""Which concentrators and DTUs there are, and which meters each of them may speak for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from openmains.app.fleet.identities import Identity
from openmains.domain.fleet.frame_number import wire_number
from openmains.domain.ids import TenantId
from openmains.drivers.catalog import Driver
from openmains.drivers.cjt188.hook import Cjt188Driver
from openmains.drivers.cjt188.options import CarrierOption
from openmains.drivers.dialect.hook import DialectDriver
from openmains.drivers.dialect.page import UNIT_DIGITS
from openmains.wire.cjt188.acts import LineMeter
from openmains.wire.cjt188.data import IdOrder
from openmains.wire.cjt188.dialect import Dialect
from openmains.wire.modbus.acts import Device
from openmains.wire.modbus.poll import UNITS

ADDRESS_DIGITS = 14  # of a CJ/T 188 meter
TYPES = {"water": 0x10, "gas": 0x30}


@dataclass(frozen=True, slots=True)
class LinePlace:
    """A meter on a concentrator's line, and how to ask it: by CJ/T 188 or Modbus. ``utc_offset_s``: its wall clock minus UTC."""

    meter: LineMeter | Device
    identity: Identity
    utc_offset_s: int = 0
    carrier: CarrierOption | None = None


@dataclass(frozen=True, slots=True)
class Concentrator:
    """``number``: 16 digits, by which it registers. ``meters``: by number, 16 digits each. ``line``: those that the platform itself asks, every
    ``poll_s``, by address. ``unasked``: meters of its line that cannot be asked, by number, and why."""

    number: str
    tenant_id: TenantId
    meters: Mapping[str, Identity] = field(default_factory=dict)
    line: Mapping[str, LinePlace] = field(default_factory=dict)
    poll_s: int = 3600
    unasked: Mapping[str, str] = field(default_factory=dict)


def is_modbus(known: Concentrator) -> bool:
    """A line speaks one protocol: Modbus where all its devices do. On a mixed one CJ/T 188 is spoken."""
    return bool(known.line) and all(isinstance(place.meter, Device) for place in known.line.values())


class Directory(Protocol):
    """The concentrators of all utilities, in memory."""

    def find(self, number: str) -> Concentrator | None:
        """The one with this number; None for a stranger."""
        ...


def line_place(number: str, driver: Driver, identity: Identity) -> LinePlace | None:
    """A meter of this product on a line; None where it is not asked: another protocol, or a number with letters."""
    if isinstance(driver, DialectDriver):
        device = device_of(number, driver)
        return None if device is None else LinePlace(device, identity)
    meter = line_meter(number, driver)
    if meter is None or not isinstance(driver, Cjt188Driver):
        return None
    return LinePlace(meter, identity, driver.options.utc_offset_s, driver.options.carrier)


def is_asked(driver: Driver) -> bool:
    """Whether a meter of this product is asked on its line, if its number allows it."""
    return driver.dialect.poll is not None if isinstance(driver, DialectDriver) else isinstance(driver, Cjt188Driver)


def device_of(number: str, driver: DialectDriver) -> Device | None:
    """How a device of this product is asked over Modbus; None where its page does not say it, or its number ends in no unit."""
    poll = driver.dialect.poll
    if poll is None:
        return None
    digits = number[-UNIT_DIGITS:]
    unit = poll.unit if poll.unit is not None else int(digits) if digits.isascii() and digits.isdigit() else 0
    return Device(unit, poll.blocks, poll.over_tcp, poll.valve) if unit in UNITS else None


def line_meter(number: str, driver: Driver) -> LineMeter | None:
    """How a meter of this product is asked on a CJ/T 188 line; None where it is not: another protocol, or a number with letters."""
    address = wire_number(number, ADDRESS_DIGITS)
    if not isinstance(driver, Cjt188Driver) or not address or driver.medium not in TYPES:
        return None
    options = driver.options
    order: IdOrder = "low-first" if options.id_order == "low-first" else "high-first"
    if (valve := options.valve) is None:
        return LineMeter(TYPES[driver.medium], address, Dialect(order))
    opened, closed = valve.values
    return LineMeter(TYPES[driver.medium], address, Dialect(order, valve.byte, valve.mask, opened, closed))

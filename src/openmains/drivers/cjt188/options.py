# SPDX-License-Identifier: Apache-2.0
"""What implementations of CJ/T 188-2004 disagree about, as options of a page (``docs/protocols/cjt188.md``)."""

from dataclasses import dataclass
from typing import Any, NoReturn

from openmains.drivers.errors import DriverPageError
from openmains.drivers.page import Page

ID_ORDERS = ("high-first", "low-first", "any")
CLOCK_ANSWERS = ("none", "write-time")


@dataclass(slots=True, frozen=True)
class StatusBits:
    """A field of the two status bytes: the values that mean the first, second … state."""

    byte: int
    mask: int
    values: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class Options:
    """Checked options."""

    id_order: str
    clock_answer: str
    utc_offset_s: int  # the meter's wall clock minus UTC
    units: dict[int, int]  # unit code → factor from the dial's count to the driver's unit
    valve: StatusBits | None  # values of open, closed
    events: dict[str, StatusBits]  # event → value while active


def read_options(page: Page) -> Options:
    """Options of a page; raises ``DriverPageError``."""

    def fail(why: str) -> NoReturn:
        raise DriverPageError(page.file, page.option_line, why)

    given = page.options
    known = {"id_order", "clock_answer", "utc_offset_min", "units", "valve", "events"}
    if set(given) - known:
        fail(f"unknown option {', '.join(sorted(set(given) - known))}")
    id_order, clock_answer = given.get("id_order"), given.get("clock_answer")
    offset_min = given.get("utc_offset_min")
    if id_order not in ID_ORDERS:
        fail(f"id_order is one of {', '.join(ID_ORDERS)}")
    if clock_answer not in CLOCK_ANSWERS:
        fail(f"clock_answer is one of {', '.join(CLOCK_ANSWERS)}")
    if not isinstance(offset_min, int) or not -14 * 60 <= offset_min <= 14 * 60:
        fail("utc_offset_min is a number of minutes, -840..840")
    units: dict[int, int] = {}
    for name in ("units", "valve", "events"):
        if not isinstance(given.get(name, {}), dict):
            fail(f"{name} is a table")
    for code, exponent in given.get("units", {}).items():
        if (
            len(code) != 2
            or set(code.upper()) - set("0123456789ABCDEF")
            or not isinstance(exponent, int)
            or not page.unit_exponent <= exponent <= 3
        ):
            fail(f"unit {code!r} needs two hex digits and an exponent that is not below unit_exponent")
        units[int(code, 16)] = 10 ** (exponent - page.unit_exponent)
    if not units:
        fail("units are missing")
    valve = _bits(given["valve"], ("open", "closed"), fail) if "valve" in given else None
    events = {name: _bits(entry, ("active",), fail) for name, entry in given.get("events", {}).items()}
    return Options(str(id_order), str(clock_answer), offset_min * 60, units, valve, events)


def _bits(entry: Any, states: tuple[str, ...], fail: Any) -> StatusBits:
    if (
        not isinstance(entry, dict)
        or set(entry) != {"byte", "mask", *states}
        or not all(isinstance(v, int) for v in entry.values())
    ):
        fail(f"status bits need byte, mask, {', '.join(states)}")
    if entry["byte"] not in (0, 1) or not 0 < entry["mask"] < 256:
        fail("byte is 0 or 1, mask 0x01..0xFF")
    values = tuple(entry[state] for state in states)
    if any(value & ~entry["mask"] for value in values) or len(set(values)) < len(values):
        fail("the states must differ and lie inside the mask")
    if len(states) == 2 and entry["mask"].bit_count() < 2:
        fail("a valve needs two bits: open, closed, and at least one value for a fault")
    return StatusBits(entry["byte"], entry["mask"], values)

# SPDX-License-Identifier: Apache-2.0
"""``[poll]`` of a dialect page: which registers its devices are asked for, and how; which one moves the valve, and which one shows it."""

from typing import NotRequired, TypedDict

from openmains.domain.fleet.device_kind import DeviceKind
from openmains.drivers.dialect.page import UNIT_DIGITS, Poll
from openmains.drivers.page import Page
from openmains.drivers.page_reader import PageReader
from openmains.wire.modbus.acts import Block, ValveControl
from openmains.wire.modbus.frame import MOST_READ, READS, Function
from openmains.wire.modbus.poll import UNITS

FRAMINGS = ("modbus-rtu", "modbus-tcp")
MOST_BLOCKS = 16
MOST_WAIT_S = 60
_WORD = range(0x10000)


class _PollEntry(TypedDict):
    protocol: str
    blocks: list[object]
    unit: NotRequired[int]
    valve: NotRequired[dict[str, object]]


class _ValveEntry(TypedDict):
    write: dict[str, object]
    look: dict[str, object]
    close: int
    mask: int
    is_open: int
    is_closed: int
    open: NotRequired[int]
    wait_s: NotRequired[int]


class _RegisterEntry(TypedDict):
    function: int
    address: int


class _BlockEntry(TypedDict):
    function: int
    address: int
    count: int


def read_poll(reader: PageReader, page: Page) -> Poll | None:
    """None where the page has none: its meters speak of their own accord. Raises ``DriverPageError``."""
    if "poll" not in reader.data:
        return None
    entry = reader.section(_PollEntry, "poll")
    if entry["protocol"] not in FRAMINGS:
        reader.fail(reader.place("poll", "protocol"), f"protocol is one of {', '.join(FRAMINGS)}")
    if "unit" in entry and entry["unit"] not in UNITS:
        reader.fail(
            reader.place("poll", "unit"),
            f"unit is 1..247; left out, it is the last {UNIT_DIGITS} digits of the meter's number",
        )
    blocks: list[Block] = []
    for index, raw in enumerate(entry["blocks"]):
        block = reader.checked(_BlockEntry, raw, "poll", "blocks", index)
        place = reader.place("poll", "blocks", index)
        if block["function"] not in set(READS):
            reader.fail(place, "function is 3 (holding registers) or 4 (input registers)")
        if not 1 <= block["count"] <= MOST_READ or not 0 <= block["address"] <= 0x10000 - block["count"]:
            reader.fail(place, f"1..{MOST_READ} registers of 0..65535")
        found = Block(Function(block["function"]), block["address"], block["count"])
        alike = [one for one in blocks if (one.function, one.count) == (found.function, found.count)]
        if alike and entry["protocol"] == "modbus-rtu":
            # an RTU answer names no address: a late one to the first would be taken for the second's
            reader.fail(
                place,
                f"a block of as many registers by the same function is read at {alike[0].address}; read one more or fewer here",
            )
        blocks.append(found)
    if not 1 <= len(blocks) <= MOST_BLOCKS:
        reader.fail(reader.place("poll", "blocks"), f"1..{MOST_BLOCKS} blocks of registers")
    valve = _valve(reader, page, blocks, is_rtu=entry["protocol"] == "modbus-rtu") if "valve" in entry else None
    return Poll(entry["protocol"] == "modbus-tcp", entry.get("unit"), tuple(blocks), valve)


def _valve(reader: PageReader, page: Page, blocks: list[Block], *, is_rtu: bool) -> ValveControl:
    path = ("poll", "valve")
    entry = reader.section(_ValveEntry, *path)
    if page.kind is not DeviceKind.METER:
        reader.fail(reader.place(*path), "a monitor has no valve: its product is no meter")
    write = reader.checked(_RegisterEntry, entry["write"], *path, "write")
    look = reader.checked(_RegisterEntry, entry["look"], *path, "look")
    if write["function"] not in (Function.WRITE_ONE, Function.WRITE_MANY) or write["address"] not in _WORD:
        reader.fail(reader.place(*path, "write"), "function is 6 (one register) or 16, address 0..65535")
    if look["function"] not in set(READS) or look["address"] not in _WORD:
        reader.fail(reader.place(*path, "look"), "function is 3 (holding register) or 4 (input), address 0..65535")
    seen = Block(Function(look["function"]), look["address"], 1)
    alike = [one for one in blocks if (one.function, one.count) == (seen.function, 1) and one.address != seen.address]
    if alike and is_rtu:
        reader.fail(
            reader.place(*path, "look"),
            f"one register by the same function is read at {alike[0].address} too, and an answer names no address; read two there",
        )
    if page.medium == "gas" and "open" in entry:
        reader.fail(reader.place(*path, "open"), "gas is let in again by a person at the meter: leave open out")
    states = (entry["is_open"], entry["is_closed"])
    if entry["mask"] not in _WORD or any(state & ~entry["mask"] for state in states) or states[0] == states[1]:
        reader.fail(reader.place(*path, "mask"), "is_open and is_closed differ and lie inside the mask, 0x0001..0xFFFF")
    told = [entry["close"], *([entry["open"]] if "open" in entry else [])]
    if any(value not in _WORD for value in told) or len(set(told)) < len(told):
        reader.fail(reader.place(*path), "open and close are two different values of 0..65535")
    wait_s = entry.get("wait_s", 2)
    if not 1 <= wait_s <= MOST_WAIT_S:
        reader.fail(reader.place(*path, "wait_s"), f"wait_s is 1..{MOST_WAIT_S} seconds between two looks")
    return ValveControl(
        Function(write["function"]),
        write["address"],
        entry.get("open"),
        entry["close"],
        seen,
        entry["mask"],
        *states,
        wait_s * 1000,
    )

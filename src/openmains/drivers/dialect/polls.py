# SPDX-License-Identifier: Apache-2.0
"""``[poll]`` of a dialect page: which registers its devices are asked for, and how."""

from typing import NotRequired, TypedDict

from openmains.drivers.dialect.page import UNIT_DIGITS, Poll
from openmains.drivers.page_reader import PageReader
from openmains.wire.modbus.frame import MOST_READ, READS, Function
from openmains.wire.modbus.poll import UNITS, Block

FRAMINGS = ("modbus-rtu", "modbus-tcp")
MOST_BLOCKS = 16


class _PollEntry(TypedDict):
    protocol: str
    blocks: list[object]
    unit: NotRequired[int]


class _BlockEntry(TypedDict):
    function: int
    address: int
    count: int


def read_poll(reader: PageReader) -> Poll | None:
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
    return Poll(entry["protocol"] == "modbus-tcp", entry.get("unit"), tuple(blocks))

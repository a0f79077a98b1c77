# SPDX-License-Identifier: Apache-2.0
"""What a master does with a CJ/T 188 meter, each as a list of questions: read, read address, valve, clock, price.

Theory: an answer to a write says that the frame came, and a missing one says nothing. So nothing here is done because a write was
answered: it is **confirmed** when reading back shows it, whether the write was answered or not, and **contradicted** when reading back
shows something else. A write that was refused is not looked at again.

A frame has neither counter nor validity, so what keeps a command from acting twice or too late is here: ``look_first`` writes nothing
where it is so already – a command that comes again, for nobody knows what became of it, acts once –, and ``may_write`` is asked when its
turn on the line has come, and just before each write.

An act is a generator: it yields ``Question`` and is sent the ``Reply`` to it; what it returns is the ``Result``. It knows no clock and no line;
``line.py`` has both.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from openmains.wire.cjt188.data import (
    ADDRESS,
    METERING,
    PRICE,
    TIME,
    VALVE,
    VALVE_CLOSE,
    VALVE_OPEN,
    DataUnit,
    Metering,
    decode_metering_untrusted,
    decode_unit_untrusted,
    encode_time,
    encode_unit,
)
from openmains.wire.cjt188.dialect import STANDARD, Dialect, Valve
from openmains.wire.cjt188.frame import ANY_TYPE, BROADCAST, READ, READ_ADDRESS, WRITE, Frame
from openmains.wire.cjt188.price import PRICE_TABLE, PriceTable, decode_prices_untrusted, encode_prices
from openmains.wire.cjt188.wall import to_wall, wall_seconds_of
from openmains.wire.errors import WireError
from openmains.wire.outcome import ALREADY, MayWrite, Outcome, always

LOOKS = 5  # at a valve that is on its way
CLOCK_TOLERANCE_S = 3
CLOCK_WRITES = 3  # a question that is asked again has its time in it still, so a clock set by a repeat is set anew


@dataclass(frozen=True, slots=True)
class LineMeter:
    """Where a meter is on its line: type (10–19 water, 20–29 heat, 30–39 gas, hex), 14 digits, its maker's ways."""

    meter_type: int
    address: str
    dialect: Dialect = STANDARD


@dataclass(frozen=True, slots=True)
class Question:
    """A question, after ``wait_ms``. ``make(serial)`` gives its frame. ``silent``: nobody answers it (a write to everyone)."""

    make: Callable[[int], Frame]
    wait_ms: int = 0
    silent: bool = False
    preamble: int = 4


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it. ``answer`` None: nothing. ``elapsed_ms``: since the act began."""

    answer: Frame | None
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Result:
    """``answer``: the frame that decided. ``metering``, ``address``, ``prices``: what it said. ``detail``: why not, in fixed words."""

    outcome: Outcome
    answer: Frame | None = None
    metering: Metering | None = None
    address: str = ""
    prices: PriceTable | None = None
    detail: str = ""


Act = Generator[Question, Reply, Result]


def read(meter: LineMeter) -> Act:
    """The register, 901F."""
    reply = yield _ask(meter, READ, METERING)
    return _metering_of(meter, reply)


def read_address(meter_type: int = ANY_TYPE, dialect: Dialect = STANDARD) -> Act:
    """Who is there? For a line with one meter: several answer at once, and none of them is understood."""
    reply = yield _ask(LineMeter(meter_type, BROADCAST, dialect), READ_ADDRESS, ADDRESS)
    if reply.answer is None:
        return Result(Outcome.UNANSWERED)
    if reply.answer.is_error:
        return Result(Outcome.REFUSED, reply.answer)
    if reply.answer.address == BROADCAST:
        return Result(Outcome.MALFORMED, reply.answer, detail="address")
    return Result(Outcome.DONE, reply.answer, address=reply.answer.address)


def set_valve(
    meter: LineMeter,
    wanted: Valve,
    looks: int = LOOKS,
    *,
    look_first: bool = False,
    may_write: MayWrite = always,
) -> Act:
    """Open or close, and look until it is so. A valve that is still on its way after ``looks`` is not done."""
    if wanted is Valve.UNKNOWN:
        raise ValueError("a valve is opened or closed")
    if look_first or not may_write():
        wait_ms = 0
        for _ in range(looks):  # one on its way may have been told already, before somebody was killed
            before = _metering_of(meter, (yield _ask(meter, READ, METERING, wait_ms=wait_ms)))
            if before.metering is None:
                return before
            stands = meter.dialect.valve(before.metering.status)
            if stands is wanted:
                return replace(before, detail=ALREADY)
            if stands is not Valve.UNKNOWN:
                break
            wait_ms = meter.dialect.valve_wait_ms
        if not may_write():
            return replace(before, outcome=Outcome.WITHHELD, detail="")
    payload = bytes((VALVE_OPEN if wanted is Valve.OPEN else VALVE_CLOSE,))
    reply = yield _ask(meter, WRITE, VALVE, payload)
    if (refused := _refused(reply)) is not None:
        return refused
    last = Result(Outcome.UNANSWERED)
    for _ in range(looks):
        found = _metering_of(meter, (yield _ask(meter, READ, METERING, wait_ms=meter.dialect.valve_wait_ms)))
        if found.metering is None:
            last = found if last.metering is None else last
            continue
        stands = meter.dialect.valve(found.metering.status)
        if stands is wanted:
            return found
        last = replace(found, outcome=Outcome.CONTRADICTED, detail=f"valve {stands.value}")
    return last


def set_clock(
    meter: LineMeter,
    wall_s: Callable[[int], int],
    tolerance_s: int = CLOCK_TOLERANCE_S,
    *,
    may_write: MayWrite = always,
) -> Act:
    """Set the clock and read it back. ``wall_s(elapsed_ms)``: the meter's wall clock, in seconds since 1970, so long after the act began.

    An answer may be as old as its question: of that, up to ``tolerance_s`` is allowed for. A question that is asked again has its time in
    it still. So where one took longer than ``tolerance_s`` and the clock is off, it is told the time anew; where none did, it is contradicted.
    """
    wrote, began_ms = False, 0
    for left in reversed(range(CLOCK_WRITES)):
        write_ms = 0
        if may_write():
            wrote = True
            reply = yield _ask(meter, WRITE, TIME, encode_time(to_wall(wall_s(began_ms))))
            if (refused := _refused(reply)) is not None:
                return refused
            write_ms, began_ms = reply.elapsed_ms - began_ms, reply.elapsed_ms
        reply = yield _ask(meter, READ, METERING)
        read_ms, began_ms = reply.elapsed_ms - began_ms, reply.elapsed_ms
        found = _metering_of(meter, reply)
        if found.metering is None:
            return found
        wrong = Outcome.CONTRADICTED if wrote else Outcome.WITHHELD
        if found.metering.time is None:
            return replace(found, outcome=wrong, detail="time not set")
        off_s = wall_seconds_of(found.metering.time) - wall_s(reply.elapsed_ms)
        if -tolerance_s - min(read_ms // 1000, tolerance_s) <= off_s <= tolerance_s:
            return found
        if not left or not may_write() or max(write_ms, read_ms) <= 1000 * tolerance_s:
            break
    return replace(found, outcome=wrong, detail="clock is off")


def broadcast_clock(meter_type: int, wall_s: int, dialect: Dialect = STANDARD) -> Act:
    """Everyone's clock at once. Nobody answers: what came of it is in the readings that follow."""
    yield _ask(LineMeter(meter_type, BROADCAST, dialect), WRITE, TIME, encode_time(to_wall(wall_s)), silent=True)
    return Result(Outcome.SENT)


def set_prices(meter: LineMeter, table: PriceTable, *, look_first: bool = False, may_write: MayWrite = always) -> Act:
    """Write a price table and read it back [?]."""
    if look_first or not may_write():
        before = _prices_of(meter, (yield _ask(meter, READ, PRICE_TABLE)))
        if before.prices == table:
            return replace(before, detail=ALREADY)
        if before.answer is None:
            return before
        if not may_write():
            return replace(before, outcome=Outcome.WITHHELD, detail="")
    reply = yield _ask(meter, WRITE, PRICE, encode_prices(table))
    if (refused := _refused(reply)) is not None:
        return refused
    found = _prices_of(meter, (yield _ask(meter, READ, PRICE_TABLE)))
    if found.prices is not None and found.prices != table:
        return replace(found, outcome=Outcome.CONTRADICTED, detail="other prices")
    return found


def _prices_of(meter: LineMeter, reply: Reply) -> Result:
    if (answer := reply.answer) is None:
        return Result(Outcome.UNANSWERED)
    if answer.is_error:
        return Result(Outcome.UNANSWERED, answer, detail="the meter does not tell its prices")
    try:
        found = decode_prices_untrusted(decode_unit_untrusted(answer.data, meter.dialect.id_order).payload)
    except WireError as bad:
        return Result(Outcome.MALFORMED, answer, detail=bad.reason)
    return Result(Outcome.DONE, answer, prices=found)


def _ask(
    meter: LineMeter, control: int, identifier: int, payload: bytes = b"", *, wait_ms: int = 0, silent: bool = False
) -> Question:
    def make(serial: int) -> Frame:
        data = encode_unit(DataUnit(identifier, serial & 0xFF, payload), meter.dialect.id_order)
        return Frame(meter.meter_type, meter.address, control, data)

    return Question(make, wait_ms, silent, meter.dialect.preamble)


def _refused(reply: Reply) -> Result | None:
    if reply.answer is not None and reply.answer.is_error:
        return Result(Outcome.REFUSED, reply.answer)
    return None


def _metering_of(meter: LineMeter, reply: Reply) -> Result:
    if (answer := reply.answer) is None:
        return Result(Outcome.UNANSWERED)
    if answer.is_error:
        return Result(Outcome.REFUSED, answer)
    try:
        unit = decode_unit_untrusted(answer.data, meter.dialect.id_order)
        return Result(Outcome.DONE, answer, decode_metering_untrusted(unit.payload))
    except WireError as bad:
        return Result(Outcome.MALFORMED, answer, detail=bad.reason)

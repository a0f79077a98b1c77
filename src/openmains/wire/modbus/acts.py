# SPDX-License-Identifier: Apache-2.0
"""What a master does with a Modbus device, each as a list of questions: read its plan, open or shut its valve.

Registers say no more of themselves than those of CJ/T 188 frames do: no counter, no validity, no proof. So the same holds as there
(``wire/cjt188/acts.py``): look, write, look. Where it is so already nothing is written, just before a write ``may_write`` is asked, and
what counts is what the register shows afterwards – not the answer to the write, and not the register that was written, where the page
names another one that tells how the valve stands.

An act is a generator: it yields ``Request`` and is sent what was answered, None for nothing; it returns the ``Result``. It knows no
clock, unit, framing or line; ``poll.py`` has these.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace

from openmains.wire.crc import CRC16_MODBUS
from openmains.wire.modbus.frame import Function, Message, Read, Refusal, Registers, Write, encode_pdu
from openmains.wire.outcome import ALREADY, MayWrite, Outcome, always

LOOKS = 15  # at a valve that is on its way, ``wait_ms`` apart
ACKNOWLEDGED = 5  # the exception that says: it is being done, and takes long


@dataclass(frozen=True, slots=True)
class Block:
    """``count`` registers from ``address``, by function 3 (holding) or 4 (input)."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class ValveControl:
    """How a device's valve is moved, and seen: ``opens`` and ``shuts`` are what is written, by function 6 or 16; ``look`` is one register, of
    which the bits of ``mask`` are ``is_open`` or ``is_shut``, and anything else while it moves. ``opens`` None: nobody opens it from afar.
    """

    function: Function
    address: int
    opens: int | None
    shuts: int
    look: Block
    mask: int
    is_open: int
    is_shut: int
    wait_ms: int = 2_000

    def write(self, wanted_open: bool) -> Write:
        """The question; raises ``ValueError`` for one that nobody may ask."""
        value = self.opens if wanted_open else self.shuts
        if value is None:
            raise ValueError("this valve is not opened from afar")
        return Write(self.function, self.address, (value,))

    def stands_open(self, register: int) -> bool | None:
        """None: on its way, or nobody knows."""
        return {self.is_open: True, self.is_shut: False}.get(register & self.mask)


@dataclass(frozen=True, slots=True)
class Device:
    """One device and what is asked of it. ``over_tcp``: Modbus TCP frames, else RTU."""

    unit: int
    blocks: tuple[Block, ...]
    over_tcp: bool = False
    valve: ValveControl | None = None

    @property
    def address(self) -> str:
        """What it is called on its line."""
        return f"unit {self.unit}"


@dataclass(frozen=True, slots=True)
class Request:
    """A question, after ``wait_ms``."""

    message: Read | Write
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """``message``: all blocks as they were answered last, a reading. ``detail``: why not, in fixed words."""

    outcome: Outcome
    message: bytes | None = None
    detail: str = ""


Act = Generator[Request, Message | None, Result]


def encode_message(told: bytes) -> bytes:
    """The answered blocks as a message."""
    return told + CRC16_MODBUS.of(told).to_bytes(2, "little")


def read(device: Device) -> Act:
    """All blocks of its plan. One that is refused or silent ends it: half a message is none."""
    told = bytearray()
    for block in device.blocks:
        answer = yield _question(block)
        if (bad := _bad(answer)) is not None:
            return bad
        assert answer is not None  # noqa: S101 - ``_bad`` looked
        told += bytes((device.unit,)) + encode_pdu(answer)
    return Result(Outcome.DONE, encode_message(bytes(told)))


def set_valve(
    device: Device,
    wanted_open: bool,
    looks: int = LOOKS,
    *,
    look_first: bool = False,
    may_write: MayWrite = always,
) -> Act:
    """Open or shut, and look until it is so. A valve that is still on its way after ``looks`` is not done. Raises ``ValueError`` where the
    device has none, or it is not opened from afar."""
    control = device.valve
    if control is None:
        raise ValueError("this device has no valve")
    write = control.write(wanted_open)
    if look_first or not may_write():
        wait_ms = 0
        for _ in range(looks):  # one on its way may have been told already, before somebody was killed
            answer = yield _question(control.look, wait_ms)
            if (bad := _bad(answer)) is not None:
                return bad
            stands = _stands(control, answer)
            if stands is wanted_open:
                return (yield from _with_reading(device, Result(Outcome.DONE, detail=ALREADY)))
            if stands is not None:
                break
            wait_ms = control.wait_ms
        if not may_write():
            return (yield from _with_reading(device, Result(Outcome.WITHHELD)))
    answer = yield Request(write)
    if isinstance(answer, Refusal) and answer.code != ACKNOWLEDGED:
        return Result(Outcome.REFUSED, detail=f"refused with {answer.code}")
    last = Result(Outcome.UNANSWERED, detail="silent")
    for _ in range(looks):
        answer = yield _question(control.look, control.wait_ms)
        if not isinstance(answer, Registers):
            continue
        stands = _stands(control, answer)
        if stands is wanted_open:
            return (yield from _with_reading(device, Result(Outcome.DONE)))
        shown = "unknown" if stands is None else "open" if stands else "closed"
        last = Result(Outcome.CONTRADICTED, detail=f"valve {shown}")
    return (yield from _with_reading(device, last)) if last.outcome is Outcome.CONTRADICTED else last


def _with_reading(device: Device, found: Result) -> Act:
    """What the device shows then is a reading too; where it does not come, the act ended all the same."""
    shown = yield from read(device)
    return replace(found, message=shown.message)


def _question(block: Block, wait_ms: int = 0) -> Request:
    return Request(Read(block.function, block.address, block.count), wait_ms)


def _stands(control: ValveControl, answer: Message | None) -> bool | None:
    return control.stands_open(answer.values[0]) if isinstance(answer, Registers) else None


def _bad(answer: Message | None) -> Result | None:
    if answer is None:
        return Result(Outcome.UNANSWERED, detail="silent")
    if isinstance(answer, Refusal):
        return Result(Outcome.REFUSED, detail=f"refused with {answer.code}")
    return None

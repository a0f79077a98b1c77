# SPDX-License-Identifier: Apache-2.0
"""Acts over a Modbus line: a valve moves once, in time, and is done when its register says so – whatever the line loses."""

import random

import pytest

from openmains.emulator.line.modbus import EmulatedModbusDevice, EmulatedMotor
from openmains.wire.modbus.acts import Block, Device, Result, ValveControl, read, set_valve
from openmains.wire.modbus.frame import Function
from openmains.wire.modbus.poll import Finished, PollLine
from openmains.wire.outcome import ALREADY, Outcome

VALVE = ValveControl(
    Function.WRITE_ONE, 40, opens=1, shuts=2, look=Block(Function.READ_INPUT, 102, 1), mask=3, is_open=0, is_shut=1, wait_ms=5_000
)  # fmt: skip
BLOCKS = (Block(Function.READ_HOLDING, 0, 2),)
REGISTERS = {0: 0, 1: 77, 102: 0x00F0}


class Run:
    """One device on a line; ``loses``: the chance that an answer, or a question, does not arrive."""

    def __init__(self, *, over_tcp: bool = False, loses: float = 0.0, seed: int = 0, **motor: object) -> None:
        self.device = Device(7, BLOCKS, over_tcp, VALVE)
        self.motor = EmulatedMotor(VALVE, **motor)  # type: ignore[arg-type]
        self.there = EmulatedModbusDevice(7, REGISTERS, over_tcp=over_tcp, motor=self.motor)
        self.line = PollLine({"unit 7": self.device}, 3_600_000, 0)
        self.chance, self.loses, self.now = random.Random(seed), loses, 0  # noqa: S311 - the same again

    def act(self, wanted_open: bool, **how: object) -> Result:
        """Until the act is over."""
        self.line.begin(1, self.device, set_valve(self.device, wanted_open, **how), self.now)  # type: ignore[arg-type]
        for _ in range(10_000):
            while out := self.line.to_send():
                back = self.there.receive(out) if self.chance.random() >= self.loses else b""
                if self.chance.random() >= self.loses:
                    self.line.receive(back, self.now)
            while (event := self.line.next_event()) is not None:
                if isinstance(event, Finished):
                    return event.result
            self.now = max(self.now + 1, self.line.next_timer())
            self.line.timer(self.now)
        raise AssertionError("the act never ends")


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_valve_is_done_when_its_register_says_so_and_a_command_that_comes_again_writes_nothing(
    over_tcp: bool,
) -> None:
    run = Run(over_tcp=over_tcp)
    shut = run.act(False, look_first=True)
    assert (shut.outcome, shut.detail, run.motor.written) == (Outcome.DONE, "", [2])
    assert shut.message is not None and shut.message[:7].hex() == "0703040000004d"  # what it shows then is a reading
    again = run.act(False, look_first=True)
    assert (again.outcome, again.detail, run.motor.written) == (Outcome.DONE, ALREADY, [2])
    assert run.act(True, look_first=True).outcome is Outcome.DONE and run.motor.written == [2, 1]
    assert run.there.registers[102] == 0x00F0, "bits that are not the valve's stay"


def test_an_answered_write_that_moved_nothing_is_contradicted() -> None:
    run = Run(stuck=True)
    found = run.act(False, looks=3)
    assert (found.outcome, found.detail, run.motor.written) == (Outcome.CONTRADICTED, "valve open", [2])


@pytest.mark.parametrize(("code", "outcome"), [(4, Outcome.REFUSED), (5, Outcome.CONTRADICTED)])
def test_a_refused_write_is_not_looked_after_and_an_acknowledged_one_is(code: int, outcome: Outcome) -> None:
    run = Run(refuses=code)
    assert run.act(False, looks=2).outcome is outcome


def test_who_may_not_write_looks_and_says_what_stands() -> None:
    run = Run()
    assert run.act(False, may_write=lambda: False).outcome is Outcome.WITHHELD and not run.motor.written
    assert run.act(True, may_write=lambda: False).detail == ALREADY and not run.motor.written


def test_a_valve_on_its_way_is_waited_for_not_told_again() -> None:
    run = Run(travel=6)
    run.motor.write(2)  # the edge that told it was killed
    assert run.act(False, look_first=True).detail == ALREADY and run.motor.written == [2]


@pytest.mark.parametrize("seed", range(60))
def test_over_a_line_that_loses_no_act_says_what_is_not_so(seed: int) -> None:
    """Repeats of a question write the same value again; no loss makes it another one, or a closed valve an open one."""
    run = Run(loses=0.3, seed=seed)
    for wanted in (False, False, True):
        before = len(run.motor.written)
        found = run.act(wanted, look_first=True)
        stands = VALVE.stands_open(run.motor.state(run.there.registers[102]))
        if found.outcome is Outcome.DONE:
            assert stands is wanted
        assert set(run.motor.written[before:]) <= {1 if wanted else 2}
        if found.detail == ALREADY:
            assert len(run.motor.written) == before


def test_an_act_goes_before_the_readings_that_wait_and_never_amid_one() -> None:
    devices = {f"unit {n}": Device(n, BLOCKS, valve=VALVE) for n in (1, 2)}
    line = PollLine(devices, 3_600_000, 0)
    line.timer(0)
    assert line.to_send()[:1] == b"\x01"
    line.begin(9, devices["unit 2"], read(devices["unit 2"]), 1)
    assert line.to_send() == b"", "a question is open"
    line.receive(EmulatedModbusDevice(1, REGISTERS).receive(bytes.fromhex("010300000002c40b")), 2)
    asked = line.to_send()
    line.receive(EmulatedModbusDevice(2, REGISTERS).receive(asked), 3)
    events = [line.next_event(), line.next_event()]
    assert [type(event).__name__ for event in events] == ["Polled", "Finished"]


def test_nobody_opens_from_afar_what_a_page_does_not_say() -> None:
    only_shut = ValveControl(Function.WRITE_ONE, 40, None, 2, Block(Function.READ_INPUT, 102, 1), 3, 0, 1)
    with pytest.raises(ValueError, match="not opened from afar"):
        next(set_valve(Device(7, BLOCKS, valve=only_shut), True))
    with pytest.raises(ValueError, match="no valve"):
        next(set_valve(Device(7, BLOCKS), True))

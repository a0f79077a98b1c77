# SPDX-License-Identifier: Apache-2.0
"""A fleet that is ended goes on as the same meters: credit, counters, settings, valve, register."""

import sqlite3
from pathlib import Path

import msgspec

from openmains.emulator.device.terminal import Terminal
from openmains.emulator.meter.authorise import Result
from openmains.emulator.meter.causes import Cause, Happening
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.memory import KeptStore, Memory, Remembered
from openmains.emulator.meter.piping import Piping
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from openmains.emulator.meter.profile import Profile
from openmains.emulator.meter.store import Held
from openmains.emulator.meter.valve import Position, Valve
from tests.emulator.device.terminals import KEY, NUMBER, T0, Bench, steady

LITRES_PER_H = 3600
PRICE = PriceSet(1, 0, T0, 12, False, (0,), (0,))
NEW = Remembered(Held(account=Account(MONEY, 1000 * UNITS_A_FEN, price=PRICE)), Position.OPEN, ())


def begin(memory: Memory, now: int) -> Bench:
    """The emulator starts, as ``Fleet`` does it."""
    known = memory.recall(NUMBER) or NEW
    piping = Piping(steady(LITRES_PER_H), known.cuts, known.flows)
    piping.end_all(now)
    bench = Bench(
        Terminal(
            NUMBER, Profile(), piping, DriverFrames("openmains/water-1", NUMBER),
            key=KEY, store=KeptStore(memory, NUMBER, known.held), valve=Valve(position=known.valve),
        ),
        now,
    )  # fmt: skip
    bench.do(bench.terminal.switch_on(now, attach_after_s=0))
    return bench


def test_a_top_up_is_there_once_and_its_repeat_is_known(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "meters.sqlite")
    bench = begin(memory, T0)
    frame = bench.frame("top_up", {"amount": 5000})
    assert bench.deliver(frame)["balance"] == 6000
    bench.command("set_signed_parameters", {"values": {"balance_warning": 4321}})
    memory.close()  # the process ends without a word
    memory = Memory(tmp_path / "meters.sqlite")
    again = begin(memory, T0 + 60)
    found = again.deliver(frame)
    assert (found["command_result"], found["balance"]) == (Result.ALREADY_DONE, 6000)
    assert again.terminal.setting("balance_warning") == 4321


def test_a_shut_valve_stays_shut_and_what_it_kept_back_is_never_used(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "meters.sqlite")
    bench = begin(memory, T0)
    bench.command("valve_close")
    terminal = bench.terminal
    memory.keep_valve(NUMBER, terminal.valve.position, terminal.cuts)
    shut_at = terminal.register(bench.now)
    again = begin(memory, bench.now + 86_400)
    again.serial, again.counter = bench.serial, bench.counter
    assert again.terminal.register(again.now) == shut_at
    assert again.command("valve_open")["valve"] == 0
    opened_s = again.now
    again.run(3600)
    used = again.terminal.register(again.now) - again.terminal.register(opened_s)
    assert used == LITRES_PER_H
    assert again.terminal.register(opened_s) - shut_at <= 10  # what flowed since the valve had arrived
    memory.keep_valve(NUMBER, again.terminal.valve.position, again.terminal.cuts)
    assert list(memory.changed()) == [NUMBER]


def test_what_a_leak_drew_stays_in_the_register(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "meters.sqlite")
    bench = begin(memory, T0)
    bench.do(bench.terminal.strike(Happening(Cause.DRIPPING, T0, T0 + 86_400, 3600), T0))
    bench.run(3600)
    memory.keep_valve(NUMBER, bench.terminal.valve.position, bench.terminal.cuts, bench.terminal.flows)
    before = bench.terminal.register(bench.now)
    assert before == steady(LITRES_PER_H)([bench.now])[0] + 3600
    again = begin(memory, bench.now + 60)
    after = again.terminal.register(again.now)
    assert before <= after <= before + 2 * 60, "the leak is known until it was last heard of, and mended then"
    again.run(3600)
    assert again.terminal.register(again.now) == after + LITRES_PER_H


def test_a_file_of_before_flows_were_kept_is_read(tmp_path: Path) -> None:
    path = tmp_path / "meters.sqlite"
    with sqlite3.connect(path) as file:
        file.execute(
            "CREATE TABLE meter (number INTEGER PRIMARY KEY, held BLOB NOT NULL, valve INTEGER NOT NULL, cuts BLOB NOT NULL) STRICT"
        )
        file.execute(
            "INSERT INTO meter VALUES (?, ?, 1, ?)", (NUMBER, msgspec.json.encode(NEW.held), b"[[5,6,null,0]]")
        )
    known = Memory(path).recall(NUMBER)
    assert known is not None
    assert (known.valve, list(known.cuts), known.flows) == (Position.CLOSED, [(5, 6, None, 0)], [])


def test_a_command_cut_off_before_the_valve_arrived_is_refused_not_repeated(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "meters.sqlite")
    bench = begin(memory, T0)
    bench.do(bench.terminal.on_command(bench.frame("valve_close"), bench.now))  # the motor runs
    again = begin(memory, T0 + 60)
    assert [m["command_result"] for m in again.heard if "command_result" in m] == [Result.REFUSED]
    assert again.terminal.valve.position is Position.OPEN

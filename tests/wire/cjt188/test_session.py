# SPDX-License-Identifier: Apache-2.0
"""The two ends of a line: states, and both over a line that loses, flips and adds bytes."""

import random

import pytest

from openmains.wire.cjt188.data import METERING, VALVE, VALVE_CLOSE, DataUnit, decode_unit_untrusted, encode_unit
from openmains.wire.cjt188.frame import ANSWER, BROADCAST, ERROR, READ, READ_ADDRESS, WRITE, Frame, encode_frame
from openmains.wire.cjt188.session import (
    REPEAT_MS,
    TRANSITIONS,
    Answered,
    Input,
    Master,
    Meter,
    State,
    Unanswered,
    answer_control,
    answers,
)

ADDRESS = "00000000000012"


def question(serial: int, identifier: int = METERING, control: int = READ, payload: bytes = b"") -> Frame:
    return Frame(0x10, ADDRESS, control, encode_unit(DataUnit(identifier, serial, payload)))


def reply(asked: Frame, control: int | None = None) -> Frame:
    return Frame(0x10, ADDRESS, answer_control(asked) if control is None else control, asked.data[:3] + b"\x01")


def test_every_state_takes_every_input() -> None:
    assert set(TRANSITIONS) == {(state, happened) for state in State for happened in Input}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happened", Input)
def test_master_lands_where_the_table_says(state: State, happened: Input) -> None:
    tries = 1 if happened is Input.LAST_TIMEOUT else 3
    master = Master(timeout_ms=100, tries=tries)
    asked = question(1)
    if state is State.WAITING:
        assert master.ask(asked, 0)
    if happened is Input.ASK:
        assert master.ask(question(2), 1) is (state is State.IDLE)
    elif happened is Input.ANSWER:
        master.receive(encode_frame(reply(asked)), 1)
    elif happened is Input.UNRELATED:
        master.receive(encode_frame(reply(question(9))), 1)
        assert master.unrelated == 1
    else:
        master.timer(100)
    assert master.state is TRANSITIONS[state, happened]


def test_no_answer_is_told_after_all_tries() -> None:
    master = Master(timeout_ms=100, tries=3, preamble=0)
    asked = question(1)
    master.ask(asked, 0)
    sent = master.to_send()
    for now in (99, 100, 200, 300):
        master.timer(now)
        sent += master.to_send()
    assert sent == encode_frame(asked) * 3
    assert master.next_event() == Unanswered(asked)
    assert master.next_event() is None
    assert master.next_timer() is None


def test_answers() -> None:
    asked = question(7)
    assert answers(asked, reply(asked))
    for serial, is_answer in ((b"\x07", True), (b"\x08", False), (b"", False)):
        refusal = Frame(0x10, ADDRESS, READ | ANSWER | ERROR, serial + b"\x00\x00" * bool(serial))
        assert answers(asked, refusal) is is_answer
    assert not answers(asked, reply(question(8)))
    assert not answers(asked, reply(asked, WRITE | ANSWER))
    assert not answers(asked, asked)
    anyone = Frame(0x10, BROADCAST, READ_ADDRESS, bytes.fromhex("810a00"))
    assert answers(anyone, Frame(0x10, ADDRESS, READ_ADDRESS | ANSWER, bytes.fromhex("810a00")))


def test_meter_is_silent_to_others_and_to_answers() -> None:
    meter = Meter(0x10, ADDRESS, lambda asked: (answer_control(asked), asked.data))
    assert meter.receive(encode_frame(Frame(0x10, "00000000000013", READ, b"\x90\x1f\x00")), 0) == b""
    assert meter.receive(encode_frame(reply(question(1))), 1) == b""
    assert meter.receive(encode_frame(Frame(0x10, BROADCAST, READ_ADDRESS, b"\x81\x0a\x00")), 2) != b""


def test_the_same_question_is_a_repeat_for_a_while_and_then_a_new_one() -> None:
    """One byte of serial number comes again after 256 questions: of a line that is read daily, with the same content."""
    acted: list[Frame] = []
    meter = Meter(0x10, ADDRESS, lambda asked: acted.append(asked) or (answer_control(asked), asked.data))  # type: ignore[func-returns-value]
    raw = encode_frame(question(7))
    for now in (0, REPEAT_MS - 1, REPEAT_MS, 86_400_000):
        assert meter.receive(raw, now)
    assert len(acted) == 3


def test_a_write_to_everyone_is_done_and_not_answered() -> None:
    acted: list[Frame] = []
    meter = Meter(0x10, ADDRESS, lambda asked: acted.append(asked) or (answer_control(asked), asked.data))  # type: ignore[func-returns-value]
    raw = encode_frame(Frame(0x10, BROADCAST, WRITE, b"\xa0\x15\x01" + bytes(7)))
    assert meter.receive(raw, 0) == meter.receive(raw, 1) == b"" and len(acted) == 1


def spoil(raw: bytes, source: random.Random, loss: float) -> bytes:
    """A line that loses, flips and adds bytes."""
    out = bytearray()
    for byte in raw:
        if source.random() < loss:
            what = source.randrange(3)
            if what == 0:
                continue
            if what == 1:
                byte ^= 1 << source.randrange(8)
            else:
                out.append(source.randrange(256))
        out.append(byte)
    return bytes(out)


def test_two_stacks_over_a_lossy_line() -> None:
    """1,000 seeds: every question ends, each valve command acts at most once, an answer means it acted."""
    good = lost = 0
    for seed in range(1000):
        source = random.Random(seed)  # noqa: S311 - a failure must come again
        loss = source.choice([0.0, 0.002, 0.01, 0.03])
        acted: list[int] = []

        def act(asked: Frame, acted: list[int] = acted) -> tuple[int, bytes]:
            unit = decode_unit_untrusted(asked.data)
            if asked.function == WRITE and unit.identifier == VALVE:
                acted.append(unit.serial)
            return answer_control(asked), asked.data[:3] + b"\x00\x00"

        master, meter = Master(timeout_ms=500, tries=4), Meter(0x10, ADDRESS, act)
        now = 0
        for serial in range(4):
            asked = question(serial, VALVE, WRITE, bytes([VALVE_CLOSE])) if serial % 2 else question(serial)
            assert master.ask(asked, now)
            event = None
            for _ in range(50):
                raw = spoil(master.to_send(), source, loss)
                for cut in range(0, len(raw), 7):
                    back = spoil(meter.receive(raw[cut : cut + 7], now), source, loss)
                    master.receive(back, now)
                    now += 1
                event = master.next_event()
                if event is not None:
                    break
                deadline = master.next_timer()
                assert deadline is not None
                now = max(now, deadline)
                master.timer(now)
                event = master.next_event()
                if event is not None:
                    break
            assert event is not None and master.state is State.IDLE
            assert acted.count(serial) <= 1
            if isinstance(event, Answered):
                good += 1
                assert serial % 2 == 0 or acted.count(serial) == 1
            else:
                lost += 1
                assert loss > 0
            now += 1000
    assert good > 3500
    assert good + lost == 4000

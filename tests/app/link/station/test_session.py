# SPDX-License-Identifier: Apache-2.0
"""Connections of the main-station protocol: register, beat, push, wait; who may speak for whom; acknowledged means durable."""

from pathlib import Path

import pytest

from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import SMALL
from openmains.app.link.station.directory import line_meter
from openmains.app.link.station.session import (
    MOST_NOISE,
    MOST_REFUSED,
    MOST_STRANGE,
    REGISTER_S,
    WAIT_S,
    StationSession,
)
from openmains.app.link.station.states import ROWS, TABLE, SessionEvent, State
from openmains.domain.fleet.frame_number import wire_number
from openmains.drivers import catalog
from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.cjt188.dialect import Dialect
from openmains.wire.cjt188.line import MOST_AGAIN
from openmains.wire.states import markdown
from openmains.wire.station.content import Kind, Verdict
from openmains.wire.station.frame import Frame, Function, encode_frame
from tests.support.station import AT, GAS, GAS_LINE, WATER_LINE, Town, readings

NUMBER, OTHER = "2026000000000042", "2026000000000043"
METER = 202600001234


class Behind(Pace):
    """The pipeline cannot follow."""

    is_behind = True

    def may_take(self, now: float) -> bool:
        return not self.is_behind


class Pair:
    """A terminal and its session, joined without a socket."""

    def __init__(self, town: Town, terminal: StationTerminal) -> None:
        self.town, self.terminal = town, terminal
        self.woken: list[str] = []
        self.session = StationSession(
            town.main, "198.51.100.7", town.main.clock.time(), lambda: self.woken.append("woken")
        )
        terminal.connected()

    async def settle(self) -> None:
        """Until neither has anything to say."""
        while True:
            up, down = self.terminal.to_send(), self.session.to_send()
            if not up and not down:
                if not self.town.batcher.waiting:
                    return
                await self.town.batcher.drain()
                continue
            if up:
                self.session.data_received(up, self.town.main.clock.time())
            if down:
                self.terminal.receive(down)


def town_of(*meters: int) -> Town:
    town = Town()
    town.add(NUMBER, {str(each): GAS for each in meters or (METER,)})
    return town


async def test_a_reading_is_stored_and_then_acknowledged_with_the_time() -> None:
    pair = Pair(town_of(), StationTerminal(NUMBER))
    pair.terminal.hold(readings(METER, 1000))
    await pair.settle()
    (uplink,) = pair.town.disk.uplinks
    assert (uplink.meter_id, uplink.channel, uplink.path, uplink.fault) == (1, "tcp", "3043", "")
    assert uplink.payload == readings(METER, 1000)
    assert pair.terminal.verdicts == {Verdict.STORED: 2} and not pair.terminal.holds
    assert pair.terminal.receipt is not None and abs(pair.terminal.receipt.at - AT) < 60
    assert len(pair.town.main) == 1


async def test_what_the_stream_does_not_confirm_is_kept_by_the_terminal() -> None:
    town, terminal = town_of(), StationTerminal(NUMBER)
    town.disk.broken = True
    terminal.hold(readings(METER, 1000))
    await Pair(town, terminal).settle()
    assert terminal.verdicts[Verdict.BUSY] == 1 and len(terminal.holds) == 1 and not town.disk.uplinks
    town.disk.broken = False
    await Pair(town, terminal).settle()
    assert len(town.disk.uplinks) == 1 and not terminal.holds


async def test_while_the_pipeline_is_behind_only_closures_are_taken() -> None:
    """Whatever the size: a concentrator's reading is no larger than an alarm over DTLS, and is not to go before meters' reports there."""
    town = Town(pace=Behind())
    town.add(NUMBER, {str(METER): GAS, "20260000000001": WATER_LINE})
    line = EmulatedLineMeter(0x10, "20260000000001")
    terminal = StationTerminal(NUMBER, Kind.DTU, line=lambda raw: line.receive(raw, 0))
    for message in (readings(METER, 1), readings(METER, 1, closure=True)):
        assert len(message) <= SMALL
        terminal.hold(message)
    await Pair(town, terminal).settle()
    assert terminal.verdicts == {Verdict.STORED: 2, Verdict.BUSY: 1}
    assert [uplink.path for uplink in town.disk.uplinks] == ["3062"]
    assert town.main.counters["line.refused"] == 1


async def test_many_meters_and_a_closure_on_one_connection() -> None:
    pair = Pair(town_of(*range(1, 60)), StationTerminal(NUMBER))
    for meter in range(1, 60):
        pair.terminal.hold(readings(meter, 10 * meter))
    pair.terminal.hold(readings(7, 80, closure=True))
    await pair.settle()
    assert len(pair.town.disk.uplinks) == 60 and pair.town.disk.uplinks[-1].path in ("3043", "3062")


async def test_one_of_the_two_readings_a_meter_and_connection() -> None:
    town, terminal = town_of(METER, 5), StationTerminal(NUMBER)
    pair = Pair(town, terminal)
    for message in (
        readings(METER, 1),
        readings(METER, 1, extended=True),
        readings(5, 1, extended=True),
        readings(METER, 2),
    ):
        terminal.hold(message)
    await pair.settle()
    assert terminal.verdicts == {Verdict.STORED: 4, Verdict.SECOND_PUSH: 1}
    again = Pair(town, StationTerminal(NUMBER))
    again.terminal.hold(readings(METER, 1, extended=True))
    await again.settle()
    assert again.terminal.verdicts == {Verdict.STORED: 2}


async def test_a_meter_of_another_concentrator_is_refused_and_told_to_an_operator() -> None:
    pair = Pair(town_of(), StationTerminal(NUMBER))
    pair.terminal.hold(readings(999, 1))
    await pair.settle()
    assert pair.terminal.verdicts[Verdict.UNKNOWN_METER] == 1 and not pair.town.disk.uplinks
    assert pair.town.refused == [(f"{NUMBER}/{999:016d}", "unknown meter", "198.51.100.7")]


async def test_a_damaged_message_is_kept_as_a_dead_letter_and_said_to_be_so() -> None:
    pair = Pair(town_of(), StationTerminal(NUMBER))
    raw = readings(METER, 1000)
    pair.terminal.hold(raw[:-1] + bytes((raw[-1] ^ 1,)))
    await pair.settle()
    assert [uplink.fault for uplink in pair.town.disk.uplinks] == ["crc"]
    assert pair.terminal.verdicts[Verdict.MALFORMED] == 1


async def test_nothing_is_taken_before_a_registration_and_no_stranger_is_let_in() -> None:
    town = town_of()
    session = StationSession(town.main, "198.51.100.7", town.main.clock.time(), lambda: None)
    content = readings(METER, 1)[2:]
    session.data_received(encode_frame(Frame(NUMBER, 1, Function.READINGS, content)), 0)
    assert town.main.counters["station.not_registered"] == 1 and session.state is State.NEW and session.to_send()
    session.data_received(encode_frame(Frame(NUMBER, 1, Function.REGISTER, b"\x09")), 0)
    assert session.state is State.NEW and town.refused[-1][1] == "truncated"
    pair = Pair(town, StationTerminal(OTHER))
    pair.terminal.hold(readings(METER, 1))
    await pair.settle()
    assert pair.terminal.verdicts == {Verdict.UNKNOWN_TERMINAL: 1}
    assert pair.session.ending == "unknown_terminal" and town.refused[-1][:2] == (OTHER, "unknown terminal")
    assert not town.disk.uplinks


@pytest.mark.parametrize("certified", ["", "localhost", OTHER, f" {NUMBER}", NUMBER, None])
async def test_a_certificate_lets_in_the_terminal_that_it_names_and_no_other(certified: str | None) -> None:
    town, terminal = town_of(), StationTerminal(NUMBER)
    town.add(OTHER, {"5": GAS})
    session = StationSession(town.main, "h", 0, lambda: None, certified)
    terminal.connected()
    session.data_received(terminal.to_send(), 0)
    terminal.receive(session.to_send())
    if certified in (NUMBER, None):
        assert terminal.is_registered and not town.refused
    else:
        assert terminal.verdicts == {Verdict.UNKNOWN_TERMINAL: 1} and session.ending == "unknown_terminal"
        assert town.refused == [(NUMBER, "certificate of another terminal", "h")]


async def test_a_connection_is_one_terminals_and_a_terminal_is_on_one_connection() -> None:
    town = town_of()
    town.add(OTHER, {"5": GAS})
    pair = Pair(town, StationTerminal(NUMBER))
    await pair.settle()
    assert not pair.woken
    newer = Pair(town, StationTerminal(NUMBER))
    await newer.settle()
    assert pair.woken  # so that its socket is closed now
    assert pair.session.ending == "replaced" and not newer.session.ending and len(town.main) == 1
    pair.session.closed()  # its socket goes late: the newer one is not touched
    assert len(town.main) == 1
    newer.session.data_received(encode_frame(Frame(OTHER, 9, Function.HEARTBEAT)), 1)
    assert newer.session.ending == "other_terminal" and town.refused[-1][:2] == (OTHER, "another terminal")


async def test_silence_ends_a_connection_by_what_the_terminal_is() -> None:
    town = town_of()
    now = town.main.clock.time()
    silent = StationSession(town.main, "h", now, lambda: None)
    assert silent.next_timer() == now + REGISTER_S
    silent.handle_timer(now + REGISTER_S)
    assert silent.ending == "silence"
    for wakes, wait_s in ((0, town.main.always_on_s), (1, WAIT_S)):
        pair = Pair(town, StationTerminal(NUMBER, Kind.METER, wakes=wakes))
        await pair.settle()
        assert pair.session.next_timer() == pytest.approx(town.main.clock.time() + wait_s, abs=30)
        pair.terminal.beat(AT)
        pair.session.data_received(pair.terminal.to_send(), now + 100)
        assert pair.session.next_timer() == now + 100 + wait_s
        pair.session.handle_timer(now + 100 + wait_s)
        assert pair.session.ending == "silence"


async def test_noise_is_stepped_over_and_a_flood_of_it_ends_the_connection() -> None:
    pair = Pair(town_of(), StationTerminal(NUMBER))
    raw = pair.terminal.to_send()
    pair.session.data_received(b"\x00\x68\x68" + raw[:5], 0)
    pair.session.data_received(raw[5:] + b"\xff" * 10, 0)
    assert pair.session.state is State.READY
    pair.session.data_received(b"\xff" * (MOST_NOISE + 1), 0)
    assert pair.session.ending == "flood"
    pair.session.data_received(raw, 0)
    assert pair.session.ending == "flood"


async def test_noise_behind_a_frame_is_not_forgiven_by_it() -> None:
    pair = Pair(town_of(), StationTerminal(NUMBER))
    pair.session.data_received(pair.terminal.to_send() + b"\xff" * MOST_NOISE, 0)
    assert pair.session.state is State.READY
    pair.session.data_received(b"\xff", 0)
    assert pair.session.ending == "flood"


@pytest.mark.parametrize(
    ("function", "content"),
    [
        (Function.HEARTBEAT, b""), (Function.READINGS, b"x"), (Function.LINE, b""), (0x3099, b""), (Function.REGISTER, b"\x09"),
    ],
)  # fmt: skip
async def test_a_stranger_is_refused_a_few_times_and_then_no_more(function: int, content: bytes) -> None:
    town = town_of()
    session = StationSession(town.main, "h", 0, lambda: None)
    raw = encode_frame(Frame(NUMBER, 1, function, content))
    session.data_received(raw * (MOST_STRANGE - 1), 0)
    assert not session.ending
    session.data_received(raw * 3_000, 0)
    assert session.ending == "flood"
    assert sum(town.main.counters[f"station.{each.name.lower()}"] for each in Verdict) == MOST_STRANGE


async def test_a_terminal_that_says_only_what_is_refused_is_heard_some_hundred_times_a_minute() -> None:
    for function, content in (
        (Function.HEARTBEAT, b"1"),
        (Function.READINGS, b"\xff" * 9),
        (Function.READINGS, readings(999, 1)[2:]),
        (0x3099, b""),
    ):
        town = town_of()
        pair = Pair(town, StationTerminal(NUMBER))
        await pair.settle()
        raw, now = encode_frame(Frame(NUMBER, 1, function, content)), town.main.clock.time()
        for minute in range(3):
            pair.session.data_received(raw * (MOST_REFUSED - 1), now + 60 * minute)
            assert not pair.session.ending
        pair.session.data_received(raw * 2, now + 179)
        assert pair.session.ending == "flood"
        assert sum(town.main.counters[f"station.{each.name.lower()}"] for each in Verdict) == 3 * MOST_REFUSED - 1


async def test_what_it_cannot_read_is_answered_truly() -> None:
    pair = Pair(town_of(), StationTerminal(NUMBER))
    await pair.settle()
    for function, content in ((0x3099, b""), (Function.HEARTBEAT, b"1"), (Function.READINGS, b"\xff" * 9)):
        pair.session.data_received(encode_frame(Frame(NUMBER, 1, function, content)), 0)
    pair.terminal.receive(pair.session.to_send())
    assert pair.terminal.verdicts == {Verdict.STORED: 1, Verdict.UNKNOWN_FUNCTION: 1, Verdict.MALFORMED: 2}


async def test_the_meters_of_a_dtus_line_are_asked_and_their_answers_stored() -> None:
    town = Town()
    town.add(
        NUMBER, {"20260000000001": WATER_LINE, "20260000000002": GAS_LINE, "20260000000003": WATER_LINE}, poll_s=600
    )
    meters = [
        EmulatedLineMeter(0x10, "20260000000001", total=111),
        EmulatedLineMeter(0x30, "20260000000002", total=222),
    ]  # the third one is not there
    terminal = StationTerminal(NUMBER, Kind.DTU, line=lambda raw: b"".join(meter.receive(raw, 0) for meter in meters))
    pair = Pair(town, terminal)
    await pair.settle()
    assert {uplink.meter_id: uplink.path for uplink in town.disk.uplinks} == {1: "cjt188", 2: "cjt188"}
    assert all(not uplink.fault for uplink in town.disk.uplinks)
    now = pair.session.next_timer()
    for _ in range(3):
        pair.session.handle_timer(now)
        await pair.settle()
        now = pair.session.next_timer()
    assert town.main.counters["line.unanswered"] == 1 and town.main.counters["line.stored"] == 2
    for times in range(MOST_AGAIN):  # the one that is not there is tried a few times more
        assert town.main.counters["line.unanswered"] == 1 + times
        for _ in range(4):
            pair.session.handle_timer(now)
            await pair.settle()
            now = pair.session.next_timer()
    assert town.main.counters["line.unanswered"] == 1 + MOST_AGAIN
    assert now == pytest.approx(town.main.clock.time() + 600, abs=5)  # asked again when the plan says so
    pair.session.handle_timer(now)
    await pair.settle()
    assert town.main.counters["line.stored"] == 4


@pytest.mark.parametrize("why", ["disk", "pace"])
async def test_a_polled_reading_that_could_not_be_stored_is_asked_for_again(why: str) -> None:
    town = Town(pace=Behind() if why == "pace" else Pace())
    town.add(NUMBER, {"20260000000001": WATER_LINE}, poll_s=3600)
    town.disk.broken = why == "disk"
    line = EmulatedLineMeter(0x10, "20260000000001")
    terminal = StationTerminal(NUMBER, Kind.DTU, line=lambda raw: line.receive(raw, 0))
    pair = Pair(town, terminal)
    await pair.settle()
    assert not town.disk.uplinks and town.main.counters["line.again"] == 1
    assert pair.woken or why == "pace"  # its timer is another one now
    town.disk.broken = False
    if isinstance(town.pace, Behind):
        town.pace.is_behind = False
    pair.session.handle_timer(pair.session.next_timer())
    await pair.settle()
    assert pair.session.next_timer() - town.main.clock.time() > 61  # nothing more to be asked for soon
    assert len(town.disk.uplinks) == 1 and town.main.counters["line.stored"] == 1


async def test_the_line_of_a_connected_dtu_is_opened_when_its_first_meter_is_registered() -> None:
    town = Town()
    town.add(NUMBER, {str(METER): GAS})
    line = EmulatedLineMeter(0x10, "20260000000001")
    kinds = (Kind.DTU, Kind.METER)
    terminals = [StationTerminal(NUMBER, kind, line=lambda raw: line.receive(raw, 0)) for kind in kinds]
    for terminal, asked in zip(terminals, (1, 0), strict=True):
        town.add(NUMBER, {str(METER): GAS})
        pair = Pair(town, terminal)
        await pair.settle()
        town.add(NUMBER, {str(METER): GAS, "20260000000001": WATER_LINE})
        town.main.counters.clear()
        town.main.directory_changed()  # a DTU may be silent for minutes
        await pair.settle()
        assert town.main.counters["line.stored"] == asked


async def test_what_the_registry_says_holds_on_connections_that_are_there() -> None:
    town = Town()
    town.add(NUMBER, {str(METER): GAS, "20260000000001": WATER_LINE}, poll_s=600)
    meters = [EmulatedLineMeter(0x10, f"2026000000000{n}") for n in (1, 2)]
    terminal = StationTerminal(NUMBER, Kind.DTU, line=lambda raw: b"".join(meter.receive(raw, 0) for meter in meters))
    pair = Pair(town, terminal)
    await pair.settle()
    town.add(NUMBER, {"20260000000002": WATER_LINE}, poll_s=300)  # other meters than when it registered
    terminal.hold(readings(METER, 1))
    await pair.settle()
    assert terminal.verdicts[Verdict.UNKNOWN_METER] == 1 and len(town.disk.uplinks) == 1
    town.main.directory_changed()  # the new line is asked at once, not when its timer comes
    pair.session.handle_timer(pair.session.next_timer())
    await pair.settle()
    assert [uplink.meter_id for uplink in town.disk.uplinks] == [2, 3]
    del town.known[NUMBER]
    town.main.directory_changed()
    assert pair.session.is_over() and pair.session.ending == "removed"


def test_every_state_takes_every_event() -> None:
    assert set(TABLE) == {(state, event) for state in State for event in SessionEvent}
    assert all(TABLE[State.ENDED, event][0] is State.ENDED for event in SessionEvent)
    page = (Path(__file__).parents[4] / "docs/protocols/station.md").read_text("utf-8")
    drawing = page.split("<!-- from app/link/station/states.py -->\n")[1].split("<!-- end -->")[0]
    assert drawing == markdown({"state": ROWS})


@pytest.mark.parametrize(
    ("number", "on_wire"),
    [("42", f"{42:016d}"), ("0" * 20 + "7", f"{7:016d}"), ("A1", ""), ("1" * 17, ""), ("４２", "")],
)
def test_which_numbers_a_frame_can_hold(number: str, on_wire: str) -> None:
    assert wire_number(number) == on_wire


def test_how_a_meter_of_a_line_is_asked() -> None:
    drivers = catalog.load()
    meter = line_meter("12", drivers.driver("cjt188/gas-2004"))
    assert meter is not None and (meter.meter_type, meter.address) == (0x30, f"{12:014d}")
    assert meter.dialect == Dialect()
    assert line_meter("12", drivers.driver("station/gas-1")) is None
    assert line_meter("123456789012345", drivers.driver("cjt188/gas-2004")) is None

# SPDX-License-Identifier: Apache-2.0
"""Commands to meters on a line: looked at first, in time, confirmed by reading back, for this meter only, over a proven connection."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from openmains.app.command.downlink import DownFrame
from openmains.app.command.results import delivery_report
from openmains.app.command.sent_frames import DELIVERED, LOST, NOT_SENT, sent_frames
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.station.commands import LineCommands
from openmains.app.link.station.session import StationSession
from openmains.domain.command.life import RESULT_EVENTS
from openmains.domain.ids import CommandId, MeterId
from openmains.drivers import catalog
from openmains.emulator.line.meter import SOUND, EmulatedLineMeter, Faults
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.cjt188.data import PRICE, TIME, VALVE
from openmains.wire.cjt188.dialect import Valve
from openmains.wire.cjt188.frame import ANSWER, READ, Frame, encode_frame
from openmains.wire.station.content import Kind
from tests.support.link import VirtualClock
from tests.support.station import GAS_LINE, TENANT, WATER_LINE, Town

NUMBER = "2026000000000042"
METERS = ("20260000000001", "20260000000002")
DRIVER = catalog.load().driver("cjt188/water-2004")
PRICES = {"tier_from": [0, 300, 600], "prices": [19_800, 25_200, 31_000], "first_day": 1}


@dataclass
class Line:
    """A town with a DTU and its two meters, on a clock that stands until ``run``. ``deaf``: nothing comes back from the line."""

    faults: Faults = SOUND
    certified: str | None = NUMBER
    clock: VirtualClock = field(default_factory=VirtualClock)
    stopped: bool = False
    deaf: bool = False
    motor_ms: int = 3_000

    def __post_init__(self) -> None:
        self.town = Town(clock=self.clock)
        self.town.add(NUMBER, {METERS[0]: WATER_LINE, METERS[1]: GAS_LINE}, poll_s=86_400)
        self.meters = [
            EmulatedLineMeter(kind, number, total=100, faults=self.faults, wall_s=self.wall, motor_ms=self.motor_ms)
            for kind, number in zip((0x10, 0x30), METERS, strict=True)
        ]
        self.connect()

    def wall(self, now_ms: int) -> int:
        return self.clock.unix_us() // 1_000_000 + 8 * 3600

    def connect(self) -> None:
        """A new edge, as after a kill: it knows nothing of what was under way."""
        self.commands = LineCommands(
            main=self.town.main, clock=self.clock, words=LinkReports(1, self.clock, self.town.batcher.add),
            stopped=lambda tenant_id: self.stopped, takes_unproven=False,
        )  # fmt: skip
        self.terminal = StationTerminal(NUMBER, Kind.DTU, line=self.heard)
        self.session = StationSession(self.town.main, "198.51.100.7", self.clock.now, lambda: None, self.certified)
        self.terminal.connected()

    def heard(self, raw: bytes) -> bytes:
        back = b"".join(meter.receive(raw, round(self.clock.now * 1000)) for meter in self.meters)
        return b"" if self.deaf else back

    async def run(self, seconds: float = 60.0) -> None:
        """Until there is nothing to do before so much time has passed."""
        end = self.clock.now + seconds
        while True:
            up, down = self.terminal.to_send(), self.session.to_send()
            if up:
                self.session.data_received(up, self.clock.now)
            if down:
                self.terminal.receive(down)
            if self.town.batcher.waiting:
                await self.town.batcher.drain()
            if up or down:
                continue
            if self.session.next_timer() > end or self.session.is_over():
                self.clock.run(end - self.clock.now)
                await self.town.batcher.drain()
                return
            self.clock.run(max(0.001, self.session.next_timer() - self.clock.now))
            self.session.handle_timer(self.clock.now)

    def give(
        self, kind: str, params: dict[str, Any] | None = None, *, meter: int = 1, number: int = 7, valid_s: int = 600
    ) -> None:
        frame = DRIVER.command(kind, params or {}, serial=9, counter=9, not_after=0, mac=None)
        not_after = self.clock.unix_us() // 1_000_000 + valid_s
        product = WATER_LINE if meter == 1 else GAS_LINE
        self.commands.handle(
            [DownFrame(CommandId(number), TENANT, MeterId(meter), product, 0, kind, frame, not_after, NUMBER)]
        )

    def words(self) -> list[tuple[str, str, str]]:
        """What was said of commands: word, reason, how the frame log has it."""
        found = []
        for uplink in self.town.disk.uplinks:
            if uplink.channel == "link":
                word, (sent,) = delivery_report(uplink), sent_frames(uplink)
                assert word is not None and word.command_id == sent.number == 7
                found.append((word.link, word.detail, sent.outcome))
        return found

    def readings(self, meter: int = 1) -> int:
        return sum(uplink.meter_id == meter and uplink.channel == "tcp" for uplink in self.town.disk.uplinks)


@pytest.mark.parametrize(
    ("kind", "params", "written"),
    [
        ("read_now", {}, []), ("valve_close", {}, [VALVE]), ("safety_close", {"reason": 1}, [VALVE]),
        ("set_clock", {"platform_at": 1, "utc_offset_min": 480}, [TIME]), ("set_price", PRICES, [PRICE]),
    ],
)  # fmt: skip
async def test_each_kind_is_confirmed_by_reading_back_and_acts_once(
    kind: str, params: dict[str, Any], written: list[int]
) -> None:
    line = Line()
    await line.run()
    before = line.readings()
    line.give(kind, params)
    await line.run()
    assert line.words() == [("confirmed", "done", DELIVERED)] and line.meters[0].acted == written
    assert not line.meters[1].acted
    if kind != "set_price":
        assert line.readings() > before  # what was read back is seen
    if kind == "set_clock":
        assert (
            line.meters[0].clock_off_s is not None and abs(line.meters[0].clock_off_s) <= 1
        )  # now, not when it was made
    line.town.disk.uplinks.clear()
    line.give(kind, params)  # an edge that died before it could say so is asked once more
    await line.run()
    if kind in ("valve_close", "set_price"):
        assert line.words() == [("confirmed", "already_done", DELIVERED)] and line.meters[0].acted == written
    else:
        assert line.words() == [("confirmed", "done", DELIVERED)]


async def test_a_clock_behind_a_silent_meter_is_told_the_time_of_its_turn() -> None:
    """Set by the time at which the command came, it would be slow by the wait, and read back right by the same wrong time."""
    line = Line(deaf=True)
    await line.run(1)  # the readings of the line are under way: nobody answers for 15 s
    line.give("set_clock", {"platform_at": 1, "utc_offset_min": 480})
    await line.run(13)
    assert not line.meters[0].acted
    line.deaf = False
    await line.run()
    assert line.words() == [("confirmed", "done", DELIVERED)]
    assert line.meters[0].clock_off_s is not None and abs(line.meters[0].clock_off_s) <= 1


async def test_a_command_whose_edge_was_killed_acts_once_and_is_told_late_if_it_was_done() -> None:
    line = Line()
    await line.run()
    line.deaf = True
    line.give("valve_close")
    await line.run(3)  # the meter is not even looked at
    assert line.meters[0].acted == [] and line.words() == []
    line.deaf = False
    await line.run(10)
    assert line.meters[0].acted == [VALVE]
    line.town.disk.uplinks.clear()
    line.connect()  # kill -9
    await line.run()
    line.give("valve_close", valid_s=-1)  # its validity is over by now: it is only asked about
    await line.run()
    assert line.words() == [("confirmed", "already_done", DELIVERED)] and line.meters[0].acted == [VALVE]
    line.town.disk.uplinks.clear()
    line.give("valve_open", valid_s=-1)
    await line.run()
    assert line.words() == [("too_late", "expired", NOT_SENT)] and line.meters[0].acted == [VALVE]


async def test_a_valve_on_its_way_is_waited_for_before_it_is_told_again() -> None:
    line = Line(motor_ms=20_000)
    await line.run()
    line.give("valve_close")
    await line.run(3)
    assert line.meters[0].acted == [VALVE]
    line.town.disk.uplinks.clear()
    line.connect()  # kill -9 while the motor runs
    await line.run(3)
    line.give("valve_close")
    await line.run(60)
    assert line.words()[-1] == ("confirmed", "already_done", DELIVERED) and line.meters[0].acted == [VALVE]


@pytest.mark.parametrize(
    ("faults", "kind", "word"),
    [
        (Faults(stuck=True), "valve_close", ("declined", "read_back", DELIVERED)),
        (Faults(refuses_writes=True), "valve_close", ("declined", "refused", DELIVERED)),
        (Faults(deaf_clock=True), "set_clock", ("declined", "read_back", DELIVERED)),
        (Faults(keeps_prices_secret=True), "set_price", ("lost", "", LOST)),
    ],
)
async def test_what_reading_back_does_not_show_is_not_done(
    faults: Faults, kind: str, word: tuple[str, str, str]
) -> None:
    line = Line(faults)
    await line.run()
    line.give(kind, {"set_clock": {"platform_at": 1, "utc_offset_min": 480}, "set_price": PRICES}.get(kind))
    await line.run(120)
    assert line.words() == [word]


async def test_what_nobody_answers_is_lost_and_the_rest_goes_on() -> None:
    line = Line()
    await line.run()
    line.deaf = True
    line.give("valve_close")
    await line.run(120)
    assert line.words() == [("lost", "", LOST)]
    line.town.disk.uplinks.clear()
    line.give("valve_close")
    line.session.closed()  # the connection breaks
    await line.town.batcher.drain()
    assert line.words() == [("lost", "", LOST)]
    line.town.disk.uplinks.clear()
    line.give(
        "valve_close"
    )  # nobody is connected: the dispatcher sends nothing to those, and what was on its way is left to time
    assert line.words() == [] and line.town.main.counters["line.command_not_here"] == 1


async def test_while_commands_are_stopped_nothing_is_written() -> None:
    line = Line()
    await line.run()
    line.stopped = True
    line.give("valve_close")
    await line.run()
    assert line.words() == [("lost", "", NOT_SENT)] and not line.meters[0].acted


async def test_a_frame_for_another_meter_and_one_nobody_can_read_are_declined() -> None:
    line = Line()
    await line.run()
    line.give("valve_close", {"meter_number": int(METERS[1])})
    line.give("valve_close", {"meter_number": int(METERS[0])}, number=8)
    frame = DownFrame(CommandId(7), TENANT, MeterId(1), WATER_LINE, 0, "valve_open", b"\x68\x00", 0, NUMBER)
    line.commands.handle([frame])
    await line.town.batcher.drain()
    assert line.words() == [("declined", "other_number", NOT_SENT), ("declined", "unreadable", NOT_SENT)]
    await line.run()
    assert line.meters[0].acted == [VALVE] and not line.meters[1].acted


@pytest.mark.parametrize("certified", [None, NUMBER])
async def test_signed_kinds_go_to_proven_terminals_only(certified: str | None) -> None:
    line = Line(certified=certified)
    await line.run()
    line.give("valve_close")
    await line.run()
    expected = ("confirmed", "done", DELIVERED) if certified else ("declined", "unproven", NOT_SENT)
    assert line.words() == [expected]
    line.town.disk.uplinks.clear()
    line.give("read_now")
    await line.run()
    assert line.words() == [("confirmed", "done", DELIVERED)]


async def test_a_reading_that_could_not_be_stored_confirms_no_command() -> None:
    line = Line()
    await line.run()
    line.town.disk.broken = True
    line.give("read_now")
    await line.run(5)
    line.town.disk.broken = False
    await line.run(5)
    assert line.words()[0][0] == "lost"


async def test_late_and_foreign_answers_are_noted() -> None:
    line = Line()
    await line.run()
    for address in (METERS[1], "20260000000099"):
        line.terminal.hand_on(encode_frame(Frame(0x10, address, READ | ANSWER, b"\x90\x1f\x77" + bytes(19))))
    await line.run(1)
    assert line.town.refused == [
        (f"{NUMBER}/{METERS[1]}", "answer to no open question", "198.51.100.7"),
        (NUMBER, "answer of a meter that is not on this line", "198.51.100.7"),
    ]
    assert line.meters[0].valve(0) is Valve.OPEN


def test_reasons_of_confirmations_are_those_of_meters() -> None:
    assert {"done", "already_done", "expired", "refused"} <= {reason for _, reason in RESULT_EVENTS.values()}

# SPDX-License-Identifier: Apache-2.0
"""The gateway's core with a meter's hand-made other end: what is proven counts, what is not changes nothing; commands end as they must; what is
confirmed is on disk."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.edges.sqlite.gateway_store import SqliteGatewayStore
from openmains.gateway.config import GatewayConfig
from openmains.gateway.core import Gateway
from openmains.gateway.joins import COLLECT_MS
from openmains.wire.gateway.messages import (
    CommandWord,
    GatewayCommand,
    GatewayEvent,
    MeterMessage,
    Stored,
    TimeOffer,
    UpBatch,
)
from openmains.wire.gbt36330.air import (
    AirFrame,
    AirKind,
    Beacon,
    Join,
    decode_welcome_untrusted,
    encode_beacon,
    encode_join,
    meter_key,
)
from openmains.wire.gbt36330.cipher import Algorithm, DataCipher, Mode
from openmains.wire.gbt36330.content import Time, encode
from openmains.wire.gbt36330.peer import Confirmed, Peer, Received, Rejected
from openmains.wire.gbt36330.receipt import decode_receipt_untrusted
from openmains.wire.gbt36330.segments import SEGMENTED, split

NUMBER, METER, KEY = "9000000000000001", "0000460000000001", bytes(range(16))
NOW_MS, MONO_MS = 1_767_225_600_000, 1_000_000
CONFIG = GatewayConfig(NUMBER, 7, KEY, trusts_box=True, command_windows=2)
CARRIED = 0x15


class Box:
    """A gateway and what it said; ``now`` is its counting clock."""

    def __init__(
        self, store: SqliteGatewayStore | None = None, *, box_ms: int = NOW_MS, config: GatewayConfig = CONFIG
    ) -> None:
        self.now, self.store = MONO_MS, store or SqliteGatewayStore(":memory:", NUMBER)
        self.random = Random(4)  # noqa: S311 - the same again
        self.core = Gateway(config, self.store, self.random.randbytes, mono_ms=self.now, box_ms=box_ms, boot="b")
        self.core.to_radio()

    def words(self, kind: type) -> list[object]:
        return [item.word for item in self.store.items(0, 1_000) if isinstance(item.word, kind)]

    def later(self, ms: int) -> list[AirFrame]:
        self.now += ms
        self.core.timer(self.now)
        return self.core.to_radio()

    def hear(self, frame: AirFrame) -> list[AirFrame]:
        self.core.radio_received(frame, self.now)
        return self.core.to_radio()


class Meter:
    """The other end of one member."""

    def __init__(self, box: Box, number: str = METER, *, active: bool = True) -> None:
        self.box, self.number = box, number
        key = meter_key(KEY, number)
        join = Join(number, 0x31, 0x10, active, b"\1\2\3\4")
        for _ in range(3):
            box.hear(AirFrame(7, 0, AirKind.JOIN, False, body=encode_join(join, key)))
        (frame,) = [each for each in box.later(COLLECT_MS) if each.kind is AirKind.WELCOME]
        self.welcome = decode_welcome_untrusted(frame.body)
        cipher = DataCipher(Algorithm.AES, Mode.GCM, key)
        self.peer = Peer(down=False, application=0x31, cipher=cipher, nonce=box.random.randbytes)

    def exchange(self, frames: list[AirFrame]) -> list[object]:
        """What the frames mean to it."""
        for frame in frames:
            if frame.kind is AirKind.DATA and frame.logical == self.welcome.logical:
                self.peer.receive(frame.body, self.box.now)
        events = []
        while (event := self.peer.next_event()) is not None:
            events.append(event)
        return events

    def say(self, message_type: int, data: bytes, custom: int = 0) -> list[object]:
        self.peer.send(message_type, data, self.box.now, custom)
        return self.exchange(self.send())

    def send(self) -> list[AirFrame]:
        told = []
        for image in self.peer.to_send():
            told += self.box.hear(AirFrame(7, 1, AirKind.DATA, False, self.welcome.logical, body=image))
        return told

    def commanded(self) -> Received:
        """The command that follows a report."""
        (event,) = [event for event in self.exchange(self.box.later(2_000)) if isinstance(event, Received)]
        return event


def test_a_report_is_kept_before_it_is_confirmed() -> None:
    box = Box()
    meter = Meter(box)
    (told,) = meter.say(CARRIED, b"report")
    assert isinstance(told, Confirmed)
    receipt = decode_receipt_untrusted(told.data)
    assert (receipt.more, receipt.at_ms) == (False, NOW_MS + box.now - MONO_MS)
    box.store.roll_back()  # as a kill at this instant would
    assert box.words(MeterMessage) == [MeterMessage(METER, CARRIED, b"report")]


def test_a_repeat_is_known_over_a_restart() -> None:
    box = Box()
    meter = Meter(box)
    meter.peer.send(CARRIED, b"report", box.now)
    (image,) = meter.peer.to_send()
    frame = AirFrame(7, 1, AirKind.DATA, False, meter.welcome.logical, body=image)
    box.hear(frame)  # the confirmation is lost, and then the gateway is killed
    again = Box(box.store)
    assert isinstance(meter.exchange(again.hear(frame))[0], Confirmed)
    assert len(again.words(MeterMessage)) == 1


def test_segments_outlive_a_kill() -> None:
    box = Box()
    meter, content = Meter(box), bytes(range(250))
    areas = split(content, meter.peer.room, 1)
    assert len(areas) == 3
    for area in areas:
        assert isinstance(meter.say(CARRIED, area, SEGMENTED)[0], Confirmed)
        box.store.roll_back()
        meter.box = box = Box(box.store)
    assert box.words(MeterMessage) == [MeterMessage(METER, CARRIED, content)]
    assert isinstance(meter.say(CARRIED, b"\1\5\3x", SEGMENTED)[0], Rejected)


def command(name: str = "5", not_after_s: int = 0, data: bytes = b"do") -> GatewayCommand:
    return GatewayCommand(name, METER, CARRIED, data, not_after_s)


def test_a_command_waits_for_its_meter_and_ends_once() -> None:
    box = Box()
    box.core.north_received(command(), box.now)  # before the meter ever joined
    meter = Meter(box)
    (told,) = meter.say(CARRIED, b"report")
    assert isinstance(told, Confirmed) and decode_receipt_untrusted(told.data).more
    asked = meter.commanded()
    assert (asked.message_type, asked.data) == (CARRIED, b"do")
    meter.peer.confirm(asked, b"done")
    meter.send()
    assert box.words(CommandWord) == [CommandWord("5", METER, "delivered", b"done")]
    box.core.north_received(command(), box.now)  # the word was lost: it is told again, and not done again
    assert box.words(CommandWord) == [
        CommandWord("5", METER, "delivered", b"done"),
        CommandWord("5", METER, "delivered"),
    ]
    assert not box.core.commands.count


def test_a_command_that_nobody_confirms_is_lost_after_its_windows() -> None:
    box = Box()
    meter = Meter(box)
    box.core.north_received(command(), box.now)
    for _ in range(CONFIG.command_windows):
        assert box.words(CommandWord) == []
        meter.say(CARRIED, b"report %d" % box.now)
        for _ in range(10):
            box.later(CONFIG.timeout_ms)
    assert box.words(CommandWord) == [CommandWord("5", METER, "lost")]
    box.core.north_received(command(), box.now)  # the platform says it again: it begins anew
    assert box.core.commands.count == 1


def test_a_refused_and_a_late_command() -> None:
    box = Box()
    meter = Meter(box)
    box.core.north_received(command("1"), box.now)
    meter.say(CARRIED, b"report")
    meter.peer.reject(meter.commanded())
    meter.send()
    until_s = NOW_MS // 1000 + 60
    box.core.north_received(command("2", until_s), box.now)
    box.later(120_000)
    assert box.words(CommandWord) == [CommandWord("1", METER, "refused"), CommandWord("2", METER, "too_late")]
    (told,) = meter.say(CARRIED, b"later")
    assert isinstance(told, Confirmed) and not decode_receipt_untrusted(told.data).more


def test_a_long_command_goes_in_pieces() -> None:
    box = Box()
    meter, data = Meter(box), bytes(range(200))
    box.core.north_received(command(data=data), box.now)
    meter.say(CARRIED, b"report")
    asked, parts = meter.commanded(), list[bytes]()
    while asked is not None:
        parts.append(asked.data[3:])
        meter.peer.confirm(asked)
        asked = next((event for event in meter.exchange(meter.send()) if isinstance(event, Received)), None)
    assert b"".join(parts) == data
    assert box.words(CommandWord) == [CommandWord("5", METER, "delivered")]


def test_a_passive_meter_is_woken_in_the_gateways_own_slice() -> None:
    box = Box()
    meter = Meter(box, active=False)
    box.core.north_received(command(), box.now)
    woken = [frame for _ in range(300) for frame in box.later(1_000) if frame.kind is AirKind.WAKE]
    assert woken and {frame.logical for frame in woken} == {meter.welcome.logical}
    meter.say(CARRIED, b"awake")
    meter.peer.confirm(meter.commanded())
    meter.send()
    assert box.words(CommandWord) == [CommandWord("5", METER, "delivered")]


def test_items_go_up_until_they_are_stored() -> None:
    box = Box()
    assert box.core.to_north(box.now) is None  # nobody hears
    box.core.north_connected()
    batch = box.core.to_north(box.now)
    assert isinstance(batch, UpBatch) and [item.number for item in batch.items] == [1]
    assert box.core.to_north(box.now + 59_000) is None
    again = box.core.to_north(box.now + 60_000)
    assert again == batch
    box.core.north_received(Stored(batch.store, "another run", (1,)), box.now)
    assert box.store.waiting() == 1
    box.core.north_received(Stored(batch.store, batch.run, (1,)), box.now)
    assert box.store.waiting() == 0 and box.core.to_north(box.now + 200_000) is None


def test_a_second_box_of_the_same_name_at_the_broker_is_told_once_an_hour() -> None:
    box = Box()
    box.core.name_taken(box.now)
    box.core.name_taken(box.now + 1_000)
    told = [
        word for word in box.words(GatewayEvent) if isinstance(word, GatewayEvent) and word.event == "duplicate_gateway"
    ]
    assert len(told) == 1 and "broker" in told[0].detail


def test_time_and_power_are_told() -> None:
    box = Box(box_ms=NOW_MS + 3_600_000)
    state = box.core.state(box.now)
    box.core.north_received(TimeOffer(state.ask, NOW_MS, 480), box.now)
    box.core.set_power("battery", box.now)
    box.core.set_power("battery", box.now)
    meter = Meter(box)
    meter.say(Time.TYPE[0], encode(Time(NOW_MS // 1000 + 90, 480)))
    events = box.words(GatewayEvent)
    assert [event.event for event in events if isinstance(event, GatewayEvent)] == [
        "started", "clock_fault", "power_battery", "joined", "meter_clock_off"
    ]  # fmt: skip
    assert box.words(MeterMessage) == []  # a question for the time is no message


def test_who_has_not_the_key_joins_nothing() -> None:
    box = Box()
    for key in (bytes(16), meter_key(KEY, "0000460000000002")):
        body = encode_join(Join(METER, 0x31, 0x10, True, b"\1\2\3\4"), key)
        box.hear(AirFrame(7, 0, AirKind.JOIN, False, body=body))
    assert not box.later(COLLECT_MS) or not len(box.core.members)
    assert box.core.counters["join_unproven"] == 2
    forged = encode_beacon(Beacon(0xFFFFFFFF, NOW_MS + box.now - MONO_MS), bytes(16))
    box.hear(AirFrame(7, 0, AirKind.BEACON, True, body=forged))
    old = encode_beacon(Beacon(0xFFFFFFFF, NOW_MS - 3_600_000), KEY)
    box.hear(AirFrame(7, 0, AirKind.BEACON, True, body=old))
    assert not box.core._neighbours.yields  # nobody silences a gateway by a forged beacon, or by one of yesterday


_frames = st.builds(
    AirFrame, st.sampled_from([7, 7, 7, 8]), st.integers(0, 3), st.sampled_from(AirKind), st.booleans(), st.integers(0, 3),
    st.integers(0, 2), st.booleans(), st.binary(max_size=60),
)  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(st.lists(_frames, max_size=20))
def test_garbage_changes_nothing(frames: list[AirFrame]) -> None:
    box = Box()
    meter = Meter(box)
    before = list(box.store.items(0, 100))
    for frame in frames:
        box.hear(frame)
        box.later(200)
    assert list(box.store.items(0, 100)) == before and len(box.core.members) == 1
    assert isinstance(meter.say(CARRIED, b"still there")[0], Confirmed)


@pytest.mark.parametrize(
    "change", [{"number": "1"}, {"network": 0}, {"key": b"short"}, {"channels": ()}, {"slice_s": 4}, {"cycle_s": 7_000}]
)
def test_a_configuration_that_will_not_do(change: dict[str, object]) -> None:
    told: dict[str, object] = {"number": NUMBER, "network": 7, "key": KEY} | change
    with pytest.raises(ValueError, match="|".join(change)):
        GatewayConfig(**told)  # type: ignore[arg-type]

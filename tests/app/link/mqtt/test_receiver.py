# SPDX-License-Identifier: Apache-2.0
"""Messages of a broker: acknowledged when on disk, applied once; what is nobody's or no event stops nothing. Commands in a device's queue."""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from openmains.app.command.downlink import DownFrame
from openmains.app.command.results import delivery_report
from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.admission import METER_LIMIT, Admission
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.mqtt.commands import QueueCommands, command_of, item_of
from openmains.app.link.mqtt.directory import MqttDevice, MqttDirectory
from openmains.app.link.mqtt.receiver import MqttReceiver
from openmains.app.link.mqtt.topics import named_in
from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId
from openmains.drivers import catalog
from tests.support.disk import Disk
from tests.support.patience import PATIENCE_S
from tests.support.station import AT, LoopTime

DRIVERS = {
    ProductId(1): "openmains/water-1",
    ProductId(2): "cjt188/water-2004",
    ProductId(3): "acme/gateway-1",
    ProductId(4): "acme/list-1",
}
EUI, OTHER, UNKNOWN = (f"70b3d57ed000000{n}" for n in (1, 2, 9))
JSON_METER, NUMBER = Identity(MeterId(3), TenantId(1), ProductId(3)), "460000000001"
EXAMPLE = (
    (Path(__file__).parents[4] / "docs/protocols/json.md").read_text("utf-8").split("```toml\n")[1].split("```")[0]
)
LIST_PAGE = """
[driver]
name = "acme/list-1"
hook = "json"
medium = "water"
grade = "draft"
unit_exponent = -3
zh = "多表网关"
en = "Gateway of several meters"
[json]
topic = "works/+/all"
each = "/meters"
number = "/meters/0/id"
zh = "全部"
en = "All"
[[field]]
pointer = "/meters/0/m3"
point = "register"
decimals = 3
[[vector]]
name = "none"
source = "synthetic"
text = '{"meters": []}'
fault = "type"
"""
PAGES = catalog.Catalog(
    {each.name: each for each in catalog.load()}
    | {
        name: catalog.load().make(name, text)
        for name, text in (("acme/gateway-1", EXAMPLE), ("acme/list-1", LIST_PAGE))
    }
)
METER, LINE_METER = Identity(MeterId(1), TenantId(1), ProductId(1)), Identity(MeterId(2), TenantId(1), ProductId(2))
GOOD = next(vector.frame for vector in catalog.load().driver(DRIVERS[ProductId(1)]).vectors if vector.fault is None)


BLOCKED = 490_154_203_237_518


class Town:
    """A receiver with two meters, and the broker's other side in lists."""

    def __init__(self) -> None:
        self.disk, self.clock = Disk(), LoopTime()
        self.done: list[str] = []
        self.noted: list[str] = []
        self.down: list[tuple[str, dict[str, object]]] = []
        self.taken: bool | None = True
        self.stopped = False
        directory = MqttDirectory()
        directory.replace(
            [MqttDevice(METER, EUI), MqttDevice(LINE_METER, OTHER), MqttDevice(JSON_METER, "", None, NUMBER)]
        )
        self.directory = directory
        admission = Admission(Identities(), PAGES)
        admission.set_products(DRIVERS, {})
        batcher = Batcher(self.disk, 1, linger_s=0.001)
        self.commands = QueueCommands(
            directory=directory,
            clock=self.clock,
            words=LinkReports(1, self.clock, batcher.add),
            stopped=lambda tenant_id: self.stopped,
            publish=self._publish,
            driver_of=admission.driver_for,
            f_port=10,
        )
        self.receiver = MqttReceiver(
            node=1, tenant_id=TenantId(1), directory=directory, admission=admission, batcher=batcher, shedding=Shedding(Pace()),
            clock=self.clock, queue=self.commands, note=lambda name, reason, detail: self.noted.append(name),
            is_blocked=lambda imei: imei == BLOCKED, topics=admission.topics, driver_of=admission.driver_for,
        )  # fmt: skip

    def _publish(self, topic: str, payload: bytes, taken: Callable[[bool], None]) -> bool:
        if self.taken is None:
            return False
        self.down.append((topic, json.loads(payload)))
        taken(self.taken)
        return True

    def say(self, eui: str, event: str = "up", *, name: str = "", raw: bytes | None = None, **told: object) -> None:
        body = json.dumps({"deviceInfo": {"devEui": eui}, **told}).encode() if raw is None else raw
        topic = f"application/a/device/{eui}/event/{event}"
        self.receiver.receive(topic, body, lambda: self.done.append(name))

    def up(self, eui: str, count: int, frame: bytes = GOOD, *, name: str = "") -> None:
        self.say(
            eui,
            name=name,
            fCnt=count,
            fPort=2,
            data=b64encode(frame).decode(),
            devAddr="01020304",
            time="2026-01-01T17:00:00Z",
        )

    def words(self) -> list[tuple[str, int, str]]:
        """What the link said of commands."""
        found = [delivery_report(uplink) for uplink in self.disk.uplinks if uplink.channel == "link"]
        return [(word.link, word.command_id, word.detail) for word in found if word is not None]

    async def stored(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.disk.uplinks) < count:
                await asyncio.sleep(0.001)


def frame_of(command: int, meter: Identity = METER) -> DownFrame:
    return DownFrame(CommandId(command), TenantId(1), meter.meter_id, meter.product_id, 0, "valve_close", b"\1\2")


async def test_a_message_is_acknowledged_when_it_is_on_disk_and_applied_once() -> None:
    town = Town()
    town.up(EUI, 1, name="first")
    town.up(EUI, 1, name="again, on its way")
    assert town.done == []
    await town.stored(1)
    await asyncio.sleep(0)
    assert sorted(town.done) == ["again, on its way", "first"]
    town.up(EUI, 1, name="again, later")
    assert town.done[-1] == "again, later"
    (uplink,) = town.disk.uplinks
    assert (uplink.meter_id, uplink.path, uplink.payload, uplink.fault, uplink.node) == (1, f"{EUI}/up/2", GOOD, "", 1)
    assert uplink.received_us == (AT - 1_800) * 1_000_000  # as the network heard it
    town.up(EUI, 2)  # the same words with the next counter are another message
    await town.stored(2)
    assert town.receiver.counters["mqtt.repeated"] == 2


async def test_what_the_stream_does_not_take_is_tried_again_and_not_acknowledged_before() -> None:
    town = Town()
    again: list[Callable[[], None]] = []
    town.clock.later = lambda seconds, call: again.append(call)
    town.disk.is_away = True
    town.up(EUI, 1, name="kept")
    async with asyncio.timeout(PATIENCE_S):
        while not again:
            await asyncio.sleep(0.001)
    assert town.done == [] and town.receiver.counters["mqtt.kept_waiting"] == 1
    town.disk.is_away = False
    again.pop()()
    await town.stored(1)
    assert town.done == ["kept"]


async def test_what_is_no_event_or_of_nobody_is_a_dead_letter_and_stops_nothing() -> None:
    town = Town()
    town.say(EUI, raw=b"{", name="garbage")
    for count in range(3):
        town.up(UNKNOWN, count, name="unknown")
    town.receiver.receive("weather/today", b"sun", lambda: town.done.append("other"))
    town.up(EUI, 1, b"\0" * 600, name="too large")
    town.say(EUI, "location", name="unused")
    town.say(EUI, name="empty")
    town.up(EUI, 2, name="good")
    await town.stored(5)
    await asyncio.sleep(0)
    kept = sorted((uplink.meter_id, uplink.fault, uplink.tenant_id) for uplink in town.disk.uplinks)
    assert kept == [
        (0, "unknown_device", 1),
        (0, "unknown_topic", 1),
        (1, "", 1),
        (1, "bad_event", 1),
        (1, "too_large", 1),
    ]
    assert sorted(town.done) == sorted(["garbage", *["unknown"] * 3, "other", "too large", "unused", "empty", "good"])
    assert town.noted == [UNKNOWN] * 3 and town.receiver.counters["mqtt.unknown_device"] == 3


async def test_a_blocked_terminal_is_not_heard_by_its_other_radio_either() -> None:
    town = Town()
    town.directory.change([MqttDevice(METER, EUI, BLOCKED)], [])
    town.up(EUI, 1)
    await town.stored(1)
    assert (town.disk.uplinks[0].meter_id, town.disk.uplinks[0].fault) == (0, "unknown_device")
    town.directory.change([MqttDevice(METER, EUI, BLOCKED + 1)], [])
    town.up(EUI, 2)
    await town.stored(2)
    assert (town.disk.uplinks[1].meter_id, town.disk.uplinks[1].fault) == (1, "")


async def test_a_backlog_is_no_flood_and_long_topics_are_cut() -> None:
    """A day's messages come in one minute when we were away: none is lost. Heard in one minute they are a flood."""
    town = Town()
    for count in range(2 * METER_LIMIT):
        town.up(EUI, count)
    await town.stored(2 * METER_LIMIT)
    assert {uplink.fault for uplink in town.disk.uplinks} == {""}
    for count in range(METER_LIMIT + 1):
        town.say(OTHER, fCnt=count, fPort=1, data=b64encode(b"\1").decode())
    await town.stored(3 * METER_LIMIT + 1)
    assert [uplink.fault for uplink in town.disk.uplinks].count("too_many") == 1
    for end in "ab":
        town.receiver.receive("x" * 60_000 + end, b"", lambda: None)
    await town.stored(3 * METER_LIMIT + 2)
    assert town.disk.uplinks[-1].path == "x" * 200 and town.receiver.counters["mqtt.left_out"] == 1


async def test_plain_json_is_a_message_of_the_meter_whose_number_is_in_the_topic() -> None:
    town = Town()
    text = next(vector.frame for vector in PAGES.driver("acme/gateway-1").vectors)
    for name in ("first", "the same words again"):  # they may be meant: its page knows it by instant and number
        town.receiver.receive(f"plant/{NUMBER}/state", text, lambda name=name: town.done.append(name))  # type: ignore[misc]
    assert town.done == []
    await town.stored(2)
    await asyncio.sleep(0)
    assert town.done == ["first", "the same words again"]
    uplink = town.disk.uplinks[0]
    assert (uplink.meter_id, uplink.channel, uplink.path, uplink.fault) == (3, "mqtt", f"plant/{NUMBER}/state", "")
    assert (uplink.payload, uplink.received_us // 1_000_000) == (text, AT)
    for topic, payload in (
        (f"plant/{NUMBER}/state", b"{"),  # its meter's dead letter
        ("plant/999/state", text),  # no such meter
        ("plant/999/state", text),  # one an hour
        (f"works/{NUMBER}/state", text),  # of no page
    ):
        town.receiver.receive(topic, payload, lambda: town.done.append("odd"))
    await town.stored(5)
    await asyncio.sleep(0)
    assert [(each.meter_id, each.fault) for each in town.disk.uplinks[2:]] == [
        (3, "json"), (0, "unknown_device"), (0, "unknown_topic"),
    ]  # fmt: skip
    assert town.noted == ["999"] * 2 and town.done.count("odd") == 4 and len(town.receiver._seen) == 0


async def test_a_message_of_several_meters_is_taken_apart_and_acknowledged_when_all_of_it_is_on_disk() -> None:
    town = Town()
    meters = [Identity(MeterId(meter), TenantId(1), ProductId(4)) for meter in (11, 12)]
    town.directory.change([MqttDevice(each, "", None, str(each.meter_id)) for each in meters], [])
    told = b'{"meters": [{"id": "11", "m3": 1.250}, {"id": 12, "m3": 2}, {"id": "99", "m3": 3}, {"m3": 4}]}'
    town.receiver.receive("works/a/all", told, lambda: town.done.append("whole"))
    await asyncio.sleep(0)
    assert town.done == []
    await town.stored(4)
    await asyncio.sleep(0)
    assert town.done == ["whole"] and town.noted == ["99", "works/a/all"]
    kept = {(each.meter_id, each.fault, bytes(each.payload)) for each in town.disk.uplinks}
    assert (11, "", b'{"meters":[{"id":"11","m3":1.250}]}') in kept and (
        12,
        "",
        b'{"meters":[{"id":12,"m3":2}]}',
    ) in kept
    assert {(meter, fault) for meter, fault, _ in kept} == {(11, ""), (12, ""), (0, "unknown_device")}
    for odd in (b"{", b'{"meters": 1}', b"{"):
        town.receiver.receive("works/b/all", odd, lambda: town.done.append("odd"))
    await town.stored(5)
    await asyncio.sleep(0)
    assert town.disk.uplinks[-1].fault == "json" and town.done.count("odd") == 3  # one an hour and topic is kept


async def test_plain_json_that_the_broker_kept_for_us_is_no_flood() -> None:
    town = Town()
    for count in range(2 * METER_LIMIT):
        town.receiver.receive(f"plant/{NUMBER}/state", b'{"values": {"total_m3": %d}}' % count, lambda: None)
    await town.stored(2 * METER_LIMIT)
    assert {uplink.fault for uplink in town.disk.uplinks} == {""}


async def test_a_meter_of_another_page_or_of_a_blocked_terminal_is_not_named_by_its_number() -> None:
    town = Town()
    text = next(vector.frame for vector in PAGES.driver("acme/gateway-1").vectors)
    town.directory.change([MqttDevice(JSON_METER, "", BLOCKED, NUMBER), MqttDevice(METER, EUI, None, "77")], [])
    for number in (NUMBER, "77"):
        town.receiver.receive(f"plant/{number}/state", text, lambda: None)
    await town.stored(2)
    assert [(each.meter_id, each.fault) for each in town.disk.uplinks] == [(0, "unknown_device")] * 2


def test_which_number_stands_in_a_topic() -> None:
    both = ["plant/{number}/state", "+/+/{number}", "{number}"]
    assert named_in("plant/7/state", both) == [("+/+/{number}", "state"), ("plant/{number}/state", "7")]
    assert named_in("plant/7", both) == named_in("plant/7/state/x", both) == named_in("", []) == []


async def test_a_command_goes_to_the_port_that_its_page_names(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town()
    monkeypatch.setattr(PAGES.driver(DRIVERS[frame_of(7).product_id]), "command_port", 85)
    town.up(EUI, 1)
    town.commands.handle([frame_of(7)])
    assert [item["fPort"] for _, item in town.down] == [85]


async def test_a_command_lies_in_the_queue_under_its_own_name_and_its_ack_is_told() -> None:
    town = Town()
    town.up(EUI, 1)
    town.commands.handle([frame_of(7), frame_of(7)])
    assert [topic for topic, _ in town.down] == [f"application/a/device/{EUI}/command/down"] * 2
    named = {str(item["id"]) for _, item in town.down}
    assert named == {str(item_of(CommandId(7)))} and command_of(named.pop()) == 7
    assert b64decode(str(town.down[0][1]["data"])) == b"\1\2" and town.down[0][1]["fPort"] == 10
    item = str(item_of(CommandId(7)))
    town.say(EUI, "ack", queueItemId=item, acknowledged=True, name="ack")
    town.say(EUI, "ack", queueItemId=item, name="nack, told again")
    town.say(EUI, "log", code="EXPIRED", context={"queue_item_id": str(item_of(CommandId(8)))})
    town.say(EUI, "ack", queueItemId=str(uuid4()), acknowledged=True)  # of somebody else
    town.say(EUI, "txack", queueItemId=item)
    await town.stored(4)
    assert town.words() == [("delivered", 7, ""), ("lost", 7, ""), ("lost", 8, "")]
    assert {"ack", "nack, told again"} <= set(town.done)


async def test_a_command_that_cannot_go_is_told_at_once_and_those_of_others_are_left_alone() -> None:
    town = Town()
    town.commands.handle([frame_of(1)])  # not heard since we began
    town.up(EUI, 1)
    town.up(OTHER, 1)
    town.taken = None  # no connection
    town.commands.handle([frame_of(2)])
    town.taken = False  # nobody holds the topic
    town.commands.handle([frame_of(3)])
    town.taken, town.stopped = True, True
    town.commands.handle([frame_of(4)])
    town.stopped = False
    town.commands.handle([frame_of(5, LINE_METER)])  # a page that is asked on a line
    with_module = DownFrame(
        CommandId(6), TenantId(1), METER.meter_id, METER.product_id, 490154203237518, "valve_close", b"\1"
    )
    town.commands.handle([with_module, frame_of(9, Identity(MeterId(99), TenantId(1), ProductId(1)))])
    await town.stored(7)
    assert town.words() == [("lost", n, "") for n in (1, 2, 3, 4)] + [("declined", 5, "not_by_this_driver")]
    assert [str(item["id"]) for _, item in town.down] == [str(item_of(CommandId(3)))]


def test_a_directory_follows_the_registry() -> None:
    directory = MqttDirectory()
    directory.replace([MqttDevice(METER, EUI)])
    directory.change([MqttDevice(LINE_METER, EUI)], [METER.meter_id])  # the radio moved to another meter
    assert directory.device(EUI) == LINE_METER and directory.dev_eui_of(METER.meter_id) == ""
    directory.change([], [LINE_METER.meter_id])
    assert directory.device(EUI) is None and len(directory) == 0
    directory.change([MqttDevice(JSON_METER, "", None, NUMBER), MqttDevice(METER, EUI)], [])
    assert directory.meter(NUMBER) == JSON_METER and directory.device("") is None
    directory.change([MqttDevice(JSON_METER, OTHER)], [])  # its product reads no text any more
    assert directory.meter(NUMBER) is None and directory.device(OTHER) == JSON_METER

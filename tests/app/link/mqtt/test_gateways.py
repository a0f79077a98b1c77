# SPDX-License-Identifier: Apache-2.0
"""Gateways of ours at a broker: what they keep becomes uplinks once, is told to be stored when it is on disk and not before, and commands go
down as they are."""

import asyncio
from collections.abc import Callable

from openmains.app.command.downlink import DownFrame
from openmains.app.command.results import delivery_report
from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.admission import Admission
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.mqtt.directory import MqttDirectory
from openmains.app.link.mqtt.gateway_commands import GatewayCommands
from openmains.app.link.mqtt.gateways import AWAY_S, LOOK_S, GatewayReceiver
from openmains.app.link.mqtt.receiver import MqttReceiver
from openmains.app.link.station.directory import Concentrator
from openmains.app.link.station.standing import GATEWAY, StandingCache
from openmains.app.network.cache import NetworkCache
from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId
from openmains.drivers import catalog
from openmains.wire.gateway.messages import (
    CommandWord,
    Down,
    GatewayCommand,
    GatewayEvent,
    GatewayState,
    Item,
    MeterMessage,
    ParametersWord,
    Stored,
    TimeOffer,
    UpBatch,
    decode_down_untrusted,
    encode_state,
    encode_up,
    topic,
)
from tests.app.link.mqtt.test_receiver import DRIVERS, GOOD, LINE_METER, METER, Disk
from tests.support.patience import PATIENCE_S
from tests.support.station import LoopTime

GATEWAY_NUMBER, NUMBER, ON_LINE = "9000000000000001", "0000460000000001", "0000460000000002"
CARRIED = 0x15


class NoQueue:
    def heard(self, place: object) -> None:
        raise AssertionError

    def told(self, identity: Identity, event: object, **more: object) -> None:
        raise AssertionError


class Broker:
    """The platform's side with two meters behind one gateway, and what it says down."""

    def __init__(self) -> None:
        self.disk, self.clock = Disk(), LoopTime()
        self.done: list[str] = []
        self.answers: list[tuple[str, ParametersWord, Callable[[], None]]] = []
        self.noted: list[tuple[str, str]] = []
        self.down: list[Down] = []
        self.taken: bool | None = True
        self.stopped = False
        self.known = {
            GATEWAY_NUMBER: Concentrator(GATEWAY_NUMBER, TenantId(1), {NUMBER: METER, ON_LINE: LINE_METER}),
            "9000000000000009": Concentrator("9000000000000009", TenantId(2), {}),
        }
        admission = Admission(Identities(), catalog.load())
        admission.set_products({key: name for key, name in DRIVERS.items() if key < ProductId(3)}, {})
        batcher = Batcher(self.disk, 1, linger_s=0.001)
        words = LinkReports(1, self.clock, batcher.add)
        self.receiver = MqttReceiver(
            node=1, tenant_id=TenantId(1), directory=MqttDirectory(), admission=admission, batcher=batcher, shedding=Shedding(Pace()),
            clock=self.clock, queue=NoQueue(), note=self._note,
        )  # fmt: skip
        self.standing, self.book = StandingCache(self.clock.unix_us), NetworkCache()
        self.gateways = GatewayReceiver(
            tenant_id=TenantId(1), host="broker.example", directory=self, intake=self.receiver, standing=self.standing, book=self.book,
            words=words, answer=lambda number, word, done: self.answers.append((number, word, done)),
            clock=self.clock, publish=self._publish, offset_min=lambda tenant_id, now_s: 480, note=self._note,
        )  # fmt: skip
        self.receiver.gateways = self.gateways
        self.commands = GatewayCommands(
            directory=self, clock=self.clock, words=words, stopped=lambda tenant_id: self.stopped, publish=self._publish,
            is_connected=self.gateways.is_connected, driver_of=admission.driver_for,
        )  # fmt: skip

    def find(self, number: str) -> Concentrator | None:
        return self.known.get(number)

    def _note(self, name: str, reason: str, detail: str) -> None:
        self.noted.append((name, reason))

    def _publish(self, name: str, payload: bytes, taken: Callable[[bool], None]) -> bool:
        if self.taken is None:
            return False
        assert name == topic(GATEWAY_NUMBER, "down")
        self.down.append(decode_down_untrusted(payload))
        taken(self.taken)
        return True

    def say(self, *items: Item, run: str = "r1", name: str = "", gateway: str = GATEWAY_NUMBER) -> None:
        batch = encode_up(UpBatch("s1", run, items))
        self.receiver.receive(topic(gateway, "up"), batch, lambda: self.done.append(name))

    def state(self, run: str = "r1", at_ms: int = 0) -> None:
        told = GatewayState("s1", run, "ask", at_ms, "box", "mains", "1", 2, 0, 3, 0, 0)
        self.receiver.receive(topic(GATEWAY_NUMBER, "state"), encode_state(told), lambda: self.done.append("state"))

    def stored(self) -> list[int]:
        return [number for word in self.down if isinstance(word, Stored) for number in word.numbers]

    def words(self) -> list[tuple[str | None, int]]:
        found = [delivery_report(uplink) for uplink in self.disk.uplinks if uplink.channel == "link"]
        return [(word.link, int(word.command_id or 0)) for word in found if word is not None]


async def until(found: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not found():
            await asyncio.sleep(0.001)


def message(number: int, data: bytes = GOOD, meter: str = NUMBER, kind: int = CARRIED) -> Item:
    return Item(number, 0, MeterMessage(meter, kind, data, 3))


def frame(command_id: int, identity: Identity = METER, gateway: str = GATEWAY_NUMBER) -> DownFrame:
    return DownFrame(
        CommandId(command_id),
        identity.tenant_id,
        identity.meter_id,
        identity.product_id,
        0,
        "read_now",
        b"\1\2",
        99,
        gateway,
    )


async def test_a_message_is_told_to_be_stored_when_it_is_on_disk_and_not_before() -> None:
    broker = Broker()
    broker.disk.is_away = True
    broker.say(message(7), message(8, GOOD, meter="0000460000000099"), name="first")
    await asyncio.sleep(0.05)
    assert (broker.done, broker.stored(), broker.disk.uplinks) == ([], [], [])
    broker.disk.is_away = False
    await until(lambda: sorted(broker.stored()) == [7, 8])
    assert broker.done == ["first"]
    (kept,) = [uplink for uplink in broker.disk.uplinks if uplink.meter_id == METER.meter_id]
    assert (kept.payload, kept.path, kept.fault, kept.channel) == (
        GOOD,
        f"gateway/{GATEWAY_NUMBER}/15/via/3",
        "",
        "mqtt",
    )
    (letter,) = [uplink for uplink in broker.disk.uplinks if uplink.meter_id == MeterId(0)]
    assert letter.fault == "unknown_device"  # of a meter that is not behind this gateway
    assert (f"{GATEWAY_NUMBER}/0000460000000099", "meter not behind this gateway") in broker.noted


async def test_the_same_item_again_is_told_and_not_applied_again() -> None:
    broker = Broker()
    broker.say(message(7))
    await until(lambda: broker.stored() == [7])
    broker.say(message(7), run="r2")  # the word was lost; the gateway began anew
    await until(lambda: broker.stored() == [7, 7])
    assert len(broker.disk.uplinks) == 1
    assert {word.run for word in broker.down if isinstance(word, Stored)} == {"r1", "r2"}
    broker.say(message(7, GOOD[:-1] + b"\0"))  # another box with a copy of the store
    await until(lambda: len(broker.disk.uplinks) == 2)


async def test_contents_of_the_standards_types_have_the_type_in_front() -> None:
    broker = Broker()
    broker.say(message(1, b"\5\6", kind=4))
    await until(lambda: broker.disk.uplinks)
    assert broker.disk.uplinks[0].payload == b"\4\5\6"


async def test_how_a_gateway_stands_and_what_it_is_told() -> None:
    broker = Broker()
    assert not broker.gateways.is_connected(GATEWAY_NUMBER)
    broker.state(at_ms=broker.clock.unix_us() // 1000 + 5_000)
    assert broker.gateways.is_connected(GATEWAY_NUMBER)
    (standing,) = broker.standing.take(broker.clock.time())
    assert (standing.kind, standing.is_connected, standing.clock_off_s) == (GATEWAY, True, 5)
    (offer,) = broker.down
    assert isinstance(offer, TimeOffer) and (offer.ask, offer.utc_offset_min) == ("ask", 480)
    assert abs(offer.at_ms - broker.clock.unix_us() // 1000) < 10_000
    broker.gateways._gateways[GATEWAY_NUMBER].heard -= AWAY_S + 1
    broker.gateways._look()
    assert not broker.gateways.is_connected(GATEWAY_NUMBER) and LOOK_S < AWAY_S
    (standing,) = broker.standing.take(broker.clock.time())
    assert (standing.is_connected, standing.ending) == (False, "silent")


async def test_what_somebody_is_to_see() -> None:
    broker = Broker()
    broker.state()
    events = [("joined", NUMBER), ("joined", "0000460000000077"), ("relay_lost", ""), ("started", "")]
    broker.say(*(Item(at, 0, GatewayEvent(event, meter, "x")) for at, (event, meter) in enumerate(events, 1)))
    assert broker.done[1:] == [""] and broker.stored() == []  # the broker may forget them; the gateway may not yet
    taken = broker.book.take()
    assert taken is not None
    assert [(said.item, said.event, said.meter_id) for said in taken.events] == [
        (1, "joined", METER.meter_id), (2, "joined", None), (3, "relay_lost", None), (4, "started", None)
    ]  # fmt: skip
    for done in taken.done:
        done()
    await until(lambda: len(broker.stored()) == 4)
    assert broker.noted == [
        (f"{GATEWAY_NUMBER}/0000460000000077", "joined, and not in the book behind this gateway"), (GATEWAY_NUMBER, "relay lost")
    ]  # fmt: skip
    for run in ("r2", "r1", "r2"):
        broker.state(run)
    assert broker.noted[2:] == [(GATEWAY_NUMBER, "duplicate gateway")] * 2


async def test_nobody_speaks_for_a_gateway_of_others() -> None:
    broker = Broker()
    for gateway in ("9000000000000009", "9000000000000005"):
        broker.say(message(1), gateway=gateway, name=gateway)
    broker.receiver.receive(topic(GATEWAY_NUMBER, "up"), b"{}", lambda: broker.done.append("bad"))
    await until(lambda: len(broker.done) == 3)
    assert sorted(uplink.fault for uplink in broker.disk.uplinks) == ["bad_event", "unknown_device", "unknown_device"]
    assert broker.down == []


async def test_a_command_goes_down_as_it_is_and_its_end_comes_up() -> None:
    broker = Broker()
    broker.commands.handle([frame(5)])
    assert broker.down == []  # not heard yet: the command waits at the dispatcher
    broker.state()
    broker.commands.handle([frame(5), frame(6, gateway=""), frame(7, gateway="9000000000000009")])
    assert broker.down[1:] == [GatewayCommand("5", NUMBER, CARRIED, b"\1\2", 99)]
    ends = ("delivered", "lost", "too_late", "refused")
    broker.say(
        *(Item(at, 0, CommandWord(str(at), NUMBER, end)) for at, end in enumerate(ends, 1)),
        Item(9, 0, CommandWord("x", NUMBER, "lost")),
    )
    await until(lambda: len(broker.stored()) == 5)
    assert broker.words() == [("delivered", 1), ("lost", 2), ("too_late", 3), ("declined", 4)]


async def test_a_command_that_cannot_go_is_told() -> None:
    broker = Broker()
    broker.state()
    broker.commands.handle([frame(1, LINE_METER)])  # its page is asked on a line
    broker.stopped = True
    broker.commands.handle([frame(2)])
    broker.stopped = False
    broker.commands.handle([frame(3, Identity(MeterId(9), TenantId(1), ProductId(1)))])
    broker.taken = False
    broker.commands.handle([frame(4)])
    broker.taken = None
    broker.commands.handle([frame(5)])
    await until(lambda: len(broker.words()) == 5)
    assert sorted(broker.words()) == [("declined", 1), ("lost", 2), ("lost", 3), ("lost", 4), ("lost", 5)]


async def test_what_a_gateway_says_of_itself_is_stored_when_it_is_written_and_not_before() -> None:
    broker, word = Broker(), ParametersWord(17, "done", {"tries": 5})
    broker.say(Item(3, 0, word), name="answer")
    ((number, told, done),) = broker.answers
    assert (number, told, broker.done, broker.stored()) == (GATEWAY_NUMBER, word, ["answer"], [])
    done()
    await until(lambda: broker.stored() == [3])

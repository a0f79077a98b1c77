# SPDX-License-Identifier: Apache-2.0
"""An operator's operations at the edge, under a virtual clock: who is asked, who is not, and what is said then."""

from typing import Any, cast

import pytest

from openmains.app.command.device_management.messages import Answer, Kind, OperationRequest, Outcome
from openmains.app.command.sent_frames import sent_frames
from openmains.app.fleet.identities import Identity
from openmains.app.link.down_log import GATHER_S, DownLog
from openmains.app.link.lwm2m.operations import QUEUE_WINDOW_S, Operations
from openmains.app.link.proofs import PROOF_S, Proofs
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.wire.coap.endpoint import Pong
from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import Executed
from openmains.wire.lwm2m.events import Done, Failed
from tests.support.link import RecordingLink, RecordingStream, Seat, VirtualClock
from tests.support.lwm2m_pair import IMEI, SERVER, Pair, meter_tree

CID = b"\x01edge-01"


class Edge(Pair):
    """A registered meter and the edge's operations on it."""

    def __init__(self, *, queue: bool = False, version: str = "1.1") -> None:
        self.clock = VirtualClock()
        super().__init__(Client(meter_tree(), endpoint=f"urn:imei:{IMEI}", seed=11, queue=queue, version=version))
        self.link = cast(str, CID)  # any hashable is a link
        self.allowed = True
        self.terminal = Seat(int(IMEI), CID)
        self.edge = RecordingLink([self.terminal])
        self.proofs = Proofs(self.edge, self.clock, self.server.ping)
        self.stream = RecordingStream()
        self.operations = Operations(
            node=1,
            server=self.server,
            link=self.edge,
            clock=self.clock,
            proofs=self.proofs,
            may_command=lambda imei: self.allowed,
            down_log=DownLog(
                clock=self.clock,
                who=lambda imei: Identity(MeterId(7), TenantId(1), ProductId(3)),
                publish=self.stream.publish,
            ),
        )
        self.client.register(SERVER, self.now)
        self.run()
        self.terminal.heard_us = self.clock.unix_us()

    @property
    def now(self) -> float:
        return self.clock.now

    @now.setter
    def now(self, now: float) -> None:
        self.clock.now = now

    def _server_event(self, event: Any) -> None:
        super()._server_event(event)
        if isinstance(event, Pong | Done):
            self.proofs.proved(self.terminal, self.now)
        if isinstance(event, Done | Failed):
            self.operations.done(event, self.now)

    def ask(self, kind: Kind, path: tuple[int, ...] = (), value: str = "", imei: int = int(IMEI)) -> list[Answer]:
        """What was replied at once and after the datagrams of now."""
        said: list[Answer] = []
        self.operations.handle(OperationRequest(kind, imei, path, value), said.append)
        self.run()
        return said


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_values_are_decoded_and_written_in_the_form_the_device_takes(version: str) -> None:
    edge = Edge(version=version)
    (read,) = edge.ask(Kind.READ, (3424, 0, 1))
    assert (read.outcome, read.code, read.values[0].text, read.values[0].type) == (
        Outcome.ANSWERED,
        0x45,
        "12345.678",
        "float",
    )
    edge.client.tree.set((3, 0, 14), "+08:00")
    (written,) = edge.ask(Kind.WRITE, (3, 0, 14), "+07:00")
    assert (written.code, edge.client.tree.get((3, 0, 14))) == (0x44, "+07:00")
    (wrong,) = edge.ask(Kind.WRITE, (10266, 0, 6005), "noon")
    assert wrong.outcome is Outcome.NOT_SENT


def test_a_meter_in_queue_mode_is_asked_only_while_it_listens() -> None:
    edge = Edge(queue=True)
    heard = edge.terminal.heard_us
    edge.now += QUEUE_WINDOW_S - 1
    assert edge.ask(Kind.READ, (3, 0, 9))[0].outcome is Outcome.ANSWERED
    edge.now += 2
    (asleep,) = edge.ask(Kind.READ, (3, 0, 9))
    assert (asleep.outcome, asleep.heard_us, asleep.awake) == (Outcome.ASLEEP, heard, False)
    assert edge.server.datagrams() == []
    (registered,) = edge.ask(Kind.REGISTERED)
    assert registered.registered is not None
    assert registered.registered.queue_mode
    assert 3424 in {one.object_id for one in registered.registered.objects}


def test_a_meter_without_queue_mode_is_always_asked() -> None:
    edge = Edge()
    edge.now += 100_000
    assert edge.ask(Kind.READ, (3, 0, 9))[0].outcome is Outcome.ANSWERED


def test_an_unproven_address_is_pinged_first() -> None:
    edge = Edge()
    edge.terminal.proven = False
    said: list[Answer] = []
    edge.operations.handle(OperationRequest(Kind.EXECUTE, int(IMEI), (3, 0, 12)), said.append)
    ((_, ping),) = edge.server.datagrams()
    assert len(ping) == 4  # an empty message: nothing in it for whoever sits at that address
    edge.felt += edge.client.receive(ping, SERVER, edge.now)
    assert not [event for event in edge.felt if isinstance(event, Executed)]
    edge.run()
    assert edge.terminal.proven
    assert [answer.outcome for answer in said] == [Outcome.ANSWERED]


def test_without_a_proof_nothing_is_sent() -> None:
    edge = Edge()
    edge.terminal.proven = False
    said: list[Answer] = []
    edge.operations.handle(OperationRequest(Kind.EXECUTE, int(IMEI), (3, 0, 12)), said.append)
    assert len(edge.server.datagrams()) == 1
    edge.clock.run(PROOF_S)
    assert [len(datagram) for _, datagram in edge.server.datagrams()] == [4]  # the ping once more, and nothing else
    assert [answer.outcome for answer in said] == [Outcome.NO_ANSWER]


def test_an_answer_that_does_not_come_in_time_is_said_once() -> None:
    edge = Edge()
    said: list[Answer] = []
    edge.operations.handle(OperationRequest(Kind.READ, int(IMEI), (3, 0, 9), limit_s=10), said.append)
    late = edge.server.datagrams()
    edge.clock.run(10)
    for _, datagram in late:
        edge.client.receive(datagram, SERVER, edge.now)
    edge.run()
    assert [answer.outcome for answer in said] == [Outcome.NO_ANSWER]
    assert edge.ask(Kind.READ, (3, 0, 9))[0].outcome is Outcome.ANSWERED


def test_what_needs_a_signature_is_refused_at_the_edge_too() -> None:
    edge = Edge()
    for kind, path in (
        (Kind.WRITE, (26241, 0, 1)), (Kind.WRITE, (19, 1, 0)), (Kind.EXECUTE, (3, 0, 4)), (Kind.WRITE, (1, 0, 1)),
        (Kind.WRITE, (31000, 0, 1)), (Kind.READ, (0, 1, 5)),
    ):  # fmt: skip
        assert edge.ask(kind, path)[0].outcome is Outcome.SIGNED_ONLY
    assert not [event for event in edge.felt if isinstance(event, Executed)]


def test_who_is_held_or_elsewhere_is_sent_nothing() -> None:
    edge = Edge()
    edge.allowed = False
    assert edge.ask(Kind.READ, (3, 0, 9))[0].outcome is Outcome.HELD
    assert edge.ask(Kind.READ, (3, 0, 9), imei=1)[0].outcome is Outcome.NOT_HERE
    assert edge.ask(Kind.WHERE, imei=1) == []
    assert edge.ask(Kind.WHERE)[0].node == 1


def test_an_observed_value_is_seen_with_its_time() -> None:
    edge = Edge()
    assert edge.ask(Kind.OBSERVE, (3, 0, 9))[0].values[0].text == "87"
    begun = edge.clock.unix_us()
    registered = edge.ask(Kind.REGISTERED)[0].registered
    assert registered is not None
    (watched,) = registered.observed
    assert (watched.path, watched.at_us, watched.values[0].text) == ((3, 0, 9), begun, "87")


def test_what_was_sent_is_in_the_frame_log_and_what_was_not_is_not() -> None:
    edge = Edge()
    edge.ask(Kind.READ, (3, 0, 9))
    edge.ask(Kind.WRITE, (3, 0, 14), "+08:00")
    edge.ask(Kind.WRITE, (0, 0, 5), "secret")  # refused: nothing goes down, nothing is noted
    edge.operations.handle(OperationRequest(Kind.READ, int(IMEI), (3, 0, 9), limit_s=10), lambda answer: None)
    edge.server.datagrams()  # lost on the way
    edge.clock.run(10 + GATHER_S)
    noted = [frame for uplink, _ in edge.stream.uplinks for frame in sent_frames(uplink)]
    assert [(frame.meter_id, frame.channel, frame.path, frame.outcome) for frame in noted] == [
        (7, "lwm2m", "3/0/9;read", "delivered"),
        (7, "lwm2m", "3/0/14;write", "delivered"),
        (7, "lwm2m", "3/0/9;read", "lost"),
    ]
    assert b"+08:00" in noted[1].payload and not noted[0].payload

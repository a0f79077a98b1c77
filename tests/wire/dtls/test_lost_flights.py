# SPDX-License-Identifier: Apache-2.0
"""Lost pieces of the last two flights, and a client that repeats nothing of its own accord (RFC 6347 section 4.2.4).

Every record travels alone here, so that each one can be lost: then the server's timer is all there is to bring the two together.
"""

import pytest

from openmains.wire.dtls.client import Timing
from openmains.wire.dtls.events import Connected, Limits
from openmains.wire.dtls.record import records_untrusted
from openmains.wire.dtls.server import Server
from openmains.wire.dtls.states import SERVING, Asking, Serving, ServingAction, ServingInput
from tests.support.dtls import HOME, SERVER, Site, make_client

SILENT = Timing(first_wait_s=1e6, max_wait_s=1e6, retransmissions=1)
UP = {"key exchange": 2, "change of cipher": 3, "finished": 4}
DOWN = {"hello": 1, "hello done": 2, "change of cipher": 3, "finished": 4}


class Wire:
    """Site and client, record by record. ``lose``: (direction, number of the record) that does not arrive."""

    def __init__(self, lose: set[tuple[str, int]], *, cid: bytes | None = b"", timing: Timing = SILENT) -> None:
        self.site, self.lose = Site(), lose
        self.client = make_client(cid=cid, timing=timing)
        self.counts = {"up": 0, "down": 0}
        self.told: list[object] = []
        self.now = 0.0

    def _arrives(self, way: str) -> bool:
        number = self.counts[way]
        self.counts[way] += 1
        return (way, number) not in self.lose

    def carry(self) -> None:
        while True:
            up = [raw for _, raw in self.client.datagrams()]
            down = [raw for _, raw in self.site.datagrams()]
            if not up and not down:
                return
            for raw in up:
                for record in records_untrusted(raw, 8):
                    if self._arrives("up"):
                        self.site.receive(record.raw, HOME, self.now)
            for raw in down:
                for record in records_untrusted(raw, 0):
                    if self._arrives("down"):
                        self.told += self.client.receive(record.raw, SERVER, self.now)

    def run(self, seconds: float) -> None:
        """Only the server has timers that come due."""
        end = self.now + seconds
        while (due := self.site.next_timer()) is not None and due <= end:
            self.now = due
            self.site.handle_timer(due)
            self.carry()
        self.now = end

    def connect(self) -> bool:
        self.client.start(0.0)
        self.carry()
        self.run(200.0)
        return any(isinstance(event, Connected) for event in self.told)


@pytest.mark.parametrize("cid", [None, b""], ids=["by address", "connection id"])
@pytest.mark.parametrize("what", UP)
def test_a_lost_piece_of_the_clients_flight(what: str, cid: bytes | None) -> None:
    wire = Wire({("up", UP[what])}, cid=cid)
    assert wire.connect()
    assert wire.client.send(b"reading", wire.now)
    wire.carry()
    assert wire.site.delivered == [b"reading"]


@pytest.mark.parametrize("cid", [None, b""], ids=["by address", "connection id"])
@pytest.mark.parametrize("what", DOWN)
def test_a_lost_piece_of_the_servers_flights(what: str, cid: bytes | None) -> None:
    assert Wire({("down", DOWN[what])}, cid=cid).connect()


def test_two_losses_in_a_row() -> None:
    """The first repetition is lost as well; the waits double, and stop."""
    wire = Wire({("down", n) for n in range(3, 7)})
    assert wire.connect()
    assert wire.site.server.counters["retransmitted"] >= 2


def test_a_last_flight_is_repeated_three_times_and_the_handshake_ends() -> None:
    """Nobody is there any more: a few repetitions, then nothing is kept."""
    wire = Wire({("down", n) for n in range(3, 1000)})
    assert not wire.connect()
    server = wire.site.server
    assert server.counters["retransmitted"] == Limits().retransmissions
    wire.run(Limits().handshake_s)
    assert server.sizes()["handshakes"] == 0 and server.next_timer() is None
    assert server.sizes()["sessions"] == 1, "the session is in use: its meter may still speak"


def test_application_data_ends_the_repetition() -> None:
    wire = Wire(set())
    wire.client.start(0.0)
    wire.carry()
    assert wire.client.send(b"reading", 1.0)
    wire.carry()
    wire.run(400.0)
    assert wire.site.server.counters["retransmitted"] == 0
    assert wire.site.server.sizes()["handshakes"] == 0


def test_a_connected_client_that_says_nothing_takes_no_harm() -> None:
    wire = Wire(set())
    assert wire.connect()
    assert wire.client.state is Asking.CONNECTED
    assert wire.site.server.counters["retransmitted"] == Limits().retransmissions


def test_repetitions_of_two_ends_come_to_an_end() -> None:
    """Some clients answer a repeated Finished with their own flight again. Nobody may be kept busy by that."""
    wire = Wire(set())
    wire.client.start(0.0)
    finished: list[bytes] = []
    while wire.client.state is not Asking.CONNECTED:
        for _, raw in wire.client.datagrams():
            finished = [raw]
            wire.site.receive(raw, HOME, 0.0)
        for _, raw in wire.site.datagrams():
            wire.client.receive(raw, SERVER, 0.0)
    said = 0
    session = wire.client.session
    assert session is not None and finished
    for _ in range(50):
        # The last record, Finished, under a new number: as a stack repeats it.
        *_, last = records_untrusted(finished[0], 8)
        content = _content(wire.site.server, last.raw)
        wire.site.receive(session.seal(22, content), HOME, 1.0)
        said += len(wire.site.datagrams())
    assert 0 < said <= 8


def _content(server: Server, raw: bytes) -> bytes:
    """What a protected record of a client holds, without the type that a connection id puts behind it."""
    [session] = server._sessions.values()
    opened = session.open(raw, 13 + 8)
    assert opened is not None
    return opened.rstrip(b"\0")[:-1]


def test_every_state_that_waits_for_the_peer_has_a_timer() -> None:
    """A flight of ours is out and the peer's turn is next: silence may not last."""
    waiting = {
        Serving.KEY_EXCHANGE, Serving.CHANGE, Serving.FINISHED, Serving.DONE, Serving.SHORT_CHANGE, Serving.SHORT_FINISHED,
    }  # fmt: skip
    repeating = {state for state in Serving if SERVING[state, ServingInput.TIMER] == (state, ServingAction.REPEAT)}
    assert repeating == waiting

# SPDX-License-Identifier: Apache-2.0
"""All sequences, up to length 5 (19,607), of the seven things that a client can say to a PSK server; in `make test-slow` up to 6 (137,256).

Theory: what protocol state fuzzing found in other stacks are sequences that connect although something was left
out, doubled or exchanged. Here the space is small enough to be walked through. Each input is genuine as far as it can
be: right message numbers, right keys, right connection id, prepared by a real client of ours. Application data and
alerts come in both forms in one go, unprotected and protected. A model of eight lines says when the server may
connect: only hello, key exchange, change of cipher, Finished in this order, copies and oddities in between absorbed, an
alert starting all over.

Only the sequences of the full length are run; the shorter ones are their beginnings, and every step is looked at.
"""

import itertools
from typing import Any

import pytest

from openmains.wire.dtls.client import Client
from openmains.wire.dtls.events import Closed, Established, KeyWanted, Received
from openmains.wire.dtls.record import plain_record, records_untrusted
from openmains.wire.dtls.server import Server
from tests.support.dtls import HOME, IDENTITY, PSK, SECRET, SERVER

INPUTS = ("hello", "key_exchange", "change_cipher", "finished", "data", "close_notify", "fatal")
LENGTH = 6  # at most
PATH = {0: "hello", 1: "key_exchange", 2: "change_cipher", 3: "finished"}
CONNECTED = 4
DATA = b"a reading"


class Chance:
    """Server randomness that is the same for the n-th handshake of every run: then a client can be prepared."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(size, "big")

    @property
    def handshakes(self) -> int:
        """How many have been begun: a connection id and a random each."""
        return self.drawn // 2


def new_server(chance: Chance) -> Server:
    return Server(node=1, secret=SECRET, random=chance, load=lambda _: None)


def react(server: Server, events: list[Any]) -> list[Any]:
    """The application at once; all that happened."""
    queue, happened = list(events), []
    while queue:
        event = queue.pop(0)
        happened.append(event)
        if isinstance(event, KeyWanted):
            queue += server.provide_key(event.handshake, PSK if event.identity == IDENTITY else None, 0.0)
        elif isinstance(event, Established):
            queue += server.commit(event.session, 0.0)
    return happened


def prepare(number: int) -> list[dict[str, list[bytes]]]:
    """The seven inputs at each position of a sequence, as they are right for the ``number``-th handshake of a server."""
    chance = Chance()
    chance.drawn = 2 * (number - 1)
    server = new_server(chance)
    client = Client(SERVER, psk=PSK, identity=IDENTITY, random=lambda size: bytes(range(size)), cid=b"")
    client.start(0.0)
    sent: list[bytes] = []
    while out := [raw for _, raw in client.datagrams()]:
        for raw in out:
            react(server, server.receive(raw, HOME, 0.0))
            sent.append(raw)
        for _, raw in server.datagrams():
            client.receive(raw, SERVER, 0.0)
    session = client.session
    assert session is not None
    key_exchange, change_cipher, finished = (record.raw for record in records_untrusted(sent[2], 8))
    same = {"hello": sent[1], "key_exchange": key_exchange, "change_cipher": change_cipher, "finished": finished}
    # What is said more than once has a new record number each time, as a client would give it.
    late = {"data": (23, DATA), "close_notify": (21, b"\x01\x00"), "fatal": (21, b"\x02\x28")}
    return [
        {what: [raw] for what, raw in same.items()}
        | {what: [plain_record(kind, 9, text), session.seal(kind, text)] for what, (kind, text) in late.items()}
        for _ in range(LENGTH)
    ]


class Model:
    """When a server may connect and deliver, said once more and independently of it."""

    def __init__(self) -> None:
        self.stage = 0
        self.handshakes = 0

    def take(self, what: str) -> tuple[bool, bool, bool]:
        """Whether this input connects, delivers, closes."""
        if what in ("close_notify", "fatal"):
            closes = self.stage == CONNECTED
            self.stage = 0
            return False, False, closes
        if what == "data":
            return False, self.stage == CONNECTED, False
        if PATH.get(self.stage) == what:
            self.stage += 1
            return self.stage == CONNECTED, False, False
        return False, False, False


@pytest.mark.usefixtures("takes_minutes")
def test_only_right_prefixes_connect_up_to_length_six() -> None:
    assert walk(LENGTH) == 137_256


@pytest.mark.usefixtures("takes_seconds")
def test_only_right_prefixes_connect_and_nothing_delivers_data_before() -> None:
    assert walk(5) == 19_607


def walk(length: int) -> int:
    """Every sequence of that length against the model; how many sequences were looked at, their beginnings too."""
    prepared: dict[int, list[dict[str, list[bytes]]]] = {}
    connected = delivered = 0
    seen: dict[tuple[str, ...], tuple[bool, bool, bool]] = {}
    for sequence in itertools.product(INPUTS, repeat=length):
        chance = Chance()
        server = new_server(chance)
        model = Model()
        for position, what in enumerate(sequence):
            number = max(chance.handshakes + (what == "hello" and model.stage == 0), 1)
            inputs = prepared.get(number)
            if inputs is None:
                inputs = prepared[number] = prepare(number)
            happened: list[Any] = []
            for raw in inputs[position][what]:
                happened += react(server, server.receive(raw, HOME, 0.0))
            connects, delivers, closes = model.take(what)
            kinds = [type(event) for event in happened]
            got = (Established in kinds, Received in kinds, Closed in kinds)
            assert got == (connects, delivers, closes), (sequence[: position + 1], got)
            seen[sequence[: position + 1]] = got
            connected += connects
            delivered += delivers
    assert connected and delivered
    return len(seen)

# SPDX-License-Identifier: Apache-2.0
"""Two stacks over a network that loses, delays, reorders and duplicates: 1,000 seeds under a virtual clock.

What must hold whatever the network does: the application sees a request at most once; every call ends exactly
once, answered or timed out, within the times of RFC 7252 section 4.8; a body arrives whole or not at all.
"""

from functools import partial
from random import Random
from typing import Any

import pytest

from openmains.wire.coap.call import Broken, Call, ResponseReceived, TimedOut
from openmains.wire.coap.client import Client
from openmains.wire.coap.exchange import Acknowledged, Deregistered, Limits, Relation, Request
from openmains.wire.coap.message import Code, Method
from openmains.wire.coap.reliability import RFC7252
from openmains.wire.coap.server import Server
from tests.support.lossy import Conditions, LossyNetwork

FEW, SEEDS = range(100), range(1000)


class Conversation:
    """One server, three clients, a mix of requests drawn from the seed."""

    def __init__(self, seed: int, conditions: Conditions) -> None:
        self.random = Random(seed)  # noqa: S311 – repeatable is the point
        self.network = LossyNetwork(seed, conditions, on_event=self.on_event)
        self.server = Server(Limits(max_body=5000, block_szx=self.random.choice((2, 4, 6))), mid_seed=seed)
        self.network.attach("server", self.server)
        self.clients = {
            f"client-{number}": Client(
                mid_seed=seed + number,
                token_seed=seed * 7 + number,
                block_szx=self.random.choice((2, 4, 6)),
                response_timeout_s=200.0,
            )
            for number in range(3)
        }
        for address, client in self.clients.items():
            self.network.attach(address, client)
        self.calls: dict[int, tuple[Call, float]] = {}
        self.ends: dict[int, list[Any]] = {}
        self.seen: dict[int, int] = {}
        self.bodies: dict[int, bytes] = {}

    def ask(self, serial: int, address: str) -> None:
        random = self.random
        body = serial.to_bytes(2, "big") + random.randbytes(random.choice((20, 20, 20, 300, 2000)))
        self.bodies[serial] = body
        call = self.clients[address].request(
            "server",
            Method.POST,
            ("r", str(serial)),
            body,
            confirmable=random.random() < 0.8,
            chance=random.random(),
            now=self.network.now,
        )
        self.calls[serial] = (call, self.network.now)
        call.tag = serial
        self.ends[serial] = []

    def on_event(self, address: Any, event: Any, now: float) -> None:
        if address == "server":
            if isinstance(event, Request):
                self.serve(event)
            return
        self.ends[event.call.tag].append((event, now))

    def serve(self, request: Request) -> None:
        serial = int(request.path[1])
        self.seen[serial] = self.seen.get(serial, 0) + 1
        assert request.payload == self.bodies[serial]
        delay = self.random.choice((0.0, 0.0, 1.0, 5.0, 20.0))
        answer = b"answer" + request.payload

        def reply() -> None:
            self.server.respond(request.exchange, Code.CHANGED, answer, now=self.network.now)

        if delay:
            self.network.at(self.network.now + delay, reply)
        else:
            reply()

    def run(self) -> None:
        for serial in range(12):
            address = self.random.choice(list(self.clients))
            self.network.at(self.random.uniform(0, 60), partial(self.ask, serial, address))
        self.network.run()


def check(talk: Conversation) -> tuple[int, int]:
    answered = 0
    for serial, (call, started) in talk.calls.items():
        ends = talk.ends[serial]
        assert len(ends) == 1, (serial, ends)
        event, at = ends[0]
        assert talk.seen.get(serial, 0) <= 1
        if isinstance(event, ResponseReceived):
            assert event.code in (Code.CHANGED, Code.REQUEST_ENTITY_INCOMPLETE)
            if event.code == Code.CHANGED:
                answered += 1
                assert talk.seen[serial] == 1
                assert event.payload == b"answer" + talk.bodies[serial]
        else:
            assert isinstance(event, TimedOut)
            if call.confirmable and len(talk.bodies[serial]) < 60 and call.child is None:
                # MAX_TRANSMIT_WAIT without any sign, or the response timeout after an empty ACK.
                assert at - started <= RFC7252.transmit_wait_s + 2 * 200.0 + 1e-6
    for client in talk.clients.values():
        assert client.sizes()["calls"] == client.sizes()["retransmissions"] == 0
    sizes = talk.server.sizes()
    assert sizes["open"] == sizes["retransmissions"] == 0
    return answered, len(talk.calls)


def test_a_hundred_bad_networks() -> None:
    bad_networks(FEW)


@pytest.mark.usefixtures("all_seeds")
def test_thousand_bad_networks() -> None:
    bad_networks(SEEDS)


def bad_networks(seeds: range) -> None:
    answered = asked = 0
    for seed in seeds:
        talk = Conversation(seed, Conditions(drop=0.15, duplicate=0.2, max_delay_s=3.0))
        talk.run()
        one, all_of_them = check(talk)
        answered += one
        asked += all_of_them
    # Retransmission must be worth something: NON requests and long block transfers are what fails.
    assert answered > 0.75 * asked


@pytest.mark.parametrize("seed", range(20))
def test_perfect_network_answers_everything(seed: int) -> None:
    talk = Conversation(seed, Conditions.perfect())
    talk.run()
    answered, asked = check(talk)
    assert answered == asked


@pytest.mark.parametrize("seed", range(20))
def test_dead_network_times_out_as_the_rfc_says(seed: int) -> None:
    talk = Conversation(seed, Conditions(drop=1.0))
    talk.run()
    for serial, (call, started) in talk.calls.items():
        [(event, at)] = talk.ends[serial]
        assert isinstance(event, TimedOut)
        if call.confirmable:
            first = RFC7252.first_wait_s(call.chance)
            assert at - started == pytest.approx(first * 31)
            assert at - started <= RFC7252.transmit_wait_s
        else:
            assert at - started == pytest.approx(200.0)


def test_observe_over_bad_networks_is_fresh_and_ends_with_the_last_state() -> None:
    complete = 0
    for seed in range(200):
        random = Random(seed)  # noqa: S311 – repeatable is the point
        relations: list[Relation] = []
        got: list[int] = []
        gone: list[Deregistered] = []
        server = Server(Limits(block_szx=2), mid_seed=seed)
        client = Client(mid_seed=seed, token_seed=seed, block_szx=2)

        def on_event(
            address: Any,
            event: Any,
            now: float,
            server: Server = server,
            relations: list[Relation] = relations,
            got: list[int] = got,
            gone: list[Deregistered] = gone,
        ) -> None:
            if isinstance(event, Request):
                relation = server.respond(event.exchange, Code.CONTENT, bytes(2), now=now, observe=True)
                if relation is not None and relation not in relations:
                    relations.append(relation)
            elif isinstance(event, Deregistered):
                gone.append(event)
            elif isinstance(event, ResponseReceived):
                assert event.payload[2:] == bytes(len(event.payload) - 2)
                got.append(int.from_bytes(event.payload[:2], "big"))
            else:
                assert isinstance(event, TimedOut | Broken | Acknowledged)

        network = LossyNetwork(seed, Conditions(drop=0.1, duplicate=0.2, max_delay_s=2.0), on_event=on_event)
        network.attach("server", server)
        network.attach("client", client)
        client.request("server", Method.GET, ("valve",), observe=True, chance=random.random(), now=0.0)
        last = 12

        def change(
            state: int,
            server: Server = server,
            relations: list[Relation] = relations,
            network: LossyNetwork = network,
            last: int = last,
        ) -> None:
            for relation in relations:
                if not relation.closed:
                    body = state.to_bytes(2, "big") + bytes(100 if state % 4 == 1 else 10)
                    server.notify(relation, Code.CONTENT, body, confirmable=state in (5, last), now=network.now)

        for state in range(1, last + 1):
            network.at(100.0 + 4 * state, partial(change, state))
        network.run()
        assert got == sorted(set(got)), "a stale or repeated state was delivered"
        # The last notification is confirmable: an observer that is still registered has the last state.
        if relations and not gone:
            complete += 1
            assert last in got
    assert complete > 150

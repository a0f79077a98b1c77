# SPDX-License-Identifier: Apache-2.0
"""Bootstrap: a device gets its accounts, and every way in which it can fail."""

from typing import Any

import pytest

from openmains.wire.coap.message import Code
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.bootstrap import account, renewal
from openmains.wire.lwm2m.client import BOOTSTRAP_TIMEOUT_S, Client
from openmains.wire.lwm2m.client_events import BootstrapDone, Trouble
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.events import Bootstrapped, BootstrapWanted, Done
from openmains.wire.lwm2m.operation import Operation
from openmains.wire.lwm2m.states import Life
from openmains.wire.lwm2m.tree import Tree
from tests.support.lwm2m_pair import SERVER, Pair

URI = "coaps://meters.example.org:5684"
KEY = bytes(range(16))


def _factory_fresh() -> Tree:
    return Tree(
        definitions(),
        {
            (0, 0, 0): "coaps://bootstrap.example.org",
            (0, 0, 1): True,
            (0, 0, 2): 0,
            (0, 3, 0): "coaps://old.example.org",
            (0, 3, 1): False,
            (0, 3, 10): 9,
            (1, 4, 0): 9,
            (3, 0, 11, 0): 0,
            (3, 0, 16): "U",
        },
    )


def _ask() -> tuple[Pair, BootstrapWanted]:
    pair = Pair(Client(_factory_fresh(), endpoint="urn:imei:861234567890123", seed=4))
    pair.client.bootstrap(SERVER, pair.now)
    ((_, datagram),) = pair.client.datagrams()
    (wanted,) = pair.server.receive(datagram, "link", pair.now)
    assert isinstance(wanted, BootstrapWanted) and wanted.endpoint == "urn:imei:861234567890123"
    return pair, wanted


def _end(pair: Pair) -> Bootstrapped:
    (end,) = [event for event in pair.heard if isinstance(event, Bootstrapped)]
    return end


@pytest.mark.parametrize("content_format", [content.TLV, content.SENML_CBOR])
def test_a_device_gets_server_address_and_key(content_format: int) -> None:
    pair, wanted = _ask()
    steps = account(uri=URI, identity=b"861234567890123", key=KEY, lifetime_s=3600, content_format=content_format)
    pair.server.bootstrap(wanted, steps, pair.now)
    pair.run()
    assert _end(pair) == Bootstrapped("link", "urn:imei:861234567890123")
    assert pair.felt[-1] == BootstrapDone() and pair.client.state is Life.IDLE
    tree = pair.client.tree
    assert tree.instances(0) == [0, 1] and tree.instances(1) == [0]  # the bootstrap server's own account stays
    assert [tree.get((0, 1, one)) for one in (0, 1, 2, 3, 5, 10)] == [URI, False, 0, b"861234567890123", KEY, 101]
    assert [tree.get((1, 0, one)) for one in (0, 1, 7)] == [101, 3600, "U"]
    assert pair.server.sizes()["links"] == 0


def test_what_is_there_can_be_discovered_first() -> None:
    pair, wanted = _ask()
    steps = [operation.discover(()), *account(uri=URI, identity=b"i", key=KEY)]
    pair.server.bootstrap(wanted, steps, pair.now)
    pair.run()
    (found,) = [event for event in pair.heard if isinstance(event, Done) and event.operation is steps[0]]
    assert found.payload == (
        b'</>;lwm2m=1.1,</0/0>;uri="coaps://bootstrap.example.org",</0/3>;ssid=9;uri="coaps://old.example.org",'
        b"</1/4>;ssid=9,</3/0>"
    )
    assert _end(pair).reason == ""


@pytest.mark.parametrize(
    ("steps", "at"),
    [
        ([operation.write((0, 1), b"\xff", content.TLV)], 0),
        ([operation.write((0, 1, 99), b"x", content.TEXT)], 0),
        (account(uri=URI, identity=b"i", key=KEY)[:3], None),  # without a server object, Finish is refused
    ],
)
def test_a_run_ends_at_the_step_that_fails(steps: list[Operation], at: int | None) -> None:
    pair, wanted = _ask()
    pair.server.bootstrap(wanted, steps, pair.now)
    pair.run()
    end = _end(pair)
    assert end.reason == "refused" and end.operation is not None
    assert at is None or end.operation is steps[at]
    assert BootstrapDone() not in pair.felt


def test_a_device_that_falls_silent_ends_the_run() -> None:
    pair, wanted = _ask()
    pair.server.bootstrap(wanted, account(uri=URI, identity=b"i", key=KEY), pair.now)
    events: list[Any] = []
    while not events:
        timer = pair.server.next_timer()
        assert timer is not None
        events = [event for event in pair.server.handle_timer(timer) if isinstance(event, Bootstrapped)]
        pair.server.datagrams()
    assert events[0].reason == "timeout"


def test_a_refused_bootstrap_is_told() -> None:
    pair, wanted = _ask()
    pair.server.refuse(wanted, Code.BAD_REQUEST, pair.now)
    pair.run()
    assert pair.felt == [Trouble(Code.BAD_REQUEST)] and pair.client.state is Life.IDLE


def test_a_bootstrap_server_that_never_finishes_is_given_up() -> None:
    pair, wanted = _ask()
    pair.server._coap.server.respond(wanted.exchange, Code.CHANGED, now=pair.now)
    pair.run()
    pair.pass_time(BOOTSTRAP_TIMEOUT_S + 1)
    assert pair.felt == [Trouble(0)]


def test_no_server_but_the_bootstrap_server_sees_the_keys() -> None:
    pair, wanted = _ask()
    pair.server.bootstrap(wanted, account(uri=URI, identity=b"i", key=KEY), pair.now)
    pair.run()
    pair.registered()
    for asked in (
        operation.read((0, 1, 5)),
        operation.read((0, 1)),
        operation.write((0, 1, 5), b"x", content.OPAQUE),
        operation.discover((0,)),
        operation.delete((0, 1)),
    ):
        assert pair.do(asked).code in (Code.UNAUTHORIZED, Code.METHOD_NOT_ALLOWED)
    assert pair.client.tree.get((0, 1, 5)) == KEY


def test_only_a_bootstrapping_device_takes_accounts() -> None:
    pair = Pair(Client(_factory_fresh(), endpoint="m", seed=4)).registered()
    (first, *_) = account(uri=URI, identity=b"i", key=KEY)
    assert pair.do(first).code == Code.METHOD_NOT_ALLOWED
    assert pair.do(operation.bootstrap_finish()).code in (Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED)


def _keys(pair: Pair) -> dict[int, Any]:
    return {one: pair.client.tree.get((0, one, 5)) for one in pair.client.tree.instances(0)}


def test_a_renewal_finds_the_accounts_where_they_are_and_changes_nothing_else() -> None:
    pair, wanted = _ask()
    pair.client.tree.set((3, 0, 9), 50)
    pair.server.bootstrap(wanted, renewal(uri=URI, identity=b"i", key=KEY, lifetime_s=7200), pair.now)
    pair.run()
    assert _end(pair).reason == ""
    tree = pair.client.tree
    assert _keys(pair) == {0: KEY, 3: KEY}
    assert [tree.get((0, 3, one)) for one in (0, 1, 10)] == [URI, False, 9]
    assert [tree.get((0, 0, one)) for one in (0, 1)] == [URI, True]
    assert tree.instances(1) == [4]
    assert [tree.get((1, 4, one)) for one in (0, 1)] == [9, 7200]
    assert tree.get((3, 0, 9)) == 50


@pytest.mark.parametrize("own", [0, 1, 2, 7])
def test_a_device_with_a_bootstrap_account_alone_gets_the_servers_beside_it(own: int) -> None:
    """Wherever it keeps its own: a second bootstrap account is refused by some, and it would never come in."""
    pair, wanted = _ask()
    tree = pair.client.tree
    tree.remove((0,))
    tree.remove((1,))
    for resource, value in {0: "coaps://factory.example", 1: True, 2: 0, 3: b"i", 4: b"", 5: b"old key"}.items():
        tree.set((0, own, resource), value)
    pair.server.bootstrap(wanted, renewal(uri=URI, identity=b"i", key=KEY), pair.now)
    pair.run()
    assert _end(pair).reason == ""
    assert [one for one in tree.instances(0) if tree.get((0, one, 1))] == [own]
    assert _keys(pair) == {own: KEY, (2 if own == 1 else 1): KEY}
    assert tree.instances(1) == [0]


def test_a_device_that_cannot_tell_gets_its_accounts_at_the_usual_places() -> None:
    pair, wanted = _ask()
    pair.client.tree.remove((0,))
    pair.client.tree.remove((1,))
    pair.server.bootstrap(wanted, renewal(uri=URI, identity=b"i", key=KEY), pair.now)
    pair.run()
    assert _end(pair).reason == ""
    assert _keys(pair) == {0: KEY, 1: KEY}
    assert pair.client.tree.instances(1) == [0]


def test_between_any_two_steps_of_a_renewal_there_is_one_whole_account_at_the_server() -> None:
    """The device's power may fail there: what it has must be its old account or its new one."""
    old = {0: "coaps://old.example.org", 1: False, 10: 9}
    pair, wanted = _ask()
    pair.client.tree.set((0, 3, 5), b"old key")
    pair.server.bootstrap(wanted, renewal(uri=URI, identity=b"i", key=KEY), pair.now)
    seen = set()
    for _ in range(40):
        for _, datagram in pair.server.datagrams():
            pair.felt += pair.client.receive(datagram, SERVER, pair.now)
            tree = pair.client.tree
            key = tree.get((0, 3, 5))
            assert key in (b"old key", KEY)
            assert tree.get((0, 3, 0)) == (URI if key == KEY else old[0])
            assert tree.get((0, 3, 10)) == tree.get((1, 4, 0)) == 9
            seen.add((key, tree.get((0, 0, 5))))
        for _, datagram in pair.client.datagrams():
            pair.server.receive(datagram, "link", pair.now)
    assert BootstrapDone() in pair.felt
    assert seen == {(b"old key", None), (b"old key", KEY), (KEY, KEY)}

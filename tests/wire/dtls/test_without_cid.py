# SPDX-License-Identifier: Apache-2.0
"""Associations of clients without connection id outlive the server: found in the store by the address alone."""

import pytest

from openmains.wire.dtls.events import Closed, Limits, Received, Suspicious
from openmains.wire.dtls.suites import ALL_SUITES
from tests.support.dtls import HOME, Line, Site, connected, make_client

AWAY = ("198.51.100.3", 1000)


def echoing() -> Site:
    return Site(answer=lambda data: b"echo:" + data)


def heard(line: Line) -> list[bytes]:
    return [event.data for event in line.told if isinstance(event, Received)]


@pytest.mark.parametrize("code", ALL_SUITES)
def test_a_restart_costs_such_a_client_neither_handshake_nor_message(code: int) -> None:
    site = Site(answer=lambda data: b"echo:" + data, weak=True)
    line = connected(site, cid=None, suites=(code,))
    line.say(b"before")
    site.restart()
    line.say(b"after")
    assert heard(line) == [b"echo:before", b"echo:after"]
    counters = site.server.counters
    assert (counters["handshakes_started"], counters["loaded"], counters["unknown_peer"]) == (0, 1, 0)
    assert site.server.sizes()["sessions"] == 1 and site.server.sizes()["with_cid"] == 0


def test_it_is_loaded_once_and_no_sequence_number_is_used_twice() -> None:
    site = echoing()
    line = connected(site, cid=None)
    seen: set[bytes] = set()
    for restart in range(20):
        for number in range(restart % 3 + 1):
            line.say(b"%d" % number)
        if restart % 2:
            # Asked for by name meanwhile, as for a command: not a second copy.
            asked = site.server.session(site.session.cid)
            assert asked is not None and site.server.session(site.session.cid) is asked
            line.say(b"asked for")
            assert site.server.session(site.session.cid) is asked
        site.restart()
    nonces = [raw[13:21] for raw in line.down if raw[:1] == b"\x17"]
    seen.update(nonces)
    assert len(nonces) == len(seen) > 40


def test_what_was_received_before_counts_once() -> None:
    site = Site(store_each=True)
    line = connected(site, cid=None)
    raw = line.next_up(b"data")
    site.receive(raw, HOME, 0.0)
    site.restart()
    site.receive(raw, HOME, 0.0)
    assert site.delivered == [b"data"]
    assert [event.kind for event in site.of(Suspicious)] == ["replay"]
    line.say(b"more")
    assert site.delivered == [b"data", b"more"]


def test_another_address_does_not_find_it_and_forgeries_change_nothing() -> None:
    site = Site()
    line = connected(site, cid=None)
    site.restart()
    raw = line.next_up(b"data")
    site.receive(raw, AWAY, 0.0)
    site.receive(raw[:-1] + bytes((raw[-1] ^ 1,)), HOME, 0.0)
    assert site.delivered == []
    site.receive(raw, HOME, 0.0)
    assert site.delivered == [b"data"]


def test_the_name_that_we_call_it_by_does_not_open_it() -> None:
    """Nobody was given it; a record that has it all the same finds no association."""
    site = Site()
    line = connected(site, cid=None)
    name = site.session.cid
    for restarted in (False, True):
        if restarted:
            site.restart()
        raw = line.next_up(b"data")
        site.receive(b"\x19" + raw[1:11] + name + raw[11:], AWAY, 0.0)
        assert site.server.counters["unknown_cid"] == 1
        site.receive(raw, HOME, 0.0)
    assert site.delivered == [b"data", b"data"]


def test_a_new_handshake_takes_the_place_of_the_stored_association() -> None:
    """The client was away and made a new one; the old one is told as over once the new one is proved, not before."""
    site = echoing()
    old = connected(site, cid=None)
    name = site.session.cid
    site.restart()
    new = Line(site, make_client(seed=9, cid=None))
    new.client.start(0.0)
    for _ in range(2):  # hello and cookie, then the first flight: nothing is proved yet
        for _, raw in new.client.datagrams():
            site.receive(raw, HOME, 0.0)
        for _, raw in site.datagrams():
            new.client.receive(raw, "server", 0.0)
    old.say(b"still the old one")
    assert heard(old) == [b"echo:still the old one"]
    new.carry()
    assert [(event.session.cid, event.reason) for event in site.of(Closed)] == [(name, "replaced")]
    new.say(b"the new one")
    assert heard(new) == [b"echo:the new one"]
    assert site.server.sizes()["sessions"] == 1


def test_who_leaves_memory_comes_back() -> None:
    site = Site(Limits())
    line = connected(site, cid=None)
    site.save(site.session)
    site.server.forget(site.session)
    assert site.server.sizes()["sessions"] == 0
    line.say(b"again")
    assert site.delivered == [b"again"]


def test_one_that_said_goodbye_is_over() -> None:
    site = Site()
    line = connected(site, cid=None)
    line.client.close(0.0)
    line.carry()
    assert [event.reason for event in site.of(Closed)] == ["close_notify"]
    assert site.server.sizes()["sessions"] == 0

# SPDX-License-Identifier: Apache-2.0
"""Two keys for one identity: the peer's Finished tells which of them it holds, before anything goes out under either."""

from typing import Any

import pytest

from openmains.wire.dtls import keys
from openmains.wire.dtls.codes import Alert
from openmains.wire.dtls.events import Connected, Established, Failed, KeyWanted, Psk, Suspicious
from openmains.wire.dtls.states import Asking
from tests.support.dtls import HOME, IDENTITY, SERVER, Line, Site, make_client

NEW, OLD, NOBODYS = b"the new key 1234", b"the former key 1", b"nobody's key 123"
GIVEN = (Psk(NEW, "new"), Psk(OLD, "old"))


def handshake(psk: bytes, given: tuple[Psk, ...] = GIVEN, **options: Any) -> Line:
    site = Site(late_keys=True)
    line = Line(site, make_client(psk=psk, **options))
    line.client.start(0.0)
    line.carry()
    [wanted] = site.of(KeyWanted)
    site.react(site.server.provide_keys(wanted.handshake, given, 0.0), 0.0)
    line.carry()
    return line


@pytest.mark.parametrize("cid", [None, b"", b"\x05"], ids=str)
@pytest.mark.parametrize(("psk", "name"), [(NEW, "new"), (OLD, "old")])
def test_either_key_connects_and_is_named(psk: bytes, name: str, cid: bytes | None) -> None:
    line = handshake(psk, cid=cid)
    assert [type(event) for event in line.told] == [Connected]
    [established] = line.site.of(Established)
    assert established.key == name
    line.say(b"reading")
    assert line.site.delivered == [b"reading"]
    assert line.site.of(Suspicious) == []


def test_a_third_key_is_refused_once_both_were_tried() -> None:
    line = handshake(NOBODYS)
    assert [type(event) for event in line.told] == [Failed]
    assert [event.kind for event in line.site.of(Suspicious)] == ["wrong_key"]
    assert line.site.server.sizes()["sessions"] == line.site.server.sizes()["handshakes"] == 0


def test_a_finished_in_pieces_is_read_with_the_key_of_its_first() -> None:
    site = Site(late_keys=True)
    line = Line(site, make_client(psk=OLD))
    line.client.start(0.0)
    for number in range(3):
        if number == 1:
            line.client._mtu = 58  # its hellos are out
        for _, raw in line.client.datagrams():
            site.receive(raw, HOME, 0.0)
        for _, raw in site.datagrams():
            line.told += line.client.receive(raw, SERVER, 0.0)
    [wanted] = site.of(KeyWanted)
    site.react(site.server.provide_keys(wanted.handshake, GIVEN, 0.0), 0.0)
    line.carry()
    assert site.server.counters["held"] == 2, "two pieces"
    assert [type(event) for event in line.told] == [Connected]


def test_an_early_finished_waits_for_the_keys() -> None:
    """``late_keys``: it came before they did, was held, and the second key opened it: nothing was asked for again."""
    line = handshake(OLD)
    assert line.site.server.counters["held"] == 1
    assert len(line.up) == 3


@pytest.mark.parametrize("given", [(), GIVEN[:1], GIVEN], ids=["unknown", "one key", "two keys"])
def test_a_wrong_key_costs_the_same_and_hears_the_same(given: tuple[Psk, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an identity is known, and whether its key is being replaced, is nobody's business."""
    made: list[bytes] = []
    really = keys.master_secret
    monkeypatch.setattr(keys, "master_secret", lambda *words: made.append(words[0]) or really(*words))
    line = handshake(NOBODYS, given)
    assert len(made) == 1 + 2  # the client's own, and two tries
    assert line.down[-1][13:] == bytes((2, Alert.DECRYPT_ERROR))


@pytest.mark.parametrize(("psk", "name"), [(NEW, "new"), (OLD, "old")])
def test_a_ticket_of_either_key_resumes(psk: bytes, name: str) -> None:
    first = handshake(psk, tickets=True)
    assert first.client.resumption is not None
    site = first.site
    line = Line(site, make_client(8, psk=psk, resumption=first.client.resumption))
    line.client.start(0.0)
    line.carry()
    wanted = site.of(KeyWanted)[-1]
    site.react(site.server.provide_keys(wanted.handshake, GIVEN, 0.0), 0.0)
    line.carry()
    assert line.client.resumed and line.client.state is Asking.CONNECTED
    assert site.of(Established)[-1].key == name


def test_a_ticket_of_a_key_that_is_over_means_a_full_handshake() -> None:
    first = handshake(OLD, tickets=True)
    site = first.site
    site.late_keys, site.keys = False, {IDENTITY: NEW}
    line = Line(site, make_client(8, psk=NEW, resumption=first.client.resumption))
    line.client.start(0.0)
    line.carry()
    assert not line.client.resumed and line.client.state is Asking.CONNECTED


def test_what_a_handshake_was_given_stays_with_it() -> None:
    """The keys that another handshake of the same identity is given meanwhile are its own."""
    site = Site(late_keys=True)
    lines = [Line(site, make_client(seed, psk=OLD), ("192.0.2.7", seed)) for seed in (2, 3)]
    for line in lines:
        line.client.start(0.0)
        line.carry()
    first, second = site.of(KeyWanted)
    site.react(site.server.provide_keys(first.handshake, GIVEN, 0.0), 0.0)
    lines[0].carry()
    site.react(site.server.provide_keys(second.handshake, GIVEN[:1], 0.0), 0.0)  # the old one ended in between
    lines[1].carry()
    assert [[type(event) for event in line.told] for line in lines] == [[Connected], [Failed]]


def test_more_than_two_keys_are_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="keys"):
        handshake(NEW, (*GIVEN, Psk(NOBODYS)))


def test_a_key_is_never_in_a_text() -> None:
    assert NEW.hex() not in repr(GIVEN) and "the new key" not in repr(GIVEN)

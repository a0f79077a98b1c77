# SPDX-License-Identifier: Apache-2.0
"""Bugs that other DTLS stacks had, each as a test: what was done to them is done to us.

The list is collected from published advisories and state-fuzzing papers on OpenSSL, GnuTLS, Mbed TLS, tinydtls, Scandium, Pion
and wolfSSL; the names say what went wrong.
"""

from typing import Any

import pytest

from openmains.wire.dtls.codes import Content, Message
from openmains.wire.dtls.events import Established, Failed, Limits, Received, Refused
from openmains.wire.dtls.fragments import message
from openmains.wire.dtls.record import plain_record, records_untrusted
from openmains.wire.dtls.states import Asking
from tests.support.dtls import HOME, IDENTITY, SERVER, Line, Site, connected, make_client


def last_flight(site: Site, **options: Any) -> tuple[Line, list[bytes]]:
    """A handshake up to the client's last flight, which is given as its three records."""
    line = Line(site, make_client(**options))
    line.client.start(0.0)
    for _ in range(2):
        for _, raw in line.client.datagrams():
            site.receive(raw, HOME, 0.0)
        for _, raw in site.datagrams():
            line.client.receive(raw, SERVER, 0.0)
    [(_, flight)] = line.client.datagrams()
    return line, [record.raw for record in records_untrusted(flight, 8)]


def test_application_data_in_epoch_0_is_not_delivered() -> None:
    site = Site()
    data = plain_record(Content.APPLICATION_DATA, 7, b"forged reading")
    site.receive(data, HOME, 0.0)
    line, (key_exchange, change, finished) = last_flight(site)
    for raw in (data, key_exchange, data, change, data, finished, data):
        site.receive(raw, HOME, 0.0)
    line.carry()
    site.receive(data, HOME, 0.0)
    assert site.delivered == [] and site.server.counters["plaintext_data"] == 6
    # and on the client's side
    assert line.client.receive(data, SERVER, 0.0) == []


def test_finished_before_change_cipher_spec_is_not_accepted() -> None:
    site = Site()
    line, (key_exchange, change, finished) = last_flight(site)
    for raw in (key_exchange, finished, finished):
        site.receive(raw, HOME, 0.0)
    assert site.of(Established) == []
    site.receive(change, HOME, 0.0)
    assert site.of(Established) == [], "it was not kept either"
    site.receive(finished, HOME, 0.0)
    assert len(site.of(Established)) == 1
    assert line.client.state is Asking.CHANGE


def test_finished_before_key_exchange_is_not_accepted() -> None:
    site = Site()
    _, (key_exchange, change, finished) = last_flight(site)
    for raw in (change, finished, finished, key_exchange):
        site.receive(raw, HOME, 0.0)
    assert site.of(Established) == []
    assert site.server.counters["held"] == 0


def test_change_cipher_spec_without_a_handshake() -> None:
    site = Site()
    for body in (b"\x01", b"", b"\x02", b"\x01\x01"):
        assert site.receive(plain_record(Content.CHANGE_CIPHER_SPEC, 0, body), HOME, 0.0) == []
    assert site.datagrams() == [] and site.server.sizes()["handshakes"] == 0
    client = make_client()
    client.start(0.0)
    assert client.receive(plain_record(Content.CHANGE_CIPHER_SPEC, 0, b"\x01"), SERVER, 0.0) == []


def test_change_cipher_spec_twice() -> None:
    site = Site()
    line, (key_exchange, change, finished) = last_flight(site)
    for raw in (key_exchange, change, change, change, finished):
        site.receive(raw, HOME, 0.0)
    line.carry()
    line.say(b"data")
    assert site.delivered == [b"data"]


@pytest.mark.parametrize("where", ["hello", "key exchange"])
def test_zero_length_fragments_do_not_loop(where: str) -> None:
    site = Site()
    kind, sequence = (Message.CLIENT_HELLO, 1) if where == "hello" else (Message.CLIENT_KEY_EXCHANGE, 2)
    if where != "hello":
        last_flight(site)
    empty = bytes((kind,)) + (50).to_bytes(3, "big") + sequence.to_bytes(2, "big") + bytes(6)
    before = site.server.counters["malformed"]
    for offset in (0, 10, 50):
        piece = empty[:6] + offset.to_bytes(3, "big") + bytes(3)
        for _ in range(50):
            site.receive(plain_record(Content.HANDSHAKE, 0, piece * 20), HOME, 0.0)
    assert site.server.counters["malformed"] == before + 150
    assert site.datagrams() == []


def test_fragments_beyond_their_message() -> None:
    """The out-of-bounds writes of others: offset plus length larger than the whole, lengths that change."""
    site = Site()
    _, (key_exchange, *_) = last_flight(site)
    body = key_exchange[13:]
    for offset, size in ((10, 17), (0xFFFFFF, 1), (0, 0xFFFFFF)):
        bent = body[:6] + offset.to_bytes(3, "big") + size.to_bytes(3, "big") + body[12:]
        site.receive(plain_record(Content.HANDSHAKE, 9, bent), HOME, 0.0)
    longer = body[:1] + (200).to_bytes(3, "big") + body[4:6] + bytes(3) + (5).to_bytes(3, "big") + body[12:17]
    site.receive(plain_record(Content.HANDSHAKE, 9, longer), HOME, 0.0)
    site.receive(key_exchange, HOME, 0.0)
    assert site.server.counters["malformed"] == 3


def test_huge_messages_are_not_allocated() -> None:
    """A length field of 16 MB costs nothing."""
    import tracemalloc

    site = Site()
    last_flight(site)
    piece = bytes((Message.CLIENT_KEY_EXCHANGE,)) + b"\xff\xff\xff\x00\x02" + bytes(3) + b"\x00\x00\x01x"
    tracemalloc.start()
    for _ in range(100):
        site.receive(plain_record(Content.HANDSHAKE, 9, piece), HOME, 0.0)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_no_unbounded_buffering_before_the_handshake_ends() -> None:
    """Records of the new epoch before there are keys: a few are held, no more, whatever their size."""
    site = Site(late_keys=True)
    _, (key_exchange, change, finished) = last_flight(site)
    for raw in (key_exchange, change):
        site.receive(raw, HOME, 0.0)
    session_cid = finished[11:19]
    for number in range(1000):
        body = bytes(200)
        site.receive(b"\x19\xfe\xfd\x00\x01" + number.to_bytes(6, "big") + session_cid + b"\x00\xc8" + body, HOME, 0.0)
    limits: Limits = site.limits
    assert site.server.counters["held"] == limits.max_held
    assert site.server.counters["held_full"] == 1000 - limits.max_held


def test_the_cookie_is_not_skipped_on_resumption() -> None:
    """A hello with a session id or a ticket is asked for a cookie like any other."""
    site = Site()
    first = connected(site, tickets=True)
    client = make_client(9, resumption=first.client.resumption)
    client.start(0.0)
    [(_, raw)] = client.datagrams()
    before = site.server.sizes()
    site.receive(raw, ("198.51.100.1", 1), 0.0)
    [(_, answer)] = site.datagrams()
    assert answer[13] == Message.HELLO_VERIFY_REQUEST and len(answer) <= len(raw)
    assert site.server.sizes() == before


def test_failures_leak_no_throttle() -> None:
    """Failed handshakes must not use up what later ones need."""
    site = Site(Limits(max_handshakes=3))
    for number in range(50):
        line = Line(site, make_client(number, psk=b"wrong key, wrong"))
        line.client.start(0.0)
        line.carry()
        assert [type(event) for event in line.told] == [Failed]
    assert site.server.sizes()["handshakes"] == 0
    line = Line(site, make_client(99))
    line.connect()
    line.say(b"data")
    assert site.delivered == [b"data"]


@pytest.mark.parametrize("epoch", [2, 3, 255, 0xFFFF])
def test_a_huge_early_epoch_does_not_kill_the_session(epoch: int) -> None:
    site = Site()
    site.receive(b"\x17\xfe\xfd" + epoch.to_bytes(2, "big") + b"\xff" * 6 + b"\x00\x10" + bytes(16), HOME, 0.0)
    line, (key_exchange, change, finished) = last_flight(site)
    for raw in (key_exchange, change, finished):
        jump = raw[:3] + epoch.to_bytes(2, "big") + b"\xff" * 6 + raw[11:]
        site.receive(jump, HOME, 0.0)
        site.receive(raw, HOME, 0.0)
    line.carry()
    good = line.next_up(b"data")
    site.receive(good[:3] + epoch.to_bytes(2, "big") + b"\xff" * 6 + good[11:], HOME, 0.0)
    site.receive(good, HOME, 0.0)
    assert site.delivered == [b"data"]


def test_a_huge_early_sequence_number_does_not_close_the_window() -> None:
    """A forged record with the highest number, before and after the handshake."""
    site = Site()
    line, (key_exchange, change, finished) = last_flight(site)
    for raw in (key_exchange, change):
        site.receive(raw[:5] + b"\xff" * 6 + raw[11:], HOME, 0.0)
    site.receive(finished, HOME, 0.0)
    line.carry()
    good = line.next_up(b"data")
    site.receive(good[:5] + b"\xff" * 6 + good[11:], HOME, 0.0)
    site.receive(good, HOME, 0.0)
    assert site.delivered == [b"data"]


def test_nonces_are_not_random() -> None:
    """Random explicit nonces repeat by chance; ours are the record numbers, also over a retransmitted flight."""
    site = Site()
    line, records = last_flight(site)
    site.receive(b"".join(records), HOME, 0.0)
    site.datagrams()  # lost
    for now in (9.0, 27.0):
        line.client.handle_timer(now)
        line.carry(now)
    assert line.client.state is Asking.CONNECTED
    nonces = [r.body[:8] for raw in line.up for r in records_untrusted(raw, 8) if r.epoch]
    nonces_down = [r.body[:8] for raw in line.down for r in records_untrusted(raw, 0) if r.epoch]
    for seen, first in ((nonces, 1), (nonces_down, 1)):
        assert seen == [b"\x00\x01" + (first + n).to_bytes(6, "big") for n in range(len(seen))]


def test_an_identity_longer_than_it_says() -> None:
    """Over-reads of the identity length."""
    for size in (0, 1, len(IDENTITY) - 1, len(IDENTITY) + 1, 0xFFFF):
        fresh = Site()
        _, (key_exchange, *_) = last_flight(fresh)
        body = message(Message.CLIENT_KEY_EXCHANGE, 2, size.to_bytes(2, "big") + key_exchange[27:])
        fresh.receive(plain_record(Content.HANDSHAKE, 9, body), HOME, 0.0)
        assert fresh.server.counters["malformed"] == 1
        assert [event.reason for event in fresh.of(Refused)] == ["identity_form"] and len(fresh.events) == 1
        assert fresh.server.sizes()["handshakes"] == 0


def test_a_warning_does_not_end_a_handshake_and_many_do_not_matter() -> None:
    site = Site()
    line, (key_exchange, change, finished) = last_flight(site)
    for _ in range(100):
        site.receive(plain_record(Content.ALERT, 9, b"\x01\x5a"), HOME, 0.0)
    for raw in (key_exchange, change, finished):
        site.receive(raw, HOME, 0.0)
    line.carry()
    assert line.client.state is Asking.CONNECTED


def test_a_server_hello_request_or_foreign_message_is_ignored() -> None:
    """Messages of the other side, or of certificate suites, move nothing."""
    site = Site()
    line, records = last_flight(site)
    for kind in (0, 2, 3, 4, 11, 12, 13, 14, 15, 20, 24, 255):
        site.receive(plain_record(Content.HANDSHAKE, 9, message(kind, 2, bytes(12))), HOME, 0.0)
    for raw in records:
        site.receive(raw, HOME, 0.0)
    line.carry()
    assert line.client.state is Asking.CONNECTED


def test_data_in_the_same_datagram_as_finished() -> None:
    """Data right behind a Finished of the wrong key must not be delivered, nor with the right one before the store."""
    site = Site(late_store=True)
    line, records = last_flight(site)
    session = line.client.session
    assert session is not None
    site.receive(b"".join(records) + session.seal(Content.APPLICATION_DATA, b"hasty"), HOME, 0.0)
    assert site.of(Received) == []

# SPDX-License-Identifier: Apache-2.0
"""Handshakes between our two ends: what is negotiated, what is refused, what is held back."""

from dataclasses import replace
from typing import Any

import pytest

from openmains.wire.dtls import client_hello
from openmains.wire.dtls.codes import Alert, Content, Extension, Message
from openmains.wire.dtls.events import Closed, Connected, Established, Failed, KeyWanted, Limits, Received
from openmains.wire.dtls.extensions import cid_extension
from openmains.wire.dtls.fragments import fragments_untrusted, message
from openmains.wire.dtls.record import plain_record, records_untrusted
from openmains.wire.dtls.states import Asking
from openmains.wire.dtls.suites import SUITES
from tests.support.dtls import HOME, IDENTITY, PSK, SERVER, Line, Site, connected, make_client


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("cid", [None, b"", b"\x09", bytes(8), bytes(range(255))], ids=lambda c: str(c and len(c)))
@pytest.mark.parametrize("pad_to", [1, 16])
def test_data_both_ways(suite: int, cid: bytes | None, pad_to: int) -> None:
    site = Site(Limits(pad_to=pad_to), answer=lambda data: b"re:" + data)
    line = connected(site, suites=(suite,), cid=cid, pad_to=pad_to)
    line.say(b"reading")
    line.say(b"")
    line.say(b"ends in zeros\0\0")
    assert site.delivered == [b"reading", b"", b"ends in zeros\0\0"]
    told = [event.data for event in line.told if isinstance(event, Received)]
    assert told == [b"re:reading", b"re:", b"re:ends in zeros\0\0"]
    session = site.session
    assert session.uses_cid is (cid is not None) and session.their_cid == (cid or b"")
    assert session.suite.code == suite and session.identity == IDENTITY
    kinds = {raw[0] for raw in line.up[-3:]}, {raw[0] for raw in line.down[-3:]}
    assert kinds == ({25 if cid is not None else 23}, {25 if cid else 23})


def test_our_connection_id_is_node_byte_and_random() -> None:
    site = Site(node=0xA7)
    session = connected(site, cid=b"").site.session
    assert len(session.cid) == 8 and session.cid[0] == 0xA7
    assert connected(site, seed=9).site.session.cid != session.cid


def test_suites_by_our_preference() -> None:
    site = Site()
    assert connected(site, suites=(0x00A8, 0xC0A4, 0xC0A8)).site.session.suite.code == 0xC0A8
    assert connected(site, seed=3, suites=(0x1301, 0x00A8)).site.session.suite.code == 0x00A8


@pytest.mark.parametrize("mtu", [130, 150, 200])
def test_fragmented_hello_with_cookie(mtu: int) -> None:
    """A long hello in pieces: the cookie lies in the first, and nothing is kept before it was seen."""
    long = {Extension.EXTENDED_MASTER_SECRET: b"", Extension.CONNECTION_ID: b"\x00", 21: bytes(500)}
    site = Site(Limits(mtu=mtu))
    line = Line(site, make_client(mtu=mtu, extensions=long))
    line.client.start(0.0)
    sent = [raw for _, raw in line.client.datagrams()]
    assert len(sent) > 3
    for raw in sent:
        site.receive(raw, HOME, 0.0)
    assert site.server.sizes()["handshakes"] == 0
    for _, raw in site.datagrams():
        line.client.receive(raw, SERVER, 0.0)
    line.carry()
    line.say(b"x" * 60)
    assert site.delivered == [b"x" * 60]
    assert all(len(raw) <= mtu for raw in line.up[:-1] + line.down)


def test_key_and_finished_in_tiny_pieces() -> None:
    """Messages are put together, also those in protected records."""
    site = Site(Limits(mtu=130))
    line = connected(site, identity=IDENTITY, mtu=130)
    assert line.client.state is Asking.CONNECTED


def in_pieces(raw: bytes, first: int, step: int) -> list[bytes]:
    """The records of a whole handshake message, cut again."""
    record = next(records_untrusted(raw, 0))
    head, body = record.body[:6], record.body[12:]
    cuts = [0, *range(first, len(body), step)]
    return [
        plain_record(
            record.kind,
            record.sequence + number,
            head
            + at.to_bytes(3, "big")
            + len(body[at : cuts[number + 1] if number + 1 < len(cuts) else len(body)]).to_bytes(3, "big")
            + body[at : cuts[number + 1] if number + 1 < len(cuts) else len(body)],
        )
        for number, at in enumerate(cuts)
    ]


@pytest.mark.parametrize("order", ["reversed", "doubled"])
def test_pieces_in_any_order_and_twice(order: str) -> None:
    """After the first piece, which holds the cookie, the others may come as they like."""
    site = Site()
    line = Line(site, make_client())
    line.client.start(0.0)
    for _, raw in line.client.datagrams():
        site.receive(raw, HOME, 0.0)
    for _, raw in site.datagrams():
        line.client.receive(raw, SERVER, 0.0)
    [(_, hello)] = line.client.datagrams()
    first, *rest = in_pieces(hello, 60, 7)
    assert len(rest) == 3
    for raw in (first, *(reversed(rest) if order == "reversed" else [one for one in rest for _ in range(2)])):
        site.receive(raw, HOME, 0.0)
    line.client.receive(site.datagrams()[0][1], SERVER, 0.0)
    line.carry()
    assert line.client.state is Asking.CONNECTED


def test_a_later_piece_without_the_first_is_not_kept() -> None:
    site = Site()
    client = make_client()
    client.start(0.0)
    [(_, hello)] = client.datagrams()
    for raw in in_pieces(hello, 60, 7)[1:]:
        site.receive(raw, HOME, 0.0)
    assert site.datagrams() == [] and site.server.sizes()["handshakes"] == 0


# --- what is refused ---


def refused(**changes: Any) -> bytes:
    """The alert for a hello with changes, from an address that returned its cookie."""
    site = Site()
    client = make_client()
    client.start(0.0)
    [(_, raw)] = client.datagrams()
    site.receive(raw, HOME, 0.0)
    [(_, verify)] = site.datagrams()
    client.receive(verify, SERVER, 0.0)
    [(_, raw)] = client.datagrams()
    [piece] = fragments_untrusted(next(records_untrusted(raw, 0)).body)
    hello = replace(client_hello.read_untrusted(piece.body), **changes)
    body = message(Message.CLIENT_HELLO, 1, hello.encode())
    site.receive(plain_record(22, 1, body), HOME, 0.0)
    said = [raw for _, raw in site.datagrams()]
    assert site.server.sizes()["handshakes"] == 0, "a refused hello leaves nothing behind"
    assert len(said) == 1
    [record] = records_untrusted(said[0], 0)
    assert record.kind == Content.ALERT and record.body[0] == 2
    return record.body[1:]


EMS = {Extension.EXTENDED_MASTER_SECRET: b""}


@pytest.mark.parametrize(
    ("changes", "alert"),
    [
        ({"version": 0xFEFF}, Alert.PROTOCOL_VERSION),
        ({"version": 0xFEFF, "extensions": EMS}, Alert.PROTOCOL_VERSION),
        ({"extensions": EMS | {Extension.SUPPORTED_VERSIONS: b"\x02\xfe\xfc"}}, Alert.PROTOCOL_VERSION),
        ({"suites": (0x00AE, 0xC023)}, Alert.HANDSHAKE_FAILURE),
        ({"extensions": {}}, Alert.HANDSHAKE_FAILURE),
        ({"extensions": {Extension.EXTENDED_MASTER_SECRET: b"\x00"}}, Alert.HANDSHAKE_FAILURE),
        ({"extensions": EMS | {Extension.RENEGOTIATION_INFO: b"\x01a"}}, Alert.HANDSHAKE_FAILURE),
        ({"compression": b"\x01"}, Alert.ILLEGAL_PARAMETER),
        ({"extensions": EMS | {Extension.CONNECTION_ID: b"\x05abc"}}, Alert.DECODE_ERROR),
        ({"extensions": EMS | {Extension.CONNECTION_ID: b""}}, Alert.DECODE_ERROR),
    ],
)
def test_a_hello_that_we_do_not_go_on_with(changes: dict[str, Any], alert: Alert) -> None:
    assert refused(**changes) == bytes((alert,))


def test_newer_versions_are_answered_with_ours() -> None:
    """A client that could speak 1.3 as well: RFC 5246 appendix E.1, RFC 9147 section 5.3."""
    both = EMS | {Extension.SUPPORTED_VERSIONS: b"\x04\xfe\xfc\xfe\xfd", Extension.CONNECTION_ID: b"\x00"}
    line = connected(extensions=both)
    assert line.client.state is Asking.CONNECTED


def test_the_first_record_may_say_dtls_1_0() -> None:
    """RFC 6347 section 4.2.1; only unprotected ones may."""
    site = Site()
    client = make_client()
    client.start(0.0)
    [(_, raw)] = client.datagrams()
    site.receive(raw[:1] + b"\xfe\xff" + raw[3:], HOME, 0.0)
    assert len(site.datagrams()) == 1
    line = connected(seed=5)
    raw = line.next_up(b"data")
    line.site.receive(raw[:1] + b"\xfe\xff" + raw[3:], HOME, 0.0)
    assert line.site.delivered == []


# --- the application's part ---


def test_the_last_flight_waits_for_the_store() -> None:
    """Until commit the client hears nothing, however often it asks; then it connects."""
    site = Site(late_store=True)
    line = Line(site, make_client())
    line.connect()
    assert line.client.state is Asking.CHANGE
    for now in (9.0, 27.0):
        line.client.handle_timer(now)
        line.carry(now)
    assert line.client.state is Asking.CHANGE
    assert len(site.of(Established)) == 1
    assert not site.server.send(site.session, b"too early", 28.0)
    site.server.commit(site.session, 30.0)
    line.carry(30.0)
    assert line.client.state is Asking.CONNECTED
    assert len(site.of(KeyWanted)) == 1


def test_a_session_that_cannot_be_stored_never_was() -> None:
    site = Site(late_store=True)
    line = Line(site, make_client())
    session = line.connect()
    site.server.reject(session, 0.0)
    line.carry()
    assert site.server.sizes() == {
        "sessions": 0,
        "with_cid": 0,
        "handshakes": 0,
        "timers": site.server.sizes()["timers"],
    }
    assert site.server.next_timer() is None
    assert site.server.commit(session, 1.0) == []
    assert not site.server.send(session, b"x", 1.0)


def test_a_key_may_come_late() -> None:
    """Finished waits for it; copies do not multiply."""
    site = Site(late_keys=True)
    line = Line(site, make_client())
    line.client.start(0.0)
    line.carry()
    for now in (9.0, 27.0):
        line.client.handle_timer(now)
        line.carry(now)
    [wanted] = site.of(KeyWanted)
    site.react(site.server.provide_key(wanted.handshake, PSK, 30.0), 30.0)
    line.carry(30.0)
    assert line.client.state is Asking.CONNECTED
    assert site.server.provide_key(wanted.handshake, PSK, 31.0) == []


def test_a_key_after_the_handshake_has_expired() -> None:
    site = Site(late_keys=True)
    line = Line(site, make_client())
    line.client.start(0.0)
    line.carry()
    site.handle_timer(500.0)
    [wanted] = site.of(KeyWanted)
    assert site.server.provide_key(wanted.handshake, PSK, 501.0) == []
    assert site.server.sizes()["handshakes"] == 0


def test_lost_last_flight_is_repeated() -> None:
    site = Site()
    line = Line(site, make_client())
    line.client.start(0.0)
    while line.client.state is not Asking.CHANGE:
        for _, raw in line.client.datagrams():
            site.receive(raw, HOME, 0.0)
        for _, raw in site.datagrams():
            line.client.receive(raw, SERVER, 0.0)
    for _, raw in line.client.datagrams():
        site.receive(raw, HOME, 0.0)
    lost = site.datagrams()
    assert len(lost) == 1
    line.client.handle_timer(9.0)
    line.carry(9.0)
    assert line.client.state is Asking.CONNECTED
    assert len(site.of(Established)) == 1


def test_close_from_both_ends() -> None:
    line = connected()
    line.client.close(1.0)
    line.carry(1.0)
    assert [event.reason for event in line.site.of(Closed)] == ["close_notify"]
    assert line.site.server.sizes()["sessions"] == 0
    line = connected(seed=4)
    line.site.server.close(line.site.session, 1.0)
    line.carry(1.0)
    assert [event.reason for event in line.told if isinstance(event, Closed)] == ["close_notify"]
    assert line.client.state is Asking.CLOSED
    assert not line.client.send(b"x", 2.0)


def test_a_client_gives_up() -> None:
    client = make_client()
    client.start(0.0)
    told: list[Any] = []
    now = 0.0
    times = []
    while (timer := client.next_timer()) is not None:
        now = timer
        times.append(now)
        told += client.handle_timer(now)
        client.datagrams()
    assert told == [Failed("timeout")]
    assert times == [9.0, 27.0, 63.0, 123.0, 183.0, 243.0]


def test_the_client_refuses_what_it_did_not_offer() -> None:
    """A server that chooses another suite, no extended master secret, or an extension that was not offered."""
    for change in ("suite", "ems", "extension"):
        site = Site()
        client = make_client(suites=(0xC0A8,))
        line = Line(site, client)
        client.start(0.0)
        told: list[Any] = []
        for _ in range(2):
            for _, raw in client.datagrams():
                site.receive(raw, HOME, 0.0)
            for _, raw in site.datagrams():
                if raw[13] == Message.SERVER_HELLO:
                    raw = {
                        "suite": raw.replace(b"\xc0\xa8\x00", b"\xc0\xa4\x00"),
                        "ems": raw.replace(b"\x00\x17\x00\x00", b"\x00\x23\x00\x00"),
                        "extension": raw.replace(b"\xff\x01\x00\x01\x00", b"\x00\x0f\x00\x01\x00"),
                    }[change]
                told += client.receive(raw, SERVER, 0.0)
        assert [type(event) for event in told] == [Failed], change
        assert line.client.state is Asking.CLOSED


# --- resumption ---


@pytest.mark.parametrize("cid", [None, b"", b"\x05\x06"], ids=str)
def test_resumption_by_ticket(cid: bytes | None) -> None:
    """One round less, new keys, the same identity; it works after a restart of the server."""
    site = Site()
    first = connected(site, cid=cid, tickets=True)
    assert first.client.resumption is not None
    site.restart()
    second = connected(
        site, cid=cid, resumption=type(first.client.resumption).decode(first.client.resumption.encode()), seed=8
    )
    assert second.client.resumed and second.client.state is Asking.CONNECTED
    assert site.server.counters["resumed"] == 1
    assert site.session.identity == IDENTITY
    assert first.client.session is not None
    assert site.session.read_key != first.client.session.write_key
    second.say(b"data")
    assert site.delivered == [b"data"]
    hellos = 2  # one without a cookie, one with it; then our Finished, where a full handshake needs one more datagram
    assert len(second.up) == hellos + 1 + 1 and len(second.down) == 2


@pytest.mark.parametrize("cid", [None, b""], ids=str)
def test_data_that_comes_before_the_store_is_kept(cid: bytes | None) -> None:
    """A resuming client is connected before us: its first words wait for commit, within bounds."""
    site = Site()
    first = connected(site, tickets=True, cid=cid)
    site.late_store = True
    line = Line(site, make_client(8, resumption=first.client.resumption, cid=cid))
    line.connect()
    assert [type(event) for event in line.told] == [Connected]
    for number in range(10):
        line.say(b"%d" % number)
    assert site.delivered == []
    site.react(site.server.commit(site.session, 1.0), 1.0)
    assert site.delivered == [b"%d" % number for number in range(site.limits.max_held)]


def test_no_resumption_with_another_key() -> None:
    """A ticket does not outlive the key it was made with: the full handshake is asked for, and the new key decides."""
    site = Site()
    first = connected(site, tickets=True)
    site.keys[IDENTITY] = b"another key 1234"
    line = connected(site, seed=8, resumption=first.client.resumption, psk=b"another key 1234")
    assert not line.client.resumed and line.client.state is Asking.CONNECTED
    del site.keys[IDENTITY]
    line = Line(site, make_client(9, resumption=first.client.resumption))
    line.client.start(0.0)
    line.carry()
    assert [type(event) for event in line.told] == [Failed]


def test_an_expired_or_foreign_ticket_means_a_full_handshake() -> None:
    site = Site(Limits(ticket_s=1000))
    first = connected(site, tickets=True)
    line = Line(site, make_client(8, resumption=first.client.resumption))
    line.connect(1001.0)
    assert line.client.state is Asking.CONNECTED and not line.client.resumed
    assert first.client.resumption is not None
    bent = replace(first.client.resumption, ticket=first.client.resumption.ticket[:-1] + b"\x00\x01")
    line = connected(site, seed=10, resumption=bent)
    assert line.client.state is Asking.CONNECTED and not line.client.resumed


def test_no_tickets_when_switched_off() -> None:
    line = connected(Site(Limits(ticket_s=0)), tickets=True)
    assert line.client.state is Asking.CONNECTED and line.client.resumption is None


def test_extension_helpers_agree() -> None:
    assert cid_extension(b"ab") == (54, b"\x02ab")

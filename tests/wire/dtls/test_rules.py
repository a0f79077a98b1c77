# SPDX-License-Identifier: Apache-2.0
"""The rules for DTLS with meters, each with the test that bears its name.

They are those of RFC 9146, 7925 and 6347, and of our own requirements R3.1, R13.1 and R13.3.
"""

import itertools

import pytest

from openmains.wire.dtls.codes import Content
from openmains.wire.dtls.events import Established, Foreign, Moved, Probe, Received, Suspicious
from openmains.wire.dtls.record import records_untrusted
from openmains.wire.dtls.session import RESERVE, Session
from tests.support.dtls import HOME, PSK, SERVER, Line, Site, connected

AWAY = ("198.51.100.9", 50_000)
FURTHER = ("203.0.113.5", 1_024)


def echoing() -> Site:
    return Site(answer=lambda data: b"re:" + data)


def sealed(line: Line, inner: bytes) -> bytes:
    """A genuine record of the client with this inner plaintext, whatever it is."""
    session = line.client.session
    assert session is not None
    # seal() adds the type as the last byte, so an inner text is given as content and type.
    raw = session.seal(inner[-1], inner[:-1]) if inner else b""
    assert raw
    return raw


# --- connection ids (RFC 9146) ---


def test_a_connection_id_says_what_its_sender_wants_to_receive() -> None:
    line = connected(cid=b"\x0a\x0b\x0c")
    session = line.site.session
    line.site.server.send(session, b"down", 0.0)
    [(_, down)] = line.site.datagrams()
    up = line.next_up(b"up")
    assert (down[0], down[11:14]) == (25, b"\x0a\x0b\x0c")
    assert (up[0], up[11:19]) == (25, session.cid)


def test_length_zero_means_i_send_with_one_and_want_none() -> None:
    line = connected(cid=b"")
    line.site.server.send(line.site.session, b"down", 0.0)
    assert line.site.datagrams()[0][1][0] == Content.APPLICATION_DATA
    assert line.next_up(b"up")[0] == Content.CID


@pytest.mark.parametrize("zeros", [0, 1, 15, 200])
def test_zeros_at_the_end_are_stripped(zeros: int) -> None:
    line = connected()
    session = line.client.session
    assert session is not None
    session.pad_to = max(zeros, 1)
    line.say(b"data")
    assert line.site.delivered == [b"data"]


def test_all_zeros_is_invalid() -> None:
    line = connected()
    line.site.receive(sealed(line, bytes(20)), HOME, 0.0)
    line.carry()
    assert line.site.delivered == [] and line.site.server.counters["bad_inner"] == 1
    line.say(b"still there")
    assert line.site.delivered == [b"still there"]


@pytest.mark.parametrize("kind", [0, 1, 19, 24, 25, 26, 255])
def test_an_unknown_inner_type_is_invalid(kind: int) -> None:
    line = connected()
    if kind:
        line.site.receive(sealed(line, b"data" + bytes((kind,))), HOME, 0.0)
        assert line.site.server.counters["bad_inner"] == 1
    assert line.site.delivered == []
    line.say(b"still there")
    assert line.site.delivered == [b"still there"]


def test_a_record_without_cid_on_an_association_that_negotiated_one_is_invalid() -> None:
    """RFC 9146 section 3, both ways."""
    site = echoing()
    line = connected(site, cid=b"zz")
    session = line.client.session
    assert session is not None
    session.their_cid, kept = b"", session.their_cid
    line.site.receive(session.seal(23, b"bare"), HOME, 0.0)
    assert site.delivered == []
    session.their_cid = kept
    site.session.their_cid, kept = b"", site.session.their_cid
    site.server.send(site.session, b"bare", 0.0)
    for _, raw in site.datagrams():
        assert line.client.receive(raw, SERVER, 0.0) == []
    site.session.their_cid = kept
    line.say(b"proper")
    assert site.delivered == [b"proper"]


def test_clients_without_connection_ids_are_known_by_their_address() -> None:
    site = Site()
    line = connected(site, cid=None)
    raw = line.next_up(b"data")
    site.receive(raw, AWAY, 0.0)
    assert site.delivered == []
    site.receive(raw, HOME, 0.0)
    assert site.delivered == [b"data"]


def test_a_record_for_another_node_is_handed_on() -> None:
    line = connected()
    raw = bytearray(line.next_up(b"data"))
    raw[11] = 0x77
    [event] = line.site.receive(bytes(raw), AWAY, 0.0)
    assert event == Foreign(0x77, bytes(raw[11:19]), bytes(raw), AWAY)


# --- the address ---


def test_the_address_moves_only_after_it_was_confirmed() -> None:
    site = Site()
    line = connected(site)
    session = site.session
    events = site.receive(line.next_up(b"from away"), AWAY, 0.0)
    assert events == [Probe(session, AWAY), Received(session, b"from away", AWAY, True)]
    assert not session.confirmed and session.peer == HOME and session.address == AWAY
    assert site.server.confirm_address(session, 0.0) == [Moved(session, HOME, AWAY)]
    assert session.confirmed and session.peer == AWAY
    assert site.server.confirm_address(session, 0.0) == []
    assert [type(e) for e in site.receive(line.next_up(b"again"), AWAY, 0.0)] == [Received]


def test_a_proof_counts_for_the_address_it_was_asked_of() -> None:
    site = Site()
    line = connected(site)
    site.receive(line.next_up(b"1"), AWAY, 0.0)
    site.receive(line.next_up(b"2"), FURTHER, 0.0)
    assert site.server.confirm_address(site.session, 0.0, AWAY) == []
    assert not site.session.confirmed and site.session.address == FURTHER
    assert site.server.confirm_address(site.session, 0.0, FURTHER) == [Moved(site.session, HOME, FURTHER)]


def test_an_older_valid_record_is_delivered_without_moving_it() -> None:
    site = Site()
    line = connected(site)
    older, newer = line.next_up(b"older"), line.next_up(b"newer")
    site.receive(newer, HOME, 0.0)
    assert site.receive(older, AWAY, 0.0) == [Received(site.session, b"older", AWAY, False)]
    assert site.session.confirmed and site.session.address == HOME


def test_a_forged_or_repeated_record_does_not_move_it() -> None:
    site = Site()
    line = connected(site)
    raw = line.next_up(b"data")
    site.receive(raw[:-1] + bytes((raw[-1] ^ 1,)), AWAY, 0.0)
    site.receive(raw, HOME, 0.0)
    site.receive(raw, AWAY, 0.0)
    assert site.session.confirmed and site.session.address == HOME
    assert [event.kind for event in site.of(Suspicious)] == ["bad_mac", "replay"]


def test_three_times_the_received_bytes_go_to_an_address_not_yet_confirmed() -> None:
    site = Site()
    line = connected(site)
    raw = line.next_up(bytes(50))
    site.receive(raw, AWAY, 0.0)
    sent = 0
    while site.server.send(site.session, bytes(20), 0.0):
        [(peer, down)] = site.datagrams()
        assert peer == AWAY
        sent += len(down)
    assert 0 < sent <= 3 * len(raw)
    assert site.server.counters["over_budget"] == 1
    more = line.next_up(b"more")
    site.receive(more, AWAY, 0.0)
    while site.server.send(site.session, bytes(20), 0.0):
        sent += len(site.datagrams()[0][1])
    assert sent <= 3 * (len(raw) + len(more))
    site.server.confirm_address(site.session, 0.0)
    assert all(site.server.send(site.session, bytes(500), 0.0) for _ in range(20))


def test_records_of_one_datagram_count_their_own_bytes() -> None:
    site = Site()
    line = connected(site)
    datagram = b"".join(line.next_up(b"x") for _ in range(10))
    site.receive(datagram, AWAY, 0.0)
    sent = 0
    while site.server.send(site.session, bytes(20), 0.0):
        sent += len(site.datagrams()[0][1])
    assert 2 * len(datagram) < sent <= 3 * len(datagram)


def test_refusals_cost_no_sequence_number() -> None:
    site = Site()
    line = connected(site)
    site.receive(line.next_up(b""), AWAY, 0.0)
    before = site.session.send_seq
    assert not site.server.send(site.session, bytes(1000), 0.0)
    assert site.session.send_seq == before


def test_back_home_needs_no_proof() -> None:
    site = Site()
    line = connected(site)
    site.receive(line.next_up(b"1"), AWAY, 0.0)
    site.receive(line.next_up(b"2"), HOME, 0.0)
    assert site.session.confirmed and site.session.address == HOME
    [probe] = [e for e in site.receive(line.next_up(b"3"), FURTHER, 0.0) if isinstance(e, Probe)]
    assert probe.peer == FURTHER


def test_answers_go_where_the_newest_genuine_record_came_from() -> None:
    site = echoing()
    line = connected(site)
    site.receive(line.next_up(b"question"), AWAY, 0.0)
    [(peer, _)] = site.datagrams()
    assert peer == AWAY


# --- replay, nonces ---


def test_each_record_counts_once() -> None:
    site = Site()
    line = connected(site)
    records = [line.next_up(b"%d" % number) for number in range(100)]
    for raw in itertools.chain(records[50:], records, records):
        site.receive(raw, HOME, 0.0)
    # Window 64: of the first fifty, those not further than 63 behind the newest are still taken.
    expected = [b"%d" % n for n in range(50, 100)] + [b"%d" % n for n in range(36, 50)]
    assert site.delivered == expected


def test_marked_only_after_the_tag_verifies() -> None:
    site = Site()
    line = connected(site)
    raw = line.next_up(b"data")
    for bit in range(8):
        site.receive(raw[:-1] + bytes((raw[-1] ^ 1 << bit,)), HOME, 0.0)
    far = raw[:5] + b"\xff\xff\xff\xff\xff\xfe" + raw[11:]
    site.receive(far, HOME, 0.0)
    site.receive(raw, HOME, 0.0)
    assert site.delivered == [b"data"]


def test_explicit_nonces_of_peers_are_read_from_the_wire() -> None:
    """Peers may begin anywhere (OpenSSL does for GCM)."""
    site = Site()
    line = connected(site, suites=(0x00A8,))
    session = line.client.session
    assert session is not None and session._seal is not None
    number, nonce = (1 << 48 | session.send_seq).to_bytes(8, "big"), b"anything"
    inner = b"data\x17"
    aad = b"\xff" * 8 + b"\x19\x08\x19\xfe\xfd" + number + session.their_cid + len(inner).to_bytes(2, "big")
    body = nonce + session._seal.encrypt(session.write_iv + nonce, inner, aad)
    raw = b"\x19\xfe\xfd" + number + session.their_cid + len(body).to_bytes(2, "big") + body
    site.receive(raw, HOME, 0.0)
    assert site.delivered == [b"data"]


def test_no_nonce_is_used_twice_over_restarts() -> None:
    """kill -9 at any moment, many times: what was on the wire is never on it again."""
    site = echoing()
    line = connected(site)
    nonces: list[bytes] = []
    for round_number in range(30):
        for _ in range(round_number * 11 % 200 + 1):
            line.say(b"x")
        nonces += [raw[13:21] for raw in line.down if raw[0] == 23]
        line.down.clear()
        site.restart()
    assert len(nonces) > 1500 and len(set(nonces)) == len(nonces)
    assert len(site.of(Established)) == 1


# --- restart ---


def test_sessions_survive_a_restart() -> None:
    site = echoing()
    line = connected(site, cid=b"abc")
    line.say(b"before")
    site.restart()
    line.say(b"after")
    assert site.delivered == [b"before", b"after"]
    assert site.server.counters["loaded"] == 1
    assert [e.data for e in line.told if isinstance(e, Received)] == [b"re:before", b"re:after"]


def test_nothing_is_sent_beyond_what_was_reserved() -> None:
    site = Site()
    connected(site)
    session = site.session
    while site.server.send(session, b"x", 0.0):
        pass
    assert session.send_seq == session.reserved == RESERVE
    assert site.server.counters["unreserved"] == 1
    session.reserve()
    assert not site.server.send(session, b"x", 0.0), "not durable yet"
    stored = session.dump()
    session.reserve()
    session.reserved_durable()
    loaded = Session.load(stored)
    while site.server.send(session, b"x", 0.0):
        pass
    assert loaded.send_seq == session.send_seq, "the stored number is the one that was used up to"


def test_a_loaded_session_takes_only_newer_records() -> None:
    site = Site()
    line = connected(site)
    first, second, third = (line.next_up(text) for text in (b"1", b"2", b"3"))
    site.receive(second, HOME, 0.0)
    site.store[site.session.cid] = site.session.dump()
    site.restart()
    for raw in (first, second, third):
        site.receive(raw, HOME, 0.0)
    assert site.delivered == [b"2", b"3"]


def test_memory_is_a_cache() -> None:
    site = Site()
    line = connected(site)
    line.say(b"1")
    site.store[site.session.cid] = site.session.dump()
    site.server.forget(site.session)
    assert site.server.sizes()["sessions"] == 0
    line.say(b"2")
    assert site.delivered == [b"1", b"2"]


def test_an_unknown_connection_id_is_met_with_silence() -> None:
    site = Site()
    line = connected(site)
    site.store.clear()
    site.restart()
    site.receive(line.next_up(b"x"), HOME, 0.0)
    assert site.datagrams() == [] and site.server.counters["unknown_cid"] == 1


def test_keys_do_not_reach_a_log() -> None:
    line = connected(tickets=True)
    session = line.site.session
    texts = [repr(session), repr(line.site.events), repr(line.client.resumption)]
    for secret in (session.read_key, session.write_key, PSK):
        assert not any(repr(secret)[2:-1] in text or secret.hex() in text for text in texts)


def test_records_of_one_datagram_are_all_read() -> None:
    site = Site()
    line = connected(site)
    site.receive(b"".join(line.next_up(b"%d" % n) for n in range(3)), HOME, 0.0)
    assert site.delivered == [b"0", b"1", b"2"]
    assert len(list(records_untrusted(line.next_up(b"x"), 8))) == 1

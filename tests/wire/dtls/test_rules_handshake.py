# SPDX-License-Identifier: Apache-2.0
"""The rules for handshakes with meters, each with the test that bears its name; the others are in ``test_rules.py``."""

from typing import Any

import pytest

from openmains.wire.dtls.codes import Alert, Content, Message
from openmains.wire.dtls.cookie import PERIOD_S
from openmains.wire.dtls.events import KeyWanted, Limits
from openmains.wire.dtls.fragments import message
from openmains.wire.dtls.states import Asking
from tests.support.dtls import (
    HOME,
    IDENTITY,
    PATIENT,
    PSK,
    SERVER,
    Line,
    Site,
    connected,
    hello_of,
    hello_with_cookie,
    make_client,
)

AWAY = ("198.51.100.9", 50_000)


# --- cookies ---


def test_the_first_hello_leaves_nothing() -> None:
    site = Site()
    site.receive(hello_of(), HOME, 0.0)
    assert not any(site.server.sizes().values())


def test_a_cookie_counts_for_its_address_only() -> None:
    site = Site()
    raw = hello_with_cookie(site, 0.0)
    site.receive(raw, AWAY, 0.0)
    assert site.server.sizes()["handshakes"] == 0
    [(peer, answer)] = site.datagrams()
    assert peer == AWAY and answer[13] == Message.HELLO_VERIFY_REQUEST
    site.receive(raw, HOME, 0.0)
    assert site.server.sizes()["handshakes"] == 1


def test_the_secret_rotates_and_the_previous_one_still_counts() -> None:
    for age, counts in ((1.0, True), (PERIOD_S - 1, True), (PERIOD_S + 1, True), (2 * PERIOD_S + 1, False)):
        site = Site()
        raw = hello_with_cookie(site, 0.0)
        site.receive(raw, HOME, age)
        assert bool(site.server.sizes()["handshakes"]) is counts, age


def test_a_cookie_survives_a_restart() -> None:
    site = Site()
    raw = hello_with_cookie(site, 0.0)
    site.restart()
    site.receive(raw, HOME, 1.0)
    assert site.server.sizes()["handshakes"] == 1


def test_a_client_with_an_old_cookie_gets_a_new_one_and_connects() -> None:
    site = Site()
    line = Line(site, make_client(timing=PATIENT))
    line.client.start(0.0)
    for _, raw in line.client.datagrams():
        site.receive(raw, HOME, 0.0)
    for _, raw in site.datagrams():
        line.client.receive(raw, SERVER, 0.0)
    late = 3 * PERIOD_S
    line.carry(late)
    assert line.client.state is Asking.CONNECTED


# --- handshake ---


def test_the_first_retransmission_is_after_nine_seconds() -> None:
    """RFC 7925 section 11; doubled, and only so often."""
    site = Site()
    site.receive(hello_with_cookie(site, 0.0), HOME, 0.0)
    site.datagrams()
    times = []
    while (timer := site.next_timer()) is not None:
        site.handle_timer(timer)
        if site.datagrams():
            times.append(timer)
    assert times == [9.0, 27.0, 63.0]
    assert site.server.sizes() == {"sessions": 0, "with_cid": 0, "handshakes": 0, "timers": 0}


def test_unknown_identity_and_wrong_key_are_the_same() -> None:
    """Answer by answer, byte by byte but for what is random; and the application is asked alike."""

    def said(identity: bytes, psk: bytes) -> tuple[list[bytes], list[Any], dict[str, int]]:
        site = Site()
        line = Line(site, make_client(identity=identity, psk=psk))
        line.client.start(0.0)
        line.carry()
        kinds = [(type(e).__name__, getattr(e, "kind", None)) for e in site.events]
        return line.down, kinds, site.server.counters

    unknown, wrong = said(b"860000000000009", PSK), said(IDENTITY, b"not the key 1234")
    assert unknown == wrong
    assert unknown[1] == [("KeyWanted", None), ("Suspicious", "wrong_key")]
    assert unknown[0][-1][-2:] == bytes((2, Alert.DECRYPT_ERROR)), "RFC 4279 section 2"


def test_unknown_identity_and_wrong_key_cost_the_same_work() -> None:
    """Counted in calls of the primitives, as clocks are no judges on a busy machine."""
    from openmains.wire.dtls import handshaking, keys

    def calls(psk: bytes | None) -> int:
        count = 0
        site = Site(late_keys=True)
        line = Line(site, make_client())
        line.client.start(0.0)
        line.carry()
        [wanted] = site.of(KeyWanted)
        real = keys.digest

        def counted(*args: Any) -> bytes:
            nonlocal count
            count += 1
            return real(*args)

        patch = pytest.MonkeyPatch()
        try:
            patch.setattr(keys, "digest", counted)
            patch.setattr(handshaking, "digest", counted)
            site.server.provide_key(wanted.handshake, psk, 0.0)
        finally:
            patch.undo()
        return count

    assert calls(None) == calls(b"not the key 1234") > 5


def test_renegotiation_is_refused() -> None:
    line = connected(cid=b"")
    hello = message(Message.CLIENT_HELLO, 3, hello_of()[25:])
    session = line.client.session
    assert session is not None
    line.site.receive(session.seal(Content.HANDSHAKE, hello), HOME, 0.0)
    [(_, raw)] = line.site.datagrams()
    content = session.open(raw, 13)
    assert content == bytes((1, Alert.NO_RENEGOTIATION)) and raw[0] == Content.ALERT
    line.say(b"goes on")
    assert line.site.delivered == [b"goes on"]


def test_the_old_association_lives_until_the_new_one_is_proved() -> None:
    """RFC 6347 section 4.2.8: a hello from a known address, genuine or not, ends nothing."""
    site = Site()
    line = connected(site, cid=None)
    raw = hello_with_cookie(site, 1.0, seed=77)
    site.receive(raw, HOME, 1.0)
    site.datagrams()
    line.say(b"old", 2.0)
    assert site.delivered == [b"old"]
    again = Line(site, make_client(78, cid=None))
    again.connect(3.0)
    again.say(b"new", 3.0)
    site.receive(line.next_up(b"older"), HOME, 3.0)
    assert site.delivered == [b"old", b"new"]


def test_one_datagram_draws_one_answer() -> None:
    """Many small hellos in one datagram would be many datagrams at the address they claim to be from."""
    site = Site()
    raw = hello_of()
    crowd = raw * 30
    assert len(crowd) > site.limits.max_datagram
    site.receive(crowd, HOME, 0.0)
    assert site.datagrams() == [] and site.server.counters["oversized"] == 1
    site.receive(raw * 20, HOME, 0.0)
    assert len(site.datagrams()) == 1
    raw = hello_with_cookie(site, 0.0)
    site.receive(raw * 10, HOME, 0.0)
    assert len(site.datagrams()) == 1


def test_a_stored_session_of_a_client_without_connection_id_is_not_found_by_one() -> None:
    site = Site()
    line = connected(site, cid=None)
    cid = site.session.cid
    site.restart()
    site.receive(b"\x19\xfe\xfd\x00\x01" + bytes(6) + cid + b"\x00\x20" + bytes(32), HOME, 0.0)
    assert site.server.counters["unknown_cid"] == 1 and site.server.sizes()["with_cid"] == 0
    assert site.delivered == []
    site.receive(line.next_up(b"by its address"), HOME, 0.0)
    assert site.delivered == [b"by its address"]


def test_handshakes_in_progress_are_bounded() -> None:
    """Full: newcomers wait, until the oldest has had its time."""
    site = Site(Limits(max_handshakes=5, yield_after_s=15.0))
    for number in range(8):
        peer = ("10.0.0.1", number)
        site.receive(hello_with_cookie(site, 0.0, peer, 100 + number), peer, 0.0)
    assert site.server.sizes()["handshakes"] == 5 and site.server.counters["handshakes_full"] == 3
    peer = ("10.0.0.1", 99)
    site.receive(hello_with_cookie(site, 16.0, peer, 500), peer, 16.0)
    assert site.server.sizes()["handshakes"] == 5 and site.server.counters["handshakes_expired"] == 1


def test_finished_handshakes_do_not_keep_newcomers_out() -> None:
    """Meters that connect and say nothing yet: their handshakes are kept for lost flights, but not at others' cost."""
    site = Site(Limits(max_handshakes=3))
    for number in range(20):
        line = Line(site, make_client(number), ("10.0.0.1", number))
        line.connect(0.0)
        assert line.client.state is Asking.CONNECTED
    assert site.server.sizes()["handshakes"] == 3 and site.server.sizes()["sessions"] == 20
    site.handle_timer(1000.0)
    assert site.server.sizes()["handshakes"] == 0 and site.server.counters["handshakes_expired"] == 0


def test_alerts_without_protection_do_not_end_an_association() -> None:
    line = connected()
    for alert in (b"\x02\x28", b"\x01\x00"):
        line.site.receive(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02" + alert, HOME, 0.0)
    line.say(b"alive")
    assert line.site.delivered == [b"alive"]

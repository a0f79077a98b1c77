# SPDX-License-Identifier: Apache-2.0
"""Clients that have only CBC, or no extended master secret: taken for want of better, named to whoever gives the key, else refused."""

from typing import Any

import pytest

from openmains.wire.dtls import cbc
from openmains.wire.dtls.cbc import CbcRecords
from openmains.wire.dtls.codes import Alert, Extension
from openmains.wire.dtls.events import Connected, Established, Failed, KeyWanted, Limits, Refused, Suspicious, Weakness
from openmains.wire.dtls.session import Session
from openmains.wire.dtls.suites import ALL_SUITES, CBC_SHA256, SUITES
from openmains.wire.errors import WireError
from tests.support.dtls import IDENTITY, PSK, Line, Site, connected, make_client

CBC = CBC_SHA256.code
WAYS = {"MAC then encrypt": False, "encrypt then MAC": True}


class WeakSite(Site):
    """Takes whoever holds the key. ``allowed``: else nobody with one of the others."""

    allowed = frozenset(Weakness)

    def __init__(self, limits: Limits | None = None, **options: Any) -> None:
        super().__init__(limits, weak=True, **options)

    def react(self, events: Any, now: float) -> list[Any]:
        out = []
        for event in events:
            if isinstance(event, KeyWanted) and not event.weaknesses <= self.allowed:
                self.events.append(event)
                out += super().react(self.server.provide_keys(event.handshake, (), now), now)
            else:
                out += super().react([event], now)
        return out


@pytest.mark.parametrize("ems", [True, False], ids=["extended master secret", "without"])
@pytest.mark.parametrize("etm", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("cid", [None, b"", b"\x09", bytes(range(255))], ids=lambda c: str(c and len(c)))
@pytest.mark.parametrize("pad_to", [1, 16])
def test_data_both_ways_over_cbc(cid: bytes | None, etm: bool, ems: bool, pad_to: int) -> None:
    site = WeakSite(Limits(pad_to=pad_to), answer=lambda data: b"re:" + data)
    line = connected(site, suites=(CBC,), cid=cid, etm=etm, ems=ems, pad_to=pad_to)
    said = [b"reading", b"", *(bytes(range(size)) for size in range(1, 70)), b"ends in zeros\0\0"]
    for data in said:
        line.say(data)
    assert site.delivered == said
    assert [event.data for event in line.told[1:]] == [b"re:" + data for data in said]
    assert (site.session.suite, site.session.etm) == (CBC_SHA256, etm)
    [wanted] = site.of(KeyWanted)
    assert wanted.weaknesses == {Weakness.CBC} | (set() if ems else {Weakness.NO_EMS})


@pytest.mark.parametrize("suite", SUITES)
def test_an_aead_without_extended_master_secret(suite: int) -> None:
    site = WeakSite()
    line = connected(site, suites=(suite,), ems=False)
    line.say(b"reading")
    assert site.delivered == [b"reading"]
    assert site.of(KeyWanted)[0].weaknesses == {Weakness.NO_EMS}


@pytest.mark.parametrize("order", [(CBC, *SUITES), (*SUITES, CBC)])
def test_cbc_is_taken_for_want_of_a_better_suite_only(order: tuple[int, ...]) -> None:
    site = WeakSite()
    line = connected(site, suites=order)
    assert site.session.suite.code == 0xC0A8 and not site.session.etm
    assert site.of(KeyWanted)[0].weaknesses == frozenset()
    assert Extension.ENCRYPT_THEN_MAC in line.client._offered  # and not answered: it has no meaning for an AEAD


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"suites": (CBC,)}, frozenset()),
        ({"suites": (CBC,)}, {Weakness.NO_EMS}),
        ({"ems": False}, frozenset()),
        ({"ems": False}, {Weakness.CBC}),
        ({"suites": (CBC,), "ems": False}, {Weakness.CBC}),
        ({"suites": (CBC,), "ems": False}, {Weakness.NO_EMS}),
    ],
)
def test_what_is_not_allowed_ends_as_a_wrong_key_does(options: dict[str, Any], allowed: frozenset[Weakness]) -> None:
    site = WeakSite()
    site.allowed = frozenset(allowed)
    line = Line(site, make_client(**options))
    line.client.start(0.0)
    line.carry()
    assert [type(event) for event in line.told] == [Failed]
    assert line.down[-1][13:] == bytes((2, Alert.DECRYPT_ERROR))
    assert site.of(Established) == [] and site.server.sizes()["sessions"] == 0


@pytest.mark.parametrize(
    ("options", "reason", "detail"),
    [
        ({"suites": (CBC,)}, "no_suite", "00ae 00ff"),
        ({"suites": (0xC0A9, 0x1301)}, "no_suite", "c0a9 1301 00ff"),
        ({"ems": False}, "no_ems", ""),
    ],
)
def test_a_server_that_takes_nobody_weak_says_so_at_the_hello(
    options: dict[str, Any], reason: str, detail: str
) -> None:
    site = Site()
    line = Line(site, make_client(**options))
    line.client.start(0.0)
    line.carry()
    assert [type(event) for event in line.told] == [Failed]
    assert line.down[-1][13:] == bytes((2, Alert.HANDSHAKE_FAILURE))
    assert [(event.reason, event.detail) for event in site.of(Refused)] == [(reason, detail)]


@pytest.mark.parametrize("options", [{"suites": (CBC,)}, {"ems": False}])
def test_no_ticket_for_the_weak(options: dict[str, Any]) -> None:
    line = connected(WeakSite(), tickets=True, **options)
    assert [type(event) for event in line.told] == [Connected]
    assert line.client.resumption is None


def test_a_ticket_is_not_resumed_without_the_extended_master_secret() -> None:
    """RFC 7627 section 5.3: it must be refused, not become a full handshake."""
    site = WeakSite()
    first = connected(site, tickets=True)
    line = Line(site, make_client(8, resumption=first.client.resumption, ems=False))
    line.client.start(0.0)
    line.carry()
    assert [type(event) for event in line.told] == [Failed]
    assert line.down[-1][13:] == bytes((2, Alert.HANDSHAKE_FAILURE))


@pytest.mark.parametrize("etm", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("cid", [b"", b"\x05"], ids=str)
def test_a_stored_session_carries_its_suite(etm: bool, cid: bytes) -> None:
    site = WeakSite(answer=lambda data: b"re:" + data)
    line = connected(site, suites=(CBC,), etm=etm, cid=cid)
    line.say(b"before")
    site.save(site.session)
    site.restart()
    line.say(b"after")
    assert site.delivered == [b"before", b"after"]
    assert line.told[-1].data == b"re:after"
    again = Session.load(site.session.dump())
    assert (again.suite, again.etm, again.read_key) == (CBC_SHA256, etm, site.session.read_key)


@pytest.mark.parametrize("code", ALL_SUITES)
def test_every_suite_is_stored_and_loaded_whole(code: int) -> None:
    site = WeakSite()
    connected(site, suites=(code,))
    raw = site.session.dump()
    assert Session.load(raw).dump()[:-30] == raw[:-30]


@pytest.mark.parametrize("etm", WAYS.values(), ids=WAYS)
def test_a_damaged_record_is_silence_and_ends_nothing(etm: bool) -> None:
    """Each byte of a record, the padding's among them: no answer, no event but the count."""
    site = WeakSite()
    line = connected(site, suites=(CBC,), etm=etm)
    raw = line.next_up(b"a reading that is long enough for two blocks")
    head = 13 + 8
    for at in range(head, len(raw)):
        bad = raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]
        site.receive(bad, line.home, 1.0)
    for size in range(head, len(raw)):
        short = raw[: head - 2] + (size - head).to_bytes(2, "big") + raw[head:size]
        site.receive(short, line.home, 1.0)
    assert site.delivered == [] and site.datagrams() == []
    assert {event.kind for event in site.of(Suspicious)} == {"bad_mac"}
    site.receive(raw, line.home, 1.0)
    assert site.delivered == [b"a reading that is long enough for two blocks"]


def test_numbers_make_the_ivs_and_no_number_is_used_twice() -> None:
    site = WeakSite()
    line = connected(site, suites=(CBC,))
    records = [line.next_up(b"the same words") for _ in range(50)]
    ivs = [raw[21:37] for raw in records]
    assert len(set(ivs)) == len(ivs)
    assert len({raw[37:53] for raw in records}) == len(records), "equal blocks do not show"


KEY, HEAD = bytes(range(cbc.KEY_SIZE)), b"h" * 11


def forged(content: bytes, padding: bytes, *, mac: bytes | None = None) -> bytes:
    """A MAC-then-encrypt body whose inside the test chooses."""
    maker = CbcRecords(KEY, bytes(16), etm=False)
    plain = content + (maker._mac(HEAD, content) if mac is None else mac) + padding
    assert len(plain) % 16 == 0
    encryptor = cbc.Cipher(maker._aes, cbc.CBC(bytes(16))).encryptor()
    return bytes(16) + encryptor.update(plain) + encryptor.finalize()


@pytest.mark.parametrize("size", [15, 31, 127, 255])
def test_long_padding_is_read(size: int) -> None:
    """RFC 5246 section 6.2.3.2: up to 255 bytes."""
    body = forged(b"", bytes((size,)) * (size + 1))
    assert CbcRecords(KEY, bytes(16), etm=False).open(HEAD, body) == b""


@pytest.mark.parametrize(
    "body",
    [
        forged(b"", b"\x00" * 15 + b"\x0f"),  # padding bytes other than its length
        forged(b"", b"\x0e" + b"\x0f" * 15),  # the first of them only
        forged(b"", b"\xff" * 16),  # longer than the record
        forged(b"", b"\x30" * 16),  # into the MAC
        forged(bytes(15), b"\x00", mac=bytes(32)),
        forged(bytes(15), b"\x01", mac=bytes(31) + b"\x01"),  # right padding over a wrong MAC
    ],
)
def test_wrong_padding_and_wrong_mac_are_one_thing(body: bytes) -> None:
    assert CbcRecords(KEY, bytes(16), etm=False).open(HEAD, body) is None


def test_as_many_blocks_are_hashed_whatever_the_padding_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lucky 13 reads records from the time that hashing takes: the sum of all blocks is the same for all paddings."""
    hashed: list[int] = []
    really, plain = cbc.digest, cbc.sha256
    monkeypatch.setattr(
        cbc, "digest", lambda key, text, name: hashed.append(cbc._blocks(len(text))) or really(key, text, name)
    )
    monkeypatch.setattr(cbc, "sha256", lambda data: hashed.append(len(data) // 64) or plain(data))
    reader = CbcRecords(KEY, bytes(16), etm=False)
    sums = set()
    for size in range(256):
        content = bytes(320 - 32 - 1 - size) if size <= 287 else b""
        body = forged(content, bytes((size,)) * (size + 1))
        hashed.clear()
        assert reader.open(HEAD, body) == content
        sums.add(sum(hashed))
        hashed.clear()
        assert reader.open(HEAD, forged(content, bytes((size,)) * (size + 1), mac=bytes(32))) is None
        sums.add(sum(hashed))
    assert len(sums) == 1


def test_a_session_of_another_version_or_suite_is_refused_by_name() -> None:
    site = Site()
    connected(site)
    raw = site.session.dump()
    for at, value in ((0, 9), (1, 4), (2, 0x77)):
        with pytest.raises(WireError, match="stored session"):
            Session.load(raw[:at] + bytes((value,)) + raw[at + 1 :])
    assert IDENTITY in raw and PSK not in raw


def test_numbers_of_overhead_are_what_records_have() -> None:
    """What is kept free for a protected handshake message: never less than a record takes."""
    for code in ALL_SUITES:
        for etm in WAYS.values():
            session = connected(WeakSite(), suites=(code,), etm=etm, cid=b"").client.session
            assert session is not None
            sizes = [len(session.seal(23, bytes(n))) - 13 - n for n in range(70)]
            assert max(sizes) <= session.overhead

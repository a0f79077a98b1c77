# SPDX-License-Identifier: Apache-2.0
"""Known answers made by others: PRF, premaster, CCM, additional data, replay window."""

from typing import Any

import pytest

from openmains.wire.dtls import keys, window
from openmains.wire.dtls.session import Session
from openmains.wire.dtls.suites import CCM_8, SUITES
from tests.support.dtls import HOME


def test_prf_of_tls12_sha256() -> None:
    """The vector that the TLS working group's list has used since 2009 ("test label")."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    assert keys.prf(secret, b"test label", seed, 100) == bytes.fromhex(
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17"
        "abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
    )


def test_premaster_is_n_zeros_n_psk() -> None:
    """RFC 4279 section 2."""
    assert keys.premaster(b"\xaa\xbb\xcc") == bytes.fromhex("00030000000003aabbcc")


def test_ccm_8() -> None:
    """NIST SP 800-38C, example 3: a 12-byte nonce and an 8-byte tag, as in our first suite."""
    cipher = CCM_8.cipher(bytes(range(0x40, 0x50)))
    sealed = bytes.fromhex("e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")
    plain, aad, nonce = bytes(range(0x20, 0x38)), bytes(range(0x14)), bytes(range(0x10, 0x1C))
    assert cipher.encrypt(nonce, plain, aad) == sealed
    assert cipher.decrypt(nonce, sealed, aad) == plain


def make_session(**options: Any) -> Session:
    chosen: dict[str, Any] = {
        "cid": bytes(range(1, 9)), "uses_cid": True, "their_cid": b"", "identity": b"", "peer": HOME, "suite": CCM_8,
        "read_key": bytes(16), "read_iv": bytes(4), "write_key": bytes(16), "write_iv": bytes(4),
    } | options  # fmt: skip
    return Session(**chosen)


class Spy:
    """Stands where the cipher is and keeps the additional data."""

    def __init__(self) -> None:
        self.aad = b""

    def decrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        self.aad = aad
        return data

    def encrypt(self, nonce: bytes, data: bytes, aad: bytes) -> bytes:
        self.aad = aad
        return data


def test_additional_data_with_a_connection_id() -> None:
    """RFC 9146 section 5.3; the record and the answer of the facts page: epoch 2, sequence 277, 1,784 bytes inside."""
    session, spy = make_session(), Spy()
    session._open = spy  # type: ignore[assignment]
    head = bytes.fromhex("19fefd0002000000000115" + "0102030405060708") + (8 + 1784 + 8).to_bytes(2, "big")
    session.open(head + bytes(8 + 1784 + 8), len(head))
    assert spy.aad.hex() == "ffffffffffffffff190819fefd0002000000000115010203040506070806f8"


@pytest.mark.parametrize("their_cid", [b"", b"\x07", bytes(range(255))])
def test_additional_data_is_made_as_it_is_read(their_cid: bytes) -> None:
    sender = make_session(their_cid=their_cid)
    receiver = make_session(cid=their_cid, uses_cid=bool(their_cid))
    made, read = Spy(), Spy()
    sender._seal, receiver._open = made, read  # type: ignore[assignment]
    sender.send_seq = 0x123456789A
    raw = sender.seal(23, b"text") + bytes(8)
    receiver.open(raw, 13 + len(their_cid))
    assert made.aad == read.aad
    assert (b"\xff" * 8 + b"\x19" in made.aad) is bool(their_cid)


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_the_nonce_is_epoch_and_sequence(suite: Any) -> None:
    """Nothing random in it, so that it cannot repeat by chance (RFC 6655 section 3, RFC 5288 section 3)."""
    session = make_session(suite=suite)
    for sequence in (0, 1, 2**48 - 1):
        session.send_seq = sequence
        raw = session.seal(23, b"")
        assert raw[13:21] == b"\x00\x01" + sequence.to_bytes(6, "big")
        assert len(raw) == 13 + 8 + suite.tag_size


def test_window_against_a_plain_set() -> None:
    """The bit field does what a set of numbers would."""
    import random

    chance = random.Random(5)  # noqa: S311 – repeatable is the point
    for _ in range(200):
        newest, seen, accepted = -1, 0, set[int]()
        at = 0
        for _ in range(120):
            at = max(0, at + chance.choice((1, 1, 1, 2, 30, 63, 64, 65, 500, -1, -5, -63, -64, -70)))
            expected = at in accepted or (newest >= 0 and newest - at >= window.SIZE)
            assert window.is_replay(newest, seen, at) is expected
            if not expected:
                newest, seen = window.mark(newest, seen, at)
                accepted.add(at)
                assert newest == max(accepted) and 0 <= seen <= window.FULL

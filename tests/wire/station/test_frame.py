# SPDX-License-Identifier: Apache-2.0
"""Main-station frames: known bytes both ways, round trip, streams with noise, garbage."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.station.content import (
    Heartbeat,
    Kind,
    Receipt,
    Registration,
    Verdict,
    decode_heartbeat_untrusted,
    decode_receipt_untrusted,
    decode_registration_untrusted,
    encode_heartbeat,
    encode_receipt,
    encode_registration,
    meter_number_untrusted,
)
from openmains.wire.station.frame import (
    MAX_CONTENT,
    OVERHEAD,
    Deframer,
    Frame,
    Function,
    decode_frame_untrusted,
    encode_frame,
)

TERMINAL = "2026000000000042"
frames = st.builds(
    Frame,
    st.text("0123456789", min_size=16, max_size=16),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.binary(max_size=80),
    st.booleans(),
    st.booleans(),
)
# synthetic from docs/protocols/station.md; the check by another implementation (binascii.crc_hqx)
REGISTER = bytes.fromhex("68001c0100000720260000000000423004020000000000010203122b")


def test_known_bytes_both_ways() -> None:
    frame = decode_frame_untrusted(REGISTER)
    assert frame == Frame(TERMINAL, 7, Function.REGISTER, bytes.fromhex("020000000000010203"))
    assert encode_frame(frame) == REGISTER and frame.message[:2] == b"\x30\x04"
    assert decode_registration_untrusted(frame.content) == Registration(Kind.CONCENTRATOR, firmware=0x10203)


def test_contents_both_ways() -> None:
    registration = Registration(Kind.DTU, 2, 90, 5, 0x10203)
    assert decode_registration_untrusted(encode_registration(registration)) == registration
    beat = Heartbeat(0x6956B900, -87)
    assert encode_heartbeat(beat).hex() == "6956b900ffa9" and decode_heartbeat_untrusted(encode_heartbeat(beat)) == beat
    receipt = Receipt(Verdict.STORED, 0x6956B900, 480)
    assert (
        encode_receipt(receipt).hex() == "006956b90001e0"
        and decode_receipt_untrusted(encode_receipt(receipt)) == receipt
    )
    assert meter_number_untrusted(bytes.fromhex("0000202600001234ff")) == "0000202600001234"


@pytest.mark.parametrize(
    ("raw", "offset"),
    [("00000000000000000000", 9), ("040000000000000000", 0), ("020400000000000000", 1), ("0200ffff0000000000", 2)],
)
def test_a_registration_that_makes_no_sense_is_refused(raw: str, offset: int) -> None:
    with pytest.raises(WireError) as bad:
        decode_registration_untrusted(bytes.fromhex(raw))
    assert bad.value.offset == offset


@given(frames)
def test_round_trip(frame: Frame) -> None:
    assert decode_frame_untrusted(encode_frame(frame)) == frame


@given(st.lists(frames | st.binary(max_size=40), max_size=6), st.data())
def test_whole_is_byte_by_byte(parts: list[Frame | bytes], source: st.DataObject) -> None:
    stream = b"".join(encode_frame(part) if isinstance(part, Frame) else part for part in parts)
    whole, single, cut, found = Deframer(), Deframer(), Deframer(), []
    expected = whole.feed(stream)
    assert [frame for byte in stream for frame in single.feed(bytes((byte,)))] == expected
    at = 0
    while at < len(stream):
        size = source.draw(st.integers(1, 60))
        found += cut.feed(stream[at : at + size])
        at += size
    assert found == expected and whole.skipped == single.skipped == cut.skipped
    assert whole.pending == single.pending < OVERHEAD + MAX_CONTENT
    assert whole.flush() == single.flush() and whole.pending == 0


def test_noise_splits_and_two_frames_in_one_give_exactly_the_right_ones() -> None:
    source = random.Random(3004)  # noqa: S311 - the same noise in every run is wanted
    sent = [Frame(TERMINAL, n, Function.READINGS, source.randbytes(n % 90)) for n in range(300)]
    stream = bytearray()
    for n, frame in enumerate(sent):
        stream += encode_frame(frame) + (b"" if n % 3 else source.randbytes(source.randrange(30)))
    deframer, found = Deframer(), []
    while stream:
        size = source.randrange(1, 300)
        found += deframer.feed(bytes(stream[:size]))
        del stream[:size]
    assert found + deframer.flush() == sent


@given(st.binary(max_size=80))
def test_garbage_raises_wire_error_only(raw: bytes) -> None:
    try:
        frame = decode_frame_untrusted(raw)
    except WireError as bad:
        assert bad.layer == "station" and 0 <= bad.offset <= len(raw)
    else:
        assert encode_frame(frame) == raw
    for decode in (
        decode_registration_untrusted,
        decode_heartbeat_untrusted,
        decode_receipt_untrusted,
        meter_number_untrusted,
    ):
        try:
            decode(raw)
        except WireError as bad:
            assert 0 <= bad.offset <= len(raw)


def test_near_valid_is_refused_where_it_is_wrong() -> None:
    for at in range(len(REGISTER)):
        raw = bytearray(REGISTER)
        raw[at] ^= 1
        with pytest.raises(WireError):
            decode_frame_untrusted(bytes(raw))
    with pytest.raises(WireError, match="content too long"):
        encode_frame(Frame(TERMINAL, 1, 1, bytes(MAX_CONTENT + 1)))
    for wrong in (Frame("1", 1, 1), Frame(TERMINAL, 0x10000, 1), Frame(TERMINAL, 1, -1)):
        with pytest.raises(WireError):
            encode_frame(wrong)

# SPDX-License-Identifier: Apache-2.0
"""What carries GB/T 36330 frames: vectors, round trips, streams, garbage; who has not the key joins nothing."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.gbt36330.air import (
    MOST_BODY,
    AirDeframer,
    AirFrame,
    AirKind,
    Beacon,
    Join,
    Welcome,
    decode_air_untrusted,
    decode_beacon_untrusted,
    decode_join_untrusted,
    decode_welcome_untrusted,
    encode_air,
    encode_beacon,
    encode_join,
    encode_welcome,
    is_proven,
    meter_key,
)
from openmains.wire.gbt36330.receipt import Receipt, decode_receipt_untrusted, encode_receipt

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors/gbt36330/air.toml").read_text("utf-8"))["frame"]
KEY = bytes(range(16))
_u8, _u16 = st.integers(0, 255), st.integers(0, 0xFFFF)
frames = st.builds(
    AirFrame,
    _u16,
    _u8,
    st.sampled_from(AirKind),
    st.booleans(),
    _u16,
    _u8,
    st.booleans(),
    st.binary(max_size=MOST_BODY),
)
numbers = st.from_regex(r"[0-9]{16}", fullmatch=True)
nonces = st.binary(min_size=4, max_size=4)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vector_both_ways(vector: dict[str, Any]) -> None:
    raw = bytes.fromhex(vector["hex"])
    if "fault" in vector:
        with pytest.raises(WireError) as bad:
            decode_air_untrusted(raw)
        assert (bad.value.reason, bad.value.offset) == (vector["fault"], vector["offset"])
        return
    means = dict(vector["means"])
    means |= {"kind": AirKind[means["kind"].upper()], "body": bytes.fromhex(means["body"])}
    frame = AirFrame(**means)
    assert decode_air_untrusted(raw) == frame
    assert encode_air(frame) == raw


@given(frames)
def test_round_trip(frame: AirFrame) -> None:
    assert decode_air_untrusted(encode_air(frame)) == frame


@given(st.lists(st.binary(max_size=20) | frames.map(encode_air), max_size=8), st.integers(1, 50))
def test_a_stream_gives_the_same_however_it_is_cut(pieces: list[bytes], size: int) -> None:
    stream = b"".join(pieces)
    whole, cut = AirDeframer(), AirDeframer()
    found = whole.feed(stream) + whole.flush()
    parts = [frame for at in range(0, len(stream), size) for frame in cut.feed(stream[at : at + size])]
    assert parts + cut.flush() == found


def test_frames_are_found_between_noise() -> None:
    one, other = AirFrame(1, 2, AirKind.WAKE, True, 3), AirFrame(1, 2, AirKind.DATA, False, 3, body=b"\xa6\x09hello")
    assert AirDeframer().feed(b"\xa6\x00" + encode_air(one) + b"noise\xa6" + encode_air(other)) == [one, other]


@given(st.binary(max_size=180))
def test_garbage_raises_nothing_else(data: bytes) -> None:
    for decode in (
        decode_air_untrusted, decode_join_untrusted, decode_welcome_untrusted, decode_beacon_untrusted, decode_receipt_untrusted
    ):  # fmt: skip
        try:
            decode(data)
        except WireError:
            continue


@given(st.builds(Join, numbers, _u8, _u8, st.booleans(), nonces))
def test_a_join_is_its_meters(join: Join) -> None:
    body = encode_join(join, KEY)
    assert decode_join_untrusted(body) == join
    assert is_proven(KEY, b"join", body)
    assert not is_proven(meter_key(KEY, join.number), b"join", body)
    assert not is_proven(KEY, b"welcome", body)
    assert not is_proven(KEY, b"join", bytes((body[0] ^ 1,)) + body[1:])


@given(
    st.builds(
        Welcome, numbers, nonces, _u16, st.integers(0, 80_000), _u8, _u8, st.integers(300, 86_400), st.integers(1, 300),
        st.integers(0, 1 << 45), st.integers(-840, 840),
    )
)  # fmt: skip
def test_a_welcome_is_its_gateways(welcome: Welcome) -> None:
    body = encode_welcome(welcome, KEY)
    assert decode_welcome_untrusted(body) == welcome
    assert is_proven(KEY, b"welcome", body)
    assert len(body) <= MOST_BODY


def test_beacon_and_receipt() -> None:
    beacon = Beacon(7, 1_767_288_600_123)
    assert decode_beacon_untrusted(encode_beacon(beacon, KEY)) == beacon
    for receipt in (Receipt(1_767_288_600_123, 480, True), Receipt(0, -300, False)):
        assert decode_receipt_untrusted(encode_receipt(receipt)) == receipt
        assert decode_receipt_untrusted(encode_receipt(receipt, "little"), "little") == receipt


@pytest.mark.parametrize(
    "frame",
    [
        AirFrame(1, 1, AirKind.DATA, True, body=bytes(MOST_BODY + 1)),
        AirFrame(1 << 16, 1, AirKind.DATA, True),
        AirFrame(1, 256, AirKind.DATA, True),
    ],
)
def test_what_no_frame_can_carry_is_refused(frame: AirFrame) -> None:
    with pytest.raises(WireError):
        encode_air(frame)


def test_a_number_is_sixteen_digits() -> None:
    for number in ("", "123", "12345678901234567", "123456789012345a"):
        with pytest.raises(WireError):
            encode_join(Join(number, 1, 1, True, bytes(4)), KEY)
    with pytest.raises(WireError):
        encode_join(Join("0" * 16, 1, 1, True, bytes(3)), KEY)

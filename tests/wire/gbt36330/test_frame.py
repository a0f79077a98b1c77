# SPDX-License-Identifier: Apache-2.0
"""GB/T 36330 application frames: each rule of the standard as a vector, both ways; round trip; stream; garbage."""

import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.crc import Crc
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.frame import (
    CUSTOM,
    Frame,
    FrameKind,
    decode_frame_untrusted,
    encode_frame,
    next_sequence,
)
from openmains.wire.gbt36330.profile import DEFAULT, MAX_DATA, Profile
from openmains.wire.gbt36330.stream import Deframer

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors/gbt36330/frames.toml").read_text("utf-8"))["frame"]
CLEAR = Profile(clear_commands=True)

profiles = st.builds(
    Profile,
    byte_order=st.sampled_from(["big", "little"]),
    crc=st.builds(Crc, st.just(16), st.just(0x1021), st.integers(0, 0xFFFF)),
    crc_range=st.sampled_from(["header+data", "data"]),
    check_length=st.integers(1, 4),
    clear_commands=st.just(True),
)
_u8 = st.integers(0, 255)
messages = st.builds(
    Frame, st.integers(0, 0xFFFF), _u8, _u8, st.booleans(), _u8, st.binary(max_size=MAX_DATA), st.booleans(),
    custom=st.integers(0, CUSTOM),
)  # fmt: skip
rejections = st.builds(Frame, st.integers(0, 0xFFFF), _u8, _u8, st.booleans(), st.none(), custom=st.integers(0, CUSTOM))
frames = messages | rejections


def profile_of(vector: dict[str, Any]) -> Profile:
    given = dict(vector.get("profile", {}))
    start = given.pop("crc_start", 0)
    return Profile(crc=Crc(16, 0x1021, start), **given)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vector_both_ways(vector: dict[str, Any]) -> None:
    raw, profile = bytes.fromhex(vector["hex"]), profile_of(vector)
    if "fault" in vector:
        with pytest.raises(WireError) as bad:
            decode_frame_untrusted(raw, profile)
        assert (bad.value.reason, bad.value.offset) == (vector["fault"], vector["offset"])
        return
    frame, means = decode_frame_untrusted(raw, profile), vector["means"]
    assert frame.kind is FrameKind(means["kind"])
    assert (frame.down, frame.message_type, frame.sequence) == (means["down"], means.get("type"), means["sequence"])
    assert frame.data.hex() == means["data"]
    assert (frame.custom, frame.version) == (means.get("custom", 0), means.get("version", 0x10))
    assert encode_frame(frame, profile) == raw


def test_sequence_numbers_go_in_a_circle() -> None:
    assert [next_sequence(each) for each in (0, 0xFFFE, 0xFFFF)] == [1, 0xFFFF, 0]


@given(frames, profiles)
def test_round_trip(frame: Frame, profile: Profile) -> None:
    assert decode_frame_untrusted(encode_frame(frame, profile), profile) == frame


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Frame(0x10000, 1, 1, False, 4), "sequence"),
        (Frame(-1, 1, 1, False, 4), "sequence"),
        (Frame(1, 256, 1, False, 4), "application"),
        (Frame(1, 1, 256, False, 4), "version"),
        (Frame(1, 1, 1, False, 256), "message type"),
        (Frame(1, 1, 1, False, 4, custom=32), "custom bits"),
        (Frame(1, 1, 1, False, 4, bytes(129)), "data too long"),
        (Frame(1, 1, 1, True, 0x12, b"1"), "command in clear"),
        (Frame(1, 1, 1, False, 4, b"1", encrypted=True), "encrypted, and no key"),
        (Frame(1, 1, 1, False, None, b"1"), "abnormal confirmation with data or acknowledgement"),
        (Frame(1, 1, 1, False, None, confirms=True), "abnormal confirmation with data or acknowledgement"),
    ],
)
def test_what_a_frame_cannot_carry_is_refused(frame: Frame, reason: str) -> None:
    with pytest.raises(WireError) as bad:
        encode_frame(frame)
    assert bad.value.reason == reason


@pytest.mark.parametrize(
    "wrong", [{"byte_order": "middle"}, {"crc_range": "header"}, {"check_length": 0}, {"check_length": 5}]
)
def test_a_profile_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Profile(**wrong)


@given(st.lists(frames | st.binary(max_size=40), max_size=6), st.data())
def test_whole_is_byte_by_byte(parts: list[Frame | bytes], source: st.DataObject) -> None:
    stream = b"".join(encode_frame(part, CLEAR) if isinstance(part, Frame) else part for part in parts)
    named = source.draw(st.none() | st.sets(st.integers(0, 255), max_size=250))
    whole, single, cut = Deframer(CLEAR, named), Deframer(CLEAR, named), Deframer(CLEAR, named)
    expected = whole.feed(stream)
    assert [image for byte in stream for image in single.feed(bytes((byte,)))] == expected
    found: list[bytes] = []
    at = 0
    while at < len(stream):
        size = source.draw(st.integers(1, 60))
        found += cut.feed(stream[at : at + size])
        at += size
    assert found == expected
    assert whole.skipped == single.skipped == cut.skipped and whole.faults == single.faults == cut.faults
    assert whole.pending == single.pending < CLEAR.longest
    assert whole.flush() == single.flush() and whole.pending == 0
    assert sum(map(len, expected)) <= len(stream)


@given(st.lists(frames, min_size=1, max_size=6))
def test_a_clean_stream_loses_nothing(sent: list[Frame]) -> None:
    deframer = Deframer(CLEAR)
    images = [encode_frame(frame, CLEAR) for frame in sent]
    assert deframer.feed(b"".join(images)) == images
    assert (deframer.skipped, deframer.pending) == (0, 0)


def test_noise_splits_and_two_frames_in_one_give_exactly_the_right_ones() -> None:
    source = random.Random(36330)  # noqa: S311 - the same noise in every run is wanted
    sent = [encode_frame(Frame(each, 0x31, 0x10, False, 4, source.randbytes(each % 60))) for each in range(400)]
    stream = bytearray()
    for index, image in enumerate(sent):
        stream += image + (b"" if index % 3 else source.randbytes(source.randrange(20)))
    deframer, found = Deframer(applications={0x31}), []
    while stream:
        size = source.randrange(1, 200)
        found += deframer.feed(bytes(stream[:size]))
        del stream[:size]
    assert found + deframer.flush() == sent


def test_a_flood_of_bytes_is_not_kept() -> None:
    deframer = Deframer()
    for _ in range(50):
        deframer.feed(b"\x89" * 1000)
        assert deframer.pending < DEFAULT.longest


@given(st.binary(max_size=150), profiles)
def test_garbage_raises_wire_error_only(raw: bytes, profile: Profile) -> None:
    try:
        frame = decode_frame_untrusted(raw, profile)
    except WireError as bad:
        assert bad.layer == "gbt36330" and 0 <= bad.offset <= len(raw)
    else:
        assert encode_frame(frame, profile) == raw


def test_near_valid_raises_wire_error_only() -> None:
    source = random.Random(7)  # noqa: S311 - the same frames in every run are wanted
    good = [bytes.fromhex(vector["hex"]) for vector in VECTORS if "means" in vector]
    for _ in range(5_000):
        raw = bytearray(source.choice(good))
        for _ in range(source.randrange(1, 4)):
            raw[source.randrange(len(raw))] = source.randrange(256)
        if source.random() < 0.3:
            del raw[source.randrange(len(raw)) :]
        try:
            decode_frame_untrusted(bytes(raw), CLEAR)
        except WireError as bad:
            assert 0 <= bad.offset <= len(raw)

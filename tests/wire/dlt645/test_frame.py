# SPDX-License-Identifier: Apache-2.0
"""DL/T 645-2007 frames: vector both ways, round trip, stream, garbage, and CJ/T 188 carried in them."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.dlt645.frame import (
    BROADCAST,
    MAX_DATA,
    OVERHEAD,
    READ,
    Deframer,
    Frame,
    carried_untrusted,
    carry,
    decode_frame_untrusted,
    encode_frame,
)
from openmains.wire.errors import WireError

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors/cjt188/frames.toml").read_text("utf-8"))["frame"]
frames = st.builds(
    Frame,
    st.text("0123456789", min_size=12, max_size=12) | st.just(BROADCAST),
    st.integers(0, 255),
    st.binary(max_size=MAX_DATA),
)


def test_vector_both_ways() -> None:
    (vector,) = (each for each in VECTORS if "645" in each["origin"])
    raw = bytes.fromhex(vector["hex"])
    frame = decode_frame_untrusted(b"\xfe\xfe" + raw)
    assert encode_frame(frame) == raw
    assert (frame.address, frame.is_answer, frame.is_error) == (vector["means"]["address"], True, False)
    assert frame.data.hex() == "0000010078563412"  # 00010000, 123456.78
    assert vector["means"]["total_kwh"] == "123456.78"


@given(frames, st.integers(0, 4))
def test_round_trip(frame: Frame, preamble: int) -> None:
    assert decode_frame_untrusted(encode_frame(frame, preamble)) == frame


@given(st.lists(frames | st.binary(max_size=40), max_size=6), st.data())
def test_whole_is_byte_by_byte(parts: list[Frame | bytes], source: st.DataObject) -> None:
    stream = b"".join(encode_frame(part, 2) if isinstance(part, Frame) else part for part in parts)
    whole, single, cut, found = Deframer(), Deframer(), Deframer(), []
    expected = whole.feed(stream)
    assert [frame for byte in stream for frame in single.feed(bytes((byte,)))] == expected
    at = 0
    while at < len(stream):
        size = source.draw(st.integers(1, 50))
        found += cut.feed(stream[at : at + size])
        at += size
    assert found == expected and whole.skipped == single.skipped == cut.skipped
    assert whole.pending == single.pending < MAX_DATA + OVERHEAD
    assert whole.flush() == single.flush() and whole.pending == 0


@given(st.lists(frames, min_size=1, max_size=5))
def test_a_clean_stream_loses_nothing(sent: list[Frame]) -> None:
    deframer = Deframer()
    assert deframer.feed(b"".join(encode_frame(frame, 4) for frame in sent)) == sent and deframer.skipped == 0


@given(st.binary(max_size=120))
def test_garbage_raises_wire_error_only(raw: bytes) -> None:
    try:
        frame = decode_frame_untrusted(raw)
    except WireError as bad:
        assert bad.layer == "dlt645" and 0 <= bad.offset <= len(raw)
    else:
        assert encode_frame(frame) == raw.lstrip(b"\xfe")


def test_a_frame_of_cjt188_is_carried_as_it_is() -> None:
    inner = bytes.fromhex(VECTORS[0]["hex"])
    frame = carry("000000000001", READ, 0x0F100001, inner)
    assert carried_untrusted(decode_frame_untrusted(encode_frame(frame)), 0x0F100001) == inner
    for wrong in (0x0F100002, 0):
        with pytest.raises(WireError, match="data identifier"):
            carried_untrusted(frame, wrong)
    with pytest.raises(WireError, match="data too long"):
        carry("000000000001", READ, 1, bytes(197))


@pytest.mark.parametrize("frame", [Frame("1", 1), Frame("0" * 12, 256), Frame("0" * 12, 1, bytes(201))], ids=str)
def test_encode_refuses(frame: Frame) -> None:
    with pytest.raises(WireError):
        encode_frame(frame)

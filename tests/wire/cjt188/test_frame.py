# SPDX-License-Identifier: Apache-2.0
"""CJ/T 188 frames: vectors both ways, round trip, whole = byte by byte, garbage."""

import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.cjt188 import data
from openmains.wire.cjt188.frame import (
    BROADCAST,
    MAX_DATA,
    Deframer,
    Frame,
    decode_frame_untrusted,
    encode_frame,
)
from openmains.wire.cjt188.wall import to_wall
from openmains.wire.errors import WireError

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors/cjt188/frames.toml").read_text("utf-8"))["frame"]
OURS = [v for v in VECTORS if "645" not in v["origin"]]
FOREIGN = [v for v in VECTORS if "645" in v["origin"]]
IDS: dict[str, int] = {"read data": 0x01, "read data answer": 0x81, "read address": 0x03, "write": 0x04}
IDS["read address answer"] = 0x83

digits = st.text("0123456789", min_size=14, max_size=14)
frames = st.builds(
    Frame,
    meter_type=st.integers(0x10, 0x49) | st.just(0xAA),
    address=digits | st.just(BROADCAST),
    control=st.integers(0, 255),
    data=st.binary(max_size=MAX_DATA),
)


def bytes_of(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["hex"])


@pytest.mark.parametrize("vector", OURS, ids=lambda v: v["hex"][:40])
def test_vector_both_ways(vector: dict[str, Any]) -> None:
    raw, means = bytes_of(vector), vector["means"]
    frame = decode_frame_untrusted(raw)
    assert encode_frame(frame) == raw
    assert frame.is_answer == (means["direction"] == "up")
    assert frame.control == IDS[means["control"]]
    if "address" in means:
        assert frame.address == (BROADCAST if means["address"] == "broadcast" else means["address"])
    if "meter_type" in means:
        assert frame.meter_type == int(means["meter_type"].split()[0], 16)
    unit = data.decode_unit_untrusted(frame.data)
    if "data_id" in means:
        assert unit.identifier == int(means["data_id"], 16)
    if "serial" in means:
        assert unit.serial == means["serial"]
    if "valve" in means:
        assert unit.payload == bytes([data.VALVE_CLOSE if means["valve"] == "close" else data.VALVE_OPEN])
    if "total_m3" in means:
        found = data.decode_metering_untrusted(unit.payload)
        assert found.total_unit == found.settlement_unit == data.UNIT_CUBIC_METRE
        assert f"{found.total / 100:.2f}" == means["total_m3"]
        assert f"{found.settlement / 100:.2f}" == means["settlement_total_m3"]
        assert found.time is None
        assert found.status.hex().upper() == means["status"]
        assert data.encode_metering(found) == unit.payload


@pytest.mark.parametrize("vector", FOREIGN, ids=lambda v: v["origin"])
def test_a_dlt645_frame_is_not_ours(vector: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        decode_frame_untrusted(bytes_of(vector))


@given(frames, st.integers(0, 8))
def test_round_trip(frame: Frame, preamble: int) -> None:
    assert decode_frame_untrusted(encode_frame(frame, preamble)) == frame


@given(
    st.integers(0, 0xFFFF), st.integers(0, 255), st.binary(max_size=30), st.sampled_from(["high-first", "low-first"])
)
def test_data_unit_round_trip(identifier: int, serial: int, payload: bytes, order: data.IdOrder) -> None:
    unit = data.DataUnit(identifier, serial, payload)
    assert data.decode_unit_untrusted(data.encode_unit(unit, order), order) == unit


@given(st.integers(0, 253_402_300_799))
def test_time_round_trip(seconds: int) -> None:
    wall = to_wall(seconds)
    assert data.decode_time_untrusted(data.encode_time(wall)) == wall


@pytest.mark.parametrize(
    "raw",
    ["60000001012026", "00600001012026", "00000000012026", "00000030022026", "0a000001012026", "00000001010000"],
)
def test_no_such_time(raw: str) -> None:
    with pytest.raises(WireError):
        data.decode_time_untrusted(bytes.fromhex(raw))


@given(st.lists(frames | st.binary(max_size=40), max_size=8), st.data())
def test_whole_is_byte_by_byte(parts: list[Frame | bytes], source: st.DataObject) -> None:
    stream = b"".join(encode_frame(p, 2) if isinstance(p, Frame) else p for p in parts)
    whole, single, cut = Deframer(), Deframer(), Deframer()
    expected = whole.feed(stream)
    assert [f for byte in stream for f in single.feed(bytes([byte]))] == expected
    found: list[Frame] = []
    at = 0
    while at < len(stream):
        size = source.draw(st.integers(1, 50))
        found += cut.feed(stream[at : at + size])
        at += size
    assert found == expected
    assert whole.skipped == single.skipped == cut.skipped
    assert whole.faults == single.faults == cut.faults
    assert whole.pending == single.pending < MAX_DATA + 13
    assert whole.flush() == single.flush()
    assert whole.pending == 0


@given(st.lists(frames, min_size=1, max_size=6), st.integers(0, 9))
def test_clean_stream_loses_nothing(sent: list[Frame], preamble: int) -> None:
    deframer = Deframer()
    assert deframer.feed(b"".join(encode_frame(f, preamble) for f in sent)) == sent
    assert deframer.skipped == 0
    assert not deframer.faults


def test_frame_inside_a_false_start_is_found() -> None:
    good = encode_frame(Frame(0x10, "00000000000012", 0x01, b"\x90\x1f\x00"))
    deframer = Deframer()
    assert deframer.feed(b"\x68\x10" + bytes(7) + b"\x81\x64" + good) == []  # the false frame still wants bytes
    assert deframer.flush() == [decode_frame_untrusted(good)]
    assert deframer.pending == 0


@given(st.binary(max_size=150))
def test_garbage_raises_wire_error_only(raw: bytes) -> None:
    try:
        frame = decode_frame_untrusted(raw)
    except WireError as bad:
        assert bad.layer == "cjt188"
        assert 0 <= bad.offset <= len(raw)
    else:
        assert encode_frame(frame) == raw.lstrip(b"\xfe")
    for read in (data.decode_unit_untrusted, data.decode_metering_untrusted, data.decode_time_untrusted):
        try:
            read(raw)
        except WireError as bad:
            assert 0 <= bad.offset <= len(raw) + 8


def test_near_valid_raises_wire_error_only() -> None:
    source = random.Random(188)  # noqa: S311 - the same frames in every run are wanted
    good = [bytes_of(v) for v in OURS]
    for _ in range(20_000):
        raw = bytearray(source.choice(good))
        for _ in range(source.randrange(1, 4)):
            raw[source.randrange(len(raw))] = source.randrange(256)
        if source.random() < 0.3:
            del raw[source.randrange(len(raw)) :]
        try:
            frame = decode_frame_untrusted(bytes(raw))
            data.decode_metering_untrusted(data.decode_unit_untrusted(frame.data).payload)
        except WireError as bad:
            assert 0 <= bad.offset <= len(raw)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0x10, "123", 1, b""),
        Frame(0x10, "١" * 14, 1, b""),
        Frame(0x50, "0" * 14, 1, b""),
        Frame(0x10, "0" * 14, 256, b""),
        Frame(0x10, "0" * 14, 1, bytes(101)),
    ],
    ids=str,
)
def test_encode_refuses(frame: Frame) -> None:
    with pytest.raises(WireError):
        encode_frame(frame)

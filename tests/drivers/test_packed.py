# SPDX-License-Identifier: Apache-2.0
"""Arrays of bits without gaps: exact both ways in every width, as one piece of the trace, and refused where they cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.drivers.catalog import Catalog, DriverPageError, load_from
from openmains.drivers.model import MISSING_VALUE, EncodeError, Kind

PAGE = """
[driver]
name = "trial/packed-1"
medium = "water"
grade = "reference"
unit_exponent = -3
zh = "z"
en = "e"

[frame]
byte_order = "big"
type = "message_type"
crc = "crc16-1021-0000"

[header]
fields = [
  { name = "magic", type = "u16", value = 0x5050 },
  { name = "message_type", type = "u8" },
  { name = "device_at", type = "u32", point = "device_at" },
]

[[message]]
name = "packed"
type = 1
kind = "heartbeat"
zh = "z"
en = "e"
fields = [
  { name = "start_at", type = "u32", point = "start_at" },
  { name = "interval_min", type = "u8", point = "interval_s", scale = 60, min = 1 },
  { name = "count", type = "u8", max = 48 },
  { name = "pressure_base", type = "u16" },
  { name = "temperature_base", type = "i16" },
  { name = "pressure", type = "WIDTH", count = "count", series = "pressure", plus = "pressure_base", missing = MISSING },
  { name = "temperature", type = "u8", count = "count", series = "temperature", plus = "temperature_base", missing = 255 },
]

[[vector]]
name = "v"
source = "synthetic"
hex = "00"
fault = "length"
"""
WIDTHS = [n for n in range(2, 16) if n != 8]


def catalog(width: int, extra: str = "") -> Catalog:
    text = PAGE.replace("WIDTH", f"u{width}").replace("MISSING", str((1 << width) - 1)) + extra
    return load_from({"trial/packed-1.toml": text})


DRIVERS = {width: catalog(width).driver("trial/packed-1") for width in WIDTHS}


def frame(width: int, **series: list[int]) -> bytes:
    return DRIVERS[width].encode(
        Kind.HEARTBEAT, {"device_at": 5, "start_at": 1_777_564_800, "interval_s": 1800, **series}
    )


@given(st.data(), st.sampled_from(WIDTHS), st.integers(0, 48))
def test_what_is_said_is_what_is_read(data: st.DataObject, width: int, count: int) -> None:
    base = data.draw(st.integers(0, 60_000))
    value = st.one_of(st.just(MISSING_VALUE), st.integers(base, min(65_535, base + (1 << width) - 2)))
    said = data.draw(st.lists(value, min_size=count, max_size=count))
    warmth = data.draw(st.lists(st.integers(-200, 50), min_size=count, max_size=count))
    sent = frame(width, pressure=said, temperature=warmth)
    assert len(sent) == 7 + 10 + -(-width * count // 8) + count + 2
    driver = DRIVERS[width]
    assert driver.check(sent) is None
    (columns,), rejected = driver.decode([sent, sent], [0, 0])
    assert rejected == []
    assert columns.series["pressure"][1].tolist() == said and columns.series["temperature"][0].tolist() == warmth
    traced = driver.explain(sent)
    assert [item.offset for item in traced] == [
        sum(len(t.raw_hex) // 2 for t in traced[:k]) for k in range(len(traced))
    ]
    assert sum(item.length for item in traced) == len(sent)


@given(st.sampled_from(WIDTHS), st.integers(1, 80))
def test_a_cut_frame_is_refused_at_its_end(width: int, cut: int) -> None:
    sent = frame(width, pressure=[7] * 48, temperature=[1] * 48)[:-cut]
    driver = DRIVERS[width]
    assert driver.check(sent) in ("length", "crc")
    assert sum(item.length for item in driver.explain(sent)) == len(sent)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(EncodeError, match="outside"):
        frame(5, pressure=[0, 40])
    with pytest.raises(EncodeError, match="mark for unknown"):
        frame(5, pressure=[0, 31])
    with pytest.raises(EncodeError, match="has 2 values"):
        frame(5, pressure=[0, 1, 2], temperature=[1, 2])
    assert (
        DRIVERS[5].decode([frame(5, pressure=[0, 1, 2])], [0])[0][0].series["temperature"][0].tolist()
        == [MISSING_VALUE] * 3
    )


def test_bits_stand_in_arrays_only() -> None:
    with pytest.raises(DriverPageError, match="in an array u1 to u15"):
        load_from(
            {"trial/packed-1.toml": PAGE.replace('"i16" }', '"u5" }').replace("WIDTH", "u5").replace("MISSING", "31")}
        )

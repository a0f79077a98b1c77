# SPDX-License-Identifier: Apache-2.0
"""Dialect pages: what makers think of – any check, nesting, repetition, lengths in words, clocks, floats, marks – and what is refused."""

import random
import struct
from binascii import crc32

import pytest

from openmains.drivers import catalog
from openmains.drivers.errors import DriverPageError
from openmains.drivers.model import MISSING_VALUE, Driver
from openmains.wire.crc import CRC16_MODBUS, Crc
from tests.drivers.test_all_drivers import meaning

AT = 1_767_288_600  # 2026-01-02 01:30:00 in Shanghai
HEAD = """
[driver]
name = "acme/odd-1"
hook = "dialect"
medium = "water"
grade = "draft"
unit_exponent = -3
zh = "怪表"
en = "Odd meter"
"""
VECTOR = """
[[vector]]
name = "cut"
source = "synthetic"
hex = "00"
fault = "length"
"""


def page(frame: str, fields: str, *, header: str = "", more: str = "", kind: str = "report", driver: str = HEAD) -> str:
    return f"""{driver}
[frame]
{frame}
[header]
fields = [{header}]
{more}
[[message]]
name = "daily"
kind = "{kind}"
zh = "日"
en = "day"
fields = [
{fields}
]
{VECTOR}"""


def load(text: str) -> Driver:
    return catalog.load_from({"acme/odd-1.toml": text}).driver("acme/odd-1")


def names_its_line(good: str, old: str, new: str, why: str) -> None:
    """A page that is good and, with ``new`` for ``old``, is refused with this reason and a line."""
    load(good)
    broken = good.replace(old, new, 1)
    assert broken != good
    with pytest.raises(DriverPageError, match=r".") as found:
        load(broken)
    assert why in found.value.why and found.value.line > 0, str(found.value)


def said(text: str, frame: bytes) -> dict[str, object]:
    driver = load(text)
    found = meaning(driver, frame, AT)
    assert found is not None, driver.decode([frame], [AT])[1]
    assert b"".join(bytes.fromhex(trace.raw_hex) for trace in driver.explain(frame)) == frame
    return found


REGISTER = '{ name = "total", type = "u32", point = "register" },'


@pytest.mark.parametrize(
    ("check", "of"),
    [
        ('crc = "crc16-modbus"', lambda body: CRC16_MODBUS.of(body).to_bytes(2, "little")),
        (
            "check = { width = 16, poly = 0x3D65, reflect_in = true, reflect_out = true, xor = 0xFFFF, order = 'little' }",
            lambda body: Crc(16, 0x3D65, 0, True, True, 0xFFFF).of(body).to_bytes(2, "little"),
        ),
        ("check = { width = 8, poly = 0x31, start = 0xFF }", lambda body: bytes((Crc(8, 0x31, 0xFF).of(body),))),
        ('crc = "crc32"', lambda body: crc32(body).to_bytes(4, "big")),
        ("check = { sum = true, width = 16, first = 1 }", lambda body: sum(body[1:]).to_bytes(2, "big")),
        ('crc = "sum8"', lambda body: bytes((sum(body) & 0xFF,))),
        ('crc = "none"', lambda body: b""),
    ],
)
def test_any_check(check: str, of: object) -> None:
    text = page(f'byte_order = "big"\n{check}\nend = "16"', REGISTER)
    body = bytes.fromhex("0001e240")
    frame = body + of(body) + b"\x16"  # type: ignore[operator]
    assert said(text, frame)["register"] == 123_456
    driver = load(text)
    for place in range(len(frame)):
        bent = bytearray(frame)
        bent[place] ^= 0x11
        if driver.check(bytes(bent)) is None:
            assert check == 'crc = "none"' or ("first = 1" in check and place == 0)


def test_a_check_of_the_catalogue_by_another_implementation() -> None:
    """CRC-16/DNP over 123456789 is 0xEA82 (catalogue of parametrised CRCs)."""
    text = page(
        'byte_order = "big"\ncheck = { width = 16, poly = 0x3D65, reflect_in = true, reflect_out = true, xor = 0xFFFF }',
        '{ name = "digits", type = "digits9", point = "register" },',
    )
    assert said(text, b"123456789" + bytes.fromhex("ea82"))["register"] == 123_456_789


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ('type = "u24"', "01e240", 123_456),
        ('type = "u40", order = "little"', "40e2010000", 123_456),
        ('type = "u64"', "000000000001e240", 123_456),
        ('type = "i24"', "ffff38", -200),
        ('type = "i48"', "ffffffffff38", -200),
        ('type = "u16", sign_bit = true', "80c8", -200),
        ('type = "bcd4"', "00123456", 123_456),
        ('type = "bcd4", order = "little"', "56341200", 123_456),
        ('type = "bcd3", sign_bit = true', "800200", -200),
        ('type = "digits6"', "313233343536", 123_456),
        ('type = "u32", order = "big-swapped"', "e2400001", 123_456),
        ('type = "u32", order = "little-swapped"', "010040e2", 123_456),
        ('type = "f32", decimals = 3', struct.pack(">f", 123.456).hex(), 123_456),
        ('type = "f32", decimals = 3, order = "big-swapped"', "e97942f6", 123_456),
        ('type = "f64", decimals = 3', struct.pack(">d", 123.456).hex(), 123_456),
        ('type = "u16", scale = 100', "0002", 200),
        ('type = "u16", divide = 10', "04d2", 123),
        ('type = "i16", divide = 10', "ffe7", -3),
        ('type = "u16", plus = -100', "00c8", 100),
        ('type = "u16", missing = [0xFFFF, 0xFFFE]', "fffe", MISSING_VALUE),
        ('type = "bcd2", missing = [0xFFFF]', "ffff", MISSING_VALUE),
        ('type = "u16", max = 10', "000b", MISSING_VALUE),
        ('type = "bcd2"', "00a0", MISSING_VALUE),
        ('type = "f32", decimals = 3', "7fc00000", MISSING_VALUE),
        ('type = "u64"', "ffffffffffffffff", MISSING_VALUE),
    ],
)
def test_types(field: str, raw: str, value: int) -> None:
    text = page(
        'byte_order = "big"\ncrc = "sum8"', f'{{ name = "x", {field}, point = "register_reverse" }},\n{REGISTER}'
    )
    body = bytes.fromhex(raw) + (7).to_bytes(4, "big")
    found = said(text, body + bytes((sum(body) & 0xFF,)))
    assert (found["register_reverse"], found["register"]) == (value, 7)


@pytest.mark.parametrize(
    ("clock", "raw"),
    [
        ('format = "YYMMDDhhmmss"', "260102013000"),
        ('format = "ssmmhhDDMMYYCC"', "00300102012620"),
        ('format = "YYMMDD--hhmmss", coding = "binary"', "1a0102050" + "11e00"),
        ('format = "ssmmhh--DDMMYY"', "003001ff020126"),
    ],
)
def test_clocks_are_wall_clocks_and_one_that_was_never_set_is_dated_by_its_arrival(clock: str, raw: str) -> None:
    text = page(
        'byte_order = "big"\ncrc = "none"',
        f'{{ name = "at", type = "clock", {clock}, point = "device_at" }},\n{REGISTER}',
    )
    good = said(text, bytes.fromhex(raw) + bytes((0, 0, 0, 7)))
    assert (good["device_at"], good["register_at"]) == (AT, AT)
    size = len(raw) // 2
    for unset in (bytes(size), b"\xff" * size, b"\x99" * size):
        assert said(text, unset + bytes((0, 0, 0, 7)))["device_at"] == AT


def test_nested_and_repeated_fields_lengths_in_words_units_and_events() -> None:
    fields = """
    { name = "state", fields = [
      { name = "alarms", type = "u8", events = "alarms" },
      { name = "place", type = "u8", bits = "place" },
      { name = "why", type = "bytes", size = 2 },
    ] },
    { name = "total", type = "u32", point = "register", unit = "total_unit" },
    { name = "total_unit", type = "u8", units = { 2C = -2, 2D = -1 } },
    { name = "days", type = "u8", max = 8 },
    { name = "day", count = "days", fields = [
      { name = "at", type = "clock", format = "YYMMDD", series = "register_instants" },
      { name = "value", type = "u16", series = "register_values", unit = "unit" },
      { name = "unit", type = "u8", units = { 2C = -2, 2D = -1 } },
      { name = "quarter", count = 2, fields = [ { name = "p", count = 2, type = "u8", series = "pressure", scale = 10, missing = [255] } ] },
    ] },
    """
    text = page(
        'byte_order = "big"\ncrc = "sum8"\ntype = "kind"\nskip = "fe"',
        fields,
        header="""{ name = "start", type = "u8", value = 0x68 }, { name = "kind", type = "u16" },
          { name = "words", type = "u8", length = { unit = 2, plus = 1 } }""",
        more="[bits.place]\nvalve = { at = 1, width = 2 }\n[events.alarms]\nlow_battery = 0\nreverse_flow = 3\n",
        kind="registers",
    ).replace('name = "daily"', 'name = "daily"\ntype = 0x0102')
    day = "2601{:02d}{:04x}{:02x}" + "0a0bff0d"
    body = "680102{:02x}" + "0902aaaa" + "0001e2402c" + "02" + day.format(1, 500, 0x2C) + day.format(2, 60, 0x2D)
    size = len(bytes.fromhex(body.format(0)))
    frame = bytes.fromhex(body.format(size // 2))
    frame += bytes((sum(frame) & 0xFF,))
    found = said(text, b"\xfe\xfe" + frame)
    midnight = AT - 5400
    assert found["register"] == 1_234_560 and found["valve"] == 1
    assert sorted(found["events"]) == ["low_battery", "reverse_flow"]  # type: ignore[call-overload]
    assert found["register_values"] == [1_234_560, 5_000, 6_000], "what it shows now comes with the days before"
    assert found["register_instants"] == [AT, midnight - 86_400, midnight]
    assert found["pressure"] == [100, 110, MISSING_VALUE, 130] * 2
    driver = load(text)
    for cut in range(len(frame)):
        assert driver.check(frame[:cut]) == "length"
    assert driver.check(frame + b"\0") == "length"
    assert driver.check(frame[:1] + b"\x09" + frame[2:]) == "type"


def test_records_to_the_end_with_instants_that_follow_from_the_clock() -> None:
    text = page(
        'byte_order = "little"\ncrc = "none"',
        """{ name = "at", type = "u32", plus = 946684800, point = "device_at" },
        { name = "value", count = "rest", most = 24, type = "u32", series = "register_values", instants = { start = "at", step_s = -3600 } },""",  # noqa: E501
        kind="registers",
    )
    frame = struct.pack("<IIII", AT - 946_684_800, 30, 20, 10)
    found = said(text, frame)
    assert found["register_values"] == [30, 20, 10]
    assert found["register_instants"] == [AT, AT - 3600, AT - 7200]
    assert (found["register"], found["register_at"]) == (30, AT)
    assert load(text).check(frame + b"\0") == "length"
    assert load(text).check(struct.pack("<I24I", AT, *range(24)) + b"\0\0\0\0") == "length"


def test_an_instant_that_64_bits_cannot_hold_is_damage() -> None:
    text = page(
        'byte_order = "little"\ncrc = "none"',
        """{ name = "at", type = "u64" },
        { name = "value", count = "rest", most = 24, type = "u32", series = "register_values", instants = { start = "at", step_s = -3600 } },""",  # noqa: E501
        kind="registers",
    )
    driver = load(text)
    (columns,), rejected = driver.decode([struct.pack("<QII", 2**64 - 1, 30, 20)], [AT])
    assert rejected == [] and "beyond 62 bits" in columns.damages[0].detail
    assert columns.series["register_values"].size == 0


GOOD = page('byte_order = "big"\ncrc = "none"', REGISTER)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('crc = "none"', 'crc = "crc17"', "crc is one of"),
        ('crc = "none"', "check = { width = 16, poly = 0x1020 }", "polynomial ends in 1"),
        ('crc = "none"', "check = { width = 16, poly = 0x11021 }", "does not fit"),
        ('crc = "none"', "check = { width = 12, poly = 1 }", "whole bytes"),
        ('crc = "none"', "", "crc (a name, or none) or check"),
        ('crc = "none"', 'crc = "none"\nend = "1"', "not hexadecimal"),
        ('type = "u32"', 'type = "u20"', "is not one of"),
        ('type = "u32"', 'type = "u24", order = "big-swapped"', "whole 16-bit words"),
        ('type = "u32"', 'type = "clock", format = "YYMM"', "format of a clock"),
        ('point = "register"', 'point = "registre"', "is not in points.toml"),
        ('point = "register"', 'point = "valve"', "needs the point register"),
        ('point = "register"', 'series = "register_values"', "a series is in a group that repeats"),
        ('point = "register"', 'point = "register", count = 2', "a field that repeats is a series"),
        ('point = "register"', 'series = "register_values", count = "n"', "is no unsigned field before this one"),
        ('point = "register" },', 'point = "register" }, { name = "x", type = "u8" },', "has no meaning"),
        ('point = "register" },', 'point = "register" }, { name = "total", type = "u8", value = 1 },', "a second field total"),
        ('point = "register" },', 'point = "register" }, { name = "x", type = "u8", point = "register" },', "in another field"),
        ('point = "register" },', 'point = "register" }, { name = "x", count = 300, type = "u16", series = "pressure" },', "bytes long"),
        ('kind = "report"', 'kind = "command_result"', "kind is one of"),
        ('kind = "report"', 'kind = "report"\ntype = 1', "a message has a type where"),
        ("[header]", "[answer]\nfields = []\n[header]", "a dialect page has no section answer"),
        ('medium = "water"', 'medium = "water"\nkind = "pressure"', "is a meter's"),
    ],
)  # fmt: skip
def test_a_broken_page_names_its_line(old: str, new: str, why: str) -> None:
    names_its_line(GOOD, old, new, why)


def test_what_is_sound_is_kept_and_a_frame_that_says_nothing_is_refused() -> None:
    text = page(
        'byte_order = "big"\ncrc = "none"',
        '{ name = "x", type = "bcd2", point = "settlement" },\n{ name = "t", type = "bcd4", point = "register" },',
    )
    driver = load(text)
    found, rejected = driver.decode([bytes.fromhex("00a000000007"), bytes.fromhex("00a00000000a")], [AT, AT])
    assert [(damage.offset, damage.name) for columns in found for damage in columns.damages] == [(0, "x")]
    assert [(each.row, each.reason, each.offset) for each in rejected] == [(1, "bcd", 0)]


def test_garbage_is_read_or_refused_and_nothing_else() -> None:
    source = random.Random(188)  # noqa: S311 - the same frames in every run are wanted
    text = page(
        'byte_order = "little"\ncrc = "none"\nskip = "fe"',
        """{ name = "n", type = "u8", max = 9 }, { name = "at", type = "clock", format = "YYMMDDhhmm", coding = "binary", point = "device_at" },
        { name = "r", type = "f32", decimals = 3, point = "register" },
        { name = "g", count = "n", fields = [
          { name = "u", type = "u64", series = "pressure" }, { name = "t", type = "bcd1", series = "temperature" } ] },""",
    )  # fmt: skip
    driver = load(text)
    frames = [source.randbytes(source.randrange(40)) for _ in range(2000)]
    frames += [bytes((n,)) + source.randbytes(9 + 9 * n) for n in range(10) for _ in range(50)]
    found, rejected = driver.decode(frames, [AT] * len(frames))
    assert sorted([row for c in found for row in c.rows] + [r.row for r in rejected]) == list(range(len(frames)))
    reasons = {r.row: r.reason for r in rejected}
    assert all(driver.check(frame) == reasons.get(row) for row, frame in enumerate(frames))
    assert len(reasons) < len(frames)
    assert all(b"".join(bytes.fromhex(t.raw_hex) for t in driver.explain(frame)) == frame for frame in frames)

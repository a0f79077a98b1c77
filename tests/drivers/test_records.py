# SPDX-License-Identifier: Apache-2.0
"""Dialect pages for what other makers send: records by their first bytes, groups that a bit announces, packed clocks, sums, codes."""

import random

import pytest

from openmains.drivers import catalog
from openmains.drivers.dialect.skipping import record_size
from openmains.drivers.errors import DriverPageError
from openmains.drivers.model import MISSING_VALUE, Driver
from tests.drivers.test_dialect import AT, HEAD, load, names_its_line, page, said

TLV = """
{ name = "part", most = 4, %s records = [
  { tag = "01", name = "total", type = "u32", point = "register" },
  { tag = "02", name = "tens", type = "u32", point = "register", scale = 10 },
  { tag = "0a75", name = "battery", type = "u8", point = "battery_pct" },
  { tag = "0b", name = "several", fields = [ { name = "t", type = "i16", point = "temperature" }, { name = "x", type = "bytes", size = 1 } ] },
  { tag = "0c", name = "again", many = true, type = "u8", series = "pressure" },
  { tag = "0d", name = "words", fields = [ { name = "n", type = "u8", max = 3 }, { name = "w", type = "bytes", size = 1, count = "n" } ] },
] },
"""
FRAME = 'byte_order = "big"\ncrc = "none"'


def reasons(driver: Driver, frame: str) -> tuple[str, int, str]:
    (rejected,) = driver.decode([bytes.fromhex(frame)], [AT])[1]
    assert driver.check(bytes.fromhex(frame)) == rejected.reason
    return rejected.reason, rejected.offset, rejected.detail


def test_records_come_in_any_order_and_are_all_explained() -> None:
    text = page(FRAME, TLV % "")
    found = said(text, bytes.fromhex("0c07 0a7562 01 0000000a 0c08"))
    assert (found["register"], found["battery_pct"], found["pressure"]) == (10, 98, [7, 8])
    found = said(text, bytes.fromhex("0b ffe7 00 0d 02 4142 02 00000002"))
    assert (found["register"], found["temperature"]) == (20, -25)
    names = [trace.name for trace in load(text).explain(bytes.fromhex("0d0141 0a7562 0100000001"))]
    assert names == [
        "part.words.tag",
        "part.words.n",
        "part.words.w",
        "part.battery.tag",
        "part.battery",
        "part.total.tag",
        "part.total",
    ]


@pytest.mark.parametrize(
    ("frame", "reason", "at"),
    [
        ("01 0000000a 99 00", "type", 5),  # unknown: it has no length of its own
        ("01 0000000a 0a", "length", 6),  # the first half of a tag
        ("01 00000a", "length", 4),
        ("01 0000000a 01 0000000a", "type", 5),
        ("01 0000000a 02 00000001", "type", 5),  # the same point by another record
        ("0a 75 62", "type", 0),  # nothing of the register
        ("0c01 0c01 0c01 0c01 0c01", "length", 8),  # more than most
        ("0d 04 41424344 01 0000000a", "range", 2),
        ("", "length", 0),
    ],
)
def test_what_is_not_on_the_page_is_refused_with_its_byte(frame: str, reason: str, at: int) -> None:
    assert reasons(load(page(FRAME, TLV % "")), frame)[:2] == (reason, at)


def test_a_report_without_what_it_is_to_report_is_a_heartbeat_where_the_page_says_so() -> None:
    text = page(FRAME, TLV % "").replace('name = "daily"', 'name = "daily"\nor_heartbeat = true')
    assert said(text, bytes.fromhex("0a7562")) == {
        "kind": "heartbeat", "battery_pct": 98, "device_at": AT,
    }  # fmt: skip
    found, _ = load(text).decode([bytes.fromhex(one) for one in ("0a7562", "0a75620100000001")], [AT, AT])
    assert sorted(columns.kind for columns in found) == ["heartbeat", "report"]


def test_records_of_en_13757_are_passed_over_by_their_own_length_and_noted() -> None:
    driver = load(page(FRAME, TLV % 'skips = "en13757",'))
    (columns,), _ = driver.decode([bytes.fromhex("04 13 00000001 01 00000005 8240fd17 0102")], [AT])
    assert columns.points["register"].tolist() == [5]
    assert [(damage.offset, damage.detail) for damage in columns.damages] == [
        (0, "record 041300000001 is not on the page"), (11, "record 8240fd170102 is not on the page"),
    ]  # fmt: skip
    assert reasons(driver, "04 13 00000001")[0] == "type"
    assert reasons(driver, "01 00000005 04 13 00")[0] == "type"


@pytest.mark.parametrize(
    ("record", "size"),
    [
        ("0c1327048502", 6), ("42ec7e0111", 5), ("8c80407900000000", 8), ("0d7811" + "41" * 17, 20), ("0d78e10141", 4),
        ("0dfd0b053132484657", 9), ("0d7c084449202e74737563" + "0a" + "20" * 10, 22), ("02fc024142840d0001", 9), ("00", None),
        ("0c13270485", None), ("0d78ff", None), ("0f3745", None), ("84", None), ("0413", None), ("", None), ("8d7c", None),
    ],
)  # fmt: skip
def test_how_long_a_record_is(record: str, size: int | None) -> None:
    frame = bytes.fromhex(record)
    assert record_size(frame, 0, len(frame)) == size
    if size is not None:
        assert record_size(b"\xff" + frame + b"\x04", 1, len(frame) + 2) == size


def test_any_bytes_are_a_record_or_none() -> None:
    source = random.Random(13757)  # noqa: S311 - the same bytes in every run are wanted
    for _ in range(20_000):
        frame = source.randbytes(source.randrange(1, 30))
        size = record_size(frame, 0, len(frame))
        assert size is None or 0 < size <= len(frame)


def test_a_bit_says_whether_a_group_stands_there() -> None:
    text = page(
        FRAME,
        """{ name = "has", type = "u8", max = 5 },
        { name = "a", when = { field = "has", bit = 0 }, fields = [ { name = "total", type = "u16", point = "register" } ] },
        { name = "b", when = { field = "has", bit = 2 }, fields = [ { name = "t", type = "i8", point = "temperature" } ] },""",
    )
    assert (
        said(text, bytes.fromhex("05000af6"))["register"],
        said(text, bytes.fromhex("05000af6"))["temperature"],
    ) == (10, -10)
    assert "temperature" not in said(text, bytes.fromhex("01000a"))
    driver = load(text)
    assert reasons(driver, "04f6")[0] == "type", "no register"
    assert reasons(driver, "09000a")[0] == "range", "a bit that is none of the page's"
    assert reasons(driver, "05000a")[0] == reasons(driver, "01000a00")[0] == "length"


@pytest.mark.parametrize(
    ("type_", "raw", "at"),
    [
        ("cp32", "1e014212", 1265045400),  # 2010-02-02 01:30, Beijing
        ("cp32", "1e814212", 1265041800),  # the same in summer time
        ("cp32", "9e014212", MISSING_VALUE),  # marked invalid
        ("cp32", "00000000", MISSING_VALUE),
        ("cp32", "1e0142f2", MISSING_VALUE),  # a year beyond 99
        ("cp32", "1e01421f", MISSING_VALUE),  # month 15
        ("cp16", "4212", 1265040000),
        ("cp16", "ffff", MISSING_VALUE),
        ("cp48", "000008162700", 1469145600),  # 2016-07-22 08:00
        ("cp48", "1e0108162700", 1469145690),
    ],
)
def test_packed_clocks(type_: str, raw: str, at: int) -> None:
    """By hand from EN 13757-3, annex A; the first cp48 is of a gas meter of Landis+Gyr."""
    text = page(
        FRAME,
        f'{{ name = "at", type = "{type_}", point = "register_at" }},\n{{ name = "r", type = "u8", point = "register" }},',
    )
    wanted = AT if at == MISSING_VALUE else at
    assert said(text, bytes.fromhex(raw) + b"\1")["register_at"] == wanted


SUMS = """{ name = "at", type = "u32", point = "device_at" },
{ name = "log_at", type = "u32", near = { field = "at", below = 86400, above = 0 } },
{ name = "log", type = "u32", missing = [0xFFFFFFFF] },
{ name = "hour", type = "u16", count = "rest", most = 24, missing = [0xFFFF], series = "register_values", adds_to = "log", instants = {
 start = "log_at", step_s = 3600, floor_s = 3600 } },""".replace("{\n", "{")


def test_a_series_is_counted_up_from_its_base_at_full_hours() -> None:
    text, start = page(FRAME, SUMS, kind="registers"), AT - 7200
    head = AT.to_bytes(4, "big") + (start + 900).to_bytes(4, "big")
    found = said(text, head + bytes.fromhex("00000064 0001 0002"))
    first = start + 900 - (start + 900) % 3600
    assert found["register_values"] == [100, 101, 103]
    assert found["register_instants"] == [first, first + 3600, first + 7200]
    assert (found["register"], found["register_at"]) == (103, first + 7200)
    # behind a part that is not known nothing is known; without a base nothing at all
    assert said(text, head + bytes.fromhex("00000064 0001 ffff 0002"))["register_values"] == [100, 101]
    assert said(text, head + bytes.fromhex("ffffffff 0001 0002"))["register_values"] == []


def test_an_instant_too_far_from_the_clock_is_of_another_format() -> None:
    driver = load(page(FRAME, SUMS, kind="registers"))
    for far in (AT + 1, AT - 86401):
        reason, at, detail = reasons(driver, (AT.to_bytes(4, "big") + far.to_bytes(4, "big")).hex() + "00000064")
        assert (reason, at) == ("range", 4) and "too far from at" in detail


CODES = (
    "[codes.state]\nat = 4\nwidth = 4\nnone = [0]\nburst = [3]\nmicro_leak = [1, 2]\n[events.state]\nlow_battery = 0\n"
)
CODED = (
    '{ name = "s", type = "u8", events = "state", codes = "state" },\n{ name = "r", type = "u8", point = "register" },'
)


@pytest.mark.parametrize(
    ("state", "events"),
    [
        ("00", []),
        ("01", ["low_battery"]),
        ("10", ["micro_leak"]),
        ("21", ["micro_leak", "low_battery"]),
        ("30", ["burst"]),
    ],
)
def test_bits_that_hold_a_number(state: str, events: list[str]) -> None:
    assert sorted(said(page(FRAME, CODED, more=CODES), bytes.fromhex(state + "07"))["events"]) == sorted(events)  # type: ignore[call-overload]


def test_a_code_that_the_page_does_not_have_is_noted_and_nothing_is_over() -> None:
    driver = load(page(FRAME, CODED, more=CODES))
    (columns,), _ = driver.decode([bytes.fromhex("f107")], [AT])
    assert [damage.detail for damage in columns.damages] == ["code 15 is not on the page"]
    (known,), _ = driver.decode([bytes.fromhex("0107")], [AT])
    assert columns.event_known.bit_count() == 1 and known.event_known.bit_count() == 3


def test_a_constant_may_be_one_of_several() -> None:
    text = page(
        FRAME, '{ name = "m", type = "u8", values = [6, 7] },\n{ name = "r", type = "u8", point = "register" },'
    )
    assert said(text, b"\6\1")["register"] == said(text, b"\7\1")["register"] == 1
    assert reasons(load(text), "0801") == ("magic", 0, "m is not 0x6 or 0x7")


GOOD = page(FRAME, TLV % "")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('tag = "02"', 'tag = "0a"', "ambiguous: "),
        ('tag = "02"', 'tag = "0g"', "not hexadecimal"),
        ('tag = "02"', 'tag = ""', "tag of a record has"),
        ('name = "tens"', 'name = "total"', "a second record"),
        ("most = 4,", "most = 400,", "most, 1..255"),
        ("most = 4,", 'most = 4, skips = "dif",', "skips is one of"),
        ("most = 4,", "most = 4, count = 2,", "a group of records has no count"),
        ("records = [", "records = [], x = [", "unknown key x"),
        ('series = "pressure"', 'point = "pressure"', "a field that repeats is a series"),
        ('many = true, type = "u8", series = "pressure"', 'type = "u8", series = "pressure"', "in a group that repeats"),
        ('kind = "report"', 'kind = "heartbeat"\nor_heartbeat = true', "or_heartbeat is of a report"),
        ("] },\n\n]", '] },\n{ name = "x", type = "u8", point = "ecl" },\n]', "nothing stands behind"),
    ],
)  # fmt: skip
def test_a_broken_page_of_records_names_its_line(old: str, new: str, why: str) -> None:
    names_its_line(GOOD, old, new, why)


@pytest.mark.parametrize(
    ("good", "old", "new", "why"),
    [
        (CODED, "width = 4", "width = 5", "lie in 8 bits"),
        (CODED, "burst = [3]", "burst = [2]", "2 is said already"),
        (CODED, "burst = [3]", "burst = [16]", "numbers in 0..15"),
        (CODED, "burst = [3]", "bursts = [3]", "not in points.toml"),
        (CODED, "low_battery = 0", "low_battery = 5", "is an event and part of a point"),
        (CODED, "low_battery = 0", "burst = 0", "is a bit and a code"),
        (CODED, '"state", codes = "state"', '"state", codes = "other"', "no section [codes.other]"),
        (SUMS, 'adds_to = "log"', 'adds_to = "lag"', "no whole number before"),
        (SUMS, 'field = "at"', 'field = "ate"', "names one before it"),
        (SUMS, "floor_s = 3600", "floor_s = 0", "floor_s"),
        (SUMS, 'count = "rest", most = 24, ', "", "is a group's"),
    ],
)
def test_a_broken_page_of_codes_and_sums_names_its_line(good: str, old: str, new: str, why: str) -> None:
    more, kind = (CODES, "report") if good is CODED else ("", "registers")
    names_its_line(page(FRAME, good, more=more, kind=kind), old, new, why)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('url = "http://x"\nlicence = "MIT"\nevidence = "maker"', "https://"),
        ('url = "https://x"\nlicence = ""\nevidence = "maker"', "licence is"),
        ('url = "https://x"\nlicence = "MIT"\nevidence = "hearsay"', "evidence is one of"),
        ('url = "https://x"\nlicence = "MIT"', "evidence is missing"),
    ],
)
def test_where_a_page_is_from_is_said_whole(source: str, why: str) -> None:
    text = page(FRAME, '{ name = "r", type = "u8", point = "register" },', driver=f"{HEAD}\n[source]\n{source}\n")
    with pytest.raises(DriverPageError, match=why):
        catalog.load_from({"acme/odd-1.toml": text})


def test_garbage_in_records_is_read_or_refused_and_nothing_else() -> None:
    source = random.Random(13757)  # noqa: S311
    driver = load(page(FRAME, TLV % 'skips = "en13757",'))
    starts = [b"\1", b"\2", b"\x0a\x75", b"\x0b", b"\x0c", b"\x0d", b"\4\x13", b""]
    frames = [
        b"".join(source.choice(starts) + source.randbytes(source.randrange(6)) for _ in range(source.randrange(5)))
        for _ in range(3000)
    ]
    found, rejected = driver.decode(frames, [AT] * len(frames))
    assert sorted([row for c in found for row in c.rows] + [r.row for r in rejected]) == list(range(len(frames)))
    refused = {r.row: r.reason for r in rejected}
    assert all(driver.check(frame) == refused.get(row) for row, frame in enumerate(frames))
    assert 0 < len(refused) < len(frames)
    assert all(b"".join(bytes.fromhex(t.raw_hex) for t in driver.explain(frame)) == frame for frame in frames)

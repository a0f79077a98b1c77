# SPDX-License-Identifier: Apache-2.0
"""A message with one field damaged keeps what all other fields say: every field of every driver and content format.

Damages are made by the tests' own writers: all ones and numbers beyond a field's range in table pages; in SenML and TLV a
value, name or time of another kind; in CJ/T 188 digits above 9, unknown units, short answers, and bytes around them.
"""

from binascii import crc_hqx
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from openmains.drivers import catalog
from openmains.drivers.codec import TableDriver
from openmains.drivers.lwm2m import envelope
from openmains.drivers.model import MISSING_VALUE, Columns, Damage, Driver
from openmains.drivers.page import Field, Message
from openmains.drivers.points import vocabulary
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec import cbor

CATALOG = catalog.load()
TABLES = [driver for driver in CATALOG if isinstance(driver, TableDriver)]
ARRIVED = 1_767_290_000
CENTRAL = "/3424/0/1"


def read(driver: Driver, frame: bytes) -> tuple[dict[str, Any], list[Damage]]:
    """What one frame says, points and series by name, and its notes; the edge takes it as the pipeline does."""
    found, rejected = driver.decode([frame], [ARRIVED])
    assert driver.check(frame) is None and not rejected, (rejected, frame.hex())
    (columns,) = found
    return said(columns), columns.damages


def said(columns: Columns) -> dict[str, Any]:
    means: dict[str, Any] = {name: int(column[0]) for name, column in columns.points.items()}
    means |= {name: [int(value) for value in column[0]] for name, column in columns.series.items()}
    if columns.event_mask is not None:
        means["events"] = vocabulary().event_names(int(columns.event_mask[0]))
    return means


# Table pages ----------------------------------------------------------------------------------------------------------


def odd_bytes(driver: TableDriver, message: Message) -> Iterator[tuple[Field, bytes]]:
    """Every field that has bytes it cannot mean, but those that carry the frame; all ones first."""
    counts = {item.count for item in message.fields}
    for item in message.fields:
        if item.count or item.name in counts or item.value is not None or item.name == driver.page.type_field:
            continue
        if item.bcd:
            yield item, b"\xff" * item.size
            yield item, b"\x1a" + b"\x00" * (item.size - 1)
            continue
        beyond = [-1 if item.signed else (1 << 8 * item.size) - 1, item.low - 1, item.high + 1]
        for raw in beyond:
            if not item.low <= raw <= item.high and raw != item.missing:
                try:
                    yield item, raw.to_bytes(item.size, "big", signed=item.signed)
                except OverflowError:
                    continue


def table_cases() -> Iterator[Any]:
    for driver in TABLES:
        for vector in driver.vectors:
            if vector.fault is not None or driver.decode([vector.frame], [0])[0][0].damages:
                continue
            (at,) = {f.offset for m in driver.page.messages for f in m.fields if f.name == driver.page.type_field}
            message = next(m for m in driver.page.messages if m.type == vector.frame[at])
            for item, raw in odd_bytes(driver, message):
                name = f"{driver.name}: {vector.name}: {item.name} {raw.hex()}"
                yield pytest.param(driver, message, vector.frame, item, raw, id=name)


def touched_by(message: Message, item: Field) -> set[str]:
    """Names of what cannot be read without this field."""
    touched = {item.point or "", f"{item.series}"}
    if item.point == "register":
        touched.add("register_at")
    for other in message.fields:
        if item.name in (other.plus, other.back_from, other.back_at) or (item.exponent and other.volume):
            touched |= {other.point or "", other.series or ""}
    return touched


@pytest.mark.parametrize(("driver", "message", "frame", "item", "raw"), list(table_cases()))
def test_one_damaged_field_of_a_page(
    driver: TableDriver, message: Message, frame: bytes, item: Field, raw: bytes
) -> None:
    body = frame[: item.offset] + raw + frame[item.offset + item.size : -2]
    damaged = body + crc_hqx(body, 0).to_bytes(2, "big")
    found, rejected = driver.decode([damaged, frame], [ARRIVED, ARRIVED])
    if rejected:  # a log whose base is damaged: nothing else in it is a statement
        assert item.name == "register_base" and rejected[0].offset == item.offset
        return
    before, _ = read(driver, frame)
    after, damages = read(driver, damaged)
    touched = touched_by(message, item)
    assert {name: value for name, value in after.items() if name not in touched} == {
        name: value for name, value in before.items() if name not in touched
    }
    assert [(damage.name, damage.offset) for damage in damages] == [(item.name, item.offset)]
    if item.point:
        assert after[item.point] == MISSING_VALUE
    both = {row: columns for columns in found for row in columns.rows}
    assert sorted(both) == [0, 1] and len(found[0].rows) == 2, "damage in one frame does not part it from its like"


def test_the_instances_of_the_report_in_our_own_frame() -> None:
    driver = TABLES[1]
    frame = driver.vectors[0].frame
    report = driver.page.messages[0]
    for name, after in (("meter_number", "register"), ("day_register", "increments")):
        item = report.by_name[name]
        body = frame[: item.offset] + b"\xff" * item.size + frame[item.offset + item.size : -2]
        means, damages = read(driver, body + crc_hqx(body, 0).to_bytes(2, "big"))
        assert means[after] == read(driver, frame)[0][after]
        assert [(damage.offset, damage.name) for damage in damages] == [(item.offset, name)]


# LwM2M ----------------------------------------------------------------------------------------------------------------

NAMES = ["/3424/0/1", "/3424/0/9", "/3424/0/10", "/3424/0/5518", "/3/0/9", "/3/0/7/0", "/4/0/2", "/4/0/8"]
VALUES: list[Any] = [Decimal("1234.567"), True, False, 1_767_288_600, 87, 3584, -101, 19_114_957]
SAYS: dict[str, tuple[str, ...]] = {
    "/3424/0/1": ("register", "register_at", "device_at", "register_values", "register_instants"),
    "/3424/0/9": ("events",),
    "/3424/0/10": ("events",),
    "/3424/0/5518": ("register_at", "device_at", "register_instants"),
    "/3/0/9": ("battery_pct",),
    "/3/0/7/0": ("battery_mv",),
    "/4/0/2": ("rsrp_ddbm",),
    "/4/0/8": ("cell",),
}
NAN = b"\xf9\x7e\x00"
ODD_CBOR = {
    "NaN": NAN,
    "infinity": b"\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    "null": b"\xf6",
    "undefined": b"\xf7",
    "unknown tag": b"\xd8\x63\x01",
    "tag 0": b"\xc0\x65never",
    "text for a number": b"\x63abc",
    "bytes": b"\x42\x01\x02",
    "list": b"\x81\x01",
    "map": b"\xa1\x01\x02",
    "bad UTF-8": b"\x62\xff\xfe",
    "huge": b"\xc4\x82\x19\x01\x8f\x01",
}
ODD_JSON = {
    "NaN": "NaN",
    "null": "null",
    "infinity": "-Infinity",
    "text": '"abc"',
    "list": "[1]",
    "map": '{"a":1}',
    "too long": "1" * 70,
    "huge": "1e399",
}


def cbor_record(name: str, value: bytes, label: int = 2, extra: bytes = b"") -> bytes:
    fields = 2 + (1 if extra else 0)
    return bytes((0xA0 | fields,)) + b"\x00" + cbor.encode(name) + cbor.encode(label) + value + extra


def cbor_pack(records: list[bytes]) -> bytes:
    return bytes((0x80 | len(records),)) + b"".join(records)


def label_of(value: Any) -> int:
    return 4 if isinstance(value, bool) else 2


def wrapped(content_format: int, payload: bytes, path: str = "/") -> bytes:
    return envelope.wrap(path, content_format, payload)


def good_cbor() -> list[bytes]:
    return [cbor_record(n, cbor.encode(v), label_of(v)) for n, v in zip(NAMES, VALUES, strict=True)]


def good_json() -> list[str]:
    return [
        f'{{"n":"{name}","{"vb" if isinstance(value, bool) else "v"}":{str(value).lower()}}}'
        for name, value in zip(NAMES, VALUES, strict=True)
    ]


def same_but(before: dict[str, Any], after: dict[str, Any], touched: tuple[str, ...]) -> None:
    assert {k: v for k, v in after.items() if k not in touched} == {
        k: v for k, v in before.items() if k not in touched and k in {*after, *before} - set(touched)
    }


LWM2M = CATALOG.driver("lwm2m/water-1")


@pytest.mark.parametrize("odd", ODD_CBOR)
@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_one_damaged_record_of_senml_cbor(place: int, odd: str) -> None:
    before, none = read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack(good_cbor())))
    assert not none and before["register"] == 1_234_567
    records = good_cbor()
    records[place] = cbor_record(NAMES[place], ODD_CBOR[odd], label_of(VALUES[place]))
    after, damages = read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack(records)))
    same_but(before, after, SAYS[NAMES[place]])
    assert any(NAMES[place] in damage.name for damage in damages)


@pytest.mark.parametrize("odd", ODD_JSON)
@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_one_damaged_record_of_senml_json(place: int, odd: str) -> None:
    before, _ = read(LWM2M, wrapped(content.SENML_JSON, f"[{','.join(good_json())}]".encode()))
    records = good_json()
    field = "vb" if isinstance(VALUES[place], bool) else "v"
    records[place] = f'{{"n":"{NAMES[place]}","{field}":{ODD_JSON[odd]}}}'
    after, damages = read(LWM2M, wrapped(content.SENML_JSON, f"[{','.join(records)}]".encode()))
    same_but(before, after, SAYS[NAMES[place]])
    assert any(NAMES[place] in damage.name for damage in damages)


def test_the_json_of_1_0_says_the_same() -> None:
    before, _ = read(LWM2M, wrapped(content.SENML_JSON, f"[{','.join(good_json())}]".encode()))
    entries = ",".join(good_json()).replace('"vb"', '"bv"')
    after, damages = read(LWM2M, wrapped(content.JSON_1_0, f'{{"bn":"","e":[{entries}]}}'.encode()))
    assert after == before
    assert damages == []


@pytest.mark.parametrize("content_format", [content.SENML_CBOR, content.SENML_JSON])
@pytest.mark.parametrize(
    "name", ["", "/", "/3424/0", "/99999/0/1", "/3424/0/1/2/3", "no path"], ids=lambda n: n or "empty"
)
def test_a_record_whose_name_is_none(content_format: int, name: str) -> None:
    if content_format == content.SENML_CBOR:
        payload = cbor_pack([*good_cbor(), cbor_record(name, cbor.encode(5))])
        before = wrapped(content_format, cbor_pack(good_cbor()))
    else:
        payload = f'[{",".join(good_json())},{{"n":"{name}","v":5}}]'.encode()
        before = wrapped(content_format, f"[{','.join(good_json())}]".encode())
    after, damages = read(LWM2M, wrapped(content_format, payload))
    assert after == read(LWM2M, before)[0] and len(damages) == 1


def test_an_object_nobody_reads_takes_nothing_and_is_nothing_to_note() -> None:
    records = [*good_cbor(), cbor_record("/33000/0/7", cbor.encode("maker's own"), 3)]
    after, damages = read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack(records)))
    assert after == read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack(good_cbor())))[0] and not damages
    after, damages = read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack(records), "/3424/0"))
    assert after["register"] == 1_234_567 and len(damages) == 5, "what is not below the observed path is noted"


def test_a_time_as_text_is_read_and_one_that_is_none_is_noted() -> None:
    at = b"\x06\xc0" + cbor.encode("2026-01-01T17:30:00Z")
    means, damages = read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack([cbor_record(CENTRAL, cbor.encode(7), 2, at)])))
    assert (means["register"], means["register_at"]) == (7000, 1_767_288_600) and not damages
    for odd in (NAN, b"\xf6", b"\xc0\x65never"):
        one = cbor_record(CENTRAL, cbor.encode(7), 2, b"\x06" + odd)
        means, damages = read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack([one])))
        assert (means["register"], means["register_at"]) == (7000, ARRIVED)
        assert [damage.name for damage in damages] == [f"{CENTRAL} t"]
        two = cbor_record(CENTRAL, cbor.encode(8), 2, b"\x06" + cbor.encode(1_767_288_600))
        means, damages = read(LWM2M, wrapped(content.SENML_CBOR, cbor_pack([one, two])))
        assert means["register_values"] == [8000], "of several volumes one without its instant has no place"
        assert len(damages) == 2


def test_a_base_that_cannot_be_read_spoils_what_counts_from_it_only() -> None:
    pack = '[{"n":"/3424/0/1","v":7},{"bn":null,"n":"9","v":1},{"bn":"/4/0/","n":"2","v":-95}]'
    means, damages = read(LWM2M, wrapped(content.SENML_JSON, pack.encode()))
    assert (means["register"], means["rsrp_ddbm"]) == (7000, -950)
    assert [damage.name for damage in damages] == ["record 1"]


def test_a_float_where_an_integer_is_usual() -> None:
    pack = '[{"n":"/3424/0/1","v":7},{"n":"/4/0/2","v":-95.5},{"n":"/3/0/9","v":87.0},{"n":"/3/0/7/0","v":3584.25}]'
    means, damages = read(LWM2M, wrapped(content.SENML_JSON, pack.encode()))
    assert (means["register"], means["rsrp_ddbm"], means["battery_pct"]) == (7000, -955, 87)
    assert [damage.name for damage in damages] == ["/3/0/7/0"] and "battery_mv" not in means


@pytest.mark.parametrize(
    ("path", "mark", "point"),
    [("/4/0/8", 2**32 - 1, "cell"), ("/3/0/7/0", 65_535, "battery_mv"), ("/4/0/2", 255, "rsrp_ddbm"),
     ("/4/0/2", 99, "rsrp_ddbm"), ("/3/0/9", 255, "battery_pct"), ("/4/0/11", 255, "sinr_ddb"), ("/4/0/13", 255, "ecl")],
)  # fmt: skip
def test_marks_for_not_known_are_no_values(path: str, mark: int, point: str) -> None:
    pack = f'[{{"n":"/3424/0/1","v":7}},{{"n":"{path}","v":{mark}}}]'
    means, damages = read(LWM2M, wrapped(content.SENML_JSON, pack.encode()))
    assert means["register"] == 7000 and point not in means and not damages


def test_one_damaged_entry_of_tlv() -> None:
    good = {1: bytes.fromhex("c40141480000"), 9: bytes.fromhex("c10901"), 10: bytes.fromhex("c10a00")}
    before, _ = read(LWM2M, wrapped(content.TLV, b"".join(good.values()), "/3424/0"))
    odd = {1: bytes.fromhex("c1017f"), 9: bytes.fromhex("c20907ff"), 10: bytes.fromhex("c10a07")}
    odd_nan = bytes.fromhex("c4017fc00000")
    for number, entry in [*odd.items(), (1, odd_nan)]:
        payload = b"".join(entry if one == number else raw for one, raw in good.items())
        after, damages = read(LWM2M, wrapped(content.TLV, payload, "/3424/0"))
        same_but(before, after, SAYS[f"/3424/0/{number}"])
        assert [damage.name for damage in damages] == [f"/3424/0/{number}"]
    twice = b"".join(good.values()) + bytes.fromhex("c10900")
    after, damages = read(LWM2M, wrapped(content.TLV, twice, "/3424/0"))
    assert after["register"] == before["register"] and [damage.name for damage in damages] == ["/3424/0/9"]


# CJ/T 188 -------------------------------------------------------------------------------------------------------------

CJT = CATALOG.driver("cjt188/water-2004")
ANSWER = bytes.fromhex("6810563412000026208116901f07563412002c000012002c0030010201262005002c16")
QUESTION = bytes.fromhex("6810563412000026200103901f07")


def summed(body: bytes) -> bytes:
    return body + bytes((sum(body) & 0xFF, 0x16))


@pytest.mark.parametrize(
    ("offset", "raw", "name", "touched"),
    [
        (2, "ff" * 7, "address", ("meter_number",)),
        (4, "1a", "address", ("meter_number",)),
        (14, "ffffffff", "total", ("register", "register_values")),
        (18, "05", "total", ("register", "register_values")),
        (19, "ffffffff", "settlement", ("settlement",)),
        (19, "ffffffffff", "settlement", ("settlement",)),
        (23, "05", "settlement", ("settlement",)),
        (24, "00300102132620", "time", ("register_at", "device_at", "register_instants")),
    ],
)
def test_one_damaged_field_of_a_cjt188_answer(offset: int, raw: str, name: str, touched: tuple[str, ...]) -> None:
    before, _ = read(CJT, ANSWER)
    part = bytes.fromhex(raw)
    frame = summed(ANSWER[:offset] + part + ANSWER[offset + len(part) : -2])
    after, damages = read(CJT, frame)
    same_but(before, after, touched)
    assert [damage.name for damage in damages] == [name]
    assert offset <= damages[0].offset < offset + 5


def test_a_short_answer_keeps_what_it_has() -> None:
    before, _ = read(CJT, ANSWER)
    for size in range(8, 22):
        body = ANSWER[:10] + bytes((size,)) + ANSWER[11 : 11 + size]
        after, damages = read(CJT, summed(body))
        assert after["register"] == before["register"] and after["meter_number"] == before["meter_number"]
        assert after["settlement"] == (before["settlement"] if size >= 13 else MISSING_VALUE)
        assert after["register_at"] == (before["register_at"] if size >= 20 else ARRIVED)
        assert after["valve"] == MISSING_VALUE and "events" not in after
        assert len(damages) == 1 and damages[0].offset <= 11 + size
    assert CJT.check(summed(ANSWER[:10] + b"\x07" + ANSWER[11:18])) == "length"


def test_what_stands_around_an_answer_does_not_refuse_it() -> None:
    before, _ = read(CJT, ANSWER)
    echo = summed(QUESTION)
    for front in (b"", b"\xfe\xfe\xfe\xfe", echo, b"\xfe\xfe" + echo + b"\xfe"):
        assert read(CJT, front + ANSWER) == (before, []), "wake-up bytes and the echo of the question mean nothing"
    for front, behind, at in (
        (b"", b"\x00\x00", 35),
        (b"\xfe", b"\x16", 36),
        (b"\x00", b"", 0),
        (echo, b"\xfe\xfe", 51),
    ):
        after, damages = read(CJT, front + ANSWER + behind)
        assert after == before and [(damage.name, damage.offset) for damage in damages] == [("around", at)]
    longer = summed(ANSWER[:10] + b"\x18" + ANSWER[11:-2] + b"\x01\x02")
    after, damages = read(CJT, longer)
    assert after == before and [damage.name for damage in damages] == ["surplus"]
    assert CJT.check(echo) == "type", "an echo alone is no answer"

# SPDX-License-Identifier: Apache-2.0
"""Reference contents: known bytes, round trip, bounds, garbage; segments of those that are longer than a data area."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.wire.cursor import ByteOrder
from openmains.wire.errors import WireError
from openmains.wire.gbt36330 import content as c
from openmains.wire.gbt36330.frame import MessageType
from openmains.wire.gbt36330.profile import MAX_DATA
from openmains.wire.gbt36330.segments import KEPT_MS, MOST_SEGMENTS, MOST_TRANSFERS, Assembler, split
from tests.support.properties import counted

KNOWN: list[tuple[c.Content, str]] = [  # synthetic from docs/protocols/gbt36330.md
    (c.FactoryReset(7, 1), "00000007" "01"),
    (c.Parameters(9, 1, (c.Item(1, b"\x05\xa0"), c.Item(2))), "00000009" "01" "02" "0102" "05a0" "0200"),
    (c.Time(0x6956B900, 480), "6956b900" "01e0"),
    (c.Time(0x6956B900, -60), "6956b900" "ffc4"),
    (c.ReadingRequest(20454, 7), "4fe6" "07"),
    (c.Reading(0x6956B900, 1_234_567, 1, 3600, 1 << 5), "6956b900" "00000012d687" "01" "0e10" "0000000000000020"),
    (c.Control(7, 0x6956B900, 0, 3), "00000007" "6956b900" "00" "03"),
    (c.ControlResult(7, 0, 1), "00000007" "00" "01"),
    (c.History(1, 2, 0, 3600, 0, 20454, (1, c.NO_REGISTER)),
     "00000001" "000000000002" "00" "0e10" "0000000000000000" "4fe6" "02" "000000000001" "ffffffffffff"),
    (c.EventReport(8, 1, 0x6956B900, 2, 1000), "08" "01" "6956b900" "02" "0000000003e8"),
    (c.TopUp(12, 0x6956B900, 0, 5_000), "0000000c" "6956b900" "00" "00001388"),
    (c.TopUpResult(12, 0, 0, -350), "0000000c" "00" "00" "fffffffffffffea2"),
    (c.PriceSet(3, 0x6956B900, 12, 1, (c.Tier(500, 19_800), c.Tier(c.UNBOUNDED, 25_200))),
     "0003" "6956b900" "0c" "01" "02" "01f4" "00004d58" "ffff" "00006270"),
    (c.PriceResult(2, 0, 3), "0002" "00" "0003"),
    (c.FirmwareBlock(1, 300, 200, b"\xaa" * 4), "00000001" "0000012c" "000000c8" "aaaaaaaa"),
    (c.FirmwareResult(1, 204, 0), "00000001" "000000cc" "00"),
]  # fmt: skip


def way_of(content: c.Content) -> bool:
    return content.TYPE[1] != "up"


@pytest.mark.parametrize(("content", "known"), KNOWN, ids=lambda v: type(v).__name__ if not isinstance(v, str) else "")
def test_known_bytes_both_ways(content: c.Content, known: str) -> None:
    assert c.encode(content).hex() == known
    assert c.decode_untrusted(content.TYPE[0], way_of(content), bytes.fromhex(known)) == content
    little = c.encode(content, "little")
    assert len(little) == len(known) // 2
    assert c.decode_untrusted(content.TYPE[0], way_of(content), little, "little") == content


def test_every_type_of_ours_has_a_content_each_way_and_known_bytes() -> None:
    assert {type(content) for content, _ in KNOWN} == set(c.LAYOUTS)
    for kind, layout in c.LAYOUTS.items():
        told = [field.name for field in layout] + ([c.LISTS[kind]] if kind in c.LISTS else [])
        assert told == c.names(kind) == [field.name for field in dataclasses.fields(kind)]
    assert {kind.TYPE[0] for kind in c.LAYOUTS} == set(MessageType) - {
        MessageType.CARRIED
    }  # a driver page has its content


def contents() -> st.SearchStrategy[c.Content]:
    lists: dict[str, st.SearchStrategy[object]] = {
        "registers": st.lists(st.integers(0, c.NO_REGISTER), max_size=c.MOST_HISTORY).map(tuple),
        "items": st.dictionaries(st.integers(0, 255), st.binary(max_size=8), min_size=1, max_size=9).map(
            lambda found: tuple(c.Item(*each) for each in found.items())
        ),
        "tiers": st.sets(st.integers(0, c.UNBOUNDED - 1), max_size=5).map(
            lambda found: tuple(c.Tier(bound, 19_800) for bound in [*sorted(found), c.UNBOUNDED])
        ),
    }

    def of(kind: type[c.Content]) -> st.SearchStrategy[c.Content]:
        values: dict[str, st.SearchStrategy[object]] = {
            field.name: st.integers(field.low, field.high) for field in c.LAYOUTS[kind]
        }
        if kind is c.FirmwareBlock:
            return st.binary(min_size=1, max_size=100).map(lambda block: c.FirmwareBlock(1, 5_000, 4_900, block))
        if kind in c.LISTS:
            values[c.LISTS[kind]] = lists[c.LISTS[kind]]
        return st.builds(kind, **values)  # type: ignore[arg-type]

    return st.sampled_from(list(c.LAYOUTS)).flatmap(of)


@given(contents(), st.sampled_from(["big", "little"]))
def test_round_trip(content: c.Content, order: ByteOrder) -> None:
    assert c.decode_untrusted(content.TYPE[0], way_of(content), c.encode(content, order), order) == content


@given(st.integers(0, 255), st.booleans(), st.binary(max_size=60))
def test_garbage_raises_wire_error_only(message_type: int, down: bool, data: bytes) -> None:
    try:
        found = c.decode_untrusted(message_type, down, data)
    except WireError as bad:
        assert bad.layer == "gbt36330" and 0 <= bad.offset <= len(data)
    else:
        assert c.encode(found) == data


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (c.TopUp(1, 0, 0, 0), "amount"),
        (c.Control(1, 0, 3, 0), "action"),
        (c.Time(0, 900), "utc_offset_min"),
        (c.History(0, c.NO_REGISTER, 0, 0, 0, 0, ()), "register"),
        (c.PriceSet(1, 0, 12, 0, ()), "tiers"),
        (c.PriceSet(1, 0, 12, 0, (c.Tier(500, 1),)), "tiers"),  # nothing said of more than 500 m³
        (c.PriceSet(1, 0, 12, 0, (c.Tier(500, 1), c.Tier(400, 1), c.Tier(c.UNBOUNDED, 1))), "tiers"),
        (c.Parameters(1, 1, ()), "items"),
        (c.Parameters(1, 1, (c.Item(1), c.Item(1))), "items"),  # which of the two?
        (c.FirmwareBlock(1, 10, 8, b"123"), "block"),  # beyond its end
        (c.FirmwareBlock(1, 10, 8, b""), "block"),
    ],
)
def test_what_makes_no_sense_is_neither_sent_nor_read(content: c.Content, reason: str) -> None:
    with pytest.raises(WireError) as bad:
        c.encode(content)
    assert bad.value.reason == reason


def test_what_makes_no_sense_is_refused_where_it_stands() -> None:
    for message_type, raw, offset in (
        (0x12, "0000000c6956b9000000000000", 9),
        (0x13, "00036956b9000c010101f400004d58", 8),
    ):
        with pytest.raises(WireError) as bad:
            c.decode_untrusted(message_type, True, bytes.fromhex(raw))
        assert bad.value.offset == offset


def test_a_month_of_history_goes_in_segments() -> None:
    history = c.History(1, 2, 0, 3600, 0, 20454, tuple(range(31)))
    whole = c.encode(history)
    parts = split(whole, MAX_DATA, 5)
    assert len(whole) > MAX_DATA and len(parts) == 2 and all(len(part) <= MAX_DATA for part in parts)
    assembler = Assembler()
    assert assembler.add(0x10, parts[1], 0) is None
    assert assembler.add(0x10, parts[1], 1) is None  # a repeat
    found = assembler.add(0x10, parts[0], 2)
    assert found is not None and c.decode_untrusted(0x10, False, found) == history


@given(st.binary(max_size=2_000), st.integers(100, MAX_DATA), st.randoms())
@settings(max_examples=counted(50))
def test_segments_in_any_order_and_doubled(content: bytes, room: int, source: object) -> None:
    parts = split(content, room, 300)
    assert all(len(part) <= room for part in parts)
    if len(parts) == 1:
        assert parts == [content]
        return
    sent = parts + parts[:-1]
    source.shuffle(sent)  # type: ignore[attr-defined]
    assembler, found = Assembler(), []
    for at, part in enumerate(sent):
        if (whole := assembler.add(0x10, part, at)) is not None:
            found.append(whole)
            break
    assert found == [content]


def test_what_is_no_segment_is_refused() -> None:
    assembler = Assembler()
    for wrong in (b"", b"\1\0", b"\1\0\2", b"\1\2\2x", b"\1\0\1x", bytes((1, 0, MOST_SEGMENTS + 1)) + b"x"):
        with pytest.raises(WireError):
            assembler.add(0x10, wrong, 0)
    with pytest.raises(WireError, match="content too long"):
        split(bytes(MOST_SEGMENTS * 125 + 1), MAX_DATA, 0)


def test_a_segment_that_contradicts_another_begins_anew_and_two_contents_are_never_mixed() -> None:
    assembler = Assembler()
    for old in (b"\1\0\3a", b"\1\1\3b"):
        assert assembler.add(0x10, old, 0) is None
    assert assembler.add(0x10, b"\1\0\3A", 1) is None and assembler.dropped == 1  # other bytes in the same place
    assert assembler.add(0x10, b"\1\2\3C", 2) is None  # the old one's second is gone
    assert assembler.add(0x10, b"\1\1\3B", 3) == b"ABC"
    assert assembler.add(0x10, b"\1\0\2a", 4) is None
    assert assembler.add(0x10, b"\1\1\3B", 5) is None and assembler.dropped == 2  # another count
    assert assembler.add(0x10, b"\1\0\3A", 6) is None
    assert assembler.add(0x10, b"\1\2\3C", 7) == b"ABC"


def test_open_transfers_are_few_and_end() -> None:
    assembler = Assembler()
    for transfer in range(MOST_TRANSFERS + 3):
        assembler.add(0x10, bytes((transfer, 0, 2)) + b"x", transfer)
    assert assembler.dropped == 3
    assert assembler.add(0x10, bytes((6, 1, 2)) + b"y", KEPT_MS + 7) is None  # its first half is forgotten
    assert assembler.dropped == 3 + MOST_TRANSFERS

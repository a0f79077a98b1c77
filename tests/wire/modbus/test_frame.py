# SPDX-License-Identifier: Apache-2.0
"""Modbus: vectors of another implementation both ways, round trip, streams, garbage, which answer belongs to which question."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.modbus.frame import (
    MOST_READ,
    MOST_RTU,
    MOST_WRITTEN,
    Adu,
    Function,
    Message,
    Read,
    Refusal,
    Registers,
    RtuDeframer,
    TcpDeframer,
    Write,
    Written,
    answers,
    decode_pdu_untrusted,
    decode_rtu_untrusted,
    encode_pdu,
    encode_rtu,
    encode_tcp,
)

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors/modbus/frames.toml").read_text("utf-8"))["frame"]
_u16 = st.integers(0, 0xFFFF)
_reads = st.sampled_from([Function.READ_HOLDING, Function.READ_INPUT])
_values = st.lists(_u16, min_size=1, max_size=MOST_READ).map(tuple)
_one = st.builds(lambda address, value: Write(Function.WRITE_ONE, address, (value,)), _u16, _u16)
questions = (
    st.builds(Read, _reads, _u16, st.integers(1, MOST_READ))
    | _one
    | st.builds(Write, st.just(Function.WRITE_MANY), _u16, st.lists(_u16, min_size=1, max_size=MOST_WRITTEN).map(tuple))
)
told = (
    st.builds(Registers, _reads, _values)
    | _one
    | st.builds(Written, _u16, _u16)
    | st.builds(Refusal, st.integers(0, 127), st.integers(0, 255))
)


def meant(means: dict[str, Any]) -> Message:
    values = {name: tuple(value) if name == "values" else value for name, value in means.items() if name != "kind"}
    found: Message = {"Read": Read, "Registers": Registers, "Write": Write, "Written": Written, "Refusal": Refusal}[
        means["kind"]
    ](**values)
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vector_both_ways(vector: dict[str, Any]) -> None:
    message, question = meant(vector["means"]), vector["question"]
    assert encode_rtu(17, message).hex() == vector["rtu"] and encode_tcp(258, 17, message).hex() == vector["tcp"]
    assert decode_rtu_untrusted(bytes.fromhex(vector["rtu"]), question=question) == Adu(17, message)
    assert TcpDeframer(question=question).feed(bytes.fromhex(vector["tcp"])) == [Adu(17, message, 258)]


@given(questions, told)
def test_round_trip(question: Message, answer: Message) -> None:
    assert decode_pdu_untrusted(encode_pdu(question), question=True) == question
    assert decode_pdu_untrusted(encode_pdu(answer), question=False) == answer


@given(st.lists(told | st.binary(max_size=30), max_size=6), st.data())
def test_whole_is_byte_by_byte(parts: list[Message | bytes], source: st.DataObject) -> None:
    stream = b"".join(part if isinstance(part, bytes) else encode_rtu(17, part) for part in parts)
    whole, single, cut = (RtuDeframer(question=False) for _ in range(3))
    expected, found, at = whole.feed(stream), [], 0
    assert [adu for byte in stream for adu in single.feed(bytes((byte,)))] == expected
    while at < len(stream):
        size = source.draw(st.integers(1, 50))
        found += cut.feed(stream[at : at + size])
        at += size
    assert found == expected and whole.skipped == single.skipped == cut.skipped
    assert whole.pending == single.pending < MOST_RTU
    assert whole.flush() == single.flush() and whole.pending == 0


@given(st.lists(told, min_size=1, max_size=5), st.integers(1, 40))
def test_clean_streams_lose_nothing(sent: list[Message], size: int) -> None:
    """Also where several frames come at once, which the library that made our vectors loses."""
    rtu, tcp = RtuDeframer(question=False), TcpDeframer(question=False)
    assert rtu.feed(b"".join(encode_rtu(17, each) for each in sent)) == [Adu(17, each) for each in sent]
    stream = b"".join(encode_tcp(n, 17, each) for n, each in enumerate(sent))
    found = [adu for at in range(0, len(stream), size) for adu in tcp.feed(stream[at : at + size])]
    assert found == [Adu(17, each, n) for n, each in enumerate(sent)] and not tcp.broken


def test_the_frame_behind_a_damaged_one_is_found() -> None:
    good = bytes.fromhex(VECTORS[1]["rtu"])
    deframer = RtuDeframer(question=False)
    assert deframer.feed(b"\x00" + good[:-1] + b"\x00" + good) == [Adu(17, meant(VECTORS[1]["means"]))]


@pytest.mark.parametrize(
    ("raw", "why"),
    [("010200010006110300000001", "protocol id"), ("01020000ffff11", "length"), ("01020000000111", "length")],
)
def test_a_tcp_header_that_is_none_ends_the_stream(raw: str, why: str) -> None:
    deframer = TcpDeframer(question=True)
    assert deframer.feed(bytes.fromhex(raw)) == [] and deframer.broken == why
    assert deframer.feed(bytes.fromhex(VECTORS[0]["tcp"])) == []


@given(st.binary(max_size=80), st.booleans())
def test_garbage_raises_wire_error_only(raw: bytes, question: bool) -> None:
    for decode in (decode_pdu_untrusted, decode_rtu_untrusted):
        try:
            decode(raw, question=question)
        except WireError as bad:
            assert bad.layer == "modbus" and 0 <= bad.offset <= len(raw)
    TcpDeframer(question=question).feed(raw)


@pytest.mark.parametrize(
    "message",
    [Read(Function.READ_HOLDING, 0, 0), Read(Function.READ_HOLDING, 0, 126), Read(Function.WRITE_ONE, 0, 1),
     Read(Function.READ_INPUT, 0x10000, 1), Write(Function.WRITE_ONE, 0, (1, 2)), Write(Function.WRITE_MANY, 0, (0,) * 124),
     Registers(Function.READ_INPUT, ()), Registers(Function.READ_INPUT, (0x10000,))],
    ids=str,
)  # fmt: skip
def test_encode_refuses(message: Message) -> None:
    with pytest.raises(WireError):
        encode_pdu(message)


def test_which_answer_belongs_to_which_question() -> None:
    asked = Adu(17, Read(Function.READ_HOLDING, 107, 3), 258)
    right = Adu(17, Registers(Function.READ_HOLDING, (1, 2, 3)), 258)
    assert answers(asked, right) and answers(asked, Adu(17, Refusal(3, 2), 258))
    for wrong in (
        Adu(18, right.message, 258), Adu(17, right.message, 259), Adu(17, Registers(Function.READ_INPUT, (1, 2, 3)), 258),
        Adu(17, Registers(Function.READ_HOLDING, (1, 2)), 258), Adu(17, Refusal(4, 2), 258),
    ):  # fmt: skip
        assert not answers(asked, wrong)
    many = Adu(17, Write(Function.WRITE_MANY, 1, (10, 258)))
    assert answers(many, Adu(17, Written(1, 2))) and not answers(many, Adu(17, Written(1, 1)))

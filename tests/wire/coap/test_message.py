# SPDX-License-Identifier: Apache-2.0
"""The codec: vectors both ways, round trip, and garbage that raises WireError and nothing else."""

import tomllib
from pathlib import Path
from typing import Any

import aiocoap  # type: ignore[import-untyped]
import pytest
from aiocoap.message import Direction  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.coap.message import Message, code_text, decode, encode, encode_options
from openmains.wire.errors import WireError

VECTORS: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parents[3] / "vectors/coap/rfc7252.toml").read_text("utf-8")
)

option_numbers = st.one_of(st.integers(0, 65535), st.sampled_from([1, 3, 6, 11, 12, 13, 14, 15, 23, 27, 268, 269, 270]))
option_values = st.one_of(st.binary(max_size=20), st.integers(250, 300).map(bytes))
messages = st.builds(
    Message,
    kind=st.integers(0, 3),
    code=st.one_of(st.integers(1, 0x1F), st.integers(0x40, 0xBF)),
    mid=st.integers(0, 0xFFFF),
    token=st.binary(max_size=8),
    options=st.lists(st.tuples(option_numbers, option_values), max_size=6),
    payload=st.binary(max_size=100),
)


@pytest.mark.parametrize("vector", VECTORS["message"], ids=lambda vector: vector["name"])
def test_vector_both_ways(vector: dict[str, Any]) -> None:
    datagram = bytes.fromhex(vector["datagram"])
    message = decode(datagram)
    assert (message.kind, code_text(message.code), message.mid) == (vector["kind"], vector["code"], vector["mid"])
    assert message.token.hex() == vector["token"]
    assert [[number, value.hex()] for number, value in message.options] == vector["options"]
    assert message.payload.hex() == vector["payload"]
    assert encode(message) == datagram


@pytest.mark.parametrize("vector", VECTORS["broken"], ids=lambda vector: vector["source"])
def test_broken_vector_is_refused_with_its_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(WireError) as caught:
        decode(bytes.fromhex(vector["datagram"]))
    assert (caught.value.layer, caught.value.reason) == ("coap", vector["reason"])


@given(messages)
def test_round_trip(message: Message) -> None:
    back = decode(encode(message))
    message.options = sorted(message.options, key=lambda option: option[0])
    assert (back.kind, back.code, back.mid, back.token) == (message.kind, message.code, message.mid, message.token)
    assert list(back.options) == message.options
    assert back.payload == message.payload


# aiocoap also reads the meaning of values; these options are free bytes, or text, to it as well.
plain_options = st.one_of(
    st.tuples(st.sampled_from([4, 65001, 65003]), st.binary(min_size=1, max_size=8)),
    st.tuples(st.just(11), st.text(max_size=80).map(lambda text: text.encode())),
)


@given(messages, st.lists(plain_options, max_size=5))
def test_another_implementation_reads_and_writes_the_same(message: Message, options: list[tuple[int, bytes]]) -> None:
    """aiocoap as the peer that we did not write."""
    message.options = options
    theirs = aiocoap.Message.decode(encode(message))
    assert (int(theirs.mtype), int(theirs.code), theirs.mid) == (message.kind, message.code, message.mid)
    assert (theirs.token, theirs.payload) == (message.token, message.payload)
    theirs.direction = Direction.OUTGOING
    assert theirs.encode() == encode(message)


@given(st.binary(max_size=60))
def test_garbage_is_parsed_or_refused(data: bytes) -> None:
    try:
        message = decode(data)
    except WireError as error:
        assert error.layer == "coap" and 0 <= error.offset <= len(data) + 4
        return
    assert decode(encode(message)) == message


@given(messages, st.data())
def test_near_valid_is_parsed_or_refused(message: Message, data: st.DataObject) -> None:
    datagram = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        datagram[data.draw(st.integers(0, len(datagram) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(datagram[: data.draw(st.integers(0, len(datagram)))])
    try:
        parsed = decode(cut)
    except WireError:
        return
    assert decode(encode(parsed)) == parsed


@pytest.mark.parametrize(
    "message",
    [
        Message(4, 1, 0),
        Message(0, 1, 65536),
        Message(0, 1, -1),
        Message(0, 0x20, 0),
        Message(0, 0xC0, 0),
        Message(0, 1, 0, bytes(9)),
        Message(0, 0, 0, b"a"),
        Message(0, 0, 0, b"", (), b"a"),
        Message(0, 1, 0, b"", ((-1, b""),)),
        Message(0, 1, 0, b"", ((65536, b""),)),
        Message(0, 1, 0, b"", ((1, bytes(65535 + 270)),)),
    ],
)
def test_encode_refuses_what_the_format_cannot_carry(message: Message) -> None:
    with pytest.raises(WireError):
        encode(message)


def test_option_numbers_may_not_pass_65535() -> None:
    with pytest.raises(WireError, match="option number above 65535"):
        decode(b"\x40\x01\x00\x01" + encode_options([(65535, b"")]) + b"\x10")


def test_options_are_sorted_and_equal_ones_keep_their_order() -> None:
    message = decode(encode(Message(0, 1, 0, b"", [(12, b"x"), (11, b"b"), (11, b"a")])))
    assert message.options == [(11, b"b"), (11, b"a"), (12, b"x")]

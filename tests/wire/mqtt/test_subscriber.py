# SPDX-License-Identifier: Apache-2.0
"""MQTT 5 of who takes messages in: the clauses' bytes, whole is byte by byte, garbage raises the one error, filters."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.mqtt.packets import Connected, Published
from openmains.wire.mqtt.subscriber import (
    Incoming,
    IncomingStream,
    Message,
    Pong,
    Subscribed,
    acknowledge,
    connect_to_stay,
    decode_incoming_untrusted,
    filter_fault,
    ping,
    subscribe,
)

SAID: dict[str, Incoming] = {
    "320a0003612f620007006869": Message("a/b", b"hi", 7),  # 3.3: QoS 1, packet 7
    "3a0a0003612f620007006869": Message("a/b", b"hi", 7, again=True),
    "310700036120620068": Message("a b", b"h", retained=True),
    "320d0003612f62000702010168690a": Message("a/b", b"hi\n", 7),  # payload format: UTF-8
    "900400010001": Subscribed(1, (1,)),
    "90050001000187": Subscribed(1, (1, 0x87)),
    "d000": Pong(),
    "200900000622000a210014": Connected(0, most_waiting=20),
    "201000000d" "130014" "1100000e10" "210020" "2401": Connected(
        0, most_qos=1, most_waiting=32, keep_alive_s=20, session_s=3600
    ),
    "40020003": Published(3, 0),
}  # fmt: skip


@pytest.mark.parametrize("raw", SAID)
def test_what_a_broker_says_is_read(raw: str) -> None:
    assert decode_incoming_untrusted(bytes.fromhex(raw)) == SAID[raw]


def test_whole_is_byte_by_byte() -> None:
    raw = b"".join(map(bytes.fromhex, SAID))
    whole, bytewise = IncomingStream(), IncomingStream()
    assert whole.feed(raw) == list(SAID.values())
    assert [packet for byte in raw for packet in bytewise.feed(bytes((byte,)))] == list(SAID.values())


def test_what_is_said_stands_in_the_clauses() -> None:
    told = connect_to_stay("c", "u", "p", keep_alive_s=30, session_s=60, receive_most=20)
    head, properties = "00044d515454" + "05" + "c0" + "001e", "11" + "0000003c" + "21" + "0014" + "27" + "00040000"
    assert told.hex() == "1021" + head + "0d" + properties + "000163" + "000175" + "000170"
    assert subscribe(1, ["a/+"]).hex() == "8209" + "0001" + "00" + "0003612f2b" + "11"
    assert acknowledge(7).hex() == "40020007"
    assert ping().hex() == "c000"


@pytest.mark.parametrize(
    "raw", ["34050001610007", "320400016100", "3206000161000000", "3203000000", "3204000123", "90020001", "d00100"]
)
def test_what_cannot_be_is_refused(raw: str) -> None:
    with pytest.raises(WireError):
        decode_incoming_untrusted(bytes.fromhex(raw))


@given(st.binary(max_size=64))
def test_garbage_is_read_or_raises_the_one_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        IncomingStream().feed(data)
    with contextlib.suppress(WireError):
        decode_incoming_untrusted(data)


def test_filters() -> None:
    assert [filter_fault(good) for good in ("a/+/c", "a/#", "+", "#")] == [""] * 4
    assert all(filter_fault(bad) for bad in ("", "a+", "#/a", "a/#b", "\0"))

# SPDX-License-Identifier: Apache-2.0
"""MQTT 5 of a publisher: vectors of another implementation, whole is byte by byte, garbage raises the one error."""

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.mqtt.packets import (
    MOST_IN,
    Connected,
    Disconnected,
    Packet,
    PacketStream,
    Published,
    connect,
    decode_untrusted,
    disconnect,
    publish,
)

VECTORS = tomllib.loads((Path(__file__).parents[3] / "vectors/mqtt/packets.toml").read_text("utf-8"))


def meant(means: dict[str, Any]) -> Packet:
    kind = {"Connected": Connected, "Published": Published, "Disconnected": Disconnected}[means["kind"]]
    found: Packet = kind(**{name: value for name, value in means.items() if name != "kind"})
    return found


@pytest.mark.parametrize("vector", VECTORS["in"], ids=lambda vector: vector["name"])
def test_what_a_broker_says_is_read(vector: dict[str, Any]) -> None:
    assert decode_untrusted(bytes.fromhex(vector["bytes"])) == meant(vector["means"])


@pytest.mark.parametrize("vector", VECTORS["out"], ids=lambda vector: vector["name"])
def test_a_publish_is_that_of_another_implementation(vector: dict[str, Any]) -> None:
    packet = publish(
        vector["topic"],
        vector["packet_id"],
        vector["payload"].encode(),
        content_type=vector["content_type"],
        properties=[(name, value) for name, value in vector["properties"]],
    )
    assert packet.hex() == vector["bytes"]


def test_what_stands_in_the_clauses() -> None:
    assert disconnect().hex() == "e000"
    told = connect(
        "c", "u", "p", 10
    )  # 3.1.2: name, version 5, flags user + password + clean start, keep alive, no properties
    assert told.hex() == "1014" + "00044d515454" + "05" + "c2" + "000a" + "00" + "000163" + "000175" + "000170"
    assert connect("c", "", "p").hex().find("0170") < 0  # without a user no password goes out
    assert publish("t", 1, b"", again=True)[0] == 0x3A
    assert publish("t", 1, bytes(16_384))[1:4].hex() == "868001"  # 1.5.5: 16,390 bytes follow
    said = decode_untrusted(bytes.fromhex("e0" + "0a" + "8b" + "08" + "1f" + "0005" + b"later".hex()))
    assert said == Disconnected(0x8B, "later")
    assert decode_untrusted(bytes.fromhex("200a0000072400" + "2700000400")) == Connected(
        0, most_qos=0, most_packet=1024
    )


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0"])
def test_a_topic_that_no_publish_may_have_is_refused(topic: str) -> None:
    with pytest.raises(WireError):
        publish(topic, 1, b"")


@pytest.mark.parametrize(
    "packet",
    [
        "3003000161",  # a PUBLISH: nothing was subscribed to
        "d000",  # a PINGRESP: nothing was asked
        "20090000062200",  # cut off
        "200500000122",  # a property without its value
        "20050000021f00",  # a text that is longer than what holds it
        "2004000001ff",  # a property that is none
        "20090000062500250122",  # twice
        "40030001",  # length and packet differ
        "2080808001",  # a length of four bytes too many
        "208000",  # a length that is written longer than it is
    ],
)
def test_what_is_no_packet_for_us_is_refused(packet: str) -> None:
    with pytest.raises(WireError):
        decode_untrusted(bytes.fromhex(packet))


@given(
    st.lists(st.sampled_from([bytes.fromhex(vector["bytes"]) for vector in VECTORS["in"]]), max_size=6),
    st.lists(st.integers(1, 9)),
)
def test_a_whole_stream_is_byte_by_byte(packets: list[bytes], cuts: list[int]) -> None:
    data, stream, found = b"".join(packets), PacketStream(), list[Packet]()
    for size in cuts or [1]:
        found += stream.feed(data[:size])
        data = data[size:]
    found += stream.feed(data)
    assert found == [decode_untrusted(packet) for packet in packets]


@given(st.binary(max_size=64))
def test_garbage_is_a_packet_or_the_one_error(data: bytes) -> None:
    for read in (decode_untrusted, PacketStream().feed):
        with contextlib.suppress(WireError):
            read(data)


@given(st.sampled_from(VECTORS["in"]), st.integers(0, 12), st.integers(0, 255))
def test_a_near_packet_is_a_packet_or_the_one_error(vector: dict[str, Any], at: int, byte: int) -> None:
    data = bytearray.fromhex(vector["bytes"])
    data[at % len(data)] = byte
    with contextlib.suppress(WireError):
        decode_untrusted(bytes(data))


def test_a_length_that_would_fill_memory_is_refused_before_it_is_waited_for() -> None:
    with pytest.raises(WireError, match="too long"):
        PacketStream().feed(bytes((0x20, 0xFF, 0xFF, 0xFF, 0x7F)))
    assert PacketStream().feed(bytes((0x20, MOST_IN & 0x7F | 0x80, MOST_IN >> 7 & 0x7F | 0x80, MOST_IN >> 14))) == []

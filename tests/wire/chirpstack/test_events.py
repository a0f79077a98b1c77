# SPDX-License-Identifier: Apache-2.0
"""Events of a LoRaWAN network server. Synthetic from ChirpStack v4's public description of its MQTT integration."""

import base64
import contextlib
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.chirpstack.events import (
    MOST_PAYLOAD,
    Event,
    EventKind,
    Place,
    decode_event_untrusted,
    encode_down,
    place_of,
)
from openmains.wire.errors import WireError

EUI = "0102030405060708"
DEVICE = {"applicationId": "17c82e96-be03-4f38-aef3-f83d48582d97", "deviceName": "meter", "devEui": EUI}
UP = Place("app", EUI, EventKind.UP)


def read(**told: object) -> Event:
    return decode_event_untrusted(UP, json.dumps({"deviceInfo": DEVICE, **told}).encode())


def test_a_topic_says_who_it_is_about_and_where_its_way_down_is() -> None:
    found = place_of("eu868/application/17c8/device/0102030405060708/event/ack")
    assert found == Place("17c8", EUI, EventKind.ACK, "eu868/")
    assert found.down_topic == f"eu868/application/17c8/device/{EUI}/command/down"
    assert place_of("application/a/device/010203040506070A/event/location") == Place("a", "010203040506070a", None)
    for other in (
        "application/a/device/0102/event/up",
        "gateway/1/event/up",
        "application/a/device/0102030405060708/event/up/x",
    ):
        assert place_of(other) is None


def test_what_is_left_out_is_nought_and_nanoseconds_are_cut() -> None:
    told = read(
        time="2022-07-18T09:34:15.775023242+00:00", devAddr="00189440", fCnt=4, fPort=1, data="qg==", object={"x": 1}
    )
    assert told == Event(1_658_136_855_775_023, "00189440", 4, 1, b"\xaa")
    assert read() == Event()
    assert read(time="2022-07-18T17:34:15+08:00").at_us == 1_658_136_855_000_000
    assert read(time="yesterday").at_us == read(time="9999-99-99T00:00:00Z").at_us == 0
    assert read(queueItemId="i", acknowledged=True) == Event(item="i", acknowledged=True)
    assert read(code="EXPIRED", context={"queue_item_id": "i"}) == Event(item="i", code="EXPIRED")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"{", "json"), (b"[]", "json"), (b"\xff", "json"), (b"[" * 99_999, "json"), (b"9" * 9_999, "json"), (b"{}", "deviceInfo"),
     (b'{"deviceInfo":{"devEui":"0102030405060709"}}', "another device than its topic's")],
)  # fmt: skip
def test_what_is_no_event_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(WireError) as bad:
        decode_event_untrusted(UP, raw)
    assert bad.value.reason == reason


@pytest.mark.parametrize(
    "told", [{"fCnt": -1}, {"fCnt": "4"}, {"fPort": 256}, {"data": "q"}, {"data": 3}, {"devAddr": 7}]
)
def test_a_field_of_another_form_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(WireError):
        read(**told)


NAMES = st.sampled_from(["deviceInfo", "devEui", "data", "fCnt", "time", "context"])
TOLD = st.recursive(st.none() | st.integers() | st.text(), lambda each: st.dictionaries(NAMES, each))


@given(st.binary(max_size=80) | TOLD.map(lambda told: json.dumps(told).encode()))
def test_garbage_is_read_or_raises_the_one_error(raw: bytes) -> None:
    with contextlib.suppress(WireError):
        decode_event_untrusted(UP, raw)


@given(st.binary(min_size=1, max_size=MOST_PAYLOAD))
def test_a_downlink_is_confirmed_and_named(frame: bytes) -> None:
    told = json.loads(encode_down(EUI, 10, frame, UUID(int=7)))
    assert told == {
        "id": str(UUID(int=7)),
        "devEui": EUI,
        "confirmed": True,
        "fPort": 10,
        "data": base64.b64encode(frame).decode(),
    }


@pytest.mark.parametrize(("port", "frame"), [(0, b"a"), (224, b"a"), (1, b""), (1, bytes(MOST_PAYLOAD + 1))])
def test_what_no_device_can_be_sent_is_refused(port: int, frame: bytes) -> None:
    with pytest.raises(WireError):
        encode_down(EUI, port, frame, UUID(int=7))

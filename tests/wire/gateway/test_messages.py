# SPDX-License-Identifier: Apache-2.0
"""The JSON between gateway and platform: vectors both ways, round trips, and garbage that raises the one error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.gateway.messages import (
    COMMAND_STATES,
    MOST_DATA,
    MOST_INT,
    MOST_ITEMS,
    CommandWord,
    Down,
    GatewayCommand,
    GatewayEvent,
    GatewayState,
    Item,
    MeterMessage,
    Stored,
    TimeOffer,
    UpBatch,
    decode_down_untrusted,
    decode_state_untrusted,
    decode_up_untrusted,
    encode_down,
    encode_state,
    encode_up,
    gateway_of,
    topic,
)

_integers = st.integers(0, MOST_INT)
_data = st.binary(max_size=200)
_meters = st.from_regex(r"[0-9]{16}", fullmatch=True)
_texts = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=40)
_words = (
    st.builds(MeterMessage, _meters, st.integers(1, 255), _data, st.integers(0, 255))
    | st.builds(CommandWord, _texts, _meters, st.sampled_from(COMMAND_STATES), _data)
    | st.builds(GatewayEvent, _texts, st.just("") | _meters, _texts)
)
_items = st.builds(Item, st.integers(1, MOST_INT), _integers, _words)
batches = st.builds(UpBatch, _texts, _texts, st.lists(_items, min_size=1, max_size=5).map(tuple))
states = st.builds(
    GatewayState,
    _texts,
    _texts,
    _texts,
    _integers,
    _texts,
    _texts,
    _texts,
    _integers,
    _integers,
    _integers,
    _integers,
    _integers,
)
downs = (
    st.builds(Stored, _texts, _texts, st.lists(st.integers(1, MOST_INT), min_size=1, max_size=9).map(tuple))
    | st.builds(GatewayCommand, _texts, _meters, st.integers(1, 255), _data, _integers)
    | st.builds(TimeOffer, _texts, _integers, st.integers(-840, 840))
)
EXAMPLE = UpBatch(
    "6b1f0a44c2d97e03",
    "0badcafe",
    (
        Item(1, 1_767_288_600_123, MeterMessage("0000460000000001", 21, b"\x4f\x57\x01", 3)),
        Item(2, 0, CommandWord("1234", "0000460000000001", "delivered")),
        Item(3, 1_767_288_601_000, GatewayEvent("relay_lost", "", "relay 3, 14 meters")),
    ),
)
EXAMPLE_TEXT = (
    '{"store":"6b1f0a44c2d97e03","run":"0badcafe","items":[{"n":1,"at":1767288600123,"what":"message",'
    '"meter":"0000460000000001","type":21,"data":"T1cB","via":3},{"n":2,"at":0,"what":"command","id":"1234","meter":"0000460000000001","state":"delivered","data":""},'
    '{"n":3,"at":1767288601000,"what":"event","event":"relay_lost","meter":"","detail":"relay 3, 14 meters"}]}'
)


def test_the_example_of_the_page_both_ways() -> None:
    assert encode_up(EXAMPLE).decode() == EXAMPLE_TEXT
    assert decode_up_untrusted(EXAMPLE_TEXT.encode()) == EXAMPLE


@given(batches)
def test_up_round_trip(batch: UpBatch) -> None:
    assert decode_up_untrusted(encode_up(batch)) == batch


@given(states)
def test_state_round_trip(state: GatewayState) -> None:
    assert decode_state_untrusted(encode_state(state)) == state


@given(downs)
def test_down_round_trip(word: Down) -> None:
    assert decode_down_untrusted(encode_down(word)) == word


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=60) | _json.map(lambda value: json.dumps(value).encode()))
def test_garbage_raises_nothing_else(data: bytes) -> None:
    for decode in (decode_up_untrusted, decode_state_untrusted, decode_down_untrusted):
        with pytest.raises(WireError):
            decode(data)


def _told(**changes: Any) -> bytes:
    value = json.loads(EXAMPLE_TEXT)
    value["items"][0] |= changes
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 0}, {"n": True}, {"n": 1.5}, {"n": "1"}, {"at": -1}, {"at": MOST_INT + 1}, {"what": "more"}, {"meter": "12"},
        {"meter": "٤" * 16}, {"type": 0}, {"type": 256}, {"data": "*"}, {"data": "A" * 3 * MOST_DATA}, {"via": 256},
    ],
)  # fmt: skip
def test_near_valid_items_are_refused(changes: dict[str, Any]) -> None:
    assert decode_up_untrusted(_told(further="unread")) == EXAMPLE
    with pytest.raises(WireError):
        decode_up_untrusted(_told(**changes))


def test_so_many_items_and_no_more() -> None:
    item = json.loads(EXAMPLE_TEXT)["items"][2]
    for count, is_good in ((0, False), (1, True), (MOST_ITEMS, True), (MOST_ITEMS + 1, False)):
        data = json.dumps({"store": "a", "run": "b", "items": [item] * count}).encode()
        if is_good:
            assert len(decode_up_untrusted(data).items) == count
        else:
            with pytest.raises(WireError):
                decode_up_untrusted(data)


def test_topics() -> None:
    number = "1234567890123456"
    assert gateway_of(topic(number, "up")) == (number, "up")
    assert gateway_of(topic(number, "state")) == (number, "state")
    for name in (topic(number, "down"), topic("123", "up"), topic(number, "up") + "/", "openmains/gateways/x/up", ""):
        assert gateway_of(name) is None

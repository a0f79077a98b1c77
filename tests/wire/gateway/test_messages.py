# SPDX-License-Identifier: Apache-2.0
"""The JSON between gateway and platform: vectors both ways, round trips, and garbage that raises the one error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.gateway.fields import MOST_DATA, MOST_INT
from openmains.wire.gateway.messages import (
    COMMAND_STATES,
    MOST_ITEMS,
    PARAMETER_STATES,
    CommandWord,
    Down,
    GatewayCommand,
    GatewayEvent,
    GatewayState,
    Item,
    MeterMessage,
    ParametersCommand,
    ParametersWord,
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
from openmains.wire.gateway.network import LAYOUT, MOST_NODES, NOTHING, NetworkWord, NodeWord, RelayWord

_integers = st.integers(0, MOST_INT)
_data = st.binary(max_size=200)
_meters = st.from_regex(r"[0-9]{16}", fullmatch=True)
_texts = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=40)
_values = st.dictionaries(
    st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
    st.integers(-MOST_INT, MOST_INT) | st.sampled_from(["info", ""]) | st.lists(st.integers(0, 255), max_size=4),
    max_size=5,
)
_words = (
    st.builds(MeterMessage, _meters, st.integers(1, 255), _data, st.integers(0, 255))
    | st.builds(CommandWord, _texts, _meters, st.sampled_from(COMMAND_STATES), _data)
    | st.builds(GatewayEvent, _texts, st.just("") | _meters, _texts)
    | st.builds(ParametersWord, st.integers(1, MOST_INT), st.sampled_from(PARAMETER_STATES), _values, _texts, _texts)
)
_items = st.builds(Item, st.integers(1, MOST_INT), _integers, _words)
batches = st.builds(UpBatch, _texts, _texts, st.lists(_items, min_size=1, max_size=5).map(tuple))
_nodes = st.builds(
    NodeWord, _meters, st.integers(0, 65_535), st.integers(0, 255), st.integers(0, 255), st.integers(0, 86_400), st.booleans(), st.booleans(),
    *([_integers] * 5), st.none() | st.integers(0, 86_400_000), st.none() | st.integers(-MOST_INT // 2**20, MOST_INT // 2**20),
)  # fmt: skip
_networks = st.just(NOTHING) | st.builds(
    NetworkWord,
    st.just(LAYOUT),
    st.integers(0, 65_535),
    _integers,
    _integers,
    st.lists(st.builds(RelayWord, st.integers(1, 255), _integers, _integers, _integers, st.booleans()), max_size=3).map(
        tuple
    ),
    st.lists(_nodes, max_size=3).map(tuple),
    st.dictionaries(st.sampled_from(["messages", "repeated", "join_full"]), _integers),
)
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
    _networks,
    _values,
)
downs = (
    st.builds(Stored, _texts, _texts, st.lists(st.integers(1, MOST_INT), min_size=1, max_size=9).map(tuple))
    | st.builds(GatewayCommand, _texts, _meters, st.integers(1, 255), _data, _integers)
    | st.builds(TimeOffer, _texts, _integers, st.integers(-840, 840))
    | st.builds(ParametersCommand, st.integers(1, MOST_INT), _values, _integers)
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


STATE = GatewayState(
    "6b1f0a44c2d97e03", "0badcafe", "a1b2", 1_767_288_660_000, "platform", "mains", "1.0", 1, 0, 0, 0, 0,
    NetworkWord(
        LAYOUT, 7, 1, 5040, (RelayWord(3, 40, 39, 1_767_288_650_000, False),),
        (NodeWord("0000460000000001", 1, 3, 2, 17, True, False, 1_767_288_600_123, 4, 1, 4, 0, 2_310, None),), {"messages": 4},
    ),
)  # fmt: skip
STATE_TEXT = (
    '{"store":"6b1f0a44c2d97e03","run":"0badcafe","ask":"a1b2","clock":"platform","power":"mains","version":"1.0","meters":1,"silent":0,"waiting":0,'
    '"dropped":0,"commands":0,"at":1767288660000,"v":2,"network":7,"slots_used":1,"slots":5040,"relays":[[3,40,39,1767288650000,0]],'
    '"nodes":[["0000460000000001",1,3,2,17,1,1767288600123,4,1,4,0,2310,null]],"counters":{"messages":4}}'
)


def test_the_state_of_the_page_both_ways_and_what_it_may_not_say() -> None:
    assert encode_state(STATE).decode() == STATE_TEXT
    assert decode_state_untrusted(STATE_TEXT.encode()) == STATE
    value = json.loads(STATE_TEXT)
    first = {
        name: each
        for name, each in value.items()
        if name not in ("v", "network", "slots_used", "slots", "relays", "nodes", "counters")
    }
    for told in (first, first | {"v": 1, "nodes": "unread"}):
        assert decode_state_untrusted(json.dumps(told).encode()).net == NOTHING
    later = value | {"v": 3, "nodes": [[*value["nodes"][0], "more"]], "relays": [[*value["relays"][0], 5]]}
    assert decode_state_untrusted(json.dumps(later).encode()).net.nodes == STATE.net.nodes
    node = value["nodes"][0]
    for bad in (
        {"v": 0}, {"v": "2"}, {"network": 65_536}, {"nodes": [node] * (MOST_NODES + 1)}, {"nodes": {}}, {"nodes": [node[:12]]},
        {"nodes": [["1", *node[1:]]]}, {"nodes": [[*node[:2], 256, *node[3:]]]}, {"nodes": [[*node[:11], -1, None]]}, {"nodes": [7]},
        {"nodes": [[*node[:12], 1.5]]}, {"relays": [[0, 1, 1, 1, 0]]}, {"relays": [[1, 1, 1, 1, 2]]}, {"relays": [[1, 1, 1, 1]]},
        {"relays": [[1] * 5] * 256},
        {"counters": {"a": -1}}, {"counters": {"a b": 1}}, {"counters": {"": 1}}, {"counters": [1]},
        {"counters": {f"a{n}": 1 for n in range(101)}},
    ):  # fmt: skip
        with pytest.raises(WireError):
            decode_state_untrusted(json.dumps(value | bad).encode())


def test_topics() -> None:
    number = "1234567890123456"
    assert gateway_of(topic(number, "up")) == (number, "up")
    assert gateway_of(topic(number, "state")) == (number, "state")
    for name in (topic(number, "down"), topic("123", "up"), topic(number, "up") + "/", "openmains/gateways/x/up", ""):
        assert gateway_of(name) is None

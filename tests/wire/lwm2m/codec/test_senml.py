# SPDX-License-Identifier: Apache-2.0
"""SenML packs: the specification's both ways, base fields, exact numbers, garbage."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec import senml
from openmains.wire.lwm2m.path import parse
from openmains.wire.lwm2m.value import Item, ObjectLink, Value, object_link

VECTORS = tomllib.loads((File(__file__).parents[4] / "vectors/lwm2m/senml.toml").read_text("utf-8"))
FORMATS = (content.SENML_JSON, content.SENML_CBOR)

numbers = st.integers(0, 65_534)
paths = st.tuples(numbers, numbers, numbers) | st.tuples(numbers, numbers, numbers, numbers)
decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4)
values: st.SearchStrategy[Value] = (
    st.booleans()
    | st.integers(-(2**63), 2**63)
    | decimals
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.builds(ObjectLink, numbers, numbers)
)
times = st.none() | st.integers(1, 2**32)
items = st.lists(st.builds(Item, paths, values, times), max_size=6)


def _item(row: list[str]) -> Item:
    value: Any = json.loads(row[1], parse_float=Decimal)
    if isinstance(value, dict):
        value = bytes.fromhex(value["hex"]) if "hex" in value else object_link(value["link"])
    return Item(parse(row[0]), value, json.loads(row[2], parse_float=Decimal) if row[2] else None)


@pytest.mark.parametrize("vector", VECTORS["pack"], ids=lambda vector: str(vector["name"]))
def test_packs_of_the_standards(vector: dict[str, Any]) -> None:
    wanted = [_item(row) for row in vector["items"]]
    documents = [(vector["json"].encode(), content.SENML_JSON)]
    if "cbor" in vector:
        documents.append((bytes.fromhex(vector["cbor"]), content.SENML_CBOR))
    for document, content_format in documents:
        assert senml.decode(document, content_format) == wanted
        if vector.get("both_ways"):
            assert senml.encode(wanted, content_format) == document


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: str(vector["source"]))
def test_packs_that_a_clause_forbids(vector: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        senml.decode(vector["json"].encode(), content.SENML_JSON)


@pytest.mark.parametrize("content_format", FORMATS)
@given(pack=items)
def test_what_is_written_is_read_back(content_format: int, pack: list[Item]) -> None:
    assert senml.decode(senml.encode(pack, content_format), content_format) == [
        Item(item.path, item.value, item.time_s if item.time_s is not None else _before(pack, index))
        for index, item in enumerate(pack)
    ]


def _before(pack: list[Item], index: int) -> int | None:
    """A record without a time after one with a time says 0, which is now: SenML has no word for "not said" then."""
    return 0 if any(item.time_s is not None for item in pack[:index]) else None


@pytest.mark.parametrize("content_format", FORMATS)
def test_paths_alone(content_format: int) -> None:
    wanted = [(3, 0, 9), (3424, 0), (5,)]
    document = senml.write_paths(wanted, content_format)
    assert [item.path for item in senml.decode(document, content_format, paths_only=True)] == wanted
    with pytest.raises(WireError):
        senml.decode(document, content_format)


def test_a_long_number_keeps_all_its_digits() -> None:
    text = "123456789012345678901234567890.123456789"
    (item,) = senml.decode(b'[{"n":"/3424/0/1","v":' + text.encode() + b"}]", content.SENML_JSON)
    assert item.value == Decimal(text)
    summed = senml.decode(b'[{"bn":"/3424/0/1","bv":1e30,"v":0.001}]', content.SENML_JSON)
    assert summed[0].value == Decimal("1000000000000000000000000000000.001")


@pytest.mark.parametrize("content_format", FORMATS)
@given(data=st.binary(max_size=80))
def test_garbage_raises_only_a_wire_error(content_format: int, data: bytes) -> None:
    try:
        senml.decode(data, content_format)
    except WireError as error:
        assert error.layer in ("senml", "cbor", "lwm2m", "text")


json_like: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*senml.LABELS.values(), "x_"]), inner),
    max_leaves=10,
)


@given(json_like)
def test_near_valid_json_raises_only_a_wire_error(document: Any) -> None:
    for attempt in (document, [document], [{"n": "/3/0/9", "v": document}]):
        try:
            senml.decode(json.dumps(attempt).encode(), content.SENML_JSON)
        except WireError as error:
            assert error.reason


def test_too_many_records_are_refused() -> None:
    pack = b"[" + b",".join([b'{"n":"/3/0/9","v":1}'] * (senml.MAX_RECORDS + 1)) + b"]"
    with pytest.raises(WireError, match="too many"):
        senml.decode(pack, content.SENML_JSON)
    with pytest.raises(WireError):
        senml.decode(b"[" * 100_000, content.SENML_JSON)

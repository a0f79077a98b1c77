# SPDX-License-Identifier: Apache-2.0
"""Plain JSON by a page: exact numbers, instants, words, and what is neither read nor ignored is said."""

import json
import random
from contextlib import suppress
from pathlib import Path

import pytest

from openmains.drivers import catalog
from openmains.drivers.errors import DriverPageError
from openmains.drivers.frame_reading import FrameFaultError
from openmains.drivers.model import MISSING_VALUE, Driver
from openmains.drivers.plain_json.hook import JsonDriver
from openmains.drivers.vectors import fault_of
from tests.drivers.test_all_drivers import TestEveryDriver as Rules
from tests.drivers.test_all_drivers import meaning

DOC = Path(__file__).parents[2] / "docs/protocols/json.md"
EXAMPLE = DOC.read_text("utf-8").split("```toml\n")[1].split("```")[0]
AT = 1_767_288_600
HEAD = """
[driver]
name = "acme/plain-1"
hook = "json"
medium = "water"
grade = "draft"
unit_exponent = -3
zh = "网关"
en = "Gateway"
[json]
zh = "状态"
en = "State"
"""
VECTOR = '\n[[vector]]\nname = "none"\nsource = "synthetic"\ntext = "{}"\nfault = "type"\n'
REGISTER = '[[field]]\npointer = "/r"\npoint = "register"\ndecimals = 3\n'


def load(fields: str, head: str = HEAD) -> Driver:
    return catalog.load_from({"acme/plain-1.toml": f"{head}\n{REGISTER}{fields}{VECTOR}"}).driver("acme/plain-1")


def read(driver: Driver, text: str) -> dict[str, object]:
    found = meaning(driver, text.encode(), AT)
    assert found is not None, driver.decode([text.encode()], [AT])[1]
    return found


def damages(driver: Driver, text: str) -> list[tuple[str, str]]:
    (columns,), _ = driver.decode([text.encode()], [AT])
    return [(damage.name, damage.detail) for damage in columns.damages]


def refusal(driver: Driver, text: str) -> tuple[str, str]:
    (rejected,) = driver.decode([text.encode()], [AT])[1]
    assert driver.check(text.encode()) == rejected.reason
    return rejected.reason, rejected.detail


def test_the_example_keeps_every_rule() -> None:
    driver = catalog.load_from({"acme/gateway-1.toml": EXAMPLE}).driver("acme/gateway-1")
    assert isinstance(driver, JsonDriver) and driver.topic == "plant/{number}/state"
    assert [fault_of(driver, vector) for vector in driver.vectors] == [""] * 4
    for name in dir(Rules):
        if name.startswith("test_") and name != "test_every_kind_has_a_good_vector_and_bad_ones_exist":
            getattr(Rules(), name)(driver)


@pytest.mark.parametrize(
    ("number", "litres"),
    [
        ("0", 0), ("1234.567", 1_234_567), ("1234.5670", 1_234_567), ("1.5e2", 150_000), ("-0.001", -1), ("12E-3", 12),
        ("9007199254740993", 9_007_199_254_740_993_000), ("0.1", 100), ("4611686018427387.903", 2**62 - 1), ("null", MISSING_VALUE),
    ],
)  # fmt: skip
def test_numbers_are_exact(number: str, litres: int) -> None:
    if abs(litres) >= 2**62 and litres != MISSING_VALUE:
        assert refusal(load(""), f'{{"r": {number}}}')[0] == "range"
    else:
        assert read(load(""), f'{{"r": {number}}}')["register"] == litres


@pytest.mark.parametrize(
    ("field", "value", "raw"),
    [
        ("decimals = 1", "1.25", "has more than 1 places"),
        ("decimals = 1\nround = true", "1.25", 13),
        ("decimals = 1\nround = true", "-1.25", -13),
        ("decimals = 1\nround = true", "1.2499999999999999999", 12),
        ("scale = 60", "2", 120),
        ("quoted = true", '"12"', 12),
        ("", '"12"', "is no number"),
        ("quoted = true", '"1e3"', "is no number"),
        ("quoted = true", '"twelve"', "is no number"),
        ("", "true", "is no number"),
        ("", "[1]", "is no single value"),
        ("max = 10", "11", "is outside"),
        ('missing = [-1, "n/a"]', "-1.0", MISSING_VALUE),
        ('missing = [-1, "n/a"]', '"n/a"', MISSING_VALUE),
        ("words = { open = 0, closed = 1, true = 5 }", '"closed"', 1),
        ("words = { open = 0, closed = 1, true = 5 }", "true", 5),
        ("words = { open = 0, closed = 1 }", '"ajar"', "'ajar' is not on the page"),
        ("", "1e39", "is outside"),
        ("", "1e99999", "is beyond 62 bits"),
    ],
)
def test_a_value_is_read_or_noted(field: str, value: str, raw: int | str) -> None:
    driver = load(f'[[field]]\npointer = "/x"\npoint = "temperature"\n{field}\n')
    text = f'{{"r": 1, "x": {value}}}'
    if isinstance(raw, int):
        assert read(driver, text)["temperature"] == raw
    else:
        ((name, why),) = damages(driver, text)
        assert name == "/x" and raw in why
        assert read(driver, text)["temperature"] == MISSING_VALUE
        assert read(driver, text)["register"] == 1000, "what is sound is kept"


@pytest.mark.parametrize(
    ("form", "value", "at"),
    [
        ("iso8601", '"2026-01-02T01:30:00+08:00"', AT), ("iso8601", '"2026-01-01T17:30:00Z"', AT), ("iso8601", '"2026-01-02 01:30"', AT),
        ("iso8601", '"2026-01-02T01:30:00.999+08:00"', AT), ("unix", str(AT), AT), ("unix_ms", f"{AT}999", AT),
        ("iso8601", '"yesterday"', AT), ("iso8601", str(AT), AT), ("unix", '"x"', AT), ("unix", "1e300", AT), ("unix", "null", AT),
    ],
)  # fmt: skip
def test_instants(form: str, value: str, at: int) -> None:
    """One that is none is noted, and the message is of its arrival."""
    driver = load(f'[[field]]\npointer = "/at"\npoint = "device_at"\ntime = "{form}"\n')
    assert read(driver, f'{{"r": 1, "at": {value}}}')["device_at"] == at


def test_what_is_neither_read_nor_ignored_is_noted() -> None:
    driver = load("", HEAD.replace('en = "State"', 'en = "State"\nignore = ["/meta", "/list/1"]'))
    text = '{"r": 1, "meta": {"a": {"b": 1}}, "list": [1, 2], "new": {"x": null, "a/b": 2}, "\\u0000\\ud800": 1}'
    assert [name for name, _ in damages(driver, text)] == ["/list/0", "/new/x", "/new/a/b", "/��"]
    many = json.dumps({"r": 1} | {f"k{n}": n for n in range(20)})
    assert len(damages(driver, many)) == 9 and "12 more" in damages(driver, many)[-1][1]


@pytest.mark.parametrize(
    ("text", "reason", "why"),
    [
        ("", "json", "Expecting value"), ("[1]", "json", "no object"), ('{"r": 1', "json", ""), ('{"r": 1, "r": 2}', "json", "stands twice"),
        ('{"r": NaN}', "json", "NaN"), ('{"r": 1e' + "9" * 30 + "}", "json", "nobody can hold"),
        ('{"r": ' + "1" * 41 + "}", "json", "more than 40"),
        ('{"a": ' * 50 + "1" + "}" * 50, "type", "nothing of register"), ('{"x": 1}', "type", "register"), ('{"r": "1"}', "range", "no number"),
        ('{"r": 1, "t": "' + "x" * 600 + '"}', "length", "512"), ("{" + "[" * 300, "json", ""),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, reason: str, why: str) -> None:
    found, detail = refusal(load(""), text)
    assert found == reason and why in detail, detail


def test_no_utf8_is_refused_at_its_byte() -> None:
    (rejected,) = load("").decode([b'{"r": 1, "a": "\xff"}'], [AT])[1]
    assert (rejected.reason, rejected.offset) == ("json", 15)


def test_events_are_and_are_over_and_a_heartbeat_needs_the_pages_word() -> None:
    event = '[[field]]\npointer = "/b"\nevent = "low_battery"\n'
    driver = load(event, HEAD.replace('en = "State"', 'en = "State"\nor_heartbeat = true'))
    found, _ = driver.decode([b'{"b": true}', b'{"b": 0}', b'{"r": 1}', b'{"b": "soon", "r": 1}'], [AT] * 4)
    by_row = {row: (str(c.kind), c.event_known.bit_count()) for c in found for row in c.rows}
    assert by_row == {0: ("heartbeat", 1), 1: ("heartbeat", 1), 2: ("report", 0), 3: ("report", 0)}


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ('pointer = "x"\npoint = "valve"', "no JSON pointer"),
        ('pointer = "/r"\npoint = "valve"', "read already"),
        ('pointer = "/r/x"\npoint = "valve"', "read already"),
        ('pointer = "/x"', "a point or an event"),
        ('pointer = "/x"\npoint = "valves"', "no single point"),
        ('pointer = "/x"\npoint = "increments"', "no single point"),
        ('pointer = "/x"\npoint = "register"', "in another field"),
        ('pointer = "/x"\npoint = "device_at"', "has time"),
        ('pointer = "/x"\npoint = "valve"\ntime = "unix"', "has time"),
        ('pointer = "/x"\npoint = "valve"\nwords = { a = "b" }', "needs a whole number"),
        ('pointer = "/x"\npoint = "valve"\nwords = { a = 1 }\ndecimals = 1', "decimals is a number's"),
        ('pointer = "/x"\nevent = "fire"', "not in points.toml"),
        ('pointer = "/x"\nevent = "burst"\nmin = 1', "an event has no min"),
        ('pointer = "/x"\npoint = "valve"\ndecimals = 13', "0..12"),
    ],
)
def test_a_broken_page_names_its_line(field: str, why: str) -> None:
    with pytest.raises(DriverPageError, match=r".") as found:
        load(f"[[field]]\n{field}\n")
    assert why in found.value.why and found.value.line > 0, str(found.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('topic = "a/b"', "one level {number}"), ('topic = "a/{number}/{number}"', "one level"), ('topic = "{number}/#"', "a level of a topic"),
        ('topic = "{number}/a+"', "a level of a topic"), ('ignore = ["/r"]', "is read"),
        ("utc_offset_min = 900", "-840..840"), ("x = 1", "unknown key"),
    ],
)  # fmt: skip
def test_a_broken_head_names_its_line(line: str, why: str) -> None:
    with pytest.raises(DriverPageError, match=r".") as found:
        load("", HEAD.replace('en = "State"', f'en = "State"\n{line}'))
    assert why in found.value.why, str(found.value)


def test_garbage_is_read_or_refused_and_nothing_else() -> None:
    source = random.Random(8259)  # noqa: S311 - the same texts in every run are wanted
    driver = catalog.load_from({"acme/gateway-1.toml": EXAMPLE}).driver("acme/gateway-1")
    good = [vector.frame for vector in driver.vectors]
    texts = []
    for _ in range(2000):
        text = bytearray(source.choice(good))
        for _ in range(source.randrange(4)):
            text[source.randrange(len(text))] = source.choice(b'{}[]":,0123456789eE.-\\u\xff ')
        texts.append(bytes(text))
    found, rejected = driver.decode(texts, [AT] * len(texts))
    assert sorted([row for c in found for row in c.rows] + [r.row for r in rejected]) == list(range(len(texts)))
    refused = {r.row: r.reason for r in rejected}
    assert all(driver.check(text) == refused.get(row) for row, text in enumerate(texts))
    assert 0 < len(refused) < len(texts)


LIST = HEAD.replace('en = "State"', 'en = "State"\ntopic = "works/+/all"\neach = "/meters"\nnumber = "/meters/0/id"')
OF_LIST = '[[field]]\npointer = "/meters/0/m3"\npoint = "register_raw"\ndecimals = 3\n'


def of_list() -> JsonDriver:
    driver = load(OF_LIST, LIST)
    assert isinstance(driver, JsonDriver)
    return driver


def test_a_message_of_several_meters_becomes_one_each_that_says_the_same() -> None:
    driver = of_list()
    whole = (
        '{"r": 1.50, "meters": [{"id": "7", "m3": 1234.5670}, {"id": 8, "m3": 1e1, "x": "水\\ud800"}, {"m3": null}]}'
    )
    parts = driver.split(whole.encode())
    assert [part.number for part in parts] == ["7", "8", ""]
    assert parts[0].text == b'{"r":1.50,"meters":[{"id":"7","m3":1234.5670}]}'
    assert [read(driver, part.text.decode())["register_raw"] for part in parts[:2]] == [1_234_567, 10_000]
    assert damages(driver, parts[1].text.decode()) == [("/meters/0/x", "is not on the page")]
    assert driver.check(whole.encode()) == "type", "nobody reads the first and leaves the rest"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"meters": []}', "type"), ('{"meters": {"id": 7}}', "type"), ('{"r": 1}', "type"), ("{", "json"), ("[1]", "json"),
        ('{"meters": [' + ",".join(["1"] * 1001) + "]}", "length"), ('{"x": "' + "y" * 5000 + '", "meters": [1]}', "length"),
        ('{"meters": [' + "[" * 5000 + "]" * 5000 + "]}", "json"), (" " * 300_000, "length"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_apart_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FrameFaultError) as found:
        of_list().split(text.encode())
    assert found.value.fault.reason == reason


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 990])
def test_lists_within_lists_are_taken_apart_or_refused_and_nothing_else(depth: int) -> None:
    with suppress(FrameFaultError):
        assert len(of_list().split(('{"meters": [' + "[" * depth + "]" * depth + "]}").encode())) == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('each = "/m"', "go together"), ('each = "/m"\nnumber = "/n/0/id"', "lies in element 0"),
        ('each = "/m"\nnumber = "/m/0"', "lies in element 0"),
        ('each = "/m"\nnumber = "/m/0/id"\ntopic = "a/{number}"', "none with each"), ('topic = "a/b"', "one level {number}"),
    ],
)  # fmt: skip
def test_a_broken_list_names_its_line(line: str, why: str) -> None:
    with pytest.raises(DriverPageError, match=r".") as found:
        load("", HEAD.replace('en = "State"', f'en = "State"\n{line}'))
    assert why in found.value.why, str(found.value)

# SPDX-License-Identifier: Apache-2.0
"""Where things stand in a page, and the one checker of shapes."""

from typing import NotRequired, TypedDict

import pytest

from openmains.drivers.errors import DriverPageError, Place
from openmains.drivers.page_reader import open_text

TEXT = """\
[driver]
name = "a/b"   # its file
zh = "甲" # en = "none"

[header]
fields = [
  { name = "x", type = "u8" },
  # { name = "left", type = "out" },
  { name = "y", type = "u8" },
]

[[message]]
name = "one"
[message.more]
"at sea" = 1
[[message]] # the second
name = "two"
list = [
  [1, 2],
]
[[message.part]]
k = 1
[[message.part]]
k = 2
[bits.state]
valve = { at = 0, width = 2 }
"""


class Entry(TypedDict):
    name: str
    count: NotRequired[int]
    on: NotRequired[bool]
    more: NotRequired[dict[str, object]]
    fields: NotRequired[list[object]]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("driver",), 1),
        (("driver", "name"), 2),
        (("driver", "zh"), 3),
        (("header", "fields"), 6),
        (("header", "fields", 0), 7),
        (("header", "fields", 1), 9),
        (("header", "fields", 1, "type"), 9),
        (("message", 0), 12),
        (("message", 0, "more", "at sea"), 15),
        (("message", 1), 16),
        (("message", 1, "name"), 17),
        (("message", 1, "list", 0, 1), 18),
        (("message", 1, "part", 0, "k"), 22),
        (("message", 1, "part", 1, "k"), 24),
        (("bits", "state", "valve", "width"), 26),
        (("nowhere", "at", "all"), 0),
    ],
)
def test_everything_has_the_line_it_stands_in(path: tuple[str | int, ...], line: int) -> None:
    assert open_text("a/b.toml", TEXT).place(*path) == Place("a/b.toml", line)


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("[driver]\nnames = 1", "unknown key names; known here: name, count, on, more, fields", 2),
        ("[driver]\nname = 1", "name must be str", 2),
        ('[driver]\nname = "a"\ncount = true', "count must be int", 3),
        ('[driver]\nname = "a"\ncount = 1.5', "count must be int", 3),
        ('[driver]\nname = "a"\non = 1', "on must be bool", 3),
        ('[driver]\nname = "a"\nmore = 1', "more must be a table", 3),
        ('[driver]\nname = "a"\nfields = {}', "fields must be a list", 3),
        ("[driver]\ncount = 1", "name is missing in driver", 1),
        ("", "name is missing in driver", 0),
        ("driver = 3", "a table { … } is needed here", 1),
    ],
)
def test_a_wrong_shape_is_refused_where_it_stands(text: str, why: str, line: int) -> None:
    with pytest.raises(DriverPageError) as caught:
        open_text("a/b.toml", text).section(Entry, "driver")
    assert (caught.value.file, caught.value.line, caught.value.why) == ("a/b.toml", line, why)


def test_a_right_shape_is_what_it_was() -> None:
    reader = open_text("a/b.toml", '[[driver]]\nname = "a"\non = true\n[[driver]]\nname = "b"\nfields = [1]')
    assert list(reader.listed(Entry, "driver")) == [
        (("driver", 0), {"name": "a", "on": True}),
        (("driver", 1), {"name": "b", "fields": [1]}),
    ]
    assert list(reader.listed(Entry, "message")) == []

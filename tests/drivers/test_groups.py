# SPDX-License-Identifier: Apache-2.0
"""What pages share: a group stands in for what it holds, nothing is replaced, a fault is named where it is written."""

import re
from collections import defaultdict
from importlib import resources

import pytest

from openmains.drivers import catalog
from openmains.drivers.errors import DriverPageError, Place
from openmains.drivers.groups import Groups

GROUPS = """\
signal = [
  { name = "rsrp" },
  { name = "sinr" },
]
state = [
  { name = "flags" },
  { use = "acme/signal" },
]
[flags]
leak = 1
[all_flags]
use = "acme/flags"
low = { at = 2 }
[[messages]]
name = "one"
fields = [
  { use = "acme/state" },
]
[[messages]]
name = "two"
[round]
use = "acme/about"
[about]
use = "acme/round"
"""


def opened(text: str, groups: str = GROUPS) -> dict[str, object]:
    return dict(Groups({"acme/groups.toml": groups}).open("acme/m1.toml", text).data)


def refused(text: str, groups: str = GROUPS) -> tuple[str, int, str]:
    with pytest.raises(DriverPageError) as caught:
        opened(text, groups)
    return caught.value.file, caught.value.line, caught.value.why


def test_a_list_goes_into_a_list_in_its_place() -> None:
    text = 'fields = [\n{ name = "a" },\n{ use = "acme/state" },\n{ name = "b" },\n]'
    names = [{"name": name} for name in ("a", "flags", "rsrp", "sinr", "b")]
    assert opened(text) == {"fields": names}
    text = '[[message]]\nuse = "acme/messages"\n[[message]]\nname = "three"'
    inner = {"name": "one", "fields": names[1:4]}
    assert opened(text) == {"message": [inner, {"name": "two"}, {"name": "three"}]}


def test_a_table_goes_into_a_table_beside_its_own_keys() -> None:
    assert opened('[events.flags]\nburst = 21\nuse = "acme/all_flags"\nempty = 22') == {
        "events": {"flags": {"burst": 21, "leak": 1, "low": {"at": 2}, "empty": 22}}
    }
    assert opened('[[vector]]\nname = "x"\nmeans = { use = "acme/flags", more = [1, 2] }') == {
        "vector": [{"name": "x", "means": {"leak": 1, "more": [1, 2]}}]
    }


def test_everything_is_placed_where_it_is_written() -> None:
    page = Groups({"acme/groups.toml": GROUPS}).open(
        "acme/m1.toml", '[[message]]\nuse = "acme/messages"\n[events.flags]\nburst = 21\nuse = "acme/all_flags"'
    )
    used = Place("acme/m1.toml", 2)
    assert page.place("message", 0, "name") == Place("acme/groups.toml", 15, used)
    assert page.place("message", 1) == Place("acme/groups.toml", 19, used)
    state = Place("acme/groups.toml", 17, used)
    assert page.place("message", 0, "fields", 0) == Place("acme/groups.toml", 6, state)
    assert page.place("message", 0, "fields", 1) == Place("acme/groups.toml", 2, Place("acme/groups.toml", 7, state))
    assert page.place("events", "flags", "burst") == Place("acme/m1.toml", 4)
    assert page.place("events", "flags", "low", "at") == Place("acme/groups.toml", 13, Place("acme/m1.toml", 5))
    with pytest.raises(DriverPageError) as caught:
        page.fail(page.place("message", 0, "fields", 1), "it is wrong")
    assert str(caught.value) == (
        "acme/groups.toml:2: it is wrong (used at acme/groups.toml:7) (used at acme/groups.toml:17)"
        " (used at acme/m1.toml:2)"
    )


@pytest.mark.parametrize(
    ("text", "file", "line", "why"),
    [
        ('[driver]\nuse = "acme/none"', "m1", 2, "there is no group 'acme/none'"),
        ('[driver]\nuse = "signal"', "m1", 2, "there is no group 'signal'; a group is named maker/group"),
        ("[driver]\nuse = 1", "m1", 2, "there is no group 1"),
        ('[driver]\nuse = "acme/signal"', "m1", 2, "acme/signal is a list: it goes into a list"),
        ('[[a]]\nuse = "acme/signal"\nb = 1', "m1", 2, "acme/signal is a list: its use has no other key"),
        ('[driver]\nuse = "acme/flags"\nleak = 2', "m1", 3, "leak is in the group acme/flags already"),
        ('[driver]\nuse = "acme/round"', "groups", 24, "uses itself: acme/round > acme/about > acme/round"),
    ],
)
def test_a_use_that_cannot_be_followed(text: str, file: str, line: int, why: str) -> None:
    found = refused(text)
    assert found[:2] == (f"acme/{file}.toml", line)
    assert why in found[2]


@pytest.mark.parametrize("groups", ["a = 1", "a = [1]", 'a = "b"', "[a]\n[[b]]\n[[b.c]]\n[d]\n[d.e]\n[f\n"])
def test_what_is_no_group(groups: str) -> None:
    file, line, _ = refused("", groups)
    assert file == "acme/groups.toml" and line > 0


def test_a_group_of_the_reference_pages_is_shared() -> None:
    """A group that one page alone uses belongs into that page."""
    pages = catalog.pages_in(resources.files("openmains.drivers"))
    used_by = defaultdict(set)
    for file, text in pages.items():
        for name in re.findall(r'^[^#\n]*\buse = "([^"]+)"', text, re.MULTILINE):
            used_by[name].add(file)
    groups = Groups({file: text for file, text in pages.items() if file.endswith("/groups.toml")})
    assert set(groups.names()) == set(used_by)
    for name, files in used_by.items():
        assert len(files) > 1 or f"{name.partition('/')[0]}/groups.toml" in files, name

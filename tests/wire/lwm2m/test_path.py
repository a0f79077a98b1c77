# SPDX-License-Identifier: Apache-2.0
"""Paths: text both ways, and what is none."""

import pytest

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.path import from_segments, is_below, parse, segments, text


@pytest.mark.parametrize("path", [(), (3,), (3, 0), (3424, 0, 1), (3, 0, 11, 65534)])
def test_text_both_ways(path: tuple[int, ...]) -> None:
    assert parse(text(path)) == path
    assert from_segments(segments(path)) == (path or None)


@pytest.mark.parametrize(
    "word", ["", "3/0", "//", "/3/", "/03", "/65535", "/1/2/3/4/5", "/-1", "/3/x", "/１", "/99999999"]
)
def test_what_is_no_path(word: str) -> None:
    with pytest.raises(WireError):
        parse(word)


def test_below() -> None:
    assert is_below((3, 0, 9), (3, 0)) and is_below((3,), ()) and is_below((3,), (3,))
    assert not is_below((3,), (3, 0)) and not is_below((31,), (3,))

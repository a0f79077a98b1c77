# SPDX-License-Identifier: Apache-2.0
"""Link format: the RFC's examples both ways, garbage."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec import link_format
from openmains.wire.lwm2m.codec.link_format import Link

VECTORS = tomllib.loads((Path(__file__).parents[4] / "vectors/lwm2m/link_format.toml").read_text("utf-8"))

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=6)
links = st.builds(
    Link,
    st.text(st.characters(exclude_characters=">", exclude_categories=["Cs"]), max_size=12),
    st.dictionaries(names, st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=3),
)


@pytest.mark.parametrize("vector", VECTORS["document"], ids=lambda vector: str(vector["source"]))
def test_documents_of_the_standards(vector: dict[str, Any]) -> None:
    wanted = [
        Link(target, {name: value or None for name, value in attributes.items()})
        for target, attributes in vector["links"]
    ]
    assert link_format.parse(vector["text"].encode()) == wanted
    assert link_format.parse(link_format.write(wanted)) == wanted


@given(st.lists(links, max_size=5))
def test_what_is_written_is_read_back(document: list[Link]) -> None:
    assert link_format.parse(link_format.write(document)) == document


@pytest.mark.parametrize(
    "text",
    [
        "/3/0", "<", "</3/0", "</3>;a=", '</3>;a="', "</3></4>", "\xff", "</3> </4>", "</3>;ct=60 </4>", "</3>;ct=60,110,</4>",
        "</3>\0,</4>", "</3>;=1", '</3>;ct="60 110', '</3>;ct=60 "110"', "</3>;ct 60", "</3>\0garbage",
    ],
)  # fmt: skip
def test_malformed_documents_are_refused(text: str) -> None:
    with pytest.raises(WireError):
        link_format.parse(text.encode("latin-1"))


def test_blanks_between_links_are_forgiven() -> None:
    assert [link.target for link in link_format.parse(b" </1/0>, </3/0>,\n</19/0>")] == ["/1/0", "/3/0", "/19/0"]


SLOPPY = [
    "</>;ct=60 110 112,</3/0>",
    "</>;ct=60  110\t112 ,</3/0>",
    '</>; ct="60 110 112" , </3/0>',
    '</> ;ct = "60 110 112",</3/0>',
    '</>;ct="60 110 112",</3/0>,',
    '</>;ct="60 110 112",</3/0>, \r\n',
    '</>;ct="60 110 112",,</3/0>',
    ',</>;ct="60 110 112",</3/0>',
    '</>;ct="60 110 112";,</3/0>;',
    '</>;ct="60 110 112",</3/0>\0',
    "</>;ct=60 110 112,</3/0>,\0\0",
    " </>;ct=60 110 112 , </3/0> ",
]


@pytest.mark.parametrize("text", SLOPPY)
def test_what_modules_send_against_the_rfc_is_read_where_it_means_one_thing(text: str) -> None:
    assert link_format.parse(text.encode()) == [Link("/", {"ct": "60 110 112"}), Link("/3/0", {})]


@given(st.text(" ,\r\n\t\0", max_size=8), st.lists(links, max_size=4))
def test_padding_behind_a_document_changes_nothing(padding: str, document: list[Link]) -> None:
    written = link_format.write(document)
    if "\0" not in padding.rstrip("\0 \t\r\n"):
        assert link_format.parse(written + padding.encode()) == document


def test_the_number_of_links_is_bounded() -> None:
    with pytest.raises(WireError, match="too many links"):
        link_format.parse(b",".join([b"</3>"] * 5), max_links=4)


@given(st.text('<>/;,="\\ab1', max_size=40))
def test_garbage_raises_only_a_wire_error(text: str) -> None:
    try:
        link_format.parse(text.encode())
    except WireError as error:
        assert error.layer == "link-format"

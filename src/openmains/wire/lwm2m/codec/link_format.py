# SPDX-License-Identifier: Apache-2.0
"""CoRE link format (RFC 6690) as LwM2M uses it: registrations, Discover, Bootstrap-Discover.

Theory: ``<target>;name;name="value",<target>…``. Commas and semicolons inside of angle brackets or quotes separate
nothing, so this is a scanner, not a split. Attribute values come back without quotes; a name without a value has
None. Names may repeat (section 3); the first counts, as for ``rel`` and ``rt`` there.

Modules in the field send what the RFC forbids and what can mean one thing only; that is read: blanks around links, names,
values and signs; several bare words as one value (``ct=60 110 112``); a comma or semicolon with nothing behind it; NULs
at the end of the document, where a string of C ends. Everything else is refused: nothing of a document is left out.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from openmains.wire.errors import WireError

LAYER: Final = "link-format"

_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&+-.^_`|~*%'")
_BLANKS: Final = frozenset(" \t\r\n")
_BARE: Final = _NAME | frozenset("()/:<=>?@[]{}")  # ptoken


class Link(NamedTuple):
    """One link: its target as it stands between the brackets, and its attributes."""

    target: str
    attributes: Mapping[str, str | None]


def parse(data: bytes, max_links: int = 1024) -> list[Link]:
    """All links of a document; none in an empty one. Raises :class:`WireError`."""
    try:
        text = data.rstrip(b"\0 \t\r\n").decode()
    except UnicodeDecodeError as error:
        raise WireError(LAYER, error.start, "text is not UTF-8") from None
    links: list[Link] = []
    at = 0
    while at < len(text):
        if links and text[at] != ",":
            raise WireError(LAYER, at, "comma expected")
        while text[at : at + 1] == "," or text[at : at + 1] in _BLANKS:
            at += 1
        if at == len(text):
            break
        if len(links) >= max_links:
            raise WireError(LAYER, at, "too many links")
        if text[at : at + 1] != "<":
            raise WireError(LAYER, at, "link expected")
        end = text.find(">", at)
        if end < 0:
            raise WireError(LAYER, at, "link not closed")
        target = text[at + 1 : end]
        attributes, at = _attributes(text, end + 1)
        links.append(Link(target, attributes))
    return links


def _attributes(text: str, at: int) -> tuple[dict[str, str | None], int]:
    found: dict[str, str | None] = {}
    while text[(at := _skip(text, at)) : at + 1] == ";":
        start = at = _skip(text, at + 1)
        if text[at : at + 1] in ("", ",", ";"):
            continue  # a semicolon too many
        while at < len(text) and text[at] in _NAME:
            at += 1
        name = text[start:at]
        if not name:
            raise WireError(LAYER, at, "attribute name expected")
        value: str | None = None
        if text[(signed := _skip(text, at)) : signed + 1] == "=":
            value, at = _value(text, _skip(text, signed + 1))
        found.setdefault(name, value)
    return found, at


def _skip(text: str, at: int) -> int:
    """Where the blanks from ``at`` on end."""
    while text[at : at + 1] in _BLANKS:
        at += 1
    return at


def _value(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        start = at
        while at < len(text) and text[at] in _BARE:
            at += 1
        if at == start:
            raise WireError(LAYER, at, "attribute value expected")
        words = [text[start:at]]
        # More bare words belong to it. One with a bracket does not: a link whose comma is missing must not vanish in here.
        while (start := _skip(text, at)) > at and text[start : start + 1] in _NAME:
            at = start
            while at < len(text) and text[at] in _NAME:
                at += 1
            words.append(text[start:at])
        return " ".join(words), at
    letters: list[str] = []
    at += 1
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == '"':
            return "".join(letters), at
        if letter == "\\":
            letter = text[at : at + 1]
            at += 1
        letters.append(letter)
    raise WireError(LAYER, at, "quote not closed")


def write(links: Iterable[Link]) -> bytes:
    """The document. Values that a bare token can carry stay bare, others are quoted."""
    return ",".join(_text(link) for link in links).encode()


def _text(link: Link) -> str:
    if ">" in link.target:
        raise WireError(LAYER, 0, "target with a bracket")
    parts = [f"<{link.target}>"]
    for name, value in link.attributes.items():
        if not name or not _NAME.issuperset(name):
            raise WireError(LAYER, 0, "attribute name expected")
        if value is None:
            parts.append(name)
        elif value and name not in _QUOTED and _NAME.issuperset(value):
            parts.append(f"{name}={value}")
        else:
            parts.append(f'{name}="{_escaped(value)}"')
    return ";".join(parts)


_QUOTED: Final = frozenset({"rt", "if", "title", "rel", "uri"})  # quoted in the examples of RFC 6690 and of LwM2M


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')

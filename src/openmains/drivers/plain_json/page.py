# SPDX-License-Identifier: Apache-2.0
"""A checked page of plain JSON, as ``schema`` makes it and ``text`` reads messages by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openmains.drivers.model import Kind, Title

MOST_RAW = 2**62  # a value beyond is damage: sums and differences of two still fit 64 bits
ISO, UNIX, UNIX_MS = "iso8601", "unix", "unix_ms"
TIMES = (ISO, UNIX, UNIX_MS)
NUMBER = "{number}"  # in a topic: where the meter's number stands


@dataclass(frozen=True, slots=True)
class JsonField:
    """One value. ``pointer``: RFC 6901. value of the point = number × 10^``decimals`` × ``scale``; more places than that are damage, unless it
    ``rounds``. ``words``: a text or a truth → number. ``event``: true or 1 says that it is, false or 0 that it is over."""

    pointer: str
    path: tuple[str, ...]
    point: str = ""
    event: int | None = None
    decimals: int = 0
    scale: int = 1
    rounds: bool = False
    quoted: bool = False
    time: str = ""
    words: Mapping[str, int] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()  # numbers and texts that mean 'not known', as ``text.token`` writes them
    low: int = -MOST_RAW
    high: int = MOST_RAW


@dataclass(frozen=True, slots=True)
class JsonPage:
    """The messages of one product. ``ignored``: what nobody needs; whatever else is in a message is noted. ``topic``: at an MQTT broker, with
    ``{number}`` for the meter's number; "" where the text comes another way. ``each``: path of a list with an element a meter, whose ``number``
    is then in the text; empty: a message is of one meter."""

    title: Title
    fields: tuple[JsonField, ...]
    needs: frozenset[str]
    ignored: frozenset[tuple[str, ...]]
    utc_offset_s: int
    topic: str
    kind: Kind = Kind.REPORT
    or_heartbeat: bool = False
    each: tuple[str, ...] = ()
    number: tuple[str, ...] = ()

    @property
    def known(self) -> int:
        """Mask of the events that it can say."""
        return sum({1 << each.event for each in self.fields if each.event is not None})

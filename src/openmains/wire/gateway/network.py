# SPDX-License-Identifier: Apache-2.0
"""What a gateway says of its network in ``state``: relays, meters, slices, counters (R5.5), layout 2. A gateway of layout 1 says none of it.

``nodes`` are not all of them: those of which something is new, and in turn the others, so that each is said once an hour; a platform that
begins anew has all of them by then. A relay and a meter are lists of values, for there may be 250 of them in a message each minute:

    relays  number, probes asked and answered in this run, heard at, 1 while it is lost
    nodes   number, logical id, relay, channel, slice, 1 active + 2 silent, heard at, messages, said again, cycles with a word and without
            one (these four counted in this run), ms into its slice of the newest message, its clock minus ours (ms) when it said it; these two
            null where nothing is known

Instants are ms since 1970 UTC, 0 where not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from openmains.wire.errors import WireError
from openmains.wire.gateway.fields import LAYER, MOST_INT, Fields, is_number

LAYOUT: Final = 2
MOST_NODES: Final = 250  # of one message
MOST_RELAYS: Final = 255
MOST_COUNTERS: Final = 100
ACTIVE, SILENT = 1, 2
_FARTHEST_MS: Final = 10 * 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class RelayWord:
    """A relay, as its gateway hears it. ``asked``, ``answered``: probes in this run."""

    number: int
    asked: int
    answered: int
    heard_ms: int
    is_lost: bool


@dataclass(frozen=True, slots=True)
class NodeWord:
    """A meter, as its gateway hears it. ``heard``, ``missed``: cycles in this run; ``late_ms``: into its slice, ``clock_off_ms``: its clock
    minus the gateway's, None where nothing is known."""

    number: str
    logical: int
    via: int
    channel: int
    slice_index: int
    is_active: bool
    is_silent: bool
    heard_ms: int
    messages: int
    repeats: int
    heard: int
    missed: int
    late_ms: int | None = None
    clock_off_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NetworkWord:
    """``layout``: 1 for a gateway that says nothing of it. ``slots_used`` of ``slots``: slices that meters have, of those there are."""

    layout: int = 1
    network: int = 0
    slots_used: int = 0
    slots: int = 0
    relays: tuple[RelayWord, ...] = ()
    nodes: tuple[NodeWord, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)


NOTHING: Final = NetworkWord()


def network_values(word: NetworkWord) -> dict[str, Any]:
    """Members of the message."""
    if word.layout < LAYOUT:
        return {}
    relays = [[each.number, each.asked, each.answered, each.heard_ms, int(each.is_lost)] for each in word.relays]
    nodes = [
        [
            each.number, each.logical, each.via, each.channel, each.slice_index, each.is_active * ACTIVE + each.is_silent * SILENT,
            each.heard_ms, each.messages, each.repeats, each.heard, each.missed, each.late_ms, each.clock_off_ms,
        ]
        for each in word.nodes
    ]  # fmt: skip
    return {
        "v": word.layout, "network": word.network, "slots_used": word.slots_used, "slots": word.slots, "relays": relays,
        "nodes": nodes, "counters": dict(word.counters),
    }  # fmt: skip


def network_of(told: Fields) -> NetworkWord:
    """Of a message that is not trusted. Raises ``WireError``; a later layout is read as far as this one goes."""
    if "v" not in told.values:
        return NOTHING
    layout = told.integer("v", 1, 1_000)
    if layout < LAYOUT:
        return NOTHING
    return NetworkWord(
        layout,
        told.integer("network", 0, 65_535),
        told.integer("slots_used"),
        told.integer("slots"),
        tuple(_relay(each) for each in _list(told, "relays", MOST_RELAYS)),
        tuple(_node(each) for each in _list(told, "nodes", MOST_NODES)),
        _counters(told.values.get("counters", {})),
    )


def _list(told: Fields, name: str, most: int) -> list[object]:
    found = told.values.get(name, [])
    if not isinstance(found, list) or len(found) > most:
        raise WireError(LAYER, 0, name)
    return found


def _relay(value: object) -> RelayWord:
    if not isinstance(value, list) or len(value) < 5:
        raise WireError(LAYER, 0, "relay")
    number = _whole(value[0], "relay", 1, 255)
    asked, answered, heard_ms = (_whole(each, "relay") for each in value[1:4])
    return RelayWord(number, asked, answered, heard_ms, bool(_whole(value[4], "relay", 0, 1)))


def _node(value: object) -> NodeWord:
    if not isinstance(value, list) or len(value) < 13 or not isinstance(value[0], str) or not is_number(value[0]):
        raise WireError(LAYER, 0, "node")
    logical, via, channel, place, flags = (
        _whole(each, "node", 0, most) for each, most in zip(value[1:6], (65_535, 255, 255, 86_400, 255), strict=True)
    )
    heard_ms, messages, repeats, heard, missed = (_whole(each, "node") for each in value[6:11])
    late_ms = None if value[11] is None else _whole(value[11], "node", 0, 86_400_000)
    off_ms = None if value[12] is None else _whole(value[12], "node", -_FARTHEST_MS, _FARTHEST_MS)
    return NodeWord(
        value[0], logical, via, channel, place, bool(flags & ACTIVE), bool(flags & SILENT), heard_ms, messages, repeats, heard, missed,
        late_ms, off_ms,
    )  # fmt: skip


def _counters(value: object) -> Mapping[str, int]:
    if not isinstance(value, dict) or len(value) > MOST_COUNTERS:
        raise WireError(LAYER, 0, "counters")
    for name, count in value.items():
        if not isinstance(name, str) or not 0 < len(name) <= 64 or not name.isidentifier() or not name.isascii():
            raise WireError(LAYER, 0, "counters")
        _whole(count, "counters")
    return value


def _whole(value: object, name: str, low: int = 0, high: int = MOST_INT) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise WireError(LAYER, 0, name)
    return value

# SPDX-License-Identifier: Apache-2.0
"""The topology out of the rows of the book: who is behind whom, and how each stands because of itself or of who is before it. Pure.

A node that fails by itself is ``failed``; what can only be reached through one is ``cut_off``, for nothing can be known of it; a node of which
nothing was ever heard, or behind one like it, is ``unknown``. ``warned``: it works, and somebody should look: its clock is off by 2 s or more,
or a gateway is on its battery.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from openmains.app.network.model import KINDS, STATES, NodeKind, NodeState, Topology

OFF_MS: Final = 2_000
MOST_METERS: Final = 20_000
_CODE: Final = {name: code for code, name in enumerate(STATES)}
_KIND: Final = {name: code for code, name in enumerate(KINDS)}
_UNKNOWN: Final[NodeKind] = "concentrator"
_BOOK: Final[dict[int, NodeKind]] = {
    1: "terminal",
    2: "concentrator",
    3: "dtu",
    4: "gateway",
}  # as they register; before that, as the commonest


@dataclass(frozen=True, slots=True)
class HeadRow:
    """A gateway, concentrator or DTU. ``book_kind``, ``is_connected``: None where it never connected."""

    concentrator_id: int
    number: str
    name: str
    book_kind: int | None
    is_connected: bool | None
    is_warned: bool
    lat_e7: int | None
    lon_e7: int | None


@dataclass(frozen=True, slots=True)
class PlatformRow:
    """An operator's platform. ``is_well``: None where nothing was ever heard of it."""

    platform_id: int
    name: str
    is_well: bool | None


@dataclass(frozen=True, slots=True)
class RelayRow:
    """Of a gateway."""

    concentrator_id: int
    number: int
    name: str
    is_failed: bool
    lat_e7: int | None
    lon_e7: int | None


@dataclass(frozen=True, slots=True)
class MeterRow:
    """Behind a gateway, or at a platform. ``is_failed``: silent; None: never heard; ``via``: a relay, 0: without one."""

    head_id: int
    at_platform: bool
    meter_id: int
    number: str
    via: int
    is_failed: bool | None
    clock_off_ms: int | None
    lat_e7: int | None
    lon_e7: int | None


def topology(
    heads: Sequence[HeadRow],
    platforms: Sequence[PlatformRow],
    relays: Sequence[RelayRow],
    meters: Sequence[MeterRow],
    at: datetime,
    left_out: int = 0,
) -> Topology:
    """In columns."""
    made = Topology(at, list(KINDS), list(STATES), [], [], [], [], [], [], [], [], left_out)
    places: dict[tuple[str, int, int], int] = {}

    def add(
        kind: NodeKind,
        parent: int,
        key: int,
        number: str,
        name: str,
        state: NodeState,
        lat_e7: int | None,
        lon_e7: int | None,
    ) -> int:
        made.kind.append(_KIND[kind])
        made.parent.append(parent)
        made.key.append(key)
        made.number.append(number)
        made.name.append(name)
        made.state.append(_CODE[state])
        made.lat_e7.append(lat_e7)
        made.lon_e7.append(lon_e7)
        return len(made.kind) - 1

    for platform in platforms:
        state = _own(None if platform.is_well is None else not platform.is_well, False)
        places["platform", platform.platform_id, 0] = add(
            "platform", -1, platform.platform_id, "", platform.name, state, None, None
        )
    for head in heads:
        kind: NodeKind = _BOOK.get(head.book_kind or 0, _UNKNOWN)
        state = _own(None if head.is_connected is None else not head.is_connected, head.is_warned)
        places["head", head.concentrator_id, 0] = add(
            kind, -1, head.concentrator_id, head.number, head.name, state, head.lat_e7, head.lon_e7
        )
    for relay in relays:
        parent = places.get(("head", relay.concentrator_id, 0))
        if parent is not None:
            state = _behind(STATES[made.state[parent]], _own(relay.is_failed, False))
            places["head", relay.concentrator_id, relay.number] = add(
                "relay", parent, relay.number, str(relay.number), relay.name, state, relay.lat_e7, relay.lon_e7
            )
    for meter in meters:
        side = "platform" if meter.at_platform else "head"
        parent = places.get((side, meter.head_id, meter.via), places.get((side, meter.head_id, 0)))
        if parent is not None:
            off = meter.clock_off_ms is not None and abs(meter.clock_off_ms) >= OFF_MS
            state = _behind(STATES[made.state[parent]], _own(meter.is_failed, off))
            add("meter", parent, meter.meter_id, meter.number, "", state, meter.lat_e7, meter.lon_e7)
    return made


def _own(is_failed: bool | None, is_warned: bool) -> NodeState:
    if is_failed is None:
        return "unknown"
    return "failed" if is_failed else "warned" if is_warned else "well"


def _behind(parent: str, own: NodeState) -> NodeState:
    if parent in ("failed", "cut_off"):
        return "cut_off"
    return "unknown" if parent == "unknown" and own != "well" else own

# SPDX-License-Identifier: Apache-2.0
"""The network as the API tells it (R5.5)."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from openmains.domain.network.forecast import Verdict

NodeKind = Literal["platform", "gateway", "concentrator", "dtu", "terminal", "relay", "meter"]
NodeState = Literal["well", "unknown", "failed", "cut_off", "warned"]
KINDS: Final[tuple[NodeKind, ...]] = ("platform", "gateway", "concentrator", "dtu", "terminal", "relay", "meter")
STATES: Final[tuple[NodeState, ...]] = ("well", "unknown", "failed", "cut_off", "warned")
LatE7 = Annotated[int, Meta(ge=-900_000_000, le=900_000_000)]
LonE7 = Annotated[int, Meta(ge=-1_800_000_000, le=1_800_000_000)]
PlaceName = Annotated[str, Meta(max_length=200)]


class Topology(Struct, frozen=True):
    """All nodes in columns, each as long as the others; a parent stands before its children. ``kinds``, ``states``: what the numbers in
    ``kind`` and ``state`` mean; ``parent``: place of the parent, -1 for none; ``key``: platform_id, concentrator_id, a relay's number, or
    meter_id (0: a meter that joined and is not in the book behind this gateway); WGS-84 in 10⁻⁷ degrees, null where nobody said where it is.
    ``left_out``: meters that this answer has no room for."""

    at: datetime
    kinds: list[NodeKind]
    states: list[NodeState]
    kind: list[int]
    parent: list[int]
    key: list[int]
    number: list[str]
    name: list[str]
    state: list[int]
    lat_e7: list[int | None]
    lon_e7: list[int | None]
    left_out: int


class NetworkEvent(Struct, frozen=True):
    """A line of the network's log. ``at``: when the gateway noted it, null where it had no time; ``relay``: 0 where it is of none; ``meter``:
    the number, "" where it is of none."""

    event_id: int
    concentrator_id: int
    gateway: str
    at: datetime | None
    received_at: datetime
    event: str
    relay: int
    meter: str
    meter_id: int | None
    detail: str


class NetworkDay(Struct, frozen=True):
    """A day of a node. ``heard``, ``missed``: cycles with and without a word (of a relay: probes), of a gateway those of all its meters;
    ``delivery_ppm``: the share heard, null where there is neither; ``late_ms``: how far into its slice its message came; ``battery_mv``: of a
    meter that says it; slices and items that waited: of a gateway."""

    day: date
    heard: int
    missed: int
    delivery_ppm: int | None
    messages: int
    repeats: int
    late_ms: int | None
    clock_off_ms: int | None
    battery_mv: int | None
    slots_used: int | None
    slots: int | None
    waiting: int | None


class NetworkForecast(Struct, frozen=True):
    """A straight line through a quantity's days towards its limit. ``verdict``: too_few, steady (no slope but scatter), away (from the limit),
    far (later than can be said), reaches (on ``day``), beyond (there now). ``slope``: in the quantity's unit a day; ``error``: its standard
    error."""

    quantity: Literal["delivery_ppm", "slots_used", "battery_mv"]
    limit: int
    verdict: Verdict
    slope: float | None
    error: float | None
    day: date | None


class NetworkNode(Struct, frozen=True):
    """One node with all that is known. Of a relay ``heard`` and ``missed`` are probes that it answered and did not; ``messages`` to ``missed``
    are of the gateway's present run; ``counters``: of a gateway's program."""

    concentrator_id: int
    gateway: str
    kind: NodeKind
    number: str
    name: str
    place: str
    lat_e7: int | None
    lon_e7: int | None
    meter_id: int | None
    via: int
    is_failed: bool | None
    is_connected: bool | None
    logical: int | None
    channel: int | None
    slice: int | None
    is_active: bool | None
    joined_at: datetime | None
    heard_at: datetime | None
    reported_at: datetime | None
    messages: int | None
    repeats: int | None
    heard: int | None
    missed: int | None
    late_ms: int | None
    clock_off_ms: int | None
    battery_mv: int | None
    battery_pct: int | None
    power: str
    clock: str
    version: str
    network: int | None
    slots_used: int | None
    slots: int | None
    waiting: int | None
    dropped: int | None
    commands: int | None
    counters: dict[str, int]


class NetworkHistory(Struct, frozen=True):
    """A node's days, oldest first, and what they let expect."""

    days: list[NetworkDay]
    forecasts: list[NetworkForecast]


class NetworkPlace(Struct, frozen=True, forbid_unknown_fields=True):
    """What a gateway or relay is called and where it stands. Both coordinates or none."""

    name: PlaceName = ""
    place: PlaceName = ""
    lat_e7: LatE7 | None = None
    lon_e7: LonE7 | None = None

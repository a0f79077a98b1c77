# SPDX-License-Identifier: Apache-2.0
"""The tree of areas and premises in it, as use cases and the API see them (ADR 0025)."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from openmains.app.fleet.model import AreaRef, Code, Name, Text
from openmains.domain.fleet.coordinates import Datum
from openmains.domain.ids import AreaId, AreaKindId, PremisesId

KindRef = Annotated[AreaKindId, Meta(ge=1, le=2**31 - 1)]
Rank = Annotated[int, Meta(ge=0, le=1000)]
ShortText = Annotated[str, Meta(max_length=100)]
WhyText = Annotated[str, Meta(max_length=400)]
LatE7 = Annotated[int, Meta(ge=-900_000_000, le=900_000_000)]
LonE7 = Annotated[int, Meta(ge=-1_800_000_000, le=1_800_000_000)]


class AreaKind(Struct, frozen=True):
    """What areas of a level are called, by the utility's own choice; ``rank``: order in lists, from the top of the tree down."""

    kind_id: AreaKindId
    code: str
    name: str
    name_en: str
    rank: int


class NewAreaKind(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind to add. ``name_en``: the name where the console speaks English; the other where it is empty."""

    code: Code
    name: Name
    name_en: ShortText = ""
    rank: Rank = 0


class AreaKindChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a kind may change."""

    name: Name | UnsetType = UNSET
    name_en: ShortText | UnsetType = UNSET
    rank: Rank | UnsetType = UNSET


class Area(Struct, frozen=True):
    """A part of the supply network; areas form a tree. ``depth``: 1 for a root. ``has_below``: areas lie below it. ``meters``: in use,
    here and below; null where it was not asked for."""

    area_id: AreaId
    parent_id: AreaId | None
    code: str
    name: str
    kind_id: AreaKindId | None = None
    depth: int = 1
    has_below: bool = False
    meters: int | None = None


class AreaStep(Struct, frozen=True):
    """An area on the way from the root."""

    area_id: AreaId
    code: str
    name: str


class AreaTotals(Struct, frozen=True):
    """What an area holds, with all below it. ``meters``: in use, without monitors; ``devices``: all that were ever registered."""

    areas_below: int
    meters: int
    devices: int
    premises: int


class AreaDetail(Area, frozen=True, kw_only=True):
    """An area with the way to it, root first, and what it holds."""

    above: list[AreaStep]
    sums: AreaTotals


class AreaFilter(Struct, frozen=True):
    """Which areas a list holds, by code. ``parent_id``: those directly below it; ``is_root``: those below none; ``q``: a part of the
    code or the name; ``under``: those anywhere below it."""

    parent_id: AreaId | None = None
    is_root: bool = False
    under: AreaId | None = None
    q: str | None = None
    limit: int = 50
    after: str | None = None  # code of the last area seen
    is_counted: bool = False


class NewArea(Struct, frozen=True, forbid_unknown_fields=True):
    """An area to add."""

    code: Code
    name: Name
    parent_id: AreaRef | None = None
    kind_id: KindRef | None = None


class AreaChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of an area may change; another ``parent_id`` moves it with all below it and needs a ``reason``."""

    name: Name | UnsetType = UNSET
    parent_id: AreaRef | UnsetType | None = UNSET
    kind_id: KindRef | UnsetType | None = UNSET
    reason: WhyText | UnsetType = UNSET


class AreaMove(Area, frozen=True, kw_only=True):
    """A branch at its new place, for the trail. ``areas``: of the branch, itself among them; ``meters``: in use in all of it."""

    areas: int


class AreaRow(Struct, frozen=True):
    """An area as its file has it. ``full_name``: names from the root, with strokes between."""

    code: str
    name: str
    parent: str
    kind: str
    full_name: str
    meters: int
    path: str  # where a file goes on


class Premises(Struct, frozen=True):
    """Where water or gas is used: an address in an area. Coordinates are in the datum asked for, 10⁻⁷ degrees; stored is WGS-84."""

    premises_id: PremisesId
    area_id: AreaId
    area_name: str
    code: str
    street: str
    house_number: str
    building: str
    unit: str
    floor: str
    room: str
    address: str
    lat_e7: int | None
    lon_e7: int | None
    created_at: datetime
    revision: int
    datum: Datum = "wgs84"


class NewPremises(Struct, frozen=True, forbid_unknown_fields=True):
    """Premises to add. ``address``: as on a letter; without it the parts are put together. ``datum`` of the coordinates: GCJ-02
    (gcj02, what maps in China show) is converted here, once."""

    code: Code
    area_id: AreaRef
    street: ShortText = ""
    house_number: ShortText = ""
    building: ShortText = ""
    unit: ShortText = ""
    floor: ShortText = ""
    room: ShortText = ""
    address: Text = ""
    lat_e7: LatE7 | None = None
    lon_e7: LonE7 | None = None
    datum: Datum = "wgs84"


class PremisesChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of premises may change; coordinates come as a pair."""

    area_id: AreaRef | UnsetType = UNSET
    street: ShortText | UnsetType = UNSET
    house_number: ShortText | UnsetType = UNSET
    building: ShortText | UnsetType = UNSET
    unit: ShortText | UnsetType = UNSET
    floor: ShortText | UnsetType = UNSET
    room: ShortText | UnsetType = UNSET
    address: Text | UnsetType = UNSET
    lat_e7: LatE7 | UnsetType | None = UNSET
    lon_e7: LonE7 | UnsetType | None = UNSET
    datum: Datum | UnsetType = UNSET


class PremisesFilter(Struct, frozen=True):
    """Which premises a list holds, by id; an area includes those below it. ``code``: how the code begins."""

    area_id: AreaId | None = None
    code: str | None = None
    limit: int = 50
    after: int | None = None

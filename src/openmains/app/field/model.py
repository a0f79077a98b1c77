# SPDX-License-Identifier: Apache-2.0
"""What the phone is given and gives back, as use cases and the API see it."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from openmains.app.fleet.lives.model import ActKey, Number
from openmains.app.fleet.model import Medium, MeterRef
from openmains.domain.field.checklist import Rule
from openmains.domain.field.site_test import SignalVerdict, SiteFault
from openmains.domain.ids import MeterId, PhotoId, RouteId, UserId, VisitId

MOST_METERS = 2_000
"""Of a route: what a person walks through, and a phone holds."""
VisitKind = Literal["no_access", "installation", "test"]
NoAccess = Literal["nobody_home", "locked", "refused", "covered", "unsafe", "not_found", "other"]
Purpose = Literal["register", "site", "form", "signature"]
PhotoMedia = Literal["image/jpeg", "image/png", "image/webp"]
RouteName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
NoteText = Annotated[str, Meta(max_length=400)]
PersonRef = Annotated[UserId, Meta(ge=1, le=2**63 - 1)]
CheckName = Annotated[str, Meta(max_length=40, pattern=r"^[a-z_]+$")]


class ReadingRoute(Struct, frozen=True):
    """Meters in the order in which a reader comes by. ``reader_id`` null: it is on nobody's phone."""

    route_id: RouteId
    name: str
    reader_id: UserId | None
    reader: str | None
    meters: int
    revision: int
    changed_at: datetime


class RouteMeter(Struct, frozen=True):
    """A meter of a route, without its customer's name: what a reader needs to find it.

    ``last_m3``: its newest register, ``low_m3`` to ``high_m3`` what the next one plausibly is now (past the end of the dial: low lies
    above high; null: nobody can say). ``decimals``: as many as the meter shows.
    """

    meter_id: MeterId
    number: str
    bar_code: str
    medium: Medium
    address: str
    decimals: int
    last_m3: str | None
    last_at: datetime | None
    low_m3: str | None
    high_m3: str | None


class RouteDetail(Struct, frozen=True):
    """A route with its meters in order."""

    route: ReadingRoute
    meters: list[RouteMeter]


class NewRoute(Struct, frozen=True, forbid_unknown_fields=True):
    """``numbers``: the meters, by number, in the order of the way."""

    name: RouteName
    numbers: Annotated[list[Number], Meta(max_length=MOST_METERS)] = []
    reader_id: PersonRef | None = None


class RouteChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a route may change; fields not given stay. ``numbers``: the whole order anew. ``take``: meters of other routes come over,
    else they are refused by number."""

    name: RouteName | UnsetType = UNSET
    numbers: Annotated[list[Number], Meta(max_length=MOST_METERS)] | UnsetType = UNSET
    reader_id: PersonRef | UnsetType | None = UNSET
    take: bool = False


class CheckQuestion(Struct, frozen=True):
    """A question of the checklist: answered with yes, or a whole number that is at least or at most ``limit``."""

    name: str
    rule: Rule
    limit: int
    unit: str
    media: list[str]
    zh: str
    en: str


class IssuedMeter(Struct, frozen=True):
    """A meter that was issued and hangs nowhere yet; ``person``: to whom."""

    meter_id: MeterId
    number: str
    bar_code: str
    imei: str | None
    medium: Medium
    product: str
    decimals: int
    person: str


class Kit(Struct, frozen=True):
    """All that a phone needs for a day without network: one's own routes, meters that were issued, the checklist. ``made_at``: by the
    platform's clock, which the phone holds its own against."""

    made_at: datetime
    routes: list[RouteDetail]
    issued: list[IssuedMeter]
    checklist: list[CheckQuestion]


class VisitRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person found or did at a meter: ``no_access`` with its reason, or the ``answers`` of an installation's checklist."""

    key: ActKey
    kind: Literal["no_access", "installation"]
    meter_id: MeterRef
    at: datetime
    no_access: NoAccess | None = None
    note: NoteText = ""
    answers: dict[CheckName, bool | int] = {}


class SiteTestRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A test on the spot that the platform is to note. ``since``: when the meter's button was pressed; ``reason``: why a weak signal,
    or a valve that was not moved, is taken all the same."""

    key: ActKey
    since: datetime
    reason: NoteText = ""


class SiteTest(Struct, frozen=True):
    """What the platform knows of a meter since an instant. ``fault``: why the test is not passed (null: it is); ``strange_number``: what its
    frames carry instead of its own number. ``closed``, ``opened``: the valve's moves that the meter confirmed since; null: it has none that can
    be moved from here."""

    meter_id: MeterId
    number: str
    heard_at: datetime | None
    register_m3: str | None
    rsrp_ddbm: int | None
    sinr_ddb: int | None
    coverage: str | None
    signal: SignalVerdict
    strange_number: str | None
    closed: bool | None
    opened: bool | None
    fault: SiteFault | None


class SiteVisit(Struct, frozen=True):
    """One that was noted. ``facts``: answers of the checklist, or what the test found."""

    visit_id: VisitId
    key: str
    kind: VisitKind
    meter_id: MeterId
    at: datetime
    reason: str
    note: str
    facts: dict[str, bool | int | str | None]
    made_by: UserId
    maker: str | None
    made_at: datetime


class SitePhoto(Struct, frozen=True):
    """A photograph or signature without its bytes. ``act``: key of the act it belongs to."""

    photo_id: PhotoId
    key: str
    meter_id: MeterId
    act: str
    purpose: Purpose
    media: PhotoMedia
    size: int
    taken_at: datetime
    made_by: UserId
    maker: str | None
    made_at: datetime

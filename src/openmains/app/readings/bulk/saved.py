# SPDX-License-Identifier: Apache-2.0
"""Questions in bulk kept under a name and asked again by number (R14.7).

A question keeps a period as people mean it – *last month* – and is asked of the days that are that when it is run. One that could not
be asked is not kept either: what it names is looked at when it is saved.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct, field

from openmains.app.fleet.choice import MOST_NUMBERS, MeterChoice, unknown_references
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.readings.bulk.export import MOST_QUANTITIES, wanted_values
from openmains.app.readings.bulk.ports import Form
from openmains.app.readings.bulk.sums import By, Every
from openmains.app.unit_of_work import Store, Work
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import UserId

Kind = Literal["registers", "values", "sums"]
Period = Literal[
    "fixed", "yesterday", "last_7_days", "last_30_days", "this_month", "last_month", "this_year", "last_year"
]
SavedForm = Literal["page", "csv", "xlsx", "arrow", "parquet"]
FORMS: dict[Kind, tuple[SavedForm, ...]] = {
    "registers": ("page", "csv", "xlsx"),
    "values": ("csv", "arrow", "parquet"),
    "sums": ("page", "csv", "xlsx"),
}
MOST_SAVED = 500
Quantity = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class SavedQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked. ``registers``: at the first instant of the period; ``values``: of ``points`` over it; ``sums``: of its days,
    ``by`` group, ``every`` step. ``first`` and ``last`` (both included) are for a ``fixed`` period only."""

    kind: Kind
    form: SavedForm
    period: Period
    meters: MeterChoice = field(default_factory=MeterChoice)
    first: date | None = None
    last: date | None = None
    points: Annotated[tuple[Quantity, ...], Meta(max_length=MOST_QUANTITIES)] = ()
    by: By = "area"
    every: Every = "day"


class NewSavedQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """To be kept under a name that the person has no other one under; ``is_shared``: all of the utility see it and may ask it."""

    name: Name
    question: SavedQuestion
    is_shared: bool = False


class SavedQuery(Struct, frozen=True):
    """A question that is kept. ``is_own``: the caller's, who may change it."""

    saved_id: int
    name: str
    is_shared: bool
    is_own: bool
    owner: str
    question: SavedQuestion
    changed_at: datetime


class SavedQueries(Protocol):
    """Of one tenant; a person's own and those that are shared."""

    async def all(self, user_id: UserId) -> list[SavedQuery]: ...
    async def get(self, saved_id: int, user_id: UserId) -> SavedQuery | None: ...
    async def count(self) -> int: ...
    async def add(self, user_id: UserId, wanted: NewSavedQuery) -> int | None:
        """None: the person has one of this name."""

    async def change(self, saved_id: int, wanted: NewSavedQuery) -> bool:
        """False: its owner has another one of this name."""

    async def remove(self, saved_id: int) -> None: ...


async def add_saved(store: Store, actor: Actor, wanted: NewSavedQuery) -> SavedQuery:
    """Keep a question. Raises ``invalid-input``, ``unknown-quantity``, ``name-taken``, ``too-many-saved``."""
    async with store.tenant(actor.tenant_id) as work:
        await _check(work, wanted.question)
        if await work[SavedQueries].count() >= MOST_SAVED:
            raise Problem("too-many-saved", limit=MOST_SAVED)
        saved_id = await work[SavedQueries].add(actor.user_id, wanted)
        if saved_id is None:
            raise Problem("name-taken", fields=(("/name", "not-accepted"),), name=wanted.name)
        made = await _get(work, saved_id, actor)
        await work[AuditTrail].record(actor, "save_query", "saved_query", saved_id, None, wanted)
        return made


async def change_saved(store: Store, actor: Actor, saved_id: int, wanted: NewSavedQuery) -> SavedQuery:
    """Put another question, name or visibility in its place; its owner's and administrators' to do."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _own(work, saved_id, actor)
        await _check(work, wanted.question)
        if not await work[SavedQueries].change(saved_id, wanted):
            raise Problem("name-taken", fields=(("/name", "not-accepted"),), name=wanted.name)
        await work[AuditTrail].record(actor, "change_query", "saved_query", saved_id, before, wanted)
        return await _get(work, saved_id, actor)


async def remove_saved(store: Store, actor: Actor, saved_id: int) -> None:
    """Forget a question; its owner's and administrators' to do."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _own(work, saved_id, actor)
        await work[SavedQueries].remove(saved_id)
        await work[AuditTrail].record(actor, "remove_query", "saved_query", saved_id, before, None)


async def run_saved(store: Store, actor: Actor, saved_id: int) -> SavedQuery:
    """The question to be asked again, written into the trail; raises ``not-found`` for one that is neither own nor shared."""
    async with store.tenant(actor.tenant_id) as work:
        found = await _get(work, saved_id, actor)
        await _check(work, found.question)
        await work[AuditTrail].record(actor, "run_query", "saved_query", saved_id, None, {"name": found.name})
        return found


def days_of(question: SavedQuestion, today: date) -> tuple[date, date]:
    """First and last day of its period, both included, as of ``today``."""
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    yesterday = today - timedelta(days=1)
    known: dict[str, tuple[date, date]] = {
        "yesterday": (yesterday, yesterday),
        "last_7_days": (today - timedelta(days=7), yesterday),
        "last_30_days": (today - timedelta(days=30), yesterday),
        "this_month": (month, today),
        "last_month": (before, month - timedelta(days=1)),
        "this_year": (date(today.year, 1, 1), today),
        "last_year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    return known.get(question.period) or (question.first or today, question.last or today)


def form_of(question: SavedQuestion) -> Form:
    """Of a question for values."""
    return "csv" if question.form in ("page", "xlsx", "csv") else question.form  # type: ignore[return-value]


async def _get(work: Work, saved_id: int, actor: Actor) -> SavedQuery:
    found = await work[SavedQueries].get(saved_id, actor.user_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _own(work: Work, saved_id: int, actor: Actor) -> SavedQuery:
    found = await _get(work, saved_id, actor)
    if not found.is_own and not actor.may(Permission.MANAGE_QUERIES):
        raise Problem("not-your-query", owner=found.owner)
    return found


async def _check(work: Work, question: SavedQuestion) -> None:
    faults: list[tuple[str, str]] = []
    if question.form not in FORMS[question.kind]:
        faults.append(("/question/form", "not-accepted"))
    if question.period == "fixed":
        faults += [(f"/question/{name}", "required") for name in ("first", "last") if getattr(question, name) is None]
        faults += [
            (f"/question/{name}", "out-of-range")
            for name in ("first", "last")
            if (day := getattr(question, name)) is not None and not 1970 <= day.year <= 2100
        ]
        if question.first is not None and question.last is not None and question.last < question.first:
            faults.append(("/question/last", "out-of-range"))
    elif question.first is not None or question.last is not None:
        faults.append(("/question/period", "not-accepted"))
    if (question.kind == "values") != bool(question.points):
        faults.append(("/question/points", "required" if question.kind == "values" else "not-accepted"))
    chosen = question.meters
    if len(chosen.numbers) > MOST_NUMBERS or any(not number or len(number) > 64 for number in chosen.numbers):
        faults.append(("/question/meters/numbers", "out-of-range"))
    faults += [(f"/question/meters/{name}", "unknown-reference") for name in await unknown_references(work, chosen)]
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))
    wanted_values(question.points, 0, 1, "UTC")

# SPDX-License-Identifier: Apache-2.0
"""A utility's own tags of meters: a name and a colour that say what no other field does, such as 'cellar floods' ([ADR 0056]).

A tag changes nothing that the platform does with a meter: lists are filtered by it, files carry it, and that is all. Putting it on many
at once is looked at first (``preview``) and never meets a meter that the list's own filters would not show.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from openmains.app.fleet.model import MeterFilter, MeterTag, TagColour, TagName
from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import MeterId, TagId

MOST_TAGS = 100  # of a utility: they are chosen from one list
MOST_TAGGED = 50_000  # meters of one act: it is one transaction, whose answer a person waits for
MOST_NAMED = 1_000  # meters that the trail names of one act; of more it says how many, and by which filter
TagAct = Literal["put", "take"]


class NewTag(Struct, frozen=True, forbid_unknown_fields=True):
    """``colour``: a token, which the console shows in a light and a dark tone."""

    name: TagName
    colour: TagColour = "grey"


class TaggedMeters(Struct, frozen=True):
    """Of an act, or of a look at what it would do. ``chosen``: meters it is about; ``changed``: those that had the tag not, or had it."""

    chosen: int
    changed: int


class TagStore(Protocol):
    """One tenant's tags, in one transaction."""

    async def all(self) -> list[MeterTag]:
        """By name."""

    async def get(self, tag_id: TagId) -> MeterTag | None: ...
    async def add(self, wanted: NewTag) -> TagId | None:
        """None: there is one of this name."""

    async def change(self, tag_id: TagId, wanted: NewTag) -> bool:
        """False: another one has this name."""

    async def remove(self, tag_id: TagId) -> int:
        """With all that has it; from how many meters it went."""

    async def hold(self) -> None:
        """Nobody else adds one until the transaction ends."""

    async def with_tag(self, tag_id: TagId, meter_ids: Sequence[MeterId]) -> int:
        """How many of these have it."""

    async def put(self, tag_id: TagId, meter_ids: Sequence[MeterId]) -> list[MeterId]:
        """Those of the tenant's that had it not."""

    async def take(self, tag_id: TagId, meter_ids: Sequence[MeterId]) -> list[MeterId]:
        """Those that had it."""


async def add_tag(store: Store, actor: Actor, wanted: NewTag) -> MeterTag:
    """Raises ``tag-name-taken``, ``too-many-saved``."""
    async with store.tenant(actor.tenant_id) as work:
        await work[TagStore].hold()
        if len(await work[TagStore].all()) >= MOST_TAGS:
            raise Problem("too-many-saved", limit=MOST_TAGS)
        tag_id = await work[TagStore].add(wanted)
        if tag_id is None:
            raise _taken(wanted)
        await work[AuditTrail].record(actor, "add_tag", "tag", tag_id, None, wanted)
        return await _get(work, tag_id)


async def change_tag(store: Store, actor: Actor, tag_id: TagId, wanted: NewTag) -> MeterTag:
    """Another name or colour on all that have it. Raises ``not-found``, ``tag-name-taken``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _get(work, tag_id)
        if not await work[TagStore].change(tag_id, wanted):
            raise _taken(wanted)
        await work[AuditTrail].record(actor, "change_tag", "tag", tag_id, before, wanted)
        return await _get(work, tag_id)


async def remove_tag(store: Store, actor: Actor, tag_id: TagId, reason: str) -> None:
    """From all meters, with no way back but putting it on them again. Raises ``not-found``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _get(work, tag_id)
        why = stated(reason)
        gone = await work[TagStore].remove(tag_id)
        seen = {"name": before.name, "colour": before.colour, "meters": gone}
        await work[AuditTrail].record(actor, "remove_tag", "tag", tag_id, seen, None, reason=why)


async def tag_meters(
    store: Store,
    actor: Actor,
    tag_id: TagId,
    act: TagAct,
    among: MeterFilter | Sequence[MeterId],
    asked: dict[str, Any],
    *,
    preview: bool,
) -> TaggedMeters:
    """Put a tag on meters, or take it off; with ``preview`` only look. ``among``: all that a list's filter takes, or these;
    ``asked``: the filter as the trail tells it.

    Raises ``not-found``, ``invalid-input`` for a meter that is not the tenant's, ``too-many-tagged``."""
    async with store.tenant(actor.tenant_id) as work:
        tag = await _get(work, tag_id)
        meter_ids = await _chosen(work, among)
        if preview:
            having = await work[TagStore].with_tag(tag_id, meter_ids)
            return TaggedMeters(len(meter_ids), having if act == "take" else len(meter_ids) - having)
        write = work[TagStore].put if act == "put" else work[TagStore].take
        changed = await write(tag_id, meter_ids)
        if changed:
            named = await work[MeterStore].numbers_of(changed[:MOST_NAMED])
            told = {"name": tag.name, "meters": len(changed), "numbers": named, "among": asked}
            before, after = (None, told) if act == "put" else (told, None)
            await work[AuditTrail].record(
                actor, "put_tag" if act == "put" else "take_tag", "tag", tag_id, before, after
            )
        return TaggedMeters(len(meter_ids), len(changed))


async def _chosen(work: Work, among: MeterFilter | Sequence[MeterId]) -> list[MeterId]:
    if isinstance(among, MeterFilter):
        found = await work[MeterStore].ids(among)
    else:
        found = list(dict.fromkeys(among))
        if len(await work[MeterStore].numbers_of(found)) < len(found):
            raise Problem("invalid-input", fields=(("/meter_ids", "unknown-reference"),))
    if len(found) > MOST_TAGGED:
        raise Problem("too-many-tagged", limit=MOST_TAGGED)
    return found


async def _get(work: Work, tag_id: TagId) -> MeterTag:
    found = await work[TagStore].get(tag_id)
    if found is None:
        raise Problem("not-found")
    return found


def _taken(wanted: NewTag) -> Problem:
    return Problem("tag-name-taken", fields=(("/name", "not-accepted"),), name=wanted.name)

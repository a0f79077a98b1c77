# SPDX-License-Identifier: Apache-2.0
"""A day as a person may edit it: what is stored, what bounds a value there, who else edited it.

Whoever edits, approves or takes back asks here, within the transaction that holds the day (``EditStore.lock_day``). What is
possible for a meter refuses a value outright; what validation would call a spike (``edit_bounds``) needs a second person,
and so does a change of the day by more than that – also one made in small steps, up or down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from openmains.app.fleet.driver_catalog import DriverCatalog
from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.readings.model import EditFacts, ReadingEdit, StoredCause, StoredDay
from openmains.app.readings.ports import EditStore, ExceptionStore, ReadingStore
from openmains.app.unit_of_work import Work
from openmains.domain.ids import MeterId
from openmains.domain.period import date_to_day, utc, zone
from openmains.domain.quantity import LITRE_EXPONENT, rescale, to_m3
from openmains.domain.readings.edit import MOST_VOLUME, EditBounds, edit_bounds, slots_of
from openmains.domain.readings.model import Limits

APPLIED_WITHIN_US = 600 * 1_000_000  # a message that is not applied after this long never will be: its meter is gone


@dataclass(frozen=True, slots=True)
class EditDay:
    """``opens``, ``ends``: the day in s UTC. ``edits``: those that were applied, newest first. Volumes in 10^exponent m³."""

    meter_id: MeterId
    day: int
    opens: int
    ends: int
    row: StoredDay
    causes: list[StoredCause]
    edits: list[ReadingEdit]
    facts: EditFacts
    exponent: int

    def slots(self, start: int, end: int, row: StoredDay | None = None) -> tuple[int, int]:
        """(first, count) on the grid of the stored day, or of ``row``; raises ``invalid-input`` for no whole slots of it."""
        found = slots_of(start, end, self.opens, self.ends, (row or self.row).interval_s)
        if found is None:
            raise Problem("invalid-input", fields=(("/start", "out-of-range"), ("/end", "out-of-range")))
        return found

    def bounds(self, start: int, end: int) -> EditBounds:
        """What a person may set for [start, end)."""
        qmax = rescale(self.facts.qmax_l_h, LITRE_EXPONENT, self.exponent)
        return edit_bounds(Limits(qmax, self.facts.dial), end - start, self.facts.average_use)

    def check(self, start: int, end: int, volume: int) -> EditBounds:
        """The bounds; raises ``invalid-input``, and ``edit-over-bound`` for more than can have passed."""
        if not 0 <= volume <= MOST_VOLUME:
            raise Problem("invalid-input", fields=(("/volume", "out-of-range"),))
        found = self.bounds(start, end)
        if found.most is not None and volume > found.most:
            raise Problem(
                "edit-over-bound",
                fields=(("/volume", "out-of-range"),),
                volume=self.m3(volume),
                bound=self.m3(found.most),
                hours=f"{(end - start) / 3600:g}",
                qmax=f"{to_m3(self.facts.qmax_l_h):f}",
            )
        return found

    def changed(self) -> int:
        """By how much edits in force have changed the day already, up and down added."""
        return sum(abs(edit.volume - edit.old_volume) for edit in in_force(self.edits) if edit.undoes is None)

    def m3(self, volume: int) -> str:
        """A volume for people."""
        return f"{to_m3(volume, self.exponent):f}"


def in_force(applied: Sequence[ReadingEdit]) -> list[ReadingEdit]:
    """Of the applied edits of a day, newest first, those that no later undo took back."""
    undone: set[int] = set()
    found = []
    for edit in applied:
        if edit.edit_id in undone:
            continue
        found.append(edit)
        if edit.undoes is not None:
            undone.add(edit.undoes)
    return found


async def editable_day(
    work: Work,
    readings: ReadingStore,
    drivers: DriverCatalog,
    actor: Actor,
    meter_id: MeterId,
    day_text: str,
    now_us: int,
    *,
    deciding: bool = False,
) -> EditDay:
    """The day, held until the transaction ends. ``deciding``: about the edit that waits there.

    :raises Problem: ``not-found``; ``day-open`` while it is not complete; ``edit-waits`` where another edit of it waits for
        a second person; ``edit-on-its-way`` where the last one is not applied yet.
    """
    place, day = zone(actor.zone), date_to_day(date.fromisoformat(day_text))
    opens, ends = place.start_of(day), place.start_of(day + 1)
    store = work[EditStore]
    await store.lock_day(meter_id, day)
    facts = await store.facts(meter_id)
    if facts is None:
        raise Problem("not-found")
    settled = await work[ExceptionStore].settled_until(meter_id)
    stored = await readings.days(actor.tenant_id, meter_id, day, day) if settled is not None and settled >= ends else []
    if not stored:
        raise Problem("day-open", day=day_text)
    edits = await store.of_day(meter_id, day)
    waiting = next((edit for edit in edits if edit.state == "pending"), None)
    if waiting is not None and not deciding:
        raise Problem("edit-waits", edit_id=waiting.edit_id, day=day_text)
    applied = [edit for edit in edits if edit.state == "applied"]
    causes = await readings.causes(actor.tenant_id, meter_id, day, day)
    if applied and is_unapplied(applied[0], causes, now_us):
        raise Problem("edit-on-its-way", edit_id=applied[0].edit_id, day=day_text, retry_after_s=2)
    exponent = next((page.unit_exponent for page in drivers.pages() if page.name == facts.driver), LITRE_EXPONENT)
    return EditDay(meter_id, day, opens, ends, stored[0], causes, applied, facts, exponent)


def is_unapplied(edit: ReadingEdit, causes: Sequence[StoredCause], now_us: int) -> bool:
    """Whether an applied edit is in the stream and not yet a version of its day."""
    sent = edit.decided_at or edit.made_at
    return utc(now_us / 1_000_000) < utc(sent.timestamp() + APPLIED_WITHIN_US / 1_000_000) and not any(
        cause.edit_id == edit.edit_id for cause in causes
    )

# SPDX-License-Identifier: Apache-2.0
"""The history of a day: every version that is kept, who or what made it, when, why, and what it changed (ADR 0014)."""

from collections.abc import Mapping

from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.readings.model import DayVersion, StoredCause, StoredDay
from openmains.app.readings.ports import EditStore, ReadingStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.domain.period import Zone, day_text, zone
from openmains.domain.readings.expected import Expectation, Mode, due_at
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.versions import cause_of, changes


async def versions_of_days(
    store: Store, readings: ReadingStore, actor: Actor, meter_id: MeterId, first_day: int, last_day: int
) -> tuple[list[DayVersion], str]:
    """Versions by day, each day's from old to new, and the meter's driver. Raises ``not-found`` for a meter of nobody's."""
    tenant_id = actor.tenant_id
    newest = await readings.days(tenant_id, meter_id, first_day, last_day)
    earlier = await readings.superseded(tenant_id, meter_id, first_day, last_day)
    causes = await readings.causes(tenant_id, meter_id, first_day, last_day)
    async with store.tenant(tenant_id) as work:
        meter = await work[MeterStore].get(meter_id)
        if meter is None:
            raise Problem("not-found")
        expected = await work[MeterStore].expectation(meter_id)
        people = {cause.user_id for cause in causes} | {cause.approved_by for cause in causes if cause.approved_by}
        names = await work[EditStore].names(sorted(people)) if people else {}
    return history(newest, earlier, causes, names, zone(actor.zone), expected), meter.driver


async def cited_version(
    store: Store, readings: ReadingStore, actor: Actor, meter_id: MeterId, day: int, version: int
) -> tuple[DayVersion, str]:
    """The version that (meter, day, version) names, as long as it is kept, and the meter's driver.

    Raises ``not-found`` for a meter of nobody's, ``no-version``.
    """
    found, driver = await versions_of_days(store, readings, actor, meter_id, day, day)
    for row in found:
        if row.stored.version == version:
            return row, driver
    raise Problem("no-version", day=day_text(day), version=version)


def history(
    newest: list[StoredDay],
    earlier: list[StoredDay],
    causes: list[StoredCause],
    names: Mapping[int, str],
    place: Zone,
    expected: Expectation | None = None,
) -> list[DayVersion]:
    """The versions of days in order. One that became stored between two questions is told once. 'Late' is judged by the mode that
    ``expected`` has for the day; daily without it."""
    made = {(cause.day, cause.version): cause for cause in causes}
    last = {stored.day: stored.version for stored in newest}
    known = {(stored.day, stored.version): stored for stored in [*earlier, *newest]}
    found: list[DayVersion] = []
    before: StoredDay | None = None
    for key in sorted(known):
        stored = known[key]
        if before is not None and before.day != stored.day:
            before = None
        changed = changes(None if before is None else _row(before), _row(stored))
        cause = made.get(key)
        mode = Mode.DAY if expected is None else expected.mode_on(stored.day)
        why = cause_of(changed, stored.received_s, due_at(stored.day, mode, place)) if cause is None else cause.why
        finer = stored.interval_s if before is None else min(stored.interval_s, before.interval_s)
        found.append(
            DayVersion(
                stored=stored,
                is_newest=last.get(stored.day) == stored.version,
                why=why,
                made_s=stored.received_s if cause is None else cause.made_s,
                cause=cause,
                person="" if cause is None else names.get(cause.user_id, ""),
                approver="" if cause is None else names.get(cause.approved_by, ""),
                old_total=None if before is None else before.total,
                changes=changed,
                interval_s=finer,
            )
        )
        before = stored
    return found


def _row(stored: StoredDay) -> DayRow:
    return DayRow(stored.day, stored.base, stored.interval_s, stored.increments, stored.quality, stored.flags)

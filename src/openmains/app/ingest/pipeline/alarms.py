# SPDX-License-Identifier: Apache-2.0
"""A batch's alarm changes as sets a store can write at once.

One after the other, a change raises an alarm (or counts once more where it is open, R7.2) or clears it. What changes of
one event at one meter follows each other: raised, raised, cleared, raised. Changes in a row of the same kind are one
entry; entries that alternate go into waves, the first of each event into the first wave. Within a wave everything that
is raised is written before what is cleared, and no event of a meter is in either list twice. Nearly every batch is one
wave.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from openmains.app.ingest.model import AlarmChange
from openmains.domain.ids import TenantId


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm raised ``count`` times in a row: ``first`` opens it where none is open, ``last_us`` is of the last one."""

    first: AlarmChange
    count: int
    last_us: int


@dataclass(slots=True)
class AlarmWave:
    """Written as two sets: first ``raised``, then ``cleared``."""

    raised: list[Raised] = field(default_factory=list)
    cleared: list[AlarmChange] = field(default_factory=list)


def alarm_waves(changes: Sequence[AlarmChange]) -> list[AlarmWave]:
    """Waves to be written in this order; the same as each change by itself. Entries keep the order of the changes."""
    waves: list[AlarmWave] = []
    runs: dict[tuple[int, str, str], list[Raised | AlarmChange]] = {}
    for change in changes:
        run = runs.setdefault((change.meter_id, change.event, change.quantity), [])
        last = run[-1] if run else None
        if change.action == "cleared":
            if not isinstance(last, AlarmChange):  # who clears once more finds nothing open
                run.append(change)
        elif isinstance(last, Raised):
            run[-1] = replace(last, count=last.count + 1, last_us=change.received_us)
        else:
            run.append(Raised(change, 1, change.received_us))
    for run in runs.values():
        wave = 0
        for place, entry in enumerate(run):
            if isinstance(entry, Raised) and place:
                wave += 1
            if wave == len(waves):
                waves.append(AlarmWave())
            if isinstance(entry, Raised):
                waves[wave].raised.append(entry)
            else:
                waves[wave].cleared.append(entry)
    return waves


def alarms_for_screens(changes: Sequence[AlarmChange]) -> Iterator[tuple[str, bytes]]:
    """(topic, JSON) for the screens of each utility."""
    by_tenant: dict[TenantId, list[dict[str, object]]] = {}
    for change in changes:
        by_tenant.setdefault(change.tenant_id, []).append(
            {
                "meter_id": change.meter_id,
                "event": change.event,
                "severity": change.severity,
                "action": change.action,
                "raised_at": change.raised_at,
                "received_us": change.received_us,
                "quantity": change.quantity,
            }
        )
    for tenant_id, changed in by_tenant.items():
        yield f"alarm.{tenant_id}", json.dumps(changed).encode()

# SPDX-License-Identifier: Apache-2.0
"""Reports by the clock: what is due at an instant. Asking twice queues nothing twice: each piece has a unique key."""

from collections.abc import Sequence

from openmains.app.job.ports import JobQueue
from openmains.domain.ids import TenantId
from openmains.domain.period import day_text, zone
from openmains.domain.readings.expected import ON_TIME_HOUR

REPORT = "collection_report"
CATCH_UP_DAYS = 3  # reports missed while the program was off


def report_days_due(zone_key: str, since_s: int, now: float) -> list[int]:
    """Days whose collection report is due at ``now`` (08:00 of the next day, tenant time), oldest first.

    At most CATCH_UP_DAYS, and none from before the tenant was there (``since_s``).
    """
    place = zone(zone_key)
    last = place.day_of(int(now)) - 1
    if now < place.at(last + 1, ON_TIME_HOUR):
        last -= 1
    first = max(last - CATCH_UP_DAYS + 1, place.day_of(since_s))
    return list(range(first, last + 1))


async def queue_due_reports(store: JobQueue, tenants: Sequence[tuple[TenantId, str, int]], now: float) -> int:
    """Queue the reports that are due, exactly one for each tenant and day; ``tenants``: (id, zone, made at s)."""
    queued = 0
    for tenant_id, zone_key, since_s in tenants:
        for day in report_days_due(zone_key, since_s, now):
            text = day_text(day)
            found = await store.enqueue(tenant_id, REPORT, {"day": text}, now=now, unique_key=f"{REPORT}:{text}")
            queued += found is not None
    return queued

# SPDX-License-Identifier: Apache-2.0
"""Which reports are due: each once, at 08:00 of the utility's own morning, and not a backlog of weeks."""

from collections.abc import Mapping
from typing import Any

from openmains.app.readings.report.schedule import CATCH_UP_DAYS, queue_due_reports, report_days_due
from openmains.domain.ids import TenantId
from openmains.domain.period import zone

SHANGHAI, MADRID = zone("Asia/Shanghai"), zone("Europe/Madrid")
DAY = 20_700
ALWAYS = 0


class Queue:
    """``JobQueue.enqueue``: a key is queued once a tenant."""

    def __init__(self) -> None:
        self.queued: dict[tuple[int, str], Mapping[str, Any]] = {}

    async def enqueue(
        self, tenant_id: TenantId, kind: str, params: Mapping[str, Any], *, now: float, unique_key: str | None = None
    ) -> int | None:
        key = (tenant_id, str(unique_key))
        if key in self.queued:
            return None
        self.queued[key] = params
        return len(self.queued)


def test_a_day_is_due_at_eight_of_the_next_morning_and_no_second_before() -> None:
    eight = SHANGHAI.at(DAY + 1, 8)
    assert report_days_due("Asia/Shanghai", ALWAYS, eight - 1)[-1] == DAY - 1
    assert report_days_due("Asia/Shanghai", ALWAYS, eight)[-1] == DAY
    assert report_days_due("Asia/Shanghai", ALWAYS, eight + 16 * 3600)[-1] == DAY  # midnight is not eight
    assert report_days_due("Europe/Madrid", ALWAYS, eight)[-1] == DAY - 1


def test_what_was_missed_is_made_up_for_but_not_without_end_nor_from_before_the_utility() -> None:
    eight = SHANGHAI.at(DAY + 1, 8)
    assert report_days_due("Asia/Shanghai", ALWAYS, eight) == list(range(DAY - CATCH_UP_DAYS + 1, DAY + 1))
    founded = SHANGHAI.start_of(DAY) + 3600
    assert report_days_due("Asia/Shanghai", founded, eight) == [DAY]
    assert report_days_due("Asia/Shanghai", founded, eight - 1) == []


async def test_asking_twice_queues_nothing_twice() -> None:
    queue, now = Queue(), SHANGHAI.at(DAY + 1, 8)
    tenants = [(TenantId(1), "Asia/Shanghai", ALWAYS), (TenantId(2), "Europe/Madrid", ALWAYS)]
    assert await queue_due_reports(queue, tenants, now) == 2 * CATCH_UP_DAYS  # type: ignore[arg-type]
    assert await queue_due_reports(queue, tenants, now + 3600) == 0  # type: ignore[arg-type]
    assert await queue_due_reports(queue, tenants, MADRID.at(DAY + 1, 8)) == 1  # type: ignore[arg-type]
    days = {params["day"] for (tenant, _), params in queue.queued.items() if tenant == 1}
    assert days == {"2026-09-02", "2026-09-03", "2026-09-04"}

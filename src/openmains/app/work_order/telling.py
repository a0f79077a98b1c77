# SPDX-License-Identifier: Apache-2.0
"""Whom an order's news go to: whoever is sent, and when it is not done in time also whoever made it."""

from typing import Any

from openmains.app.notice.tell import tell_person
from openmains.app.unit_of_work import Work
from openmains.app.work_order.ports import HeldOrder


async def tell_assigned(work: Work, held: HeldOrder, now_us: int, turn: int) -> None:
    """It is theirs. ``turn``: number of the act by which it was given, so that a second time is told too."""
    if held.order.assignee_id is not None:
        key = f"order:{held.order_id}:assigned:{turn}"
        await tell_person(work, key, "order", held.order.assignee_id, held.facts.severity, _facts(held), now_us)


async def tell_overdue(work: Work, held: HeldOrder, now_us: int) -> None:
    """It was to be done; once for the instant it was due at."""
    for user_id in sorted({one for one in (held.order.assignee_id, held.made_by) if one is not None}):
        key = f"order:{held.order_id}:overdue:{held.order.due_us}"
        await tell_person(work, key, "order_overdue", user_id, held.facts.severity, _facts(held), now_us)


def _facts(held: HeldOrder) -> dict[str, Any]:
    return {
        "order_id": held.order_id,
        "title": held.facts.title,
        "area": held.place.area,
        "address": held.place.address,
        "number": held.place.number,
        "due_us": held.order.due_us,
    }

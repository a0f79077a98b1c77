# SPDX-License-Identifier: Apache-2.0
"""A notice to one person about something that is no alarm, in the caller's transaction: to the stand-in where the person is away, by the
inbox and
whatever else the person can be reached by; quiet hours and the digest hold as for alarms."""

from collections.abc import Mapping
from typing import Any, Literal

from openmains.app.notice.ports import NoticeLog, RotaStore
from openmains.app.unit_of_work import Work
from openmains.domain.ids import UserId
from openmains.domain.notice.decide import PERSONAL, when
from openmains.domain.notice.duty import present

PersonalKind = Literal["order", "order_overdue"]


async def tell_person(
    work: Work, key: str, kind: PersonalKind, user_id: UserId, severity: str, facts: Mapping[str, Any], now_us: int
) -> int:
    """How many notices were booked: each once for its key, 0 where the person is in service no more. ``facts``: plain values, of
    ``app/notice/texts.py``."""
    rota = await work[RotaStore].persons_told()
    person = rota.recipients.get(present(user_id, rota.absences, now_us // 1_000_000))
    if person is None:
        return 0
    told = 0
    for channel_id, channel in sorted(rota.channels.items()):
        if channel in PERSONAL and channel in person.channels:
            due_us, held = when(person, severity, rota.zone, now_us)
            told += await work[NoticeLog].add(
                f"{key}:{person.user_id}:{channel_id}", kind, person.user_id, channel_id, severity, facts, due_us, held, now_us
            )  # fmt: skip
    return told

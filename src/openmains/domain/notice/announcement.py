# SPDX-License-Identifier: Apache-2.0
"""The life of an announcement to customers (R7.5), and when one may be sent.

draft → approved (by another person) → cancelled: what waits is not sent any more
draft → cancelled
"""

from enum import StrEnum
from typing import Final

from openmains.domain.period import DAY_S, HOUR_S, Zone


class AnnouncementState(StrEnum):
    """Of the row; whether all is sent is told by its notices."""

    DRAFT = "draft"
    APPROVED = "approved"
    CANCELLED = "cancelled"


class AnnouncementStep(StrEnum):
    """What a person does with it."""

    APPROVE = "approve"
    CANCEL = "cancel"


LIFE: Final = {
    (AnnouncementState.DRAFT, AnnouncementStep.APPROVE): AnnouncementState.APPROVED,
    (AnnouncementState.DRAFT, AnnouncementStep.CANCEL): AnnouncementState.CANCELLED,
    (AnnouncementState.APPROVED, AnnouncementStep.CANCEL): AnnouncementState.CANCELLED,
}
"""What is not named is refused."""
SEVERITY: Final = {"safety": "critical", "outage": "minor", "price": "info"}
"""As the delivery log counts it; what is critical is sent at night too."""
DAY_FROM_S, DAY_UNTIL_S = 8 * HOUR_S, 21 * HOUR_S


def is_day(zone: Zone, now_s: int) -> bool:
    """Whether customers may be disturbed: 8 to 21 o'clock of the utility's day."""
    local = (now_s + zone.offset_s(now_s)) % DAY_S
    return DAY_FROM_S <= local < DAY_UNTIL_S


def in_language(language: str, zh: str, en: str) -> str:
    """The text that goes out: one language, or Chinese and then English."""
    return {"zh": zh, "en": en}.get(language, f"{zh}\n{en}")

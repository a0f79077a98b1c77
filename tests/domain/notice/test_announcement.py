# SPDX-License-Identifier: Apache-2.0
"""Every state and step of an announcement lands where the table says or is refused; customers are disturbed by day."""

import pytest

from openmains.domain.notice.announcement import LIFE, AnnouncementState, AnnouncementStep, in_language, is_day
from openmains.domain.period import zone

SHANGHAI = zone("Asia/Shanghai")
MIDNIGHT_S = 1_764_432_000  # 2025-11-30 00:00 there


def test_what_is_cancelled_stays_so_and_nothing_is_approved_twice() -> None:
    ends = {state: [step for step in AnnouncementStep if (state, step) in LIFE] for state in AnnouncementState}
    assert ends == {
        AnnouncementState.DRAFT: [AnnouncementStep.APPROVE, AnnouncementStep.CANCEL],
        AnnouncementState.APPROVED: [AnnouncementStep.CANCEL],
        AnnouncementState.CANCELLED: [],
    }


@pytest.mark.parametrize(("minute", "told"), [(0, False), (479, False), (480, True), (1259, True), (1260, False)])
def test_customers_are_disturbed_between_eight_and_nine_in_the_evening(minute: int, told: bool) -> None:
    assert is_day(SHANGHAI, MIDNIGHT_S + 60 * minute) is told


def test_both_languages_are_chinese_and_then_english() -> None:
    assert [in_language(which, "停", "off") for which in ("zh", "en", "both")] == ["停", "off", "停\noff"]

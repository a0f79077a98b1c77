# SPDX-License-Identifier: Apache-2.0
"""A version is 'late' by the time at which its day was due in the meter's own mode, not by the next morning."""

from openmains.app.readings.model import StoredDay
from openmains.app.readings.versions import history
from openmains.domain.period import zone
from openmains.domain.readings.expected import Expectation, Mode, Modes, due_at
from openmains.domain.readings.versions import VersionCause

SHANGHAI = zone("Asia/Shanghai")
DAY = 20_583  # 2026-05-10
MONTHLY = Expectation(0, product=Modes(Mode.MONTH))


def why(received_s: int, expected: Expectation | None) -> VersionCause:
    stored = StoredDay(DAY, 0, 1800, [1] * 48, [0] * 48, 48, 0, received_s, 1)
    return history([stored], [], [], {}, SHANGHAI, expected)[0].why


def test_a_month_is_late_when_its_month_was_due() -> None:
    morning, due = due_at(DAY, Mode.DAY, SHANGHAI), due_at(DAY, Mode.MONTH, SHANGHAI)
    assert why(morning, None) is VersionCause.LATE
    assert why(morning, MONTHLY) is VersionCause.METER
    assert why(due, MONTHLY) is VersionCause.LATE

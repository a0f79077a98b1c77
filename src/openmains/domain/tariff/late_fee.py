# SPDX-License-Identifier: Apache-2.0
"""Late fee (违约金) on what stayed unpaid: a rate a day, from the day after the due day and the days of grace, up to a cap.

The fee is worked out of the whole history each time and rounded once, so paying in parts or asking every day gives the same fee.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from openmains.domain.tariff.exact import to_fen
from openmains.domain.tariff.plan import LateFeeRule

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Payment:
    """Fen paid on a day; what is paid on a day bears no fee for that day's end."""

    day: int
    fen: int


def late_fee(rule: LateFeeRule, owed_fen: int, due_day: int, payments: Sequence[Payment], today: int) -> int:
    """Fen due at the start of ``today`` beside what is owed. ``due_day``: the last day on which no fee arises.

    The cap is a share of what was owed. Raises ``ValueError`` for more paid than owed, or negative sums.
    """
    paid = sum(one.fen for one in payments)
    if owed_fen < 0 or any(one.fen < 0 for one in payments) or paid > owed_fen:
        raise ValueError(f"{paid} fen paid of {owed_fen}")
    begins = due_day + rule.grace_days + 1
    days = 0  # fen x days
    for one in (*payments, Payment(today, owed_fen - paid)):
        days += one.fen * max(0, min(one.day, today) - begins)
    fee = Fraction(days * rule.per_day_ppm, PPM)
    return to_fen(min(fee, Fraction(owed_fen * rule.cap_ppm, PPM)))

# SPDX-License-Identifier: Apache-2.0
"""Who is silent, of meters that are looked at: as long as the rule says, of those that it is for, never one that was never heard."""

from openmains.app.rule.clock import HOUR_US, silent_of
from openmains.app.rule.model import ActiveRule, HeardMeter
from openmains.domain.ids import AreaId, MeterId, ProductId, RuleId, TenantId
from openmains.domain.rule.tree import SilenceCondition

NOW_US = 1_764_400_000_000_000


def heard(meter_id: int, hours: float | None, area: int = 1, product: int = 1) -> HeardMeter:
    seen = None if hours is None else NOW_US - int(hours * HOUR_US)
    return HeardMeter(MeterId(meter_id), TenantId(1), ProductId(product), AreaId(area), 15, "resident", seen)


def test_as_long_as_it_says_and_for_whom_it_is() -> None:
    rule = ActiveRule(
        RuleId(1), 1, TenantId(1), SilenceCondition(36), "major", product_id=ProductId(1), areas=frozenset({AreaId(1)})
    )
    meters = [
        heard(1, 36),  # not longer yet
        heard(2, 36.001),
        heard(3, 500, area=2),
        heard(4, 500, product=2),
        heard(5, None),
        heard(6, 500),
    ]
    assert silent_of(rule, meters, NOW_US) == [2, 6]

# SPDX-License-Identifier: Apache-2.0
"""What a customer's phone says of the tiers: as a bill of this moment would count, and as the last one did where nothing came after it."""

from openmains.app.billing.rows import CountRow
from openmains.app.portal.use import Standing, standing_of, tiers_of
from openmains.domain.tariff.exact import ML_OF_M3
from openmains.domain.tariff.plan import Cycle
from tests.app.billing.test_decide import FEBRUARY, JANUARY, account, days, link, spread
from tests.domain.tariff.support import plan, schedule

PLANS = {1: [plan(schedule((10, 20), ("1", "2", "3")), cycle=Cycle(12))]}
BILLED = CountRow(FEBRUARY, JANUARY, 12 * ML_OF_M3, 0, 0, "0", 0)


def used(found: Standing | str) -> list[str]:
    assert isinstance(found, Standing), found
    return [tier.used_m3 for tier in tiers_of(found)[0]]


def test_the_day_after_a_bill_tells_what_the_bill_counted() -> None:
    whole = account([link()], {1: days(JANUARY, spread(12 * ML_OF_M3, 31))}, BILLED)
    assert used(standing_of(whole, PLANS, JANUARY, FEBRUARY)) == ["10", "2", "0"]


def test_a_day_that_lacks_after_the_bill_hides_no_tier() -> None:
    late = account([link()], {1: days(JANUARY, spread(12 * ML_OF_M3, 31))}, BILLED)
    assert used(standing_of(late, PLANS, FEBRUARY, FEBRUARY + 2)) == ["10", "2", "0"]


def test_days_after_the_bill_count_up_to_the_first_that_lacks() -> None:
    some = account([link()], {1: days(FEBRUARY, [ML_OF_M3, 2 * ML_OF_M3])}, BILLED)
    assert used(standing_of(some, PLANS, FEBRUARY, FEBRUARY + 2)) == ["10", "5", "0"]
    assert used(standing_of(some, PLANS, FEBRUARY, FEBRUARY + 5)) == ["10", "5", "0"]


def test_without_a_bill_the_first_day_of_a_month_tells_of_the_month_before() -> None:
    first = account([link()], {1: days(JANUARY, spread(12 * ML_OF_M3, 31))})
    assert used(standing_of(first, PLANS, JANUARY, FEBRUARY)) == ["10", "2", "0"]


def test_who_has_no_tariff_or_no_days_is_told_why() -> None:
    assert standing_of(account([link(tariff_id=0)], {}), PLANS, JANUARY, FEBRUARY) == "no-tariff"
    assert standing_of(account([link()], {}), PLANS, JANUARY, FEBRUARY) == "missing-days"
    assert standing_of(account([link(tariff_id=0)], {}, BILLED), PLANS, JANUARY, FEBRUARY) == ""

# SPDX-License-Identifier: Apache-2.0
"""The demo's prepaid meters whose balances are worked out again: what they are told, and which of them have a fault planted."""

from openmains.domain.command.quota import SETTING_QUOTAS, Scope
from openmains.drivers import catalog
from openmains.run.demo import town
from openmains.run.demo.prepaid import HELD, NEW, price_of
from openmains.run.demo.story import SILENT, is_nightly


def test_they_report_all_the_time_and_two_prices_each_are_within_a_persons_day() -> None:
    assert not any(is_nightly(number) or number in SILENT for number in town.PREPAID)
    (most,) = [quota.most for quota in SETTING_QUOTAS if quota.scope is Scope.OPERATOR]
    assert most is not None and 2 * len(town.PREPAID) <= most


def test_each_fault_is_planted_in_one_of_them_and_in_its_account_only() -> None:
    assert sorted(name for fault in town.FAULTS.values() for name in fault) == [
        "forgets_top_ups",
        "keeps_price",
        "rounds_up",
    ]
    assert town.FAULTS.keys() < set(town.PREPAID)
    accounts = {meter.number: town.account(meter) for meter in town.meters()}
    assert {
        number for number, held in accounts.items() if held.rounds_up or held.keeps_price or held.forgets_top_ups
    } == set(town.FAULTS)


def test_the_first_price_is_what_they_hold_already_and_the_meter_takes_both() -> None:
    driver = catalog.load().driver("openmains/gas-1")
    for version in (HELD, NEW):
        driver.command("set_price", price_of(version), serial=1, counter=1, not_after=1, mac=lambda _: bytes(16))
    assert price_of(HELD)["prices"] == list(town.GAS_PRICE.prices) and price_of(HELD)["clear_total"] == 1
    assert all(new > held for new, held in zip(price_of(NEW)["prices"], town.GAS_PRICE.prices, strict=True))

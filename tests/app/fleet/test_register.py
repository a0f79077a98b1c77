# SPDX-License-Identifier: Apache-2.0
"""A meter is added, changed and taken out of use; what stands beside the readings follows, and only then."""

from datetime import date, timedelta
from typing import Any

import pytest

from openmains.app.fleet.areas import Area
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.model import NewMeter
from openmains.app.fleet.ports import AreaStore, MeterStore, ProductStore
from openmains.app.fleet.register import add_meter, change_meter, remove_meter
from openmains.domain.ids import AccountId, AreaId, MeterId
from tests.support.doubles import Areas, Dims, Meters, Products, meter, product
from tests.support.work import ACTOR, GivenStore, refused

FIVE = MeterId(5)
TODAY = date(2026, 9, 1)
IMEI = "861000000000001"


class Lives:
    """``LifeStore``: where meters hang."""

    def __init__(self, account_id: AccountId | None) -> None:
        self._account_id = account_id

    async def account_where(self, meter_id: MeterId) -> AccountId | None:
        return self._account_id


def given(meters: Meters, account_id: AccountId | None = None) -> tuple[GivenStore, Dims]:
    areas = Areas(Area(AreaId(2), None, "n", "North"))
    ports: dict[type, object] = {
        MeterStore: meters,
        AreaStore: areas,
        ProductStore: Products(product(3)),
        LifeStore: Lives(account_id),
    }
    return GivenStore(ports), Dims()


def wanted(**more: Any) -> NewMeter:
    return NewMeter(**({"number": "A1", "product_id": 3, "area_id": 2, "installed_on": TODAY} | more))


async def test_a_new_meter_is_read_back_recorded_and_put_beside_the_readings() -> None:
    meters = Meters()
    store, dims = given(meters)
    made = await add_meter(store, dims, ACTOR, wanted(imei=IMEI), TODAY)
    assert (made.number, made.imei) == ("A1", IMEI)
    (line,) = store.trail
    assert (line.action, line.object_id, line.before, line.after) == ("add_meter", made.meter_id, None, made)
    assert [row.meter_id for row in dims.rows] == [made.meter_id]


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        ({"product_id": 9}, ["/product_id"]),
        ({"area_id": 9}, ["/area_id"]),
        ({"customer_id": 9}, ["/customer_id"]),
        ({"product_id": 9, "area_id": 9, "customer_id": 9}, ["/product_id", "/area_id", "/customer_id"]),
    ],
)
async def test_all_references_that_are_not_the_tenants_are_named_at_once(
    wrong: dict[str, int], pointers: list[str]
) -> None:
    meters = Meters()
    store, dims = given(meters)
    told = await refused(add_meter(store, dims, ACTOR, wanted(**wrong), TODAY), store)
    assert told.fields == tuple((pointer, "unknown-reference") for pointer in pointers)
    assert (meters.rows, dims.rows) == ({}, [])


@pytest.mark.parametrize("taken", ["A1", IMEI])
async def test_a_number_or_an_imei_that_is_taken(taken: str) -> None:
    store, dims = given(Meters(taken=[taken]))
    told = await refused(add_meter(store, dims, ACTOR, wanted(imei=IMEI), TODAY), store)
    assert (told.code, dims.rows) == ("number-taken", [])


async def test_a_change_needs_the_revision_that_was_looked_at() -> None:
    store, dims = given(Meters(meter(5, revision=4)))
    assert (await refused(change_meter(store, dims, ACTOR, FIVE, 3, {"dn": 20}, TODAY), store)).code == "revision-stale"
    assert (await refused(change_meter(store, dims, ACTOR, FIVE, 3, {}, TODAY), store)).code == "revision-stale"
    after = await change_meter(store, dims, ACTOR, FIVE, 4, {"dn": 20}, TODAY)
    assert (after.dn, after.revision, [row.revision for row in dims.rows]) == (20, 5, [5])


async def test_nothing_to_change_is_nothing_to_record() -> None:
    store, dims = given(Meters(meter(5)))
    assert await change_meter(store, dims, ACTOR, FIVE, 1, {}, TODAY) == meter(5)
    assert (store.trail, dims.rows) == ([], [])


async def test_flags_go_to_the_customer_the_meter_will_have() -> None:
    meters = Meters(meter(5, customer_id=50), customers=[50, 51])
    store, dims = given(meters)
    await change_meter(store, dims, ACTOR, FIVE, 1, {"is_protected": True}, TODAY)
    await change_meter(store, dims, ACTOR, FIVE, 2, {"is_critical": True, "customer_id": 51}, TODAY)
    assert meters.flags == [(50, {"is_protected": True}), (51, {"is_critical": True})]


@pytest.mark.parametrize("customer_id", [51, None])
async def test_a_meter_at_an_account_has_its_holder(customer_id: int | None) -> None:
    meters = Meters(meter(5, customer_id=50), customers=[50, 51])
    store, dims = given(meters, AccountId(9))
    told = await refused(change_meter(store, dims, ACTOR, FIVE, 1, {"customer_id": customer_id}, TODAY), store)
    assert told.fields == (("/customer_id", "held-by-account"),) and dims.rows == []
    same = await change_meter(store, dims, ACTOR, FIVE, 1, {"customer_id": 50, "dn": 25}, TODAY)
    assert same.dn == 25


async def test_flags_without_a_customer_are_refused() -> None:
    store, dims = given(Meters(meter(5)))
    told = await refused(change_meter(store, dims, ACTOR, FIVE, 1, {"is_protected": True}, TODAY), store)
    assert told.fields == (("/is_protected", "without-customer"),)


async def test_an_imei_is_a_number_in_the_store_and_somebody_else_may_have_it() -> None:
    store, dims = given(Meters(meter(5), taken=[IMEI]))
    assert (
        await refused(change_meter(store, dims, ACTOR, FIVE, 1, {"imei": IMEI}, TODAY), store)
    ).code == "number-taken"
    after = await change_meter(store, dims, ACTOR, FIVE, 1, {"imei": "861000000000002"}, TODAY)
    assert int(str(after.imei)) == 861_000_000_000_002


async def test_a_removed_meter_gives_its_imei_back_and_is_changed_no_more() -> None:
    store, dims = given(Meters(meter(5, imei=IMEI)))
    after = await remove_meter(store, dims, ACTOR, FIVE, 1, TODAY, TODAY, "replaced")
    assert (after.removed_on, after.imei) == (TODAY, None)
    assert dims.rows[-1].removed_on == TODAY
    assert store.actions == ["remove_meter"]
    for asked in (
        change_meter(store, dims, ACTOR, FIVE, 2, {"dn": 20}, TODAY),
        remove_meter(store, dims, ACTOR, FIVE, 2, TODAY, TODAY, "replaced"),
    ):
        assert (await refused(asked, store)).code == "already-removed"


@pytest.mark.parametrize(
    ("on", "fault"),
    [(date(2019, 12, 31), "before-installation"), (TODAY + timedelta(1), "in-the-future")],
)
async def test_the_day_of_removal_lies_between_installation_and_today(on: date, fault: str) -> None:
    store, dims = given(Meters(meter(5)))
    told = await refused(remove_meter(store, dims, ACTOR, FIVE, 1, on, TODAY, "replaced"), store)
    assert told.fields == (("/date", fault),)
    await remove_meter(
        store, dims, ACTOR, FIVE, 1, date(2020, 1, 1), TODAY, "replaced"
    )  # the day of installation itself


async def test_a_meter_that_is_not_there() -> None:
    store, dims = given(Meters())
    assert (await refused(change_meter(store, dims, ACTOR, FIVE, 1, {"dn": 1}, TODAY), store)).code == "not-found"
    assert (
        await refused(remove_meter(store, dims, ACTOR, FIVE, 1, TODAY, TODAY, "replaced"), store)
    ).code == "not-found"


DATES = [
    ("installed_on", TODAY, None),
    ("installed_on", TODAY + timedelta(1), "in-the-future"),
    ("installed_on", date(2200, 1, 1), "in-the-future"),
    ("installed_on", date(1950, 1, 1), None),
    ("installed_on", date(1949, 12, 31), "before-1950"),
    ("installed_on", date(1, 1, 1), "before-1950"),
    ("expected_from", date(2024, 1, 1), None),
    ("expected_from", TODAY + timedelta(366), None),
    ("expected_from", TODAY + timedelta(367), "too-far-ahead"),
    ("expected_from", date(9999, 12, 31), "too-far-ahead"),
    ("expected_from", date(1949, 12, 31), "before-1950"),
]


@pytest.mark.parametrize(("field", "day", "fault"), DATES)
async def test_a_date_no_meter_can_have_is_refused_by_name_when_it_is_added_and_when_it_is_changed(
    field: str, day: date, fault: str | None
) -> None:
    for meters, ask in (
        (Meters(), lambda store, dims: add_meter(store, dims, ACTOR, wanted(**{field: day}), TODAY)),
        (Meters(meter(5)), lambda store, dims: change_meter(store, dims, ACTOR, FIVE, 1, {field: day}, TODAY)),
    ):
        before = dict(meters.rows)
        store, dims = given(meters)
        if fault is None:
            assert getattr(await ask(store, dims), field) == day
        else:
            assert (await refused(ask(store, dims), store)).fields == ((f"/{field}", fault),)
            assert (meters.rows, dims.rows) == (before, [])


async def test_a_meter_is_expected_from_the_day_it_is_registered_unless_said_otherwise() -> None:
    store, dims = given(Meters())
    made = await add_meter(store, dims, ACTOR, wanted(installed_on=date(2024, 1, 1)), TODAY)
    assert made.expected_from == TODAY
    moved = await change_meter(store, dims, ACTOR, made.meter_id, 1, {"expected_from": date(2025, 1, 1)}, TODAY)
    assert (moved.expected_from, store.actions) == (date(2025, 1, 1), ["add_meter", "change_meter"])


async def test_what_was_committed_is_answered_as_done_though_the_copy_is_away() -> None:
    meters = Meters()
    store, _ = given(meters)
    away = Dims(away=True)
    made = await add_meter(store, away, ACTOR, wanted(), TODAY)
    assert (meters.rows[made.meter_id], store.actions) == (made, ["add_meter"])
    assert (await change_meter(store, away, ACTOR, made.meter_id, 1, {"dn": 20}, TODAY)).dn == 20
    assert (await remove_meter(store, away, ACTOR, made.meter_id, 2, TODAY, TODAY, "replaced")).removed_on == TODAY

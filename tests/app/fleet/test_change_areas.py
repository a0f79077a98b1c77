# SPDX-License-Identifier: Apache-2.0
"""Areas form a tree, whatever is asked for."""

from openmains.app.fleet.change_areas import add_area, change_area
from openmains.app.fleet.model import Area, NewArea
from openmains.app.fleet.ports import AreaStore
from openmains.domain.ids import AreaId
from tests.support.doubles import Areas
from tests.support.work import ACTOR, GivenStore, refused

ROOT, NORTH, MILL = AreaId(1), AreaId(2), AreaId(3)


def given() -> tuple[GivenStore, Areas]:
    areas = Areas(Area(ROOT, None, "r", "Root"), Area(NORTH, ROOT, "n", "North"), Area(MILL, NORTH, "m", "Mill"))
    return GivenStore({AreaStore: areas}), areas


async def test_an_area_is_added_below_another() -> None:
    store, areas = given()
    made = await add_area(store, ACTOR, NewArea("s", "South", ROOT))
    assert areas.rows[made.area_id] == made == Area(AreaId(4), ROOT, "s", "South")
    assert [(line.action, line.before, line.after) for line in store.trail] == [("add_area", None, made)]


async def test_a_code_is_there_once_and_a_parent_must_be_there() -> None:
    store, areas = given()
    assert (await refused(add_area(store, ACTOR, NewArea("n", "Again")), store)).code == "code-taken"
    told = await refused(add_area(store, ACTOR, NewArea("s", "South", AreaId(9))), store)
    assert told.fields == (("/parent_id", "unknown-reference"),)
    told = await refused(change_area(store, ACTOR, MILL, {"parent_id": AreaId(9)}), store)
    assert told.fields == (("/parent_id", "unknown-reference"),)
    assert len(areas.rows) == 3


async def test_no_area_is_put_below_itself() -> None:
    store, areas = given()
    for below in (ROOT, NORTH, MILL):
        told = await refused(change_area(store, ACTOR, ROOT, {"parent_id": below}), store)
        assert told.fields == (("/parent_id", "would-loop"),)
    assert areas.rows[ROOT].parent_id is None


async def test_an_area_moves_and_may_become_a_root() -> None:
    store, _ = given()
    assert (await change_area(store, ACTOR, MILL, {"parent_id": ROOT})).parent_id == ROOT
    assert (await change_area(store, ACTOR, MILL, {"parent_id": None, "name": "Old mill"})) == Area(
        MILL, None, "m", "Old mill"
    )
    assert store.actions == ["change_area"] * 2
    assert await change_area(store, ACTOR, MILL, {}) == Area(MILL, None, "m", "Old mill")
    assert store.actions == ["change_area"] * 2
    assert (await refused(change_area(store, ACTOR, AreaId(9), {"name": "x"}), store)).code == "not-found"

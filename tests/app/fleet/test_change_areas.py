# SPDX-License-Identifier: Apache-2.0
"""Areas form a tree, whatever is asked for; a branch moves by one act, with a reason."""

from openmains.app.fleet.areas import Area, AreaKind, AreaMove, NewArea
from openmains.app.fleet.change_areas import add_area, change_area
from openmains.app.fleet.ports import AreaStore
from openmains.domain.fleet.area_rows import MOST_DEPTH
from openmains.domain.ids import AreaId, AreaKindId
from tests.support.doubles import Areas
from tests.support.work import ACTOR, GivenStore, refused

ROOT, NORTH, MILL = AreaId(1), AreaId(2), AreaId(3)
WHY = "the water works were merged"


def given() -> tuple[GivenStore, Areas]:
    areas = Areas(Area(ROOT, None, "r", "Root"), Area(NORTH, ROOT, "n", "North"), Area(MILL, NORTH, "m", "Mill"))
    areas.named[5] = AreaKind(AreaKindId(5), "estate", "小区", "Estate", 30)
    return GivenStore({AreaStore: areas}), areas


async def test_an_area_is_added_below_another() -> None:
    store, areas = given()
    made = await add_area(store, ACTOR, NewArea("s", "South", ROOT, AreaKindId(5)))
    assert made == Area(AreaId(4), ROOT, "s", "South", AreaKindId(5), 2)
    assert made.area_id in areas.rows
    assert [(line.action, line.before, line.after) for line in store.trail] == [("add_area", None, made)]


async def test_a_code_is_there_once_and_what_is_named_must_be_there() -> None:
    store, areas = given()
    assert (await refused(add_area(store, ACTOR, NewArea("n", "Again")), store)).code == "code-taken"
    told = await refused(add_area(store, ACTOR, NewArea("s", "South", AreaId(9))), store)
    assert told.fields == (("/parent_id", "unknown-reference"),)
    told = await refused(add_area(store, ACTOR, NewArea("s", "South", ROOT, AreaKindId(6))), store)
    assert told.fields == (("/kind_id", "unknown-reference"),)
    told = await refused(change_area(store, ACTOR, MILL, {"parent_id": AreaId(9), "reason": WHY}), store)
    assert told.fields == (("/parent_id", "unknown-reference"),)
    told = await refused(change_area(store, ACTOR, MILL, {"kind_id": AreaKindId(6)}), store)
    assert told.fields == (("/kind_id", "unknown-reference"),)
    assert len(areas.rows) == 3


async def test_no_area_is_put_below_itself() -> None:
    store, areas = given()
    for below in (ROOT, NORTH, MILL):
        told = await refused(change_area(store, ACTOR, ROOT, {"parent_id": below, "reason": WHY}), store)
        assert told.fields == (("/parent_id", "would-loop"),)
    assert areas.rows[ROOT].parent_id is None
    assert areas.is_held  # what was asked stays so until the answer is written


async def test_a_branch_moves_by_one_act_with_a_reason() -> None:
    store, areas = given()
    for said in ({}, {"reason": " -- "}):
        assert (
            await refused(change_area(store, ACTOR, NORTH, {"parent_id": None, **said}), store)
        ).code == "reason-needed"
    assert areas.rows[NORTH].parent_id == ROOT
    before = await areas.get(NORTH)
    after = await change_area(store, ACTOR, NORTH, {"parent_id": None, "reason": WHY})
    assert (after.parent_id, after.depth) == (None, 1)
    line = store.trail[-1]
    assert (line.action, line.before, line.reason) == ("move_area", before, WHY)
    assert line.after == AreaMove(NORTH, None, "n", "North", None, 1, False, 0, areas=2)


async def test_what_moves_nothing_needs_no_reason() -> None:
    store, _ = given()
    renamed = await change_area(store, ACTOR, MILL, {"parent_id": NORTH, "name": "Old mill", "kind_id": AreaKindId(5)})
    assert renamed == Area(MILL, NORTH, "m", "Old mill", AreaKindId(5), 3)
    assert await change_area(store, ACTOR, MILL, {}) == renamed
    assert store.actions == ["change_area"]
    assert (await refused(change_area(store, ACTOR, AreaId(9), {"name": "x"}), store)).code == "not-found"


async def test_a_tree_that_would_be_too_deep_is_refused_whichever_end_grows() -> None:
    chain = [Area(AreaId(n), AreaId(n - 1) if n > 1 else None, f"c{n}", "c") for n in range(1, MOST_DEPTH + 1)]
    areas = Areas(*chain, Area(AreaId(100), None, "a", "a"), Area(AreaId(101), AreaId(100), "b", "b"))
    store = GivenStore({AreaStore: areas})
    told = await refused(add_area(store, ACTOR, NewArea("x", "x", AreaId(MOST_DEPTH))), store)
    assert told.fields == (("/parent_id", "too-deep"),)
    deep = {"parent_id": AreaId(MOST_DEPTH - 1), "reason": WHY}
    told = await refused(change_area(store, ACTOR, AreaId(100), deep), store)
    assert told.fields == (("/parent_id", "too-deep"),)
    assert (await change_area(store, ACTOR, AreaId(101), deep)).depth == MOST_DEPTH

# SPDX-License-Identifier: Apache-2.0
"""A file of the tree is judged as a whole: what it makes of the tree that is there, or each row that cannot be."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.fleet.area_rows import AREA_TABLE, MOST_DEPTH, KnownArea, TreePlan, plan_tree
from openmains.domain.fleet.table_rows import TableRows

HEADERS = {"code": "区域代码", "name": "区域名称", "parent": "上级代码", "kind": "类型"}
TREE = {"r": KnownArea("Root", "", "company"), "n": KnownArea("North", "r", ""), "m": KnownArea("Mill", "n", "estate")}


def plan(*rows: Mapping[str, Any], known: Mapping[str, KnownArea] = TREE, may_move: bool = False) -> TreePlan:
    return plan_tree(enumerate(rows, 2), known, ["company", "estate"], HEADERS, may_move=may_move)


def told(found: TreePlan) -> list[tuple[int, str, str, str]]:
    return [(error.row, error.column, error.value, error.reason) for error in found.errors]


def test_rows_stand_in_any_order_and_are_added_from_the_top_down() -> None:
    found = plan(
        {"code": "u1", "parent": "b1"}, {"code": "b1", "parent": "e1"}, {"code": "e1", "parent": "m", "kind": "estate"}
    )
    assert not found.errors
    assert found.added == [
        ("e1", KnownArea("e1", "m", "estate")), ("b1", KnownArea("b1", "e1", "")), ("u1", KnownArea("u1", "b1", "")),
    ]  # fmt: skip


def test_each_row_that_cannot_be_is_named_with_the_cell_that_is_wrong() -> None:
    found = plan(
        {"code": "a", "parent": "b"}, {"code": "b", "parent": "a"}, {"code": "c", "parent": "nobody"},
        {"code": "d", "kind": "planet"}, {"code": "d", "name": "again"}, {"code": "m", "parent": "r"},
        {"code": "n", "parent": "m"},
    )  # fmt: skip
    assert told(found) == [
        (2, "上级代码", "b", "parent_loop"), (3, "上级代码", "a", "parent_loop"), (4, "上级代码", "nobody", "unknown_parent"),
        (5, "类型", "planet", "unknown_kind"), (6, "区域代码", "d", "duplicate_in_file"), (7, "上级代码", "r", "would_move"),
        (8, "上级代码", "m", "would_move"),
    ]  # fmt: skip


def test_a_loop_through_areas_that_no_row_names_is_one() -> None:
    assert told(plan({"code": "r", "parent": "m"}, may_move=True)) == [(2, "上级代码", "m", "parent_loop")]


def test_with_a_reason_a_branch_moves_and_two_may_change_places() -> None:
    found = plan({"code": "m", "parent": "r"}, {"code": "n", "parent": "m"}, may_move=True)
    assert not found.errors
    assert found.moved == ["m", "n"]


def test_a_branch_that_gets_too_deep_is_refused_also_where_no_row_names_its_end() -> None:
    chain = {f"c{n}": KnownArea("c", f"c{n - 1}" if n else "", "") for n in range(MOST_DEPTH)}
    top = "c" + str(MOST_DEPTH - 1)
    assert told(plan({"code": "x", "parent": top}, known=chain)) == [(2, "上级代码", top, "too_deep")]
    known = {**chain, "a": KnownArea("a", "", ""), "b": KnownArea("b", "a", "")}
    found = plan({"code": "a", "parent": f"c{MOST_DEPTH - 2}"}, known=known, may_move=True)
    assert [(error.value, error.reason) for error in found.errors] == [("b", "too_deep")]


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 30), max_size=30), st.randoms())
def test_a_file_that_is_exported_and_imported_changes_nothing(links: dict[int, int], order: Any) -> None:
    known = {
        f"a{code}": KnownArea(
            f"Area {code}", f"a{above}" if above < code and above in links else "", "estate" if code % 2 else ""
        )
        for code, above in links.items()
    }
    rows = [
        {
            name: value
            for name, value in (("code", code), ("name", area.name), ("parent", area.parent), ("kind", area.kind))
            if value
        }
        for code, area in known.items()
    ]
    order.shuffle(rows)
    found = plan(*rows, known=known)
    assert (found.added, found.changed, found.errors, found.unchanged) == ([], [], [], len(known))


def test_cells_are_read_as_those_of_meters() -> None:
    rows = TableRows(AREA_TABLE, ["区域代码", "名称", "上级代码", "备注", "全称"])
    assert rows.ignored == ["备注"]
    assert rows.check(2, ["a1", " 北区 ", "", "x", "y"]) == {"code": "a1", "name": "北区"}
    bad = rows.check(3, ["1.2E+15", "=1+1", "a b", "", "", "more"])
    assert isinstance(bad, list)
    assert [(error.column, error.reason) for error in bad] == [
        ("区域代码", "digits_lost"), ("名称", "formula_sign"), ("上级代码", "bad_code"), ("", "too_many_cells"),
    ]  # fmt: skip
    empty = rows.check(4, ["", "x"])
    assert isinstance(empty, list)
    assert [error.reason for error in empty] == ["required"]

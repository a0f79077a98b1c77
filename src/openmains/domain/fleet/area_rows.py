# SPDX-License-Identifier: Apache-2.0
"""A file of the tree of areas, and what it makes of the tree that is there. Pure: the tree comes as an argument.

A row names an area by its code, and the one above it by that one's; rows stand in any order. An empty cell keeps what is stored, so a
file that was exported and is imported unchanged changes nothing. The whole file is judged against the tree as it will be: an
area that nobody knows, a loop across rows and a tree that is too deep are errors of the rows that make them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from openmains.domain.fleet.cells import RowError, read_code, read_name
from openmains.domain.fleet.registry_columns import Column
from openmains.domain.fleet.table_rows import TableColumns

MOST_DEPTH = 64  # levels of the tree; a path of it is an index's key

AREA_COLUMNS: Mapping[str, Column] = {
    "code": Column("area code", "区域代码", ("code", "区域编码", "片区代码")),
    "name": Column("area name", "区域名称", ("name", "名称")),
    "parent": Column("code above", "上级代码", ("parent code", "parent", "上级区域", "上级编码")),
    "kind": Column("kind", "类型", ("area kind", "区域类型", "类型代码")),
}
AREA_SHOWN_ONLY: Mapping[str, Column] = {
    "full_name": Column("full name", "全称"),
    "meters": Column("meters in use", "在用表具数"),
}
AREA_TABLE = TableColumns(
    columns=AREA_COLUMNS,
    read={"code": read_code, "name": read_name, "parent": read_code, "kind": read_code},
    required=("code",),
    names=frozenset({"code", "name", "parent", "kind"}),
    shown_only=AREA_SHOWN_ONLY,
)


@dataclass(frozen=True, slots=True)
class KnownArea:
    """An area that is there. ``parent`` and ``kind``: codes; '' for a root, for no kind."""

    name: str
    parent: str
    kind: str


@dataclass(frozen=True, slots=True)
class AreaChangeRow:
    """What a row changes of an area that is there; None: stays."""

    code: str
    name: str | None
    parent: str | None
    kind: str | None


@dataclass(slots=True)
class TreePlan:
    """What a file does. ``added``: (code, area), each after the one above it; nothing is done where there are errors, of which
    ``most_errors`` are told and all counted. ``rejected``: rows with one at the least."""

    most_errors: int

    added: list[tuple[str, KnownArea]] = field(default_factory=list)
    changed: list[AreaChangeRow] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    error_count: int = 0
    rejected: int = 0

    def refuse(self, error: RowError) -> None:
        """One more thing that is wrong."""
        self.error_count += 1
        if len(self.errors) < self.most_errors:
            self.errors.append(error)

    @property
    def moved(self) -> list[str]:
        """Codes of areas that go below another one."""
        return [row.code for row in self.changed if row.parent is not None]


def plan_tree(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    known: Mapping[str, KnownArea],
    kinds: Iterable[str],
    header_of: Mapping[str, str],
    *,
    may_move: bool,
    most_errors: int = 10_000,
) -> TreePlan:
    """``rows``: (row number, values by column), each sound by itself. ``may_move``: a reason for moving was given."""
    plan, kind_codes = TreePlan(most_errors), set(kinds)
    first: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for row, values in rows:
        code = values["code"]
        if code in first:
            plan.refuse(RowError(row, header_of["code"], code, "duplicate_in_file", first[code][0]))
            plan.rejected += 1
            continue
        first[code] = (row, values)
    future = {code: area.parent for code, area in known.items()}
    future |= {code: values.get("parent", future.get(code, "")) for code, (_, values) in first.items()}
    depth = _depths(future)
    new: dict[str, KnownArea] = {}
    for code, (row, values) in first.items():
        told = plan.error_count
        parent, kind, name = values.get("parent"), values.get("kind"), values.get("name")
        if parent is not None and parent not in future:
            plan.refuse(RowError(row, header_of["parent"], parent, "unknown_parent"))
        elif (levels := depth[code]) == 0 and parent is not None:
            plan.refuse(RowError(row, header_of["parent"], parent, "parent_loop"))
        elif levels > MOST_DEPTH:
            plan.refuse(RowError(row, header_of["parent"], parent or "", "too_deep"))
        if kind is not None and kind not in kind_codes:
            plan.refuse(RowError(row, header_of["kind"], kind, "unknown_kind"))
        here = known.get(code)
        if here is None:
            plan.rejected += plan.error_count > told
            new[code] = KnownArea(name or code, parent or "", kind or "")
            continue
        change = AreaChangeRow(
            code,
            name if name is not None and name != here.name else None,
            parent if parent is not None and parent != here.parent else None,
            kind if kind is not None and kind != here.kind else None,
        )
        if change.parent is not None and not may_move and plan.error_count == told:
            plan.refuse(RowError(row, header_of["parent"], change.parent, "would_move"))
        plan.rejected += plan.error_count > told
        if change == AreaChangeRow(code, None, None, None):
            plan.unchanged += 1
        else:
            plan.changed.append(change)
    # What a row did may be told at another one: a branch that is moved takes areas with it that no row names.
    if not plan.error_count and (deep := next((code for code, levels in depth.items() if levels > MOST_DEPTH), None)):
        plan.refuse(RowError(0, header_of["parent"], deep, "too_deep"))
        plan.rejected += 1
    plan.added = sorted(new.items(), key=lambda item: depth[item[0]])
    plan.errors.sort(key=lambda error: error.row)
    return plan


def _depths(parents: Mapping[str, str]) -> dict[str, int]:
    """Level of each area, a root's is 1; 0: the way up never ends. One whose parent nobody knows counts as a root."""
    found: dict[str, int] = {}
    for start in parents:
        way: list[str] = []
        here, on_way = start, set[str]()
        while here in parents and here not in found and here not in on_way:
            way.append(here)
            on_way.add(here)
            here = parents[here]
        level = found.get(here, 0)
        if here in on_way or (here in found and level == 0):
            for code in way:
                found[code] = 0
            continue
        for code in reversed(way):
            level += 1
            found[code] = level
    return found

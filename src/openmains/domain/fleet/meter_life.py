# SPDX-License-Identifier: Apache-2.0
"""The life of a meter as a table: state × act → state (R8.1, R8.7). What the table does not name is a wrong order, and refused by name.

    stock      in the warehouse, belongs to nobody's place
    issued     handed to a fitter or contractor
    installed  hangs at an account and counts; nobody but its fitter has looked at it
    in_use     accepted by another person than the one who entered the installation
    removed    taken off the wall, its register read; goes back to the warehouse, to repair, or is scrapped
    repair     with the workshop
    scrap      the end: its bar code never comes again

A meter that hangs (``HANGING``) has an installation that goes on, and no other has.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Life(StrEnum):
    """Where a meter stands in its life."""

    STOCK = "stock"
    ISSUED = "issued"
    INSTALLED = "installed"
    IN_USE = "in_use"
    REMOVED = "removed"
    REPAIR = "repair"
    SCRAP = "scrap"


class LifeAct(StrEnum):
    """What is done to it. An exchange is ``remove`` of one and ``install`` of the other, at one instant."""

    ISSUE = "issue"  # out of the warehouse, to a person
    BRING_BACK = "bring_back"  # issued and not used
    INSTALL = "install"
    ACCEPT = "accept"
    MOVE = "move"  # to another account without being touched: a split or a merge
    REMOVE = "remove"
    REPAIR = "repair"
    RESTOCK = "restock"  # back into the warehouse, fit to be issued again
    SCRAP = "scrap"


L, A = Life, LifeAct
HANGING: Final = frozenset({L.INSTALLED, L.IN_USE})

CHANGES: Mapping[Life, Mapping[LifeAct, Life]] = {
    L.STOCK: {A.ISSUE: L.ISSUED, A.REPAIR: L.REPAIR, A.SCRAP: L.SCRAP},
    L.ISSUED: {A.BRING_BACK: L.STOCK, A.INSTALL: L.INSTALLED},
    L.INSTALLED: {A.ACCEPT: L.IN_USE, A.MOVE: L.INSTALLED, A.REMOVE: L.REMOVED},
    L.IN_USE: {A.MOVE: L.IN_USE, A.REMOVE: L.REMOVED},
    L.REMOVED: {A.REPAIR: L.REPAIR, A.RESTOCK: L.STOCK, A.SCRAP: L.SCRAP},
    L.REPAIR: {A.RESTOCK: L.STOCK, A.SCRAP: L.SCRAP},
    L.SCRAP: {},
}


LIFE_WORDS: Mapping[Life, tuple[str, str]] = {
    L.STOCK: ("在库", "in stock"), L.ISSUED: ("已领用", "issued"), L.INSTALLED: ("已安装待验收", "installed, to be accepted"),
    L.IN_USE: ("在用", "in use"), L.REMOVED: ("已拆除", "removed"), L.REPAIR: ("维修中", "in repair"), L.SCRAP: ("已报废", "scrapped"),
}  # fmt: skip
"""In Chinese and English."""
ACT_WORDS: Mapping[LifeAct, tuple[str, str]] = {
    A.ISSUE: ("领用", "issue"), A.BRING_BACK: ("退库", "bring back"), A.INSTALL: ("安装", "install"), A.ACCEPT: ("验收", "accept"),
    A.MOVE: ("转户号", "move to another account"), A.REMOVE: ("拆除", "remove"), A.REPAIR: ("送修", "send to repair"),
    A.RESTOCK: ("入库", "put back into stock"), A.SCRAP: ("报废", "scrap"),
}  # fmt: skip


def following(life: Life, act: LifeAct) -> Life | None:
    """The state after an act; None: it cannot be done to a meter in this state."""
    return CHANGES[life].get(act)


def acts_of(life: Life) -> list[LifeAct]:
    """What may be done next."""
    return list(CHANGES[life])


def drawing() -> str:
    """The table as a Mermaid state diagram for the docs."""
    lines = ["stateDiagram-v2", f"    [*] --> {L.STOCK}"]
    lines += [f"    {life} --> {after}: {act}" for life, row in CHANGES.items() for act, after in row.items()]
    return "\n".join([*lines, f"    {L.SCRAP} --> [*]"])


def table() -> str:
    """Every state and act as a Markdown table: the next state, ``·`` refused."""
    rows = ["| state | " + " | ".join(LifeAct) + " |", "|---" * (len(LifeAct) + 1) + "|"]
    for life in Life:
        cells = [str(following(life, act) or "·") for act in LifeAct]
        rows.append(f"| **{life}** | " + " | ".join(cells) + " |")
    return "\n".join(rows)

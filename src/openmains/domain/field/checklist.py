# SPDX-License-Identifier: Apache-2.0
"""The checklist of an installation with the documents' limits (R8.4, G5.2). Numbers are whole, in the unit of their name.

An answer outside its limit is no answer: the meter is put right first, or it is not installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Rule = Literal["yes", "least", "most"]
CheckFault = Literal["required", "unknown-field", "wrong-type", "outside-limit"]
MOST: Final = 100_000
"""No answer is larger."""


@dataclass(frozen=True, slots=True)
class CheckItem:
    """A question. ``rule``: answered with yes, or by a number that is at least or at most ``limit``; ``media``: whose meters it is asked of."""

    name: str
    rule: Rule
    limit: int
    unit: str
    media: tuple[str, ...]
    zh: str
    en: str


_GAS, _BOTH = ("gas",), ("gas", "water")
ITEMS: Final = (
    CheckItem("room_allowed", "yes", 0, "", _GAS, "不在卧室、浴室内", "Not in a bedroom or bathroom"),
    CheckItem("fire_distance_cm", "least", 150, "cm", _GAS, "距明火、热源", "Distance from fire"),
    CheckItem("torque_nm", "most", 80, "N·m", _GAS, "接头拧紧力矩", "Torque at the connections"),
    CheckItem("field_mt", "most", 20, "mT", _BOTH, "50 cm 内磁感应强度", "Magnetic field within 50 cm"),
    CheckItem(
        "leak_test_kpa", "most", 10, "kPa", _GAS, "气密性检漏压力（空气）", "Pressure of the leak test, with air"
    ),
    CheckItem("no_leak", "yes", 0, "", _BOTH, "检漏合格", "No leak found"),
    CheckItem("inlet_valve", "yes", 0, "", _BOTH, "表前阀已装", "A valve stands before the meter"),
)


def items_of(medium: str) -> tuple[CheckItem, ...]:
    """Those asked of meters of a medium, in order."""
    return tuple(item for item in ITEMS if medium in item.media)


def check_fault(medium: str, answers: Mapping[str, bool | int]) -> tuple[str, CheckFault] | None:
    """The first answer that is missing, unknown, of the wrong type or outside its limit; None: all is well."""
    items = {item.name: item for item in items_of(medium)}
    for name in answers:
        if name not in items:
            return name, "unknown-field"
    for name, item in items.items():
        if name not in answers:
            return name, "required"
        answer = answers[name]
        if isinstance(answer, bool) != (item.rule == "yes"):
            return name, "wrong-type"
        if not 0 <= answer <= MOST or not _within(item, answer):
            return name, "outside-limit"
    return None


def _within(item: CheckItem, answer: bool | int) -> bool:
    if item.rule == "yes":
        return answer is True
    return answer >= item.limit if item.rule == "least" else answer <= item.limit

# SPDX-License-Identifier: Apache-2.0
"""What a kind of meter does when it deducts by itself: in which steps, and what becomes of less than a fen. Data of the driver page
(``[deduction]``), or of the product where its meters differ."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

PRODUCT_KEY = "deduction"  # of a product's settings: step_l and rounding where they are not the driver page's
MOST_STEP_L = 100_000


class StepRounding(StrEnum):
    """What a kind of meter does with less than a fen of a metering step."""

    EXACT = "exact"  # it keeps it
    UP = "up"
    DOWN = "down"
    HALF_UP = "half_up"


@dataclass(frozen=True, slots=True)
class MeterDeduction:
    """``setting``: the name of the setting with the litres of a metering step, "": there is none; ``step_l``: where the meter did not say
    another; 0: not known. ``rounding`` None: not known."""

    setting: str = ""
    step_l: int = 0
    rounding: StepRounding | None = None


UNKNOWN = MeterDeduction()


def is_usable(settings: Mapping[str, Any]) -> bool:
    """Whether what a product says of the deduction can be used: {"step_l": 1…100000, "rounding": "exact" | "up" | "down" | "half_up"}."""
    said = settings.get(PRODUCT_KEY)
    if said is None:
        return True
    if not isinstance(said, dict) or said.keys() - {"step_l", "rounding"}:
        return False
    step_l = said.get("step_l", 1)
    is_whole = isinstance(step_l, int) and not isinstance(step_l, bool) and 1 <= step_l <= MOST_STEP_L
    return is_whole and said.get("rounding", StepRounding.EXACT) in set(StepRounding)


def deduction_of(
    page: MeterDeduction | None, settings: Mapping[str, Any], reported: Mapping[str, Any]
) -> MeterDeduction:
    """Of a meter: as its driver page has it, over it its product, over that the step that the meter itself said."""
    found, said = page or UNKNOWN, settings.get(PRODUCT_KEY) or {}
    found = replace(
        found,
        step_l=said.get("step_l", found.step_l),
        rounding=StepRounding(said["rounding"]) if "rounding" in said else found.rounding,
    )
    step_l = reported.get(found.setting) if found.setting else None
    return replace(found, step_l=step_l) if isinstance(step_l, int) and 1 <= step_l <= MOST_STEP_L else found

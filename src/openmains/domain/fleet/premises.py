# SPDX-License-Identifier: Apache-2.0
"""The parts of an address and how they are put together: 中山路 12 号 3 栋 2 单元 1201 室 as people in China write it, largest first."""

from collections.abc import Mapping
from typing import Any

PARTS = ("street", "house_number", "building", "unit", "floor", "room")


def address_of(values: Mapping[str, Any]) -> str:
    """The parts that are there, in their order; letters and digits that would run into each other get a space."""
    made = ""
    for name in PARTS:
        part = str(values[name] or "").strip()
        if not part:
            continue
        runs_on = made and made[-1].isascii() and part[0].isascii()
        made += f" {part}" if runs_on else part
    return made

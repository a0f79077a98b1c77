# SPDX-License-Identifier: Apache-2.0
"""Frames that say whom they are for: a command of one meter must not be carried out by another one."""

from collections.abc import Mapping
from typing import Any

METER_NUMBER = "meter_number"
"""A parameter of such kinds: the registered number without leading zeros, or 0, which leaves it to the registry."""


def names_another(params: Mapping[str, Any], number: str) -> bool:
    """Whether these parameters name another meter than the one with this registered number."""
    named = params.get(METER_NUMBER, 0)
    if named == 0:
        return False
    return not (number.isascii() and number.isdigit()) or named != int(number)

# SPDX-License-Identifier: Apache-2.0
"""What of a gateway can be set from afar, as one table: the gateway and the platform know the same bounds (R5.5, ADR 0075).

``PARAMETERS``: kind, bounds, unit, and whether a second person is to agree. Those that do are of the plan of slices: every meter of the gateway
joins anew after them. What makes a gateway another one – number, network, key, broker – is not here: who sets that wrongly from afar never
hears of it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Value = int | str | list[int]
Kind = Literal["int", "ints", "word"]
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
CYCLE_SLICES: Final = 60  # of a cycle at least
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Parameter:
    """``low`` and ``high`` of an integer, or of each in a list without repeats of ``least`` to ``most``; ``words``: of which a word is one."""

    name: str
    kind: Kind
    low: int = 0
    high: int = 0
    unit: str = ""
    moves_meters: bool = False
    least: int = 0
    most: int = 0
    words: tuple[str, ...] = ()


PARAMETERS: Final[Mapping[str, Parameter]] = {
    each.name: each
    for each in (
        Parameter("channels", "ints", 1, 255, moves_meters=True, least=1, most=16),
        Parameter("cycle_s", "int", CYCLE_SLICES * 5, DAY_S, "s", moves_meters=True),
        Parameter("slice_s", "int", 5, 300, "s", moves_meters=True),
        Parameter("relays", "ints", 1, 255, most=255),
        Parameter("tries", "int", 1, 10),
        Parameter("timeout_ms", "int", 200, 60_000, "ms"),
        Parameter("command_windows", "int", 1, 1_000),
        Parameter("probe_s", "int", 25, 3_600, "s"),
        Parameter("report_s", "int", 10, 60, "s"),
        Parameter("kept_days", "int", 1, 365, "d"),
        Parameter("log_level", "word", words=LOG_LEVELS),
    )
}


def fault(name: str, value: object) -> str:
    """Why a parameter cannot be this: ``unknown``, ``type``, ``range``, ``repeated``, ``count``; "" where it can."""
    known = PARAMETERS.get(name)
    if known is None:
        return "unknown"
    if known.kind == "word":
        if not isinstance(value, str):
            return "type"
        return "" if value in known.words else "range"
    if known.kind == "int":
        return _int_fault(known, value)
    if not isinstance(value, (list, tuple)):
        return "type"
    for each in value:
        if wrong := _int_fault(known, each):
            return wrong
    if len(set(value)) != len(value):
        return "repeated"
    return "" if known.least <= len(value) <= known.most else "count"


def together(values: Mapping[str, object]) -> str:
    """The parameter that does not fit with the others, all of which are given; "" where they fit."""
    cycle_s, slice_s = values["cycle_s"], values["slice_s"]
    if not isinstance(cycle_s, int) or not isinstance(slice_s, int):
        return "cycle_s"
    return "" if cycle_s > 0 and cycle_s >= CYCLE_SLICES * slice_s and DAY_S % cycle_s == 0 else "cycle_s"


def _int_fault(known: Parameter, value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        return "type"
    return "" if known.low <= value <= known.high else "range"


def values_of(told: object, most: int = 32) -> Mapping[str, Value] | None:
    """An object's members as values, whatever their names: a later gateway has parameters that are not known here. None for anything else."""
    if not isinstance(told, dict) or len(told) > most:
        return None
    for name, value in told.items():
        if not isinstance(name, str) or not 0 < len(name) <= 64 or not (_is_plain(value) or _are_plain(value)):
            return None
    return told


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= 64 and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53


def _are_plain(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 255
        and all(isinstance(each, int) and _is_plain(each) for each in value)
    )

# SPDX-License-Identifier: Apache-2.0
"""The table of causes as it stands in ``docs/emulator.md``: ``python -m openmains.emulator.meter.causes_page``."""

from openmains.emulator.meter.causes import KINDS, Cause, CauseKind
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.protection import CUT_OFF, DISTURBED, RETURNS, SHUTS

_FLOWS = {"drawn": "draws", "back": "flows back", "passing": "passes the shut valve:"}


def _effect(cause: Cause, kind: CauseKind) -> str:
    effects = []
    if kind.flow:
        low, high = kind.litres_h
        effects.append(f"{_FLOWS[kind.flow]} {low}–{high} L/h")
    if kind.stops_register:
        effects.append("register stands still")
    if kind.pressure_ppm != 1_000_000:
        effects.append(f"pressure × {kind.pressure_ppm / 1_000_000:g}")
    if kind.warmer:
        effects.append(f"{kind.warmer / 10:+g} °C")
    if kind.vibration:
        effects.append(f"+{kind.vibration / 100:g} mm/s")
    if cause is Cause.CELL_DEFECT:
        effects.append("voltage sinks until the meter is dead")
    if cause is Cause.VALVE_JAMS:
        effects.append("valve does not move")
    if Medium.GAS in kind.media and (kind.seen | kind.sensed) & SHUTS:
        effects.append("gas: valve shuts")
    return "; ".join(effects) or "–"


def _end(kind: CauseKind) -> str:
    shuts = (kind.seen | kind.sensed) & SHUTS if Medium.GAS in kind.media else frozenset()
    if shuts & (CUT_OFF | DISTURBED):
        return "cause over, event clears; gas: a person resets it at the meter"
    if shuts & RETURNS:
        return "cause over, event clears, valve opens by itself"
    return "cause over, event clears"


def drawing() -> str:
    """Between the marks of the page."""
    lines = [
        "| cause | 原因 | medium | events | effect on valve and flow | end | clause |",
        "|---|---|---|---|---|---|---|",
    ]
    for cause, kind in KINDS.items():
        media = ", ".join(medium.name.lower() for medium in kind.media)
        events = ", ".join(f"`{event}`" for event in sorted(kind.seen) + sorted(kind.sensed))
        cells = (kind.en, kind.zh, media, events, _effect(cause, kind), _end(kind), kind.clause)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(drawing(), end="")

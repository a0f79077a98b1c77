# SPDX-License-Identifier: Apache-2.0
"""What keeps a meter from being simply well, worst first: a blocked meter must not look healthy on its own page, nor in a list."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from openmains.domain.period import utc_of_us

SignCode = Literal[
    "safety_closed",
    "blocked",
    "quarantine",
    "mismatch",
    "no_driver",
    "key_missing",
    "silent",
    "valve_fault",
    "valve_closed",
    "observe",
    "sim_differs",
]
ORDER: tuple[SignCode, ...] = get_args(SignCode)
"""Worst first."""
_CLOSES = ("arrears", "under_voltage", "over_voltage", "power_loss", "flow_valve_closed", "burst", "gas_leak")
"""Events that say why a valve is shut."""
_VALVE_CLOSED, _VALVE_FAULT = 1, 2  # values of the point valve


class MeterSign(Struct, frozen=True):
    """One thing that is not well. ``since``: null where nobody knows; ``reasons``: kinds of findings of the access guard, or events
    that explain it; ``note``: what a person wrote with it."""

    code: SignCode
    since: datetime | None = None
    reasons: list[str] = []
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a meter beside its registry row; instants in µs. ``silent_after_us``: two reports missed."""

    now_us: int
    silent_after_us: int
    has_driver: bool = True
    access: str | None = None  # step of the ladder; None: nobody spoke under its IMEI
    access_at: datetime | None = None
    access_reasons: Mapping[str, int] = field(default_factory=dict)
    access_note: str = ""
    needs_key: bool = False  # has an IMEI and no key, and either speaks with sessions or was never heard
    safety_us: int | None = None  # of a standing safety closing
    safety_evidence: str = ""
    last_seen_us: int | None = None
    valve: int | None = None
    events: Collection[str] = ()
    sims: tuple[tuple[str, str], ...] = ()  # registered and seen; '' where one is not known


def signs_of(facts: Facts) -> list[MeterSign]:
    """All that apply, worst first; none for a meter that is well."""
    found: list[MeterSign] = []
    if facts.safety_us is not None:
        found.append(MeterSign("safety_closed", utc_of_us(facts.safety_us), note=facts.safety_evidence))
    for step in ("blocked", "quarantine", "observe"):
        if facts.access == step:
            reasons = sorted(facts.access_reasons, key=lambda kind: (-facts.access_reasons[kind], kind))
            found.append(MeterSign(step, facts.access_at, reasons, facts.access_note))
    if "module_mismatch" in facts.events:
        found.append(MeterSign("mismatch"))
    if not facts.has_driver:
        found.append(MeterSign("no_driver"))
    if facts.needs_key:
        found.append(MeterSign("key_missing"))
    if facts.last_seen_us is not None and facts.now_us - facts.last_seen_us > facts.silent_after_us:
        found.append(MeterSign("silent", utc_of_us(facts.last_seen_us)))
    if facts.valve == _VALVE_FAULT:
        found.append(MeterSign("valve_fault"))
    if facts.valve == _VALVE_CLOSED:
        found.append(MeterSign("valve_closed", reasons=[event for event in _CLOSES if event in facts.events]))
    if any(registered and seen and registered != seen for registered, seen in facts.sims):
        found.append(MeterSign("sim_differs"))
    return sorted(found, key=lambda sign: ORDER.index(sign.code))

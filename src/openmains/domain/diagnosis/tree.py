# SPDX-License-Identifier: Apache-2.0
"""The tree: questions in the order in which a person at the support desk asks them, from what is certain to what is left over. Each step looks
at the evidence and says ``cause``, ``possible``, ``fine`` or ``unknown`` with the facts it rests on; the first cause is the first guess, and a
step that is only possible is one where nothing certain was found. Pure; the texts of steps and acts are the console's.

| complaint | asked |
|---|---|
| silent | what keeps the meter, its module or its messages from being heard |
| unanswered | the same, and what keeps commands from it |
| no_supply | what keeps gas or water from the customer: the district, safety, money, the valve |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openmains.domain.diagnosis.evidence import Evidence

MANY_LATE_PCT: Final = 50
LEAST_NEIGHBOURS: Final = 4
LOW_PCT: Final = 10
LOW_MV: Final = 3_000
WEAK_DDBM: Final = -1_174  # as on the spot (docs/field.md)
WEAK_DDB: Final = -30
MANY_CLOSED_PCT: Final = 80
KEY_FAILURES: Final = frozenset({"key_failure"})
_KEY_WORDS: Final = ("key", "psk", "decrypt", "mac", "identity", "finished", "alert")
SUPPLY_EVENTS: Final = ("pump_stopped", "mains_lost", "pressure_low", "below_limit", "burst", "empty_pipe")


class Complaint(StrEnum):
    """What somebody says is wrong."""

    SILENT = "silent"
    UNANSWERED = "unanswered"
    NO_SUPPLY = "no_supply"


class Verdict(StrEnum):
    """What a step found."""

    CAUSE = "cause"
    POSSIBLE = "possible"
    FINE = "fine"
    UNKNOWN = "unknown"


Facts = Mapping[str, int | str]
Found = tuple[Verdict, Facts]
_FINE: Final[Found] = (Verdict.FINE, {})


@dataclass(frozen=True, slots=True)
class Step:
    """One question: its code, what it found and by what, and the act that is offered."""

    check: str
    verdict: Verdict
    facts: Facts
    act: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All steps in their order. ``guess``: the check of the first cause, else of the first that is possible; '': nothing is wrong as far as is
    stored."""

    complaint: Complaint
    guess: str
    steps: tuple[Step, ...]


def _driver(e: Evidence) -> Found:
    if not e.has_driver:
        return Verdict.CAUSE, {"driver": e.driver}
    if e.letters is not None:
        said: Facts = {
            "count": e.letters.count,
            "reason": e.letters.reason,
            "detail": e.letters.detail,
            "at_us": e.letters.last_us,
        }
        is_newest = e.last_seen_us is None or e.letters.last_us >= e.last_seen_us
        return (Verdict.CAUSE if is_newest or e.letters.reason == "no_driver" else Verdict.POSSIBLE), said
    return _FINE


def _module(e: Evidence) -> Found:
    if e.events & {"module_mismatch", "sim_separated"}:
        return Verdict.CAUSE, {"registered": e.sim_registered, "seen": e.sim_seen}
    if "module_removed" in e.events:
        return Verdict.CAUSE, {"event": "module_removed"}
    return _FINE


def _held(e: Evidence) -> Found:
    if e.terminal in ("quarantine", "blocked"):
        return Verdict.CAUSE, {"state": e.terminal}
    return _FINE


def _key(e: Evidence) -> Found:
    if not e.has_key:
        return Verdict.CAUSE, {"key": "none"}
    if e.refusal is not None and (e.last_seen_us is None or e.refusal.last_us > e.last_seen_us):
        words = e.refusal.reason.lower()
        said: Facts = {
            "stage": e.refusal.stage, "reason": e.refusal.reason, "attempts": e.refusal.attempts, "at_us": e.refusal.last_us
        }  # fmt: skip
        is_key = e.refusal.stage == "handshake" or any(word in words for word in _KEY_WORDS)
        return (Verdict.CAUSE if is_key else Verdict.POSSIBLE), said
    if e.events & KEY_FAILURES:
        return Verdict.POSSIBLE, {"event": "key_failure"}
    return _FINE


def _cell(e: Evidence) -> Found:
    around = e.neighbours
    if around.meters < LEAST_NEIGHBOURS:
        return Verdict.UNKNOWN, {"meters": around.meters}
    said: Facts = {"meters": around.meters, "late": around.late}
    if around.late * 100 >= around.meters * MANY_LATE_PCT:
        return Verdict.CAUSE, said
    return Verdict.FINE, said


def _battery(e: Evidence) -> Found:
    said: dict[str, int | str] = {}
    if e.battery_mv is not None:
        said["battery_mv"] = e.battery_mv
    if e.battery_pct is not None:
        said["battery_pct"] = e.battery_pct
    is_low = (
        (e.battery_mv is not None and e.battery_mv < LOW_MV)
        or (e.battery_pct is not None and e.battery_pct <= LOW_PCT)
        or bool(e.events & {"low_battery", "under_voltage", "power_loss"})
    )
    if is_low:
        return Verdict.CAUSE, said
    return (Verdict.FINE if said else Verdict.UNKNOWN), said


def _signal(e: Evidence) -> Found:
    if e.rsrp_ddbm is None:
        return Verdict.UNKNOWN, {}
    said: dict[str, int | str] = {"rsrp_ddbm": e.rsrp_ddbm}
    if e.sinr_ddb is not None:
        said["sinr_ddb"] = e.sinr_ddb
    if e.neighbours.rsrp_ddbm is not None:
        said["neighbours_rsrp_ddbm"] = e.neighbours.rsrp_ddbm
    if e.rsrp_ddbm <= WEAK_DDBM or (e.sinr_ddb is not None and e.sinr_ddb <= WEAK_DDB):
        return Verdict.CAUSE, said
    return Verdict.FINE, said


def _clock(e: Evidence) -> Found:
    is_off = "clock_fault" in e.events or (e.letters is not None and "time" in e.letters.reason)
    return (Verdict.CAUSE, {}) if is_off else _FINE


def _sim(e: Evidence) -> Found:
    """What is left: the meter was well, those around it are heard, and nothing of it arrives, not even a refusal."""
    if e.last_seen_us is None:
        return Verdict.POSSIBLE, {"heard": "never"}
    said: Facts = {"last_seen_us": e.last_seen_us, "sim": e.sim_registered or e.sim_seen}
    return (Verdict.CAUSE if e.is_silent else Verdict.FINE), said


def _stop(e: Evidence) -> Found:
    return (Verdict.CAUSE, {"stop": e.stop}) if e.stop else _FINE


def _waits(e: Evidence) -> Found:
    """A command goes down when the meter is heard; until then it waits, and nothing is wrong."""
    asked = e.unanswered
    if asked is None:
        return Verdict.UNKNOWN, {}
    said: dict[str, int | str] = {"command_id": asked.command_id, "kind": asked.kind, "state": asked.state}
    if asked.sent_us is None and not e.is_silent:
        return Verdict.CAUSE, said
    if asked.sent_us is not None:
        return Verdict.POSSIBLE, said | {"sent_us": asked.sent_us}
    return Verdict.FINE, said


def _district(e: Evidence) -> Found:
    around = e.supply
    said: dict[str, int | str] = {"orders": around.orders, "meters": around.meters, "closed": around.closed}
    if around.alarms:
        return Verdict.CAUSE, said | {"event": around.alarms[0]}
    if around.orders >= 3:
        return Verdict.CAUSE, said
    if around.meters >= LEAST_NEIGHBOURS and around.closed * 100 >= around.meters * MANY_CLOSED_PCT:
        return Verdict.CAUSE, said
    return (Verdict.POSSIBLE if around.orders else Verdict.FINE), said


def _safety(e: Evidence) -> Found:
    return (Verdict.CAUSE, {"reason": e.safety}) if e.safety else _FINE


def _is_shut(e: Evidence) -> bool:
    return e.valve == "closed"


def _magnet(e: Evidence) -> Found:
    """A meter shuts itself on interference, and stays shut until somebody has been there."""
    if not e.events & {"magnetic", "seal_broken"}:
        return _FINE
    event = "magnetic" if "magnetic" in e.events else "seal_broken"
    return (Verdict.CAUSE if _is_shut(e) else Verdict.POSSIBLE), {"event": event}


def _arrears(e: Evidence) -> Found:
    said: dict[str, int | str] = {}
    if e.balance_fen is not None:
        said["balance_fen"] = e.balance_fen
    if e.debt_fen is not None:
        said["debt_fen"] = e.debt_fen
    owes = (
        "arrears" in e.events
        or (e.balance_fen is not None and e.balance_fen <= 0)
        or bool(e.debt_fen and e.debt_fen > 0)
    )
    if owes:
        return (Verdict.CAUSE if _is_shut(e) else Verdict.POSSIBLE), said
    return (Verdict.FINE if said else Verdict.UNKNOWN), said


def _ordered(e: Evidence) -> Found:
    closed = e.closed_by
    if closed is None or not _is_shut(e):
        return _FINE
    return Verdict.CAUSE, {
        "command_id": closed.command_id,
        "kind": closed.kind,
        "by": closed.by,
        "reason": closed.reason,
    }


def _valve(e: Evidence) -> Found:
    if e.valve is None:
        return Verdict.UNKNOWN, {}
    if e.valve == "fault" or "valve_fault" in e.events:
        return Verdict.CAUSE, {"valve": e.valve}
    if _is_shut(e):  # by itself, and none of the reasons above
        return Verdict.CAUSE, {"valve": e.valve}
    return Verdict.FINE, {"valve": e.valve}


def _indoor(e: Evidence) -> Found:
    """Nothing that is stored speaks against the supply: what is behind the meter, or the inlet valve."""
    return Verdict.POSSIBLE, {"valve": e.valve or ""}


_CHECKS: Final[Mapping[str, tuple[Callable[[Evidence], Found], str]]] = {
    "driver": (_driver, "open_dead_letters"),
    "module": (_module, "visit_module"),
    "held": (_held, "open_terminal"),
    "key": (_key, "open_keys"),
    "cell": (_cell, "ask_operator_cell"),
    "battery": (_battery, "visit_battery"),
    "signal": (_signal, "visit_antenna"),
    "clock": (_clock, "set_clock"),
    "sim": (_sim, "ask_operator_sim"),
    "stop": (_stop, "open_stop"),
    "waits": (_waits, "wait_for_report"),
    "district": (_district, "tell_district"),
    "safety": (_safety, "inspect_site"),
    "magnet": (_magnet, "visit_tampering"),
    "arrears": (_arrears, "open_account"),
    "ordered": (_ordered, "open_command"),
    "valve": (_valve, "visit_valve"),
    "indoor": (_indoor, "visit_place"),
}
_HEARD: Final = ("driver", "clock", "module", "held", "key", "cell", "battery", "signal", "sim")
ORDER: Final[Mapping[Complaint, tuple[str, ...]]] = {
    Complaint.SILENT: _HEARD,
    Complaint.UNANSWERED: ("stop", *_HEARD, "waits"),
    Complaint.NO_SUPPLY: ("district", "safety", "magnet", "arrears", "ordered", "valve", "indoor"),
}
ACTS: Final = frozenset(act for _, act in _CHECKS.values())
CHECKS: Final = tuple(_CHECKS)


def diagnose(complaint: Complaint, evidence: Evidence) -> Diagnosis:
    """Each step of a complaint with what it found, and the first guess."""
    steps = []
    for check in ORDER[complaint]:
        look, act = _CHECKS[check]
        verdict, facts = look(evidence)
        steps.append(Step(check, verdict, facts, act if verdict in (Verdict.CAUSE, Verdict.POSSIBLE) else ""))
    guess = next((step.check for step in steps if step.verdict is Verdict.CAUSE), "")
    return Diagnosis(
        complaint, guess or next((s.check for s in steps if s.verdict is Verdict.POSSIBLE), ""), tuple(steps)
    )

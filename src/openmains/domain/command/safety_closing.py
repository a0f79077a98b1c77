# SPDX-License-Identifier: Apache-2.0
"""Shutting gas or water because of a danger (R4.8): what has to be said, when one person may, and how it ends.

For every customer: credit, protection and a utility that forbids remote closing do not stand against it. In return it always
has a coded reason and evidence, two persons but for the immediate case, quotas of its own, an alarm that everybody on shift sees,
and no way back from afar: while it stands nothing is opened by a command. It is lifted by two persons who say that the site
was inspected; the meter itself opens only by its key on the spot.

The immediate case: this very meter has reported a leak (gas) or a burst (water) within the last ``REPORT_COUNTS_S`` and has not said
that it is over, and that is the reason. Then the meter is the other witness, and one person may act alone. Every other word of a
danger is a person's, and needs another person.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from openmains.domain.command.kinds import Kind
from openmains.domain.period import DAY_S

REPORT_COUNTS_S = DAY_S  # a leak reported earlier and not dealt with is no emergency that one person must decide
EVIDENCE_LEAST, EVIDENCE_MOST = 5, 500  # letters
REFERENCE_MOST = 64
REPORTING_EVENTS = ("gas_leak", "burst")
"""Events of points.toml by which a meter itself reports the danger."""


class SafetyReason(IntEnum):
    """Why; the number is in the frame, so that the meter keeps and shows it (R1.5: closings carry their reason)."""

    LEAK = 1
    FIRE = 2
    FLOOD = 3
    FIRE_BRIGADE = 4  # at the request of fire brigade or police
    BURST = 5
    EARTHQUAKE = 6
    PIPE_WORKS = 7  # emergency repair: the main or the riser is being opened


WITNESSED = frozenset({SafetyReason.LEAK, SafetyReason.BURST})
"""Reasons of which a meter can be the witness."""

REASON, EVIDENCE, ALARM, WORK_ORDER = "reason", "evidence", "alarm_id", "work_order"
_FOR_PEOPLE = frozenset({EVIDENCE, ALARM, WORK_ORDER})


def fault(kind: Kind, params: Mapping[str, Any]) -> str | None:
    """Name of the parameter of a safety closing that is missing or cannot be so; None: all are as they must be."""
    if kind is not Kind.SAFETY_CLOSE:
        return None
    reason, evidence = params.get(REASON), params.get(EVIDENCE)
    if not _is_number(reason) or reason not in set(SafetyReason):
        return REASON
    if not isinstance(evidence, str) or not EVIDENCE_LEAST <= len(evidence.strip()) <= len(evidence) <= EVIDENCE_MOST:
        return EVIDENCE
    if not evidence.isprintable():
        return EVIDENCE
    if ALARM in params and (not _is_number(params[ALARM]) or params[ALARM] < 1):
        return ALARM
    order = params.get(WORK_ORDER, "")
    if not isinstance(order, str) or len(order) > REFERENCE_MOST or not order.isprintable():
        return WORK_ORDER
    return None


def for_the_meter(kind: Kind, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What goes into the frame: evidence is for people, and for the ledger that they answer to."""
    if kind is not Kind.SAFETY_CLOSE:
        return params
    return {name: value for name, value in params.items() if name not in _FOR_PEOPLE}


def is_immediate(params: Mapping[str, Any], *, reported: bool) -> bool:
    """Whether one person may act alone. ``reported``: the meter's own word of ``REPORTING_EVENTS``, recent and not over."""
    return reported and params.get(REASON) in WITNESSED


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

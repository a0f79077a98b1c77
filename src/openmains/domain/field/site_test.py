# SPDX-License-Identifier: Apache-2.0
"""The test on the spot after an installation (R8.1, R8.4, R12.1): heard since the press, signal strong enough, valve gone and come back."""

from dataclasses import dataclass
from typing import Final, Literal

LEAST_RSRP_DDBM: Final = -1174
LEAST_SINR_DDB: Final = -30
"""Both are exclusive: RSRP > -117.4 dBm and SINR > -3 dB."""

SignalVerdict = Literal["strong", "weak", "unknown"]
SiteFault = Literal["not-heard-yet", "number-strange", "weak-signal", "valve-not-tested"]


@dataclass(frozen=True, slots=True)
class HeardMeter:
    """What the platform itself knows of a meter. ``heard_s``: its newest sound message; ``strange``: the number that its frames carry
    instead of its own; ``closed``, ``opened``: a valve that the meter confirmed to have moved since the press."""

    heard_s: int | None
    strange: int | None
    rsrp_ddbm: int | None
    sinr_ddb: int | None
    has_valve: bool
    closed: bool
    opened: bool


def signal_of(rsrp_ddbm: int | None, sinr_ddb: int | None) -> SignalVerdict:
    """In 0.1 dBm and 0.1 dB; ``unknown`` where the meter did not say both."""
    if rsrp_ddbm is None or sinr_ddb is None:
        return "unknown"
    return "strong" if rsrp_ddbm > LEAST_RSRP_DDBM and sinr_ddb > LEAST_SINR_DDB else "weak"


def site_fault(meter: HeardMeter, since_s: int, reason: str) -> SiteFault | None:
    """Why the test is not passed; None: it is. ``since_s``: when the button was pressed; ``reason``: why a weak or unsaid signal or a valve
    that was not moved is taken all the same – never a message that did not come, nor another meter's number."""
    if meter.strange is not None:
        return "number-strange"
    if meter.heard_s is None or meter.heard_s < since_s:
        return "not-heard-yet"
    if reason:
        return None
    if signal_of(meter.rsrp_ddbm, meter.sinr_ddb) != "strong":
        return "weak-signal"
    return "valve-not-tested" if meter.has_valve and not (meter.closed and meter.opened) else None

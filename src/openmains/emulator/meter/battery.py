# SPDX-License-Identifier: Apache-2.0
"""A meter's battery: what each act costs, what the cell loses by itself, and the voltage that is left (R1.15, T4.2.2).

Charge is in microcoulomb (µA · s), time in whole seconds, so nothing is ever rounded twice. The documents say: connected 50 mA,
idle 1 mA, PSM 5 µA on average, and 270 µAh saved a session where the connection is released early (RAI). They say nothing of the
time on the air by coverage class, of the motor, the metering and the self-discharge: those figures are assumed, and marked so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

CONNECTED_UA, IDLE_UA, PSM_UA = 50_000, 1_000, 5
RELEASE_UC = 270 * 3_600  # what early release saves: the 20 s until the network's own timer ends
ON_AIR_S = (2, 5, 15)  # assumed: connected for one exchange in CE0, CE1, CE2 (CE2 repeats, T3.3.2)
RESPONSE_S = (1, 2, 6)  # assumed: an uplink response, released without waiting for an acknowledgement
ATTACH_S = (8, 20, 60)  # assumed: search, attach, session
METERING_UA = 8  # assumed: pulses, clock, display
VALVE_UC = 80_000 * 6  # assumed: a motor of 80 mA for 6 s
SELF_DISCHARGE_PPM_A_YEAR = 10_000  # assumed: 1 % a year, lithium thionyl chloride
YEAR_S = 31_556_952
COLD_MV_A_DEGREE = 8  # assumed: what the cell sags under load for each degree below 0 °C
DEAD_MV = 2_500  # below it neither the controller nor the module starts
FRESH_MV = 3_650

MAH_UC = 3_600_000  # one mAh

# remaining per mille → mV: flat for most of its life, then steep (assumed; the shape of such cells)
_CURVE: Sequence[tuple[int, int]] = (
    (0, 2_000), (5, 2_600), (20, 3_000), (50, 3_300), (100, 3_480), (300, 3_600), (900, 3_630), (1_000, FRESH_MV),
)  # fmt: skip


@dataclass(slots=True)
class Battery:
    """Of one meter. ``share_ppm``: share of what acts cost that is counted; a demo meter that reports each minute ages as one
    that reports each day."""

    capacity_uc: int = 4_000 * MAH_UC
    spent_uc: int = 0  # by acts, and by what was used before ``since``
    since: int = 0  # true instant from which sleep and self-discharge count
    defect_ua: int = 0  # a current that should not flow
    defect_since: int = 0
    share_ppm: int = 1_000_000

    def start(self, now: int) -> None:
        """The clock of what is lost asleep begins; it was delivered with ``spent_uc`` used."""
        if not self.since:
            self.since = now

    def fit(self, now: int) -> None:
        """A new cell."""
        self.spent_uc, self.since, self.defect_ua = 0, now, 0

    def leak(self, current_ua: int, now: int) -> None:
        """The cell or the board has a defect that draws a current from now on (0: no more)."""
        self.spent_uc += self._leaked(now)
        self.defect_ua, self.defect_since = current_ua, now

    def spend(self, charge_uc: int) -> None:
        """An act."""
        self.spent_uc += charge_uc * self.share_ppm // 1_000_000

    def used_uc(self, now: int) -> int:
        """All that is gone by now."""
        asleep_s = max(0, now - self.since) if self.since else 0
        lost = self.capacity_uc * asleep_s * SELF_DISCHARGE_PPM_A_YEAR // (1_000_000 * YEAR_S)
        return self.spent_uc + asleep_s * (PSM_UA + METERING_UA) + lost + self._leaked(now)

    def left_uc(self, now: int) -> int:
        """What can still be drawn."""
        return max(0, self.capacity_uc - self.used_uc(now))

    def permille(self, now: int) -> int:
        """What is left of it, 0…1000."""
        return self.left_uc(now) * 1_000 // self.capacity_uc

    def voltage_mv(self, now: int, temperature_ddegc: int = 200) -> int:
        """At its terminals under load."""
        sag = max(0, -temperature_ddegc) * COLD_MV_A_DEGREE // 10
        return voltage_at(self.permille(now)) - sag

    def _leaked(self, now: int) -> int:
        return self.defect_ua * max(0, now - self.defect_since) if self.defect_ua else 0


def voltage_at(permille: int) -> int:
    """mV of a cell with so much left, on the lines between the points of the curve."""
    for (low, below), (high, above) in pairwise(_CURVE):
        if permille <= high:
            return below + (above - below) * (permille - low) // (high - low)
    return FRESH_MV


def exchange_uc(ecl: int, early_release: bool) -> int:
    """A request until its acknowledgement. Without RAI 'with ack' the connection stays until the network's timer ends."""
    return ON_AIR_S[ecl] * CONNECTED_UA + (0 if early_release else RELEASE_UC)


def response_uc(ecl: int, early_release: bool) -> int:
    """A response to the platform's request; RAI 'no ack' releases at once."""
    return RESPONSE_S[ecl] * CONNECTED_UA + (0 if early_release else RELEASE_UC)


def attach_uc(ecl: int) -> int:
    """Search and attach, whether it succeeds or not."""
    return ATTACH_S[ecl] * CONNECTED_UA


def window_uc(seconds: int) -> int:
    """Reachable after a report: idle."""
    return seconds * IDLE_UA

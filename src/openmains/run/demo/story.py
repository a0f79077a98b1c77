# SPDX-License-Identifier: Apache-2.0
"""What happened in the town in the 60 days before the demo was first started, for a newcomer to find (``docs/tour``).

Four stories, each at meters of its own: a leak behind a water meter that somebody mended, a gas meter whose module was stolen, a
battery that ran down, and a cellar with a radio cell that was flooded for three nights. Days count from the first night of the
history, which the demo's mark keeps; where the mark knows of none, the town has no story. Whoever has fallen silent here is
silent among the live meters too, and what leaked stays on the register.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openmains.app.ingest.uplink import Uplink
from openmains.domain.period import DAY_S, HOUR_S, Zone
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.piping import DRAWN, Cut, Flow
from openmains.emulator.meter.profile import Snapshot
from openmains.run.demo.history import FIRST_CELL, Registered, battery_pct, place_of
from openmains.run.demo.town import number_of

LEAK, LEAK_LITRES_H, LEAK_FROM, LEAK_UNTIL = number_of(Medium.WATER, 137), 18, 20, 48
STOLEN, STOLEN_ON = number_of(Medium.GAS, 218), 41
FLAT, FLAT_LOW_ON, FLAT_ON = number_of(Medium.WATER, 305), 30, 52
FLOODED_CELL, FLOODED = FIRST_CELL + 7, range(53, 56)  # within the two weeks of the page of gaps
SILENT = frozenset({STOLEN, FLAT})
NIGHTLY = 5  # one meter in so many reports once a night, as real ones do, the others all the time


@dataclass(frozen=True, slots=True)
class Story:
    """The story of a town whose history begins on ``began`` (a day number)."""

    began: int
    place: Zone

    def flows(self) -> Mapping[int, tuple[Sequence[Cut], Sequence[Flow]]]:
        """What ran beside what people used, by number; in true time (s)."""
        since = self.place.start_of(self.began + LEAK_FROM) + 2 * HOUR_S
        until = self.place.start_of(self.began + LEAK_UNTIL) + 10 * HOUR_S
        return {LEAK: ((), ((since, until, LEAK_LITRES_H, DRAWN),))}

    def battery_pct(self, number: int, day: int) -> int:
        """What is left of a battery: of one it runs out."""
        usual = battery_pct(number, day)
        return max(3, min(usual, 3 * (FLAT_ON - (day - self.began)) // 2)) if number == FLAT else usual

    def is_lost(self, number: int, day: int) -> bool:
        """Whether what a meter would say of ``day`` never comes."""
        gone = self.began + (STOLEN_ON if number == STOLEN else FLAT_ON)
        if number in SILENT and day >= gone:
            return True
        return day - self.began in FLOODED and place_of(number).cell == FLOODED_CELL

    def alarms(self, fleet: Sequence[Registered], day: int, town: Consumption) -> Iterator[Uplink]:
        """What was told at once in the night after ``day``, or on that day."""
        told: dict[tuple[int, int], tuple[str, int]] = {
            (STOLEN, STOLEN_ON): ("module_removed", 23 * HOUR_S),
            (FLAT, FLAT_LOW_ON): ("low_battery", DAY_S + HOUR_S),
        }  # on the hour, as registers are frozen
        for item in fleet:
            found = told.get((item.meter.number, day - self.began))
            if found is None:
                continue
            event, second = found
            at = self.place.start_of(day) + second
            who = np.array([item.meter.number], np.int64), np.array([int(item.meter.medium)], np.int64)
            register = int(town.grid(*who, np.array([at], np.int64))[0][0])
            said = Snapshot(at, (day + 1) & 0xFFFF, register, frozenset(), event=event, raised=True, raised_at=at)
            frame = DriverFrames(item.driver.name, item.meter.number, place=place_of(item.meter.number)).alarm(said)
            yield Uplink(item.meter_id, item.tenant_id, item.product_id, "coaps", "r", at * 1_000_000 + 900_000, frame)


def is_nightly(number: int) -> bool:
    """Whether a meter of the town reports once a night, at the minute that its number spreads it to."""
    return number % NIGHTLY == NIGHTLY - 1

# SPDX-License-Identifier: Apache-2.0
"""A small supply network as pure functions of time: what its monitors feel follows from use and pumps, and from nothing else.

Use has its hours. A pump station holds the pressure: a third pump joins when use is high, and once a day one pump stops for a while.
Pressure falls with the square of the flow and with each pump that is missing; the tank fills at night and empties by day; water that
stands loses chlorine; a pump that starts again stirs up what lies in the pipe; pressure makes a leak louder; a gas cellar leaks
on some days. All integers in the units of ``drivers/points.toml`` (volumes in litres); the figures are assumed, no document gives them.
"""

from dataclasses import dataclass

from openmains.domain.period import DAY_S, HOUR_S

# by local hour, in thousandths of the mean
USE = (
    520,
    430,
    400,
    400,
    460,
    700,
    1150,
    1480,
    1450,
    1200,
    1080,
    1090,
    1180,
    1120,
    1010,
    980,
    1020,
    1180,
    1400,
    1520,
    1430,
    1240,
    950,
    610,
)
MEAN_L_H = 180_000
PUMP_HEAD = 620  # 0.1 kPa that one pump adds
OUTAGE_S = 25 * 60
LEAK_S = 40 * 60


def _hash(*parts: int) -> int:
    value = 0x9E3779B97F4A7C15
    for part in parts:
        value = ((value ^ part) * 0xC2B2AE3D27D4EB4F + 0x165667B19E3779F9) & (2**64 - 1)
        value ^= value >> 29
    return value >> 16


@dataclass(frozen=True, slots=True)
class Network:
    """``offset_s``: local time minus UTC; instants are s UTC."""

    offset_s: int = 8 * HOUR_S
    seed: int = 2026

    def flow(self, at: int) -> int:
        """What the zone uses, l/h: by the hour, on a line between them, a little uneven."""
        local = (at + self.offset_s) % DAY_S
        hour, rest = divmod(local, HOUR_S)
        here, there = USE[hour], USE[(hour + 1) % 24]
        share = here + (there - here) * rest // HOUR_S
        return MEAN_L_H * share // 1000 * (985 + _hash(self.seed, at // 300) % 31) // 1000

    def outage(self, day: int) -> int:
        """When one pump stops on a local day, s UTC."""
        return day * DAY_S - self.offset_s + 9 * HOUR_S + _hash(self.seed, day, 1) % (10 * HOUR_S)

    def is_stopped(self, at: int) -> bool:
        """Whether a pump stands that should run."""
        return 0 <= at - self.outage((at + self.offset_s) // DAY_S) < OUTAGE_S

    def pumps(self, at: int) -> int:
        """How many run: two, three when use is high, one less while one stands."""
        return (3 if self.flow(at) > MEAN_L_H * 12 // 10 else 2) - self.is_stopped(at)

    def suction(self, at: int) -> int:
        """Pressure before the pumps, 0.1 kPa: the tank's level."""
        return 1_200 + self.level(at) // 10

    def delivery(self, at: int) -> int:
        """Pressure behind the pumps."""
        return self.suction(at) + PUMP_HEAD * self.pumps(at) + 800

    def pressure(self, place: int, at: int) -> int:
        """Pressure at a point of the network, the further the more of it is lost on the way: 0.1 kPa."""
        flow = self.flow(at) // 1000
        return max(200, self.delivery(at) - 150 - 30 * place - flow * flow * (10 + place) // 900)

    def level(self, at: int) -> int:
        """Of the tank, mm: what came in evenly less what was used since midnight."""
        local = (at + self.offset_s) % DAY_S
        hour, rest = divmod(local, HOUR_S)
        mean = sum(USE) // 24
        left = sum(mean - share for share in USE[:hour]) * HOUR_S + (mean - USE[hour]) * rest
        return 2_600 + left * 300 // (1000 * HOUR_S)

    def chlorine(self, at: int) -> int:
        """Residual chlorine, 0.001 mg/l: what flows quickly is fresh."""
        return 300 + 150 * self.flow(at) // (MEAN_L_H * 2)

    def turbidity(self, at: int) -> int:
        """0.001 NTU: high while a pump that stood runs again."""
        since = at - self.outage((at + self.offset_s) // DAY_S) - OUTAGE_S
        return 180 + self.flow(at) // 3000 + (1_400 * (HOUR_S - since) // HOUR_S if 0 <= since < HOUR_S else 0)

    def noise(self, place: int, at: int) -> int:
        """0.1 dB at a pipe: pressure makes it louder."""
        return 220 + self.pressure(place, at) // 40

    def is_leaking(self, place: int, at: int) -> bool:
        """Whether gas leaks into the cellar of a safety monitor: on one local day of nine, for a while."""
        day = (at + self.offset_s) // DAY_S
        start = day * DAY_S - self.offset_s + _hash(self.seed, day, place, 2) % (20 * HOUR_S)
        return _hash(self.seed, day, place, 3) % 9 == 0 and 0 <= at - start < LEAK_S

    def methane(self, place: int, at: int) -> int:
        """0.1 %LEL in the cellar."""
        return (
            260 + _hash(self.seed, at // 60, place) % 90
            if self.is_leaking(place, at)
            else _hash(self.seed, at // 60, place) % 4
        )

    def gas_pressure(self, place: int, at: int) -> int:
        """0.1 kPa behind a regulator: falls as the town cooks."""
        return 4_000 - 12 * place - self.flow(at) * 300 // (MEAN_L_H * 2)

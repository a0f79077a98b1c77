# SPDX-License-Identifier: Apache-2.0
"""What a household draws: a cumulative register that is a pure function of (seed, meter number, instant).

History written at set-up and live reports made later must fit together without a seam, in any order and in any
process, so nothing is remembered: every value is computed from hashes. Time is cut into blocks of 128 local days. The
register at a block's start has a closed form (mean use, integral over the seasons, a bounded jitter); inside a block
the total is dealt out to days by integer weights (weekday, season, holiday, mood), inside a day to half hours by the
daily profile, inside a half hour evenly; leaks come on top. Dealing out is ``total * weight_so_far // weight``, so
every level is monotone and the parts add up exactly. All values are whole litres (unit 10^-3 m³).
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from openmains.domain.period import DAY_S, HOUR_S

Ints = NDArray[np.int64]

ORIGIN_DAY = 18_262  # 2020-01-01, days since 1970: registers start near 0 there
BLOCK_DAYS = 128
SLOT_S = 1_800
SLOTS = DAY_S // SLOT_S

_YEAR_DAYS = 365.2425
_NOON_OF_WINTER = 20.0  # day of the year on which most gas is burnt: 21 January
_U64 = np.uint64
_KEPT = 100_000  # meter-days kept for random access; 0.5 kB each

# relative use per half hour, 00:00 first; thousandths. Shapes: morning, noon and evening peaks; heating smooths gas.
_WATER_PROFILE = np.array(
    [12, 6, 4, 3, 3, 3, 3, 4, 6, 10, 22, 48, 92, 120, 118, 90, 66, 52, 44, 40, 42, 54, 78, 96,
     84, 60, 46, 38, 34, 32, 34, 40, 50, 66, 92, 120, 136, 134, 128, 122, 118, 116, 108, 92, 70, 48, 32, 20],
    dtype=np.int64,
)  # fmt: skip
_GAS_PROFILE = np.array(
    [4, 3, 3, 3, 3, 3, 3, 4, 6, 10, 26, 60, 96, 104, 80, 46, 28, 22, 20, 26, 50, 96, 150, 150,
     90, 40, 22, 18, 16, 16, 20, 34, 70, 130, 190, 200, 170, 130, 110, 104, 100, 92, 76, 52, 32, 18, 10, 6],
    dtype=np.int64,
)  # fmt: skip
_WEEKDAY = np.array([96, 95, 96, 97, 100, 112, 114], dtype=np.int64)  # Monday first


class Medium(IntEnum):
    """What flows."""

    WATER = 0
    GAS = 1


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finaliser of splitmix64: every input bit reaches every output bit."""
    with np.errstate(over="ignore"):
        value = (value ^ (value >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> _U64(27))) * _U64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = value ^ (value >> _U64(31))
    return mixed


def _below(bits: NDArray[np.uint64], bound: Ints | int) -> Ints:
    """Hash bits → integers in [0, bound), by multiplication so that the high bits decide."""
    product: Ints = ((bits >> _U64(33)).astype(np.int64) * np.asarray(bound, dtype=np.int64)) >> 31
    return product


class Consumption:
    """Registers of all meters of one emulated town.

    ``seed`` picks the town, ``utc_offset_s`` the wall clock its people live by (no summer time).
    """

    def __init__(self, seed: int = 0, utc_offset_s: int = 8 * HOUR_S) -> None:
        self._seed = _U64((seed * 0x9E3779B97F4A7C15 + 0x5851F42D4C957F2D) & 0xFFFFFFFFFFFFFFFF)
        self.utc_offset_s = utc_offset_s
        self._kept: dict[tuple[int, int, int], Ints] = {}  # (number, medium, day) → its 49 half-hour registers

    def register_at(self, number: int, medium: Medium, instant_s: int) -> int:
        """Register of one meter (litres) at an instant (s UTC); never falls; 0 before 2020 local time.

        Cheap for days asked before (``warm`` does it for many meters at once), else about a millisecond.
        """
        day, second = divmod(instant_s + self.utc_offset_s, DAY_S)
        if day < ORIGIN_DAY:
            return 0
        bounds = self._kept.get((number, medium, day))
        if bounds is None:
            bounds = self._days(np.array([number]), np.array([int(medium)]), day, 1)[0]
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[(number, medium, day)] = bounds
        slot, rest = divmod(second, SLOT_S)
        low = int(bounds[slot])
        return low + (int(bounds[slot + 1]) - low) * rest // SLOT_S

    def warm(self, numbers: Ints, media: Ints, instant_s: int) -> None:
        """Keep the day of ``instant_s`` for many meters, and forget days before the one before it."""
        day = (instant_s + self.utc_offset_s) // DAY_S
        self._kept = {key: bounds for key, bounds in self._kept.items() if key[2] >= day - 1}
        for start in range(0, len(numbers), 1000):
            some, their = numbers[start : start + 1000], media[start : start + 1000]
            rows = self._days(some, their, max(day, ORIGIN_DAY), 1)
            for number, medium, bounds in zip(some.tolist(), their.tolist(), rows, strict=True):
                self._kept[(number, medium, day)] = bounds

    def registers(self, number: int, medium: Medium, first_s: int, step_s: int, count: int) -> list[int]:
        """Registers of one meter at ``count`` instants, ``step_s`` apart; the same values as ``register_at``."""
        if count <= 0:
            return []
        instants = first_s + step_s * np.arange(count, dtype=np.int64)
        return [int(value) for value in self.grid(np.array([number]), np.array([int(medium)]), instants)[0]]

    def grid(self, numbers: Ints, media: Ints, instants_s: Ints) -> Ints:
        """Registers of M meters at N common rising instants: int64 (M × N), litres.

        Seeding 60 days of half hours for 1,000 meters is one call with N = 2,881 (under a second, 23 MB).
        """
        local = np.asarray(instants_s, dtype=np.int64) + self.utc_offset_s
        day, second = local // DAY_S, local % DAY_S
        first = max(int(day[0]), ORIGIN_DAY)
        last = int(day[-1])
        if last < first:
            return np.zeros((len(numbers), len(local)), dtype=np.int64)
        cumulative = self._days(np.asarray(numbers), np.asarray(media), first, last - first + 1)
        flat = np.clip(day - first, 0, None) * SLOTS + second // SLOT_S
        low = cumulative[:, flat]
        rows: Ints = low + (cumulative[:, flat + 1] - low) * (second % SLOT_S) // SLOT_S
        rows[:, day < ORIGIN_DAY] = 0
        return rows

    # -- levels ---------------------------------------------------------------------------------------------------

    def _bits(self, keys: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
        with np.errstate(over="ignore"):
            return _mix(keys + _U64(salt * 0xD1B54A32D192ED03 & 0xFFFFFFFFFFFFFFFF))

    def _days(self, numbers: Ints, media: Ints, first: int, count: int) -> Ints:
        """Registers on the half-hour grid of ``count`` days: int64 (M × (count·48 + 1))."""
        keys = _mix(numbers.astype(np.uint64) * _U64(0x9E3779B97F4A7C15) + self._seed + media.astype(np.uint64))
        parts = []
        day = first
        while day < first + count:
            block = (day - ORIGIN_DAY) // BLOCK_DAYS
            until = min(first + count, ORIGIN_DAY + (block + 1) * BLOCK_DAYS)
            boundaries = self._block(keys, media, block)
            low = day - ORIGIN_DAY - block * BLOCK_DAYS
            parts.append(self._slots(keys, media, boundaries[:, low : low + until - day + 1], day))
            day = until
        end = boundaries[:, until - ORIGIN_DAY - block * BLOCK_DAYS]
        leak = self._leak(keys, np.array([until * DAY_S]), until - 1)
        return np.concatenate([*parts, end[:, None] + leak], axis=1)

    def _block_start(self, keys: NDArray[np.uint64], media: Ints, block: int) -> Ints:
        """Draw (without leaks) until a block starts: mean use × integral of the seasons + jitter below half a block."""
        is_gas = media == Medium.GAS
        size = 1 + _below(self._bits(keys, 1), 1000)  # 1…1000: few people … many
        water_day = 90 + size * 52 // 100  # 90…610 l/d
        gas_day = 300 + size * 28 // 10  # 0.3…3.1 m³/d
        mean = np.where(is_gas, gas_day, water_day)
        start = block * BLOCK_DAYS
        swing = np.where(is_gas, 0.62, -0.12)  # gas: winter, water: summer
        angle = 2 * np.pi / _YEAR_DAYS
        waves = np.sin(angle * (start - _NOON_OF_WINTER)) + np.sin(angle * _NOON_OF_WINTER)
        season = np.floor(swing * 1000 / angle * waves)
        jitter = _below(self._bits(keys + _U64(block), 2), mean * 24)
        zero = np.zeros_like(mean) if block == 0 else jitter
        drawn: Ints = mean * start + mean * season.astype(np.int64) // 1000 + zero
        return drawn

    def _block(self, keys: NDArray[np.uint64], media: Ints, block: int) -> Ints:
        """Draw until each of the block's 129 day starts: int64 (M × 129)."""
        start = self._block_start(keys, media, block)[:, None]
        total = self._block_start(keys, media, block + 1)[:, None] - start
        days = ORIGIN_DAY + block * BLOCK_DAYS + np.arange(BLOCK_DAYS)
        weekday = _WEEKDAY[(days + 3) % 7]
        swing = np.where(media == Medium.GAS, 0.62, -0.12)[:, None]
        season = np.floor(1000 + 1000 * swing * np.cos(2 * np.pi / _YEAR_DAYS * (days - ORIGIN_DAY - _NOON_OF_WINTER)))
        mood = 60 + _below(self._bits(keys[:, None] + days.astype(np.uint64), 3), 81)
        weight = weekday * season.astype(np.int64) // 100 * mood
        away_from = _below(self._bits(keys + _U64(block), 4), BLOCK_DAYS - 14)[:, None]
        away_days = np.maximum(_below(self._bits(keys + _U64(block), 5), 24) - 9, 0)[:, None]  # 0 in 4 of 10 blocks
        place = np.arange(BLOCK_DAYS)
        weight[(place >= away_from) & (place < away_from + away_days)] = 0
        cumulative = np.zeros((len(keys), BLOCK_DAYS + 1), dtype=np.int64)
        np.cumsum(weight, axis=1, out=cumulative[:, 1:])
        boundaries: Ints = start + total * cumulative // cumulative[:, -1:]
        return boundaries

    def _slots(self, keys: NDArray[np.uint64], media: Ints, boundaries: Ints, first: int) -> Ints:
        """Registers at the half hours of the days between ``boundaries`` (M × (D+1)): int64 (M × D·48)."""
        days = boundaries.shape[1] - 1
        slots = first * SLOTS + np.arange(days * SLOTS)
        bits = self._bits(keys[:, None] + slots.astype(np.uint64), 6)
        profile = np.where((media == Medium.GAS)[:, None], _GAS_PROFILE, _WATER_PROFILE)
        # a tap is opened or it is not: four of ten half hours stay dry, the others differ by a factor of ten
        luck = np.maximum(_below(bits, 1000) - 400, 0)
        weight = (np.tile(profile, (1, days)) * luck).reshape(len(keys), days, SLOTS)
        weight[:, :, 38] += 1  # never a day without weight
        so_far = np.cumsum(weight, axis=2) - weight
        low = boundaries[:, :-1, None]
        draw = low + (boundaries[:, 1:] - boundaries[:, :-1])[:, :, None] * so_far // weight.sum(axis=2)[:, :, None]
        flat: Ints = draw.reshape(len(keys), days * SLOTS)
        return flat + self._leak(keys, slots * SLOT_S, first)

    def _leak(self, keys: NDArray[np.uint64], local_s: Ints, day: int) -> Ints:
        """Litres leaked until each local second: one household in 12 leaks once in a block, 2–14 days, 4–40 l/h.

        ``day`` names the block (all seconds lie in it or at its end); leaks end inside their block.
        """
        leaked = np.zeros((len(keys), len(local_s)), dtype=np.int64)
        for block in range((day - ORIGIN_DAY) // BLOCK_DAYS + 1):
            bits = self._bits(keys + _U64(block), 7)
            leaking = _below(bits, 12) == 0
            if not leaking.any():
                continue
            more = self._bits(keys[leaking] + _U64(block), 8)
            start = (ORIGIN_DAY + block * BLOCK_DAYS + _below(more, BLOCK_DAYS - 14)) * DAY_S
            length = (2 + _below(_mix(more), 13)) * DAY_S
            rate_h = 4 + _below(_mix(more ^ _U64(0xA5A5)), 37)
            seconds = np.clip(local_s - start[:, None], 0, length[:, None])
            leaked[leaking] += seconds * rate_h[:, None] // 3600
        return leaked

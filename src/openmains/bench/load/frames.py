# SPDX-License-Identifier: Apache-2.0
"""Daily reports of millions of meters, made by the thousand.

A few dozen households' reports are made by the driver itself; each becomes a template. A meter's frame is a template
with a few fields written over (number, sequence, clock, registers), whose places the driver's ``explain`` tells. The
CRC of the tables (polynomial 0x1021, start 0) is linear, so the new one is the template's xor one table entry for each
byte that changed. Every first frame of a batch is checked by the driver: a driver that this does not fit is refused.
"""

from binascii import crc_hqx

import numpy as np
from numpy.typing import NDArray

from openmains.domain.period import DAY_S
from openmains.drivers import catalog
from openmains.drivers.model import Kind
from openmains.emulator.meter.consumption import Consumption
from openmains.emulator.meter.frames import medium_of

Ints = NDArray[np.int64]

_TEMPLATES = 64
_SLOT_S = 1800
_START_DAY = 20_000  # registers count from here: 2024-10-04
_PATCHED = ("frame_seq", "device_at", "meter_number", "start_at", "base", "register", "day_at", "day_register")
_FIRST_CELL = 0x1A2B01


class DailyReports:
    """Reports of one driver: 48 half hours and 7 days of history.

    A meter's register grows by the same amount every day, so reports of consecutive days fit together. ``cells``: radio
    cells that the meters are spread over. ``enhanced``: 48 pressures, temperatures and vibrations stand in place of the history.
    """

    driver_name = "openmains/water-1"

    def __init__(
        self, driver_name: str = "", *, utc_offset_min: int = 480, cells: int = 1, enhanced: bool = False
    ) -> None:
        self._cells = cells
        self._message = "enhanced_series" if enhanced else "report"
        self._driver = catalog.load().driver(driver_name or self.driver_name)
        self._offset_s = utc_offset_min * 60
        town = Consumption(1, self._offset_s)
        numbers = np.arange(_TEMPLATES)
        media = np.full(_TEMPLATES, int(medium_of(self._driver.name)))
        instants = 20_200 * DAY_S - self._offset_s + _SLOT_S * np.arange(49)
        increments = np.diff(town.grid(numbers, media, instants), axis=1)
        self._daily: Ints = increments.sum(axis=1)
        frames = [self._template(increments[k].tolist(), int(self._daily[k])) for k in range(_TEMPLATES)]
        self._templates = np.frombuffer(b"".join(frames), dtype=np.uint8).reshape(_TEMPLATES, -1)
        self.length = self._templates.shape[1]
        traces = {trace.name: trace for trace in self._driver.explain(frames[0])}
        patched = (*_PATCHED, "cell") if cells > 1 else _PATCHED
        self._places = {
            name: slice(traces[name].offset, traces[name].offset + traces[name].length)
            for name in patched
            if name in traces
        }
        self._crc_tables = {
            at: np.array(
                [crc_hqx(bytes((byte,)) + bytes(self.length - 3 - at), 0) for byte in range(256)], dtype=np.uint16
            )
            for place in self._places.values()
            for at in range(place.start, place.stop)
        }

    def _template(self, increments: list[int], daily: int) -> bytes:
        """A report of day 0: every patched field is there, its value does not matter."""
        values: dict[str, object] = {
            "frame_seq": 0, "device_at": 0, "meter_number": 0, "start_at": 0, "interval_s": _SLOT_S,
            "base": 0, "register": 0, "increments": increments,
            "history": [10 * daily - k * daily for k in range(8)],
            "history_at": [10 * DAY_S - k * DAY_S for k in range(8)],
            "rsrp_ddbm": -950, "sinr_ddb": 80, "ecl": 0, "pci": 101, "cell": _FIRST_CELL, "earfcn": 3738,
            "battery_pct": 97, "battery_mv": 3600,
        }  # fmt: skip
        if self._message != "report":
            slots = range(len(increments))
            values |= {
                "daily_flow": daily, "daily_reverse": 0, "flow": 10, "pressure_base": 2_800, "temperature_base": 100, "vibration_base": 0,
                "pressure": [2_800 + 2 * ((daily * 37 + k * 11) % 90) for k in slots],
                "temperature": [100 + 5 * ((daily + k // 6) % 20) for k in slots], "vibration": [25 * (daily + k & 1) for k in slots],
            }  # fmt: skip
        return self._driver.encode(Kind.REPORT, values, self._message)

    def base(self, index: Ints, days: Ints) -> Ints:
        """Register of each meter at the start of its day, litres: what a check may expect to find."""
        return index * 37 % 900_000 + 1000 + (days - _START_DAY) * self._daily[index % _TEMPLATES]

    def start_of(self, day: int) -> int:
        """Instant (s) at which a report's day begins: midnight of the meters' wall clock."""
        return day * DAY_S - self._offset_s

    def daily(self, index: Ints) -> Ints:
        """Litres that each meter measures every day."""
        found: Ints = self._daily[index % _TEMPLATES]
        return found

    def increments(self, index: int) -> list[int]:
        """The 48 increments of a meter, the same every day."""
        columns, _ = self._driver.decode([self._templates[index % _TEMPLATES].tobytes()], [0])
        return [int(value) for value in columns[0].series["increments"][0]]

    def __call__(self, index: Ints, days: Ints, device_at: int) -> NDArray[np.uint8]:
        """Frames: uint8 (n × length). ``device_at``: what the meters' clocks show (s UTC)."""
        chosen = index % _TEMPLATES
        frames = self._templates[chosen]
        old = {name: frames[:, place].copy() for name, place in self._places.items()}
        start = days * DAY_S - self._offset_s
        base = self.base(index, days)
        for name, values in (
            ("frame_seq", days & 0xFFFF),
            ("device_at", np.full(len(index), device_at)),
            ("start_at", start),
            ("base", base),
            ("register", base + self._daily[chosen]),
            ("day_at", start),
            ("day_register", base),
            *([("cell", _FIRST_CELL + index % self._cells)] if self._cells > 1 else []),
        ):
            if name not in self._places:
                continue
            place = self._places[name]
            size = place.stop - place.start
            frames[:, place] = values.astype(">i8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]
        place = self._places["meter_number"]
        rest = index.copy()
        for at in range(place.stop - 1, place.start - 1, -1):
            frames[:, at] = rest % 10 + (rest // 10 % 10 << 4)
            rest //= 100
        crc = frames[:, -2].astype(np.uint16) << 8 | frames[:, -1]
        for name, place in self._places.items():
            changed = frames[:, place] ^ old[name]
            for column, at in enumerate(range(place.start, place.stop)):
                crc ^= self._crc_tables[at][changed[:, column]]
        frames[:, -2] = crc >> 8
        frames[:, -1] = crc & 0xFF
        reason = self._driver.check(frames[0].tobytes())
        if reason is not None:
            raise ValueError(f"frames of {self._driver.name} cannot be made this way: {reason}")
        return frames

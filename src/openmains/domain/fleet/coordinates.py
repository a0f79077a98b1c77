# SPDX-License-Identifier: Apache-2.0
"""Coordinates: stored as WGS-84, in whole 10⁻⁷ degrees (about 1 cm); GCJ-02 (火星坐标) is converted where it comes in or goes out.

Maps sold in mainland China show GCJ-02: WGS-84 moved by up to 700 m by a smooth function of the place. It was never published by
its makers; the formula below is the one in public use since 2013, as in the project eviltransform, whose vectors the tests
hold. Where it is not defined, outside a rectangle around China, both are the same. The inverse is found by iteration to less
than the unit stored: there and back is the same number, or its neighbour where rounding decides.
"""

import math
from dataclasses import dataclass
from typing import Literal

Datum = Literal["wgs84", "gcj02"]

PER_DEGREE = 10_000_000
_RADIUS_M = 6_378_245.0
_EE = 0.00669342162296594323  # of the ellipsoid of Krasovsky, as the radius: the formula takes both
_TURNS = 30  # each leaves less than a hundredth of the error before it: seven are enough


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A place in WGS-84, 10⁻⁷ degrees: latitude −90°…90°, longitude −180°…180°."""

    lat_e7: int
    lon_e7: int

    def __post_init__(self) -> None:
        if not is_on_earth(self.lat_e7, self.lon_e7):
            raise ValueError("no place on earth")


def is_on_earth(lat_e7: int, lon_e7: int) -> bool:
    """Whether the numbers can be a place at all."""
    return abs(lat_e7) <= 90 * PER_DEGREE and abs(lon_e7) <= 180 * PER_DEGREE


def from_datum(datum: Datum, lat_e7: int, lon_e7: int) -> Coordinates:
    """What was said in a datum, as it is stored. Raises ``ValueError`` for no place on earth."""
    said = Coordinates(lat_e7, lon_e7)
    return said if datum == "wgs84" else _from_gcj02(said)


def to_datum(datum: Datum, place: Coordinates) -> tuple[int, int]:
    """(latitude, longitude) in 10⁻⁷ degrees of a datum."""
    if datum == "wgs84":
        return place.lat_e7, place.lon_e7
    lat, lon = _moved(place.lat_e7 / PER_DEGREE, place.lon_e7 / PER_DEGREE)
    return round(lat * PER_DEGREE), round(lon * PER_DEGREE)


def _from_gcj02(said: Coordinates) -> Coordinates:
    wanted = said.lat_e7 / PER_DEGREE, said.lon_e7 / PER_DEGREE
    lat, lon = wanted
    for _ in range(_TURNS):
        there = _moved(lat, lon)
        off = wanted[0] - there[0], wanted[1] - there[1]
        lat, lon = lat + off[0], lon + off[1]
        if abs(off[0]) + abs(off[1]) < 0.01 / PER_DEGREE:
            break
    return Coordinates(round(lat * PER_DEGREE), round(lon * PER_DEGREE))


def _is_moved(lat: float, lon: float) -> bool:
    return 0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347


def _moved(lat: float, lon: float) -> tuple[float, float]:
    """WGS-84 to GCJ-02, degrees."""
    if not _is_moved(lat, lon):
        return lat, lon
    x, y = lon - 105.0, lat - 35.0
    both = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + both
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y / 30.0 * math.pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + both
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    radians = math.radians(lat)
    flat = 1.0 - _EE * math.sin(radians) ** 2
    meridian = _RADIUS_M * (1.0 - _EE) / (flat * math.sqrt(flat))
    parallel = _RADIUS_M / math.sqrt(flat) * math.cos(radians)
    return lat + math.degrees(north / meridian), lon + math.degrees(east / parallel)

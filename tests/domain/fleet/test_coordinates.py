# SPDX-License-Identifier: Apache-2.0
"""GCJ-02 at the border: the vectors of the formula in public use, and there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.fleet.coordinates import Coordinates, from_datum, to_datum

# Source: test vectors of the project eviltransform (Shanghai, Shenzhen, Beijing), rounded to what is stored.
VECTORS = [
    ((311_774_276, 1_215_272_106), (311_753_040, 1_215_315_419)),
    ((225_438_470, 1_139_123_160), (225_407_961, 1_139_171_765)),
    ((399_119_540, 1_163_778_170), (399_133_455, 1_163_840_472)),
]


@pytest.mark.parametrize(("wgs84", "gcj02"), VECTORS)
def test_the_published_vectors_both_ways(wgs84: tuple[int, int], gcj02: tuple[int, int]) -> None:
    assert to_datum("gcj02", Coordinates(*wgs84)) == gcj02
    assert from_datum("gcj02", *gcj02) == Coordinates(*wgs84)
    assert from_datum("wgs84", *wgs84) == Coordinates(*wgs84)
    assert to_datum("wgs84", Coordinates(*wgs84)) == wgs84


@given(st.integers(90_000_000, 550_000_000), st.integers(730_000_000, 1_370_000_000))
def test_there_and_back_is_the_same_within_the_unit_stored(lat_e7: int, lon_e7: int) -> None:
    back = from_datum("gcj02", *to_datum("gcj02", Coordinates(lat_e7, lon_e7)))
    assert abs(back.lat_e7 - lat_e7) <= 1
    assert abs(back.lon_e7 - lon_e7) <= 1


def test_outside_china_both_are_one_and_off_the_earth_is_no_place() -> None:
    assert to_datum("gcj02", Coordinates(397_392_000, -1_049_903_000)) == (397_392_000, -1_049_903_000)
    for lat_e7, lon_e7 in ((900_000_001, 0), (0, -1_800_000_001)):
        with pytest.raises(ValueError, match="earth"):
            from_datum("gcj02", lat_e7, lon_e7)

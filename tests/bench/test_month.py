# SPDX-License-Identifier: Apache-2.0
"""``bench bulk``: what arrives is summed as the store sums it; one reading more, less or elsewhere is another sum; a small run."""

import argparse

import pyarrow as pa
import pytest

from openmains.bench import month
from openmains.bench.month import KEYS, Sums


def batch(*readings: tuple[int, int, int | None]) -> pa.RecordBatch:
    meters, at, values = zip(*readings, strict=True)
    columns = {
        "meter_id": pa.array(meters, pa.uint64()),
        "at": pa.array(at, pa.timestamp("s", "UTC")),
        "value": pa.array(values, pa.int64()),
    }
    return pa.RecordBatch.from_pydict(columns)


def sums(*readings: tuple[int, int, int]) -> Sums:
    found = Sums()
    for reading in readings:
        found.add(batch(reading))
    return found


def test_sums_do_not_depend_on_the_order_and_tell_what_differs() -> None:
    far = 2**62
    one, two, three = (1, 100, far + 5), (2, 100, far), (3, 200, 7)
    whole = Sums()
    whole.add(batch(one, two, three))
    assert whole == sums(three, one, two)
    assert whole.mixed == sum(value * (meter + at) for meter, at, value in (one, two, three)) % 2**64
    for other in ((one, two), (one, two, three, three), (one, two, (3, 201, 7)), (one, (3, 100, far), (2, 200, 7))):
        assert sums(*other) != whole
    with pytest.raises(RuntimeError):
        whole.add(batch((1, 1, None)))


@pytest.mark.usefixtures("starts_engines", "takes_minutes")
async def test_a_month_leaves_as_it_is_stored() -> None:
    found = await month.run(argparse.Namespace(meters=2_000, slots=2, part_rows=30_000))
    assert set(found) == set(KEYS)
    assert found["checksum_equal"] and found["rows"] == 2_000 * 2 * month.DAYS
    assert found["parts"] == 5

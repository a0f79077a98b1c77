# SPDX-License-Identifier: Apache-2.0
"""What every driver obeys, whoever wrote its page."""

import random
from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np
import pytest

from openmains.drivers import catalog
from openmains.drivers.dialect.hook import DialectDriver
from openmains.drivers.model import MISSING_VALUE, Columns, Driver, Vector
from openmains.drivers.points import vocabulary
from openmains.drivers.schema import GRADES

CATALOG = catalog.load()
DRIVERS = list(CATALOG)
VECTORS = [(driver, vector) for driver in DRIVERS for vector in driver.vectors]
SEED = 0x5EED


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same frames in every run are wanted


def row_of(columns: Columns, index: int) -> dict[str, Any]:
    """One frame's meaning as plain numbers."""
    means: dict[str, Any] = {name: int(column[index]) for name, column in columns.points.items()}
    means |= {name: [int(v) for v in column[index]] for name, column in columns.series.items()}
    means["kind"] = str(columns.kind)
    if columns.event_mask is not None:
        means["events"] = vocabulary().event_names(int(columns.event_mask[index]))
    return means


def meaning(driver: Driver, frame: bytes, received_at: int = 0) -> dict[str, Any] | None:
    found, rejected = driver.decode([frame], [received_at])
    assert len(found) + len(rejected) == 1
    return row_of(found[0], 0) if found else None


def near_valid(driver: Driver, source: random.Random, count: int) -> list[bytes]:
    """Garbage and damaged good frames."""
    frames = []
    good = [v.frame for v in driver.vectors]
    for _ in range(count):
        base = bytearray(source.choice(good))
        what = source.randrange(5)
        if what == 0:
            frames.append(source.randbytes(source.randrange(300)))
            continue
        if what == 1 and base:
            base[source.randrange(len(base))] ^= 1 << source.randrange(8)
        elif what == 2:
            base = base[: source.randrange(len(base) + 1)]
        elif what == 3:
            base += source.randbytes(source.randrange(5))
        frames.append(bytes(base))
    return frames


@pytest.mark.parametrize(("driver", "vector"), VECTORS, ids=[f"{d.name}: {v.name}" for d, v in VECTORS])
def test_vector(driver: Driver, vector: Vector) -> None:
    found = meaning(driver, vector.frame, vector.received_at)
    assert driver.check(vector.frame) == vector.fault
    if vector.fault is not None:
        _, rejected = driver.decode([vector.frame], [0])
        assert rejected[0].reason == vector.fault
        assert 0 <= rejected[0].offset <= len(vector.frame)
        return
    assert found is not None
    for name, value in vector.means.items():
        wanted = sorted(value, key=lambda e: vocabulary().events[e].bit) if name == "events" else value  # type: ignore[call-overload]
        assert found[name] == wanted, name


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda d: d.name)
class TestEveryDriver:
    def test_says_what_it_is(self, driver: Driver) -> None:
        assert driver.grade in GRADES
        assert driver.medium in ("gas", "water")
        assert driver.title.zh and driver.title.en
        assert driver.points <= set(vocabulary().points)
        assert all(v.source for v in driver.vectors)

    def test_every_kind_has_a_good_vector_and_bad_ones_exist(self, driver: Driver) -> None:
        assert any(v.fault is None for v in driver.vectors)
        has_check = (
            not isinstance(driver, DialectDriver) or driver.dialect.check.size > 0
        )  # LoRaWAN's MIC stands for one
        assert {"length", *(["crc"] if has_check else [])} <= {v.fault for v in driver.vectors}

    def test_gives_only_declared_points(self, driver: Driver) -> None:
        for vector in driver.vectors:
            found, _ = driver.decode([vector.frame], [0])
            for columns in found:
                assert set(columns.points) | set(columns.series) <= driver.points

    def test_encode_is_the_inverse_of_decode(self, driver: Driver) -> None:
        if not driver.encodes:
            return
        for vector in driver.vectors:
            first = meaning(driver, vector.frame, vector.received_at)
            if first is None:
                continue
            values: Mapping[str, object] = {k: v for k, v in first.items() if k != "kind"}
            found, _ = driver.decode([vector.frame], [vector.received_at])
            if found[0].damages:
                continue  # nothing is written that cannot be read
            again = driver.encode(found[0].kind, values)
            assert meaning(driver, again, vector.received_at) == first, vector.name

    def test_garbage_never_raises_and_check_agrees(self, driver: Driver) -> None:
        source = seeded(SEED)
        frames = near_valid(driver, source, 3000)
        found, rejected = driver.decode(frames, [1_700_000_000] * len(frames))
        rows = sorted([row for c in found for row in c.rows] + [r.row for r in rejected])
        assert rows == list(range(len(frames)))
        reasons = {r.row: r.reason for r in rejected}
        assert "driver" not in reasons.values()
        for row, frame in enumerate(frames):
            assert driver.check(frame) == reasons.get(row)
            driver.answer(frame, 1_700_000_000, 480)
        for bad in rejected:
            assert 0 <= bad.offset <= len(frames[bad.row])

    def test_batch_is_one_by_one(self, driver: Driver) -> None:
        source = seeded(SEED + 1)
        frames = near_valid(driver, source, 200) + [v.frame for v in driver.vectors] * 5
        source.shuffle(frames)
        instants = [1_700_000_000 + k for k in range(len(frames))]
        found, rejected = driver.decode(frames, instants)
        batch = {row: row_of(c, k) for c in found for k, row in enumerate(c.rows)}
        for row, frame in enumerate(frames):
            assert meaning(driver, frame, instants[row]) == batch.get(row)
        for bad in rejected:
            _, alone = driver.decode([frames[bad.row]], [0])
            assert (alone[0].reason, alone[0].offset) == (bad.reason, bad.offset)

    def test_explain_covers_every_byte_once(self, driver: Driver) -> None:
        frames = [v.frame for v in driver.vectors] + near_valid(driver, seeded(SEED + 2), 500)
        for frame in frames:
            at = 0
            for trace in driver.explain(frame):
                assert trace.offset == at and trace.length > 0
                assert bytes.fromhex(trace.raw_hex) == frame[at : at + trace.length]
                at += trace.length
            assert at == len(frame)

    def test_columns_are_int64_and_of_equal_length(self, driver: Driver) -> None:
        found, _ = driver.decode([v.frame for v in driver.vectors], [0] * len(driver.vectors))
        for columns in found:
            for column in [*columns.points.values(), *columns.series.values()]:
                assert column.dtype == np.int64
                assert len(column) == len(columns.rows)
            if columns.event_mask is not None:
                assert not (columns.event_mask & ~np.int64(columns.event_known)).any()

    def test_answer_is_short(self, driver: Driver) -> None:
        for vector in driver.vectors:
            answer = driver.answer(vector.frame, 1_767_288_600, 480)
            assert len(answer) < 50

    def test_no_frames(self, driver: Driver) -> None:
        assert driver.decode([], []) == ([], [])


def test_missing_is_not_a_number_a_meter_can_send() -> None:
    assert np.iinfo(np.int64).min == MISSING_VALUE


def test_formats_of_others_say_where_they_are_from() -> None:
    ours = {"cjt188", "lwm2m", "modbus", "openmains", "station"}
    others = [driver for driver in DRIVERS if driver.name.split("/")[0] not in ours]
    assert {driver.name for driver in DRIVERS if driver.source is not None} == {driver.name for driver in others}
    assert len(others) >= 6 and all(driver.grade == "vectors" for driver in others)
    assert {driver.medium for driver in others if driver.kind == "meter"} == {"water", "gas"}
    for driver in others:
        good = [vector for vector in driver.vectors if vector.fault is None]
        assert not good[0].source.startswith("synthetic"), driver.name


def test_shipped_drivers() -> None:
    """Every page that lies there is a driver, and these stay: meters in service ask for them by name."""
    files = catalog.pages_in(resources.files("openmains.drivers"))
    assert CATALOG.names() == sorted(f.removesuffix(".toml") for f in files if not f.endswith("/groups.toml"))
    assert set(CATALOG.names()) >= {
        "cjt188/gas-2004", "cjt188/water-2004", "lwm2m/gas-1", "lwm2m/water-1", "openmains/gas-1", "openmains/water-1",
    }  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""The real year of 62 meters through real sockets: ``openmains replay`` → edge → stream → pipeline → stores → API.

Compared with what tests/support/plain_year.py computes straight from the CSV. docs/readings-real-year.md has the table
of the full run: `make test-slow` runs the full file.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from openmains.domain.fleet.identifiers import imei_of
from tests.support.plain_year import CADENCE_S, QMAX, plain_totals, plain_valid
from tests.support.real_water import EXCERPT, MADRID, Reading, readings, source
from tests.support.system import System, Systems, add_product, found_utility, import_meters, instant_of, until

# docs/readings.md, column A: an equal local time is the same instant
FULL = {
    "duplicate_same": 40,
    "duplicate_different": 6,
    "reverse_flow": 146,
    "impossible_back": 5,
    "gap": 11_860,
    "spike": 17,
}
FULL_PATH, IS_FULL = source()
FIRST_NUMBER = 201_600_000_000


@pytest.fixture
def system(systems: Systems) -> Iterator[System]:
    with systems(meter_rate_per_min=100_000) as running:  # a year in a minute is no flood here
        yield running


async def replay(system: System, path: Path, imeis: dict[str, str]) -> dict[str, int]:
    """``openmains replay`` as a person runs it; its summary."""
    words = ["replay", str(path), "--target", f"127.0.0.1:{system.coap}", "--zone", "Europe/Madrid", "--quiet"]
    words += ["--state", str(system.var / "replay.json"), "--batch", "60"]
    for meter, imei in imeis.items():
        words += ["--map", f"{meter}={imei}"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openmains.run.cli", *words, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    summary: dict[str, int] = json.loads(out)
    assert process.returncode == 0, summary
    return summary


def plain_flags(entries: list[Reading]) -> list[tuple[int, int, frozenset[str]]]:
    """(instant, register, rules without the spike) of each entry, by instant."""
    valid, words = plain_valid(entries)
    gap_ends = {after[0] for before, after in pairwise(valid) if (after[0] - before[0]) * 2 > CADENCE_S * 3}
    rows = []
    for (at, register), word in zip(entries, words, strict=True):
        rules = {word.lower()} if word else set()
        if at in gap_ends and not word.startswith(("DUPLICATE", "IMPOSSIBLE")):
            rules.add("gap")
        rows.append((at, register, frozenset(rules)))
    return sorted(rows, key=lambda row: (row[0], row[1], sorted(row[2])))


def stored_flags(system: System, meter_id: int) -> list[tuple[int, int, frozenset[str]]]:
    """The same as the API returns it."""
    rows = [
        (instant_of(item["at"]), item["register"], frozenset(item["rules"]) - {"spike"})
        for item in system.pages(f"/meters/{meter_id}/registers", limit=200)
    ]
    return sorted(rows, key=lambda row: (row[0], row[1], sorted(row[2])))


def stored_totals(system: System, meter_id: int, first: int, last: int) -> dict[date, int]:
    """Litres of each day of which the API knows anything."""
    found = system.series(meter_id, first - 3 * 86_400, last + 3 * 86_400, "day")
    return {
        datetime.fromisoformat(point["start"]).astimezone(MADRID).date(): point["volume"]
        for point in found["points"]
        if point["measured_s"] or point["estimated_s"]
    }


async def test_excerpt(system: System) -> None:
    await replayed(system, EXCERPT)


@pytest.mark.usefixtures("takes_minutes")
@pytest.mark.skipif(
    not IS_FULL, reason="the full file is not here: set OPENMAINS_REAL_WATER (docs/readings-real-year.md)"
)
async def test_year(system: System) -> None:
    await replayed(system, FULL_PATH)


async def replayed(system: System, path: Path) -> None:
    await found_utility(system, zone="Europe/Madrid")
    add_product(system, "swm", "openmains/water-1", interval_s=CADENCE_S, qmax_l_h=QMAX)
    given = readings(path)
    imeis = {meter: f"{imei_of(86_201_600_000_000 + place)}" for place, meter in enumerate(given)}
    numbers = {meter: FIRST_NUMBER + place for place, meter in enumerate(given)}
    await import_meters(system, [(numbers[meter], imeis[meter], "swm") for meter in given])
    ids = system.meter_ids()
    assert len(ids) == len(given)

    began = time.monotonic()
    summary = await replay(system, path, imeis)
    total = sum(map(len, given.values()))
    assert summary["registers"] == total
    assert not summary["failed_meters"]
    sent_s = time.monotonic() - began

    def applied() -> bool:  # all is acknowledged, so all is in the stream; counters would begin anew with a process
        waiting = system.get("/system")["stream_lag"]
        return bool(waiting) and not any(waiting.values())

    try:
        await until(applied)
    except AssertionError:
        print(summary, system.get("/system"), system.log, sep="\n")
        raise
    visible_s = time.monotonic() - began

    stored = days = 0
    for meter, entries in given.items():
        meter_id = ids[str(numbers[meter])]
        found = stored_flags(system, meter_id)
        assert found == plain_flags(entries), meter
        stored += len(found)
        valid, _ = plain_valid(entries)
        totals = stored_totals(system, meter_id, entries[0][0], max(at for at, _ in entries))
        assert totals == plain_totals(valid, CADENCE_S), meter
        days += len(totals)
    rules = Counter(item["rule"] for item in system.pages("/exceptions", limit=200))
    if path is FULL_PATH and IS_FULL:
        assert rules == FULL
    counters = system.counters()
    assert not [name for name in counters if ".dead:" in name], counters
    print(
        f"{path.name}: {len(given)} meters, {total} registers sent in {summary['messages']} messages and {sent_s:.0f} s"
        f" ({summary['attempts']} attempts, {summary['codes']}), all visible after {visible_s:.0f} s;"
        f" returned by the API {stored}; {days} daily totals equal; checked after {time.monotonic() - began:.0f} s;"
        f" rules {dict(sorted(rules.items()))}; repeats {counters.get('pipeline.repeat', 0)}"
    )

# SPDX-License-Identifier: Apache-2.0
"""A real year of 62 meters through ``validate_registers`` in messages of 24 (docs/readings.md has the table).

The expectations are computed straight from the CSV by tests/support/plain_year.py, which imports nothing of the domain.
"""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from openmains.domain.period import date_to_day, zone
from openmains.domain.readings import merge, validate_registers
from openmains.domain.readings.model import DayRow, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Rule, Slot
from tests.support.plain_year import CADENCE_S, QMAX, SLACK, plain_totals, plain_valid
from tests.support.real_water import Reading, readings, source, text_rows

GRID_S = 1800
FULL = {
    False: {
        "DUPLICATE_SAME": 40,
        "DUPLICATE_DIFFERENT": 6,
        "REVERSE_FLOW": 146,
        "IMPOSSIBLE_BACK": 5,
        "GAP": 11_860,
        "SPIKE": 17,
    },
    True: {"REVERSE_FLOW": 146, "IMPOSSIBLE_BACK": 5, "GAP": 11_815, "SPIKE": 17},
}


# the domain's


class Outcome(NamedTuple):
    days: dict[int, DayRow]
    rows: list[tuple[int, int, int]]  # (instant, register, flags)
    counts: Counter[str]


def judged(entries: list[Reading], at_once: int = 24) -> Outcome:
    state, madrid = MeterState(), zone("Europe/Madrid")
    limits = Limits(qmax_per_h=QMAX, interval_s=GRID_S, cadence_s=CADENCE_S)
    days: dict[int, DayRow] = {}
    rows: list[tuple[int, int, int]] = []
    counts: Counter[str] = Counter()
    for place in range(0, len(entries), at_once):
        part = entries[place : place + at_once]
        sent = max(at for at, _ in part) + 60
        result = validate_registers(state, RegisterReport(sent, sent, part), limits, madrid)
        assert result.state.version == state.version + 1
        state = result.state
        rows += [(row.at, row.register, row.flags) for row in result.registers]
        counts.update(finding.rule.name for finding in result.findings)
        for row in result.days:
            days[row.day] = merge(days[row.day], row) if row.day in days else replace(row, partial=False)
    return Outcome(days, rows, counts)


PATH, IS_FULL = source()


@pytest.fixture(scope="module")
def file() -> Path:
    print(
        f"real water: {'the full file' if IS_FULL else 'the excerpt only; set OPENMAINS_REAL_WATER for the full file'}"
    )
    return PATH


@pytest.mark.usefixtures("takes_seconds")
@pytest.mark.parametrize("later", [False, True], ids=["equal time is the same instant", "equal time is an hour later"])
def test_real_year(file: Path, later: bool) -> None:
    written = Counter((meter, int(float(register))) for meter, _, register in text_rows(file))
    found: Counter[str] = Counter()
    returned: Counter[tuple[str, int]] = Counter()
    up_jumps = 0
    for meter, entries in readings(file, later=later).items():
        outcome = judged(entries)
        valid, words = plain_valid(entries)
        # every register comes back exactly, in order, with the rule that the plain reading of the file gives it
        assert [(at, register) for at, register, _ in outcome.rows] == entries
        returned.update((meter, register) for _, register, _ in outcome.rows)
        for (at, _, flags), word in zip(outcome.rows, words, strict=True):
            named = {rule.name for rule in Rule if flags >> rule & 1} - {"GAP", "SPIKE"}
            assert named == ({word} if word else set()), (meter, at)
        for before, after in pairwise(outcome.rows):
            if after[1] < before[1]:
                assert after[2] & (1 << Rule.REVERSE_FLOW | 1 << Rule.IMPOSSIBLE_BACK), (meter, after)
            elif after[1] - before[1] > QMAX * (after[0] - before[0]) // 3600 + SLACK:
                assert before[2] & (1 << Rule.IMPOSSIBLE_BACK), "the data jumps up only out of a hole"
                up_jumps += 1
        # a list of days shows it
        for at, _, flags in outcome.rows:
            marks = flags & ~(1 << Rule.GAP)
            assert not marks or outcome.days[zone("Europe/Madrid").day_of(at)].flags & marks == marks, (meter, at)
        # gaps: between valid registers, more than one and a half cadences apart
        gap_ends = {b[0] for a, b in pairwise(valid) if (b[0] - a[0]) * 2 > CADENCE_S * 3}
        assert {at for at, _, flags in outcome.rows if flags >> Rule.GAP & 1} == gap_ends
        # daily totals, and the chain of bases
        assert {
            row.day: sum(row.increments)
            for row in outcome.days.values()
            if not all(q & Slot.MISSING for q in row.quality)
        } == {date_to_day(day): total for day, total in plain_totals(valid, GRID_S).items()}
        for day, row in outcome.days.items():
            if day + 1 in outcome.days:
                assert row.base + sum(row.increments) == outcome.days[day + 1].base
        found.update(outcome.counts)
    assert returned == written
    print(dict(sorted(found.items())))
    if IS_FULL:
        assert up_jumps == 2
        assert found == FULL[later]


def test_excerpt_holds_the_cases() -> None:
    """So that a checkout without the full file still meets every rule that the full one fires."""
    from tests.support.real_water import EXCERPT

    found: Counter[str] = Counter()
    for entries in readings(EXCERPT).values():
        found.update(judged(entries).counts)
    assert set(found) == {"DUPLICATE_SAME", "DUPLICATE_DIFFERENT", "REVERSE_FLOW", "IMPOSSIBLE_BACK", "GAP", "SPIKE"}
    assert EXCERPT.stat().st_size <= 60_000


def test_cutting_into_messages_changes_nothing() -> None:
    from tests.support.real_water import EXCERPT

    for entries in readings(EXCERPT).values():
        assert judged(entries, 24) == judged(entries, 1) == judged(entries, 1000)

# SPDX-License-Identifier: Apache-2.0
"""A real year of 62 meters through ``judge_registers`` in messages of 24 (docs/readings.md has the table).

The expectations are computed straight from the CSV by the code in the upper half, which imports nothing of the domain.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from openmains.domain.period import date_to_day, zone
from openmains.domain.readings import judge_registers, merge
from openmains.domain.readings.model import DayRow, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Rule, Slot
from tests.support.real_water import MADRID, Reading, readings, source, text_rows

QMAX, BACK_PER_H, SLACK, GRID_S, CADENCE_S = 3125, 62, 10, 1800, 3600
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


# the independent computation


def plain_valid(entries: list[Reading]) -> tuple[list[Reading], list[str]]:
    """Valid readings, and a word for each entry."""
    valid: list[Reading] = []
    words = []
    for at, litres in entries:
        word = ""
        if valid:
            last_at, last = valid[-1]
            seconds = at - last_at
            if seconds == 0:
                word = "DUPLICATE_SAME" if litres == last else "DUPLICATE_DIFFERENT"
            elif litres < last:
                allowed = max(SLACK, BACK_PER_H * min(seconds, 86_400) // 3600)
                word = "REVERSE_FLOW" if last - litres <= allowed else "IMPOSSIBLE_BACK"
            elif litres - last > QMAX * seconds // 3600 + SLACK:
                word = "OVER_QMAX"
        words.append(word)
        if word in ("", "REVERSE_FLOW"):
            valid.append((at, litres))
    return valid, words


def plain_register(valid: list[Reading], at: int) -> int:
    """Register at an instant: on the line between the valid readings around it, rounded down."""
    k = bisect_left(valid, (at, -1))
    after_at, after = valid[k]
    if after_at == at:
        return after
    before_at, before = valid[k - 1]
    return before + (after - before) * (at - before_at) // (after_at - before_at)


def plain_totals(valid: list[Reading]) -> dict[date, int]:
    """Litres of each local day, of the first and last as far as half hours of the grid are known."""
    first = -(-valid[0][0] // GRID_S) * GRID_S
    last = valid[-1][0] // GRID_S * GRID_S
    today = datetime.fromtimestamp(valid[0][0], MADRID).date()
    out = {}
    while True:
        start = int(datetime(today.year, today.month, today.day, tzinfo=MADRID).timestamp())
        tomorrow = today + timedelta(days=1)
        end = int(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=MADRID).timestamp())
        left, right = max(start, first), min(end, last)
        if left < right:
            out[today] = plain_register(valid, right) - plain_register(valid, left)
        if end >= last:
            return out
        today = tomorrow


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
        result = judge_registers(state, RegisterReport(sent, sent, part), limits, madrid)
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
        # gaps: between valid registers, more than one and a half cadences apart
        gap_ends = {b[0] for a, b in pairwise(valid) if (b[0] - a[0]) * 2 > CADENCE_S * 3}
        assert {at for at, _, flags in outcome.rows if flags >> Rule.GAP & 1} == gap_ends
        # daily totals, and the chain of bases
        assert {
            row.day: sum(row.increments)
            for row in outcome.days.values()
            if not all(q & Slot.MISSING for q in row.quality)
        } == {date_to_day(day): total for day, total in plain_totals(valid).items()}
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

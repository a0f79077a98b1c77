# SPDX-License-Identifier: Apache-2.0
"""Sets of alarm changes leave the table as the changes one by one would."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.alarms import AlarmWave, Raised, alarm_waves


def change(action: str, at: int, meter: int = 1, event: str = "burst") -> AlarmChange:
    return AlarmChange(1, meter, event, "major", action, at, at * 10)


@dataclass(frozen=True)
class Row:
    """One alarm of the table."""

    raised_at: int
    received_us: int
    last_us: int
    occurrences: int = 1
    cleared_us: int | None = None


Table = dict[tuple[int, str], list[Row]]


def one_by_one(table: Table, changes: list[AlarmChange]) -> Table:
    """The rule: raise or count, or clear what is open."""
    for item in changes:
        _write(table, item, 1, item.received_us)
    return table


def by_sets(table: Table, changes: list[AlarmChange]) -> Table:
    for wave in alarm_waves(changes):
        keys = [(one.first.meter_id, one.first.event) for one in wave.raised]
        assert len(set(keys)) == len(keys), "a set may not meet one row twice"
        gone = [(one.meter_id, one.event) for one in wave.cleared]
        assert len(set(gone)) == len(gone)
        for entry in wave.raised:
            _write(table, entry.first, entry.count, entry.last_us)
        for item in wave.cleared:
            _write(table, item, 1, item.received_us)
    return table


def _write(table: Table, item: AlarmChange, count: int, last_us: int) -> None:
    rows = table.setdefault((item.meter_id, item.event), [])
    is_open = bool(rows) and rows[-1].cleared_us is None
    if item.action == "cleared":
        if is_open:
            rows[-1] = replace(rows[-1], cleared_us=item.received_us, last_us=item.received_us)
    elif is_open:
        rows[-1] = replace(rows[-1], occurrences=rows[-1].occurrences + count, last_us=last_us)
    else:
        rows.append(Row(item.raised_at, item.received_us, last_us, count))


def test_a_usual_batch_is_one_wave() -> None:
    waves = alarm_waves([change("raised", 1), change("repeated", 2), change("cleared", 3), change("raised", 4, 2)])
    assert waves == [
        AlarmWave([Raised(change("raised", 1), 2, 20), Raised(change("raised", 4, 2), 1, 40)], [change("cleared", 3)])
    ]


def test_nothing_is_no_wave() -> None:
    assert alarm_waves([]) == []


CHANGES = st.lists(
    st.builds(
        change,
        st.sampled_from(["raised", "repeated", "cleared"]),
        st.integers(0, 50),
        st.integers(1, 3),
        st.sampled_from(["burst", "movement"]),
    ),
    max_size=40,
)


@given(CHANGES, CHANGES)
def test_sets_mean_what_the_changes_mean(before: list[AlarmChange], changes: list[AlarmChange]) -> None:
    assert by_sets(one_by_one({}, before), changes) == one_by_one(one_by_one({}, before), changes)

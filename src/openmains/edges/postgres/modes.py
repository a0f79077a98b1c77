# SPDX-License-Identifier: Apache-2.0
"""Columns that say a mode of reporting, as products, meters and tasks have them."""

from datetime import date

from openmains.domain.ids import TaskId
from openmains.domain.period import date_to_day
from openmains.domain.readings.expected import Mode, Modes
from openmains.domain.readings.tasks import Frequency, Level, Need, Remedy, Task
from openmains.edges.postgres.db import Row


def modes_of(mode: str | None, since: date | None, before: str | None) -> Modes:
    """``report_mode``, ``report_mode_since`` and ``report_mode_before`` of a row."""
    return Modes(
        None if mode is None else Mode(mode),
        None if since is None else date_to_day(since),
        None if before is None else Mode(before),
    )


def task_of(row: Row) -> Task:
    """A row of ``collection_task``; ``target`` is the id of what its level names."""
    return Task(
        TaskId(row["task_id"]),
        Level(row["level"]),
        row["target"],
        date_to_day(row["first_day"]),
        None if row["last_day"] is None else date_to_day(row["last_day"]),
        None if row["frequency"] is None else Frequency(row["frequency"]),
        None if row["need"] is None else Need(row["need"]),
        None if row["remedy"] is None else Remedy(row["remedy"]),
        row["rereads_a_month"],
        None if row["quantities"] is None else tuple(row["quantities"]),
    )

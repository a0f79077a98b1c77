# SPDX-License-Identifier: Apache-2.0
"""What a person's file brought of a meter, in the pipeline: a version of its days and runs; what the meter said stays as it is.

Nothing is judged here: the file was held against what is stored before it was sent (``app/readings/bulk/insert/``), and history raises
no alarm, fires no rule and moves no newest value.
"""

from dataclasses import replace

from openmains.app.ingest.pipeline.bounds import DAYS
from openmains.app.ingest.pipeline.ports import DayCause, Effects, MeterRecord, PendingDay
from openmains.app.ingest.pipeline.rows import Gatherer
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.bulk.insert.message import Inserted
from openmains.domain.readings.versions import VersionCause


def insert(record: MeterRecord, word: Inserted, uplink: Uplink, effects: Effects, gather: Gatherer) -> None:
    """One version for all of it."""
    record.state = replace(record.state, version=record.state.version + 1)
    version = record.state.version
    cause = DayCause(VersionCause.INSERT, word.user_id, reason=word.file)
    for day in word.days:
        if day.day in DAYS:
            effects.days.append(
                PendingDay(record, day.row(), version, day.received_s, uplink.received_us // 1_000_000, cause)
            )
    for run in word.runs:
        gather.inserted_run(
            record, version, uplink.received_us, (run.point, run.start_s, run.interval_s, run.values, run.quality)
        )
    for logged in word.logged:
        gather.inserted_signal(record, version, logged.at * 1_000_000, logged.values)
    effects.counters["insert"] += 1

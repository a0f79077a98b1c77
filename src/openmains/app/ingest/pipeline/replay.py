# SPDX-License-Identifier: Apache-2.0
"""The job ``replay_quantities``: the frame log is read again for quantities that were not kept when its frames came.

What a frame says is written under the frame's own version and instant, the key that the pipeline gives it: what is there already is
written once more and changes nothing, so the job may be stopped, killed and run again at any time. Volume is not touched, no alarm,
no exception, no state. A frame is read by the driver its meter has now; one that this driver cannot read is counted and left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from openmains.app.ingest.pipeline.decoded import heard_when, moment_of, value_of
from openmains.app.ingest.pipeline.ports import DeadLetter, Effects, MeterRecord, PipelineStore, Table
from openmains.app.ingest.pipeline.process import EDGE_CHANNELS, PERSONS_CHANNELS, Processor
from openmains.app.ingest.pipeline.quantities import SERIES_COLUMNS, ValueSource
from openmains.app.ingest.pipeline.rows import SIGNAL_COLUMNS, columns_of
from openmains.app.ingest.uplink import Uplink
from openmains.app.job.ports import Handler, JobCancelled, JobContext
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S, zone
from openmains.drivers.catalog import Catalog

REPLAY = "replay_quantities"
METERS = 100  # at a time: a year of their frames fits memory
DAYS = 366


@dataclass(frozen=True, slots=True)
class LoggedFrame:
    """A frame that was applied, as the log has it."""

    meter_id: MeterId
    received_us: int
    version: int
    channel: str
    path: str
    payload: bytes


class FrameLog(Protocol):
    """The frame log by meter, and how far a tenant's was read again."""

    async def position(self, tenant_id: TenantId) -> int:
        """The last meter that is done; 0: none."""

    async def set_position(self, tenant_id: TenantId, meter_id: int) -> None: ...
    async def meters(self, tenant_id: TenantId, after: int, limit: int) -> list[MeterId]:
        """The next meters that have frames, by number."""

    async def applied(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_us: int) -> list[LoggedFrame]:
        """Frames of these meters that were applied, in order."""

    async def write(self, series: Table, signals: Table) -> None:
        """Returns when on disk and visible."""


def replay_handlers(store: PipelineStore, log: FrameLog, catalog: Catalog) -> dict[str, Handler]:
    """Handler by job kind. Parameters: ``days`` back from the claim; ``again``: from the first meter on."""

    async def run(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        since_us = max(0, int(job.claim) - int(job.params.get("days", DAYS)) * DAY_S) * 1_000_000
        if job.params.get("again"):
            await log.set_position(job.tenant_id, 0)
        zones = {tenant: zone(name) for tenant, name in (await store.zones()).items()}
        processor = Processor(catalog, await store.products(), zones)
        done = {"meters": 0, "frames": 0, "values": 0, "unreadable": 0}
        after = await log.position(job.tenant_id)
        while meter_ids := await log.meters(job.tenant_id, after, METERS):
            if context.should_stop():
                raise JobCancelled
            records = await store.load(meter_ids)
            frames = await log.applied(job.tenant_id, meter_ids, since_us)
            series, signals, unreadable = read_again(processor, frames, records)
            await log.write(series, signals)
            after = meter_ids[-1]
            await log.set_position(job.tenant_id, after)
            done["meters"] += len(meter_ids)
            done["frames"] += len(frames)
            done["values"] += sum(len(values) for values in series.get("values", ()))
            done["unreadable"] += unreadable
            context.progress(done["meters"], done["meters"])
        await log.set_position(job.tenant_id, 0)  # the next one begins anew
        return done

    return {REPLAY: run}


def read_again(
    processor: Processor, frames: Sequence[LoggedFrame], records: Mapping[int, MeterRecord]
) -> tuple[Table, Table, int]:
    """Columns of ``series`` and ``signal`` that the frames mean, and how many could not be read."""
    series: list[tuple[Any, ...]] = []
    signals: list[tuple[Any, ...]] = []
    said = [
        (frame, record)
        for frame in frames
        if frame.channel not in EDGE_CHANNELS | PERSONS_CHANNELS and (record := records.get(frame.meter_id)) is not None
    ]
    uplinks = [
        Uplink(
            record.meter_id,
            record.tenant_id,
            record.product_id,
            frame.channel,
            frame.path,
            frame.received_us,
            frame.payload,
        )
        for frame, record in said
    ]
    unreadable = len(frames) - len(said)
    for (frame, record), found in zip(said, processor.decode(uplinks, Effects()), strict=True):
        if isinstance(found, DeadLetter):
            unreadable += 1
            continue
        decoded, row = found
        received_at, said_at = frame.received_us // 1_000_000, value_of(decoded.points, "device_at", row)
        device_at, limits = received_at if said_at is None else said_at, processor.limits_of(record)
        if decoded.signals is not None:
            register = moment_of(decoded.points, row, device_at, heard_when(device_at, received_at, limits))
            keys = (record.tenant_id, record.meter_id, frame.received_us, frame.version)
            signals.append((*keys, *decoded.signals[row], *register))
        if decoded.quantities is not None:
            source = ValueSource(
                record.tenant_id, record.meter_id, frame.version, frame.received_us, record.is_held_back
            )
            decoded.quantities.rows(row, source, device_at, limits, series)
    return columns_of(SERIES_COLUMNS, series), columns_of(SIGNAL_COLUMNS, signals), unreadable

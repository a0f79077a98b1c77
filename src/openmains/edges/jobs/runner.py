# SPDX-License-Identifier: Apache-2.0
"""One runner over the table of jobs: claim, run, beat, end. The clock is an argument; only ``run`` waits."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from openmains.app.job.ports import HEARTBEAT_S, ClaimedJob, Handler, JobCancelled, JobQueue

_log = logging.getLogger(__name__)
_IDLE_S = 1.0


class Context:
    """``JobContext`` of a running job."""

    def __init__(self, job: ClaimedJob, stopping: asyncio.Event) -> None:
        self.job = job
        self.done = 0
        self.total = 0
        self.lost = False  # cancelled by a person or taken over by another runner
        self._stopping = stopping

    def progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total

    def should_stop(self) -> bool:
        return self.lost or self._stopping.is_set()


class Runner:
    """Runs jobs one after the other. ``tasks`` are asked before each look for a job: they queue what is due."""

    def __init__(
        self,
        store: JobQueue,
        handlers: Mapping[str, Handler],
        *,
        clock: Callable[[], float],
        tasks: tuple[Callable[[float], Awaitable[object]], ...] = (),
    ) -> None:
        self._store = store
        self._handlers = dict(handlers)
        self._clock = clock
        self._tasks = tasks
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Until ``stopping`` is set; a job that runs then is given back by its lease. Failures of the store are retried."""
        while not self.stopping.is_set():
            worked = False
            for task in self._tasks:
                try:
                    await task(self._clock())
                except Exception:  # what one of them cannot do keeps neither the others nor the jobs
                    _log.exception("jobs: %s failed", getattr(task, "__name__", "a task"))
            try:
                worked = await self.run_one()
            except Exception:  # the store may be away for a while; the loop must outlive it
                _log.exception("jobs: the store did not answer")
            if not worked:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), _IDLE_S)

    async def run_one(self) -> bool:
        """Claim and run one job; False when none waits."""
        job = await self._store.claim(list(self._handlers), self._clock())
        if job is None:
            return False
        context = Context(job, self.stopping)
        beating = asyncio.create_task(self._beat(context))
        try:
            result = await self._handlers[job.kind](context)
            await self._store.beat(job, context.done, context.total, self._clock())
            await self._store.finish(job, "done", result, "", self._clock())
        except JobCancelled:
            if context.lost:
                await self._store.finish(job, "cancelled", None, "", self._clock())
            # else: the program ends; the job stays running and is taken up again when its lease is over
        except Exception as error:
            _log.exception("job %d (%s) failed", job.job_id, job.kind)
            await self._store.finish(job, "failed", None, f"{type(error).__name__}: {error}", self._clock())
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating
        return True

    async def _beat(self, context: Context) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S / 5)
            try:
                if not await self._store.beat(context.job, context.done, context.total, self._clock()):
                    context.lost = True
                    return
            except Exception:
                _log.exception("job %d: no heartbeat", context.job.job_id)

# SPDX-License-Identifier: Apache-2.0
"""The job ``bill_files``: all bills of a run as PDF files, in ZIP files of so many each.

A piece appears under its name when it is complete, and its name says behind which bill it begins: who is killed goes on with the piece that was
at work, and makes no finished one again. Memory holds one part of a piece, whatever the run's size.
"""

import asyncio
import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from openmains.app.billing.paper import PaperFacts
from openmains.app.billing.paper_ports import PaperStore, Typesetter
from openmains.app.billing.paper_words import Language
from openmains.app.billing.papers import PlansOf, facts_of, set_bill
from openmains.app.billing.ports import DayVolumes, RunStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.job.model import Job
from openmains.app.job.ports import Handler, JobCancelled, JobContext, JobStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.period import Zone

BILL_FILES = "bill_files"
PIECE = 5_000  # bills of a ZIP file: some 300 MB at 60 KB a bill
PART = 100  # bills that are read and set together


async def ask_for_files(store: Store, actor: Actor, run_id: int, language: Language, folder: Path) -> Job:
    """The job as queued, or the one for this run and language that still waits or runs. Raises ``not-found``, ``nothing-to-print``."""
    key = f"{BILL_FILES}:{run_id}:{language}"
    async with store.tenant(actor.tenant_id) as work:
        if await work[RunStore].place(run_id) is None:
            raise Problem("not-found")
        if not await work[PaperStore].count(run_id):
            raise Problem("nothing-to-print", run_id=run_id)
        await work[JobStore].release_key(key)
        params = {"run_id": run_id, "language": language, "zone": actor.zone}
        job = await work[JobStore].add(BILL_FILES, params, file_path=str(folder), unique_key=key, user_id=actor.user_id)
        asked = {"kind": BILL_FILES, "params": params}
        await work[AuditTrail].record(actor, "ask_for_job", "job", job.job_id, None, asked)
    return job


def bill_file_handlers(
    store: Store,
    volumes: DayVolumes,
    typeset: Typesetter,
    zone_of: Callable[[TenantId], Awaitable[Zone]],
    today: Callable[[Zone], int],
) -> dict[str, Handler]:
    """Handler by job kind."""

    async def bill_files(context: JobContext) -> Mapping[str, Any]:
        zone = await zone_of(context.job.tenant_id)
        return await Printing(store, volumes, typeset, zone, today(zone)).run(context)

    return {BILL_FILES: bill_files}


class Printing:
    """One run's bills at work."""

    def __init__(
        self,
        store: Store,
        volumes: DayVolumes,
        typeset: Typesetter,
        zone: Zone,
        today: int,
        piece: int = PIECE,
        part: int = PART,
    ) -> None:
        self._store, self._volumes, self._typeset, self._zone, self._today = store, volumes, typeset, zone, today
        self._piece, self._part = piece, part
        self._plans: PlansOf = {}

    async def run(self, context: JobContext) -> Mapping[str, Any]:
        """To the end, behind the pieces that are complete."""
        job = context.job
        run_id, language = int(job.params["run_id"]), job.params["language"]
        folder = Path(job.file_path) / f"bills-{job.job_id}"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        async with self._store.tenant(job.tenant_id) as work:
            total = await work[PaperStore].count(run_id)
        done, after, pieces = 0, 0, list[dict[str, Any]]()
        while True:
            kept = await asyncio.to_thread(_complete, folder, run_id, len(pieces) + 1)
            if kept is None:
                kept = await self._make(context, folder, run_id, language, len(pieces) + 1, after, done, total)
            if kept is None:
                break
            pieces.append(kept)
            done, after = done + kept["bills"], kept["last"]
            context.progress(done, max(done, total))
        named = {f"file_{place}": piece["file"] for place, piece in enumerate(pieces, 1)}
        return {"run_id": run_id, "bills": done, "pieces": len(pieces), **named, "file": named.get("file_1", "")}

    async def _make(
        self,
        context: JobContext,
        folder: Path,
        run_id: int,
        language: Language,
        number: int,
        after: int,
        done: int,
        total: int,
    ) -> dict[str, Any] | None:
        """The next piece, complete; None: no bill is left."""
        path = folder / f"bills-{run_id}-{number:03d}.zip"
        at_work, made, first = path.with_suffix(".part"), 0, after
        archive = await asyncio.to_thread(zipfile.ZipFile, at_work, "w", zipfile.ZIP_STORED)
        try:
            while made < self._piece:
                if context.should_stop():
                    raise JobCancelled
                async with self._store.tenant(context.job.tenant_id) as work:
                    ids = await work[PaperStore].of_run(run_id, after, min(self._part, self._piece - made))
                if not ids:
                    break
                found = await facts_of(self._store, self._volumes, context.job.tenant_id, ids, self._today, self._plans)
                files = await self._set(found, language)
                await asyncio.to_thread(_add, archive, files)
                after, made = ids[-1], made + len(files)
                context.progress(done + made, max(total, done + made))
        finally:
            await asyncio.to_thread(archive.close)
        if not made:
            with suppress(FileNotFoundError):
                at_work.unlink()
            return None
        kept = {"file": str(path), "bills": made, "after": first, "last": after}
        await asyncio.to_thread(_finish, at_work, path, kept)
        return kept

    async def _set(self, found: Sequence[PaperFacts], language: Language) -> list[tuple[str, bytes]]:
        papers = await asyncio.gather(*(set_bill(self._typeset, one, language, self._zone) for one in found))
        return [
            (f"{one.bill.number or one.bill.kept.account_id}-{number}.pdf", file)
            for one, (number, file) in zip(found, papers, strict=True)
        ]


def _add(archive: zipfile.ZipFile, files: Sequence[tuple[str, bytes]]) -> None:
    for name, content in files:
        archive.writestr(name.replace("/", "_").replace("\\", "_"), content)


def _finish(at_work: Path, path: Path, kept: Mapping[str, Any]) -> None:
    """The note first: a piece without its name is made again, one with it is complete."""
    path.with_suffix(".json").write_text(json.dumps(kept))
    at_work.replace(path)


def _complete(folder: Path, run_id: int, number: int) -> dict[str, Any] | None:
    path = folder / f"bills-{run_id}-{number:03d}.zip"
    note = path.with_suffix(".json")
    if not path.is_file() or not note.is_file():
        return None
    kept: dict[str, Any] = json.loads(note.read_text())
    return kept

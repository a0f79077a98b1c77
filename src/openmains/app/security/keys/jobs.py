# SPDX-License-Identifier: Apache-2.0
"""The job kinds ``key_import`` and ``key_generate``. Both are repeatable; neither leaves a key in the job's row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openmains.app.job.ports import Handler, JobCancelled, JobContext
from openmains.app.sealing.vault import Random
from openmains.app.security.keys.files import SealedFiles
from openmains.app.security.keys.generate import KeyOrder, generate_keys, is_committed
from openmains.app.security.keys.import_keys import KeyWorkCancelled, import_keys
from openmains.app.security.keys.key_file import VALUE
from openmains.app.security.keys.ports import KeyStore
from openmains.app.security.keys.vault import Vault
from openmains.app.spreadsheet import write_error_reports

KEY_IMPORT = "key_import"
KEY_GENERATE = "key_generate"


class KeyFileGoneError(Exception):
    """The uploaded file is not there any more: it is kept for a day only."""


def file_of(job_id: int) -> str:
    """Name of the sealed file that a generation makes."""
    return f"generated-{job_id}"


def key_handlers(
    store: KeyStore, vault: Vault, files: SealedFiles, reports: Path, random: Random
) -> dict[str, Handler]:
    """Handler by job kind; ``reports``: folder for error reports, which hold no keys."""

    async def run_import(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        name = str(job.params["sealed"])
        data = files.read(name)
        if data is None:
            raise KeyFileGoneError("the uploaded key file is gone; upload it again")
        try:
            result = await import_keys(
                data, job.tenant_id, store, vault, partial=bool(job.params.get("partial")),
                progress=context.progress, should_stop=context.should_stop,
            )  # fmt: skip
        except KeyWorkCancelled as error:
            raise JobCancelled from error
        told = result.summary()
        base = reports / f"key-import-{job.job_id}"
        told |= write_error_reports(base, result.errors, result.error_count, VALUE)
        files.remove(name)
        return told

    async def run_generate(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        name = file_of(job.job_id)
        earlier = files.read(name)
        made = None if earlier is None else await is_committed(earlier, job.tenant_id, store, vault)
        if made is None:
            try:
                made = await generate_keys(
                    KeyOrder.of(job.params), job.tenant_id, store, vault, random,
                    lambda data: files.put(name, data),
                    progress=context.progress, should_stop=context.should_stop,
                )  # fmt: skip
            except KeyWorkCancelled as error:
                raise JobCancelled from error
        return {"made": made}

    return {KEY_IMPORT: run_import, KEY_GENERATE: run_generate}

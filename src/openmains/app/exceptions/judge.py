# SPDX-License-Identifier: Apache-2.0
"""A person's judgement of a suspicious reading: it is right, it is to be edited, or the estimate stays.

The judgement is a row here and at once; the corrected value becomes a new version of the meter-day through the job
``reading_edit``, because only the pipeline's side counts versions.
"""

from typing import Literal

from openmains.app.alarms.model import ExceptionStatus, ReadingException
from openmains.app.identity.model import Actor
from openmains.app.ports import Store
from openmains.app.problems import Problem

Verdict = Literal["accept", "edit", "keep_estimate"]
_STATUS: dict[Verdict, ExceptionStatus] = {"accept": "accepted", "edit": "edited", "keep_estimate": "estimated"}


async def judge_exception(
    store: Store, actor: Actor, exception_id: int, verdict: Verdict, value: int | None, reason: str
) -> ReadingException:
    """``value``: the register that is right, in the product's unit; only with ``edit``, which needs a reason too."""
    faults = []
    if verdict == "edit":
        if value is None:
            faults.append(("/value", "required"))
        if not reason.strip():
            faults.append(("/reason", "needs-reason"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))
    async with store.tenant(actor.tenant_id) as work:
        before = await work.exceptions.get(exception_id)
        if before is None:
            raise Problem("not-found")
        if before.status != "open":
            raise Problem("already-done", state=before.status)
        await work.exceptions.judge(exception_id, _STATUS[verdict], actor.user_id, reason)
        if verdict == "edit":
            params = {
                "exception_id": exception_id,
                "meter_id": before.meter_id,
                "at": int(before.at.timestamp()),
                "register": value,
                "user_id": actor.user_id,
            }
            await work.jobs.add(
                "reading_edit", params, file_path="", unique_key=f"reading_edit:{exception_id}", user_id=actor.user_id
            )
        after = await work.exceptions.get(exception_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work.audit.record(actor, "judge_exception", "reading_exception", exception_id, before, after)
    return after

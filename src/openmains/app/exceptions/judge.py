# SPDX-License-Identifier: Apache-2.0
"""A person's judgement of a suspicious reading: it is right, or the estimate in its place stays.

The reading itself is not touched: what validation stored stays stored, and the judgement says who takes it for right.
"""

from typing import Literal

from openmains.app.alarms.model import ExceptionStatus, ReadingException
from openmains.app.identity.model import Actor
from openmains.app.ports import Store
from openmains.app.problems import Problem

Verdict = Literal["accept", "keep_estimate"]
_STATUS: dict[Verdict, ExceptionStatus] = {"accept": "accepted", "keep_estimate": "estimated"}


async def judge_exception(
    store: Store, actor: Actor, exception_id: int, verdict: Verdict, reason: str
) -> ReadingException:
    """The judged exception; Problem ``not-found``, or ``already-done`` when it was judged before."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work.exceptions.get(exception_id)
        if before is None:
            raise Problem("not-found")
        if before.status != "open":
            raise Problem("already-done", state=before.status)
        await work.exceptions.judge(exception_id, _STATUS[verdict], actor.user_id, reason)
        after = await work.exceptions.get(exception_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work.audit.record(actor, "judge_exception", "reading_exception", exception_id, before, after)
    return after

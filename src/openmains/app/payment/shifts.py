# SPDX-License-Identifier: Apache-2.0
"""A clerk's shift: opened with the float that is counted, closed with what is counted then. A difference is said why, and stays visible."""

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.model import TillShift
from openmains.app.payment.ports import ShiftStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store


async def open_shift(store: Store, actor: Actor, float_fen: int, now_us: int) -> TillShift:
    """The shift. Raises ``shift-open``."""
    async with store.tenant(actor.tenant_id) as work:
        shift_id = await work[ShiftStore].add(actor.user_id, float_fen, now_us)
        if shift_id is None:
            raise Problem("shift-open")
        made = await work[ShiftStore].get(shift_id)
        assert made is not None  # noqa: S101 added above
        await work[AuditTrail].record(actor, "open_shift", "till_shift", shift_id, None, made)
    return made


async def close_shift(store: Store, actor: Actor, counted_fen: int, note: str, now_us: int) -> TillShift:
    """The clerk's own, closed for ever. Raises ``shift-needed``, ``difference-unexplained``."""
    async with store.tenant(actor.tenant_id) as work:
        shift = await work[ShiftStore].open_of(actor.user_id, lock=True)
        if shift is None:
            raise Problem("shift-needed")
        if counted_fen != shift.expected_fen and not note.strip():
            raise Problem("difference-unexplained", fen=counted_fen - shift.expected_fen)
        await work[ShiftStore].close(shift.shift_id, shift.expected_fen, counted_fen, note.strip(), now_us)
        after = await work[ShiftStore].get(shift.shift_id)
        assert after is not None  # noqa: S101 locked above
        await work[AuditTrail].record(actor, "close_shift", "till_shift", shift.shift_id, shift, after)
    return after

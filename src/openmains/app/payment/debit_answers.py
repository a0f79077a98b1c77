# SPDX-License-Identifier: Apache-2.0
"""Read a file that the bank answered: whole or in parts, however often. It is read, held against the file it answers, and only if every line
fits it is booked, once, in one transaction; any fault refuses all of it by name, line and what should stand there.

What the bank gave back to the payer is asked for as a return of the payment, which another person agrees to, as of any payment that is taken
back: then the bills are owed again.
"""

import hashlib
from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.debit_layouts import LAYOUTS
from openmains.app.payment.debit_model import DebitAnswer, DebitItem
from openmains.app.payment.debit_ports import AnswerCounts, DebitStore, ItemChange
from openmains.app.payment.debits import MOST_LINES, file_of
from openmains.app.payment.ports import ReturnStore
from openmains.app.payment.take_many import ChannelPayment, take_many
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.payment.debit import AnswerFaultError, AnswerLine, DebitState, HeldItem, Judged, judge
from openmains.domain.payment.debit_layout import read_untrusted

REASON = "银行退票 returned by the bank"


async def read_answer(
    store: Store, actor: Actor, file_id: int, name: str, data: bytes, today: int, now_us: int
) -> DebitAnswer:
    """What it changed. Raises ``not-found``, ``already-done`` (voided), ``debit-answer-refused``, ``receipt-key-used``, ``day-closed``."""
    digest = hashlib.sha256(data).hexdigest()
    async with store.tenant(actor.tenant_id) as work:
        debits = work[DebitStore]
        file = await file_of(work, file_id, lock=True)
        if file.state == "voided":
            raise Problem("already-done", state=file.state)
        if (there := await debits.answer_of(file_id, digest)) is not None:
            return there
        items = {item.number: item for item in await debits.items(file_id, MOST_LINES, 0)}
        held = {one.number: HeldItem(DebitState(one.state), one.fen, one.transaction) for one in items.values()}
        try:
            answer = read_untrusted(LAYOUTS[file.layout], data)
            judged = judge(file.number, held, answer)
        except AnswerFaultError as fault:
            raise Problem(
                "debit-answer-refused", why=fault.why.value, line=fault.line, told=fault.told or "–", expected=fault.expected or "–"
            ) from None  # fmt: skip
        await debits.change_items(
            file_id, await _booked(work, actor, file.number, digest, items, judged, today, now_us)
        )
        counts = _counts(judged, len(answer.lines), answer.fen)
        answer_id = await debits.add_answer(file_id, name, digest, counts, actor.user_id, now_us)
        made = await debits.answer_of(file_id, digest)
        assert made is not None  # noqa: S101 added above
        await work[AuditTrail].record(actor, "read_debit_answer", "debit_answer", answer_id, None, made)
    return made


async def _booked(
    work: Work,
    actor: Actor,
    number: str,
    digest: str,
    items: dict[str, DebitItem],
    judged: Judged,
    today: int,
    now_us: int,
) -> list[ItemChange]:
    paid = [line for line, then in judged.changes if then is DebitState.PAID]
    wanted = [ChannelPayment(items[line.number].account_id, line.transaction, line.fen) for line in paid]
    taken = await take_many(work, "bank", wanted, f"debit:{number}:{digest[:16]}", actor.user_id, today, now_us)
    receipts = dict(zip((line.number for line in paid), taken, strict=True))
    changes = []
    for line, then in judged.changes:
        item = items[line.number]
        receipt_id = receipts.get(line.number, item.receipt_id)
        return_id = None
        if then is DebitState.RETURNED:
            assert receipt_id is not None  # noqa: S101 what is returned was paid
            why = f"{REASON} ({line.result})"
            return_id = await work[ReturnStore].add(
                receipt_id, None, why, actor.user_id, now_us
            )  # None: a person asked already
        transaction, day = line.transaction or item.transaction, line.day
        changes.append(ItemChange(item.place, then.value, line.result, transaction, day, receipt_id, return_id))
    return changes


def _counts(judged: Judged, lines: int, fen: int) -> AnswerCounts:
    def of(state: DebitState) -> Sequence[AnswerLine]:
        return [line for line, then in judged.changes if then is state]

    paid = of(DebitState.PAID)
    return AnswerCounts(
        lines, fen, len(paid), sum(line.fen for line in paid), len(of(DebitState.DECLINED)), len(of(DebitState.RETURNED)), judged.repeated
    )  # fmt: skip

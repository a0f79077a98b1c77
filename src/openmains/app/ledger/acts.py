# SPDX-License-Identifier: Apache-2.0
"""Reversal, refund, write-off, adjustment: one person asks, another agrees, and then an entry is booked. What is asked is never changed."""

from dataclasses import dataclass, replace
from datetime import date

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ledger.booking import book, check_spent
from openmains.app.ledger.model import ActKind, BookedEntry, LedgerAct
from openmains.app.ledger.ports import ActStore, LedgerStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import UserId
from openmains.domain.ledger.entries import (
    Entry,
    EntryKind,
    EntryLine,
    adjustment,
    refund,
    reversal,
    write_off,
)
from openmains.domain.period import date_to_day

OF_OTHERS = frozenset({"bill", "settle", "fee", "receipt", "order-refund", "deduct", "release"})
"""How keys begin of entries that bills, settlements, receipts and readings lead to: taken back by correcting the bill or the reading, or giving
the payment back."""


@dataclass(frozen=True, slots=True)
class ActRequest:
    """What is asked for; ``fen`` above 0 but for an adjustment that takes credit back."""

    kind: ActKind
    account_id: int | None
    fen: int | None
    channel: str
    reverses: int | None
    reason: str


async def ask_for_act(store: Store, actor: Actor, key: str, wanted: ActRequest, today: int, now_us: int) -> LedgerAct:
    """The act, which waits for another person. The same key with the same content is the same act.

    :raises Problem: ``reason-needed``, ``invalid-input`` with what is missing or too much, ``booking-key-used``, ``not-reversible``,
        ``not-so-much``.
    """
    why = stated(wanted.reason)
    _complete(wanted)
    async with store.tenant(actor.tenant_id) as work:
        there = await work[ActStore].of_key(key)
        if there is None:
            await check_spent(work, await _entry(work, wanted, key, today))
            act_id = await work[ActStore].add(
                key,
                wanted.kind,
                wanted.account_id,
                wanted.fen,
                wanted.channel,
                wanted.reverses,
                why,
                actor.user_id,
                now_us,
            )
            found = await work[ActStore].of_key(key)
            assert found is not None  # noqa: S101 it or another's is there now
            if act_id is not None:
                await work[AuditTrail].record(actor, "ask_for_act", "ledger_act", act_id, None, found, reason=why)
                return found
            there = found
        if replace(request_of(there), reason="") != replace(wanted, reason=""):
            raise Problem("booking-key-used", taken=key, entry_id=there.act_id)
        return there


def request_of(act: LedgerAct) -> ActRequest:
    """What an act asks for."""
    return ActRequest(act.kind, act.account_id, act.fen, act.channel, act.reverses, act.reason)


async def decide_act(
    store: Store, actor: Actor, act_id: int, reason: str, today: int, now_us: int, *, agreed: bool
) -> LedgerAct:
    """Agreed: booked today, by another person than its author. Rejected: nothing is booked; its author may do that too.

    :raises Problem: ``not-found``, ``reason-needed``, ``already-done``, ``own-act``, and as ``ask_for_act``, for what is there may have
        changed; as ``book``.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        act = await work[ActStore].lock(act_id)
        if act is None:
            raise Problem("not-found")
        if act.state != "pending":
            raise Problem("already-done", state=act.state)
        entry_id = None
        if agreed:
            if act.author_id == actor.user_id:
                raise Problem("own-act", act_id=act_id)
            entry = await _entry(work, request_of(act), f"act:{act_id}", today)
            entry_id = (await book(work, entry, UserId(act.author_id), actor.user_id, now_us))[0].entry_id
        await work[ActStore].decide(act_id, "approved" if agreed else "rejected", actor.user_id, why, entry_id, now_us)
        after = await work[ActStore].get(act_id)
        assert after is not None  # noqa: S101 locked above
        await work[AuditTrail].record(
            actor, "approve_act" if agreed else "reject_act", "ledger_act", act_id, act, after, reason=why
        )
    return after


def _complete(wanted: ActRequest) -> None:
    wrong: list[tuple[str, str]] = []
    is_reversal = wanted.kind == "reversal"
    for place, given, needed in (
        ("/reverses", wanted.reverses is not None, is_reversal),
        ("/account_id", wanted.account_id is not None, not is_reversal),
        ("/fen", wanted.fen is not None, not is_reversal),
        ("/channel", wanted.channel != "", wanted.kind == "refund"),
    ):
        if given != needed:
            wrong.append((place, "required" if needed else "not-accepted"))
    if wanted.fen is not None and (wanted.fen == 0 or (wanted.fen < 0 and wanted.kind != "adjustment")):
        wrong.append(("/fen", "out-of-range"))
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))


async def _entry(work: Work, wanted: ActRequest, key: str, day: int) -> Entry:
    """What would be booked. Raises ``invalid-input``, ``not-reversible``."""
    if wanted.reverses is not None:
        await work[LedgerStore].lock_entry(wanted.reverses)
        target = await work[LedgerStore].get(wanted.reverses)
        if target is None:
            raise Problem("invalid-input", fields=(("/reverses", "unknown-reference"),))
        if target.key.partition(":")[0] in OF_OTHERS:
            raise Problem("reversed-elsewhere", entry_id=wanted.reverses)
        if target.kind is EntryKind.REVERSAL or target.reversed_by is not None:
            raise Problem("not-reversible", entry_id=wanted.reverses)
        return reversal(key, day, wanted.reverses, entry_of(target), wanted.reason)
    assert wanted.account_id is not None and wanted.fen is not None  # noqa: S101 asked by _complete
    if wanted.kind == "refund":
        return refund(key, day, wanted.account_id, wanted.fen, wanted.channel, wanted.reason)
    if wanted.kind == "write_off":
        return write_off(key, day, wanted.account_id, wanted.fen, wanted.reason)
    return adjustment(key, day, wanted.account_id, wanted.fen, wanted.reason)


def entry_of(booked: BookedEntry) -> Entry:
    """A booked entry as the rules know it."""
    lines = tuple(EntryLine(line.account, line.fen, line.account_id, line.detail) for line in booked.lines)
    day = date_to_day(date.fromisoformat(booked.day))
    return Entry(booked.key, day, booked.kind, lines, booked.memo, booked.reverses)

# SPDX-License-Identifier: Apache-2.0
"""Direct debit (批量代扣): customers' authorisations with their bank data sealed, and files for the bank of what their accounts owe.

An account stands in one file that waits at the most, so that nothing is collected twice. A file is never changed: it is answered, or voided by
another person before the bank has said anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from openmains.app.billing.ports import SettlementStore
from openmains.app.billing.settling import fee_of
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.payment.debit_layouts import LAYOUTS, OURS
from openmains.app.payment.debit_model import DebitAuthorisation, DebitFile
from openmains.app.payment.debit_ports import DebitStore, NewAuthorisation, NewItem
from openmains.app.payment.order_ports import ChannelSealer
from openmains.app.problems import Problem
from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.unit_of_work import Store, Work
from openmains.domain.party.personal import PersonalField, fault, normalise
from openmains.domain.payment.debit_layout import can_hold, write
from openmains.domain.period import date_to_day, day_text

MOST_LINES = 2000  # of a file: each holds its account until all is booked, and the database keeps so many locks
PAGE = 500


@dataclass(frozen=True, slots=True)
class NewDebitAuthorisation:
    """What the customer signed. ``signed_day``: days since 1970."""

    account_id: int
    contract: str
    bank: str
    holder: str
    bank_account: str
    signed_day: int


def purpose(contract: str) -> str:
    """Of an authorisation's bank data: its contract is nobody else's, and stays."""
    return f"direct debit {contract}"


def item_number(file_number: str, place: int) -> str:
    """By which the bank answers a line."""
    return f"{file_number}-{place}"


async def authorise(
    store: Store,
    actor: Actor,
    sealer: ChannelSealer,
    wanted: NewDebitAuthorisation,
    reason: str,
    today: int,
    now_us: int,
) -> DebitAuthorisation:
    """Holder and number of the bank account are sealed at once. Raises ``invalid-input``, ``reason-needed``, ``authorisation-taken``."""
    why = stated(reason)
    number = normalise(PersonalField.BANK_ACCOUNT, wanted.bank_account)
    wrong = [
        (f"/{name}", "wrong-format") for name in ("contract", "bank", "holder") if not _is_field(getattr(wanted, name))
    ]
    if (bad := fault(PersonalField.BANK_ACCOUNT, wanted.bank_account)) is not None:
        wrong.append(("/bank_account", bad))
    if wanted.signed_day > today:
        wrong.append(("/signed_on", "out-of-range"))
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))
    sealed = await sealer.seal(
        actor.tenant_id, purpose(wanted.contract), {"holder": wanted.holder, "bank_account": number}
    )
    row = NewAuthorisation(wanted.account_id, wanted.contract, wanted.bank, number[-4:], wanted.signed_day)
    async with store.tenant(actor.tenant_id) as work:
        made_id = await work[DebitStore].add_authorisation(row, sealed, actor.user_id, now_us)
        if made_id is None:
            raise Problem("authorisation-taken", account_id=wanted.account_id, contract=wanted.contract)
        made = await work[DebitStore].authorisation(made_id)
        assert made is not None  # noqa: S101 added above
        await work[AuditTrail].record(
            actor, "add_debit_authorisation", "debit_authorisation", made_id, None, made, reason=why
        )
    return made


def _is_field(text: str) -> bool:
    return bool(text.strip()) and text == text.strip() and all(can_hold(layout, text) for layout in LAYOUTS.values())


async def end_authorisation(
    store: Store, actor: Actor, authorisation_id: int, reason: str, now_us: int
) -> DebitAuthorisation:
    """Nothing more is collected by it; what stands in a file that waits is answered as ever. Raises ``reason-needed``, ``not-found``,
    ``already-done``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[DebitStore].authorisation(authorisation_id)
        if before is None:
            raise Problem("not-found")
        if not await work[DebitStore].end_authorisation(authorisation_id, why, actor.user_id, now_us):
            raise Problem("already-done", state="ended")
        after = await work[DebitStore].authorisation(authorisation_id)
        assert after is not None  # noqa: S101 read above
        await work[AuditTrail].record(
            actor, "end_debit_authorisation", "debit_authorisation", authorisation_id, before, after, reason=why
        )
    return after


async def make_file(store: Store, actor: Actor, key: str, collect_day: int, today: int, now_us: int) -> DebitFile:
    """A file of what authorised accounts owe on their bills, with late fees as of today, the first ``MOST_LINES`` by account; who stands in one
    that waits is left out. The same key is the same file. Raises ``invalid-input``, ``debit-key-used``, ``nothing-to-debit``."""
    async with store.tenant(actor.tenant_id) as work:
        debits = work[DebitStore]
        await debits.lock()
        there = await debits.file_of_key(key)
        if there is not None:
            if there.collect_on != day_text(collect_day):
                raise Problem("debit-key-used", taken=key, number=there.number)
            return there
        if collect_day < today:
            raise Problem("invalid-input", fields=(("/collect_on", "out-of-range"),))
        items = await _owed(work, today)
        if not items:
            raise Problem("nothing-to-debit")
        file_id = await debits.add_file(key, OURS, collect_day, items, actor.user_id, now_us)
        made = await file_of(work, file_id)
        await work[AuditTrail].record(actor, "make_debit_file", "debit_file", file_id, None, made)
    return made


async def _owed(work: Work, today: int) -> list[NewItem]:
    found, after = list[NewItem](), 0
    while len(found) < MOST_LINES:
        owing = await work[DebitStore].owing(after, PAGE)
        if not owing:
            break
        after = owing[-1][0]
        owed: dict[int, int] = {}
        for bill in await work[SettlementStore].open_bills([account_id for account_id, _ in owing]):
            fen = max(0, bill.open_fen) + max(0, fee_of(bill, today) - bill.fee_paid)
            owed[bill.account_id] = owed.get(bill.account_id, 0) + fen
        found += [NewItem(by, account_id, owed[account_id]) for account_id, by in owing if owed.get(account_id)]
    return found[:MOST_LINES]


async def download_file(store: Store, actor: Actor, sealer: ChannelSealer, file_id: int) -> tuple[str, bytes]:
    """Its name and bytes, the same each time, made of the sealed bank data; each look is in the trail. Raises ``not-found``, ``already-done``
    (voided), ``bank-data-unreadable``."""
    async with store.tenant(actor.tenant_id) as work:
        file = await file_of(work, file_id)
        if file.state == "voided":
            raise Problem("already-done", state=file.state)
        rows = await work[DebitStore].sealed_items(file_id)
        items: list[Mapping[str, str | int]] = []
        for row in rows:
            try:
                held = await sealer.open(actor.tenant_id, purpose(row.contract), row.sealed)
            except KeyUnreadableError:
                raise Problem("bank-data-unreadable", contract=row.contract) from None
            number = item_number(file.number, row.place)
            items.append({**held, "number": number, "contract": row.contract, "bank": row.bank, "fen": row.fen})
        await work[AuditTrail].record(actor, "download_debit_file", "debit_file", file_id, None, {"lines": len(items)})
    collect_day = date_to_day(date.fromisoformat(file.collect_on))
    return f"{file.number}.txt", write(LAYOUTS[file.layout], file.number, collect_day, items)


async def void_file(store: Store, actor: Actor, file_id: int, reason: str, now_us: int) -> DebitFile:
    """By another person than its maker, while the bank has answered nothing: its accounts stand in the next file again. Raises
    ``reason-needed``, ``not-found``, ``already-done``, ``debit-file-answered``, ``own-debit-file``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[DebitStore].lock()
        before = await file_of(work, file_id, lock=True)
        if before.state != "open":
            raise Problem("already-done", state=before.state)
        if before.answered:
            raise Problem("debit-file-answered", number=before.number, answered=before.answered)
        if before.author_id == actor.user_id:
            raise Problem("own-debit-file")
        await work[DebitStore].void(file_id, why, actor.user_id, now_us)
        after = await file_of(work, file_id)
        await work[AuditTrail].record(actor, "void_debit_file", "debit_file", file_id, before, after, reason=why)
    return after


async def file_of(work: Work, file_id: int, *, lock: bool = False) -> DebitFile:
    """Raises ``not-found``."""
    found = await work[DebitStore].file(file_id, lock=lock)
    if found is None:
        raise Problem("not-found")
    return found

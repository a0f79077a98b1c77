# SPDX-License-Identifier: Apache-2.0
"""What becomes of an account: move-in, move-out, transfer (过户), split (分户), merge (并户), close (销户).

``domain/party/accounts.py`` decides on the accounts as they are locked; of two acts at once the second finds what the first left.
"""

from datetime import datetime

from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.ports import PremisesStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.party.act_on_accounts import effective, placed, present
from openmains.app.party.model import Account, WantedAct
from openmains.app.party.ports import AccountStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import AccountId, CustomerId, PremisesId
from openmains.domain.party import accounts
from openmains.domain.party.accounts import AccountAct, AccountState, ActFault, ActKind, ActRefusedError

NEEDS: dict[ActKind, frozenset[str]] = {
    ActKind.MOVE_IN: frozenset({"customer_id"}),
    ActKind.MOVE_OUT: frozenset(),
    ActKind.TRANSFER: frozenset({"customer_id"}),
    ActKind.SPLIT: frozenset({"number"}),
    ActKind.MERGE: frozenset({"other_id"}),
    ActKind.CLOSE: frozenset(),
}
MAY: dict[ActKind, frozenset[str]] = {ActKind.SPLIT: frozenset({"customer_id", "premises_id"})}


async def change_account(
    store: Store, actor: Actor, account_id: AccountId, wanted: WantedAct, now_us: int
) -> list[Account]:
    """The account as it is now, and the other one of a split or merge. The same key with the same act again changes nothing.

    :raises Problem: ``not-found``; ``reason-needed``; ``invalid-input`` for what the kind needs or does not know, for what is not the
        tenant's and an instant to come; ``account-closed``, ``account-held``, ``account-empty``, ``act-too-early``,
        ``same-holder``, ``same-account``,
        ``account-other-medium``, ``account-number-taken``, ``meter-hangs-there``, ``act-key-used``.
    """
    reason = stated(wanted.reason)
    _check_fields(wanted)
    async with store.tenant(actor.tenant_id) as work:
        book = work[AccountStore]
        at = effective(wanted.at, now_us)
        await book.lock_key(wanted.key)
        if there := await book.of_key(wanted.key):
            return await _done_before(work, account_id, wanted, there)
        states = await book.lock([account_id, *([wanted.other_id] if wanted.other_id is not None else [])])
        if account_id not in states:
            raise Problem("not-found")
        before = await present(work, account_id)
        acts = await _decide(work, states, account_id, wanted, at)
        await _check_hanging(work, acts)
        touched = [account_id]
        if wanted.kind is ActKind.SPLIT:
            new = await _split_off(work, before, wanted, at)
            acts = placed(acts, new)
            touched.append(new)
        if wanted.other_id is not None:
            touched.append(wanted.other_id)
        await book.write(acts, wanted.key, reason, actor.user_id)
        made = [await present(work, one) for one in touched]
        await work[AuditTrail].record(
            actor,
            "act_on_account",
            "account",
            account_id,
            before,
            {"kind": wanted.kind, "accounts": made},
            reason=reason,
        )
    return made


def _check_fields(wanted: WantedAct) -> None:
    if wanted.kind is ActKind.OPEN:
        raise Problem("invalid-input", fields=(("/kind", "not-accepted"),))
    needed = NEEDS[wanted.kind]
    given = {name for name in ("customer_id", "number", "premises_id", "other_id") if getattr(wanted, name) is not None}
    faults = [(f"/{name}", "required") for name in sorted(needed - given)]
    faults += [(f"/{name}", "not-of-this-act") for name in sorted(given - needed - MAY.get(wanted.kind, frozenset()))]
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))


async def _decide(
    work: Work, states: dict[AccountId, AccountState], account_id: AccountId, wanted: WantedAct, at: datetime
) -> list[AccountAct]:
    if wanted.customer_id is not None and not await work[AccountStore].customer_exists(wanted.customer_id):
        raise Problem("invalid-input", fields=(("/customer_id", "unknown-reference"),))
    if wanted.other_id is not None and wanted.other_id not in states:
        raise Problem("invalid-input", fields=(("/other_id", "unknown-reference"),))
    now, who = states[account_id], wanted.customer_id
    try:
        match wanted.kind:
            case ActKind.MOVE_IN:
                return accounts.move_in(now, at, _given(who))
            case ActKind.MOVE_OUT:
                return accounts.move_out(now, at)
            case ActKind.TRANSFER:
                return accounts.transfer(now, at, _given(who))
            case ActKind.SPLIT:
                return accounts.split(now, at, who)
            case ActKind.MERGE:
                assert wanted.other_id is not None  # noqa: S101 needed, as NEEDS says
                return accounts.merge(now, states[wanted.other_id], at)
            case _:
                return accounts.close(now, at)
    except ActRefusedError as error:
        refused = await present(work, error.account_id)
        raise _problem(error, refused) from error


async def _check_hanging(work: Work, acts: list[AccountAct]) -> None:
    """An account is closed when nothing hangs at it: a meter is removed, or moved to another account, first."""
    for act in acts:
        if act.kind is ActKind.CLOSE and (hung := await work[LifeStore].hanging_at(act.account_id)) is not None:
            raise Problem("meter-hangs-there", number=(await present(work, act.account_id)).number, meter=hung)


def _given(customer_id: CustomerId | None) -> CustomerId:
    assert customer_id is not None  # noqa: S101 needed, as NEEDS says
    return customer_id


def _problem(error: ActRefusedError, account: Account) -> Problem:
    number, since = account.number, error.newest_at.isoformat()
    match error.fault:
        case ActFault.CLOSED:
            return Problem("account-closed", number=number, since=since)
        case ActFault.HELD:
            return Problem("account-held", number=number, holder=account.customer_code)
        case ActFault.EMPTY:
            return Problem("account-empty", number=number)
        case ActFault.EARLY:
            return Problem("act-too-early", fields=(("/at", "not-accepted"),), number=number, since=since)
        case ActFault.SAME_HOLDER:
            return Problem("same-holder", fields=(("/customer_id", "not-accepted"),), number=number)
        case ActFault.SAME_ACCOUNT:
            return Problem("same-account", fields=(("/other_id", "not-accepted"),))
        case ActFault.OTHER_MEDIUM:
            return Problem("account-other-medium", fields=(("/other_id", "not-accepted"),), number=number)


async def _split_off(work: Work, source: Account, wanted: WantedAct, at: datetime) -> AccountId:
    at_premises = PremisesId(wanted.premises_id or source.premises_id)
    if await work[PremisesStore].get(at_premises) is None:
        raise Problem("invalid-input", fields=(("/premises_id", "unknown-reference"),))
    assert wanted.number is not None  # noqa: S101 needed, as NEEDS says
    made = await work[AccountStore].add(wanted.number, at_premises, source.medium, at)
    if made is None:
        raise Problem("account-number-taken", fields=(("/number", "not-accepted"),), taken=wanted.number)
    return made


async def _done_before(work: Work, account_id: AccountId, wanted: WantedAct, there: list[AccountAct]) -> list[Account]:
    """What the key did, where it is this act; the instant of 'now' may be a later one."""
    kinds = {act.kind for act in there}
    asked = next((kind for kind in (ActKind.MERGE, ActKind.SPLIT, ActKind.OPEN) if kind in kinds), there[0].kind)
    act = next((one for one in there if (one.account_id, one.kind) == (account_id, asked)), None)
    if act is None or asked is not wanted.kind or (wanted.at is not None and wanted.at != act.at):
        raise Problem("act-key-used", taken=wanted.key)
    other = None if act.other_id is None else await present(work, act.other_id)
    if other is not None and asked is ActKind.SPLIT:
        came = next((one.customer_id for one in there if one.kind is ActKind.MOVE_IN), None)
        is_same = other.number == wanted.number and wanted.customer_id in (None, came)
        is_same &= wanted.premises_id in (None, other.premises_id)
    else:
        is_same = act.other_id == wanted.other_id and wanted.customer_id in (None, act.customer_id)
    if not is_same:
        raise Problem("act-key-used", taken=wanted.key)
    return [await present(work, account_id), *([other] if other is not None else [])]

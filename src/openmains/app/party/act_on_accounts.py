# SPDX-License-Identifier: Apache-2.0
"""Open accounts and write what becomes of them: decided by ``domain/party/accounts.py`` on what is locked, once for the caller's key."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from openmains.app.fleet.ports import PremisesStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.party.model import Account, NewAccount
from openmains.app.party.ports import AccountStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import AccountId
from openmains.domain.party import accounts
from openmains.domain.party.accounts import NEW_ACCOUNT, AccountAct
from openmains.domain.period import utc_of_us


async def open_account(store: Store, actor: Actor, wanted: NewAccount, now_us: int) -> Account:
    """An account with its first act, and with its first holder where one is named.

    :raises Problem: ``invalid-input`` for premises or a customer that are not the tenant's and an instant to come; ``account-number-taken``;
        ``act-key-used`` where the key is another act's.
    """
    async with store.tenant(actor.tenant_id) as work:
        book = work[AccountStore]
        at = effective(wanted.opened_at, now_us, "/opened_at")
        await book.lock_key(wanted.key)
        acts = accounts.open_account(at, wanted.customer_id)
        if there := await book.of_key(wanted.key):
            made = await _same(work, acts, there, wanted.key, is_now=wanted.opened_at is None)
            if (made.number, made.premises_id, made.medium) != (wanted.number, wanted.premises_id, wanted.medium):
                raise Problem("act-key-used", taken=wanted.key)
            return made
        if await work[PremisesStore].get(wanted.premises_id) is None:
            raise Problem("invalid-input", fields=(("/premises_id", "unknown-reference"),))
        if wanted.customer_id is not None and not await book.customer_exists(wanted.customer_id):
            raise Problem("invalid-input", fields=(("/customer_id", "unknown-reference"),))
        account_id = await book.add(wanted.number, wanted.premises_id, wanted.medium, at)
        if account_id is None:
            raise Problem("account-number-taken", fields=(("/number", "not-accepted"),), taken=wanted.number)
        await book.write(placed(acts, account_id), wanted.key, wanted.reason, actor.user_id)
        made = await present(work, account_id)
        await work[AuditTrail].record(actor, "open_account", "account", account_id, None, made, reason=wanted.reason)
    return made


async def present(work: Work, account_id: AccountId) -> Account:
    """Raises ``not-found``."""
    found = await work[AccountStore].get(account_id)
    if found is None:
        raise Problem("not-found")
    return found


def effective(at: datetime | None, now_us: int, field: str = "/at") -> datetime:
    """When an act takes effect: now, or an instant that was. Raises ``invalid-input``."""
    now = utc_of_us(now_us)
    if at is None:
        return now
    if at.tzinfo is None:
        raise Problem("invalid-input", fields=((field, "without-zone"),))
    if at > now:
        raise Problem("invalid-input", fields=((field, "in-the-future"),))
    return at


def placed(acts: Sequence[AccountAct], account_id: AccountId) -> list[AccountAct]:
    """Acts of a decision with the id that the account it opens was given."""
    return [
        replace(
            act,
            account_id=account_id if act.account_id == NEW_ACCOUNT else act.account_id,
            other_id=account_id if act.other_id == NEW_ACCOUNT else act.other_id,
        )
        for act in acts
    ]


async def _same(
    work: Work, acts: Sequence[AccountAct], there: Sequence[AccountAct], key: str, *, is_now: bool
) -> Account:
    """The account that the key opened before, if this is that act; the instant of 'now' may be a later one."""
    first = there[0]
    again = placed(acts, first.account_id)
    if is_now:
        again = [replace(act, at=first.at) for act in again]
    if again != list(there):
        raise Problem("act-key-used", taken=key)
    return await present(work, first.account_id)

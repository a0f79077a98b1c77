# SPDX-License-Identifier: Apache-2.0
"""What may become of an account (户号), decided from what it is now. An account is its acts, in the order in which they took effect; who held
it when follows from them (``holders``). Nothing of the past is rewritten: a decision only adds acts, none before the newest one.

States and what leads out of them; anything else is refused by name:

    (none) --open--> empty --move_in--> held --transfer--> held
    held --move_out--> empty        empty --close--> closed, for ever
    empty | held --split, merge--> the same: the other account is opened or closed by the same decision

Spans are half open: who moves out at an instant no longer holds the account at it, and another may move in then. The database asks the same of
every writer (``edges/postgres/migrations/0060_parties.sql``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from openmains.domain.ids import AccountId, CustomerId

NEW_ACCOUNT = AccountId(0)
"""In acts of a decision: the account that it opens."""


class ActKind(StrEnum):
    """What is done with an account."""

    OPEN = "open"
    MOVE_IN = "move_in"
    MOVE_OUT = "move_out"
    TRANSFER = "transfer"
    SPLIT = "split"
    MERGE = "merge"
    CLOSE = "close"


class ActFault(StrEnum):
    """Why an act is refused."""

    CLOSED = "account-closed"
    HELD = "account-held"
    EMPTY = "account-empty"
    EARLY = "act-too-early"
    SAME_HOLDER = "same-holder"
    SAME_ACCOUNT = "same-account"
    OTHER_MEDIUM = "other-medium"


class ActRefusedError(Exception):
    """``account_id``: of which account it is so; ``newest_at`` with EARLY: not before it, and after it where ``held_since`` is that instant."""

    def __init__(self, fault: ActFault, account_id: AccountId, newest_at: datetime) -> None:
        super().__init__(f"{fault}: account {account_id}, newest act {newest_at.isoformat()}")
        self.fault = fault
        self.account_id = account_id
        self.newest_at = newest_at


@dataclass(frozen=True, slots=True)
class AccountAct:
    """``customer_id``: who came, or went by a move-out; ``former_id``: who went by a transfer; ``other_id``: the account split off
    or merged in, and of that one the account it came from or went into."""

    account_id: AccountId
    kind: ActKind
    at: datetime
    customer_id: CustomerId | None = None
    former_id: CustomerId | None = None
    other_id: AccountId | None = None


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account after its newest act, which took effect at ``newest_at``. ``held_since``: since when the holder holds it."""

    account_id: AccountId
    medium: str
    newest_at: datetime
    holder: CustomerId | None = None
    held_since: datetime | None = None
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class HolderSpan:
    """``ends``: None while it runs; the instant itself is no longer of the span."""

    customer_id: CustomerId
    begins: datetime
    ends: datetime | None


def open_account(at: datetime, customer_id: CustomerId | None, came_from: AccountId | None = None) -> list[AccountAct]:
    """Of ``NEW_ACCOUNT``; with a customer who moves in at once."""
    acts = [AccountAct(NEW_ACCOUNT, ActKind.OPEN, at, other_id=came_from)]
    if customer_id is not None:
        acts.append(AccountAct(NEW_ACCOUNT, ActKind.MOVE_IN, at, customer_id))
    return acts


def move_in(state: AccountState, at: datetime, customer_id: CustomerId) -> list[AccountAct]:
    """Raises ``ActRefusedError``, as all below."""
    _check(state, at)
    if state.holder is not None:
        raise _refused(ActFault.SAME_HOLDER if state.holder == customer_id else ActFault.HELD, state)
    return [AccountAct(state.account_id, ActKind.MOVE_IN, at, customer_id)]


def move_out(state: AccountState, at: datetime) -> list[AccountAct]:
    """The holder goes; the account stays and is empty."""
    return [AccountAct(state.account_id, ActKind.MOVE_OUT, at, _leaving(state, at))]


def transfer(state: AccountState, at: datetime, customer_id: CustomerId) -> list[AccountAct]:
    """过户: another holds it from this instant on."""
    former = _leaving(state, at)
    if former == customer_id:
        raise _refused(ActFault.SAME_HOLDER, state)
    return [AccountAct(state.account_id, ActKind.TRANSFER, at, customer_id, former)]


def split(state: AccountState, at: datetime, customer_id: CustomerId | None) -> list[AccountAct]:
    """分户: a new account of the same medium beside it; ``customer_id`` moves into that, without one the holder of this."""
    _check(state, at)
    parted = AccountAct(state.account_id, ActKind.SPLIT, at, other_id=NEW_ACCOUNT)
    return [parted, *open_account(at, state.holder if customer_id is None else customer_id, state.account_id)]


def merge(into: AccountState, ended: AccountState, at: datetime) -> list[AccountAct]:
    """并户: ``ended`` is closed, its holder goes; ``into`` stays whose it is."""
    if into.account_id == ended.account_id:
        raise _refused(ActFault.SAME_ACCOUNT, into)
    for state in (into, ended):
        _check(state, at)
    if into.medium != ended.medium:
        raise _refused(ActFault.OTHER_MEDIUM, ended)
    gone = [] if ended.holder is None else move_out(ended, at)
    closed = AccountAct(ended.account_id, ActKind.CLOSE, at, other_id=into.account_id)
    return [*gone, closed, AccountAct(into.account_id, ActKind.MERGE, at, other_id=ended.account_id)]


def close(state: AccountState, at: datetime) -> list[AccountAct]:
    """销户: nobody may hold it; it is never opened again."""
    _check(state, at)
    if state.holder is not None:
        raise _refused(ActFault.HELD, state)
    return [AccountAct(state.account_id, ActKind.CLOSE, at)]


def after(state: AccountState, act: AccountAct) -> AccountState:
    """What an act that was decided makes of an account."""
    now = replace(state, newest_at=act.at)
    match act.kind:
        case ActKind.MOVE_IN | ActKind.TRANSFER:
            return replace(now, holder=act.customer_id, held_since=act.at)
        case ActKind.MOVE_OUT:
            return replace(now, holder=None, held_since=None)
        case ActKind.CLOSE:
            return replace(now, is_closed=True)
        case ActKind.OPEN | ActKind.SPLIT | ActKind.MERGE:
            return now
        case _ as unknown:
            assert_never(unknown)


def opened(account_id: AccountId, medium: str, acts: Iterable[AccountAct]) -> AccountState:
    """An account from all its acts, oldest first; at least the one that opened it."""
    state: AccountState | None = None
    for act in acts:
        state = AccountState(account_id, medium, act.at) if state is None else after(state, act)
    if state is None:
        raise ValueError(f"account {account_id} has no history")
    return state


def holders(acts: Sequence[AccountAct]) -> list[HolderSpan]:
    """Who held an account when, from its acts in their order."""
    spans: list[HolderSpan] = []
    for act in acts:
        if act.kind in (ActKind.MOVE_OUT, ActKind.TRANSFER):
            spans[-1] = replace(spans[-1], ends=act.at)
        if act.kind in (ActKind.MOVE_IN, ActKind.TRANSFER) and act.customer_id is not None:
            spans.append(HolderSpan(act.customer_id, act.at, None))
    return spans


def _check(state: AccountState, at: datetime) -> None:
    if state.is_closed:
        raise _refused(ActFault.CLOSED, state)
    if at < state.newest_at:
        raise _refused(ActFault.EARLY, state)


def _leaving(state: AccountState, at: datetime) -> CustomerId:
    _check(state, at)
    if state.holder is None:
        raise _refused(ActFault.EMPTY, state)
    if state.held_since is not None and at <= state.held_since:  # nobody holds an account for no time
        raise _refused(ActFault.EARLY, state)
    return state.holder


def _refused(fault: ActFault, state: AccountState) -> ActRefusedError:
    return ActRefusedError(fault, state.account_id, state.newest_at)

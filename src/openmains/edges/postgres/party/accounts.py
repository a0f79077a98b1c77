# SPDX-License-Identifier: Apache-2.0
"""Accounts over time on one tenant's transaction. Lists are keyset-paged by what they are sorted by: each has its index."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openmains.app.fleet.model import Medium
from openmains.app.fleet.search import like_escape
from openmains.app.party.model import Account, AccountFilter, Holder, RecordedAct
from openmains.domain.ids import AccountId, CustomerId, PremisesId, TenantId, UserId
from openmains.domain.party.accounts import AccountAct, AccountState, ActKind
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.party.customers import index_customers
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
UNDER = "AND a.path >= (SELECT path FROM area WHERE area_id = :under) AND a.path < (SELECT path_end FROM area WHERE area_id = :under)"
OF_HOLDER = "AND h.customer_id = :customer_id"
OF_ANY_HOLDER = "AND x.account_id IN (SELECT account_id FROM account_holder WHERE customer_id = :customer_id)"
_GOES = frozenset({ActKind.MOVE_OUT, ActKind.TRANSFER})
_COMES = frozenset({ActKind.MOVE_IN, ActKind.TRANSFER})


def _account(row: Row) -> Account:
    return Account(**dict(row))


def _recorded(row: Row) -> RecordedAct:
    return RecordedAct(**{**dict(row), "kind": ActKind(row["kind"])})


class Accounts:
    """``AccountStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, chosen: AccountFilter) -> list[Account]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "most": chosen.limit}
        fragments = []
        if chosen.area_id is not None:
            fragments.append(UNDER)
            values["under"] = chosen.area_id
        if chosen.premises_id is not None:
            fragments.append("AND x.premises_id = :premises_id")
            values["premises_id"] = chosen.premises_id
        if chosen.customer_id is not None:
            fragments.append(OF_ANY_HOLDER if chosen.is_past else OF_HOLDER)
            values["customer_id"] = chosen.customer_id
        if chosen.number is not None:
            fragments.append("AND lower(x.number) LIKE :number")
            values["number"] = like_escape(chosen.number.lower()) + "%"
        if chosen.after is not None:
            values["after"] = chosen.after
        column = "x.account_id" if chosen.sort == "account_id" else "x.number"
        fragments += in_order(column, is_down=chosen.sort == "-number", is_further=chosen.after is not None)
        rows = await extended(_QUERIES["accounts"], *fragments).fetch(self._connection, **values)
        return [_account(row) for row in rows]

    async def get(self, account_id: AccountId) -> Account | None:
        row = await extended(_QUERIES["accounts"], "AND x.account_id = :account_id").fetchrow(
            self._connection, tenant_id=self._tenant_id, account_id=account_id
        )
        return None if row is None else _account(row)

    async def of_number(self, number: str) -> Account | None:
        row = await extended(_QUERIES["accounts"], "AND x.number = :number").fetchrow(
            self._connection, tenant_id=self._tenant_id, number=number
        )
        return None if row is None else _account(row)

    async def holder_at(self, account_id: AccountId, at: datetime) -> CustomerId | None:
        found: CustomerId | None = await _QUERIES["holder_at"].fetchval(
            self._connection, tenant_id=self._tenant_id, account_id=account_id, at=at
        )
        return found

    async def holders(self, account_id: AccountId) -> list[Holder]:
        rows = await _QUERIES["holders"].fetch(self._connection, tenant_id=self._tenant_id, account_id=account_id)
        return [Holder(**dict(row)) for row in rows]

    async def history(self, account_id: AccountId) -> list[RecordedAct]:
        rows = await _QUERIES["history"].fetch(self._connection, tenant_id=self._tenant_id, account_id=account_id)
        return [_recorded(row) for row in rows]

    async def lock(self, account_ids: Sequence[AccountId]) -> dict[AccountId, AccountState]:
        chosen = {"tenant_id": self._tenant_id, "account_ids": account_ids}
        await _QUERIES["lock_accounts"].fetch(self._connection, **chosen)
        rows = await _QUERIES["account_states"].fetch(self._connection, **chosen)
        return {row["account_id"]: AccountState(**dict(row)) for row in rows}

    async def lock_key(self, key: str) -> None:
        await _QUERIES["lock_act_key"].execute(self._connection, tenant_id=self._tenant_id, key=key)

    async def of_key(self, key: str) -> list[AccountAct]:
        rows = await _QUERIES["acts_of_key"].fetch(self._connection, tenant_id=self._tenant_id, key=key)
        return [AccountAct(**{**dict(row), "kind": ActKind(row["kind"])}) for row in rows]

    async def add(self, number: str, premises_id: PremisesId, medium: Medium, opened_at: datetime) -> AccountId | None:
        account_id: AccountId | None = await _QUERIES["add_account"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            number=number,
            premises_id=premises_id,
            medium=medium,
            opened_at=opened_at,
        )
        return account_id

    async def write(self, acts: Sequence[AccountAct], key: str, reason: str, made_by: UserId | None) -> None:
        for act in acts:
            account: dict[str, Any] = {"tenant_id": self._tenant_id, "account_id": act.account_id}
            if act.kind in _GOES:
                await _QUERIES["end_holding"].execute(self._connection, **account, at=act.at)
            if act.kind in _COMES:
                await _QUERIES["begin_holding"].execute(
                    self._connection, **account, at=act.at, customer_id=act.customer_id
                )
            await _QUERIES["add_act"].execute(
                self._connection,
                **account,
                kind=act.kind.value,
                at=act.at,
                customer_id=act.customer_id,
                former_id=act.former_id,
                other_id=act.other_id,
                key=key,
                reason=reason,
                made_by=made_by,
            )
            if act.kind is not ActKind.OPEN:
                closed_at = act.at if act.kind is ActKind.CLOSE else None
                await _QUERIES["account_acted"].execute(self._connection, **account, closed_at=closed_at)
        if came := sorted({act.customer_id for act in acts if act.kind in _COMES and act.customer_id is not None}):
            await index_customers(self._connection, came)  # they are found by the account's number

    async def customer_exists(self, customer_id: CustomerId) -> bool:
        found: bool = await _QUERIES["customer_exists"].fetchval(
            self._connection, tenant_id=self._tenant_id, customer_id=customer_id
        )
        return found

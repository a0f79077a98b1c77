# SPDX-License-Identifier: Apache-2.0
"""Customers' own pages: the look-ups before anybody is known, and what one utility keeps of its customers' phones and requests."""

from collections.abc import Sequence
from datetime import datetime

from openmains.app.notice.sealing import SealedKey
from openmains.app.portal.model import Home, HomeBalance, HomeDeduction, HomeMeter, HomeRequest
from openmains.app.portal.ports import BoundWechat, HeldCode, Holding, Utility, VisitorSession
from openmains.domain.ids import AccountId, CustomerId, OrderId, TenantId
from openmains.domain.ledger.prepaid import BalanceStage
from openmains.domain.period import day_to_date, utc_of_us, zone
from openmains.domain.tariff.exact import written
from openmains.domain.work_order.life import OrderOutcome, OrderState
from openmains.edges.postgres.db import Connection, Pool, Row, rows_of
from openmains.edges.postgres.identity.tables import SignIn
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.sealed import sealed_of

_QUERIES = load(__package__)
_KEPT_US = 2 * 86_400_000_000


class Lookups:
    """``PortalLookups``, through functions of the schema's owner."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def utility(self, code: str | None) -> Utility | None:
        wanted = code or await SignIn(self._pool).only_tenant_code()
        row = None if wanted is None else await _QUERIES["utility"].fetchrow(self._pool, code=wanted)
        return _utility(row)

    async def of_challenge(self, challenge: bytes) -> Utility | None:
        return _utility(await _QUERIES["of_challenge"].fetchrow(self._pool, challenge=challenge))

    async def session(self, session_hash: bytes) -> VisitorSession | None:
        row = await _QUERIES["session"].fetchrow(self._pool, session_hash=session_hash)
        if row is None:
            return None
        return VisitorSession(
            TenantId(row["tenant_id"]), zone(row["zone"]), row["expires_at"], tuple(map(CustomerId, row["customer_ids"])), tuple(row["codes"])
        )  # fmt: skip


def _utility(row: Row | None) -> Utility | None:
    return None if row is None else Utility(TenantId(row["tenant_id"]), zone(row["zone"]))


def _balance(home: Row, row: Row | None) -> HomeBalance | None:
    """None: not charged at the server."""
    if row is None:
        return None
    last = None
    if row["day"] is not None:
        last = HomeDeduction(day_to_date(row["day"]), row["day_fen"], written(row["volume_ml"], 6), row["is_estimated"])
    return HomeBalance(home["credit_fen"] - home["owed_fen"], row["warn_fen"], BalanceStage(row["stage"]), last)


class Portal:
    """``PortalStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def lock_phone(self, blind: bytes) -> None:
        await _QUERIES["lock_phone"].execute(self._connection, tenant_id=self._tenant_id, blind=blind)

    async def asked(self, blind: bytes, since_us: int) -> list[int]:
        rows = await _QUERIES["asked"].fetch(
            self._connection, tenant_id=self._tenant_id, blind=blind, since_us=since_us
        )
        return [row["made_us"] for row in rows]

    async def customers(self, blind: bytes) -> list[tuple[CustomerId, str]]:
        rows = await _QUERIES["customers"].fetch(self._connection, tenant_id=self._tenant_id, blind=blind)
        return [(CustomerId(row["customer_id"]), row["code"]) for row in rows]

    async def add_code(
        self, challenge: bytes, blind: bytes, mark: bytes, now_us: int, expires_us: int, address: str
    ) -> None:
        await _QUERIES["forget_codes"].execute(self._connection, tenant_id=self._tenant_id, before_us=now_us - _KEPT_US)
        await _QUERIES["add_code"].execute(
            self._connection, tenant_id=self._tenant_id, challenge=challenge, blind=blind, mark=mark, now_us=now_us, expires_us=expires_us,
            address=address,
        )  # fmt: skip

    async def lock_code(self, challenge: bytes) -> HeldCode | None:
        row = await _QUERIES["lock_code"].fetchrow(self._connection, tenant_id=self._tenant_id, challenge=challenge)
        return None if row is None else HeldCode(**dict(row))

    async def note_guess(self, code_id: int) -> None:
        await _QUERIES["note_guess"].execute(self._connection, tenant_id=self._tenant_id, code_id=code_id)

    async def use_code(self, code_id: int, now_us: int) -> None:
        await _QUERIES["use_code"].execute(self._connection, tenant_id=self._tenant_id, code_id=code_id, now_us=now_us)

    async def add_session(self, session_hash: bytes, blind: bytes, expires_at: datetime, address: str) -> None:
        await _QUERIES["forget_sessions"].execute(self._connection, tenant_id=self._tenant_id)
        await _QUERIES["add_session"].execute(
            self._connection, session_hash=session_hash, tenant_id=self._tenant_id, blind=blind, expires_at=expires_at, address=address
        )  # fmt: skip

    async def end_session(self, session_hash: bytes) -> None:
        await _QUERIES["end_session"].execute(self._connection, tenant_id=self._tenant_id, session_hash=session_hash)

    async def wechat_phone(self, open_blind: bytes) -> bytes | None:
        found: bytes | None = await _QUERIES["wechat_phone"].fetchval(
            self._connection, tenant_id=self._tenant_id, open_blind=open_blind
        )
        return found

    async def in_wechat(self, session_hash: bytes, open_blind: bytes) -> None:
        await _QUERIES["in_wechat"].execute(
            self._connection, tenant_id=self._tenant_id, session_hash=session_hash, open_blind=open_blind
        )

    async def wechat_of(self, session_hash: bytes) -> BoundWechat | None:
        row = await _QUERIES["wechat_of"].fetchrow(
            self._connection, tenant_id=self._tenant_id, session_hash=session_hash
        )
        sealed = None if row is None else sealed_of(row)
        if row is None or sealed is None:
            return None
        return BoundWechat(row["open_blind"], row["application"], sealed)

    async def bind_wechat(
        self, session_hash: bytes, open_blind: bytes, application: str, sealed: SealedKey, now_us: int
    ) -> bool:
        await _QUERIES["lock_wechat"].execute(self._connection, open_blind=open_blind)
        await _QUERIES["forget_wechat"].execute(self._connection, tenant_id=self._tenant_id, open_blind=open_blind)
        made = await _QUERIES["bind_wechat"].fetchval(
            self._connection, tenant_id=self._tenant_id, session_hash=session_hash, open_blind=open_blind, application=application,
            key_id=sealed.key_id, nonce=sealed.nonce, sealed=sealed.sealed, now_us=now_us,
        )  # fmt: skip
        await self.in_wechat(session_hash, open_blind)
        return made is not None

    async def unbind_wechat(self, session_hash: bytes) -> int:
        done = await _QUERIES["unbind_wechat"].execute(
            self._connection, tenant_id=self._tenant_id, session_hash=session_hash
        )
        return rows_of(done)

    async def homes(self, customer_ids: Sequence[CustomerId]) -> list[Home]:
        rows = await _QUERIES["homes"].fetch(
            self._connection, tenant_id=self._tenant_id, customer_ids=list(customer_ids)
        )
        hung = await _QUERIES["home_meters"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=[row["account_id"] for row in rows]
        )
        meters: dict[int, list[HomeMeter]] = {}
        for row in hung:
            seen = row["last_seen_us"]
            meters.setdefault(row["account_id"], []).append(
                HomeMeter(
                    row["meter_id"],
                    row["number"],
                    row["is_prepaid"],
                    row["balance_fen"],
                    None if seen is None else utc_of_us(seen),
                )
            )
        balances = await _QUERIES["home_balances"].fetch(
            self._connection, tenant_id=self._tenant_id, account_ids=[row["account_id"] for row in rows],
            since_days=[row["since_day"] for row in rows],
        )  # fmt: skip
        at_server = {row["account_id"]: row for row in balances}
        return [
            Home(
                row["account_id"], row["customer_id"], row["number"], row["medium"], row["address"], row["held_since"], row["owed_fen"],
                row["credit_fen"], _balance(row, at_server.get(row["account_id"])), meters.get(row["account_id"], []),
            )
            for row in rows
        ]  # fmt: skip

    async def holding(self, customer_ids: Sequence[CustomerId], account_id: int) -> Holding | None:
        row = await _QUERIES["holding"].fetchrow(
            self._connection, tenant_id=self._tenant_id, customer_ids=list(customer_ids), account_id=account_id
        )
        return None if row is None else Holding(**dict(row))

    async def lock_requests(self, customer_id: CustomerId) -> None:
        await _QUERIES["lock_requests"].execute(self._connection, customer_id=customer_id)

    async def requests_since(self, customer_id: CustomerId, since_us: int) -> int:
        found: int = await _QUERIES["requests_since"].fetchval(
            self._connection, tenant_id=self._tenant_id, customer_id=customer_id, since_us=since_us
        )
        return found

    async def add_request(self, order_id: OrderId, customer_id: CustomerId, account_id: AccountId) -> None:
        await _QUERIES["add_request"].execute(
            self._connection, tenant_id=self._tenant_id, order_id=order_id, customer_id=customer_id, account_id=account_id
        )  # fmt: skip

    async def requests(
        self, customer_id: CustomerId, account_id: AccountId, order_id: OrderId | None = None
    ) -> list[HomeRequest]:
        of = {"tenant_id": self._tenant_id, "customer_id": customer_id, "account_id": account_id, "order_id": order_id}
        rows = await _QUERIES["requests"].fetch(self._connection, **of)
        return [
            HomeRequest(
                OrderId(row["order_id"]), AccountId(row["account_id"]), row["kind"], row["text"], OrderState(row["state"]),
                utc_of_us(row["made_us"]), None if row["due_us"] is None else utc_of_us(row["due_us"]),
                None if row["ended_us"] is None else utc_of_us(row["ended_us"]),
                None if row["outcome"] is None else OrderOutcome(row["outcome"]), row["answer"],
            )
            for row in rows
        ]  # fmt: skip

    async def utility_name(self) -> str:
        found: str = await _QUERIES["utility_name"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

# SPDX-License-Identifier: Apache-2.0
"""What customers' pages ask of the store. Every question names whose it is: what another customer holds is not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from openmains.app.notice.sealing import SealedKey
from openmains.app.portal.model import Home, HomeRequest
from openmains.domain.ids import AccountId, CustomerId, OrderId, TenantId
from openmains.domain.period import Zone


@dataclass(frozen=True, slots=True)
class Utility:
    """Before anybody is known: which utility, and its time."""

    tenant_id: TenantId
    zone: Zone


@dataclass(frozen=True, slots=True)
class VisitorSession:
    """A session that is not over, with the customers whose own phone it is now."""

    tenant_id: TenantId
    zone: Zone
    expires_at: datetime
    customer_ids: tuple[CustomerId, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldCode:
    """A code that was asked for, under lock."""

    code_id: int
    blind: bytes
    mark: bytes
    guesses: int
    expires_us: int
    used_us: int | None


@dataclass(frozen=True, slots=True)
class Holding:
    """Who of the visitor's customers holds an account, since when."""

    account_id: AccountId
    customer_id: CustomerId
    since: datetime


@dataclass(frozen=True, slots=True)
class BoundWechat:
    """A WeChat that is bound to the phone of a session."""

    open_blind: bytes
    application: str
    sealed: SealedKey


class PortalLookups(Protocol):
    """The look-ups that cross tenants."""

    async def utility(self, code: str | None) -> Utility | None:
        """By its code; without one the only one there is."""

    async def of_challenge(self, challenge: bytes) -> Utility | None: ...
    async def session(self, session_hash: bytes) -> VisitorSession | None:
        """None too where the phone is nobody's any more."""


class PortalStore(Protocol):
    """Codes, sessions and homes of one utility's customers."""

    async def lock_phone(self, blind: bytes) -> None:
        """Nobody else asks for a code for this phone until the transaction ends."""

    async def asked(self, blind: bytes, since_us: int) -> list[int]:
        """When codes for it were asked for, newest first."""

    async def customers(self, blind: bytes) -> list[tuple[CustomerId, str]]:
        """Whose own phone it is, by id and code."""

    async def add_code(
        self, challenge: bytes, blind: bytes, mark: bytes, now_us: int, expires_us: int, address: str
    ) -> None:
        """What is a day old is forgotten."""

    async def lock_code(self, challenge: bytes) -> HeldCode | None: ...
    async def note_guess(self, code_id: int) -> None: ...
    async def use_code(self, code_id: int, now_us: int) -> None: ...
    async def add_session(self, session_hash: bytes, blind: bytes, expires_at: datetime, address: str) -> None: ...
    async def end_session(self, session_hash: bytes) -> None: ...
    async def wechat_phone(self, open_blind: bytes) -> bytes | None:
        """The phone to which a WeChat is bound, as its hash."""

    async def in_wechat(self, session_hash: bytes, open_blind: bytes) -> None:
        """The session is in this WeChat."""

    async def wechat_of(self, session_hash: bytes) -> BoundWechat | None:
        """In which WeChat a session is, if that is still bound to its phone."""

    async def bind_wechat(
        self, session_hash: bytes, open_blind: bytes, application: str, sealed: SealedKey, now_us: int
    ) -> bool:
        """To the phone of the session, which is in it from now on; it is bound to no other. False: there is no such session."""

    async def unbind_wechat(self, session_hash: bytes) -> int:
        """All that are bound to the session's phone; how many there were."""

    async def homes(self, customer_ids: Sequence[CustomerId]) -> list[Home]:
        """Accounts that they hold now, with what hangs there; at most 100."""

    async def holding(self, customer_ids: Sequence[CustomerId], account_id: int) -> Holding | None:
        """None: none of them holds it now."""

    async def lock_requests(self, customer_id: CustomerId) -> None:
        """Nobody else asks for this customer until the transaction ends."""

    async def requests_since(self, customer_id: CustomerId, since_us: int) -> int: ...
    async def add_request(self, order_id: OrderId, customer_id: CustomerId, account_id: AccountId) -> None: ...
    async def requests(
        self, customer_id: CustomerId, account_id: AccountId, order_id: OrderId | None = None
    ) -> list[HomeRequest]:
        """Newest first, at most 50; or this one alone."""

    async def utility_name(self) -> str: ...

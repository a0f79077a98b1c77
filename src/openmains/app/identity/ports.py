# SPDX-License-Identifier: Apache-2.0
"""What people, their credentials and the trail of what they did ask of the store."""

from datetime import datetime
from typing import Any, Protocol

from openmains.app.identity.application_model import ApplicationRecord
from openmains.app.identity.model import Actor, ApiToken, AuditEntry, RoleRecord, SignInRecord, TrailFilter, User
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.reach import EVERYWHERE, Reach
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, TokenId, UserId


class SignInStore(Protocol):
    """The only look-ups across tenants: they happen before a tenant is known."""

    async def only_tenant_code(self) -> str | None:
        """Code of the tenant when there is exactly one."""

    async def find_sign_in(self, tenant_code: str, login: str, address: str, browser: str) -> SignInRecord | None:
        """The person and what is known of the place: ``browser`` where the person signed in with it before, else ``address``."""

    async def find_credential(self, secret_hash: bytes) -> Actor | None:
        """Who a session or token belongs to, if it is valid now."""

    async def find_application(self, client_id: str, secret_hash: bytes) -> ApplicationRecord | None:
        """The client application of this name, and whether the secret is one of its own."""


class UserStore(Protocol):
    async def page(self, limit: int, after: int) -> list[User]: ...
    async def get(self, user_id: UserId) -> User | None: ...
    async def add(
        self, login: str, name: str, password_hash: str, role: str, locale: str, reach: Reach = EVERYWHERE
    ) -> User | None:
        """None: the login is taken. The new user must change the password."""

    async def change(self, user_id: UserId, values: dict[str, Any]) -> User | None: ...
    async def remove(self, user_id: UserId) -> bool: ...
    async def password_hash(self, user_id: UserId) -> str | None: ...
    async def set_password(self, user_id: UserId, password_hash: str, *, must_change: bool) -> None: ...
    async def failures_at(self, user_id: UserId, place: str) -> tuple[int, datetime | None]:
        """Failures in a row at one place, and until when it is locked."""

    async def note_failure(self, user_id: UserId, place: str, failures: int, locked_until: datetime | None) -> None: ...
    async def note_known(self, user_id: UserId, place: str) -> None:
        """The person signed in there: its failures are forgotten, those of other places stay."""

    async def forget_places(self, user_id: UserId) -> None:
        """Places of the tenant that were quiet for long."""

    async def clear_failures(self, user_id: UserId) -> None:
        """No place is locked for this person any more."""

    async def other_administrators(self, user_id: UserId) -> int:
        """Enabled administrators apart from this user."""


class ReachStore(Protocol):
    """What grants may be limited to."""

    async def unknown(self, reach: Reach) -> Reach:
        """Of its places and products those that the utility does not have."""


class RoleStore(Protocol):
    """The built-in roles and those of the utility's own."""

    async def all(self) -> list[RoleRecord]:
        """The built-in ones in their order, then its own by name."""

    async def get(self, code: str) -> RoleRecord | None: ...
    async def add(self, name: str, permissions: frozenset[Permission]) -> RoleRecord | None:
        """None: another role has the name."""

    async def change(
        self, role_id: int, revision: int, name: str, permissions: frozenset[Permission]
    ) -> RoleRecord | None:
        """None: it was changed meanwhile, or is gone. Raises ``NameTakenError``."""

    async def remove(self, role_id: int) -> bool:
        """False: people or tokens that are valid have it, or it is gone. Tokens of it that are spent go with it."""


class NameTakenError(Exception):
    """Another role of the utility has this name."""


class CredentialStore(Protocol):
    async def add_session(self, secret_hash: bytes, user_id: UserId, expires_at: datetime, address: str) -> None: ...
    async def extend_session(self, secret_hash: bytes, expires_at: datetime) -> None: ...
    async def touch_token(self, secret_hash: bytes) -> None: ...
    async def end_session(self, secret_hash: bytes) -> None: ...
    async def end_sessions_of(self, user_id: UserId, keep: bytes | None = None) -> None: ...
    async def tokens(self, user_id: UserId | None, limit: int, after: int) -> list[ApiToken]: ...
    async def token(self, token_id: TokenId) -> ApiToken | None: ...
    async def add_token(
        self, user_id: UserId, name: str, secret_hash: bytes, role: str, expires_at: datetime | None
    ) -> ApiToken: ...
    async def revoke_token(self, token_id: TokenId) -> bool: ...
    async def revoke_tokens_of(self, user_id: UserId) -> None: ...


class AuditTrail(Protocol):
    async def record(
        self,
        actor: Actor,
        action: str,
        object_type: str,
        object_id: int | str,
        before: Any,
        after: Any,
        *,
        reason: str = "",
    ) -> None:
        """One line, in the caller's transaction. ``before``/``after``: plain values or records without secrets;
        ``reason``: what the person said, where the act asks for it."""

    async def page(self, limit: int, after: int | None, chosen: TrailFilter) -> list[AuditEntry]:
        """In the order that is chosen, beyond the entry ``after``."""


class AccountRecovery(Protocol):
    """Users of any tenant, for a person at the machine itself. Each call is one transaction, its line of the trail in it."""

    async def add(self, tenant_id: TenantId, login: str, name: str, password_hash: str, role: Role) -> bool:
        """The new user must change the password. False: the login is taken."""

    async def restore(self, tenant_id: TenantId, login: str, password_hash: str) -> bool:
        """Another password, to be changed at the first sign-in; locks are lifted, sessions and tokens end. False: no such
        login."""
